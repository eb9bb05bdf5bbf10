/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a file: dirty layers first, the store for what they do not cover.
 */
#include <errno.h>

#include "fs/data/file_chunk.h"

int file_chunk_read(struct inode *inode, uint32_t no, uint32_t off, uint32_t len, uint8_t *buf,
		    bool under_cur)
{
	struct gap gaps[GAPS_MAX];
	unsigned n;
	int r = 0;

	pthread_mutex_lock(&inode->data_mutex);
	n = dirty_read(inode->dirty, no, off, len, buf, under_cur, gaps);
	pthread_mutex_unlock(&inode->data_mutex);
	for (unsigned i = 0; r == 0 && i < n; i++)
		r = stored_read(inode->vol, inode->ino, no, gaps[i].off, gaps[i].len,
				buf + (gaps[i].off - off));
	return r;
}

ssize_t file_read(struct inode *inode, void *buf, size_t len, uint64_t offset)
{
	uint32_t chunk_size = inode->vol->super.chunk_size;
	uint8_t *out = buf;
	size_t done = 0;
	int r = 0;

	pthread_rwlock_rdlock(&inode->lock);
	if (offset >= inode->attr.size)
		len = 0;
	else if (len > inode->attr.size - offset)
		len = inode->attr.size - offset;
	while (r == 0 && done < len) {
		uint32_t off = (uint32_t)((offset + done) % chunk_size), n = chunk_size - off;

		if (n > len - done)
			n = (uint32_t)(len - done);
		r = file_chunk_read(inode, (uint32_t)((offset + done) / chunk_size), off, n, out + done,
				    false);
		if (r == 0)
			done += n;
	}
	pthread_rwlock_unlock(&inode->lock);
	return r ? r : (ssize_t)done;
}
