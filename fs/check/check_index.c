/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new index.mdb beside the old one, which takes its place when it is whole: made from the segments, or a copy of the old one's records.
 *
 * A repair works on such a copy. LMDB believes the lengths and the free pages that a damaged file tells; reading them is bounded, but writing
 * among them would destroy what lies around.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/check/check_pass.h"

#define BUILD_DIR "rebuild"
#define PENDING_MAX (64u << 20)

int check_index_new(struct check *ck, struct index **out)
{
	struct volume *vol = ck->vol;
	char *path;
	int fd, r;

	*out = NULL;
	if (mkdirat(vol->dirfd, BUILD_DIR, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(vol->dirfd, BUILD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	unlinkat(fd, "index.mdb", 0);
	unlinkat(fd, "index.mdb-lock", 0);
	r = asprintf(&path, "%s/" BUILD_DIR, vol->path) < 0 ? -ENOMEM : 0;
	if (r == 0) {
		r = index_open(fd, path, true, false, out);
		free(path);
	}
	close(fd);
	return r;
}

int check_index_install(struct check *ck, struct index *index, bool keep)
{
	struct volume *vol = ck->vol;
	int fd, r = 0;

	index_close(index);
	if (keep && faccessat(vol->dirfd, "index.mdb", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		r = check_aside_file(ck, vol->dirfd, "index.mdb");
	unlinkat(vol->dirfd, "index.mdb-lock", 0);
	if (r == 0 && renameat(vol->dirfd, BUILD_DIR "/index.mdb", vol->dirfd, "index.mdb") < 0)
		r = -errno;
	fd = openat(vol->dirfd, BUILD_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		unlinkat(fd, "index.mdb", 0);
		unlinkat(fd, "index.mdb-lock", 0);
		close(fd);
	}
	unlinkat(vol->dirfd, BUILD_DIR, AT_REMOVEDIR);
	if (r == 0 && fsync(vol->dirfd) < 0)
		r = -errno;
	return r;
}

static int commit(struct index *index)
{
	int r = index_freeze(index, NULL, NULL);

	return r == 1 ? index_commit(index) : r;
}

struct copy {
	struct check *ck;
	struct index *to;
	enum table table;
};

static int record_copy(void *arg, const struct index_record *rec)
{
	struct copy *c = arg;
	struct index_op op;
	int r = check_step(c->ck);

	if (r)
		return r;
	index_begin(c->to, &op);
	if (rec->damaged) /* and will be: the passes shall find it so */
		r = index_put_damaged(&op, c->table, rec->key, rec->key_len, rec->value, rec->damaged_len);
	else
		r = index_put(&op, c->table, rec->key, rec->key_len, rec->value, rec->len);
	index_end(&op);
	return r == 0 && index_pending_bytes(c->to) > PENDING_MAX ? commit(c->to) : r;
}

int check_index_copy(struct check *ck)
{
	struct copy c = { .ck = ck };
	int r = check_index_new(ck, &c.to);

	for (int t = 0; r == 0 && t < TABLE_COUNT; t++) {
		c.table = (enum table)t;
		r = scan_table(ck->vol, c.table, record_copy, &c);
	}
	if (r == 0)
		r = commit(c.to);
	index_close(ck->vol->index);
	ck->vol->index = NULL;
	if (r == 0)
		return check_index_install(ck, c.to, false);
	index_close(c.to);
	return r;
}
