/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a tier policy.
 */
#include "fs/names/tier.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"

static const char *const goals[] = {"auto", "hot", "warm", "cold"};

/* Index of the len bytes of text in list, -1: they are not there. */
static int tier_word(const char *const *list, size_t n, const char *text, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (len > 0 && strlen(list[i]) == len && memcmp(list[i], text, len) == 0)
			return (int)i;
	return -1;
}

bool tier_duration(const char *text, size_t len, uint32_t *hours)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < len && isdigit((unsigned char)text[i]) && n <= TIER_AFTER_MAX; i++)
		n = 10 * n + (uint64_t)(text[i] - '0');
	if (i == 0 || i + 1 < len || (i < len && text[i] != 'h' && text[i] != 'd'))
		return false;
	if (i == len || text[i] == 'd')
		n *= 24;
	*hours = (uint32_t)n;
	return n <= TIER_AFTER_MAX;
}

static bool tier_option(struct tier_policy *p, const char *text, size_t len)
{
	if (len > 6 && memcmp(text, "after=", 6) == 0 && !p->aged)
		return p->aged = tier_duration(text + 6, len - 6, &p->after_hours);
	if (len > 6 && memcmp(text, "level=", 6) == 0 && p->level == 0) {
		p->level = (uint8_t)neural_level_named(text + 6, len - 6);
		return p->level != 0;
	}
	return false;
}

int tier_parse(const char *text, size_t len, struct tier_policy *out)
{
	size_t at = 0;
	int goal = -1;

	*out = (struct tier_policy){0};
	if (len >= TIER_TEXT_MAX)
		return -EINVAL;
	while (at < len) {
		size_t word = at;

		while (at < len && text[at] != ' ')
			at++;
		if (goal < 0)
			goal = tier_word(goals, sizeof goals / sizeof *goals, text + word, at - word);
		else if (!tier_option(out, text + word, at - word))
			return -EINVAL;
		if (goal < 0 || (at < len && ++at == len))
			return -EINVAL;
		out->goal = (uint8_t)goal;
	}
	return goal < 0 ? -EINVAL : 0;
}

void tier_format(const struct tier_policy *p, char out[TIER_TEXT_MAX])
{
	int n = snprintf(out, TIER_TEXT_MAX, "%s", goals[p->goal]);

	if (p->aged && p->after_hours % 24 == 0)
		n += snprintf(out + n, TIER_TEXT_MAX - (size_t)n, " after=%ud", p->after_hours / 24);
	else if (p->aged)
		n += snprintf(out + n, TIER_TEXT_MAX - (size_t)n, " after=%uh", p->after_hours);
	if (p->level)
		snprintf(out + n, TIER_TEXT_MAX - (size_t)n, " level=%s", neural_level_name(p->level));
}
