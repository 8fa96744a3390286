/* mailto: see the header. */
#include "agent/deliver/mailto.h"

#include "agent/base/limits.h"
#include "agent/deliver/outmail.h"

#include <string.h>

/*
 * What a notice may set besides To, Cc, Bcc, Subject and Body: fields for people. Whatever says who sent it, how it came,
 * what it is, or that it is no machine's, is ours (RFC 5436 2.5).
 */
static const char *const allowed[] = { "Keywords", "Comments", "Importance", "Priority", "X-Priority", "Organization" };

static void
field_free(gpointer data)
{
	MailtoField *field = data;
	g_free(field->name);
	g_free(field->value);
	g_free(field);
}

void
mailto_clear(Mailto *mailto)
{
	g_clear_pointer(&mailto->recipients, g_ptr_array_unref);
	g_clear_pointer(&mailto->fields, g_ptr_array_unref);
	g_clear_pointer(&mailto->refused, g_ptr_array_unref);
	g_clear_pointer(&mailto->subject, g_free);
	g_clear_pointer(&mailto->body, g_free);
}

/* Undo %XX; what is not valid UTF-8 then, or hides a NUL, is nothing. */
static char *
unescape(const char *text)
{
	char *plain = g_uri_unescape_string(text, NULL);
	if (plain != NULL && !g_utf8_validate(plain, -1, NULL))
		g_clear_pointer(&plain, g_free);
	return plain;
}

static bool
has_recipient(const Mailto *mailto, const char *address)
{
	return g_ptr_array_find_with_equal_func(mailto->recipients, address, g_str_equal, NULL);
}

/* Addresses are separated by commas that are not escaped. */
static bool
add_recipients(Mailto *mailto, const char *list)
{
	g_auto(GStrv) parts = g_strsplit(list, ",", -1);
	for (size_t i = 0; parts[i] != NULL; i++) {
		g_autofree char *address = unescape(parts[i]);
		if (address == NULL || *g_strstrip(address) == '\0')
			continue;
		if (!outmail_address_is_safe(address))
			return false;
		if (!has_recipient(mailto, address))
			g_ptr_array_add(mailto->recipients, g_steal_pointer(&address));
	}
	return true;
}

static void
add_field(Mailto *mailto, const char *name, const char *value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(allowed); i++) {
		if (g_ascii_strcasecmp(allowed[i], name) != 0)
			continue;
		MailtoField *field = g_new(MailtoField, 1);
		*field = (MailtoField){ g_strdup(allowed[i]), g_strdup(value) };
		g_ptr_array_add(mailto->fields, field);
		return;
	}
	g_ptr_array_add(mailto->refused, g_strdup(name));
}

/* The first of a name counts (RFC 5436 2.4). */
static void
set_once(char **text, const char *value)
{
	if (*text == NULL)
		*text = g_strdup(value);
}

/* "name=value" behind the question mark. */
static bool
add_header(Mailto *mailto, const char *pair)
{
	const char *equals = strchr(pair, '=');
	if (equals == NULL)
		return true;
	g_autofree char *raw = g_strndup(pair, (gsize) (equals - pair)), *name = unescape(raw), *value = unescape(equals + 1);
	if (name == NULL || value == NULL)
		return true;
	bool is_address = g_ascii_strcasecmp(name, "to") == 0 || g_ascii_strcasecmp(name, "cc") == 0 ||
	                  g_ascii_strcasecmp(name, "bcc") == 0;
	if (is_address)
		return add_recipients(mailto, equals + 1);
	if (g_ascii_strcasecmp(name, "subject") == 0)
		set_once(&mailto->subject, value);
	else if (g_ascii_strcasecmp(name, "body") == 0)
		set_once(&mailto->body, value);
	else
		add_field(mailto, name, value);
	return true;
}

static bool
parse_parts(const char *rest, Mailto *mailto)
{
	g_auto(GStrv) parts = g_strsplit(rest, "?", 2);
	if (parts[0] == NULL)
		return true;
	if (!add_recipients(mailto, parts[0]))
		return false;
	g_auto(GStrv) pairs = g_strsplit(parts[1] != NULL ? parts[1] : "", "&", -1);
	for (size_t i = 0; pairs[i] != NULL; i++)
		if (!add_header(mailto, pairs[i]))
			return false;
	return true;
}

bool
mailto_parse(const char *uri, Mailto *ret_mailto, const char **ret_why)
{
	static const char scheme[] = "mailto:";
	*ret_why = NULL;
	if (g_ascii_strncasecmp(uri, scheme, strlen(scheme)) != 0) {
		*ret_why = "it is no mailto: address";
		return false;
	}
	g_auto(Mailto) mailto = {
		.recipients = g_ptr_array_new_with_free_func(g_free),
		.fields = g_ptr_array_new_with_free_func(field_free),
		.refused = g_ptr_array_new_with_free_func(g_free),
	};
	if (!parse_parts(uri + strlen(scheme), &mailto))
		*ret_why = "it has an address that mail cannot be sent to";
	else if (mailto.recipients->len == 0)
		*ret_why = "it names nobody";
	else if (mailto.recipients->len > LIMIT_NOTICE_RECIPIENTS)
		*ret_why = "it names too many";
	if (*ret_why != NULL)
		return false;
	*ret_mailto = mailto;
	mailto = (Mailto){ 0 };
	return true;
}
