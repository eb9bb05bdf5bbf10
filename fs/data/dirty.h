/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dirty data of one file: an ordered set of chunks, each with up to two layers of written bytes over its
 * stored extent.
 *
 * The upper layer (cur) takes writes. A flush makes it the lower one (pin), which then never changes, and
 * encodes it without a lock; writes meanwhile go to a fresh upper layer. A layer is one interval [lo, hi) of
 * bytes; of everything below it only the first `below` bytes count, the rest is zero (what lay beyond the end
 * of file when the layer began). So a layer never needs what it does not cover before it is flushed.
 *
 * Everything here is guarded by the inode's data_mutex, but a writer (inode lock exclusive) may fill bytes of
 * the upper layers that he prepared without it until dirty_write_end, because chunks in the range of a write
 * under way are not claimed.
 */
#ifndef FIRN_FS_DIRTY_H
#define FIRN_FS_DIRTY_H

#include <stdbool.h>

#include "fs/extent/extent.h"
#include "fs/names/inode.h"

struct layer {
	bool used;
	uint8_t *bytes;       /* room for [base, base + cap) of the chunk; NULL when cap is 0 */
	uint32_t base, cap;
	uint32_t lo, hi;      /* lo == hi: nothing written, it only cuts what is below */
	uint32_t below;
	uint64_t epoch;       /* of the file, when the layer began */
	uint64_t reserved;    /* bytes of disk that it may need    */
};

/* Where a byte of the chunk is that the layer has room for. */
static inline uint8_t *layer_at(const struct layer *l, uint32_t off)
{
	return l->bytes + (off - l->base);
}

/* What layers cost: bytes of memory, and bytes of disk that must be left for them. */
struct dirty_cost {
	uint64_t memory, disk;
};

/* Disk that a chunk may need beyond its plain bytes: the record header, and its share of index pages. */
#define CHUNK_OVERHEAD 512u

enum chunk_state {
	CHUNK_IDLE,      /* not being flushed: a pin is one whose flush is to be tried again   */
	CHUNK_ENCODING,  /* a worker has it                                                    */
	CHUNK_ENCODED,   /* waits for its turn to be published                                 */
	CHUNK_FAILED,    /* its flush failed; tried again when somebody asks for a flush       */
};

struct dirty_chunk {
	uint32_t no;
	enum chunk_state state;
	bool cancelled;       /* truncated away while being flushed: not to be published */
	struct layer cur, pin;
	struct extent extent; /* outcome of encoding; id 0: a hole                       */
	bool unchanged;       /* outcome: the stored extent stays as it is               */
	int error;            /* outcome                                                 */
	struct dirty_chunk *next_flight;
};

struct dirty_file {
	struct volume *vol;
	struct inode *inode;         /* a reference; NULL once forgotten */
	pthread_cond_t changed;      /* with data_mutex: chunks were published or failed */
	struct dirty_chunk **chunks; /* ascending by number */
	size_t n, cap;
	uint64_t epoch;              /* grows with every flush asked for */
	uint64_t want;               /* layers of epochs up to this are asked for */
	bool writing;
	uint32_t write_first, write_last; /* chunks of the write under way */
	bool publishing;             /* somebody publishes; others only hand over */
	struct dirty_chunk *flight_first, *flight_last; /* claimed chunks, in order of their claims */
	unsigned waiters;            /* in file_flush */
	int store_error;             /* the record could not be stored although no chunk is left */

	/* guarded by the flusher's mutex */
	bool listed;                 /* it is the inode's present one */
	unsigned users;              /* workers and waiters: it stays while there are any, also unlisted */
	bool ready, queued;          /* may have something to claim; in the queue of wanted files */
	bool emptied;                /* the index has it empty, although it has been written since */
	bool parked;                 /* not to be picked: perhaps about to be forgotten */
	struct dirty_file *next, *prev, *next_wanted;
};

int dirty_file_create(struct inode *inode, struct dirty_file **out);
void dirty_file_destroy(struct dirty_file *df); /* drops all that is in it */

/*
 * Makes room for bytes [lo, hi), and all between them and what is covered, in the upper layer of chunk no: allocates, sets
 * *layer. When the chunk has no upper layer one begins, with `size` as the end of file. Nothing is covered yet: the writer
 * fills in bytes, lo and hi. *cost is increased by what the layer costs more than before. -ENOMEM.
 */
int dirty_prepare(struct dirty_file *df, uint32_t no, uint32_t lo, uint32_t hi, uint64_t size, struct layer **layer,
		  struct dirty_cost *cost);

/* A write begins: chunks first .. last are not claimed until dirty_write_end. */
void dirty_write_begin(struct dirty_file *df, uint32_t first, uint32_t last);
void dirty_write_end(struct dirty_file *df);

struct dirty_chunk *dirty_find(struct dirty_file *df, uint32_t no);
/* First chunk with a number >= no, or NULL. */
struct dirty_chunk *dirty_next(struct dirty_file *df, uint32_t no);

/* A range of a chunk that must come from the stored extent. */
struct gap {
	uint32_t off, len;
};
#define GAPS_MAX 4

/*
 * Copies what the layers of a chunk know of [off, off + len) to buf, zeros what they cut off, and lists what
 * must be read from the store. under_cur: as if the upper layer held no bytes (to fill the space between it
 * and a new write). Returns the number of gaps.
 */
unsigned dirty_read(struct dirty_file *df, uint32_t no, uint32_t off, uint32_t len, uint8_t *buf,
		    bool under_cur, struct gap gaps[GAPS_MAX]);

/* Cuts all beyond size. *cost is increased by what is let go of, here and in dirty_unpin. */
void dirty_truncate(struct dirty_file *df, uint64_t size, struct dirty_cost *cost);
/* Drops all layers of chunks first .. last. */
void dirty_drop(struct dirty_file *df, uint32_t first, uint32_t last, struct dirty_cost *cost);

/*
 * The next chunk to flush, its upper layer pinned and appended to the flight; NULL: none. pressure: also what
 * nobody asked for.
 */
struct dirty_chunk *dirty_claim(struct dirty_file *df, bool pressure);

/* Takes back chunks of the front of the flight that are ready: up to max, in order. */
size_t dirty_landed(struct dirty_file *df, struct dirty_chunk **list, size_t max);

/* After publishing: drops the pin, and the chunk when nothing is left of it. */
void dirty_unpin(struct dirty_file *df, struct dirty_chunk *c, struct dirty_cost *cost);

/*
 * After a failure: the bytes stay dirty. The pin becomes the upper layer again, so that a later write may
 * replace what cannot be completed; when there is one, the pin stays below it, or goes when that covers all.
 */
void dirty_fail(struct dirty_file *df, struct dirty_chunk *c, struct dirty_cost *cost);

/* How many bytes of the file the layers cover. */
uint64_t dirty_bytes(const struct dirty_file *df);

/* What all layers together cost. */
struct dirty_cost dirty_cost(const struct dirty_file *df);

/* Failed chunks may be claimed again. */
void dirty_retry(struct dirty_file *df);

/* True while a layer of an epoch <= target waits for its flush or is in flight (failed ones do not count). */
bool dirty_pending(struct dirty_file *df, uint64_t target);
/* True while there are chunks whose flush failed. */
bool dirty_failed(struct dirty_file *df);
/* True while anything at all is dirty but what list holds (chunks about to be unpinned). */
bool dirty_beyond(struct dirty_file *df, struct dirty_chunk *const *list, size_t n);

#endif
