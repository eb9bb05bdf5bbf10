/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * firn tier: what is to become of a directory's files: policies of fs/names/tier.h, read and set.
 */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/names/tier.h"
#include "fs/names/xattr.h"
#include "tools/firn.h"
#include "tools/target.h"

static const char help[] =
	"Usage: firn tier get [-r] PATH...\n"
	"       firn tier set [OPTION...] PATH hot|warm|cold|auto\n"
	"       firn tier unset PATH...\n"
	"Says or decides how dense, and how soon, compaction packs the files of a directory. A policy holds for all that is\n"
	"below, now and later, up to what has one of its own. PATH: in the mount of a store; or a store, for its root.\n\n"
	"  hot: not at all; warm: by age, with zstd only; cold: at once, with the network; auto: by age, warm first\n\n"
	"      --after=TIME     only what was neither written nor read for TIME: a number of days (7d, 7) or hours (36h)\n"
	"      --level=LEVEL    of the network: fast, normal or dense\n"
	"  -r, --recursive      get: also every policy below PATH\n"
	"  -h, --help           this text\n";

/* Policies of one path, in a mount or in the root of a store. */
struct place {
	const char *path;
	bool mounted;     /* path lies in a mount: its attributes are the system's */
	struct target target; /* else */
};

static int place_open(const char *path, bool readonly, struct place *out)
{
	struct stat st;

	*out = (struct place){.path = path};
	if (stat(path, &st) < 0)
		return firn_fail("tier", path, -errno);
	out->mounted = target_in_mount(&st);
	return out->mounted ? EXIT_SUCCESS : target_open("tier", path, readonly, &out->target);
}

static int place_close(struct place *p, int status)
{
	return p->mounted ? status : target_close(&p->target, status);
}

static int policy_read(const char *path, char text[TIER_TEXT_MAX])
{
	ssize_t n = getxattr(path, TIER_XATTR, text, TIER_TEXT_MAX - 1);

	text[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : 0;
}

/* Of the root of a store that is named by itself. */
static int root_read(const struct target *t, char text[TIER_TEXT_MAX])
{
	struct inode *root;
	ssize_t n;
	int rc;

	if (!t->vol) {
		n = fgetxattr(t->fd, TIER_XATTR, text, TIER_TEXT_MAX - 1);
		n = n < 0 ? -errno : n;
	} else {
		rc = inode_get(t->vol, INO_ROOT, &root);
		if (rc < 0)
			return rc;
		n = xattr_get(root, TIER_XATTR, text, TIER_TEXT_MAX - 1);
		inode_put(root, 1);
	}
	text[n > 0 ? n : 0] = '\0';
	return n < 0 ? (int)n : 0;
}

/* text NULL: removes it; that none is there is no error. */
static int policy_write(const struct place *p, const char *text)
{
	const struct target *t = &p->target;
	struct inode *root;
	int rc = 0;

	if (p->mounted)
		rc = text ? setxattr(p->path, TIER_XATTR, text, strlen(text), 0) : removexattr(p->path, TIER_XATTR);
	else if (!t->vol)
		rc = text ? fsetxattr(t->fd, TIER_XATTR, text, strlen(text), 0) : fremovexattr(t->fd, TIER_XATTR);
	if (p->mounted || !t->vol)
		rc = rc < 0 ? -errno : 0;
	else if ((rc = inode_get(t->vol, INO_ROOT, &root)) == 0) {
		rc = text ? xattr_set(root, TIER_XATTR, text, strlen(text), 0) : xattr_remove(root, TIER_XATTR);
		inode_put(root, 1);
	}
	return rc == -ENODATA && !text ? 0 : rc;
}

/* Prints the policy in force at an absolute path in a mount: its own or that of the nearest directory above. */
static int policy_inherited(const char *path, char *up, dev_t dev)
{
	char text[TIER_TEXT_MAX], *slash;
	struct stat st;
	int rc;

	while (stat(up, &st) == 0 && st.st_dev == dev) {
		rc = policy_read(up, text);
		if (rc < 0 && rc != -ENODATA)
			return firn_fail("tier", up, rc);
		if (rc == 0) {
			printf("%s: %s (set on %s)\n", path, text, up);
			return EXIT_SUCCESS;
		}
		slash = strrchr(up, '/');
		if (!slash || slash == up)
			break;
		*slash = '\0';
	}
	printf("%s: auto (nothing is set)\n", path);
	return EXIT_SUCCESS;
}

static int print_own(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char text[TIER_TEXT_MAX];

	(void)st;
	if (ftw->level > 0 && (type == FTW_D || type == FTW_F) && policy_read(path, text) == 0)
		printf("%s: %s\n", path, text);
	return 0;
}

static int tier_get(const char *path, bool recursive)
{
	char text[TIER_TEXT_MAX], *real;
	struct place p;
	struct stat st;
	int rc, status = place_open(path, true, &p);

	if (status != EXIT_SUCCESS)
		return status;
	if (!p.mounted) {
		rc = root_read(&p.target, text);
		if (recursive)
			status = firn_usage("tier", "--recursive takes paths in a mount");
		else if (rc < 0 && rc != -ENODATA)
			status = firn_fail("tier", path, rc);
		else
			printf("%s: %s\n", path, rc < 0 ? "auto (nothing is set)" : text);
		return place_close(&p, status);
	}
	real = realpath(path, NULL);
	if (!real || stat(real, &st) < 0)
		status = firn_fail("tier", path, -errno);
	else
		status = policy_inherited(path, real, st.st_dev);
	free(real);
	if (status == EXIT_SUCCESS && recursive && nftw(path, print_own, 32, FTW_PHYS | FTW_MOUNT) < 0)
		status = firn_fail("tier", path, -errno);
	return place_close(&p, status);
}

static int tier_write(const char *path, const char *text)
{
	struct place p;
	int rc, status = place_open(path, false, &p);

	if (status != EXIT_SUCCESS)
		return status;
	rc = policy_write(&p, text);
	return place_close(&p, rc < 0 ? firn_fail("tier", path, rc) : EXIT_SUCCESS);
}

/* The text of the policy that the command line asks for. */
static int tier_text(const char *goal, const char *after, const char *level, char out[TIER_TEXT_MAX])
{
	struct tier_policy policy;
	char asked[2 * TIER_TEXT_MAX];

	snprintf(asked, sizeof asked, "%s%s%s%s%s", goal, after ? " after=" : "", after ? after : "",
		 level ? " level=" : "", level ? level : "");
	if (tier_parse(asked, strlen(asked), &policy) < 0) {
		fprintf(stderr, "firn tier: no policy: '%s'\n", asked);
		return firn_usage("tier", NULL);
	}
	tier_format(&policy, out);
	return EXIT_SUCCESS;
}

static int tier_run(int argc, char **argv, const char *after, const char *level, bool recursive)
{
	const char *action = optind < argc ? argv[optind] : "";
	char text[TIER_TEXT_MAX];
	int status = EXIT_SUCCESS;

	if (strcmp(action, "set") == 0) {
		if (optind + 3 != argc || recursive)
			return firn_usage("tier", "set takes one path and one tier");
		status = tier_text(argv[optind + 2], after, level, text);
		return status == EXIT_SUCCESS ? tier_write(argv[optind + 1], text) : status;
	}
	if ((strcmp(action, "get") != 0 && strcmp(action, "unset") != 0) || after || level)
		return firn_usage("tier", "what to do? (get PATH, set PATH TIER, unset PATH)");
	if (optind + 1 == argc)
		return firn_usage("tier", "which path?");
	for (int i = optind + 1; i < argc; i++) {
		int one = action[0] == 'g' ? tier_get(argv[i], recursive) : tier_write(argv[i], NULL);

		status = status == EXIT_SUCCESS ? one : status;
	}
	return status;
}

int firn_tier(int argc, char **argv)
{
	static const struct option options[] = {
		{"after", required_argument, NULL, 'a'}, {"level", required_argument, NULL, 'l'},
		{"recursive", no_argument, NULL, 'r'},   {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *after = NULL, *level = NULL;
	bool recursive = false;
	int c;

	while ((c = getopt_long(argc, argv, "rh", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			after = optarg;
			break;
		case 'l':
			level = optarg;
			break;
		case 'r':
			recursive = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		default:
			return firn_usage("tier", NULL);
		}
	}
	return tier_run(argc, argv, after, level, recursive);
}
