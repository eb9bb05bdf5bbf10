/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How busy others are: pressure-stall information, processor time, requests, the battery.
 *
 * Of threads of idle priority the kernel says that they wait for a processor exactly when others have it: so while they work, their own
 * stall is what tells. While none works, the processors' idle time does.
 */
#include "fs/tiers/load.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CPU_STALL_MAX 0.25     /* share of the time; while background work runs */
#define CPU_STALL_QUIET 0.10   /* likewise while it does not                    */
#define IO_STALL_MAX 0.40
#define REQUESTS_MAX 200.0     /* a second                                      */
#define QUIET_NS 500000000u
#define SUPPLIES "/sys/class/power_supply"

/* The start of a small file, ended by 0; empty when it cannot be read. */
static void text_read(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
}

/* "some avg10=... total=N" */
static uint64_t pressure_read(const char *path)
{
	char text[256];
	const char *total;

	text_read(path, text, sizeof text);
	total = strstr(text, "total=");
	return strncmp(text, "some ", 5) == 0 && total ? strtoull(total + 6, NULL, 10) : 0;
}

/* "cpu  user nice system idle iowait irq softirq steal ..." */
static void processors_read(struct load_reading *r)
{
	uint64_t v[8];
	char text[256];

	text_read("/proc/stat", text, sizeof text);
	if (sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &v[0], &v[1], &v[2],
		   &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		return;
	for (int i = 0; i < 8; i++) {
		r->ticks += v[i];
		r->busy += i == 3 || i == 4 ? 0 : v[i];
	}
}

static bool supply_says(const char *supply, const char *file, const char *what)
{
	char path[400], text[64];

	snprintf(path, sizeof path, "%s/%s/%s", SUPPLIES, supply, file);
	text_read(path, text, sizeof text);
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, what) == 0;
}

/* A battery of the machine itself discharges, and no supply is plugged in. */
static bool battery_read(void)
{
	DIR *dir = opendir(SUPPLIES);
	bool discharging = false, plugged = false;
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		if (supply_says(d->d_name, "type", "Battery"))
			discharging |= supply_says(d->d_name, "status", "Discharging") && !supply_says(d->d_name, "scope", "Device");
		else
			plugged |= supply_says(d->d_name, "online", "1");
	}
	if (dir)
		closedir(dir);
	return discharging && !plugged;
}

void load_read(struct load_reading *r, bool battery)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	r->at = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	r->cpu_stall = pressure_read("/proc/pressure/cpu");
	r->io_stall = pressure_read("/proc/pressure/io");
	r->busy = r->ticks = 0;
	processors_read(r);
	if (battery)
		r->battery = battery_read();
}

void load_init(struct load *l, unsigned processors, const struct load_reading *r)
{
	*l = (struct load){.processors = processors, .last = *r, .quiet = *r, .reason = COMPACTOR_CPU};
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* The reason to let others go first, between two readings. */
static enum compactor_reason load_reason(const struct load *l, const struct load_reading *r)
{
	double ns = (double)since(r->at, l->last.at);

	if (r->battery)
		return COMPACTOR_BATTERY;
	if ((double)since(r->requests, l->last.requests) * 1e9 > REQUESTS_MAX * ns)
		return COMPACTOR_REQUESTS;
	if ((double)since(r->cpu_stall, l->last.cpu_stall) * 1e3 > (l->allowed ? CPU_STALL_MAX : CPU_STALL_QUIET) * ns)
		return COMPACTOR_CPU;
	if ((double)since(r->io_stall, l->last.io_stall) * 1e3 > IO_STALL_MAX * ns)
		return COMPACTOR_IO;
	return COMPACTOR_FREELY;
}

/* Processors that nobody else used since the quiet began; all when the system does not tell. */
static unsigned load_unused(const struct load *l, const struct load_reading *r)
{
	uint64_t ticks = since(r->ticks, l->quiet.ticks), busy = since(r->busy, l->quiet.busy);
	double seconds = (double)since(r->at, l->quiet.at) / 1e9;
	double own = (double)since(r->own, l->quiet.own) / 1e9, others;

	if (ticks == 0)
		return l->processors;
	others = (double)busy / (double)ticks * l->processors - own / seconds;
	if (others < 0)
		others = 0;
	return others + 0.7 < l->processors ? (unsigned)(l->processors - others + 0.3) : 0;
}

void load_judge(struct load *l, const struct load_reading *r)
{
	enum compactor_reason reason = load_reason(l, r);

	l->last = *r;
	if (reason != COMPACTOR_FREELY) {
		l->quiet = *r;
		l->allowed = 0;
		l->reason = reason;
		return;
	}
	if (since(r->at, l->quiet.at) < QUIET_NS)
		return;
	l->allowed = load_unused(l, r);
	l->reason = l->allowed < l->processors ? COMPACTOR_CPU : COMPACTOR_FREELY;
	l->quiet = *r;
}
