/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POSIX ACLs between the form of the kernel, which a store keeps, and that of an archive's entry.
 */
#ifndef FIRN_TOOLS_TAR_ACL_H
#define FIRN_TOOLS_TAR_ACL_H

#include <stddef.h>
#include <stdint.h>

#include "fs/names/acl.h"

struct archive_entry;

/* name: ACL_ACCESS or ACL_DEFAULT. -EINVAL: malformed. */
int tar_acl_put(struct archive_entry *entry, const char *name, const uint8_t *value, size_t len);

/* The length of the value, 0 when the entry has none; -ESRCH: names a user or group that is not known here; -E2BIG; -EINVAL. */
int tar_acl_get(struct archive_entry *entry, const char *name, uint8_t value[ACL_MAX]);

#endif
