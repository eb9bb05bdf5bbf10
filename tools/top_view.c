/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mount did in an interval, shown as a screen, a line or JSON.
 */
#include "tools/top_view.h"

#include <inttypes.h>

#include "fs/control/metrics_read.h"
#include "tools/json.h"
#include "tools/live.h"
#include "tools/progress.h"

static double rate(const struct top_interval *t, uint64_t n)
{
	return t->seconds > 0 ? (double)n / t->seconds : 0;
}

static double megabytes(const struct top_interval *t, uint64_t n)
{
	return rate(t, n) / 1e6;
}

double top_hits(const struct metrics *did)
{
	uint64_t hits = did->count[METRIC_CACHE_HITS], all = hits + did->count[METRIC_CACHE_MISSES];

	return all ? 100 * (double)hits / (double)all : -1;
}

static double milliseconds(const struct metric_times *t, double q)
{
	return 1e3 * metrics_quantile(t, q);
}

static void screen_times(FILE *out, const struct top_interval *t, const char *name, const struct metric_times *times)
{
	fprintf(out, "  %-16s %10.1f /s", name, rate(t, times->count));
	if (times->count > 0)
		fprintf(out, "   half within %9.3f ms, 99 %% within %9.3f ms", milliseconds(times, 0.5), milliseconds(times, 0.99));
	fputc('\n', out);
}

static void screen_codecs(FILE *out, const struct top_interval *t, const char *what, const struct metric_times times[CODEC_COUNT])
{
	char name[32];

	for (unsigned i = 0; i < CODEC_COUNT; i++) {
		snprintf(name, sizeof name, "%s %s", what, codec_name(i));
		if (i != CODEC_RAW || times[i].count > 0)
			screen_times(out, t, name, &times[i]);
	}
}

static void screen_memory(FILE *out, const struct top_interval *t)
{
	const struct metrics_gauges *g = &t->now;
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE], c[PROGRESS_SIZE];
	double hits = top_hits(&t->did);

	fprintf(out, "  %-16s %s of %s", "cache", progress_size(a, (double)g->cache_bytes), progress_size(b, (double)g->cache_bytes_max));
	if (hits >= 0)
		fprintf(out, ", %.1f %% of what was wanted was there", hits);
	fprintf(out, ", %.1f /s read ahead\n", rate(t, t->did.count[METRIC_AHEAD_CHUNKS]));
	fprintf(out, "  %-16s %s of hot copies of cold data, %.1f /s made, %.1f /s read\n", "thawed", progress_size(a, (double)g->thaw_bytes),
		rate(t, t->did.count[METRIC_THAWED]), rate(t, t->did.count[METRIC_THAW_READS]));
	fprintf(out, "  %-16s %s of %s, %s in the hands of encoders\n", "not yet stored", progress_size(a, (double)g->dirty_bytes),
		progress_size(b, (double)g->dirty_bytes_max), progress_size(c, (double)g->encoding_bytes));
	fprintf(out, "  %-16s %s in %" PRIu64 " segments, %s of it alive\n", "store", progress_size(a, (double)g->segment_bytes), g->segments,
		progress_size(b, (double)g->live_bytes));
}

static void screen_compaction(FILE *out, const struct top_interval *t)
{
	const struct compactor_status *s = &t->compaction;
	char a[PROGRESS_SIZE], b[PROGRESS_SIZE];

	fprintf(out, "\ncompaction: %s%s%s", live_state(s->state), s->reason ? ": " : "", live_reason(s->reason));
	if (s->active)
		fprintf(out, "; %s of %s%s", progress_size(a, (double)s->now.done_bytes), progress_size(b, (double)s->now.total_bytes),
			s->automatic ? ", in the background" : "");
	fprintf(out, "\n  %-16s %10.2f MB/s of files, records %.2f -> %.2f MB/s\n", "packs", megabytes(t, t->plain), megabytes(t, t->in),
		megabytes(t, t->out));
	fprintf(out, "  %-16s %" PRIu64 " for %.1f s since mounted", "pauses", s->pauses, (double)s->paused_ms / 1e3);
	for (uint32_t i = COMPACTOR_CPU; i <= COMPACTOR_BATTERY; i++)
		if (s->by_reason[i].n > 0)
			fprintf(out, "; %" PRIu64 " %s", s->by_reason[i].n, live_reason(i));
	fputc('\n', out);
}

void top_screen(FILE *out, const struct top_interval *t)
{
	const struct metrics *m = &t->did;

	fprintf(out, "firn %s, the last %.1f s\n\n", t->path, t->seconds);
	fprintf(out, "  %-16s %10.1f /s\n", "requests", rate(t, t->requests));
	fprintf(out, "  %-16s %10.2f MB/s\n  %-16s %10.2f MB/s\n", "read", megabytes(t, m->count[METRIC_READ_BYTES]), "written",
		megabytes(t, m->count[METRIC_WRITTEN_BYTES]));
	screen_times(out, t, "read requests", &m->read);
	screen_times(out, t, "write requests", &m->write);
	screen_times(out, t, "fsync", &m->sync);
	screen_times(out, t, "commits", &m->commit);
	screen_codecs(out, t, "decode", m->decode);
	screen_codecs(out, t, "encode", m->encode);
	screen_memory(out, t);
	fprintf(out, "  %-16s %" PRIu64 " of reads, %" PRIu64 " of flushes, %" PRIu64 " of commits\n", "errors", m->count[METRIC_READ_ERRORS],
		m->count[METRIC_FLUSH_ERRORS], m->count[METRIC_COMMIT_ERRORS]);
	if (t->compacts)
		screen_compaction(out, t);
}

void top_line(FILE *out, const struct top_interval *t, bool head)
{
	const struct metrics *m = &t->did;
	double hits = top_hits(m);
	char hit[16] = "-";

	if (head)
		fprintf(out, "%9s %9s %9s %6s %9s %9s %9s %9s %7s %s\n", "requests", "read", "written", "hits", "decodes", "p50", "p99", "unstored",
			"packed", "compaction");
	if (head)
		fprintf(out, "%9s %9s %9s %6s %9s %9s %9s %9s %7s\n", "/s", "MB/s", "MB/s", "%", "cold /s", "ms", "ms", "MB", "MB/s");
	if (hits >= 0)
		snprintf(hit, sizeof hit, "%.1f", hits);
	fprintf(out, "%9.1f %9.2f %9.2f %6s %9.1f %9.3f %9.3f %9.2f %7.2f %s%s%s\n", rate(t, t->requests), megabytes(t, m->count[METRIC_READ_BYTES]),
		megabytes(t, m->count[METRIC_WRITTEN_BYTES]), hit, rate(t, m->decode[CODEC_NEURAL].count),
		milliseconds(&m->decode[CODEC_NEURAL], 0.5), milliseconds(&m->decode[CODEC_NEURAL], 0.99), (double)t->now.dirty_bytes / 1e6,
		megabytes(t, t->plain), t->compacts ? live_state(t->compaction.state) : "-", t->compaction.reason ? ": " : "",
		live_reason(t->compaction.reason));
}

static void json_times(struct json *j, const char *key, const struct metric_times *times)
{
	json_object(j, key);
	json_number(j, "count", times->count);
	json_number(j, "nanoseconds", times->ns);
	json_number(j, "p50_microseconds", (uint64_t)(1e6 * metrics_quantile(times, 0.5)));
	json_number(j, "p99_microseconds", (uint64_t)(1e6 * metrics_quantile(times, 0.99)));
	json_end(j);
}

static void json_codecs(struct json *j, const char *key, const struct metric_times times[CODEC_COUNT])
{
	json_object(j, key);
	for (unsigned i = 0; i < CODEC_COUNT; i++)
		json_times(j, codec_name(i), &times[i]);
	json_end(j);
}

static void json_compaction(struct json *j, const struct top_interval *t)
{
	const struct compactor_status *s = &t->compaction;

	json_object(j, "compaction");
	json_string(j, "state", live_state(s->state));
	json_string(j, "reason", live_reason(s->reason));
	json_number(j, "queue_bytes", s->active && s->now.total_bytes > s->now.done_bytes ? s->now.total_bytes - s->now.done_bytes : 0);
	json_number(j, "plain_bytes", t->plain);
	json_number(j, "in_bytes", t->in);
	json_number(j, "out_bytes", t->out);
	json_number(j, "pauses", s->pauses);
	json_number(j, "paused_ms", s->paused_ms);
	json_end(j);
}

static void json_gauges(struct json *j, const struct metrics_gauges *g)
{
	json_number(j, "dirty_bytes", g->dirty_bytes);
	json_number(j, "dirty_bytes_max", g->dirty_bytes_max);
	json_number(j, "encoding_bytes", g->encoding_bytes);
	json_number(j, "cache_bytes", g->cache_bytes);
	json_number(j, "cache_bytes_max", g->cache_bytes_max);
	json_number(j, "thaw_bytes", g->thaw_bytes);
	json_number(j, "segments", g->segments);
	json_number(j, "segment_bytes", g->segment_bytes);
	json_number(j, "live_bytes", g->live_bytes);
	json_number(j, "plain_bytes", g->plain_bytes);
	json_number(j, "inodes", g->inodes);
}

void top_json(FILE *out, const struct top_interval *t)
{
	struct json j;

	json_begin(&j, out);
	json_ratio(&j, "seconds", t->seconds);
	json_number(&j, "requests", t->requests);
	for (unsigned i = 0; i < METRIC_COUNT; i++)
		json_number(&j, metrics_name((enum metric)i), t->did.count[i]);
	json_times(&j, "read", &t->did.read);
	json_times(&j, "write", &t->did.write);
	json_times(&j, "fsync", &t->did.sync);
	json_times(&j, "commit", &t->did.commit);
	json_codecs(&j, "decode", t->did.decode);
	json_codecs(&j, "encode", t->did.encode);
	json_gauges(&j, &t->now);
	if (t->compacts)
		json_compaction(&j, t);
	json_end(&j);
}
