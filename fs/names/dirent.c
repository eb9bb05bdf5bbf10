/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directory entries in the index: keyed by directory and cookie, the cookie made from the name's hash and a
 * slot among equal hashes.
 */
#include "fs/names/dirent.h"

#include <errno.h>
#include <xxhash.h>

#define SLOT_MAX 255u
#define HASH_PREFIX 15u /* of the key: all but the slot byte */
#define VALUE_MAX sizeof(struct dirent_disk)

static uint64_t hash_xxh3(uint64_t seed, const char *name, size_t len)
{
	return XXH3_64bits_withSeed(name, len, seed);
}

uint64_t (*dirent_hash)(uint64_t seed, const char *name, size_t len) = hash_xxh3;

int dirent_check(const char *name)
{
	size_t len = strnlen(name, NAME_LEN_MAX + 1);

	if (len > NAME_LEN_MAX)
		return -ENAMETOOLONG;
	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || memchr(name, '/', len))
		return -EINVAL;
	return 0;
}

void dirent_key(uint8_t key[DIRENT_KEY], uint64_t dir, uint64_t cookie)
{
	be64_put(be64_put(key, dir), cookie);
}

/* The name in a value, what is before it in *slot; NULL: there is none. */
static const uint8_t *value_parse(const void *value, size_t len, struct dirent_slot *slot, size_t *name_len)
{
	const uint8_t *bytes = value;
	struct number_reader r = { bytes + 1, bytes + len };

	if (len < 1 || len > VALUE_MAX || !number_get(&r, UINT64_MAX, &slot->ino))
		return NULL;
	slot->type = bytes[0];
	*name_len = (size_t)(r.end - r.p);
	return *name_len > 0 && *name_len <= NAME_LEN_MAX ? r.p : NULL;
}

int dirent_decode(const void *value, size_t len, struct dirent_slot *slot, char *name)
{
	size_t name_len;
	const uint8_t *p = value_parse(value, len, slot, &name_len);

	if (!p || slot->ino == 0 || memchr(p, '\0', name_len))
		return -EUCLEAN;
	if (name) {
		memcpy(name, p, name_len);
		name[name_len] = '\0';
	}
	return 0;
}

static bool name_equal(const void *value, size_t len, const char *name, size_t name_len)
{
	struct dirent_slot slot;
	size_t n;
	const uint8_t *p = value_parse(value, len, &slot, &n);

	return p && n == name_len && memcmp(p, name, n) == 0;
}

/* Looks through all slots of a hash: 0 found, -ENOENT and the first free one, -ENOSPC. */
static int slots_scan(struct index_op *op, uint64_t dir, const char *name, struct dirent_slot *slot)
{
	size_t name_len = strlen(name);
	uint8_t key[DIRENT_KEY];
	struct index_record rec;
	struct index_scan *scan;
	uint64_t free_cookie = slot->cookie;
	int r;

	dirent_key(key, dir, slot->cookie);
	r = index_scan_open(op, TABLE_DIRENT, key, HASH_PREFIX, NULL, 0, &scan);
	if (r)
		return r;
	while ((r = index_scan_next(scan, &rec)) == 1) {
		uint64_t cookie = rec.key_len == DIRENT_KEY ? be64_get(rec.key + 8) : 0;

		if (name_equal(rec.value, rec.len, name, name_len)) {
			slot->cookie = cookie;
			r = dirent_decode(rec.value, rec.len, slot, NULL);
			break;
		}
		if (cookie == free_cookie)
			free_cookie++;
	}
	if (r == 0 && slot->ino == 0) {
		slot->cookie = free_cookie;
		r = (free_cookie & SLOT_MAX) ? -ENOENT : -ENOSPC;
	}
	index_scan_close(scan);
	return r;
}

int dirent_find(struct index_op *op, struct volume *vol, uint64_t dir, const char *name,
		struct dirent_slot *slot)
{
	uint8_t key[DIRENT_KEY], value[VALUE_MAX];
	size_t name_len = strlen(name);
	uint64_t hash = dirent_hash(vol->super.hash_seed, name, name_len) >> 9;
	int n;

	*slot = (struct dirent_slot){ .cookie = (hash ? hash : 1) << 8 | 1 };
	dirent_key(key, dir, slot->cookie);
	n = index_get(op, TABLE_DIRENT, key, sizeof key, value, sizeof value);
	if (n >= 0 && name_equal(value, (size_t)n, name, name_len))
		return dirent_decode(value, (size_t)n, slot, NULL);
	if (n < 0 && n != -ENOENT)
		return n == -ERANGE ? -EUCLEAN : n;
	return slots_scan(op, dir, name, slot);
}

static size_t dirent_encode(struct dirent_disk *disk, const struct dirent_slot *slot, const char *name)
{
	struct number_writer w = { disk->rest, disk->rest + NUMBER_MAX_64, false };
	size_t len = strlen(name);

	disk->type = slot->type;
	number_put(&w, slot->ino);
	memcpy(w.p, name, len);
	return 1 + (size_t)(w.p - disk->rest) + len;
}

int dirent_put(struct index_op *op, uint64_t dir, const char *name, const struct dirent_slot *slot)
{
	struct dirent_disk disk;
	uint8_t key[DIRENT_KEY];

	dirent_key(key, dir, slot->cookie);
	return index_put(op, TABLE_DIRENT, key, sizeof key, &disk, dirent_encode(&disk, slot, name));
}

int dirent_del(struct index_op *op, uint64_t dir, uint64_t cookie)
{
	uint8_t key[DIRENT_KEY];

	dirent_key(key, dir, cookie);
	return index_del(op, TABLE_DIRENT, key, sizeof key);
}
