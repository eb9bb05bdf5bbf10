/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all operations of random_ops share: random numbers, the trace of a file and its end, reading
 * and comparing.
 */
#include "tests/mount/random_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t random_draw(struct tester *t, uint64_t below)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (t->random >> 11) % below;
}

void random_trace(struct file *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->trace[f->traced++ % TRACE], TRACE_LINE, format, args);
	va_end(args);
}

void random_die(struct tester *t, struct file *f, const char *what)
{
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	int error = errno;

	pthread_mutex_lock(&once);
	fprintf(stderr,
		"seed %llu, thread %u, operation %lu, file %s of %zu bytes: %s (errno: %s)\n",
		random_seed, t->number, t->done, f->name, f->size, what, strerror(error));
	for (unsigned i = f->traced > TRACE ? f->traced - TRACE : 0; i < f->traced; i++)
		fprintf(stderr, "    %s\n", f->trace[i % TRACE]);
	_exit(1);
}

void random_differ(struct tester *t, struct file *f, const uint8_t *got, size_t off, size_t len)
{
	size_t first = 0, count = 0;
	char what[160];

	if (memcmp(got, f->bytes + off, len) == 0)
		return;
	for (size_t i = 0; i < len; i++) {
		if (got[i] != f->bytes[off + i] && count++ == 0)
			first = i;
	}
	snprintf(what, sizeof what,
		 "%zu of %zu bytes read at %zu differ, first at %zu (%zx): is %02x, should be %02x",
		 count, len, off, off + first, off + first, got[first], f->bytes[off + first]);
	errno = 0;
	random_die(t, f, what);
}

void random_path(const char *under, const struct file *f, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", under, f->name);
}

void random_open(struct tester *t, struct file *f, int flags)
{
	char path[PATH_MAX];

	random_path(random_dir, f, path);
	f->fd = open(path, O_RDWR | flags, 0644);
	if (f->fd < 0)
		random_die(t, f, "open");
}

void random_close(struct tester *t, struct file *f)
{
	if (f->fd >= 0 && close(f->fd) < 0)
		random_die(t, f, "close");
	f->fd = -1;
}

void random_fill(struct tester *t, size_t len)
{
	static const char *const words[] = {"snow ",	 "firn ", "settles ",  "season ",
					    "glacier\n", "ice ",  "packs it ", "denser "};
	uint64_t kind = random_draw(t, 8);

	if (kind == 0) {
		memset(t->buf, 0, len);
		return;
	}
	for (size_t i = 0; i < len;) {
		const char *word = words[random_draw(t, 8)];

		if (kind > 2) {
			while (*word && i < len)
				t->buf[i++] = (uint8_t)*word++;
		} else {
			t->buf[i++] = (uint8_t)random_draw(t, 256);
		}
	}
}

size_t random_place(struct tester *t, size_t limit)
{
	static const size_t borders[] = {4096, 131072, 65536, 512};
	size_t at = random_draw(t, limit + 1), border = borders[random_draw(t, 4)];

	switch (random_draw(t, 4)) {
	case 0:
		return at;
	case 1:
		return limit - (limit < 100 ? 0 : random_draw(t, 100));
	default:
		at = at / border * border + random_draw(t, 5);
		at -= at > 2 ? 2 : 0;
		return at < limit ? at : limit;
	}
}

size_t random_length(struct tester *t, size_t most)
{
	static const size_t scales[] = {16, 5000, 40000, 300000};
	size_t len = 1 + random_draw(t, scales[random_draw(t, 4)]);

	return len < most ? len : most;
}

void random_expect_size(struct tester *t, struct file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		random_die(t, f, "fstat");
	errno = 0;
	if ((size_t)st.st_size != f->size) {
		char what[80];

		snprintf(what, sizeof what, "size is %lld", (long long)st.st_size);
		random_die(t, f, what);
	}
}

void random_read_compare(struct tester *t, struct file *f, int fd, size_t off, size_t len)
{
	size_t want = off < f->size ? f->size - off : 0;
	ssize_t n = pread(fd, t->buf, len, (off_t)off);

	if (want > len)
		want = len;
	if (n < 0)
		random_die(t, f, "read");
	if ((size_t)n != want)
		random_die(t, f, "read returns another length");
	random_differ(t, f, t->buf, off, want);
}

void random_lack(enum lack what)
{
	static const char *const names[LACKS] = {"punching holes",	 "zeroing a range",
						 "copying a range",	 "exchanging names",
						 "unaligned direct I/O", "dropping caches"};
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static bool noted[LACKS];

	pthread_mutex_lock(&mutex);
	if (!noted[what])
		printf("not tested, as this file system or user cannot: %s\n", names[what]);
	noted[what] = true;
	pthread_mutex_unlock(&mutex);
}
