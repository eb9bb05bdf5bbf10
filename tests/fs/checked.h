/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store with one of everything, closed, for tests that damage it through its index or its files, check it and mend it.
 */
#ifndef FIRN_TESTS_FS_CHECKED_H
#define FIRN_TESTS_FS_CHECKED_H

#include "fs/check/check.h"
#include "fs/extent/extent.h"
#include "fs/names/inode.h"

#define CHECKED_CHUNK 4096u

struct checked_file {
	const char *dir, *name; /* dir: a name in the root, "" for the root itself */
	uint64_t ino;
	uint8_t *bytes;
	size_t len;
};
enum { BIG, SMALL, SPARSE, OTHER, CHECKED_FILES };

struct checked {
	char dir[256], path[300];
	int dirfd;
	struct checked_file files[CHECKED_FILES];
	uint64_t d, e, link; /* inodes: /d, /d/e, the symlink /link */
	uint16_t models[2];  /* of one kind, the second one active  */
	struct index *index; /* while open */
	struct index_op op;
};

/* BIG: 3 chunks, named /big and /d/hard; SMALL: /d/small with attributes user.long (3 pieces) and user.short; SPARSE; OTHER: /other. */
void checked_init(struct checked *c);
void checked_fini(struct checked *c);

/* The index, changed in one commit between the two. */
void checked_open(struct checked *c);
void checked_close(struct checked *c);
void checked_put(struct checked *c, enum table table, const void *key, size_t key_len, const void *value, size_t len);
void checked_del(struct checked *c, enum table table, const void *key, size_t key_len);
size_t checked_get(struct checked *c, enum table table, const void *key, size_t key_len, void *buf, size_t cap);
/* The same in a commit of its own: a record whose key is this number in 4 or 8 bytes, zeros behind it up to key_len; and an inode's. */
void checked_put_number(struct checked *c, enum table table, uint64_t number, size_t key_len, const void *value, size_t len);
void checked_del_inode(struct checked *c, uint64_t ino);
/* Records by number. */
void checked_inode_get(struct checked *c, uint64_t ino, struct inode_attr *attr);
void checked_inode_put(struct checked *c, uint64_t ino, const struct inode_attr *attr);
void checked_extent_get(struct checked *c, uint64_t ino, uint32_t chunk, struct extent *e);
void checked_extent_put(struct checked *c, const struct extent *e);
/* The entry of a name: its key; the value's length. */
size_t checked_entry(struct checked *c, uint64_t dir, const char *name, uint8_t key[16], uint8_t value[300]);

/* A file of the store. */
void checked_flip(struct checked *c, const char *name, uint64_t offset);
void checked_flip_segment(struct checked *c, uint32_t segment, uint64_t offset);

/* One check; found: which codes were reported. fix: answers with mending. */
struct checked_run {
	unsigned found[CHECK_CODES];
	struct check_result res;
	bool safe_only;
};
int checked_run(struct checked *c, bool repair, struct checked_run *out);

/* A hash of all files of the store but its locks. */
uint64_t checked_hash(struct checked *c);

/*
 * Opens the volume and reads all files: they have their bytes. One that is named in `victims` may be gone, unreadable, or shorter, but what
 * is read of it is right.
 */
void checked_read(struct checked *c, const char *victims);

/*
 * A damage that makes a problem, among others. victims: names of files that may be gone, unreadable or cut afterwards.
 */
struct checked_damage {
	enum check_code code;
	void (*make)(struct checked *c);
	const char *victims;
};
/*
 * Makes it in a store of its own: a check reports it and changes nothing, another mends all, the next one is clean, the other files are whole, and
 * what a mount then does agrees with the check.
 */
void checked_damage(const struct checked_damage *d);

#endif
