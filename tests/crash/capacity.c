/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk that fills up: what the store's files take is measured before each write. */
#include "tests/crash/capacity.h"

#undef _FORTIFY_SOURCE
#include <assert.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/crash/record.h"

#define BLOCK 4096u

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[512]; /* "": no limit; guarded by mutex, as what follows */
static uint64_t limit, capacity, sum;

static int add(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (type == FTW_F)
		sum += (uint64_t)st->st_blocks * 512;
	return 0;
}

static uint64_t used(void)
{
	sum = 0;
	(void)nftw(root, add, 16, FTW_PHYS); /* a file that goes meanwhile takes nothing */
	return sum;
}

void capacity_limit(const char *store, uint64_t room, uint64_t total)
{
	pthread_mutex_lock(&mutex);
	snprintf(root, sizeof root, "%s", total > 0 ? store : "");
	capacity = total;
	if (total > 0)
		limit = used() + room;
	pthread_mutex_unlock(&mutex);
}

/* How many of len bytes at this offset find room: all of them inside the file. */
static size_t fits(int fd, uint64_t offset, size_t len)
{
	struct stat st;
	uint64_t end, now;

	if (fstat(fd, &st) < 0)
		abort();
	end = ((uint64_t)st.st_size + BLOCK - 1) / BLOCK * BLOCK;
	if (offset + len <= end)
		return len;
	now = used();
	end += now < limit ? (limit - now) / BLOCK * BLOCK : 0;
	return offset >= end ? 0 : offset + len <= end ? len : (size_t)(end - offset);
}

int capacity_cut(int fd, uint64_t offset, const struct iovec *iov, int n, struct iovec out[CAPACITY_PIECES])
{
	size_t len = 0, left;
	int i = 0;

	if (n > CAPACITY_PIECES)
		abort();
	for (i = 0; i < n; i++) {
		out[i] = iov[i];
		len += iov[i].iov_len;
	}
	pthread_mutex_lock(&mutex);
	left = *root && record_is_file(fd) ? fits(fd, offset, len) : len;
	pthread_mutex_unlock(&mutex);
	if (left == 0 && len > 0)
		return -1;
	for (i = 0; i < n && left > 0; i++) {
		out[i].iov_len = out[i].iov_len < left ? out[i].iov_len : left;
		left -= out[i].iov_len;
	}
	return i;
}

static int statvfs_of(int fd, struct statvfs *out)
{
	struct statfs st;

	if (syscall(SYS_fstatfs, fd, &st) < 0)
		return -1;
	*out = (struct statvfs){
		.f_bsize = (unsigned long)st.f_bsize, .f_frsize = (unsigned long)(st.f_frsize ? st.f_frsize : st.f_bsize),
		.f_blocks = st.f_blocks, .f_bfree = st.f_bfree, .f_bavail = st.f_bavail, .f_files = st.f_files,
		.f_ffree = st.f_ffree, .f_favail = st.f_ffree, .f_namemax = (unsigned long)st.f_namelen,
	};
	pthread_mutex_lock(&mutex);
	if (*root) {
		uint64_t now = used();

		out->f_bsize = out->f_frsize = BLOCK;
		out->f_blocks = capacity / BLOCK;
		out->f_bfree = out->f_bavail = now < limit ? (limit - now) / BLOCK : 0;
	}
	pthread_mutex_unlock(&mutex);
	return 0;
}

int fstatvfs(int fd, struct statvfs *out)
{
	return statvfs_of(fd, out);
}

int fstatvfs64(int fd, struct statvfs64 *out)
{
	static_assert(sizeof(struct statvfs64) == sizeof(struct statvfs), "64-bit systems have one of them");
	return statvfs_of(fd, (struct statvfs *)out);
}
