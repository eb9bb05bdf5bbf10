/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_ops [-d] [-t THREAD] DIR STATE SEED OPERATIONS MAX_SIZE: random operations on a few files
 * in DIR, from several threads, each with its own files, every result compared with a model in
 * memory. STATE keeps the model between runs (one plain file per file; made when missing), so that
 * what lies beneath DIR can be unmounted, recompacted and mounted between two runs: each begins and
 * ends by comparing everything. On a difference: the seed, the operation and what came before it,
 * exit code 1. MAX_SIZE bounds the files. -d drops the kernel's caches now and then (root). -t runs
 * one of the threads alone, to find out what it takes to fail.
 */
#include "tests/mount/random_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *random_dir;
unsigned long long random_seed;
size_t random_max_size;
int random_direct;
static bool may_drop;
static const char *state;
static unsigned long operations;
static struct tester testers[THREADS];

static void ready(struct tester *t, struct file *f)
{
	if (!f->exists) {
		random_trace(f, "create");
		random_open(t, f, O_CREAT | O_EXCL);
		f->exists = true;
		f->size = 0;
	} else if (f->fd < 0) {
		random_open(t, f, 0);
	}
}

/* Pages, names and inodes that are clean: what comes next has to come from beneath. */
static void drop_caches(struct tester *t, struct file *f)
{
	int fd;

	if (!may_drop || random_draw(t, 40) > 0)
		return;
	random_trace(f, "%lu: drop caches", t->done);
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd < 0 || write(fd, "3", 1) != 1)
		random_lack(LACK_DROP);
	if (fd >= 0)
		close(fd);
}

static void step(struct tester *t, struct file *f)
{
	uint64_t what = random_draw(t, 100);
	struct file *other = &t->files[random_draw(t, FILES)];

	ready(t, f);
	if (what < 26)
		random_write(t, f, 0);
	else if (what < 29)
		random_write(t, f, O_APPEND);
	else if (what < 33)
		random_write(t, f, random_direct);
	else if (what < 35)
		random_write(t, f, O_DSYNC);
	else if (what < 47)
		random_read(t, f, 0);
	else if (what < 54)
		random_read(t, f, random_direct);
	else if (what < 64)
		random_truncate(t, f);
	else if (what < 73)
		random_map(t, f);
	else if (what < 75)
		random_sync(t, f);
	else if (what < 78)
		random_reopen(t, f);
	else if (what < 80)
		random_allocate(t, f);
	else if (what < 84)
		random_punch(t, f);
	else if (what < 87)
		random_zero(t, f);
	else if (what < 91)
		random_copy(t, f, other);
	else if (what < 93)
		random_seek(t, f);
	else if (what < 95)
		random_unlink(t, f);
	else if (what < 96)
		random_rename(t, f, other);
	else if (what < 97)
		random_exchange(t, f, other);
	else if (what < 98)
		drop_caches(t, f);
	else
		random_read_compare(t, f, f->fd, 0, random_max_size);
	if (f->exists && f->fd >= 0)
		random_expect_size(t, f);
}

static void compare_all(struct tester *t, int flags)
{
	for (int i = 0; i < FILES; i++) {
		struct file *f = &t->files[i];
		char path[PATH_MAX];

		random_close(t, f);
		random_path(random_dir, f, path);
		if (!f->exists && (access(path, F_OK) == 0 || errno != ENOENT))
			random_die(t, f, "it is back");
		if (!f->exists)
			continue;
		random_open(t, f, flags);
		random_expect_size(t, f);
		random_read_compare(t, f, f->fd, 0, random_max_size);
	}
}

static void model_load(struct tester *t, struct file *f)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	f->fd = -1;
	f->bytes = calloc(1, random_max_size);
	if (!f->bytes)
		random_die(t, f, "no memory");
	random_path(state, f, path);
	fd = open(path, O_RDONLY);
	f->exists = fd >= 0;
	if (fd < 0)
		return;
	while ((n = read(fd, f->bytes + f->size, random_max_size - f->size)) > 0)
		f->size += (size_t)n;
	close(fd);
}

static void model_save(struct tester *t, struct file *f)
{
	char path[PATH_MAX];
	size_t done = 0;
	ssize_t n = 0;
	int fd;

	random_path(state, f, path);
	unlink(path);
	if (!f->exists)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	while (fd >= 0 && done < f->size && (n = write(fd, f->bytes + done, f->size - done)) > 0)
		done += (size_t)n;
	if (fd < 0 || done < f->size || close(fd) < 0)
		random_die(t, f, "cannot save the model");
}

static void *tester_run(void *arg)
{
	struct tester *t = arg;

	compare_all(t, 0);
	for (t->done = 1; t->done <= operations; t->done++)
		step(t, &t->files[random_draw(t, FILES)]);
	compare_all(t, 0);
	compare_all(t, random_direct);
	for (int i = 0; i < FILES; i++) {
		random_close(t, &t->files[i]);
		model_save(t, &t->files[i]);
	}
	return NULL;
}

static void probe_direct(void)
{
	struct file probe = {.name = "probe"};
	char path[PATH_MAX];
	int fd;

	random_path(random_dir, &probe, path);
	fd = open(path, O_WRONLY | O_CREAT | O_DIRECT, 0600);
	if (fd >= 0 && write(fd, "x", 1) == 1)
		random_direct = O_DIRECT;
	else
		random_lack(LACK_DIRECT);
	if (fd >= 0)
		close(fd);
	unlink(path);
}

static int tester_init(unsigned number)
{
	struct tester *t = &testers[number];

	t->number = number;
	t->random = (random_seed * THREADS + number + 1) * 0x9e3779b97f4a7c15u;
	t->buf = malloc(random_max_size + 1);
	if (!t->buf)
		return -ENOMEM;
	for (int k = 0; k < FILES; k++) {
		snprintf(t->files[k].name, sizeof t->files[k].name, "file-%u-%d", number, k);
		model_load(t, &t->files[k]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned first = 0, last = THREADS - 1;
	int c;

	while ((c = getopt(argc, argv, "dt:")) != -1) {
		if (c == 'd')
			may_drop = true;
		else if (c == 't')
			first = last = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 5 || last >= THREADS) {
		fprintf(stderr,
			"usage: random_ops [-d] [-t THREAD] DIR STATE SEED OPERATIONS MAX_SIZE\n");
		return 2;
	}
	argv += optind;
	random_dir = argv[0];
	state = argv[1];
	random_seed = strtoull(argv[2], NULL, 10);
	operations = strtoul(argv[3], NULL, 10);
	random_max_size = strtoul(argv[4], NULL, 10);
	probe_direct();
	for (unsigned i = first; i <= last; i++) {
		if (tester_init(i) ||
		    pthread_create(&testers[i].thread, NULL, tester_run, &testers[i]))
			return 1;
	}
	for (unsigned i = first; i <= last; i++)
		pthread_join(testers[i].thread, NULL);
	return 0;
}
