/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn: what a person does with a store besides mounting it; each subcommand is a file of its own.
 */
#include "tools/firn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"compact", firn_compact, "pack what is cold denser, and remove garbage"},
	{"estimate", firn_estimate, "say what firn would do for a directory"},
	{"export", firn_export, "write what a store holds as a tar archive"},
	{"import", firn_import, "put a tar archive into a store"},
	{"model", firn_model, "list the models of a store, and remove them"},
	{"scrub", firn_scrub, "read everything, and say what is damaged"},
	{"stat", firn_stat, "say what a store holds and what it costs"},
	{"tier", firn_tier, "say how dense, and how soon, a directory is to be packed"},
	{"top", firn_top, "watch what a mounted store does"},
	{"train", firn_train, "learn a model from the data of a store"},
};
#define COMMANDS (sizeof commands / sizeof *commands)

int firn_fail(const char *command, const char *path, int rc)
{
	if (rc == -EINTR) {
		fprintf(stderr, "firn %s: %s: interrupted; what was done stays done\n", command, path);
		return EXIT_INTERRUPTED;
	}
	fprintf(stderr, "firn %s: %s: %s\n", command, path, strerror(-rc));
	return EXIT_FAILURE;
}

int firn_usage(const char *command, const char *complaint)
{
	if (complaint)
		fprintf(stderr, "firn %s: %s\n", command, complaint);
	fprintf(stderr, "Try 'firn %s --help'.\n", command);
	return EXIT_USAGE;
}

bool firn_number(const char *command, const char *option, const char *text, unsigned long lo, unsigned long hi,
		 unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && text[0] != '-' && *out >= lo && *out <= hi)
		return true;
	fprintf(stderr, "firn %s: --%s takes a number from %lu to %lu, not '%s'\n", command, option, lo, hi, text);
	return false;
}

bool firn_level(const char *command, const char *text, int *level)
{
	*level = neural_level_named(text, strlen(text));
	if (!*level)
		fprintf(stderr, "firn %s: --level takes fast, normal or dense, not '%s'\n", command, text);
	return *level != 0;
}

const char *firn_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static int firn_help(FILE *out, int status)
{
	fputs("Usage: firn COMMAND [OPTION...] STORE|DIR\n"
	      "Works on a firn store, or on the directory where one is mounted; estimate, on any directory.\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n'firn COMMAND --help' tells a command's options, 'firn --version' the version; firn(1) tells all.\n"
	      "mkfs.firn(8) makes a store, firnfs(8) mounts it.\n", out);
	return status;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return firn_help(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return firn_help(stdout, EXIT_SUCCESS);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("firn %s\n", PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			int status = commands[i].run(argc - 1, argv + 1);

			if (fflush(stdout) == 0 && !ferror(stdout))
				return status;
			fprintf(stderr, "firn %s: standard output: %s\n", argv[1], strerror(errno));
			return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
		}
	}
	fprintf(stderr, "firn: no command '%s'\nTry 'firn --help'.\n", argv[1]);
	return EXIT_USAGE;
}
