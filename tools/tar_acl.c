/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX ACLs in archives: tags and permissions have other numbers there, and users and groups may be names.
 */
#include "tools/tar_acl.h"

#include <archive_entry.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#define ACL_VERSION 2u
#define HEAD sizeof(le32_t)

struct acl_line {
	le16_t tag, perm;
	le32_t id;
};

static const struct {
	unsigned tag;
	int in_archive;
} tags[] = {
	{ 0x01, ARCHIVE_ENTRY_ACL_USER_OBJ }, { 0x02, ARCHIVE_ENTRY_ACL_USER }, { 0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ },
	{ 0x08, ARCHIVE_ENTRY_ACL_GROUP },    { 0x10, ARCHIVE_ENTRY_ACL_MASK }, { 0x20, ARCHIVE_ENTRY_ACL_OTHER },
};
#define TAGS (sizeof tags / sizeof *tags)
#define NOBODY UINT32_MAX

static bool is_named(int tag)
{
	return tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
}

static int type_of(const char *name)
{
	return strcmp(name, ACL_DEFAULT) == 0 ? ARCHIVE_ENTRY_ACL_TYPE_DEFAULT : ARCHIVE_ENTRY_ACL_TYPE_ACCESS;
}

static int line_put(struct archive_entry *entry, int type, const struct acl_line *line)
{
	for (size_t i = 0; i < TAGS; i++) {
		int tag = tags[i].in_archive;

		if (tags[i].tag == le16_get(line->tag))
			return archive_entry_acl_add_entry(entry, type, le16_get(line->perm) & 7, tag,
							   is_named(tag) ? (int)le32_get(line->id) : -1, NULL) ? -EINVAL : 0;
	}
	return -EINVAL;
}

int tar_acl_put(struct archive_entry *entry, const char *name, const uint8_t *value, size_t len)
{
	struct acl_line line;
	int r = len < HEAD || (len - HEAD) % sizeof line ? -EINVAL : 0;

	for (size_t at = HEAD; r == 0 && at < len; at += sizeof line) {
		memcpy(&line, value + at, sizeof line);
		r = line_put(entry, type_of(name), &line);
	}
	return r;
}

/* An id, or that of a name. */
static int id_find(int tag, int id, const char *name, uint32_t *out)
{
	const struct passwd *user;
	const struct group *group;

	*out = NOBODY;
	if (!is_named(tag))
		return 0;
	*out = (uint32_t)id;
	if (id != -1)
		return 0;
	if (!name)
		return -ESRCH;
	user = tag == ARCHIVE_ENTRY_ACL_USER ? getpwnam(name) : NULL;
	group = tag == ARCHIVE_ENTRY_ACL_GROUP ? getgrnam(name) : NULL;
	if (user)
		*out = user->pw_uid;
	if (group)
		*out = group->gr_gid;
	return user || group ? 0 : -ESRCH;
}

/* In the order that the kernel wants. */
static int line_compare(const void *a, const void *b)
{
	const struct acl_line *x = a, *y = b;

	if (le16_get(x->tag) != le16_get(y->tag))
		return le16_get(x->tag) < le16_get(y->tag) ? -1 : 1;
	return le32_get(x->id) < le32_get(y->id) ? -1 : le32_get(x->id) > le32_get(y->id);
}

int tar_acl_get(struct archive_entry *entry, const char *name, uint8_t value[ACL_MAX])
{
	struct acl_line lines[(ACL_MAX - HEAD) / sizeof(struct acl_line)];
	int type, perm, tag, id, r;
	const char *who;
	size_t n = 0;
	le32_t version = le32_put(ACL_VERSION);

	if (archive_entry_acl_reset(entry, type_of(name)) == 0)
		return 0;
	while (archive_entry_acl_next(entry, type_of(name), &type, &perm, &tag, &id, &who) == 0) {
		uint32_t number;
		unsigned t = 0;

		if (n == sizeof lines / sizeof *lines)
			return -E2BIG;
		for (size_t i = 0; i < TAGS; i++)
			t |= tags[i].in_archive == tag ? tags[i].tag : 0;
		r = t ? id_find(tag, id, who, &number) : -EINVAL;
		if (r)
			return r;
		lines[n++] = (struct acl_line){ .tag = le16_put((uint16_t)t), .perm = le16_put((uint16_t)(perm & 7)), .id = le32_put(number) };
	}
	qsort(lines, n, sizeof *lines, line_compare);
	memcpy(value, &version, HEAD);
	memcpy(value + HEAD, lines, n * sizeof *lines);
	return (int)(HEAD + n * sizeof *lines);
}
