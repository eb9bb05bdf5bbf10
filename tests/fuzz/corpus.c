/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * corpus DIR: writes what the fuzz targets begin with, cut from small stores that are made for it: DIR/NAME.super, .value, .segment, .store and, exported, .import.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/store/volume_open.h"
#include <unistd.h>

#include "tests/fuzz/small_store.h"
#include "tools/tar_export.h"

#define PER_TABLE 5u
#define STORE_MAX (1u << 20)

static const char *dir;

static void put(const char *name, unsigned i, const char *suffix, const uint8_t *bytes, size_t len)
{
	char path[700];
	int fd;

	snprintf(path, sizeof path, "%s/%s-%u.%s", dir, name, i, suffix);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len) {
		perror(path);
		exit(1);
	}
	close(fd);
}

static void value_put(enum table table, unsigned i, const void *key, size_t key_len, const void *value, size_t len)
{
	uint8_t bytes[2 + INDEX_KEY_MAX + INDEX_VALUE_MAX] = { (uint8_t)table, (uint8_t)(key_len - 1) };
	char name[24];

	if (key_len > 256)
		return;
	memcpy(bytes + 2, key, key_len);
	memcpy(bytes + 2 + key_len, value, len);
	snprintf(name, sizeof name, "table%d", (int)table);
	put(name, i, "value", bytes, 2 + key_len + len);
	if (table == TABLE_META && key_len == 5)
		put("super", i, "super", value, len);
}

/* The first records of each table, and those that no store has when it is closed. */
static void values_put(struct volume *vol)
{
	const struct todo_disk todo = { .op = TODO_FREE_CHUNKS, .ino = le64_put(17) };
	static struct index_record rec;
	struct index_scan *scan;
	struct index_op op;
	uint8_t key[8];

	index_begin(vol->index, &op);
	for (int t = 0; t < TABLE_COUNT; t++) {
		if (index_scan_open(&op, (enum table)t, NULL, 0, NULL, 0, &scan))
			exit(1);
		for (unsigned i = 0; i < PER_TABLE && index_scan_next(scan, &rec) == 1; i++)
			value_put((enum table)t, i, rec.key, rec.key_len, rec.value, rec.len);
		index_scan_close(scan);
	}
	index_end(&op);
	be64_put(key, 17);
	value_put(TABLE_ORPHAN, 0, key, sizeof key, "", 0);
	value_put(TABLE_TODO, 0, key, sizeof key, &todo, sizeof todo);
}

static void problem_ignore(void *arg, const char *path, const char *why, bool problem)
{
	(void)arg;
	(void)path;
	(void)why;
	(void)problem;
}

static void archive_put(unsigned i, struct volume *vol)
{
	const struct tar_report report = { .say = problem_ignore };
	struct tar_counts counts;
	char path[700];
	int fd;

	snprintf(path, sizeof path, "%s/archive-%u.import", dir, i);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || tar_export(vol, fd, NULL, 0, &report, &counts) || counts.problems) {
		fprintf(stderr, "corpus: %s: not exported\n", path);
		exit(1);
	}
	close(fd);
}

static void segments_put(const char *store, uint8_t *buf)
{
	for (unsigned i = 1; i < 8; i++) {
		char path[700];
		ssize_t n;
		int fd;

		snprintf(path, sizeof path, "%s/seg/%08x.seg", store, i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		n = read(fd, buf, STORE_MAX);
		close(fd);
		if (n > 0)
			put("segment", i, "segment", buf, (size_t)n);
	}
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = { 1, 4, 12 };
	static uint8_t buf[STORE_MAX];
	char scratch[300], store[320];
	struct volume *vol;
	size_t len;

	if (argc != 2 || small_store_scratch(scratch, sizeof scratch)) {
		fputs("usage: corpus DIR\n", stderr);
		return 64;
	}
	dir = argv[1];
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		snprintf(store, sizeof store, "%s/%u", scratch, i);
		if (small_store_make(store, sizes[i]) || small_store_pack(store, buf, STORE_MAX, &len)) {
			fputs("corpus: a store cannot be made\n", stderr);
			return 1;
		}
		put("store", i, "store", buf, len);
		snprintf(store, sizeof store, "%s/%u-again", scratch, i);
		if (small_store_unpack(buf, len, store) || small_store_open(store, true, &vol)) {
			fputs("corpus: a store does not survive its form\n", stderr);
			return 1;
		}
		archive_put(i, vol);
		(void)volume_close(vol);
	}
	segments_put(store, buf);
	if (small_store_open(store, true, &vol))
		return 1;
	values_put(vol);
	(void)volume_close(vol);
	small_store_remove(scratch);
	return 0;
}
