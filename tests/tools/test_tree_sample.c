/* SPDX-License-Identifier: BSD-2-Clause */
/* Drawing chunks from a directory: counts, disjoint parts, budgets, the same draw each time, and files that cannot be had. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/tree_sample.h"

#define FILES 200u
#define LARGE_CHUNKS 64u

static char root[64];
static uint8_t block[TREE_CHUNK];

/* Every block says in its first bytes where it belongs; the rest is text of a kind. */
static void put(const char *name, uint32_t id, size_t len)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", root, name);
	f = fopen(path, "ae");
	assert_non_null(f);
	for (size_t i = 0; i < len; i++)
		block[i] = (uint8_t)("snow and ice "[(i * (id + 3) >> 2) % 13]);
	memcpy(block, &id, len < sizeof id ? len : sizeof id);
	assert_int_equal(fwrite(block, 1, len, f), len);
	fclose(f);
}

static int tree_make(void **state)
{
	char name[32], first[128], other[128];

	(void)state;
	snprintf(root, sizeof root, "%s/firn-test.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(root));
	for (uint32_t i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "f%u", i);
		put(name, i, 100 + 37 * i);
	}
	for (uint32_t i = 0; i < LARGE_CHUNKS; i++)
		put("large", 1000 + i, TREE_CHUNK);
	snprintf(first, sizeof first, "%s/f0", root);
	snprintf(other, sizeof other, "%s/linked", root);
	assert_int_equal(link(first, other), 0);
	snprintf(other, sizeof other, "%s/dangling", root);
	assert_int_equal(symlink("nowhere", other), 0);
	return 0;
}

static int tree_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command);
}

static uint32_t id_of(const struct train_chunk *c)
{
	uint32_t id;

	memcpy(&id, c->bytes, sizeof id);
	return id;
}

static void test_everything_is_drawn_once(void **state)
{
	struct tree_options opt = {.train_max = 1u << 30, .held_max = 1u << 30, .seed = 1};
	uint8_t seen[1000 + LARGE_CHUNKS] = {0};
	struct tree_figures f;
	struct sample train, held;
	unsigned small = 0, large = 0;
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(tree_draw(root, &opt, &f, &train, &held), 0);
	assert_int_equal(f.files, FILES + 1);
	assert_int_equal(f.others, 2); /* the directory itself, the symbolic link */
	assert_int_equal(f.chunks, FILES + LARGE_CHUNKS);
	assert_int_equal(f.unreadable, 0);
	assert_int_equal(train.n + held.n, FILES + LARGE_CHUNKS);
	for (size_t i = 0; i < train.n + held.n; i++) {
		const struct train_chunk *c = i < train.n ? &train.chunks[i] : &held.chunks[i - train.n];

		assert_int_equal(seen[id_of(c)]++, 0);
		sum += c->len;
	}
	assert_int_equal(sum, f.bytes);
	for (size_t i = 0; i < held.n; i++)
		*(id_of(&held.chunks[i]) < 1000 ? &small : &large) += 1;
	/* one in eight: of small files by their names, of the large one's chunks exactly */
	assert_in_range(small, FILES / 16, FILES / 4);
	assert_int_equal(large, LARGE_CHUNKS / 8);
	sum = 0;
	for (unsigned c = 0; c < TREE_CLASSES; c++)
		sum += f.class_bytes[c];
	assert_int_equal(sum, f.bytes);
	assert_int_equal(f.class_bytes[TREE_CLASSES - 1], LARGE_CHUNKS * TREE_CHUNK);
	sample_free(&train);
	sample_free(&held);
}

static void test_budget_and_seed(void **state)
{
	struct tree_options opt = {.train_max = 1u << 20, .held_max = 300u << 10, .seed = 1};
	struct tree_figures f;
	struct sample train[3], held[3];
	bool differs = false;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		opt.seed = i / 2;
		assert_int_equal(tree_draw(root, &opt, &f, &train[i], &held[i]), 0);
		assert_true(train[i].bytes <= opt.train_max && train[i].bytes > 0);
		assert_true(held[i].bytes <= opt.held_max && held[i].bytes > 0);
	}
	assert_int_equal(train[0].n, train[1].n);
	for (size_t i = 0; i < train[0].n; i++)
		assert_int_equal(id_of(&train[0].chunks[i]), id_of(&train[1].chunks[i]));
	for (size_t i = 0; i < train[0].n && i < train[2].n; i++)
		differs |= id_of(&train[0].chunks[i]) != id_of(&train[2].chunks[i]);
	assert_true(differs);
	for (unsigned i = 0; i < 3; i++) {
		sample_free(&train[i]);
		sample_free(&held[i]);
	}
}

static int stop(void *arg, double fraction)
{
	(void)arg;
	(void)fraction;
	return 1;
}

static void test_errors(void **state)
{
	struct tree_options opt = {.train_max = 1u << 20, .held_max = 1u << 20, .seed = 1};
	struct tree_figures f;
	struct sample train, held;
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/none", root);
	assert_int_equal(tree_draw(path, &opt, &f, &train, &held), -ENOENT);
	snprintf(path, sizeof path, "%s/f1", root);
	assert_int_equal(tree_draw(path, &opt, &f, &train, &held), -ENOTDIR);
	snprintf(path, sizeof path, "%s/empty", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(tree_draw(path, &opt, &f, &train, &held), -ENODATA);
	assert_int_equal(rmdir(path), 0);
	opt.progress = stop;
	assert_int_equal(tree_draw(root, &opt, &f, &train, &held), -EINTR);
}

static void test_class(void **state)
{
	(void)state;
	assert_int_equal(tree_class(1), 0);
	assert_int_equal(tree_class(1024), 0);
	assert_int_equal(tree_class(1025), 1);
	assert_int_equal(tree_class(TREE_CHUNK - 1), TREE_CLASSES - 2);
	assert_int_equal(tree_class(TREE_CHUNK), TREE_CLASSES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_drawn_once),
		cmocka_unit_test(test_budget_and_seed),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_class),
	};

	return cmocka_run_group_tests(tests, tree_make, tree_remove);
}
