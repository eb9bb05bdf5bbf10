/* SPDX-License-Identifier: BSD-2-Clause */
/* Encoding and checking of segment headers and record headers. */
#include "index/record.h"

#include <time.h>

#define XXH_STATIC_LINKING_ONLY /* a state on the stack */
#include <xxhash.h>

static uint64_t record_checksum(const struct record_disk *disk, const void *frame, size_t stored)
{
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, disk, offsetof(struct record_disk, checksum));
	if (stored > 0)
		XXH3_64bits_update(&state, frame, stored);
	return XXH3_64bits_digest(&state);
}

void record_encode(struct record_disk *disk, const struct record *r, const void *frame)
{
	memset(disk, 0, sizeof *disk);
	disk->magic = le32_put(RECORD_MAGIC);
	disk->kind = (uint8_t) r->kind;
	disk->codec = r->codec;
	disk->level = r->level;
	disk->stored = le32_put(r->stored);
	disk->plain = le32_put(r->plain);
	disk->id = le64_put(r->id);
	disk->ino = le64_put(r->ino);
	disk->chunk = le32_put(r->chunk);
	disk->model = le16_put(r->model);
	disk->sequence = le64_put(r->sequence);
	disk->plain_xxh = le64_put(r->plain_xxh);
	disk->checksum = le64_put(record_checksum(disk, frame, r->stored));
}

bool record_decode(const struct record_disk *disk, struct record *r)
{
	if (le32_get(disk->magic) != RECORD_MAGIC || disk->reserved != 0 || le16_get(disk->reserved2) != 0 ||
	    disk->kind < RECORD_EXTENT || disk->kind > RECORD_GROUP ||
	    le32_get(disk->stored) > SEGMENT_RECORD_MAX)
		return false;
	r->kind = (enum record_kind) disk->kind;
	r->codec = disk->codec;
	r->level = disk->level;
	r->stored = le32_get(disk->stored);
	r->plain = le32_get(disk->plain);
	r->id = le64_get(disk->id);
	r->ino = le64_get(disk->ino);
	r->chunk = le32_get(disk->chunk);
	r->model = le16_get(disk->model);
	r->sequence = le64_get(disk->sequence);
	r->plain_xxh = le64_get(disk->plain_xxh);
	return true;
}

bool record_verify(const struct record_disk *disk, const void *frame, size_t stored)
{
	return le64_get(disk->checksum) == record_checksum(disk, frame, stored);
}

static uint64_t header_checksum(const struct segment_disk *disk)
{
	return XXH3_64bits(disk, offsetof(struct segment_disk, checksum));
}

void segment_header_encode(struct segment_disk *disk, const uint8_t uuid[16], uint32_t segment)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(disk, 0, sizeof *disk);
	memcpy(disk->magic, SEGMENT_MAGIC, sizeof disk->magic);
	memcpy(disk->uuid, uuid, sizeof disk->uuid);
	disk->number = le32_put(segment);
	disk->version = le32_put(FORMAT_VERSION);
	disk->created = le64_put((uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec);
	disk->checksum = le64_put(header_checksum(disk));
}

bool segment_header_verify(const struct segment_disk *disk, const uint8_t uuid[16], uint32_t segment)
{
	return memcmp(disk->magic, SEGMENT_MAGIC, sizeof disk->magic) == 0 &&
	       le64_get(disk->checksum) == header_checksum(disk) &&
	       memcmp(disk->uuid, uuid, sizeof disk->uuid) == 0 && le32_get(disk->number) == segment &&
	       le32_get(disk->version) == FORMAT_VERSION;
}
