/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree from outside copied into a volume: walks it, makes the names, and gives each inode the attributes it
 * had.
 */
#include "fs/store/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/names/attr.h"
#include "fs/names/dir.h"
#include "fs/store/import_file.h"
#include "fs/store/volume_open.h"

/* Inodes with several names, by where they came from. */
struct link_seen {
	dev_t dev;
	ino_t ino;
	uint64_t copy; /* our inode number */
};

static int link_compare(const void *a, const void *b)
{
	const struct link_seen *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* Adds a name to the path that messages tell; what does not fit is left out. Returns the length it had. */
static size_t path_push(struct import *im, const char *name)
{
	char *text = im->err->text;
	size_t len = strlen(text), n = strlen(name);

	if (n > 0 && len + 1 + n < sizeof im->err->text) {
		text[len] = '/';
		memcpy(text + len + 1, name, n + 1);
	}
	return len;
}

/* The first failure fixes the path. */
static int fail(struct import *im, const char *name, int r)
{
	if (!im->failed)
		path_push(im, name);
	im->failed = true;
	return r;
}

static void path_pop(struct import *im, size_t len)
{
	if (!im->failed)
		im->err->text[len] = '\0';
}

/* 1 and the inode linked to when this source was copied before under another name; 0; -errno. */
static int link_known(struct import *im, const struct stat *st, struct inode *parent, const char *name)
{
	struct link_seen key = { .dev = st->st_dev, .ino = st->st_ino }, **found;
	struct inode *inode;
	int r;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	found = tfind(&key, &im->links, link_compare);
	if (!found)
		return 0;
	r = inode_get(im->vol, (*found)->copy, &inode);
	if (r)
		return r;
	r = dir_link(inode, parent, name);
	inode_put(inode, 1);
	return r ? r : 1;
}

static int link_remember(struct import *im, const struct stat *st, const struct inode *copy)
{
	struct link_seen *seen;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	seen = malloc(sizeof *seen);
	if (!seen)
		return -ENOMEM;
	*seen = (struct link_seen){ .dev = st->st_dev, .ino = st->st_ino, .copy = copy->ino };
	if (!tsearch(seen, &im->links, link_compare)) {
		free(seen);
		return -ENOMEM;
	}
	return 0;
}

static int symlink_copy(int dirfd, const char *name, struct inode *parent, const struct dir_new *what,
			struct inode **out)
{
	char target[SYMLINK_MAX_LEN + 2];
	ssize_t n = readlinkat(dirfd, name, target, sizeof target - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return dir_symlink(parent, name, target, what->uid, what->gid, out);
}

/* Makes the copy of an entry, without contents. */
static int inode_copy(struct import *im, int dirfd, const char *name, const struct stat *st,
		      struct inode *parent, struct inode **out)
{
	struct dir_new what = {
		.mode = st->st_mode,
		.uid = im->owner ? st->st_uid : geteuid(),
		.gid = im->owner ? st->st_gid : getegid(),
	};
	int r;

	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		what.rdev = (uint32_t)(major(st->st_rdev) << 20 | (minor(st->st_rdev) & 0xfffff));
	r = S_ISLNK(st->st_mode) ? symlink_copy(dirfd, name, parent, &what, out)
				 : dir_make(parent, name, &what, out);
	return r ? r : link_remember(im, st, *out);
}

static int dir_copy(struct import *im, int fd, struct inode *dir);

static int entry_copy(struct import *im, int dirfd, const char *name, struct inode *parent)
{
	struct inode *inode = NULL;
	struct stat st;
	int fd, r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return fail(im, name, -errno);
	if (st.st_dev == im->store_dev && st.st_ino == im->store_ino)
		return 0;
	im->done.files++;
	r = link_known(im, &st, parent, name);
	if (r)
		return r > 0 ? 0 : fail(im, name, r);
	fd = import_open(dirfd, name, st.st_mode);
	if (fd < 0)
		return fail(im, name, fd);
	r = inode_copy(im, dirfd, name, &st, parent, &inode);
	if (r == 0 && S_ISDIR(st.st_mode)) {
		size_t len = path_push(im, name);

		r = dir_copy(im, fd, inode);
		path_pop(im, len);
	} else if (r == 0 && S_ISREG(st.st_mode)) {
		r = import_data(im, fd, inode);
	}
	if (r == 0)
		r = import_attributes(im, fd, &st, inode);
	if (r)
		fail(im, S_ISDIR(st.st_mode) ? "" : name, r);
	if (inode)
		inode_put(inode, 1);
	close(fd);
	return r ? r : import_tell(im);
}

static int dir_copy(struct import *im, int fd, struct inode *dir)
{
	int own = dup(fd), r = 0;
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (!stream) {
		r = -errno;
		if (own >= 0)
			close(own);
		return r;
	}
	while (r == 0) {
		errno = 0;
		entry = readdir(stream);
		if (!entry) {
			r = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = entry_copy(im, fd, entry->d_name, dir);
	}
	closedir(stream);
	return r;
}

static int tree_copy(struct import *im, int fd)
{
	struct inode *root;
	struct stat st;
	int r = inode_get(im->vol, INO_ROOT, &root);

	if (r)
		return r;
	r = fstat(fd, &st) ? -errno : 0;
	if (r == 0 && st.st_dev == im->store_dev && st.st_ino == im->store_ino)
		r = -EINVAL;
	if (r == 0)
		r = dir_copy(im, fd, root);
	if (r == 0)
		r = import_attributes(im, fd, &st, root);
	inode_put(root, 1);
	return r;
}

int import_tree(struct volume *vol, const char *dir, const struct import_options *opt,
		struct import_progress *done, struct volume_error *err)
{
	struct import im = { .vol = vol, .opt = opt, .err = err, .owner = geteuid() == 0 };
	struct stat st;
	int fd, r;

	memset(done, 0, sizeof *done);
	snprintf(err->text, sizeof err->text, "%s", dir);
	clock_gettime(CLOCK_MONOTONIC, &im.start);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	im.buf = malloc(IMPORT_BUFFER);
	r = im.buf ? 0 : -ENOMEM;
	if (r == 0)
		r = fstat(vol->dirfd, &st) ? -errno : 0;
	if (r == 0) {
		im.store_dev = st.st_dev;
		im.store_ino = st.st_ino;
		r = tree_copy(&im, fd);
	}
	if (r == 0)
		err->text[0] = '\0';
	*done = im.done;
	tdestroy(im.links, free);
	free(im.buf);
	close(fd);
	return r;
}
