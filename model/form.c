/* SPDX-License-Identifier: BSD-2-Clause */
/* The form of a chunk: its class, by counting its bytes, and its filter. The class goes into the frame and into CTX_CLASS. */
#include "model/form.h"

#include <string.h>

#include "model/x86.h"

/* Where the length of records is looked for. */
#define WINDOW 4096u
#define WINDOWS 4u

/* Numbers are part of the format of a trained model, not of the frame: a class only selects rows that training filled. */
enum class_id {
	CLASS_PROSE, CLASS_CODE, CLASS_MARKUP, CLASS_JSON, CLASS_TABLE, CLASS_NUMBERS, CLASS_UTF8, CLASS_LINES,
	CLASS_ELF, CLASS_X86, CLASS_SPARSE, CLASS_BINARY, CLASS_DENSE, CLASS_BASE64,
};

struct census {
	uint32_t count[256];
	uint32_t n, letters, digits, high, control;
};

static void census_take(struct census *c, const uint8_t *buf, size_t n)
{
	memset(c, 0, sizeof *c);
	c->n = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		c->count[buf[i]]++;
	for (unsigned b = 0; b < 256; b++) {
		if ((b | 32) >= 'a' && (b | 32) <= 'z')
			c->letters += c->count[b];
		else if (b >= '0' && b <= '9')
			c->digits += c->count[b];
		else if (b >= 128)
			c->high += c->count[b];
		else if (b < 32 && b != '\n' && b != '\t' && b != '\r')
			c->control += c->count[b];
	}
}

/* Is this at least one byte in `of`? */
static int often(uint32_t count, uint32_t n, uint32_t of)
{
	return (uint64_t)count * of >= n;
}

static unsigned classify_binary(const struct census *c, const uint8_t *buf)
{
	uint32_t used = 0;

	for (unsigned b = 0; b < 256; b++)
		used += (uint64_t)c->count[b] * 1024 >= c->n;
	if (c->n >= 4 && !memcmp(buf, "\x7f" "ELF", 4))
		return CLASS_ELF;
	if (often(c->count[0], c->n, 2))
		return CLASS_SPARSE;
	if (often(c->count[0x48], c->n, 40) && often(c->count[0x8b] + c->count[0x89], c->n, 40))
		return CLASS_X86;
	return used > 240 ? CLASS_DENSE : CLASS_BINARY;
}

unsigned form_classify(const uint8_t *buf, size_t n)
{
	struct census c;
	uint32_t separators, blanks, lines;

	census_take(&c, buf, n);
	if (often(c.control, c.n, 100))
		return classify_binary(&c, buf);
	if (often(c.high, c.n, 8))
		return CLASS_UTF8;
	separators = c.count['\t'] + c.count[','] + c.count['|'] + c.count[';'];
	blanks = c.count[' '];
	lines = c.count['\n'];
	if (!often(blanks + separators, c.n, 50))
		return often(lines, c.n, 100) && !often(lines, c.n, 60) ? CLASS_BASE64 : CLASS_LINES;
	if (often(c.count['<'], c.n, 60) && often(c.count['>'], c.n, 60))
		return CLASS_MARKUP;
	if (often(c.count['"'], c.n, 25) && often(c.count[':'], c.n, 60))
		return CLASS_JSON;
	if (often(c.digits, c.n, 3))
		return often(separators, c.n, 20) ? CLASS_TABLE : CLASS_NUMBERS;
	if (often(separators, c.n, 12))
		return CLASS_TABLE;
	if (often(c.count['('] + c.count['{'] + c.count[';'] + c.count['='] + c.count['_'], c.n, 25))
		return CLASS_CODE;
	return often(c.letters, c.n, 2) ? CLASS_PROSE : CLASS_LINES;
}

/* Of each window, the bytes that equal the one s before, summed up. */
static uint32_t stride_equal(const uint8_t *buf, size_t n, unsigned s)
{
	uint32_t equal = 0;

	for (unsigned w = 0; w < WINDOWS; w++) {
		const uint8_t *p = buf + (n - WINDOW) / (WINDOWS - 1) * w;

		for (uint32_t i = s; i < WINDOW; i++)
			equal += p[i] == p[i - s];
	}
	return (uint32_t)((uint64_t)equal * WINDOW / (WINDOW - s));
}

/*
 * Records of fixed length show as a lag at which bytes are often equal, compared with the average
 * lag. Of the multiples of a length the shortest that is nearly as good is taken.
 */
static unsigned form_stride(const uint8_t *buf, size_t n)
{
	uint32_t equal[256], best = 0, mean = 0;
	unsigned s;

	if (n < 2 * WINDOW)
		return 0;
	for (s = FORM_STRIDE_MIN; s < 256; s++) {
		equal[s] = stride_equal(buf, n, s);
		mean += equal[s];
		best = equal[s] > best ? equal[s] : best;
	}
	mean /= 256 - FORM_STRIDE_MIN;
	if (best < mean + WINDOW * WINDOWS / 32 || best < mean + mean / 4)
		return 0;
	s = FORM_STRIDE_MIN;
	while (equal[s] < mean || (equal[s] - mean) * 20 < (best - mean) * 19)
		s++;
	return s;
}

static void form_look(struct form *f, const uint8_t *buf, size_t n, int filtered)
{
	*f = (struct form){.class = (uint8_t)form_classify(buf, n)};
	if (f->class < CLASS_ELF || f->class > CLASS_DENSE)
		return;
	if (x86_likely(buf, n, filtered))
		f->filter = FILTER_X86;
	else
		f->stride = (uint8_t)form_stride(buf, n);
}

void form_find(struct form *f, const uint8_t *buf, size_t n)
{
	form_look(f, buf, n, 0);
}

void form_find_filtered(struct form *f, const uint8_t *buf, size_t n)
{
	form_look(f, buf, n, 1);
}

void form_apply(const struct form *f, uint8_t *buf, size_t n)
{
	if (f->filter == FILTER_X86)
		x86_apply(buf, n);
}

void form_undo(const struct form *f, uint8_t *buf, size_t n)
{
	if (f->filter == FILTER_X86)
		x86_undo(buf, n);
}
