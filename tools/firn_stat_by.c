/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn stat --by: a table, or JSON, of what the parts of a directory take, and what compaction would make of them.
 */
#include "tools/firn_stat_by.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/firn.h"
#include "tools/json.h"
#include "tools/progress.h"

static const char *const words[] = {
	[STAT_BY_DIR] = "dir", [STAT_BY_TYPE] = "type", [STAT_BY_TIER] = "tier", [STAT_BY_AGE] = "age",
};

bool stat_by_word(const char *text, enum stat_by *by)
{
	for (unsigned i = 0; i < STAT_BY_COUNT; i++) {
		if (strcmp(words[i], text) == 0) {
			*by = (enum stat_by)i;
			return true;
		}
	}
	fprintf(stderr, "firn stat: --by takes dir, type, tier or age, not '%s'\n", text);
	return false;
}

static struct stat_row stat_total(const struct control_stat_by *c)
{
	struct stat_row total = {.name = "(all)"};

	for (uint32_t i = 0; i < c->n; i++) {
		total.files += c->rows[i].files;
		total.plain += c->rows[i].plain;
		total.stored += c->rows[i].stored;
		total.warm += c->rows[i].warm;
		total.cold += c->rows[i].cold;
		total.cold_stored += c->rows[i].cold_stored;
	}
	return total;
}

/*
 * Bytes that a row would take all cold, by what cold data takes in the same row, or else in all of them; negative: there is too little of it to
 * tell.
 */
#define TELLING (256u << 10)
static double stat_would_be(const struct stat_row *row, const struct stat_row *total)
{
	const struct stat_row *like = row->cold >= TELLING ? row : total;

	if (row->cold == row->plain)
		return (double)row->stored;
	if (like->cold < TELLING)
		return -1;
	return (double)row->cold_stored + (double)(row->plain - row->cold) * (double)like->cold_stored / (double)like->cold;
}

static double stat_percent(double part, uint64_t whole)
{
	return whole ? 100 * part / (double)whole : 0;
}

static void stat_line(const struct stat_row *row, const struct stat_row *total)
{
	char plain[PROGRESS_SIZE], stored[PROGRESS_SIZE], would[PROGRESS_SIZE] = "?";
	double w = stat_would_be(row, total);

	if (w >= 0)
		progress_size(would, w);
	printf("%10" PRIu64 " %11s %11s %6.1f%% %5.0f%% %5.0f%% %11s  %s\n", row->files, progress_size(plain, (double)row->plain),
	       progress_size(stored, (double)row->stored), stat_percent((double)row->stored, row->plain),
	       stat_percent((double)row->warm, row->plain), stat_percent((double)row->cold, row->plain), would, row->name);
}

static void stat_rows_table(const struct control_stat_by *c, const struct stat_row *total)
{
	printf("%10s %11s %11s %7s %6s %6s %11s  %s\n", "files", "plain", "stored", "ratio", "warm", "cold", "all cold", words[c->by]);
	for (uint32_t i = 0; i < c->n; i++)
		stat_line(&c->rows[i], total);
	stat_line(total, total);
}

static void stat_rows_json(const struct control_stat_by *c, const struct stat_row *total)
{
	struct json j;

	json_begin(&j, stdout);
	json_string(&j, "by", words[c->by]);
	json_object(&j, "rows");
	for (uint32_t i = 0; i < c->n; i++) {
		const struct stat_row *row = &c->rows[i];
		double would = stat_would_be(row, total);

		json_object(&j, row->name);
		json_number(&j, "files", row->files);
		json_number(&j, "plain_bytes", row->plain);
		json_number(&j, "stored_bytes", row->stored);
		json_number(&j, "warm_plain_bytes", row->warm);
		json_number(&j, "cold_plain_bytes", row->cold);
		json_number(&j, "cold_stored_bytes", row->cold_stored);
		if (would >= 0)
			json_number(&j, "all_cold_bytes", (uint64_t)would);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
}

int stat_by_show(const struct target *t, enum stat_by by, bool json)
{
	struct control_stat_by *c = calloc(1, sizeof *c);
	struct stat_row total;
	int rc = 0, status = EXIT_SUCCESS;

	if (!c)
		return firn_fail("stat", t->path, -ENOMEM);
	c->by = by;
	if (t->vol)
		rc = stat_by(t->vol, by, INO_ROOT, c->rows, &c->n);
	else if ((rc = target_sync(t)) == 0)
		rc = target_control(t, CONTROL_STAT_BY, c);
	if (rc < 0) {
		status = t->vol ? firn_fail("stat", t->path, rc) : target_fail(t, rc);
	} else {
		total = stat_total(c);
		if (json)
			stat_rows_json(c, &total);
		else
			stat_rows_table(c, &total);
	}
	free(c);
	return status;
}
