/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder: which descriptor is which file of the store, and the log. */
#include "tests/crash/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS 4096
#define FILES 4096

enum kind { KIND_OTHER, KIND_FILE, KIND_DIR };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool recording;
static int log_fd = -1;
static char root[512];
static size_t root_len;

static struct {
	enum kind kind;
	int file;
	bool dsync;
	char dir[LOG_NAME];
} fds[FDS];

/* Names that are there now, by number of the file; directories have none. */
static struct {
	char name[LOG_NAME];
	bool there;
} files[FILES];
static int n_files;

/* Locks of a dead process hold nobody up, and their files' bytes mean nothing. */
static bool is_lock(const char *name)
{
	return strcmp(name, "lock") == 0 || strcmp(name, "index.mdb-lock") == 0 || strcmp(name, "index.mdb.new-lock") == 0 ||
	       strcmp(name, "rebuild/index.mdb-lock") == 0;
}

static void name_set(char to[LOG_NAME], const char *name)
{
	size_t len = strlen(name);

	if (len >= LOG_NAME)
		abort();
	memcpy(to, name, len + 1);
}

static void put_all(const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len > 0) {
		long n = syscall(SYS_write, log_fd, p, len);

		if (n <= 0)
			abort(); /* a log with holes would prove nothing */
		p += n;
		len -= (size_t)n;
	}
}

static void put(const struct log_entry *e, const void *bytes)
{
	put_all(e, sizeof *e);
	if (e->bytes > 0)
		put_all(bytes, e->bytes);
}

static int find(const char *name)
{
	for (int i = n_files; i-- > 0;)
		if (files[i].there && strcmp(files[i].name, name) == 0)
			return i;
	return -1;
}

static int add(const char *name)
{
	if (n_files == FILES)
		abort();
	name_set(files[n_files].name, name);
	files[n_files].there = true;
	return n_files++;
}

static int snapshot_file(const char *path, const char *name)
{
	struct log_entry e = { .type = LOG_FILE };
	struct stat st;
	char *bytes;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !(bytes = malloc((size_t)st.st_size + 1))) {
		syscall(SYS_close, fd);
		return -ENOMEM;
	}
	if (pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
		r = -EIO;
	name_set(e.name, name);
	e.file = add(name);
	e.bytes = (uint64_t)st.st_size;
	if (r == 0)
		put(&e, bytes);
	free(bytes);
	syscall(SYS_close, fd);
	return r;
}

static int snapshot_dir(const char *path, const char *name)
{
	struct log_entry e = { .type = LOG_DIR };
	DIR *dir = opendir(path);
	struct dirent *de;
	int r = 0;

	if (!dir)
		return -errno;
	name_set(e.name, name);
	put(&e, NULL);
	while (r == 0 && (de = readdir(dir))) {
		char sub[LOG_NAME * 8], below[1024];

		if (de->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof sub, "%s%s%s", name, *name ? "/" : "", de->d_name);
		snprintf(below, sizeof below, "%s/%s", path, de->d_name);
		if (strlen(sub) >= LOG_NAME)
			r = -ENAMETOOLONG;
		else if (de->d_type == DT_DIR)
			r = snapshot_dir(below, sub);
		else if (!is_lock(sub))
			r = snapshot_file(below, sub);
	}
	closedir(dir);
	return r;
}

int record_start(const char *path, int fd)
{
	int r;

	pthread_mutex_lock(&mutex);
	memset(fds, 0, sizeof fds);
	n_files = 0;
	log_fd = fd;
	root_len = (size_t)snprintf(root, sizeof root, "%s", path);
	r = root_len < sizeof root ? snapshot_dir(path, "") : -ENAMETOOLONG;
	recording = r == 0;
	pthread_mutex_unlock(&mutex);
	return r;
}

void record_stop(void)
{
	pthread_mutex_lock(&mutex);
	recording = false;
	pthread_mutex_unlock(&mutex);
}

void record_mark_file(enum log_type type, uint64_t ino, uint64_t value)
{
	struct log_entry e = { .type = type, .offset = ino, .value = value };

	pthread_mutex_lock(&mutex);
	if (recording)
		put(&e, NULL);
	pthread_mutex_unlock(&mutex);
}

void record_mark(enum log_type type, uint64_t value)
{
	record_mark_file(type, 0, value);
}

void record_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void record_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

bool record_path(int dirfd, const char *path, char name[LOG_NAME])
{
	const char *dir = "";

	if (!recording)
		return false;
	if (path[0] == '/') {
		if (strncmp(path, root, root_len) != 0 || (path[root_len] && path[root_len] != '/'))
			return false;
		path += root_len + (path[root_len] == '/');
	} else {
		if (dirfd < 0 || dirfd >= FDS || fds[dirfd].kind != KIND_DIR)
			return false;
		dir = fds[dirfd].dir;
	}
	if (strcmp(path, ".") == 0)
		path = "";
	if (snprintf(name, LOG_NAME, "%s%s%s", dir, *dir && *path ? "/" : "", path) >= LOG_NAME)
		abort();
	return !is_lock(name);
}

bool record_exists(const char *name)
{
	return find(name) >= 0;
}

void record_opened(int fd, int flags, const char *name, bool created)
{
	struct log_entry e = { .type = LOG_CREATE };
	struct stat st;

	if (fd >= FDS || fstat(fd, &st) < 0)
		abort();
	fds[fd].kind = S_ISDIR(st.st_mode) ? KIND_DIR : KIND_FILE;
	name_set(fds[fd].dir, name);
	if (fds[fd].kind == KIND_DIR)
		return;
	fds[fd].dsync = (flags & O_DSYNC) != 0;
	fds[fd].file = e.file = created ? add(name) : find(name);
	if (e.file < 0)
		abort();
	name_set(e.name, name);
	if (created)
		put(&e, NULL);
	else if (flags & O_TRUNC)
		record_file(LOG_TRUNCATE, fd, 0, 0);
}

void record_name(enum log_type type, const char *name)
{
	struct log_entry e = { .type = type };
	int i = find(name);

	if (!recording)
		return;
	name_set(e.name, name);
	if (type == LOG_UNLINK && i >= 0)
		files[i].there = false;
	put(&e, NULL);
}

void record_rename(const char *from, const char *to)
{
	struct log_entry e = { .type = LOG_RENAME, .file = find(from), .bytes = LOG_NAME };
	char name[LOG_NAME] = "";
	int over = find(to);

	if (e.file < 0)
		abort();
	if (over >= 0)
		files[over].there = false;
	name_set(e.name, from);
	name_set(name, to);
	name_set(files[e.file].name, to);
	put(&e, name);
}

bool record_is_file(int fd)
{
	return recording && fd >= 0 && fd < FDS && fds[fd].kind == KIND_FILE;
}

void record_write(int fd, const void *bytes, size_t len, uint64_t offset)
{
	struct log_entry e = { .type = LOG_WRITE, .offset = offset, .bytes = len };

	if (!record_is_file(fd))
		return;
	e.file = fds[fd].file;
	if (fds[fd].dsync)
		e.type = LOG_DSYNC;
	put(&e, bytes);
}

void record_file(enum log_type type, int fd, uint64_t offset, uint64_t value)
{
	struct log_entry e = { .type = type, .offset = offset, .value = value };

	if (!record_is_file(fd) && !(type == LOG_UNKNOWN && recording && fd >= 0 && fd < FDS && fds[fd].kind == KIND_DIR))
		return;
	e.file = fds[fd].file;
	put(&e, NULL);
}

bool record_synced(int fd)
{
	struct log_entry e = { .type = LOG_SYNCDIR };

	if (record_is_file(fd)) {
		record_file(LOG_SYNC, fd, 0, 0);
		return true;
	}
	if (!recording || fd < 0 || fd >= FDS || fds[fd].kind != KIND_DIR)
		return false;
	name_set(e.name, fds[fd].dir);
	put(&e, NULL);
	return true;
}

void record_closed(int fd)
{
	if (fd >= 0 && fd < FDS)
		fds[fd].kind = KIND_OTHER;
}
