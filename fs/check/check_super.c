/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The passes over the superblock, first, and the counters, last, when everything is counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/check/check_pass.h"
#include "fs/data/commit.h"
#include "fs/extent/models.h"
#include "fs/extent/space.h"
#include "fs/volume/pool.h"
#include "index/disk.h"
#include "index/fdcache.h"
#include "index/record.h"

/* The uuid that the store's segments carry. */
struct uuid_search {
	int seg;
	uint8_t uuid[16];
};

static int uuid_of(void *arg, const char *name)
{
	struct uuid_search *s = arg;
	struct segment_disk disk;
	struct iovec iov = { &disk, sizeof disk };
	int fd, r = 0;

	if (disk_open(s->seg, name, false, &fd))
		return 0;
	if (disk_read(fd, &iov, 1, 0) == 0 && segment_header_verify(&disk, disk.uuid, le32_get(disk.number))) {
		memcpy(s->uuid, disk.uuid, sizeof s->uuid);
		r = 1;
	}
	disk_close(fd);
	return r;
}

int check_uuid(struct check *ck, uint8_t uuid[16])
{
	struct uuid_search s = { .seg = openat(ck->vol->dirfd, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int r;

	if (s.seg < 0)
		return errno == ENOENT ? 0 : -errno;
	r = disk_list(s.seg, uuid_of, &s);
	close(s.seg);
	if (r == 1)
		memcpy(uuid, s.uuid, sizeof s.uuid);
	return r;
}

static int largest(void *arg, const struct extent *e)
{
	uint32_t *plain = arg;

	if (*plain < e->plain)
		*plain = e->plain;
	return 0;
}

static int later_chunk(void *arg, const struct index_record *r)
{
	(void)arg;
	return r->key_len == 12 && be32_get(r->key + 8) > 0;
}

/* Chunks are as large as the longest extent, if any file has more than one; else it does not matter. */
static int chunk_size_guess(struct check *ck, uint32_t *chunk)
{
	uint32_t plain = 0;
	int r = scan_extents(ck->vol, largest, &plain);

	if (r == 0)
		r = scan_table(ck->vol, TABLE_CHUNK, later_chunk, NULL);
	if (r < 0)
		return r;
	if (*chunk < CHUNK_SIZE_MIN || *chunk > CHUNK_SIZE_MAX || (*chunk & (*chunk - 1)) || *chunk < plain)
		*chunk = r ? CHUNK_SIZE_MIN : CHUNK_SIZE_DEFAULT;
	while (*chunk < plain)
		*chunk *= 2;
	return 0;
}

/* What the damaged superblock may still tell is kept where it can be true. */
static int super_make(struct check *ck)
{
	struct super was = ck->vol->super, *sb = &ck->vol->super;
	struct index_op op;
	int r = chunk_size_guess(ck, &was.chunk_size);

	if (r == 0)
		r = super_init(sb, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_DEFAULT, NULL);
	if (r)
		return r;
	if (was.hash_seed)
		sb->hash_seed = was.hash_seed;
	if (was.created)
		sb->created = was.created;
	memcpy(sb->label, was.label, sizeof sb->label);
	if (was.segment_size >= 2 * CHUNK_SIZE_MAX && was.segment_size <= SEGMENT_SIZE_MAX)
		sb->segment_size = was.segment_size;
	sb->chunk_size = was.chunk_size;
	r = check_uuid(ck, sb->uuid);
	if (r < 0 || !ck->opt->repair)
		return r < 0 ? r : 0;
	index_begin(ck->vol->index, &op);
	r = super_store(&op, sb);
	index_end(&op);
	ck->res->changed = true;
	return r;
}

static int segments_ready(struct check *ck)
{
	struct check_problem p = { .code = CHECK_SEGMENT_DIR };
	struct volume *vol = ck->vol;
	struct stat st;
	int r;

	if (fstatat(vol->dirfd, "seg", &st, 0) < 0) {
		if (errno != ENOENT)
			return -errno;
		r = check_found(ck, &p);
		if (r < 0 || !ck->opt->repair || r == 0)
			return r < 0 ? r : -EUCLEAN;
		if (mkdirat(vol->dirfd, "seg", 0700) < 0 || fsync(vol->dirfd) < 0)
			return -errno;
	}
	/* Read-only: opening to write would remove what the counters do not know, and they may be wrong. */
	return segments_open(vol->dirfd, vol->super.uuid, vol->super.segment_size, 1, 1, false, true, &vol->segments);
}

static int inode_one(void *arg, const struct index_record *r)
{
	(void)arg;
	(void)r;
	return 1;
}

/* What is neither the superblock nor the counters is a note to firn itself, such as how far a scrub went. */
static int note_check(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct check_problem p = { .code = CHECK_META_DAMAGED };
	int r;

	if (!rec->damaged || (rec->key_len == 5 && memcmp(rec->key, "super", 5) == 0) ||
	    (rec->key_len == 8 && memcmp(rec->key, "counters", 8) == 0))
		return 0;
	r = check_found(ck, &p);
	return r == 1 ? check_del(ck, TABLE_META, rec->key, rec->key_len) : r;
}

int check_super(struct check *ck)
{
	struct check_problem p = { .code = CHECK_SUPER };
	struct volume *vol = ck->vol;
	bool newer;
	struct index_op op;
	int r;

	index_begin(vol->index, &op);
	r = super_load(&op, &vol->super, &newer);
	index_end(&op);
	if (r == -ENOENT || r == -EUCLEAN) {
		r = scan_table(vol, TABLE_INODE, inode_one, NULL);
		if (r == 0)
			ck->empty = true; /* not of a store that ever was: a crash while it was made */
		if (r <= 0)
			return r;
		r = check_found(ck, &p);
		if (r != 1)
			return r < 0 ? r : -EUCLEAN;
		r = super_make(ck);
	} else if (r == 0 && newer && ck->opt->repair) {
		r = -EPROTONOSUPPORT;
	}
	if (r == 0)
		r = segments_ready(ck);
	if (r == 0)
		r = pool_create(vol->super.chunk_size, 4, 4, &vol->pool);
	if (r == 0)
		r = models_create(vol);
	if (r)
		return r;
	r = check_get(ck, TABLE_META, "counters", 8, &ck->counters, sizeof ck->counters);
	ck->counted = r == (int)sizeof ck->counters;
	if (r < 0 && r != -ENOENT && r != -ERANGE && r != -EUCLEAN)
		return r;
	return scan_table(vol, TABLE_META, note_check, ck);
}

/* Raises a counter that is not above what is in use. */
static int raise_counter(struct check *ck, const char *name, uint64_t *next, uint64_t used)
{
	struct check_problem p = { .code = CHECK_COUNTER_LOW, .name = name, .found = *next, .expected = used };
	int r;

	if (*next > used)
		return 0;
	r = check_found(ck, &p);
	if (r == 1)
		*next = used + 1;
	return r < 0 ? r : 0;
}

static int correct_counter(struct check *ck, enum check_code code, uint64_t *recorded, uint64_t counted)
{
	struct check_problem p = { .code = code, .found = *recorded, .expected = counted };
	int r;

	if (*recorded == counted)
		return 0;
	r = check_found(ck, &p);
	if (r == 1)
		*recorded = counted;
	return r < 0 ? r : 0;
}

static uint64_t plain_count(const struct check *ck)
{
	const struct check_extent *x = ck->extents.items;
	uint64_t sum = 0;

	for (size_t i = 0; i < ck->extents.n; i++)
		if (x[i].recorded && !x[i].e.group && x[i].e.pos.segment)
			sum += x[i].e.is_group ? x[i].e.refs : x[i].e.plain;
	return sum;
}

static uint64_t inode_count(const struct check *ck)
{
	return ck->inodes.n;
}

static int counters_compare(struct check *ck)
{
	const struct { const char *name; le64_t *next; uint64_t used; } wide[] = {
		{ "inode", &ck->counters.next_ino, ck->max_ino < INO_FIRST_FREE ? INO_FIRST_FREE - 1 : ck->max_ino },
		{ "extent", &ck->counters.next_extent, ck->max_extent },
		{ "to-do", &ck->counters.next_todo, ck->max_todo },
		{ "sequence", &ck->counters.next_sequence, ck->max_sequence },
	};
	const struct { const char *name; le32_t *next; uint64_t used; } narrow[] = {
		{ "segment", &ck->counters.next_segment, ck->max_segment },
		{ "model", &ck->counters.next_model, ck->max_model },
	};
	uint64_t n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof wide / sizeof *wide; i++) {
		n = le64_get(*wide[i].next);
		r = raise_counter(ck, wide[i].name, &n, wide[i].used);
		*wide[i].next = le64_put(n);
	}
	for (size_t i = 0; r == 0 && i < sizeof narrow / sizeof *narrow; i++) {
		n = le32_get(*narrow[i].next);
		r = raise_counter(ck, narrow[i].name, &n, narrow[i].used);
		*narrow[i].next = le32_put((uint32_t)n);
	}
	n = le64_get(ck->counters.inodes);
	if (r == 0)
		r = correct_counter(ck, CHECK_INODE_COUNT, &n, inode_count(ck));
	ck->counters.inodes = le64_put(n);
	n = le64_get(ck->counters.plain_bytes);
	if (r == 0)
		r = correct_counter(ck, CHECK_PLAIN_COUNT, &n, plain_count(ck));
	ck->counters.plain_bytes = le64_put(n);
	return r;
}

static void counters_make(struct check *ck)
{
	ck->counters = (struct counters_disk){
		.next_ino = le64_put((ck->max_ino < INO_FIRST_FREE ? INO_FIRST_FREE - 1 : ck->max_ino) + 1),
		.next_extent = le64_put(ck->max_extent + 1),
		.next_todo = le64_put(ck->max_todo + 1),
		.next_sequence = le64_put(ck->max_sequence + 1),
		.next_segment = le32_put(ck->max_segment + 1),
		.next_model = le32_put(ck->max_model + 1),
		.commits = le64_put(1),
		.inodes = le64_put(inode_count(ck)),
		.plain_bytes = le64_put(plain_count(ck)),
	};
}

static int room_check(struct check *ck)
{
	struct check_problem p = { .code = CHECK_NO_ROOM };
	struct segments_space disk;
	int r = segments_space(ck->vol->segments, &disk);

	if (r || disk.available >= space_reserve(disk.total))
		return r;
	p.found = disk.available;
	p.expected = disk.total;
	r = check_found(ck, &p);
	return r < 0 ? r : 0;
}

int check_counters(struct check *ck)
{
	struct check_problem p = { .code = CHECK_COUNTERS_MISSING };
	struct counters_disk before = ck->counters;
	struct index_op op;
	int r;

	if (ck->counted) {
		r = counters_compare(ck);
	} else {
		r = check_found(ck, &p);
		if (r == 1) {
			counters_make(ck);
			r = 0;
		}
	}
	if (r == 0 && ck->opt->repair && memcmp(&before, &ck->counters, sizeof before)) {
		index_begin(ck->vol->index, &op);
		r = commit_store_counters(&op, &ck->counters);
		index_end(&op);
		ck->res->changed = true;
	}
	return r ? r : room_check(ck);
}
