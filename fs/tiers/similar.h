/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which small pieces of data to pack together, so that what is alike is in one frame.
 *
 * A piece is known by a sample of the hashes of its substrings of 8 bytes, chosen by the hash, so that equal substrings are chosen alike.
 * A group begins with the first piece left and takes the one of which most is in the group already, until none fits.
 */
#ifndef FIRN_FS_SIMILAR_H
#define FIRN_FS_SIMILAR_H

#include <stddef.h>
#include <stdint.h>

struct piece {
	const uint8_t *bytes;
	uint32_t len;
	uint32_t group; /* set: number of its group, from 0 */
};

/*
 * Divides n pieces, none longer than group_bytes, into groups of at most group_bytes and members_max pieces. order (n): the pieces group by group, in
 * the order in which they were taken; *groups: how many. Depends on nothing but the pieces. -ENOMEM.
 */
int similar_divide(struct piece *pieces, size_t n, uint32_t group_bytes, size_t members_max, size_t *order, size_t *groups);

#endif
