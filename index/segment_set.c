/* SPDX-License-Identifier: BSD-2-Clause */
/* The set of segment files: opening, resuming, listing, unlinking, and what is known of each. */
#include "index/segment_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "index/disk.h"
#include "index/record.h"

/* Where the head of a segment is, or would be, in the sorted array. */
static size_t head_position(const struct segments *ss, uint32_t segment)
{
	size_t lo = 0, hi = ss->n_heads, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ss->heads[mid]->segment < segment)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct head *segments_find(struct segments *ss, uint32_t segment)
{
	size_t i = head_position(ss, segment);

	return i < ss->n_heads && ss->heads[i]->segment == segment ? ss->heads[i] : NULL;
}

int segments_add(struct segments *ss, struct head *h)
{
	size_t i = head_position(ss, h->segment), cap;
	struct head **grown;

	if (ss->n_heads == ss->cap_heads) {
		cap = ss->cap_heads ? ss->cap_heads * 2 : 16;
		grown = realloc(ss->heads, cap * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		ss->heads = grown;
		ss->cap_heads = cap;
	}
	memmove(&ss->heads[i + 1], &ss->heads[i], (ss->n_heads - i) * sizeof *ss->heads);
	ss->heads[i] = h;
	ss->n_heads++;
	h->next_open = ss->open;
	ss->open = h;
	ss->streams[h->stream] = h;
	return 0;
}

void segments_seal(struct segments *ss, struct head *h)
{
	h->sealed = true;
	if (ss->streams[h->stream] == h)
		ss->streams[h->stream] = NULL;
}

void segments_close_head(struct segments *ss, struct head *h)
{
	struct head **p = &ss->open;

	if (h->fd < 0)
		return;
	while (*p != h)
		p = &(*p)->next_open;
	*p = h->next_open;
	disk_close(h->fd);
	h->fd = -1;
}

/* The number in a segment file's name, 0 when it is another file. */
static uint32_t name_number(const char *name)
{
	char again[SEGMENT_NAME_LEN + 1];
	uint32_t n = 0;
	int i;

	for (i = 0; i < 8; i++) {
		if (name[i] >= '0' && name[i] <= '9')
			n = n << 4 | (uint32_t) (name[i] - '0');
		else if (name[i] >= 'a' && name[i] <= 'f')
			n = n << 4 | (uint32_t) (name[i] - 'a' + 10);
		else
			return 0;
	}
	segment_name(n, again);
	return strcmp(name, again) == 0 ? n : 0;
}

struct list {
	uint32_t *numbers;
	size_t count, cap;
};

static int list_add(void *arg, const char *name)
{
	struct list *l = arg;
	uint32_t *grown, n = name_number(name);
	size_t cap;

	if (n == 0)
		return 0;
	if (l->count == l->cap) {
		cap = l->cap ? l->cap * 2 : 64;
		grown = realloc(l->numbers, cap * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		l->numbers = grown;
		l->cap = cap;
	}
	l->numbers[l->count++] = n;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

	return (x > y) - (x < y);
}

int segment_list(struct segments *ss, uint32_t **numbers, size_t *count)
{
	struct list l = {0};
	int rc;

	*numbers = NULL;
	*count = 0;
	rc = disk_list(ss->dirfd, list_add, &l);
	if (rc) {
		free(l.numbers);
		return rc;
	}
	if (l.count > 0)
		qsort(l.numbers, l.count, sizeof *l.numbers, compare_numbers);
	*numbers = l.numbers;
	*count = l.count;
	return 0;
}

/* Unlinks what a crash left of segments that no commit knows. */
static int remove_garbage(struct segments *ss)
{
	char name[SEGMENT_NAME_LEN + 1];
	uint32_t *numbers;
	size_t i, count;
	int rc;

	rc = segment_list(ss, &numbers, &count);
	for (i = count; !rc && i > 0 && numbers[i - 1] >= ss->next; i--) {
		segment_name(numbers[i - 1], name);
		rc = disk_unlink(ss->dirfd, name);
		ss->dir_dirty = true;
	}
	free(numbers);
	return rc;
}

int segments_open(int dirfd, const uint8_t uuid[16], uint32_t segment_size, uint32_t next_segment,
		  uint64_t first_sequence, bool create, bool readonly, struct segments **out)
{
	struct segments *ss;
	int rc;

	*out = NULL;
	if (segment_size > SEGMENT_SIZE_MAX || (create && readonly))
		return -EINVAL;
	ss = calloc(1, sizeof *ss);
	if (!ss)
		return -ENOMEM;
	ss->readonly = readonly;
	ss->segment_size = segment_size;
	ss->next = next_segment > 0 ? next_segment : 1;
	ss->sequence = first_sequence;
	memcpy(ss->uuid, uuid, sizeof ss->uuid);
	if (create && (mkdirat(dirfd, "seg", 0700) < 0 || fsync(dirfd) < 0)) {
		rc = -errno;
		goto free_set;
	}
	ss->dirfd = openat(dirfd, "seg", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ss->dirfd < 0) {
		rc = -errno;
		goto free_set;
	}
	rc = readonly ? 0 : remove_garbage(ss);
	if (rc)
		goto close_dir;
	fdcache_init(&ss->cache, ss->dirfd);
	pthread_mutex_init(&ss->sync_mutex, NULL);
	pthread_mutex_init(&ss->mutex, NULL);
	pthread_cond_init(&ss->landed, NULL);
	*out = ss;
	return 0;
close_dir:
	close(ss->dirfd);
free_set:
	free(ss);
	return rc;
}

void segments_close(struct segments *ss)
{
	size_t i;

	if (!ss)
		return;
	for (i = 0; i < ss->n_heads; i++) {
		segments_close_head(ss, ss->heads[i]);
		free(ss->heads[i]);
	}
	free(ss->heads);
	fdcache_fini(&ss->cache);
	pthread_cond_destroy(&ss->landed);
	pthread_mutex_destroy(&ss->mutex);
	pthread_mutex_destroy(&ss->sync_mutex);
	close(ss->dirfd);
	free(ss);
}

/* Checks the file against its committed length and cuts what lies behind. */
static int resume_file(struct segments *ss, int fd, uint32_t segment, uint64_t total)
{
	struct segment_disk disk;
	struct iovec iov = {&disk, sizeof disk};
	uint64_t bytes;
	int rc;

	rc = disk_size(fd, &bytes, NULL);
	if (rc)
		return rc;
	if (total < sizeof disk || total > SEGMENT_SIZE_MAX || bytes < total)
		return -EUCLEAN;
	rc = disk_read(fd, &iov, 1, 0);
	if (rc)
		return rc;
	if (!segment_header_verify(&disk, ss->uuid, segment))
		return -EUCLEAN;
	return bytes > total ? disk_truncate(fd, total) : 0;
}

int segments_resume(struct segments *ss, enum segment_stream stream, uint32_t segment, uint64_t total)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct head *h;
	int rc;

	if (ss->readonly)
		return -EROFS;
	if ((unsigned) stream >= STREAM_COUNT || segment == 0)
		return -EINVAL;
	h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	h->segment = segment;
	h->stream = stream;
	h->end = h->synced = total;
	segment_name(segment, name);
	rc = disk_open(ss->dirfd, name, true, &h->fd);
	if (rc) {
		rc = rc == -ENOENT ? -EUCLEAN : rc;
		goto free_head;
	}
	rc = resume_file(ss, h->fd, segment, total);
	if (rc)
		goto close_file;
	pthread_mutex_lock(&ss->mutex);
	if (ss->streams[stream] || segments_find(ss, segment))
		rc = -EBUSY;
	else
		rc = segments_add(ss, h);
	pthread_mutex_unlock(&ss->mutex);
	if (rc)
		goto close_file;
	return 0;
close_file:
	disk_close(h->fd);
free_head:
	free(h);
	return rc;
}

void segment_seal_all(struct segments *ss)
{
	int i;

	pthread_mutex_lock(&ss->mutex);
	for (i = 0; i < STREAM_COUNT; i++)
		if (ss->streams[i])
			segments_seal(ss, ss->streams[i]);
	pthread_mutex_unlock(&ss->mutex);
}

bool segment_is_open(struct segments *ss, uint32_t segment)
{
	struct head *h;
	bool open;

	pthread_mutex_lock(&ss->mutex);
	h = segments_find(ss, segment);
	open = h && !h->sealed;
	pthread_mutex_unlock(&ss->mutex);
	return open;
}

static void forget_head(struct segments *ss, struct head *h)
{
	size_t i = head_position(ss, h->segment);

	segments_close_head(ss, h);
	memmove(&ss->heads[i], &ss->heads[i + 1], (ss->n_heads - i - 1) * sizeof *ss->heads);
	ss->n_heads--;
	free(h);
}

int segment_unlink(struct segments *ss, uint32_t segment)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct head *h;
	int rc;

	if (ss->readonly)
		return -EROFS;
	segment_name(segment, name);
	pthread_mutex_lock(&ss->sync_mutex);
	pthread_mutex_lock(&ss->mutex);
	h = segments_find(ss, segment);
	if (h && (!h->sealed || h->flights)) {
		rc = -EBUSY;
	} else {
		rc = disk_unlink(ss->dirfd, name);
		if (!rc && h)
			forget_head(ss, h);
		ss->dir_dirty |= rc == 0;
	}
	pthread_mutex_unlock(&ss->mutex);
	pthread_mutex_unlock(&ss->sync_mutex);
	if (!rc)
		fdcache_drop(&ss->cache, segment);
	return rc;
}

int segment_punch(struct segments *ss, uint32_t segment, uint64_t offset, uint64_t length)
{
	char name[SEGMENT_NAME_LEN + 1];
	int fd, rc;

	if (ss->readonly)
		return -EROFS;
	segment_name(segment, name);
	rc = disk_open(ss->dirfd, name, true, &fd);
	if (rc)
		return rc;
	rc = disk_punch(fd, offset, length);
	disk_close(fd);
	return rc;
}

int segment_head(struct segments *ss, uint32_t segment, uint64_t *total, bool *sealed,
		 enum segment_stream *stream)
{
	struct head *h;

	pthread_mutex_lock(&ss->mutex);
	h = segments_find(ss, segment);
	if (h) {
		*total = h->end;
		*sealed = h->sealed;
		*stream = h->stream;
	}
	pthread_mutex_unlock(&ss->mutex);
	return h ? 0 : -ENOENT;
}

int segment_size(struct segments *ss, uint32_t segment, uint64_t *bytes, uint64_t *disk)
{
	struct fdcache_ref ref;
	int rc;

	rc = fdcache_get(&ss->cache, segment, &ref);
	if (rc)
		return rc;
	rc = disk_size(ref.fd, bytes, disk);
	fdcache_put(&ss->cache, &ref);
	return rc;
}

uint32_t segments_next(struct segments *ss)
{
	uint32_t next;

	pthread_mutex_lock(&ss->mutex);
	next = ss->next;
	pthread_mutex_unlock(&ss->mutex);
	return next;
}

uint64_t segments_sequence(struct segments *ss)
{
	uint64_t sequence;

	pthread_mutex_lock(&ss->mutex);
	sequence = ss->sequence;
	pthread_mutex_unlock(&ss->mutex);
	return sequence;
}

int segments_space(struct segments *ss, struct segments_space *out)
{
	struct statvfs st;

	if (fstatvfs(ss->dirfd, &st) < 0)
		return -errno;
	out->total = (uint64_t) st.f_blocks * st.f_frsize;
	out->free = (uint64_t) st.f_bfree * st.f_frsize;
	out->available = (uint64_t) st.f_bavail * st.f_frsize;
	out->files = st.f_files;
	out->files_free = st.f_ffree;
	return 0;
}
