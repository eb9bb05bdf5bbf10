/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of a store, mounted or not, that have chunks which are known to be damaged.
 */
#ifndef FIRN_TOOLS_DAMAGED_H
#define FIRN_TOOLS_DAMAGED_H

#include "tools/target.h"

/* Calls fn with the path of each, "#INODE" for one without a name. -errno. */
int damaged_files(const struct target *t, void (*fn)(void *arg, const char *path), void *arg);

#endif
