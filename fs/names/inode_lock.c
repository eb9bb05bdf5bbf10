/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locking several inodes at once without deadlock: always by ascending number.
 */
#include "fs/names/inode.h"

static uint64_t rank(const struct inode *inode)
{
	return inode ? inode->ino : 0;
}

void inode_lock_many(struct inode **set, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j > 0 && rank(set[j]) < rank(set[j - 1]); j--) {
			struct inode *swap = set[j];

			set[j] = set[j - 1];
			set[j - 1] = swap;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (set[i] && (i == 0 || set[i] != set[i - 1]))
			pthread_rwlock_wrlock(&set[i]->lock);
	}
}

void inode_unlock_many(struct inode **set, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (set[i] && (i == 0 || set[i] != set[i - 1]))
			pthread_rwlock_unlock(&set[i]->lock);
	}
}
