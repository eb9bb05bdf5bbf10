/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a volume shows, as a few numbers, and whether its tables agree with each other.
 */
#ifndef FIRN_TESTS_CRASH_TREE_H
#define FIRN_TESTS_CRASH_TREE_H

#include "fs/names/inode.h"

#define TREE_FILES 256

struct tree {
	uint64_t names;  /* hash of every path with its inode's number, attributes and xattrs, but for atime and what follows */
	uint64_t inodes; /* reached, hard links counted once */
	size_t n;        /* regular files */
	struct tree_file {
		uint64_t ino;
		uint64_t hash; /* of size, mtime, ctime and bytes */
		uint64_t bytes; /* of its bytes alone */
		bool dirty;    /* the next commit of another file need not carry it */
	} files[TREE_FILES];
	size_t n_kept;
	uint64_t kept[TREE_FILES * 2]; /* of each name a hash of path, type and contents, without times: what a repair keeps */
	char problem[256];
};

/*
 * Walks everything and reads every byte. 0, or the error met; *problem says where. damaged: chunks that cannot be read are as good as others,
 * unlike any of them.
 */
int tree_read(struct volume *vol, bool damaged, struct tree *out);

/*
 * Looks at the tables of a volume in which nothing is pending: nothing in them that nothing refers to, no count that differs from what it
 * counts. 0 or -EUCLEAN and *problem.
 */
int tree_check(struct volume *vol, const struct tree *tree, char problem[256]);

#endif
