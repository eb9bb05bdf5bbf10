/* SPDX-License-Identifier: BSD-2-Clause */
/* One file of a replayed store: its durable bytes and the changes since its last sync. */
#ifndef FIRN_TESTS_CRASH_REPLAY_FILE_H
#define FIRN_TESTS_CRASH_REPLAY_FILE_H

#include "tests/crash/replay.h"

struct bytes {
	uint8_t *at;
	size_t len, cap;
};

struct replay_file {
	struct bytes durable;
	struct bytes image;            /* what a crash leaves, of the last replay_file_choose */
	const struct log_entry **list; /* pending, in order; the bytes of a write follow its entry */
	size_t n, cap;
};

void replay_file_fini(struct replay_file *f);
void replay_file_load(struct replay_file *f, const struct log_entry *e);   /* LOG_FILE             */
void replay_file_change(struct replay_file *f, const struct log_entry *e); /* pending until synced */
void replay_file_sync(struct replay_file *f);
/* LOG_DSYNC at the moment it returns: durable whatever was pending, in front of what is still pending. */
void replay_file_write_through(struct replay_file *f, const struct log_entry *e);

void replay_file_choose(struct replay_file *f, enum replay_variant variant, uint64_t *random);

#endif
