/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work that is too large for one operation and must be finished after a crash: a record in the to-do table
 * that goes when the work is done.
 */
#ifndef FIRN_FS_TODO_H
#define FIRN_FS_TODO_H

#include "fs/volume/volume.h"

/*
 * Inside the operation that begins the work: chunks from `from` on of an inode are to be unmapped. *id names
 * the record.
 */
int todo_put(struct index_op *op, struct volume *vol, uint64_t ino, uint32_t from, uint64_t *id);
/* Inside the operation that ends it. */
int todo_del(struct index_op *op, uint64_t id);

/* At open, before anything else changes: finishes what an earlier mount left. */
int todo_recover(struct volume *vol);

#endif
