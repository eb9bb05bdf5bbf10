/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directory entries as records: where a name lies in its directory's hash order (index/format.h tells the
 * layout).
 */
#ifndef FIRN_FS_DIRENT_H
#define FIRN_FS_DIRENT_H

#include "fs/volume/volume.h"

struct dirent_slot {
	uint64_t cookie;
	uint64_t ino; /* 0: the slot is free */
	uint8_t type; /* DT_*                */
};

/* The hash of a name; a variable so that tests can make names collide. */
extern uint64_t (*dirent_hash)(uint64_t seed, const char *name, size_t len);

/* A name that may be made, removed or renamed: 0; -ENAMETOOLONG; -EINVAL for "", ".", ".." and a slash. */
int dirent_check(const char *name);

/*
 * 0: *slot tells the entry; -ENOENT: *slot is where it would go; -ENOSPC: not there, and 255 others have its
 * hash.
 */
int dirent_find(struct index_op *op, struct volume *vol, uint64_t dir, const char *name,
		struct dirent_slot *slot);

int dirent_put(struct index_op *op, uint64_t dir, const char *name, const struct dirent_slot *slot);
int dirent_del(struct index_op *op, uint64_t dir, uint64_t cookie);

/* Checks the record of an entry and takes it apart; name (NAME_LEN_MAX + 1 bytes) may be NULL. -EUCLEAN. */
int dirent_decode(const void *value, size_t len, struct dirent_slot *slot, char *name);

#define DIRENT_KEY 16u
void dirent_key(uint8_t key[DIRENT_KEY], uint64_t dir, uint64_t cookie);

#endif
