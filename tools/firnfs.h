/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of firnfs: what was asked for on the command line, and the session that serves it.
 */
#ifndef FIRN_TOOLS_FIRNFS_H
#define FIRN_TOOLS_FIRNFS_H

#include "fs/tiers/compactor.h"
#include "fs/volume/volume.h"

/* Exit status, as mount(8) has them. */
#define FIRNFS_USAGE 1
#define FIRNFS_SYSTEM 2
#define FIRNFS_MOUNT 32

#define FIRNFS_PASSED_MAX 32

struct firnfs_options {
	struct volume_options volume;
	struct compactor_options compactor;
	const char *store;      /* as given             */
	const char *dir;        /* as given             */
	const char *source;     /* the store, when the one on the command line is a name alone; or NULL */
	const char *name;       /* for the table of mounts, or NULL: the store */
	const char *metrics;    /* as given, or NULL    */
	char mountpoint[4096];  /* absolute             */
	bool foreground, debug;
	bool sloppy;            /* pass over options that are not known */
	unsigned passed_count;  /* options for libfuse  */
	const char *passed[FIRNFS_PASSED_MAX];
};

/* Exit status, or -1 to go on. */
int firnfs_arguments(int argc, char **argv, struct firnfs_options *o);

/* Takes a list of mount options apart in place: its words are kept. Exit status, or -1 to go on. */
int firnfs_option_list(struct firnfs_options *o, char *list);

/* Whether this is the helper of mount(8), by the name of the program; then its arguments, likewise. */
bool firnfs_helper_called(const char *program);
int firnfs_helper(int argc, char **argv, struct firnfs_options *o);

/* Likewise for umount(8). Exit status. */
bool firnfs_umount_called(const char *program);
int firnfs_umount(int argc, char **argv);

/*
 * Who waits for the outcome of the mount: the process in the foreground at the other end of a pipe, or (fd
 * -1) nobody, then failures go to stderr. firnfs_report_failed says one line; both close the pipe.
 */
struct firnfs_report {
	int fd;
};
void firnfs_report_mounted(struct firnfs_report *report);
void firnfs_report_failed(struct firnfs_report *report, const char *what, const char *why);

/*
 * Opens the locked volume, mounts it, serves until unmounted, and closes it, whatever happens. Exit status.
 */
int firnfs_serve(const struct firnfs_options *o, struct volume *vol, struct firnfs_report *report);

/* struct volume_options.damaged: a line in the log; arg: the mount point. */
void firnfs_log_damage(void *arg, uint64_t ino, uint32_t chunk, const char *path);

#endif
