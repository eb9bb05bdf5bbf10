/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small files are packed together, and stay the files they were: whatever of them is deleted, written again, packed again,
 * damaged, or killed in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "fs/extent/models.h"
#include "fs/extent/scan.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "index/group.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define FILES 60u
#define LEN_MAX 4000u

static size_t length_of(unsigned i)
{
	return i % 20 == 7 ? 1 : 200 + i * 617 % (LEN_MAX - 200);
}

/* File i, written for the v-th time. */
static size_t contents(uint8_t bytes[LEN_MAX], unsigned i, unsigned v)
{
	bytes_text(bytes, length_of(i), 100 * v + i / 3);
	bytes[0] = (uint8_t)(i + v);
	return length_of(i);
}

static const char *name_of(unsigned i)
{
	static char name[16];

	snprintf(name, sizeof name, "file%u", i);
	return name;
}

static void put(struct filled *f, unsigned i, unsigned v)
{
	uint8_t bytes[LEN_MAX];

	filled_put(f, name_of(i), bytes, contents(bytes, i, v));
}

static int check(struct filled *f, unsigned i, unsigned v)
{
	uint8_t bytes[LEN_MAX];
	size_t n = contents(bytes, i, v);

	return filled_check(f, name_of(i), bytes, n);
}

/* Files 0, step, 2 step, .. are as they were written first. */
static void check_every(struct filled *f, unsigned step)
{
	for (unsigned i = 0; i < FILES; i += step)
		assert_int_equal(check(f, i, 0), 0);
}

static void fill(struct filled *f)
{
	for (unsigned i = 0; i < FILES; i++)
		put(f, i, 0);
	assert_int_equal(volume_commit(f->vol), 0);
}

static void add_zdict(struct filled *f, uint64_t seed)
{
	uint8_t dict[4096];
	size_t len = filled_train_zdict(dict, sizeof dict, seed);
	uint16_t number;

	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, dict, len, &number), 0);
	assert_int_equal(volume_commit(f->vol), 0);
}

struct census {
	uint64_t live, plain, whole, left;
	unsigned alone, groups, members;
	struct extent group; /* one of them */
};

static int census_take(void *arg, const struct extent *e)
{
	struct census *c = arg;

	if (e->group) {
		c->members++;
		c->plain += e->plain;
		return 0;
	}
	c->live += sizeof(struct record_disk) + (e->is_group ? group_share(e->pos.stored, e->plain, 0, e->refs) : e->pos.stored);
	if (e->is_group) {
		c->group = *e;
		c->groups++;
		c->whole += e->plain;
		c->left += e->refs;
	} else {
		c->alone++;
		c->plain += e->plain;
	}
	return 0;
}

static int model_bytes(struct filled *f, uint64_t *bytes)
{
	struct model_info *list;
	size_t n;
	int rc = models_list(f->vol, &list, &n);

	*bytes = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		*bytes += list[i].stored;
	free(list);
	return rc;
}

/* What the records say, which is what the counters say. */
static struct census census(struct filled *f)
{
	struct extent_totals totals;
	struct census c = {0};
	uint64_t models;

	assert_int_equal(scan_extents(f->vol, census_take, &c), 0);
	assert_int_equal(model_bytes(f, &models), 0);
	extent_totals(f->vol, &totals);
	assert_int_equal(totals.plain_bytes, c.plain);
	assert_int_equal(totals.live_bytes, c.live + models);
	return c;
}

static struct compact_result compact(struct filled *f, enum compact_tier tier, uint32_t group_bytes)
{
	struct compact_options opt;
	struct compact_result r;

	compact_options_init(&opt);
	opt.now = true;
	opt.tier = tier;
	opt.group_bytes = group_bytes;
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	assert_int_equal(r.refused, 0);
	assert_int_equal(r.figures.done_bytes, r.figures.total_bytes);
	return r;
}

static void test_packed(void **state)
{
	struct filled *f = *state;
	struct compact_result r;
	struct census before, c;

	fill(f);
	before = census(f);
	assert_int_equal(before.alone, FILES);
	r = compact(f, TIER_WARM, GROUP_BYTES_DEFAULT);
	assert_true(r.extents == FILES && r.moved == FILES && r.kept + r.raced + r.damaged == 0);
	c = census(f);
	assert_int_equal(c.members, FILES);
	assert_int_equal(c.alone, 0);
	assert_in_range(c.groups, c.plain / 16384 + 1, FILES / 4);
	assert_true(c.plain == before.plain && c.whole == c.left && c.live < before.live);
	assert_true(r.figures.before_bytes == before.live && r.figures.after_bytes == c.live);
	check_every(f, 1);
	filled_reopen(f);
	check_every(f, 1);
	for (unsigned i = FILES; i-- > 0;)
		assert_int_equal(check(f, i, 0), 0);
	/* Nothing is tried twice; a new model is a reason. */
	assert_int_equal(compact(f, TIER_WARM, GROUP_BYTES_DEFAULT).extents, 0);
	add_zdict(f, 3);
	r = compact(f, TIER_WARM, GROUP_BYTES_DEFAULT);
	assert_int_equal(r.extents, FILES);
	assert_true(r.moved > 0);
	c = census(f);
	assert_int_equal(c.group.model, models_active(f->vol, MODEL_ZDICT));
	assert_int_equal(compact(f, TIER_WARM, GROUP_BYTES_DEFAULT).extents, 0);
	filled_reopen(f);
	check_every(f, 1);
}

static void test_alone(void **state)
{
	struct filled *f = *state;
	struct census c;

	fill(f);
	compact(f, TIER_WARM, 0);
	c = census(f);
	assert_true(c.groups == 0 && c.members == 0 && c.alone == FILES);
	check_every(f, 1);
}

/* Deleting a file frees its share; when enough is dead, what is left is packed anew. */
static void test_deleted(void **state)
{
	struct filled *f = *state;
	struct compact_result r;
	struct census c, packed;

	fill(f);
	compact(f, TIER_WARM, GROUP_BYTES_DEFAULT);
	packed = census(f);
	for (unsigned i = 0; i < FILES; i++) {
		if (i % 3)
			filled_remove(f, name_of(i));
	}
	assert_int_equal(volume_commit(f->vol), 0);
	c = census(f);
	assert_int_equal(c.members, FILES / 3);
	assert_true(c.left == c.plain && c.left < c.whole / 2 && c.live < packed.live / 2 + 64 * c.groups);
	check_every(f, 3);
	filled_reopen(f);
	r = compact(f, TIER_WARM, GROUP_BYTES_DEFAULT);
	assert_int_equal(r.extents, FILES / 3);
	assert_true(r.moved == r.extents && r.segments_removed > 0);
	c = census(f);
	assert_true(c.members == FILES / 3 && c.whole == c.left && c.groups < packed.groups);
	check_every(f, 3);
	filled_reopen(f);
	check_every(f, 3);
	for (unsigned i = 0; i < FILES; i += 3)
		filled_remove(f, name_of(i));
	assert_int_equal(volume_commit(f->vol), 0);
	c = census(f);
	assert_true(c.groups + c.members + c.alone == 0 && c.plain == 0);
}

static void test_written_again(void **state)
{
	struct filled *f = *state;
	struct census c;

	fill(f);
	compact(f, TIER_WARM, GROUP_BYTES_DEFAULT);
	for (unsigned i = 0; i < FILES; i += 5) {
		filled_remove(f, name_of(i));
		put(f, i, 1);
	}
	assert_int_equal(volume_commit(f->vol), 0);
	c = census(f);
	assert_true(c.alone == FILES / 5 && c.members == FILES - FILES / 5);
	compact(f, TIER_COLD, GROUP_BYTES_DEFAULT);
	filled_reopen(f);
	census(f);
	for (unsigned i = 0; i < FILES; i++)
		assert_int_equal(check(f, i, i % 5 == 0), 0);
}

struct meddler {
	struct filled *f;
	unsigned calls;
};

/* While the window is encoded, two files go and one is written again. */
static int meddle(void *arg, const struct compact_progress *p)
{
	struct meddler *m = arg;

	(void)p;
	if (m->calls++ == 0) {
		filled_remove(m->f, name_of(3));
		filled_remove(m->f, name_of(40));
		put(m->f, 40, 1);
		filled_remove(m->f, name_of(59));
	}
	return 0;
}

static void test_raced(void **state)
{
	struct filled *f = *state;
	struct meddler m = {f, 0};
	struct compact_options opt;
	struct compact_result r;
	struct census c;

	fill(f);
	compact_options_init(&opt);
	opt.now = true;
	opt.tier = TIER_WARM;
	opt.threads = 1;
	opt.progress = meddle;
	opt.arg = &m;
	assert_int_equal(compact_run(f->vol, &opt, &r), 0);
	c = census(f);
	/* They went when their first commit came, before the swap or after: either way nothing is left of them. */
	assert_true(c.members + c.alone == FILES - 2);
	assert_true(r.moved + r.raced >= FILES - 3 && r.damaged == 0);
	filled_reopen(f);
	census(f);
	for (unsigned i = 0; i < FILES; i++) {
		if (i != 3 && i != 59)
			assert_int_equal(check(f, i, i == 40), 0);
	}
}

static void test_damaged(void **state)
{
	struct filled *f = *state;
	struct compact_result r;
	struct census c;
	unsigned bad = 0;

	fill(f);
	compact(f, TIER_WARM, GROUP_BYTES_DEFAULT);
	c = census(f);
	filled_damage(f, c.group.pos.segment, c.group.pos.offset + sizeof(struct record_disk) + c.group.pos.stored / 2);
	filled_reopen(f);
	add_zdict(f, 4);
	r = compact(f, TIER_WARM, GROUP_BYTES_DEFAULT);
	assert_in_range(r.damaged, 2, FILES / 2);
	c = census(f);
	assert_int_equal(c.members, FILES);
	filled_reopen(f);
	for (unsigned i = 0; i < FILES; i++) {
		int rc = check(f, i, 0);

		assert_true(rc == 0 || rc == -EIO);
		bad += rc != 0;
	}
	assert_int_equal(bad, r.damaged);
	/* The damaged can be deleted. */
	for (unsigned i = 0; i < FILES; i++)
		filled_remove(f, name_of(i));
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(census(f).plain, 0);
}

/* The process dies at the n-th of these calls. */
static unsigned calls_left;

static void die_maybe(void)
{
	if (calls_left > 0 && --calls_left == 0)
		raise(SIGKILL);
}

int __real_extent_regroup(struct index_op *op, struct volume *vol, const struct extent *group, const struct extent *from, size_t n,
			  size_t *moved);
int __wrap_extent_regroup(struct index_op *op, struct volume *vol, const struct extent *group, const struct extent *from, size_t n,
			  size_t *moved);
int __wrap_extent_regroup(struct index_op *op, struct volume *vol, const struct extent *group, const struct extent *from, size_t n,
			  size_t *moved)
{
	die_maybe();
	return __real_extent_regroup(op, vol, group, from, n, moved);
}

int __real_segment_sync(struct segments *ss);
int __wrap_segment_sync(struct segments *ss);
int __wrap_segment_sync(struct segments *ss)
{
	die_maybe();
	return __real_segment_sync(ss);
}

int __real_index_commit(struct index *ix);
int __wrap_index_commit(struct index *ix);
int __wrap_index_commit(struct index *ix)
{
	die_maybe();
	return __real_index_commit(ix);
}

/* In a process of its own: 1 when it was killed at the n-th call, 0 when it came to its end before. */
static int compact_killed(struct filled *f, enum compact_tier tier, unsigned n)
{
	int status;
	pid_t pid;

	assert_int_equal(volume_close(f->vol), 0);
	f->vol = NULL;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct compact_options opt;
		struct compact_result r;

		filled_open(f);
		compact_options_init(&opt);
		opt.now = true;
		opt.tier = tier;
		opt.threads = 1;
		calls_left = n;
		_exit(compact_run(f->vol, &opt, &r) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	filled_open(f);
	return WIFSIGNALED(status);
}

static void test_killed(void **state)
{
	struct filled *f = *state;
	unsigned n = 1;

	fill(f);
	while (compact_killed(f, TIER_WARM, n++)) {
		census(f);
		check_every(f, 1);
	}
	assert_true(n > 5);
	/* Again, from groups to groups. */
	for (unsigned i = 0; i < FILES; i += 4)
		filled_remove(f, name_of(i));
	assert_int_equal(volume_commit(f->vol), 0);
	for (n = 1; compact_killed(f, TIER_COLD, n); n++) {
		census(f);
		for (unsigned i = 0; i < FILES; i++) {
			if (i % 4)
				assert_int_equal(check(f, i, 0), 0);
		}
	}
	assert_true(n > 5);
	assert_int_equal(census(f).left, census(f).whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_packed, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_alone, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_deleted, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_written_again, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_raced, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_damaged, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_killed, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
