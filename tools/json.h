/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes one JSON object, with nested ones, to a stream: keys in the order given, two spaces of indent.
 */
#ifndef FIRN_TOOLS_JSON_H
#define FIRN_TOOLS_JSON_H

#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 8

struct json {
	FILE *out;
	int depth;
	int first; /* no member written yet at this depth */
	char closing[JSON_DEPTH_MAX + 1];
};

void json_begin(struct json *j, FILE *out);
/* key: NULL for an element of an array. */
void json_object(struct json *j, const char *key); /* opens a nested object */
void json_array(struct json *j, const char *key);  /* opens a nested array */
void json_end(struct json *j);                     /* closes the innermost; the outermost ends the line */
void json_number(struct json *j, const char *key, uint64_t value);
void json_ratio(struct json *j, const char *key, double value);
void json_string(struct json *j, const char *key, const char *value); /* escaped; a byte that is no UTF-8 is \udcXX */

#endif
