/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzz target: one record of the index, of any table. Input: table, length of the key, key, value. Whatever takes values apart by itself gets it; then it
 * stands among the records of a small store, in which everything is looked up, walked and read. It is put by the index, below whatever that adds to values.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/chunk.h"
#include "fs/extent/extent_map.h"
#include "fs/extent/models.h"
#include "fs/extent/models_set.h"
#include "fs/names/dirent.h"
#include "fs/names/tier.h"
#include "fs/names/xattr.h"
#include "fs/store/volume_open.h"
#include "tests/crash/tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/small_store.h"

#define MEMBER_AT 24u      /* of a value: where another extent's may begin */
#define REOPEN_EVERY 2000u /* what was put and taken back stays in memory until then */

static char scratch[300], store[320];
static struct volume *vol;
static unsigned runs;

static void clean_up(void)
{
	(void)volume_close(vol);
	small_store_remove(scratch);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (small_store_scratch(scratch, sizeof scratch))
		exit(1);
	snprintf(store, sizeof store, "%s/store", scratch);
	if (small_store_make(store, 8) || small_store_open(store, false, &vol))
		exit(1);
	return atexit(clean_up);
}

static void extent_again(const struct extent *e)
{
	struct extent_disk disk, disk_again;
	struct extent again;
	size_t n = extent_encode(&disk, e);

	if (e->plain > CHUNK_SIZE_MAX || extent_decode(e->id, &disk, n, &again) || extent_encode(&disk_again, &again) != n ||
	    memcmp(&disk, &disk_again, n))
		abort();
}

/* What is taken as sound comes out the same after being stored again. */
static void decode(const struct index_record *rec, const uint8_t *value)
{
	struct inode_disk inode_disk;
	struct inode_attr attr, attr_again;
	struct extent e, member;
	struct dirent_slot slot;
	struct model_info info;
	struct model_disk model_disk;
	struct tier_policy policy;
	char name[NAME_LEN_MAX + 1], text[TIER_TEXT_MAX];

	if (inode_decode(value, rec->len, &attr) == 0 &&
	    (inode_decode(&inode_disk, inode_encode(&inode_disk, &attr), &attr_again) || attr_again.size != attr.size ||
	     attr_again.mode != attr.mode || attr_again.blocks != attr.blocks))
		abort();
	if (extent_decode(7, value, rec->len, &e) == 0)
		extent_again(&e);
	if (rec->len > MEMBER_AT && extent_decode(7, value + MEMBER_AT, rec->len - MEMBER_AT, &member) == 0)
		(void)extent_resolve(&e, &member);
	if (dirent_decode(value, rec->len, &slot, name) == 0 && strlen(name) > NAME_LEN_MAX)
		abort();
	(void)models_info(rec, &info, &model_disk);
	if (tier_parse((const char *)value, rec->len, &policy) == 0) {
		tier_format(&policy, text);
		if (tier_parse(text, strlen(text), &policy))
			abort();
	}
}

/* The key's number is looked up in all tables. */
static void look_up(const struct index_record *rec)
{
	uint64_t number = rec->key_len >= 8 ? be64_get(rec->key) : 1, id;
	struct index_op op;
	struct extent e;
	struct super sb;
	bool readonly;
	uint32_t no;

	index_begin(vol->index, &op);
	(void)super_load(&op, &sb, &readonly);
	(void)extent_get(&op, number, &e);
	(void)chunk_lookup(&op, number, rec->key_len >= 12 ? be32_get(rec->key + 8) : 0, &id);
	(void)chunk_next(&op, number, 0, &no);
	(void)chunk_next_hole(&op, number, 0, 100, &no);
	index_end(&op);
}

static void use(void)
{
	static struct tree tree;
	struct model_info *list;
	struct codec_model *model;
	struct tier_map map;
	size_t n;

	(void)tree_read(vol, true, &tree);
	if (models_list(vol, &list, &n) == 0) {
		for (size_t i = 0; i < n; i++)
			if (models_get(vol, list[i].number, &model) == 0)
				codec_model_put(model);
		free(list);
	}
	(void)tier_map_make(vol, &map);
	tier_map_free(&map);
}

/* Puts it, or what was there before. */
static void put(const struct index_record *rec, enum table table, int len)
{
	struct index_op op;

	index_begin(vol->index, &op);
	if (len < 0)
		(void)index_del(&op, table, rec->key, rec->key_len);
	else if (index_put(&op, table, rec->key, rec->key_len, rec->value, (size_t)len))
		abort();
	index_end(&op);
}

static void in_store(const struct index_record *rec, enum table table)
{
	struct index_record before = *rec;
	struct index_op op;
	int len;

	index_begin(vol->index, &op);
	len = index_get(&op, table, rec->key, rec->key_len, before.value, sizeof before.value);
	index_end(&op);
	put(rec, table, (int)rec->len);
	look_up(rec);
	use();
	put(&before, table, len);
	if (++runs % REOPEN_EVERY == 0 && (volume_close(vol) || small_store_open(store, false, &vol)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct index_record rec;
	uint8_t *value;

	if (size < 3)
		return 0;
	rec.key_len = 1 + data[1];
	if (rec.key_len > size - 2 || size - 2 - rec.key_len > INDEX_VALUE_MAX)
		return 0;
	rec.len = size - 2 - rec.key_len;
	memcpy(rec.key, data + 2, rec.key_len);
	memcpy(rec.value, data + 2 + rec.key_len, rec.len);
	value = malloc(rec.len ? rec.len : 1); /* of exactly this size, for the sanitizer */
	if (!value)
		abort();
	memcpy(value, rec.value, rec.len);
	decode(&rec, value);
	free(value);
	in_store(&rec, (enum table)(data[0] % TABLE_COUNT));
	return 0;
}
