/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inode records: attributes to and from their bytes in the index, and as stat(2) shows them.
 */
#include <errno.h>
#include <sys/sysmacros.h>

#include "fs/data/dirty.h"

#define NS_PER_S 1000000000

size_t inode_encode(struct inode_disk *disk, const struct inode_attr *attr)
{
	size_t len = sizeof *disk;

	memset(disk, 0, sizeof *disk);
	disk->mode = le16_put((uint16_t)attr->mode);
	disk->uid = le32_put(attr->uid);
	disk->gid = le32_put(attr->gid);
	disk->nlink = le32_put(attr->nlink);
	disk->rdev = le32_put(attr->rdev);
	disk->generation = le32_put(attr->generation);
	disk->size = le64_put(attr->size);
	disk->holes = le64_put(attr->size - attr->blocks);
	disk->atime = le64_put((uint64_t)attr->atime);
	disk->mtime = le64_put((uint64_t)attr->mtime);
	disk->ctime = le64_put((uint64_t)attr->ctime);
	disk->btime = le64_put((uint64_t)attr->btime);
	disk->parent = le64_put(attr->parent);
	while (len > INODE_DISK_MIN && ((const uint8_t *)disk)[len - 1] == 0)
		len--;
	return len;
}

static bool mode_valid(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFLNK: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		return true;
	}
	return false;
}

int inode_decode(const void *value, size_t len, struct inode_attr *attr)
{
	struct inode_disk disk = {0};

	if (len < INODE_DISK_MIN || len > sizeof disk)
		return -EUCLEAN;
	memcpy(&disk, value, len);
	attr->mode = le16_get(disk.mode);
	attr->uid = le32_get(disk.uid);
	attr->gid = le32_get(disk.gid);
	attr->nlink = le32_get(disk.nlink);
	attr->rdev = le32_get(disk.rdev);
	attr->generation = le32_get(disk.generation);
	attr->size = le64_get(disk.size);
	attr->blocks = attr->size - le64_get(disk.holes);
	attr->atime = (int64_t)le64_get(disk.atime);
	attr->mtime = (int64_t)le64_get(disk.mtime);
	attr->ctime = (int64_t)le64_get(disk.ctime);
	attr->btime = (int64_t)le64_get(disk.btime);
	attr->parent = le64_get(disk.parent);
	if (!mode_valid(attr->mode) || attr->size > INT64_MAX || attr->blocks > INT64_MAX)
		return -EUCLEAN;
	return 0;
}

int inode_store(struct index_op *op, struct inode *inode)
{
	struct inode_attr attr = inode->attr;
	struct inode_disk disk;
	uint8_t key[8];

	pthread_mutex_lock(&inode->data_mutex);
	if (inode->dirty) {
		attr.size = inode->stored_size;
		attr.blocks = inode->stored_blocks;
		attr.mtime = inode->stored_mtime;
		attr.ctime = inode->stored_ctime;
	} else {
		inode->stored_size = attr.size;
		inode->stored_blocks = attr.blocks;
		inode->stored_mtime = attr.mtime;
		inode->stored_ctime = attr.ctime;
	}
	pthread_mutex_unlock(&inode->data_mutex);
	be64_put(key, inode->ino);
	return index_put(op, TABLE_INODE, key, sizeof key, &disk, inode_encode(&disk, &attr));
}

/* Rounds towards the past, so that the nanoseconds are never negative. */
static struct timespec time_split(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };

	if (ts.tv_nsec < 0) {
		ts.tv_nsec += NS_PER_S;
		ts.tv_sec--;
	}
	return ts;
}

/* Bytes that the file takes, before compression: what is dirty counts as new, up to the size. */
static uint64_t bytes_taken(struct inode *inode, bool *dirty)
{
	uint64_t bytes = inode->attr.blocks;

	pthread_mutex_lock(&inode->data_mutex);
	*dirty = inode->dirty != NULL;
	if (inode->dirty) {
		bytes += dirty_bytes(inode->dirty);
		if (bytes > inode->attr.size)
			bytes = inode->attr.size;
	}
	pthread_mutex_unlock(&inode->data_mutex);
	return bytes;
}

bool inode_stat(struct inode *inode, struct stat *st)
{
	struct inode_attr attr;
	uint64_t bytes;
	bool dirty;

	pthread_rwlock_rdlock(&inode->lock);
	attr = inode->attr;
	bytes = bytes_taken(inode, &dirty);
	pthread_rwlock_unlock(&inode->lock);
	*st = (struct stat){
		.st_ino = inode->ino,
		.st_mode = attr.mode,
		.st_nlink = attr.nlink,
		.st_uid = attr.uid,
		.st_gid = attr.gid,
		.st_rdev = makedev(attr.rdev >> 20, attr.rdev & 0xfffff),
		.st_size = (off_t)attr.size,
		.st_blocks = (blkcnt_t)((bytes + 511) / 512),
		.st_blksize = (blksize_t)inode->vol->super.chunk_size,
		.st_atim = time_split(attr.atime),
		.st_mtim = time_split(attr.mtime),
		.st_ctim = time_split(attr.ctime),
	};
	return dirty;
}
