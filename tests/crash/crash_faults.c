/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash_faults [-v] [-e EVERY] [-c CALL] [-n NTH]: a workload is run again and again, and each time another call of the kernel, of
 * malloc or of pthread_create fails, once or from then on. Operations then fail with an errno; nothing acknowledged is lost, nothing
 * is left open, and once the calls succeed again the volume goes on.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/control/stat.h"
#include "fs/data/commit.h"
#include "fs/extent/models.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "tests/crash/fault.h"
#include "tests/crash/sanitized.h"
#include "tests/crash/scratch.h"
#include "tests/crash/shadow.h"
#include "tests/crash/tree.h"
#include "tests/crash/verify.h"

#define HANG_SECONDS 120
#ifdef FIRN_SANITIZED
#define EVERY_DEFAULT 10
#else
#define EVERY_DEFAULT 3
#endif

static const int errors[FAULT_CALLS][3] = {
	[FAULT_OPEN] = { EMFILE, EIO, ENFILE },
	[FAULT_WRITE] = { ENOSPC, EIO, EDQUOT },
	[FAULT_READ] = { EIO, EIO, EIO },
	[FAULT_SYNC] = { EIO, ENOSPC, EDQUOT },
	[FAULT_TRUNCATE] = { EIO, EIO, EIO },
	[FAULT_PUNCH] = { EIO, EOPNOTSUPP, ENOSPC },
	[FAULT_UNLINK] = { EIO, EIO, EROFS },
	[FAULT_MKDIR] = { ENOSPC, EIO, EDQUOT },
	[FAULT_RENAME] = { EIO, ENOSPC, EDQUOT },
	[FAULT_MMAP] = { ENOMEM, ENOMEM, ENODEV },
	[FAULT_MEMORY] = { ENOMEM, ENOMEM, ENOMEM },
	[FAULT_THREAD] = { EAGAIN, EAGAIN, EAGAIN },
};

static struct shadow shadow;
static struct work work;
static char scratch[500];
static char plan_text[160];
static unsigned failures;

/* What was being tried when the program died or hung. */
static void died(int number)
{
	ssize_t n = write(STDERR_FILENO, plan_text, strlen(plan_text));

	(void)n;
	signal(number, SIG_DFL);
	raise(number);
}

static void failed(const char *what, int r, const char *detail)
{
	failures++;
	printf("VIOLATION %s: %s: %d %s\n", plan_text, what, r, detail);
	fflush(stdout);
}

/* An operation may fail while faults are injected, but never for a reason that says something else. */
static void op(const char *what, int r)
{
	if (r == -EBADMSG)
		failed(what, r, "other bytes than were written");
	else if (r == -EUCLEAN || r < -4095)
		failed(what, r, "is no error of the disk");
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int open_volume(void)
{
	struct volume_error err = { "" };
	struct volume_options opt;

	verify_options(&opt);
	return volume_open(work.store, &opt, &work.vol, &err);
}

static void compact(enum compact_tier tier)
{
	struct compact_options opt;
	struct compact_result result;

	compact_options_init(&opt);
	opt.tier = tier;
	opt.now = true;
	opt.threads = 1;
	op("compact", compact_run(work.vol, &opt, &result));
}

static void namespace_ops(void)
{
	op("mkdir", work_make(&work, "d", S_IFDIR | 0755));
	op("symlink", work_symlink(&work, "s", "a"));
	op("link", work_link(&work, "a", "l"));
	op("unlink link", work_unlink(&work, "l"));
	op("chmod", work_chmod(&work, "a", 0600));
	op("rmdir", work_rmdir(&work, "d"));
}

static void data_ops(void)
{
	op("overwrite", shadow_write(&shadow, &work, 0, "a", 3000, 7000));
	op("fsync", shadow_fsync(&shadow, &work, 0));
	op("write", shadow_write(&shadow, &work, 1, "b", 0, 90000));
	op("truncate", shadow_truncate(&shadow, &work, 1, 50000));
	op("commit", shadow_commit(&shadow, &work));
	op("write", shadow_write(&shadow, &work, 2, "c", 0, 20000));
	op("rename", shadow_rename(&shadow, &work, 2, "b", 1));
	op("sparse", shadow_write(&shadow, &work, 3, "e", 60000, 100));
	op("unlink", shadow_unlink(&shadow, &work, 3));
	op("grow", shadow_truncate(&shadow, &work, 2, 110000));
	op("fsync", shadow_fsync(&shadow, &work, 2));
	for (unsigned i = 0; i < SHADOW_FILES; i++)
		op("read", shadow_read(&shadow, &work, i));
}

static void other_ops(void)
{
	static const uint8_t model[3000] = "a dictionary, as far as the store is concerned";
	struct store_stat st;
	uint16_t number;

	op("model", models_add(work.vol, MODEL_ZDICT, 2, model, sizeof model, &number));
	op("commit", shadow_commit(&shadow, &work));
	op("stat", store_stat(work.vol, &st));
	compact(TIER_WARM);
	compact(TIER_COLD);
	op("reap", models_reap(work.vol, false) < 0 ? -EIO : 0);
	op("commit", shadow_commit(&shadow, &work));
}

/* The store of every run: two files, one of which is left alone from now on. */
static void start(void)
{
	memset(&shadow, 0, sizeof shadow);
	work.random = 1;
	scratch_remove(work.store);
	work_create(&work);
	work_open(&work);
	if (shadow_write(&shadow, &work, 0, "a", 0, 30000) || shadow_write(&shadow, &work, 5, "z", 0, 15000) ||
	    shadow_commit(&shadow, &work) || volume_close(work.vol))
		abort();
	work.vol = NULL;
}

/* Everything that was kept is there, and everything at all when `all`; the tables agree; and the store can be written to. */
static void check(bool all)
{
	char problem[256] = "";
	static struct tree tree;
	int r = open_volume();

	if (r) {
		failed("opening after the faults", r, "");
		return;
	}
	for (unsigned i = 0; i < SHADOW_FILES; i++)
		if (shadow.files[i].kept || all)
			if ((r = shadow_read(&shadow, &work, i)))
				failed("reading after the faults", r, shadow.files[i].path);
	if (tree_read(work.vol, false, &tree))
		failed("reading the tree after the faults", 0, tree.problem);
	else if (volume_commit(work.vol) || tree_check(work.vol, &tree, problem))
		failed("tables", 0, problem);
	r = volume_close(work.vol);
	if (r)
		failed("closing after the faults", r, "");
}

/* Faults are over while the volume is open: it goes on as if nothing had been. */
static void recover(void)
{
	int r;

	for (unsigned i = 0; i < SHADOW_FILES; i++)
		if ((r = shadow_read(&shadow, &work, i)))
			failed("reading once the faults are over", r, shadow.files[i].path);
	r = shadow_write(&shadow, &work, 4, "later", 0, 12000);
	if (r)
		failed("writing once the faults are over", r, "");
	(void)volume_commit(work.vol); /* may tell what failed before */
	r = shadow_commit(&shadow, &work);
	if (r)
		failed("committing once the faults are over", r, "");
}

/* One run; counts the calls. close_too: the volume is closed while calls fail. */
static uint64_t run(const struct fault_plan *plan, bool close_too)
{
	int before, r;
	uint64_t n, hit;

	start();
	before = descriptors();
	alarm(HANG_SECONDS);
	fault_start(plan);
	r = open_volume();
	op("open", r);
	if (r == 0) {
		data_ops();
		namespace_ops();
		other_ops();
	}
	if (r == 0 && close_too) {
		r = volume_close(work.vol);
		for (unsigned i = 0; i < SHADOW_FILES; i++)
			shadow.files[i].kept |= r == 0;
		n = fault_stop(&hit);
		check(false);
	} else {
		n = fault_stop(&hit);
		if (r == 0) {
			recover();
			r = volume_close(work.vol);
			if (r)
				failed("closing", r, "");
		}
		check(true);
	}
	alarm(0);
	if (descriptors() != before)
		failed("descriptors left open", descriptors() - before, "");
	return n;
}

/* Making a store: what fails halfway is gone again, unless removing it fails as well. */
static uint64_t create_run(const struct fault_plan *plan)
{
	struct volume_error err;
	char path[600];
	uint64_t n;
	int before = descriptors(), r;

	snprintf(path, sizeof path, "%s/new", scratch);
	scratch_remove(path);
	alarm(HANG_SECONDS);
	fault_start(plan);
	r = volume_create(path, WORK_CHUNK, "new", 0, 0, &err);
	n = fault_stop(NULL);
	op("volume_create", r);
	if (r && !plan->forever && access(path, F_OK) == 0)
		failed("volume_create left something behind", r, err.text);
	if (r)
		scratch_remove(path);
	if (r && (r = volume_create(path, WORK_CHUNK, "new", 0, 0, &err)))
		failed("volume_create once the faults are over", r, err.text);
	alarm(0);
	if (descriptors() != before)
		failed("descriptors left open", descriptors() - before, "");
	return n;
}

static void create_try(uint64_t *runs)
{
	struct fault_plan plan = { .calls = UINT32_MAX };
	uint64_t n = create_run(&plan);

	for (plan.nth = 1; plan.nth <= n; plan.nth++) {
		for (int how = 0; how < 4; how++) {
			plan.forever = how & 1;
			plan.error = how & 2 ? EIO : ENOSPC;
			snprintf(plan_text, sizeof plan_text, "making a store, call %llu fails with %s, %s",
				 (unsigned long long)plan.nth, strerrorname_np(plan.error), plan.forever ? "and all later" : "once");
			create_run(&plan);
			++*runs;
		}
	}
	printf("%-9s %5llu calls, %5llu runs\n", "create", (unsigned long long)n, 4 * (unsigned long long)n);
}

static void call_try(enum fault_call call, uint64_t every, uint64_t only, uint64_t *runs)
{
	struct fault_plan plan = { .calls = 1u << call };
	uint64_t n, before = *runs;

	snprintf(plan_text, sizeof plan_text, "%s, none failing", fault_names[call]);
	n = run(&plan, true);
	for (uint64_t nth = only ? only : 1; nth <= n && (!only || nth == only); nth += only ? 1 : every) {
		for (int how = 0; how < 4; how++) {
			plan.nth = nth;
			plan.forever = how & 1;
			plan.error = errors[call][nth % 3];
			snprintf(plan_text, sizeof plan_text, "%s number %llu fails with %s, %s, closed %s", fault_names[call],
				 (unsigned long long)nth, strerrorname_np(plan.error), plan.forever ? "and all later" : "once",
				 how & 2 ? "meanwhile" : "later");
			run(&plan, how & 2);
			++*runs;
		}
	}
	printf("%-9s %5llu calls, %5llu runs\n", fault_names[call], (unsigned long long)n,
	       (unsigned long long)(*runs - before));
	fflush(stdout);
}

static void site_print(void *arg, enum fault_call call, const void *caller, uint64_t times)
{
	Dl_info info;

	(void)arg;
	if (dladdr(caller, &info) && info.dli_fname)
		printf("%-9s %s %#lx %llu\n", fault_names[call], info.dli_fname,
		       (unsigned long)((const char *)caller - (const char *)info.dli_fbase - 1), (unsigned long long)times);
}

int main(int argc, char **argv)
{
	const char *every_text = getenv("FIRN_FAULTS_EVERY");
	uint64_t every = every_text ? strtoull(every_text, NULL, 10) : EVERY_DEFAULT, only = 0, runs = 0;
	bool verbose = false;
	const char *name = NULL;
	int c;

	while ((c = getopt(argc, argv, "ve:c:n:")) != -1) {
		switch (c) {
		case 'v': verbose = true; break;
		case 'e': every = strtoull(optarg, NULL, 10); break;
		case 'c': name = optarg; break;
		case 'n': only = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (every == 0 || scratch_make(scratch, sizeof scratch))
		return 2;
	snprintf(work.scratch, sizeof work.scratch, "%s", scratch);
	snprintf(work.store, sizeof work.store, "%s/store", scratch);
	for (int i = 0; i < 4; i++)
		signal((int[]){ SIGSEGV, SIGABRT, SIGALRM, SIGBUS }[i], died);
	for (int call = 0; call < FAULT_CALLS; call++)
		if (!name || strcmp(name, fault_names[call]) == 0)
			call_try((enum fault_call)call, every, only, &runs);
	if (!name)
		create_try(&runs);
	printf("%llu runs, %zu call sites made to fail, %u violations\n", (unsigned long long)runs,
	       fault_sites(verbose ? site_print : NULL, NULL), failures);
	scratch_remove(scratch);
	return failures > 0;
}
