/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a store out of a tree, and mounting after a crash, during which the machine crashes again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/import.h"
#include "fs/store/volume_open.h"
#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"
#include "tests/crash/tree.h"
#include "tests/crash/verify.h"

static void tree_file(const char *dir, unsigned i)
{
	char path[700], text[64] = "";
	FILE *f;

	snprintf(path, sizeof path, "%s/sub%u", dir, i % 3);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof path, "%s/sub%u/file%u", dir, i % 3, i);
	f = fopen(path, "w");
	if (!f)
		abort();
	for (unsigned k = 0; k < i * 200; k++)
		fwrite(text, 1, (size_t)snprintf(text, sizeof text, "line %u of file %u\n", k, i * k), f);
	if (fclose(f))
		abort();
}

bool import_prepare(struct work *w, uint64_t log)
{
	char dir[600];

	(void)log;
	snprintf(dir, sizeof dir, "%s/tree", w->scratch);
	if (mkdir(dir, 0755) == 0)
		for (unsigned i = 0; i < 20; i++)
			tree_file(dir, i);
	return mkdir(w->store, 0700) == 0;
}

void import_run(struct work *w, uint64_t log)
{
	struct import_options opt = { 0 };
	struct import_progress done;
	struct volume_error err;
	char dir[600];

	(void)log;
	snprintf(dir, sizeof dir, "%s/tree", w->scratch);
	if (volume_create(w->store, WORK_CHUNK, "import", 0, 0, &err))
		abort();
	work_open(w);
	work_durable(w);
	if (import_tree(w->vol, dir, &opt, &done, &err))
		abort();
	if (work_close(w))
		abort();
}

/* A crash somewhere in a sequence of operations: its state becomes the store. */
bool recover_prepare(struct work *w, uint64_t log)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct replay *rp;
	uint64_t random = log * 31 + 7;
	enum replay_variant variant = (enum replay_variant)(log % REPLAY_VARIANTS);
	size_t first = 0;

	random_prepare(w, log);
	if (fd < 0 || record_start(w->store, fd))
		abort();
	random_run(w, log);
	record_stop();
	if (replay_open(fd, &rp))
		abort();
	close(fd);
	while (replay_entry(rp, first)->type == LOG_DIR || replay_entry(rp, first)->type == LOG_FILE)
		first++;
	replay_go(rp, first + replay_random(&random) % (replay_points(rp) - first));
	for (unsigned tries = 0; !replay_pending(rp) && tries < 20; tries++)
		replay_go(rp, first + replay_random(&random) % (replay_points(rp) - first));
	replay_choose(rp, variant, random);
	if (replay_write(rp, w->store))
		abort();
	replay_close(rp);
	return true;
}

/* What is found first must be found again, however often the mount is cut short. */
void recover_run(struct work *w, uint64_t log)
{
	w->random = log;
	work_open(w);
	work_durable(w);
	(void)work_write(w, "g/later", 0, 10000);
	(void)work_fsync(w, "g/later");
	(void)work_unlink(w, "g/later");
	if (work_close(w))
		abort();
}
