/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn stat --by.
 */
#ifndef FIRN_TOOLS_FIRN_STAT_BY_H
#define FIRN_TOOLS_FIRN_STAT_BY_H

#include "tools/target.h"

/* dir, type, tier, age; false after one line on stderr: something else. */
bool stat_by_word(const char *text, enum stat_by *by);

/* Prints; returns the exit status. */
int stat_by_show(const struct target *t, enum stat_by by, bool json);

#endif
