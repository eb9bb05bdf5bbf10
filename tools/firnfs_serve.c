/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's life: opens the volume, mounts, serves the kernel's requests, unmounts on a signal, closes.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse_log.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "fs/data/commit.h"
#include "fs/fuse/fuse.h"
#include "fs/store/volume_open.h"
#include "tools/firnfs.h"
#include "tools/firnfs_metrics.h"

#define THREADS_MAX 16
#define DIRTY_PERCENT 10

/* The last line that libfuse said, kept while mounting; later lines go to stderr or syslog. */
static char said[512];
static bool keep_said, to_syslog;

__attribute__((format(printf, 2, 0))) static void log_line(enum fuse_log_level level, const char *format,
							   va_list ap)
{
	if (keep_said && level != FUSE_LOG_DEBUG) {
		vsnprintf(said, sizeof said, format, ap);
		said[strcspn(said, "\n")] = '\0';
	} else if (to_syslog) {
		vsyslog((int)level, format, ap);
	} else {
		vfprintf(stderr, format, ap);
	}
}

static void complain(const char *store, const char *what, int r)
{
	if (to_syslog)
		syslog(LOG_ERR, "%s: %s: %s", store, what, strerror(-r));
	else
		fprintf(stderr, "firnfs: %s: %s: %s\n", store, what, strerror(-r));
}

void firnfs_log_damage(void *arg, uint64_t ino, uint32_t chunk, const char *path)
{
	const char *mountpoint = arg;

	fuse_log(FUSE_LOG_ERR, "firnfs: %s%s: inode %llu: chunk %lu is damaged; reading it is an I/O error\n", mountpoint, path,
		 (unsigned long long)ino, (unsigned long)chunk);
}

static int session_args(const struct firnfs_options *o, const struct volume *vol, struct fuse_args *args)
{
	char *list = NULL, *name = NULL;
	int r = 0;

	/* As given, so that whoever mounted it finds it again; but a relative path means nothing to others. */
	if (asprintf(&name, "fsname=%s", o->name ? o->name : o->store[0] == '/' ? o->store : vol->path) < 0)
		return -ENOMEM;
	r |= fuse_opt_add_opt(&list, "default_permissions,subtype=firn");
	r |= fuse_opt_add_opt_escaped(&list, name);
	if (vol->readonly)
		r |= fuse_opt_add_opt(&list, "ro");
	if (o->volume.atime == ATIME_NOATIME)
		r |= fuse_opt_add_opt(&list, "noatime");
	for (unsigned i = 0; i < o->passed_count; i++)
		r |= fuse_opt_add_opt(&list, o->passed[i]);
	r |= fuse_opt_add_arg(args, "firnfs");
	r |= fuse_opt_add_arg(args, "-o");
	r |= fuse_opt_add_arg(args, list ? list : "");
	if (o->debug)
		r |= fuse_opt_add_arg(args, "-d");
	free(list);
	free(name);
	return r ? -ENOMEM : 0;
}

/* A mounted session or NULL; then `said` tells why. */
static struct fuse_session *session_mount(const struct firnfs_options *o, struct volume *vol)
{
	const struct fuse_lowlevel_ops *ops = fuse_ops();
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *se = NULL;

	fuse_set_log_func(log_line);
	keep_said = true;
	if (ops && session_args(o, vol, &args) == 0)
		se = fuse_session_new(&args, ops, sizeof *ops, vol);
	fuse_opt_free_args(&args);
	if (se && fuse_session_mount(se, o->mountpoint)) {
		fuse_session_destroy(se);
		se = NULL;
	}
	keep_said = false;
	return se;
}

/*
 * Root lets the kernel gather more dirty pages for this mount than the hundredth that it grants a FUSE server, at which writers
 * wait long before the disk is busy. Who may not do that has the hundredth.
 */
static void dirty_ratio_raise(const char *mountpoint)
{
	char path[64];
	struct statx st;
	FILE *f;

	/* Nobody serves requests yet: only what the kernel knows is asked for. */
	if (statx(AT_FDCWD, mountpoint, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_TYPE, &st))
		return;
	snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/max_ratio", st.stx_dev_major, st.stx_dev_minor);
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f, "%d\n", DIRTY_PERCENT);
	fclose(f);
}

/* What the thread that waits for signals needs. */
struct stopper {
	const struct firnfs_options *o;
	struct volume *vol;
	struct fuse_session *se;
	pthread_t server;
};

static int unmount(const char *mountpoint, bool lazy)
{
	char *argv[] = { "fusermount3", "-u", "-q", "-z", (char *)mountpoint, NULL };
	int status;
	pid_t pid;

	if (umount2(mountpoint, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	if (!lazy) {
		argv[3] = argv[4];
		argv[4] = NULL;
	}
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) || waitpid(pid, &status, 0) < 0)
		return -EPERM;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY;
}

/*
 * The first signal unmounts as umount(8) would, which brings out what the kernel still holds; a mount in use
 * is detached, and served until its last user has gone. The second signal ends the daemon at once.
 */
static void *stopper_run(void *arg)
{
	struct stopper *s = arg;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigwait(&set, &sig);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	if (unmount(s->o->mountpoint, false)) {
		volume_commit(s->vol); /* an error shows again when the volume is closed */
		unmount(s->o->mountpoint, true);
	}
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	sigwait(&set, &sig);
	fuse_session_exit(s->se);
	pthread_kill(s->server, SIGUSR1);
	return NULL;
}

static void wake(int sig)
{
	(void)sig;
}

static int session_loop(struct stopper *s)
{
	struct sigaction action = { .sa_handler = wake };
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	pthread_t thread;
	int r;

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
	fuse_loop_cfg_set_idle_threads(config, THREADS_MAX);
	sigaction(SIGUSR1, &action, NULL);
	s->server = pthread_self();
	r = -pthread_create(&thread, NULL, stopper_run, s);
	if (r == 0) {
		r = fuse_session_loop_mt(s->se, config);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	fuse_loop_cfg_destroy(config);
	return r < 0 ? r : 0;
}

/* Leaves the terminal and the directory that it was started from. */
static void detach(void)
{
	int fd = open("/dev/null", O_RDWR);

	openlog("firnfs", LOG_PID, LOG_DAEMON);
	to_syslog = true;
	if (chdir("/") || fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* All threads but the stopper leave these signals alone. */
static void signals_block(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int volume_end(const struct firnfs_options *o, struct volume *vol, int status)
{
	int r = volume_close(vol);

	if (r == 0)
		return status;
	complain(o->store, "the last changes are lost", r);
	return FIRNFS_SYSTEM;
}

static const char *metrics_why(int r)
{
	if (r == -EINVAL)
		return "cannot write metrics into the mount itself";
	if (r == -EADDRINUSE)
		return "somebody else answers on this socket";
	return r == -EEXIST ? "neither a file nor a socket" : strerror(-r);
}

int firnfs_serve(const struct firnfs_options *o, struct volume *vol, struct firnfs_report *report)
{
	struct stopper stopper = { .o = o, .vol = vol };
	struct metrics_server *metrics = NULL;
	struct volume_error err = { "" };
	int r;

	signals_block();
	r = volume_open_locked(vol, &err);
	if (r == 0 && !vol->readonly)
		r = compactor_create(vol, &o->compactor);
	if (r) {
		firnfs_report_failed(report, o->store, err.text[0] ? err.text : strerror(-r));
		volume_close(vol);
		return FIRNFS_MOUNT;
	}
	r = o->metrics ? metrics_start(vol, o->metrics, o->mountpoint, &metrics) : 0;
	stopper.se = r ? NULL : session_mount(o, vol);
	if (!stopper.se) {
		metrics_stop(metrics);
		volume_end(o, vol, FIRNFS_MOUNT); /* whoever hears of the failure finds the store free */
		firnfs_report_failed(report, r ? o->metrics : o->dir, r ? metrics_why(r) : said[0] ? said : "cannot mount");
		return FIRNFS_MOUNT;
	}
	fuse_ops_session(stopper.se);
	dirty_ratio_raise(o->mountpoint);
	if (!o->foreground)
		detach();
	firnfs_report_mounted(report);
	r = session_loop(&stopper);
	if (r)
		complain(o->store, "serving requests", r);
	fuse_session_unmount(stopper.se);
	fuse_session_destroy(stopper.se);
	metrics_stop(metrics);
	return volume_end(o, vol, r ? FIRNFS_SYSTEM : 0);
}
