/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over segments: their files against their statistics, and those against what extents and models use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/check/check_pass.h"
#include "fs/extent/extent_map.h"
#include "index/disk.h"
#include "index/fdcache.h"
#include "index/group.h"
#include "index/record.h"

static int found(struct check *ck, enum check_code code, const struct check_segment *s, uint64_t n, uint64_t expected)
{
	struct check_problem p = { .code = code, .segment = s->number, .found = n, .expected = expected };

	return check_found(ck, &p);
}

static int stat_load(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct check_problem p = { .code = CHECK_SEGMENT_KEY };
	struct check_segment *s;
	int r = check_step(ck);

	if (r)
		return r;
	if (rec->key_len == 4)
		p.segment = be32_get(rec->key);
	if (p.segment == 0 || p.segment >= SEGMENT_COUNT_MAX || rec->len != sizeof s->disk || rec->value[20] > 1 || rec->value[21] >= STREAM_COUNT) {
		r = check_found(ck, &p);
		return r == 1 ? check_del(ck, TABLE_SEGMENT, rec->key, rec->key_len) : r;
	}
	s = check_segment_add(ck, p.segment);
	if (!s)
		return -ENOMEM;
	s->recorded = true;
	memcpy(&s->disk, rec->value, sizeof s->disk);
	return 0;
}

static int files_load(struct check *ck)
{
	struct check_segment *s;
	uint32_t *numbers;
	size_t n;
	int r = segment_list(ck->vol->segments, &numbers, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		s = check_segment_add(ck, numbers[i]);
		if (!s) {
			r = -ENOMEM;
			break;
		}
		s->file = true;
		r = segment_size(ck->vol->segments, s->number, &s->bytes, NULL);
	}
	free(numbers);
	return r;
}

static int use(struct check *ck, uint32_t number, uint64_t bytes, uint64_t end)
{
	struct check_segment *s = number ? check_segment_add(ck, number) : NULL;

	if (!s)
		return number ? -ENOMEM : 0;
	s->live += bytes;
	s->records++;
	if (s->end < end)
		s->end = end;
	return 0;
}

static int uses_count(struct check *ck)
{
	const struct check_extent *x = ck->extents.items;
	const struct check_model *m = ck->models.items;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ck->extents.n; i++) {
		const struct extent *e = &x[i].e;
		uint32_t stored = e->pos.stored;

		if (!x[i].recorded || e->group || e->pos.segment == 0)
			continue;
		if (e->is_group)
			stored = group_share(stored, e->plain, 0, e->refs);
		r = use(ck, e->pos.segment, sizeof(struct record_disk) + stored,
			sizeof(struct record_disk) + (uint64_t)e->pos.offset + e->pos.stored);
	}
	for (size_t i = 0; r == 0 && i < ck->models.n; i++)
		for (int s = 0; r == 0 && s <= MODEL_STRIPS; s++) {
			uint64_t stored = model_strip_stored(le32_get(m[i].disk.bytes));

			r = use(ck, le32_get(m[i].disk.strip[s].segment), stored, le32_get(m[i].disk.strip[s].offset) + stored);
		}
	return r;
}

static int header_check(struct check *ck, int seg, const struct check_segment *s)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct segment_disk disk;
	struct iovec iov = { &disk, sizeof disk };
	int fd, r;

	segment_name(s->number, name);
	r = disk_open(seg, name, ck->opt->repair, &fd);
	if (r)
		return r;
	if (disk_read(fd, &iov, 1, 0) || !segment_header_verify(&disk, ck->vol->super.uuid, s->number)) {
		r = found(ck, CHECK_SEGMENT_HEADER, s, 0, 0);
		if (r == 1 && ck->opt->repair) {
			segment_header_encode(&disk, ck->vol->super.uuid, s->number);
			r = disk_append(fd, &iov, 1, 0);
			if (r == 0)
				r = disk_sync(fd);
			ck->res->changed = true;
		}
	}
	disk_close(fd);
	return r < 0 ? r : 0;
}

/* A file that no statistics know and nothing lies in: behind the counter, what a crash left, which the next mount removes. */
static int strange_check(struct check *ck, int seg, const struct check_segment *s)
{
	struct check_problem p = { .code = CHECK_SEGMENT_STRANGE };
	char name[SEGMENT_NAME_LEN + 1];
	int r;

	if (ck->counted && s->number >= le32_get(ck->counters.next_segment))
		return 0;
	segment_name(s->number, name);
	p.name = name;
	r = check_found(ck, &p);
	if (r == 1 && ck->opt->repair) {
		r = check_aside_file(ck, seg, name);
		ck->res->changed = true;
	}
	return r < 0 ? r : 0;
}

/* What is committed of the segment: no more than there is, no less than is in use. */
static int total_check(struct check *ck, struct check_segment *s)
{
	uint64_t total = le64_get(s->disk.total);
	int r = 0;

	if (total > s->bytes)
		r = found(ck, CHECK_SEGMENT_SHORT, s, s->bytes, total);
	else if (total < s->end && s->end <= s->bytes)
		r = found(ck, CHECK_SEGMENT_TOTAL, s, total, s->end);
	if (r == 1) {
		s->disk.total = le64_put(s->bytes);
		s->disk.sealed = 1;
	}
	return r < 0 ? r : 0;
}

static int stat_store(struct check *ck, const struct check_segment *s)
{
	uint8_t key[4];

	be32_put(key, s->number);
	return check_put(ck, TABLE_SEGMENT, key, sizeof key, &s->disk, sizeof s->disk);
}

static int stat_check(struct check *ck, struct check_segment *s)
{
	struct segment_stat_disk before = s->disk;
	int r = 0;

	if (!s->recorded) {
		s->disk = (struct segment_stat_disk){ .total = le64_put(s->bytes), .sealed = 1 };
		r = found(ck, CHECK_SEGMENT_KEY, s, 0, 0);
		if (r != 1)
			return r;
	} else {
		r = total_check(ck, s);
	}
	if (r >= 0 && (le64_get(s->disk.live) != s->live || le32_get(s->disk.records) != s->records)) {
		if (s->recorded)
			r = found(ck, CHECK_SEGMENT_LIVE, s, le64_get(s->disk.live), s->live);
		if (r == 1) {
			s->disk.live = le64_put(s->live);
			s->disk.records = le32_put(s->records);
		}
	}
	if (r < 0 || (s->recorded && memcmp(&before, &s->disk, sizeof before) == 0))
		return r < 0 ? r : 0;
	return stat_store(ck, s);
}

static int segment_check(struct check *ck, int seg, struct check_segment *s)
{
	uint8_t key[4];
	int r;

	if (s->recorded || s->records)
		ck->max_segment = s->number;
	if (!s->file) {
		if (s->records || !s->recorded)
			return stat_check(ck, s); /* its extents tell what is lost */
		if (s->disk.sealed && le32_get(s->disk.records) == 0)
			return 0; /* removed by the last commit, which the next one records */
		r = found(ck, CHECK_SEGMENT_FILE, s, 0, 0);
		be32_put(key, s->number);
		return r == 1 ? check_del(ck, TABLE_SEGMENT, key, sizeof key) : r;
	}
	if (!s->recorded && s->records == 0)
		return strange_check(ck, seg, s);
	r = header_check(ck, seg, s);
	return r ? r : stat_check(ck, s);
}

int check_segments(struct check *ck)
{
	struct check_segment *list;
	int seg = openat(ck->vol->dirfd, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (seg < 0)
		return ck->opt->repair || errno != ENOENT ? -errno : 0;
	r = scan_table(ck->vol, TABLE_SEGMENT, stat_load, ck);
	if (r == 0)
		r = files_load(ck);
	if (r == 0)
		r = uses_count(ck);
	list = ck->segments.items;
	for (size_t i = 0; r == 0 && i < ck->segments.n; i++)
		r = segment_check(ck, seg, &list[i]);
	close(seg);
	return r;
}
