/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The models of a store: loaded when first needed, kept while open, added by training, removed when nothing refers to them.
 */
#ifndef FIRN_FS_MODELS_H
#define FIRN_FS_MODELS_H

#include "codec/codec.h"
#include "fs/volume/volume.h"

int models_create(struct volume *vol);  /* sets vol->models; loads nothing yet */
void models_destroy(struct volume *vol);

/* The loaded model with this number (0: *out = NULL). Takes a reference: codec_model_put. A damaged strip is computed from the others. -EIO when two are. */
int models_get(struct volume *vol, uint16_t number, struct codec_model **out);

/* Number of the active model of a kind (index/format.h), 0 none. */
uint16_t models_active(struct volume *vol, enum model_kind kind);

/*
 * Appends its strips, puts the record (state as given), makes it the active one of its kind when state is 1 (the former one retires). Not durable before
 * volume_commit. Equal bytes that are already there: nothing is added, *number is the old one's.
 */
int models_add(struct volume *vol, enum model_kind kind, int state, const void *bytes, size_t len, uint16_t *number);

/*
 * Removes retired and candidate models that no extent refers to; unused_zdict: an active zstd dictionary, too. Returns how many. Scans the
 * extents.
 */
int models_reap(struct volume *vol, bool unused_zdict);

/*
 * Removes one model that no extent refers to, whatever its state. -EBUSY: some do. -ENOENT. No recompaction may run, which might be about to use it. Durable
 * after volume_commit.
 */
int models_rm(struct volume *vol, uint16_t number);

/*
 * Reads all strips of all models and writes one that is damaged again from the others. Returns how many; *lost (may be NULL): models of which
 * more than one strip is. Durable after volume_commit.
 */
int models_mend(struct volume *vol, unsigned *lost);

struct model_info {
	uint16_t number;
	enum model_kind kind;
	uint8_t state;
	uint32_t bytes;
	int64_t created;
	uint8_t hash[16];
	uint64_t stored; /* bytes it takes, all strips, headers included */
	uint32_t contexts, hidden, dict_bytes; /* shape of a network, once models_describe has told */
};
/* Reads the model for what it looks like. -EIO or -EUCLEAN: it cannot be read, and nothing is set. */
int models_describe(struct volume *vol, struct model_info *info);

/* All models, ascending numbers; *list is malloc'ed. */
int models_list(struct volume *vol, struct model_info **list, size_t *n);

#endif
