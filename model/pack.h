/* SPDX-License-Identifier: BSD-2-Clause */
/* Compression of a model's dictionary: context mixing over orders 1..6 and a match, for bytes that are read once, when a model is loaded. */
#ifndef FIRN_MODEL_PACK_H
#define FIRN_MODEL_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "model/number.h"

/* Codes n bytes through io: writes them, or reads them into bytes. -ENOMEM, -EUCLEAN: the input ended long before. */
int pack_bytes(struct number_io *io, uint8_t *bytes, size_t n);

#endif
