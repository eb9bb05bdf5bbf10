/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a volume should hold: a few files whose bytes are kept beside it, changed only by operations that succeeded.
 */
#ifndef FIRN_TESTS_CRASH_SHADOW_H
#define FIRN_TESTS_CRASH_SHADOW_H

#include "tests/crash/work.h"

#define SHADOW_FILES 6u
#define SHADOW_LEN 120000u

struct shadow {
	struct shadow_file {
		const char *path; /* NULL: not there */
		size_t len;
		uint8_t bytes[SHADOW_LEN];
		bool kept; /* unchanged since it was acknowledged as durable */
	} files[SHADOW_FILES];
};

/* Each does it to the volume and, when that succeeds, to the shadow; the result is the operation's. i: which file. */
int shadow_write(struct shadow *s, struct work *w, unsigned i, const char *path, size_t offset, size_t len);
int shadow_truncate(struct shadow *s, struct work *w, unsigned i, size_t len);
int shadow_rename(struct shadow *s, struct work *w, unsigned i, const char *to, unsigned over);
int shadow_unlink(struct shadow *s, struct work *w, unsigned i);
int shadow_fsync(struct shadow *s, struct work *w, unsigned i);
int shadow_commit(struct shadow *s, struct work *w);

/* Reads file i: -errno, or 0 when it is as it should be, -EBADMSG when not. */
int shadow_read(const struct shadow *s, struct work *w, unsigned i);

#endif
