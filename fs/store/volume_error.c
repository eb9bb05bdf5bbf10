/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a store cannot be made or opened, in words.
 */
#include "fs/store/volume_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/store/volume_open.h"

int volume_fail(struct volume_error *err, int error, const char *text)
{
	snprintf(err->text, sizeof err->text, "%s", text);
	return error;
}

/* The lock file says "pid role mount-point", with "-" for none; the role may be two words. */
int volume_fail_busy(struct volume_error *err, int dirfd)
{
	char text[512], *role, *where;
	int fd = openat(dirfd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	role = strchr(text, ' ');
	where = role ? strstr(role + 1, " /") : NULL;
	if (role && !where)
		where = strstr(role + 1, " -");
	if (!where) {
		snprintf(err->text, sizeof err->text, "in use by another process");
		return -EBUSY;
	}
	*role++ = '\0';
	*where++ = '\0';
	snprintf(err->text, sizeof err->text, "in use by %.40s, pid %.20s%s%.180s", role, text,
		 *where == '/' ? ", on " : "",
		 *where == '/' ? where : "");
	return -EBUSY;
}

int volume_fail_format(struct volume_error *err, const struct super *sb)
{
	if (sb->version != FORMAT_VERSION)
		snprintf(err->text, sizeof err->text, "made by %s firn (format %u; this one knows %u)",
			 sb->version > FORMAT_VERSION ? "a newer" : "an older", sb->version, FORMAT_VERSION);
	else
		snprintf(err->text, sizeof err->text, "made by a newer firn (it needs the features %#llx)",
			 (unsigned long long)(sb->incompat & ~(uint64_t)SUPER_INCOMPAT_KNOWN));
	return -EPROTONOSUPPORT;
}
