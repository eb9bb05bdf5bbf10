/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue: what is negotiated with the kernel, replies and buffers that all operations share, forget
 * and statfs.
 */
#include "fs/fuse/fuse.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/fuse/fuse_ops.h"
#include "fs/store/volume_open.h"

#define MAX_WRITE (1u << 20)
#define MAX_BACKGROUND 64u
/* From this minor version on the kernel waits for writes under way when it writes pages back: fs/fuse/fuse_sync.c */
#define PROTO_WAITS_FOR_WRITES 44u

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct fuse_lowlevel_ops operations;
static pthread_key_t buffer_key;
struct fuse_kernel fuse_kernel;

/* A thread's buffer: replies are built in it, so that no request costs an allocation. */
struct thread_buffer {
	size_t cap;
	uint8_t bytes[];
};

struct volume *fuse_volume(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

void fuse_reply_result(fuse_req_t req, int r)
{
	fuse_reply_err(req, r < 0 ? -r : 0);
}

struct inode *fuse_inode(fuse_req_t req, fuse_ino_t node)
{
	struct inode *inode;
	int r = inode_get(fuse_volume(req), node, &inode);

	__atomic_fetch_add(&fuse_volume(req)->requests, 1, __ATOMIC_RELAXED);
	if (r) {
		fuse_reply_err(req, r == -ENOENT ? ESTALE : -r);
		return NULL;
	}
	return inode;
}

void fuse_entry_fill(struct fuse_entry_param *entry, struct inode *inode)
{
	memset(entry, 0, sizeof *entry);
	entry->ino = inode->ino;
	entry->entry_timeout = FUSE_TIMEOUT;
	entry->attr_timeout = inode_stat(inode, &entry->attr) ? FUSE_TIMEOUT_DIRTY : FUSE_TIMEOUT;
}

void fuse_reply_inode(fuse_req_t req, struct inode *inode)
{
	struct fuse_entry_param entry;

	fuse_entry_fill(&entry, inode);
	if (fuse_reply_entry(req, &entry))
		inode_put(inode, 1);
}

void *fuse_buffer(fuse_req_t req, size_t len)
{
	struct thread_buffer *buffer = pthread_getspecific(buffer_key);

	if (buffer && buffer->cap >= len)
		return buffer->bytes;
	pthread_setspecific(buffer_key, NULL);
	free(buffer);
	len = len > MAX_WRITE ? len : MAX_WRITE;
	buffer = malloc(sizeof *buffer + len);
	if (!buffer || pthread_setspecific(buffer_key, buffer)) {
		free(buffer);
		fuse_reply_err(req, ENOMEM);
		return NULL;
	}
	buffer->cap = len;
	return buffer->bytes;
}

/*
 * FUSE_CAP_HANDLE_KILLPRIV stays off: fs/fuse/fuse_io.c asks for what came after it. FUSE_CAP_ATOMIC_O_TRUNC stays off: open is not sent.
 * FUSE_CAP_AUTO_INVAL_DATA stays off: no content changes behind the kernel's back.
 */
static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	const unsigned want = FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
			      FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ | FUSE_CAP_EXPORT_SUPPORT |
			      FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_ASYNC_DIO | FUSE_CAP_IOCTL_DIR |
			      FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK;
	const struct volume *vol = userdata;

	conn->want = conn->capable & want;
	if (vol->opt.writethrough)
		conn->want &= ~(unsigned)FUSE_CAP_WRITEBACK_CACHE;
	conn->max_write = MAX_WRITE;
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
	conn->time_gran = 1;
	fuse_kernel.mountpoint = vol->opt.mountpoint;
	fuse_kernel.writeback = conn->want & FUSE_CAP_WRITEBACK_CACHE;
	fuse_kernel.seek = conn->proto_minor >= PROTO_WAITS_FOR_WRITES;
	fuse_kernel.no_open = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	fuse_kernel.no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
}

static void forget(struct volume *vol, fuse_ino_t node, uint64_t n)
{
	struct inode *inode;

	if (inode_get(vol, node, &inode) == 0)
		inode_put(inode, n + 1);
}

static void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t n)
{
	forget(fuse_volume(req), node, n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *list)
{
	for (size_t i = 0; i < count; i++)
		forget(fuse_volume(req), list[i].ino, list[i].nlookup);
	fuse_reply_none(req);
}

static void op_statfs(fuse_req_t req, fuse_ino_t node)
{
	struct volume_statfs st;
	int r = volume_statfs(fuse_volume(req), &st);
	struct statvfs out;

	(void)node;
	if (r) {
		fuse_reply_err(req, -r);
		return;
	}
	out = (struct statvfs){
		.f_bsize = st.block_size, .f_frsize = st.block_size, .f_namemax = NAME_LEN_MAX,
		.f_blocks = st.blocks, .f_bfree = st.blocks_free, .f_bavail = st.blocks_available,
		.f_files = st.files, .f_ffree = st.files_free, .f_favail = st.files_free,
	};
	fuse_reply_statfs(req, &out);
}

static void operations_fill(void)
{
	if (pthread_key_create(&buffer_key, free))
		return;
	operations.init = op_init;
	operations.forget = op_forget;
	operations.forget_multi = op_forget_multi;
	operations.statfs = op_statfs;
	fuse_names_ops(&operations);
	fuse_dir_ops(&operations);
	fuse_data_ops(&operations);
	fuse_attr_ops(&operations);
	fuse_control_ops(&operations);
	fuse_seek_ops(&operations);
}

const struct fuse_lowlevel_ops *fuse_ops(void)
{
	pthread_once(&once, operations_fill);
	return operations.init ? &operations : NULL;
}

void fuse_ops_session(struct fuse_session *se)
{
	fuse_kernel.session = se;
	fuse_io_install(se);
}
