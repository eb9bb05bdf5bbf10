/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk over the store that writes each inode once.
 */
#include "tools/tar_export.h"

#include <errno.h>
#include <locale.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/names/walk.h"
#include "tools/tar_place.h"
#include "tools/tar_write.h"

struct exporting {
	struct tar_writer writer;
	void *links; /* a tree of search.h: inodes with several names */
};

struct link_seen {
	uint64_t ino;
	char path[]; /* its first name */
};

static int link_compare(const void *a, const void *b)
{
	const struct link_seen *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* *first: the name that the inode has been written under, or NULL. */
static int link_find(struct exporting *ex, const char *path, struct inode *inode, const char **first)
{
	struct link_seen *seen, **found;
	size_t n = strlen(path) + 1;
	struct stat st;

	*first = NULL;
	inode_stat(inode, &st);
	if (S_ISDIR(inode->type) || st.st_nlink < 2)
		return 0;
	seen = malloc(sizeof *seen + n);
	if (!seen)
		return -ENOMEM;
	seen->ino = inode->ino;
	memcpy(seen->path, path, n);
	found = tsearch(seen, &ex->links, link_compare);
	if (!found || *found != seen)
		free(seen);
	if (!found)
		return -ENOMEM;
	if (*found != seen)
		*first = (*found)->path;
	return 0;
}

static int entry_export(void *arg, const char *path, struct inode *inode)
{
	struct exporting *ex = arg;
	const char *first;
	int r = link_find(ex, path, inode, &first);

	return r ? r : tar_write_inode(&ex->writer, path, inode, first);
}

static int entry_lost(void *arg, const char *path, int error)
{
	struct exporting *ex = arg;

	return tar_write_problem(&ex->writer, path, error);
}

/* The name as entries have it: "./a/b" for "a/b", "/a/b" and "./a/b". */
static char *entry_name(const char *path)
{
	char *name = NULL;
	size_t n;

	while (*path == '/' || (path[0] == '.' && (path[1] == '/' || path[1] == '\0')))
		path++;
	if (asprintf(&name, *path ? "./%s" : ".%s", path) < 0)
		return NULL;
	for (n = strlen(name); n > 1 && name[n - 1] == '/'; n--)
		name[n - 1] = '\0';
	return name;
}

static int path_export(struct exporting *ex, struct tar_place *root, const char *path)
{
	const struct walk walk = { .entry = entry_export, .lost = entry_lost, .arg = ex };
	char *name = entry_name(path);
	struct inode *inode;
	const char *why;
	int r;

	if (!name)
		return -ENOMEM;
	r = tar_place_get(root, name, &inode, &why);
	if (r) {
		ex->writer.counts->problems++;
		ex->writer.report->say(ex->writer.report->arg, path, why ? why : strerror(-r), true);
		r = 0;
	} else {
		r = walk_tree(inode, name, &walk);
		inode_put(inode, 1);
	}
	free(name);
	return r;
}

int tar_export(struct volume *vol, int fd, char *const *paths, int n, const struct tar_report *report,
	       struct tar_counts *counts)
{
	struct exporting ex = { .writer = { .report = report, .counts = counts } };
	struct tar_place root;
	const char *why;
	int r, last;

	/* Names are bytes. In this locale what is UTF-8 goes into the archive as it is, and what is not, marked so. */
	setlocale(LC_CTYPE, "C.UTF-8");
	memset(counts, 0, sizeof *counts);
	r = tar_place_open(vol, "/", &root, &why);
	if (r)
		return r;
	r = tar_write_open(&ex.writer, fd);
	if (r == 0 && n == 0)
		r = path_export(&ex, &root, ".");
	for (int i = 0; r == 0 && i < n; i++)
		r = path_export(&ex, &root, paths[i]);
	last = tar_write_close(&ex.writer);
	tar_place_close(&root);
	tdestroy(ex.links, free);
	setlocale(LC_CTYPE, "C");
	return r ? r : last;
}
