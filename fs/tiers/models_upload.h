/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model that comes in pieces, from a training outside the daemon.
 */
#ifndef FIRN_FS_MODELS_UPLOAD_H
#define FIRN_FS_MODELS_UPLOAD_H

#include "fs/extent/models.h"

#define MODELS_PIECE_MAX 15360u

struct models_piece {
	uint32_t kind;   /* enum model_kind                                                      */
	uint32_t total;  /* bytes of the whole, at most MODEL_BYTES_MAX                          */
	uint32_t offset; /* of this piece; pieces come in order; 0 begins a new one              */
	uint32_t len;    /* of this piece, 1..MODELS_PIECE_MAX                                   */
	uint64_t token;  /* reply to the first piece, and demanded with the others               */
	uint32_t number; /* reply to the last piece: the model's                                 */
	uint32_t reserved;
	uint8_t bytes[MODELS_PIECE_MAX];
};

int models_upload_create(struct volume *vol); /* sets vol->upload */
void models_upload_destroy(struct volume *vol);

/*
 * Takes a piece. With the last one the model is checked as when it is loaded, added as the active one of its kind, and committed. One upload at a time: a
 * new one drops an unfinished one, whose next piece is then -ESTALE. -EINVAL: the piece does not fit, or what it completes is no model.
 */
int models_upload(struct volume *vol, struct models_piece *piece);

#endif
