/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults by plan, and which call sites have seen one. */
#include "tests/crash/fault.h"

#include <pthread.h>

#define SITES 1024

const char *const fault_names[FAULT_CALLS] = {
	"open", "write", "read", "sync", "truncate", "punch", "unlink", "mkdir", "rename", "mmap", "memory", "thread",
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile bool active;
static struct fault_plan now;
static uint64_t counted, refused;
static struct {
	const void *caller;
	enum fault_call call;
	uint64_t failed;
} sites[SITES];

void fault_start(const struct fault_plan *plan)
{
	pthread_mutex_lock(&mutex);
	now = *plan;
	counted = refused = 0;
	active = true;
	pthread_mutex_unlock(&mutex);
}

uint64_t fault_stop(uint64_t *failed)
{
	uint64_t n;

	pthread_mutex_lock(&mutex);
	active = false;
	n = counted;
	if (failed)
		*failed = refused;
	pthread_mutex_unlock(&mutex);
	return n;
}

static void site_count(enum fault_call call, const void *caller)
{
	for (size_t i = 0; i < SITES; i++) {
		if (sites[i].caller && (sites[i].caller != caller || sites[i].call != call))
			continue;
		sites[i].caller = caller;
		sites[i].call = call;
		sites[i].failed++;
		return;
	}
}

int fault_check(enum fault_call call, const void *caller)
{
	int error = 0;

	if (!active)
		return 0;
	pthread_mutex_lock(&mutex);
	if (active && (now.calls & 1u << call)) {
		counted++;
		if (now.nth && (counted == now.nth || (now.forever && counted > now.nth))) {
			error = now.error;
			refused++;
			site_count(call, caller);
		}
	}
	pthread_mutex_unlock(&mutex);
	return error;
}

size_t fault_sites(void (*fn)(void *arg, enum fault_call call, const void *caller, uint64_t failed), void *arg)
{
	size_t n = 0;

	while (n < SITES && sites[n].caller) {
		if (fn)
			fn(arg, sites[n].call, sites[n].caller, sites[n].failed);
		n++;
	}
	return n;
}
