/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk over the trees of index.mdb by pread, because LMDB follows page numbers, offsets and lengths of a
 * damaged file into the void. It also finds pages that two trees claim, or that are free and in use: writing
 * to such a store would destroy it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/env.h"
#include "index/env_disk.h"
#include "index/seal.h"

enum tree { TREE_FREE, TREE_MAIN, TREE_TABLE };

struct walk {
	int fd;
	uint32_t page_size;
	uint64_t pages, last_page;
	bool leaves;
	enum table table; /* TABLE_COUNT: not one that is known */
	uint64_t damaged;
	uint8_t *seen; /* one bit per page of the file */
	int depth;     /* pages of the path in buffers */
	uint8_t *buffers[2 * ENV_DEPTH_MAX];
};

static int read_at(const struct walk *w, void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(w->fd, buf, len, (off_t) offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t) n == len ? 0 : -EUCLEAN;
}

static int claim(struct walk *w, uint64_t page)
{
	uint8_t bit = (uint8_t) (1 << page % 8);

	if (page < ENV_FIRST_PAGE || page >= w->pages || page > w->last_page || (w->seen[page / 8] & bit))
		return -EUCLEAN;
	w->seen[page / 8] |= bit;
	return 0;
}

/* A list of free pages: their count, then their numbers, descending. Some may never have been written and lie
 * behind the file's end. */
static int check_free_list(struct walk *w, const uint8_t *data, uint64_t len)
{
	uint64_t count, i, page, last = UINT64_MAX;
	int rc = 0;

	if (len < sizeof count)
		return -EUCLEAN;
	memcpy(&count, data, sizeof count);
	if (count > len / sizeof count - 1)
		return -EUCLEAN;
	for (i = 1; !rc && i <= count; i++) {
		memcpy(&page, data + i * sizeof page, sizeof page);
		if (page < ENV_FIRST_PAGE || page > w->last_page || page >= last)
			return -EUCLEAN;
		if (page < w->pages)
			rc = claim(w, page);
		last = page;
	}
	return rc;
}

static int check_overflow(struct walk *w, uint64_t page, uint64_t len)
{
	struct env_page_disk head;
	uint8_t *data;
	uint64_t i;
	int rc;

	if (page < ENV_FIRST_PAGE || page >= w->pages)
		return -EUCLEAN;
	rc = read_at(w, &head, sizeof head, page * w->page_size);
	if (rc)
		return rc;
	if (head.number != page || head.flags != PAGE_OVERFLOW || head.pages > w->pages - page ||
	    len + sizeof head > (uint64_t) head.pages * w->page_size)
		return -EUCLEAN;
	for (i = 0; !rc && i < head.pages; i++)
		rc = claim(w, page + i);
	if (rc)
		return rc;
	data = malloc(len);
	if (!data)
		return -ENOMEM;
	rc = read_at(w, data, len, page * w->page_size + sizeof head);
	if (!rc)
		rc = check_free_list(w, data, len);
	free(data);
	return rc;
}

static int walk_tree(struct walk *w, const struct env_tree_disk *tree, enum tree kind);

/* A leaf's record; `room` bytes from the data's start to the end of the page. */
static int check_record(struct walk *w, const struct env_node_disk *n, size_t room, enum tree kind)
{
	uint64_t len = n->low | (uint64_t) n->high << 16, overflow;
	const uint8_t *data = n->key + n->key_len;
	struct env_tree_disk table;
	size_t value = len;

	if ((n->flags & NODE_BIG ? sizeof overflow : len) > room)
		return -EUCLEAN;
	switch (kind) {
	case TREE_TABLE:
		if (n->flags != 0 || n->key_len == 0 || n->key_len > INDEX_KEY_MAX || len > INDEX_VALUE_MAX + SEAL_LEN)
			return -EUCLEAN;
		w->damaged += !seal_open(w->table, n->key, n->key_len, data, &value);
		return 0;
	case TREE_MAIN:
		if (n->flags != NODE_TREE || len != sizeof table)
			return -EUCLEAN;
		w->table = env_table((const char *)n->key, n->key_len);
		memcpy(&table, data, sizeof table);
		return table.flags == 0 ? walk_tree(w, &table, TREE_TABLE) : -EUCLEAN;
	case TREE_FREE:
		if (n->key_len != sizeof(uint64_t) || (n->flags & ~NODE_BIG))
			return -EUCLEAN;
		if (n->flags == 0)
			return check_free_list(w, data, len);
		memcpy(&overflow, data, sizeof overflow);
		return check_overflow(w, overflow, len);
	}
	return -EUCLEAN;
}

static int key_order(const struct env_node_disk *a, const struct env_node_disk *b, enum tree kind)
{
	size_t common = a->key_len < b->key_len ? a->key_len : b->key_len;
	uint64_t x, y;
	int c;

	if (kind == TREE_FREE && common == sizeof x) {
		memcpy(&x, a->key, sizeof x);
		memcpy(&y, b->key, sizeof y);
		return (x > y) - (x < y);
	}
	c = memcmp(a->key, b->key, common);
	return c != 0 ? c : a->key_len - b->key_len;
}

static int walk_page(struct walk *w, uint64_t page, int height, enum tree kind);

static int walk_nodes(struct walk *w, const uint8_t *bytes, int height, enum tree kind)
{
	const struct env_page_disk *p = (const struct env_page_disk *) bytes;
	const uint16_t *pointers = (const uint16_t *) (p + 1);
	const struct env_node_disk *n, *last = NULL;
	size_t i, count = (p->lower - sizeof *p) / sizeof *pointers, room;
	int rc = 0;

	for (i = 0; !rc && i < count; i++) {
		if (pointers[i] < p->upper || pointers[i] % 2 != 0 || pointers[i] + sizeof *n > w->page_size)
			return -EUCLEAN;
		n = (const struct env_node_disk *) (bytes + pointers[i]);
		room = w->page_size - pointers[i] - sizeof *n;
		if (n->key_len > room)
			return -EUCLEAN;
		/* The first key of a branch stands for all that is smaller and may be empty. */
		if (last && (height == 1 || i > 1) && key_order(last, n, kind) >= 0)
			return -EUCLEAN;
		last = n;
		if (height == 1)
			rc = check_record(w, n, room - n->key_len, kind);
		else
			rc = walk_page(w, n->low | (uint64_t) n->high << 16 | (uint64_t) n->flags << 32,
				       height - 1, kind);
	}
	return rc;
}

/* A page `height` levels above the bottom of its tree, which is 1 at a leaf. */
static int walk_page(struct walk *w, uint64_t page, int height, enum tree kind)
{
	struct env_page_disk *p;
	int rc;

	rc = claim(w, page);
	if (rc || (height == 1 && kind == TREE_TABLE && !w->leaves))
		return rc;
	if (!w->buffers[w->depth])
		w->buffers[w->depth] = malloc(w->page_size);
	p = (struct env_page_disk *) w->buffers[w->depth];
	if (!p)
		return -ENOMEM;
	rc = read_at(w, p, w->page_size, page * w->page_size);
	if (rc)
		return rc;
	if (p->number != page || p->flags != (height > 1 ? PAGE_BRANCH : PAGE_LEAF) ||
	    p->lower < sizeof *p + sizeof(uint16_t) || p->lower > p->upper || p->upper > w->page_size)
		return -EUCLEAN;
	w->depth++;
	rc = walk_nodes(w, (const uint8_t *) p, height, kind);
	w->depth--;
	return rc;
}

static int walk_tree(struct walk *w, const struct env_tree_disk *tree, enum tree kind)
{
	if (tree->root == ENV_NO_PAGE)
		return tree->depth == 0 ? 0 : -EUCLEAN;
	if (tree->depth == 0 || tree->depth > ENV_DEPTH_MAX)
		return -EUCLEAN;
	return walk_page(w, tree->root, tree->depth, kind);
}

int env_walk(int fd, const struct env_meta_disk *meta, uint64_t pages, int leaves, uint64_t *damaged)
{
	struct walk w = {.fd = fd, .page_size = meta->free.pad, .pages = pages, .last_page = meta->last_page};
	size_t i;
	int rc;

	w.leaves = leaves != 0;
	w.seen = calloc(1, pages / 8 + 1);
	if (!w.seen)
		return -ENOMEM;
	rc = walk_tree(&w, &meta->free, TREE_FREE);
	if (!rc)
		rc = walk_tree(&w, &meta->main, TREE_MAIN);
	for (i = 0; i < 2 * ENV_DEPTH_MAX; i++)
		free(w.buffers[i]);
	free(w.seen);
	*damaged = w.damaged;
	return rc;
}
