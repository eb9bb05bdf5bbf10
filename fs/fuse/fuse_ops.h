/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the FUSE glue: the operations by family, and what all of them need.
 *
 * A node id is our inode number. Each lookup the kernel counts is one reference on the inode object. Open files
 * have no handle: the kernel keeps the lookup of what is open.
 */
#ifndef FIRN_FS_FUSE_OPS_H
#define FIRN_FS_FUSE_OPS_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include "fs/names/inode.h"

/* Nothing changes behind the kernel's back: what it knows, missing names included, stays true. */
#define FUSE_TIMEOUT 86400.0
/* But what stat(2) tells of the space of a file with dirty data changes when that is flushed. */
#define FUSE_TIMEOUT_DIRTY 1.0

struct volume *fuse_volume(fuse_req_t req);

/* The inode of a node id, referenced; NULL after having replied with the error. Counts the request: background work stays out of the way. */
struct inode *fuse_inode(fuse_req_t req, fuse_ino_t node);

/* What the kernel can do without us; set before the first request. A process serves one mount. */
extern struct fuse_kernel {
	bool no_open, no_opendir;
	bool writeback;               /* it keeps dirty pages                                      */
	bool seek;                    /* and can be made to send them all                           */
	bool killpriv;                /* leaves set-user-id and set-group-id to us                 */
	struct fuse_session *session; /* for notifications                                         */
	const char *mountpoint;
} fuse_kernel;

/* Replies 0 or the error. */
void fuse_reply_result(fuse_req_t req, int r);

void fuse_entry_fill(struct fuse_entry_param *entry, struct inode *inode);

/* Replies with the entry and leaves the caller's reference to the kernel; a failed reply drops it. */
void fuse_reply_inode(fuse_req_t req, struct inode *inode);

/*
 * This thread's buffer, of at least len bytes, good till its next call in this thread; NULL after having
 * replied with the error.
 */
void *fuse_buffer(fuse_req_t req, size_t len);

/*
 * fs/fuse/fuse_sync.c: has the kernel send what it holds of a range (len 0: to the end) of a file, and keeps the file open
 * until _leave: closing it may have to wait for the request that is being handled. -errno: it cannot be done. By one
 * thread, which handles no requests itself. _end: when the session has ended.
 */
int fuse_sync_range(uint64_t ino, off_t from, off_t len);
void fuse_sync_leave(void);
void fuse_sync_end(void);

/* fs/fuse/fuse_io.c: between libfuse and the device. */
void fuse_io_install(struct fuse_session *se);
/* The request that this thread handles takes set-user-id and set-group-id away. */
bool fuse_request_kills(void);
/* fs/fuse/fuse_attr.c: what attr_set would take away of the file's mode when this caller changes its contents; 0: nothing. */
unsigned fuse_kills(fuse_req_t req, struct inode *inode);

void fuse_names_ops(struct fuse_lowlevel_ops *ops);
void fuse_dir_ops(struct fuse_lowlevel_ops *ops);
void fuse_data_ops(struct fuse_lowlevel_ops *ops);
void fuse_attr_ops(struct fuse_lowlevel_ops *ops);
void fuse_control_ops(struct fuse_lowlevel_ops *ops);
void fuse_seek_ops(struct fuse_lowlevel_ops *ops);

#endif
