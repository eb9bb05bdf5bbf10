/* SPDX-License-Identifier: BSD-2-Clause */
/* The superblock: made, written, and read with all its checks. */
#include "index/super.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

static const char super_key[] = {'s', 'u', 'p', 'e', 'r'};

static bool sizes_valid(uint32_t chunk_size, uint32_t segment_size)
{
	return chunk_size >= CHUNK_SIZE_MIN && chunk_size <= CHUNK_SIZE_MAX &&
	       (chunk_size & (chunk_size - 1)) == 0 && segment_size >= 2 * chunk_size &&
	       segment_size <= SEGMENT_SIZE_MAX;
}

static int random_fill(void *buf, size_t len)
{
	ssize_t n;

	do
		n = getrandom(buf, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t) n == len ? 0 : -EIO;
}

int super_init(struct super *sb, uint32_t chunk_size, uint32_t segment_size, const char *label)
{
	struct timespec now;
	int rc;

	memset(sb, 0, sizeof *sb);
	if (!sizes_valid(chunk_size, segment_size) || (label && strlen(label) > LABEL_MAX))
		return -EINVAL;
	rc = random_fill(sb->uuid, sizeof sb->uuid);
	if (!rc)
		rc = random_fill(&sb->hash_seed, sizeof sb->hash_seed);
	if (rc)
		return rc;
	sb->uuid[6] = (uint8_t) ((sb->uuid[6] & 0x0f) | 0x40); /* RFC 4122, version 4 */
	sb->uuid[8] = (uint8_t) ((sb->uuid[8] & 0x3f) | 0x80);
	clock_gettime(CLOCK_REALTIME, &now);
	sb->version = FORMAT_VERSION;
	sb->chunk_size = chunk_size;
	sb->segment_size = segment_size;
	sb->created = (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
	if (label)
		memcpy(sb->label, label, strlen(label));
	return 0;
}

static uint64_t super_checksum(const struct super_disk *disk)
{
	return XXH3_64bits(disk, offsetof(struct super_disk, checksum));
}

int super_store(struct index_op *op, const struct super *sb)
{
	struct super_disk disk;

	memset(&disk, 0, sizeof disk);
	memcpy(disk.magic, SUPER_MAGIC, sizeof disk.magic);
	disk.version = le32_put(sb->version);
	disk.chunk_size = le32_put(sb->chunk_size);
	disk.compat = le64_put(sb->compat);
	disk.ro_compat = le64_put(sb->ro_compat);
	disk.incompat = le64_put(sb->incompat);
	memcpy(disk.uuid, sb->uuid, sizeof disk.uuid);
	memcpy(disk.label, sb->label, sizeof disk.label);
	disk.created = le64_put(sb->created);
	disk.segment_size = le32_put(sb->segment_size);
	disk.hash_seed = le64_put(sb->hash_seed);
	disk.checksum = le64_put(super_checksum(&disk));
	return index_put(op, TABLE_META, super_key, sizeof super_key, &disk, sizeof disk);
}

static void super_decode(const struct super_disk *disk, struct super *sb)
{
	sb->version = le32_get(disk->version);
	sb->chunk_size = le32_get(disk->chunk_size);
	sb->compat = le64_get(disk->compat);
	sb->ro_compat = le64_get(disk->ro_compat);
	sb->incompat = le64_get(disk->incompat);
	memcpy(sb->uuid, disk->uuid, sizeof sb->uuid);
	memcpy(sb->label, disk->label, sizeof disk->label);
	sb->created = le64_get(disk->created);
	sb->segment_size = le32_get(disk->segment_size);
	sb->hash_seed = le64_get(disk->hash_seed);
}

int super_load(struct index_op *op, struct super *sb, bool *force_readonly)
{
	struct index_record rec;
	struct index_scan *scan;
	struct super_disk disk;
	int r;

	memset(sb, 0, sizeof *sb);
	*force_readonly = false;
	r = index_scan_open(op, TABLE_META, super_key, sizeof super_key, NULL, 0, &scan);
	if (r)
		return r;
	r = index_scan_next(scan, &rec);
	index_scan_close(scan);
	if (r < 0 || r == 0)
		return r ? r : -ENOENT;
	if (rec.key_len != sizeof super_key)
		return -ENOENT;
	if ((rec.damaged ? rec.damaged_len : rec.len) < sizeof disk) /* a newer format may be longer */
		return -EUCLEAN;
	memcpy(&disk, rec.value, sizeof disk); /* it has a checksum of its own: fsck wants to see what is left of a damaged one */
	if (rec.damaged || le64_get(disk.checksum) != super_checksum(&disk)) {
		super_decode(&disk, sb);
		return -EUCLEAN;
	}
	if (memcmp(disk.magic, SUPER_MAGIC, sizeof disk.magic) != 0)
		return -ENOENT;
	super_decode(&disk, sb);
	if (sb->version != FORMAT_VERSION || (sb->incompat & ~(uint64_t) SUPER_INCOMPAT_KNOWN))
		return -EPROTONOSUPPORT;
	if (!sizes_valid(sb->chunk_size, sb->segment_size))
		return -EUCLEAN;
	*force_readonly = (sb->ro_compat & ~(uint64_t) SUPER_RO_COMPAT_KNOWN) != 0;
	return 0;
}
