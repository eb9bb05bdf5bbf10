/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a segment file, as it is and with the checksums of its records made right where their lengths lead to. It is scanned, and every record found is
 * peeked at, read and, a group, taken apart; so is whatever stands at a place that the input names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "index/group.h"
#include "index/record.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/small_store.h"

static char scratch[300];
static const uint8_t uuid[16] = { 1 };

struct seen {
	struct segments *ss;
	uint64_t records;
};

static void clean_up(void)
{
	small_store_remove(scratch);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char seg[320];

	(void)argc;
	(void)argv;
	if (small_store_scratch(scratch, sizeof scratch))
		exit(1);
	snprintf(seg, sizeof seg, "%s/seg", scratch);
	if (mkdir(seg, 0700) < 0)
		exit(1);
	return atexit(clean_up);
}

static void group_look(const struct record *r, const void *bytes)
{
	static struct group_member list[GROUP_MEMBERS_MAX];
	uint64_t sum = 0;
	size_t n, table;

	if (group_decode(r->id, r->plain, bytes, r->stored, list, &n, &table))
		return;
	for (size_t i = 0; i < n; i++)
		sum += list[i].plain;
	if (n == 0 || n > GROUP_MEMBERS_MAX || table >= r->stored || sum != r->plain)
		abort();
}

static void record_read(struct segments *ss, const struct segment_pos *pos, bool found)
{
	struct record r;
	uint8_t *buf;
	int rc = segment_peek(ss, pos, &r);

	if (pos->stored > SEGMENT_RECORD_MAX)
		return;
	buf = malloc(pos->stored ? pos->stored : 1);
	if (!buf)
		abort();
	if (segment_read(ss, pos, buf, pos->stored, &r) == 0)
		group_look(&r, buf);
	else if (found)
		abort();
	if (found && rc)
		abort();
	free(buf);
}

static int record_seen(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes)
{
	struct seen *seen = arg;

	seen->records++;
	if (r->stored != pos->stored || r->stored > SEGMENT_RECORD_MAX)
		abort();
	group_look(r, bytes);
	record_read(seen->ss, pos, true);
	return 0;
}

static void scan(const uint8_t *bytes, size_t len)
{
	struct segment_pos pos = { .segment = 1 };
	struct seen seen = { 0 };
	char path[330];
	uint64_t bad;
	int dirfd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	snprintf(path, sizeof path, "%s/seg/00000001.seg", scratch);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (dirfd < 0 || fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	close(fd);
	if (segments_open(dirfd, uuid, 1 << 20, 2, 1, false, true, &seen.ss))
		abort();
	close(dirfd);
	(void)segment_scan(seen.ss, 1, record_seen, &seen, &bad);
	if (len >= 8) {
		memcpy(&pos.offset, bytes + len - 8, 4);
		memcpy(&pos.stored, bytes + len - 4, 4);
		record_read(seen.ss, &pos, false);
	}
	segments_close(seen.ss);
}

/* From the first record on, as far as one follows the other. */
static void checksums_mend(uint8_t *bytes, size_t len)
{
	struct segment_disk head;
	struct record_disk disk;
	struct record r;

	if (len >= sizeof head)
		segment_header_encode((struct segment_disk *)bytes, uuid, 1);
	for (size_t at = sizeof head; at < len && len - at >= sizeof disk; at += sizeof disk + r.stored) {
		memcpy(&disk, bytes + at, sizeof disk);
		disk.magic = le32_put(RECORD_MAGIC);
		memcpy(bytes + at, &disk, sizeof disk);
		if (!record_decode(&disk, &r) || r.stored > len - at - sizeof disk)
			return;
		record_encode(&disk, &r, bytes + at + sizeof disk);
		memcpy(bytes + at, &disk, sizeof disk);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	scan(bytes, size);
	checksums_mend(bytes, size);
	scan(bytes, size);
	free(bytes);
	return 0;
}
