/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue for control: ioctl on any inode of the mount, taken from the mounting user and root.
 */
#include <errno.h>
#include <unistd.h>

#include "fs/control/control.h"
#include "fs/fuse/fuse_ops.h"

/* What a command is not given is not answered: sizes are those in its number, as the kernel sees to for restricted ioctls. */
static void op_ioctl(fuse_req_t req, fuse_ino_t node, unsigned command, void *arg, struct fuse_file_info *fi, unsigned flags,
		     const void *in, size_t in_len, size_t out_len)
{
	uid_t uid = fuse_req_ctx(req)->uid;
	void *reply;
	int rc;

	(void)arg;
	(void)fi;
	if (_IOC_TYPE(command) != CONTROL_TYPE || (flags & (FUSE_IOCTL_COMPAT | FUSE_IOCTL_UNRESTRICTED))) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	if (uid != 0 && uid != geteuid()) {
		fuse_reply_err(req, EPERM);
		return;
	}
	if (in_len > CONTROL_SIZE_MAX || out_len != in_len) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	reply = fuse_buffer(req, CONTROL_SIZE_MAX);
	if (!reply)
		return;
	rc = control_run(fuse_volume(req), node, command, in, in_len, reply);
	if (rc < 0)
		fuse_reply_err(req, -rc);
	else
		fuse_reply_ioctl(req, 0, reply, in_len);
}

void fuse_control_ops(struct fuse_lowlevel_ops *ops)
{
	ops->ioctl = op_ioctl;
}
