/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes one JSON object, with nested ones, to a stream: keys in the order given, two spaces of indent.
 */
#include "tools/json.h"

#include <inttypes.h>
#include <math.h>

/* Bytes of the UTF-8 sequence at p, 0 when it is none. */
static int json_sequence(const unsigned char *p)
{
	static const struct { unsigned char mask, lead; unsigned long least; } forms[] = {
		{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000},
	};

	for (int n = 0; n < 4; n++) {
		unsigned long code = *p & (unsigned char)~forms[n].mask;

		if ((*p & forms[n].mask) != forms[n].lead)
			continue;
		for (int i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (p[i] & 0x3f);
		}
		return code >= forms[n].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n + 1 : 0;
	}
	return 0;
}

static void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		int n = json_sequence(p);

		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (n == 0)
			fprintf(out, "\\udc%02x", *p);
		else if (*p < 0x20)
			fprintf(out, "\\u%04x", *p);
		else
			fprintf(out, "%.*s", n, (const char *)p);
		p += n ? n : 1;
	}
	fputc('"', out);
}

static void json_key(struct json *j, const char *key)
{
	fprintf(j->out, "%s\n%*s", j->first ? "" : ",", 2 * j->depth, "");
	j->first = 0;
	if (!key)
		return;
	json_text(j->out, key);
	fputs(": ", j->out);
}

void json_begin(struct json *j, FILE *out)
{
	*j = (struct json){.out = out, .depth = 1, .first = 1, .closing = {0, '}'}};
	fputc('{', out);
}

static void json_open(struct json *j, const char *key, char opening, char closing)
{
	json_key(j, key);
	fputc(opening, j->out);
	if (j->depth < JSON_DEPTH_MAX)
		j->closing[++j->depth] = closing;
	j->first = 1;
}

void json_object(struct json *j, const char *key)
{
	json_open(j, key, '{', '}');
}

void json_array(struct json *j, const char *key)
{
	json_open(j, key, '[', ']');
}

void json_end(struct json *j)
{
	char closing = j->closing[j->depth--];

	if (!j->first)
		fprintf(j->out, "\n%*s", 2 * j->depth, "");
	fputc(closing, j->out);
	j->first = 0;
	if (j->depth == 0)
		fputc('\n', j->out);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void json_ratio(struct json *j, const char *key, double value)
{
	json_key(j, key);
	if (isfinite(value))
		fprintf(j->out, "%.4f", value);
	else
		fputs("null", j->out);
}

void json_string(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	json_text(j->out, value);
}
