/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of everything that can be wrong with a store, and how it is said.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "fs/check/check.h"

#define NOTE CHECK_NOTE
#define MINOR CHECK_MINOR
#define ERROR CHECK_ERROR
#define LOSS CHECK_LOSS

const struct check_entry check_table[CHECK_CODES] = {
	[CHECK_NO_INDEX] = { "no-index", LOSS, false, "there is no usable index.mdb",
		"make a new one from the segments: %f files without names, %x chunks" },
	[CHECK_INDEX_DAMAGED] = { "index-damaged", LOSS, false, "index.mdb is damaged",
		"make a new one from the segments: %f files without names, %x chunks" },
	[CHECK_SUPER] = { "super", ERROR, false, "the superblock is missing or damaged", "write it again" },
	[CHECK_META_DAMAGED] = { "meta-damaged", MINOR, true, "a record of the meta table is damaged", "move it to STORE/lost" },
	[CHECK_COUNTERS_MISSING] = { "counters-missing", ERROR, true, "the counters are missing or damaged",
		"count again" },
	[CHECK_COUNTER_LOW] = { "counter-low", ERROR, true, "the next %n number is %f, but %x is in use or was",
		"raise it" },
	[CHECK_INODE_COUNT] = { "inode-count", MINOR, true, "%f inodes are recorded, %x counted", "correct it" },
	[CHECK_PLAIN_COUNT] = { "plain-count", MINOR, true, "%f plain bytes are recorded, %x counted", "correct it" },

	[CHECK_NO_ROOT] = { "no-root", LOSS, false, "the root directory is missing or damaged", "make a new one" },
	[CHECK_INODE_KEY] = { "inode-key", LOSS, false, "a record of the inode table has no valid key",
		"move it to STORE/lost" },
	[CHECK_INODE_DAMAGED] = { "inode-damaged", LOSS, false, "%i: its record is damaged",
		"make a new one from what belongs to it" },
	[CHECK_INODE_DROPPED] = { "inode-dropped", LOSS, false, "%i: its record is damaged, and nothing belongs to it",
		"move it to STORE/lost" },
	[CHECK_ORPHAN_KEY] = { "orphan-key", ERROR, true, "a record of the orphan table has no valid key", "remove it" },
	[CHECK_ORPHAN_GONE] = { "orphan-gone", ERROR, true, "orphan %i does not exist", "remove the orphan record" },
	[CHECK_ORPHAN_NAMED] = { "orphan-named", ERROR, true, "orphan %i has a name: it would be deleted",
		"remove the orphan record" },
	[CHECK_ORPHAN_LINKS] = { "orphan-links", ERROR, true, "orphan %i has no name, but %f links recorded",
		"correct it" },
	[CHECK_ORPHAN] = { "orphan", NOTE, true, "inode %f was deleted while open: the next mount frees it", "" },
	[CHECK_TODO_DAMAGED] = { "todo-damaged", ERROR, true, "to-do %f is damaged", "move it to STORE/lost" },
	[CHECK_TODO] = { "todo", NOTE, true, "a truncation of inode %f is not finished: the next mount goes on", "" },

	[CHECK_ENTRY_DAMAGED] = { "entry-damaged", LOSS, false, "%i: entry %f of the directory is damaged",
		"move it to STORE/lost" },
	[CHECK_ENTRY_NO_DIR] = { "entry-no-dir", ERROR, false, "directory inode %f has entries, but no record",
		"make one" },
	[CHECK_ENTRY_NOT_DIR] = { "entry-not-dir", LOSS, false, "%i is no directory, but has the entry %n",
		"move it to STORE/lost" },
	[CHECK_ENTRY_GONE] = { "entry-gone", LOSS, false, "%i: entry %n names inode %f, of which nothing is left",
		"move it to STORE/lost" },
	[CHECK_ENTRY_INODE] = { "entry-inode", LOSS, false, "%i: entry %n names inode %f, whose record is missing",
		"make a new one from what belongs to it" },
	[CHECK_ENTRY_TYPE] = { "entry-type", ERROR, true, "%i: entry %n has type %f, its inode %x", "correct it" },
	[CHECK_ENTRY_HASH] = { "entry-hash", ERROR, true, "%i: entry %n is not where its name belongs", "move it there" },
	[CHECK_ENTRY_TWICE] = { "entry-twice", LOSS, false, "%i: there are two entries %n", "move one to STORE/lost" },
	[CHECK_DIR_SECOND_NAME] = { "dir-second-name", LOSS, false, "%i: entry %n is another name of directory inode %f",
		"move it to STORE/lost" },

	[CHECK_XATTR_KEY] = { "xattr-key", LOSS, false, "a record of the attribute table has no valid key",
		"move it to STORE/lost" },
	[CHECK_XATTR_NO_INODE] = { "xattr-no-inode", LOSS, false, "attribute %n belongs to inode %f, which does not exist",
		"move it to STORE/lost" },
	[CHECK_XATTR_PIECES] = { "xattr-pieces", LOSS, false, "%i: attribute %n is not in whole pieces",
		"move it to STORE/lost" },
	[CHECK_SYMLINK_TARGET] = { "symlink-target", LOSS, false, "%i: the target of the symbolic link is missing",
		"let it point to (lost)" },
	[CHECK_SYMLINK_SIZE] = { "symlink-size", ERROR, true, "%i: its size is %f, but its target has %x bytes",
		"correct it" },

	[CHECK_CHUNK_KEY] = { "chunk-key", LOSS, false, "a record of the chunk table has no valid key",
		"move it to STORE/lost" },
	[CHECK_CHUNK_VALUE] = { "chunk-value", LOSS, false, "%i: the record of chunk %c is damaged",
		"look for its extent; if there is none, reading it is an I/O error" },
	[CHECK_CHUNK_NO_INODE] = { "chunk-no-inode", LOSS, false, "inode %f has chunks, but no record",
		"make a new one from what belongs to it" },
	[CHECK_CHUNK_NOT_FILE] = { "chunk-not-file", ERROR, false, "%i is no regular file, but has chunk %c",
		"move it to STORE/lost" },
	[CHECK_CHUNK_BEYOND] = { "chunk-beyond", ERROR, false, "%i: chunk %c lies beyond its size of %x",
		"move it to STORE/lost" },
	[CHECK_INODE_SIZE] = { "inode-size", ERROR, true,
		"%i: its size is recorded as %f, but its chunks and holes make %x", "correct it" },
	[CHECK_INODE_BLOCKS] = { "inode-blocks", MINOR, true, "%i: %f bytes of data are recorded, %x counted",
		"correct it" },

	[CHECK_EXTENT_KEY] = { "extent-key", LOSS, false, "a record of the extent table has no valid key",
		"move it to STORE/lost" },
	[CHECK_EXTENT_FOUND] = { "extent-found", ERROR, false,
		"%i: chunk %c: the place of extent %e is wrong or damaged, but it is whole at %s:%a", "use that" },
	[CHECK_EXTENT_LOST] = { "extent-lost", LOSS, false, "%i: chunk %c: extent %e is damaged or missing",
		"remember that, and keep what is left of it in STORE/lost; reading it stays an I/O error" },
	[CHECK_EXTENT_KNOWN] = { "extent-known", NOTE, true, "%i: chunk %c: extent %e is known to be damaged", "" },
	[CHECK_EXTENT_UNUSED] = { "extent-unused", ERROR, false, "no file refers to extent %e", "move it to STORE/lost" },
	[CHECK_EXTENT_REFS] = { "extent-refs", ERROR, true, "extent %e: %f references are recorded, %x counted",
		"correct it" },

	[CHECK_SEGMENT_DIR] = { "segment-dir", LOSS, false, "the directory seg is missing", "make it" },
	[CHECK_SEGMENT_KEY] = { "segment-key", MINOR, true, "the statistics of segment %s are damaged", "count again" },
	[CHECK_SEGMENT_FILE] = { "segment-file", ERROR, true, "segment %s is missing, and nothing needs it",
		"forget it" },
	[CHECK_SEGMENT_SHORT] = { "segment-short", ERROR, true, "segment %s has %f bytes, not the %x that were committed",
		"seal it there" },
	[CHECK_SEGMENT_HEADER] = { "segment-header", ERROR, true, "the header of segment %s is damaged", "write it again" },
	[CHECK_SEGMENT_TOTAL] = { "segment-total", ERROR, true,
		"segment %s: %f bytes are recorded as committed, but extents reach to %x", "seal it behind them" },
	[CHECK_SEGMENT_LIVE] = { "segment-live", MINOR, true, "segment %s: %f bytes in use are recorded, %x counted",
		"correct it" },
	[CHECK_SEGMENT_STRANGE] = { "segment-strange", ERROR, false, "nothing refers to the file seg/%n",
		"move it to STORE/lost" },

	[CHECK_MODEL_KEY] = { "model-key", LOSS, false, "the record of model %f is damaged",
		"make a new one from the segments, or move it to STORE/lost" },
	[CHECK_MODEL_STRIP] = { "model-strip", ERROR, true, "strip %x of model %f is damaged",
		"write it again from the others" },
	[CHECK_MODEL_LOST] = { "model-lost", LOSS, false, "model %f is lost: more than one of its strips is damaged",
		"move its record to STORE/lost" },
	[CHECK_MODEL_ACTIVE] = { "model-active", ERROR, true, "model %f is not the newest active one of its kind",
		"retire it" },

	[CHECK_DIR_LOOP] = { "dir-loop", ERROR, false, "%i is a directory within itself", "take it out" },
	[CHECK_NAMELESS] = { "nameless", LOSS, false, "inode %f has no name", "name it lost+found/#%f" },
	[CHECK_DIR_PARENT] = { "dir-parent", ERROR, true, "%i: its parent is inode %f, not %x", "correct it" },
	[CHECK_DIR_SIZE] = { "dir-size", ERROR, true, "%i: %f entries are recorded, %x counted", "correct it" },
	[CHECK_LINKS] = { "links", ERROR, true, "%i: %f links are recorded, %x counted", "correct it" },
	[CHECK_NO_ROOM] = { "no-room", NOTE, true, "the disk has less room left than writing needs: %f of %x bytes", "" },
};

struct text {
	char *buf;
	size_t len, cap;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->buf + t->len, t->cap - t->len, format, ap);
	va_end(ap);
	if (n > 0)
		t->len = (size_t)n < t->cap - t->len ? t->len + (size_t)n : t->cap - 1;
}

static void add_name(struct text *t, const char *name)
{
	for (const unsigned char *p = (const unsigned char *)(name ? name : ""); *p; p++)
		add(t, *p < 0x20 || *p == 0x7f ? "\\%03o" : "%c", *p);
}

static void add_inode(struct text *t, const struct check_problem *p)
{
	add(t, "inode %" PRIu64, p->ino);
	if (p->path && p->path[0]) {
		add(t, " (");
		add_name(t, p->path);
		add(t, ")");
	}
}

static void fill(const struct check_problem *p, const char *format, char *buf, size_t cap)
{
	struct text t = { .buf = buf, .cap = cap };

	buf[0] = '\0';
	for (const char *c = format; *c; c++) {
		if (*c != '%') {
			add(&t, "%c", *c);
			continue;
		}
		switch (*++c) {
		case 'i':
			add_inode(&t, p);
			break;
		case 'n':
			add_name(&t, p->name);
			break;
		case 'c':
			add(&t, "%" PRIu32, p->chunk);
			break;
		case 'e':
			add(&t, "%" PRIu64, p->extent);
			break;
		case 's':
			add(&t, "%08" PRIx32, p->segment);
			break;
		case 'a':
			add(&t, "%" PRIu32, p->offset);
			break;
		case 'f':
			add(&t, "%" PRIu64, p->found);
			break;
		case 'x':
			add(&t, "%" PRIu64, p->expected);
			break;
		default:
			return;
		}
	}
}

void check_text(const struct check_problem *p, char *buf, size_t cap)
{
	fill(p, check_table[p->code].text, buf, cap);
}

void check_action(const struct check_problem *p, char *buf, size_t cap)
{
	fill(p, check_table[p->code].action, buf, cap);
}
