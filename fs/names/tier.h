/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tier policies: how dense, and how soon, the files of a directory are to be packed.
 *
 * A policy is the extended attribute user.firn.tier of a directory or file, as text, so that whatever copies attributes keeps it. It holds for
 * everything below, up to what has one of its own. Text: hot, warm, cold or auto, then any of after=DURATION (number and h or d) and
 * level=fast|normal|dense, separated by spaces.
 */
#ifndef FIRN_FS_TIER_H
#define FIRN_FS_TIER_H

#include "fs/volume/volume.h"

#define TIER_XATTR "user.firn.tier"
#define TIER_TEXT_MAX 64u

enum tier_goal {
	TIER_GOAL_AUTO, /* by age: warm, then cold; where nothing else is said */
	TIER_GOAL_HOT,  /* stays as written                                    */
	TIER_GOAL_WARM, /* by age, but never to the cold tier                  */
	TIER_GOAL_COLD, /* by age too, and at once when no age is given        */
};

struct tier_policy {
	uint8_t goal;         /* enum tier_goal                                      */
	uint8_t level;        /* enum neural_level; 0: the run's                     */
	bool aged;            /* after_hours counts                                  */
	uint32_t after_hours; /* since the last write or noticed read; else the run's */
};

/* The root's, as it stands: 0, -errno. None: TIER_GOAL_AUTO and nothing else said. */
int tier_root(struct volume *vol, struct tier_policy *out);

/* Longest after=: a hundred years. */
#define TIER_AFTER_MAX (876000u)

/* len bytes, not terminated. -EINVAL: no policy. */
int tier_parse(const char *text, size_t len, struct tier_policy *out);

/* A text that tier_parse reads as the same policy, terminated. */
void tier_format(const struct tier_policy *policy, char out[TIER_TEXT_MAX]);

/* A duration: digits, then h or d (or nothing: d). False: it is none, or over TIER_AFTER_MAX. */
bool tier_duration(const char *text, size_t len, uint32_t *hours);

/* The policies in force, of all inodes for which there is one. */
struct tier_map {
	struct tier_entry {
		uint64_t ino;
		struct tier_policy policy;
	} *list; /* by ino */
	size_t n;
	struct tier_policy rest; /* the root's: the store's default, of all that are not listed */
};

/*
 * Looks at all attributes, and at all names if there is a policy anywhere below the root. Of a file with several names the policy
 * that keeps it hottest counts. Attributes that are no policy are passed over. tier_map_free afterwards, also on error.
 */
int tier_map_make(struct volume *vol, struct tier_map *out);
void tier_map_free(struct tier_map *map);

/* Of an inode without one: the root's, else TIER_GOAL_AUTO and nothing else said. */
struct tier_policy tier_map_find(const struct tier_map *map, uint64_t ino);

#endif
