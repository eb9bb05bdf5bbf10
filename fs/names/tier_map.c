/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which tier policy holds for which inode: that of the inode itself or of the nearest directory above it. The root's is that of all the rest, and no list is
 * made of them.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/scan.h"
#include "fs/names/dirent.h"
#include "fs/names/path.h"
#include "fs/names/tier.h"
#include "fs/names/xattr.h"

struct mapper {
	struct volume *vol;
	struct tier_map own; /* what attributes say, but the root's; by ino */
	struct tier_map *out;
	uint64_t last_dir;   /* that the last name was in, and its policy if any */
	const struct tier_policy *last;
};

/* Makes room for one more: n is a power of two when it is full. */
static int tier_grow(void **list, size_t n, size_t item)
{
	void *grown;

	if (n & (n - 1) || n == 1)
		return 0;
	grown = realloc(*list, (n ? 2 * n : 2) * item);
	if (!grown)
		return -ENOMEM;
	*list = grown;
	return 0;
}

static int tier_add(struct tier_map *map, uint64_t ino, const struct tier_policy *policy)
{
	void *list = map->list;
	int rc = tier_grow(&list, map->n, sizeof *map->list);

	map->list = list;
	if (rc == 0)
		map->list[map->n++] = (struct tier_entry){ino, *policy};
	return rc;
}

static int tier_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static const struct tier_policy *tier_lookup(const struct tier_map *map, uint64_t ino)
{
	const struct tier_entry *e = NULL;

	if (map->n > 0)
		e = bsearch(&ino, map->list, map->n, sizeof *map->list, tier_compare);
	return e ? &e->policy : NULL;
}

static int tier_own(void *arg, const struct index_record *r)
{
	struct mapper *m = arg;
	struct tier_policy policy;

	if (r->key_len != 8 + sizeof TIER_XATTR + 1 || memcmp(r->key + 8, TIER_XATTR, sizeof TIER_XATTR) != 0 ||
	    r->key[r->key_len - 1] != 0 || tier_parse((const char *)r->value, r->len, &policy) != 0)
		return 0;
	if (be64_get(r->key) == INO_ROOT) {
		m->out->rest = policy;
		return 0;
	}
	return tier_add(&m->own, be64_get(r->key), &policy);
}

/* What holds in a directory; NULL: nothing is said below the root. */
static const struct tier_policy *tier_of_dir(const struct mapper *m, uint64_t dir)
{
	for (unsigned depth = 0; depth < PATH_DEPTH_MAX && dir != INO_ROOT; depth++) {
		const struct tier_policy *own = tier_lookup(&m->own, dir);

		if (own || path_parent(m->vol, dir, &dir) < 0)
			return own;
	}
	return NULL;
}

static int tier_inherit(void *arg, const struct index_record *r)
{
	struct mapper *m = arg;
	struct dirent_slot slot;
	uint64_t dir;

	if (r->key_len != DIRENT_KEY || dirent_decode(r->value, r->len, &slot, NULL) != 0 || slot.type != DT_REG)
		return 0;
	dir = be64_get(r->key);
	if (dir != m->last_dir) {
		m->last = tier_of_dir(m, dir);
		m->last_dir = dir;
	}
	return m->last && !tier_lookup(&m->own, slot.ino) ? tier_add(m->out, slot.ino, m->last) : 0;
}

/* By inode; of one inode what keeps it hottest comes first. */
static int tier_compare_heat(const void *a, const void *b)
{
	static const uint8_t rank[] = {[TIER_GOAL_HOT] = 0, [TIER_GOAL_WARM] = 1, [TIER_GOAL_AUTO] = 2, [TIER_GOAL_COLD] = 3};
	const struct tier_entry *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->policy.goal != y->policy.goal)
		return rank[x->policy.goal] - rank[y->policy.goal];
	if (x->policy.after_hours != y->policy.after_hours)
		return x->policy.after_hours > y->policy.after_hours ? -1 : 1;
	return x->policy.level - y->policy.level;
}

/* One entry for each inode. */
static void tier_settle(struct tier_map *map)
{
	size_t n = 0;

	qsort(map->list, map->n, sizeof *map->list, tier_compare_heat);
	for (size_t i = 0; i < map->n; i++)
		if (n == 0 || map->list[n - 1].ino != map->list[i].ino)
			map->list[n++] = map->list[i];
	map->n = n;
}

int tier_map_make(struct volume *vol, struct tier_map *out)
{
	struct mapper m = {.vol = vol, .out = out};
	int rc;

	*out = (struct tier_map){0};
	rc = scan_table(vol, TABLE_XATTR, tier_own, &m);
	if (rc == 0 && m.own.n > 0) {
		for (size_t i = 0; rc == 0 && i < m.own.n; i++)
			rc = tier_add(out, m.own.list[i].ino, &m.own.list[i].policy);
		if (rc == 0)
			rc = scan_table(vol, TABLE_DIRENT, tier_inherit, &m);
		if (rc == 0)
			tier_settle(out);
	}
	tier_map_free(&m.own);
	return rc;
}

void tier_map_free(struct tier_map *map)
{
	free(map->list);
	*map = (struct tier_map){0};
}

struct tier_policy tier_map_find(const struct tier_map *map, uint64_t ino)
{
	const struct tier_policy *policy = tier_lookup(map, ino);

	return policy ? *policy : map->rest;
}

int tier_root(struct volume *vol, struct tier_policy *out)
{
	char text[TIER_TEXT_MAX];
	struct index_op op;
	int n;

	*out = (struct tier_policy){0};
	index_begin(vol->index, &op);
	n = xattr_get_value(&op, INO_ROOT, TIER_XATTR, text, sizeof text);
	index_end(&op);
	if (n == -ENODATA)
		return 0;
	if (n >= 0 && ((size_t)n > sizeof text || tier_parse(text, (size_t)n, out) < 0))
		*out = (struct tier_policy){0};
	return n < 0 ? n : 0;
}
