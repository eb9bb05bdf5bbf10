/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of firnfs and its mount options.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "tools/firnfs.h"
#include "tools/size.h"

/* Handed on to libfuse and the kernel. */
static const char *const passed_on[] = {
	"allow_other", "dev", "nodev", "suid", "nosuid", "exec", "noexec", "sync", "dirsync", "nodiratime",
};

/* Of fstab(5), meant for others; default_permissions is always on. */
static const char *const ignored[] = {
	"defaults", "default_permissions",
	"rw",	    "auto",
	"noauto",   "user",
	"nouser",   "users",
	"owner",    "group",
	"nofail",   "_netdev",
	"async",    "diratime",
	"norelatime", "nostrictatime",
	"lazytime", "nolazytime",
	"mand",	    "nomand",
	"silent",   "loud",
	"iversion", "noiversion",
	"acl",	    "user_xattr",
};

static int usage(const char *complaint, const char *arg)
{
	fprintf(stderr, "firnfs: %s%s; try firnfs --help\n", complaint, arg);
	return FIRNFS_USAGE;
}

static int help(void)
{
	puts("usage: firnfs [-f] [-d] [-o OPTION[,OPTION...]] STORE DIR\n"
	     "Mounts the firn store STORE on the directory DIR.\n\n"
	     "  -f, --foreground  stay in the foreground\n"
	     "  -d, --debug       stay in the foreground and show every request\n"
	     "  -h, --help        show this help\n"
	     "  -V, --version     show the version\n\n"
	     "  -o ro             change nothing\n"
	     "  -o commit=N       make changes durable every N seconds (5)\n"
	     "  -o cache=SIZE     keep up to SIZE of decoded data in memory (64M)\n"
	     "  -o thaw=SIZE      keep hot copies of cold data that is read often, up to SIZE on disk (256M)\n"
	     "  -o dirty=SIZE     keep up to SIZE of data that is not yet encoded (64M)\n"
	     "  -o workers=N      encode with N threads (as many as processors, at most 8)\n"
	     "  -o writeback, nowriteback\n"
	     "                    gather small writes in the kernel's cache (default), or not\n"
	     "  -o hot=HOW        store fresh data with lz4, raw, or auto (default): raw when writers would wait\n"
	     "  -o compact=MODE   recompact in the background what is cold: auto (default), always, off\n"
	     "  -o cold-after=T   what is untouched for T is cold: days (7d), or hours (36h)\n"
	     "  -o compact-level=LEVEL  of the neural codec: fast, normal (default) or dense\n"
	     "  -o metrics=PATH   what the daemon does as text for Prometheus: a socket, or a file\n"
	     "  -o source=DIR     the store; STORE is then only its name among the mounts\n"
	     "  -o relatime, noatime, strictatime\n"
	     "  -o allow_other    let other users in\n"
	     "  -o dev, nodev, suid, nosuid, exec, noexec, sync, dirsync, nodiratime");
	return 0;
}

static bool listed(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i], word) == 0)
			return true;
	}
	return false;
}

/* The value of word if it is key=value of this key, else NULL. */
static const char *value_of(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

static bool number(const char *text, uint64_t lo, uint64_t hi, uint64_t *out)
{
	return size_parse(text, out) && *out >= lo && *out <= hi;
}

/* "7d", "12h", "0"; a number alone is days. Hours. */
static bool hours_parse(const char *text, unsigned *hours)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	unsigned each = 24;

	if (end == text || text[0] == '-' || text[0] == '+' || n > 36500)
		return false;
	if (*end == 'h' || *end == 'd')
		each = *end++ == 'h' ? 1 : 24;
	*hours = (unsigned)n * each;
	return *end == '\0';
}

/* Options of background recompaction: 1 taken, 0 not one of them, -1 bad value. */
static int option_compact(struct compactor_options *c, const char *word)
{
	const char *text;

	if ((text = value_of(word, "compact"))) {
		c->patient = strcmp(text, "auto") == 0;
		c->automatic = c->patient || strcmp(text, "always") == 0;
		return c->automatic || strcmp(text, "off") == 0 ? 1 : -1;
	}
	if ((text = value_of(word, "cold-after"))) {
		c->after_given = true;
		return hours_parse(text, &c->cold_after_hours) ? 1 : -1;
	}
	if ((text = value_of(word, "compact-level"))) {
		c->level_given = true;
		c->neural_level = neural_level_named(text, strlen(text));
		return c->neural_level ? 1 : -1;
	}
	return 0;
}

static bool option_hot(struct volume_options *v, const char *text)
{
	static const char *const words[] = { [HOT_LZ4] = "lz4", [HOT_AUTO] = "auto", [HOT_RAW] = "raw" };

	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(text, words[i]) == 0) {
			v->hot = (enum volume_hot)i;
			return true;
		}
	}
	return false;
}

/* Options with a value: 1 taken, 0 not one of them, -1 bad value. */
static int option_value(struct volume_options *v, const char *word)
{
	const char *text;
	uint64_t n;

	if ((text = value_of(word, "commit"))) {
		if (!number(text, 1, 3600, &n))
			return -1;
		v->commit_seconds = (unsigned)n;
	} else if ((text = value_of(word, "workers"))) {
		if (!number(text, 1, 256, &n))
			return -1;
		v->workers = (unsigned)n;
	} else if ((text = value_of(word, "cache"))) {
		if (!number(text, 1u << 20, UINT64_MAX / 2, &v->cache_bytes))
			return -1;
	} else if ((text = value_of(word, "thaw"))) {
		if (!number(text, 0, UINT64_MAX / 2, &v->thaw_bytes))
			return -1;
	} else if ((text = value_of(word, "dirty"))) {
		if (!number(text, 1u << 20, UINT64_MAX / 2, &v->dirty_bytes))
			return -1;
	} else if ((text = value_of(word, "hot"))) {
		return option_hot(v, text) ? 1 : -1;
	} else {
		return 0;
	}
	return 1;
}

static bool option_atime(struct volume_options *v, const char *word)
{
	if (strcmp(word, "noatime") == 0)
		v->atime = ATIME_NOATIME;
	else if (strcmp(word, "relatime") == 0 || strcmp(word, "atime") == 0)
		v->atime = ATIME_RELATIME;
	else if (strcmp(word, "strictatime") == 0)
		v->atime = ATIME_STRICT;
	else
		return false;
	return true;
}

static bool option_writeback(struct volume_options *v, const char *word)
{
	if (strcmp(word, "writeback") == 0)
		v->writethrough = false;
	else if (strcmp(word, "nowriteback") == 0)
		v->writethrough = true;
	else
		return false;
	return true;
}

/* Options that are paths: 1 taken, 0 not one of them, -1 empty. */
static int option_path(struct firnfs_options *o, const char *word)
{
	const char *path;

	if ((path = value_of(word, "metrics")))
		o->metrics = path;
	else if ((path = value_of(word, "source")))
		o->source = path;
	else
		return 0;
	return path[0] ? 1 : -1;
}

static int option_apply(struct firnfs_options *o, const char *word)
{
	int taken = option_value(&o->volume, word);

	if (taken == 0)
		taken = option_compact(&o->compactor, word);
	if (taken == 0)
		taken = option_path(o, word);
	if (taken < 0)
		return usage("bad value in option ", word);
	if (taken || word[0] == '\0' || option_atime(&o->volume, word) ||
	    option_writeback(&o->volume, word))
		return -1;
	if (strcmp(word, "ro") == 0) {
		o->volume.readonly = true;
		return -1;
	}
	if (strcmp(word, "rw") == 0)
		o->volume.readonly = false;
	if (listed(ignored, sizeof ignored / sizeof *ignored, word) || strncmp(word, "x-", 2) == 0 || strncmp(word, "X-", 2) == 0 ||
	    value_of(word, "user") || value_of(word, "comment"))
		return -1;
	if (o->sloppy && !listed(passed_on, sizeof passed_on / sizeof *passed_on, word))
		return -1;
	if (!listed(passed_on, sizeof passed_on / sizeof *passed_on, word))
		return usage("unknown mount option ", word);
	if (o->passed_count == FIRNFS_PASSED_MAX)
		return usage("too many options at ", word);
	o->passed[o->passed_count++] = word;
	return -1;
}

int firnfs_option_list(struct firnfs_options *o, char *list)
{
	int status = -1;

	for (char *word = strsep(&list, ","); word && status < 0; word = strsep(&list, ","))
		status = option_apply(o, word);
	return status;
}

int firnfs_arguments(int argc, char **argv, struct firnfs_options *o)
{
	static const struct option longs[] = {
		{ "foreground", no_argument, NULL, 'f' }, { "debug", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 },
	};
	int c, status = -1;

	opterr = 0;
	while (status < 0 && (c = getopt_long(argc, argv, ":fdo:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			o->debug = true; /* fall through */
		case 'f':
			o->foreground = true;
			break;
		case 'o':
			status = firnfs_option_list(o, optarg);
			break;
		case 'h':
			return help();
		case 'V':
			puts(PACKAGE_STRING);
			return 0;
		case ':':
			return usage("no value for ", argv[optind - 1]);
		default:
			return usage("unknown option ", argv[optind - 1]);
		}
	}
	if (status >= 0)
		return status;
	if (optind + 2 != argc)
		return usage("STORE and DIR are needed, no more and no less", "");
	o->store = argv[optind];
	o->dir = argv[optind + 1];
	return -1;
}
