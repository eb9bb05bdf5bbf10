/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkfs.firn: makes a store, optionally filled from a tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/names/tier.h"
#include "fs/names/xattr.h"
#include "fs/store/import.h"
#include "fs/store/volume_open.h"
#include "tools/progress.h"
#include "tools/size.h"
#include "tools/tar_import.h"

struct mkfs {
	const char *store, *import, *label, *tier, *level, *after;
	char policy[TIER_TEXT_MAX]; /* of the root directory, "" none */
	uint64_t chunk;
	bool archive; /* import is no directory */
	bool quiet;
};

static int fail(const char *path, const char *why, int r)
{
	fprintf(stderr, "mkfs.firn: %s: %s\n", path, why[0] ? why : strerror(-r));
	return 1;
}

static int usage(const char *complaint, const char *arg)
{
	fprintf(stderr, "mkfs.firn: %s%s; try mkfs.firn --help\n", complaint, arg);
	return 1;
}

static int help(void)
{
	puts("usage: mkfs.firn [-q] [-L LABEL] [-c SIZE] [--tier TIER] [--import DIR|FILE.tar] STORE\n"
	     "Makes the directory STORE, or fills it if it is empty, with a new firn store.\n\n"
	     "  -L, --label LABEL   name the store, up to 32 bytes\n"
	     "  -c, --chunk SIZE    compress files in pieces of SIZE, 4K to 1M, a power of two (128K)\n"
	     "      --tier TIER     what its files are to become: auto (default), hot, warm, cold\n"
	     "      --cold-after T  after how long: days (7d), or hours (36h)\n"
	     "      --level LEVEL   of the neural codec: fast, normal (default) or dense\n"
	     "      --import DIR    copy the tree DIR into it, or put the tar archive FILE.tar into it\n"
	     "  -q, --quiet         print errors only\n"
	     "  -h, --help          show this help\n"
	     "  -V, --version       show the version");
	return 0;
}

static bool chunk_valid(uint64_t n)
{
	return n >= CHUNK_SIZE_MIN && n <= CHUNK_SIZE_MAX && (n & (n - 1)) == 0;
}

/* The options of the store's default as the text of a policy; false: it is none. */
static bool policy_make(struct mkfs *m)
{
	struct tier_policy policy;
	int n;

	if (!m->tier && !m->after && !m->level)
		return true;
	n = snprintf(m->policy, sizeof m->policy, "%s%s%s%s%s", m->tier ? m->tier : "auto", m->after ? " after=" : "",
		     m->after ? m->after : "", m->level ? " level=" : "", m->level ? m->level : "");
	if ((size_t)n >= sizeof m->policy || tier_parse(m->policy, (size_t)n, &policy) < 0)
		return false;
	tier_format(&policy, m->policy);
	return true;
}

/* Exit status, or -1 to go on. */
static int arguments(int argc, char **argv, struct mkfs *m)
{
	static const struct option longs[] = {
		{ "label", required_argument, NULL, 'L' }, { "chunk", required_argument, NULL, 'c' },
		{ "tier", required_argument, NULL, 't' }, { "cold-after", required_argument, NULL, 'a' },
		{ "level", required_argument, NULL, 'l' }, { "import", required_argument, NULL, 'i' }, { "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' }, { 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":L:c:qhV", longs, NULL)) != -1) {
		switch (c) {
		case 'L':
			m->label = optarg;
			break;
		case 'c':
			if (!size_parse(optarg, &m->chunk) || !chunk_valid(m->chunk))
				return usage("the chunk size must be a power of two from 4K to 1M, not ",
					     optarg);
			break;
		case 't':
			m->tier = optarg;
			break;
		case 'a':
			m->after = optarg;
			break;
		case 'l':
			m->level = optarg;
			break;
		case 'i':
			m->import = optarg;
			break;
		case 'q':
			m->quiet = true;
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
	if (m->label && strlen(m->label) > LABEL_MAX)
		return usage("the label is longer than 32 bytes: ", m->label);
	if (!policy_make(m))
		return usage("no tier, time or level of a tier policy: ", m->policy);
	if (optind + 1 != argc)
		return usage(optind < argc ? "more than one STORE" : "no STORE", "");
	m->store = argv[optind];
	return -1;
}

static int import_progress(void *arg, const struct import_progress *p)
{
	char text[96], size[PROGRESS_SIZE];

	snprintf(text, sizeof text, "%llu files, %s", (unsigned long long)p->files,
		 progress_size(size, (double)p->bytes));
	progress_update(arg, -1, text);
	return progress_interrupted();
}

static int interrupted(const struct mkfs *m)
{
	fprintf(stderr, "mkfs.firn: interrupted: %s holds what was copied until then\n", m->store);
	return 130;
}

static int import(const struct mkfs *m, struct volume *vol, struct import_progress *done)
{
	struct progress bar;
	struct import_options opt = { .progress = import_progress, .arg = &bar };
	struct volume_error err = { "" };
	int r;

	progress_catch_signals();
	progress_init(&bar, "import", false);
	r = import_tree(vol, m->import, &opt, done, &err);
	progress_end(&bar, NULL);
	return r == -EINTR ? interrupted(m) : r ? fail(err.text, "", r) : 0;
}

static void tar_say(void *arg, const char *path, const char *why, bool problem)
{
	(void)arg;
	(void)problem;
	tar_report_print("mkfs.firn", path, why);
}

static int tar_progress(void *arg, const struct tar_counts *counts)
{
	const struct import_progress p = { .files = counts->names, .bytes = counts->bytes };

	return import_progress(arg, &p);
}

/* The same from an archive. What is wrong with an entry ends nothing, but the exit status tells. */
static int import_archive(const struct mkfs *m, struct volume *vol, struct import_progress *done)
{
	struct progress bar;
	const struct tar_report report = { .say = tar_say, .progress = tar_progress, .arg = &bar };
	struct timespec start, now;
	struct tar_counts counts;
	int fd = open(m->import, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return fail(m->import, "", -errno);
	clock_gettime(CLOCK_MONOTONIC, &start);
	progress_catch_signals();
	progress_init(&bar, "import", false);
	r = tar_import(vol, fd, "/", &report, &counts);
	progress_end(&bar, NULL);
	close(fd);
	clock_gettime(CLOCK_MONOTONIC, &now);
	*done = (struct import_progress){ .files = counts.names, .bytes = counts.bytes,
					  .seconds = (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec) };
	return r == -EINTR ? interrupted(m) : r ? fail(m->import, "", r) : counts.problems > 0;
}

static int policy_set(const struct mkfs *m, struct volume *vol)
{
	struct inode *root;
	int r = inode_get(vol, INO_ROOT, &root);

	if (r == 0) {
		r = xattr_set(root, TIER_XATTR, m->policy, strlen(m->policy), 0);
		inode_put(root, 1);
	}
	return r ? fail(m->store, "", r) : 0;
}

static int fill(const struct mkfs *m)
{
	struct volume_error err = { "" };
	struct import_progress done = { 0 };
	struct volume_options opt;
	struct volume *vol;
	char size[PROGRESS_SIZE];
	int r, status;

	volume_options_init(&opt);
	opt.offline = true;
	opt.role = "mkfs.firn";
	r = volume_open(m->store, &opt, &vol, &err);
	if (r)
		return fail(m->store, err.text, r);
	status = !m->import ? 0 : m->archive ? import_archive(m, vol, &done) : import(m, vol, &done);
	r = m->policy[0] ? policy_set(m, vol) : 0; /* after the import, whose root may have one of its own */
	status = status ? status : r;
	r = volume_close(vol);
	if (r)
		return fail(m->store, "", r);
	if (status == 0 && m->import && !m->quiet)
		printf("%llu %s, %s in %.1f s\n", (unsigned long long)done.files, m->archive ? "names" : "files",
		       progress_size(size, (double)done.bytes), done.seconds);
	return status;
}

/* A tree nested deeply keeps a descriptor or two open per level. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	struct mkfs m = { .chunk = CHUNK_SIZE_DEFAULT };
	struct volume_error err = { "" };
	struct stat st;
	int r = arguments(argc, argv, &m);

	if (r >= 0)
		return r;
	if (m.import && stat(m.import, &st))
		return fail(m.import, "", -errno);
	if (m.import && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return fail(m.import, "neither a directory nor an archive", 0);
	m.archive = m.import && !S_ISDIR(st.st_mode);
	descriptors_raise();
	r = volume_create(m.store, (uint32_t)m.chunk, m.label, geteuid(), getegid(), &err);
	if (r)
		return fail(m.store, err.text, r);
	if (!m.quiet)
		printf("%s: a firn store%s%s, in chunks of %llu KiB\n", m.store, m.label ? " named " : "",
		       m.label ? m.label : "", (unsigned long long)m.chunk >> 10);
	return m.import || m.policy[0] ? fill(&m) : 0;
}
