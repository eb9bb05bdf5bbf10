/* SPDX-License-Identifier: BSD-2-Clause */
/* Matches into the chunk and into the dictionary: following, giving up, verifying candidates. */
#include "model/match.h"

#define ERRORS_MAX 8u    /* a match that erred so much is dropped */
#define ERROR_COST 2u
#define FORGIVE_AFTER 16u /* right bytes that forgive all errors */
#define VERIFY_MAX 48u   /* bytes compared backwards; longer matches count as this long */
#define LENGTH_MAX 65535u

static const uint8_t bucket_of[64] = {
	0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 10, 10, 10, 10,
	11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
	12, 12, 12, 12, 12, 12,
};

unsigned match_bucket(uint32_t length)
{
	if (length < 64)
		return bucket_of[length];
	return length < 128 ? 13 : length < 400 ? 14 : 15;
}

void match_advance(struct match *m, const uint8_t *source, uint32_t limit, uint8_t byte)
{
	if (!m->length)
		return;
	if (source[m->at] == byte) {
		if (m->length < LENGTH_MAX)
			m->length++;
		if (m->length == FORGIVE_AFTER)
			m->errors = 0;
	} else {
		m->length = 1;
		m->errors += ERROR_COST;
	}
	m->at++;
	if (m->at >= limit || m->errors > ERRORS_MAX)
		m->length = 0;
}

void match_try(struct match *m, const uint8_t *source, uint32_t at, const uint8_t *buf, uint32_t pos, uint32_t min)
{
	uint32_t max = at < pos ? at : pos;
	uint32_t n = 0;

	if (max > VERIFY_MAX)
		max = VERIFY_MAX;
	while (n < max && source[at - 1 - n] == buf[pos - 1 - n])
		n++;
	if (n < min || n <= m->length)
		return;
	m->at = at;
	m->length = n;
	m->errors = 0;
}
