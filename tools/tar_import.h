/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive put into a store.
 */
#ifndef FIRN_TOOLS_TAR_IMPORT_H
#define FIRN_TOOLS_TAR_IMPORT_H

#include "fs/volume/volume.h"
#include "tools/tar_report.h"

/*
 * Reads a tar archive of any dialect, compressed or not, from a descriptor, and puts its entries below the directory dir of a store. Entries that cannot be taken are told and
 * counted, and the end of an archive that is cut off or damaged, too; what came before stays. -errno when the store takes nothing more, or
 * there is no such directory; -EINTR when the report stopped it.
 */
int tar_import(struct volume *vol, int fd, const char *dir, const struct tar_report *report, struct tar_counts *counts);

#endif
