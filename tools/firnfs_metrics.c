/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that answers connections to a socket with the state of the daemon, or writes it to a file now and then.
 *
 * Its directory is opened before the mount and all names are taken from there: the thread never waits for the daemon that it is part of.
 */
#include "tools/firnfs_metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/control/metrics_text.h"

#define FILE_MS 5000
#define CLIENT_MS 1000 /* for a request to come, and for its answer to go */

struct metrics_server {
	struct volume *vol;
	pthread_t thread;
	bool running;
	int dirfd, stopfd, listenfd; /* listenfd -1: a file */
	char name[256], fresh[272];
	dev_t dev; /* of what is at name */
	ino_t ino;
};

static int server_note(struct metrics_server *s)
{
	struct stat st;

	if (fstatat(s->dirfd, s->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

/* Writes all of it: 0, -errno. */
static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, bytes, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		bytes += w;
		n -= (size_t)w;
	}
	return 0;
}

/* The text, malloc'ed. */
static int server_text(struct metrics_server *s, char **text, size_t *len)
{
	FILE *out = open_memstream(text, len);
	int rc;

	if (!out)
		return -ENOMEM;
	rc = metrics_text(s->vol, out);
	if (fclose(out) != 0 && rc == 0)
		rc = -ENOMEM;
	if (rc < 0)
		free(*text);
	return rc;
}

/* What is at name is replaced as a whole. */
static int file_write(struct metrics_server *s)
{
	size_t len;
	char *text;
	int fd, rc = server_text(s, &text, &len);

	if (rc < 0)
		return rc;
	(void)unlinkat(s->dirfd, s->fresh, 0); /* of a daemon that was killed */
	fd = openat(s->dirfd, s->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = fd < 0 ? -errno : write_all(fd, text, len);
	if (fd >= 0)
		close(fd);
	if (rc == 0 && renameat(s->dirfd, s->fresh, s->dirfd, s->name) < 0)
		rc = -errno;
	if (rc < 0 && fd >= 0)
		(void)unlinkat(s->dirfd, s->fresh, 0);
	free(text);
	return rc < 0 ? rc : server_note(s);
}

/* A client that speaks HTTP says so first; others need not say anything. */
static bool client_asks_http(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char request[1024];

	return poll(&wait, 1, CLIENT_MS) == 1 && recv(fd, request, sizeof request, 0) >= 4 && memcmp(request, "GET ", 4) == 0;
}

static void client_answer(struct metrics_server *s, int fd)
{
	static const char http[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n";
	const struct timeval patience = {.tv_sec = CLIENT_MS / 1000};
	bool asks = client_asks_http(fd);
	size_t len;
	char *text;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (server_text(s, &text, &len) < 0)
		return;
	if (!asks || write_all(fd, http, sizeof http - 1) == 0)
		(void)write_all(fd, text, len); /* a client that has gone misses it */
	free(text);
}

static void *server_main(void *arg)
{
	struct metrics_server *s = arg;
	struct pollfd waits[] = {{.fd = s->stopfd, .events = POLLIN}, {.fd = s->listenfd, .events = POLLIN}};

	for (;;) {
		int n = poll(waits, 2, s->listenfd < 0 ? FILE_MS : -1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || waits[0].revents)
			return NULL;
		if (s->listenfd < 0) {
			(void)file_write(s); /* a full disk, say: the next one may succeed */
		} else {
			int fd = accept4(s->listenfd, NULL, NULL, SOCK_CLOEXEC);

			if (fd >= 0) {
				client_answer(s, fd);
				close(fd);
			}
		}
	}
}

/* A socket that nobody answers on is what a killed daemon left. */
static int socket_clear(struct metrics_server *s, const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0)
		rc = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		rc = unlinkat(s->dirfd, s->name, 0) < 0 ? -errno : 0;
	else if (errno != ENOENT)
		rc = -errno;
	close(fd);
	return rc;
}

static int socket_open(struct metrics_server *s)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int rc;

	if ((size_t)snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/%s", s->dirfd, s->name) >= sizeof at.sun_path)
		return -ENAMETOOLONG;
	rc = socket_clear(s, &at);
	if (rc < 0)
		return rc;
	s->listenfd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listenfd < 0 || fchmod(s->listenfd, 0600) < 0 || /* before there is a name: nobody else gets in */
	    bind(s->listenfd, (struct sockaddr *)&at, sizeof at) < 0 || listen(s->listenfd, 8) < 0)
		return -errno;
	return server_note(s);
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static int server_bind(struct metrics_server *s)
{
	struct stat st;
	bool there = fstatat(s->dirfd, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0;

	if (there ? S_ISSOCK(st.st_mode) : ends_in(s->name, ".sock"))
		return socket_open(s);
	return there && !S_ISREG(st.st_mode) ? -EEXIST : file_write(s);
}

/* Opens the directory of the path, which is not to be in the mount, and takes the name from it. */
static int server_place(struct metrics_server *s, const char *path, const char *mountpoint)
{
	char copy[4096], dir[4096];
	const char *name = strrchr(path, '/');
	size_t len = strlen(mountpoint);

	name = name ? name + 1 : path;
	if (strlen(path) >= sizeof copy || strlen(name) >= sizeof s->name)
		return -ENAMETOOLONG;
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EISDIR;
	snprintf(s->name, sizeof s->name, "%s", name);
	snprintf(s->fresh, sizeof s->fresh, ".%s.new", name);
	snprintf(copy, sizeof copy, "%s", path);
	if (!realpath(dirname(copy), dir))
		return -errno;
	if (strncmp(dir, mountpoint, len) == 0 && (dir[len] == '/' || dir[len] == '\0'))
		return -EINVAL;
	s->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->dirfd < 0 ? -errno : 0;
}

int metrics_start(struct volume *vol, const char *path, const char *mountpoint, struct metrics_server **out)
{
	struct metrics_server *s = calloc(1, sizeof *s);
	int rc;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->vol = vol;
	s->dirfd = s->listenfd = -1;
	s->stopfd = eventfd(0, EFD_CLOEXEC);
	rc = s->stopfd < 0 ? -errno : server_place(s, path, mountpoint);
	if (rc == 0)
		rc = server_bind(s);
	if (rc == 0)
		rc = -pthread_create(&s->thread, NULL, server_main, s);
	s->running = rc == 0;
	if (rc < 0)
		metrics_stop(s);
	else
		*out = s;
	return rc;
}

/* Only if it is still what this server put there. */
static void server_unlink(struct metrics_server *s)
{
	struct stat st;

	if (s->ino != 0 && fstatat(s->dirfd, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlinkat(s->dirfd, s->name, 0);
}

void metrics_stop(struct metrics_server *s)
{
	const uint64_t one = 1;

	if (!s)
		return;
	if (s->running) {
		(void)!write(s->stopfd, &one, sizeof one);
		pthread_join(s->thread, NULL);
	}
	server_unlink(s);
	if (s->listenfd >= 0)
		close(s->listenfd);
	if (s->dirfd >= 0)
		close(s->dirfd);
	if (s->stopfd >= 0)
		close(s->stopfd);
	free(s);
}
