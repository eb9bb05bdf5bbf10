/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Training through the daemon's commands: the same extents and bytes as from the volume, and models taken in pieces or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/control/control.h"
#include "fs/data/commit.h"
#include "fs/extent/extent.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define FILES 1100u

static int run(struct filled *f, unsigned command, void *c)
{
	uint8_t *reply = malloc(CONTROL_SIZE_MAX);
	int rc;

	*(struct control_header *)c = control_header(command);
	rc = control_run(f->vol, INO_ROOT, command, c, _IOC_SIZE(command), reply);
	if (rc == 0)
		memcpy(c, reply, _IOC_SIZE(command));
	free(reply);
	return rc;
}

static void fill(struct filled *f)
{
	uint8_t bytes[400];
	char name[16];

	for (unsigned i = 0; i < FILES; i++) {
		bytes_text(bytes, sizeof bytes, i);
		snprintf(name, sizeof name, "f%u", i);
		filled_put(f, name, bytes, sizeof bytes);
	}
	assert_int_equal(volume_commit(f->vol), 0);
}

struct walk {
	uint64_t *ids;
	size_t n;
};

static int remember(void *arg, const struct sample_extent *e)
{
	struct walk *w = arg;

	assert_true(w->n < 2 * FILES);
	w->ids[w->n++] = e->id;
	return 0;
}

static void test_extents(void **state)
{
	struct filled *f = *state;
	struct sample_source source = sample_source_volume(f->vol);
	struct control_extents *c = calloc(1, sizeof *c);
	struct walk w = {.ids = calloc(2 * FILES, sizeof(uint64_t))};
	size_t seen = 0;

	fill(f);
	assert_int_equal(source.scan(source.arg, remember, &w), 0);
	assert_int_equal(w.n, FILES);
	do {
		assert_int_equal(run(f, CONTROL_EXTENTS, c), 0);
		assert_int_equal(c->chunk_size, source.chunk_size);
		for (uint32_t i = 0; i < c->count; i++)
			assert_int_equal(c->list[i].id, w.ids[seen++]);
	} while (c->from > 0);
	assert_int_equal(seen, FILES);
	c->from = UINT64_MAX;
	assert_int_equal(run(f, CONTROL_EXTENTS, c), 0);
	assert_int_equal(c->count, 0);
	free(w.ids);
	free(c);
}

static void test_read(void **state)
{
	struct filled *f = *state;
	struct control_read *c = calloc(1, sizeof *c);
	struct control_extents *e = calloc(1, sizeof *e);
	uint8_t bytes[16000];

	bytes_text(bytes, sizeof bytes, 5);
	filled_put(f, "file", bytes, sizeof bytes);
	assert_int_equal(volume_commit(f->vol), 0);
	assert_int_equal(run(f, CONTROL_EXTENTS, e), 0);
	assert_int_equal(e->count, 1);
	for (uint32_t at = 0; at < sizeof bytes; at += c->len) {
		c->id = e->list[0].id;
		c->offset = at;
		c->len = CONTROL_READ_MAX;
		assert_int_equal(run(f, CONTROL_READ, c), 0);
		assert_int_equal(c->len, at ? sizeof bytes - CONTROL_READ_MAX : CONTROL_READ_MAX);
		assert_memory_equal(c->bytes, bytes + at, c->len);
	}
	c->offset = sizeof bytes;
	assert_int_equal(run(f, CONTROL_READ, c), -EINVAL);
	c->offset = 0;
	c->len = CONTROL_READ_MAX + 1;
	assert_int_equal(run(f, CONTROL_READ, c), -EINVAL);
	c->len = 1;
	c->id = 123456;
	assert_int_equal(run(f, CONTROL_READ, c), -ENOENT);
	free(e);
	free(c);
}

static void piece(struct models_piece *p, const uint8_t *all, uint32_t total, uint32_t offset, uint32_t len)
{
	p->kind = MODEL_ZDICT;
	p->total = total;
	p->offset = offset;
	p->len = len;
	memcpy(p->bytes, all + offset, len);
}

static void test_model(void **state)
{
	struct filled *f = *state;
	struct control_model_add *c = calloc(1, sizeof *c);
	uint8_t dict[4096];
	uint32_t len = (uint32_t)filled_train_zdict(dict, sizeof dict, 77);

	assert_true(len > 300);
	piece(&c->piece, dict, len, 0, 100);
	assert_int_equal(run(f, CONTROL_MODEL_ADD, c), 0);
	piece(&c->piece, dict, len, 200, 100);
	assert_int_equal(run(f, CONTROL_MODEL_ADD, c), -EINVAL); /* a gap */
	c->piece.token++;
	piece(&c->piece, dict, len, 100, 100);
	assert_int_equal(run(f, CONTROL_MODEL_ADD, c), -ESTALE);
	c->piece.token--;
	piece(&c->piece, dict, len, 100, len - 100);
	assert_int_equal(run(f, CONTROL_MODEL_ADD, c), 0);
	assert_true(c->piece.number > 0);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), c->piece.number);
	filled_reopen(f);
	assert_int_equal(models_active(f->vol, MODEL_ZDICT), c->piece.number);
	piece(&c->piece, dict, len, 100, 100);
	assert_int_equal(run(f, CONTROL_MODEL_ADD, c), -ESTALE);
	free(c);
}

static void test_bad_models(void **state)
{
	static const struct {
		uint32_t kind, total, offset, len;
	} bad[] = {
		{0, 100, 0, 100},          {3, 100, 0, 100}, {MODEL_NEURAL, 0, 0, 0},
		{MODEL_NEURAL, 100, 0, 0}, {MODEL_NEURAL, 100, 0, 101}, {MODEL_NEURAL, MODEL_BYTES_MAX + 1, 0, 100},
		{MODEL_NEURAL, 100, 0, UINT32_MAX}, {MODEL_NEURAL, 100000, 0, MODELS_PIECE_MAX + 1},
		{MODEL_NEURAL, 100, 0, 100}, /* fits, but is no network */
	};
	struct filled *f = *state;
	struct control_model_add *c = calloc(1, sizeof *c);

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		c->piece = (struct models_piece){
			.kind = bad[i].kind, .total = bad[i].total, .offset = bad[i].offset, .len = bad[i].len,
		};
		assert_int_equal(run(f, CONTROL_MODEL_ADD, c), -EINVAL);
	}
	assert_int_equal(models_active(f->vol, MODEL_NEURAL), 0);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_extents, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_read, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_model, filled_setup, filled_teardown),
		cmocka_unit_test_setup_teardown(test_bad_models, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
