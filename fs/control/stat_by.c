/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What files take, by rows: names tell which file belongs to which row, then a pass over the chunks adds up.
 */
#include "fs/control/stat_by.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/control/stat.h"
#include "fs/control/stat_rows.h"
#include "fs/extent/scan.h"
#include "fs/names/dirent.h"
#include "fs/names/inode.h"
#include "fs/names/path.h"

/* A child of the root of the count. */
struct directory {
	uint64_t ino;
	int32_t row;
};

struct file {
	uint64_t ino;
	int32_t row;
};

struct counter {
	struct volume *vol;
	enum stat_by by;
	uint64_t root; /* of what is counted */
	struct stat_rows rows;
	struct directory *dirs;
	size_t n_dirs, dirs_room;
	struct file *files; /* by ino when all are there */
	size_t n_files, files_room;
	size_t at;          /* file that the last chunk was of */
	uint64_t last_dir;
	int32_t last_row;
	uint32_t now;       /* hours */
};

static int by_ino(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void *count_grow(void *list, size_t n, size_t *room, size_t item)
{
	size_t more = *room ? 2 * *room : 256;
	void *grown;

	if (n < *room)
		return list;
	grown = realloc(list, more * item);
	if (grown)
		*room = more;
	return grown;
}

static int count_dir(void *arg, const struct index_record *r)
{
	struct counter *c = arg;
	struct directory d;
	struct dirent_slot slot;
	char name[NAME_LEN_MAX + 1];
	void *grown;

	if (r->key_len != DIRENT_KEY || be64_get(r->key) < c->root)
		return 0;
	if (be64_get(r->key) > c->root)
		return 1;
	if (dirent_decode(r->value, r->len, &slot, name) != 0 || slot.type != DT_DIR)
		return 0;
	d.ino = slot.ino;
	d.row = rows_find(&c->rows, name);
	if (d.row < 0)
		return d.row;
	grown = count_grow(c->dirs, c->n_dirs, &c->dirs_room, sizeof *c->dirs);
	if (!grown)
		return -ENOMEM;
	c->dirs = grown;
	c->dirs[c->n_dirs++] = d;
	return 0;
}

/* Row of the files in a directory: by directory that of the root's child on the way up, else 0; -1: not below the root. */
static int32_t count_climb(const struct counter *c, uint64_t dir, int32_t own)
{
	const struct directory *child = NULL;
	uint64_t before = dir;

	if (dir == c->root)
		return own;
	for (unsigned depth = 0; dir != c->root; depth++) {
		before = dir;
		if (dir == INO_ROOT || depth == PATH_DEPTH_MAX || path_parent(c->vol, dir, &dir) < 0)
			return -1;
	}
	if (c->by != STAT_BY_DIR)
		return 0;
	if (c->n_dirs > 0)
		child = bsearch(&before, c->dirs, c->n_dirs, sizeof *c->dirs, by_ino);
	return child ? child->row : -1;
}

static const char *count_suffix(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && dot[1] != '\0' && strlen(dot) <= 16 ? dot : "(none)";
}

static int count_file(void *arg, const struct index_record *r)
{
	struct counter *c = arg;
	struct dirent_slot slot;
	char name[NAME_LEN_MAX + 1];
	uint64_t dir;
	int32_t row;
	void *grown;

	if (r->key_len != DIRENT_KEY || dirent_decode(r->value, r->len, &slot, name) != 0 || slot.type != DT_REG)
		return 0;
	dir = be64_get(r->key);
	if (dir != c->last_dir || c->n_files == 0) {
		int32_t own = c->by == STAT_BY_DIR && dir == c->root ? rows_find(&c->rows, ".") : 0;

		if (own < 0)
			return own;
		c->last_dir = dir;
		c->last_row = count_climb(c, dir, own);
	}
	row = c->last_row;
	if (row < 0)
		return 0;
	if (c->by == STAT_BY_TYPE)
		row = rows_find(&c->rows, count_suffix(name));
	if (row < 0)
		return row;
	grown = count_grow(c->files, c->n_files, &c->files_room, sizeof *c->files);
	if (!grown)
		return -ENOMEM;
	c->files = grown;
	c->files[c->n_files++] = (struct file){slot.ino, row};
	return 0;
}

/* Each file once; by name, every file counts, also an empty one. */
static void count_settle(struct counter *c)
{
	size_t n = 0;

	if (c->n_files > 0)
		qsort(c->files, c->n_files, sizeof *c->files, by_ino);
	for (size_t i = 0; i < c->n_files; i++) {
		if (n > 0 && c->files[n - 1].ino == c->files[i].ino)
			continue;
		c->files[n++] = c->files[i];
		if (c->by == STAT_BY_DIR || c->by == STAT_BY_TYPE)
			c->rows.list[c->files[i].row].files++;
	}
	c->n_files = n;
}

static const char *const tiers[] = {[STAT_HOT] = "hot", [STAT_WARM] = "warm", [STAT_COLD] = "cold"};

static const struct {
	uint32_t hours; /* younger than that */
	const char *name;
} ages[] = {{24, "under 1 day"},
	    {7 * 24, "1 to 7 days"},
	    {30 * 24, "7 to 30 days"},
	    {365 * 24, "30 to 365 days"},
	    {UINT32_MAX, "over 365 days"}};

#define TIERS (sizeof tiers / sizeof *tiers)
#define AGES (sizeof ages / sizeof *ages)

/* By tier and by age the rows are known, and have an order. */
static int count_rows(struct counter *c)
{
	size_t n = c->by == STAT_BY_TIER ? TIERS : c->by == STAT_BY_AGE ? AGES : 0;
	int32_t row = 0;

	for (size_t i = 0; i < n && row >= 0; i++)
		row = rows_find(&c->rows, c->by == STAT_BY_TIER ? tiers[i] : ages[i].name);
	return row < 0 ? row : 0;
}

static int32_t count_row(const struct counter *c, const struct extent *e, int32_t of_file)
{
	uint32_t age = c->now > e->touched ? c->now - e->touched : 0;
	int32_t row = 0;

	if (c->by == STAT_BY_TIER)
		return (int32_t)stat_tier(e);
	if (c->by != STAT_BY_AGE)
		return of_file;
	while (age >= ages[row].hours)
		row++;
	return row;
}

static int count_chunk(void *arg, const struct index_record *r)
{
	struct counter *c = arg;
	struct extent e;
	struct index_op op;
	uint64_t ino;
	le64_t id;
	int32_t row;
	int rc;

	if (r->key_len != 12 || r->len != sizeof id)
		return 0;
	ino = be64_get(r->key);
	while (c->at < c->n_files && c->files[c->at].ino < ino)
		c->at++;
	if (c->at == c->n_files || c->files[c->at].ino != ino)
		return 0;
	memcpy(&id, r->value, sizeof id);
	index_begin(c->vol->index, &op);
	rc = extent_get(&op, le64_get(id), &e);
	index_end(&op);
	if (rc < 0)
		return rc == -ENOENT || rc == -EUCLEAN ? 0 : rc;
	row = count_row(c, &e, c->files[c->at].row);
	rows_add(&c->rows, row, ino, &e, c->by == STAT_BY_TIER || c->by == STAT_BY_AGE);
	return 0;
}

static int count_check(struct counter *c)
{
	struct inode *inode;
	int rc = inode_get(c->vol, c->root, &inode);

	if (rc < 0)
		return rc;
	rc = S_ISDIR(inode->type) ? 0 : -ENOTDIR;
	inode_put(inode, 1);
	return rc;
}

int stat_by(struct volume *vol, enum stat_by by, uint64_t dir, struct stat_row rows[STAT_ROWS_MAX], uint32_t *n)
{
	struct counter c = {.vol = vol, .by = by, .root = dir, .now = (uint32_t)(volume_now() / 1000000000 / 3600)};
	int rc = count_check(&c);

	*n = 0;
	if (rc == 0)
		rc = count_rows(&c);
	if (rc == 0 && by == STAT_BY_DIR)
		rc = scan_table(vol, TABLE_DIRENT, count_dir, &c);
	rc = rc == 1 ? 0 : rc;
	if (rc == 0 && c.n_dirs > 0)
		qsort(c.dirs, c.n_dirs, sizeof *c.dirs, by_ino);
	if (rc == 0)
		rc = scan_table(vol, TABLE_DIRENT, count_file, &c);
	if (rc == 0) {
		count_settle(&c);
		rc = scan_table(vol, TABLE_CHUNK, count_chunk, &c);
	}
	if (rc == 0)
		*n = rows_take(&c.rows, by == STAT_BY_DIR || by == STAT_BY_TYPE, rows);
	free(c.files);
	free(c.dirs);
	rows_fini(&c.rows);
	return rc;
}
