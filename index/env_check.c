/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold of index.mdb before LMDB may map it: its two meta pages, and the trees of the one that
 * counts. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/env.h"
#include "index/env_disk.h"

/* Up to this size the leaves are read too: some 10 ms. Above it, opening must not cost the more the larger
 * the store is. */
#define LEAVES_MAX (32u << 20)

static int read_meta(int fd, uint64_t offset, struct env_meta_disk *m)
{
	ssize_t n = pread(fd, m, sizeof *m, (off_t) offset);

	if (n < 0)
		return -errno;
	return n == (ssize_t) sizeof *m ? 0 : -EUCLEAN;
}

static bool meta_sane(const struct env_meta_disk *m, uint64_t number)
{
	uint32_t page_size = m->free.pad;

	return m->magic == ENV_MAGIC && m->version == ENV_VERSION && m->page.number == number &&
	       m->page.flags == PAGE_META && page_size >= 512 && page_size <= 32768 &&
	       (page_size & (page_size - 1)) == 0 && m->last_page >= 1 &&
	       m->last_page < m->map_size / page_size && m->map_size <= (uint64_t) INT64_MAX &&
	       m->main.flags == 0;
}

static int check_file(int fd, bool whole, uint64_t *damaged)
{
	struct env_meta_disk m[2];
	const struct env_meta_disk *newest;
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
	rc = read_meta(fd, m[0].free.pad, &m[1]);
	if (rc)
		return rc;
	if (!meta_sane(&m[1], 1) || m[1].free.pad != m[0].free.pad)
		return -EUCLEAN;
	newest = m[1].txnid > m[0].txnid ? &m[1] : &m[0];
	return env_walk(fd, newest, (uint64_t) st.st_size / newest->free.pad, whole || st.st_size <= LEAVES_MAX,
			damaged);
}

int env_check(int dirfd, bool whole, uint64_t *damaged)
{
	int fd, rc;

	*damaged = 0;
	fd = openat(dirfd, ENV_FILE, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	rc = check_file(fd, whole, damaged);
	close(fd);
	return rc;
}
