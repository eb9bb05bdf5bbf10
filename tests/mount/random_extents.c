/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of random_ops on extents: allocating, punching, zeroing and copying ranges, and what
 * lseek(2) calls a hole.
 */
#include "tests/mount/random_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* fallocate(2); false where this file system does not have the mode. */
static bool range_done(struct tester *t, struct file *f, int mode, size_t off, size_t len,
		       enum lack lack)
{
	if (fallocate(f->fd, mode, (off_t)off, (off_t)len) == 0)
		return true;
	if (errno != EOPNOTSUPP)
		random_die(t, f, "fallocate");
	random_lack(lack);
	return false;
}

void random_allocate(struct tester *t, struct file *f)
{
	size_t off = random_place(t, random_max_size - 1),
	       len = random_length(t, random_max_size - off);
	bool keep = random_draw(t, 2);

	random_trace(f, "%lu: allocate %zu at %zu%s", t->done, len, off, keep ? ", keep size" : "");
	if (fallocate(f->fd, keep ? FALLOC_FL_KEEP_SIZE : 0, (off_t)off, (off_t)len) < 0)
		random_die(t, f, "fallocate");
	if (!keep && off + len > f->size)
		f->size = off + len;
}

/* Zero in the model what lies before its end. */
static void model_clear(struct file *f, size_t off, size_t len)
{
	if (off < f->size)
		memset(f->bytes + off, 0, len < f->size - off ? len : f->size - off);
}

void random_punch(struct tester *t, struct file *f)
{
	size_t off = random_place(t, random_max_size - 1),
	       len = random_length(t, random_max_size - off);

	random_trace(f, "%lu: punch %zu at %zu", t->done, len, off);
	if (range_done(t, f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len, LACK_PUNCH))
		model_clear(f, off, len);
}

void random_zero(struct tester *t, struct file *f)
{
	size_t off = random_place(t, random_max_size - 1),
	       len = random_length(t, random_max_size - off);
	bool keep = random_draw(t, 2);

	random_trace(f, "%lu: zero %zu at %zu%s", t->done, len, off, keep ? ", keep size" : "");
	if (!range_done(t, f, FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0), off, len,
			LACK_ZERO))
		return;
	model_clear(f, off, len);
	if (!keep && off + len > f->size)
		f->size = off + len;
}

/* Overlapping ranges of one file are refused, and nothing is changed. */
static void copy_overlapping(struct tester *t, struct file *f, size_t from, size_t to, size_t len)
{
	off_t in = (off_t)from, out = (off_t)to;

	random_trace(f, "%lu: copy %zu from %zu to %zu, which overlap", t->done, len, from, to);
	if (copy_file_range(f->fd, &in, f->fd, &out, len, 0) >= 0)
		random_die(t, f, "overlapping ranges were copied");
	if (errno != EINVAL)
		random_die(t, f, "copy_file_range");
}

void random_copy(struct tester *t, struct file *to, struct file *from)
{
	size_t off, at, len, done = 0;
	off_t in, out;
	ssize_t n = 0;

	if (!from->exists || from->size == 0)
		return;
	if (from->fd < 0)
		random_open(t, from, 0);
	off = random_place(t, from->size - 1);
	at = random_draw(t, 3) ? random_place(t, random_max_size - 1) : off;
	len = random_length(t, from->size - off);
	len = len < random_max_size - at ? len : random_max_size - at;
	if (from == to && at < off + len && off < at + len) {
		copy_overlapping(t, to, off, at, len);
		return;
	}
	random_trace(to, "%lu: copy %zu from %zu of %s to %zu", t->done, len, off, from->name, at);
	random_trace(from, "%lu: %zu at %zu copied to %s", t->done, len, off, to->name);
	in = (off_t)off;
	out = (off_t)at;
	while (done < len && (n = copy_file_range(from->fd, &in, to->fd, &out, len - done, 0)) > 0)
		done += (size_t)n;
	if (done == 0 && n < 0 && (errno == EOPNOTSUPP || errno == EXDEV)) {
		random_lack(LACK_COPY);
		return;
	}
	if (done < len)
		random_die(t, to, "copy_file_range");
	memcpy(to->bytes + at, from->bytes + off, len);
	if (at + len > to->size)
		to->size = at + len;
}

static void expect_zeros(struct tester *t, struct file *f, size_t off, size_t end)
{
	for (size_t i = off; i < end; i++) {
		if (f->bytes[i] != 0) {
			char what[100];

			snprintf(what, sizeof what,
				 "lseek calls %zu to %zu a hole, but at %zu is %02x", off, end, i,
				 f->bytes[i]);
			errno = 0;
			random_die(t, f, what);
		}
	}
}

/* The end of the data at `data`. Zeros that were written count as data till they are flushed, and are a hole then. */
static size_t data_end(struct tester *t, struct file *f, off_t data)
{
	off_t hole = lseek(f->fd, data, SEEK_HOLE);

	if (hole == data && f->bytes[data] == 0)
		hole = lseek(f->fd, data, SEEK_DATA);
	if (hole < 0 && errno == ENXIO)
		hole = (off_t)f->size;
	if (hole <= data || hole > (off_t)f->size) {
		char what[100];

		snprintf(what, sizeof what, "SEEK_HOLE from %jd goes to %jd", (intmax_t)data, (intmax_t)hole);
		random_die(t, f, what);
	}
	return (size_t)hole;
}

/* Data may hold zeros, but no hole anything else. */
void random_seek(struct tester *t, struct file *f)
{
	size_t at = random_place(t, f->size);

	random_trace(f, "%lu: seek holes from %zu", t->done, at);
	while (at < f->size) {
		off_t data = lseek(f->fd, (off_t)at, SEEK_DATA);

		if (data < 0 && errno != ENXIO)
			random_die(t, f, "SEEK_DATA");
		if (data < 0)
			data = (off_t)f->size;
		if (data < (off_t)at || data > (off_t)f->size)
			random_die(t, f, "SEEK_DATA went astray");
		expect_zeros(t, f, at, (size_t)data);
		if (data == (off_t)f->size)
			break;
		at = data_end(t, f, data);
	}
	if (lseek(f->fd, (off_t)f->size, SEEK_HOLE) >= 0 || errno != ENXIO)
		random_die(t, f, "SEEK_HOLE finds something behind the end");
}
