/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A database: the real SQLite on the volume, with a rollback journal (deleted, truncated or overwritten at its end) or a write-ahead log. After a
 * crash it must open, be sound, and hold all transactions up to one, among them each that was acknowledged.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/data/commit.h"
#include "fs/store/volume_open.h"
#include "fs/tiers/compact.h"
#include "tests/crash/flows.h"
#include "tests/crash/record.h"
#include "tests/crash/replay.h"
#include "tests/crash/sqlite_vfs.h"

#define TRANSACTIONS 10
#define TABLES_THERE 1000u /* acknowledged; transactions are counted from here */

static bool run(sqlite3 *db, const char *sql, char problem[256])
{
	char *text = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &text) == SQLITE_OK)
		return true;
	snprintf(problem, 256, "%.60s: %.180s", sql, text ? text : "?");
	sqlite3_free(text);
	return false;
}

static void must(sqlite3 *db, const char *sql)
{
	char problem[256];

	if (run(db, sql, problem))
		return;
	fprintf(stderr, "sqlite: %s\n", problem);
	abort();
}

static sqlite3 *database(struct volume *vol, const char *journal)
{
	char sql[64];
	sqlite3 *db;

	sqlite_vfs_use(vol);
	if (sqlite3_open_v2("db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "firn"))
		abort();
	must(db, "PRAGMA locking_mode=EXCLUSIVE");
	must(db, "PRAGMA temp_store=MEMORY");
	must(db, "PRAGMA synchronous=FULL");
	must(db, "PRAGMA cache_size=5"); /* pages go to the file before the end of a transaction */
	if (journal) {
		snprintf(sql, sizeof sql, "PRAGMA journal_mode=%s", journal);
		must(db, sql);
	}
	return db;
}

/* Row i of three tables, and an update that touches all earlier ones; every third is larger than the cache. */
static void transaction(sqlite3 *db, int i)
{
	char sql[200];

	must(db, "BEGIN");
	snprintf(sql, sizeof sql, "INSERT INTO t VALUES(%d, hex(zeroblob(%d)))", i, i % 3 ? 100 : 9000);
	must(db, sql);
	snprintf(sql, sizeof sql, "INSERT INTO u VALUES(%d, 'number %d')", i, i);
	must(db, sql);
	snprintf(sql, sizeof sql, "UPDATE sums SET n = n + 1, total = total + %d", i);
	must(db, sql);
	must(db, "COMMIT");
	record_mark(LOG_ACK, TABLES_THERE + (uint64_t)i);
}

static void pack(struct work *w)
{
	struct compact_options opt;
	struct compact_result result;

	compact_options_init(&opt);
	opt.tier = TIER_WARM;
	opt.now = true;
	opt.threads = 1;
	if (compact_run(w->vol, &opt, &result))
		abort();
}

void sqlite_run(struct work *w, uint64_t log)
{
	static const char *const journals[] = { "DELETE", "WAL", "TRUNCATE", "PERSIST", "WAL" };
	sqlite3 *db;

	w->random = log;
	work_open(w);
	db = database(w->vol, journals[log % 5]);
	must(db, "CREATE TABLE t(i INTEGER PRIMARY KEY, x TEXT)");
	must(db, "CREATE TABLE u(i INTEGER, name TEXT UNIQUE)");
	must(db, "CREATE TABLE sums(n INTEGER, total INTEGER)");
	must(db, "INSERT INTO sums VALUES(0, 0)");
	record_mark(LOG_ACK, TABLES_THERE);
	for (int i = 1; i <= TRANSACTIONS; i++) {
		transaction(db, i);
		if (replay_random(&w->random) % 5 == 0 && volume_commit(w->vol)) /* the timer */
			abort();
		if (i == 5 && log % 2)
			pack(w);
		if (i == 7)
			must(db, "PRAGMA wal_checkpoint(TRUNCATE)"); /* nothing to a journal */
	}
	must(db, "DELETE FROM u WHERE i > 100; VACUUM");
	sqlite3_close(db);
	if (volume_close(w->vol))
		abort();
	w->vol = NULL;
}

/* The first column of the only row, -1 when there is none. */
static long long number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;
	long long n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL))
		return -1;
	if (sqlite3_step(s) == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

static bool database_good(sqlite3 *db, uint64_t acked, char problem[256])
{
	long long n = number(db, "SELECT count(*) FROM t"), least = acked < TABLES_THERE ? 0 : (long long)(acked - TABLES_THERE);
	bool sound = number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1;

	if (sound && acked < TABLES_THERE && number(db, "SELECT count(*) FROM sums") < 1)
		return true; /* the last table, or its row, is not there yet */
	if (sound && n >= least && n == number(db, "SELECT coalesce(max(i), 0) FROM t") &&
	    n == number(db, "SELECT n FROM sums") && n * (n + 1) / 2 == number(db, "SELECT total FROM sums") &&
	    n == number(db, "SELECT count(*) FROM u WHERE name = 'number ' || i") &&
	    n == number(db, "SELECT count(*) FROM t WHERE length(x) = CASE WHEN i % 3 THEN 200 ELSE 18000 END"))
		return true;
	snprintf(problem, 256, "sound: %d, %lld transactions, %lld acknowledged, sums %lld %lld (%s)", sound, n, least,
		 number(db, "SELECT n FROM sums"), number(db, "SELECT total FROM sums"), sqlite3_errmsg(db));
	return false;
}

bool sqlite_oracle(struct volume *vol, uint64_t acked, char problem[256])
{
	sqlite3 *db = database(vol, NULL);
	bool good = database_good(db, acked, problem);

	sqlite3_close(db);
	return good;
}
