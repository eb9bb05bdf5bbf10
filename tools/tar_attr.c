/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes from an archive, none of which is believed without a look.
 */
#include "tools/tar_attr.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/names/attr.h"
#include "fs/names/xattr.h"
#include "tools/tar_acl.h"

#define NS_PER_S INT64_C(1000000000)

/* Before 1970 the fraction is on the side of the sign, as in the text of the archive: libarchive takes that apart without a look at it. */
static int64_t time_of(int64_t seconds, long nanoseconds)
{
	int64_t ns, fraction = seconds < 0 ? -(int64_t)nanoseconds : nanoseconds;

	if (__builtin_mul_overflow(seconds, NS_PER_S, &ns) || __builtin_add_overflow(ns, fraction, &ns))
		return seconds < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

unsigned tar_attr_times(struct archive_entry *entry, struct inode_attr *to)
{
	unsigned mask = 0;

	if (archive_entry_mtime_is_set(entry)) {
		to->mtime = time_of(archive_entry_mtime(entry), archive_entry_mtime_nsec(entry));
		mask |= ATTR_MTIME;
	}
	if (archive_entry_atime_is_set(entry)) {
		to->atime = time_of(archive_entry_atime(entry), archive_entry_atime_nsec(entry));
		mask |= ATTR_ATIME;
	}
	return mask;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Archives have "%3D" for "=" in names, and libarchive writes more bytes so. The caller frees it. */
static char *name_decode(const char *name)
{
	char *text = malloc(strlen(name) + 1), *to = text;

	while (text && *name) {
		if (name[0] == '%' && hex(name[1]) > 0 && hex(name[2]) >= 0) {
			*to++ = (char)(hex(name[1]) << 4 | hex(name[2]));
			name += 3;
		} else {
			*to++ = *name++;
		}
	}
	if (text)
		*to = '\0';
	return text;
}

static void attribute_problem(struct tar_reader *t, struct archive_entry *entry, const char *name, int error)
{
	char text[2 * XATTR_NAME_MAX_LEN];

	snprintf(text, sizeof text, "its attribute %.256s is left out: %s", name, strerror(-error));
	tar_read_problem(t, archive_entry_pathname(entry), text, error);
}

static int xattrs_set(struct tar_reader *t, struct archive_entry *entry, struct inode *inode)
{
	const char *encoded;
	const void *value;
	size_t len;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &encoded, &value, &len) == 0) {
		char *name = name_decode(encoded);
		int r;

		if (!name)
			return -ENOMEM;
		r = acl_is_name(name) ? acl_set(inode, name, value, len, false) : xattr_set(inode, name, value, len, 0);
		if (r)
			attribute_problem(t, entry, name, r);
		free(name);
	}
	return 0;
}

static void acl_apply(struct tar_reader *t, struct archive_entry *entry, struct inode *inode, const char *name)
{
	uint8_t value[ACL_MAX];
	int n = tar_acl_get(entry, name, value);

	if (n > 0)
		n = acl_set(inode, name, value, (size_t)n, false);
	if (n < 0)
		attribute_problem(t, entry, name, n);
}

static void acl_drop(struct inode *inode, const char *name)
{
	if (xattr_get(inode, name, NULL, 0) >= 0)
		(void)acl_set(inode, name, NULL, 0, false);
}

static int owner_of(const struct tar_reader *t, struct archive_entry *entry, struct inode_attr *to)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	to->uid = geteuid();
	to->gid = getegid();
	if (!t->owner)
		return 0;
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return -EOVERFLOW;
	to->uid = (uint32_t)uid;
	to->gid = (uint32_t)gid;
	return 0;
}

int tar_attr_set(struct tar_reader *t, struct archive_entry *entry, struct inode *inode, bool fresh)
{
	struct inode_attr to = { .mode = archive_entry_perm(entry) };
	unsigned mask = ATTR_UID | ATTR_GID | tar_attr_times(entry, &to);
	int r = owner_of(t, entry, &to);

	if (r)
		return r;
	if (!S_ISLNK(inode->type))
		mask |= ATTR_MODE;
	if (fresh) {
		acl_drop(inode, ACL_ACCESS);
		acl_drop(inode, ACL_DEFAULT);
	}
	r = attr_set(inode, mask, &to);
	if (r == 0 && !S_ISLNK(inode->type)) {
		acl_apply(t, entry, inode, ACL_ACCESS);
		acl_apply(t, entry, inode, ACL_DEFAULT);
	}
	return r ? r : xattrs_set(t, entry, inode);
}
