/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue for open files: open, read, write, flush, fsync, fallocate and copy_file_range.
 */
#include <errno.h>
#include <fcntl.h>

#include "fs/data/file.h"
#include "fs/fuse/fuse_ops.h"
#include "fs/names/attr.h"

/*
 * Files need no handle: what the kernel has open it has looked up, so the inode stays. ENOSYS tells the kernel
 * so for good: it opens and closes files without asking, and O_TRUNC comes as setattr.
 */
static void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	if (fuse_kernel.no_open) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct volume *vol = fuse_volume(req);
	char *buf = fuse_buffer(req, size);
	uint64_t began = metrics_clock();
	struct inode *inode;
	ssize_t n;

	if (!buf)
		return;
	inode = fuse_inode(req, node);
	if (!inode)
		return;
	n = file_read(inode, buf, size, (uint64_t)offset);
	if (n >= 0 && !(fi->flags & O_NOATIME))
		attr_accessed(inode);
	inode_put(inode, 1);
	metrics_took(&vol->metrics.read, began);
	metrics_add(vol, METRIC_READ_BYTES, n > 0 ? (uint64_t)n : 0);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_buf(req, buf, (size_t)n);
}

/* The kernel asks again for the attributes of a file; no page of it is concerned. */
static void attr_forget(fuse_ino_t node)
{
	(void)fuse_lowlevel_notify_inval_inode(fuse_kernel.session, node, -1, 0);
}

/* After a change of the contents by others than root: as a write does it. */
static int priv_kill(fuse_req_t req, struct inode *inode)
{
	const struct inode_attr none = { 0 };
	unsigned kills;
	int r;

	if (!fuse_kernel.killpriv || fuse_req_ctx(req)->uid == 0)
		return 0;
	kills = fuse_kills(req, inode);
	if (!kills)
		return 0;
	r = attr_set(inode, kills, &none);
	attr_forget(inode->ino);
	return r;
}

static void op_write(fuse_req_t req, fuse_ino_t node, const char *buf, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	struct volume *vol = fuse_volume(req);
	struct inode *inode = fuse_inode(req, node);
	const struct inode_attr none = { 0 };
	uint64_t began = metrics_clock();
	unsigned kills = 0;
	ssize_t n = 0;

	(void)fi;
	if (!inode)
		return;
	if (fuse_request_kills())
		kills = fuse_kills(req, inode);
	if (kills & ATTR_KILL_SGID)
		n = attr_set(inode, kills, &none);
	if (n == 0)
		n = file_write(inode, buf, size, (uint64_t)offset, kills);
	inode_put(inode, 1);
	if (kills)
		attr_forget(node);
	metrics_took(&vol->metrics.write, began);
	metrics_add(vol, METRIC_WRITTEN_BYTES, n > 0 ? (uint64_t)n : 0);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

/*
 * close(2): nothing to do, and ENOSYS keeps the kernel from asking. It has sent what it had cached, and tells
 * errors of that itself; what fails later is for fsync(2) to tell.
 */
static void op_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	(void)fi;
	fuse_reply_err(req, ENOSYS);
}

static void op_fsync(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *fi)
{
	struct volume *vol = fuse_volume(req);
	struct inode *inode = fuse_inode(req, node);
	uint64_t began = metrics_clock();
	int r;

	(void)datasync;
	(void)fi;
	if (!inode)
		return;
	r = file_sync(inode);
	inode_put(inode, 1);
	metrics_took(&vol->metrics.sync, began);
	if (fuse_kernel.writeback)
		attr_forget(node); /* it does not know how much space the file takes now */
	fuse_reply_result(req, r);
}

/* Space that compression will need can't be set aside beforehand: it is looked for, no more is promised. */
static void op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	struct inode *inode = fuse_inode(req, node);
	bool grow = !(mode & FALLOC_FL_KEEP_SIZE);
	int r = -EOPNOTSUPP;

	(void)fi;
	if (!inode)
		return;
	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case 0:
		r = file_allocate(inode, (uint64_t)offset, (uint64_t)length, grow);
		break;
	case FALLOC_FL_PUNCH_HOLE:
		if (!grow)
			r = file_punch(inode, (uint64_t)offset, (uint64_t)length, false);
		break;
	case FALLOC_FL_ZERO_RANGE:
		r = file_punch(inode, (uint64_t)offset, (uint64_t)length, grow);
		break;
	}
	if (r == 0)
		r = priv_kill(req, inode);
	inode_put(inode, 1);
	fuse_reply_result(req, r);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t node_in, off_t from, struct fuse_file_info *fi_in,
			       fuse_ino_t node_out, off_t to, struct fuse_file_info *fi_out, size_t len,
			       int flags)
{
	struct inode *in = fuse_inode(req, node_in), *out;
	ssize_t n;

	(void)fi_in;
	(void)fi_out;
	if (!in)
		return;
	out = fuse_inode(req, node_out);
	if (!out) {
		inode_put(in, 1);
		return;
	}
	n = flags ? -EINVAL : file_copy(in, (uint64_t)from, out, (uint64_t)to, len);
	if (n >= 0) {
		int r = priv_kill(req, out);

		attr_accessed(in);
		n = r ? r : n;
	}
	inode_put(in, 1);
	inode_put(out, 1);
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

void fuse_data_ops(struct fuse_lowlevel_ops *ops)
{
	ops->open = op_open;
	ops->read = op_read;
	ops->write = op_write;
	ops->flush = op_flush;
	ops->fsync = op_fsync;
	ops->fallocate = op_fallocate;
	ops->copy_file_range = op_copy_file_range;
}
