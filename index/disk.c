/* SPDX-License-Identifier: BSD-2-Clause */
/* Segment files as files of the local file system. */
#include "index/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_create(int dirfd, const char *name, int *fd)
{
	*fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *fd < 0 ? -errno : 0;
}

int disk_open(int dirfd, const char *name, bool write, int *fd)
{
	*fd = openat(dirfd, name, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return *fd < 0 ? -errno : 0;
}

void disk_close(int fd)
{
	close(fd);
}

/* Moves the pieces past the first `done` bytes; returns false when nothing is left. */
static bool advance(struct iovec *iov, int n, size_t done)
{
	bool left = false;
	size_t step;
	int i;

	for (i = 0; i < n; i++) {
		step = done < iov[i].iov_len ? done : iov[i].iov_len;
		iov[i].iov_base = (char *) iov[i].iov_base + step;
		iov[i].iov_len -= step;
		done -= step;
		left |= iov[i].iov_len > 0;
	}
	return left;
}

static int transfer(int fd, const struct iovec *iov, int n, uint64_t offset,
		    ssize_t (*call)(int, const struct iovec *, int, off_t))
{
	struct iovec left[2];
	ssize_t done = 0;

	if (n < 0 || n > 2)
		return -EINVAL;
	memcpy(left, iov, (size_t) n * sizeof *iov);
	while (advance(left, n, (size_t) done)) {
		offset += (uint64_t) done;
		done = call(fd, left, n, (off_t) offset);
		if (done == 0)
			return -EIO;
		if (done < 0) {
			if (errno != EINTR)
				return -errno;
			done = 0;
		}
	}
	return 0;
}

int disk_append(int fd, const struct iovec *iov, int n, uint64_t offset)
{
	return transfer(fd, iov, n, offset, pwritev);
}

int disk_read(int fd, const struct iovec *iov, int n, uint64_t offset)
{
	return transfer(fd, iov, n, offset, preadv);
}

int disk_sync(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}

int disk_truncate(int fd, uint64_t length)
{
	return ftruncate(fd, (off_t) length) < 0 ? -errno : 0;
}

int disk_punch(int fd, uint64_t offset, uint64_t length)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) offset, (off_t) length) < 0 ? -errno : 0;
}

int disk_size(int fd, uint64_t *bytes, uint64_t *allocated)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*bytes = (uint64_t) st.st_size;
	if (allocated)
		*allocated = (uint64_t) st.st_blocks * 512;
	return 0;
}

int disk_unlink(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) < 0 ? -errno : 0;
}

int disk_dirsync(int dirfd)
{
	return fsync(dirfd) < 0 ? -errno : 0;
}

int disk_list(int dirfd, int (*fn)(void *arg, const char *name), void *arg)
{
	struct dirent *e;
	DIR *dir;
	int fd, rc = 0;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while (rc == 0) {
		errno = 0;
		e = readdir(dir);
		if (!e) {
			rc = -errno;
			break;
		}
		rc = fn(arg, e->d_name);
	}
	closedir(dir);
	return rc;
}
