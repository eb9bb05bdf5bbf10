/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a subcommand works on: an unmounted store, opened, or a mounted one, reached through its daemon.
 */
#ifndef FIRN_TOOLS_TARGET_H
#define FIRN_TOOLS_TARGET_H

#include <sys/stat.h>

#include "fs/control/control.h"

struct target {
	const char *command, *path; /* as given, for messages                 */
	struct volume *vol;         /* unmounted: the open volume, else NULL  */
	int fd;                     /* mounted: a directory of it, else -1    */
	bool readonly;              /* the mount is                           */
};

/*
 * Finds what path is: a directory in the mount of a store, a store that is mounted, or one that is not, which is opened. On failure one
 * line is printed and an exit status returned.
 */
int target_open(const char *command, const char *path, bool readonly, struct target *out);

/* Closes, and reports what could not be made durable: the exit status is status, or failure. */
int target_close(struct target *t, int status);

/* Whether what stat(2) says this of lies in the mount of a store. */
bool target_in_mount(const struct stat *st);

/* Sends a command of fs/control/control.h to the daemon; its header is filled in here. -errno. */
int target_control(const struct target *t, unsigned command, void *argument);

/* Of a mount: has what the kernel still holds written out and committed, so that what follows finds it. -errno. */
int target_sync(const struct target *t);

/* One line on stderr about a target_control that failed; the exit status. */
int target_fail(const struct target *t, int rc);

/*
 * For a path that names a store: where it is mounted, from the text of its lock ("PID firnfs /DIR"). False when the text names no
 * mount. Its parts are checked, for anybody can write such a file.
 */
bool target_mountpoint(const char *lock_text, char *mountpoint, size_t cap);

#endif
