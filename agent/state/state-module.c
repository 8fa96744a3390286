/* SPDX-License-Identifier: MIT */
/* state-module: one table in SQLite. The only file that knows SQLite. A file is one owner's. */
#include "agent/state/state-module.h"

#include "agent/base/limits.h"

#include <sqlite3.h>
#include <string.h>

struct StateStore {
	sqlite3 *db;
};

/* A write-ahead log costs one flush a transaction; every commit is on the disk when it returns. */
static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=FULL;"
	"CREATE TABLE IF NOT EXISTS item (kind INTEGER NOT NULL, key TEXT NOT NULL, value BLOB, "
	"until INTEGER NOT NULL,"
	" PRIMARY KEY (kind, key)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS item_until ON item (until);";

static StateOutcome
fault(StateStore *store, int rc, char **ret_why)
{
	*ret_why = g_strdup(store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc));
	int base = rc & 0xff;
	return base == SQLITE_CORRUPT || base == SQLITE_NOTADB ? STATE_DAMAGED : STATE_FAULT;
}

static void
store_close(StateStore *store, bool is_ours)
{
	(void) is_ours; /* it is never kept */
	sqlite3_close(store->db);
	g_free(store);
}

static StateOutcome
store_open(const StateTarget *target, StateStore **ret_store, char **ret_why)
{
	StateStore *store = g_new0(StateStore, 1);
	int rc = sqlite3_open_v2(target->where, &store->db,
	                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
	                         NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(store->db, (int) LIMIT_STATE_WAIT_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		*ret_store = store;
		return STATE_OK;
	}

	StateOutcome outcome = fault(store, rc, ret_why);
	store_close(store, true);
	return outcome;
}

static int
bind_key(sqlite3_stmt *stmt, StateKind kind, const char *key)
{
	int rc = sqlite3_bind_int(stmt, 1, (int) kind);
	return rc != SQLITE_OK ? rc : sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
}

static int
read_value(sqlite3_stmt *stmt, char **ret_value, size_t *ret_len)
{
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? SQLITE_OK : rc;

	size_t len = (size_t) sqlite3_column_bytes(stmt, 0);
	char *value = g_malloc(len + 1);
	if (len > 0)
		memcpy(value, sqlite3_column_blob(stmt, 0), len);
	value[len] = '\0';
	*ret_value = value;
	*ret_len = len;

	return SQLITE_OK;
}

static StateOutcome
store_get(StateStore *store, const char *owner, StateKind kind, const char *key, gint64 now,
          char **ret_value, size_t *ret_len, char **ret_why)
{
	(void) owner;
	sqlite3_stmt *stmt = NULL;
	char *value = NULL;
	size_t len = 0;
	int rc = sqlite3_prepare_v2(store->db,
	                            "SELECT value FROM item WHERE kind=?1 AND key=?2 AND until>?3",
	                            -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = bind_key(stmt, kind, key);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 3, now);
	if (rc == SQLITE_OK)
		rc = read_value(stmt, &value, &len);

	StateOutcome outcome = rc == SQLITE_OK ? STATE_OK : fault(store, rc, ret_why);
	(void) sqlite3_finalize(stmt);
	if (outcome != STATE_OK)
		return outcome;

	*ret_value = value;
	*ret_len = len;
	return STATE_OK;
}

static int
put_one(sqlite3_stmt *stmt, const StateItem *item)
{
	int rc = bind_key(stmt, item->kind, item->key);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob64(stmt, 3, item->value != NULL ? item->value : "", item->len,
		                         SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 4, item->until);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	(void) sqlite3_reset(stmt);

	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
put_all(StateStore *store, const StateItem *items, size_t n)
{
	static const char sql[] =
		"INSERT INTO item (kind, key, value, until) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT DO UPDATE SET value=excluded.value, until=excluded.until";
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

	for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
		rc = put_one(stmt, &items[i]);
	(void) sqlite3_finalize(stmt);
	return rc;
}

/* End the transaction: all of it, or nothing. */
static StateOutcome
finish(StateStore *store, int rc, char **ret_why)
{
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
	StateOutcome outcome = rc == SQLITE_OK ? STATE_OK : fault(store, rc, ret_why);
	if (rc != SQLITE_OK)
		(void) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);

	return outcome;
}

static StateOutcome
store_put(StateStore *store, const char *owner, const StateItem *items, size_t n, gint64 now,
          char **ret_why)
{
	(void) owner, (void) now;
	int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	return finish(store, rc == SQLITE_OK ? put_all(store, items, n) : rc, ret_why);
}

static int
add_to_counter(StateStore *store, const char *key, gint64 by, gint64 until, gint64 now,
               gint64 *total)
{
	g_autofree char *value = NULL, *why = NULL;
	size_t len;
	if (store_get(store, NULL, STATE_COUNTER, key, now, &value, &len, &why) != STATE_OK)
		return sqlite3_errcode(store->db);

	/* less than nothing, and what nobody can have counted to, is damage */
	*total = value != NULL ? CLAMP(g_ascii_strtoll(value, NULL, 10), 0, G_MAXINT64 / 2) : 0;
	if (by == 0)
		return SQLITE_OK;

	*total += by;
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, *total);
	return put_all(store, &(StateItem){ STATE_COUNTER, key, text, strlen(text), until }, 1);
}

static StateOutcome
store_count(StateStore *store, const char *owner, const char *key, gint64 by, gint64 until,
            gint64 now, gint64 *ret_total, char **ret_why)
{
	(void) owner;
	gint64 total = 0;
	int rc = sqlite3_exec(store->db, by != 0 ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL);
	StateOutcome outcome = finish(
		store, rc == SQLITE_OK ? add_to_counter(store, key, by, until, now, &total) : rc,
		ret_why);

	if (outcome == STATE_OK)
		*ret_total = total;
	return outcome;
}

/* Is there another one that has not ended? */
static int
find_other(StateStore *store, const StateItem *item, gint64 now, bool *ret_found)
{
	g_autofree char *value = NULL, *why = NULL;
	size_t len = 0;
	if (store_get(store, NULL, item->kind, item->key, now, &value, &len, &why) != STATE_OK)
		return sqlite3_errcode(store->db);

	bool is_same = value != NULL && len == item->len &&
	               (len == 0 || memcmp(value, item->value, len) == 0);
	*ret_found = value != NULL && !is_same;
	return SQLITE_OK;
}

static StateOutcome
store_take(StateStore *store, const char *owner, const StateItem *item, gint64 now, bool *ret_taken,
           char **ret_why)
{
	(void) owner;
	bool has_other = false;
	int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = find_other(store, item, now, &has_other);
	if (rc == SQLITE_OK && !has_other)
		rc = put_all(store, item, 1);
	StateOutcome outcome = finish(store, rc, ret_why);
	if (outcome == STATE_OK)
		*ret_taken = !has_other;

	return outcome;
}

static StateOutcome
store_drop(StateStore *store, const char *owner, const StateItem *item, char **ret_why)
{
	(void) owner;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db,
	                            "DELETE FROM item WHERE kind=?1 AND key=?2 AND value=?3", -1,
	                            &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = bind_key(stmt, item->kind, item->key);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob64(stmt, 3, item->value, item->len, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	StateOutcome outcome = rc == SQLITE_DONE ? STATE_OK : fault(store, rc, ret_why);
	(void) sqlite3_finalize(stmt);

	return outcome;
}

static StateOutcome
store_sweep(StateStore *store, gint64 now, char **ret_why)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, "DELETE FROM item WHERE until<=?1", -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 1, now);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	StateOutcome outcome = rc == SQLITE_DONE ? STATE_OK : fault(store, rc, ret_why);
	(void) sqlite3_finalize(stmt);

	return outcome;
}

const void *state_module(void);

const void *
state_module(void)
{
	static const StateModule module = {
		.version = STATE_MODULE_VERSION,
		.open = store_open,
		.close = store_close,
		.get = store_get,
		.put = store_put,
		.count = store_count,
		.take = store_take,
		.drop = store_drop,
		.sweep = store_sweep,
	};
	return &module;
}
