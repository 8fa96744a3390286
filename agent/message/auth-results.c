/* SPDX-License-Identifier: MIT */
/*
 * auth-results: a hand-written reader of RFC 8601 2.2. A field that is not in that form says
 * nothing.
 */
#include "agent/message/auth-results.h"

#include "agent/base/limits.h"
#include "agent/message/address.h"
#include "agent/message/message.h"
#include "agent/message/received.h"

#include <string.h>

static void
clear_result(gpointer data)
{
	AuthResult *result = data;
	g_free(result->method);
	g_free(result->result);
	g_ptr_array_unref(result->properties);
}

GArray *
auth_results_new(void)
{
	GArray *results = g_array_new(FALSE, FALSE, sizeof(AuthResult));
	g_array_set_clear_func(results, clear_result);
	return results;
}

/* Skip blanks and comments, which nest. */
static const char *
skip(const char *at)
{
	unsigned depth = 0;
	for (; *at != '\0'; at++) {
		if (depth > 0 && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '(')
			depth++;
		else if (*at == ')' && depth > 0)
			depth--;
		else if (depth == 0 && strchr(" \t\r\n", *at) == NULL)
			break;
	}

	return at;
}

/* A word, up to one of `ends`, or a quoted string. NULL: there is none. Caller frees. */
static char *
take(const char **at, const char *ends)
{
	g_autoptr(GString) word = g_string_new(NULL);
	const char *c = *at = skip(*at);

	if (*c != '"') {
		size_t len = strcspn(c, ends);
		*at = c + len;
		return len > 0 ? g_strndup(c, len) : NULL;
	}

	for (c++; *c != '"'; c++) {
		if (*c == '\\' && c[1] != '\0')
			c++;
		if (*c == '\0')
			return NULL;
		g_string_append_c(word, *c);
	}

	*at = c + 1;
	return g_string_free(g_steal_pointer(&word), FALSE);
}

#define VALUE_ENDS " \t\r\n;(\""
#define NAME_ENDS VALUE_ENDS "="

static bool
take_sign(const char **at, char sign)
{
	*at = skip(*at);
	if (**at != sign)
		return false;
	++*at;
	return true;
}

static char *
lower(char *taken)
{
	char *low = g_ascii_strdown(taken, -1);
	g_free(taken);
	return low;
}

/* "header.d": comments may stand around the dot. NULL: there is none. */
static char *
take_name(const char **at)
{
	g_autoptr(GString) name = g_string_new(NULL);
	bool goes_on = true;

	while (goes_on) {
		g_autofree char *part = take(at, NAME_ENDS);
		if (part == NULL)
			return NULL;
		g_string_append(name, part);
		*at = skip(*at);
		goes_on = name->str[name->len - 1] == '.' || **at == '.';
	}

	return g_string_free(g_steal_pointer(&name), FALSE);
}

/* "name=value" behind a result. False: it is none. */
static bool
take_property(const char **at, AuthResult *result)
{
	g_autofree char *name = take_name(at), *value = NULL;
	if (name == NULL || !take_sign(at, '='))
		return false;

	value = take(at, VALUE_ENDS);
	if (value == NULL)
		return false;

	g_autofree char *low = g_ascii_strdown(name, -1);
	if (strcmp(low, "reason") != 0)
		g_ptr_array_add(result->properties, g_strdup_printf("%s=%s", low, value));
	return true;
}

static bool
take_result(const char **at, GArray *results)
{
	AuthResult result = { .properties = g_ptr_array_new_with_free_func(g_free) };
	char *method = take(at, NAME_ENDS);
	bool good = method != NULL;

	result.method = lower(good ? method : g_strdup(""));
	*at = skip(*at);
	if (strcmp(result.method, "none") == 0 &&
	    (**at == '\0' || **at == ';')) { /* nothing was looked at */
		clear_result(&result);
		return true;
	}

	if (strchr(result.method, '/') == NULL && take_sign(at, '/')) {
		g_autofree char *version = take(at, NAME_ENDS);
		good = good && version != NULL;
	}

	result.method[strcspn(result.method, "/")] = '\0';
	good = good && *result.method != '\0' && take_sign(at, '=');
	char *text = good ? take(at, VALUE_ENDS) : NULL;
	good = text != NULL;
	result.result = lower(good ? text : g_strdup(""));
	for (*at = skip(*at); good && **at != '\0' && **at != ';'; *at = skip(*at))
		good = take_property(at, &result);
	g_array_append_val(results, result);

	return good;
}

bool
auth_results_parse(const char *value, char **ret_id, GArray *results)
{
	guint before = results->len;
	const char *at = value;
	g_autofree char *id = take(&at, VALUE_ENDS), *version = NULL;
	bool good = id != NULL;

	at = skip(at);
	if (good && g_ascii_isdigit(*at))
		version = take(&at, VALUE_ENDS);
	for (at = skip(at); good && *at != '\0'; at = skip(at)) {
		good = take_sign(&at, ';');
		at = skip(at);
		if (good && *at != '\0')
			good = take_result(&at, results) && results->len <= LIMIT_AUTH_RESULTS;
	}

	if (!good) {
		g_array_set_size(results, before);
		return false;
	}

	*ret_id = g_steal_pointer(&id);
	return true;
}

static bool
is_host_of(const AuthTrust *trust, const char *name)
{
	for (size_t i = 0; name != NULL && trust->hosts[i] != NULL; i++) {
		g_autofree char *host = address_host(trust->hosts[i]);
		if (strcmp(host, name) == 0)
			return true;
	}
	return false;
}

/*
 * Did the host that wrote the line take the message from another one of the site? By the client's
 * address, as a stranger may say any name. What a host took from itself anybody there may have
 * written, unless its address is named.
 */
static bool
is_inner_hop(const AuthTrust *trust, const Received *received)
{
	if (received->client == NULL || received->by == NULL)
		return false;
	bool is_other = strcmp(received->client, received->by) != 0;
	return (is_other && is_host_of(trust, received->client)) ||
	       is_host_of(trust, received->client_address);
}

/*
 * The last of the Received lines on top that hosts of the site wrote; *ret_next: the one below.
 * Lines below one that took the message from a stranger are the stranger's, whatever they say.
 * False: the first is a stranger's.
 */
static bool
find_entry(const Headers *headers, const AuthTrust *trust, size_t *ret_entry, size_t *ret_next)
{
	bool found = false, follows = true;

	*ret_next = headers_count(headers);
	for (size_t i = 0; i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		if (!header_field_is(field, "Received"))
			continue;
		Received received;
		received_init(&received, field, i);
		bool is_ours = follows && is_host_of(trust, received.by);
		follows = is_inner_hop(trust, &received);
		received_clear(&received);
		if (!is_ours) {
			*ret_next = i;
			break;
		}
		*ret_entry = i;
		found = true;
	}

	return found;
}

static bool
is_id_of(const AuthTrust *trust, const char *id)
{
	for (size_t i = 0; trust->ids[i] != NULL; i++)
		if (g_ascii_strcasecmp(trust->ids[i], id) == 0)
			return true;
	return false;
}

GArray *
auth_results_trusted(const Headers *headers, const AuthTrust *trust)
{
	GArray *results = auth_results_new();
	size_t entry = 0, next = 0;
	if (!find_entry(headers, trust, &entry, &next))
		return results;

	for (size_t i = 0; i < (trust->takes_below ? next : entry); i++) {
		const HeaderField *field = headers_get(headers, i);
		bool is_of_script = field->line == 0;
		if (is_of_script || !header_field_is(field, "Authentication-Results"))
			continue;
		g_autofree char *value = header_field_value(field), *id = NULL;
		guint before = results->len;
		if (auth_results_parse(value, &id, results) && !is_id_of(trust, id))
			g_array_set_size(results, before);
	}

	return results;
}
