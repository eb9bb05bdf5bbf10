/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunks as the index has them: an extent that is replaced between lookup and read is looked up again.
 */
#include "fs/data/stored.h"

#include <errno.h>

#include "codec/codec.h"
#include "fs/data/ahead.h"
#include "fs/data/cache.h"
#include "fs/data/chunk.h"
#include "fs/data/damage.h"
#include "fs/extent/heat.h"

static int lookup(struct volume *vol, uint64_t ino, uint32_t no, struct extent *e)
{
	struct index_op op;
	uint64_t id;
	int r;

	*e = (struct extent){ 0 };
	index_begin(vol->index, &op);
	r = chunk_lookup(&op, ino, no, &id);
	if (r == 0 && id)
		r = extent_get(&op, id, e);
	else if (r == 0 && index_damaged(vol->index))
		r = -EIO; /* a hole, or a chunk whose record's key is damaged */
	index_end(&op);
	return r == -ENOENT || r == -EUCLEAN ? -EIO : r;
}

int stored_length(struct volume *vol, uint64_t ino, uint32_t no, uint32_t *plain)
{
	struct extent e;
	int r = lookup(vol, ino, no, &e);

	*plain = e.plain;
	return r;
}

/* What is slow to decode is kept, and decoded ahead. */
static int chunk_read(struct volume *vol, uint64_t ino, uint32_t no, uint32_t off, uint32_t len, uint8_t *buf)
{
	uint64_t gone = 0;

	for (;;) {
		struct extent e;
		int r = lookup(vol, ino, no, &e);

		if (r)
			return r;
		if (e.id == 0) {
			memset(buf, 0, len);
			return 0;
		}
		heat_note(vol, &e);
		if ((e.group ? e.group : e.id) == gone)
			return -EIO;
		if (e.codec == CODEC_NEURAL)
			ahead_note(vol, ino, no);
		if (off == 0 && len >= e.plain && e.codec != CODEC_NEURAL) {
			r = cache_read_whole(vol, &e, buf);
			memset(buf + e.plain, 0, len - e.plain);
		} else {
			r = cache_read(vol, &e, off, len, buf);
		}
		if (r != -ENOENT)
			return r;
		gone = e.group ? e.group : e.id;
	}
}

int stored_read(struct volume *vol, uint64_t ino, uint32_t no, uint32_t off, uint32_t len, uint8_t *buf)
{
	int r = chunk_read(vol, ino, no, off, len, buf);

	if (r == -EIO)
		damage_tell(vol, ino, no);
	return r;
}
