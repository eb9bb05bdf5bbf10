/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workloads whose crashes are replayed.
 */
#ifndef FIRN_TESTS_CRASH_FLOWS_H
#define FIRN_TESTS_CRASH_FLOWS_H

#include "tests/crash/work.h"

struct flow {
	const char *name;
	/* Number of different logs; 0: without end. */
	uint64_t logs;
	unsigned share;      /* of all states, in percent */
	unsigned states;     /* of one log, about: so many logs are recorded */
	bool unborn;         /* no store is made before */
	/* Makes the store (unless unborn), ready to be recorded; false: that alone showed a violation, which it printed. */
	bool (*prepare)(struct work *w, uint64_t log);
	/* Recorded: from opening to closing. */
	void (*run)(struct work *w, uint64_t log);
	bool (*oracle)(struct volume *vol, uint64_t acked, char problem[256]);
	bool (*mend)(const char *dir, char problem[256]); /* what is done to a state before it is opened */
};

extern const struct flow flows[];
extern const size_t flows_count;

/* ace.c */
bool ace_prepare(struct work *w, uint64_t log);
void ace_run(struct work *w, uint64_t log);
extern const uint64_t ace_logs;
void ace_operation(struct work *w, unsigned which);
extern const unsigned ace_operations;

/* flows_random.c */
bool random_prepare(struct work *w, uint64_t log);
void random_run(struct work *w, uint64_t log);
void save_run(struct work *w, uint64_t log);
void full_run(struct work *w, uint64_t log);
bool full_oracle(struct volume *vol, uint64_t acked, char problem[256]);

/* flows_busy.c */
void busy_run(struct work *w, uint64_t log);
bool busy_oracle(struct volume *vol, uint64_t acked, char problem[256]);

/* flows_compact.c */
bool compact_prepare(struct work *w, uint64_t log);
void compact_flow_run(struct work *w, uint64_t log);
size_t model_dictionary(uint8_t *dict, size_t cap, uint64_t seed); /* trained; its length */
void model_run(struct work *w, uint64_t log);
bool model_oracle(struct volume *vol, uint64_t acked, char problem[256]);

void upload_run(struct work *w, uint64_t log);
bool upload_oracle(struct volume *vol, uint64_t acked, char problem[256]);
void index_run(struct work *w, uint64_t log);

/* flows_untar.c */
void untar_run(struct work *w, uint64_t log);
bool untar_oracle(struct volume *vol, uint64_t acked, char problem[256]);

/* flows_sqlite.c */
void sqlite_run(struct work *w, uint64_t log);
bool sqlite_oracle(struct volume *vol, uint64_t acked, char problem[256]);

/* flows_disk.c; its oracle is versions_oracle */
void disk_run(struct work *w, uint64_t log);

/* flows_live.c */
bool live_prepare(struct work *w, uint64_t log);
void live_run(struct work *w, uint64_t log);
bool live_oracle(struct volume *vol, uint64_t acked, char problem[256]);

/* flows_repair.c */
bool repair_prepare(struct work *w, uint64_t log);
void repair_run(struct work *w, uint64_t log);
bool repair_oracle(struct volume *vol, uint64_t acked, char problem[256]);
bool repair_mend(const char *dir, char problem[256]);

/* flows_whole.c */
bool import_prepare(struct work *w, uint64_t log);
void import_run(struct work *w, uint64_t log);
bool recover_prepare(struct work *w, uint64_t log);
void recover_run(struct work *w, uint64_t log);

#endif
