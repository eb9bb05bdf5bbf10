/* SPDX-License-Identifier: BSD-2-Clause */
/* A small cache of open segment files: a table so short that it is searched from end to end. */
#include "index/fdcache.h"

#include <stdio.h>
#include <string.h>

#include "index/disk.h"

void segment_name(uint32_t segment, char name[SEGMENT_NAME_LEN + 1])
{
	snprintf(name, SEGMENT_NAME_LEN + 1, "%08x.seg", segment);
}

void fdcache_init(struct fdcache *c, int dirfd)
{
	memset(c, 0, sizeof *c);
	c->dirfd = dirfd;
	pthread_mutex_init(&c->mutex, NULL);
}

static void slot_empty(struct fdcache_slot *s)
{
	disk_close(s->fd);
	s->segment = 0;
	s->used = 0;
	s->dropped = false;
}

void fdcache_fini(struct fdcache *c)
{
	int i;

	for (i = 0; i < FDCACHE_SLOTS; i++)
		if (c->slots[i].segment != 0)
			slot_empty(&c->slots[i]);
	pthread_mutex_destroy(&c->mutex);
}

/* The segment's slot, else the one to give it: empty, or unused for the longest time; -1 when all are in use.
 */
static int find_slot(const struct fdcache *c, uint32_t segment)
{
	int i, best = -1;

	for (i = 0; i < FDCACHE_SLOTS; i++) {
		if (c->slots[i].segment == segment && !c->slots[i].dropped)
			return i;
		if (c->slots[i].users == 0 && (best < 0 || c->slots[i].used < c->slots[best].used))
			best = i;
	}
	return best;
}

int fdcache_get(struct fdcache *c, uint32_t segment, struct fdcache_ref *ref)
{
	char name[SEGMENT_NAME_LEN + 1];
	struct fdcache_slot *s;
	int rc = 0;

	pthread_mutex_lock(&c->mutex);
	ref->slot = find_slot(c, segment);
	s = ref->slot < 0 ? NULL : &c->slots[ref->slot];
	if (!s || s->segment != segment) {
		segment_name(segment, name);
		rc = disk_open(c->dirfd, name, false, &ref->fd);
		if (!rc && s) {
			if (s->segment != 0)
				slot_empty(s);
			s->segment = segment;
			s->fd = ref->fd;
		}
	}
	if (!rc && s) {
		s->users++;
		s->used = ++c->clock;
		ref->fd = s->fd;
	}
	pthread_mutex_unlock(&c->mutex);
	return rc;
}

void fdcache_put(struct fdcache *c, const struct fdcache_ref *ref)
{
	struct fdcache_slot *s;

	if (ref->slot < 0) {
		disk_close(ref->fd);
		return;
	}
	s = &c->slots[ref->slot];
	pthread_mutex_lock(&c->mutex);
	if (--s->users == 0 && s->dropped)
		slot_empty(s);
	pthread_mutex_unlock(&c->mutex);
}

void fdcache_drop(struct fdcache *c, uint32_t segment)
{
	struct fdcache_slot *s;

	pthread_mutex_lock(&c->mutex);
	for (s = c->slots; s < c->slots + FDCACHE_SLOTS; s++) {
		if (s->segment != segment || s->dropped)
			continue;
		s->dropped = true;
		if (s->users == 0)
			slot_empty(s);
	}
	pthread_mutex_unlock(&c->mutex);
}
