/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes whose records are lost or damaged: made again from their chunks, their entries and their attributes; and corrected.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/check/check_pass.h"

/* Visits what a table has of an inode: the last record into *rec, how many as the result. */
static int records_of(struct check *ck, enum table table, uint64_t ino, bool first_only, struct index_record *rec)
{
	struct index_scan *scan;
	struct index_op op;
	uint8_t prefix[8];
	int n = 0, r;

	be64_put(prefix, ino);
	index_begin(ck->vol->index, &op);
	r = index_scan_open(&op, table, prefix, sizeof prefix, NULL, 0, &scan);
	if (r == 0) {
		while ((r = index_scan_next(scan, rec)) == 1 && !(first_only && n == 1))
			n += n < INT32_MAX;
		index_scan_close(scan);
	}
	index_end(&op);
	return r < 0 ? r : n;
}

/* Where the last chunk of a file ends. */
static int end_of(struct check *ck, const struct index_record *last, uint64_t *size)
{
	uint32_t chunk = ck->vol->super.chunk_size;
	struct index_op op;
	struct extent e;
	le64_t id;
	int r;

	if (last->key_len != 12)
		return 0;
	*size = (uint64_t)be32_get(last->key + 8) * chunk + chunk;
	if (last->len != sizeof id)
		return 0;
	memcpy(&id, last->value, sizeof id);
	index_begin(ck->vol->index, &op);
	r = extent_get(&op, le64_get(id), &e);
	index_end(&op);
	if (r == 0 && e.plain <= chunk)
		*size -= chunk - e.plain;
	return r == -ENOENT || r == -EUCLEAN ? 0 : r;
}

/* What a damaged record still tells: everything but the type and what is counted. */
static void keep_old(const void *old, size_t len, struct inode_attr *attr)
{
	struct inode_attr told;

	if (!inode_parse(old, len, &told))
		return;
	attr->mode |= told.mode & 07777;
	attr->uid = told.uid;
	attr->gid = told.gid;
	attr->atime = told.atime;
	attr->mtime = told.mtime;
	attr->ctime = told.ctime;
	attr->btime = told.btime;
}

int check_guess(struct check *ck, uint64_t ino, const void *old, size_t old_len, struct inode_attr *attr)
{
	int64_t now = volume_now();
	struct index_record rec;
	struct inode_attr root;
	struct inode_disk disk;
	int r;

	*attr = (struct inode_attr){
		.uid = geteuid(), .gid = getegid(), .nlink = 1, .atime = now, .mtime = now, .ctime = now, .btime = now,
	};
	be64_put(rec.key, INO_ROOT);
	r = check_get(ck, TABLE_INODE, rec.key, 8, &disk, sizeof disk);
	if (r >= 0 && ino != INO_ROOT && inode_parse(&disk, (size_t)r, &root)) {
		attr->uid = root.uid;
		attr->gid = root.gid;
	}
	if ((r = records_of(ck, TABLE_DIRENT, ino, true, &rec)) > 0)
		attr->mode = S_IFDIR | 0700;
	else if (r == 0 && (r = records_of(ck, TABLE_CHUNK, ino, false, &rec)) > 0)
		attr->mode = S_IFREG | 0600;
	else if (r == 0 && (r = records_of(ck, TABLE_XATTR, ino, true, &rec)) > 0)
		attr->mode = rec.key_len == 10 ? S_IFLNK | 0777 : S_IFREG | 0600;
	if (r <= 0)
		return r;
	if (old)
		keep_old(old, old_len, attr);
	if (S_ISREG(attr->mode) && rec.key_len == 12)
		r = end_of(ck, &rec, &attr->size);
	return r < 0 ? r : 1;
}

int check_inode_make(struct check *ck, uint64_t ino, uint32_t mode, struct check_inode **out)
{
	struct inode_attr attr;
	struct inode_disk disk;
	uint8_t key[8];
	int r = check_guess(ck, ino, NULL, 0, &attr);

	*out = NULL;
	if (r == 0 && mode == 0)
		return 0;
	if (r == 0)
		attr.mode = mode;
	if (r >= 0) {
		be64_put(key, ino);
		r = check_put(ck, TABLE_INODE, key, sizeof key, &disk, inode_encode(&disk, &attr));
	}
	if (r < 0)
		return r;
	*out = check_inode_add(ck, ino, &attr);
	if (!*out)
		return -ENOMEM;
	(*out)->fresh = true;
	return 1;
}

int check_inode_fix(struct check *ck, const struct check_inode *i)
{
	struct inode_attr attr;
	struct inode_disk disk;
	uint8_t key[8];
	int r;

	if (!ck->opt->repair)
		return 0;
	be64_put(key, i->ino);
	r = check_get(ck, TABLE_INODE, key, sizeof key, &disk, sizeof disk);
	if (r >= 0)
		r = inode_decode(&disk, (size_t)r, &attr);
	if (r < 0)
		return r;
	attr.size = i->size;
	attr.blocks = i->blocks;
	attr.nlink = i->nlink;
	attr.parent = i->parent;
	return check_put(ck, TABLE_INODE, key, sizeof key, &disk, inode_encode(&disk, &attr));
}
