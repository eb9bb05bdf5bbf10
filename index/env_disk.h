/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of LMDB 0.9 as bytes, in the byte order of the machine, as far as it must be checked before LMDB
 * may trust it.
 *
 * Pages of one size: two meta pages, of which the one with the higher transaction number counts, then branch,
 * leaf and overflow pages in any order. A meta page is the root of two trees: the free list, and the main
 * tree whose values are the roots of the named tables.
 */
#ifndef FIRN_INDEX_ENV_DISK_H
#define FIRN_INDEX_ENV_DISK_H

#include <assert.h>
#include <stdint.h>

#define ENV_MAGIC 0xBEEFC0DEu
#define ENV_VERSION 1u
#define ENV_NO_PAGE UINT64_MAX
#define ENV_DEPTH_MAX 32 /* of a tree: CURSOR_STACK of LMDB */
#define ENV_FIRST_PAGE 2u

/* Flags of a page as written: exactly one of these. In memory LMDB has more, which it would believe if it
 * read them. */
enum {
	PAGE_BRANCH = 0x01,
	PAGE_LEAF = 0x02,
	PAGE_OVERFLOW = 0x04,
	PAGE_META = 0x08,
};

enum {
	NODE_BIG = 0x01, /* the data is the number of an overflow page */
	NODE_TREE = 0x02 /* the data is a struct env_tree_disk         */
};

struct env_page_disk {
	uint64_t number;
	uint16_t pad;
	uint16_t flags;
	union {
		struct {
			uint16_t lower, upper; /* free space between pointers and nodes */
		};
		uint32_t pages; /* of an overflow run */
	};
	/* a branch or leaf goes on with uint16_t offsets of its nodes from the start of the page */
};
static_assert(sizeof(struct env_page_disk) == 16, "env_page_disk");

struct env_node_disk {
	uint16_t low, high; /* leaf: length of the data; branch: page number, with flags its bits 32..47 */
	uint16_t flags;
	uint16_t key_len;
	uint8_t key[]; /* then the data of a leaf */
};
static_assert(sizeof(struct env_node_disk) == 8, "env_node_disk");

struct env_tree_disk {
	uint32_t pad; /* of the free list: the page size */
	uint16_t flags;
	uint16_t depth;
	uint64_t branch_pages, leaf_pages, overflow_pages;
	uint64_t entries;
	uint64_t root;
};
static_assert(sizeof(struct env_tree_disk) == 48, "env_tree_disk");

struct env_meta_disk {
	struct env_page_disk page;
	uint32_t magic;
	uint32_t version;
	uint64_t address;
	uint64_t map_size;
	struct env_tree_disk free, main;
	uint64_t last_page;
	uint64_t txnid;
};
static_assert(sizeof(struct env_meta_disk) == 152, "env_meta_disk");
static_assert(sizeof(void *) == 8, "this is the layout of 64-bit LMDB");

/*
 * Follows the trees of a sane meta page of a file of `pages` pages: 0, -EUCLEAN, -ENOMEM, I/O errors. leaves:
 * reads the leaves of tables too, and counts in *damaged the records whose seal does not match; else only what leads to
 * them, and whether they lie in the file.
 */
int env_walk(int fd, const struct env_meta_disk *meta, uint64_t pages, int leaves, uint64_t *damaged);

#endif
