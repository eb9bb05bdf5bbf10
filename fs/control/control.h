/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control of a mounted store: the commands that its daemon takes, as ioctl(2) on any directory of the mount.
 *
 * Each command is a struct of fixed size that goes in and comes back, its size part of the command's number. It begins with a
 * header that the caller fills in with control_header and the daemon checks. A change of a struct gives the command another number, and a change
 * of meaning raises CONTROL_VERSION: a daemon never misreads a client of another version. What a command has not used is zero both ways.
 *
 * Errors: ENOTTY no such command here (no firn mount, or a daemon of another version), EPROTONOSUPPORT another version, EINVAL
 * bad header or value, EPERM neither the mounting user nor root, EROFS mounted read-only, and those of the command.
 * Long work is started, and asked for with a status: no command waits longer than a commit or a walk of the index takes.
 */
#ifndef FIRN_FS_CONTROL_H
#define FIRN_FS_CONTROL_H

#include <linux/ioctl.h>

#include "fs/check/scrub.h"
#include "fs/control/metrics_read.h"
#include "fs/control/stat.h"
#include "fs/control/stat_by.h"
#include "fs/names/tier.h"
#include "fs/tiers/compactor.h"
#include "fs/tiers/models_upload.h"
#include "fs/tiers/sample.h"
#include "index/super.h"

#define CONTROL_MAGIC 0x4e524946u
#define CONTROL_VERSION 1

struct control_header {
	uint32_t magic;
	uint16_t version;
	uint16_t reserved;
	uint32_t size; /* of the whole struct */
	uint32_t pid;  /* reply: the daemon's */
};

/* Who serves this mount. Its struct never changes. */
struct control_hello {
	struct control_header header;
	uint64_t store_dev, store_ino; /* of the store's directory, as stat(2) tells them to the daemon */
	uint32_t readonly;
	uint32_t reserved[3];
	char release[32];              /* the daemon's version of firn */
};

struct control_stat {
	struct control_header header;
	char label[LABEL_MAX + 1];
	uint32_t chunk_size;
	char policy[TIER_TEXT_MAX]; /* of the root directory, "" none */
	struct store_stat stat;
};

/* Rows of the directory that the command is sent to. */
struct control_stat_by {
	struct control_header header;
	uint32_t by; /* enum stat_by */
	uint32_t n;
	struct stat_row rows[STAT_ROWS_MAX];
};

/* Makes everything written before durable. */
struct control_commit {
	struct control_header header;
};

enum control_compact_action {
	CONTROL_COMPACT_STATUS,
	CONTROL_COMPACT_START,  /* `asked` tells what; EBUSY while another one that was asked for runs */
	CONTROL_COMPACT_PAUSE,
	CONTROL_COMPACT_RESUME,
	CONTROL_COMPACT_STOP,   /* ends the run; the daemon starts none by itself until resumed */
};
struct control_compact {
	struct control_header header;
	uint32_t action; /* enum control_compact_action */
	uint32_t reserved;
	struct compactor_request asked;
	struct compactor_status status; /* reply: after the action */
};

/* Models by ascending number, a page at a time: `from` is the number to go on at, in the reply of the next page, 0 when there is none. */
#define CONTROL_MODELS_MAX 64
struct control_models {
	struct control_header header;
	uint32_t from, count;
	struct model_info list[CONTROL_MODELS_MAX];
};

/* One step of fs/check/scrub.h, of up to CONTROL_SCRUB_BYTES: who scrubs asks for one after the other. */#define CONTROL_MODEL_RM _IOWR(CONTROL_TYPE, 11, struct control_model_rm)
#define CONTROL_METRICS _IOWR(CONTROL_TYPE, 10, struct control_metrics)

#define CONTROL_SCRUB_BYTES (4u << 20)
struct control_scrub {
	struct control_header header;
	uint64_t bytes;
	uint32_t restart;
	uint32_t reserved;
	struct scrub_progress progress; /* reply */
};

/*
 * Files with damaged chunks, by ascending inode, a page at a time: `from` is the inode to go on at, in the reply of the next page, 0 when there
 * is none. paths: `count` paths from the root of the mount, each ended by a NUL; "#INODE" for one without a name.
 */
struct control_damaged {
	struct control_header header;
	uint64_t from;
	uint32_t count, len;
	char paths[12288];
};

/*
 * The extents of which a training sample is drawn, ascending ids, a page at a time: `from` is the id to go on at, in the reply of the next page, 0 when
 * there is none. A page may be empty.
 */
#define CONTROL_EXTENTS_MAX 640
struct control_extents {
	struct control_header header;
	uint64_t from;
	uint32_t chunk_size; /* reply */
	uint32_t count;
	struct sample_extent list[CONTROL_EXTENTS_MAX];
};

/* Plain bytes of one of them, from `offset` on: `len` of them, as many as there are. Reading so is no reason to keep it hot. */
#define CONTROL_READ_MAX 15360
struct control_read {
	struct control_header header;
	uint64_t id;
	uint32_t offset, len;
	uint8_t bytes[CONTROL_READ_MAX];
};

/* A model, piece by piece (fs/tiers/models_upload.h); with the last piece it is adopted and durable. */
struct control_model_add {
	struct control_header header;
	struct models_piece piece;
};

/* Removes a model that nothing refers to: EBUSY when something does; EAGAIN: something might soon, for a compaction is under way. */
struct control_model_rm {
	struct control_header header;
	uint32_t number;
	uint32_t reserved;
};

/* What the daemon counted since it was mounted, and how things stand. */
struct control_metrics {
	struct control_header header;
	struct metrics_snapshot metrics; /* reply */
};

#define CONTROL_TYPE 0xf1
#define CONTROL_HELLO _IOWR(CONTROL_TYPE, 1, struct control_hello)
#define CONTROL_STAT _IOWR(CONTROL_TYPE, 2, struct control_stat)
#define CONTROL_COMMIT _IOWR(CONTROL_TYPE, 3, struct control_commit)
#define CONTROL_COMPACT _IOWR(CONTROL_TYPE, 4, struct control_compact)
#define CONTROL_STAT_BY _IOWR(CONTROL_TYPE, 6, struct control_stat_by)
#define CONTROL_MODELS _IOWR(CONTROL_TYPE, 5, struct control_models)
#define CONTROL_EXTENTS _IOWR(CONTROL_TYPE, 7, struct control_extents)
#define CONTROL_READ _IOWR(CONTROL_TYPE, 8, struct control_read)
#define CONTROL_MODEL_ADD _IOWR(CONTROL_TYPE, 9, struct control_model_add)

#define CONTROL_SCRUB _IOWR(CONTROL_TYPE, 16, struct control_scrub)
#define CONTROL_DAMAGED _IOWR(CONTROL_TYPE, 17, struct control_damaged)

/* Size of the largest command: what a handler needs as buffer. */
#define CONTROL_SIZE_MAX 16383u

static inline struct control_header control_header(unsigned command)
{
	return (struct control_header){.magic = CONTROL_MAGIC, .version = CONTROL_VERSION, .size = _IOC_SIZE(command)};
}

/* What CONTROL_STAT replies, also of a volume that is not mounted. */
int control_stat_fill(struct volume *vol, struct control_stat *c);

/*
 * Does what a command says, on behalf of someone who may. node: the inode that it was sent to. in: len bytes as they came. reply: room for
 * len bytes, filled when 0 is returned.
 */
int control_run(struct volume *vol, uint64_t node, unsigned command, const void *in, size_t len, void *reply);

#endif
