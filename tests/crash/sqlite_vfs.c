/* SPDX-License-Identifier: BSD-2-Clause */
/* SQLite on a volume. Nobody else opens the database, so locks are given to all; a log is used in exclusive mode, without shared memory. */
#include "tests/crash/sqlite_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/names/attr.h"
#include "fs/names/dir.h"

struct handle {
	sqlite3_file base;
	struct inode *inode;
	bool remove; /* when it is closed */
	char name[64];
};

static struct volume *volume;

static struct inode *root(void)
{
	struct inode *dir;

	if (inode_get(volume, INO_ROOT, &dir))
		abort();
	return dir;
}

static int h_close(sqlite3_file *file)
{
	struct handle *h = (struct handle *)file;
	struct inode *dir = root();

	inode_put(h->inode, 1);
	if (h->remove)
		(void)dir_unlink(dir, h->name);
	inode_put(dir, 1);
	return SQLITE_OK;
}

static int h_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
	ssize_t n = file_read(((struct handle *)file)->inode, bytes, (size_t)len, (uint64_t)at);

	if (n < 0)
		return SQLITE_IOERR_READ;
	memset((char *)bytes + n, 0, (size_t)(len - n));
	return n == len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int h_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
	return file_write(((struct handle *)file)->inode, bytes, (size_t)len, (uint64_t)at, false) == len ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

static int h_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	const struct inode_attr to = { .size = (uint64_t)size };

	return attr_set(((struct handle *)file)->inode, ATTR_SIZE, &to) ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int h_sync(sqlite3_file *file, int flags)
{
	(void)flags;
	return file_sync(((struct handle *)file)->inode) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int h_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct stat st;

	inode_stat(((struct handle *)file)->inode, &st);
	*size = st.st_size;
	return SQLITE_OK;
}

static int h_lock(sqlite3_file *file, int level)
{
	(void)file;
	(void)level;
	return SQLITE_OK;
}

static int h_reserved(sqlite3_file *file, int *out)
{
	(void)file;
	*out = 0;
	return SQLITE_OK;
}

static int h_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int h_sector(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

/* None: a write may be torn, a file longer without its bytes. */
static int h_promises(sqlite3_file *file)
{
	(void)file;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, .xClose = h_close, .xRead = h_read, .xWrite = h_write, .xTruncate = h_truncate, .xSync = h_sync,
	.xFileSize = h_size, .xLock = h_lock, .xUnlock = h_lock, .xCheckReservedLock = h_reserved, .xFileControl = h_control,
	.xSectorSize = h_sector, .xDeviceCharacteristics = h_promises,
};

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
	const struct dir_new what = { .mode = S_IFREG | 0644, .uid = 1, .gid = 2 };
	struct handle *h = (struct handle *)file;
	struct inode *dir = root();
	int r;

	(void)vfs;
	memset(h, 0, sizeof *h);
	if (!name)
		abort(); /* temporary files are to be kept in memory */
	snprintf(h->name, sizeof h->name, "%s", name);
	r = dir_lookup(dir, name, &h->inode);
	if (r == -ENOENT && (flags & SQLITE_OPEN_CREATE))
		r = dir_make(dir, name, &what, &h->inode);
	inode_put(dir, 1);
	if (r)
		return SQLITE_CANTOPEN;
	h->base.pMethods = &methods;
	h->remove = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
	if (got)
		*got = flags;
	return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct inode *dir = root();
	int r = dir_unlink(dir, name);

	(void)vfs;
	inode_put(dir, 1);
	if (r == -ENOENT)
		return SQLITE_IOERR_DELETE_NOENT;
	if (r == 0 && sync) /* fsync of the directory */
		r = volume_commit(volume);
	return r ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

static int v_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct inode *dir = root(), *inode;

	(void)vfs;
	(void)flags;
	*out = dir_lookup(dir, name, &inode) == 0;
	if (*out)
		inode_put(inode, 1);
	inode_put(dir, 1);
	return SQLITE_OK;
}

static int v_path(sqlite3_vfs *vfs, const char *name, int len, char *out)
{
	(void)vfs;
	snprintf(out, (size_t)len, "%s", name);
	return SQLITE_OK;
}

static int v_random(sqlite3_vfs *vfs, int len, char *out)
{
	(void)vfs;
	memset(out, 7, (size_t)len);
	return len;
}

static int v_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static int v_time(sqlite3_vfs *vfs, double *days)
{
	(void)vfs;
	*days = 2460000.5;
	return SQLITE_OK;
}

void sqlite_vfs_use(struct volume *vol)
{
	static sqlite3_vfs vfs = {
		.iVersion = 1, .szOsFile = sizeof(struct handle), .mxPathname = 60, .zName = "firn", .xOpen = v_open,
		.xDelete = v_delete, .xAccess = v_access, .xFullPathname = v_path, .xRandomness = v_random, .xSleep = v_sleep,
		.xCurrentTime = v_time,
	};

	volume = vol;
	if (!sqlite3_vfs_find("firn") && sqlite3_vfs_register(&vfs, 0))
		abort();
}
