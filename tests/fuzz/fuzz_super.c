/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: the superblock's record, as it is and with its checksum made right. What is taken as sound survives being stored and read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "index/super.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/small_store.h"

#define PENDING_MAX (16u << 20)

static struct index *ix;
static char scratch[300];

static void clean_up(void)
{
	index_close(ix);
	small_store_remove(scratch);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int dirfd;

	(void)argc;
	(void)argv;
	if (small_store_scratch(scratch, sizeof scratch))
		exit(1);
	dirfd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || index_open(dirfd, scratch, true, false, &ix))
		exit(1);
	close(dirfd);
	return atexit(clean_up);
}

static bool same(const struct super *a, const struct super *b)
{
	return a->version == b->version && a->chunk_size == b->chunk_size && a->segment_size == b->segment_size && a->compat == b->compat &&
	       a->ro_compat == b->ro_compat && a->incompat == b->incompat && a->created == b->created && a->hash_seed == b->hash_seed &&
	       memcmp(a->uuid, b->uuid, sizeof a->uuid) == 0 && strcmp(a->label, b->label) == 0;
}

static void load(const uint8_t *value, size_t len)
{
	struct super sb, again;
	struct index_op op;
	bool readonly;

	index_begin(ix, &op);
	if (index_put(&op, TABLE_META, "super", 5, value, len) == 0 && super_load(&op, &sb, &readonly) == 0) {
		if (sb.chunk_size < CHUNK_SIZE_MIN || sb.chunk_size > CHUNK_SIZE_MAX || sb.label[LABEL_MAX] || super_store(&op, &sb) ||
		    super_load(&op, &again, &readonly) || !same(&sb, &again))
			abort();
	}
	index_end(&op);
}

/* What was put stays in memory, values that were replaced among it, until a commit. */
static void pending_drop(void)
{
	if (index_pending_bytes(ix) > PENDING_MAX && (index_freeze(ix, NULL, NULL) != 1 || index_commit(ix)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct super_disk disk;

	if (size > INDEX_VALUE_MAX)
		return 0;
	pending_drop();
	load(data, size);
	if (size < sizeof disk)
		return 0;
	memcpy(&disk, data, sizeof disk);
	memcpy(disk.magic, SUPER_MAGIC, sizeof disk.magic);
	disk.checksum = le64_put(XXH3_64bits(&disk, offsetof(struct super_disk, checksum)));
	load((const uint8_t *)&disk, sizeof disk);
	return 0;
}
