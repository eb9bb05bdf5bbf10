/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which extents a recompaction looks at, and in which order: one pass over the extents picks them, one over the chunks orders them by owner.
 */
#include "fs/tiers/compact_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fs/extent/extent.h"
#include "fs/extent/heat.h"
#include "fs/extent/scan.h"

struct picked {
	uint64_t id;
	uint32_t plain, touched;
	bool untried;
	uint8_t class;
	bool owned; /* an owner was met: the first one's policy counts */
};

struct picker {
	const struct compact_options *opt;
	const struct plan_choice *choice;
	uint32_t group_bytes; /* at most a chunk */
	uint32_t now;        /* hours since 1970 */
	unsigned after;      /* hours that every policy asks for, at least */
	struct picked *list; /* ascending ids */
	size_t n, room;
	uint64_t from; /* ids below are not looked at */
	struct plan *plan;
};

/* A walk of the index waits like other work, and ends when told to: 0, -EINTR. */
static int plan_goes_on(const struct picker *p)
{
	if (p->opt->gate)
		p->opt->gate(p->opt->arg);
	return p->opt->end && __atomic_load_n(p->opt->end, __ATOMIC_RELAXED) != 0 ? -EINTR : 0;
}

/* Whether enough of an extent's group is dead to pack the rest anew; `now` more eagerly than segments are cleaned. */
static bool plan_sparse(const struct picker *p, const struct extent *e)
{
	uint32_t dead = e->whole - e->left;

	return e->group && dead >= e->whole / (p->opt->now || p->opt->reclaim ? 32 : 2) && dead > 0;
}

/* Nobody has tried to compress it: a writer was in a hurry. That is made up for as soon as possible. */
static bool plan_untried(const struct compact_target *target, const struct extent *e)
{
	return e->codec == CODEC_RAW && e->level == RAW_UNTRIED && e->tried_level == TRIED_NONE && target->tier == TIER_WARM;
}

/* Whatever the owner's policy says. */
static bool plan_wants(const struct picker *p, const struct extent *e)
{
	const struct plan_choice *c = p->choice;

	if (p->opt->reclaim)
		return plan_sparse(p, e);
	if (!p->opt->now && !plan_untried(&c->target, e) && (uint64_t)e->touched + p->after > p->now)
		return false;
	if (e->tried_level >= c->tried_level && e->tried >= c->tried && !plan_sparse(p, e))
		return false;
	return c->target.tier == TIER_COLD || e->codec != CODEC_NEURAL;
}

/* Whether the policy of the file agrees. */
static bool plan_agrees(const struct picker *p, uint64_t ino, const struct picked *e)
{
	struct tier_policy policy = tier_map_find(p->choice->policies, ino);
	struct compact_target target;

	if (!compact_target(p->opt, &policy, &target) || !compact_target_same(&target, &p->choice->target))
		return false;
	return p->opt->now || p->opt->reclaim || e->untried || (uint64_t)e->touched + target.after_hours <= p->now;
}

static int plan_pick(void *arg, const struct extent *e)
{
	struct picker *p = arg;
	int rc = plan_goes_on(p);

	if (rc < 0 || e->id < p->from || e->is_group || !plan_wants(p, e))
		return rc;
	if (p->opt->plan_extents > 0 && p->n == p->opt->plan_extents) {
		p->plan->next = e->id;
		return 1;
	}
	if (p->n == p->room) {
		size_t room = p->room ? 2 * p->room : 4096;
		struct picked *grown = realloc(p->list, room * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		p->list = grown;
		p->room = room;
	}
	p->list[p->n++] = (struct picked){e->id, e->plain, e->touched, plan_untried(&p->choice->target, e), gain_class(e, p->group_bytes), false};
	return 0;
}

static int plan_compare(const void *key, const void *item)
{
	uint64_t id = *(const uint64_t *)key, other = ((const struct picked *)item)->id;

	return id < other ? -1 : id > other;
}

static int plan_order(void *arg, const struct index_record *r)
{
	struct picker *p = arg;
	struct picked *found;
	le64_t value;
	uint64_t id;
	int rc = plan_goes_on(p);

	if (rc < 0 || r->key_len != 12 || r->len != sizeof value)
		return rc;
	memcpy(&value, r->value, sizeof value);
	id = le64_get(value);
	found = bsearch(&id, p->list, p->n, sizeof *p->list, plan_compare);
	if (!found || found->owned)
		return 0;
	found->owned = true;
	if (!plan_agrees(p, be64_get(r->key), found))
		return 0;
	p->plan->items[p->plan->n++] =
		(struct plan_item){id, be64_get(r->key), be32_get(r->key + 8), found->plain, found->class};
	p->plan->plain_bytes += found->plain;
	return 0;
}

static unsigned plan_after(const struct plan_choice *choice)
{
	unsigned after = choice->opt->cold_after_hours;
	struct compact_target t;

	if (compact_target(choice->opt, &choice->policies->rest, &t) && t.after_hours < after)
		after = t.after_hours;
	for (size_t i = 0; i < choice->policies->n; i++)
		if (compact_target(choice->opt, &choice->policies->list[i].policy, &t) && t.after_hours < after)
			after = t.after_hours;
	return after;
}

static int plan_any_sparse(void *arg, const struct extent *e)
{
	const struct picker *p = arg;
	int rc = plan_goes_on(p);

	return rc < 0 ? rc : !e->is_group && plan_sparse(p, e);
}

int plan_reclaims(struct volume *vol, const struct compact_options *opt)
{
	struct picker p = {.opt = opt};

	return scan_extents(vol, plan_any_sparse, &p);
}

/* What pays comes first, for the work may be ended any time; else the order stays. -ENOMEM. */
static int plan_rank(const struct plan_choice *choice, struct plan *plan)
{
	struct plan_item *sorted = malloc((plan->n + 1) * sizeof *sorted);
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (unsigned rank = 0; rank < GAIN_RANKS; rank++) {
		for (size_t i = 0; i < plan->n; i++)
			if (gain_rank(choice->gain, plan->items[i].class) == rank)
				sorted[n++] = plan->items[i];
	}
	free(plan->items);
	plan->items = sorted;
	return 0;
}

/* The small ones, which look for company among each other, come last; else the order stays. -ENOMEM. */
static int plan_part(uint32_t group_bytes, struct plan *plan)
{
	struct plan_item *small = malloc((plan->n + 1) * sizeof *small);
	size_t n = 0, n_small = 0;

	if (!small)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n; i++) {
		if (plan->items[i].plain > group_bytes / 2)
			plan->items[n++] = plan->items[i];
		else
			small[n_small++] = plan->items[i];
	}
	if (n_small > 0)
		memcpy(plan->items + n, small, n_small * sizeof *small);
	free(small);
	return 0;
}

int plan_make(struct volume *vol, const struct plan_choice *choice, uint64_t from, struct plan *out)
{
	struct picker p = {.opt = choice->opt, .choice = choice, .now = heat_hour(), .from = from, .plan = out};
	int rc;

	*out = (struct plan){0};
	p.group_bytes = choice->opt->group_bytes < vol->super.chunk_size ? choice->opt->group_bytes : vol->super.chunk_size;
	p.after = plan_after(choice);
	rc = scan_extents(vol, plan_pick, &p);
	if (rc >= 0 && p.n > 0) {
		out->items = malloc(p.n * sizeof *out->items);
		rc = out->items ? scan_table(vol, TABLE_CHUNK, plan_order, &p) : -ENOMEM;
	}
	free(p.list);
	if (rc >= 0 && choice->opt->lazy)
		rc = plan_rank(choice, out);
	if (rc >= 0 && choice->opt->now)
		rc = plan_part(p.group_bytes, out);
	return rc < 0 ? rc : 0;
}

void plan_free(struct plan *plan)
{
	free(plan->items);
	*plan = (struct plan){0};
}
