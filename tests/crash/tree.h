/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a volume shows, as one number, and whether its tables agree with each other.
 */
#ifndef FIRN_TESTS_CRASH_TREE_H
#define FIRN_TESTS_CRASH_TREE_H

#include "fs/inode.h"

struct tree {
	uint64_t hash;   /* of every path with its inode number, attributes but atime, xattrs and content */
	uint64_t inodes; /* reached, hard links counted once */
	char problem[256];
};

/* Walks everything and reads every byte. 0, or the error met; *problem says where. */
int tree_read(struct volume *vol, struct tree *out);

/*
 * Looks at the tables of a volume in which nothing is pending: nothing in them that nothing refers to, no count that differs from what it
 * counts. 0 or -EUCLEAN and *problem.
 */
int tree_check(struct volume *vol, const struct tree *tree, char problem[256]);

#endif
