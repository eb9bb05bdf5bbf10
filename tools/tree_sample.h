/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunks of an ordinary directory's files, drawn at random and split into what a model may see and what it is judged by.
 *
 * Held out is 1 file in 8 by a hash of its path under the directory; of files over 4 MiB 1 chunk in 8. Memory is bounded by the two samples,
 * however large the directory is.
 */
#ifndef FIRN_TOOLS_TREE_SAMPLE_H
#define FIRN_TOOLS_TREE_SAMPLE_H

#include "fs/tiers/sample.h"

#define TREE_CHUNK CHUNK_SIZE_DEFAULT

/* Chunks by their length, for short ones compress worse: up to 1 KiB, 4 KiB, 16 KiB, less than a whole chunk, whole ones. */
#define TREE_CLASSES 5
unsigned tree_class(uint32_t len);

/* What the directory holds; files linked several times count once. */
struct tree_figures {
	uint64_t files, others;    /* others: directories, symbolic links, devices */
	uint64_t name_bytes;       /* of all names */
	uint64_t bytes, chunks;
	uint64_t class_bytes[TREE_CLASSES];
	uint64_t unreadable;       /* files and directories that were left out for it */
};

struct tree_options {
	uint64_t train_max, held_max, seed;
	int (*progress)(void *arg, double fraction); /* < 0: not known; non-zero return: -EINTR */
	void *arg;
};

/*
 * Stays on dir's file system and follows no links. train: without incompressible chunks, its learnable_bytes extrapolated to the directory;
 * held: all kinds. Both shuffled, each to be freed with sample_free. -ENODATA: nothing held out or nothing to learn from; -errno of dir itself.
 */
int tree_draw(const char *dir, const struct tree_options *opt, struct tree_figures *figures, struct sample *train,
	      struct sample *held);

#endif
