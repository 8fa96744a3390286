/* SPDX-License-Identifier: MIT */
/*
 * account-source-ldap: users in a directory. What an address brings is escaped for the filter (RFC
 * 4515), so it can only be a value in it.
 */
#define _GNU_SOURCE
#include "agent/run/account-source.h"

#include "agent/base/limits.h"
#include "agent/base/secret-file.h"
#include "agent/run/account-parts.h"
#include "agent/run/account-query.h"
#include "agent/base/path-template.h"

#include <stdint.h>
#include <string.h>

static const char module_file[] = "todoke-users-ldap.so";

/* What one question needs, in the module's form. */
typedef struct {
	GPtrArray *found;    /* char *: "field=value", or the values of one attribute */
	char *const *fields; /* ldap_fields */
	const char *attribute;
	unsigned rows;
} Found;

static bool
read_password(const Conf *conf, char **ret_password, Status *st)
{
	if (secret_file_read("ldap_password_file", conf->ldap_password_file, ret_password, st))
		return true;
	if (st->id != STATUS_UNTRUSTED)
		st->id = STATUS_LOOKUP;
	return false;
}

/* RFC 4515 3: these octets, and what is no ASCII, are written as a backslash and two digits. */
static void
append_escaped(GString *out, const char *value)
{
	for (; *value != '\0'; value++) {
		bool is_plain = strchr("*()\\", *value) == NULL && *value > ' ' && *value < 0x7f;
		if (is_plain)
			g_string_append_c(out, *value);
		else
			g_string_append_printf(out, "\\%02x", (unsigned char) *value);
	}
}

/* The filter with the values of its variables. NULL: STATUS_CONFIG. Caller frees. */
static char *
expand_filter(const char *setting, const char *filter, const Account *asked, Status *st)
{
	const PathTemplateValues values = account_template_values(asked);
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *c = filter; *c != '\0';) {
		if (*c != '%') {
			g_string_append_c(out, *c++);
			continue;
		}
		const char *raw;
		char letter;
		c++;
		g_autofree char *value = path_template_value(&values, &c, &raw, &letter, st);
		if (value == NULL) {
			status_prefix(st, "%s", setting);
			return NULL;
		}
		append_escaped(out, value);
	}

	return g_string_free(g_steal_pointer(&out), FALSE);
}

/* AccountQueryTake: attributes become the fields that ldap_fields names. */
static bool
take_fields(void *user, const char *const *names, const char *const *values, unsigned n)
{
	Found *found = user;
	found->rows++;

	for (char *const *field = found->fields; *field != NULL; field++) {
		const char *equal = strchr(*field, '=');
		for (unsigned i = 0; equal != NULL && i < n; i++)
			if (g_ascii_strcasecmp(names[i], equal + 1) == 0)
				g_ptr_array_add(found->found,
				                g_strdup_printf("%.*s=%s", (int) (equal - *field),
				                                *field, values[i]));
	}

	return true;
}

/* AccountQueryTake: the first value of one attribute. */
static bool
take_attribute(void *user, const char *const *names, const char *const *values, unsigned n)
{
	Found *found = user;
	found->rows++;

	for (unsigned i = 0; i < n; i++)
		if (g_ascii_strcasecmp(names[i], found->attribute) == 0) {
			g_ptr_array_add(found->found, g_strdup(values[i]));
			break;
		}
	return true;
}

/* What attributes mean, as "field=attribute". Borrowed from `conf`. */
static char *const *
fields_of(const Conf *conf)
{
	static char home[] = "home=homeDirectory", uid[] = "uid=uidNumber", gid[] = "gid=gidNumber";
	static char *const usual[] = { home, uid, gid, NULL };
	return *conf->ldap_fields != NULL ? conf->ldap_fields : usual;
}

/* The attributes that ldap_fields names, and the user's address. Borrowed from `conf`. */
static const char **
attributes_of(const Conf *conf)
{
	GPtrArray *list = g_ptr_array_new();

	for (char *const *field = fields_of(conf); *field != NULL; field++) {
		const char *equal = strchr(*field, '=');
		if (equal != NULL)
			g_ptr_array_add(list, (char *) (uintptr_t) (equal + 1));
	}
	g_ptr_array_add(list, conf->ldap_name_attribute);
	g_ptr_array_add(list, NULL);
	return (const char **) g_ptr_array_free(list, FALSE);
}

static bool
search(const Conf *conf, const char *filter, unsigned most, AccountQueryTake *take, Found *found,
       const char *name, Status *st)
{
	g_autofree const char **columns = attributes_of(conf);
	g_autofree char *password = NULL;
	bool has_password = *conf->ldap_bind != '\0' && *conf->ldap_password_file != '\0' &&
	                    !account_query_is_open(module_file, conf->ldap_uri);
	if (*conf->ldap_uri == '\0')
		return status_fail_detail(st, STATUS_CONFIG,
		                          "users = ldap needs the setting ldap_uri");
	if (has_password && !read_password(conf, &password, st))
		return false;

	const AccountQueryTarget target = {
		.module = module_file,
		.peer = conf->ldap_uri,
		.place = { .where = conf->ldap_uri,
		           .seconds = (unsigned) conf->users_timeout,
		           .bind = *conf->ldap_bind != '\0' ? conf->ldap_bind : NULL,
		           .password = password,
		           .start_tls = conf->ldap_start_tls },
	};
	const AccountQuery query = {
		.text = filter, .base = conf->ldap_base, .columns = columns, .most = most
	};
	return account_query_ask(&target, &query, take, found, name, st);
}

static bool
ask(const Conf *conf, const Account *asked, const char *name, GPtrArray **ret_fields, Status *st)
{
	g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
	Found found = { .found = fields, .fields = fields_of(conf) };
	g_autofree char *filter = expand_filter("ldap_user_filter", conf->ldap_user_filter, asked,
	                                        st);
	if (filter == NULL || !search(conf, filter, 2, take_fields, &found, name, st))
		return false;

	if (found.rows > 1)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "ldap_user_filter finds more than one entry for '%s'",
		                          name);
	if (found.rows == 1)
		*ret_fields = g_steal_pointer(&fields);
	return true;
}

/* The address of the user to whom the alias belongs. */
static bool
ask_alias(const Conf *conf, const Account *asked, const char *name, char **ret_target, Status *st)
{
	if (*conf->ldap_alias_filter == '\0')
		return true;

	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	Found found = { .found = names, .attribute = conf->ldap_name_attribute };
	g_autofree char *filter = expand_filter("ldap_alias_filter", conf->ldap_alias_filter, asked,
	                                        st);
	if (filter == NULL || !search(conf, filter, 2, take_attribute, &found, name, st))
		return false;

	if (found.rows > 1)
		return status_fail_detail(
			st, STATUS_CONFIG,
			"alias '%s' belongs to several users: that is a matter of "
			"Postfix (virtual_alias_maps)",
			name);
	if (names->len == 1)
		*ret_target = g_strdup(names->pdata[0]);
	return true;
}

static bool
ask_names(const Conf *conf, GPtrArray *names, Status *st)
{
	Found found = { .found = names, .attribute = conf->ldap_name_attribute };
	if (*conf->ldap_users_filter == '\0')
		return status_fail_detail(st, STATUS_CONFIG,
		                          "ldap_users_filter is empty, so users cannot be listed: "
		                          "name them");

	return search(conf, conf->ldap_users_filter, LIMIT_LISTED_ACCOUNTS + 1, take_attribute,
	              &found, NULL, st);
}

static char *
describe(const Conf *conf)
{
	return g_strdup(conf->ldap_uri);
}

extern const AccountSource account_source_ldap;
const AccountSource account_source_ldap = {
	.name = "ldap",
	.ask = ask,
	.ask_alias = ask_alias,
	.ask_names = ask_names,
	.close = account_query_close,
	.describe = describe,
};
