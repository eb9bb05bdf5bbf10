/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of a mounted volume as text, in the exposition format of Prometheus.
 */
#ifndef FIRN_FS_METRICS_TEXT_H
#define FIRN_FS_METRICS_TEXT_H

#include <stdio.h>

#include "fs/volume/volume.h"

/* 0, or -EIO when the stream could not take it. */
int metrics_text(struct volume *vol, FILE *out);

#endif
