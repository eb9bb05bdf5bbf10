/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contents of a store as an archive: every name below some, in order, hard links by their first name.
 */
#ifndef FIRN_TOOLS_TAR_EXPORT_H
#define FIRN_TOOLS_TAR_EXPORT_H

#include "fs/volume/volume.h"
#include "tools/tar_report.h"

/*
 * Writes what lies below n names (0: all) of a store that nobody changes to a descriptor. What cannot be read is told and counted.
 * -errno when the archive could not be written to its end; -EINTR when the report stopped it.
 */
int tar_export(struct volume *vol, int fd, char *const *paths, int n, const struct tar_report *report,
	       struct tar_counts *counts);

#endif
