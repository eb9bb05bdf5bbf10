/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of archives taken apart, with distrust: absolute ones, "..", what leads through a symlink and what is nested absurdly deep lie nowhere.
 */
#include "tools/tar_place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/names/dir.h"
#include "fs/names/path.h"

/* Deeper is no tree that somebody made; twice that, and fsck.firn takes it for a ring. */
#define DEPTH_MAX (PATH_DEPTH_MAX / 2)

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* "./a//b/" into "a/b", "./" into "". */
static int normalize(const char *name, char **out, const char **why)
{
	char *to = malloc(strlen(name) + 1);
	unsigned depth = 0;
	size_t len = 0;

	*out = to;
	if (!to)
		return -ENOMEM;
	if (*name == '\0')
		return refuse(why, "refused: an empty name");
	if (*name == '/')
		return refuse(why, "refused: an absolute name");
	while (*name) {
		size_t n = strcspn(name, "/");

		if (n == 2 && name[0] == '.' && name[1] == '.')
			return refuse(why, "refused: \"..\" in its name");
		if (n > 0 && !(n == 1 && name[0] == '.')) {
			if (++depth > DEPTH_MAX)
				return refuse(why, "refused: nested too deep");
			if (len > 0)
				to[len++] = '/';
			memmove(to + len, name, n);
			len += n;
		}
		name += n + (name[n] == '/');
	}
	to[len] = '\0';
	return 0;
}

static int step(struct inode *dir, const char *name, bool make, struct inode **out)
{
	const struct dir_new what = { .mode = S_IFDIR | 0755, .uid = geteuid(), .gid = getegid() };
	int r = dir_lookup(dir, name, out);

	return r == -ENOENT && make ? dir_make(dir, name, &what, out) : r;
}

/* From base to the directory of this name, which is cut into parts. */
static int descend(struct inode *base, char *name, bool make, struct inode **out, const char **why)
{
	struct inode *at = base, *next;
	int r = 0;

	inode_ref(at);
	for (char *part = strtok_r(name, "/", &name); r == 0 && part; part = strtok_r(NULL, "/", &name)) {
		r = step(at, part, make, &next);
		if (r == 0) {
			inode_put(at, 1);
			at = next;
			if (!S_ISDIR(at->type))
				r = -ENOTDIR;
		}
	}
	if (r == 0) {
		*out = at;
		return 0;
	}
	inode_put(at, 1);
	if (r == -ENOTDIR)
		*why = "refused: its name leads through what is no directory";
	return r;
}

void tar_place_forget(struct tar_place *p)
{
	if (p->dir)
		inode_put(p->dir, 1);
	free(p->dir_name);
	p->dir = NULL;
	p->dir_name = NULL;
}

static int parent_find(struct tar_place *p, const char *name, bool make, struct inode **out, const char **why)
{
	char *copy;
	int r;

	if (p->dir && strcmp(p->dir_name, name) == 0) {
		inode_ref(p->dir);
		*out = p->dir;
		return 0;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	r = descend(p->base, copy, make, out, why);
	free(copy);
	if (r)
		return r;
	tar_place_forget(p);
	p->dir_name = strdup(name);
	if (p->dir_name) {
		inode_ref(*out);
		p->dir = *out;
	}
	return 0;
}

int tar_place_find(struct tar_place *p, const char *name, bool make, struct inode **dir, char **last, const char **why)
{
	char *path, *slash;
	int r;

	*dir = NULL;
	*last = NULL;
	*why = NULL;
	r = normalize(name, &path, why);
	if (r == 0) {
		slash = strrchr(path, '/');
		*last = strdup(slash ? slash + 1 : path);
		*(slash ? slash : path) = '\0';
		r = *last ? parent_find(p, path, make, dir, why) : -ENOMEM;
	}
	if (r) {
		free(*last);
		*last = NULL;
	}
	free(path);
	return r;
}

int tar_place_get(struct tar_place *p, const char *name, struct inode **out, const char **why)
{
	struct inode *dir;
	char *last;
	int r = tar_place_find(p, name, false, &dir, &last, why);

	if (r)
		return r;
	r = dir_lookup(dir, *last ? last : ".", out);
	inode_put(dir, 1);
	free(last);
	return r;
}

int tar_place_open(struct volume *vol, const char *name, struct tar_place *p, const char **why)
{
	struct tar_place root = { .dir = NULL };
	int r = inode_get(vol, INO_ROOT, &root.base);

	*p = (struct tar_place){ .dir = NULL };
	*why = NULL;
	if (r)
		return r;
	name += strspn(name, "/");
	r = tar_place_get(&root, *name ? name : ".", &p->base, why);
	tar_place_close(&root);
	if (r == 0 && !S_ISDIR(p->base->type)) {
		tar_place_close(p);
		r = -ENOTDIR;
	}
	return r;
}

void tar_place_close(struct tar_place *p)
{
	tar_place_forget(p);
	if (p->base)
		inode_put(p->base, 1);
	p->base = NULL;
}
