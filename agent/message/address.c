/* SPDX-License-Identifier: MIT */
/* address: halves, what may be sent to, and equality. */
#include "agent/message/address.h"

#include "agent/base/fold.h"
#include "agent/base/limits.h"

#include <string.h>

void
address_split(const char *address, char **ret_local, char **ret_domain)
{
	const char *at = strrchr(address, '@');
	*ret_local = at != NULL ? g_strndup(address, (size_t) (at - address)) : g_strdup(address);
	*ret_domain = at != NULL ? g_strdup(at + 1) : NULL;
}

void
address_parse(const char *address, Address *ret_address)
{
	address_split(address, &ret_address->local, &ret_address->domain);
}

void
address_clear(Address *address)
{
	g_clear_pointer(&address->local, g_free);
	g_clear_pointer(&address->domain, g_free);
}

bool
address_is_null(const Address *address)
{
	return *address->local == '\0' && address->domain == NULL;
}

bool
address_is_domain(const char *domain)
{
	size_t len = strlen(domain);

	if (domain[0] == '[')
		return len > 2 && domain[len - 1] == ']' &&
		       strcspn(domain + 1, "[] \t\\<>\"") == len - 2;
	char last = '.';
	for (const char *c = domain; *c != '\0'; last = *c++) {
		bool letter = g_ascii_isalnum(*c) || *c == '-' || *c == '_' || (guchar) *c >= 0x80;
		if (!letter && (*c != '.' || last == '.'))
			return false;
	}

	return len > 0 && len <= 255;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (g_ascii_iscntrl(*text))
			return true;
	return false;
}

/* Postfix takes nothing that begins with '-' (allow_min_user). */
bool
address_is_sendable(const Address *address)
{
	const char *local = address->local, *domain = address->domain;
	size_t len = strlen(local) + (domain != NULL ? strlen(domain) + 1 : 0);
	if (*local == '\0' || *local == '-' || len > LIMIT_ADDRESS_BYTES)
		return false;
	if (has_control(local) || !g_utf8_validate(local, -1, NULL))
		return false;

	return domain == NULL || (address_is_domain(domain) && !has_control(domain) &&
	                          g_utf8_validate(domain, -1, NULL));
}

bool
address_text_is_sendable(const char *text)
{
	g_auto(Address) address = { 0 };
	address_parse(text, &address);
	return address_is_sendable(&address);
}

/* Is the whole text one quoted string (RFC 5322 3.2.4)? */
static bool
is_quoted(const char *text, size_t len)
{
	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < len; i++) {
		if (text[i] == '"')
			return false;
		if (text[i] == '\\' && ++i + 1 >= len)
			return false; /* it quotes the last quote */
	}

	return true;
}

/* An address whose local part may be a quoted string, without the quotes. */
static char *
unquote_local(const char *text)
{
	const char *at = strrchr(text, '@');
	size_t len = at != NULL ? (size_t) (at - text) : strlen(text);
	if (!is_quoted(text, len))
		return g_strdup(text);

	GString *out = g_string_sized_new(len);
	for (size_t i = 1; i + 1 < len; i++) {
		if (text[i] == '\\')
			i++;
		g_string_append_c(out, text[i]);
	}

	g_string_append(out, text + len);
	return g_string_free(out, FALSE);
}

char *
address_read(const char *text)
{
	size_t len = strlen(text);
	bool bracketed = len >= 2 && text[0] == '<' && text[len - 1] == '>';
	g_autofree char *inner = bracketed ? g_strndup(text + 1, len - 2) : g_strdup(text);
	return unquote_local(inner);
}

/*
 * With '-' as delimiter some names have one without a detail; Postfix knows the same ones
 * (global/split_addr.c).
 */
static bool
is_never_split(const char *local)
{
	return g_ascii_strcasecmp(local, "mailer-daemon") == 0 ||
	       g_ascii_strncasecmp(local, "owner-", 6) == 0 ||
	       (strlen(local) > 8 &&
	        g_ascii_strcasecmp(local + strlen(local) - 8, "-request") == 0);
}

void
address_split_detail(const char *local, const char *delimiters, char **ret_user, char **ret_detail)
{
	size_t at = *local == '\0' ? 0 : 1 + strcspn(local + 1, delimiters);

	if (local[at] == '\0' || (local[at] == '-' && is_never_split(local))) {
		*ret_user = g_strdup(local);
		*ret_detail = NULL;
		return;
	}

	*ret_user = g_strndup(local, at);
	*ret_detail = g_strdup(local + at + 1);
}

/*
 * The octet behind the quoted string that begins at `c`; the end of the text where it never ends.
 */
static const char *
skip_quoted(const char *c)
{
	for (c++; *c != '\0' && *c != '"'; c++)
		if (*c == '\\' && c[1] != '\0')
			c++;
	return *c == '"' ? c + 1 : c;
}

const char *
address_skip_comment(const char *c)
{
	size_t depth = 0;
	for (; *c != '\0'; c++) {
		if (*c == '\\' && c[1] != '\0')
			c++;
		else if (*c == '(')
			depth++;
		else if (*c == ')' && --depth == 0)
			return c + 1;
	}

	return c;
}

size_t
address_word_length(const char *text)
{
	const char *c = text;
	while (*c != '\0' && *c != ' ')
		c = *c == '"' ? skip_quoted(c) : c + 1;
	return (size_t) (c - text);
}

/*
 * Append text without comments up to `stop` (outside of quotes) or the end; returns where it
 * stopped.
 */
static const char *
copy_bare(const char *c, char stop, GString *out)
{
	while (*c != '\0' && *c != stop) {
		const char *next = *c == '"'   ? skip_quoted(c)
		                   : *c == '(' ? address_skip_comment(c)
		                               : c + 1;
		if (*c != '(')
			g_string_append_len(out, c, next - c);
		c = next;
	}
	return c;
}

/* Drop white space at both ends and beside the last '@', and the quotes of the local part. */
static char *
close_up(GString *text)
{
	g_autofree char *spaced = g_strstrip(g_string_free(text, FALSE));
	if (*spaced == '\0')
		return NULL;

	char *at = strrchr(spaced, '@');
	if (at == NULL)
		return unquote_local(spaced);

	*at = '\0';
	g_autofree char *closed = g_strconcat(g_strchomp(spaced), "@", g_strchug(at + 1), NULL);
	return unquote_local(closed);
}

char *
address_from_header(const char *value)
{
	GString *text = g_string_new(NULL);
	const char *end = copy_bare(value, '<', text);
	if (*end == '\0')
		return close_up(text);

	g_string_truncate(text, 0);
	copy_bare(end + 1, '>', text);

	/* A source route, "<@a,@b:user@c>", is ignored (RFC 5321 appendix C). */
	const char *colon = text->str[0] == '@' ? strchr(text->str, ':') : NULL;
	if (colon != NULL)
		g_string_erase(text, 0, colon + 1 - text->str);
	return close_up(text);
}

char *
address_from_fields(const Headers *headers, const char *const *names)
{
	for (; *names != NULL; names++) {
		size_t pos = 0;
		const HeaderField *field = headers_next(headers, *names, &pos);
		g_autofree char *value = field != NULL ? header_field_value(field) : NULL;
		if (value == NULL)
			continue;
		if (strcmp(value, "<>") == 0 && header_field_is(field, "Return-Path"))
			return g_strdup("");

		char *address = address_from_header(value);
		if (address != NULL)
			return address;
	}

	return NULL;
}

/*
 * Longer text than an address may have is compared octet by octet: normalising and Punycode take
 * quadratic time.
 */
static bool
is_plain(const char *text)
{
	return g_str_is_ascii(text) || strlen(text) > LIMIT_ADDRESS_BYTES ||
	       !g_utf8_validate(text, -1, NULL);
}

char *
address_host(const char *name)
{
	g_autofree char *ascii = is_plain(name) ? NULL : g_hostname_to_ascii(name);
	char *host = g_ascii_strdown(ascii != NULL ? ascii : name, -1);
	size_t len = strlen(host);

	if (len > 1 && host[len - 1] == '.')
		host[len - 1] = '\0';
	return host;
}

static char *
fold_case(const char *local)
{
	return is_plain(local) ? g_ascii_strdown(local, -1) : fold_text(local);
}

/* The same letters may be written composed or not (RFC 6532 3.1 asks for NFC). */
static char *
compose(const char *local)
{
	return is_plain(local) ? g_strdup(local) : g_utf8_normalize(local, -1, G_NORMALIZE_NFC);
}

char *
address_canonical(const char *address, const AddressRules *rules)
{
	g_autofree char *local = NULL, *domain = NULL, *user = NULL, *detail = NULL;

	address_split(address, &local, &domain);
	address_split_detail(local, rules->delimiters != NULL ? rules->delimiters : "", &user,
	                     &detail);
	g_autofree char *folded = rules->fold_local ? fold_case(user) : g_strdup(user);
	g_autofree char *composed = compose(folded);
	if (domain == NULL)
		return g_steal_pointer(&composed);

	g_autofree char *host = address_host(domain);
	return g_strconcat(composed, "@", host, NULL);
}

bool
address_equal(const char *a, const char *b, const AddressRules *rules)
{
	g_autofree char *one = address_canonical(a, rules), *two = address_canonical(b, rules);
	return strcmp(one, two) == 0;
}
