/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaying a log: names and files, durable and pending. */
#include "tests/crash/replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "tests/crash/replay_file.h"

#define NAMES 1024

const char *const replay_names[REPLAY_VARIANTS] = {
	"keep", "drop", "data", "names", "subset", "torn", "last", "but-one", "garbage",
};

struct name {
	char name[LOG_NAME];
	int file; /* -1: a directory */
};

struct names {
	struct name list[NAMES];
	size_t n;
};

struct replay {
	uint8_t *log;
	size_t n, cap, point;
	const struct log_entry **entries;
	struct replay_file *files;
	size_t n_files;
	struct names durable, chosen;
	const struct log_entry **pending; /* changes of names since their directory was synced */
	size_t n_pending;
	const struct log_entry *through; /* a LOG_DSYNC that has just been made: it may be torn now, not later */
};

uint64_t replay_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static int log_read(struct replay *rp, int fd)
{
	struct stat st;
	size_t at = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	rp->log = malloc((size_t)st.st_size + 1);
	if (!rp->log)
		return -ENOMEM;
	while (at < (size_t)st.st_size) {
		ssize_t n = pread(fd, rp->log + at, (size_t)st.st_size - at, (off_t)at);

		if (n <= 0)
			return -EIO;
		at += (size_t)n;
	}
	return 0;
}

/* Entries are moved so that each is aligned: struct log_entry is copied out of the log with its bytes behind it. */
static int entries_split(struct replay *rp, size_t len)
{
	size_t at = 0;

	while (at < len) {
		struct log_entry head, *e;

		if (len - at < sizeof head)
			return -EIO;
		memcpy(&head, rp->log + at, sizeof head);
		if (head.bytes > len - at - sizeof head)
			return -EIO;
		if (head.type == LOG_UNKNOWN) {
			fprintf(stderr, "not replayable: a change of %s by an unexpected call\n", head.name);
			return -ENOTSUP;
		}
		if (rp->n == rp->cap) {
			rp->cap = rp->cap ? 2 * rp->cap : 256;
			rp->entries = realloc(rp->entries, rp->cap * sizeof *rp->entries);
		}
		e = malloc(sizeof head + head.bytes);
		if (!rp->entries || !e)
			abort();
		memcpy(e, rp->log + at, sizeof head + head.bytes);
		rp->entries[rp->n++] = e;
		if (head.file >= 0 && (size_t)head.file >= rp->n_files)
			rp->n_files = (size_t)head.file + 1;
		at += sizeof head + head.bytes;
	}
	return 0;
}

int replay_open(int log_fd, struct replay **out)
{
	struct replay *rp = calloc(1, sizeof *rp);
	struct stat st;
	int r;

	*out = NULL;
	if (!rp)
		return -ENOMEM;
	r = log_read(rp, log_fd);
	if (r == 0 && rp->log)
		r = fstat(log_fd, &st) < 0 ? -errno : entries_split(rp, (size_t)st.st_size);
	free(rp->log);
	rp->files = calloc(rp->n_files + 1, sizeof *rp->files);
	rp->pending = calloc(rp->n + 1, sizeof *rp->pending);
	if (r == 0 && (!rp->files || !rp->pending))
		r = -ENOMEM;
	if (r) {
		replay_close(rp);
		return r;
	}
	*out = rp;
	return 0;
}

static void files_forget(struct replay *rp)
{
	for (size_t i = 0; i < rp->n_files; i++)
		replay_file_fini(&rp->files[i]);
	rp->durable.n = rp->n_pending = rp->point = 0;
	rp->through = NULL;
}

void replay_close(struct replay *rp)
{
	if (!rp)
		return;
	if (rp->files)
		files_forget(rp);
	for (size_t i = 0; i < rp->n; i++)
		free((void *)rp->entries[i]);
	free(rp->entries);
	free(rp->files);
	free(rp->pending);
	free(rp);
}

size_t replay_points(const struct replay *rp)
{
	return rp->n;
}

const struct log_entry *replay_entry(const struct replay *rp, size_t i)
{
	return rp->entries[i];
}

static size_t name_find(const struct names *set, const char *name)
{
	size_t i = 0;

	while (i < set->n && strcmp(set->list[i].name, name) != 0)
		i++;
	return i;
}

static void name_put(struct names *set, const char *name, int file)
{
	size_t i = name_find(set, name);

	if (i == set->n && set->n++ == NAMES)
		abort();
	memcpy(set->list[i].name, name, LOG_NAME);
	set->list[i].file = file;
}

static void name_drop(struct names *set, const char *name)
{
	size_t i = name_find(set, name);

	if (i < set->n)
		set->list[i] = set->list[--set->n];
}

static void names_apply(struct names *set, const struct log_entry *e)
{
	switch (e->type) {
	case LOG_UNLINK:
	case LOG_RMDIR:
		name_drop(set, e->name);
		break;
	case LOG_RENAME:
		name_drop(set, e->name);
		name_put(set, (const char *)(e + 1), e->file);
		break;
	case LOG_MKDIR:
	case LOG_DIR:
		name_put(set, e->name, -1);
		break;
	default:
		name_put(set, e->name, e->file);
	}
}

static bool is_in(const char *name, const char *dir)
{
	const char *slash = strrchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;

	return strlen(dir) == len && memcmp(name, dir, len) == 0;
}

/* A rename from another directory is in both, whole, once either is synced: file systems with a journal, or without one but in order, do so. */
static void dir_sync(struct replay *rp, const char *dir)
{
	size_t left = 0;

	for (size_t i = 0; i < rp->n_pending; i++) {
		const struct log_entry *e = rp->pending[i];
		char from[LOG_NAME];

		if (e->type != LOG_RENAME || is_in(e->name, dir) || !is_in((const char *)(e + 1), dir))
			continue;
		snprintf(from, sizeof from, "%s", e->name);
		*(strchr(from, '/') ? strrchr(from, '/') : from) = '\0';
		dir_sync(rp, from);
		i = (size_t)-1; /* the list is another one */
	}
	for (size_t i = 0; i < rp->n_pending; i++) {
		if (is_in(rp->pending[i]->name, dir))
			names_apply(&rp->durable, rp->pending[i]);
		else
			rp->pending[left++] = rp->pending[i];
	}
	rp->n_pending = left;
}

static void step(struct replay *rp, const struct log_entry *e)
{
	struct replay_file *f = e->file >= 0 ? &rp->files[e->file] : NULL;

	if (rp->through)
		replay_file_write_through(&rp->files[rp->through->file], rp->through);
	rp->through = NULL;
	switch (e->type) {
	case LOG_FILE:
		replay_file_load(f, e);
		names_apply(&rp->durable, e);
		break;
	case LOG_DIR:
		names_apply(&rp->durable, e);
		break;
	case LOG_MKDIR:
	case LOG_RMDIR:
	case LOG_CREATE:
	case LOG_UNLINK:
	case LOG_RENAME:
		rp->pending[rp->n_pending++] = e;
		break;
	case LOG_DSYNC:
		rp->through = e;
		replay_file_change(f, e);
		break;
	case LOG_WRITE:
	case LOG_TRUNCATE:
	case LOG_PUNCH:
		replay_file_change(f, e);
		break;
	case LOG_SYNC:
		replay_file_sync(f);
		break;
	case LOG_SYNCDIR:
		dir_sync(rp, e->name);
		break;
	default:
		break;
	}
}

void replay_go(struct replay *rp, size_t point)
{
	if (point < rp->point)
		files_forget(rp);
	while (rp->point < point && rp->point < rp->n)
		step(rp, rp->entries[rp->point++]);
}

bool replay_pending(const struct replay *rp)
{
	bool any = rp->n_pending > 0;

	for (size_t i = 0; i < rp->n_files; i++)
		any = any || rp->files[i].n > 0;
	return any;
}

static void names_choose(struct replay *rp, enum replay_variant variant, uint64_t *random)
{
	size_t n = rp->n_pending, stop = replay_random(random) % (n + 1), spared = replay_random(random) % (n + 1);

	rp->chosen = rp->durable;
	for (size_t i = 0; i < n; i++) {
		bool keep;

		switch (variant) {
		case REPLAY_DROP:
		case REPLAY_DATA:
			keep = false;
			break;
		case REPLAY_SUBSET:
			keep = replay_random(random) % 2;
			break;
		case REPLAY_TORN:
		case REPLAY_GARBAGE:
			keep = i < stop;
			break;
		case REPLAY_BUT_ONE:
			keep = i != spared;
			break;
		default:
			keep = true;
		}
		if (keep)
			names_apply(&rp->chosen, rp->pending[i]);
	}
}

static bool has_parent(const struct names *set, const char *name)
{
	const char *slash = strrchr(name, '/');

	if (!slash)
		return true;
	for (size_t i = 0; i < set->n; i++)
		if (set->list[i].file < 0 && strlen(set->list[i].name) == (size_t)(slash - name) &&
		    memcmp(set->list[i].name, name, (size_t)(slash - name)) == 0)
			return true;
	return false;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

uint64_t replay_choose(struct replay *rp, enum replay_variant variant, uint64_t seed)
{
	struct names *set = &rp->chosen;
	uint64_t hash = 0;
	size_t left = 0;

	for (size_t i = 0; i < rp->n_files; i++)
		replay_file_choose(&rp->files[i], variant, &seed);
	names_choose(rp, variant, &seed);
	for (size_t i = 0; i < set->n; i++) /* a name whose directory is not there is not there either */
		if (has_parent(set, set->list[i].name))
			set->list[left++] = set->list[i];
	set->n = left;
	qsort(set->list, set->n, sizeof set->list[0], name_compare);
	for (size_t i = 0; i < set->n; i++) {
		const struct name *name = &set->list[i];
		const struct bytes *image = name->file < 0 ? NULL : &rp->files[name->file].image;

		hash = XXH3_64bits_withSeed(name->name, strlen(name->name), hash);
		if (image)
			hash = XXH3_64bits_withSeed(image->at, image->len, hash);
	}
	return hash;
}

static int remove_below(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *de;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((de = readdir(dir))) {
		char sub[1024];

		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof sub, "%s/%s", path, de->d_name);
		if (de->d_type == DT_DIR && remove_below(sub) == 0)
			rmdir(sub);
		else if (de->d_type != DT_DIR)
			unlink(sub);
	}
	closedir(dir);
	return 0;
}

static int file_write(const char *path, const struct bytes *image)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, image->at, image->len) != (ssize_t)image->len)
		r = -EIO;
	close(fd);
	return r;
}

int replay_write(const struct replay *rp, const char *dir)
{
	int r = remove_below(dir);

	if (r == 0 && mkdir(dir, 0700) < 0 && errno != EEXIST)
		r = -errno;
	for (size_t i = 0; r == 0 && i < rp->chosen.n; i++) {
		const struct name *name = &rp->chosen.list[i];
		char path[1024];

		snprintf(path, sizeof path, "%s/%s", dir, name->name);
		if (name->file >= 0)
			r = file_write(path, &rp->files[name->file].image);
		else if (*name->name && mkdir(path, 0700) < 0)
			r = -errno;
	}
	return r;
}
