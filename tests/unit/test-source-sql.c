/* SPDX-License-Identifier: MIT */
/* Users of a data base: queries with bound values, what rows mean, and what is no answer. */
#include "agent/run/account-list.h"
#include "agent/run/account-source.h"
#include "agent/run/account.h"

#include "agent/base/outside.h"
#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/lib/source-conf.h"
#include "tests/unit/unit.h"

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char schema[] =
	"CREATE TABLE users (address, home, uid, gid, note);\n"
	"INSERT INTO users VALUES ('ann@x.test', '/h/ann', 1234, 1235, NULL);\n"
	"INSERT INTO users VALUES ('o''neil@x.test', '/h/o', 7, 8, NULL);\n"
	"INSERT INTO users VALUES ('50%@x.test', '/h/p', 7, 8, NULL);\n"
	"INSERT INTO users VALUES ('twice@x.test', '/h/1', 1, 1, NULL);\n"
	"INSERT INTO users VALUES ('twice@x.test', '/h/2', 2, 2, NULL);\n"
	"INSERT INTO users VALUES ('nul@x.test', CAST(x'2f6800' AS TEXT), 1, 1, NULL);\n"
	"INSERT INTO users VALUES ('bad@x.test', 'no path', 1, 1, NULL);\n"
	"CREATE TABLE aliases (alias, target);\n"
	"INSERT INTO aliases VALUES ('info@x.test', 'Ann@x.test');\n"
	"INSERT INTO aliases VALUES ('empty@x.test', '');\n"
	"INSERT INTO aliases VALUES ('many@x.test', 'a@x.test');\n"
	"INSERT INTO aliases VALUES ('many@x.test', 'b@x.test');\n"
	"INSERT INTO aliases VALUES ('far@x.test', 'info@x.test');\n"
	"INSERT INTO aliases VALUES ('round@x.test', 'round@x.test');\n";

#define BY_ADDRESS "SELECT home, uid, gid, note FROM users WHERE address = %u"
#define BY_ALIAS "SELECT target FROM aliases WHERE alias = %u"

typedef struct {
	char *dir, *database;
	Conf conf;
} World;

static void
world_init(World *world)
{
	static char none[] = "", query[] = BY_ADDRESS, alias[] = BY_ALIAS;
	*world = (World){ .dir = scratch_new() };
	g_autofree char *path = g_build_filename(world->dir, "users.db", NULL);
	world->database = g_strconcat("sqlite:", path, NULL);
	world->conf = source_conf(CONF_USERS_SQL);
	world->conf.sql_database = world->database;
	world->conf.sql_user_query = query;
	world->conf.sql_users_query = none;
	world->conf.sql_alias_query = alias;
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(chmod(path, 0644), 0);
}

static void
world_clear(World *world)
{
	account_source_close();
	g_free(world->database);
	scratch_remove(world->dir);
}

/* "user|home|uid:gid|detail", or the fault's name and detail. */
static void
check_found(const World *world, const char *recipient, const char *want)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) account = account_find(&world->conf, recipient, &st);
	g_autofree char *got = account == NULL
	                               ? g_strdup_printf("%s: %s", status_row(st.id)->name,
	                                                 st.detail)
	                               : g_strdup_printf(
						 "%s|%s|%d:%d|%s", account->user, account->home,
						 (int) account->uid, (int) account->gid,
						 account->detail != NULL ? account->detail : "");
	if (account == NULL ? strstr(got, want) == NULL : strcmp(got, want) != 0)
		fail_msg("%s: %s, not %s", recipient, got, want);
}

static void
test_users(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	check_found(&world, "ann@x.test", "ann@x.test|/h/ann|1234:1235|");
	check_found(&world, "Ann+shop@X.test", "ann@x.test|/h/ann|1234:1235|shop");
	check_found(&world, "o'neil@x.test", "o'neil@x.test|/h/o|7:8|");
	check_found(&world, "' OR '1'='1@x.test", "unknown-user: ");
	check_found(&world, "nobody@x.test", "unknown-user: users = sql has nobody of this name");
	check_found(&world, "twice@x.test", "twice@x.test|/h/1|1:1|");
	check_found(&world, "nul@x.test", "lookup: cannot ask '");
	check_found(&world, "nul@x.test", "a value has a NUL in it");
	check_found(&world, "bad@x.test", "config: users = sql, 'bad@x.test': field home");
	check_found(&world, "ann@x.test", "ann@x.test|/h/ann|1234:1235|");
	world_clear(&world);
}

static void
test_aliases(void **state)
{
	(void) state;
	static char none[] = "";
	World world;
	world_init(&world);
	check_found(&world, "info+x@x.test", "ann@x.test|/h/ann|1234:1235|x");
	check_found(&world, "far@x.test", "ann@x.test|/h/ann|1234:1235|");
	check_found(&world, "empty@x.test", "unknown-user: ");
	check_found(&world, "many@x.test",
	            "config: alias 'many@x.test' leads to several addresses");
	check_found(&world, "round@x.test", "config: alias 'round@x.test' leads over more than");
	world.conf.sql_alias_query = none;
	check_found(&world, "info@x.test", "unknown-user: ");
	world_clear(&world);
}

/* Variables are bound, so they stand without quotes; what is quoted stands as it is. */
static void
test_queries(void **state)
{
	(void) state;
	static const struct {
		const char *query, *want;
	} rows[] = {
		{ "SELECT home, uid, gid FROM users WHERE address = %n || '@' || %d",
		  "ann@x.test|/h/ann|1234:1235|" },
		{ "SELECT home, uid, gid FROM users WHERE address = '%u'",
		  "config: sql_user_query: '%u': variables are bound, so they stand without quotes" },
		{ "SELECT home, uid, gid FROM users WHERE address = \"%d\"",
		  "variables are bound" },
		{ "SELECT home, uid, gid FROM users WHERE address = '%n@x.test'",
		  "variables are bound" },
		{ "SELECT home, uid, gid FROM users WHERE address LIKE 'ann%' AND 'it''s' <> %u",
		  "ann@x.test|/h/ann|1234:1235|" },
		{ "SELECT home, uid, gid FROM users WHERE address = %u AND 7 %% 4 = 3",
		  "ann@x.test|/h/ann|1234:1235|" },
		{ "SELECT home, uid, gid FROM users WHERE address = %x", "config: sql_user_query" },
		{ "SELECT home FROM nowhere", "lookup: cannot ask '" },
		{ "SELECT", "lookup: cannot ask '" },
		{ "", "config: users = sql needs the setting sql_user_query" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		World world;
		world_init(&world);
		world.conf.sql_user_query = (char *) (uintptr_t) rows[i].query;
		check_found(&world, "ann@x.test", rows[i].want);
		world_clear(&world);
	}
}

static void
test_list(void **state)
{
	(void) state;
	static char query[] =
		"SELECT address FROM users WHERE address IN ('ann@x.test', '50%@x.test', "
		"'gone@x.test') ORDER BY address",
		    wrong[] = "SELECT address FROM nowhere";
	World world;
	world_init(&world);
	g_auto(Status) st = STATUS_INIT;
	assert_null(account_list(&world.conf, &st));
	assert_int_equal(st.id, STATUS_CONFIG);
	world.conf.sql_users_query = query;
	g_auto(Status) good = STATUS_INIT;
	g_autoptr(GPtrArray) list = account_list(&world.conf, &good);
	assert_non_null(list);
	assert_int_equal(list->len, 2);
	assert_string_equal(((const Account *) list->pdata[0])->user, "50%@x.test");
	assert_string_equal(((const Account *) list->pdata[1])->user, "ann@x.test");
	world.conf.sql_users_query = wrong;
	assert_null(account_list(&world.conf, &good));
	assert_int_equal(good.id, STATUS_LOOKUP);
	world_clear(&world);
}

static void
test_data_bases(void **state)
{
	(void) state;
	static char mysql[] = "mysql:x", nowhere[] = "sqlite:/nonexistent/users.db",
		    server[] = "postgresql:host=/nonexistent dbname=x";
	World world;
	world_init(&world);
	g_autofree char *where = account_source_describe(&world.conf);
	g_autofree char *want = g_strdup_printf("sql (%s)", world.database + strlen("sqlite:"));
	assert_string_equal(where, want);
	world.conf.sql_database = mysql;
	check_found(&world, "ann@x.test",
	            "config: sql_database 'mysql:x' is neither sqlite:/PATH nor");
	g_autofree char *unknown = account_source_describe(&world.conf);
	assert_string_equal(unknown, "sql");

	world.conf.sql_database = nowhere;
	g_auto(Status) st = STATUS_INIT;
	assert_null(account_find(&world.conf, "ann@x.test", &st));
	assert_int_equal(st.id, STATUS_LOOKUP);
	assert_string_equal(st.outside->peer, "/nonexistent/users.db");
	assert_string_equal(st.outside->command, "ann@x.test");
	assert_false(st.outside->is_down); /* a file is nothing that could be down */

	world.conf.sql_database = server;
	g_auto(Status) fault = STATUS_INIT;
	assert_null(account_find(&world.conf, "ann@x.test", &fault));
	if (fault.id == STATUS_LOOKUP) { /* else there is no such module here */
		assert_string_equal(fault.outside->peer, "PostgreSQL");
		assert_true(fault.outside->is_down);
	}
	world_clear(&world);
}

/* Its rows say whom root becomes: only root may write them. */
static void
test_trust(void **state)
{
	(void) state;
	World world;
	world_init(&world);
	assert_int_equal(chmod(world.database + strlen("sqlite:"), 0666), 0);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) account = account_find(&world.conf, "ann@x.test", &st);
	assert_int_equal(account == NULL, geteuid() == 0);
	assert_int_equal(st.id, geteuid() == 0 ? STATUS_UNTRUSTED : STATUS_OK);
	world_clear(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),      cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_queries),    cmocka_unit_test(test_list),
		cmocka_unit_test(test_data_bases), cmocka_unit_test(test_trust),
	};
	return _cmocka_run_group_tests("source-sql", tests, G_N_ELEMENTS(tests), NULL, NULL);
}
