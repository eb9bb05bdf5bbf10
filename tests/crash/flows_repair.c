/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A damaged store is repaired, and the machine crashes meanwhile: a second repair ends clean, and has all that the first would have kept, in the tree
 * and in STORE/lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/check/check.h"
#include "fs/data/commit.h"
#include "fs/extent/models.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"
#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"
#include "tests/crash/tree.h"

#define LOST_MAX 1024u

/* What is in STORE/lost: a hash of each file, of `records` one of each line. */
struct lost {
	uint64_t hashes[LOST_MAX];
	size_t n;
};

static struct tree kept; /* by a repair without a crash */
static struct lost kept_lost;

static int mend(void *arg, const struct check_problem *p)
{
	(void)arg;
	(void)p;
	return 1;
}

static bool check(const char *dir, bool repair, struct check_result *found, char problem[256])
{
	struct check_options opt = { .repair = repair, .problem = mend };
	struct volume_error err = { "" };
	int r = check_store(dir, &opt, found, &err);

	if (r)
		snprintf(problem, 256, "%s: error %d %.200s", repair ? "repair" : "check after it", r, err.text);
	return r == 0;
}

bool repair_mend(const char *dir, char problem[256])
{
	struct check_result found;

	if (!check(dir, true, &found, problem) || !check(dir, false, &found, problem))
		return false;
	if (found.problems > 0)
		snprintf(problem, 256, "%llu problems after a repair", (unsigned long long)found.problems);
	return found.problems == 0;
}

static struct lost *collecting;

static void lost_add(const char *bytes, size_t len)
{
	if (collecting->n == LOST_MAX)
		abort();
	collecting->hashes[collecting->n++] = XXH3_64bits(bytes, len);
}

static int lost_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char *bytes, *line, *end;
	FILE *f;
	size_t n;

	if (type != FTW_F)
		return 0;
	f = fopen(path, "r");
	bytes = malloc((size_t)st->st_size + 1);
	if (!f || !bytes)
		abort();
	n = fread(bytes, 1, (size_t)st->st_size, f);
	fclose(f);
	if (strcmp(path + ftw->base, "records") != 0)
		lost_add(bytes, n);
	else
		for (line = bytes; (end = memchr(line, '\n', n - (size_t)(line - bytes))); line = end + 1)
			lost_add(line, (size_t)(end - line));
	free(bytes);
	return 0;
}

static void lost_read(const char *store, struct lost *out)
{
	char path[700];

	out->n = 0;
	collecting = out;
	snprintf(path, sizeof path, "%s/lost", store);
	(void)nftw(path, lost_file, 16, FTW_PHYS); /* there may be none */
}

/* How many of a are not in b; each of b counts once. */
static size_t missing(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b)
{
	uint64_t *left = malloc((n_b + 1) * sizeof *left);
	size_t gone = 0;

	if (!left)
		abort();
	memcpy(left, b, n_b * sizeof *left);
	for (size_t i = 0; i < n_a; i++) {
		size_t k = 0;

		while (k < n_b && left[k] != a[i])
			k++;
		if (k < n_b)
			left[k] = left[--n_b];
		else
			gone++;
	}
	free(left);
	return gone;
}

bool repair_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	static struct tree tree;
	static struct lost lost;
	size_t names, aside;

	(void)acked;
	if (tree_read(vol, true, &tree)) {
		snprintf(problem, 256, "%.250s", tree.problem);
		return false;
	}
	lost_read(vol->path, &lost);
	names = missing(kept.kept, kept.n_kept, tree.kept, tree.n_kept);
	aside = missing(kept_lost.hashes, kept_lost.n, lost.hashes, lost.n);
	if (names + aside > 0)
		snprintf(problem, 256, "of %zu names that a whole repair keeps %zu are gone or other ones, of %zu things in lost/ %zu",
			 kept.n_kept, names, kept_lost.n, aside);
	return names + aside == 0;
}

static void fill(struct work *w)
{
	static uint8_t dict[3000];
	struct compact_options opt;
	struct compact_result result;
	uint16_t number;
	char name[16];
	size_t len;

	(void)work_make(w, "d", S_IFDIR | 0755);
	(void)work_make(w, "d/e", S_IFDIR | 0755);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "%sf%u", i % 3 ? "d/e/" : "", i);
		(void)work_write_text(w, name, 500 + i * 900, i);
	}
	len = model_dictionary(dict, sizeof dict, 5);
	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = true;
	opt.threads = 1;
	if (models_add(w->vol, MODEL_ZDICT, 1, dict, len, &number) || volume_commit(w->vol) ||
	    compact_run(w->vol, &opt, &result))
		abort();
	(void)work_write(w, "d/hot", 0, 20000);
	(void)work_write(w, "sparse", 30000, 100);
	(void)work_link(w, "f0", "d/hard");
	(void)work_symlink(w, "s", "d/e/f1");
	(void)work_xattr(w, "f3", 2500);
}


/* Takes away, or garbles, some record of some table. */
static void index_damage(const char *store, uint64_t *random)
{
	static struct index_record rec;
	enum table table = (enum table)(replay_random(random) % TABLE_COUNT);
	uint64_t skip = replay_random(random) % 40;
	int dirfd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct index_scan *scan;
	struct index_op op;
	struct index *ix;

	if (dirfd < 0 || index_open(dirfd, store, false, false, &ix))
		goto close_dir; /* an earlier damage was to the file itself */
	index_begin(ix, &op);
	if (index_scan_open(&op, table, NULL, 0, NULL, 0, &scan))
		abort();
	for (uint64_t i = 0; i <= skip && index_scan_next(scan, &rec) == 1; i++)
		r = 1;
	index_scan_close(scan);
	if (r == 1 && (rec.len == 0 || replay_random(random) % 2)) {
		(void)index_del(&op, table, rec.key, rec.key_len);
	} else if (r == 1) {
		rec.value[replay_random(random) % rec.len] ^= (uint8_t)(1 + replay_random(random) % 255);
		(void)index_put(&op, table, rec.key, rec.key_len, rec.value, rec.len);
	}
	index_end(&op);
	if (index_freeze(ix, NULL, NULL) == 1 && index_commit(ix))
		abort();
	index_close(ix);
close_dir:
	if (dirfd >= 0)
		close(dirfd);
}

/* Flips a byte of a file, cuts it off, or removes it. */
static void file_damage(const char *path, uint64_t *random)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	uint8_t bytes[64];
	uint64_t at;

	if (fd < 0)
		return; /* gone before */
	if (fstat(fd, &st) < 0)
		abort();
	at = replay_random(random) % ((uint64_t)st.st_size + 1);
	bytes_random(bytes, sizeof bytes, at);
	switch (replay_random(random) % 4) {
	case 0:
		if (ftruncate(fd, (off_t)at) < 0)
			abort();
		break;
	case 1:
		if (unlink(path) < 0)
			abort();
		break;
	default:
		if (pwrite(fd, bytes, sizeof bytes, (off_t)at) < 0)
			abort();
	}
	close(fd);
}

static void damage(const char *store, uint64_t log, uint64_t *random)
{
	char path[700];

	for (uint64_t i = 0; i <= log % 3; i++) {
		switch (replay_random(random) % 8) {
		case 0:
			snprintf(path, sizeof path, "%s/index.mdb", store);
			file_damage(path, random);
			break;
		case 1:
		case 2:
			snprintf(path, sizeof path, "%s/seg/%08x.seg", store, 1 + (unsigned)(replay_random(random) % 8));
			file_damage(path, random);
			break;
		default:
			index_damage(store, random);
		}
	}
}

/* A copy of the store, made by its snapshot. */
static void copy(const char *store, const char *to)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	struct replay *rp;

	if (fd < 0 || record_start(store, fd))
		abort();
	record_stop();
	if (replay_open(fd, &rp))
		abort();
	replay_go(rp, replay_points(rp));
	replay_choose(rp, REPLAY_KEEP, 0);
	if (replay_write(rp, to))
		abort();
	replay_close(rp);
	close(fd);
}

bool repair_prepare(struct work *w, uint64_t log)
{
	uint64_t random = log * 77 + 5;
	char problem[256] = "";
	struct work ref = { .random = 1 };

	work_create(w);
	work_open(w);
	fill(w);
	if (volume_close(w->vol))
		abort();
	w->vol = NULL;
	damage(w->store, log, &random);
	snprintf(ref.store, sizeof ref.store, "%.500s/whole", w->scratch);
	copy(w->store, ref.store);
	if (!repair_mend(ref.store, problem)) {
		printf("VIOLATION repair log %llu: without a crash: %s\n", (unsigned long long)log, problem);
		return false;
	}
	work_open(&ref);
	if (tree_read(ref.vol, true, &kept))
		abort();
	lost_read(ref.store, &kept_lost);
	return volume_close(ref.vol) == 0;
}

void repair_run(struct work *w, uint64_t log)
{
	struct check_result found;
	char problem[256];

	(void)log;
	if (!check(w->store, true, &found, problem))
		abort();
}
