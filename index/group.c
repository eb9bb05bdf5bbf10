/* SPDX-License-Identifier: BSD-2-Clause */
/* The member table of a group, written and read with every check. */
#include "index/group.h"

#include <errno.h>
#include <stdbool.h>

#include "index/format.h"

struct writer {
	uint8_t *p, *end;
	bool full;
};

static void put(struct writer *w, uint64_t x)
{
	do {
		if (w->p == w->end) {
			w->full = true;
			return;
		}
		*w->p++ = (uint8_t) (x > 127 ? x | 128 : x);
		x >>= 7;
	} while (x > 0);
}

static uint64_t zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static uint64_t unzigzag(uint64_t x)
{
	return x >> 1 ^ (0 - (x & 1));
}

size_t group_encode(uint64_t id, const struct group_member *list, size_t n, uint8_t *buf, size_t cap)
{
	struct writer w = {buf, buf + cap, false};
	uint64_t ino = 0;

	put(&w, n);
	for (size_t i = 0; i < n; i++) {
		put(&w, zigzag(list[i].id - id));
		put(&w, zigzag(list[i].ino - ino));
		put(&w, list[i].chunk);
		put(&w, list[i].plain);
		id = list[i].id;
		ino = list[i].ino;
	}
	return w.full ? 0 : (size_t) (w.p - buf);
}

struct reader {
	const uint8_t *p, *end;
};

/* The next number, at most max; false when there is none, or not in its shortest form. */
static bool get(struct reader *r, uint64_t max, uint64_t *x)
{
	*x = 0;
	for (unsigned shift = 0; r->p < r->end && shift < 64; shift += 7) {
		uint8_t b = *r->p++;

		if (shift == 63 && b > 1)
			return false;
		*x |= (uint64_t) (b & 127) << shift;
		if (b < 128)
			return *x <= max && (b > 0 || shift == 0);
	}
	return false;
}

static bool get_member(struct reader *r, struct group_member *m)
{
	uint64_t id, ino, chunk, plain;

	if (!get(r, UINT64_MAX, &id) || !get(r, UINT64_MAX, &ino) || !get(r, UINT32_MAX, &chunk) ||
	    !get(r, CHUNK_SIZE_MAX, &plain))
		return false;
	m->at += m->plain;
	m->id += unzigzag(id);
	m->ino += unzigzag(ino);
	m->chunk = (uint32_t) chunk;
	m->plain = (uint32_t) plain;
	return m->id > 0 && plain > 0;
}

int group_decode(uint64_t id, uint32_t plain, const void *stored, size_t len, struct group_member *list, size_t *n,
		 size_t *table)
{
	struct reader r = {stored, (const uint8_t *) stored + len};
	struct group_member m = {.id = id};
	uint64_t count;

	*n = *table = 0;
	if (!get(&r, GROUP_MEMBERS_MAX, &count))
		return -EUCLEAN;
	for (uint64_t i = 0; i < count; i++) {
		if (!get_member(&r, &m) || m.id == id || m.plain > plain - m.at)
			return -EUCLEAN;
		if (list)
			list[i] = m;
	}
	if (count == 0 || m.at + m.plain != plain || r.p == r.end)
		return -EUCLEAN;
	*n = (size_t) count;
	*table = (size_t) (r.p - (const uint8_t *) stored);
	return 0;
}
