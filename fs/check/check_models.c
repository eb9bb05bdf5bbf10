/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over models: all strips read and hashed, one active of each kind.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/check/check_pass.h"
#include "fs/extent/models_set.h"
#include "fs/extent/models_strips.h"

struct check_model *check_model(struct check *ck, uint32_t number)
{
	struct check_model *list = ck->models.items;

	for (size_t i = 0; i < ck->models.n; i++)
		if (list[i].number == number)
			return &list[i];
	return NULL;
}

static int model_store(struct check *ck, const struct check_model *m)
{
	uint8_t key[4];

	be32_put(key, m->number);
	return check_put(ck, TABLE_MODEL, key, sizeof key, &m->disk, sizeof m->disk);
}

/* 1: there is a record of the model after all. */
static int record_mend(struct check *ck, const struct index_record *rec, struct index_record *made)
{
	struct check_problem p = { .code = CHECK_MODEL_KEY };
	struct collected c;
	struct model_disk disk;
	int r;

	if (rec->key_len == 4)
		p.found = be32_get(rec->key);
	r = check_found(ck, &p);
	if (r == 1)
		r = check_collect(ck, false, &c) ? -EIO : 1;
	if (r != 1)
		return r;
	r = check_model_build(ck, &c, p.found, &disk);
	check_collected_free(&c);
	if (r < 1)
		return r ? r : check_del(ck, TABLE_MODEL, rec->key, rec->key_len);
	if (rec->len == sizeof disk && rec->value[1] <= 2)
		disk.state = rec->value[1];
	*made = *rec;
	made->len = sizeof disk;
	memcpy(made->value, &disk, sizeof disk);
	r = check_aside_record(ck, TABLE_MODEL, rec);
	if (r == 0)
		r = check_put(ck, TABLE_MODEL, rec->key, rec->key_len, &disk, sizeof disk);
	return r ? r : 1;
}

/* What is left of a strip stays in use until the new one is there, unless there is no such segment: that would get statistics, and a mount trust them. */
static int strip_forget(struct check *ck, struct check_model *m, int strip)
{
	le32_t *segment = &m->disk.strip[strip].segment;
	uint64_t bytes;

	if (segment_size(ck->vol->segments, le32_get(*segment), &bytes, NULL) == 0)
		return 0;
	*segment = le32_put(0);
	return model_store(ck, m);
}

/* bad: the strip that has to be written again, -1 none. */
static int strips_check(struct check *ck, struct check_model *m, int bad)
{
	struct check_problem p = { .code = CHECK_MODEL_STRIP, .found = m->number, .expected = (uint64_t)(bad + 1) };
	uint8_t key[4];
	int r;

	if (m->whole) {
		r = bad >= 0 ? check_found(ck, &p) : 0;
		ck->mend_models |= r == 1 && ck->opt->repair;
		return r == 1 ? strip_forget(ck, m, bad) : r;
	}
	p.code = CHECK_MODEL_LOST;
	r = check_found(ck, &p);
	if (r != 1)
		return r;
	ck->models.n--; /* it is the last one */
	be32_put(key, m->number);
	return check_del(ck, TABLE_MODEL, key, sizeof key);
}

static int model_check(void *arg, const struct index_record *rec)
{
	struct check *ck = arg;
	struct index_record made;
	struct check_model *m;
	struct model_info info;
	struct model_disk d;
	uint8_t *strips;
	int r, bad;

	if (models_info(rec, &info, &d)) {
		r = record_mend(ck, rec, &made);
		if (r != 1 || models_info(&made, &info, &d))
			return r < 0 ? r : 0;
	}
	ck->max_model = info.number;
	m = check_array_add(&ck->models, sizeof *m, ck->models.n);
	strips = m ? strips_new(info.bytes) : NULL;
	if (!strips)
		return -ENOMEM;
	m->number = info.number;
	m->disk = d;
	r = models_read(ck->vol, &info, &d, strips, &bad);
	free(strips);
	m->whole = r == 0;
	return r == 0 || r == -EUCLEAN ? strips_check(ck, m, bad) : r;
}

/* The newest active model of a kind stays so. */
static int active_check(struct check *ck)
{
	struct check_model *list = ck->models.items;
	bool active[MODELS_KINDS] = { false };

	for (size_t i = ck->models.n; i-- > 0;) {
		struct check_problem p = { .code = CHECK_MODEL_ACTIVE, .found = list[i].number };
		bool wrong = list[i].disk.state > 2 || (list[i].disk.state == 1 && active[list[i].disk.kind]);
		int r;

		active[list[i].disk.kind] |= list[i].disk.state == 1;
		if (!wrong)
			continue;
		r = check_found(ck, &p);
		if (r == 1) {
			list[i].disk.state = 2;
			r = model_store(ck, &list[i]);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int check_models(struct check *ck)
{
	int r = scan_table(ck->vol, TABLE_MODEL, model_check, ck);

	return r ? r : active_check(ck);
}
