/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making appended records durable.
 *
 * After a failed fdatasync the kernel calls the lost pages clean, so that asking the same descriptor again
 * proves nothing. What was not durable is then read back from the page cache, record by record; what its
 * checksum proves is written again through a fresh descriptor, and only when that one's fdatasync succeeds is
 * the segment durable. Until then every segment_sync fails, and no commit may follow.
 */
#include <errno.h>
#include <stdlib.h>

#include "index/disk.h"
#include "index/record.h"
#include "index/segment_set.h"

/* Writes the bytes at *offset again, a file header or one record, and moves past them. */
static int rewrite_piece(struct segments *ss, const struct head *h, int fd, uint64_t *offset, uint8_t *buf)
{
	struct segment_disk *file = (struct segment_disk *) buf;
	struct record_disk *disk = (struct record_disk *) buf;
	struct iovec iov = {buf, *offset == 0 ? sizeof *file : sizeof *disk};
	struct record r;
	int rc;

	rc = disk_read(fd, &iov, 1, *offset);
	if (rc)
		return rc;
	if (*offset == 0) {
		if (!segment_header_verify(file, ss->uuid, h->segment))
			return -EIO;
	} else {
		if (!record_decode(disk, &r) || *offset + sizeof *disk + r.stored > h->end)
			return -EIO;
		iov.iov_len = sizeof *disk + r.stored;
		rc = disk_read(fd, &iov, 1, *offset);
		if (rc)
			return rc;
		if (!record_verify(disk, disk + 1, r.stored))
			return -EIO;
	}
	rc = disk_append(fd, &iov, 1, *offset);
	*offset += iov.iov_len;
	return rc;
}

/* Writes again what is not durable of a sealed segment without appends under way. */
static int rewrite(struct segments *ss, struct head *h)
{
	char name[SEGMENT_NAME_LEN + 1];
	uint64_t offset = h->synced;
	uint8_t *buf;
	int fd, rc;

	buf = malloc(sizeof(struct record_disk) + SEGMENT_RECORD_MAX);
	if (!buf)
		return -ENOMEM;
	segment_name(h->segment, name);
	rc = disk_open(ss->dirfd, name, true, &fd);
	if (rc)
		goto free_buf;
	while (!rc && offset < h->end)
		rc = rewrite_piece(ss, h, fd, &offset, buf);
	if (!rc)
		rc = disk_sync(fd);
	if (rc) {
		disk_close(fd);
		goto free_buf;
	}
	disk_close(h->fd);
	h->fd = fd;
free_buf:
	free(buf);
	return rc;
}

static bool flies_before(const struct head *h, uint64_t end)
{
	const struct flight *f;

	for (f = h->flights; f; f = f->next)
		if (f->offset < end)
			return true;
	return false;
}

/* Makes one segment durable. The mutex is held, but not while waiting; sync_mutex keeps the head alive. */
static int sync_head(struct segments *ss, struct head *h)
{
	uint64_t end = h->end;
	int rc;

	while (flies_before(h, end))
		pthread_cond_wait(&ss->landed, &ss->mutex);
	if (h->dirty || h->error) {
		h->dirty = false;
		pthread_mutex_unlock(&ss->mutex);
		rc = h->error ? rewrite(ss, h) : disk_sync(h->fd);
		pthread_mutex_lock(&ss->mutex);
		h->error = rc;
		if (rc)
			segments_seal(ss, h);
		else
			h->synced = end;
	}
	if (!h->error && h->sealed && !h->dirty && !h->flights)
		segments_close_head(ss, h);
	return h->error;
}

static int sync_directory(struct segments *ss)
{
	int rc;

	if (!ss->dir_dirty)
		return 0;
	ss->dir_dirty = false;
	pthread_mutex_unlock(&ss->mutex);
	rc = disk_dirsync(ss->dirfd);
	pthread_mutex_lock(&ss->mutex);
	ss->dir_dirty |= rc != 0;
	return rc;
}

int segment_sync(struct segments *ss)
{
	struct head *h, *next;
	int rc = 0, first = 0;

	pthread_mutex_lock(&ss->sync_mutex);
	pthread_mutex_lock(&ss->mutex);
	for (h = ss->open; h; h = next) { /* others put new heads before it, nobody else takes any off */
		next = h->next_open;
		rc = sync_head(ss, h);
		first = first ? first : rc;
	}
	rc = sync_directory(ss);
	first = first ? first : rc;
	pthread_mutex_unlock(&ss->mutex);
	pthread_mutex_unlock(&ss->sync_mutex);
	return first;
}
