/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the passes of a check: what they have learned so far, and the one way to report and to mend.
 *
 * What is in memory is the store as it will be when all that check_found wanted mended is mended; in a dry run only the index stays as it is.
 */
#ifndef FIRN_FS_CHECK_PASS_H
#define FIRN_FS_CHECK_PASS_H

#include "fs/check/check.h"
#include "fs/extent/extent.h"
#include "fs/extent/scan.h"
#include "fs/names/inode.h"

struct check_inode {
	uint64_t ino;
	uint64_t size, blocks, parent; /* as recorded                                             */
	uint64_t dir, cookie;          /* the entry that names it first; 0: none                  */
	uint64_t entries, subdirs;     /* of a directory, counted                                 */
	uint64_t mapped;               /* plain bytes of its chunks                               */
	uint32_t mode, nlink;
	uint32_t names;                /* counted                                                 */
	bool fresh;                    /* made by this check: what is recorded of it means little */
	bool orphan;
	bool target;                   /* a symlink whose target is there                         */
	bool reached;                  /* a directory that hangs from the root                    */
};

struct check_extent {
	struct extent e;
	uint64_t ino; /* the first file found that refers to it; 0: none */
	uint32_t chunk;
	uint32_t found; /* references        */
	bool recorded;  /* it has a record   */
	bool bad;       /* to be looked for  */
	bool mended;    /* its place was found, or is known to be lost */
	struct extent where; /* a whole record of it that was found; segment 0: none */
};

struct check_segment {
	uint32_t number;
	bool file, recorded;
	struct segment_stat_disk disk;
	uint64_t bytes;             /* of the file */
	uint64_t live, end;         /* counted: bytes of records in use, where the last of them ends */
	uint32_t records;
};

struct check_model {
	uint32_t number;
	struct model_disk disk;
	bool whole; /* it can be read */
};

struct check_todo {
	uint64_t ino;
	uint32_t from;
};

struct check_array {
	void *items;
	size_t n, room;
};

struct check {
	const struct check_options *opt;
	struct check_result *res;
	struct volume *vol; /* index, segments, super and models only */
	bool empty;         /* there is not even a superblock in the index */

	struct check_array inodes;   /* struct check_inode, ascending numbers   */
	struct check_array extents;  /* struct check_extent, likewise           */
	struct check_array segments; /* struct check_segment, likewise          */
	struct check_array models;   /* struct check_model, likewise            */
	struct check_array todos;    /* struct check_todo                       */
	uint64_t lost_found;         /* inode number, 0: not looked up          */

	struct counters_disk counters; /* as recorded */
	bool counted;                  /* they are there */
	/* The largest number of each kind that is in use. */
	uint64_t max_ino, max_extent, max_todo, max_sequence;
	uint32_t max_segment, max_model;

	bool mend_models; /* afterwards, by an open volume */

	int aside;   /* STORE/lost, -1: not made  */
	int records; /* STORE/lost/records        */
	struct check_progress progress;
	char path[4096];
};

/* fs/check/check.c: 1 mend it (or pretend to), 0 leave it, -errno. Fills in the path. */
int check_found(struct check *ck, struct check_problem *p);
/* Counts one step of a pass; -EINTR. */
int check_step(struct check *ck);
/* Changes of the index; nothing in a dry run. check_del keeps what it deletes in STORE/lost/records. */
int check_put(struct check *ck, enum table table, const void *key, size_t key_len, const void *value, size_t len);
int check_del(struct check *ck, enum table table, const void *key, size_t key_len);
int check_get(struct check *ck, enum table table, const void *key, size_t key_len, void *buf, size_t cap);

/* fs/check/check_set.c: -ENOMEM as NULL. A pointer is good until the next check_*_add. */
void *check_array_add(struct check_array *a, size_t size, size_t at);
struct check_inode *check_inode(struct check *ck, uint64_t ino);
struct check_inode *check_inode_add(struct check *ck, uint64_t ino, const struct inode_attr *attr);
struct check_extent *check_extent(struct check *ck, uint64_t id);
struct check_extent *check_extent_add(struct check *ck, uint64_t id);
struct check_model *check_model(struct check *ck, uint32_t number);
struct check_segment *check_segment(struct check *ck, uint32_t number);
struct check_segment *check_segment_add(struct check *ck, uint32_t number);

/* fs/check/check_path.c: the path of an inode, "" when it has none; cut to the end that fits. */
void check_path(struct check *ck, uint64_t ino, char *buf, size_t cap);

/* fs/check/check_aside.c: keep things in STORE/lost. -EIO and other reasons why what was to be kept cannot be. */
int check_aside_record(struct check *ck, enum table table, const struct index_record *r);
int check_aside_extent(struct check *ck, const struct extent *e); /* its record as it lies in the segment, whatever it looks like */
int check_aside_file(struct check *ck, int dirfd, const char *name);
int check_aside_close(struct check *ck); /* makes it durable: before the commit */

/* fs/check/check_super.c: the uuid that segments carry: 1 found, 0 none. */
int check_uuid(struct check *ck, uint8_t uuid[16]);

/* fs/check/check_guess.c: an inode's record made of what belongs to it. 1; 0: there is nothing; -errno. old may be NULL. */
int check_guess(struct check *ck, uint64_t ino, const void *old, size_t old_len, struct inode_attr *attr);
/* Makes and records it. type: of an inode of which nothing is left, 0 none is made. As check_guess. */
int check_inode_make(struct check *ck, uint64_t ino, uint32_t mode, struct check_inode **out);
/* Writes what the check knows of it (size, blocks, links, parent). */
int check_inode_fix(struct check *ck, const struct check_inode *i);

/* fs/check/check_find.c: looks through all segments for whole records of the extents marked bad; their newest places. */
int check_find(struct check *ck);

/* fs/check/check_collect.c: what the segments hold, without the index. */
struct collected_extent {
	uint64_t id, ino, sequence;
	uint64_t group; /* it is a member of, 0: a record of its own, or a group's */
	struct extent e; /* without refs; of a member: at and plain */
	uint32_t chunk;
};
struct collected_piece {
	uint64_t number, sequence;
	struct segment_pos pos;
	uint32_t piece, total;
	uint8_t kind, strip;
	uint64_t hash; /* begin of the model's */
};
struct collected {
	struct check_array extents; /* struct collected_extent, by id, the newest first */
	struct check_array pieces;  /* struct collected_piece, by place, sane           */
	uint32_t plain_max;
	uint64_t sequence_max;
};
int check_collect(struct check *ck, bool extents, struct collected *out);
void check_collected_free(struct collected *c);
/* A record for a model of which no more than one strip is missing: 1, 0 none, -ENOMEM. */
int check_model_build(struct check *ck, const struct collected *c, uint64_t number, struct model_disk *disk);

/* fs/check/check_tree.c: gives an inode without a name one in lost+found. */
int check_connect(struct check *ck, uint64_t ino);

/*
 * fs/check/check_index.c: an empty index beside that of the store; its taking the place of that one, which is kept in STORE/lost or not; and a copy of
 * the records of the open one, which is closed, into a new one.
 */
int check_index_new(struct check *ck, struct index **out);
int check_index_install(struct check *ck, struct index *index, bool keep);
int check_index_copy(struct check *ck);

/* fs/check/check_rebuild.c: a new index from the segments. With repair unset only counts what it would hold. */
struct check_rebuilt {
	uint64_t files, chunks;
};
int check_rebuild(struct check *ck, struct check_rebuilt *out);

/* The passes, in order. */
int check_super(struct check *ck); /* opens the segments and models, too */
int check_inodes(struct check *ck);
int check_todos(struct check *ck);
int check_names(struct check *ck);
int check_xattrs(struct check *ck);
int check_models(struct check *ck);
int check_chunks(struct check *ck);  /* finds the extents' owners */
int check_extents(struct check *ck); /* and, in its middle: */
int check_lengths(struct check *ck); /* fs/check/check_lengths.c: counts what chunks refer to, and sizes of files */
int check_segments(struct check *ck);
int check_tree(struct check *ck);
int check_counters(struct check *ck);

#endif
