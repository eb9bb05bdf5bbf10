/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash_replay [-n STATES] [-s SEED] [-j JOBS] [-w WORKLOAD [-l LOG [-p POINT -v VARIANT -r SEED]]]: crashes every workload and says
 * what came of it. Exit status 1: a violation.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/sanitized.h"
#include "tests/crash/scratch.h"
#include "tests/crash/verify.h"
#include "tests/crash/versions.h"

const struct flow flows[] = {
	{ "ace", 0, 27, 8, false, ace_prepare, ace_run, NULL, NULL },
	{ "random", 0, 10, 60, false, random_prepare, random_run, NULL, NULL },
	{ "save", 0, 5, 60, false, random_prepare, save_run, NULL, NULL },
	{ "full", 0, 5, 40, false, random_prepare, full_run, full_oracle, NULL },
	{ "disk", 0, 2, 60, false, random_prepare, disk_run, versions_oracle, NULL },
	{ "busy", 0, 3, 40, false, random_prepare, busy_run, busy_oracle, NULL },
	{ "untar", 0, 4, 60, false, random_prepare, untar_run, untar_oracle, NULL },
#ifdef HAVE_SQLITE3
	{ "sqlite", 0, 6, 60, false, random_prepare, sqlite_run, sqlite_oracle, NULL },
#endif
	{ "compact", 0, 6, 60, false, compact_prepare, compact_flow_run, NULL, NULL },
	{ "index", 0, 5, 60, false, compact_prepare, index_run, NULL, NULL },
	{ "live", 0, 6, 80, false, live_prepare, live_run, live_oracle, NULL },
	{ "model", 0, 4, 60, false, compact_prepare, model_run, model_oracle, NULL },
	{ "upload", 0, 3, 60, false, compact_prepare, upload_run, upload_oracle, NULL },
	{ "import", 1, 3, 400, true, import_prepare, import_run, NULL, NULL },
	{ "recover", 0, 5, 12, false, recover_prepare, recover_run, NULL, NULL },
	{ "repair", 0, 6, 30, false, repair_prepare, repair_run, repair_oracle, repair_mend },
};
const size_t flows_count = sizeof flows / sizeof flows[0];

#ifdef FIRN_SANITIZED
#define STATES_DEFAULT 2000
#else
#define STATES_DEFAULT 10000
#endif

struct options {
	uint64_t states, seed;
	unsigned jobs;
	const char *flow;
	uint64_t only_log; /* 1 + number */
	struct verify only;
};

/* What a job tells its parent. */
struct report {
	uint64_t logs, states, duplicates, violations, variants[REPLAY_VARIANTS];
	uint64_t log; /* where it is */
};

static void log_try(const struct flow *flow, uint64_t log, const char *scratch, const struct options *o,
		    struct report *report)
{
	struct verify v = {
		.name = flow->name, .log = log, .seed = o->seed, .scratch = scratch, .states_max = flow->states,
		.unborn = flow->unborn, .oracle = flow->oracle, .mend = flow->mend, .only_point = o->only.only_point,
		.only_variant = o->only.only_variant, .only_seed = o->only.only_seed,
	};
	struct work w = { .random = log };
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (flow->unborn) /* one log for all states */
		v.states_max = o->states * flow->share / 100 / o->jobs;
	report->log = log;
	snprintf(w.scratch, sizeof w.scratch, "%s", scratch);
	snprintf(w.store, sizeof w.store, "%s/store", scratch);
	scratch_remove(w.store);
	if (fd < 0)
		abort();
	if (!flow->prepare(&w, log)) {
		report->violations++;
		report->states++;
		close(fd);
		return;
	}
	if (record_start(w.store, fd))
		abort();
	flow->run(&w, log);
	record_stop();
	if (verify_log(&v, fd))
		abort();
	close(fd);
	report->logs++;
	report->states += v.states;
	report->duplicates += v.duplicates;
	report->violations += v.violations;
	for (int i = 0; i < REPLAY_VARIANTS; i++)
		report->variants[i] += v.variants[i];
}

/* One process: every jobs-th log until its share of the states is tried. */
static void job_run(const struct flow *flow, unsigned job, const char *scratch, const struct options *o,
		    struct report *report)
{
	uint64_t share = (o->states * flow->share / 100 + o->jobs - 1) / o->jobs;
	char dir[600];

	snprintf(dir, sizeof dir, "%s/%u", scratch, job);
	if (mkdir(dir, 0700) < 0)
		abort();
	if (o->only_log) {
		log_try(flow, o->only_log - 1, dir, o, report);
		return;
	}
	if (flow->unborn) {
		struct options own = *o;

		own.seed += job;
		log_try(flow, 0, dir, &own, report);
		return;
	}
	for (uint64_t log = job; report->states < share; log += o->jobs)
		log_try(flow, log, dir, o, report);
}

static void report_print(const struct flow *flow, const struct report *sum)
{
	printf("%-8s %6llu logs, %7llu states (%llu more were the same), %llu violations\n", flow->name,
	       (unsigned long long)sum->logs, (unsigned long long)sum->states, (unsigned long long)sum->duplicates,
	       (unsigned long long)sum->violations);
	fflush(stdout);
}

static uint64_t flow_try(const struct flow *flow, const struct options *o, struct report *total)
{
	struct report *reports =
		mmap(NULL, o->jobs * sizeof *reports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct report sum = { 0 };
	pid_t *pids = calloc(o->jobs, sizeof *pids);
	char scratch[500];

	if (reports == MAP_FAILED || !pids || scratch_make(scratch, sizeof scratch))
		abort();
	for (unsigned i = 0; i < o->jobs; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			free(pids);
			job_run(flow, i, scratch, o, &reports[i]);
			exit(0);
		}
	}
	for (unsigned i = 0; i < o->jobs; i++) {
		int status;

		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0) {
			printf("VIOLATION %s log %llu: the process died with status %#x\n", flow->name,
			       (unsigned long long)reports[i].log, (unsigned)status);
			reports[i].violations++;
		}
		sum.logs += reports[i].logs;
		sum.states += reports[i].states;
		sum.duplicates += reports[i].duplicates;
		sum.violations += reports[i].violations;
		for (int k = 0; k < REPLAY_VARIANTS; k++)
			total->variants[k] += reports[i].variants[k];
	}
	report_print(flow, &sum);
	total->states += sum.states;
	total->violations += sum.violations;
	if (sum.violations == 0)
		scratch_remove(scratch);
	munmap(reports, o->jobs * sizeof *reports);
	free(pids);
	return sum.violations;
}

static enum replay_variant variant_named(const char *name)
{
	int i = 0;

	while (i < REPLAY_VARIANTS && strcmp(replay_names[i], name) != 0)
		i++;
	return (enum replay_variant)i;
}

static bool options_read(int argc, char **argv, struct options *o)
{
	const char *states = getenv("FIRN_CRASH_STATES");
	int c;

	*o = (struct options){ .states = states ? strtoull(states, NULL, 10) : STATES_DEFAULT, .seed = 1, .jobs = 2 };
	while ((c = getopt(argc, argv, "n:s:j:w:l:p:v:r:")) != -1) {
		switch (c) {
		case 'n': o->states = strtoull(optarg, NULL, 10); break;
		case 's': o->seed = strtoull(optarg, NULL, 10); break;
		case 'j': o->jobs = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': o->flow = optarg; break;
		case 'l': o->only_log = 1 + strtoull(optarg, NULL, 10); o->jobs = 1; break;
		case 'p': o->only.only_point = 1 + strtoull(optarg, NULL, 10); break;
		case 'v': o->only.only_variant = variant_named(optarg); break;
		case 'r': o->only.only_seed = strtoull(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return o->jobs > 0 && o->only.only_variant < REPLAY_VARIANTS;
}

int main(int argc, char **argv)
{
	struct report total = { 0 };
	struct options o;

	if (!options_read(argc, argv, &o)) {
		fprintf(stderr, "usage: crash_replay [-n states] [-s seed] [-j jobs] [-w workload [-l log [-p point"
				" -v variant -r seed]]]\n");
		return 2;
	}
	for (size_t i = 0; i < flows_count; i++)
		if (!o.flow || strcmp(o.flow, flows[i].name) == 0)
			flow_try(&flows[i], &o, &total);
	for (int i = 0; i < REPLAY_VARIANTS; i++)
		printf("%s %llu%s", replay_names[i], (unsigned long long)total.variants[i],
		       i + 1 < REPLAY_VARIANTS ? ", " : "\n");
	printf("%llu crash states, %llu violations\n", (unsigned long long)total.states,
	       (unsigned long long)total.violations);
	return total.violations || total.states == 0;
}
