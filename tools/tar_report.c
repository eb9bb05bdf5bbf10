/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names from archives on a terminal: bytes that would move its cursor are shown as numbers.
 */
#include "tools/tar_report.h"

#include <stdio.h>

void tar_report_print(const char *who, const char *path, const char *why)
{
	flockfile(stderr);
	fprintf(stderr, "%s: ", who);
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (c < 0x20 || c == 0x7f || c == '\\')
			fprintf(stderr, "\\%03o", c);
		else
			putc(c, stderr);
	}
	fprintf(stderr, ": %s\n", why);
	funlockfile(stderr);
}
