/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files with damage: asked of the open store, or page by page of the daemon.
 */
#include "tools/damaged.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/data/damage.h"

struct telling {
	void (*fn)(void *arg, const char *path);
	void *arg;
};

static int tell(void *arg, uint64_t ino, const char *path)
{
	const struct telling *l = arg;
	char number[24];

	snprintf(number, sizeof number, "#%" PRIu64, ino);
	l->fn(l->arg, path[0] ? path : number);
	return 0;
}

int damaged_files(const struct target *t, void (*fn)(void *arg, const char *path), void *arg)
{
	struct control_damaged c = {.from = 0};
	struct telling l = {fn, arg};
	int rc;

	if (t->vol)
		return damage_list(t->vol, tell, &l);
	do {
		const char *p = c.paths;

		rc = target_control(t, CONTROL_DAMAGED, &c);
		if (rc)
			return rc;
		c.paths[sizeof c.paths - 1] = '\0';
		for (uint32_t i = 0; i < c.count && p < c.paths + sizeof c.paths; i++, p += strlen(p) + 1)
			fn(arg, p);
	} while (c.from);
	return 0;
}
