/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The neural codec: a binary arithmetic coder driven by model/'s network, adapting in the chunk. codec.h reaches it through its
 * table; training needs the two extra calls below.
 */
#ifndef FIRN_CODEC_NEURAL_H
#define FIRN_CODEC_NEURAL_H

#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"
#include "model/model.h"
#include "model/train.h"

struct neural; /* scratch of one worker: contexts, counters, adapted output rows; <= 32 MiB */

int neural_create(struct neural **out);
void neural_destroy(struct neural *n);

int neural_encode(struct neural *nn, const struct model *m, int level, const uint8_t *src, size_t n, uint8_t *dst, size_t cap,
		  size_t *out);
int neural_decode(struct neural *nn, const struct model *m, int level, const uint8_t *src, size_t n, uint8_t *dst, size_t plain);

/*
 * Codes a few bytes at each level and back: -EUCLEAN when they do not come out. answer: checksums of the frames, never 0; they are the same wherever the
 * network is computed as it was where the model was made.
 */
int neural_test(const struct model *m, uint32_t answer[MODEL_ANSWERS]);

/*
 * After training: codes the calibration chunks and stores the mixer weights that they settle on as the model's initial ones
 * (m->mixer, shape.mixer_len), and the answers of neural_test. *bits gets the mean bits per byte at NEURAL_NORMAL after calibration (may be NULL).
 */
int neural_calibrate(struct model *m, const struct train_chunk *chunks, size_t n, double *bits);

#endif
