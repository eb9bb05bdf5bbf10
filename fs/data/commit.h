/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commit thread: makes the volume durable every few seconds, when asked and when much is pending; all who
 * ask at once share one commit.
 */
#ifndef FIRN_FS_COMMIT_H
#define FIRN_FS_COMMIT_H

#include "fs/volume/volume.h"

int committer_create(struct volume *vol); /* sets vol->committer; no thread when the volume is read-only */
void committer_destroy(struct volume *vol); /* without a last commit */

/*
 * Makes everything done before the call durable: flush dirty data, freeze, sync segments, commit. Concurrent
 * callers share one commit. Returns the error of the commit that covered the caller; the data stays and is
 * tried again by the next.
 */
int volume_commit(struct volume *vol);

/* Wakes the commit thread without waiting (memory pressure). */
void volume_commit_kick(struct volume *vol);

/*
 * Makes durable what is in the index: all names and attributes, and of the files' data what has been flushed.
 * For an fsync, which has flushed its own file: the others' data need not wait with it. But a file that was
 * emptied and written anew is flushed, so that no commit has it empty.
 */
int commit_join(struct volume *vol);

/*
 * The counters of a fresh store, and those of an open one as the commit hook writes them. Inside an
 * operation.
 */
int commit_store_counters(struct index_op *op, const struct counters_disk *disk);

#endif
