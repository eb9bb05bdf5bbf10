/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a store cannot be made or opened, in words. Each returns the error it was given or stands for.
 */
#ifndef FIRN_FS_VOLUME_ERROR_H
#define FIRN_FS_VOLUME_ERROR_H

#include "fs/store/volume_open.h"

int volume_fail(struct volume_error *err, int error, const char *text);

/* -EBUSY, naming who holds the lock of the store open as dirfd. */
int volume_fail_busy(struct volume_error *err, int dirfd);

/* -EPROTONOSUPPORT, naming the format version or the feature bits that are not known. */
int volume_fail_format(struct volume_error *err, const struct super *sb);

#endif
