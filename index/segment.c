/* SPDX-License-Identifier: BSD-2-Clause */
/* Appending records to segments, making them durable, and reading them back with every check. */
#include "index/segment.h"

#include <errno.h>
#include <stdlib.h>

#include "index/disk.h"
#include "index/record.h"
#include "index/segment_set.h"

/* Makes the segment file that a stream goes on with. */
static int head_create(struct segments *ss, enum segment_stream stream, struct head **out)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct segment_disk disk;
	struct iovec iov = {&disk, sizeof disk};
	struct head *h;
	int rc;

	h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	h->stream = stream;
	h->end = sizeof disk;
	h->dirty = true;
	do {
		if (ss->next == UINT32_MAX) {
			rc = -EOVERFLOW;
			goto free_head;
		}
		h->segment = ss->next;
		segment_name(h->segment, name);
		rc = disk_create(ss->dirfd, name, &h->fd);
		if (rc == 0 || rc == -EEXIST)
			ss->next++;
	} while (rc == -EEXIST);
	if (rc)
		goto free_head;
	ss->dir_dirty = true;
	segment_header_encode(&disk, ss->uuid, h->segment);
	rc = disk_append(h->fd, &iov, 1, 0);
	if (!rc)
		rc = segments_add(ss, h);
	if (rc)
		goto unlink_file;
	*out = h;
	return 0;
unlink_file:
	disk_close(h->fd);
	disk_unlink(ss->dirfd, name);
free_head:
	free(h);
	return rc;
}

/* Whether the record goes to this segment or opens the next one. */
static bool head_fits(const struct segments *ss, const struct head *h, const struct record *r, uint64_t need)
{
	if (h->end == sizeof(struct segment_disk))
		return true;
	if (r->kind == RECORD_MODEL)
		return r->chunk > 0 && h->end + need <= SEGMENT_SIZE_MAX;
	return h->end + need <= ss->segment_size;
}

static int reserve(struct segments *ss, enum segment_stream stream, struct record *r, uint64_t need,
		   struct flight *f, struct head **out)
{
	struct head *h = ss->streams[stream];
	int rc;

	if (h && !head_fits(ss, h, r, need)) {
		segments_seal(ss, h);
		h = NULL;
	}
	if (!h) {
		rc = head_create(ss, stream, &h);
		if (rc)
			return rc;
	}
	f->offset = h->end;
	f->next = h->flights;
	h->flights = f;
	h->end += need;
	r->sequence = ss->sequence++;
	*out = h;
	return 0;
}

/* The end of an append. A failed one that nothing follows gives its place back; the segment gets no other
 * record. */
static void land(struct segments *ss, struct head *h, struct flight *f, uint64_t need, bool failed)
{
	struct flight **p = &h->flights;

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	h->dirty = true;
	if (failed) {
		h->cut = true;
		if (f->offset + need == h->end)
			h->end = f->offset;
		if (h->end >
		    sizeof(struct segment_disk)) /* else it is as fresh as the one that would follow */
			segments_seal(ss, h);
	}
	if (h->cut && !h->flights) {
		disk_truncate(
			h->fd,
			h->end); /* when this fails too, what is left lies behind the end and means nothing */
		h->cut = false;
	}
	pthread_cond_broadcast(&ss->landed);
}

int segment_append(struct segments *ss, enum segment_stream stream, struct record *r, const void *frame,
		   size_t len, struct segment_pos *pos)
{
	struct record_disk disk;
	struct iovec iov[2] = {{&disk, sizeof disk}, {(void *) frame, len}};
	uint64_t need = sizeof disk + len;
	struct flight f;
	struct head *h;
	int rc;

	if (ss->readonly)
		return -EROFS;
	if ((unsigned) stream >= STREAM_COUNT || len > SEGMENT_RECORD_MAX)
		return -EINVAL;
	r->stored = (uint32_t) len;
	pthread_mutex_lock(&ss->mutex);
	rc = reserve(ss, stream, r, need, &f, &h);
	pthread_mutex_unlock(&ss->mutex);
	if (rc)
		return rc;
	record_encode(&disk, r, frame);
	rc = disk_append(h->fd, iov, 2, f.offset);
	pos->segment = h->segment;
	pos->offset = (uint32_t) f.offset;
	pos->stored = r->stored;
	pthread_mutex_lock(&ss->mutex);
	land(ss, h, &f, need, rc != 0);
	pthread_mutex_unlock(&ss->mutex);
	return rc;
}

int segment_read(struct segments *ss, const struct segment_pos *pos, void *buf, size_t cap, struct record *r)
{
	struct record_disk disk;
	struct iovec iov[2] = {{&disk, sizeof disk}, {buf, pos->stored}};
	struct fdcache_ref ref;
	int rc;

	if (pos->stored > cap)
		return -EINVAL;
	rc = fdcache_get(&ss->cache, pos->segment, &ref);
	if (rc)
		return rc;
	rc = disk_read(ref.fd, iov, 2, pos->offset);
	fdcache_put(&ss->cache, &ref);
	if (rc)
		return rc;
	if (!record_decode(&disk, r) || r->stored != pos->stored || !record_verify(&disk, buf, r->stored))
		return -EUCLEAN;
	return 0;
}

int segment_peek(struct segments *ss, const struct segment_pos *pos, struct record *r)
{
	struct record_disk disk;
	struct iovec iov = {&disk, sizeof disk};
	struct fdcache_ref ref;
	uint64_t bytes;
	int rc;

	rc = fdcache_get(&ss->cache, pos->segment, &ref);
	if (rc)
		return rc;
	rc = disk_read(ref.fd, &iov, 1, pos->offset);
	if (!rc)
		rc = disk_size(ref.fd, &bytes, NULL);
	fdcache_put(&ss->cache, &ref);
	if (rc)
		return rc;
	if (!record_decode(&disk, r) || r->stored != pos->stored)
		return -EUCLEAN;
	return bytes - pos->offset - sizeof disk < r->stored ? -EIO : 0;
}
