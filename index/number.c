/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of few bytes, written and read with every check. */
#include "index/number.h"

void number_put(struct number_writer *w, uint64_t x)
{
	do {
		if (w->p == w->end) {
			w->full = true;
			return;
		}
		*w->p++ = (uint8_t)(x > 127 ? x | 128 : x);
		x >>= 7;
	} while (x > 0);
}

bool number_get(struct number_reader *r, uint64_t max, uint64_t *x)
{
	*x = 0;
	for (unsigned shift = 0; r->p < r->end && shift < 64; shift += 7) {
		uint8_t b = *r->p++;

		if (shift == 63 && b > 1)
			return false;
		*x |= (uint64_t)(b & 127) << shift;
		if (b < 128)
			return *x <= max && (b > 0 || shift == 0);
	}
	return false;
}
