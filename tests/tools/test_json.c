/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The JSON writer: nesting, commas, escapes and numbers, byte for byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "tools/json.h"

static void test_json(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct json j;

	(void)state;
	assert_non_null(out);
	json_begin(&j, out);
	json_string(&j, "label", "a \"b\"\\\n\x01 \xc3\xbc");
	json_object(&j, "empty");
	json_end(&j);
	json_object(&j, "inner");
	json_number(&j, "largest", UINT64_MAX);
	json_ratio(&j, "half", 0.5);
	json_end(&j);
	json_ratio(&j, "none", NAN);
	json_end(&j);
	fclose(out);
	assert_string_equal(text, "{\n  \"label\": \"a \\\"b\\\"\\\\\\u000a\\u0001 \xc3\xbc\",\n  \"empty\": {},\n"
				  "  \"inner\": {\n    \"largest\": 18446744073709551615,\n    \"half\": 0.5000\n  },\n"
				  "  \"none\": null\n}\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_json)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
