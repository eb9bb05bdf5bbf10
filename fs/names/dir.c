/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names looked up and made: lookup, mknod, mkdir, symlink and link.
 */
#include "fs/names/dir.h"

#include <dirent.h>
#include <errno.h>

#include "fs/names/acl.h"
#include "fs/names/xattr.h"

static int name_resolve(struct inode *parent, const char *name, uint64_t *ino)
{
	struct dirent_slot slot;
	struct index_op op;
	int r;

	if (strcmp(name, "..") == 0) {
		*ino = parent->attr.parent;
		return 0;
	}
	index_begin(parent->vol->index, &op);
	r = dirent_find(&op, parent->vol, parent->ino, name, &slot);
	index_end(&op);
	*ino = slot.ino;
	return r == -ENOSPC ? -ENOENT : r;
}

int dir_lookup(struct inode *parent, const char *name, struct inode **out)
{
	uint64_t ino;
	int r;

	*out = NULL;
	if (!S_ISDIR(parent->type))
		return -ENOTDIR;
	if (strcmp(name, ".") == 0) {
		inode_ref(parent);
		*out = parent;
		return 0;
	}
	if (strnlen(name, NAME_LEN_MAX + 1) > NAME_LEN_MAX)
		return -ENAMETOOLONG;
	/* The reference is taken under the directory's lock: till then nobody can remove the name. */
	pthread_rwlock_rdlock(&parent->lock);
	r = name_resolve(parent, name, &ino);
	if (r == 0) {
		r = inode_get(parent->vol, ino, out);
		if (r == -ENOENT)
			r = -EUCLEAN; /* a name for nothing */
	}
	pthread_rwlock_unlock(&parent->lock);
	return r;
}

static void attr_fill(struct inode_attr *attr, const struct inode *parent, const struct dir_new *what,
		      uint32_t mode, int64_t now)
{
	*attr = (struct inode_attr){
		.mode = mode, .uid = what->uid, .gid = what->gid, .rdev = what->rdev, .nlink = 1,
		.atime = now, .mtime = now, .ctime = now, .btime = now,
	};
	if (parent->attr.mode & S_ISGID) {
		attr->gid = parent->attr.gid;
		if (S_ISDIR(what->mode))
			attr->mode |= S_ISGID;
	}
	if (S_ISDIR(what->mode)) {
		attr->nlink = 2;
		attr->parent = parent->ino;
	}
}

/* Inside a change, with the parent locked: c->err is 0 and *slot where the name goes, if it may be made. */
static bool name_is_free(struct dir_change *c, struct inode *parent, const char *name,
			 struct dirent_slot *slot)
{
	if (parent->attr.nlink == 0) {
		c->err = -ENOENT; /* the directory was removed meanwhile */
		return false;
	}
	c->err = dirent_find(&c->op, c->vol, parent->ino, name, slot);
	if (c->err == 0)
		c->err = -EEXIST;
	else if (c->err == -ENOENT)
		c->err = 0;
	return c->err == 0;
}

/* Inside a change, with the parent locked: a new inode with what it inherits. Returns it, or NULL and c->err. */
static struct inode *inode_make(struct dir_change *c, struct inode *parent, const struct dir_new *what,
				const char *target)
{
	struct acl_inherited acl;
	struct inode *inode;
	struct inode_attr attr;

	c->err = acl_inherit(c, parent, what->mode, what->umask, &acl);
	if (c->err)
		return NULL;
	attr_fill(&attr, parent, what, acl.mode, c->now);
	attr.size = target ? strlen(target) : 0;
	c->err = inode_new(c->vol, &attr, &inode);
	if (c->err)
		return NULL;
	dir_change_fresh(c, inode);
	acl_give(c, inode, &acl);
	if (c->err == 0 && target)
		c->err = xattr_put_value(&c->op, inode->ino, "", target, attr.size);
	return inode;
}

/* The same with its name. */
static struct inode *child_make(struct dir_change *c, struct inode *parent, const char *name,
				const struct dir_new *what, const char *target)
{
	struct dirent_slot slot;
	struct inode *inode;

	if (S_ISDIR(what->mode) && parent->attr.nlink >= NLINK_MAX)
		c->err = -EMLINK;
	if (c->err || !name_is_free(c, parent, name, &slot))
		return NULL;
	inode = inode_make(c, parent, what, target);
	if (!inode)
		return NULL;
	dir_change_name(c, parent, name, &slot, inode->ino, IFTODT(what->mode));
	dir_change_entries(c, parent, 1);
	if (S_ISDIR(what->mode))
		parent->attr.nlink++;
	return inode;
}

static int make(struct inode *parent, const char *name, const struct dir_new *what, const char *target,
		struct inode **out)
{
	struct inode *inode;
	struct dir_change c;
	int r = dirent_check(name);

	*out = NULL;
	if (r == 0)
		r = S_ISDIR(parent->type) ? dir_change_admit(parent->vol, true) : -ENOTDIR;
	if (r)
		return r;
	pthread_rwlock_wrlock(&parent->lock);
	dir_change_begin(&c, parent->vol);
	inode = child_make(&c, parent, name, what, target);
	r = dir_change_end(&c);
	pthread_rwlock_unlock(&parent->lock);
	if (r == 0)
		*out = inode;
	return r;
}

int dir_make(struct inode *parent, const char *name, const struct dir_new *what, struct inode **out)
{
	*out = NULL;
	if (S_ISLNK(what->mode) || (what->mode & S_IFMT) == 0)
		return -EINVAL;
	return make(parent, name, what, NULL, out);
}

int dir_tmpfile(struct inode *parent, const struct dir_new *what, struct inode **out)
{
	struct inode *inode;
	struct dir_change c;
	int r;

	*out = NULL;
	if (!S_ISREG(what->mode))
		return -EINVAL;
	r = S_ISDIR(parent->type) ? dir_change_admit(parent->vol, true) : -ENOTDIR;
	if (r)
		return r;
	pthread_rwlock_wrlock(&parent->lock);
	dir_change_begin(&c, parent->vol);
	inode = parent->attr.nlink > 0 ? inode_make(&c, parent, what, NULL) : NULL;
	if (inode) {
		inode->attr.nlink = 0;
		inode->unnamed = true;
	} else if (c.err == 0) {
		c.err = -ENOENT;
	}
	r = dir_change_end(&c);
	pthread_rwlock_unlock(&parent->lock);
	if (r == 0)
		*out = inode;
	return r;
}

int dir_symlink(struct inode *parent, const char *name, const char *target, uint32_t uid, uint32_t gid,
		struct inode **out)
{
	struct dir_new what = { .mode = S_IFLNK | 0777, .uid = uid, .gid = gid };
	size_t len = strnlen(target, SYMLINK_MAX_LEN + 1);

	*out = NULL;
	if (len == 0)
		return -ENOENT;
	if (len > SYMLINK_MAX_LEN)
		return -ENAMETOOLONG;
	return make(parent, name, &what, target, out);
}

int dir_readlink(struct inode *inode, char *buf, size_t cap)
{
	int n;

	if (!S_ISLNK(inode->type))
		return -EINVAL;
	if (cap == 0)
		return -ERANGE;
	n = xattr_get(inode, "", buf, cap - 1);
	if (n == -ENODATA || n == 0)
		return -EUCLEAN;
	if (n > 0)
		buf[n] = '\0';
	return n;
}

static void link_locked(struct dir_change *c, struct inode *inode, struct inode *parent, const char *name)
{
	struct dirent_slot slot;

	if (inode->attr.nlink == 0 && !inode->unnamed)
		c->err = -ENOENT;
	else if (inode->attr.nlink >= NLINK_MAX)
		c->err = -EMLINK;
	if (c->err || !name_is_free(c, parent, name, &slot))
		return;
	dir_change_name(c, parent, name, &slot, inode->ino, IFTODT(inode->type));
	dir_change_entries(c, parent, 1);
	dir_change_touch(c, inode);
	inode->attr.nlink++;
	inode->attr.ctime = c->now;
}

int dir_link(struct inode *inode, struct inode *parent, const char *name)
{
	struct inode *set[2] = { inode, parent };
	struct dir_change c;
	int r = dirent_check(name);

	if (r)
		return r;
	if (!S_ISDIR(parent->type))
		return -ENOTDIR;
	if (S_ISDIR(inode->type))
		return -EPERM;
	r = dir_change_admit(parent->vol, true);
	if (r)
		return r;
	inode_lock_many(set, 2);
	dir_change_begin(&c, parent->vol);
	link_locked(&c, inode, parent, name);
	r = dir_change_end(&c);
	if (r == 0)
		inode->unnamed = false;
	inode_unlock_many(set, 2);
	return r;
}
