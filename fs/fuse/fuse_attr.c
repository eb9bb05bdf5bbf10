/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue for attributes: getattr, setattr, readlink and extended attributes.
 */
#include <errno.h>
#include <limits.h>

#include "fs/fuse/fuse_ops.h"
#include "fs/names/acl.h"
#include "fs/names/attr.h"
#include "fs/names/dir.h"
#include "fs/names/xattr.h"

#define NS_PER_S INT64_C(1000000000)
/* A caller in more groups than these counts as outside of the others. */
#define GROUPS_SEEN 1024

static void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	struct inode *inode = fuse_inode(req, node);
	struct stat st;
	bool dirty;

	(void)fi;
	if (!inode)
		return;
	dirty = inode_stat(inode, &st);
	inode_put(inode, 1);
	fuse_reply_attr(req, &st, dirty ? FUSE_TIMEOUT_DIRTY : FUSE_TIMEOUT);
}

/* Nanoseconds since 1970; times that do not fit become the nearest that does. */
static int64_t time_join(const struct timespec *ts)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)ts->tv_sec, NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, ts->tv_nsec, &ns))
		return ts->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static unsigned attr_from(struct inode_attr *to, const struct stat *st, int set)
{
	unsigned mask = 0;
	int64_t now = volume_now();

	*to = (struct inode_attr){
		.mode = st->st_mode, .uid = st->st_uid, .gid = st->st_gid, .size = (uint64_t)st->st_size};
	mask |= set & FUSE_SET_ATTR_MODE ? ATTR_MODE : 0;
	mask |= set & FUSE_SET_ATTR_UID ? ATTR_UID : 0;
	mask |= set & FUSE_SET_ATTR_GID ? ATTR_GID : 0;
	mask |= set & FUSE_SET_ATTR_SIZE ? ATTR_SIZE : 0;
	mask |= set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW) ? ATTR_ATIME : 0;
	mask |= set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW) ? ATTR_MTIME : 0;
	mask |= set & FUSE_SET_ATTR_CTIME ? ATTR_CTIME : 0;
	to->atime = set & FUSE_SET_ATTR_ATIME_NOW ? now : time_join(&st->st_atim);
	to->mtime = set & FUSE_SET_ATTR_MTIME_NOW ? now : time_join(&st->st_mtim);
	to->ctime = set & FUSE_SET_ATTR_CTIME ? time_join(&st->st_ctim) : now;
	return mask;
}

/*
 * Whether the caller, not root, is outside of the file's group: then set-group-id goes when he changes the contents, the owner
 * or the ACL.
 */
static bool outside_group(fuse_req_t req, const struct stat *st)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t list[GROUPS_SEEN];
	int n;

	if (ctx->uid == 0 || ctx->gid == st->st_gid || !(st->st_mode & S_ISGID))
		return false;
	n = fuse_req_getgroups(req, GROUPS_SEEN, list);
	for (int i = 0; i < n && i < GROUPS_SEEN; i++) {
		if (list[i] == st->st_gid)
			return false;
	}
	return true;
}

unsigned fuse_kills(fuse_req_t req, struct inode *inode)
{
	struct stat st;
	bool outsider;

	inode_stat(inode, &st);
	outsider = outside_group(req, &st);
	if (attr_mode_killed(st.st_mode, outsider) == st.st_mode)
		return 0;
	return outsider ? ATTR_KILL_PRIV | ATTR_KILL_SGID : ATTR_KILL_PRIV;
}

/*
 * A request that sets nothing, or ctime alone, is chown(2) to nobody, or comes before a change of the contents. The first takes
 * set-user-id and set-group-id away for the owner and for root, and is refused to others when there is something to take; the
 * second takes them away for all but root. They look alike where the kernel does not keep ctime itself: then only what holds for both is done,
 * since the change brings its own word (fs/fuse/fuse_io.c). More bits for *mask, or -EPERM.
 */
static int kills_add(fuse_req_t req, struct inode *inode, unsigned *mask)
{
	bool chown = !S_ISREG(inode->type) || !fuse_kernel.writeback || (*mask & ATTR_CTIME);
	bool change = S_ISREG(inode->type) && !(*mask & ATTR_CTIME);
	uid_t uid = fuse_req_ctx(req)->uid;
	unsigned kills;
	struct stat st;

	if (*mask & ~(unsigned)ATTR_CTIME) {
		*mask |= fuse_request_kills() ? fuse_kills(req, inode) : 0;
		return 0;
	}
	kills = fuse_kills(req, inode);
	inode_stat(inode, &st);
	if (change && uid == 0)
		kills = 0;
	else if (kills && chown && uid != 0 && uid != st.st_uid) {
		if (!change)
			return -EPERM;
		kills = 0;
	}
	*mask |= kills | ATTR_CTIME;
	return 0;
}

static void op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *st, int set, struct fuse_file_info *fi)
{
	struct inode *inode = fuse_inode(req, node);
	struct inode_attr to;
	struct stat out;
	unsigned mask;
	bool dirty;
	int r;

	(void)fi;
	if (!inode)
		return;
	mask = attr_from(&to, st, set);
	r = kills_add(req, inode, &mask);
	if (r == 0)
		r = attr_set(inode, mask, &to);
	dirty = inode_stat(inode, &out);
	inode_put(inode, 1);
	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &out, dirty ? FUSE_TIMEOUT_DIRTY : FUSE_TIMEOUT);
}

static void op_readlink(fuse_req_t req, fuse_ino_t node)
{
	char *target = fuse_buffer(req, SYMLINK_MAX_LEN + 1);
	struct inode *inode;
	int r;

	if (!target)
		return;
	inode = fuse_inode(req, node);
	if (!inode)
		return;
	r = dir_readlink(inode, target, SYMLINK_MAX_LEN + 1);
	attr_accessed(inode);
	inode_put(inode, 1);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_readlink(req, target);
}

/*
 * The kernel asks for names of any namespace. 0; -EOPNOTSUPP of one that ext4 does not know either; -EINVAL: the
 * namespace alone.
 */
static int name_check(const char *name)
{
	static const char *const spaces[] = { "user.", "trusted.", "security." };

	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
		size_t len = strlen(spaces[i]);

		if (strncmp(name, spaces[i], len) == 0)
			return name[len] ? 0 : -EINVAL;
	}
	return acl_is_name(name) ? 0 : -EOPNOTSUPP;
}

static void op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value, size_t size,
			int flags)
{
	struct inode *inode = fuse_inode(req, node);
	int r = name_check(name);
	struct stat st;

	if (!inode)
		return;
	inode_stat(inode, &st);
	if (r == 0 && acl_is_name(name))
		r = acl_set(inode, name, value, size, outside_group(req, &st));
	else if (r == 0)
		r = xattr_set(inode, name, value, size, flags);
	inode_put(inode, 1);
	fuse_reply_result(req, r);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
{
	struct inode *inode = fuse_inode(req, node);
	int r = name_check(name);

	if (!inode)
		return;
	if (r == 0)
		r = acl_is_name(name) ? acl_set(inode, name, NULL, 0, false) : xattr_remove(inode, name);
	inode_put(inode, 1);
	fuse_reply_result(req, r);
}

/* size 0 asks for the length alone. */
static void reply_value(fuse_req_t req, int r, const char *buf, size_t size)
{
	if (r < 0)
		fuse_reply_err(req, -r);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)r);
	else
		fuse_reply_buf(req, buf, (size_t)r);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	char *buf = fuse_buffer(req, size);
	struct inode *inode;
	int r;

	if (!buf)
		return;
	inode = fuse_inode(req, node);
	if (!inode)
		return;
	r = name_check(name);
	if (r == 0)
		r = xattr_get(inode, name, buf, size);
	inode_put(inode, 1);
	reply_value(req, r, buf, size);
}

/* Takes the names out of a list that only root sees; returns its new length. */
static int names_hide(char *list, int len)
{
	int kept = 0;

	for (int at = 0, n; at < len; at += n) {
		n = (int)strlen(list + at) + 1;
		if (strncmp(list + at, "trusted.", 8) == 0)
			continue;
		memmove(list + kept, list + at, (size_t)n);
		kept += n;
	}
	return kept;
}

static void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	char *buf = fuse_buffer(req, XATTR_LIST_MAX);
	struct inode *inode;
	int r;

	if (!buf)
		return;
	inode = fuse_inode(req, node);
	if (!inode)
		return;
	r = xattr_list(inode, buf, XATTR_LIST_MAX);
	inode_put(inode, 1);
	if (r > 0 && fuse_req_ctx(req)->uid != 0)
		r = names_hide(buf, r);
	reply_value(req, size && r > 0 && (size_t)r > size ? -ERANGE : r, buf, size);
}

void fuse_attr_ops(struct fuse_lowlevel_ops *ops)
{
	ops->getattr = op_getattr;
	ops->setattr = op_setattr;
	ops->readlink = op_readlink;
	ops->setxattr = op_setxattr;
	ops->getxattr = op_getxattr;
	ops->listxattr = op_listxattr;
	ops->removexattr = op_removexattr;
}
