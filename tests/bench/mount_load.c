/* SPDX-License-Identifier: BSD-2-Clause */
/* One load on a directory, for mount.sh: prints the seconds that it took. What a load needs
 * beforehand is not counted. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (1u << 20)
#define PAGE 4096u
#define FILES_PER_DIR 100u

static void die(const char *what)
{
	fprintf(stderr, "mount_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Words from a small vocabulary, and phrases said before: LZ4 makes half of it, a little less than of source code.
 */
static void text_fill(uint8_t *buf, size_t len, uint64_t seed)
{
	static const char syllable[16][4] = {"re", "tur", "if", "con", "st", "int", "ch",   "ar",
					     "_p", "tr",  "->", "si",  "ze", "(",   ");\n", "of"};
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
	size_t at = 0;

	while (at < len) {
		uint64_t word = next_random(&state) % 4096, r = next_random(&state);
		size_t phrase = 12 + (r >> 8) % 36, back = phrase + (r >> 16) % 32768;
		char s[16];
		int n = snprintf(s, sizeof s, "%s%s%s ", syllable[word & 15],
				 syllable[word >> 4 & 15], syllable[word >> 8 & 15]);

		if (r % 3 == 0 && at > back && at + phrase <= len) {
			memcpy(buf + at, buf + at - back, phrase);
			at += phrase;
		}
		for (int i = 0; i < n && at < len; i++)
			buf[at++] = (uint8_t)s[i];
	}
}

static void *buffer(size_t len)
{
	void *p = aligned_alloc(PAGE, len);

	if (!p)
		die("memory");
	text_fill(p, len, 42);
	return p;
}

static int file_open(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		die(path);
	return fd;
}

static void file_close(int fd)
{
	if (close(fd))
		die("close");
}

/* No block is like the last ones. */
static void block_vary(uint8_t *buf, uint64_t i)
{
	for (size_t at = 0; at < BLOCK; at += 512)
		memcpy(buf + at, &(uint64_t){i * 0x9e3779b97f4a7c15u + at}, 8);
}

static double seq_write(const char *path, long mib)
{
	uint8_t *buf = buffer(BLOCK);
	int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC);
	double start = now();

	for (long i = 0; i < mib; i++) {
		block_vary(buf, (uint64_t)i);
		if (write(fd, buf, BLOCK) != BLOCK)
			die(path);
	}
	if (fsync(fd))
		die("fsync");
	file_close(fd);
	free(buf);
	return now() - start;
}

static double seq_read(const char *path, long unused)
{
	uint8_t *buf = buffer(BLOCK);
	int fd = file_open(path, O_RDONLY);
	double start = now();
	ssize_t n;

	(void)unused;
	while ((n = read(fd, buf, BLOCK)) > 0)
		;
	if (n < 0)
		die(path);
	file_close(fd);
	free(buf);
	return now() - start;
}

static off_t random_page(uint64_t *state, off_t size)
{
	return (off_t)(next_random(state) % (uint64_t)(size / PAGE)) * PAGE;
}

static off_t file_size(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || st.st_size < (off_t)PAGE)
		die("fstat");
	return st.st_size;
}

static double random_io(const char *path, long count, bool write)
{
	uint8_t *buf = buffer(PAGE);
	int fd = file_open(path, O_RDWR);
	off_t size = file_size(fd);
	uint64_t state = 88172645463325252u;
	double start = now();

	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (long i = 0; i < count; i++) {
		off_t at = random_page(&state, size);

		memcpy(buf, &i, sizeof i);
		if ((write ? pwrite(fd, buf, PAGE, at) : pread(fd, buf, PAGE, at)) != PAGE)
			die(path);
	}
	if (write && fsync(fd))
		die("fsync");
	file_close(fd);
	free(buf);
	return now() - start;
}

static double rand_read(const char *path, long count)
{
	return random_io(path, count, false);
}

static double rand_write(const char *path, long count)
{
	return random_io(path, count, true);
}

/* File i of a load: all in one directory, or FILES_PER_DIR in each of as many as are needed. */
static void name_of(char *out, size_t cap, const char *dir, long i, bool tree)
{
	if (tree)
		snprintf(out, cap, "%s/d%06ld/file-%08ld.txt", dir, i / (long)FILES_PER_DIR, i);
	else
		snprintf(out, cap, "%s/file-%08ld.txt", dir, i);
}

static double files_create(const char *dir, long count, bool tree)
{
	uint8_t *buf = buffer(PAGE);
	double start = now();
	char path[PAGE];

	if (mkdir(dir, 0755) && errno != EEXIST)
		die(dir);
	for (long i = 0; i < count; i++) {
		int fd;

		name_of(path, sizeof path, dir, i, tree);
		if (tree && i % (long)FILES_PER_DIR == 0) {
			*strrchr(path, '/') = '\0';
			if (mkdir(path, 0755))
				die(path);
			name_of(path, sizeof path, dir, i, tree);
		}
		fd = file_open(path, O_WRONLY | O_CREAT | O_EXCL);
		memcpy(buf, &i, sizeof i);
		if (write(fd, buf, 300) != 300)
			die(path);
		file_close(fd);
	}
	free(buf);
	return now() - start;
}

static double create_flat(const char *dir, long count)
{
	return files_create(dir, count, false);
}

static double create_tree(const char *dir, long count)
{
	return files_create(dir, count, true);
}

static double files_stat(const char *dir, long count, bool tree)
{
	uint64_t state = 88172645463325252u;
	double start = now();
	char path[PAGE];
	struct stat st;

	for (long i = 0; i < count; i++) {
		name_of(path, sizeof path, dir, (long)(next_random(&state) % (uint64_t)count),
			tree);
		if (lstat(path, &st))
			die(path);
	}
	return now() - start;
}

static double stat_flat(const char *dir, long count)
{
	return files_stat(dir, count, false);
}

static double stat_tree(const char *dir, long count)
{
	return files_stat(dir, count, true);
}

static double list(const char *dir, long unused)
{
	double start = now();
	DIR *d = opendir(dir);

	(void)unused;
	if (!d)
		die(dir);
	while (readdir(d))
		;
	closedir(d);
	return now() - start;
}

static double unlink_flat(const char *dir, long count)
{
	double start = now();
	char path[PAGE];

	for (long i = 0; i < count; i++) {
		name_of(path, sizeof path, dir, i, false);
		if (unlink(path))
			die(path);
	}
	if (rmdir(dir))
		die(dir);
	return now() - start;
}

#define READERS 4u
#define WRITERS 2u

struct worker {
	pthread_t thread;
	const char *path;
	unsigned number;
	long count;
};

/* Readers share one file, each at random places; writers append to files of their own. */
static void *mixed_run(void *arg)
{
	const struct worker *w = arg;
	uint64_t state = 88172645463325252u + w->number;
	uint8_t *buf = buffer(BLOCK);
	char path[PAGE];
	off_t size;
	int fd;

	if (w->number < READERS) {
		fd = file_open(w->path, O_RDONLY);
		size = file_size(fd);
		for (long i = 0; i < w->count; i++) {
			if (pread(fd, buf, BLOCK / 16, random_page(&state, size - BLOCK)) !=
			    BLOCK / 16)
				die(w->path);
		}
	} else {
		snprintf(path, sizeof path, "%s.w%u", w->path, w->number);
		fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC);
		for (long i = 0; i < w->count / 16; i++) {
			block_vary(buf, (uint64_t)i);
			if (write(fd, buf, BLOCK) != BLOCK)
				die(path);
		}
		if (fsync(fd))
			die("fsync");
		unlink(path);
	}
	file_close(fd);
	free(buf);
	return NULL;
}

static double mixed(const char *path, long count)
{
	struct worker workers[READERS + WRITERS];
	double start = now();

	for (unsigned i = 0; i < READERS + WRITERS; i++) {
		workers[i] = (struct worker){.path = path, .number = i, .count = count};
		if (pthread_create(&workers[i].thread, NULL, mixed_run, &workers[i]))
			die("pthread_create");
	}
	for (unsigned i = 0; i < READERS + WRITERS; i++)
		pthread_join(workers[i].thread, NULL);
	return now() - start;
}

static const struct load {
	const char *name;
	double (*run)(const char *path, long count);
} loads[] = {
	{"seq-write", seq_write},   {"seq-read", seq_read},   {"rand-read", rand_read},
	{"rand-write", rand_write}, {"create", create_flat},  {"create-tree", create_tree},
	{"stat", stat_flat},	    {"stat-tree", stat_tree}, {"list", list},
	{"unlink", unlink_flat},    {"mixed", mixed},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 4 && i < sizeof loads / sizeof *loads; i++) {
		if (strcmp(argv[1], loads[i].name) == 0) {
			printf("%.6f\n", loads[i].run(argv[2], atol(argv[3])));
			return 0;
		}
	}
	fprintf(stderr, "usage: mount_load LOAD PATH COUNT\n");
	return 1;
}
