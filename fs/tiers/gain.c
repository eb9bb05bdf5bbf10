/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What packing an extent denser is expected to save: a guess for its class at first, outweighed by the results of others.
 */
#include "fs/tiers/gain.h"

#define GUESS_WEIGHT (1u << 20) /* plain bytes that a guess counts for */

uint8_t gain_class(const struct extent *e, uint32_t group_bytes)
{
	bool untried = e->codec == CODEC_RAW && e->level == RAW_UNTRIED; /* as good as fresh */
	uint32_t codec = untried ? CODEC_LZ4 : e->codec < CODEC_COUNT ? e->codec : CODEC_RAW;
	uint32_t density = e->plain > 0 ? (uint32_t)((uint64_t)e->stored * GAIN_DENSITIES / ((uint64_t)e->plain + 1)) : 0;
	uint32_t small = !e->group && e->plain <= group_bytes / 2;

	if (density >= GAIN_DENSITIES)
		density = GAIN_DENSITIES - 1;
	return (uint8_t)((codec * GAIN_DENSITIES + density) * 2 + small);
}

void gain_note(struct gain *g, uint8_t class, uint64_t plain, uint64_t before, uint64_t after)
{
	g->classes[class].plain += plain;
	g->classes[class].saved += (int64_t)before - (int64_t)after;
}

/* What an extent of the class takes for each plain byte, times the share of it that usually goes. Small ones save headers at least. */
static double gain_guess(uint8_t class)
{
	static const double shares[CODEC_COUNT] = {[CODEC_RAW] = 0.01, [CODEC_LZ4] = 0.5, [CODEC_ZSTD] = 0.25, [CODEC_NEURAL] = 0.05};
	double stored = (class / 2 % GAIN_DENSITIES + 0.5) / GAIN_DENSITIES;
	double guess = stored * shares[class / 2 / GAIN_DENSITIES];

	return class % 2 && guess < 0.25 ? 0.25 : guess;
}

double gain_expect(const struct gain *g, uint8_t class)
{
	return (gain_guess(class) * GUESS_WEIGHT + (double)g->classes[class].saved) / ((double)GUESS_WEIGHT + (double)g->classes[class].plain);
}

unsigned gain_rank(const struct gain *g, uint8_t class)
{
	static const double bounds[GAIN_RANKS - 1] = {0.2, 0.05, 0.015};
	double expect = gain_expect(g, class);
	unsigned rank = 0;

	while (rank < GAIN_RANKS - 1 && expect < bounds[rank])
		rank++;
	return rank;
}
