/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a tar archive, imported into a small store that holds something, with the checksums of all headers made right. It ends, and the store
 * is sound afterwards.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs/check/check.h"
#include "fs/store/volume_open.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/small_store.h"
#include "tools/tar_import.h"

#define BLOCK 512u
#define FORM_MAX (1u << 20)

static char scratch[300];
static uint8_t form[FORM_MAX]; /* of the store that is begun with */
static size_t form_len;

static void clean_up(void)
{
	small_store_remove(scratch);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char store[320];

	(void)argc;
	(void)argv;
	if (small_store_scratch(scratch, sizeof scratch) || atexit(clean_up))
		exit(1);
	snprintf(store, sizeof store, "%s/first", scratch);
	if (small_store_make(store, 3) || small_store_pack(store, form, sizeof form, &form_len))
		exit(1);
	return 0;
}

/* Where the mark of a header is, the sum of its bytes. */
static void checksums_mend(uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		uint8_t *header = bytes + at;
		unsigned sum = 0;

		if (memcmp(header + 257, "ustar", 5) != 0)
			continue;
		memset(header + 148, ' ', 8);
		for (unsigned i = 0; i < BLOCK; i++)
			sum += header[i];
		snprintf((char *)header + 148, 8, "%06o", sum);
	}
}

static void say(void *arg, const char *path, const char *why, bool problem)
{
	(void)arg;
	(void)problem;
	if (strlen(path) + strlen(why) == 0)
		abort(); /* a line that says nothing */
}

/* What is wrong with the store is shown. */
static int found(void *arg, const struct check_problem *p)
{
	char text[400];

	(void)arg;
	check_text(p, text, sizeof text);
	fprintf(stderr, "%s\n", text);
	return 0;
}

static void sound_or_abort(const char *store)
{
	struct check_options opt = { .data = true, .problem = found };
	struct check_result result;
	struct volume_error err;

	if (check_store(store, &opt, &result, &err) || result.problems > 0)
		abort();
}

static void import(const char *store, const uint8_t *data, size_t size)
{
	const struct tar_report report = { .say = say };
	int fd = memfd_create("archive", MFD_CLOEXEC);
	uint8_t *bytes = malloc(size ? size : 1);
	struct tar_counts counts;
	struct volume *vol;

	if (fd < 0 || !bytes || small_store_open(store, false, &vol))
		abort();
	memcpy(bytes, data, size);
	checksums_mend(bytes, size);
	if (write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	free(bytes);
	(void)tar_import(vol, fd, "dir", &report, &counts);
	close(fd);
	if (volume_close(vol))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char store[320];

	snprintf(store, sizeof store, "%s/store", scratch);
	if (small_store_unpack(form, form_len, store))
		abort();
	import(store, data, size);
	sound_or_abort(store);
	small_store_remove(store);
	return 0;
}
