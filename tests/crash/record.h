/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recorder: what the stand-ins of libc.c tell it about files below one directory becomes a log. While it records, syncs cost
 * nothing: a crash is played, not waited for.
 */
#ifndef FIRN_TESTS_CRASH_RECORD_H
#define FIRN_TESTS_CRASH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/crash/log.h"

/* Begins with the store that stands at root (absolute, no symlinks in it); what follows goes to the file log_fd. 0 or -errno. */
int record_start(const char *root, int log_fd);
void record_stop(void);

/* An entry that is no call: LOG_MAYBE and what follows it. */
void record_mark(enum log_type type, uint64_t value);
void record_mark_file(enum log_type type, uint64_t ino, uint64_t value);

/* For libc.c. All but the last between record_lock and record_unlock, around the call that they describe. */
void record_lock(void);
void record_unlock(void);
bool record_path(int dirfd, const char *path, char name[LOG_NAME]); /* whether it is in the store, and its name there */
bool record_is_file(int fd); /* a regular file of the store, while recording */
bool record_exists(const char *name);
void record_opened(int fd, int flags, const char *name, bool created);
void record_name(enum log_type type, const char *name);
void record_rename(const char *from, const char *to);
void record_write(int fd, const void *bytes, size_t len, uint64_t offset);
void record_file(enum log_type type, int fd, uint64_t offset, uint64_t value);
bool record_synced(int fd); /* true: the sync of this descriptor is in the log and need not be made */
void record_closed(int fd);

#endif
