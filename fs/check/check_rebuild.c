/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new index made from the segments alone.
 *
 * Their records say which extent they are, of which inode and chunk they were written, and in what order; so files come back with their bytes,
 * but without names, owners and modes. Of two extents that were one chunk the one with the larger number is the newer one. What had been
 * deleted and not yet removed from its segment comes back, too. The passes that follow give names in lost+found, and count everything.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/check/check_pass.h"
#include "fs/extent/extent_map.h"
#include "fs/extent/models_set.h"

struct building {
	struct check *ck;
	struct collected c;
	struct collected_extent **owners; /* the newest record of each extent that is a chunk, by inode and chunk */
	size_t n;
	struct index *index;
};

static int by_owner(const void *a, const void *b)
{
	const struct collected_extent *x = *(struct collected_extent *const *)a, *y = *(struct collected_extent *const *)b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->chunk != y->chunk)
		return x->chunk < y->chunk ? -1 : 1;
	return x->id > y->id ? -1 : x->id < y->id;
}

static struct collected_extent *newest(struct building *b, uint64_t id)
{
	struct collected_extent *list = b->c.extents.items;
	size_t lo = 0, hi = b->c.extents.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (list[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->c.extents.n && list[lo].id == id ? &list[lo] : NULL;
}

/* One extent for each chunk: the one with the largest number. */
static int owners_sort(struct building *b, struct check_rebuilt *out)
{
	struct collected_extent *list = b->c.extents.items;
	size_t n = 0;

	b->owners = malloc((b->c.extents.n + 1) * sizeof *b->owners);
	if (!b->owners)
		return -ENOMEM;
	for (size_t i = 0; i < b->c.extents.n; i++) {
		struct collected_extent *x = &list[i], *g;

		if ((i > 0 && list[i - 1].id == x->id) || x->ino == 0 || x->e.is_group)
			continue;
		g = x->group ? newest(b, x->group) : NULL;
		if (!x->group || (g && g->e.is_group && g->e.plain >= x->e.at + x->e.plain))
			b->owners[n++] = x;
	}
	qsort(b->owners, n, sizeof *b->owners, by_owner);
	for (size_t i = 0; i < n; i++) {
		bool same_file = b->n && b->owners[b->n - 1]->ino == b->owners[i]->ino;

		if (same_file && b->owners[b->n - 1]->chunk == b->owners[i]->chunk)
			continue;
		out->files += !same_file;
		b->owners[b->n++] = b->owners[i];
	}
	out->chunks = b->n;
	return 0;
}

static int extent_put_new(struct index_op *op, struct building *b, const struct collected_extent *x)
{
	struct extent e = x->e;

	(void)b;
	e.refs = e.is_group ? e.plain : 1;
	return extent_store(op, &e);
}

static int chunk_put(struct index_op *op, struct building *b, const struct collected_extent *x)
{
	const struct collected_extent *g = x->group ? newest(b, x->group) : NULL;
	le64_t id = le64_put(x->id);
	uint8_t key[12];
	int r = extent_put_new(op, b, x);

	if (r == 0 && g)
		r = extent_put_new(op, b, g);
	be32_put(be64_put(key, x->ino), x->chunk);
	return r ? r : index_put(op, TABLE_CHUNK, key, sizeof key, &id, sizeof id);
}

/* The last chunk of a file says how long it is at least. */
static int inode_put_new(struct index_op *op, struct building *b, const struct collected_extent *last)
{
	int64_t now = volume_now();
	struct inode_attr attr = {
		.mode = S_IFREG | 0600, .uid = geteuid(), .gid = getegid(), .nlink = 1,
		.atime = now, .mtime = now, .ctime = now, .btime = now,
		.size = (uint64_t)last->chunk * b->ck->vol->super.chunk_size + last->e.plain,
	};
	struct inode_disk disk;
	uint8_t key[8];

	be64_put(key, last->ino);
	return index_put(op, TABLE_INODE, key, sizeof key, &disk, inode_encode(&disk, &attr));
}

static int models_put_all(struct index_op *op, struct building *b)
{
	const struct collected_piece *p = b->c.pieces.items;
	uint64_t best[MODELS_KINDS] = { 0 };
	struct model_disk disk;
	uint8_t key[4];
	int r = 0;

	for (size_t i = 0; i < b->c.pieces.n; i++)
		if (p[i].number > best[p[i].kind])
			best[p[i].kind] = p[i].number;
	for (size_t i = 0; r == 0 && i < b->c.pieces.n; i++) {
		be32_put(key, (uint32_t)p[i].number);
		if (p[i].piece != 0 || index_get(op, TABLE_MODEL, key, sizeof key, &disk, sizeof disk) >= 0)
			continue;
		r = check_model_build(b->ck, &b->c, p[i].number, &disk);
		if (r < 1)
			continue;
		disk.state = p[i].number == best[disk.kind] ? 1 : 2;
		disk.created = le64_put((uint64_t)volume_now());
		r = index_put(op, TABLE_MODEL, key, sizeof key, &disk, sizeof disk);
	}
	return r;
}

static int records_put_all(struct building *b)
{
	struct index_op op;
	int r;

	index_begin(b->index, &op);
	r = super_store(&op, &b->ck->vol->super);
	for (size_t i = 0; r == 0 && i < b->n; i++) {
		r = chunk_put(&op, b, b->owners[i]);
		if (r == 0 && (i + 1 == b->n || b->owners[i + 1]->ino != b->owners[i]->ino))
			r = inode_put_new(&op, b, b->owners[i]);
	}
	if (r == 0)
		r = models_put_all(&op, b);
	index_end(&op);
	if (r == 0)
		r = index_freeze(b->index, NULL, NULL);
	return r == 1 ? index_commit(b->index) : r;
}

/* As the segments' headers and the longest extent have it. */
static int super_guess(struct check *ck)
{
	struct super *sb = &ck->vol->super;
	int r = super_init(sb, CHUNK_SIZE_DEFAULT, SEGMENT_SIZE_DEFAULT, NULL);

	if (r == 0)
		r = check_uuid(ck, sb->uuid);
	if (r < 0)
		return r;
	return segments_open(ck->vol->dirfd, sb->uuid, sb->segment_size, 1, 1, false, true, &ck->vol->segments);
}

/* Chunks are as large as the longest extent, if any file had more than one. */
static void chunk_size_guess(struct building *b)
{
	uint32_t *chunk = &b->ck->vol->super.chunk_size;
	const struct collected_extent *x = b->c.extents.items;
	bool several = false;

	for (size_t i = 0; i < b->c.extents.n; i++)
		several |= x[i].chunk > 0;
	if (several)
		*chunk = CHUNK_SIZE_MIN;
	while (*chunk < b->c.plain_max)
		*chunk *= 2;
}

int check_rebuild(struct check *ck, struct check_rebuilt *out)
{
	struct building b = { .ck = ck };
	int r = super_guess(ck);

	*out = (struct check_rebuilt){ 0 };
	if (r == 0)
		r = check_collect(ck, true, &b.c);
	if (r == 0) {
		chunk_size_guess(&b);
		r = owners_sort(&b, out);
	}
	if (r == 0 && ck->opt->repair)
		r = check_index_new(ck, &b.index);
	if (r == 0 && ck->opt->repair)
		r = records_put_all(&b);
	if (r == 0 && ck->opt->repair)
		r = check_index_install(ck, b.index, true);
	else
		index_close(b.index);
	segments_close(ck->vol->segments);
	ck->vol->segments = NULL;
	free(b.owners);
	check_collected_free(&b.c);
	return r;
}
