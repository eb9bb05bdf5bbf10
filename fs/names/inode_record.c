/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inode records: attributes to and from their bytes in the index, and as stat(2) shows them.
 */
#include <errno.h>
#include <sys/sysmacros.h>

#include "fs/data/dirty.h"

#define NS_PER_S 1000000000

#define NUMBERS 11

/* Each number but holes, which may lie on either side of 0, and times is as large as its member. */
static const uint64_t number_max[NUMBERS] = {
	UINT32_MAX, UINT32_MAX, UINT32_MAX, INT64_MAX,  UINT64_MAX, UINT64_MAX,
	UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX,
};

static uint64_t apart(int64_t time, int64_t other)
{
	return number_zigzag((uint64_t)time - (uint64_t)other);
}

size_t inode_encode(struct inode_disk *disk, const struct inode_attr *attr)
{
	const uint64_t numbers[NUMBERS] = {
		attr->uid, attr->gid, attr->nlink, attr->size,
		apart(attr->ctime, attr->btime), apart(attr->mtime, attr->ctime), apart(attr->atime, attr->btime),
		number_zigzag(attr->size - attr->blocks), attr->rdev, attr->generation, attr->parent,
	};
	struct number_writer w = { disk->numbers, disk->numbers + sizeof disk->numbers, false };
	size_t n = NUMBERS;

	disk->mode = le16_put((uint16_t)attr->mode);
	disk->btime = le64_put((uint64_t)attr->btime);
	while (n > 0 && numbers[n - 1] == 0)
		n--;
	for (size_t i = 0; i < n; i++)
		number_put(&w, numbers[i]);
	return INODE_DISK_MIN + (size_t)(w.p - disk->numbers);
}

static bool mode_valid(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFLNK: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		return true;
	}
	return false;
}

bool inode_parse(const void *value, size_t len, struct inode_attr *attr)
{
	struct number_reader r = { value, (const uint8_t *)value + len };
	uint64_t numbers[NUMBERS] = { 0 }, btime, ctime;
	struct inode_disk disk;

	if (len < INODE_DISK_MIN)
		return false;
	memcpy(&disk, value, INODE_DISK_MIN);
	r.p += INODE_DISK_MIN;
	for (size_t i = 0; i < NUMBERS && r.p < r.end; i++)
		if (!number_get(&r, number_max[i], &numbers[i]))
			return false;
	btime = le64_get(disk.btime);
	ctime = btime + number_unzigzag(numbers[4]);
	*attr = (struct inode_attr){
		.mode = le16_get(disk.mode),
		.uid = (uint32_t)numbers[0],
		.gid = (uint32_t)numbers[1],
		.nlink = (uint32_t)numbers[2],
		.size = numbers[3],
		.btime = (int64_t)btime,
		.mtime = (int64_t)(ctime + number_unzigzag(numbers[5])),
		.ctime = (int64_t)ctime,
		.atime = (int64_t)(btime + number_unzigzag(numbers[6])),
		.blocks = numbers[3] - number_unzigzag(numbers[7]),
		.rdev = (uint32_t)numbers[8],
		.generation = (uint32_t)numbers[9],
		.parent = numbers[10],
	};
	return r.p == r.end;
}

int inode_decode(const void *value, size_t len, struct inode_attr *attr)
{
	if (!inode_parse(value, len, attr) || !mode_valid(attr->mode) || attr->blocks > INT64_MAX)
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
