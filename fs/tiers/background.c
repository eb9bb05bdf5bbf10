/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the compactor does by itself: a step is due when an hour has passed, or a model has come, or garbage has grown since it was done.
 */
#include "fs/tiers/background.h"

#include <errno.h>
#include <string.h>

#include "fs/data/flush.h"
#include "fs/extent/extent.h"
#include "fs/extent/heat.h"
#include "fs/extent/models.h"

#define NS_PER_MINUTE (60ll * 1000000000)
#define REST 2       /* times as long as it worked */
#define ERRORS_MAX 6 /* doublings of a minute, up to about an hour */

static uint64_t garbage_now(struct volume *vol, uint64_t *tolerable)
{
	struct extent_totals t;

	extent_totals(vol, &t);
	*tolerable = t.live_bytes / 10 + 2 * (uint64_t)vol->super.segment_size;
	return t.segment_bytes > t.live_bytes ? t.segment_bytes - t.live_bytes : 0;
}

/* The garbage that is left after a step was looked at by it: only more of it is a reason to look again. */
static bool reclaim_due(struct volume *vol, const struct background *b, struct background_key *key)
{
	uint64_t tolerable, before = b->done[BACKGROUND_RECLAIM].garbage, more;

	key->garbage = garbage_now(vol, &tolerable);
	more = key->garbage > before ? key->garbage - before : 0;
	return key->garbage > tolerable && more > tolerable / 8;
}

/* Of what was stored in a hurry; as before while there is more every time. */
static uint64_t untried_count(struct volume *vol, struct background *b)
{
	uint64_t before = b->untried;

	b->untried = __atomic_load_n(&vol->flusher->untried, __ATOMIC_RELAXED);
	return b->untried == before ? before : b->done[BACKGROUND_WARM].untried;
}

static bool step_due(struct volume *vol, struct background *b, enum background_step step, unsigned after,
		     struct background_key *key)
{
	*key = (struct background_key){.hour = heat_hour()};
	if (step == BACKGROUND_RECLAIM)
		return reclaim_due(vol, b, key);
	key->zdict = models_active(vol, MODEL_ZDICT);
	key->net = step == BACKGROUND_COLD ? models_active(vol, MODEL_NEURAL) : 0;
	key->next_extent = after == 0 ? extent_peek_id(vol) : 0;
	key->untried = step == BACKGROUND_WARM ? untried_count(vol, b) : 0;
	return memcmp(key, &b->done[step], sizeof *key) != 0;
}

bool background_due(struct volume *vol, const struct compactor_options *opt, struct background *b, struct compactor_request *out)
{
	if (volume_now() < b->not_before)
		return false;
	for (unsigned s = 0; s < BACKGROUND_STEPS; s++) {
		unsigned after = s == BACKGROUND_WARM ? 1 + opt->cold_after_hours / COMPACT_WARM_SHARE : opt->cold_after_hours;

		if ((s == BACKGROUND_WARM && after >= opt->cold_after_hours) || !step_due(vol, b, s, after, &b->key))
			continue;
		b->step = s;
		b->begun = volume_now();
		*out = (struct compactor_request){
			.tier = s == BACKGROUND_WARM ? TIER_WARM : TIER_COLD, .neural_level = (uint32_t)opt->neural_level,
			.reclaim = s == BACKGROUND_RECLAIM, .threads = (uint32_t)opt->threads, .cold_after_hours = after,
			.after_given = opt->after_given, .level_given = opt->level_given,
		};
		return true;
	}
	return false;
}

void background_done(struct volume *vol, struct background *b, int rc)
{
	int64_t now = volume_now();
	uint64_t tolerable;

	if (rc == 0) {
		if (b->step == BACKGROUND_RECLAIM)
			b->key.garbage = garbage_now(vol, &tolerable);
		b->done[b->step] = b->key;
		b->errors = 0;
		b->not_before = now + (now > b->begun ? REST * (now - b->begun) : 0);
	} else if (rc != -EINTR) {
		b->not_before = now + (NS_PER_MINUTE << b->errors);
		b->errors += b->errors < ERRORS_MAX;
	}
}
