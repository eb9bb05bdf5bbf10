/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of a control connection: hostile sizes and headers are refused, the right ones do what they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fs/control/control.h"
#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "fs/extent/extent_map.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define LEN 50000u

static int send(struct filled *f, unsigned command, void *arg, size_t len)
{
	uint8_t reply[CONTROL_SIZE_MAX];
	int rc = control_run(f->vol, INO_ROOT, command, arg, len, reply);

	if (rc == 0)
		memcpy(arg, reply, len);
	return rc;
}

static void test_header(void **state)
{
	struct control_hello hello = {.header = control_header(CONTROL_HELLO)}, bad;

	assert_int_equal(send(*state, CONTROL_HELLO, &hello, sizeof hello), 0);
	assert_int_equal(hello.readonly, 0);
	assert_string_equal(hello.release, PACKAGE_VERSION);
	assert_int_not_equal(hello.store_ino, 0);
	for (size_t len = 0; len < sizeof hello; len++) {
		bad.header = control_header(CONTROL_HELLO);
		assert_int_equal(send(*state, CONTROL_HELLO, &bad, len), -EINVAL);
	}
	bad.header = control_header(CONTROL_HELLO);
	bad.header.magic ^= 1;
	assert_int_equal(send(*state, CONTROL_HELLO, &bad, sizeof bad), -EINVAL);
	bad.header = control_header(CONTROL_HELLO);
	bad.header.size++;
	assert_int_equal(send(*state, CONTROL_HELLO, &bad, sizeof bad), -EINVAL);
	bad.header = control_header(CONTROL_HELLO);
	bad.header.reserved = 1;
	assert_int_equal(send(*state, CONTROL_HELLO, &bad, sizeof bad), -EINVAL);
	bad.header = control_header(CONTROL_HELLO);
	bad.header.version++;
	assert_int_equal(send(*state, CONTROL_HELLO, &bad, sizeof bad), -EPROTONOSUPPORT);
}

/* Numbers that are near to those that exist: another direction, another size, another number. */
static void test_unknown(void **state)
{
	static const unsigned known[] = {CONTROL_HELLO, CONTROL_STAT, CONTROL_COMMIT, CONTROL_COMPACT, CONTROL_MODELS};
	uint8_t arg[CONTROL_SIZE_MAX] = {0};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		unsigned n = known[i], size = _IOC_SIZE(n);
		unsigned others[] = {
			_IOC(_IOC_READ, CONTROL_TYPE, _IOC_NR(n), size),
			_IOC(_IOC_READ | _IOC_WRITE, CONTROL_TYPE, _IOC_NR(n), size + 8),
			_IOC(_IOC_READ | _IOC_WRITE, CONTROL_TYPE, _IOC_NR(n), 0),
			_IOC(_IOC_READ | _IOC_WRITE, CONTROL_TYPE, 200, size),
			_IOC(_IOC_READ | _IOC_WRITE, 'f', _IOC_NR(n), size),
		};

		for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
			struct control_header h = control_header(others[k]);

			memcpy(arg, &h, sizeof h);
			assert_int_equal(send(*state, others[k], arg, _IOC_SIZE(others[k])), -ENOTTY);
		}
		assert_true(size >= sizeof(struct control_header) && size <= CONTROL_SIZE_MAX);
	}
}

static void fill(struct filled *f)
{
	uint8_t bytes[LEN];

	bytes_text(bytes, LEN, 1);
	filled_put(f, "file", bytes, LEN);
}

static void check(struct filled *f)
{
	uint8_t bytes[LEN];

	bytes_text(bytes, LEN, 1);
	assert_int_equal(filled_check(f, "file", bytes, LEN), 0);
}

static void test_stat(void **state)
{
	struct filled *f = *state;
	struct control_commit commit = {.header = control_header(CONTROL_COMMIT)};
	struct control_stat c = {.header = control_header(CONTROL_STAT)};
	struct store_stat direct;

	fill(f);
	assert_int_equal(send(f, CONTROL_COMMIT, &commit, sizeof commit), 0);
	assert_int_equal(send(f, CONTROL_STAT, &c, sizeof c), 0);
	assert_string_equal(c.label, "test");
	assert_int_equal(c.chunk_size, 16384);
	assert_int_equal(store_stat(f->vol, &direct), 0);
	assert_memory_equal(&c.stat, &direct, sizeof direct);
	assert_int_equal(c.stat.files, 1);
	assert_int_equal(c.stat.hot.extents, 4);
}

static void test_models(void **state)
{
	struct filled *f = *state;
	struct control_models c = {.header = control_header(CONTROL_MODELS)};
	uint8_t dict[4096];
	uint16_t number[CONTROL_MODELS_MAX + 6];
	unsigned n = sizeof number / sizeof *number, seen = 0;

	for (unsigned i = 0; i < n; i++) {
		bytes_random(dict, sizeof dict, i);
		assert_int_equal(models_add(f->vol, MODEL_ZDICT, 0, dict, sizeof dict, &number[i]), 0);
	}
	do {
		c.header = control_header(CONTROL_MODELS);
		assert_int_equal(send(f, CONTROL_MODELS, &c, sizeof c), 0);
		for (uint32_t i = 0; i < c.count; i++, seen++)
			assert_int_equal(c.list[i].number, number[seen]);
	} while (c.from > 0);
	assert_int_equal(seen, n);
}

static int compact(struct filled *f, struct control_compact *c, uint32_t action)
{
	c->header = control_header(CONTROL_COMPACT);
	c->action = action;
	return send(f, CONTROL_COMPACT, c, sizeof *c);
}

static void wait_for(struct filled *f, uint64_t run, struct control_compact *c)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	while (compact(f, c, CONTROL_COMPACT_STATUS) == 0 && c->status.finished < run)
		nanosleep(&pause, NULL);
}

static void test_compact(void **state)
{
	struct filled *f = *state;
	struct compactor_options opt = {.automatic = false};
	struct control_compact c = {.asked = {.tier = TIER_WARM, .neural_level = 1, .now = 1, .threads = 2}}, bad = c;

	assert_int_equal(compact(f, &c, CONTROL_COMPACT_STATUS), -EROFS); /* nobody is there */
	fill(f);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(compactor_create(f->vol, &opt), 0);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_STATUS), 0);
	assert_int_equal(c.status.state, COMPACTOR_STOPPED);
	assert_int_equal(compact(f, &bad, 99), -EINVAL);
	bad.asked.tier = 7;
	assert_int_equal(compact(f, &bad, CONTROL_COMPACT_START), -EINVAL);
	bad = c;
	bad.asked.threads = UINT32_MAX;
	assert_int_equal(compact(f, &bad, CONTROL_COMPACT_START), -EINVAL);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_START), 0);
	assert_int_equal(c.status.asked, 1);
	wait_for(f, 1, &c);
	assert_int_equal(c.status.asked_error, 0);
	assert_int_equal(c.status.last_asked.extents, 4);
	assert_int_equal(c.status.last_asked.moved, 4);
	assert_true(c.status.last_asked.after_bytes < c.status.last_asked.before_bytes);
	check(f);
	filled_reopen(f);
	check(f);
}

/* A run that is asked for while this is held comes to its first change of a record at most, and does not end. */
static void hold(struct filled *f)
{
	pthread_mutex_lock(&f->vol->extents->record_mutex);
}

static void let_go(struct filled *f)
{
	pthread_mutex_unlock(&f->vol->extents->record_mutex);
}

/* A run that is paused takes nothing up, a second one is refused meanwhile, and stop ends it at once. */
static void test_pause(void **state)
{
	struct filled *f = *state;
	struct compactor_options opt = {.automatic = false};
	struct control_compact c = {.asked = {.tier = TIER_WARM, .neural_level = 1, .now = 1, .threads = 1}};

	fill(f);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(compactor_create(f->vol, &opt), 0);
	hold(f);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_START), 0);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_PAUSE), 0);
	assert_int_equal(c.status.state, COMPACTOR_PAUSED);
	assert_int_equal(c.status.finished, 0);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_START), -EBUSY);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_STOP), 0);
	let_go(f);
	wait_for(f, 1, &c);
	assert_int_equal(c.status.state, COMPACTOR_STOPPED);
	assert_true(c.status.asked_error == -EINTR || c.status.last_asked.extents == 4);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_START), 0);
	wait_for(f, 2, &c);
	assert_int_equal(c.status.asked_error, 0);
	check(f);
}

static int model_rm(struct filled *f, uint32_t number)
{
	struct control_model_rm c = {.header = control_header(CONTROL_MODEL_RM), .number = number};

	return send(f, CONTROL_MODEL_RM, &c, sizeof c);
}

/* While a run that was asked for is under way no model goes; the daemon's own work makes room. */
static void test_model_rm(void **state)
{
	struct filled *f = *state;
	struct compactor_options opt = {.automatic = false};
	struct control_compact c = {.asked = {.tier = TIER_WARM, .neural_level = 1, .now = 1, .threads = 1}};
	uint8_t dict[4096];
	uint16_t number;

	bytes_random(dict, sizeof dict, 1);
	assert_int_equal(models_add(f->vol, MODEL_ZDICT, 0, dict, sizeof dict, &number), 0);
	assert_int_equal(model_rm(f, number), -EROFS); /* nobody is there to see to it */
	fill(f);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(compactor_create(f->vol, &opt), 0);
	hold(f);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_START), 0);
	assert_int_equal(model_rm(f, number), -EAGAIN);
	assert_int_equal(compact(f, &c, CONTROL_COMPACT_STOP), 0);
	let_go(f);
	wait_for(f, 1, &c);
	assert_int_equal(model_rm(f, 0), -ENOENT);
	assert_int_equal(model_rm(f, 70000), -ENOENT);
	assert_true(model_rm(f, number) == 0 || c.status.asked_error == 0); /* a whole run removes it, too */
	assert_int_equal(model_rm(f, number), -ENOENT);
}

static void test_model_rm_automatic(void **state)
{
	struct filled *f = *state;
	struct compactor_options opt = {.automatic = true, .cold_after_hours = 0, .neural_level = 1, .threads = 1};
	uint8_t dict[4096];
	uint16_t number;

	fill(f);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(compactor_create(f->vol, &opt), 0);
	for (unsigned i = 0; i < 20; i++) {
		int rc;

		bytes_random(dict, sizeof dict, i);
		assert_int_equal(models_add(f->vol, MODEL_ZDICT, 0, dict, sizeof dict, &number), 0);
		rc = model_rm(f, number);
		assert_true(rc == 0 || rc == -ENOENT); /* the run removed it */
	}
	check(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_header, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_unknown, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_stat, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_models, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_compact, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_model_rm, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_model_rm_automatic, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_pause, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
