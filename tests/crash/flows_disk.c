/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small disk is filled to the last block, used while it is full, and has room again when files are removed. What does not fit is refused; what was
 * acknowledged stays, reads and removals work throughout, recompaction ends politely.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "tests/crash/capacity.h"
#include "tests/crash/flows.h"
#include "tests/crash/replay.h"
#include "tests/crash/versions.h"

#define DISK (16u << 20) /* a hundredth of it is the volume's reserve */
#define ROOM (3u << 20) /* names are refused when less than 1 MiB is left */
#define FILL_FILES 5u
#define FILL_MAX 300u

static void must(bool good, const char *what, int error)
{
	if (good)
		return;
	fprintf(stderr, "on a full disk: %s: error %d\n", what, error);
	abort();
}

static const char *fill_name(unsigned i, char name[16])
{
	snprintf(name, 16, "fill%u", i);
	return name;
}

static void must_do(const char *what, int error)
{
	must(error == 0, what, error);
}

static void refused_only(const char *what, int error)
{
	must(error == 0 || error == -ENOSPC, what, error);
}

/* Room for names is kept longer than for bytes, so files grow. Returns when something is refused; the odd ones are synced, the others may be dirty. */
static void fill(struct work *w)
{
	uint64_t at[FILL_FILES] = { 0 };
	char name[16];
	int r = 0;

	for (unsigned i = 0; r == 0 && i < FILL_MAX; i++) {
		unsigned file = i % FILL_FILES;
		size_t len = 5000 + replay_random(&w->random) % 60000;
		struct inode *inode;

		r = work_write(w, fill_name(file, name), at[file], len);
		at[file] += len;
		inode = work_find(w, name);
		if (r == 0 && file % 2 && inode)
			r = file_sync(inode);
		if (inode)
			inode_put(inode, 1);
	}
	must(r == -ENOSPC, "it does not become full", r);
}

static void compact_politely(struct work *w, bool reclaim)
{
	struct compact_options opt;
	struct compact_result result;

	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = !reclaim;
	opt.reclaim = reclaim;
	opt.threads = 1;
	refused_only("compaction", compact_run(w->vol, &opt, &result));
}

/* While it is full. */
static void use(struct work *w)
{
	char problem[256];

	refused_only("commit", volume_commit(w->vol));
	for (unsigned i = 0; i < 8; i++)
		refused_only("a new version", versions_next(w, i % VERSION_FILES, i % 2));
	must(versions_oracle(w->vol, versions_acked(), problem), problem, 0);
	compact_politely(w, replay_random(&w->random) % 2);
	must(versions_oracle(w->vol, versions_acked(), problem), problem, 0);
}

static void empty(struct work *w)
{
	char name[16];

	for (unsigned i = 0; i < FILL_FILES; i++) {
		int r = work_unlink(w, fill_name(i, name));

		must(r == 0 || r == -ENOENT, "removing a file", r);
	}
	must_do("the commit of removals", volume_commit(w->vol));
	must_do("the commit after it", volume_commit(w->vol));
}

void disk_run(struct work *w, uint64_t log)
{
	w->random = log;
	versions_start();
	capacity_limit(w->store, ROOM, DISK);
	work_open(w);
	for (unsigned i = 0; i < 6; i++)
		must_do("a version while there is room", versions_next(w, i % VERSION_FILES, true));
	for (unsigned round = 0; round < 2; round++) {
		fill(w);
		use(w);
		if (round == log % 2) { /* another program takes all that is left, then gives a little back */
			(void)work_write(w, "fill0", 0, 50000);
			capacity_limit(w->store, replay_random(&w->random) % 100000, DISK);
			use(w);
			capacity_limit(w->store, 512u << 10, DISK);
		}
		empty(w);
		capacity_limit(w->store, ROOM, DISK);
		must_do("a version when there is room again", versions_next(w, round, true));
	}
	capacity_limit(w->store, 0, 0);
	must_do("a version on a larger disk", versions_next(w, 3, true));
	must_do("closing", volume_close(w->vol));
	w->vol = NULL;
}
