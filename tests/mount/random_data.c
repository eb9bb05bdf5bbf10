/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of random_ops on contents: writing, reading, truncating, mapping, syncing.
 */
#include "tests/mount/random_ops.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *flags_name(int flags)
{
	return flags & O_APPEND	  ? " (append)"
	       : flags & O_DIRECT ? " (direct)"
	       : flags & O_DSYNC  ? " (dsync)"
				  : "";
}

void random_write(struct tester *t, struct file *f, int flags)
{
	size_t off = flags & O_APPEND ? f->size : random_place(t, random_max_size - 1), len;
	ssize_t n;
	int fd = f->fd;

	if (off >= random_max_size)
		return;
	len = random_length(t, random_max_size - off);
	random_fill(t, len);
	random_trace(f, "%lu: write%s %zu at %zu", t->done, flags_name(flags), len, off);
	if (flags) {
		char path[PATH_MAX];

		random_path(random_dir, f, path);
		fd = open(path, O_WRONLY | flags);
		if (fd < 0)
			random_die(t, f, "open to write");
	}
	n = flags & O_APPEND ? write(fd, t->buf, len) : pwrite(fd, t->buf, len, (off_t)off);
	if (n != (ssize_t)len)
		random_die(t, f, "write");
	if (flags && close(fd) < 0)
		random_die(t, f, "close after writing");
	memcpy(f->bytes + off, t->buf, len);
	if (off + len > f->size)
		f->size = off + len;
}

void random_read(struct tester *t, struct file *f, int flags)
{
	size_t off = random_place(t, f->size), len = random_length(t, random_max_size);
	int fd = f->fd;

	random_trace(f, "%lu: read%s %zu at %zu", t->done, flags_name(flags), len, off);
	if (flags) {
		char path[PATH_MAX];

		random_path(random_dir, f, path);
		fd = open(path, O_RDONLY | flags);
		if (fd < 0)
			random_die(t, f, "open to read");
	}
	random_read_compare(t, f, fd, off, len);
	if (flags)
		close(fd);
}

void random_truncate(struct tester *t, struct file *f)
{
	size_t size = random_draw(t, 8) == 0 ? 0
		      : random_draw(t, 3)    ? random_place(t, f->size)
					     : random_place(t, random_max_size);

	random_trace(f, "%lu: truncate from %zu to %zu", t->done, f->size, size);
	if (ftruncate(f->fd, (off_t)size) < 0)
		random_die(t, f, "ftruncate");
	if (size < f->size)
		memset(f->bytes + size, 0, f->size - size);
	f->size = size;
}

void random_map(struct tester *t, struct file *f)
{
	size_t off = random_place(t, f->size) / PAGE * PAGE, len = random_length(t, f->size - off),
	       start;
	bool change = random_draw(t, 3) > 0, sync = random_draw(t, 2);
	uint8_t *map;

	if (off >= f->size)
		return;
	start = random_draw(t, len);
	random_trace(f, "%lu: map %zu at %zu%s", t->done, len, off,
		     change ? sync ? ", written from within, msync" : ", written" : "");
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, (off_t)off);
	if (map == MAP_FAILED)
		random_die(t, f, "mmap");
	random_differ(t, f, map, off, len);
	if (change) {
		random_fill(t, len - start);
		memcpy(map + start, t->buf, len - start);
		memcpy(f->bytes + off + start, t->buf, len - start);
		if (sync && msync(map, len, MS_SYNC) < 0)
			random_die(t, f, "msync");
	}
	if (munmap(map, len) < 0)
		random_die(t, f, "munmap");
}

void random_sync(struct tester *t, struct file *f)
{
	random_trace(f, "%lu: fsync", t->done);
	if ((random_draw(t, 2) ? fsync(f->fd) : fdatasync(f->fd)) < 0)
		random_die(t, f, "fsync");
	if (random_draw(t, 2) && posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED))
		random_die(t, f, "fadvise");
}
