/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of random_ops: a thread with its random numbers and its files, the model of a
 * file, and how a difference is reported.
 */
#ifndef FIRN_TESTS_MOUNT_RANDOM_OPS_H
#define FIRN_TESTS_MOUNT_RANDOM_OPS_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THREADS = 3, FILES = 4, TRACE = 60, TRACE_LINE = 100, PAGE = 4096 };

struct file {
	char name[32], trace[TRACE][TRACE_LINE];
	unsigned traced;
	int fd; /* -1: not open                    */
	bool exists;
	uint8_t *bytes; /* max_size; zero behind size      */
	size_t size;
};

struct tester {
	pthread_t thread;
	uint64_t random;
	unsigned number;
	unsigned long done;
	uint8_t *buf; /* max_size */
	struct file files[FILES];
};

/* What this file system cannot do: noted once, never passed over in silence. */
enum lack { LACK_PUNCH, LACK_ZERO, LACK_COPY, LACK_EXCHANGE, LACK_DIRECT, LACK_DROP, LACKS };

/* Of the whole run, set before the threads start. */
extern const char *random_dir;
extern unsigned long long random_seed;
extern size_t random_max_size;
extern int random_direct; /* O_DIRECT, or 0 where that wants aligned buffers */

uint64_t random_draw(struct tester *t, uint64_t below);
/* An offset: anywhere up to limit, near its end, or near a border of a chunk or page. */
size_t random_place(struct tester *t, size_t limit);
size_t random_length(struct tester *t, size_t most);
/* len bytes to t->buf: noise, text of a small vocabulary, or zeros. */
void random_fill(struct tester *t, size_t len);

/* Notes an operation before it is done. */
void random_trace(struct file *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reports the seed, errno and what was done to the file last, and ends the program. */
void random_die(struct tester *t, struct file *f, const char *what) __attribute__((noreturn));
void random_differ(struct tester *t, struct file *f, const uint8_t *got, size_t off, size_t len);
void random_lack(enum lack what);

void random_path(const char *under, const struct file *f, char path[PATH_MAX]);
void random_open(struct tester *t, struct file *f, int flags);
void random_close(struct tester *t, struct file *f);

/* Reads and compares, at the end of the file too; fd is any descriptor of the file. */
void random_read_compare(struct tester *t, struct file *f, int fd, size_t off, size_t len);
void random_expect_size(struct tester *t, struct file *f);

/* Operations on the contents of an open file; flags as for open(2). */
void random_write(struct tester *t, struct file *f, int flags);
void random_read(struct tester *t, struct file *f, int flags);
void random_truncate(struct tester *t, struct file *f);
void random_map(struct tester *t, struct file *f);
void random_sync(struct tester *t, struct file *f);

/* Operations on the extents of an open file. */
void random_allocate(struct tester *t, struct file *f);
void random_punch(struct tester *t, struct file *f);
void random_zero(struct tester *t, struct file *f);
void random_copy(struct tester *t, struct file *to, struct file *from);
void random_seek(struct tester *t, struct file *f);

/* Operations on names. */
void random_reopen(struct tester *t, struct file *f);
void random_unlink(struct tester *t, struct file *f);
void random_rename(struct tester *t, struct file *from, struct file *to);
void random_exchange(struct tester *t, struct file *a, struct file *b);

#endif
