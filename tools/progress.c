/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A progress bar on the terminal, for work of which the share done is known; and the wish to stop that a signal carries.
 */
#include "tools/progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR 24
#define REDRAW 0.2 /* seconds */

static volatile sig_atomic_t interrupted;

static double progress_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_init(struct progress *p, const char *what, bool force)
{
	bool terminal = isatty(STDERR_FILENO) == 1;

	*p = (struct progress){.what = what, .on = terminal || force, .terminal = terminal, .start = progress_now()};
}

static int progress_columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40 ? w.ws_col : 80;
}

/* "1:23:45" or "3:45". */
static void progress_clock(char *buf, size_t cap, double seconds)
{
	unsigned long s = seconds > 0 && seconds < 3.6e6 ? (unsigned long)(seconds + 0.5) : 0;

	if (s >= 3600)
		snprintf(buf, cap, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(buf, cap, "%lu:%02lu", s / 60, s % 60);
}

static void progress_draw(struct progress *p, double now, const char *extra)
{
	char bar[BAR + 1], time[32], line[256];
	double f = p->fraction;
	int full = (int)(f * BAR + 0.5), columns = progress_columns();

	memset(bar, '#', (size_t)full);
	memset(bar + full, '.', (size_t)(BAR - full));
	bar[BAR] = '\0';
	progress_clock(time, sizeof time, f >= 1 ? now - p->start : f > 0.005 ? (now - p->start) * (1 - f) / f : 0);
	snprintf(line, sizeof line, "%s [%s] %3d%% %s %s %s", p->what, bar, (int)(f * 100), time, f >= 1 ? "in all" : "left",
		 extra ? extra : "");
	if (p->terminal)
		fprintf(stderr, "\r\033[K%.*s", columns - 1, line);
	else
		fprintf(stderr, "%s\n", line);
	fflush(stderr);
	p->drawn = now;
}

void progress_update(struct progress *p, double fraction, const char *extra)
{
	double now;

	if (!p->on)
		return;
	p->fraction = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
	now = progress_now();
	if (now - p->drawn >= (p->terminal ? REDRAW : 5 * REDRAW))
		progress_draw(p, now, extra);
}

void progress_end(struct progress *p, const char *extra)
{
	if (!p->on)
		return;
	progress_draw(p, progress_now(), extra);
	if (p->terminal)
		fputc('\n', stderr);
	p->on = false;
}

static void progress_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void progress_catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = progress_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, NULL);
}

bool progress_interrupted(void)
{
	return interrupted != 0;
}

char *progress_size(char buf[PROGRESS_SIZE], double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	size_t u = 0;

	while (bytes >= 999.95 && u + 1 < sizeof units / sizeof *units) {
		bytes /= 1024;
		u++;
	}
	snprintf(buf, PROGRESS_SIZE, u == 0 ? "%.0f %s" : "%.1f %s", bytes, units[u]);
	return buf;
}
