/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room on the disk beneath, set aside at write() for the data that will be flushed later, so that ENOSPC
 * comes in time.
 */
#ifndef FIRN_FS_SPACE_H
#define FIRN_FS_SPACE_H

#include "fs/volume/volume.h"

struct space {
	pthread_mutex_t mutex;
	uint64_t reserved; /* for layers that are not flushed yet                              */
	uint64_t budget;   /* of new reservations until the disk is asked again                */
	int64_t asked;     /* when it was asked, ns                                            */
	bool plenty;       /* it said that there is                                            */
};

int space_create(struct volume *vol); /* sets vol->space */
void space_destroy(struct volume *vol);

/*
 * Is there room for `need` bytes more, the reserve for the index and for deleting left alone? -ENOSPC. Sets
 * nothing aside.
 */
int space_check(struct volume *vol, uint64_t need);

/*
 * Is there room for `need` bytes more now, for work that gives more back than it takes? The disk is asked; half of the reserve may
 * be used. -ENOSPC.
 */
int space_scratch(struct volume *vol, uint64_t need);

/* True when an eighth of the disk was free when it was last asked, and more than `reserved` bytes are reserved. */
bool space_pressed(struct space *sp, uint64_t reserved);

/* What was written, and what was flushed or dropped. */
void space_take(struct space *sp, uint64_t bytes);
void space_give(struct space *sp, uint64_t bytes);

/* Bytes of the disk beneath that stay free when writers get -ENOSPC. */
uint64_t space_reserve(uint64_t total);

/* With what is reserved: the bytes of a disk that are not for new data. */
uint64_t space_kept(struct space *sp, uint64_t total);

#endif
