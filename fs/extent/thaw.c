/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thawed records: a file used as a ring, and in memory where in it which record lies, in the order in which they were written.
 *
 * One thread writes at a time, others pass. What is overwritten while it is read has a wrong checksum and is read from the ice.
 */
#include "fs/extent/thaw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/extent/space.h"
#include "fs/volume/pool.h"

#define COPIES 8192u             /* a power of two */
#define SEEN 8192u               /* likewise: decoded lately */
#define SOON_NS (3600ll * 1000000000)
#define SPACE_LEFT (64u << 20)   /* that others must have beside a copy */
#define LZ4_LEVEL 1
#define FILE_NAME "thaw"

struct copy {
	uint64_t id;
	uint64_t offset, checksum; /* of the plain bytes */
	uint32_t stored, plain;
	uint8_t codec;
	uint32_t next; /* in its bucket: 1 + index, 0 the last */
};

struct thaw {
	uint64_t budget;
	pthread_mutex_t mutex; /* innermost; guards what follows */
	int fd;                /* -1: not yet made */
	bool off, writing;
	uint64_t at, end;      /* where the next copy goes; bytes that the file has at most */
	uint64_t dropped;      /* how often all were */
	uint32_t first, n;     /* oldest copy, and how many: a ring, too */
	uint32_t buckets[COPIES];
	struct copy copies[COPIES];
	struct {
		uint64_t id;
		int64_t when;
	} seen[SEEN];
};

int thaw_create(struct volume *vol)
{
	struct thaw *t;

	if (vol->readonly || vol->opt.offline || vol->opt.thaw_bytes < vol->super.chunk_size)
		return 0;
	t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	t->budget = vol->opt.thaw_bytes;
	t->fd = -1;
	pthread_mutex_init(&t->mutex, NULL);
	vol->thaw = t;
	return 0;
}

void thaw_destroy(struct volume *vol)
{
	struct thaw *t = vol->thaw;

	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	pthread_mutex_destroy(&t->mutex);
	free(t);
	vol->thaw = NULL;
}

static uint32_t hash_of(uint64_t id)
{
	return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 32);
}

/* The link to a copy, or to the end of its bucket. Mutex held. */
static uint32_t *copy_link(struct thaw *t, uint64_t id)
{
	uint32_t *link = &t->buckets[hash_of(id) % COPIES];

	while (*link && t->copies[*link - 1].id != id)
		link = &t->copies[*link - 1].next;
	return link;
}

/* The copy stays in the ring, where only its place counts. Mutex held. */
static void copy_forget(struct thaw *t, uint64_t id)
{
	uint32_t *link = copy_link(t, id);

	if (*link) {
		struct copy *c = &t->copies[*link - 1];

		*link = c->next;
		c->id = 0;
	}
}

/* Mutex held. */
static void oldest_drop(struct thaw *t)
{
	if (t->copies[t->first].id)
		copy_forget(t, t->copies[t->first].id);
	t->first = (t->first + 1) % COPIES;
	t->n--;
}

/* A place for len bytes; copies that lie there go. Mutex held. */
static uint64_t place_take(struct thaw *t, uint32_t len)
{
	uint64_t offset;

	if (t->at + len > t->budget) {
		while (t->n > 0 && t->copies[t->first].offset >= t->at)
			oldest_drop(t);
		t->at = 0;
	}
	offset = t->at;
	while (t->n == COPIES || (t->n > 0 && t->copies[t->first].offset >= offset && t->copies[t->first].offset < offset + len))
		oldest_drop(t);
	t->at += len;
	if (t->end < t->at)
		t->end = t->at;
	return offset;
}

/* Mutex held. */
static void copy_add(struct thaw *t, const struct copy *copy)
{
	uint32_t i = (t->first + t->n) % COPIES, *bucket = &t->buckets[hash_of(copy->id) % COPIES];

	t->copies[i] = *copy;
	t->copies[i].next = *bucket;
	*bucket = i + 1;
	t->n++;
}

static bool copy_find(struct thaw *t, uint64_t id, struct copy *out)
{
	uint32_t link;

	pthread_mutex_lock(&t->mutex);
	link = *copy_link(t, id);
	if (link)
		*out = t->copies[link - 1];
	pthread_mutex_unlock(&t->mutex);
	return link != 0;
}

static int copy_load(struct volume *vol, struct codec_ctx *ctx, const struct copy *c, uint8_t *frame, void *buf)
{
	bool raw = c->codec == CODEC_RAW;
	int r = 0;

	if (pread(vol->thaw->fd, raw ? buf : frame, c->stored, (off_t)c->offset) != (ssize_t)c->stored)
		return -EIO;
	if (!raw)
		r = codec_decode(ctx, c->codec, LZ4_LEVEL, NULL, frame, c->stored, buf, c->plain);
	return r == 0 && codec_checksum(buf, c->plain) != c->checksum ? -EIO : r;
}

int thaw_read(struct volume *vol, struct codec_ctx *ctx, uint64_t id, void *buf, size_t cap, uint32_t *plain)
{
	struct thaw *t = vol->thaw;
	struct copy c;
	uint8_t *frame;
	int r;

	if (!t || !copy_find(t, id, &c) || c.plain > cap)
		return -ENOENT;
	frame = pool_get(vol->pool);
	if (!frame)
		return -ENOENT;
	r = copy_load(vol, ctx, &c, frame, buf);
	pool_put(vol->pool, frame);
	if (r == 0) {
		*plain = c.plain;
		metrics_add(vol, METRIC_THAW_READS, 1);
		return 0;
	}
	pthread_mutex_lock(&t->mutex);
	copy_forget(t, id);
	pthread_mutex_unlock(&t->mutex);
	return -ENOENT;
}

/* Whether it was decoded before, and not long ago. Mutex held. */
static bool seen_lately(struct thaw *t, uint64_t id)
{
	size_t at = hash_of(id) % SEEN;
	int64_t now = volume_now();
	bool seen = t->seen[at].id == id && now - t->seen[at].when < SOON_NS;

	t->seen[at].id = id;
	t->seen[at].when = now;
	return seen;
}

/* Whether this thread is to write a copy; then nobody else does until write_end. */
static bool write_begin(struct thaw *t, uint64_t id, uint64_t *dropped)
{
	bool begun;

	pthread_mutex_lock(&t->mutex);
	begun = !t->off && seen_lately(t, id) && !t->writing && *copy_link(t, id) == 0;
	t->writing |= begun;
	*dropped = t->dropped;
	pthread_mutex_unlock(&t->mutex);
	return begun;
}

static void write_end(struct thaw *t)
{
	pthread_mutex_lock(&t->mutex);
	t->writing = false;
	pthread_mutex_unlock(&t->mutex);
}

/* A file without a name; where the disk has no such files, one that loses its name at once. */
static int file_open(int dirfd)
{
	int fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	(void)unlinkat(dirfd, FILE_NAME, 0); /* of a mount that was killed just here */
	fd = openat(dirfd, FILE_NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)unlinkat(dirfd, FILE_NAME, 0);
	return fd;
}

/* Made with the first copy; if that fails there are none. Only the writer calls it. */
static bool file_make(struct volume *vol)
{
	struct thaw *t = vol->thaw;
	int fd = t->fd;

	if (fd < 0) {
		fd = file_open(vol->dirfd);
		pthread_mutex_lock(&t->mutex);
		t->fd = fd;
		t->off = fd < 0;
		pthread_mutex_unlock(&t->mutex);
	}
	return fd >= 0;
}

/* If all copies were let go meanwhile, this one is, too. */
static void copy_write(struct volume *vol, struct copy *c, const void *stored, uint64_t dropped)
{
	struct thaw *t = vol->thaw;
	bool written;

	pthread_mutex_lock(&t->mutex);
	c->offset = place_take(t, c->stored);
	pthread_mutex_unlock(&t->mutex);
	written = pwrite(t->fd, stored, c->stored, (off_t)c->offset) == (ssize_t)c->stored;
	pthread_mutex_lock(&t->mutex);
	if (written && dropped == t->dropped)
		copy_add(t, c);
	else if (dropped != t->dropped)
		(void)!ftruncate(t->fd, 0);
	pthread_mutex_unlock(&t->mutex);
	if (!written)
		thaw_drop(vol);
	else
		metrics_add(vol, METRIC_THAWED, 1);
}

void thaw_note(struct volume *vol, struct codec_ctx *ctx, uint64_t id, const void *bytes, uint32_t n)
{
	struct thaw *t = vol->thaw;
	struct copy c = {.id = id, .plain = n, .codec = CODEC_LZ4};
	uint64_t dropped;
	uint8_t *frame;
	size_t len = 0;

	if (!t || n < 2 || !write_begin(t, id, &dropped))
		return;
	frame = pool_get(vol->pool);
	if (frame && space_check(vol, SPACE_LEFT) == 0 && file_make(vol)) {
		if (codec_encode(ctx, CODEC_LZ4, LZ4_LEVEL, NULL, bytes, n, frame, n - 1, &len) < 0) {
			c.codec = CODEC_RAW;
			len = n;
		}
		c.stored = (uint32_t)len;
		c.checksum = codec_checksum(bytes, n);
		copy_write(vol, &c, c.codec == CODEC_RAW ? bytes : frame, dropped);
	}
	pool_put(vol->pool, frame);
	write_end(t);
}

bool thaw_drop(struct volume *vol)
{
	struct thaw *t = vol->thaw;
	bool any;

	if (!t)
		return false;
	pthread_mutex_lock(&t->mutex);
	any = t->end > 0;
	if (any) {
		(void)!ftruncate(t->fd, 0);
		memset(t->buckets, 0, sizeof t->buckets);
		t->first = t->n = 0;
		t->at = t->end = 0;
		t->dropped++;
	}
	pthread_mutex_unlock(&t->mutex);
	return any;
}

uint64_t thaw_bytes(struct volume *vol)
{
	struct thaw *t = vol->thaw;
	uint64_t bytes;

	if (!t)
		return 0;
	pthread_mutex_lock(&t->mutex);
	bytes = t->end;
	pthread_mutex_unlock(&t->mutex);
	return bytes;
}
