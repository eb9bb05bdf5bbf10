/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The option metrics=PATH of firnfs: the daemon's state as text for Prometheus, on a socket or in a file.
 */
#ifndef FIRN_TOOLS_FIRNFS_METRICS_H
#define FIRN_TOOLS_FIRNFS_METRICS_H

#include "fs/volume/volume.h"

struct metrics_server;

/*
 * Before the volume is mounted at `mountpoint`. A path that is a socket, or ends in ".sock", becomes a socket that answers each connection; any other
 * a file that is replaced every few seconds. Both are for their owner only. -EADDRINUSE: somebody answers there; -EINVAL: the path lies in the mount;
 * -EEXIST: it is neither a file nor a socket.
 */
int metrics_start(struct volume *vol, const char *path, const char *mountpoint, struct metrics_server **out);

/* Ends the thread and removes what it made. NULL allowed. */
void metrics_stop(struct metrics_server *s);

#endif
