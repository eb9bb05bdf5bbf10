/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How large a model a mount can pay for: minimum description length by rule of thumb.
 *
 * A model costs its stored bytes and saves some bits on every byte of the mount. Rows that do not pay are dropped when the model is
 * exported (train_net_export), so tables may be generous; width and dictionary follow the measurements of model/EXPERIMENTS.md. The
 * tool that trains weighs the real figures before it adopts a model.
 */
#include "model/train.h"

#include <errno.h>
#include <string.h>

#include "model/context.h"

struct step {
	uint64_t mount_bytes; /* from this size on */
	uint8_t rows_log2;
	uint32_t hidden, dict_len;
};

static const struct step steps[] = {
	{1u << 20, 11, 32, 0},
	{4u << 20, 12, 32, 256u << 10},
	{24u << 20, 12, 64, 1u << 20},
	{48u << 20, 13, 64, 1u << 20},
	{96u << 20, 13, 64, 2u << 20},
	{384u << 20, 13, 128, 4u << 20},
};

/* Rows that a context can use at all, where that is fewer than any table has. */
static unsigned shape_rows_max(enum context_id id)
{
	return id == CTX_O1 ? 9 : MODEL_ROWS_LOG2_MAX; /* hashed: some room avoids collisions */
}

int train_propose_shape(uint64_t mount_bytes, int level, struct model_shape *out)
{
	const struct step *s = NULL;

	memset(out, 0, sizeof(*out));
	if (level < 1 || level > 3)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (mount_bytes >= steps[i].mount_bytes)
			s = &steps[i];
	if (!s)
		return -ENODATA;
	/* the time of a byte grows with the width, and fast must keep its speed on any mount */
	out->hidden = level == 1 && s->hidden > 64 ? 64 : s->hidden;
	out->dict_len = s->dict_len;
	for (unsigned id = 0; id < CTX_IDS; id++) {
		unsigned max = shape_rows_max((enum context_id)id);

		if (id == CTX_DICT && s->dict_len == 0)
			continue;
		out->context_ids[out->contexts] = (uint8_t)id;
		out->rows_log2[out->contexts++] = (uint8_t)(s->rows_log2 < max ? s->rows_log2 : max);
	}
	return 0;
}
