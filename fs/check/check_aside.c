/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STORE/lost: what a repair takes out of a store is kept there, for whoever wants to look at it by hand.
 *
 * The file records has a line per record of the index: table, key and value, in hexadecimal. extent-ID-SEGMENT-OFFSET is a record of a
 * segment with its header. Other files have the name that they had in the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/check/check_pass.h"
#include "index/disk.h"
#include "index/fdcache.h"

static int aside_open(struct check *ck)
{
	if (ck->aside >= 0)
		return 0;
	if (mkdirat(ck->vol->dirfd, "lost", 0700) == 0) {
		if (fsync(ck->vol->dirfd) < 0)
			return -errno;
	} else if (errno != EEXIST) {
		return -errno;
	}
	ck->aside = openat(ck->vol->dirfd, "lost", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return ck->aside < 0 ? -errno : 0;
}

static int write_all(int fd, const void *bytes, size_t n)
{
	ssize_t done = write(fd, bytes, n);

	if (done < 0)
		return -errno;
	return (size_t)done == n ? 0 : -ENOSPC;
}

/* A repair that was cut short may have left the beginning of a line, which nothing may be glued to. */
static int records_open(struct check *ck)
{
	off_t end;
	char last = '\n';

	ck->records = openat(ck->aside, "records", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	end = ck->records < 0 ? -1 : lseek(ck->records, 0, SEEK_END);
	if (end < 0 || (end > 0 && pread(ck->records, &last, 1, end - 1) < 0))
		return -errno;
	return last == '\n' ? 0 : write_all(ck->records, "\n", 1);
}

static size_t hex(char *to, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
	return 2 * n;
}

int check_aside_record(struct check *ck, enum table table, const struct index_record *r)
{
	static const char *const names[TABLE_COUNT] = {
		"meta", "inode", "dirent", "xattr", "chunk", "extent", "segment", "model", "orphan", "todo",
	};
	char line[16 + 2 * (INDEX_KEY_MAX + INDEX_VALUE_MAX) + 4];
	size_t len;
	int rc;

	if (!ck->opt->repair)
		return 0;
	rc = aside_open(ck);
	if (rc)
		return rc;
	rc = ck->records < 0 ? records_open(ck) : 0;
	if (rc)
		return rc;
	len = (size_t)snprintf(line, 16, "%s ", names[table]);
	len += hex(line + len, r->key, r->key_len);
	line[len++] = ' ';
	len += hex(line + len, r->value, r->damaged ? r->damaged_len : r->len);
	line[len++] = '\n';
	return write_all(ck->records, line, len);
}

/* As much as can be read of [offset, offset + n) of a segment; what cannot is zero. */
static size_t salvage(struct check *ck, uint32_t segment, uint64_t offset, uint8_t *buf, size_t n)
{
	char name[SEGMENT_NAME_LEN + 1];
	size_t got = 0;
	int seg = openat(ck->vol->dirfd, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	segment_name(segment, name);
	if (seg >= 0 && disk_open(seg, name, false, &fd) == 0) {
		for (size_t at = 0; at < n; at += 512) {
			size_t step = n - at < 512 ? n - at : 512;
			ssize_t done = pread(fd, buf + at, step, (off_t)(offset + at));

			got += done > 0 ? (size_t)done : 0;
		}
		disk_close(fd);
	}
	if (seg >= 0)
		close(seg);
	return got;
}

int check_aside_extent(struct check *ck, const struct extent *e)
{
	size_t n = sizeof(struct record_disk) + e->pos.stored;
	char name[80];
	uint8_t *buf;
	int fd, rc;

	if (!ck->opt->repair || e->pos.segment == 0 || e->pos.stored > SEGMENT_RECORD_MAX)
		return 0;
	rc = aside_open(ck);
	if (rc)
		return rc;
	buf = calloc(1, n);
	if (!buf)
		return -ENOMEM;
	if (salvage(ck, e->pos.segment, e->pos.offset, buf, n) == 0)
		goto free_buf;
	snprintf(name, sizeof name, "extent-%" PRIu64 "-%08" PRIx32 "-%" PRIu32, e->id, e->pos.segment, e->pos.offset);
	fd = openat(ck->aside, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		rc = -errno;
		goto free_buf;
	}
	rc = write_all(fd, buf, n);
	if (fsync(fd) < 0 && rc == 0)
		rc = -errno;
	close(fd);
free_buf:
	free(buf);
	return rc;
}

int check_aside_file(struct check *ck, int dirfd, const char *name)
{
	char to[300];
	int rc;

	if (!ck->opt->repair)
		return 0;
	rc = aside_open(ck);
	for (int i = 0; rc == 0; i++) {
		snprintf(to, sizeof to, i ? "%s.%d" : "%s", name, i);
		if (faccessat(ck->aside, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		if (renameat(dirfd, name, ck->aside, to) < 0)
			rc = -errno;
		break;
	}
	if (rc == 0 && (fsync(ck->aside) < 0 || fsync(dirfd) < 0))
		rc = -errno;
	return rc;
}

static int sync_close(int *fd)
{
	int rc = *fd >= 0 && fsync(*fd) < 0 ? -errno : 0;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return rc;
}

int check_aside_close(struct check *ck)
{
	int rc = sync_close(&ck->records), last = sync_close(&ck->aside);

	return rc ? rc : last;
}
