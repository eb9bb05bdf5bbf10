/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between libfuse and /dev/fuse: FUSE_HANDLE_KILLPRIV_V2, which libfuse 3.14 does not know.
 *
 * Without it the kernel asks for security.capability at every write(2), and a write of 4 KiB costs a round trip
 * although its data stays in the page cache. With it the kernel asks once per file, and leaves it to us to take
 * set-user-id and set-group-id away: requests say when, with a bit that libfuse does not hand on either. A
 * thread handles the request that it has read, so that bit waits for it in a variable of the thread.
 */
#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/fuse/fuse_ops.h"

static _Thread_local bool kills;

/* The INIT request whose reply is awaited; 0: none that offers what we want. */
static atomic_ullong init_unique;

struct write_request {
	struct fuse_in_header header;
	struct fuse_write_in write;
};

struct setattr_request {
	struct fuse_in_header header;
	struct fuse_setattr_in setattr;
};

struct init_request {
	struct fuse_in_header header;
	struct fuse_init_in init;
};

static bool request_kills(const void *request, size_t len)
{
	const struct fuse_in_header *header = request;
	const struct setattr_request *setattr = request;
	const struct write_request *write = request;

	if (header->opcode == FUSE_WRITE && len >= sizeof *write)
		return write->write.write_flags & FUSE_WRITE_KILL_SUIDGID;
	if (header->opcode == FUSE_SETATTR && len >= sizeof *setattr)
		return setattr->setattr.valid & FATTR_KILL_SUIDGID;
	return false;
}

static void init_note(const void *request, size_t len)
{
	const struct init_request *init = request;

	if (init->header.opcode == FUSE_INIT && len >= offsetof(struct init_request, init.flags2) &&
	    (init->init.flags & FUSE_HANDLE_KILLPRIV_V2))
		init_unique = init->header.unique;
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	ssize_t n = read(fd, buf, len);

	(void)userdata;
	kills = false;
	if (n >= (ssize_t)sizeof(struct fuse_in_header)) {
		kills = request_kills(buf, (size_t)n);
		init_note(buf, (size_t)n);
	}
	return n;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct fuse_out_header *header = count > 0 ? iov[0].iov_base : NULL;

	(void)userdata;
	if (init_unique && header && header->unique == init_unique) {
		init_unique = 0;
		if (header->error == 0 && count > 1 &&
		    iov[1].iov_len > offsetof(struct fuse_init_out, max_background)) {
			struct fuse_init_out *out = iov[1].iov_base;

			out->flags |= FUSE_HANDLE_KILLPRIV_V2;
			fuse_kernel.killpriv = true;
		}
	}
	return writev(fd, iov, count);
}

bool fuse_request_kills(void)
{
	return kills;
}

void fuse_io_install(struct fuse_session *se)
{
	static const struct fuse_custom_io io = { .read = io_read, .writev = io_writev };

	/* No memory for that: writes cost more, and nothing else is different. */
	(void)fuse_session_custom_io(se, &io, fuse_session_fd(se));
}
