/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exposition format: for each metric what it means and its type, then its values.
 */
#include "fs/control/metrics_text.h"

#include <errno.h>
#include <inttypes.h>

#include "fs/control/metrics_read.h"
#include "fs/tiers/compactor.h"

static const char *const counter_help[METRIC_COUNT] = {
	[METRIC_READ_BYTES] = "Bytes given to readers of files.",
	[METRIC_WRITTEN_BYTES] = "Bytes taken from writers of files.",
	[METRIC_CACHE_HITS] = "Chunks wanted that were decoded already or on their way.",
	[METRIC_CACHE_MISSES] = "Chunks that had to be decoded for a reader.",
	[METRIC_AHEAD_CHUNKS] = "Chunks decoded ahead of readers.",
	[METRIC_THAWED] = "Hot copies made of cold records.",
	[METRIC_THAW_READS] = "Records read from such copies.",
	[METRIC_FLUSHED_CHUNKS] = "Chunks written to the store as fresh data.",
	[METRIC_FLUSHED_BYTES] = "Plain bytes of those chunks.",
	[METRIC_FLUSHED_STORED] = "Bytes of their frames.",
	[METRIC_READ_ERRORS] = "Extents that could not be read.",
	[METRIC_FLUSH_ERRORS] = "Chunks that could not be written to the store.",
	[METRIC_COMMIT_ERRORS] = "Commits that failed.",
};

static void text_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP firn_%s %s\n# TYPE firn_%s %s\n", name, help, name, type);
}

static void text_one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	text_head(out, name, type, help);
	fprintf(out, "firn_%s %" PRIu64 "\n", name, value);
}

/* key NULL: without a label. */
static void text_times(FILE *out, const char *name, const char *key, const char *value, const struct metric_times *t)
{
	uint64_t sum = 0;
	char own[64] = "", with[64] = "";

	if (key) {
		snprintf(own, sizeof own, "{%s=\"%s\"}", key, value);
		snprintf(with, sizeof with, "%s=\"%s\",", key, value);
	}
	for (unsigned i = 0; i + 1 < METRIC_BUCKETS; i++) {
		sum += t->bucket[i];
		fprintf(out, "firn_%s_bucket{%sle=\"%.6f\"} %" PRIu64 "\n", name, with, metrics_bound(i), sum);
	}
	sum += t->bucket[METRIC_BUCKETS - 1];
	fprintf(out, "firn_%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, with, sum);
	fprintf(out, "firn_%s_sum%s %.9f\nfirn_%s_count%s %" PRIu64 "\n", name, own, (double)t->ns / 1e9, name, own, sum);
}

static void text_by_codec(FILE *out, const char *name, const char *help, const struct metric_times times[CODEC_COUNT])
{
	text_head(out, name, "histogram", help);
	for (unsigned i = 0; i < CODEC_COUNT; i++)
		text_times(out, name, "codec", codec_name(i), &times[i]);
}

static void text_totals(FILE *out, const struct metrics *m)
{
	char name[64];

	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		snprintf(name, sizeof name, "%s_total", metrics_name((enum metric)i));
		text_one(out, name, "counter", counter_help[i], m->count[i]);
	}
	text_head(out, "request_seconds", "histogram", "Time from the arrival of a request to its reply.");
	text_times(out, "request_seconds", "op", "read", &m->read);
	text_times(out, "request_seconds", "op", "write", &m->write);
	text_times(out, "request_seconds", "op", "fsync", &m->sync);
	text_by_codec(out, "decode_seconds", "Time to decode a frame.", m->decode);
	text_by_codec(out, "encode_seconds", "Time to encode a frame, kept or not.", m->encode);
	text_head(out, "commit_seconds", "histogram", "Time of a commit, the flush before it included.");
	text_times(out, "commit_seconds", NULL, NULL, &m->commit);
}

static void text_gauges(FILE *out, const struct metrics_gauges *g)
{
	text_one(out, "uptime_seconds", "gauge", "Since the store was opened.", g->milliseconds / 1000);
	text_one(out, "requests_total", "counter", "Requests of the kernel.", g->requests);
	text_one(out, "dirty_bytes", "gauge", "Bytes written by users that are not in the store yet.", g->dirty_bytes);
	text_one(out, "dirty_bytes_max", "gauge", "Bytes at which writers wait.", g->dirty_bytes_max);
	text_one(out, "encoding_bytes", "gauge", "Bytes in the hands of encoders.", g->encoding_bytes);
	text_one(out, "cache_bytes", "gauge", "Decoded bytes kept in memory.", g->cache_bytes);
	text_one(out, "cache_bytes_max", "gauge", "How many are kept at most.", g->cache_bytes_max);
	text_one(out, "thaw_bytes", "gauge", "Hot copies of cold records on disk.", g->thaw_bytes);
	text_one(out, "segments", "gauge", "Segment files.", g->segments);
	text_one(out, "segment_bytes", "gauge", "Bytes appended to them.", g->segment_bytes);
	text_one(out, "live_bytes", "gauge", "Of them, those referred to.", g->live_bytes);
	text_one(out, "plain_bytes", "gauge", "Plain bytes of all extents.", g->plain_bytes);
	text_one(out, "inodes", "gauge", "Inodes in use.", g->inodes);
}

static void text_states(FILE *out, uint32_t state)
{
	static const char *const names[] = {
		[COMPACTOR_IDLE] = "idle",     [COMPACTOR_RUNNING] = "running", [COMPACTOR_WAITING] = "waiting",
		[COMPACTOR_PAUSED] = "paused", [COMPACTOR_STOPPED] = "stopped",
	};

	text_head(out, "compaction_state", "gauge", "1 for the state that recompaction is in.");
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		fprintf(out, "firn_compaction_state{state=\"%s\"} %d\n", names[i], i == state);
}

static void text_pauses(FILE *out, const struct compactor_status *s)
{
	static const char *const names[COMPACTOR_REASONS] = {
		[COMPACTOR_FREELY] = "none",         [COMPACTOR_CPU] = "cpu",         [COMPACTOR_IO] = "io",
		[COMPACTOR_REQUESTS] = "requests",   [COMPACTOR_BATTERY] = "battery", [COMPACTOR_FULL] = "full",
	};

	text_head(out, "compaction_pauses_total", "counter", "Times that recompaction let others go first, by reason.");
	for (unsigned i = COMPACTOR_CPU; i <= COMPACTOR_BATTERY; i++)
		fprintf(out, "firn_compaction_pauses_total{reason=\"%s\"} %" PRIu64 "\n", names[i], s->by_reason[i].n);
	text_head(out, "compaction_paused_seconds_total", "counter", "How long it did.");
	for (unsigned i = COMPACTOR_CPU; i <= COMPACTOR_BATTERY; i++)
		fprintf(out, "firn_compaction_paused_seconds_total{reason=\"%s\"} %.3f\n", names[i], (double)s->by_reason[i].ms / 1e3);
}

static void text_compaction(FILE *out, struct compactor *c)
{
	const struct compactor_figures *now, *all;
	struct compactor_status s;
	uint64_t live;

	compactor_status(c, &s);
	now = &s.now;
	all = &s.all;
	live = s.active ? 1 : 0; /* the run under way is not in the sums yet */
	text_states(out, s.state);
	text_one(out, "compaction_queue_bytes", "gauge", "Plain bytes that the run under way has not come to.",
		 s.active && now->total_bytes > now->done_bytes ? now->total_bytes - now->done_bytes : 0);
	text_one(out, "compaction_runs_total", "counter", "Runs that have ended.", s.finished);
	text_one(out, "compaction_plain_bytes_total", "counter", "Plain bytes looked at.", all->done_bytes + live * now->done_bytes);
	text_one(out, "compaction_in_bytes_total", "counter", "Bytes of records before they were encoded again.",
		 all->before_bytes + live * now->before_bytes);
	text_one(out, "compaction_out_bytes_total", "counter", "Bytes of those records afterwards.",
		 all->after_bytes + live * now->after_bytes);
	text_one(out, "compaction_moved_total", "counter", "Extents made smaller.", all->moved + live * now->moved);
	text_one(out, "compaction_damaged_total", "counter", "Extents that could not be read.", all->damaged + live * now->damaged);
	text_one(out, "compaction_refused_total", "counter", "New frames that did not decode to the same bytes.",
		 all->refused + live * now->refused);
	text_one(out, "compaction_reclaimed_bytes_total", "counter", "Bytes of segments given back.", all->bytes_reclaimed);
	text_pauses(out, &s);
}

int metrics_text(struct volume *vol, FILE *out)
{
	struct metrics_snapshot s;

	metrics_read(vol, &s);
	text_totals(out, &s.total);
	text_gauges(out, &s.now);
	if (vol->compactor)
		text_compaction(out, vol->compactor);
	return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
