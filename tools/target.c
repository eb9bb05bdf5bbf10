/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling mounts from stores, and talking to the daemon of a mount.
 */
#include "tools/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/store/volume_open.h"
#include "tools/firn.h"

static int target_say(const struct target *t, const char *why)
{
	fprintf(stderr, "firn %s: %s: %s\n", t->command, t->path, why);
	return EXIT_FAILURE;
}

bool target_in_mount(const struct stat *st)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t cap = 0;
	bool found = false;

	while (table && !found && getline(&line, &cap, table) > 0) {
		const char *type = strstr(line, " - ");
		unsigned hi, lo;

		found = sscanf(line, "%*d %*d %u:%u", &hi, &lo) == 2 && hi == major(st->st_dev) && lo == minor(st->st_dev) && type &&
			strncmp(type + 3, "fuse.firn ", 10) == 0;
	}
	free(line);
	if (table)
		fclose(table);
	return found;
}

bool target_mountpoint(const char *lock_text, char *mountpoint, size_t cap)
{
	static const char role[] = " firnfs ";
	size_t digits = strspn(lock_text, "0123456789"), len;
	const char *at = lock_text + digits;

	if (digits == 0 || strncmp(at, role, sizeof role - 1) != 0)
		return false;
	at += sizeof role - 1;
	len = strlen(at);
	if (len > 0 && at[len - 1] == '\n')
		len--;
	if (at[0] != '/' || len >= cap)
		return false;
	memcpy(mountpoint, at, len);
	mountpoint[len] = '\0';
	return true;
}

static bool lock_mountpoint(const char *store, char *mountpoint, size_t cap)
{
	char path[4096], text[4352];
	ssize_t n = -1;
	int fd;

	if ((size_t)snprintf(path, sizeof path, "%s/lock", store) >= sizeof path)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		n = pread(fd, text, sizeof text - 1, 0);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	return target_mountpoint(text, mountpoint, cap);
}

int target_control(const struct target *t, unsigned command, void *argument)
{
	*(struct control_header *)argument = control_header(command);
	return ioctl(t->fd, command, argument) < 0 ? -errno : 0;
}

int target_sync(const struct target *t)
{
	struct control_commit c;

	if (t->readonly)
		return 0;
	return syncfs(t->fd) < 0 ? -errno : target_control(t, CONTROL_COMMIT, &c);
}

int target_fail(const struct target *t, int rc)
{
	switch (rc) {
	case -ENOTTY:
	case -EPROTONOSUPPORT:
		return target_say(t, "the daemon that serves this mount is of another version of firn: mount it again");
	case -EPERM:
		return target_say(t, "only the user who mounted it, and root, may do this");
	case -EACCES:
		return target_say(t, "mounted by another user, who did not let others in (allow_other)");
	case -EROFS:
		return target_say(t, "mounted read-only");
	case -ENOTCONN:
		return target_say(t, "its daemon has died: unmount it, and mount it again");
	default:
		return firn_fail(t->command, t->path, rc);
	}
}

/* Opens a directory of a mount and asks who is there; store (may be NULL) must be the one that it serves. */
static int mount_open(struct target *t, const char *dir, const struct stat *store)
{
	struct control_hello hello = {0};
	int rc;

	t->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->fd < 0)
		return target_fail(t, -errno);
	rc = target_control(t, CONTROL_HELLO, &hello);
	if (rc == 0 && store && (hello.store_dev != store->st_dev || hello.store_ino != store->st_ino))
		return target_say(t, "in use, but not mounted where its lock says");
	t->readonly = hello.readonly;
	return rc < 0 ? target_fail(t, rc) : EXIT_SUCCESS;
}

/* The store cannot be opened because it is in use: by a mount of ours? why: what else to say. */
static int busy_open(struct target *t, const struct stat *store, const char *why)
{
	char mountpoint[4096];

	if (lock_mountpoint(t->path, mountpoint, sizeof mountpoint))
		return mount_open(t, mountpoint, store);
	return target_say(t, why);
}

static int store_open(struct target *t, const struct stat *st, bool readonly)
{
	struct volume_error err = {""};
	struct volume_options opt;
	char role[32];
	int rc;

	snprintf(role, sizeof role, "firn %s", t->command);
	volume_options_init(&opt);
	opt.offline = true;
	opt.readonly = readonly;
	opt.role = role;
	rc = volume_open(t->path, &opt, &t->vol, &err);
	if (rc == 0)
		return EXIT_SUCCESS;
	if (rc == -EBUSY)
		return busy_open(t, st, err.text);
	return err.text[0] ? target_say(t, err.text) : firn_fail(t->command, t->path, rc);
}

int target_open(const char *command, const char *path, bool readonly, struct target *out)
{
	struct stat st;
	int status;

	*out = (struct target){.command = command, .path = path, .fd = -1};
	if (stat(path, &st) < 0)
		return target_fail(out, -errno);
	status = target_in_mount(&st) ? mount_open(out, path, NULL) : store_open(out, &st, readonly);
	if (status != EXIT_SUCCESS)
		target_close(out, status);
	return status;
}

int target_close(struct target *t, int status)
{
	int rc = volume_close(t->vol);

	if (rc < 0)
		firn_fail(t->command, t->path, rc);
	if (t->fd >= 0)
		close(t->fd);
	return rc < 0 && status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}
