/* SPDX-License-Identifier: MIT */
/*
 * state-postgresql-module: the state of all owners in one table of PostgreSQL. Each question is one
 * statement, so the server carries out all of it or nothing, and two hosts never see the middle of
 * it. All values are bound.
 */
#include "agent/state/state-module.h"

#include "agent/base/postgresql-wait.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct StateStore {
	PGconn *conn;
	gint64 timeout_us;
};

/* todoke-sites(7) has the same, for a site whose user may not create tables. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS todoke_state (owner text NOT NULL, kind smallint NOT NULL, "
	"key text NOT NULL, value bytea NOT NULL, number bigint NOT NULL DEFAULT 0, "
	"until bigint NOT NULL, PRIMARY KEY (owner, kind, key))";
static const char schema_index[] =
	"CREATE INDEX IF NOT EXISTS todoke_state_until ON todoke_state (until)";

#define SQLSTATE_NO_TABLE "42P01"
#define SQLSTATE_DENIED "42501"

/* A statement with its bound values. */
typedef struct {
	const char *sql;
	GPtrArray *values; /* const char *; borrowed */
	GArray *lengths;   /* int */
	GArray *forms;     /* int: 1 for octets */
	GPtrArray *texts;  /* char * that were made for it */
	bool as_octets;    /* of the answer */
} Question;

static void
question_init(Question *question, const char *sql)
{
	*question = (Question){
		.sql = sql,
		.values = g_ptr_array_new(),
		.lengths = g_array_new(FALSE, FALSE, sizeof(int)),
		.forms = g_array_new(FALSE, FALSE, sizeof(int)),
		.texts = g_ptr_array_new_with_free_func(g_free),
	};
}

static void
question_clear(Question *question)
{
	g_ptr_array_unref(question->values);
	g_array_unref(question->lengths);
	g_array_unref(question->forms);
	g_ptr_array_unref(question->texts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Question, question_clear)

static void
bind_octets(Question *question, const void *octets, size_t len, int form)
{
	int length = (int) len;
	g_ptr_array_add(question->values, (void *) (uintptr_t) (len > 0 ? octets : ""));
	g_array_append_val(question->lengths, length);
	g_array_append_val(question->forms, form);
}

static void
bind_text(Question *question, const char *text)
{
	bind_octets(question, text, strlen(text), 0);
}

static void
bind_number(Question *question, gint64 number)
{
	char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);
	g_ptr_array_add(question->texts, text);
	bind_text(question, text);
}

static void
store_close(StateStore *store, bool is_ours)
{
	if (is_ours)
		PQfinish(store->conn);
	else if (PQsocket(store->conn) >= 0)
		(void) close(PQsocket(store->conn));
	g_free(store);
}

static StateOutcome
outcome_of(const StateStore *store, const char *why)
{
	if (why == postgresql_too_late)
		return STATE_SILENT;
	return PQstatus(store->conn) == CONNECTION_BAD ? STATE_LOST : STATE_FAULT;
}

static char *
print_why(const char *why)
{
	return g_strchomp(
		g_strdup(why == postgresql_too_late ? "no answer in time (state_timeout)" : why));
}

static StateOutcome
store_open(const StateTarget *target, StateStore **ret_store, char **ret_why)
{
	/* What stands in `dbname` is a whole connection string; what follows counts before it. */
	const char *const names[] = { "dbname", "fallback_application_name",
		                      target->password != NULL ? "password" : NULL, NULL };
	const char *const values[] = { target->where, "todoke", target->password, NULL };
	StateStore *store = g_new0(StateStore, 1);

	store->timeout_us = (gint64) target->timeout_ms * 1000;
	store->conn = PQconnectStartParams(names, values, 1);
	const char *why = postgresql_wait_connect(store->conn,
	                                          g_get_monotonic_time() + store->timeout_us);
	if (why == NULL) {
		*ret_store = store;
		return STATE_OK;
	}

	StateOutcome outcome = why == postgresql_too_late ? STATE_SILENT : STATE_LOST;
	*ret_why = print_why(why);
	store_close(store, true);
	return outcome;
}

/* Read to the end of the answer; the first result is the one that counts. */
static const char *
read_answer(StateStore *store, gint64 ends, PGresult **ret_result)
{
	PGresult *first = NULL;

	for (PGresult *result = NULL;;) {
		const char *why = postgresql_wait_result(store->conn, ends, &result);
		if (why != NULL) {
			PQclear(first);
			return why;
		}
		if (result == NULL)
			break;
		if (first == NULL)
			first = result;
		else
			PQclear(result);
	}

	*ret_result = first;
	return first != NULL ? NULL : PQerrorMessage(store->conn);
}

static bool
is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* Is it what a question of ours has for an answer: nothing, or one column without NULLs? */
static bool
is_expected(const PGresult *result)
{
	return PQntuples(result) == 0 ||
	       (PQntuples(result) == 1 && PQnfields(result) == 1 && !PQgetisnull(result, 0, 0));
}

/* *ret_result (the caller's) is set with STATE_OK; ret_code with a fault of the statement. */
static StateOutcome
ask_once(StateStore *store, const Question *question, PGresult **ret_result, char ret_code[6],
         char **ret_why)
{
	gint64 ends = g_get_monotonic_time() + store->timeout_us;
	PGresult *result = NULL;
	bool sent = PQsendQueryParams(store->conn, question->sql, (int) question->values->len, NULL,
	                              (const char *const *) question->values->pdata,
	                              (const int *) (void *) question->lengths->data,
	                              (const int *) (void *) question->forms->data,
	                              question->as_octets);
	const char *why = sent ? postgresql_wait_flush(store->conn, ends)
	                       : PQerrorMessage(store->conn);

	if (why == NULL)
		why = read_answer(store, ends, &result);
	if (why == NULL && is_good(result) && is_expected(result)) {
		*ret_result = result;
		return STATE_OK;
	}

	if (why == NULL && is_good(result)) {
		why = "the answer is not what was asked for";
	} else if (why == NULL) {
		const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
		g_strlcpy(ret_code, code != NULL ? code : "", 6);
		why = PQresultErrorMessage(result);
	}
	*ret_why = print_why(why);
	StateOutcome outcome = outcome_of(store, why);
	PQclear(result);
	return outcome;
}

static StateOutcome
run_plain(StateStore *store, const char *sql, char ret_code[6], char **ret_why)
{
	g_auto(Question) question = { .sql = NULL };
	PGresult *result = NULL;

	question_init(&question, sql);
	StateOutcome outcome = ask_once(store, &question, &result, ret_code, ret_why);
	PQclear(result);
	return outcome;
}

/*
 * The first question to a new data base makes the table. Of two hosts that do it at once one may
 * fail, and finds the table all the same.
 */
static StateOutcome
make_schema(StateStore *store, char **ret_why)
{
	char code[6] = "";
	StateOutcome outcome = run_plain(store, schema, code, ret_why);
	if (outcome == STATE_OK)
		outcome = run_plain(store, schema_index, code, ret_why);
	if (outcome == STATE_FAULT && strcmp(code, SQLSTATE_DENIED) == 0) {
		g_autofree char *said = *ret_why;
		*ret_why = g_strdup_printf("there is no table todoke_state, and this user may not "
		                           "create it (%s): todoke-sites(7) has the SQL",
		                           said);
	}

	return outcome;
}

static StateOutcome
ask(StateStore *store, const Question *question, PGresult **ret_result, char **ret_why)
{
	char code[6] = "";
	g_autofree char *why = NULL;
	StateOutcome outcome = ask_once(store, question, ret_result, code, ret_why);
	if (outcome != STATE_FAULT || strcmp(code, SQLSTATE_NO_TABLE) != 0)
		return outcome;

	StateOutcome made = make_schema(store, &why);
	g_clear_pointer(ret_why, g_free);
	outcome = made == STATE_LOST || made == STATE_SILENT
	                  ? made
	                  : ask_once(store, question, ret_result, code, ret_why);
	if (outcome != STATE_OK && why != NULL) {
		g_free(*ret_why);
		*ret_why = g_steal_pointer(&why);
	}

	return outcome;
}

/* For statements whose answer is not looked at. */
static StateOutcome
tell(StateStore *store, const Question *question, char **ret_why)
{
	PGresult *result = NULL;
	StateOutcome outcome = ask(store, question, &result, ret_why);
	PQclear(result);
	return outcome;
}

static StateOutcome
store_get(StateStore *store, const char *owner, StateKind kind, const char *key, gint64 now,
          char **ret_value, size_t *ret_len, char **ret_why)
{
	g_auto(Question) question = { .sql = NULL };
	PGresult *result = NULL;

	question_init(&question,
	              "SELECT value FROM todoke_state WHERE owner = $1 AND kind = $2 AND "
	              "key = $3 AND until > $4");
	question.as_octets = true;
	bind_text(&question, owner);
	bind_number(&question, kind);
	bind_text(&question, key);
	bind_number(&question, now);
	StateOutcome outcome = ask(store, &question, &result, ret_why);
	if (outcome != STATE_OK)
		return outcome;

	*ret_value = NULL;
	*ret_len = 0;
	if (PQntuples(result) > 0) {
		size_t len = (size_t) PQgetlength(result, 0, 0);
		*ret_value = g_malloc(len + 1);
		memcpy(*ret_value, PQgetvalue(result, 0, 0), len);
		(*ret_value)[len] = '\0';
		*ret_len = len;
	}

	PQclear(result);
	return STATE_OK;
}

/* Does a later item have the same key? A statement must not write one row twice. */
static bool
is_replaced(const StateItem *items, size_t n, size_t i)
{
	for (size_t later = i + 1; later < n; later++)
		if (items[later].kind == items[i].kind &&
		    strcmp(items[later].key, items[i].key) == 0)
			return true;
	return false;
}

static StateOutcome
store_put(StateStore *store, const char *owner, const StateItem *items, size_t n, gint64 now,
          char **ret_why)
{
	g_autoptr(GString) sql = g_string_new(
		"INSERT INTO todoke_state (owner, kind, key, value, until) VALUES ");
	g_auto(Question) question = { .sql = NULL };
	unsigned at = 1;

	(void) now;
	question_init(&question, NULL);
	bind_text(&question, owner);
	for (size_t i = 0; i < n; i++) {
		const StateItem *item = &items[i];
		if (is_replaced(items, n, i))
			continue;
		g_string_append_printf(sql, "%s($1, $%u, $%u, $%u, $%u)", at > 1 ? ", " : "",
		                       at + 1, at + 2, at + 3, at + 4);
		at += 4;
		bind_number(&question, item->kind);
		bind_text(&question, item->key);
		bind_octets(&question, item->value, item->len, 1);
		bind_number(&question, item->until);
	}

	g_string_append(sql,
	                " ON CONFLICT (owner, kind, key) DO UPDATE SET value = excluded.value, "
	                "until = excluded.until");
	question.sql = sql->str;
	return n > 0 ? tell(store, &question, ret_why) : STATE_OK;
}

static StateOutcome
read_number(StateStore *store, const Question *question, gint64 *ret_number, char **ret_why)
{
	PGresult *result = NULL;
	StateOutcome outcome = ask(store, question, &result, ret_why);
	if (outcome != STATE_OK)
		return outcome;

	*ret_number = PQntuples(result) > 0 ? g_ascii_strtoll(PQgetvalue(result, 0, 0), NULL, 10)
	                                    : 0;
	PQclear(result);
	return STATE_OK;
}

static StateOutcome
store_count(StateStore *store, const char *owner, const char *key, gint64 by, gint64 until,
            gint64 now, gint64 *ret_total, char **ret_why)
{
	static const char reads[] =
		"SELECT number FROM todoke_state WHERE owner = $1 AND kind = $2 "
		"AND key = $3 AND until > $4";
	static const char adds[] =
		"INSERT INTO todoke_state AS s (owner, kind, key, value, number, until) "
		"VALUES ($1, $2, $3, '', $5, $6) ON CONFLICT (owner, kind, key) DO UPDATE SET "
		"number = CASE WHEN s.until > $4 THEN s.number ELSE 0 END + excluded.number, "
		"until = excluded.until RETURNING number";
	g_auto(Question) question = { .sql = NULL };

	question_init(&question, by != 0 ? adds : reads);
	bind_text(&question, owner);
	bind_number(&question, STATE_COUNTER);
	bind_text(&question, key);
	bind_number(&question, now);
	if (by != 0) {
		bind_number(&question, by);
		bind_number(&question, until);
	}

	return read_number(store, &question, ret_total, ret_why);
}

static StateOutcome
store_take(StateStore *store, const char *owner, const StateItem *item, gint64 now, bool *ret_taken,
           char **ret_why)
{
	g_auto(Question) question = { .sql = NULL };
	gint64 taken = 0;

	question_init(&question,
	              "INSERT INTO todoke_state AS s (owner, kind, key, value, number, until) "
	              "VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT (owner, kind, key) DO UPDATE SET "
	              "value = excluded.value, number = 1, until = excluded.until "
	              "WHERE s.until <= $6 OR s.value = excluded.value RETURNING number");
	bind_text(&question, owner);
	bind_number(&question, item->kind);
	bind_text(&question, item->key);
	bind_octets(&question, item->value, item->len, 1);
	bind_number(&question, item->until);
	bind_number(&question, now);
	StateOutcome outcome = read_number(store, &question, &taken, ret_why);
	if (outcome == STATE_OK)
		*ret_taken = taken != 0;

	return outcome;
}

static StateOutcome
store_drop(StateStore *store, const char *owner, const StateItem *item, char **ret_why)
{
	g_auto(Question) question = { .sql = NULL };

	question_init(&question, "DELETE FROM todoke_state WHERE owner = $1 AND kind = $2 AND "
	                         "key = $3 AND value = $4");
	bind_text(&question, owner);
	bind_number(&question, item->kind);
	bind_text(&question, item->key);
	bind_octets(&question, item->value, item->len, 1);
	return tell(store, &question, ret_why);
}

/* Some at a time: no delivery waits for a big sweep, and no row is locked for long. */
static StateOutcome
store_sweep(StateStore *store, gint64 now, char **ret_why)
{
	g_auto(Question) question = { .sql = NULL };

	question_init(&question,
	              "DELETE FROM todoke_state WHERE ctid IN (SELECT ctid FROM "
	              "todoke_state WHERE until <= $1 LIMIT 200 FOR UPDATE SKIP LOCKED)");
	bind_number(&question, now);
	return tell(store, &question, ret_why);
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
