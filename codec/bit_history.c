/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of bit histories: made from the rules by integer arithmetic, so the same everywhere. */
#include "codec/bit_history.h"

#include <string.h>

#define RARE_MAX 5  /* of the rarer bit */
#define LAST_MAX 17 /* bits until which a history knows the last one */

/* Most of the commoner bit that is told apart, by how many there are of the rarer. */
static const uint8_t common_max[RARE_MAX + 1] = {40, 40, 15, 9, 6, 5};

struct counts {
	unsigned n[2], last;
};

static int counts_allowed(const unsigned n[2])
{
	unsigned rare = n[0] < n[1] ? n[0] : n[1], common = n[0] < n[1] ? n[1] : n[0];

	return rare <= RARE_MAX && common <= common_max[rare];
}

/* Histories that did not see both, or too much, do not tell the last bit apart. */
static unsigned counts_lasts(const unsigned n[2])
{
	return n[0] && n[1] && n[0] + n[1] <= LAST_MAX ? 2 : 1;
}

static struct counts counts_next(const struct counts *from, unsigned bit)
{
	struct counts to = *from;
	unsigned *same = &to.n[bit], *other = &to.n[!bit];

	if (*other > 5)
		*other = *other > 7 ? 7 : *other > 6 ? 6 : 5;
	++*same;
	while (!counts_allowed(to.n)) {
		if (*other < 2 || *same <= *other) {
			--*same;
		} else { /* as near to the ratio as one less of the other allows */
			*same = (*same * (*other - 1) + *other / 2) / *other;
			--*other;
		}
	}
	to.last = counts_lasts(to.n) == 2 ? bit : 0;
	return to;
}

/* Four tenths of a bit of either kind are taken for granted. */
static uint16_t chance_of(const struct counts *c)
{
	return (uint16_t)(65536 * (10 * c->n[1] + 4) / (10 * (c->n[0] + c->n[1]) + 8));
}

static unsigned counts_number(const struct counts *all, unsigned n, const struct counts *c)
{
	unsigned i = 0;

	while (i < n &&
	       (all[i].n[0] != c->n[0] || all[i].n[1] != c->n[1] || all[i].last != c->last))
		i++;
	return i < n ? i : 0;
}

void bit_history_init(struct bit_history *h)
{
	struct counts all[BIT_HISTORIES] = {0};
	unsigned n = 1;

	memset(h, 0, sizeof *h);
	h->chance[0] = 32768;
	/* every history that the first can become, in the order in which they are met */
	for (unsigned i = 0; i < n; i++) {
		for (unsigned bit = 0; bit < 2; bit++) {
			struct counts next = counts_next(&all[i], bit);
			unsigned number = counts_number(all, n, &next);

			if (!number && n < BIT_HISTORIES) {
				number = n++;
				all[number] = next;
				h->seen[number] = (uint8_t)(next.n[0] + next.n[1]);
				h->chance[number] = chance_of(&next);
			}
			h->next[i][bit] = (uint8_t)number;
		}
	}
}
