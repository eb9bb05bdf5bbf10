/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compare_trees A B: says every difference between two directory trees that a user could notice: names, types, contents, owners,
 * modes, modification times to the nanosecond, symlink targets, device numbers, which names are hard links of one file, extended attributes.
 *
 * Not compared, as they are not a property of the tree: inode numbers, access and change times, sizes and link counts of
 * directories. Exit code 0: equal; 1: each difference was printed; 2: could not look.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *root[2];
static unsigned long differences, entries;
static unsigned long long compared_bytes;

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "compare_trees: %s: %s: %s\n", path, what, strerror(errno));
	exit(2);
}

static void differ(const char *path, const char *what)
{
	printf("%s: %s\n", path[0] ? path : ".", what);
	differences++;
}

static void *allocate(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		fail("malloc", "memory");
	return p;
}

/* The path of an entry in tree t; the caller frees it. */
static char *full_path(int t, const char *path)
{
	size_t len = strlen(root[t]) + strlen(path) + 2;
	char *s = allocate(len);

	snprintf(s, len, "%s/%s", root[t], path);
	return s;
}

/* Files with several names: the first name met in each tree, to tell which names belong together. */
struct link_group {
	ino_t ino[2];
	struct link_group *next;
};
static struct link_group *groups[4096];

/* True when the names met so far group in the same way in both trees: ino of A belongs to exactly one of B. */
static bool link_matches(const struct stat st[2])
{
	struct link_group *g;
	struct link_group **head = &groups[st[0].st_ino % 4096];

	for (g = *head; g; g = g->next)
		if (g->ino[0] == st[0].st_ino)
			return g->ino[1] == st[1].st_ino;
	g = allocate(sizeof *g);
	g->ino[0] = st[0].st_ino;
	g->ino[1] = st[1].st_ino;
	g->next = *head;
	*head = g;
	return true;
}

static size_t read_full(int fd, char *buf, size_t len, const char *path)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("read", path);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static void compare_contents(const char *path, char *full[2])
{
	enum { BLOCK = 1 << 18 };
	static char buf[2][BLOCK];
	int fd[2];
	off_t at = 0;

	for (int t = 0; t < 2; t++) {
		fd[t] = open(full[t], O_RDONLY | O_NOFOLLOW);
		if (fd[t] < 0)
			fail("open", full[t]);
	}
	for (;;) {
		size_t n = read_full(fd[0], buf[0], BLOCK, full[0]);
		size_t m = read_full(fd[1], buf[1], BLOCK, full[1]);

		if (n != m || memcmp(buf[0], buf[1], n) != 0) {
			char what[64];

			snprintf(what, sizeof what, "contents differ after byte %lld", (long long)at);
			differ(path, what);
			break;
		}
		if (n == 0)
			break;
		at += (off_t)n;
	}
	compared_bytes += (unsigned long long)at;
	close(fd[0]);
	close(fd[1]);
}

static void compare_targets(const char *path, char *full[2])
{
	char target[2][PATH_MAX + 1];

	for (int t = 0; t < 2; t++) {
		ssize_t n = readlink(full[t], target[t], PATH_MAX);

		if (n < 0)
			fail("readlink", full[t]);
		target[t][n] = '\0';
	}
	if (strcmp(target[0], target[1]) != 0)
		differ(path, "symlink targets differ");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the extended attributes, sorted, NULL-terminated; *block holds their bytes. */
static char **attribute_names(const char *full, char **block)
{
	ssize_t len = llistxattr(full, NULL, 0);
	size_t n = 0;
	char **names;

	if (len < 0 && errno == ENOTSUP)
		len = 0;
	if (len < 0)
		fail("llistxattr", full);
	*block = allocate((size_t)len);
	if (len > 0)
		len = llistxattr(full, *block, (size_t)len);
	if (len < 0)
		fail("llistxattr", full);
	names = allocate(((size_t)len / 2 + 1) * sizeof *names);
	for (char *p = *block; p < *block + len; p += strlen(p) + 1)
		names[n++] = p;
	names[n] = NULL;
	qsort(names, n, sizeof *names, compare_names);
	return names;
}

static bool attribute_equal(char *full[2], const char *name)
{
	char *value[2];
	ssize_t len[2];
	bool equal;

	for (int t = 0; t < 2; t++) {
		value[t] = allocate(65536);
		len[t] = lgetxattr(full[t], name, value[t], 65536);
		if (len[t] < 0)
			fail(name, full[t]);
	}
	equal = len[0] == len[1] && memcmp(value[0], value[1], (size_t)len[0]) == 0;
	free(value[0]);
	free(value[1]);
	return equal;
}

static void compare_attributes(const char *path, char *full[2])
{
	char *block[2], **names[2];
	size_t i = 0;

	for (int t = 0; t < 2; t++)
		names[t] = attribute_names(full[t], &block[t]);
	while (names[0][i] && names[1][i] && strcmp(names[0][i], names[1][i]) == 0) {
		if (!attribute_equal(full, names[0][i]))
			differ(path, "values of an extended attribute differ");
		i++;
	}
	if (names[0][i] || names[1][i])
		differ(path, "lists of extended attributes differ");
	for (int t = 0; t < 2; t++) {
		free(names[t]);
		free(block[t]);
	}
}

static void compare_stat(const char *path, const struct stat st[2])
{
	if ((st[0].st_mode & 07777) != (st[1].st_mode & 07777))
		differ(path, "modes differ");
	if (st[0].st_uid != st[1].st_uid || st[0].st_gid != st[1].st_gid)
		differ(path, "owners differ");
	if (st[0].st_mtim.tv_sec != st[1].st_mtim.tv_sec || st[0].st_mtim.tv_nsec != st[1].st_mtim.tv_nsec)
		differ(path, "modification times differ");
	if (S_ISDIR(st[0].st_mode))
		return;
	if (st[0].st_size != st[1].st_size)
		differ(path, "sizes differ");
	if (st[0].st_nlink != st[1].st_nlink)
		differ(path, "link counts differ");
	if (!link_matches(st))
		differ(path, "hard links differ");
	if ((S_ISCHR(st[0].st_mode) || S_ISBLK(st[0].st_mode)) && st[0].st_rdev != st[1].st_rdev)
		differ(path, "device numbers differ");
}

static void compare_directories(const char *path, char *full[2]);

static void compare_entry(const char *path)
{
	char *full[2] = { full_path(0, path), full_path(1, path) };
	struct stat st[2];

	entries++;
	for (int t = 0; t < 2; t++)
		if (lstat(full[t], &st[t]) < 0)
			fail("lstat", full[t]);
	if ((st[0].st_mode & S_IFMT) != (st[1].st_mode & S_IFMT)) {
		differ(path, "types differ");
	} else {
		compare_stat(path, st);
		compare_attributes(path, full);
		if (S_ISREG(st[0].st_mode))
			compare_contents(path, full);
		else if (S_ISLNK(st[0].st_mode))
			compare_targets(path, full);
		else if (S_ISDIR(st[0].st_mode))
			compare_directories(path, full);
	}
	free(full[0]);
	free(full[1]);
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Merges the two sorted lists of names. */
static void compare_directories(const char *path, char *full[2])
{
	struct dirent **list[2];
	int n[2], i[2] = { 0, 0 };

	for (int t = 0; t < 2; t++) {
		n[t] = scandir(full[t], &list[t], not_dots, by_bytes);
		if (n[t] < 0)
			fail("scandir", full[t]);
	}
	while (i[0] < n[0] || i[1] < n[1]) {
		int order = i[0] == n[0] ? 1 : i[1] == n[1] ? -1 :
			strcmp(list[0][i[0]]->d_name, list[1][i[1]]->d_name);
		const char *name = list[order > 0][i[order > 0]]->d_name;
		size_t len = strlen(path) + strlen(name) + 2;
		char *below = allocate(len);

		snprintf(below, len, "%s%s%s", path, path[0] ? "/" : "", name);
		if (order == 0)
			compare_entry(below);
		else
			differ(below, order < 0 ? "only in the first tree" : "only in the second tree");
		free(below);
		if (order <= 0)
			free(list[0][i[0]++]);
		if (order >= 0)
			free(list[1][i[1]++]);
	}
	free(list[0]);
	free(list[1]);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: compare_trees A B\n");
		return 2;
	}
	root[0] = argv[1];
	root[1] = argv[2];
	compare_entry("");
	if (differences) {
		printf("%lu differences\n", differences);
		return 1;
	}
	printf("%lu entries, %llu bytes: equal\n", entries, compared_bytes);
	return 0;
}
