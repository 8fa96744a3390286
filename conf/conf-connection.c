/* SPDX-License-Identifier: MIT */
/* conf-connection: see the header. */
#include "conf/conf-connection.h"

#include <stdbool.h>
#include <string.h>

static const char *const file_keys[] = { "sslrootcert", "sslcert", "sslkey", "sslcrl",
	                                 "sslcrldir" };

static const char blanks[] = " \t\n\r\f\v";

/* In "KEY=VALUE ...": in quotes, or up to a blank; '\\' takes the next octet as it is. */
static char *
read_value(const char *at)
{
	GString *value = g_string_new(NULL);
	bool is_quoted = *at == '\'';

	for (at += is_quoted; *at != '\0'; at++) {
		if (is_quoted ? *at == '\'' : strchr(blanks, *at) != NULL)
			break;
		if (*at == '\\' && at[1] != '\0')
			at++;
		g_string_append_c(value, *at);
	}

	return g_string_free(value, FALSE);
}

/* Of a URI: up to the next parameter. NULL: it is escaped wrongly. */
static char *
read_parameter(const char *at)
{
	return g_uri_unescape_segment(at, at + strcspn(at, "&"), NULL);
}

static void
add_values(GPtrArray *files, const char *connection, const char *key, bool is_uri)
{
	for (const char *at = connection; (at = strstr(at, key)) != NULL;) {
		bool begins = at == connection || strchr(is_uri ? "?&" : blanks, at[-1]) != NULL;
		at += strlen(key);
		const char *sign = is_uri ? at : at + strspn(at, blanks);
		if (!begins || *sign != '=')
			continue;

		const char *value = sign + 1;
		char *path = is_uri ? read_parameter(value)
		                    : read_value(value + strspn(value, blanks));
		if (path != NULL && *path == '/')
			g_ptr_array_add(files, path);
		else
			g_free(path);
	}
}

GPtrArray *
conf_connection_files(const char *connection)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
	bool is_uri = g_str_has_prefix(connection, "postgresql://") ||
	              g_str_has_prefix(connection, "postgres://");

	for (size_t i = 0; i < G_N_ELEMENTS(file_keys); i++)
		add_values(files, connection, file_keys[i], is_uri);
	return files;
}
