/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strips of models: whatever a model's length, any one strip that is lost or wrong costs nothing, and is written again; two cost the model.
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
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/check/check.h"
#include "fs/data/commit.h"
#include "fs/extent/models_set.h"
#include "fs/extent/models_strips.h"
#include "fs/store/volume_open.h"
#include "index/super.h"
#include "tests/codec/bytes.h"
#include "tests/fs/filled.h"

#define ALL (MODEL_STRIPS + 1)
#define LEN_MAX (3u << 20)
#define LEN_PIECES (2 * MODEL_STRIPS * MODEL_PIECE + 777u) /* three records in each strip */
#define ROUNDS 12

static uint32_t below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(bytes_next(state) % n);
}

static void hash_of(const uint8_t *bytes, size_t len, uint8_t hash[16])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes, len));
	memcpy(hash, canonical.digest, 16);
}

/* Damages strips in a copy of the whole ones, mends it, and tells what came out of it. */
static int damage_and_mend(const uint8_t *whole, uint32_t len, unsigned lost, unsigned flipped, uint64_t *random, const uint8_t hash[16],
			   int *bad)
{
	size_t n = model_strip(len);
	uint8_t *s = strips_new(len);
	int rc;

	assert_non_null(s);
	memcpy(s, whole, ALL * n);
	for (int i = 0; i < ALL; i++) {
		if (lost >> i & 1)
			memset(s + i * n, 0xa5, n);
		if (flipped >> i & 1)
			s[i * n + below(random, (uint32_t)n)] ^= (uint8_t)(1 + below(random, 255));
	}
	rc = strips_mend(s, len, lost, hash, 16, bad);
	if (rc == 0)
		assert_memory_equal(s, whole, ALL * n);
	free(s);
	return rc;
}

static void test_any_one_strip(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (uint32_t round = 0; round < 300; round++) {
		uint32_t len = round < 40 ? round + 1 : 1 + below(&random, 5000);
		uint8_t bytes[5000], hash[16], *whole;
		int bad;

		bytes_random(bytes, len, round);
		hash_of(bytes, len, hash);
		whole = strips_make(bytes, len);
		assert_non_null(whole);
		assert_memory_equal(whole, bytes, len);
		assert_int_equal(damage_and_mend(whole, len, 0, 0, &random, hash, &bad), 0);
		assert_int_equal(bad, -1);
		for (int i = 0; i < ALL; i++) {
			int other = (i + 1 + (int)below(&random, MODEL_STRIPS)) % ALL;

			assert_int_equal(damage_and_mend(whole, len, 1u << i, 0, &random, hash, &bad), 0);
			assert_int_equal(bad, i);
			assert_int_equal(damage_and_mend(whole, len, 1u << i | 1u << other, 0, &random, hash, &bad), -EUCLEAN);
		}
		free(whole);
	}
}

/* No checksum has told which strip it is. The lengths leave no zeros behind the last byte, of which a flip is not the model's. */
static void test_any_one_flip(void **state)
{
	uint64_t random = 2;

	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		uint32_t len = MODEL_STRIPS * (1 + below(&random, 1000));
		uint8_t bytes[MODEL_STRIPS * 1000], hash[16], *whole;
		int bad;

		bytes_random(bytes, len, round);
		hash_of(bytes, len, hash);
		whole = strips_make(bytes, len);
		assert_non_null(whole);
		for (int i = 0; i < ALL; i++) {
			int other = (i + 1 + (int)below(&random, MODEL_STRIPS)) % ALL;

			assert_int_equal(damage_and_mend(whole, len, 0, 1u << i, &random, hash, &bad), 0);
			assert_int_equal(bad, i);
			/* Two, of which at least one is of the model itself. */
			assert_int_equal(damage_and_mend(whole, len, 1u << i, 1u << other, &random, hash, &bad), -EUCLEAN);
			assert_int_equal(damage_and_mend(whole, len, 0, 1u << i | 1u << other, &random, hash, &bad), -EUCLEAN);
		}
		free(whole);
	}
}

static void segments_shorten(struct filled *f)
{
	struct index_op op;

	f->vol->super.segment_size = 65536;
	index_begin(f->vol->index, &op);
	assert_int_equal(super_store(&op, &f->vol->super), 0);
	index_end(&op);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	assert_int_equal(f->vol->super.segment_size, 65536);
}

/* Loses the file of a strip, its end, or a bit of it. The volume is closed. */
static void strip_damage(struct filled *f, const struct model_disk *d, int strip, uint64_t *random)
{
	uint32_t segment = le32_get(d->strip[strip].segment), offset = le32_get(d->strip[strip].offset);
	uint32_t stored = (uint32_t)model_strip_stored(le32_get(d->bytes));
	char path[400];

	snprintf(path, sizeof path, "%s/seg/%08x.seg", f->path, segment);
	switch (below(random, 3)) {
	case 0:
		assert_int_equal(unlink(path), 0);
		break;
	case 1:
		assert_int_equal(truncate(path, below(random, offset + stored)), 0);
		break;
	default:
		filled_damage(f, segment, offset + below(random, stored));
	}
}

/* The model reads as these bytes; which strip had to be computed. */
static int check_reads(struct filled *f, uint16_t number, const uint8_t *bytes, uint32_t len, struct model_disk *d)
{
	struct model_info info;
	uint8_t *strips = strips_new(len);
	int bad;

	assert_non_null(strips);
	assert_int_equal(models_record(f->vol, number, &info, d), 0);
	assert_int_equal(info.bytes, len);
	if (len == LEN_PIECES)
		assert_true(info.stored == ALL * ((len + 3) / 4 + 3 * sizeof(struct record_disk)));
	assert_int_equal(models_read(f->vol, &info, d, strips, NULL), 0);
	assert_memory_equal(strips, bytes, len);
	assert_int_equal(models_read(f->vol, &info, d, strips, &bad), 0);
	assert_memory_equal(strips, bytes, len);
	free(strips);
	for (int i = 0; i < ALL; i++)
		for (int k = 0; k < i; k++)
			assert_int_not_equal(le32_get(d->strip[i].segment), le32_get(d->strip[k].segment));
	return bad;
}

static int problem_ignore(void *arg, const struct check_problem *p)
{
	(void)arg;
	(void)p;
	return 0;
}

/* With the volume closed meanwhile: how many problems the store has. */
static uint64_t problems(struct filled *f)
{
	struct check_options opt = {.problem = problem_ignore};
	struct volume_error err = {""};
	struct check_result res;

	assert_int_equal(volume_close(f->vol), 0);
	assert_int_equal(check_store(f->path, &opt, &res, &err), 0);
	filled_open(f);
	return res.problems;
}

static void lose_one(struct filled *f, uint16_t number, const uint8_t *bytes, uint32_t len, int strip, uint64_t *random)
{
	struct model_disk d;
	unsigned lost;

	assert_int_equal(check_reads(f, number, bytes, len, &d), -1);
	assert_int_equal(volume_close(f->vol), 0);
	strip_damage(f, &d, strip, random);
	filled_open(f);
	assert_int_equal(check_reads(f, number, bytes, len, &d), strip);
	assert_true(problems(f) > 0);
	assert_int_equal(models_mend(f->vol, &lost), 1);
	assert_int_equal(lost, 0);
	assert_int_equal(volume_commit(f->vol), 0);
	filled_reopen(f);
	assert_int_equal(check_reads(f, number, bytes, len, &d), -1);
	assert_int_equal(problems(f), 0);
}

static void lose_two(struct filled *f, uint16_t number, int strip, int other, uint64_t *random)
{
	struct model_info info;
	struct codec_model *m;
	struct model_disk d;
	unsigned lost;

	assert_int_equal(models_record(f->vol, number, &info, &d), 0);
	assert_int_equal(volume_close(f->vol), 0);
	strip_damage(f, &d, strip, random);
	strip_damage(f, &d, other, random);
	filled_open(f);
	assert_int_equal(models_get(f->vol, number, &m), -EIO);
	assert_null(m);
	assert_int_equal(models_mend(f->vol, &lost), 0);
	assert_int_equal(lost, 1);
	assert_int_equal(models_rm(f->vol, number), 0);
	assert_int_equal(volume_commit(f->vol), 0);
}

/* Lengths of all magnitudes, in segments of the usual size and in short ones. */
static void test_store(void **state)
{
	struct filled *f = *state;
	uint8_t *bytes = malloc(LEN_PIECES);
	uint64_t random = 3;

	assert_non_null(bytes);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t len = round == 0 ? LEN_PIECES : round < 3 ? LEN_MAX - round : 1 + below(&random, 1u << (2 * round % 22));
		int strip = (int)(round % ALL), other = (strip + 1 + (int)below(&random, MODEL_STRIPS)) % ALL;
		uint16_t number;

		if (round == ROUNDS / 2)
			segments_shorten(f);
		bytes_random(bytes, len, round);
		assert_int_equal(models_add(f->vol, MODEL_ZDICT, 1, bytes, len, &number), 0);
		assert_int_equal(volume_commit(f->vol), 0);
		filled_reopen(f);
		lose_one(f, number, bytes, len, strip, &random);
		lose_one(f, number, bytes, len, other, &random);
		lose_two(f, number, strip, other, &random);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_one_strip),
		cmocka_unit_test(test_any_one_flip),
		cmocka_unit_test(test_any_one_flip),
		cmocka_unit_test_setup_teardown(test_store, filled_setup, filled_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
