/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE glue for open directories: readdir with and without attributes.
 */
#include <dirent.h>
#include <errno.h>

#include "fs/data/commit.h"
#include "fs/fuse/fuse_ops.h"
#include "fs/names/attr.h"
#include "fs/names/dir.h"

/* Like files (fs/fuse/fuse_data.c), directories need no handle. */
static void op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node;
	if (fuse_kernel.no_opendir) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *fi)
{
	(void)node;
	(void)datasync;
	(void)fi;
	fuse_reply_result(req, commit_join(fuse_volume(req)));
}

/* What one readdir request has filled of its reply. */
struct listing {
	fuse_req_t req;
	char *buf;
	size_t len, cap;
};

static int entry_add(void *arg, const struct dir_entry *entry)
{
	struct listing *l = arg;
	struct stat st = { .st_ino = entry->ino, .st_mode = DTTOIF(entry->type) };
	size_t n = fuse_add_direntry(l->req, l->buf + l->len, l->cap - l->len, entry->name, &st,
				     (off_t)entry->cookie);

	if (n > l->cap - l->len)
		return 1;
	l->len += n;
	return 0;
}

static int listing_read(struct inode *dir, off_t cookie, int (*fn)(void *arg, const struct dir_entry *entry),
			void *arg)
{
	int r = dir_read(dir, (uint64_t)cookie, fn, arg);

	if (r == 0 && cookie == 0)
		attr_accessed(dir);
	inode_put(dir, 1);
	return r;
}

static void op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t cookie, struct fuse_file_info *fi)
{
	struct listing l = { .req = req, .buf = fuse_buffer(req, size), .cap = size };
	struct inode *dir;
	int r;

	(void)fi;
	if (!l.buf)
		return;
	dir = fuse_inode(req, node);
	if (!dir)
		return;
	r = listing_read(dir, cookie, entry_add, &l);
	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, l.buf, l.len);
}

/*
 * With attributes: names are collected first, for inodes may not be loaded inside dir_read. They stand in the
 * second half of the thread's buffer; a name takes less room there than its entry takes in the reply.
 */
struct collected {
	uint64_t ino, cookie;
	uint8_t type;
	uint8_t sent;     /* the kernel counts a lookup for it */
	uint16_t len;     /* of the name, with its NUL         */
	char name[];
};

struct collection {
	fuse_req_t req;
	uint8_t *bytes;
	size_t len, reply_len, reply_cap;
};

static size_t collected_size(size_t name_len)
{
	return (sizeof(struct collected) + name_len + 7) & ~(size_t)7;
}

static int entry_collect(void *arg, const struct dir_entry *entry)
{
	struct collection *c = arg;
	struct collected *it = (struct collected *)(c->bytes + c->len);
	size_t n = fuse_add_direntry_plus(c->req, NULL, 0, entry->name, NULL, 0);
	size_t name_len = strlen(entry->name) + 1;

	if (c->reply_len + n > c->reply_cap)
		return 1;
	c->reply_len += n;
	it->ino = entry->ino;
	it->cookie = entry->cookie;
	it->type = entry->type;
	it->sent = 0;
	it->len = (uint16_t)name_len;
	memcpy(it->name, entry->name, name_len);
	c->len += collected_size(name_len);
	return 0;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/*
 * Without a node id the kernel takes the name alone: "." and "..", and what was removed since it was
 * collected.
 */
static void entry_of(fuse_req_t req, struct collected *it, struct fuse_entry_param *entry)
{
	struct inode *inode;

	if (!is_dot(it->name) && inode_get(fuse_volume(req), it->ino, &inode) == 0) {
		fuse_entry_fill(entry, inode);
		it->sent = 1;
		return;
	}
	memset(entry, 0, sizeof *entry);
	entry->attr.st_ino = it->ino;
	entry->attr.st_mode = DTTOIF(it->type);
}

static void lookups_drop(struct volume *vol, uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		struct collected *it = (struct collected *)(bytes + at);
		struct inode *inode;

		if (it->sent && inode_get(vol, it->ino, &inode) == 0)
			inode_put(inode, 2);
		at += collected_size(it->len);
	}
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t cookie,
			   struct fuse_file_info *fi)
{
	size_t half = (size + 7) & ~(size_t)7, len = 0;
	char *buf = fuse_buffer(req, 2 * half);
	struct collection c = { .req = req, .reply_cap = size };
	struct inode *dir;
	int r;

	(void)fi;
	if (!buf)
		return;
	dir = fuse_inode(req, node);
	if (!dir)
		return;
	c.bytes = (uint8_t *)buf + half;
	r = listing_read(dir, cookie, entry_collect, &c);
	if (r) {
		fuse_reply_err(req, -r);
		return;
	}
	for (size_t at = 0; at < c.len;) {
		struct collected *it = (struct collected *)(c.bytes + at);
		struct fuse_entry_param entry;

		entry_of(req, it, &entry);
		len += fuse_add_direntry_plus(req, buf + len, size - len, it->name, &entry,
					      (off_t)it->cookie);
		at += collected_size(it->len);
	}
	if (fuse_reply_buf(req, buf, len))
		lookups_drop(fuse_volume(req), c.bytes, c.len);
}

void fuse_dir_ops(struct fuse_lowlevel_ops *ops)
{
	ops->opendir = op_opendir;
	ops->readdir = op_readdir;
	ops->readdirplus = op_readdirplus;
	ops->fsyncdir = op_fsyncdir;
}
