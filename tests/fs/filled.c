/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in a temporary directory, open as a tool has it, with files of known bytes in its root.
 */
#include "tests/fs/filled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/codec.h"
#include "fs/data/file.h"
#include "fs/names/dir.h"
#include "fs/store/volume_open.h"
#include "tests/codec/bytes.h"

void filled_open(struct filled *f)
{
	struct volume_error err = {""};
	struct volume_options opt;

	volume_options_init(&opt);
	opt.offline = true;
	opt.role = "test";
	if (volume_open(f->path, &opt, &f->vol, &err) < 0)
		fail_msg("volume_open: %s", err.text);
}

int filled_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct filled *f = calloc(1, sizeof *f);
	struct volume_error err = {""};

	assert_non_null(f);
	snprintf(f->dir, sizeof f->dir, "%s/firn-test.XXXXXX", tmp && *tmp && strlen(tmp) < 200 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/store", f->dir);
	if (volume_create(f->path, 16384, "test", getuid(), getgid(), &err) < 0)
		fail_msg("volume_create: %s", err.text);
	filled_open(f);
	*state = f;
	return 0;
}

static int filled_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int filled_teardown(void **state)
{
	struct filled *f = *state;
	int rc = volume_close(f->vol);

	nftw(f->dir, filled_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return rc;
}

void filled_reopen(struct filled *f)
{
	assert_int_equal(volume_close(f->vol), 0);
	filled_open(f);
}

static struct inode *filled_root(struct filled *f)
{
	struct inode *root;

	assert_int_equal(inode_get(f->vol, INO_ROOT, &root), 0);
	return root;
}

void filled_put(struct filled *f, const char *name, const void *bytes, size_t n)
{
	const struct dir_new what = {.mode = S_IFREG | 0644, .uid = getuid(), .gid = getgid()};
	struct inode *root = filled_root(f), *file;

	assert_int_equal(dir_make(root, name, &what, &file), 0);
	if (n > 0)
		assert_int_equal(file_write(file, bytes, n, 0, false), (ssize_t)n);
	inode_put(file, 1);
	inode_put(root, 1);
}

int filled_check(struct filled *f, const char *name, const void *bytes, size_t n)
{
	struct inode *root = filled_root(f), *file;
	uint8_t *back = malloc(n + 1);
	size_t at = 0;
	ssize_t got;

	assert_non_null(back);
	assert_int_equal(dir_lookup(root, name, &file), 0);
	while ((got = file_read(file, back + at, n + 1 - at, at)) > 0)
		at += (size_t)got;
	inode_put(file, 1);
	inode_put(root, 1);
	assert_true(got < 0 || at == n);
	assert_memory_equal(back, bytes, at); /* what comes before an error is right, too */
	free(back);
	return (int)got;
}

void filled_remove(struct filled *f, const char *name)
{
	struct inode *root = filled_root(f);

	assert_int_equal(dir_unlink(root, name), 0);
	inode_put(root, 1);
}

void filled_damage(struct filled *f, uint32_t segment, uint64_t offset)
{
	char path[400];
	uint8_t byte;
	int fd;

	snprintf(path, sizeof path, "%s/seg/%08x.seg", f->path, segment);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

size_t filled_train_zdict(uint8_t *dict, size_t cap, uint64_t seed)
{
	enum { N = 100, LEN = 2000 };
	uint8_t *samples = malloc(N * LEN);
	size_t sizes[N], len;

	assert_non_null(samples);
	for (size_t i = 0; i < N; i++) {
		bytes_text(samples + i * LEN, LEN, seed + i);
		sizes[i] = LEN;
	}
	assert_int_equal(codec_train_zdict(samples, sizes, N, dict, cap, &len), 0);
	free(samples);
	return len;
}
