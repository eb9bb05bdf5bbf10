/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The member table of a group: which extents' bytes lie back to back in the plain bytes of a RECORD_GROUP.
 *
 * It stands before the frame in the record's stored bytes, so that the members are found without the index. Numbers are those
 * of index/number.h.
 */
#ifndef FIRN_INDEX_GROUP_H
#define FIRN_INDEX_GROUP_H

#include <stddef.h>
#include <stdint.h>

/* A group that would have more is ended before. */
#define GROUP_MEMBERS_MAX 1024u

/* No table of n members is longer: the count, then two numbers of 64 bits and two of 32 each. */
#define GROUP_TABLE_MAX(n) (2 + (size_t)(n) * 30)

struct group_member {
	uint64_t id;        /* extent                                        */
	uint64_t ino;       /* owner hint, as in a record of an extent       */
	uint32_t chunk;
	uint32_t at, plain; /* where its bytes lie in the group's plain bytes */
};

/*
 * Writes the table of n members (1..GROUP_MEMBERS_MAX) of group `id`; their `at` is not looked at: they lie in order, back
 * to back. Returns its length; 0: it does not fit in cap.
 */
size_t group_encode(uint64_t id, const struct group_member *list, size_t n, uint8_t *buf, size_t cap);

/*
 * Reads the table at the start of a record's stored bytes, whose header says `id` and `plain`. *n members go to list (room for
 * GROUP_MEMBERS_MAX; NULL: only checked), *table: its length, after which the frame begins, which is not empty. Trusts
 * nothing: -EUCLEAN when it is no table, or its members do not add up to `plain`.
 */
int group_decode(uint64_t id, uint32_t plain, const void *stored, size_t len, struct group_member *list, size_t *n, size_t *table);

/*
 * What of the `stored` bytes of a group (table and frame) counts as the member's at [at, at + plain): shares of members that cover a
 * group of `whole` plain bytes add up to stored.
 */
static inline uint32_t group_share(uint32_t stored, uint32_t whole, uint32_t at, uint32_t plain)
{
	return (uint32_t)((uint64_t)stored * ((uint64_t)at + plain) / whole - (uint64_t)stored * at / whole);
}

#endif
