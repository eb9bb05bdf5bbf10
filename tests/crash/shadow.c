/* SPDX-License-Identifier: BSD-2-Clause */
/* What a volume should hold. Nothing here takes memory: the volume's own calls are made to fail meanwhile. */
#include "tests/crash/shadow.h"

#include <errno.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "tests/crash/replay.h"

static uint8_t buffer[SHADOW_LEN + 1];

int shadow_write(struct shadow *s, struct work *w, unsigned i, const char *path, size_t offset, size_t len)
{
	struct shadow_file *f = &s->files[i];
	struct inode *inode;
	ssize_t n;
	int r = f->path ? 0 : work_make(w, path, S_IFREG | 0644);

	for (size_t k = 0; k < len; k++)
		buffer[k] = (uint8_t)(k % 3 ? k / 100 : replay_random(&w->random));
	if (r)
		return r;
	f->path = path;
	f->kept = false;
	r = work_lookup(w, path, &inode);
	if (r)
		return r;
	n = file_write(inode, buffer, len, offset, false);
	inode_put(inode, 1);
	if (n < 0)
		return (int)n;
	if (offset > f->len)
		memset(f->bytes + f->len, 0, offset - f->len);
	memcpy(f->bytes + offset, buffer, len);
	f->len = offset + len > f->len ? offset + len : f->len;
	return 0;
}

int shadow_truncate(struct shadow *s, struct work *w, unsigned i, size_t len)
{
	struct shadow_file *f = &s->files[i];
	int r = f->path ? work_truncate(w, f->path, len) : -ENOENT;

	f->kept = false;
	if (r)
		return r;
	if (len > f->len)
		memset(f->bytes + f->len, 0, len - f->len);
	f->len = len;
	return 0;
}

int shadow_rename(struct shadow *s, struct work *w, unsigned i, const char *to, unsigned over)
{
	struct shadow_file *f = &s->files[i];
	int r = f->path ? work_rename(w, f->path, to) : -ENOENT;

	if (r)
		return r;
	s->files[over].path = NULL;
	s->files[over].len = 0;
	f->path = to;
	f->kept = false;
	return 0;
}

int shadow_unlink(struct shadow *s, struct work *w, unsigned i)
{
	struct shadow_file *f = &s->files[i];
	int r = f->path ? work_unlink(w, f->path) : -ENOENT;

	if (r)
		return r;
	f->path = NULL;
	f->len = 0;
	f->kept = false;
	return 0;
}

int shadow_fsync(struct shadow *s, struct work *w, unsigned i)
{
	struct inode *inode;
	int r;

	if (!s->files[i].path)
		return -ENOENT;
	r = work_lookup(w, s->files[i].path, &inode);
	if (r)
		return r;
	r = file_sync(inode);
	inode_put(inode, 1);
	s->files[i].kept |= r == 0;
	return r;
}

int shadow_commit(struct shadow *s, struct work *w)
{
	int r = volume_commit(w->vol);

	for (unsigned i = 0; i < SHADOW_FILES; i++)
		s->files[i].kept |= r == 0;
	return r;
}

int shadow_read(const struct shadow *s, struct work *w, unsigned i)
{
	const struct shadow_file *f = &s->files[i];
	struct inode *inode;
	ssize_t n;
	int r;

	if (!f->path)
		return 0;
	r = work_lookup(w, f->path, &inode);
	if (r)
		return r;
	n = file_read(inode, buffer, sizeof buffer, 0);
	inode_put(inode, 1);
	if (n < 0)
		return (int)n;
	return (size_t)n == f->len && memcmp(buffer, f->bytes, f->len) == 0 ? 0 : -EBADMSG;
}
