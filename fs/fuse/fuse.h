/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue: the operations of libfuse's low-level interface, mapped onto the volume. The only file pair
 * that knows libfuse.
 */
#ifndef FIRN_FS_FUSE_H
#define FIRN_FS_FUSE_H

#include "fs/volume/volume.h"

struct fuse_lowlevel_ops;
struct fuse_session;

/* The operations table; the session's userdata is a struct volume *. */
const struct fuse_lowlevel_ops *fuse_ops(void);

/* The session of that table, before it is served: some operations have a question for the kernel. */
void fuse_ops_session(struct fuse_session *se);

#endif
