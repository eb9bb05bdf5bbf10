/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * patch_super STORE version|older|incompat|ro-compat: rewrites an unmounted store's superblock as another version of firn might, to test that it
 * is refused, or mounted read-only.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "index/index.h"
#include "index/super.h"

static int patch(struct index *ix, const char *what)
{
	struct index_op op;
	struct super sb;
	bool readonly;
	int err;

	index_begin(ix, &op);
	err = super_load(&op, &sb, &readonly);
	if (!err) {
		if (strcmp(what, "version") == 0)
			sb.version = FORMAT_VERSION + 1;
		else if (strcmp(what, "older") == 0)
			sb.version = FORMAT_VERSION - 1;
		else if (strcmp(what, "incompat") == 0)
			sb.incompat |= 1ull << 40;
		else if (strcmp(what, "ro-compat") == 0)
			sb.ro_compat |= 1ull << 40;
		err = super_store(&op, &sb);
	}
	index_end(&op);
	if (!err)
		err = index_freeze(ix, NULL, NULL);
	return err < 0 ? err : index_commit(ix);
}

int main(int argc, char **argv)
{
	struct index *ix;
	int dirfd, err;

	if (argc != 3) {
		fprintf(stderr, "usage: patch_super STORE version|older|incompat|ro-compat\n");
		return 2;
	}
	dirfd = open(argv[1], O_RDONLY | O_DIRECTORY);
	err = dirfd < 0 ? -1 : index_open(dirfd, argv[1], false, false, &ix);
	if (!err) {
		err = patch(ix, argv[2]);
		index_close(ix);
	}
	if (dirfd >= 0)
		close(dirfd);
	if (err)
		fprintf(stderr, "patch_super: %s: error %d\n", argv[1], err);
	return err ? 1 : 0;
}
