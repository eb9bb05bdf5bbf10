/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash_damage [-n STORES] [-s SEED] [-f FIRST]: stores with flipped bits, overwritten blocks and missing ends are opened, read from end to end, written to and
 * recompacted. Nothing may crash or hang. Damage costs reads, of a segment with EIO and nothing else: never another size or other bytes. A store
 * whose index is damaged may be refused, or for writing only; then it is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/codec.h"
#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/extent/models.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"
#include "tests/crash/sanitized.h"
#include "tests/crash/scratch.h"
#include "tests/crash/tree.h"
#include "tests/crash/verify.h"
#include "tests/crash/work.h"

#define FILES 30u
#define LEN 30000u
#define HANG_SECONDS 120
#ifdef FIRN_SANITIZED
#define STORES_DEFAULT 200
#else
#define STORES_DEFAULT 1000
#endif

static struct work work;
static char text[300]; /* what is being tried */
static uint64_t violations, refused, readonly, lost;
static uint8_t expected[LEN], got[LEN + 1];

static void died(int number)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;
	signal(number, SIG_DFL);
	raise(number);
}

static size_t content(unsigned i)
{
	size_t len = i % 3 == 0 ? 200 + i * 10 : LEN - i * 500;

	bytes_text(expected, len, i + 1);
	if (i % 4 == 1)
		bytes_random(expected, len / 2, i + 1);
	return len;
}

static const char *name_of(unsigned i)
{
	static char name[16];

	snprintf(name, sizeof name, "%sf%u", i % 2 ? "d/" : "", i);
	return name;
}

static void files_write(void)
{
	for (unsigned i = 0; i < FILES; i++) {
		size_t len = content(i);
		struct inode *inode;

		if (work_make(&work, name_of(i), S_IFREG | 0644) || work_lookup(&work, name_of(i), &inode) ||
		    file_write(inode, expected, len, 0, false) != (ssize_t)len)
			abort();
		inode_put(inode, 1);
	}
}

static int compact(enum compact_tier tier)
{
	struct compact_options opt;
	struct compact_result result;

	compact_options_init(&opt);
	opt.tier = tier;
	opt.now = true;
	opt.threads = 1;
	return compact_run(work.vol, &opt, &result);
}

/* A store in which something of everything lies: LZ4, zstd with a dictionary, groups, raw, an xattr, a symlink, a model. */
static void store_make(void)
{
	static uint8_t dict[4096], samples[60 * 1000];
	size_t sizes[60], len;
	uint16_t number;

	for (size_t i = 0; i < 60; i++)
		bytes_text(samples + i * 1000, sizes[i] = 1000, i + 1);
	work_create(&work);
	work_open(&work);
	if (work_make(&work, "d", S_IFDIR | 0755))
		abort();
	files_write();
	if (codec_train_zdict(samples, sizes, 60, dict, sizeof dict, &len) ||
	    models_add(work.vol, MODEL_ZDICT, 1, dict, len, &number) || volume_commit(work.vol) || compact(TIER_WARM))
		abort();
	(void)work_symlink(&work, "s", "d/f1");
	(void)work_xattr(&work, "f0", 2000);
	(void)work_write_text(&work, "hot", 20000, 5);
	if (volume_close(work.vol))
		abort();
	work.vol = NULL;
}

/* Reads file i; only what is behind a damaged index may be lost, and nothing may be wrong. */
static void file_check(unsigned i, bool index)
{
	size_t len = content(i);
	struct inode *inode;
	int r = work_lookup(&work, name_of(i), &inode);
	bool bad = false;

	if (r) {
		lost++;
		bad = !index;
	} else {
		bad = inode->attr.size != len;
		for (size_t at = 0; !bad && at < len; at += WORK_CHUNK) {
			size_t want = len - at < WORK_CHUNK ? len - at : WORK_CHUNK;
			ssize_t n = file_read(inode, got, want, at);

			lost += n < 0;
			bad = n < 0 ? n != -EIO && !index : n != (ssize_t)want || memcmp(got, expected + at, want) != 0;
		}
		inode_put(inode, 1);
	}
	if (bad) {
		violations++;
		printf("VIOLATION %s: %s has other bytes, or is lost (%d)\n", text, name_of(i), r);
	}
}

static void store_try(bool index, bool write)
{
	static struct tree tree;
	struct volume_error err = { "" };
	struct volume_options opt;
	int r;

	verify_options(&opt);
	opt.readonly = !write;
	r = volume_open(work.store, &opt, &work.vol, &err);
	if (r && index && write) {
		opt.readonly = true;
		write = false;
		r = volume_open(work.store, &opt, &work.vol, &err);
		readonly += r == 0;
	}
	if (r) {
		refused++;
		if (!index) {
			violations++;
			printf("VIOLATION %s: not opened: %s\n", text, err.text);
		}
		return;
	}
	for (unsigned i = 0; i < FILES; i++)
		file_check(i, index);
	(void)tree_read(work.vol, false, &tree);
	if (write) {
		(void)work_unlink(&work, "f2");
		(void)work_write(&work, "d/new", 0, 10000);
		(void)volume_commit(work.vol);
		(void)compact(TIER_WARM);
	}
	(void)volume_close(work.vol);
	work.vol = NULL;
}

/* Damages one file of the store; the index is every other one's. */
static bool damage(uint64_t *random)
{
	static const char *const kinds[] = { "bit", "bits", "block", "end" };
	bool index = replay_random(random) % 2;
	unsigned kind = replay_random(random) % 4, seg = 1 + (unsigned)(replay_random(random) % 8);
	char path[700];
	struct stat st;
	uint64_t at;
	int fd = -1;

	for (; fd < 0; seg = seg % 8 + 1) {
		snprintf(path, sizeof path, index ? "%s/index.mdb" : "%s/seg/%08x.seg", work.store, seg);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (fstat(fd, &st) < 0)
		abort();
	at = replay_random(random) % (uint64_t)st.st_size;
	snprintf(text + strlen(text), sizeof text - strlen(text), " %s of %s at %llu", kinds[kind], strrchr(path, '/') + 1,
		 (unsigned long long)at);
	for (unsigned i = kind == 1 ? 20 : 1; i > 0 && kind < 2; i--) {
		uint64_t where = kind == 1 ? replay_random(random) % (uint64_t)st.st_size : at;
		uint8_t byte;

		if (pread(fd, &byte, 1, (off_t)where) != 1)
			abort();
		byte ^= (uint8_t)(1u << replay_random(random) % 8);
		if (pwrite(fd, &byte, 1, (off_t)where) != 1)
			abort();
	}
	if (kind == 2) {
		uint8_t block[512];

		bytes_random(block, sizeof block, replay_random(random));
		if (pwrite(fd, block, (uint64_t)st.st_size - at < 512 ? (size_t)((uint64_t)st.st_size - at) : 512, (off_t)at) < 0)
			abort();
	} else if (kind == 3 && ftruncate(fd, (off_t)at) < 0) {
		abort();
	}
	close(fd);
	return index;
}

static int broken(const char *what)
{
	fprintf(stderr, "crash_damage: %s (%s)\n", what, strerror(errno));
	return 2;
}

int main(int argc, char **argv)
{
	const char *stores = getenv("FIRN_DAMAGED_STORES");
	uint64_t n = stores ? strtoull(stores, NULL, 10) : STORES_DEFAULT, seed = 1, first = 0;
	char scratch[500];
	struct replay *rp;
	int c, fd = memfd_create("log", MFD_CLOEXEC);

	while ((c = getopt(argc, argv, "n:s:f:")) != -1) {
		if (c == '?')
			return 2;
		*(c == 'n' ? &n : c == 's' ? &seed : &first) = strtoull(optarg, NULL, 10);
	}
	if (fd < 0 || scratch_make(scratch, sizeof scratch))
		return broken("no place to work");
	for (int i = 0; i < 4; i++)
		signal((int[]){ SIGSEGV, SIGABRT, SIGALRM, SIGBUS }[i], died);
	snprintf(work.store, sizeof work.store, "%s/store", scratch);
	store_make();
	/* The recorder's snapshot is the pristine store. */
	if (record_start(work.store, fd))
		return broken("the store cannot be recorded");
	record_stop();
	if (replay_open(fd, &rp))
		return broken("the record cannot be read");
	replay_go(rp, replay_points(rp));
	replay_choose(rp, REPLAY_KEEP, 0);
	for (uint64_t i = first; i < first + n; i++) {
		uint64_t random = seed * 1000003 + i;
		bool index;

		if (replay_write(rp, work.store))
			return broken("a store cannot be written");
		snprintf(text, sizeof text, "seed %llu store %llu:", (unsigned long long)seed, (unsigned long long)i);
		index = damage(&random);
		alarm(HANG_SECONDS);
		store_try(index, i % 2);
		alarm(0);
	}
	replay_close(rp);
	close(fd);
	scratch_remove(scratch);
	printf("%llu damaged stores: %llu not opened, %llu for reading only, %llu reads refused, %llu violations\n", (unsigned long long)n,
	       (unsigned long long)refused, (unsigned long long)readonly, (unsigned long long)lost, (unsigned long long)violations);
	return violations > 0;
}
