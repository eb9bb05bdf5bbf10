/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of an archive become names of a store, in place of what is there, as tar does it. A file gets its name when its contents have come whole.
 */
#include "tools/tar_read.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/data/file.h"
#include "fs/names/attr.h"
#include "fs/names/dir.h"
#include "tools/tar_attr.h"

struct dir_times {
	uint64_t ino;
	int64_t atime, mtime;
	unsigned mask;
};

/* Where an entry goes. */
struct spot {
	struct inode *dir;
	const char *name; /* "": dir itself */
	const char *why;  /* of a failure, or NULL */
};

void tar_read_problem(struct tar_reader *t, const char *path, const char *why, int error)
{
	t->counts->problems++;
	t->report->say(t->report->arg, path, why ? why : strerror(-error), true);
}

int tar_read_tell(struct tar_reader *t)
{
	t->counts->stream = (uint64_t)archive_filter_bytes(t->archive, -1);
	return t->report->progress && t->report->progress(t->report->arg, t->counts) ? -EINTR : 0;
}

/* Takes away what has the name, so that something else can have it: -EISDIR when that is a directory that holds something. */
static int spot_clear(struct tar_reader *t, const struct spot *at)
{
	struct inode *old;
	bool dir;
	int r = dir_lookup(at->dir, at->name, &old);

	if (r)
		return r == -ENOENT ? 0 : r;
	dir = S_ISDIR(old->type);
	inode_put(old, 1);
	if (!dir)
		return dir_unlink(at->dir, at->name);
	r = dir_rmdir(at->dir, at->name);
	if (r == 0)
		tar_place_forget(&t->place);
	return r == -ENOTEMPTY ? -EISDIR : r;
}

static int dir_note(struct tar_reader *t, struct archive_entry *entry, uint64_t ino)
{
	struct inode_attr to = { .atime = 0 };
	unsigned mask = tar_attr_times(entry, &to);

	if (t->dirs_n == t->dirs_cap) {
		size_t cap = t->dirs_cap ? 2 * t->dirs_cap : 64;
		struct dir_times *more = reallocarray(t->dirs, cap, sizeof *more);

		if (!more)
			return -ENOMEM;
		t->dirs = more;
		t->dirs_cap = cap;
	}
	t->dirs[t->dirs_n++] = (struct dir_times){ .ino = ino, .atime = to.atime, .mtime = to.mtime, .mask = mask };
	return 0;
}

/* A directory that is there stays, with other attributes. */
static int dir_take(struct tar_reader *t, struct archive_entry *entry, struct spot *at)
{
	const struct dir_new what = { .mode = S_IFDIR | 0700, .uid = geteuid(), .gid = getegid() };
	struct inode *inode = NULL;
	bool fresh = false;
	int r = dir_lookup(at->dir, *at->name ? at->name : ".", &inode);

	if (r == 0 && !S_ISDIR(inode->type)) {
		inode_put(inode, 1);
		r = dir_unlink(at->dir, at->name);
		r = r ? r : -ENOENT;
	}
	if (r == -ENOENT) {
		fresh = true;
		r = dir_make(at->dir, at->name, &what, &inode);
	}
	if (r)
		return r;
	r = tar_attr_set(t, entry, inode, fresh);
	if (r == 0)
		r = dir_note(t, entry, inode->ino);
	inode_put(inode, 1);
	return r;
}

/* Contents; holes stay holes. */
static int contents_take(struct tar_reader *t, struct archive_entry *entry, struct spot *at, struct inode *inode)
{
	const struct inode_attr to = { .size = archive_entry_size(entry) > 0 ? (uint64_t)archive_entry_size(entry) : 0 };
	const void *bytes;
	la_int64_t offset;
	size_t len;
	int r = 0, a = 0;

	while (r == 0 && (a = archive_read_data_block(t->archive, &bytes, &len, &offset)) >= ARCHIVE_WARN && a != ARCHIVE_EOF) {
		ssize_t n = len == 0 ? 0 : offset < 0 ? -EINVAL : file_write(inode, bytes, len, (uint64_t)offset, false);

		if (n < 0)
			return (int)n;
		t->counts->bytes += len;
		r = tar_read_tell(t);
	}
	if (r == 0 && a < ARCHIVE_WARN) {
		t->ended = a == ARCHIVE_FATAL;
		at->why = archive_error_string(t->archive);
		return -EIO;
	}
	return r ? r : attr_set(inode, ATTR_SIZE, &to);
}

static int file_take(struct tar_reader *t, struct archive_entry *entry, struct spot *at)
{
	const struct dir_new what = { .mode = S_IFREG | 0600, .uid = geteuid(), .gid = getegid() };
	struct inode *inode;
	int r = dir_tmpfile(at->dir, &what, &inode);

	if (r)
		return r;
	r = contents_take(t, entry, at, inode);
	if (r == 0)
		r = tar_attr_set(t, entry, inode, true);
	if (r == 0)
		r = spot_clear(t, at);
	if (r == 0)
		r = dir_link(inode, at->dir, at->name);
	inode_put(inode, 1);
	return r;
}

/* One more name for what an earlier entry, or an earlier import, has put below the same place. */
static int link_take(struct tar_reader *t, struct archive_entry *entry, struct spot *at)
{
	struct inode *inode, *old;
	int r = tar_place_get(&t->place, archive_entry_hardlink(entry), &inode, &at->why);
	bool same;

	if (r == -ENOENT)
		at->why = "what it is a link to is not there";
	if (r)
		return r;
	same = dir_lookup(at->dir, at->name, &old) == 0;
	if (same) {
		same = old == inode;
		inode_put(old, 1);
	}
	if (S_ISDIR(inode->type))
		r = -EPERM;
	if (r == 0 && !same)
		r = spot_clear(t, at);
	if (r == 0 && !same)
		r = dir_link(inode, at->dir, at->name);
	if (r == 0 && S_ISREG(inode->type) && archive_entry_size_is_set(entry) && archive_entry_size(entry) > 0) {
		const struct inode_attr empty = { .size = 0 };

		r = attr_set(inode, ATTR_SIZE, &empty); /* some archives have the contents with the last name */
		r = r ? r : contents_take(t, entry, at, inode);
		r = r ? r : tar_attr_set(t, entry, inode, false);
	}
	inode_put(inode, 1);
	return r;
}

/* Symlinks, fifos and devices. */
static int other_take(struct tar_reader *t, struct archive_entry *entry, struct spot *at)
{
	struct dir_new what = { .mode = archive_entry_filetype(entry) | 0600, .uid = geteuid(), .gid = getegid() };
	const char *target = archive_entry_symlink(entry);
	uint64_t hi = archive_entry_rdevmajor(entry), lo = archive_entry_rdevminor(entry);
	struct inode *inode;
	int r;

	if (S_ISLNK(what.mode) ? !target : !S_ISFIFO(what.mode) && !S_ISCHR(what.mode) && !S_ISBLK(what.mode)) {
		at->why = "refused: of no type that a store knows";
		return -EINVAL;
	}
	if (S_ISCHR(what.mode) || S_ISBLK(what.mode)) {
		if (hi > 0xfff || lo > 0xfffff)
			return -EOVERFLOW;
		what.rdev = (uint32_t)(hi << 20 | lo);
	}
	r = spot_clear(t, at);
	if (r == 0)
		r = S_ISLNK(what.mode) ? dir_symlink(at->dir, at->name, target, what.uid, what.gid, &inode)
				       : dir_make(at->dir, at->name, &what, &inode);
	if (r)
		return r;
	r = tar_attr_set(t, entry, inode, true);
	inode_put(inode, 1);
	return r;
}

static int entry_take(struct tar_reader *t, struct archive_entry *entry, struct spot *at)
{
	if (archive_entry_filetype(entry) == AE_IFDIR && !archive_entry_hardlink(entry))
		return dir_take(t, entry, at);
	if (*at->name == '\0')
		return -EISDIR;
	if (archive_entry_hardlink(entry))
		return link_take(t, entry, at);
	return archive_entry_filetype(entry) == AE_IFREG ? file_take(t, entry, at) : other_take(t, entry, at);
}

/* What would fail the same way for every further entry. */
static bool is_fatal(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -ENOMEM || r == -EROFS || r == -EINTR;
}

int tar_read_entry(struct tar_reader *t, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	struct spot at = { .why = NULL };
	char *last = NULL;
	int r = tar_place_find(&t->place, path ? path : "", true, &at.dir, &last, &at.why);

	if (r == 0) {
		at.name = last;
		r = entry_take(t, entry, &at);
		inode_put(at.dir, 1);
		free(last);
	}
	t->counts->names++;
	if (is_fatal(r))
		return r;
	if (r)
		tar_read_problem(t, path ? path : "(no name)", at.why, r);
	return tar_read_tell(t);
}

int tar_read_finish(struct tar_reader *t)
{
	int r = 0;

	for (size_t i = 0; i < t->dirs_n; i++) {
		const struct inode_attr to = { .atime = t->dirs[i].atime, .mtime = t->dirs[i].mtime };
		struct inode *inode;
		int e = inode_get(t->place.base->vol, t->dirs[i].ino, &inode);

		if (e == 0) {
			e = attr_set(inode, t->dirs[i].mask, &to);
			inode_put(inode, 1);
		}
		if (e && e != -ENOENT && r == 0) /* it may have been replaced */
			r = e;
	}
	free(t->dirs);
	t->dirs = NULL;
	t->dirs_n = t->dirs_cap = 0;
	return r;
}
