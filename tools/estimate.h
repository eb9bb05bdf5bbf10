/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What firn would do for a directory: figures measured on held-out chunks, and what a store would take by them.
 */
#ifndef FIRN_TOOLS_ESTIMATE_H
#define FIRN_TOOLS_ESTIMATE_H

#include "tools/estimate_coder.h"
#include "tools/train_net.h"
#include "tools/train_zdict.h"
#include "tools/tree_sample.h"

/* The coders measured; those with a dictionary or the network only when there is one. */
enum estimate_row {
	ROW_LZ4,
	ROW_WARM,       /* zstd -12, with the dictionary if one pays */
	ROW_ZSTD,       /* zstd -19 */
	ROW_ZSTD_DICT,  /* with the dictionary */
	ROW_XZ,
	ROW_FAST,
	ROW_NORMAL,
	ROW_DENSE,
	ROWS
};

/* What a store can be made of. */
enum estimate_tier { ESTIMATE_HOT, ESTIMATE_WARM, ESTIMATE_FAST, ESTIMATE_NORMAL, ESTIMATE_DENSE, ESTIMATE_TIERS };

struct estimate {
	const char *dir;
	struct tree_figures figures;
	struct sample train, held;
	struct zdict_choice zdict;
	struct net_choice net;           /* bytes NULL: so little data that none was trained */
	struct codec_model *model;       /* the network, loaded; NULL without one */
	struct coder coder[ROWS];
	struct coder_result result[ROWS]; /* len NULL: not measured */
};

/* Bytes of a store in which everything is in this tier, index, headers and models included; 0: not known. */
uint64_t estimate_store(const struct estimate *e, enum estimate_tier tier);

/* True when firn train would adopt the network. */
bool estimate_net_pays(const struct estimate *e);

void estimate_table(const struct estimate *e);
void estimate_json(const struct estimate *e);

#endif
