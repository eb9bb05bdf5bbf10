/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes changed: chmod, chown, truncate, utimensat, and access times by the policy of the mount.
 */
#include "fs/names/attr.h"

#include <errno.h>

#include "fs/data/file.h"
#include "fs/names/acl.h"

#define DAY_NS (24 * 3600 * INT64_C(1000000000))

uint32_t attr_mode_killed(uint32_t mode, bool outsider)
{
	if (S_ISDIR(mode))
		return mode;
	return mode & ~(uint32_t)(outsider || (mode & S_IXGRP) ? S_ISUID | S_ISGID : S_ISUID);
}

static void attr_apply(struct inode_attr *attr, unsigned mask, const struct inode_attr *to, int64_t now)
{
	if (mask & ATTR_MODE)
		attr->mode = (attr->mode & S_IFMT) | (to->mode & 07777);
	if (mask & (ATTR_KILL_PRIV | ATTR_KILL_SGID))
		attr->mode = attr_mode_killed(attr->mode, mask & ATTR_KILL_SGID);
	if (mask & ATTR_UID)
		attr->uid = to->uid;
	if (mask & ATTR_GID)
		attr->gid = to->gid;
	if (mask & ATTR_ATIME)
		attr->atime = to->atime;
	if (mask & ATTR_MTIME)
		attr->mtime = to->mtime;
	attr->ctime = mask & ATTR_CTIME ? to->ctime : now;
}

int attr_set(struct inode *inode, unsigned mask, const struct inode_attr *to)
{
	struct dir_change c;
	int r;

	if ((mask & ATTR_SIZE) && !S_ISREG(inode->type))
		return S_ISDIR(inode->type) ? -EISDIR : -EINVAL;
	r = dir_change_admit(inode->vol, false);
	if (r)
		return r;
	pthread_rwlock_wrlock(&inode->lock);
	if (mask & ATTR_SIZE)
		r = file_truncate_locked(inode, to->size);
	if (r == 0 && (mask & ~ATTR_SIZE)) {
		dir_change_begin(&c, inode->vol);
		dir_change_touch(&c, inode);
		attr_apply(&inode->attr, mask, to, c.now);
		if (mask & ATTR_MODE)
			acl_follow_mode(&c, inode);
		r = dir_change_end(&c);
	}
	pthread_rwlock_unlock(&inode->lock);
	return r;
}

/* relatime of mount(8): once after each change, and once a day. */
static bool atime_due(const struct inode *inode, int64_t now)
{
	const struct inode_attr *attr = &inode->attr;

	if (inode->vol->opt.atime == ATIME_STRICT)
		return attr->atime != now;
	return attr->atime <= attr->mtime || attr->atime <= attr->ctime || now - attr->atime >= DAY_NS;
}

void attr_accessed(struct inode *inode)
{
	int64_t now = volume_now();
	struct dir_change c;
	bool due;

	if (inode->vol->readonly || inode->vol->opt.atime == ATIME_NOATIME)
		return;
	pthread_rwlock_rdlock(&inode->lock);
	due = atime_due(inode, now);
	pthread_rwlock_unlock(&inode->lock);
	if (!due || dir_change_room(inode->vol))
		return;
	pthread_rwlock_wrlock(&inode->lock);
	if (inode->attr.nlink > 0) {
		dir_change_begin(&c, inode->vol);
		dir_change_touch(&c, inode);
		inode->attr.atime = now;
		dir_change_end(&c); /* an access time that could not be noted is no error of the reader's */
	}
	pthread_rwlock_unlock(&inode->lock);
}
