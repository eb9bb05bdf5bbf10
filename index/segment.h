/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segment files: append-only sequences of self-describing, checksummed records; STORE/seg/%08x.seg, sealed when full.
 *
 * A `segments` object is the set of a store's segment files. Several *streams* are open for appending at once (hot data, cold
 * data, models), each to its own segment, so that what cools together lies together; a stream takes a new segment when its
 * own would grow past the segment size. Sealed segments never change until unlinked. All system calls on segment
 * files are made in index/disk.c, the one narrow interface.
 *
 * Thread-safe. 0 or -errno. Nothing printed. After any failed write or sync the stream's segment is sealed at its last good end
 * and the next append takes a fresh one: a descriptor whose fsync failed is never trusted again.
 */
#ifndef FIRN_INDEX_SEGMENT_H
#define FIRN_INDEX_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/format.h"

struct segments;

enum segment_stream {
	STREAM_HOT,   /* what was just written         */
	STREAM_COLD,  /* what recompaction wrote       */
	STREAM_MODEL, /* models, strip by strip        */
	STREAM_COUNT
};

/* The longest frame a record can hold: a chunk or a piece of a model, and something for a codec's own header. */
#define SEGMENT_RECORD_MAX (CHUNK_SIZE_MAX + 65536u)

/* Where a record lies. */
struct segment_pos {
	uint32_t segment; /* number, from 1 */
	uint32_t offset;  /* of the record header */
	uint32_t stored;  /* bytes after the header */
};

/* A record without its bytes; integers in host order. */
struct record {
	enum record_kind kind;
	uint8_t codec, level;
	uint16_t model;
	uint32_t stored, plain;
	uint64_t id, ino;
	uint32_t chunk;
	uint64_t sequence;
	uint64_t plain_xxh;
};

/*
 * Opens STORE/seg (create: makes the directory). segment_size: bytes at which a segment is sealed. next_segment: the lowest number never
 * used by a committed segment; files with that or a higher number are garbage of a crash and are removed (not when readonly).
 * first_sequence: lowest sequence to give out.
 */
int segments_open(int dirfd, const uint8_t uuid[16], uint32_t segment_size, uint32_t next_segment,
		  uint64_t first_sequence, bool create, bool readonly, struct segments **out);
/*
 * Lets a stream go on appending to an unsealed segment of an earlier mount: cuts the file to its committed length `total` (what lies
 * behind is garbage of a crash) and appends from there. -EUCLEAN when the file is shorter or foreign: the caller treats it as sealed.
 */
int segments_resume(struct segments *ss, enum segment_stream stream, uint32_t segment, uint64_t total);

void segments_close(struct segments *ss); /* does not sync; NULL allowed */

/*
 * Appends r (its stored, sequence and checksum are filled in here) with len bytes of frame; *pos gets its place. The bytes are not durable before segment_sync.
 * Encoders call this from many threads: the place is reserved under a short lock, pwrite runs outside it.
 * The pieces of a model's strip (RECORD_MODEL: chunk the piece number, appended in order by one thread) have a segment of their own: piece 0 takes
 * a new one, the others never do.
 * -EINVAL: len > SEGMENT_RECORD_MAX. -ENOSPC, -EIO, -EDQUOT: nothing of the record counts.
 */
int segment_append(struct segments *ss, enum segment_stream stream, struct record *r, const void *frame, size_t len,
		   struct segment_pos *pos);

/* fdatasync of every segment appended to since its last sync, and of the directory when a segment is new. Appends that returned before the call are durable after it. */
int segment_sync(struct segments *ss);

/*
 * Reads the record at pos into buf (cap >= pos->stored), checks magic, lengths, checksum, and fills *r.
 * -EIO: read error, short file; -EUCLEAN: not this record (damaged); -ENOENT: no such segment file.
 */
int segment_read(struct segments *ss, const struct segment_pos *pos, void *buf, size_t cap, struct record *r);

/* Reads and checks the header of the record at pos alone, and whether the file holds all of it. Errors as segment_read. */
int segment_peek(struct segments *ss, const struct segment_pos *pos, struct record *r);

/*
 * Visits every intact record of a segment in order: fn(arg, pos, record, bytes) -> 0 to go on. Bytes are valid for the call only.
 * Skips damage by searching the next RECORD_MAGIC on which a checksum holds; *bad gets the number of bytes skipped (a torn tail
 * included, ranges punched out not). Sectors that cannot be read are skipped, too.
 */
int segment_scan(struct segments *ss, uint32_t segment,
		 int (*fn)(void *arg, const struct segment_pos *pos, const struct record *r, const void *bytes),
		 void *arg, uint64_t *bad);

/* Seals the segments of all streams: the next append of each takes a new one. */
void segment_seal_all(struct segments *ss);

/* True while a stream appends to this segment. */
bool segment_is_open(struct segments *ss, uint32_t segment);

/* Unlinks a segment file that nothing durable refers to and no stream writes (-EBUSY). Open readers keep their descriptor until done. */
int segment_unlink(struct segments *ss, uint32_t segment);

/*
 * Gives the disk space of a range of records back that nothing durable refers to; the file keeps its length. A reader who still has their place finds no
 * record there. -EOPNOTSUPP: the file system beneath cannot.
 */
int segment_punch(struct segments *ss, uint32_t segment, uint64_t offset, uint64_t length);

/* Lists segment numbers found on disk, ascending; *numbers is malloc'ed, the caller frees it. */
int segment_list(struct segments *ss, uint32_t **numbers, size_t *count);

/*
 * Length of a segment appended to since segments_open as appended so far, and whether a stream still writes it: for segment_stat_disk
 * in a commit. A segment_sync that follows waits for the appends that this length counts. -ENOENT: a segment of an earlier mount.
 */
int segment_head(struct segments *ss, uint32_t segment, uint64_t *total, bool *sealed, enum segment_stream *stream);

/* Size in bytes of a segment file, header included; disk: st_blocks * 512 (may be NULL). */
int segment_size(struct segments *ss, uint32_t segment, uint64_t *bytes, uint64_t *disk);

/* Number that the next new segment gets, and sequence that the next record gets: for the counters of a commit. */
uint32_t segments_next(struct segments *ss);
uint64_t segments_sequence(struct segments *ss);

/* Bytes free for an unprivileged writer on the file system beneath (fstatvfs), total, and free inodes. */
struct segments_space {
	uint64_t total, free, available;
	uint64_t files, files_free;
};
int segments_space(struct segments *ss, struct segments_space *out);

#endif
