/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mount does at once: two writers, somebody who syncs all the time, a reader of old files, and the compactor with its crew, which
 * recompacts those old files, collects garbage and is paused and stopped.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/codec.h"
#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compactor.h"
#include "tests/codec/bytes.h"
#include "tests/crash/flows.h"
#include "tests/crash/replay.h"
#include "tests/crash/verify.h"
#include "tests/crash/versions.h"

#define OLD_FILES 24u
#define OLD_LEN 9000u
#define RUNS 4u
#define PAUSE 4000u /* microseconds: what they all do at full speed makes long logs of little but commits */

static atomic_bool stop;

static size_t old_content(unsigned i, uint8_t bytes[OLD_LEN])
{
	size_t len = OLD_LEN - i * 300;

	bytes_text(bytes, len, 1000 + i);
	if (i % 5 == 0)
		bytes_random(bytes, len / 2, i);
	return len;
}

static void old_name(unsigned i, char name[16])
{
	snprintf(name, 16, "old%u", i);
}

/* Old files, and holes in their segments where others were. */
bool live_prepare(struct work *w, uint64_t log)
{
	uint8_t bytes[OLD_LEN];
	char name[16];

	w->random = log;
	work_create(w);
	work_open(w);
	for (unsigned i = 0; i < OLD_FILES; i++) {
		struct inode *inode;
		size_t len = old_content(i, bytes);

		old_name(i, name);
		if (work_make(w, name, S_IFREG | 0644) || !(inode = work_find(w, name)) ||
		    file_write(inode, bytes, len, 0, false) != (ssize_t)len)
			abort();
		inode_put(inode, 1);
		if (i % 3 == 0)
			(void)work_write(w, "garbage", i * 5000, 5000);
	}
	return volume_commit(w->vol) == 0 && work_unlink(w, "garbage") == 0 && work_close(w) == 0;
}

static bool old_good(struct volume *vol, char problem[256])
{
	static _Thread_local uint8_t expected[OLD_LEN], found[OLD_LEN + 1];
	char name[16];

	for (unsigned i = 0; i < OLD_FILES; i++) {
		struct inode *inode;
		size_t len = old_content(i, expected);
		ssize_t n = -ENOENT;

		old_name(i, name);
		inode = work_find(&(struct work){ .vol = vol }, name);
		if (inode) {
			n = file_read(inode, found, sizeof found, 0);
			inode_put(inode, 1);
		}
		if (n == (ssize_t)len && memcmp(found, expected, len) == 0)
			continue;
		snprintf(problem, 256, "%s, which nobody touched, is read as %zd bytes of %zu, or other ones", name, n, len);
		return false;
	}
	return true;
}

bool live_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	return old_good(vol, problem) && versions_oracle(vol, acked, problem);
}

static void *reads(void *arg)
{
	struct work *w = arg;
	char problem[256];

	for (; !stop; usleep(PAUSE)) {
		if (old_good(w->vol, problem))
			continue;
		fprintf(stderr, "while compacting: %s\n", problem);
		abort();
	}
	return NULL;
}

static void *commits(void *arg)
{
	struct work *w = arg;

	for (; !stop; usleep(PAUSE))
		if (volume_commit(w->vol))
			abort();
	return NULL;
}

/* Two files each: the odd ones of this thread, or the even ones. */
static void *writes(void *arg)
{
	struct work *w = arg;

	for (unsigned file = w->random % 2; !stop && versions_left(file); file ^= 2, usleep(PAUSE / 4))
		if (versions_next(w, file, replay_random(&w->random) % 3 == 0))
			abort();
	return NULL;
}

/* Asks for run i and stays until it has ended, unless it is cut short. */
static void run_ask(struct compactor *c, unsigned i, uint64_t *random)
{
	struct compactor_request asked = {
		.tier = i % 2 ? TIER_COLD : TIER_WARM, .now = i % 3 != 2, .reclaim = i % 3 == 2, .threads = 2,
		.neural_level = NEURAL_FAST,
	};
	struct compactor_status status;
	uint64_t number;

	if (compactor_start(c, &asked, &number)) {
		fprintf(stderr, "live: the compactor refuses a run\n");
		abort();
	}
	if (replay_random(random) % 3 == 0) {
		compactor_pause(c);
		usleep(1000);
		compactor_resume(c);
	}
	if (replay_random(random) % 4 == 0) {
		compactor_stop(c);
		compactor_resume(c);
	}
	do {
		usleep(500);
		compactor_status(c, &status);
	} while (status.finished < number);
	if (status.asked_error && status.asked_error != -EINTR) {
		fprintf(stderr, "live: the compactor ended with error %d\n", status.asked_error);
		abort();
	}
}

void live_run(struct work *w, uint64_t log)
{
	void *(*const parts[])(void *) = { writes, writes, commits, reads };
	enum { PARTS = sizeof parts / sizeof *parts };
	struct compactor_options copt;
	struct volume_options opt;
	struct volume_error err;
	struct work own[PARTS];
	pthread_t threads[PARTS];
	uint64_t random = log;

	verify_options(&opt);
	opt.offline = false;
	opt.commit_seconds = 1;
	opt.workers = 2;
	opt.dirty_bytes = 1 << 20;
	versions_start();
	if (volume_open(w->store, &opt, &w->vol, &err)) {
		fprintf(stderr, "live: %s\n", err.text);
		abort();
	}
	compactor_options_init(&copt);
	copt.automatic = false;
	stop = false;
	if (compactor_create(w->vol, &copt))
		abort();
	for (unsigned i = 0; i < PARTS; i++) {
		own[i] = *w;
		own[i].random = 2 * log + i;
		if (pthread_create(&threads[i], NULL, parts[i], &own[i]))
			abort();
	}
	for (unsigned i = 0; i < RUNS; i++)
		run_ask(w->vol->compactor, i + (unsigned)(log % 6), &random);
	stop = true;
	for (unsigned i = 0; i < PARTS; i++)
		pthread_join(threads[i], NULL);
	if (volume_close(w->vol))
		abort();
	w->vol = NULL;
}
