/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of index.mdb before LMDB may map it. A file of LMDB 0.9 starts with two meta pages; the one with the higher transaction
 * number counts. A wrong magic, page size or root, or a file shorter than its last page, would end in a crash later.
 */
#include "index/env.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_MAGIC 0xBEEFC0DEu
#define META_VERSION 1u
#define PAGE_META 0x08u
#define NO_PAGE UINT64_MAX
#define DEPTH_MAX 32 /* CURSOR_STACK of LMDB */

/* In the byte order of the machine, as LMDB writes them; 64-bit LMDB only. */
struct db_disk {
	uint32_t pad; /* of the free list: the page size */
	uint16_t flags;
	uint16_t depth;
	uint64_t branch_pages, leaf_pages, overflow_pages;
	uint64_t entries;
	uint64_t root;
};

struct meta_disk {
	uint64_t pgno;
	uint16_t page_pad;
	uint16_t page_flags;
	uint32_t bounds;
	uint32_t magic;
	uint32_t version;
	uint64_t address;
	uint64_t map_size;
	struct db_disk dbs[2];
	uint64_t last_page;
	uint64_t txnid;
};
static_assert(sizeof(struct meta_disk) == 152, "a meta page of LMDB");
static_assert(sizeof(void *) == 8, "index.mdb has the layout of 64-bit LMDB");

static int read_meta(int fd, uint64_t offset, struct meta_disk *m)
{
	ssize_t n = pread(fd, m, sizeof *m, (off_t) offset);

	if (n < 0)
		return -errno;
	return n == (ssize_t) sizeof *m ? 0 : -EUCLEAN;
}

static bool root_sane(const struct db_disk *db, uint64_t last_page)
{
	if (db->root == NO_PAGE)
		return db->depth == 0;
	return db->root > 1 && db->root <= last_page && db->depth > 0 && db->depth <= DEPTH_MAX;
}

static bool meta_sane(const struct meta_disk *m, uint64_t pgno)
{
	uint32_t page_size = m->dbs[0].pad;

	return m->magic == META_MAGIC && m->version == META_VERSION && m->pgno == pgno &&
	       (m->page_flags & PAGE_META) && page_size >= 512 && page_size <= 65536 &&
	       (page_size & (page_size - 1)) == 0 && m->last_page < UINT64_MAX / page_size - 1 &&
	       root_sane(&m->dbs[0], m->last_page) && root_sane(&m->dbs[1], m->last_page);
}

static int check_file(int fd)
{
	struct meta_disk m[2];
	const struct meta_disk *newest;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EUCLEAN;
	rc = read_meta(fd, 0, &m[0]);
	if (rc)
		return rc;
	if (!meta_sane(&m[0], 0))
		return -EUCLEAN;
	rc = read_meta(fd, m[0].dbs[0].pad, &m[1]);
	if (rc)
		return rc;
	if (!meta_sane(&m[1], 1) || m[1].dbs[0].pad != m[0].dbs[0].pad)
		return -EUCLEAN;
	newest = m[1].txnid > m[0].txnid ? &m[1] : &m[0];
	if ((uint64_t) st.st_size < (newest->last_page + 1) * newest->dbs[0].pad)
		return -EUCLEAN;
	return 0;
}

int env_check(int dirfd)
{
	int fd, rc;

	fd = openat(dirfd, ENV_FILE, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	rc = check_file(fd);
	close(fd);
	return rc;
}
