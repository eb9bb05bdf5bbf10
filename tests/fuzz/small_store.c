/* SPDX-License-Identifier: BSD-2-Clause */
/* A small store that has something of everything. */
#include "tests/fuzz/small_store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/codec.h"
#include "fs/data/commit.h"
#include "fs/data/file.h"
#include "fs/extent/models.h"
#include "fs/names/dir.h"
#include "fs/names/tier.h"
#include "fs/names/xattr.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "tests/codec/bytes.h"

#define SEGMENTS 16u
#define LEN_MAX 10000u

int small_store_open(const char *path, bool readonly, struct volume **out)
{
	struct volume_options opt;
	struct volume_error err;

	volume_options_init(&opt);
	opt.offline = true;
	opt.readonly = readonly;
	opt.workers = 1;
	opt.cache_bytes = 1 << 20;
	opt.role = "test";
	return volume_open(path, &opt, out, &err);
}

static int file_make(struct inode *dir, unsigned i)
{
	const struct dir_new what = { .mode = S_IFREG | 0644, .uid = 1, .gid = 2 };
	uint8_t bytes[LEN_MAX];
	size_t len = i * 701 % LEN_MAX;
	struct inode *inode;
	char name[16];
	int r;

	snprintf(name, sizeof name, "file%u", i);
	bytes_text(bytes, len, i);
	if (i % 4 == 1)
		bytes_random(bytes, len / 2, i);
	r = dir_make(dir, name, &what, &inode);
	if (r)
		return r;
	r = len == 0 || file_write(inode, bytes, len, i % 5 == 4 ? 20000 : 0, false) == (ssize_t)len ? 0 : -EIO;
	if (r == 0 && i % 6 == 2)
		r = xattr_set(inode, "user.test", bytes, len < 2500 ? len : 2500, 0);
	inode_put(inode, 1);
	return r;
}

static int model_make(struct volume *vol)
{
	enum { N = 40, LEN = 800 };
	static uint8_t samples[N * LEN], dict[1024];
	size_t sizes[N], len;
	uint16_t number;
	int r;

	for (size_t i = 0; i < N; i++)
		bytes_text(samples + i * LEN, sizes[i] = LEN, 500 + i);
	r = codec_train_zdict(samples, sizes, N, dict, sizeof dict, &len);
	return r ? r : models_add(vol, MODEL_ZDICT, 1, dict, len, &number);
}

static int extras_make(struct inode *root, struct inode *dir)
{
	struct inode *inode;
	int r = dir_symlink(root, "link", "dir/file1", 1, 2, &inode);

	if (r == 0)
		inode_put(inode, 1);
	if (r == 0)
		r = xattr_set(dir, TIER_XATTR, "warm after=3d", 13, 0);
	if (r == 0)
		r = dir_lookup(root, "file0", &inode);
	if (r)
		return r;
	r = dir_link(inode, dir, "hard");
	inode_put(inode, 1);
	return r;
}

static int fill(struct volume *vol, unsigned files)
{
	const struct dir_new what = { .mode = S_IFDIR | 0755, .uid = 1, .gid = 2 };
	struct compact_options opt;
	struct compact_result result;
	struct inode *root, *dir;
	int r = inode_get(vol, INO_ROOT, &root);

	if (r)
		return r;
	r = dir_make(root, "dir", &what, &dir);
	for (unsigned i = 0; r == 0 && i < files; i++)
		r = file_make(i % 2 ? dir : root, i);
	if (r == 0)
		r = extras_make(root, dir);
	inode_put(root, 1);
	if (r == 0)
		r = model_make(vol);
	if (r == 0)
		r = volume_commit(vol);
	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = true;
	opt.threads = 1;
	if (r == 0)
		r = compact_run(vol, &opt, &result);
	for (unsigned i = 0; r == 0 && i < 3; i++)
		r = file_make(dir, files + i);
	if (r == 0)
		inode_put(dir, 1);
	return r;
}

int small_store_make(const char *path, unsigned files)
{
	struct volume_error err;
	struct volume *vol;
	int r = volume_create(path, SMALL_STORE_CHUNK, "small", 0, 0, &err), last;

	if (r == 0)
		r = small_store_open(path, false, &vol);
	if (r)
		return r;
	r = fill(vol, files);
	last = volume_close(vol);
	return r ? r : last;
}

static void name_of(unsigned which, char name[24])
{
	snprintf(name, 24, which ? "seg/%08x.seg" : "index.mdb", which);
}

int small_store_pack(const char *path, uint8_t *buf, size_t cap, size_t *len)
{
	char name[24], file[700];

	*len = 0;
	for (unsigned i = 0; i <= SEGMENTS; i++) {
		struct stat st;
		le32_t n;
		int fd;

		name_of(i, name);
		snprintf(file, sizeof file, "%s/%s", path, name);
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		if (fstat(fd, &st) < 0 || (uint64_t)st.st_size + 5 > cap - *len ||
		    pread(fd, buf + *len + 5, (size_t)st.st_size, 0) != st.st_size) {
			close(fd);
			return -EIO;
		}
		close(fd);
		n = le32_put((uint32_t)st.st_size);
		buf[*len] = (uint8_t)i;
		memcpy(buf + *len + 1, &n, sizeof n);
		*len += 5 + (size_t)st.st_size;
	}
	return 0;
}

static int file_write_all(const char *path, const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, bytes, len) == (ssize_t)len;

	if (fd >= 0)
		close(fd);
	return good ? 0 : -EIO;
}

int small_store_unpack(const uint8_t *bytes, size_t len, const char *path)
{
	char name[24], file[700];
	int r = 0;

	snprintf(file, sizeof file, "%s/seg", path);
	if (mkdir(path, 0700) < 0 || mkdir(file, 0700) < 0)
		return -errno;
	while (r == 0 && len >= 5) {
		le32_t n;
		size_t size;

		memcpy(&n, bytes + 1, sizeof n);
		size = le32_get(n) < len - 5 ? le32_get(n) : len - 5;
		name_of(bytes[0] % (SEGMENTS + 1), name);
		snprintf(file, sizeof file, "%s/%s", path, name);
		r = file_write_all(file, bytes + 5, size);
		bytes += 5 + size;
		len -= 5 + size;
	}
	return r;
}

int small_store_scratch(char *path, size_t cap)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !*tmp)
		tmp = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
	if ((size_t)snprintf(path, cap, "%s/firn-fuzz.XXXXXX", tmp) >= cap)
		return -ENAMETOOLONG;
	return mkdtemp(path) ? 0 : -errno;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void small_store_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
