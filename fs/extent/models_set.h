/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fs/extent/models.c and fs/extent/models_change.c share: the set of a volume's models.
 */
#ifndef FIRN_FS_MODELS_SET_H
#define FIRN_FS_MODELS_SET_H

#include "fs/extent/models.h"

#define MODELS_KINDS 3 /* enum model_kind, from 1 */

enum load_state { LOAD_BUSY, LOAD_DONE };

/* A model asked for: being loaded by one thread while others wait, then here until the volume closes or it is reaped. */
struct loaded {
	struct loaded *next;
	uint16_t number;
	enum load_state state;
	struct codec_model *model;
};

struct model_set {
	pthread_mutex_t change; /* outside the other: one adds or removes at a time, which may take as long as a sync does */
	pthread_mutex_t mutex; /* outside index operations; guards what follows; not held while loading or appending */
	pthread_cond_t loaded_cond;
	struct loaded *loaded;
	uint16_t active[MODELS_KINDS];
};

/* Checks a record of TABLE_MODEL and takes it apart; -EUCLEAN. */
int models_info(const struct index_record *r, struct model_info *info, struct model_disk *d);

/* fs/extent/models.c: looks the record of a model up. -ENOENT, -EUCLEAN. */
int models_record(struct volume *vol, uint16_t number, struct model_info *info, struct model_disk *d);

/*
 * fs/extent/models.c: reads a model into the room of fs/extent/models_strips.h. bad NULL: the model alone is wanted; else all strips are, and *bad gets the
 * one that had to be computed from the others, -1 none. -EUCLEAN: more than one would have to be.
 */
int models_read(struct volume *vol, const struct model_info *info, const struct model_disk *d, uint8_t *strips, int *bad);

/*
 * fs/extent/models_change.c: appends one strip to a segment of its own; *first gets the place of its first piece, segment 0 when not even that was
 * appended. The caller lets go of it with extent_release when the record is put, or when he gives up. set->change held. -EAGAIN: a segment was
 * sealed between two pieces.
 */
int models_append(struct volume *vol, const struct model_info *info, int strip, const uint8_t *strips, struct segment_pos *first);

/* Mutex held: the pointer to the entry of a number, or to the NULL at the end. */
struct loaded **models_find(struct model_set *set, uint16_t number);

#endif
