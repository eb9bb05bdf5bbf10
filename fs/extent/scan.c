/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks over whole tables of the index in short operations, so that work of any length may be done per record.
 */
#include "fs/extent/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent/extent_map.h"

#define BATCH 128

/* Fills batch with the records after the last one (*last_len 0: from the first); returns how many. */
static int scan_fill(struct volume *vol, enum table table, const uint8_t *last, size_t last_len,
		     struct index_record *batch)
{
	struct index_scan *scan;
	struct index_op op;
	int n = 0, rc;

	index_begin(vol->index, &op);
	rc = index_scan_open(&op, table, NULL, 0, last_len ? last : NULL, last_len, &scan);
	if (rc < 0) {
		index_end(&op);
		return rc;
	}
	while (n < BATCH && (rc = index_scan_next(scan, &batch[n])) > 0) {
		/* The scan starts at the last record itself if it is still there. */
		if (batch[n].key_len != last_len || memcmp(batch[n].key, last, last_len) != 0)
			n++;
	}
	index_scan_close(scan);
	index_end(&op);
	return rc < 0 ? rc : n;
}

int scan_table(struct volume *vol, enum table table, int (*fn)(void *arg, const struct index_record *r), void *arg)
{
	struct index_record *batch = malloc(BATCH * sizeof *batch);
	uint8_t last[INDEX_KEY_MAX];
	size_t last_len = 0;
	int n, rc = 0;

	if (!batch)
		return -ENOMEM;
	do {
		n = scan_fill(vol, table, last, last_len, batch);
		for (int i = 0; i < n && rc == 0; i++)
			rc = fn(arg, &batch[i]);
		if (n > 0) {
			last_len = batch[n - 1].key_len;
			memcpy(last, batch[n - 1].key, last_len);
		}
	} while (n > 0 && rc == 0);
	free(batch);
	return n < 0 ? n : rc;
}

struct scan_extents {
	int (*fn)(void *arg, const struct extent *e);
	void *arg;
	struct volume *vol;
	struct extent group; /* of the member before: the next one is often of the same */
};

/* Completes a member by its group; false when that is not there (any more). */
static bool scan_resolve(struct scan_extents *s, struct extent *e)
{
	struct index_op op;
	int r;

	if (s->group.id == e->group)
		return extent_resolve(&s->group, e) == 0;
	index_begin(s->vol->index, &op);
	r = extent_get(&op, e->group, &s->group);
	index_end(&op);
	if (r < 0)
		s->group = (struct extent){0};
	return r == 0 && extent_resolve(&s->group, e) == 0;
}

static int scan_extent(void *arg, const struct index_record *r)
{
	struct scan_extents *s = arg;
	struct extent e;

	if (r->key_len != 8 || extent_decode(be64_get(r->key), r->value, r->len, &e) < 0)
		return 0;
	if (e.group && !scan_resolve(s, &e))
		return 0;
	return s->fn(s->arg, &e);
}

int scan_extents(struct volume *vol, int (*fn)(void *arg, const struct extent *e), void *arg)
{
	struct scan_extents s = {.fn = fn, .arg = arg, .vol = vol};

	return scan_table(vol, TABLE_EXTENT, scan_extent, &s);
}
