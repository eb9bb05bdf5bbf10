/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firnfs as the helper of umount(8), when it is called as umount.fuse.firn: DIR [-flnrv] [-N NS] [-t TYPE].
 *
 * The kernel does not wait for the daemon of a FUSE mount. This does: when umount(8) returns, the last changes are durable and the
 * store is free. But for a lazy unmount, after which it may be in use for long.
 */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fs/store/lock_wait.h"
#include "tools/firnfs.h"

struct unmount {
	const char *dir;
	int flags; /* of umount2(2) */
	bool readonly;
};

bool firnfs_umount_called(const char *program)
{
	const char *base = strrchr(program, '/');

	return strncmp(base ? base + 1 : program, "umount.", 7) == 0;
}

static int umount_parse(int argc, char **argv, struct unmount *u)
{
	int c;

	*u = (struct unmount){ .flags = UMOUNT_NOFOLLOW };
	opterr = 0;
	while ((c = getopt(argc, argv, "flnrvN:t:")) != -1) {
		if (c == 'f')
			u->flags |= MNT_FORCE;
		else if (c == 'l')
			u->flags |= MNT_DETACH;
		else if (c == 'r')
			u->readonly = true;
		else if (c == '?')
			return FIRNFS_USAGE;
	}
	if (optind + 1 != argc)
		return FIRNFS_USAGE;
	u->dir = argv[optind];
	return 0;
}

/* The directory of the store that is mounted on dir, open; -1: not found. The last of several mounts is the uppermost. */
static int store_open(const char *dir)
{
	FILE *table = setmntent("/proc/self/mounts", "re");
	char line[8192], path[4096] = "";
	struct mntent entry;

	while (table && getmntent_r(table, &entry, line, sizeof line)) {
		if (strcmp(entry.mnt_dir, dir) == 0 && strcmp(entry.mnt_type, "fuse.firn") == 0)
			snprintf(path, sizeof path, "%s", entry.mnt_fsname);
	}
	if (table)
		endmntent(table);
	return path[0] == '/' ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int firnfs_umount(int argc, char **argv)
{
	struct unmount u;
	char *dir;
	int store, r = umount_parse(argc, argv, &u);

	if (r) {
		fputs("firnfs: as a helper of umount(8): umount.fuse.firn DIR [-flnrv] [-N NS] [-t TYPE]\n", stderr);
		return r;
	}
	dir = realpath(u.dir, NULL); /* NULL: its daemon may be dead */
	store = store_open(dir ? dir : u.dir);
	r = umount2(dir ? dir : u.dir, u.flags) ? errno : 0;
	if (r == EBUSY && u.readonly)
		r = mount("", dir ? dir : u.dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) ? errno : 0;
	else if (r == 0 && store >= 0 && !(u.flags & MNT_DETACH))
		(void)lock_wait(store); /* it is unmounted, whether its daemon ends or not */
	if (r)
		fprintf(stderr, "firnfs: %s: cannot unmount: %s\n", u.dir, strerror(r));
	if (store >= 0)
		close(store);
	free(dir);
	return r ? FIRNFS_MOUNT : 0;
}
