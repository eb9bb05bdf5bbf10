/* SPDX-License-Identifier: BSD-2-Clause */
/* Crash after crash of one log. */
#include "tests/crash/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/check/check.h"
#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/names/dir.h"
#include "fs/store/volume_open.h"
#include "tests/crash/tree.h"

#define ALLOWED 16384
#define SEEN (1u << 16)
#define HANG_SECONDS 300

struct run {
	struct verify *v;
	struct replay *rp;
	struct allowed {
		uint64_t ino, hash;
		bool vague;
	} allowed[ALLOWED];
	size_t n_allowed;
	bool anything;
	uint64_t acked;
	size_t point;
	enum replay_variant variant;
	uint64_t seed;
	uint64_t *seen; /* hash set of states that were good, together with the trees that were allowed */
	char problem[512];
};

void verify_options(struct volume_options *opt)
{
	volume_options_init(opt);
	opt->offline = true;
	opt->workers = 1;
	opt->cache_bytes = 1 << 20;
	opt->role = "test";
}

static void allow(struct run *run, const struct log_entry *e)
{
	if (run->n_allowed == ALLOWED)
		abort();
	run->allowed[run->n_allowed++] = (struct allowed){ e->offset, e->value, e->type == LOG_VAGUE };
}

/* What was acknowledged: nothing that was allowed of this file, or of the names, before that is any more. */
static void durable(struct run *run, const struct log_entry *e)
{
	size_t left = 0, last = run->n_allowed;

	while (last > 0 && !(run->allowed[last - 1].ino == e->offset && run->allowed[last - 1].hash == e->value &&
			     !run->allowed[last - 1].vague))
		last--;
	for (size_t i = 0; i < run->n_allowed; i++)
		if (run->allowed[i].ino != e->offset || (last > 0 && i + 1 >= last))
			run->allowed[left++] = run->allowed[i];
	run->n_allowed = left;
	if (last == 0)
		allow(run, e);
}

/* Follows the marks up to the point. */
static void marks_read(struct run *run)
{
	run->n_allowed = run->acked = 0;
	run->anything = false;
	for (size_t i = 0; i < run->point; i++) {
		const struct log_entry *e = replay_entry(run->rp, i);

		if (e->type == LOG_ACK)
			run->acked = e->value;
		if (e->type == LOG_ANYTHING)
			run->anything = e->value;
		if (e->type == LOG_DURABLE)
			durable(run, e);
		if (e->type == LOG_MAYBE || e->type == LOG_VAGUE)
			allow(run, e);
	}
}

static bool hash_allowed(const struct run *run, uint64_t ino, uint64_t hash)
{
	for (size_t i = 0; i < run->n_allowed; i++)
		if (run->allowed[i].ino == ino && (run->allowed[i].vague || run->allowed[i].hash == hash))
			return true;
	return false;
}

#define PROBLEM(run, ...) (snprintf((run)->problem, sizeof(run)->problem, __VA_ARGS__), false)

static bool tree_allowed(struct run *run, const struct tree *tree)
{
	if (run->anything || run->n_allowed == 0)
		return true;
	if (!hash_allowed(run, 0, tree->names))
		return PROBLEM(run, "names and attributes are not those of a commit");
	for (size_t i = 0; i < tree->n; i++)
		if (!hash_allowed(run, tree->files[i].ino, tree->files[i].hash))
			return PROBLEM(run, "contents of inode %llu are not those of a commit",
				       (unsigned long long)tree->files[i].ino);
	return true;
}

static bool volume_good(struct run *run, struct volume *vol, struct tree *tree)
{
	char problem[256] = "";

	if (tree_read(vol, run->v->mend != NULL, tree))
		return PROBLEM(run, "cannot be read: %s", tree->problem);
	if (volume_commit(vol)) /* of what opening cleaned up: counters follow their tables in commits */
		return PROBLEM(run, "volume_commit");
	if (tree_check(vol, tree, problem))
		return PROBLEM(run, "tables disagree: %s", problem);
	return true;
}

static bool store_write(struct run *run, struct volume *vol)
{
	struct dir_new what = { .mode = S_IFREG | 0644 };
	struct inode *root, *inode;
	uint8_t bytes[9000];
	bool good;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	if (inode_get(vol, INO_ROOT, &root))
		return PROBLEM(run, "no root");
	good = dir_make(root, "after the crash", &what, &inode) == 0;
	if (good) {
		good = file_write(inode, bytes, sizeof bytes, 0, false) == sizeof bytes && file_sync(inode) == 0;
		inode_put(inode, 1);
	}
	inode_put(root, 1);
	return good ? true : PROBLEM(run, "cannot be written to");
}

static bool store_unlink(struct run *run, struct volume *vol)
{
	struct inode *root;
	bool good;

	if (inode_get(vol, INO_ROOT, &root))
		return PROBLEM(run, "no root after a remount");
	good = dir_unlink(root, "after the crash") == 0 && volume_commit(vol) == 0;
	inode_put(root, 1);
	return good ? true : PROBLEM(run, "the file of before the remount can't be removed");
}

static bool reopen(struct run *run, const char *dir, struct volume **vol)
{
	struct volume_error err = { "" };
	struct volume_options opt;
	int r;

	verify_options(&opt);
	r = volume_open(dir, &opt, vol, &err);
	if (r == 0)
		return true;
	return PROBLEM(run, "volume_open: error %d %s", r, err.text);
}

/* The store goes on being used: a file more, another mount, and the file goes. */
static bool state_usable(struct run *run, const char *dir, struct volume **vol)
{
	struct tree tree;

	if (!store_write(run, *vol) || !volume_good(run, *vol, &tree))
		return false;
	if (volume_close(*vol)) {
		*vol = NULL;
		return PROBLEM(run, "volume_close");
	}
	*vol = NULL;
	return reopen(run, dir, vol) && volume_good(run, *vol, &tree) && store_unlink(run, *vol) &&
		volume_good(run, *vol, &tree);
}

static int problem_note(void *arg, const struct check_problem *p)
{
	struct run *run = arg;
	char what[256];

	if (check_table[p->code].severity != CHECK_NOTE && !run->problem[0]) {
		check_text(p, what, sizeof what);
		(void)PROBLEM(run, "fsck: %s", what);
	}
	return 0;
}

/* fsck.firn -n finds nothing. */
static bool state_checked(struct run *run, const char *dir)
{
	struct check_options opt = { .problem = problem_note, .arg = run };
	struct check_result found;
	struct volume_error err = { "" };
	int r;

	run->problem[0] = '\0';
	r = check_store(dir, &opt, &found, &err);
	if (r)
		return PROBLEM(run, "fsck: error %d %s", r, err.text);
	if (found.problems == 0 && found.inodes == 0)
		return PROBLEM(run, "fsck looked at nothing");
	return found.problems == 0;
}

static bool state_good(struct run *run, const char *dir)
{
	struct verify *v = run->v;
	struct volume *vol = NULL;
	struct tree tree;
	char problem[256] = "";
	bool good;

	if (v->mend && !v->mend(dir, problem))
		return PROBLEM(run, "%s", problem);
	if (!reopen(run, dir, &vol))
		return v->unborn && run->n_allowed == 0; /* an error, and no crash, is all that is asked */
	good = volume_good(run, vol, &tree) && tree_allowed(run, &tree);
	if (good && v->oracle && !v->oracle(vol, run->acked, problem))
		good = PROBLEM(run, "%s", problem);
	if (good)
		good = state_usable(run, dir, &vol);
	if (vol && volume_close(vol) && good)
		good = PROBLEM(run, "volume_close after the checks");
	return good && state_checked(run, dir);
}

/* Whether this state was tried before, with the same trees allowed; if not, it counts as tried now. */
static bool seen_before(struct run *run, uint64_t state)
{
	uint64_t key = state ^ run->acked * 0x9e3779b97f4a7c15;

	for (size_t i = 0; i < run->n_allowed; i++)
		key += (run->allowed[i].hash + run->allowed[i].vague) * (2 * run->allowed[i].ino + 1);
	key += key == 0;
	for (size_t i = key % SEEN;; i = (i + 1) % SEEN) {
		if (run->seen[i] == key)
			return true;
		if (run->seen[i] == 0) {
			run->seen[i] = key;
			return false;
		}
	}
}

static void violation(struct run *run, const char *dir)
{
	struct verify *v = run->v;
	char kept[600], command[1400];

	v->violations++;
	snprintf(kept, sizeof kept, "%s/bad-%s-%llu-%zu-%s", v->scratch, v->name, (unsigned long long)v->log, run->point,
		 replay_names[run->variant]);
	replay_choose(run->rp, run->variant, run->seed);
	if (replay_write(run->rp, kept))
		snprintf(kept, sizeof kept, "(not kept)");
	printf("VIOLATION %s log %llu point %zu variant %s seed %llu: %s\n  state kept: %s\n", v->name,
	       (unsigned long long)v->log, run->point, replay_names[run->variant], (unsigned long long)run->seed,
	       run->problem, kept);
	snprintf(command, sizeof command, "  again: crash_replay -w %s -s %llu -l %llu -p %zu -v %s -r %llu", v->name,
		 (unsigned long long)v->seed, (unsigned long long)v->log, run->point, replay_names[run->variant],
		 (unsigned long long)run->seed);
	puts(command);
	fflush(stdout);
	(void)dir;
}

static void try(struct run *run)
{
	struct verify *v = run->v;
	uint64_t state = replay_choose(run->rp, run->variant, run->seed);
	char dir[600];

	if (seen_before(run, state)) {
		v->duplicates++;
		return;
	}
	snprintf(dir, sizeof dir, "%s/state", v->scratch);
	v->states++;
	v->variants[run->variant]++;
	alarm(HANG_SECONDS);
	if (replay_write(run->rp, dir) || !state_good(run, dir))
		violation(run, dir);
	alarm(0);
}

/* Between two marks nothing happens. */
static bool point_counts(const struct run *run)
{
	enum log_type type;

	if (run->point == replay_points(run->rp))
		return true;
	type = (enum log_type)replay_entry(run->rp, run->point)->type;
	return type < LOG_MAYBE || type == LOG_UNKNOWN;
}

/* One point: what a kill leaves, what a power cut leaves at worst, and something in between. */
static void try_point(struct run *run, uint64_t *random)
{
	unsigned variants = replay_pending(run->rp) ? 4 : 1;

	for (unsigned i = 0; i < variants && run->v->states < run->v->states_max; i++) {
		run->variant = i < 2 ? (enum replay_variant)i
				     : (enum replay_variant)(2 + replay_random(random) % (REPLAY_VARIANTS - 2));
		run->seed = replay_random(random);
		try(run);
	}
}

int verify_log(struct verify *v, int log_fd)
{
	static struct run run;
	uint64_t random = v->seed * 0x2545f4914f6cdd1d + v->log;
	size_t first = 0, points;
	int r;

	memset(&run, 0, sizeof run);
	run.v = v;
	r = replay_open(log_fd, &run.rp);
	if (r)
		return r;
	run.seen = calloc(SEEN, sizeof *run.seen);
	points = replay_points(run.rp);
	if (!run.seen)
		abort();
	for (size_t i = 0; i < points; i++) {
		enum log_type type = (enum log_type)replay_entry(run.rp, i)->type;

		if (type == LOG_DIR || type == LOG_FILE || type == LOG_HERE)
			first = i + 1;
	}
	if (v->only_point) {
		run.point = v->only_point - 1;
		run.variant = v->only_variant;
		run.seed = v->only_seed;
		replay_go(run.rp, run.point);
		marks_read(&run);
		try(&run);
	}
	/* Every point in turn when there is time for all, else as many as there is time for, spread evenly. */
	for (unsigned round = 0; !v->only_point && v->states < v->states_max && round < 64; round++) {
		size_t all = points - first + 1, stride = all * 3 / v->states_max + 1;
		uint64_t before = v->states;

		for (run.point = first + replay_random(&random) % stride; run.point <= points; run.point += stride) {
			if (!point_counts(&run))
				continue;
			replay_go(run.rp, run.point);
			marks_read(&run);
			try_point(&run, &random);
		}
		if (v->states == before && stride == 1)
			break;
	}
	replay_close(run.rp);
	free(run.seen);
	return 0;
}
