/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of an archive one by one, up to its end, which must be there.
 */
#include "tools/tar_import.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/tar_read.h"

#define BLOCK (256u << 10)
#define STREAM "(the archive)"

/* Compressions that libarchive itself knows: nothing is run for a file that somebody sent. */
static int formats_set(struct archive *a)
{
	static int (*const filters[])(struct archive *) = {
		archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_compress,
		archive_read_support_filter_xz, archive_read_support_filter_lzma, archive_read_support_filter_lzip,
		archive_read_support_filter_zstd, archive_read_support_filter_lz4,
	};

	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
		(void)filters[i](a); /* one that was built without it says so of the archive */
	return archive_read_support_format_tar(a) ? -ENOMEM : 0;
}

/* An archive that was cut off between two entries looks whole, but nothing marks its end. */
static bool end_is_marked(struct archive *a)
{
	return archive_filter_bytes(a, 0) > archive_read_header_position(a);
}

static int entries_read(struct tar_reader *t)
{
	struct archive_entry *entry;
	int r = 0, a = ARCHIVE_OK;

	while (r == 0 && !t->ended) {
		a = archive_read_next_header(t->archive, &entry);
		if (a == ARCHIVE_RETRY)
			continue;
		if (a == ARCHIVE_EOF || a < ARCHIVE_WARN)
			break;
		r = tar_read_entry(t, entry);
	}
	if (r || t->ended)
		return r;
	if (a != ARCHIVE_EOF)
		tar_read_problem(t, STREAM, archive_error_string(t->archive), -EIO);
	else if (!end_is_marked(t->archive))
		tar_read_problem(t, STREAM, "cut off: its end is not marked", -EIO);
	return 0;
}

int tar_import(struct volume *vol, int fd, const char *dir, const struct tar_report *report, struct tar_counts *counts)
{
	struct tar_reader t = { .report = report, .counts = counts, .owner = geteuid() == 0 };
	const char *why;
	int r, last;

	memset(counts, 0, sizeof *counts);
	r = tar_place_open(vol, dir, &t.place, &why);
	if (r)
		return r;
	t.archive = archive_read_new();
	r = t.archive ? formats_set(t.archive) : -ENOMEM;
	if (r == 0 && archive_read_open_fd(t.archive, fd, BLOCK) < ARCHIVE_WARN)
		tar_read_problem(&t, STREAM, archive_error_string(t.archive), -EIO);
	else if (r == 0)
		r = entries_read(&t);
	last = tar_read_finish(&t);
	if (t.archive)
		archive_read_free(t.archive);
	tar_place_close(&t.place);
	return r ? r : last;
}
