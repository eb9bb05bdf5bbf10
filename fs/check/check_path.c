/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths of inodes in a store under check: from the entry that names each one up to the root.
 */
#include <string.h>

#include "fs/check/check_pass.h"
#include "fs/names/dirent.h"

#define DEPTH_MAX 1024

void check_path(struct check *ck, uint64_t ino, char *buf, size_t cap)
{
	size_t at = cap - 1;

	buf[at] = '\0';
	for (int depth = 0; ino != INO_ROOT; depth++) {
		const struct check_inode *i = check_inode(ck, ino);
		uint8_t key[DIRENT_KEY], value[sizeof(struct dirent_disk)];
		struct dirent_slot slot;
		char name[NAME_LEN_MAX + 1];
		size_t len;
		int n;

		if (!i || i->dir == 0 || depth == DEPTH_MAX) {
			at = cap - 1; /* it does not hang from the root */
			break;
		}
		dirent_key(key, i->dir, i->cookie);
		n = check_get(ck, TABLE_DIRENT, key, sizeof key, value, sizeof value);
		if (n < 0 || dirent_decode(value, (size_t)n, &slot, name)) {
			at = cap - 1;
			break;
		}
		len = strlen(name);
		if (len + 1 > at)
			break;
		at -= len + 1;
		buf[at] = '/';
		memcpy(buf + at + 1, name, len);
		ino = i->dir;
	}
	if (ino == INO_ROOT && at == cap - 1)
		buf[--at] = '/';
	memmove(buf, buf + at, cap - at);
}
