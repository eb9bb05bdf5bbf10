/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The subcommands of firn(1) and what they share: saying why something failed, and reading options.
 */
#ifndef FIRN_TOOLS_FIRN_H
#define FIRN_TOOLS_FIRN_H

#include "fs/volume/volume.h"

#define EXIT_USAGE 64       /* EX_USAGE of sysexits.h */
#define EXIT_INTERRUPTED 130

/* argv[0] is the subcommand's name. Each returns the exit status. */
int firn_compact(int argc, char **argv);
int firn_estimate(int argc, char **argv);
int firn_export(int argc, char **argv);
int firn_import(int argc, char **argv);
int firn_model(int argc, char **argv);
int firn_scrub(int argc, char **argv);
int firn_stat(int argc, char **argv);
int firn_tier(int argc, char **argv);
int firn_top(int argc, char **argv);
int firn_train(int argc, char **argv);

/* "firn COMMAND: PATH: reason" on stderr; rc is a -errno. Returns the exit status for it. */
int firn_fail(const char *command, const char *path, int rc);

/* "Try 'firn COMMAND --help'." after getopt_long has said what is wrong. Returns EXIT_USAGE. */
int firn_usage(const char *command, const char *complaint);

/* Reads a whole number lo..hi of an option; false after one line on stderr. */
bool firn_number(const char *command, const char *option, const char *text, unsigned long lo, unsigned long hi,
		 unsigned long *out);

/* "fast", "normal" or "dense" into enum neural_level; false after one line on stderr. */
bool firn_level(const char *command, const char *text, int *level);

/* "3 extents", "1 extent": for messages. */
const char *firn_plural(uint64_t n);

#endif
