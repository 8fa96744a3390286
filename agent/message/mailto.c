/* SPDX-License-Identifier: MIT */
/* mailto: split at what RFC 6068 splits at, and only then decoded. */
#include "agent/message/mailto.h"

#include "agent/base/limits.h"
#include "agent/message/address-list.h"

#include <string.h>

static const char scheme[] = "mailto:";

/* Fields that whoever composes the notice makes. */
static const char *const dropped[] = { "from",
	                               "sender",
	                               "reply-to",
	                               "bcc",
	                               "date",
	                               "message-id",
	                               "received",
	                               "return-path",
	                               "delivered-to",
	                               "auto-submitted",
	                               "mime-version",
	                               "apparently-to",
	                               "errors-to",
	                               "return-receipt-to",
	                               "disposition-notification-to",
	                               "x-todoke-mark",
	                               NULL };

bool
mailto_is(const char *uri, size_t len)
{
	return len >= sizeof scheme - 1 && g_ascii_strncasecmp(uri, scheme, sizeof scheme - 1) == 0;
}

static void
field_clear(gpointer data)
{
	MailtoField *field = data;
	g_free(field->name);
	g_free(field->value);
}

static void
recipient_free(gpointer data)
{
	MailtoRecipient *recipient = data;
	g_free(recipient->address);
	g_free(recipient->name);
	g_free(recipient);
}

static void
mailto_init(Mailto *mailto)
{
	*mailto = (Mailto){
		.to = g_ptr_array_new_with_free_func(recipient_free),
		.cc = g_ptr_array_new_with_free_func(recipient_free),
		.fields = g_array_new(FALSE, FALSE, sizeof(MailtoField)),
		.refused = g_ptr_array_new_with_free_func(g_free),
	};
	g_array_set_clear_func(mailto->fields, field_clear);
}

void
mailto_clear(Mailto *mailto)
{
	g_clear_pointer(&mailto->to, g_ptr_array_unref);
	g_clear_pointer(&mailto->cc, g_ptr_array_unref);
	g_clear_pointer(&mailto->subject, g_free);
	g_clear_pointer(&mailto->body, g_free);
	g_clear_pointer(&mailto->fields, g_array_unref);
	g_clear_pointer(&mailto->refused, g_ptr_array_unref);
}

/* qchar of RFC 6068, and what real URIs have besides; "%" is looked at when it is decoded. */
static bool
is_uri_sign(char c)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr("-._~!$'()*+,;:@/?%=", c) != NULL);
}

/* NULL: there is a sign that no URI has, half an escape, or a NUL. Caller frees. */
static char *
decode(const char *text, size_t len)
{
	g_autoptr(GString) decoded = g_string_sized_new(len);
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (!is_uri_sign(c))
			return NULL;
		if (c == '%') {
			if (i + 2 >= len || !g_ascii_isxdigit(text[i + 1]) ||
			    !g_ascii_isxdigit(text[i + 2]))
				return NULL;
			c = (char) (g_ascii_xdigit_value(text[i + 1]) * 16 +
			            g_ascii_xdigit_value(text[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return NULL;
		g_string_append_c(decoded, c);
	}

	return g_strdup(decoded->str);
}

/*
 * Append the mailboxes of a list; false: one of them is none. No folds here: they would hide what a
 * line end does.
 */
static bool
add_addresses(GPtrArray *recipients, const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			return false;
	g_auto(AddressList) list = { 0 };
	address_list_parse(text, strlen(text), ADDRESS_NAMES_RAW, &list);

	for (size_t i = 0; i < list.count; i++) {
		if (!list.items[i].valid || list.items[i].is_group)
			return false;
		MailtoRecipient *recipient = g_new(MailtoRecipient, 1);
		*recipient = (MailtoRecipient){ g_strdup(list.items[i].address),
			                        g_strdup(list.items[i].name) };
		g_ptr_array_add(recipients, recipient);
	}

	return list.count > 0;
}

/*
 * A ';' would end an item of a header field in silence; an address has it in quotes only (RFC 6068
 * 2, RFC 5435 3.2).
 */
static bool
has_bare_semicolon(const char *text)
{
	bool quoted = false;
	for (; *text != '\0'; text++) {
		if (*text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (*text == ';' && !quoted)
			return true;
	}

	return false;
}

/* The addresses of the path: commas are split at before anything is decoded. */
static const char *
read_path(Mailto *mailto, const char *path, size_t len)
{
	while (len > 0) {
		const char *comma = memchr(path, ',', len);
		size_t n = comma != NULL ? (size_t) (comma - path) : len;
		g_autofree char *address = decode(path, n);
		if (address == NULL)
			return "it holds what no URI may hold";
		if (has_bare_semicolon(address) || !add_addresses(mailto->to, address))
			return "it names what is not an address";
		path += comma != NULL ? n + 1 : n;
		len -= comma != NULL ? n + 1 : n;
	}
	return NULL;
}

static bool
is_dropped(const char *name)
{
	for (size_t i = 0; dropped[i] != NULL; i++)
		if (g_ascii_strcasecmp(name, dropped[i]) == 0)
			return true;
	return g_ascii_strncasecmp(name, "content-", 8) == 0 ||
	       g_ascii_strncasecmp(name, "resent-", 7) == 0;
}

static bool
is_field_name(const char *name)
{
	const char *c = name;
	while (*c > 32 && *c < 127 && *c != ':')
		c++;
	return c > name && *c == '\0';
}

/* Takes the name and the value. */
static const char *
add_field(Mailto *mailto, char *name, char *value)
{
	MailtoField field = { name, value };
	g_array_append_val(mailto->fields, field);
	return mailto->fields->len > LIMIT_MAILTO_FIELDS ? "it has too many fields" : NULL;
}

static const char *
take_field(Mailto *mailto, const char *name_text, const char *value_text)
{
	g_autofree char *name = g_strdup(name_text), *value = g_strdup(value_text);
	if (!is_field_name(name))
		return "it names what is not a header field";

	if (g_ascii_strcasecmp(name, "to") == 0 || g_ascii_strcasecmp(name, "cc") == 0) {
		GPtrArray *list = g_ascii_strcasecmp(name, "to") == 0 ? mailto->to : mailto->cc;
		return *value == '\0' || add_addresses(list, value)
		               ? NULL
		               : "it names what is not an address";
	}

	char **slot = g_ascii_strcasecmp(name, "subject") == 0 ? &mailto->subject
	              : g_ascii_strcasecmp(name, "body") == 0  ? &mailto->body
	                                                       : NULL;
	if (slot != NULL) {
		g_free(*slot);
		*slot = g_steal_pointer(&value);
		return NULL;
	}

	if (!is_dropped(name))
		return add_field(mailto, g_steal_pointer(&name), g_steal_pointer(&value));
	g_ptr_array_add(mailto->refused, g_steal_pointer(&name));
	return NULL;
}

/* hfname "=" hfvalue *("&" ...) */
static const char *
read_fields(Mailto *mailto, const char *text, size_t len)
{
	const char *fault = NULL;
	while (len > 0 && fault == NULL) {
		const char *sign = memchr(text, '&', len);
		size_t n = sign != NULL ? (size_t) (sign - text) : len;
		const char *equal = memchr(text, '=', n);
		size_t name_len = equal != NULL ? (size_t) (equal - text) : n;
		g_autofree char *name = decode(text, name_len);
		g_autofree char *value = equal != NULL ? decode(equal + 1, n - name_len - 1) : NULL;
		fault = name == NULL || value == NULL ? "it holds what no URI may hold"
		                                      : take_field(mailto, name, value);
		text += sign != NULL ? n + 1 : n;
		len -= sign != NULL ? n + 1 : n;
	}

	return fault;
}

static const char *
read_uri(Mailto *mailto, const char *rest, size_t len)
{
	const char *question = memchr(rest, '?', len);
	size_t path_len = question != NULL ? (size_t) (question - rest) : len;
	const char *fault = read_path(mailto, rest, path_len);

	if (fault == NULL && question != NULL)
		fault = read_fields(mailto, question + 1, len - path_len - 1);
	if (fault == NULL && mailto->to->len + mailto->cc->len > LIMIT_NOTICE_RECIPIENTS)
		fault = "it names too many";
	return fault;
}

bool
mailto_parse(const char *uri, size_t len, Mailto *ret_mailto, const char **ret_why)
{
	size_t skip = sizeof scheme - 1;
	g_auto(Mailto) mailto = { 0 };

	mailto_init(&mailto);
	const char *fault = mailto_is(uri, len) ? read_uri(&mailto, uri + skip, len - skip)
	                                        : "it is not a mailto URI";
	if (fault != NULL) {
		*ret_why = fault;
		return false;
	}

	*ret_mailto = mailto;
	mailto = (Mailto){ 0 };
	return true;
}
