/* SPDX-License-Identifier: MIT */
/* conf-state: see the header. */
#include "conf/conf-state.h"

#include <glib.h>
#include <string.h>

static const struct {
	const char *name, *module;
} backends[] = {
#define BACKEND(name, module) { name, module },
#include "conf/conf-state.def"
#undef BACKEND
};

/* The number of the backend, and what stands behind its name; G_N_ELEMENTS(backends): none. */
static size_t
find_backend(const char *setting, const char **ret_where)
{
	for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
		size_t len = strlen(backends[i].name);
		if (strncmp(setting, backends[i].name, len) != 0)
			continue;
		if (i == 0 ? setting[len] != '\0' : setting[len] != ':')
			continue;
		*ret_where = i == 0 ? "" : setting + len + 1;
		return i;
	}

	return G_N_ELEMENTS(backends);
}

/* What most have: each delivery of a process of its own asks. */
static bool
is_file(const char *setting)
{
	return strcmp(setting, backends[0].name) == 0;
}

/* A password would stand in the log, and in what `todoke config` prints. */
static bool
has_password(const char *where)
{
	const char *authority = strstr(where, "//");
	g_autofree char *folded = g_ascii_strdown(where, -1);
	if (strstr(folded, "password") != NULL)
		return true;
	if (authority == NULL)
		return false;

	authority += 2;
	const char *at = memchr(authority, '@', strcspn(authority, "/?"));
	return at != NULL && memchr(authority, ':', (size_t) (at - authority)) != NULL;
}

/*
 * A part of a Redis URL up to its last '@' with a colon in it: a password with '/' or '?' in it,
 * which nobody could read otherwise.
 */
static bool
has_odd_password(const char *where)
{
	const char *at = g_str_has_prefix(where, "//") ? strrchr(where, '@') : NULL;
	return at != NULL && memchr(where, ':', (size_t) (at - where)) != NULL;
}

/*
 * A service of libpq: it may be defined by a file in the home of whoever delivers, and the password
 * would be sent wherever that file says. Keywords begin a string, or stand behind a blank, '?' or
 * '&'.
 */
static bool
has_service(const char *where)
{
	static const char word[] = "service";
	for (const char *at = where; (at = strstr(at, word)) != NULL; at += strlen(word)) {
		bool begins = at == where || strchr(" \t\n\r\f\v?&", at[-1]) != NULL;
		const char *behind = at + strlen(word);
		behind += g_str_has_prefix(behind, "file") ? strlen("file") : 0;
		if (begins && behind[strspn(behind, " \t\n\r\f\v")] == '=')
			return true;
	}
	return false;
}

bool
conf_state_check(const char *setting, const char **ret_why)
{
	const char *where = NULL;
	if (is_file(setting))
		return true;

	size_t backend = find_backend(setting, &where);
	if (backend == G_N_ELEMENTS(backends))
		*ret_why = "it wants sqlite, postgresql:CONNECTION, redis://HOST, rediss://HOST or "
			   "redis:/SOCKET";
	else if (has_password(where))
		*ret_why = "a password belongs into the file that state_password_file names";
	else if (g_str_has_prefix(setting, "redis") && has_odd_password(where))
		*ret_why = "a password belongs into the file that state_password_file names";
	else if (strcmp(backends[backend].name, "postgresql") == 0 && has_service(where))
		*ret_why = "service= would read files of whoever delivers";
	else if (backend > 0 && *where == '\0')
		*ret_why = "it does not say where the server is";
	else if (strcmp(backends[backend].name, "redis") == 0 && *where != '/')
		*ret_why = "it wants redis://HOST:PORT/NUMBER or redis:/PATH/OF/SOCKET";
	else if (conf_state_is_encrypted(setting) && !g_str_has_prefix(where, "//"))
		*ret_why = "it wants rediss://HOST:PORT/NUMBER";
	else
		return true;

	return false;
}

bool
conf_state_is_shared(const char *setting)
{
	const char *where;
	if (is_file(setting))
		return false;

	size_t backend = find_backend(setting, &where);
	return backend > 0 && backend < G_N_ELEMENTS(backends);
}

bool
conf_state_is_encrypted(const char *setting)
{
	return g_str_has_prefix(setting, "rediss:");
}

const char *
conf_state_module(const char *setting, const char **ret_where)
{
	size_t backend = find_backend(setting, ret_where);
	return backend < G_N_ELEMENTS(backends) ? backends[backend].module : NULL;
}
