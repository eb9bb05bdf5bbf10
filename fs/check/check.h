/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking a store that nobody has open, and mending it: fsck.firn without its face.
 *
 * A check is a row of passes over the index and the segments. Whatever a pass finds wrong is an entry of one table of problems
 * (fs/check/check_problem.c) and goes to the caller, who says whether it is mended. All changes of the index become durable in one commit at the
 * end, so a check that is interrupted changes nothing. What a repair takes out of the store is kept in STORE/lost; files that lost their
 * names get one in lost+found.
 */
#ifndef FIRN_FS_CHECK_H
#define FIRN_FS_CHECK_H

#include "fs/store/volume_open.h"
#include "fs/volume/volume.h"

enum check_code {
	CHECK_NO_INDEX,
	CHECK_INDEX_DAMAGED,
	CHECK_SUPER,
	CHECK_META_DAMAGED,
	CHECK_COUNTERS_MISSING,
	CHECK_COUNTER_LOW,
	CHECK_INODE_COUNT,
	CHECK_PLAIN_COUNT,
	CHECK_NO_ROOT,
	CHECK_INODE_KEY,
	CHECK_INODE_DAMAGED,
	CHECK_INODE_DROPPED,
	CHECK_ORPHAN_KEY,
	CHECK_ORPHAN_GONE,
	CHECK_ORPHAN_NAMED,
	CHECK_ORPHAN_LINKS,
	CHECK_ORPHAN,
	CHECK_TODO_DAMAGED,
	CHECK_TODO,
	CHECK_ENTRY_DAMAGED,
	CHECK_ENTRY_NO_DIR,
	CHECK_ENTRY_NOT_DIR,
	CHECK_ENTRY_GONE,
	CHECK_ENTRY_INODE,
	CHECK_ENTRY_TYPE,
	CHECK_ENTRY_HASH,
	CHECK_ENTRY_TWICE,
	CHECK_DIR_SECOND_NAME,
	CHECK_XATTR_KEY,
	CHECK_XATTR_NO_INODE,
	CHECK_XATTR_PIECES,
	CHECK_SYMLINK_TARGET,
	CHECK_SYMLINK_SIZE,
	CHECK_CHUNK_KEY,
	CHECK_CHUNK_VALUE,
	CHECK_CHUNK_NO_INODE,
	CHECK_CHUNK_NOT_FILE,
	CHECK_CHUNK_BEYOND,
	CHECK_INODE_SIZE,
	CHECK_INODE_BLOCKS,
	CHECK_MODEL_KEY,
	CHECK_MODEL_STRIP,
	CHECK_MODEL_LOST,
	CHECK_MODEL_ACTIVE,
	CHECK_EXTENT_KEY,
	CHECK_EXTENT_FOUND,
	CHECK_EXTENT_LOST,
	CHECK_EXTENT_KNOWN,
	CHECK_EXTENT_UNUSED,
	CHECK_EXTENT_REFS,
	CHECK_SEGMENT_DIR,
	CHECK_SEGMENT_KEY,
	CHECK_SEGMENT_FILE,
	CHECK_SEGMENT_SHORT,
	CHECK_SEGMENT_HEADER,
	CHECK_SEGMENT_TOTAL,
	CHECK_SEGMENT_LIVE,
	CHECK_SEGMENT_STRANGE,
	CHECK_DIR_LOOP,
	CHECK_NAMELESS,
	CHECK_DIR_PARENT,
	CHECK_DIR_SIZE,
	CHECK_LINKS,
	CHECK_NO_ROOM,
	CHECK_CODES
};

enum check_severity {
	CHECK_NOTE,  /* nothing is wrong, but worth knowing                 */
	CHECK_MINOR, /* figures that nothing depends on                     */
	CHECK_ERROR, /* wrong, and mended without losing anything           */
	CHECK_LOSS,  /* something is lost: a file's bytes, a name, a record */
};

struct check_entry {
	const char *name; /* for machines: stable */
	enum check_severity severity;
	bool safe;        /* mended without asking by a boot script */
	const char *text; /* with the placeholders of check_text */
	const char *action;
};
extern const struct check_entry check_table[CHECK_CODES];

/* One thing that was found; members that do not apply are zero. */
struct check_problem {
	enum check_code code;
	uint64_t ino;
	const char *path;     /* of ino, "" when it has none        */
	const char *name;     /* of an entry, an attribute, a file  */
	uint32_t chunk;
	uint64_t extent;
	uint32_t segment, offset;
	uint64_t found, expected;
};

/*
 * "inode 17 (/a/b): 3 links are counted, 2 recorded", and what is done about it: the entry's texts with %i inode and path, %n name, %c chunk, %e extent, %s segment, %a offset, %f found, %x expected. Control characters of names come out as \ooo.
 * Both are cut to cap bytes.
 */
void check_text(const struct check_problem *p, char *buf, size_t cap);
void check_action(const struct check_problem *p, char *buf, size_t cap);

struct check_progress {
	const char *pass;
	unsigned number, passes;
	uint64_t done, total; /* of the pass; total 0: not known */
};

struct check_options {
	bool repair; /* else the store is opened read-only, and what problem() wants mended is only pretended */
	bool data;   /* read and decode every record, not its header alone */
	bool rebuild; /* make a new index from the segments whatever the old one is like */
	/* 1: mend it, 0: leave it, -EINTR: stop and change nothing. Notes are reported, too; the answer does not matter. */
	int (*problem)(void *arg, const struct check_problem *p);
	int (*progress)(void *arg, const struct check_progress *p); /* non-zero: stop; may be NULL */
	void *arg;
};

struct check_result {
	uint64_t notes, problems, mended, lost; /* lost: problems of severity CHECK_LOSS */
	uint64_t inodes, extents, segments, models;
	bool changed;
};

/*
 * 0: *out tells what was found. -EBUSY, -ENOENT (no store), -EPROTONOSUPPORT (a newer one), -EINTR, I/O errors: err->text may say more.
 */
int check_store(const char *path, const struct check_options *opt, struct check_result *out, struct volume_error *err);

#endif
