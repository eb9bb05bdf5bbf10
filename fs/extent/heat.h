/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heat: which extents are read, so that what is used does not become cold. Noticed at most once an hour for each, in memory, and put into the
 * index lazily, many at a time.
 */
#ifndef FIRN_FS_HEAT_H
#define FIRN_FS_HEAT_H

#include "fs/extent/extent.h"

int heat_create(struct volume *vol); /* sets vol->heat; NULL when the volume is read-only */
void heat_destroy(struct volume *vol);

/* Now, in the unit of an extent's `touched`: hours since 1970. */
uint32_t heat_hour(void);

/* The extent is being read by a user. Outside any operation; cheap. */
void heat_note(struct volume *vol, const struct extent *e);

/*
 * Puts what was noticed into the index, for the commit that follows: when there is much of it, or it was long ago, or always (all).
 * An extent that is gone meanwhile is passed over; what fails is forgotten.
 */
void heat_settle(struct volume *vol, bool all);

#endif
