/* SPDX-License-Identifier: BSD-2-Clause */
/* The superblock: what is written comes back; whatever is wrong with it is told apart. */
#include "index/super.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <xxhash.h>

#include <cmocka.h>

#include "tests/index/store.h"

struct open_index {
	struct store *store;
	struct index *ix;
	struct index_op op;
};

static int setup(void **state)
{
	static struct open_index o;

	if (store_setup((void **) &o.store))
		return -1;
	if (index_open(o.store->fd, o.store->path, true, false, &o.ix))
		return -1;
	index_begin(o.ix, &o.op);
	*state = &o;
	return 0;
}

static int teardown(void **state)
{
	struct open_index *o = *state;

	index_end(&o->op);
	index_close(o->ix);
	return store_teardown((void **) &o->store);
}

static void test_round_trip(void **state)
{
	struct open_index *o = *state;
	struct super sb, back;
	bool force;

	assert_int_equal(super_load(&o->op, &back, &force), -ENOENT);
	assert_int_equal(
		super_init(&sb, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_DEFAULT, "winter 32 bytes of label ......."),
		0);
	assert_int_equal(super_store(&o->op, &sb), 0);
	index_end(&o->op);
	assert_int_equal(index_freeze(o->ix, NULL, NULL), 1);
	assert_int_equal(index_commit(o->ix), 0);
	index_begin(o->ix, &o->op);
	assert_int_equal(super_load(&o->op, &back, &force), 0);
	assert_memory_equal(&sb, &back, sizeof sb);
	assert_false(force);
	assert_string_equal(back.label, "winter 32 bytes of label .......");
	assert_int_equal(back.version, FORMAT_VERSION);
	assert_true(back.created > 1600000000000000000u);
}

static void test_init_refuses(void **state)
{
	struct super sb, other;

	(void) state;
	assert_int_equal(super_init(&sb, 100000, SEGMENT_SIZE_DEFAULT, NULL), -EINVAL);
	assert_int_equal(super_init(&sb, CHUNK_SIZE_MIN / 2, SEGMENT_SIZE_DEFAULT, NULL), -EINVAL);
	assert_int_equal(super_init(&sb, CHUNK_SIZE_MAX * 2, SEGMENT_SIZE_DEFAULT, NULL), -EINVAL);
	assert_int_equal(super_init(&sb, CHUNK_SIZE_DEFAULT, CHUNK_SIZE_DEFAULT, NULL), -EINVAL);
	assert_int_equal(super_init(&sb, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_MAX + 1, NULL), -EINVAL);
	assert_int_equal(super_init(&sb, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_DEFAULT,
				    "a label of more than 32 characters"),
			 -EINVAL);
	assert_int_equal(super_init(&sb, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_DEFAULT, NULL), 0);
	assert_int_equal(super_init(&other, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_DEFAULT, NULL), 0);
	assert_memory_not_equal(sb.uuid, other.uuid, sizeof sb.uuid);
	assert_true(sb.hash_seed != other.hash_seed);
}

static void read_raw(struct open_index *o, struct super_disk *disk)
{
	assert_int_equal(index_get(&o->op, TABLE_META, "super", 5, disk, sizeof *disk), sizeof *disk);
}

static void write_raw(struct open_index *o, struct super_disk *disk, bool sum)
{
	if (sum)
		disk->checksum = le64_put(XXH3_64bits(disk, offsetof(struct super_disk, checksum)));
	assert_int_equal(index_put(&o->op, TABLE_META, "super", 5, disk, sizeof *disk), 0);
}

static void test_damage_and_features(void **state)
{
	struct open_index *o = *state;
	struct super_disk good, bad;
	struct super sb;
	bool force;
	size_t i;

	assert_int_equal(super_init(&sb, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_DEFAULT, "x"), 0);
	assert_int_equal(super_store(&o->op, &sb), 0);
	read_raw(o, &good);
	for (i = 0; i < sizeof good * 8; i++) {
		bad = good;
		((uint8_t *) &bad)[i / 8] ^= (uint8_t) (1 << i % 8);
		write_raw(o, &bad, false);
		assert_int_equal(super_load(&o->op, &sb, &force), -EUCLEAN);
	}
	assert_int_equal(index_put(&o->op, TABLE_META, "super", 5, &good, sizeof good - 1), 0);
	assert_int_equal(super_load(&o->op, &sb, &force), -EUCLEAN);

	bad = good;
	bad.magic[0] = 'F';
	write_raw(o, &bad, true);
	assert_int_equal(super_load(&o->op, &sb, &force), -ENOENT);
	bad = good;
	bad.version = le32_put(FORMAT_VERSION + 1);
	write_raw(o, &bad, true);
	assert_int_equal(super_load(&o->op, &sb, &force), -EPROTONOSUPPORT);
	assert_int_equal(sb.version, FORMAT_VERSION + 1);
	bad.version = le32_put(FORMAT_VERSION - 1);
	write_raw(o, &bad, true);
	assert_int_equal(super_load(&o->op, &sb, &force), -EPROTONOSUPPORT);
	bad = good;
	bad.incompat = le64_put((uint64_t) 1 << 63);
	write_raw(o, &bad, true);
	assert_int_equal(super_load(&o->op, &sb, &force), -EPROTONOSUPPORT);
	assert_true(sb.incompat == (uint64_t) 1 << 63);
	bad = good;
	bad.chunk_size = le32_put(12345);
	write_raw(o, &bad, true);
	assert_int_equal(super_load(&o->op, &sb, &force), -EUCLEAN);

	bad = good;
	bad.compat = le64_put(4);
	write_raw(o, &bad, true);
	assert_int_equal(super_load(&o->op, &sb, &force), 0);
	assert_false(force);
	bad.ro_compat = le64_put(2);
	write_raw(o, &bad, true);
	assert_int_equal(super_load(&o->op, &sb, &force), 0);
	assert_true(force);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test(test_init_refuses),
		cmocka_unit_test_setup_teardown(test_damage_and_features, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
