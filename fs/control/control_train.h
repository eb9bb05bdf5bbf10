/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of fs/control/control.h with which a training outside the daemon gets its sample and hands in its models.
 */
#ifndef FIRN_FS_CONTROL_TRAIN_H
#define FIRN_FS_CONTROL_TRAIN_H

#include "fs/control/control.h"

int control_extents(struct volume *vol, uint64_t node, void *command);
int control_read(struct volume *vol, uint64_t node, void *command);
int control_model_rm(struct volume *vol, uint64_t node, void *command);
int control_model_add(struct volume *vol, uint64_t node, void *command);

#endif
