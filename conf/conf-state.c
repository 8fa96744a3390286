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

bool
conf_state_check(const char *setting, const char **ret_why)
{
	const char *where = NULL;
	if (is_file(setting))
		return true;

	size_t backend = find_backend(setting, &where);
	if (backend == G_N_ELEMENTS(backends))
		*ret_why = "it wants sqlite, postgresql:CONNECTION, redis://HOST or redis:/SOCKET";
	else if (has_password(where))
		*ret_why = "a password belongs into the file that state_password_file names";
	else if (backend > 0 && *where == '\0')
		*ret_why = "it does not say where the server is";
	else if (strcmp(backends[backend].name, "redis") == 0 && *where != '/')
		*ret_why = "it wants redis://HOST:PORT/NUMBER or redis:/PATH/OF/SOCKET";
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

const char *
conf_state_module(const char *setting, const char **ret_where)
{
	size_t backend = find_backend(setting, ret_where);
	return backend < G_N_ELEMENTS(backends) ? backends[backend].module : NULL;
}
