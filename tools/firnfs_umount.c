/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firnfs as the helper of umount(8), when it is called as umount.fuse.firn: DIR [-flnrv] [-N NS] [-t TYPE].
 *
 * The kernel does not wait for the daemon of a FUSE mount. This does: when umount(8) returns, the last changes are durable and the
 * store is free. But for a lazy unmount, after which it may be in use for long.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/control/control.h"
#include "tools/firnfs.h"

#define PATIENCE_MS (60 * 1000)

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

	*u = (struct unmount){ .flags = 0 };
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

/* A descriptor of the daemon that serves the mount on dir; -1: it does not answer, or must not be asked. */
static int daemon_open(const struct unmount *u)
{
	struct control_hello hello = { .header = control_header(CONTROL_HELLO) };
	int dir, daemon = -1;

	if (u->flags & (MNT_FORCE | MNT_DETACH))
		return -1; /* it may be dead, or serve on */
	dir = open(u->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	if (ioctl(dir, CONTROL_HELLO, &hello) == 0)
		daemon = (int)syscall(SYS_pidfd_open, (pid_t)hello.header.pid, 0);
	close(dir);
	return daemon;
}

int firnfs_umount(int argc, char **argv)
{
	struct unmount u;
	int daemon, r = umount_parse(argc, argv, &u);

	if (r) {
		fputs("firnfs: as a helper of umount(8): umount.fuse.firn DIR [-flnrv] [-N NS] [-t TYPE]\n", stderr);
		return r;
	}
	daemon = daemon_open(&u);
	r = umount2(u.dir, u.flags) ? errno : 0;
	if (r == EBUSY && u.readonly)
		r = mount("", u.dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) ? errno : 0;
	else if (r == 0 && daemon >= 0)
		(void)poll(&(struct pollfd){ .fd = daemon, .events = POLLIN }, 1, PATIENCE_MS); /* unmounted it is in any case */
	if (r)
		fprintf(stderr, "firnfs: %s: cannot unmount: %s\n", u.dir, strerror(r));
	if (daemon >= 0)
		close(daemon);
	return r ? FIRNFS_MOUNT : 0;
}
