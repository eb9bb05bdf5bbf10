/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of random_ops on names: opening again, unlinking, renaming, exchanging.
 */
#include "tests/mount/random_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void random_reopen(struct tester *t, struct file *f)
{
	bool empty = random_draw(t, 10) == 0;

	random_trace(f, "%lu: reopen%s", t->done, empty ? " emptied" : "");
	random_close(t, f);
	random_open(t, f, empty ? O_TRUNC : 0);
	if (empty) {
		memset(f->bytes, 0, f->size);
		f->size = 0;
	}
}

/* Sometimes the open file lives on a little without its name. */
void random_unlink(struct tester *t, struct file *f)
{
	char path[PATH_MAX];

	random_trace(f, "%lu: unlink", t->done);
	random_path(random_dir, f, path);
	if (unlink(path) < 0)
		random_die(t, f, "unlink");
	for (uint64_t n = random_draw(t, 4); n > 0; n--) {
		random_write(t, f, 0);
		random_truncate(t, f);
		if (random_draw(t, 4) == 0)
			random_sync(t, f);
		random_read(t, f, 0);
		random_expect_size(t, f);
	}
	random_close(t, f);
	memset(f->bytes, 0, f->size);
	f->size = 0;
	f->exists = false;
}

/* One file's name replaces another's; what is open of the replaced one stays readable. */
void random_rename(struct tester *t, struct file *from, struct file *to)
{
	char old[PATH_MAX], new[PATH_MAX];
	uint8_t *bytes = to->bytes;

	if (from == to)
		return;
	random_trace(from, "%lu: rename to %s", t->done, to->name);
	random_trace(to, "%lu: replaced by %s: %zu bytes", t->done, from->name, from->size);
	if (random_draw(t, 2))
		random_close(t, from);
	random_path(random_dir, from, old);
	random_path(random_dir, to, new);
	if (rename(old, new) < 0)
		random_die(t, from, "rename");
	if (to->fd >= 0)
		random_read(t, to, 0);
	random_close(t, to);
	memset(bytes, 0, to->size);
	to->bytes = from->bytes;
	to->size = from->size;
	to->exists = true;
	to->fd = from->fd;
	from->bytes = bytes;
	from->size = 0;
	from->exists = false;
	from->fd = -1;
}

void random_exchange(struct tester *t, struct file *a, struct file *b)
{
	char one[PATH_MAX], other[PATH_MAX];
	uint8_t *bytes = a->bytes;
	size_t size = a->size;
	int fd = a->fd;

	if (a == b || !b->exists)
		return;
	random_trace(a, "%lu: exchange with %s of %zu bytes", t->done, b->name, b->size);
	random_trace(b, "%lu: exchange with %s of %zu bytes", t->done, a->name, a->size);
	random_path(random_dir, a, one);
	random_path(random_dir, b, other);
	if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0) {
		if (errno != EINVAL)
			random_die(t, a, "renameat2");
		random_lack(LACK_EXCHANGE);
		return;
	}
	a->bytes = b->bytes;
	a->size = b->size;
	a->fd = b->fd;
	b->bytes = bytes;
	b->size = size;
	b->fd = fd;
}
