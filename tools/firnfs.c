/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firnfs: mounts a store. The process in the foreground returns when the file system is mounted, or says in
 * one line why it is not.
 */
#include "tools/firnfs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/volume_open.h"

static int fail(const char *path, const char *why, int r)
{
	fprintf(stderr, "firnfs: %s: %s\n", path, why[0] ? why : strerror(-r));
	return FIRNFS_MOUNT;
}

static void report_send(struct firnfs_report *report, const char *text)
{
	size_t len = strlen(text) + 1;

	while (len > 0) {
		ssize_t n = write(report->fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* nobody listens any more */
		text += n;
		len -= (size_t)n;
	}
	close(report->fd);
	report->fd = -1;
}

void firnfs_report_mounted(struct firnfs_report *report)
{
	if (report->fd >= 0)
		report_send(report, "");
}

void firnfs_report_failed(struct firnfs_report *report, const char *what, const char *why)
{
	char line[1024];

	snprintf(line, sizeof line, "firnfs: %s: %s", what, why);
	if (report->fd >= 0)
		report_send(report, line);
	else
		fprintf(stderr, "%s\n", line);
}

/*
 * What the daemon says: an empty line of text when mounted, a message when not, nothing at all when it died.
 * Exit status.
 */
static int report_wait(int fd, const char *store)
{
	char line[1024];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof line - 1) {
		n = read(fd, line + len, sizeof line - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	line[len] = '\0';
	if (len == 1 && line[0] == '\0')
		return 0;
	if (len == 0)
		return fail(store, "the daemon died before it had mounted", 0);
	fprintf(stderr, "%s\n", line);
	return FIRNFS_MOUNT;
}

/*
 * The store is locked before forking, so that the lock and its failure are the foreground's; index and
 * threads come after.
 */
static int daemonize(const struct firnfs_options *o, struct volume *vol)
{
	struct firnfs_report report;
	int ends[2], status;
	pid_t pid;

	if (pipe(ends))
		return fail(o->store, "", -errno);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return fail(o->store, "", -errno);
	if (pid == 0) {
		close(ends[0]);
		signal(SIGPIPE, SIG_IGN);
		setsid();
		report.fd = ends[1];
		_exit(firnfs_serve(o, vol, &report));
	}
	close(ends[1]);
	status = report_wait(ends[0], o->store);
	close(ends[0]);
	volume_close(vol); /* this process's half of it: the lock stays the daemon's */
	return status;
}

static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int mountpoint_find(struct firnfs_options *o)
{
	struct stat st;

	if (!realpath(o->dir, o->mountpoint) || stat(o->mountpoint, &st))
		return fail(o->dir, "", -errno);
	return S_ISDIR(st.st_mode) ? 0 : fail(o->dir, "", -ENOTDIR);
}

int main(int argc, char **argv)
{
	static struct firnfs_options o;
	struct firnfs_report nobody = { .fd = -1 };
	struct volume_error err = { "" };
	struct volume *vol;
	int r;

	if (firnfs_umount_called(argv[0]))
		return firnfs_umount(argc, argv);
	volume_options_init(&o.volume);
	compactor_options_init(&o.compactor);
	o.volume.hot = HOT_AUTO;
	r = firnfs_helper_called(argv[0]) ? firnfs_helper(argc, argv, &o) : firnfs_arguments(argc, argv, &o);
	if (r >= 0)
		return r;
	if (o.source) {
		o.name = o.store;
		o.store = o.source;
	}
	if (o.volume.hot == HOT_AUTO && !o.compactor.automatic)
		o.volume.hot = HOT_LZ4; /* nobody would come later to compress it */
	r = mountpoint_find(&o);
	if (r)
		return r;
	descriptors_raise();
	o.volume.role = "firnfs";
	o.volume.mountpoint = o.mountpoint;
	o.volume.damaged = firnfs_log_damage;
	o.volume.damaged_arg = (void *)o.mountpoint;
	r = volume_lock(o.store, &o.volume, &vol, &err);
	if (r)
		return fail(o.store, err.text, r);
	return o.foreground ? firnfs_serve(&o, vol, &nobody) : daemonize(&o, vol);
}
