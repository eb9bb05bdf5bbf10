/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A check from end to end: the index proven sound enough to be opened, or made anew, the passes in order, one commit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/check/check_pass.h"
#include "fs/extent/models.h"
#include "fs/store/volume_error.h"
#include "fs/store/volume_open.h"
#include "fs/volume/pool.h"

#define STEPS 256u /* between two looks at whoever wants to stop it */

static const struct {
	const char *name;
	int (*run)(struct check *ck);
	enum table table; /* whose records are its steps */
} passes[] = {
	{ "superblock", check_super, TABLE_META },    { "inodes", check_inodes, TABLE_INODE },
	{ "orphans", check_todos, TABLE_ORPHAN },     { "names", check_names, TABLE_DIRENT },
	{ "attributes", check_xattrs, TABLE_XATTR },  { "models", check_models, TABLE_MODEL },
	{ "chunks", check_chunks, TABLE_CHUNK },      { "extents", check_extents, TABLE_EXTENT },
	{ "segments", check_segments, TABLE_SEGMENT }, { "tree", check_tree, TABLE_INODE },
	{ "counters", check_counters, TABLE_META },
};
#define PASSES (sizeof passes / sizeof *passes)

int check_found(struct check *ck, struct check_problem *p)
{
	const struct check_entry *entry = &check_table[p->code];
	int r;

	if (!p->path) {
		ck->path[0] = '\0';
		if (p->ino)
			check_path(ck, p->ino, ck->path, sizeof ck->path);
		p->path = ck->path;
	}
	r = ck->opt->problem(ck->opt->arg, p);
	if (r < 0)
		return r;
	if (entry->severity == CHECK_NOTE) {
		ck->res->notes++;
		return 0;
	}
	ck->res->problems++;
	ck->res->lost += entry->severity == CHECK_LOSS;
	if (!ck->opt->repair)
		return 1;
	ck->res->mended += r > 0;
	return r > 0;
}

int check_step(struct check *ck)
{
	if (ck->progress.done++ % STEPS || !ck->opt->progress)
		return 0;
	return ck->opt->progress(ck->opt->arg, &ck->progress) ? -EINTR : 0;
}

int check_get(struct check *ck, enum table table, const void *key, size_t key_len, void *buf, size_t cap)
{
	struct index_op op;
	int r;

	index_begin(ck->vol->index, &op);
	r = index_get(&op, table, key, key_len, buf, cap);
	index_end(&op);
	return r;
}

int check_put(struct check *ck, enum table table, const void *key, size_t key_len, const void *value, size_t len)
{
	struct index_op op;
	int r;

	if (!ck->opt->repair)
		return 0;
	index_begin(ck->vol->index, &op);
	r = index_put(&op, table, key, key_len, value, len);
	index_end(&op);
	ck->res->changed = true;
	return r;
}

/* The record with this key, damaged or not: 1, 0 none, -errno. */
static int record_get(struct check *ck, enum table table, const void *key, size_t key_len, struct index_record *rec)
{
	struct index_scan *scan;
	struct index_op op;
	int r;

	index_begin(ck->vol->index, &op);
	r = index_scan_open(&op, table, key, key_len, NULL, 0, &scan);
	if (r == 0) {
		r = index_scan_next(scan, rec);
		index_scan_close(scan);
	}
	index_end(&op);
	return r == 1 ? rec->key_len == key_len : r;
}

int check_del(struct check *ck, enum table table, const void *key, size_t key_len)
{
	struct index_record rec;
	struct index_op op;
	int r;

	if (!ck->opt->repair)
		return 0;
	r = record_get(ck, table, key, key_len, &rec);
	if (r == 1)
		r = check_aside_record(ck, table, &rec);
	else if (r == 0)
		return 0;
	if (r)
		return r;
	index_begin(ck->vol->index, &op);
	r = index_del(&op, table, key, key_len);
	index_end(&op);
	ck->res->changed = true;
	return r;
}

static int passes_run(struct check *ck)
{
	struct index_stat stat;
	int r = index_stat(ck->vol->index, &stat);

	for (unsigned i = 0; r == 0 && i < PASSES && !ck->empty; i++) {
		ck->progress = (struct check_progress){
			.pass = passes[i].name, .number = i + 1, .passes = PASSES, .total = stat.records[passes[i].table],
		};
		r = passes[i].run(ck);
	}
	ck->res->inodes = ck->inodes.n;
	ck->res->extents = ck->extents.n;
	ck->res->segments = ck->segments.n;
	ck->res->models = ck->models.n;
	return r;
}

/* Data that a repair wrote into segments or STORE/lost is durable before what points to it or no longer does. */
static int commit(struct check *ck)
{
	int r = check_aside_close(ck);

	if (r == 0)
		r = index_freeze(ck->vol->index, NULL, NULL);
	return r == 1 ? index_commit(ck->vol->index) : r;
}

/* 0: there is a sound index now. */
static int index_make(struct check *ck, enum check_code code)
{
	struct check_problem p = { .code = code };
	struct check dry = *ck;
	struct check_options opt = *ck->opt;
	struct check_rebuilt counts;
	int r;

	opt.repair = false;
	dry.opt = &opt;
	ck->progress = (struct check_progress){ .pass = "rebuild" };
	r = check_rebuild(&dry, &counts);
	p.found = counts.files;
	p.expected = counts.chunks;
	if (r == 0)
		r = check_found(ck, &p);
	if (r != 1)
		return r ? r : -EUCLEAN;
	if (!ck->opt->repair)
		return -EUCLEAN; /* there is no more to be seen */
	ck->res->changed = true;
	return check_rebuild(ck, &counts);
}

static void forget(struct check *ck)
{
	free(ck->inodes.items);
	free(ck->extents.items);
	free(ck->segments.items);
	free(ck->todos.items);
	free(ck->models.items);
	ck->inodes = ck->extents = ck->segments = ck->todos = ck->models = (struct check_array){ 0 };
	pool_destroy(ck->vol->pool);
	if (ck->vol->models)
		models_destroy(ck->vol);
	segments_close(ck->vol->segments);
	index_close(ck->vol->index);
	ck->vol->pool = NULL;
	ck->vol->segments = NULL;
	ck->vol->index = NULL;
}

static int index_use(struct check *ck)
{
	int r = index_open(ck->vol->dirfd, ck->vol->path, false, true, &ck->vol->index);

	if (r == 0 && ck->opt->repair) {
		ck->progress = (struct check_progress){ .pass = "copy" };
		r = check_index_copy(ck);
		if (r == 0)
			r = index_open(ck->vol->dirfd, ck->vol->path, false, false, &ck->vol->index);
	}
	if (r == 0)
		r = passes_run(ck);
	if (r == 0 && !ck->empty && ck->opt->repair)
		r = commit(ck);
	forget(ck);
	return r;
}

static int run(struct check *ck)
{
	int r = index_check(ck->vol->dirfd);

	if (ck->opt->rebuild || r == -ENOENT || r == -EUCLEAN) {
		r = index_make(ck, r == 0 || r == -ENOENT ? CHECK_NO_INDEX : CHECK_INDEX_DAMAGED);
		return r == 0 ? index_use(ck) : r;
	}
	if (r == 0)
		r = index_use(ck);
	if (r == 0 && ck->empty) {
		ck->empty = false;
		r = index_make(ck, CHECK_NO_INDEX);
		if (r == 0)
			r = index_use(ck);
	}
	return r;
}

/* Copies of models are appended by an open volume. */
static int models_mend_all(const char *path, struct check_result *res, struct volume_error *err)
{
	struct volume_options opt;
	struct volume *vol;
	int r, last;

	volume_options_init(&opt);
	opt.offline = true;
	opt.role = "fsck.firn";
	r = volume_open(path, &opt, &vol, err);
	if (r)
		return r;
	r = models_mend(vol, NULL);
	last = volume_close(vol);
	res->changed = true;
	return r < 0 ? r : last;
}

int check_store(const char *path, const struct check_options *opt, struct check_result *out, struct volume_error *err)
{
	struct check ck = { .opt = opt, .res = out, .aside = -1, .records = -1 };
	struct volume_options vo;
	int r, last;

	*out = (struct check_result){ 0 };
	volume_options_init(&vo);
	vo.readonly = !opt->repair;
	vo.salvage = true;
	vo.role = "fsck.firn";
	r = volume_lock(path, &vo, &ck.vol, err);
	if (r)
		return r;
	r = run(&ck);
	if (r == -EUCLEAN && out->problems > 0)
		r = 0; /* nothing behind a lost index can be looked at */
	if (r == -EPROTONOSUPPORT)
		volume_fail_format(err, &ck.vol->super);
	last = check_aside_close(&ck);
	(void)volume_close(ck.vol);
	if (r == 0)
		r = last;
	if (r == 0 && ck.mend_models)
		r = models_mend_all(path, out, err);
	return r;
}
