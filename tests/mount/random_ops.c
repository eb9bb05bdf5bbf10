/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_ops DIR STATE SEED OPERATIONS MAX_SIZE: random operations on a few files in DIR, from several threads, each with its own files, every
 * result compared with a model in memory. STATE keeps the model between runs (one plain file per file; made when missing), so that
 * what lies beneath DIR can be unmounted, recompacted and mounted between two runs: each begins and ends by comparing everything.
 * On a difference: the seed, the operation and what came before it, exit code 1. MAX_SIZE bounds the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 3, FILES = 4, TRACE = 40, TRACE_LINE = 100, PAGE = 4096 };

struct file {
	char name[32], trace[TRACE][TRACE_LINE];
	unsigned traced;
	int fd;        /* -1: not open    */
	bool exists;
	uint8_t *bytes; /* max_size; zero behind size */
	size_t size;
};

struct tester {
	pthread_t thread;
	uint64_t random;
	unsigned long done;
	uint8_t *buf;
	struct file files[FILES];
};

static const char *dir, *state;
static unsigned long long seed;
static unsigned long operations;
static size_t max_size;
static struct tester testers[THREADS];

static uint64_t draw(struct tester *t, uint64_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (t->random >> 11) % below;
}

static void trace(struct file *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void trace(struct file *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->trace[f->traced++ % TRACE], TRACE_LINE, format, args);
	va_end(args);
}

static void die(struct tester *t, struct file *f, const char *what) __attribute__((noreturn));
static void die(struct tester *t, struct file *f, const char *what)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	int error = errno;

	pthread_mutex_lock(&once);
	fprintf(stderr, "seed %llu, thread %td, operation %lu, file %s of %zu bytes: %s (errno: %s)\n", seed, t - testers,
		t->done, f->name, f->size, what, strerror(error));
	for (unsigned i = f->traced > TRACE ? f->traced - TRACE : 0; i < f->traced; i++)
		fprintf(stderr, "    %s\n", f->trace[i % TRACE]);
	_exit(1);
}

static void differ(struct tester *t, struct file *f, const uint8_t *got, size_t off, size_t len)
{
	size_t first = 0, count = 0;
	char what[160];

	for (size_t i = 0; i < len; i++) {
		if (got[i] != f->bytes[off + i] && count++ == 0)
			first = i;
	}
	if (count == 0)
		return;
	snprintf(what, sizeof what, "%zu of %zu bytes read at %zu differ, first at %zu (%zx): is %02x, should be %02x", count, len, off,
		 off + first, off + first, got[first], f->bytes[off + first]);
	errno = 0;
	die(t, f, what);
}

static void path_of(const char *under, const struct file *f, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", under, f->name);
}

static void file_open(struct tester *t, struct file *f, int flags)
{
	char path[PATH_MAX];

	path_of(dir, f, path);
	f->fd = open(path, O_RDWR | flags, 0644);
	if (f->fd < 0)
		die(t, f, "open");
}

static void file_close(struct tester *t, struct file *f)
{
	if (f->fd >= 0 && close(f->fd) < 0)
		die(t, f, "close");
	f->fd = -1;
}

static void ready(struct tester *t, struct file *f)
{
	if (!f->exists) {
		trace(f, "create");
		file_open(t, f, O_CREAT | O_EXCL);
		f->exists = true;
		f->size = 0;
	} else if (f->fd < 0) {
		file_open(t, f, 0);
	}
}

/* Bytes to write: noise, text of a small vocabulary, or zeros. */
static void fill(struct tester *t, size_t len)
{
	static const char *const words[] = { "snow ", "firn ", "settles ", "season ", "glacier\n", "ice ", "packs it ", "denser " };
	uint64_t kind = draw(t, 8);

	if (kind == 0) {
		memset(t->buf, 0, len);
		return;
	}
	for (size_t i = 0; i < len;) {
		const char *word = words[draw(t, 8)];

		if (kind > 2) {
			while (*word && i < len)
				t->buf[i++] = (uint8_t)*word++;
		} else {
			t->buf[i++] = (uint8_t)draw(t, 256);
		}
	}
}

/* An offset: anywhere up to limit, near its end, or near a border of a chunk or page. */
static size_t place(struct tester *t, size_t limit)
{
	static const size_t borders[] = { 4096, 131072, 65536, 512 };
	size_t at = draw(t, limit + 1), border = borders[draw(t, 4)];

	switch (draw(t, 4)) {
	case 0:
		return at;
	case 1:
		return limit - (limit < 100 ? 0 : draw(t, 100));
	default:
		at = at / border * border + draw(t, 5);
		at -= at > 2 ? 2 : 0;
		return at < limit ? at : limit;
	}
}

static size_t length(struct tester *t, size_t most)
{
	static const size_t scales[] = { 16, 5000, 40000, 300000 };
	size_t len = 1 + draw(t, scales[draw(t, 4)]);

	return len < most ? len : most;
}

static void expect_size(struct tester *t, struct file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		die(t, f, "fstat");
	errno = 0;
	if ((size_t)st.st_size != f->size) {
		char what[80];

		snprintf(what, sizeof what, "size is %lld", (long long)st.st_size);
		die(t, f, what);
	}
}

static void op_write(struct tester *t, struct file *f, int flags)
{
	size_t off = flags & O_APPEND ? f->size : place(t, max_size - 1), len;
	ssize_t n;
	int fd = f->fd;

	if (off >= max_size)
		return;
	len = length(t, max_size - off);
	fill(t, len);
	trace(f, "%lu: write%s %zu at %zu", t->done, flags & O_APPEND ? " (append)" : flags & O_DIRECT ? " (direct)" : "", len, off);
	if (flags) {
		char path[PATH_MAX];

		path_of(dir, f, path);
		fd = open(path, O_WRONLY | flags);
		if (fd < 0)
			die(t, f, "open to write");
	}
	n = flags & O_APPEND ? write(fd, t->buf, len) : pwrite(fd, t->buf, len, (off_t)off);
	if (n != (ssize_t)len)
		die(t, f, "write");
	if (flags && close(fd) < 0)
		die(t, f, "close after writing");
	memcpy(f->bytes + off, t->buf, len);
	if (off + len > f->size)
		f->size = off + len;
}

static void read_compare(struct tester *t, struct file *f, int fd, size_t off, size_t len)
{
	size_t want = off < f->size ? f->size - off : 0;
	ssize_t n = pread(fd, t->buf, len, (off_t)off);

	if (want > len)
		want = len;
	if (n < 0)
		die(t, f, "read");
	if ((size_t)n != want)
		die(t, f, "read returns another length");
	differ(t, f, t->buf, off, want);
}

static void op_read(struct tester *t, struct file *f, int flags)
{
	size_t off = place(t, f->size), len = length(t, max_size);
	int fd = f->fd;

	trace(f, "%lu: read%s %zu at %zu", t->done, flags ? " (direct)" : "", len, off);
	if (flags) {
		char path[PATH_MAX];

		path_of(dir, f, path);
		fd = open(path, O_RDONLY | flags);
		if (fd < 0)
			die(t, f, "open to read");
	}
	read_compare(t, f, fd, off, len);
	if (flags)
		close(fd);
}

static void op_truncate(struct tester *t, struct file *f)
{
	size_t size = draw(t, 8) == 0 ? 0 : draw(t, 3) ? place(t, f->size) : place(t, max_size);

	trace(f, "%lu: truncate from %zu to %zu", t->done, f->size, size);
	if (ftruncate(f->fd, (off_t)size) < 0)
		die(t, f, "ftruncate");
	if (size < f->size)
		memset(f->bytes + size, 0, f->size - size);
	f->size = size;
}

static void op_map(struct tester *t, struct file *f)
{
	size_t off = place(t, f->size) / PAGE * PAGE, len = length(t, f->size - off), start;
	bool change = draw(t, 3) > 0, sync = draw(t, 2);
	uint8_t *map;

	if (off >= f->size)
		return;
	start = draw(t, len);
	trace(f, "%lu: map %zu at %zu%s", t->done, len, off, change ? sync ? ", written from within, msync" : ", written" : "");
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, (off_t)off);
	if (map == MAP_FAILED)
		die(t, f, "mmap");
	differ(t, f, map, off, len);
	if (change) {
		fill(t, len - start);
		memcpy(map + start, t->buf, len - start);
		memcpy(f->bytes + off + start, t->buf, len - start);
		if (sync && msync(map, len, MS_SYNC) < 0)
			die(t, f, "msync");
	}
	if (munmap(map, len) < 0)
		die(t, f, "munmap");
}

static void op_sync(struct tester *t, struct file *f)
{
	trace(f, "%lu: fsync", t->done);
	if ((draw(t, 2) ? fsync(f->fd) : fdatasync(f->fd)) < 0)
		die(t, f, "fsync");
	if (draw(t, 2) && posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED))
		die(t, f, "fadvise");
}

static void op_reopen(struct tester *t, struct file *f)
{
	bool empty = draw(t, 10) == 0;

	trace(f, "%lu: reopen%s", t->done, empty ? " emptied" : "");
	file_close(t, f);
	file_open(t, f, empty ? O_TRUNC : 0);
	if (empty) {
		memset(f->bytes, 0, f->size);
		f->size = 0;
	}
}

static void op_allocate(struct tester *t, struct file *f)
{
	size_t off = place(t, max_size - 1), len = length(t, max_size - off);

	trace(f, "%lu: allocate %zu at %zu", t->done, len, off);
	if (fallocate(f->fd, 0, (off_t)off, (off_t)len) < 0)
		die(t, f, "fallocate");
	if (off + len > f->size)
		f->size = off + len;
}

/* Sometimes the open file lives on a little without its name. */
static void op_unlink(struct tester *t, struct file *f)
{
	char path[PATH_MAX];

	trace(f, "%lu: unlink", t->done);
	path_of(dir, f, path);
	if (unlink(path) < 0)
		die(t, f, "unlink");
	for (uint64_t n = draw(t, 4); n > 0; n--) {
		op_write(t, f, 0);
		op_truncate(t, f);
		if (draw(t, 4) == 0)
			op_sync(t, f);
		op_read(t, f, 0);
		expect_size(t, f);
	}
	file_close(t, f);
	memset(f->bytes, 0, f->size);
	f->size = 0;
	f->exists = false;
}

/* One file's name replaces another's; what is open of the replaced one stays readable. */
static void op_rename(struct tester *t, struct file *from, struct file *to)
{
	char old[PATH_MAX], new[PATH_MAX];
	uint8_t *bytes = to->bytes;

	if (from == to)
		return;
	trace(from, "%lu: rename to %s", t->done, to->name);
	trace(to, "%lu: replaced by %s: %zu bytes", t->done, from->name, from->size);
	if (draw(t, 2))
		file_close(t, from);
	path_of(dir, from, old);
	path_of(dir, to, new);
	if (rename(old, new) < 0)
		die(t, from, "rename");
	if (to->fd >= 0)
		op_read(t, to, 0);
	file_close(t, to);
	memset(bytes, 0, to->size);
	to->bytes = from->bytes;
	to->size = from->size;
	to->exists = true;
	to->fd = from->fd;
	from->bytes = bytes;
	from->size = 0;
	from->exists = false;
	from->fd = -1;
}

static void step(struct tester *t, struct file *f)
{
	uint64_t what = draw(t, 100);

	ready(t, f);
	if (what < 30)
		op_write(t, f, 0);
	else if (what < 33)
		op_write(t, f, O_APPEND);
	else if (what < 37)
		op_write(t, f, O_DIRECT);
	else if (what < 52)
		op_read(t, f, 0);
	else if (what < 62)
		op_read(t, f, O_DIRECT);
	else if (what < 75)
		op_truncate(t, f);
	else if (what < 85)
		op_map(t, f);
	else if (what < 89)
		op_sync(t, f);
	else if (what < 92)
		op_reopen(t, f);
	else if (what < 94)
		op_allocate(t, f);
	else if (what < 96)
		op_unlink(t, f);
	else if (what < 98)
		op_rename(t, f, &t->files[draw(t, FILES)]);
	else
		read_compare(t, f, f->fd, 0, max_size);
	if (f->exists && f->fd >= 0)
		expect_size(t, f);
}

static void compare_all(struct tester *t, int flags)
{
	for (int i = 0; i < FILES; i++) {
		struct file *f = &t->files[i];
		char path[PATH_MAX];

		file_close(t, f);
		path_of(dir, f, path);
		if (!f->exists && (access(path, F_OK) == 0 || errno != ENOENT))
			die(t, f, "it is back");
		if (!f->exists)
			continue;
		file_open(t, f, flags);
		expect_size(t, f);
		read_compare(t, f, f->fd, 0, max_size);
	}
}

static void model_load(struct tester *t, struct file *f)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	f->fd = -1;
	f->bytes = calloc(1, max_size);
	if (!f->bytes)
		die(t, f, "no memory");
	path_of(state, f, path);
	fd = open(path, O_RDONLY);
	f->exists = fd >= 0;
	if (fd < 0)
		return;
	while ((n = read(fd, f->bytes + f->size, max_size - f->size)) > 0)
		f->size += (size_t)n;
	close(fd);
}

static void model_save(struct tester *t, struct file *f)
{
	char path[PATH_MAX];
	size_t done = 0;
	ssize_t n = 0;
	int fd;

	path_of(state, f, path);
	unlink(path);
	if (!f->exists)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	while (fd >= 0 && done < f->size && (n = write(fd, f->bytes + done, f->size - done)) > 0)
		done += (size_t)n;
	if (fd < 0 || done < f->size || close(fd) < 0)
		die(t, f, "cannot save the model");
}

static void *tester_run(void *arg)
{
	struct tester *t = arg;

	compare_all(t, 0);
	for (t->done = 1; t->done <= operations; t->done++)
		step(t, &t->files[draw(t, FILES)]);
	compare_all(t, 0);
	compare_all(t, O_DIRECT);
	for (int i = 0; i < FILES; i++) {
		file_close(t, &t->files[i]);
		model_save(t, &t->files[i]);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fprintf(stderr, "usage: random_ops DIR STATE SEED OPERATIONS MAX_SIZE\n");
		return 2;
	}
	dir = argv[1];
	state = argv[2];
	seed = strtoull(argv[3], NULL, 10);
	operations = strtoul(argv[4], NULL, 10);
	max_size = strtoul(argv[5], NULL, 10);
	for (int i = 0; i < THREADS; i++) {
		struct tester *t = &testers[i];

		t->random = (seed * THREADS + (unsigned)i + 1) * 0x9e3779b97f4a7c15u;
		t->buf = malloc(max_size + 1);
		if (!t->buf)
			return 1;
		for (int k = 0; k < FILES; k++) {
			snprintf(t->files[k].name, sizeof t->files[k].name, "file-%d-%d", i, k);
			model_load(t, &t->files[k]);
		}
	}
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&testers[i].thread, NULL, tester_run, &testers[i]))
			return 1;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(testers[i].thread, NULL);
	return 0;
}
