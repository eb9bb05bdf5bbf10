/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ahead what is slow to decode: the chunks that follow in a file read in order are decoded into the
 * cache on threads of their own.
 */
#ifndef FIRN_FS_AHEAD_H
#define FIRN_FS_AHEAD_H

#include "fs/volume/volume.h"

int ahead_create(struct volume *vol); /* sets vol->ahead; the threads start when first needed */
void ahead_destroy(struct volume *vol);

/*
 * A reader is about to decode chunk `no` of a file, which takes long. When he came to it in order, some chunks
 * behind it are asked for, the more the longer he goes on so. Never waits; what there is no room for is left out.
 */
void ahead_note(struct volume *vol, uint64_t ino, uint32_t no);

/* A mount begins: the model that cold data is coded with, if there is one, is loaded before the first reader needs it. */
void ahead_model(struct volume *vol);

#endif
