/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue for names: lookup and all that makes, moves and removes them.
 */
#include <errno.h>
#include <sys/sysmacros.h>

#include "fs/fuse/fuse_ops.h"
#include "fs/names/dir.h"

/* Replies with what a lookup or a making operation found, and drops the parent. */
static void reply_child(fuse_req_t req, struct inode *parent, int r, struct inode *child)
{
	inode_put(parent, 1);
	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_inode(req, child);
}

/* "." comes from file handles (NFS): the kernel asks whether the node still is. What has no name is not. */
static void reply_self(fuse_req_t req, struct inode *inode)
{
	struct stat st;

	inode_stat(inode, &st);
	if (st.st_nlink > 0) {
		fuse_reply_inode(req, inode);
		return;
	}
	inode_put(inode, 1);
	fuse_reply_err(req, ESTALE);
}

static void op_lookup(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct inode *parent = fuse_inode(req, node), *child;
	int r;

	if (!parent)
		return;
	if (strcmp(name, ".") == 0) {
		reply_self(req, parent);
		return;
	}
	r = dir_lookup(parent, name, &child);
	if (r == -ENOENT) {
		struct fuse_entry_param none = { .entry_timeout = FUSE_TIMEOUT };

		inode_put(parent, 1);
		fuse_reply_entry(req, &none);
		return;
	}
	reply_child(req, parent, r, child);
}

static struct dir_new new_of(fuse_req_t req, mode_t mode, dev_t rdev)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct dir_new){
		.mode = mode, .umask = (uint32_t)ctx->umask, .uid = ctx->uid, .gid = ctx->gid,
		.rdev = (uint32_t)(major(rdev) << 20 | (minor(rdev) & 0xfffff)),
	};
}

static void op_mknod(fuse_req_t req, fuse_ino_t node, const char *name, mode_t mode, dev_t rdev)
{
	struct dir_new what = new_of(req, mode & S_IFMT ? mode : mode | S_IFREG, rdev);
	struct inode *parent = fuse_inode(req, node), *child;
	int r;

	if (!parent)
		return;
	r = dir_make(parent, name, &what, &child);
	reply_child(req, parent, r, child);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t node, const char *name, mode_t mode)
{
	struct dir_new what = new_of(req, (mode & 07777) | S_IFDIR, 0);
	struct inode *parent = fuse_inode(req, node), *child;
	int r;

	if (!parent)
		return;
	r = dir_make(parent, name, &what, &child);
	reply_child(req, parent, r, child);
}

/* Ends making a file that is open at once: r is the error, child the file. */
static void reply_opened(fuse_req_t req, struct inode *parent, int r, struct inode *child, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;

	inode_put(parent, 1);
	if (r) {
		fuse_reply_err(req, -r);
		return;
	}
	fi->keep_cache = 1;
	fuse_entry_fill(&entry, child);
	if (fuse_reply_create(req, &entry, fi))
		inode_put(child, 1);
}

static void op_create(fuse_req_t req, fuse_ino_t node, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct dir_new what = new_of(req, (mode & 07777) | S_IFREG, 0);
	struct inode *parent = fuse_inode(req, node), *child;
	int r;

	if (!parent)
		return;
	r = dir_make(parent, name, &what, &child);
	reply_opened(req, parent, r, child, fi);
}

#ifdef HAVE_FUSE_TMPFILE
static void op_tmpfile(fuse_req_t req, fuse_ino_t node, mode_t mode, struct fuse_file_info *fi)
{
	struct dir_new what = new_of(req, (mode & 07777) | S_IFREG, 0);
	struct inode *parent = fuse_inode(req, node), *child;
	int r;

	if (!parent)
		return;
	r = dir_tmpfile(parent, &what, &child);
	reply_opened(req, parent, r, child, fi);
}
#endif

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t node, const char *name)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct inode *parent = fuse_inode(req, node), *child;
	int r;

	if (!parent)
		return;
	r = dir_symlink(parent, name, target, ctx->uid, ctx->gid, &child);
	reply_child(req, parent, r, child);
}

static void op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t new_parent, const char *name)
{
	struct inode *inode = fuse_inode(req, node), *parent;
	int r;

	if (!inode)
		return;
	parent = fuse_inode(req, new_parent);
	if (!parent) {
		inode_put(inode, 1);
		return;
	}
	r = dir_link(inode, parent, name);
	inode_put(parent, 1);
	if (r == 0) {
		fuse_reply_inode(req, inode);
		return;
	}
	inode_put(inode, 1);
	fuse_reply_err(req, -r);
}

static void op_unlink(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct inode *parent = fuse_inode(req, node);
	int r;

	if (!parent)
		return;
	r = dir_unlink(parent, name);
	inode_put(parent, 1);
	fuse_reply_result(req, r);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct inode *parent = fuse_inode(req, node);
	int r;

	if (!parent)
		return;
	r = dir_rmdir(parent, name);
	inode_put(parent, 1);
	fuse_reply_result(req, r);
}

static void op_rename(fuse_req_t req, fuse_ino_t node, const char *name, fuse_ino_t new_node,
		      const char *newname, unsigned flags)
{
	struct inode *from = fuse_inode(req, node), *to;
	int r;

	if (!from)
		return;
	to = fuse_inode(req, new_node);
	if (to) {
		r = dir_rename(from, name, to, newname, flags);
		inode_put(to, 1);
	}
	inode_put(from, 1);
	if (to)
		fuse_reply_result(req, r);
}

void fuse_names_ops(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = op_lookup;
	ops->mknod = op_mknod;
	ops->mkdir = op_mkdir;
	ops->create = op_create;
#ifdef HAVE_FUSE_TMPFILE
	ops->tmpfile = op_tmpfile;
#endif
	ops->symlink = op_symlink;
	ops->link = op_link;
	ops->unlink = op_unlink;
	ops->rmdir = op_rmdir;
	ops->rename = op_rename;
}
