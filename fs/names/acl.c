/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX ACLs: a version, then entries of tag, permissions and id, all little-endian, as in
 * linux/posix_acl_xattr.h.
 */
#include "fs/names/acl.h"

#include <errno.h>

#include "fs/names/xattr.h"

#define ACL_VERSION 2u

enum {
	TAG_USER_OBJ = 0x01,
	TAG_USER = 0x02,
	TAG_GROUP_OBJ = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHER = 0x20,
};

struct entry {
	le16_t tag, perm;
	le32_t id;
};

struct acl {
	le32_t version;
	struct entry entries[(ACL_MAX - 4) / 8];
};
static_assert(sizeof(struct entry) == 8 && sizeof(struct acl) <= ACL_MAX, "as the kernel has them");

enum { INHERITS_UNKNOWN, INHERITS_NOTHING, INHERITS_ACL };

bool acl_is_name(const char *name)
{
	return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

static size_t entry_count(size_t len)
{
	return (len - sizeof(le32_t)) / sizeof(struct entry);
}

static struct entry *entry_find(struct acl *acl, size_t n, unsigned tag)
{
	for (size_t i = 0; i < n; i++) {
		if (le16_get(acl->entries[i].tag) == tag)
			return &acl->entries[i];
	}
	return NULL;
}

/* Each of owner, group and others once, a mask if anybody else is named, nothing unknown: 0, else -EINVAL. */
static int acl_check(struct acl *acl, size_t len)
{
	unsigned objects = 0, named = 0;

	if (len < sizeof(le32_t) || len > sizeof *acl || (len - sizeof(le32_t)) % sizeof(struct entry) ||
	    le32_get(acl->version) != ACL_VERSION)
		return -EINVAL;
	for (size_t i = 0; i < entry_count(len); i++) {
		unsigned tag = le16_get(acl->entries[i].tag);

		if (le16_get(acl->entries[i].perm) > 7)
			return -EINVAL;
		if (tag == TAG_USER || tag == TAG_GROUP)
			named = TAG_MASK;
		else if ((tag != TAG_USER_OBJ && tag != TAG_GROUP_OBJ && tag != TAG_MASK && tag != TAG_OTHER) ||
			 (objects & tag))
			return -EINVAL;
		else
			objects |= tag;
	}
	if ((objects & named) != named)
		return -EINVAL;
	return (objects | TAG_MASK) == (TAG_USER_OBJ | TAG_GROUP_OBJ | TAG_OTHER | TAG_MASK) ? 0 : -EINVAL;
}

/* The entry that the group bits of the mode show: the mask, if there is one. */
static struct entry *group_class(struct acl *acl, size_t n)
{
	struct entry *mask = entry_find(acl, n, TAG_MASK);

	return mask ? mask : entry_find(acl, n, TAG_GROUP_OBJ);
}

static uint32_t acl_permissions(struct acl *acl, size_t n)
{
	return (uint32_t)le16_get(entry_find(acl, n, TAG_USER_OBJ)->perm) << 6 |
	       (uint32_t)le16_get(group_class(acl, n)->perm) << 3 |
	       le16_get(entry_find(acl, n, TAG_OTHER)->perm);
}

/* Says no more than a mode can. */
static bool acl_is_mode(size_t n)
{
	return n == 3;
}

static void acl_set_permissions(struct acl *acl, size_t n, uint32_t mode)
{
	entry_find(acl, n, TAG_USER_OBJ)->perm = le16_put(mode >> 6 & 7);
	group_class(acl, n)->perm = le16_put(mode >> 3 & 7);
	entry_find(acl, n, TAG_OTHER)->perm = le16_put(mode & 7);
}

static int acl_load(struct index_op *op, uint64_t ino, const char *name, struct acl *acl, size_t *len)
{
	int n = xattr_get_value(op, ino, name, acl, sizeof *acl);

	*len = 0;
	if (n < 0)
		return n == -ENODATA ? 0 : n;
	if ((size_t)n > sizeof *acl || acl_check(acl, (size_t)n))
		return -EUCLEAN;
	*len = (size_t)n;
	return 0;
}

static int target_check(const struct inode *inode, const char *name, const struct acl *acl, size_t len)
{
	if (S_ISLNK(inode->type))
		return -EOPNOTSUPP;
	if (strcmp(name, ACL_DEFAULT) == 0 && !S_ISDIR(inode->type))
		return len ? -EACCES : 0;
	return len ? acl_check((struct acl *)acl, len) : 0;
}

int acl_set(struct inode *inode, const char *name, const void *value, size_t len, bool clear_sgid)
{
	struct dir_change c;
	struct acl acl;
	int r;

	if (len > sizeof acl)
		return -E2BIG;
	if (len)
		memcpy(&acl, value, len);
	if (len == sizeof acl.version)
		len = 0; /* no entries */
	r = target_check(inode, name, &acl, len);
	if (r == 0)
		r = dir_change_admit(inode->vol, len > 0);
	if (r)
		return r;
	pthread_rwlock_wrlock(&inode->lock);
	dir_change_begin(&c, inode->vol);
	if (!value && xattr_get_value(&c.op, inode->ino, name, NULL, 0) == -ENODATA)
		goto end; /* there is none to take away: no change */
	dir_change_touch(&c, inode);
	if (strcmp(name, ACL_ACCESS) == 0 && len) {
		inode->attr.mode &= ~(clear_sgid ? 02777u : 0777u);
		inode->attr.mode |= acl_permissions(&acl, entry_count(len));
		if (acl_is_mode(entry_count(len)))
			len = 0;
	}
	xattr_change(&c, inode, name, len ? &acl : NULL, len, 0);
end:
	r = dir_change_end(&c);
	pthread_rwlock_unlock(&inode->lock);
	return r;
}

void acl_follow_mode(struct dir_change *c, struct inode *inode)
{
	struct acl acl;
	size_t len;

	if (c->err == 0)
		c->err = acl_load(&c->op, inode->ino, ACL_ACCESS, &acl, &len);
	if (c->err || len == 0)
		return;
	acl_set_permissions(&acl, entry_count(len), inode->attr.mode);
	xattr_change(c, inode, ACL_ACCESS, &acl, len, 0);
}

/* The default ACL of the directory, cut down to what the new inode's mode allows. */
static void access_derive(const struct acl *defaults, size_t len, uint32_t mode, struct acl_inherited *out)
{
	struct acl acl;
	size_t n = entry_count(len);
	uint32_t allowed;

	memcpy(&acl, defaults, len);
	allowed = acl_permissions(&acl, n) & mode;
	acl_set_permissions(&acl, n, allowed);
	out->mode = (mode & ~0777u) | allowed;
	if (acl_is_mode(n))
		return;
	memcpy(out->access, &acl, len);
	out->access_len = len;
}

int acl_inherit(struct dir_change *c, struct inode *dir, uint32_t mode, uint32_t umask,
		struct acl_inherited *out)
{
	struct acl defaults;
	size_t len = 0;
	int r = 0;

	out->access_len = out->default_len = 0;
	out->mode = mode;
	if (S_ISLNK(mode))
		return 0;
	if (dir->inherits != INHERITS_NOTHING)
		r = acl_load(&c->op, dir->ino, ACL_DEFAULT, &defaults, &len);
	if (r)
		return r;
	dir->inherits = len ? INHERITS_ACL : INHERITS_NOTHING;
	if (len == 0) {
		out->mode = mode & ~(umask & 0777);
		return 0;
	}
	access_derive(&defaults, len, mode, out);
	if (S_ISDIR(mode)) {
		memcpy(out->defaults, &defaults, len);
		out->default_len = len;
	}
	return 0;
}

void acl_give(struct dir_change *c, struct inode *fresh, const struct acl_inherited *acl)
{
	if (c->err == 0 && acl->access_len)
		c->err = xattr_put_value(&c->op, fresh->ino, ACL_ACCESS, acl->access, acl->access_len);
	if (c->err == 0 && acl->default_len)
		c->err = xattr_put_value(&c->op, fresh->ino, ACL_DEFAULT, acl->defaults, acl->default_len);
	if (S_ISDIR(fresh->type))
		fresh->inherits = acl->default_len ? INHERITS_ACL : INHERITS_NOTHING;
}
