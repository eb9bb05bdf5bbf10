/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The superblock: what a store is, which format it has and which features it needs.
 */
#ifndef FIRN_INDEX_SUPER_H
#define FIRN_INDEX_SUPER_H

#include "index/index.h"

#define LABEL_MAX 32

/* Feature bits this version knows; none is assigned yet. */
#define SUPER_COMPAT_KNOWN 0u
#define SUPER_RO_COMPAT_KNOWN 0u
#define SUPER_INCOMPAT_KNOWN 0u

struct super {
	uint32_t version;
	uint32_t chunk_size;
	uint32_t segment_size;
	uint64_t compat, ro_compat, incompat;
	uint64_t created; /* ns since 1970 */
	uint64_t hash_seed;
	uint8_t uuid[16];
	char label[LABEL_MAX + 1];
};

/* Fills a fresh superblock: random uuid and hash seed, time now. label may be NULL. -EINVAL: chunk or segment size, label too long. */
int super_init(struct super *sb, uint32_t chunk_size, uint32_t segment_size, const char *label);

int super_store(struct index_op *op, const struct super *sb);

/*
 * Reads and checks. -ENOENT: not a firn store; -EUCLEAN: damaged (*sb: what the bytes say, unchecked); -EPROTONOSUPPORT: another format version or unknown incompat
 * bits (*sb then holds what was found, for the message). *force_readonly is set when unknown ro-compat bits are there.
 */
int super_load(struct index_op *op, struct super *sb, bool *force_readonly);

#endif
