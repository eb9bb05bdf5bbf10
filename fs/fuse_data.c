/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue for open files: open, read, write, flush, fsync, release and fallocate.
 *
 * There is no lseek here: with the writeback cache the daemon doesn't know data that the kernel still holds,
 * and would call it a hole; so the kernel answers SEEK_DATA and SEEK_HOLE itself (all data up to the end).
 */
#include <errno.h>
#include <fcntl.h>

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/fuse_ops.h"

/*
 * O_TRUNC at open: no setattr comes, so that set-user-id goes here too, as truncation by others than root
 * takes it away.
 */
static int open_truncate(fuse_req_t req, struct inode *inode)
{
	struct inode_attr to = { .size = 0 };
	unsigned mask = ATTR_SIZE;
	struct stat st;

	inode_stat(inode, &st);
	if (fuse_req_ctx(req)->uid != 0 && (st.st_mode & (S_ISUID | S_ISGID))) {
		to.mode = st.st_mode & ~(mode_t)S_ISUID;
		if (st.st_mode & S_IXGRP)
			to.mode &= ~(mode_t)S_ISGID;
		mask |= ATTR_MODE;
	}
	return attr_set(inode, mask, &to);
}

static void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct inode *inode = fuse_inode(req, node);
	int r = 0;

	if (!inode)
		return;
	if (fi->flags & O_TRUNC)
		r = open_truncate(req, inode);
	if (r) {
		inode_put(inode, 1);
		fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uintptr_t)inode;
	fi->keep_cache = 1;
	if (fuse_reply_open(req, fi))
		inode_put(inode, 1);
}

static void op_release(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	inode_put(fuse_handle(fi), 1);
	fuse_reply_err(req, 0);
}

static void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	char *buf = fuse_buffer(req, size);
	ssize_t n;

	(void)node;
	if (!buf)
		return;
	n = file_read(fuse_handle(fi), buf, size, (uint64_t)offset);
	if (n < 0) {
		fuse_reply_err(req, (int)-n);
		return;
	}
	if (!(fi->flags & O_NOATIME))
		attr_accessed(fuse_handle(fi));
	fuse_reply_buf(req, buf, (size_t)n);
}

static void op_write(fuse_req_t req, fuse_ino_t node, const char *buf, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	ssize_t n = file_write(fuse_handle(fi), buf, size, (uint64_t)offset, false);

	(void)node;
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

/* close(2): tells a writer of a failed flush, and leaves the error for fsync to report and clear. */
static void op_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct inode *inode = fuse_handle(fi);
	int r = 0;

	(void)node;
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		pthread_mutex_lock(&inode->data_mutex);
		r = inode->error;
		pthread_mutex_unlock(&inode->data_mutex);
	}
	fuse_reply_result(req, r);
}

static void op_fsync(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *fi)
{
	(void)node;
	(void)datasync;
	fuse_reply_result(req, file_sync(fuse_handle(fi)));
}

/* Space that compression will need can't be set aside beforehand: a size is set, no more is promised. */
static void op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	int r = 0;

	(void)node;
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		r = -EOPNOTSUPP;
	else if (mode == 0)
		r = attr_grow(fuse_handle(fi), (uint64_t)offset + (uint64_t)length);
	fuse_reply_result(req, r);
}

void fuse_data_ops(struct fuse_lowlevel_ops *ops)
{
	ops->open = op_open;
	ops->read = op_read;
	ops->write = op_write;
	ops->flush = op_flush;
	ops->fsync = op_fsync;
	ops->release = op_release;
	ops->fallocate = op_fallocate;
}
