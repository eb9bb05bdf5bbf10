/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a segment without the index: every intact record in order, damage skipped. */
#include <errno.h>
#include <stdlib.h>

#include "index/disk.h"
#include "index/record.h"
#include "index/segment_set.h"

#define WINDOW (4u << 20)
#define SECTOR 4096u
static_assert(WINDOW > sizeof(struct record_disk) + SEGMENT_RECORD_MAX, "a window holds the longest record");

/* A piece of the file in memory. */
struct window {
	int fd;
	uint64_t size;  /* of the file        */
	uint64_t start; /* of the bytes held  */
	size_t len;
	uint8_t *bytes;
};

/* Reads what can be read; sectors that cannot are zeros, which are no record. */
static void read_sectors(struct window *w)
{
	size_t step;

	for (size_t at = 0; at < w->len; at += step) {
		struct iovec iov = {w->bytes + at, 0};

		step = SECTOR - (w->start + at) % SECTOR;
		if (step > w->len - at)
			step = w->len - at;
		iov.iov_len = step;
		if (disk_read(w->fd, &iov, 1, w->start + at))
			memset(w->bytes + at, 0, step);
	}
}

/* Bytes [offset, offset + len) of the file: *out points to them, NULL when the file ends before. */
static int window_get(struct window *w, uint64_t offset, size_t len, const uint8_t **out)
{
	struct iovec iov;
	int rc;

	*out = NULL;
	if (offset > w->size || len > w->size - offset)
		return 0;
	if (offset < w->start || offset + len > w->start + w->len) {
		w->start = offset;
		w->len = w->size - offset < WINDOW ? (size_t) (w->size - offset) : WINDOW;
		iov = (struct iovec){w->bytes, w->len};
		rc = disk_read(w->fd, &iov, 1, offset);
		if (rc == -EIO) {
			read_sectors(w);
		} else if (rc) {
			w->len = 0;
			return rc;
		}
	}
	*out = w->bytes + (offset - w->start);
	return 0;
}

/* The record at offset: 1 when it is intact, 0 when there is none. */
static int record_at(struct window *w, uint64_t offset, struct record *r, const uint8_t **frame)
{
	struct record_disk disk;
	const uint8_t *p;
	int rc;

	*frame = NULL;
	rc = window_get(w, offset, sizeof disk, &p);
	if (rc || !p)
		return rc;
	memcpy(&disk, p, sizeof disk);
	if (!record_decode(&disk, r))
		return 0;
	rc = window_get(w, offset, sizeof disk + r->stored, &p);
	if (rc || !p)
		return rc;
	*frame = p + sizeof disk;
	return record_verify(&disk, *frame, r->stored);
}

/* The next place after offset where a record's magic stands, or the end of the file. */
static int next_magic(struct window *w, uint64_t offset, uint64_t *found)
{
	const le32_t magic = le32_put(RECORD_MAGIC);
	const uint8_t *p, *hit;
	size_t len;
	int rc;

	for (offset++; w->size - offset >= sizeof magic && offset < w->size;
	     offset += len - (sizeof magic - 1)) {
		len = w->size - offset < 65536 ? (size_t) (w->size - offset) : 65536;
		rc = window_get(w, offset, len, &p);
		if (rc)
			return rc;
		hit = memmem(p, len, &magic, sizeof magic);
		if (hit) {
			*found = offset + (size_t) (hit - p);
			return 0;
		}
	}
	*found = w->size;
	return 0;
}

/*
 * The end of bytes that are no record. Records that died were punched out where they had whole blocks, so that what is left of them
 * lies around zeros: that is no damage.
 */
static int skipped(struct window *w, uint64_t from, uint64_t to, uint64_t *bad)
{
	static const uint8_t zeros[SECTOR];
	const uint8_t *p;
	int rc;

	for (uint64_t at = (from + SECTOR - 1) / SECTOR * SECTOR; at + SECTOR <= to; at += SECTOR) {
		rc = window_get(w, at, SECTOR, &p);
		if (rc)
			return rc;
		if (p && memcmp(p, zeros, SECTOR) == 0)
			return 0;
	}
	*bad += to - from;
	return 0;
}

static int scan_file(struct window *w, uint32_t segment,
		     int (*fn)(void *arg, const struct segment_pos *pos, const struct record *r,
			       const void *bytes),
		     void *arg, uint64_t *bad)
{
	uint64_t offset = sizeof(struct segment_disk), good = offset;
	struct segment_pos pos = {.segment = segment};
	const uint8_t *frame;
	struct record r;
	int rc;

	while (offset < w->size) {
		rc = record_at(w, offset, &r, &frame);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			rc = next_magic(w, offset, &offset);
			if (rc)
				return rc;
			continue;
		}
		if (good < offset) {
			rc = skipped(w, good, offset, bad);
			if (rc == 0)
				rc = record_at(w, offset, &r, &frame) < 0 ? -EIO : 0;
			if (rc)
				return rc;
		}
		pos.offset = (uint32_t) offset;
		pos.stored = r.stored;
		rc = fn(arg, &pos, &r, frame);
		if (rc)
			return rc;
		offset += sizeof(struct record_disk) + r.stored;
		good = offset;
	}
	return good < offset ? skipped(w, good, offset, bad) : 0;
}

int segment_scan(struct segments *ss, uint32_t segment,
		 int (*fn)(void *arg, const struct segment_pos *pos, const struct record *r,
			   const void *bytes),
		 void *arg, uint64_t *bad)
{
	struct fdcache_ref ref;
	struct window w = {0};
	const uint8_t *p;
	int rc;

	*bad = 0;
	rc = fdcache_get(&ss->cache, segment, &ref);
	if (rc)
		return rc;
	w.fd = ref.fd;
	rc = disk_size(w.fd, &w.size, NULL);
	if (rc)
		goto put_fd;
	if (w.size > SEGMENT_SIZE_MAX) /* positions are 32 bits; what lies behind is no record of ours */
		w.size = SEGMENT_SIZE_MAX;
	w.bytes = malloc(WINDOW);
	if (!w.bytes) {
		rc = -ENOMEM;
		goto put_fd;
	}
	rc = window_get(&w, 0, sizeof(struct segment_disk), &p);
	if (!rc && (!p || !segment_header_verify((const struct segment_disk *) p, ss->uuid, segment)))
		*bad = p ? sizeof(struct segment_disk) : w.size;
	if (!rc)
		rc = scan_file(&w, segment, fn, arg, bad);
	free(w.bytes);
put_fd:
	fdcache_put(&ss->cache, &ref);
	return rc;
}
