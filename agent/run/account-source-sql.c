/* SPDX-License-Identifier: MIT */
/*
 * account-source-sql: users in a data base, SQLite or PostgreSQL. What an address brings is bound
 * as a parameter and never becomes a part of the query's text.
 */
#define _GNU_SOURCE
#include "agent/run/account-source.h"

#include "agent/base/limits.h"
#include "agent/base/owner-walk.h"
#include "agent/run/account-parts.h"
#include "agent/run/account-query.h"
#include "agent/base/path-template.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *prefix, *module;
	bool is_file;
} kinds[] = {
	{ "sqlite:", "todoke-users-sqlite.so", true },
	{ "postgresql:", "todoke-users-postgresql.so", false },
};

/* A query in the data base's own form, and the values to bind. */
typedef struct {
	GString *text;
	GPtrArray *values;
} Bound;

static void
bound_clear(Bound *bound)
{
	if (bound->text != NULL)
		g_string_free(bound->text, TRUE);
	if (bound->values != NULL)
		g_ptr_array_unref(bound->values);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bound, bound_clear)

/* As root, the file's rows say whom we become. */
static bool
check_file(const char *path, Status *st)
{
	struct stat sb;
	if (geteuid() != 0 || stat(path, &sb) < 0 || owner_is_root_alone(&sb))
		return true;

	g_autofree char *quoted = g_shell_quote(path);
	return status_fail_detail(
		st, STATUS_UNTRUSTED,
		"sql_database %s: others than root can write it: chown root %s; chmod go-w %s",
		quoted, quoted, quoted);
}

static bool
find_target(const Conf *conf, AccountQueryTarget *ret, Status *st)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (!g_str_has_prefix(conf->sql_database, kinds[i].prefix))
			continue;
		const char *where = conf->sql_database + strlen(kinds[i].prefix);
		*ret = (AccountQueryTarget){
			.module = kinds[i].module,
			.peer = kinds[i].is_file ? where : "PostgreSQL",
			.place = { .where = where, .seconds = (unsigned) conf->users_timeout },
		};
		return !kinds[i].is_file || check_file(where, st);
	}

	return status_fail_detail(st, STATUS_CONFIG,
	                          "sql_database '%.40s' is neither sqlite:/PATH nor "
	                          "postgresql:CONNECTION",
	                          conf->sql_database);
}

/* The sign of a quote that begins at `c`; NUL: none does. */
static char
quote_at(const char *c)
{
	return *c == '\'' || *c == '"' ? *c : '\0';
}

/* Replace the variable at *at, behind its '%', by a placeholder. */
static bool
bind_variable(Bound *bound, char sign, const Account *asked, const char **at, Status *st)
{
	const PathTemplateValues values = account_template_values(asked);
	const char *raw;
	char letter;
	char *value = path_template_value(&values, at, &raw, &letter, st);
	if (value == NULL)
		return false;

	if (letter == '%') {
		g_string_append_c(bound->text, '%');
		g_free(value);
		return true;
	}
	g_ptr_array_add(bound->values, value);
	g_string_append_printf(bound->text, "%c%u", sign, bound->values->len);
	return true;
}

/* A quoted string stands as it is; a variable in it would not be bound. */
static bool
copy_quoted(Bound *bound, const char *setting, const char **at, Status *st)
{
	char quote = **at;
	const char *end = strchr(*at + 1, quote);
	size_t len = end != NULL ? (size_t) (end + 1 - *at) : strlen(*at);
	g_autofree char *text = g_strndup(*at, len);

	for (const char *letter = "und"; *letter != '\0'; letter++)
		if (path_template_names(text, *letter))
			return status_fail_detail(st, STATUS_CONFIG,
			                          "%s: %s: variables are bound, so they stand "
			                          "without quotes",
			                          setting, text);
	g_string_append(bound->text, text);
	*at += len;
	return true;
}

static bool
bind_query(Bound *bound, const char *setting, const char *query, char sign, const Account *asked,
           Status *st)
{
	bound->text = g_string_new(NULL);
	bound->values = g_ptr_array_new_with_free_func(g_free);

	for (const char *c = query; *c != '\0';) {
		if (quote_at(c) != '\0') {
			if (!copy_quoted(bound, setting, &c, st))
				return false;
			continue;
		}
		if (*c != '%') {
			g_string_append_c(bound->text, *c++);
			continue;
		}
		c++;
		if (!bind_variable(bound, sign, asked, &c, st)) {
			status_prefix(st, "%s", setting);
			return false;
		}
	}

	return true;
}

/* Ask the query of a setting for `name`; each row goes to `take`. */
static bool
run_query(const Conf *conf, const char *setting, const char *query, const Account *asked,
          const char *name, unsigned most, AccountQueryTake *take, GPtrArray *into, Status *st)
{
	AccountQueryTarget target;
	g_auto(Bound) bound = { 0 };
	if (!find_target(conf, &target, st))
		return false;
	const AccountQueryModule *module = account_query_module(target.module, st);
	if (module == NULL || !bind_query(&bound, setting, query, module->sign, asked, st))
		return false;

	const AccountQuery question = {
		.text = bound.text->str,
		.values = (const char *const *) bound.values->pdata,
		.n_values = bound.values->len,
		.most = most,
	};
	return account_query_ask(&target, &question, take, into, name, st);
}

static bool
ask(const Conf *conf, const Account *asked, const char *name, GPtrArray **ret_fields, Status *st)
{
	if (*conf->sql_user_query == '\0')
		return status_fail_detail(st, STATUS_CONFIG,
		                          "users = sql needs the setting sql_user_query");

	g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
	if (!run_query(conf, "sql_user_query", conf->sql_user_query, asked, name, 1,
	               account_query_take_fields, fields, st))
		return false;
	if (fields->len > 0)
		*ret_fields = g_steal_pointer(&fields);
	return true;
}

static bool
ask_alias(const Conf *conf, const Account *asked, const char *name, char **ret_target, Status *st)
{
	if (*conf->sql_alias_query == '\0')
		return true;

	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
	if (!run_query(conf, "sql_alias_query", conf->sql_alias_query, asked, name, 2,
	               account_query_take_first, found, st))
		return false;
	if (found->len > 1)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "alias '%s' leads to several addresses: that is a matter "
		                          "of Postfix (virtual_alias_maps)",
		                          name);
	if (found->len == 1 && *(const char *) found->pdata[0] != '\0')
		*ret_target = g_strdup(found->pdata[0]);
	return true;
}

static bool
ask_names(const Conf *conf, GPtrArray *names, Status *st)
{
	static char nobody[] = "";
	const Account asked = { .user = nobody, .local = nobody };
	if (*conf->sql_users_query == '\0')
		return status_fail_detail(st, STATUS_CONFIG,
		                          "sql_users_query is empty, so users cannot be listed: "
		                          "name them");

	return run_query(conf, "sql_users_query", conf->sql_users_query, &asked, NULL,
	                 LIMIT_LISTED_ACCOUNTS + 1, account_query_take_first, names, st);
}

static char *
describe(const Conf *conf)
{
	g_auto(Status) unknown = STATUS_INIT;
	AccountQueryTarget target;
	return find_target(conf, &target, &unknown) ? g_strdup(target.peer) : NULL;
}

extern const AccountSource account_source_sql;
const AccountSource account_source_sql = {
	.name = "sql",
	.ask = ask,
	.ask_alias = ask_alias,
	.ask_names = ask_names,
	.close = account_query_close,
	.describe = describe,
};
