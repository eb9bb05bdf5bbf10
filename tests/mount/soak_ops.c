/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes, reads, truncates, deletes and syncs files of a directory at random, and keeps in another file what each of their pages may hold
 * after a crash: soak_ops run DIR MODEL SEED SECONDS, soak_ops verify DIR MODEL.
 *
 * Every page says which file and page it is and which version; versions only grow. After a crash a page has a version between the last
 * one that was synced and the last one that was written. While nothing crashes, it has the last one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define FILES 48u
#define PAGES 80u
#define PAGE 4096u

/* Version 0 is a page of zeros: never written, or cut off. */
struct slot {
	uint64_t synced[PAGES], written[PAGES];
	uint32_t size, size_min, size_max; /* pages: now, and within which limits after a crash */
	uint8_t here, may_be_here, may_be_gone;
};

struct model {
	uint64_t version, operations;
	struct slot slots[FILES];
};

static struct model *model;
static const char *directory;
static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static unsigned below(unsigned n)
{
	return (unsigned)((next() >> 20) % n);
}

static void page_fill(uint8_t *page, unsigned file, unsigned no, uint64_t version)
{
	uint64_t x = version * 0x9e3779b97f4a7c15u + file * 131 + no + 1, kind = version % 5;

	if (version == 0) {
		memset(page, 0, PAGE);
		return;
	}
	for (unsigned i = 0; i < PAGE; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		page[i] = kind == 0 ? (uint8_t)x : (uint8_t)("etaoin shrdlu, and so on.\n"[x % 26 % (kind * 7)]);
	}
	snprintf((char *)page, 64, "file %u page %u version %llu", file, no, (unsigned long long)version);
}

/* Whose page it claims to be; 0 for zeros, UINT64_MAX for anything else. */
static uint64_t page_version(const uint8_t *page, unsigned file, unsigned no)
{
	static const uint8_t zeros[PAGE];
	uint8_t want[PAGE];
	unsigned long long version;
	unsigned f, n;
	char head[64];

	if (memcmp(page, zeros, PAGE) == 0)
		return 0;
	memcpy(head, page, sizeof head);
	head[sizeof head - 1] = '\0';
	if (sscanf(head, "file %u page %u version %llu", &f, &n, &version) != 3 || f != file || n != no)
		return UINT64_MAX;
	page_fill(want, file, no, version);
	return memcmp(page, want, PAGE) == 0 ? version : UINT64_MAX;
}

static const char *path_of(unsigned file)
{
	static char path[4096];

	snprintf(path, sizeof path, "%s/f%u", directory, file);
	return path;
}

/* Something failed: 1 when the daemon is gone, which is no fault of the files, else -1. */
static int gone(void)
{
	int error = errno;
	struct statvfs st;

	if (statvfs(directory, &st) < 0 && (errno == ENOTCONN || errno == ECONNABORTED))
		return 1;
	errno = error;
	return -1;
}

static int op_write(unsigned file)
{
	struct slot *s = &model->slots[file];
	unsigned first = below(PAGES), n = 1 + below(below(4) ? 4 : PAGES - first), done = 0;
	uint8_t page[PAGE];
	int fd;

	if (n > PAGES - first)
		n = PAGES - first;
	s->may_be_here = 1;
	fd = open(path_of(file), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return gone();
	s->here = 1;
	model->version++;
	for (; done < n; done++) {
		unsigned no = first + done;
		ssize_t wrote;

		s->written[no] = model->version;
		if (s->size_max < no + 1)
			s->size_max = no + 1;
		page_fill(page, file, no, model->version);
		wrote = pwrite(fd, page, PAGE, (off_t)no * PAGE);
		if (wrote != PAGE)
			break;
		if (s->size < no + 1)
			s->size = no + 1;
	}
	return close(fd) < 0 || done < n ? gone() : 0;
}

static int op_truncate(unsigned file)
{
	struct slot *s = &model->slots[file];
	unsigned size = below(PAGES + 1);

	if (!s->here)
		return 0;
	if (size < s->size_min)
		s->size_min = size;
	if (size > s->size_max)
		s->size_max = size;
	if (truncate(path_of(file), (off_t)size * PAGE) < 0)
		return gone();
	s->size = size;
	for (unsigned i = size; i < PAGES; i++)
		s->synced[i] = s->written[i] = 0; /* what was there before is beyond the end, or gone when that moves */
	return 0;
}

static int op_unlink(unsigned file)
{
	struct slot *s = &model->slots[file];

	if (!s->here)
		return 0;
	s->may_be_gone = 1;
	s->size_min = 0;
	if (unlink(path_of(file)) < 0)
		return gone();
	s->here = 0;
	s->size = 0;
	for (unsigned i = 0; i < PAGES; i++)
		s->synced[i] = s->written[i] = 0;
	return 0;
}

static void slot_synced(struct slot *s)
{
	s->may_be_here = s->here;
	s->may_be_gone = !s->here;
	s->size_min = s->size_max = s->size;
	if (!s->here)
		memset(s->written, 0, sizeof s->written);
	memcpy(s->synced, s->written, sizeof s->synced);
}

static int op_sync(unsigned file)
{
	struct slot *s = &model->slots[file];
	int fd = open(s->here ? path_of(file) : directory, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return gone();
	rc = fsync(fd) < 0 ? gone() : 0;
	close(fd);
	if (rc == 0)
		slot_synced(s);
	return rc;
}

static int complain(unsigned file, unsigned page, const char *what, uint64_t got, uint64_t lo, uint64_t hi)
{
	printf("file %u page %u: %s: %llu, not %llu to %llu\n", file, page, what, (unsigned long long)got, (unsigned long long)lo,
	       (unsigned long long)hi);
	return -1;
}

/*
 * Reads all of a file. exact: it must be as last written, else within what a crash may leave. What was cut off may be there again after a crash,
 * when the size is: any version up to the last is right then, but only of this page.
 */
static int check(unsigned file, int exact)
{
	struct slot *s = &model->slots[file];
	int fd = open(path_of(file), O_RDONLY | O_CLOEXEC), rc = 0;
	uint8_t page[PAGE];
	struct stat st;
	unsigned n;

	if (fd < 0 && errno != ENOENT)
		return gone();
	if (fd < 0)
		return (exact ? !s->here : s->may_be_gone) ? 0 : complain(file, 0, "gone", 0, 1, 1);
	if (fstat(fd, &st) < 0)
		rc = gone();
	else if (!(exact ? s->here : s->may_be_here))
		rc = complain(file, 0, "is there", 1, 0, 0);
	if (rc) {
		close(fd);
		return rc;
	}
	n = (unsigned)(st.st_size / PAGE);
	if (st.st_size % PAGE != 0 || (exact ? n != s->size : n < s->size_min || n > s->size_max))
		rc = complain(file, n, "size", n, exact ? s->size : s->size_min, exact ? s->size : s->size_max);
	for (unsigned i = 0; rc == 0 && i < n; i++) {
		uint64_t lo = exact ? s->written[i] : s->synced[i], hi = exact || s->written[i] ? s->written[i] : model->version, v;

		if (pread(fd, page, PAGE, (off_t)i * PAGE) != PAGE) {
			rc = exact ? gone() : complain(file, i, strerror(errno), 0, 0, 0);
			break;
		}
		v = page_version(page, file, i);
		if (v < lo || v > hi)
			rc = complain(file, i, "version", v, lo, hi);
	}
	close(fd);
	return rc;
}

static int run(uint64_t seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	int rc = 0;

	while (rc == 0 && time(NULL) < end) {
		unsigned file = below(FILES), what = below(100);

		model->operations++;
		if (what < 45)
			rc = op_write(file);
		else if (what < 52)
			rc = op_truncate(file);
		else if (what < 60)
			rc = op_unlink(file);
		else if (what < 68)
			rc = op_sync(file);
		else
			rc = check(file, 1);
	}
	if (rc < 0)
		printf("operation %llu: %s\n", (unsigned long long)model->operations, strerror(errno));
	for (unsigned i = 0; rc == 0 && i < FILES; i++)
		rc = op_sync(i);
	return rc < 0;
}

/* Afterwards the model is what was found. */
static int verify(void)
{
	int bad = 0;

	for (unsigned i = 0; i < FILES; i++) {
		struct slot *s = &model->slots[i];
		uint8_t page[PAGE];
		struct stat st;
		int fd;

		bad |= check(i, 0) != 0;
		fd = open(path_of(i), O_RDONLY | O_CLOEXEC);
		memset(s->written, 0, sizeof s->written);
		s->here = fd >= 0 && fstat(fd, &st) == 0;
		s->size = s->here ? (uint32_t)(st.st_size / PAGE) : 0;
		for (unsigned k = 0; k < s->size && k < PAGES; k++)
			s->written[k] = pread(fd, page, PAGE, (off_t)k * PAGE) == PAGE ? page_version(page, i, k) : UINT64_MAX;
		slot_synced(s);
		if (fd >= 0)
			close(fd);
	}
	return bad;
}

int main(int argc, char **argv)
{
	int fd, rc = 2;

	if (argc != 6 && argc != 4)
		return 2;
	directory = argv[2];
	fd = open(argv[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof *model) < 0)
		return 2;
	model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (model == MAP_FAILED)
		return 2;
	for (unsigned i = 0; model->operations == 0 && i < FILES; i++)
		model->slots[i].may_be_gone = 1;
	if (argc == 6 && strcmp(argv[1], "run") == 0) {
		state = strtoull(argv[4], NULL, 10) * 0x9e3779b97f4a7c15u + 1;
		rc = run(strtoull(argv[5], NULL, 10));
	} else if (argc == 4 && strcmp(argv[1], "verify") == 0) {
		rc = verify();
	}
	return rc;
}
