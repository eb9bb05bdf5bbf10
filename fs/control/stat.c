/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a store holds and what it costs: files, bytes, and stored bytes by tier and codec.
 */
#include "fs/control/stat.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "fs/extent/extent.h"
#include "fs/extent/models.h"
#include "fs/extent/scan.h"
#include "fs/names/inode.h"
#include "fs/tiers/compact.h"

static int stat_inode(void *arg, const struct index_record *r)
{
	struct store_stat *out = arg;
	struct inode_attr attr;

	if (inode_decode(r->value, r->len, &attr) < 0)
		return 0; /* fsck's matter */
	switch (attr.mode & S_IFMT) {
	case S_IFREG:
		out->files++;
		out->file_bytes += attr.size;
		out->mapped_bytes += attr.blocks;
		break;
	case S_IFDIR:
		out->directories++;
		break;
	case S_IFLNK:
		out->symlinks++;
		break;
	default:
		out->others++;
	}
	return 0;
}

/* The plain bytes of a group are its members', and so are the shares of what is stored of it; what remains of it is its header. */
static void stat_add(struct stat_codec *to, const struct extent *e)
{
	to->groups += e->is_group;
	to->extents += !e->is_group;
	to->plain += e->is_group ? 0 : e->plain;
	to->stored += (e->is_group ? 0 : e->stored) + (e->group ? 0 : sizeof(struct record_disk));
}

enum stat_tier stat_tier(const struct extent *e)
{
	if (e->tried_level > TRIED_WARM || e->codec == CODEC_NEURAL)
		return STAT_COLD;
	return e->tried_level == TRIED_WARM || e->codec == CODEC_ZSTD ? STAT_WARM : STAT_HOT;
}

static int stat_extent(void *arg, const struct extent *e)
{
	struct store_stat *out = arg;
	struct stat_codec *const tiers[] = {[STAT_HOT] = &out->hot, [STAT_WARM] = &out->warm, [STAT_COLD] = &out->cold};

	out->damaged += e->damaged && !e->is_group;
	if (e->codec < CODEC_COUNT)
		stat_add(&out->codec[e->codec], e);
	stat_add(tiers[stat_tier(e)], e);
	if (e->codec != CODEC_RAW || (e->level == RAW_UNTRIED && e->tried_level == TRIED_NONE))
		stat_add(stat_tier(e) == STAT_COLD ? &out->coded : &out->packable, e);
	return 0;
}

#define TELLING (256u << 10) /* plain bytes */

bool stat_would_save(const struct store_stat *s, uint64_t *bytes)
{
	double would;

	*bytes = 0;
	if (s->packable.plain == 0)
		return true;
	if (s->coded.plain < TELLING)
		return false;
	would = (double)s->packable.plain * (double)s->coded.stored / (double)s->coded.plain;
	if (would < (double)s->packable.stored)
		*bytes = s->packable.stored - (uint64_t)would;
	return true;
}

static int stat_models(struct volume *vol, struct store_stat *out)
{
	struct model_info *list;
	size_t n;
	int rc = models_list(vol, &list, &n);

	for (size_t i = 0; i < n; i++) {
		out->models++;
		out->model_bytes += list[i].stored;
	}
	free(list);
	return rc;
}

static int stat_segments(struct volume *vol, struct store_stat *out)
{
	struct extent_totals totals;
	uint32_t *numbers;
	size_t n;
	int rc = segment_list(vol->segments, &numbers, &n);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		uint64_t bytes, disk;

		if (segment_size(vol->segments, numbers[i], &bytes, &disk) < 0)
			continue; /* unlinked since the listing */
		out->segments++;
		out->segment_bytes += bytes;
		out->store_bytes += disk;
	}
	free(numbers);
	extent_totals(vol, &totals);
	out->garbage_bytes = out->segment_bytes > totals.live_bytes ? out->segment_bytes - totals.live_bytes : 0;
	return 0;
}

static int stat_index(struct volume *vol, struct store_stat *out)
{
	static const char *const others[] = {"index.mdb-lock", "lock"};
	struct index_stat index;
	int rc = index_stat(vol->index, &index);

	if (rc < 0)
		return rc;
	out->index_bytes = index.disk_bytes;
	out->store_bytes += index.disk_bytes;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct stat st;

		if (fstatat(vol->dirfd, others[i], &st, 0) == 0)
			out->store_bytes += (uint64_t)st.st_blocks * 512;
	}
	return 0;
}

int store_stat(struct volume *vol, struct store_stat *out)
{
	int rc;

	*out = (struct store_stat){0};
	rc = scan_table(vol, TABLE_INODE, stat_inode, out);
	if (rc == 0)
		rc = scan_extents(vol, stat_extent, out);
	if (rc == 0)
		rc = stat_models(vol, out);
	if (rc == 0)
		rc = stat_segments(vol, out);
	if (rc == 0)
		rc = stat_index(vol, out);
	return rc;
}
