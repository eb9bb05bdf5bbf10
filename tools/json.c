/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes one JSON object, with nested ones, to a stream: keys in the order given, two spaces of indent.
 */
#include "tools/json.h"

#include <inttypes.h>
#include <math.h>

static void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20)
			fprintf(out, "\\u%04x", *p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

static void json_key(struct json *j, const char *key)
{
	fprintf(j->out, "%s\n%*s", j->first ? "" : ",", 2 * j->depth, "");
	json_text(j->out, key);
	fputs(": ", j->out);
	j->first = 0;
}

void json_begin(struct json *j, FILE *out)
{
	*j = (struct json){.out = out, .depth = 1, .first = 1};
	fputc('{', out);
}

void json_object(struct json *j, const char *key)
{
	json_key(j, key);
	fputc('{', j->out);
	j->depth++;
	j->first = 1;
}

void json_end(struct json *j)
{
	j->depth--;
	if (!j->first)
		fprintf(j->out, "\n%*s", 2 * j->depth, "");
	fputc('}', j->out);
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
