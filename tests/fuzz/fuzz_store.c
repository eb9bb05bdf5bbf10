/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: a whole store, index and segments (the form: tests/fuzz/small_store.h). It is opened and walked read-only, checked, repaired, and opened and walked again:
 * after a repair that left nothing it opens.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fs/check/check.h"
#include "fs/store/volume_open.h"
#include "tests/crash/tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/small_store.h"

static char scratch[300];

static void clean_up(void)
{
	small_store_remove(scratch);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (small_store_scratch(scratch, sizeof scratch))
		exit(1);
	return atexit(clean_up);
}

static int mend(void *arg, const struct check_problem *p)
{
	char text[400];

	(void)arg;
	check_text(p, text, sizeof text);
	check_action(p, text, sizeof text);
	return 1;
}

/* Whether it opened. */
static bool walk(const char *store, bool readonly)
{
	static struct tree tree;
	struct volume *vol;

	if (small_store_open(store, readonly, &vol))
		return false;
	(void)tree_read(vol, true, &tree);
	(void)volume_close(vol);
	return true;
}

/* Whether nothing is left. */
static bool check(const char *store, bool repair)
{
	struct check_options opt = { .repair = repair, .data = true, .problem = mend };
	struct check_result found;
	struct volume_error err;

	return check_store(store, &opt, &found, &err) == 0 && (!repair || found.mended == found.problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char store[320];

	snprintf(store, sizeof store, "%s/store", scratch);
	if (small_store_unpack(data, size, store) == 0) {
		(void)walk(store, true);
		(void)check(store, false);
		if (check(store, true) && !walk(store, false))
			abort();
	}
	small_store_remove(store);
	return 0;
}
