/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recompaction: extents re-encoded denser, each decoded and compared before its record is swapped; segments that empty are removed.
 */
#ifndef FIRN_FS_COMPACT_H
#define FIRN_FS_COMPACT_H

#include "fs/volume/volume.h"

enum compact_tier { TIER_WARM, TIER_COLD };

/*
 * What an extent remembers of the last try (tried_level of its record): a tier, cold by neural level. `tried` beside it is the largest
 * number of a model active then, so that a newer model is a reason to try again.
 */
enum compact_tried {
	TRIED_NONE = 0,
	TRIED_WARM = 1,
	TRIED_COLD = 1, /* plus enum neural_level */
};

/* In the background an extent becomes warm after this share of the time until it is cold. */
#define COMPACT_WARM_SHARE 7

struct compact_progress {
	uint64_t done_bytes, total_bytes;     /* plain bytes of extents looked at / to look at */
	uint64_t before_bytes, after_bytes;   /* records of those extents, before and after    */
	double seconds;
};

struct compact_options {
	enum compact_tier tier;       /* warm: zstd with dictionary; cold: the smallest of all codecs */
	int neural_level;             /* enum neural_level                                            */
	bool now;                     /* all extents, not only those cold for cold_after_hours        */
	bool reclaim;                 /* only garbage: groups and segments that hold some             */
	unsigned cold_after_hours;    /* default 7 * 24                                               */
	bool after_given, level_given; /* those two count more than the policy of the root directory   */
	uint32_t group_bytes;         /* small extents are packed together up to so many plain bytes, at most a chunk; 0: never */
	int threads;                  /* 0: all cores                                                 */
	int (*progress)(void *arg, const struct compact_progress *p); /* non-zero: stop cleanly, -EINTR; may be NULL */
	struct gain *gain;            /* results of earlier runs, added to; NULL: none                */
	struct crew *crew;            /* NULL: one of its own, of normal priority                     */
	bool lazy;                    /* in the background of others: no commits but the timer's      */
	const int *end;               /* once it is not 0 (atomic): stop cleanly, -EINTR; may be NULL */
	void (*gate)(void *arg);      /* called by the caller's thread between small pieces of work: may wait; may be NULL */
	void *arg;
	uint32_t plan_extents;        /* plan for so many at once, to bound memory; 0: no bound       */
};
#define GROUP_BYTES_DEFAULT (128u << 10)
void compact_options_init(struct compact_options *opt);

struct compact_result {
	struct compact_progress figures;
	uint64_t extents, moved, kept, damaged, raced;
	uint64_t refused; /* new frames that did not decode to the extent's bytes: dropped, the old ones kept */
	uint64_t segments_removed, bytes_reclaimed;
};

/*
 * Works in bounded windows: read, group small extents, and then some MiB at a time: encode (all threads), decode, compare, append, sync, swap, commit; reap.
 * With `now` it has in memory 64 MiB of small extents, else 8 MiB of all. What was done stays done when it is interrupted. An
 * extent that can't be read is left where it is, counted as damaged. -ENOSPC stops politely.
 * Members of groups that are half dead (now: 1/16) are packed anew even if nothing else is a reason. Afterwards segments less than half alive (now: less than 15/16) are rewritten, records copied as they are, and models that nothing refers to are removed
 * (now, to the cold tier, with a network: the zstd dictionary, too; the next training makes another).
 * Files with a tier policy (fs/names/tier.h) are treated as it says: `now` overrules its age only, and the tier of the options is the coldest.
 */
int compact_run(struct volume *vol, const struct compact_options *opt, struct compact_result *out);

#endif
