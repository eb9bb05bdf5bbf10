/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scrubbing: everything stored is read, decoded and compared with its checksums, a step at a time, from where the last step ended.
 *
 * Extents that cannot be read are marked so in the index (fs/data/damage.h), those that can be again no longer. A damaged strip of a model
 * is written again from the others. The position is kept in the index.
 */
#ifndef FIRN_FS_SCRUB_H
#define FIRN_FS_SCRUB_H

#include "fs/volume/volume.h"

struct scrub_progress {
	uint64_t next, end;         /* extent number to go on at; that of the extent made next */
	int64_t started, finished;  /* ns since 1970; finished: of the last whole round, 0 none */
	uint64_t extents, bytes;    /* of this round: looked at, bytes stored                   */
	uint64_t damaged, healed;   /* of this round: cannot be read; can be again              */
	uint64_t models, models_lost; /* a strip was written again; more than one is damaged    */
	uint32_t ended;             /* this step ended the round                                */
	uint32_t reserved;
};

/*
 * Goes on until about `bytes` stored bytes are read (at least one record), or the round ends. restart: from the beginning. Durable with the next
 * commit. -EROFS.
 */
int scrub_step(struct volume *vol, uint64_t bytes, bool restart, struct scrub_progress *out);

#endif
