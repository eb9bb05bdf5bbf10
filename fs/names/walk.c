/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk over a tree: one directory's names are read and sorted at a time, those above it are kept.
 */
#include "fs/names/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/names/dir.h"
#include "fs/names/path.h"

struct name {
	uint64_t ino;
	char *text;
};

struct listing {
	struct name *names;
	size_t n, cap;
};

struct walking {
	const struct walk *walk;
	char *path;
	size_t len, cap;
	unsigned depth;
};

static int listing_add(void *arg, const struct dir_entry *entry)
{
	struct listing *l = arg;

	if (entry->cookie <= 2) /* "." and ".." */
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct name *more = reallocarray(l->names, cap, sizeof *more);

		if (!more)
			return -ENOMEM;
		l->names = more;
		l->cap = cap;
	}
	l->names[l->n] = (struct name){ .ino = entry->ino, .text = strdup(entry->name) };
	return l->names[l->n].text ? (l->n++, 0) : -ENOMEM;
}

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i].text);
	free(l->names);
}

static int name_compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* Appends "/NAME", or NAME to nothing. */
static int path_push(struct walking *w, const char *name)
{
	size_t n = strlen(name), need = w->len + n + 2;

	if (need > w->cap) {
		char *more = realloc(w->path, 2 * need);

		if (!more)
			return -ENOMEM;
		w->path = more;
		w->cap = 2 * need;
	}
	if (w->len > 0)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, name, n + 1);
	w->len += n;
	return 0;
}

static int visit(struct walking *w, struct inode *inode);

static int child_visit(struct walking *w, struct volume *vol, const struct name *name)
{
	size_t len = w->len;
	struct inode *inode;
	int r = path_push(w, name->text);

	if (r)
		return r;
	r = inode_get(vol, name->ino, &inode);
	if (r == 0) {
		r = visit(w, inode);
		inode_put(inode, 1);
	} else if (r != -ENOMEM) {
		r = w->walk->lost(w->walk->arg, w->path, r == -ENOENT ? -EUCLEAN : r);
	}
	w->len = len;
	w->path[len] = '\0';
	return r;
}

static int children_visit(struct walking *w, struct inode *dir)
{
	struct listing l = { .n = 0 };
	int r = dir_read(dir, 0, listing_add, &l);

	if (r < 0 && r != -ENOMEM)
		r = w->walk->lost(w->walk->arg, w->path, r);
	if (r == 0 && l.n > 0)
		qsort(l.names, l.n, sizeof *l.names, name_compare);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		r = child_visit(w, dir->vol, &l.names[i]);
	listing_free(&l);
	return r;
}

static int visit(struct walking *w, struct inode *inode)
{
	int r = w->walk->entry(w->walk->arg, w->path, inode);

	if (r || !S_ISDIR(inode->type))
		return r;
	if (w->depth == PATH_DEPTH_MAX) /* a ring that damage made */
		return w->walk->lost(w->walk->arg, w->path, -ELOOP);
	w->depth++;
	r = children_visit(w, inode);
	w->depth--;
	return r;
}

int walk_tree(struct inode *top, const char *path, const struct walk *walk)
{
	struct walking w = { .walk = walk };
	int r = path_push(&w, path);

	if (r == 0)
		r = visit(&w, top);
	free(w.path);
	return r;
}
