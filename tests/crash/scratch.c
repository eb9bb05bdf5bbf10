/* SPDX-License-Identifier: BSD-2-Clause */
/* Temporary directories. */
#include "tests/crash/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int scratch_make(char *path, size_t cap)
{
	const char *tmp = getenv("TMPDIR");
	char made[PATH_MAX], *real;

	if (!tmp || !*tmp)
		tmp = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	if ((size_t)snprintf(made, sizeof made, "%s/firn-crash.XXXXXX", tmp) >= sizeof made)
		return -ENAMETOOLONG;
	if (!mkdtemp(made))
		return -errno;
	real = realpath(made, NULL);
	if (!real || strlen(real) >= cap) {
		free(real);
		rmdir(made);
		return -ENAMETOOLONG;
	}
	memcpy(path, real, strlen(real) + 1);
	free(real);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void scratch_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
