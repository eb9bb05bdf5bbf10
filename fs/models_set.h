/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fs/models.c and fs/models_change.c share: the set of a volume's models.
 */
#ifndef FIRN_FS_MODELS_SET_H
#define FIRN_FS_MODELS_SET_H

#include "fs/models.h"

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
	pthread_mutex_t mutex; /* outside index operations; guards everything here; not held while loading */
	pthread_cond_t loaded_cond;
	struct loaded *loaded;
	uint16_t active[MODELS_KINDS];
};

/* Checks a record of TABLE_MODEL and takes it apart; -EUCLEAN. */
int models_info(const struct index_record *r, struct model_info *info, struct model_disk *d);

/* Mutex held: the pointer to the entry of a number, or to the NULL at the end. */
struct loaded **models_find(struct model_set *set, uint16_t number);

#endif
