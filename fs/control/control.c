/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands of fs/control/control.h do.
 */
#include "fs/control/control.h"
#include "fs/control/control_train.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/control/metrics_read.h"
#include "fs/data/commit.h"
#include "fs/data/damage.h"

static int run_hello(struct volume *vol, uint64_t node, void *command)
{
	struct control_hello *hello = command;
	struct stat st;

	(void)node;
	if (fstat(vol->dirfd, &st) < 0)
		return -errno;
	hello->store_dev = st.st_dev;
	hello->store_ino = st.st_ino;
	hello->readonly = vol->readonly;
	snprintf(hello->release, sizeof hello->release, "%s", PACKAGE_VERSION);
	return 0;
}

int control_stat_fill(struct volume *vol, struct control_stat *c)
{
	struct tier_policy policy;
	int rc = tier_root(vol, &policy);

	memcpy(c->label, vol->super.label, sizeof c->label);
	c->chunk_size = vol->super.chunk_size;
	c->policy[0] = '\0';
	if (rc == 0 && (policy.goal != TIER_GOAL_AUTO || policy.aged || policy.level))
		tier_format(&policy, c->policy);
	return rc < 0 ? rc : store_stat(vol, &c->stat);
}

static int run_stat(struct volume *vol, uint64_t node, void *command)
{
	struct control_stat *c = command;

	(void)node;
	return control_stat_fill(vol, c);
}

static int run_stat_by(struct volume *vol, uint64_t node, void *command)
{
	struct control_stat_by *c = command;

	return c->by < STAT_BY_COUNT ? stat_by(vol, (enum stat_by)c->by, node, c->rows, &c->n) : -EINVAL;
}

static int run_metrics(struct volume *vol, uint64_t node, void *command)
{
	struct control_metrics *c = command;

	(void)node;
	metrics_read(vol, &c->metrics);
	return 0;
}

static int run_commit(struct volume *vol, uint64_t node, void *command)
{
	(void)node;
	(void)command;
	return vol->readonly ? -EROFS : volume_commit(vol);
}

static int run_compact(struct volume *vol, uint64_t node, void *command)
{
	struct control_compact *c = command;
	uint64_t number;
	int rc = 0;

	(void)node;
	if (!vol->compactor)
		return -EROFS;
	switch (c->action) {
	case CONTROL_COMPACT_STATUS:
		break;
	case CONTROL_COMPACT_START:
		rc = compactor_start(vol->compactor, &c->asked, &number);
		break;
	case CONTROL_COMPACT_PAUSE:
		compactor_pause(vol->compactor);
		break;
	case CONTROL_COMPACT_RESUME:
		compactor_resume(vol->compactor);
		break;
	case CONTROL_COMPACT_STOP:
		compactor_stop(vol->compactor);
		break;
	default:
		return -EINVAL;
	}
	compactor_status(vol->compactor, &c->status);
	return rc;
}

static int run_models(struct volume *vol, uint64_t node, void *command)
{
	struct control_models *c = command;
	struct model_info *list;
	uint32_t from = c->from;
	size_t n;
	int rc = models_list(vol, &list, &n);

	(void)node;
	c->from = c->count = 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (list[i].number < from)
			continue;
		if (c->count == CONTROL_MODELS_MAX) {
			c->from = list[i].number;
			break;
		}
		(void)models_describe(vol, &list[i]); /* one that is damaged is listed without */
		c->list[c->count++] = list[i];
	}
	if (rc == 0)
		free(list);
	return rc;
}

static int run_scrub(struct volume *vol, uint64_t node, void *command)
{
	struct control_scrub *c = command;
	uint64_t bytes = c->bytes < CONTROL_SCRUB_BYTES ? c->bytes : CONTROL_SCRUB_BYTES;

	(void)node;
	return scrub_step(vol, bytes, c->restart, &c->progress);
}

/* Files before `from` were in an earlier page; with the first that does not fit this page ends. */
static int damaged_add(void *arg, uint64_t ino, const char *path)
{
	struct control_damaged *c = arg;
	char number[24];
	size_t len;

	if (ino < c->from)
		return 0;
	snprintf(number, sizeof number, "#%" PRIu64, ino);
	path = path[0] ? path : number;
	len = strlen(path) + 1;
	if (len > sizeof c->paths - c->len) {
		c->from = ino;
		return 1;
	}
	memcpy(c->paths + c->len, path, len);
	c->len += (uint32_t)len;
	c->count++;
	return 0;
}

static int run_damaged(struct volume *vol, uint64_t node, void *command)
{
	struct control_damaged *c = command;
	int rc;

	(void)node;
	c->count = c->len = 0;
	rc = damage_list(vol, damaged_add, c);
	if (rc == 0)
		c->from = 0;
	return rc < 0 ? rc : 0;
}

static const struct {
	unsigned command;
	int (*run)(struct volume *vol, uint64_t node, void *command);
} commands[] = {
	{CONTROL_HELLO, run_hello},     {CONTROL_STAT, run_stat},     {CONTROL_COMMIT, run_commit},
	{CONTROL_COMPACT, run_compact}, {CONTROL_MODELS, run_models},
	{CONTROL_STAT_BY, run_stat_by}, {CONTROL_SCRUB, run_scrub},   {CONTROL_DAMAGED, run_damaged},
	{CONTROL_METRICS, run_metrics}, {CONTROL_MODEL_RM, control_model_rm}, {CONTROL_EXTENTS, control_extents},
	{CONTROL_READ, control_read},   {CONTROL_MODEL_ADD, control_model_add},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static_assert(sizeof(struct control_stat) <= CONTROL_SIZE_MAX, "control_stat");
static_assert(sizeof(struct control_stat_by) <= CONTROL_SIZE_MAX, "control_stat_by");
static_assert(sizeof(struct control_extents) <= CONTROL_SIZE_MAX, "control_extents");
static_assert(sizeof(struct control_read) <= CONTROL_SIZE_MAX, "control_read");
static_assert(sizeof(struct control_model_add) <= CONTROL_SIZE_MAX, "control_model_add");
static_assert(sizeof(struct control_compact) <= CONTROL_SIZE_MAX, "control_compact");
static_assert(sizeof(struct control_damaged) <= CONTROL_SIZE_MAX, "control_damaged");
static_assert(sizeof(struct control_metrics) <= CONTROL_SIZE_MAX, "control_metrics");
static_assert(sizeof(struct control_models) <= CONTROL_SIZE_MAX, "control_models");

int control_run(struct volume *vol, uint64_t node, unsigned command, const void *in, size_t len, void *reply)
{
	struct control_header *header = reply;
	size_t i = 0;
	int rc;

	while (i < COMMANDS && commands[i].command != command)
		i++;
	if (i == COMMANDS)
		return -ENOTTY;
	if (len != _IOC_SIZE(command))
		return -EINVAL;
	memcpy(reply, in, len);
	if (header->magic != CONTROL_MAGIC || header->size != len || header->reserved != 0)
		return -EINVAL;
	if (header->version != CONTROL_VERSION)
		return -EPROTONOSUPPORT;
	rc = commands[i].run(vol, node, reply);
	header->pid = (uint32_t)getpid();
	return rc;
}
