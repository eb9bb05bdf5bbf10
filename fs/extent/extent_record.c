/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extent records: to and from their bytes in the index.
 */
#include <errno.h>
#include <string.h>

#include "fs/extent/extent.h"
#include "fs/extent/extent_map.h"

/* Each number is as large as its member. */
static const uint64_t own_max[EXTENT_NUMBERS] = {
	UINT32_MAX, UINT32_MAX, UINT32_MAX, CHUNK_SIZE_MAX, UINT32_MAX, UINT32_MAX,
	UINT8_MAX, UINT8_MAX, UINT16_MAX, UINT16_MAX, UINT8_MAX,
};
static const uint64_t member_max[EXTENT_MEMBER_NUMBERS] = {
	UINT64_MAX, UINT32_MAX, CHUNK_SIZE_MAX, UINT32_MAX, UINT32_MAX, UINT16_MAX, UINT8_MAX,
};

static size_t numbers_encode(struct extent_disk *disk, const uint64_t *numbers, size_t n)
{
	struct number_writer w = { disk->numbers, disk->numbers + sizeof disk->numbers, false };

	while (n > 0 && numbers[n - 1] == 0)
		n--;
	for (size_t i = 0; i < n; i++)
		number_put(&w, numbers[i]);
	return 1 + (size_t)(w.p - disk->numbers);
}

size_t extent_encode(struct extent_disk *disk, const struct extent *e)
{
	const uint64_t own[EXTENT_NUMBERS] = {
		e->pos.segment, e->pos.offset, e->pos.stored, e->plain, e->refs, e->touched,
		e->codec, e->level, e->model, e->tried, e->tried_level,
	};
	const uint64_t member[EXTENT_MEMBER_NUMBERS] = {
		number_zigzag(e->group - e->id), e->at, e->plain, e->refs, e->touched, e->tried, e->tried_level,
	};

	if (e->group) {
		disk->flags = EXTENT_MEMBER;
		return numbers_encode(disk, member, EXTENT_MEMBER_NUMBERS);
	}
	disk->flags = (uint8_t)((e->is_group ? EXTENT_GROUP : 0) | (e->damaged ? EXTENT_DAMAGED : 0));
	return numbers_encode(disk, own, EXTENT_NUMBERS);
}

/* All that there are; those left out are 0. */
static bool numbers_decode(const void *value, size_t len, const uint64_t *max, size_t n, uint64_t *numbers)
{
	struct number_reader r = { (const uint8_t *)value + 1, (const uint8_t *)value + len };

	memset(numbers, 0, n * sizeof *numbers);
	for (size_t i = 0; i < n && r.p < r.end; i++)
		if (!number_get(&r, max[i], &numbers[i]))
			return false;
	return r.p == r.end;
}

static int member_decode(uint64_t id, const void *value, size_t len, struct extent *e)
{
	uint64_t n[EXTENT_MEMBER_NUMBERS];

	if (!numbers_decode(value, len, member_max, EXTENT_MEMBER_NUMBERS, n))
		return -EUCLEAN;
	*e = (struct extent){
		.id = id,
		.group = id + number_unzigzag(n[0]),
		.at = (uint32_t)n[1],
		.plain = (uint32_t)n[2],
		.refs = (uint32_t)n[3],
		.touched = (uint32_t)n[4],
		.tried = (uint16_t)n[5],
		.tried_level = (uint8_t)n[6],
	};
	return e->group == 0 || e->group == id || e->plain == 0 || e->refs == 0 ? -EUCLEAN : 0;
}

static int own_decode(uint64_t id, const void *value, size_t len, uint8_t flags, struct extent *e)
{
	uint64_t n[EXTENT_NUMBERS];

	if (!numbers_decode(value, len, own_max, EXTENT_NUMBERS, n))
		return -EUCLEAN;
	*e = (struct extent){
		.id = id,
		.pos = { (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2] },
		.stored = (uint32_t)n[2],
		.plain = (uint32_t)n[3],
		.refs = (uint32_t)n[4],
		.touched = (uint32_t)n[5],
		.codec = (uint8_t)n[6],
		.level = (uint8_t)n[7],
		.model = (uint16_t)n[8],
		.tried = (uint16_t)n[9],
		.tried_level = (uint8_t)n[10],
		.is_group = flags & EXTENT_GROUP,
		.damaged = flags & EXTENT_DAMAGED,
	};
	if (e->plain == 0 || e->pos.stored > e->plain || e->refs == 0 || (e->is_group && e->refs > e->plain))
		return -EUCLEAN;
	if (e->pos.segment == 0)
		return e->damaged ? 0 : -EUCLEAN;
	return e->pos.stored ? 0 : -EUCLEAN;
}

int extent_decode(uint64_t id, const void *value, size_t len, struct extent *e)
{
	uint8_t flags;

	*e = (struct extent){ 0 };
	if (len < 1 || len > sizeof(struct extent_disk))
		return -EUCLEAN;
	memcpy(&flags, value, 1);
	if (flags == EXTENT_MEMBER)
		return member_decode(id, value, len, e);
	return flags & ~(EXTENT_GROUP | EXTENT_DAMAGED) ? -EUCLEAN : own_decode(id, value, len, flags, e);
}
