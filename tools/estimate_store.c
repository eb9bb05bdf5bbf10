/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From frames of held-out chunks to the bytes of a store.
 *
 * Chunks are taken class by class (tree_sample.h): what those held out took per byte, all of the class will take. Then what a store needs beside the
 * frames: a header per record, the index, and each model that the tier keeps, parity included.
 */
#include <string.h>

#include "index/format.h"
#include "tools/estimate.h"

/* LMDB: 8 bytes a record beside key and value, pages filled to 94 % as measured on imports, and the pages that even an empty index has. */
#define NODE 8
#define INDEX_FILL 0.94
#define INODE_USUAL 24 /* of a struct inode_disk: a file that was written in a moment */
#define DIRENT_USUAL 4  /* of a struct dirent_disk, without the name */
#define EXTENT_USUAL 18 /* of a struct extent_disk */
#define INDEX_EMPTY 65536

static double estimate_index(const struct tree_figures *f)
{
	uint64_t names = f->files + f->others;
	uint64_t inode = NODE + 8 + INODE_USUAL, dirent = NODE + 16 + DIRENT_USUAL;
	uint64_t chunk = NODE + 12 + 8 + NODE + 8 + EXTENT_USUAL;

	return (double)(names * (inode + dirent) + f->name_bytes + f->chunks * chunk) / INDEX_FILL + INDEX_EMPTY;
}

static enum estimate_row estimate_net_row(enum estimate_tier tier)
{
	return tier == ESTIMATE_FAST ? ROW_FAST : tier == ESTIMATE_NORMAL ? ROW_NORMAL : ROW_DENSE;
}

/* The frame of chunk i in this tier: the smallest that recompaction would choose from. */
static uint32_t estimate_frame(const struct estimate *e, enum estimate_tier tier, size_t i)
{
	enum estimate_row net = estimate_net_row(tier);
	uint32_t a, b;

	if (tier == ESTIMATE_HOT || tier == ESTIMATE_WARM)
		return e->result[tier == ESTIMATE_HOT ? ROW_LZ4 : ROW_WARM].len[i];
	a = e->result[estimate_net_pays(e) || !e->zdict.bytes ? ROW_ZSTD : ROW_ZSTD_DICT].len[i];
	b = estimate_net_pays(e) ? e->result[net].len[i] : a;
	return a < b ? a : b;
}

static double estimate_frames(const struct estimate *e, enum estimate_tier tier)
{
	uint64_t plain[TREE_CLASSES] = {0}, stored[TREE_CLASSES] = {0}, all_plain = 0, all_stored = 0;
	double sum = 0;

	for (size_t i = 0; i < e->held.n; i++) {
		unsigned c = tree_class(e->held.chunks[i].len);
		uint32_t len = estimate_frame(e, tier, i);

		plain[c] += e->held.chunks[i].len;
		stored[c] += len;
		all_plain += e->held.chunks[i].len;
		all_stored += len;
	}
	for (unsigned c = 0; c < TREE_CLASSES; c++)
		sum += (double)e->figures.class_bytes[c] *
		       (plain[c] ? (double)stored[c] / (double)plain[c] : (double)all_stored / (double)all_plain);
	return sum;
}

bool estimate_net_pays(const struct estimate *e)
{
	return e->model && e->net.saves > e->net.costs;
}

uint64_t estimate_store(const struct estimate *e, enum estimate_tier tier)
{
	double bytes = estimate_index(&e->figures) + (double)(e->figures.chunks * sizeof(struct record_disk));
	bool cold = tier != ESTIMATE_HOT && tier != ESTIMATE_WARM;

	if (cold && estimate_net_pays(e) && !e->result[estimate_net_row(tier)].len)
		return 0;
	bytes += estimate_frames(e, tier);
	if (cold && estimate_net_pays(e))
		bytes += (double)model_stored((uint32_t)e->net.len);
	else if (tier != ESTIMATE_HOT && e->zdict.bytes)
		bytes += (double)model_stored((uint32_t)e->zdict.len);
	return (uint64_t)bytes;
}
