/* SPDX-License-Identifier: MIT */
/* test-anonymous: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/test-anonymous.h"

#include "agent/message/address.h"

#include <string.h>

struct TestAnonymous {
	char *kept;         /* in lower case */
	GHashTable *people; /* address in lower case to the one that stands for it */
};

/* Fields with addresses and names of people alone. */
static const char *const of_people[] = { "From",         "To",           "Cc",        "Sender",
	                                 "Reply-To",     "Resent-From",  "Resent-To", "Return-Path",
	                                 "Delivered-To", "X-Original-To" };

/* Fields that tell the way of the mail, or prove who it is from. */
static const char *const of_way[] = { "Received",         "DKIM-",    "ARC-",
	                              "X-Todoke-",        "X-Google", "X-Received",
	                              "X-Originating-IP", "Autocrypt" };

TestAnonymous *
test_anonymous_new(const char *kept)
{
	TestAnonymous *anonymous = g_new0(TestAnonymous, 1);
	anonymous->kept = g_ascii_strdown(kept, -1);
	anonymous->people = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return anonymous;
}

void
test_anonymous_free(TestAnonymous *anonymous)
{
	if (anonymous == NULL)
		return;
	g_hash_table_unref(anonymous->people);
	g_free(anonymous->kept);
	g_free(anonymous);
}

/* Do the rules speak of the word? */
static bool
is_kept(const TestAnonymous *anonymous, const char *word)
{
	return *word != '\0' && strstr(anonymous->kept, word) != NULL;
}

/* Local part and domain are replaced each where no rule speaks of it; the detail stays. */
static char *
make_address(const TestAnonymous *anonymous, const char *address)
{
	const char *at = strrchr(address, '@');
	g_autofree char *local = at != NULL ? g_strndup(address, (gsize) (at - address))
	                                    : g_strdup(address);
	const char *domain = at != NULL ? at + 1 : "", *plus = strchr(local, '+');
	guint number = g_hash_table_size(anonymous->people) + 1;
	g_autofree char *whole = g_strconcat(local, "@", NULL);

	g_autofree char *person = is_kept(anonymous, whole)
	                                  ? g_strdup(local)
	                                  : g_strdup_printf("person%u%s", number,
	                                                    plus != NULL ? plus : "");
	return g_strconcat(person, "@", is_kept(anonymous, domain) ? domain : "example.org", NULL);
}

char *
test_anonymous_address(TestAnonymous *anonymous, const char *address)
{
	g_autofree char *key = g_ascii_strdown(address, -1);
	const char *known = g_hash_table_lookup(anonymous->people, key);
	if (*address == '\0' || is_kept(anonymous, key))
		return g_strdup(address);
	if (known != NULL)
		return g_strdup(known);

	char *made = make_address(anonymous, key);
	g_hash_table_insert(anonymous->people, g_steal_pointer(&key), g_strdup(made));
	return made;
}

static bool
is_address_octet(char c)
{
	return g_ascii_isalnum(c) || strchr(".!#$%&'*+/=?^_`{|}~-", c) != NULL;
}

/* The next address in a text, by its '@'; false: there is none. */
static bool
next_address(const char *text, const char **ret_begin, const char **ret_end)
{
	for (const char *at = strchr(text, '@'); at != NULL; at = strchr(at + 1, '@')) {
		const char *begin = at, *end = at + 1;
		while (begin > text && begin[-1] != '\0' && is_address_octet(begin[-1]))
			begin--;
		while (*end != '\0' && (g_ascii_isalnum(*end) || *end == '.' || *end == '-'))
			end++;
		if (begin < at && end > at + 1) {
			*ret_begin = begin;
			*ret_end = end;
			return true;
		}
	}
	return false;
}

/* Each address of the text replaced; `alone`: nothing else stays. */
static void
append_replaced(TestAnonymous *anonymous, GString *out, const char *text, bool alone)
{
	const char *begin, *end;
	bool first = true;

	for (; next_address(text, &begin, &end); text = end, first = false) {
		g_autofree char *address = g_strndup(begin, (gsize) (end - begin));
		g_autofree char *other = test_anonymous_address(anonymous, address);
		if (!alone)
			g_string_append_len(out, text, begin - text);
		else if (!first)
			g_string_append(out, ", ");
		g_string_append_printf(out, alone ? "<%s>" : "%s", other);
	}
	if (!alone)
		g_string_append(out, text);
}

static bool
is_one_of(const char *name, const char *const *names, size_t count, bool by_beginning)
{
	for (size_t i = 0; i < count; i++)
		if (by_beginning ? g_ascii_strncasecmp(name, names[i], strlen(names[i])) == 0
		                 : g_ascii_strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static void
append_field(TestAnonymous *anonymous, GString *out, const HeaderField *field)
{
	g_autofree char *bytes = g_strndup(field->bytes, field->len);
	char *colon = strchr(bytes, ':');
	if (colon == NULL)
		return;

	g_autofree char *name = g_strndup(bytes, (gsize) (colon - bytes));
	g_strchomp(name);
	if (is_one_of(name, of_way, G_N_ELEMENTS(of_way), true))
		return;

	g_strchomp(colon);
	bool alone = is_one_of(name, of_people, G_N_ELEMENTS(of_people), false);
	g_string_append_printf(out, "%s: ", name);
	append_replaced(anonymous, out, g_strchug(colon + 1), alone);
	g_string_append_c(out, '\n');
}

Message *
test_anonymous_message(TestAnonymous *anonymous, const Message *message, Status *st)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const Headers *headers = message_headers(message);

	for (size_t i = 0; i < headers_count(headers); i++)
		append_field(anonymous, out, headers_get(headers, i));
	g_string_append(out, "\nText.\n");

	return message_from_bytes(out->str, out->len, st);
}

/* Takes the old one. */
static char *
replace(TestAnonymous *anonymous, char *taken)
{
	char *other = taken != NULL ? test_anonymous_address(anonymous, taken) : NULL;
	g_free(taken);
	return other;
}

void
test_anonymous_envelope(TestAnonymous *anonymous, Envelope *envelope)
{
	envelope->sender = replace(anonymous, envelope->sender);
	envelope->recipient = replace(anonymous, envelope->recipient);
	envelope->original = replace(anonymous, envelope->original);
}
