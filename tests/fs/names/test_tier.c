/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tier policies: their text, and which one holds for which file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/names/dir.h"
#include "fs/names/tier.h"
#include "fs/names/xattr.h"
#include "tests/fs/fixture.h"

static const struct {
	const char *text, *again; /* again: as tier_format writes it, NULL: the same */
	struct tier_policy policy;
} good[] = {
	{"hot", NULL, {TIER_GOAL_HOT, 0, false, 0}},
	{"warm", NULL, {TIER_GOAL_WARM, 0, false, 0}},
	{"cold", NULL, {TIER_GOAL_COLD, 0, false, 0}},
	{"auto", NULL, {TIER_GOAL_AUTO, 0, false, 0}},
	{"auto after=36h", NULL, {TIER_GOAL_AUTO, 0, true, 36}},
	{"auto after=48h", "auto after=2d", {TIER_GOAL_AUTO, 0, true, 48}},
	{"warm after=3", "warm after=3d", {TIER_GOAL_WARM, 0, true, 72}},
	{"cold after=0h", "cold after=0d", {TIER_GOAL_COLD, 0, true, 0}},
	{"cold after=36500d", NULL, {TIER_GOAL_COLD, 0, true, 876000}},
	{"cold level=fast", NULL, {TIER_GOAL_COLD, NEURAL_FAST, false, 0}},
	{"cold level=dense", NULL, {TIER_GOAL_COLD, NEURAL_DENSE, false, 0}},
	{"cold level=normal after=1h", "cold after=1h level=normal", {TIER_GOAL_COLD, NEURAL_NORMAL, true, 1}},
};

static const char *const bad[] = {
	"", " ", "cold ", " cold", "cold  level=fast", "COLD", "col", "colder", "level=fast", "after=7d", "cold hot", "cold level=",
	"cold level=max", "cold level=fast level=fast", "cold after=", "cold after=d", "cold after=1w", "cold after=-1d",
	"cold after=1d after=1d", "cold after=36501d", "cold after=99999999999999999999h", "cold after=1dd", "cold\n",
	"cold                                                                level=fast",
};

static void test_text(void **state)
{
	char text[TIER_TEXT_MAX];
	struct tier_policy p;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(tier_parse(good[i].text, strlen(good[i].text), &p), 0);
		assert_int_equal(p.goal, good[i].policy.goal);
		assert_int_equal(p.level, good[i].policy.level);
		assert_int_equal(p.aged, good[i].policy.aged);
		assert_int_equal(p.after_hours, good[i].policy.after_hours);
		tier_format(&p, text);
		assert_string_equal(text, good[i].again ? good[i].again : good[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (tier_parse(bad[i], strlen(bad[i]), &p) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(tier_parse("cold\0", 5, &p), -EINVAL);
}

static int setup(void **state)
{
	struct fixture *f = malloc(sizeof *f);

	fixture_init(f, 4096);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

/* Makes a file or directory in dir, with a policy if text is not NULL. */
static struct inode *made(struct inode *dir, const char *name, uint32_t type, const char *text)
{
	struct dir_new what = {.mode = type | 0755};
	struct inode *inode;

	assert_int_equal(dir_make(dir, name, &what, &inode), 0);
	if (text)
		assert_int_equal(xattr_set(inode, TIER_XATTR, text, strlen(text), 0), 0);
	return inode;
}

static void check(const struct tier_map *map, struct inode *inode, const char *text)
{
	struct tier_policy p = tier_map_find(map, inode->ino);
	char got[TIER_TEXT_MAX];

	tier_format(&p, got);
	assert_string_equal(got, text);
}

static void test_nearest_holds(void **state)
{
	struct fixture *f = *state;
	struct inode *root, *a, *b, *c, *d, *files[6];
	struct tier_map map;

	assert_int_equal(inode_get(f->vol, INO_ROOT, &root), 0);
	a = made(root, "a", S_IFDIR, "cold level=fast");
	b = made(a, "b", S_IFDIR, NULL);
	c = made(b, "c", S_IFDIR, "warm after=1h");
	d = made(root, "d", S_IFDIR, NULL);
	files[0] = made(a, "0", S_IFREG, NULL);
	files[1] = made(b, "1", S_IFREG, NULL);
	files[2] = made(c, "2", S_IFREG, NULL);
	files[3] = made(c, "3", S_IFREG, "hot");
	files[4] = made(d, "4", S_IFREG, NULL);
	files[5] = made(root, "5", S_IFREG, NULL);
	assert_int_equal(tier_map_make(f->vol, &map), 0);
	check(&map, files[0], "cold level=fast");
	check(&map, files[1], "cold level=fast");
	check(&map, files[2], "warm after=1h");
	check(&map, files[3], "hot");
	check(&map, files[4], "auto");
	check(&map, files[5], "auto");
	tier_map_free(&map);

	/* A move and a second name count at once; the root's holds for all that say nothing. */
	assert_int_equal(dir_rename(d, "4", b, "4", 0), 0);
	assert_int_equal(dir_link(files[1], c, "1"), 0);
	assert_int_equal(xattr_set(root, TIER_XATTR, "auto after=2d", 13, 0), 0);
	assert_int_equal(tier_map_make(f->vol, &map), 0);
	check(&map, files[4], "cold level=fast");
	check(&map, files[1], "warm after=1h");
	check(&map, files[5], "auto after=2d");
	tier_map_free(&map);
	for (int i = 0; i < 6; i++)
		inode_put(files[i], 1);
	inode_put(d, 1);
	inode_put(c, 1);
	inode_put(b, 1);
	inode_put(a, 1);
	inode_put(root, 1);
}

static void test_none(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = fixture_make(f, "file");
	struct tier_map map;

	assert_int_equal(xattr_set(inode, "user.firn.tie", "cold", 4, 0), 0);
	assert_int_equal(xattr_set(inode, "user.firn.tiers", "cold", 4, 0), 0);
	assert_int_equal(tier_map_make(f->vol, &map), 0);
	assert_int_equal(map.n, 0);
	check(&map, inode, "auto");
	tier_map_free(&map);
	inode_put(inode, 1);
}

static void test_nonsense_is_refused(void **state)
{
	struct fixture *f = *state;
	struct inode *inode = fixture_make(f, "file");

	assert_int_equal(xattr_set(inode, TIER_XATTR, "lukewarm", 8, 0), -EINVAL);
	assert_int_equal(xattr_set(inode, TIER_XATTR, NULL, 0, 0), -EINVAL);
	assert_int_equal(xattr_get(inode, TIER_XATTR, NULL, 0), -ENODATA);
	inode_put(inode, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test_setup_teardown(test_nearest_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
