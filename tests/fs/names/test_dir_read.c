/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listings: every entry that stays is given exactly once, in pieces of any size, while others come and go;
 * cookies stay.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#include "fs/data/commit.h"
#include <cmocka.h>

#include "tests/fs/names.h"

#define STAYING 100000
#define PASSING 300

struct listing {
	uint64_t cookie;   /* of the last entry taken */
	unsigned left;     /* in this piece           */
	uint8_t *seen;     /* by number of the name   */
	uint64_t count;
};

static int entry_take(void *arg, const struct dir_entry *entry)
{
	struct listing *l = arg;

	if (l->left == 0)
		return 1;
	l->left--;
	assert_true(entry->cookie > l->cookie);
	l->cookie = entry->cookie;
	if (entry->name[0] == 's')
		l->seen[atoi(entry->name + 1)]++;
	l->count++;
	return 0;
}

/* Lists all of dir in pieces; returns the number of entries, dots included. */
static uint64_t list(struct inode *dir, unsigned piece, uint8_t *seen)
{
	struct listing l = { .seen = seen };
	uint64_t before;

	do {
		before = l.count;
		l.left = piece;
		assert_int_equal(dir_read(dir, l.cookie, entry_take, &l), 0);
	} while (l.count > before);
	return l.count;
}

struct passers {
	struct inode *dir;
	atomic_bool stop;
	int failed;
};

/* Makes and removes names among those that stay. */
static void *passers_run(void *arg)
{
	struct passers *p = arg;
	struct dir_new what = { .mode = S_IFREG | 0600 };
	char name[16];

	for (unsigned i = 0; !p->stop && !p->failed; i++) {
		struct inode *made;

		snprintf(name, sizeof name, "p%u", i % PASSING);
		if (dir_make(p->dir, name, &what, &made))
			p->failed = 1;
		else
			inode_put(made, 1);
		snprintf(name, sizeof name, "p%u", i % PASSING);
		if (!p->failed && dir_unlink(p->dir, name))
			p->failed = 1;
	}
	return NULL;
}

static void test_exactly_once(void **state)
{
	struct names *n = *state;
	struct inode *dir = names_dir(n->root, "d"), *file = names_file(n->root, "f");
	struct passers p = { .dir = dir };
	uint8_t *seen = calloc(1, STAYING);
	char name[16];
	pthread_t thread;

	assert_non_null(seen);
	for (int i = 0; i < STAYING; i++) {
		snprintf(name, sizeof name, "s%d", i);
		assert_int_equal(dir_link(file, dir, name), 0);
		if (i == STAYING / 2)
			assert_int_equal(volume_commit(n->vol), 0);
	}
	assert_int_equal(dir->attr.size, STAYING);
	assert_int_equal(list(dir, 1000, seen), STAYING + 2);
	assert_int_equal(pthread_create(&thread, NULL, passers_run, &p), 0);
	for (unsigned piece = 25; piece < 100000; piece *= 20)
		list(dir, piece, seen);
	assert_int_equal(volume_commit(n->vol), 0);
	list(dir, 500, seen);
	p.stop = true;
	pthread_join(thread, NULL);
	assert_int_equal(p.failed, 0);
	for (int i = 0; i < STAYING; i++)
		assert_int_equal(seen[i], 5);
	free(seen);
	inode_put(file, 1);
	inode_put(dir, 1);
}

static int cookie_find(void *arg, const struct dir_entry *entry)
{
	struct dir_entry *wanted = arg;

	if (strcmp(entry->name, wanted->name) == 0)
		*wanted = *entry;
	return 0;
}

static uint64_t cookie_of(struct inode *dir, const char *name)
{
	struct dir_entry wanted = { 0 };

	snprintf(wanted.name, sizeof wanted.name, "%s", name);
	assert_int_equal(dir_read(dir, 0, cookie_find, &wanted), 0);
	assert_int_not_equal(wanted.cookie, 0);
	return wanted.cookie;
}

static void test_cookies_stay(void **state)
{
	struct names *n = *state;
	uint64_t before[50];
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "s%d", i);
		inode_put(names_file(n->root, name), 1);
	}
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "s%d", i);
		before[i] = cookie_of(n->root, name);
		assert_true(before[i] >= 256 && before[i] <= INT64_MAX);
	}
	for (int i = 0; i < 50; i += 2) {
		snprintf(name, sizeof name, "s%d", i);
		assert_int_equal(dir_unlink(n->root, name), 0);
	}
	names_reopen(n);
	for (int i = 1; i < 50; i += 2) {
		snprintf(name, sizeof name, "s%d", i);
		assert_int_equal(cookie_of(n->root, name), before[i]);
	}
}

static int refuse(void *arg, const struct dir_entry *entry)
{
	(void)arg;
	return entry->name[0] == 'x' ? -EIO : 0;
}

static void test_ends(void **state)
{
	struct names *n = *state;
	struct inode *file = names_file(n->root, "x");
	uint8_t seen[1];

	assert_int_equal(dir_read(n->root, 0, refuse, NULL), -EIO);
	assert_int_equal(dir_read(file, 0, refuse, NULL), -ENOTDIR);
	assert_int_equal(dir_read(n->root, cookie_of(n->root, "x"), refuse, NULL), 0);
	assert_int_equal(dir_read(n->root, UINT64_MAX, refuse, NULL), 0);
	assert_int_equal(list(n->root, 1, seen), 3);
	inode_put(file, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exactly_once, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_cookies_stay, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_ends, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
