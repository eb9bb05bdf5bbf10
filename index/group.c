/* SPDX-License-Identifier: BSD-2-Clause */
/* The member table of a group, written and read with every check. */
#include "index/group.h"

#include <errno.h>
#include <stdbool.h>

#include "index/format.h"
#include "index/number.h"

size_t group_encode(uint64_t id, const struct group_member *list, size_t n, uint8_t *buf, size_t cap)
{
	struct number_writer w = {buf, buf + cap, false};
	uint64_t ino = 0;

	number_put(&w, n);
	for (size_t i = 0; i < n; i++) {
		number_put(&w, number_zigzag(list[i].id - id));
		number_put(&w, number_zigzag(list[i].ino - ino));
		number_put(&w, list[i].chunk);
		number_put(&w, list[i].plain);
		id = list[i].id;
		ino = list[i].ino;
	}
	return w.full ? 0 : (size_t) (w.p - buf);
}

static bool get_member(struct number_reader *r, struct group_member *m)
{
	uint64_t id, ino, chunk, plain;

	if (!number_get(r, UINT64_MAX, &id) || !number_get(r, UINT64_MAX, &ino) || !number_get(r, UINT32_MAX, &chunk) ||
	    !number_get(r, CHUNK_SIZE_MAX, &plain))
		return false;
	m->at += m->plain;
	m->id += number_unzigzag(id);
	m->ino += number_unzigzag(ino);
	m->chunk = (uint32_t) chunk;
	m->plain = (uint32_t) plain;
	return m->id > 0 && plain > 0;
}

int group_decode(uint64_t id, uint32_t plain, const void *stored, size_t len, struct group_member *list, size_t *n,
		 size_t *table)
{
	struct number_reader r = {stored, (const uint8_t *) stored + len};
	struct group_member m = {.id = id};
	uint64_t count;

	*n = *table = 0;
	if (!number_get(&r, GROUP_MEMBERS_MAX, &count))
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
