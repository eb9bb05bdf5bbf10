/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scrub: damage is found, remembered over mounts, listed with its files, and forgotten when it is rewritten, deleted or mended; models are
 * mended from the other strips; a round goes on where it stopped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "fs/check/scrub.h"
#include "fs/control/stat.h"
#include "fs/data/chunk.h"
#include "fs/data/commit.h"
#include "fs/data/damage.h"
#include "fs/extent/models.h"
#include "fs/extent/scan.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define LEN 100000u

static struct scrub_progress scrub(struct filled *f)
{
	struct scrub_progress p;

	do
		assert_int_equal(scrub_step(f->vol, 30000, false, &p), 0);
	while (!p.ended);
	return p;
}

static int first_extent(void *arg, const struct extent *e)
{
	*(struct extent *)arg = *e;
	return 1;
}

static int count_file(void *arg, uint64_t ino, const char *path)
{
	const char **expected = arg;

	(void)ino;
	assert_non_null(*expected);
	assert_string_equal(path, *expected);
	*expected = NULL;
	return 0;
}

/* Exactly this file is listed, NULL: none. */
static void check_listed(struct filled *f, const char *path)
{
	struct store_stat s;

	assert_int_equal(store_stat(f->vol, &s), 0);
	assert_int_equal(s.damaged, path ? 1 : 0);
	assert_int_equal(damage_list(f->vol, count_file, &path), 0);
	assert_null(path);
}

static void put(struct filled *f, const char *name, uint8_t *bytes, uint64_t seed)
{
	bytes_random(bytes, LEN, seed);
	filled_put(f, name, bytes, LEN);
}

static void test_damage_is_found_and_forgotten(void **state)
{
	struct filled *f = *state;
	uint8_t *a = malloc(LEN), *b = malloc(LEN);
	struct scrub_progress p;
	struct extent e;

	assert_true(a && b);
	put(f, "a", a, 1);
	assert_int_equal(volume_commit(f->vol), 0);
	put(f, "b", b, 2);
	assert_int_equal(volume_commit(f->vol), 0);
	p = scrub(f);
	assert_true(p.extents >= 2 * LEN / 16384 && p.bytes > 2 * LEN);
	assert_int_equal(p.damaged, 0);
	assert_true(p.finished >= p.started && p.started > 0);
	check_listed(f, NULL);

	assert_int_equal(scan_extents(f->vol, first_extent, &e), 1);
	filled_damage(f, e.pos.segment, e.pos.offset + 100);
	p = scrub(f);
	assert_int_equal(p.damaged, 1);
	check_listed(f, "/a");
	filled_reopen(f);
	check_listed(f, "/a");
	assert_int_equal(filled_check(f, "a", a, LEN), -EIO);
	assert_int_equal(filled_check(f, "b", b, LEN), 0);

	filled_damage(f, e.pos.segment, e.pos.offset + 100); /* flips it back */
	p = scrub(f);
	assert_int_equal(p.damaged, 0);
	assert_int_equal(p.healed, 1);
	check_listed(f, NULL);
	assert_int_equal(filled_check(f, "a", a, LEN), 0);

	filled_damage(f, e.pos.segment, e.pos.offset + 100);
	scrub(f);
	check_listed(f, "/a");
	filled_remove(f, "a");
	check_listed(f, NULL);
	assert_int_equal(filled_check(f, "b", b, LEN), 0);
	free(a);
	free(b);
}

static void test_round_goes_on(void **state)
{
	struct filled *f = *state;
	uint8_t *a = malloc(LEN);
	struct scrub_progress p, q;

	assert_non_null(a);
	put(f, "a", a, 3);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(scrub_step(f->vol, 20000, false, &p), 0);
	assert_false(p.ended);
	assert_true(p.extents >= 1 && p.extents < LEN / 16384);
	filled_reopen(f);
	assert_int_equal(scrub_step(f->vol, 1, false, &q), 0);
	assert_int_equal(q.extents, p.extents + 1);
	assert_int_equal(q.started, p.started);
	assert_int_equal(scrub_step(f->vol, 1, true, &q), 0);
	assert_int_equal(q.extents, 1);
	assert_int_equal(scrub(f).extents, (LEN + 16383) / 16384);
	free(a);
}

static void test_model_is_mended(void **state)
{
	struct filled *f = *state;
	struct index_record rec;
	struct scrub_progress p;
	struct model_disk d;
	struct index_op op;
	struct codec_model *model;
	uint8_t dict[4096], key[4];
	uint16_t number;
	size_t len = filled_train_zdict(dict, sizeof dict, 1);
	unsigned lost;

	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, dict, len, &number), 0);
	assert_int_equal(volume_commit(f->vol), 0);
	be32_put(key, number);
	for (int i = 0; i <= MODEL_STRIPS; i++) {
		index_begin(f->vol->index, &op);
		assert_int_equal(index_get(&op, TABLE_MODEL, key, sizeof key, rec.value, sizeof rec.value), sizeof d);
		index_end(&op);
		memcpy(&d, rec.value, sizeof d);
		filled_damage(f, le32_get(d.strip[i].segment), le32_get(d.strip[i].offset) + 100);
		p = scrub(f);
		assert_int_equal(p.models, 1);
		assert_int_equal(p.models_lost, 0);
		filled_reopen(f);
		assert_int_equal(scrub(f).models, 0);
	}
	assert_int_equal(models_get(f->vol, number, &model), 0);
	codec_model_put(model);
	assert_int_equal(models_mend(f->vol, &lost), 0);
	assert_int_equal(lost, 0);
}

struct told {
	unsigned n;
	uint64_t ino;
	uint32_t chunk;
	char path[64];
};

static void on_damage(void *arg, uint64_t ino, uint32_t chunk, const char *path)
{
	struct told *t = arg;

	t->n++;
	t->ino = ino;
	t->chunk = chunk;
	strncpy(t->path, path, sizeof t->path - 1);
}

static void test_reader_is_told_once(void **state)
{
	struct filled *f = *state;
	uint8_t *a = malloc(LEN);
	struct told told = { 0 };
	struct index_op op;
	struct extent e;
	uint64_t id;

	assert_non_null(a);
	put(f, "file", a, 4);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(scan_extents(f->vol, first_extent, &e), 1);
	filled_damage(f, e.pos.segment, e.pos.offset + 100);
	filled_reopen(f);
	f->vol->opt.damaged = on_damage;
	f->vol->opt.damaged_arg = &told;
	for (int i = 0; i < 3; i++)
		assert_int_equal(filled_check(f, "file", a, LEN), -EIO);
	assert_int_equal(told.n, 1);
	assert_string_equal(told.path, "/file");
	index_begin(f->vol->index, &op);
	assert_int_equal(chunk_lookup(&op, told.ino, told.chunk, &id), 0);
	index_end(&op);
	assert_int_equal(id, e.id);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_damage_is_found_and_forgotten, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_round_goes_on, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_model_is_mended, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_reader_is_told_once, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
