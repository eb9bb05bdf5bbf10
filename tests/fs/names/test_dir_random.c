/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The namespace against a model: random operations on few names, every result and the whole tree compared,
 * across reopening; once with the real hash of names and once with one under which nearly all names collide.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/data/commit.h"
#include "fs/names/dirent.h"
#include "tests/fs/names.h"

#define NAMES 12
#define NODES 48
#define STEPS 12000
#define NONE (-1)

enum kind { FREE, DIRECTORY, REGULAR, SYMLINK };

struct node {
	enum kind kind;
	uint64_t ino;
	int nlink, parent, entries;
	int child[NAMES];
};

struct model {
	struct names *n;
	struct node node[NODES]; /* 0 is the root */
	uint64_t seed;
};

static const char *name_of(int name)
{
	static char text[NAMES][16];

	snprintf(text[name], sizeof text[name], "n%d", name);
	return text[name];
}

static int node_alloc(struct model *m, enum kind kind)
{
	for (int i = 1; i < NODES; i++) {
		if (m->node[i].kind != FREE)
			continue;
		m->node[i] = (struct node){ .kind = kind, .nlink = kind == DIRECTORY ? 2 : 1 };
		for (int j = 0; j < NAMES; j++)
			m->node[i].child[j] = NONE;
		return i;
	}
	return NONE;
}

/* A random directory or (any) whatever there is. */
static int node_pick(struct model *m, bool directory)
{
	for (;;) {
		int i = (int)(rng_next(&m->seed) % NODES);

		if (m->node[i].kind == DIRECTORY || (!directory && m->node[i].kind != FREE))
			return i;
	}
}

static struct inode *inode_of(struct model *m, int node)
{
	struct inode *inode;

	assert_int_equal(inode_get(m->n->vol, m->node[node].ino, &inode), 0);
	return inode;
}

static void entry_set(struct model *m, int dir, int name, int child)
{
	m->node[dir].entries += (child != NONE) - (m->node[dir].child[name] != NONE);
	m->node[dir].child[name] = child;
	if (child != NONE && m->node[child].kind == DIRECTORY) {
		m->node[child].parent = dir;
		m->node[dir].nlink++;
	}
}

/* Takes the name away; the node goes when it was the last one. */
static void entry_drop(struct model *m, int dir, int name)
{
	int child = m->node[dir].child[name];
	struct node *node = &m->node[child];

	m->node[dir].child[name] = NONE;
	m->node[dir].entries--;
	if (node->kind == DIRECTORY) {
		m->node[dir].nlink--;
		node->kind = FREE;
	} else if (--node->nlink == 0) {
		node->kind = FREE;
	}
}

static void step_make(struct model *m)
{
	int dir = node_pick(m, true), name = (int)(rng_next(&m->seed) % NAMES);
	enum kind kind = (enum kind)(DIRECTORY + rng_next(&m->seed) % 3);
	int node = node_alloc(m, kind), want = m->node[dir].child[name] != NONE ? -EEXIST : 0, r;
	struct dir_new what = { .mode = kind == DIRECTORY ? S_IFDIR | 0700 : S_IFREG | 0600 };
	struct inode *parent, *made;

	if (node == NONE)
		return;
	parent = inode_of(m, dir);
	if (kind == SYMLINK)
		r = dir_symlink(parent, name_of(name), "target", 0, 0, &made);
	else
		r = dir_make(parent, name_of(name), &what, &made);
	assert_int_equal(r, want);
	if (r == 0) {
		m->node[node].ino = made->ino;
		entry_set(m, dir, name, node);
		inode_put(made, 1);
	} else {
		m->node[node].kind = FREE;
	}
	inode_put(parent, 1);
}

static void step_link(struct model *m)
{
	int node = node_pick(m, false), dir = node_pick(m, true), name = (int)(rng_next(&m->seed) % NAMES),
	    want = 0, r;
	struct inode *inode = inode_of(m, node), *parent = inode_of(m, dir);

	if (m->node[node].kind == DIRECTORY)
		want = -EPERM;
	else if (m->node[dir].child[name] != NONE)
		want = -EEXIST;
	r = dir_link(inode, parent, name_of(name));
	assert_int_equal(r, want);
	if (r == 0) {
		entry_set(m, dir, name, node);
		m->node[node].nlink++;
	}
	inode_put(parent, 1);
	inode_put(inode, 1);
}

static void step_remove(struct model *m)
{
	int dir = node_pick(m, true), name = (int)(rng_next(&m->seed) % NAMES),
	    child = m->node[dir].child[name];
	bool rmdir = rng_next(&m->seed) & 1;
	struct inode *parent = inode_of(m, dir);
	int want = 0, r;

	if (child == NONE)
		want = -ENOENT;
	else if (rmdir && m->node[child].kind != DIRECTORY)
		want = -ENOTDIR;
	else if (!rmdir && m->node[child].kind == DIRECTORY)
		want = -EISDIR;
	else if (rmdir && m->node[child].entries > 0)
		want = -ENOTEMPTY;
	r = rmdir ? dir_rmdir(parent, name_of(name)) : dir_unlink(parent, name_of(name));
	assert_int_equal(r, want);
	if (r == 0)
		entry_drop(m, dir, name);
	inode_put(parent, 1);
}

static bool is_below(const struct model *m, int dir, int top)
{
	while (dir != top && dir != 0)
		dir = m->node[dir].parent;
	return dir == top;
}

struct move {
	int from, name, to, newname, src, dst;
	unsigned flags;
};

/* What the rename must return; *same: it succeeds and changes nothing. */
static int move_expected(const struct model *m, const struct move *v, bool *same)
{
	bool exchange = v->flags & RENAME_EXCHANGE;
	enum kind src, dst;

	*same = false;
	if (v->flags == (RENAME_EXCHANGE | RENAME_NOREPLACE))
		return -EINVAL;
	if (v->src == NONE)
		return -ENOENT;
	if (v->dst != NONE && (v->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (v->dst == NONE && exchange)
		return -ENOENT;
	*same = v->src == v->dst;
	if (*same)
		return 0;
	src = m->node[v->src].kind;
	dst = v->dst == NONE ? FREE : m->node[v->dst].kind;
	if (src == DIRECTORY && is_below(m, v->to, v->src))
		return -EINVAL;
	if (exchange)
		return dst == DIRECTORY && is_below(m, v->from, v->dst) ? -EINVAL : 0;
	if (dst == FREE)
		return 0;
	if (src == DIRECTORY && dst != DIRECTORY)
		return -ENOTDIR;
	if (src != DIRECTORY && dst == DIRECTORY)
		return -EISDIR;
	return dst == DIRECTORY && m->node[v->dst].entries > 0 ? -ENOTEMPTY : 0;
}

static void move_apply(struct model *m, const struct move *v)
{
	if (m->node[v->src].kind == DIRECTORY)
		m->node[v->from].nlink--;
	if (v->flags & RENAME_EXCHANGE) {
		if (m->node[v->dst].kind == DIRECTORY)
			m->node[v->to].nlink--;
		entry_set(m, v->from, v->name, v->dst);
	} else {
		if (v->dst != NONE)
			entry_drop(m, v->to, v->newname);
		entry_set(m, v->from, v->name, NONE);
	}
	entry_set(m, v->to, v->newname, v->src);
}

static void step_rename(struct model *m)
{
	struct move v = {
		.from = node_pick(m, true), .name = (int)(rng_next(&m->seed) % NAMES),
		.to = node_pick(m, true), .newname = (int)(rng_next(&m->seed) % NAMES),
		.flags = (unsigned)(rng_next(&m->seed) % 16 < 12 ? 0 : rng_next(&m->seed) % 4),
	};
	struct inode *from = inode_of(m, v.from), *to = inode_of(m, v.to);
	bool same;
	int want, r;

	v.src = m->node[v.from].child[v.name];
	v.dst = m->node[v.to].child[v.newname];
	want = move_expected(m, &v, &same);
	r = dir_rename(from, name_of(v.name), to, name_of(v.newname), v.flags);
	assert_int_equal(r, want);
	if (r == 0 && !same)
		move_apply(m, &v);
	inode_put(to, 1);
	inode_put(from, 1);
}

struct check {
	struct model *m;
	int dir, entries;
};

static int entry_check(void *arg, const struct dir_entry *entry)
{
	static const uint8_t types[] = { [DIRECTORY] = DT_DIR, [REGULAR] = DT_REG, [SYMLINK] = DT_LNK };
	struct check *c = arg;
	struct node *dir = &c->m->node[c->dir];
	int name, child;

	if (strcmp(entry->name, ".") == 0) {
		assert_int_equal(entry->ino, dir->ino);
		return 0;
	}
	if (strcmp(entry->name, "..") == 0) {
		assert_int_equal(entry->ino, c->m->node[dir->parent].ino);
		return 0;
	}
	assert_int_equal(sscanf(entry->name, "n%d", &name), 1);
	child = dir->child[name];
	assert_int_not_equal(child, NONE);
	assert_int_equal(entry->ino, c->m->node[child].ino);
	assert_int_equal(entry->type, types[c->m->node[child].kind]);
	c->entries++;
	return 0;
}

static void model_check(struct model *m)
{
	size_t used = 0;

	for (int i = 0; i < NODES; i++) {
		struct check c = { .m = m, .dir = i };
		struct inode *inode;

		if (m->node[i].kind == FREE)
			continue;
		used++;
		inode = inode_of(m, i);
		assert_int_equal(names_nlink(inode), m->node[i].nlink);
		if (m->node[i].kind == DIRECTORY) {
			assert_int_equal(dir_read(inode, 0, entry_check, &c), 0);
			assert_int_equal(c.entries, m->node[i].entries);
			assert_int_equal(inode->attr.size, m->node[i].entries);
		}
		inode_put(inode, 1);
	}
	assert_int_equal(names_records(m->n->vol, TABLE_INODE, 0), used);
	assert_int_equal(names_records(m->n->vol, TABLE_ORPHAN, 0), 0);
}

static void model_run(struct names *n, uint64_t seed)
{
	struct model *m = calloc(1, sizeof *m);

	assert_non_null(m);
	m->n = n;
	m->seed = seed;
	m->node[0] = (struct node){ .kind = DIRECTORY, .ino = INO_ROOT, .nlink = 2 };
	for (int j = 0; j < NAMES; j++)
		m->node[0].child[j] = NONE;
	for (int i = 1; i <= STEPS; i++) {
		switch (rng_next(&m->seed) % 8) {
		case 0: case 1: case 2:
			step_make(m);
			break;
		case 3:
			step_link(m);
			break;
		case 4: case 5:
			step_remove(m);
			break;
		default:
			step_rename(m);
		}
		if (i % 500 == 0)
			model_check(m);
		if (i % 1500 == 0)
			assert_int_equal(volume_commit(n->vol), 0);
		if (i % 4000 == 0) {
			names_reopen(n);
			model_check(m);
		}
	}
	free(m);
}

static void test_random(void **state)
{
	model_run(*state, 20240229);
}

/* Three different hashes for all names, one of them zero. */
static uint64_t hash_poor(uint64_t seed, const char *name, size_t len)
{
	(void)seed;
	return (uint64_t)((unsigned char)name[len - 1] % 3) << 9;
}

static void test_random_collisions(void **state)
{
	uint64_t (*hash)(uint64_t, const char *, size_t) = dirent_hash;

	dirent_hash = hash_poor;
	model_run(*state, 777);
	dirent_hash = hash;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random, names_setup, names_teardown),
		cmocka_unit_test_setup_teardown(test_random_collisions, names_setup, names_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
