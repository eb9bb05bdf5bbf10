/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Matches: where the bytes just seen occurred before, in the chunk or in the model's dictionary, and hence what may follow.
 *
 * A match sticks to its source while it predicts rightly. After a wrong byte it goes on behind it (the source may be a version
 * of this text) with its length counted anew, until it errs too often; meanwhile any verified longer candidate replaces it.
 */
#ifndef FIRN_MODEL_MATCH_H
#define FIRN_MODEL_MATCH_H

#include <stdint.h>

#define MATCH_SLOTS_LOG2 15 /* at most */
#define MATCH_BUCKETS 16

struct match {
	uint32_t at;     /* of the predicted byte in its source; valid when length > 0 */
	uint32_t length; /* bytes agreed on since the last error, plus one after an error; 0: no match */
	uint32_t errors; /* lately */
};

/* Length as one of MATCH_BUCKETS classes; 0 only for length 0. */
unsigned match_bucket(uint32_t length);

/* Moves the match on behind the byte that has become known. limit: length of its source. */
void match_advance(struct match *m, const uint8_t *source, uint32_t limit, uint8_t byte);

/*
 * Tries position `at` of source as continuation of the bytes before buf + pos: taken when at least min bytes agree, and more
 * than the match has now.
 */
void match_try(struct match *m, const uint8_t *source, uint32_t at, const uint8_t *buf, uint32_t pos, uint32_t min);

#endif
