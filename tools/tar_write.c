/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of a pax archive: attributes as any tar reads them (SCHILY's names for extended ones, GNU's form of sparse files), nothing in them that
 * depends on when, where or from which store they are written.
 */
#include "tools/tar_write.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "fs/data/file.h"
#include "fs/names/dir.h"
#include "fs/names/xattr.h"
#include "tools/tar_acl.h"

#define BUFFER (1u << 20)
#define ZEROS ((size_t)64 << 20)
#define LIST_MAX 65536u
/* Readers, libarchive among them, take no more than 1 MiB of extended header. */
#define HEADER_MAX 1000000u

static_assert(LIST_MAX + XATTR_VALUE_MAX <= BUFFER && SYMLINK_MAX_LEN < BUFFER, "they share the buffer");

int tar_write_open(struct tar_writer *t, int fd)
{
	void *zeros = mmap(NULL, ZEROS, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	t->zeros = zeros == MAP_FAILED ? NULL : zeros;
	t->buf = malloc(BUFFER);
	t->archive = archive_write_new();
	if (!t->zeros || !t->buf || !t->archive)
		return -ENOMEM;
	if (archive_write_set_format_pax(t->archive) || archive_write_set_options(t->archive, "pax:xattrheader=SCHILY") ||
	    archive_write_set_bytes_in_last_block(t->archive, 1) || archive_write_open_fd(t->archive, fd))
		return -EIO;
	return 0;
}

/* Why the archive cannot be written on. */
static int write_error(struct tar_writer *t)
{
	int e = archive_errno(t->archive);

	return e > 0 ? -e : -EIO;
}

int tar_write_close(struct tar_writer *t)
{
	int r = t->archive && archive_write_close(t->archive) < ARCHIVE_WARN ? write_error(t) : 0;

	if (t->archive)
		archive_write_free(t->archive);
	if (t->zeros)
		munmap((void *)(uintptr_t)t->zeros, ZEROS);
	free(t->buf);
	return r;
}

static int say(struct tar_writer *t, const char *path, const char *why, bool problem)
{
	if (problem)
		t->counts->problems++;
	t->report->say(t->report->arg, path, why, problem);
	return 0;
}

int tar_write_problem(struct tar_writer *t, const char *path, int error)
{
	char text[128];

	snprintf(text, sizeof text, "cannot be read, left out: %s", strerror(-error));
	return say(t, path, text, true);
}

static int tell(struct tar_writer *t)
{
	t->counts->stream = (uint64_t)archive_filter_bytes(t->archive, -1);
	return t->report->progress && t->report->progress(t->report->arg, t->counts) ? -EINTR : 0;
}

/*
 * libarchive puts seconds and fraction side by side, whereas the fraction of a negative number counts downwards. The last second before 1970 would
 * lose its sign: it is whole.
 */
static struct timespec time_put(struct timespec ts)
{
	if (ts.tv_sec == -1) {
		ts.tv_nsec = 0;
	} else if (ts.tv_sec < 0 && ts.tv_nsec > 0) {
		ts.tv_sec++;
		ts.tv_nsec = 1000000000 - ts.tv_nsec;
	}
	return ts;
}

static void stat_put(struct archive_entry *e, const struct stat *st)
{
	const struct timespec mtime = time_put(st->st_mtim), atime = time_put(st->st_atim);

	archive_entry_set_mode(e, st->st_mode);
	archive_entry_set_uid(e, st->st_uid);
	archive_entry_set_gid(e, st->st_gid);
	archive_entry_set_mtime(e, mtime.tv_sec, mtime.tv_nsec);
	archive_entry_set_atime(e, atime.tv_sec, atime.tv_nsec);
	if (S_ISREG(st->st_mode))
		archive_entry_set_size(e, st->st_size);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		archive_entry_set_rdevmajor(e, major(st->st_rdev));
		archive_entry_set_rdevminor(e, minor(st->st_rdev));
	}
}

static int xattr_put(struct tar_writer *t, struct archive_entry *e, struct inode *inode, const char *name, size_t *room)
{
	uint8_t *value = t->buf + LIST_MAX;
	int n = xattr_get(inode, name, value, XATTR_VALUE_MAX);
	size_t need;

	if (n < 0)
		return n;
	if (acl_is_name(name))
		return tar_acl_put(e, name, value, (size_t)n);
	need = 3 * strlen(name) + (size_t)n + 64;
	if (need > *room)
		return -E2BIG;
	*room -= need;
	archive_entry_xattr_add_entry(e, name, value, (size_t)n);
	return 0;
}

/* What does not work out is told, and the others go on. */
static void xattrs_put(struct tar_writer *t, struct archive_entry *e, const char *path, struct inode *inode)
{
	size_t names = strlen(path) * 3, room = names < HEADER_MAX ? HEADER_MAX - names : 0;
	const char *list = (const char *)t->buf;
	int n = xattr_list(inode, (char *)t->buf, LIST_MAX), r;
	char text[XATTR_NAME_MAX_LEN + 128];

	if (n < 0) {
		snprintf(text, sizeof text, "its extended attributes cannot be read: %s", strerror(-n));
		say(t, path, text, true);
	}
	for (const char *name = list; n > 0 && name < list + n; name += strlen(name) + 1) {
		r = xattr_put(t, e, inode, name, &room);
		if (r == 0)
			continue;
		snprintf(text, sizeof text, "its attribute %s is left out: %s", name, strerror(-r));
		say(t, path, text, true);
	}
}

/* Notes where a file has data. */
static int sparse_put(struct archive_entry *e, struct inode *inode, int64_t size)
{
	int64_t at = 0;

	while (at < size) {
		int64_t data = file_seek(inode, (uint64_t)at, false), hole;

		if (data == -ENXIO)
			break;
		hole = data < 0 ? data : file_seek(inode, (uint64_t)data, true);
		if (hole < 0)
			return (int)hole;
		if (data > 0 || hole < size)
			archive_entry_sparse_add_entry(e, data, hole - data);
		at = hole;
	}
	if (at == 0 && size > 0) /* nothing but a hole */
		archive_entry_sparse_add_entry(e, 0, 0);
	return 0;
}

/* All that comes before the contents. */
static int entry_fill(struct tar_writer *t, struct archive_entry *e, const char *path, struct inode *inode, const char *link)
{
	struct stat st;
	int r = 0;

	inode_stat(inode, &st);
	archive_entry_copy_pathname(e, path);
	stat_put(e, &st);
	if (link) {
		archive_entry_copy_hardlink(e, link);
		archive_entry_unset_size(e);
		return 0;
	}
	if (S_ISLNK(inode->type)) {
		r = dir_readlink(inode, (char *)t->buf, BUFFER);
		if (r < 0)
			return r;
		archive_entry_copy_symlink(e, (char *)t->buf);
	}
	xattrs_put(t, e, path, inode);
	return S_ISREG(inode->type) ? sparse_put(e, inode, st.st_size) : 0;
}

static int bytes_put(struct tar_writer *t, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		la_ssize_t n = archive_write_data(t->archive, bytes, len);

		if (n <= 0)
			return write_error(t);
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int hole_put(struct tar_writer *t, int64_t len)
{
	int r = 0;

	while (r == 0 && len > 0) {
		size_t n = len < (int64_t)ZEROS ? (size_t)len : ZEROS;

		r = bytes_put(t, t->zeros, n);
		len -= (int64_t)n;
	}
	return r;
}

/* Into the buffer, chunk by chunk, zeros for those that cannot be read: how many bytes. */
static size_t salvage(struct tar_writer *t, struct inode *inode, int64_t at, size_t len)
{
	uint32_t chunk = inode->vol->super.chunk_size;
	size_t lost = 0, step;

	for (size_t off = 0; off < len; off += step) {
		step = chunk - (size_t)(((uint64_t)at + off) % chunk);
		if (step > len - off)
			step = len - off;
		if (file_read(inode, t->buf + off, step, (uint64_t)at + off) != (ssize_t)step) {
			memset(t->buf + off, 0, step);
			lost += step;
		}
	}
	return lost;
}

static int run_put(struct tar_writer *t, struct inode *inode, int64_t at, int64_t end, uint64_t *lost)
{
	int r = 0;

	while (r == 0 && at < end) {
		size_t n = end - at < BUFFER ? (size_t)(end - at) : BUFFER;

		if (file_read(inode, t->buf, n, (uint64_t)at) != (ssize_t)n)
			*lost += salvage(t, inode, at, n);
		r = bytes_put(t, t->buf, n);
		at += (int64_t)n;
		t->counts->bytes += n;
		if (r == 0)
			r = tell(t);
	}
	return r;
}

static int contents_put(struct tar_writer *t, struct archive_entry *e, const char *path, struct inode *inode)
{
	int64_t size = archive_entry_size(e), at = 0, data, len;
	uint64_t lost = 0;
	char text[128];
	int r = 0;

	if (archive_entry_sparse_reset(e) == 0) {
		r = run_put(t, inode, 0, size, &lost);
		at = size;
	}
	while (r == 0 && at < size && archive_entry_sparse_next(e, &data, &len) == ARCHIVE_OK) {
		r = hole_put(t, data - at);
		if (r == 0)
			r = run_put(t, inode, data, data + len, &lost);
		at = data + len;
	}
	if (r == 0)
		r = hole_put(t, size - at);
	if (lost) {
		snprintf(text, sizeof text, "%llu bytes cannot be read: zeros in their place", (unsigned long long)lost);
		say(t, path, text, true);
	}
	return r;
}

int tar_write_inode(struct tar_writer *t, const char *path, struct inode *inode, const char *link)
{
	struct archive_entry *e;
	int r;

	if (S_ISSOCK(inode->type))
		return say(t, path, "a socket: no archive holds one", false);
	e = archive_entry_new();
	if (!e)
		return -ENOMEM;
	r = entry_fill(t, e, path, inode, link);
	if (r < 0) {
		r = tar_write_problem(t, path, r);
	} else {
		int w = archive_write_header(t->archive, e);

		if (w == ARCHIVE_FATAL)
			r = write_error(t);
		else if (w < ARCHIVE_WARN)
			r = say(t, path, archive_error_string(t->archive), true);
		else if (!link && S_ISREG(inode->type))
			r = contents_put(t, e, path, inode);
	}
	archive_entry_free(e);
	t->counts->names++;
	return r ? r : tell(t);
}
