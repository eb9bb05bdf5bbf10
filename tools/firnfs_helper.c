/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firnfs as the helper of mount(8), when it is called as mount.fuse.firn: STORE DIR [-sfnv] [-N NS] [-t TYPE] [-o OPTIONS].
 *
 * Device nodes and set-user-id are honoured unless an option says otherwise, as for any file system that root mounts; firnfs
 * itself keeps to libfuse's nodev,nosuid.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/firnfs.h"

struct helper {
	const char *store, *dir;
	char *options;     /* "" when none */
	bool sloppy, fake;
};

bool firnfs_helper_called(const char *program)
{
	const char *base = strrchr(program, '/');

	return strncmp(base ? base + 1 : program, "mount.", 6) == 0;
}

static int helper_usage(void)
{
	fputs("firnfs: as a helper of mount(8): mount.fuse.firn STORE DIR [-sfnv] [-N NS] [-t TYPE] [-o OPTIONS]\n",
	      stderr);
	return FIRNFS_USAGE;
}

static int helper_parse(int argc, char **argv, struct helper *h)
{
	static char none[] = "";
	int c;

	*h = (struct helper){ .options = none };
	opterr = 0;
	while ((c = getopt(argc, argv, "sfnvN:t:o:")) != -1) {
		if (c == 's')
			h->sloppy = true;
		else if (c == 'f')
			h->fake = true;
		else if (c == 'o')
			h->options = optarg;
		else if (c == '?')
			return helper_usage();
	}
	if (optind + 2 != argc)
		return helper_usage();
	h->store = argv[optind];
	h->dir = argv[optind + 1];
	return -1;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

/* The flags of mount(2) that a list of options means; the last of contradicting words counts. */
static unsigned long flags_of(char *list)
{
	static const struct {
		const char *word;
		unsigned long set, clear;
	} words[] = {
		{ "ro", MS_RDONLY, 0 }, { "rw", 0, MS_RDONLY }, { "nosuid", MS_NOSUID, 0 }, { "suid", 0, MS_NOSUID },
		{ "nodev", MS_NODEV, 0 }, { "dev", 0, MS_NODEV }, { "noexec", MS_NOEXEC, 0 }, { "exec", 0, MS_NOEXEC },
		{ "sync", MS_SYNCHRONOUS, 0 }, { "async", 0, MS_SYNCHRONOUS }, { "dirsync", MS_DIRSYNC, 0 },
		{ "nodiratime", MS_NODIRATIME, 0 }, { "diratime", 0, MS_NODIRATIME },
		{ "noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME },
		{ "relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME },
		{ "strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME },
	};
	unsigned long flags = 0;

	for (char *word = strsep(&list, ","); word; word = strsep(&list, ",")) {
		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			if (strcmp(word, words[i].word) == 0)
				flags = (flags & ~words[i].clear) | words[i].set;
		}
	}
	return flags;
}

static int remount_failed(const struct helper *h, const char *why)
{
	fprintf(stderr, "firnfs: %s: cannot remount: %s\n", h->dir, why);
	return FIRNFS_MOUNT;
}

/*
 * Remounting changes what the kernel lets through; what only the daemon knows (caches, commit=) stays. A daemon
 * that has opened its store read-only cannot write: it is asked to remove what is not there.
 */
static int remount(const struct helper *h)
{
	unsigned long flags = flags_of(h->options) | MS_REMOUNT;

	if (mount(h->store, h->dir, NULL, flags, NULL))
		return remount_failed(h, strerror(errno));
	if (!(flags & MS_RDONLY) && removexattr(h->dir, "user.firn.none") && errno == EROFS) {
		mount(h->store, h->dir, NULL, flags | MS_RDONLY, NULL);
		return remount_failed(h, "the store was opened read-only: unmount it and mount it again");
	}
	return 0;
}

int firnfs_helper(int argc, char **argv, struct firnfs_options *o)
{
	static char as_root[] = "dev,suid";
	struct helper h;
	int status = helper_parse(argc, argv, &h);

	if (status >= 0)
		return status;
	if (has_word(h.options, "remount"))
		return h.fake ? 0 : remount(&h);
	o->sloppy = h.sloppy;
	o->store = h.store;
	o->dir = h.dir;
	if (geteuid() == 0)
		status = firnfs_option_list(o, as_root);
	if (status < 0)
		status = firnfs_option_list(o, h.options);
	return status < 0 && h.fake ? 0 : status;
}
