/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Training on a target, mounted or not: where its sample comes from, and where its models go.
 */
#ifndef FIRN_TOOLS_TRAIN_TARGET_H
#define FIRN_TOOLS_TRAIN_TARGET_H

#include "tools/target.h"

/* Lives as long as the target. */
struct sample_source train_source(struct target *t);

/* The model becomes the active one of its kind, and is durable when this returns. */
int train_adopt(const struct target *t, enum model_kind kind, const void *bytes, size_t len);

#endif
