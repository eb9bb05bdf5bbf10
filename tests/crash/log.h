/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of a recorded workload: every change of the store's files in order, and between them what the workload was told.
 *
 * An entry is the struct below, then `bytes` bytes. The log begins with the store as it stood, all of it durable.
 */
#ifndef FIRN_TESTS_CRASH_LOG_H
#define FIRN_TESTS_CRASH_LOG_H

#include <stdint.h>

enum log_type {
	LOG_DIR = 1,  /* name: a directory that is there at the start                       */
	LOG_FILE,     /* name, file, bytes: a file that is there at the start               */
	LOG_MKDIR,    /* name                                                               */
	LOG_RMDIR,    /* name                                                               */
	LOG_CREATE,   /* name, file                                                         */
	LOG_UNLINK,   /* name                                                               */
	LOG_RENAME,   /* name, file, bytes: the new name, LOG_NAME long                      */
	LOG_WRITE,    /* file, offset, bytes                                                */
	LOG_DSYNC,    /* the same through a descriptor with O_DSYNC: durable when it is over */
	LOG_TRUNCATE, /* file, offset: the new length                                       */
	LOG_PUNCH,    /* file, offset, value: length                                        */
	LOG_SYNC,     /* file                                                               */
	LOG_SYNCDIR,  /* name                                                               */
	/* offset: 0 for the names, or the number of a regular file's inode; value: a hash of the tree without, or of the contents */
	LOG_MAYBE,    /* a crash may leave this from here on                                */
	LOG_DURABLE,  /* this was acknowledged as durable: nothing older may be found       */
	LOG_VAGUE,    /* a commit may have some of this file's unsynced changes, or none    */
	LOG_ANYTHING, /* value 1: commits of part of what is dirty may follow, any tree may be found; 0: no longer */
	LOG_ACK,      /* value: the workload's own count of what was acknowledged           */
	LOG_HERE,     /* crashes before this point are another log's business                */
	LOG_UNKNOWN,  /* name: a call that changes files and can't be replayed              */
};

#define LOG_NAME 48

struct log_entry {
	uint32_t type; /* enum log_type */
	int32_t file;  /* from 0; a file keeps its number when its name goes */
	uint64_t offset;
	uint64_t value;
	uint64_t bytes;
	char name[LOG_NAME]; /* below the store: "index.mdb", "seg/00000001.seg"; "" the store itself */
};

#endif
