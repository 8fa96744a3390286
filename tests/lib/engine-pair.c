/* SPDX-License-Identifier: MIT */
/*
 * engine-pair: octets choose among the words of small grammars; when they are used up, the first
 * choice is taken.
 */
#include "tests/lib/engine-pair.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
	const guchar *at;
	const guchar *end;
} Source;

#define PICK(source, words) ((words)[pick(source, G_N_ELEMENTS(words))])

static const char *const field_names[] = { "Subject", "X-A", "x-b",  "From",
	                                   "To",      "Cc",  "Date", "X-None" };
static const char *const address_names[] = { "from", "To", "cc", "sender" };
static const char *const texts[] = {
	"",
	"a",
	"b",
	"abc",
	"ABC",
	"aBc",
	"a b",
	"*",
	"?",
	"a?c",
	"[list]",
	"x\\y",
	"\\\\",
	"%",
	"\xc3\xbc",
	"\xc3\x9c",
	"\xff",
	"5",
	"05",
	"10",
	"-1",
	"2147483646",
	"4294967296",
	"1a",
	"=?utf-8?q?a=C3=BC?=",
	"example.org",
	"me",
	"me+box",
	"box",
	"me@example.org",
	"a@b.c",
	"@",
	".",
	"q0",
	":is",
	";",
	"#",
	"/*",
	"a\tb",
	"\xe6\x97\xa5\xe6\x9c\xac",
};
static const char *const patterns[] = { "*",  "?",   "a*", "*c", "*b*",        "a?c", "*a*b*",
	                                "??", "*?*", "A*", "",   "*\xc3\xbc*", "**" };
static const char *const regexes[] = {
	"a",
	"^a",
	"c$",
	"^$",
	"a|b",
	"a.c",
	"[a-c]+",
	"[^a]",
	"(ab)*c",
	"a{1,2}",
	"[[:digit:]]+",
	"\\[list\\]",
	"(a|b)?c",
	"^[0-9]{1,3}$",
	"x\\\\y",
	"[]a]",
	"[a-]",
	"a{2}",
	"a{1,}",
	"(a)(b)",
	"^(a|ab)(c|bcd)$",
	"[[:alpha:]_]",
	".",
	"\\.",
	"$",
	"^",
};
static const char *const addresses[] = {
	"me@example.org",
	"ME@Example.ORG",
	"me+box@example.org",
	"a.b@c.d",
	"\"a b\"@example.org",
	"me@[192.0.2.1]",
	"root",
	"<>",
	"@",
	"a@b@c",
	"Name <me@example.org>",
	"\"Q, P\" <a@b.c>",
	"John Q. Public <jqp@example.org>",
	"grp: a@b.c, d@e.f;",
	"me+@example.org",
	"+@example.org",
	"=?utf-8?q?=C3=BC?= <u@example.org>",
	"(c) me@example.org (d)",
	"\"oops <a@b.c>",
	"a@b.c>",
	"-x@y.z",
	"!#$%&'*+-/=?^_`{|}~@x.y",
	"a..b@c.d",
	"a@b..c",
	"undisclosed-recipients:;",
	"\xc3\xbc@example.org",
	"me@ex_ample.org",
	"x@y",
};
static const char *const plain_addresses[] = {
	"me@example.org",
	"ME@Example.ORG",
	"Me <me+box@example.org>",
	"a.b@c.d",
	"me+@example.org",
	"+@example.org",
	"(c) box@example.org",
	"-x@y.z",
	"!#$%&'*+-/=?^_`{|}~@x.y",
	"me@ex_ample.org",
	"x@y",
	"\"Q, P\" <a@b.c>",
	"a+b+c@d.e",
	"1@2.3",
	"grp: a@b.c, d@e.f;",
};
static const char *const bare[] = {
	"me@example.org", "",      "ME+Box@Example.org", "a@b.c", "MAILER-DAEMON",
	"\"a b\"@c.d",    "x+@y.z"
};

static unsigned
pick(Source *source, size_t n)
{
	return source->at < source->end ? *source->at++ % n : 0;
}

/* Now and then something that nobody thought of, long ones too. */
static void
add_text(Source *source, GString *out)
{
	unsigned how = pick(source, 16);

	if (how > 2) {
		g_string_append(out, PICK(source, texts));
		return;
	}

	size_t times = how == 2 ? 1 + 40u * pick(source, 256) : 1;
	unsigned n = 1 + pick(source, 6);
	char word[8];
	for (unsigned i = 0; i < n; i++)
		word[i] = (char) pick(source, 256);
	for (size_t t = 0; t < times; t++)
		g_string_append_len(out, word, n);
}

static void
add_quoted(GString *out, const char *text, size_t len)
{
	g_string_append_c(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			g_string_append_c(out, '\\');
		if (text[i] != '\0')
			g_string_append_c(out, text[i]);
	}

	g_string_append_c(out, '"');
}

static void
add_key(Source *source, GString *out, unsigned match)
{
	g_autoptr(GString) key = g_string_new(NULL);
	if (match == 2)
		g_string_append(key, PICK(source, patterns));
	else if (match == 5)
		g_string_append(key, PICK(source, regexes));
	else if (match == 3 || match == 4)
		g_string_append_printf(key, "%u", pick(source, 12));
	else
		add_text(source, key);

	add_quoted(out, key->str, key->len);
}

static void
add_keys(Source *source, GString *out, unsigned match)
{
	unsigned n = match == 4 ? 1 : 1 + pick(source, 3);

	g_string_append_c(out, '[');
	for (unsigned i = 0; i < n; i++) {
		g_string_append(out, i > 0 ? ", " : "");
		add_key(source, out, match);
	}

	g_string_append_c(out, ']');
}

static void
add_names(Source *source, GString *out, const char *const *names, size_t n_names, unsigned match)
{
	unsigned n = match == 4 ? 1 : 1 + pick(source, 2);

	g_string_append_c(out, '[');
	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(out, "%s\"%s\"", i > 0 ? ", " : "",
		                       names[pick(source, n_names)]);
	g_string_append_c(out, ']');
}

static void
add_match_test(Source *source, GString *out)
{
	static const char *const matches[] = { ":is",    ":contains", ":matches",
		                               ":value", ":count",    ":regex" };
	static const char *const relations[] = { "gt", "ge", "lt", "le", "eq", "ne" };
	static const char *const parts[] = { "",         " :all",  " :localpart",
		                             " :domain", " :user", " :detail" };
	static const char *const comparators[] = { "", " :comparator \"i;octet\"",
		                                   " :comparator \"i;ascii-casemap\"" };
	static const char *const envelope_parts[] = { "from", "to" };
	unsigned kind = pick(source, 4), match = pick(source, 6);

	if (match == 3 && kind >= 2)
		match = 0;
	bool is_number = match == 3 || match == 4;
	g_string_append(out, kind < 2 ? "header" : kind == 2 ? "address" : "envelope");
	g_string_append(out, kind < 2 ? "" : PICK(source, parts));
	g_string_append_printf(out, "%s %s ",
	                       is_number ? " :comparator \"i;ascii-numeric\""
	                                 : PICK(source, comparators),
	                       matches[match]);
	if (is_number)
		g_string_append_printf(out, "\"%s\" ", PICK(source, relations));

	if (kind < 2)
		add_names(source, out, field_names, G_N_ELEMENTS(field_names), match);
	else if (kind == 2)
		add_names(source, out, address_names, G_N_ELEMENTS(address_names), match);
	else
		add_names(source, out, envelope_parts, G_N_ELEMENTS(envelope_parts), match);

	g_string_append_c(out, ' ');
	add_keys(source, out, match);
}

static void
add_test(Source *source, GString *out, unsigned depth)
{
	unsigned kind = pick(source, depth < 3 ? 10 : 6);
	switch (kind) {
	case 4:
		g_string_append(out, "exists ");
		add_names(source, out, field_names, G_N_ELEMENTS(field_names), 0);
		return;
	case 5:
		g_string_append_printf(out, "size :%s %u", pick(source, 2) ? "over" : "under",
		                       4 * pick(source, 256));
		return;
	case 6:
		g_string_append(out, "not ");
		add_test(source, out, depth + 1);
		return;
	case 7:
	case 8:
		g_string_append(out, kind == 7 ? "anyof (" : "allof (");
		for (unsigned i = 0, n = 1 + pick(source, 3); i < n; i++) {
			g_string_append(out, i > 0 ? ", " : "");
			add_test(source, out, depth + 1);
		}
		g_string_append_c(out, ')');
		return;
	case 9:
		g_string_append(out, pick(source, 2) ? "true" : "false");
		return;
	default:
		add_match_test(source, out);
	}
}

static void
add_action(Source *source, GString *out)
{
	static const char *const actions[] = {
		"keep;",
		"fileinto \"A\";",
		"fileinto \"B \\\"x\\\"\";",
		"redirect \"r@example.net\";",
		"discard;",
		"stop;",
		"keep :flags \"\\\\Seen\";",
		"fileinto :flags [\"x\", \"\\\\Flagged\"] \"C\";",
		"vacation \"away\";",
		"reject \"no\";",
		"vacation :days 3 :addresses [\"x\"] \"gone\";",
	};
	g_string_append_printf(out, "%s\n", PICK(source, actions));
}

static void
add_block(Source *source, GString *out, unsigned depth)
{
	for (unsigned i = 0, n = 1 + pick(source, 3); i < n; i++) {
		if (depth > 3 || pick(source, 2) == 0) {
			add_action(source, out);
			continue;
		}
		for (unsigned branch = 0, branches = 1 + pick(source, 3); branch < branches;
		     branch++) {
			g_string_append(out, branch == 0 ? "if " : "elsif ");
			add_test(source, out, 0);
			g_string_append(out, " {\n");
			add_block(source, out, depth + 1);
			g_string_append(out, "}\n");
		}
		if (pick(source, 2) == 0)
			continue;
		g_string_append(out, "else {\n");
		add_block(source, out, depth + 1);
		g_string_append(out, "}\n");
	}
}

/* Tests whose results all show in the plan; now and then commands of all kinds. */
static void
add_commands(Source *source, GString *out)
{
	if (pick(source, 8) == 1) {
		add_block(source, out, 0);
		return;
	}
	for (unsigned i = 0, n = 1 + pick(source, 8); i < n; i++) {
		g_string_append(out, "if ");
		add_test(source, out, pick(source, 2) ? 3 : 1);
		g_string_append_printf(out, " { fileinto \"T%u\"; }\n", i);
	}
}

/* Mostly those that the library gets to see. */
static void
add_address_list(Source *source, GString *out)
{
	bool plain = pick(source, 4) != 1;
	for (unsigned i = 0, n = 1 + pick(source, 3); i < n; i++)
		g_string_append_printf(out, "%s%s", i > 0 ? ",\n " : "",
		                       plain ? PICK(source, plain_addresses)
		                             : PICK(source, addresses));
}

static void
add_fields(Source *source, GString *out)
{
	for (unsigned i = 0, n = pick(source, 8); i < n; i++) {
		g_string_append_printf(out, "%s: ", PICK(source, field_names));
		if (pick(source, 4) == 0)
			add_text(source, out);
		else if (pick(source, 2) == 0)
			g_string_append(out, PICK(source, texts));
		else
			add_address_list(source, out);
		g_string_append_c(out, '\n');
	}

	for (unsigned i = 0, n = pick(source, 3); i < n; i++) {
		g_string_append_printf(out, "%s: ", PICK(source, address_names));
		add_address_list(source, out);
		g_string_append_c(out, '\n');
	}

	g_string_append(out, "\nbody\n");
}

void
engine_pair_make(const guchar *data, size_t size, EnginePair *ret_pair)
{
	Source source = { data, data + size };
	EnginePair pair = { g_string_new(NULL), g_string_new(NULL), g_string_new(NULL) };

	g_string_append_printf(pair.envelope, "from: %s\nto: %s\n", PICK(&source, bare),
	                       PICK(&source, bare));
	add_fields(&source, pair.message);
	g_string_append(
		pair.script,
		"require [\"fileinto\", \"reject\", \"envelope\", \"subaddress\", \"relational\", \"vacation\", \"regex\", "
		"\"imap4flags\", \"comparator-i;ascii-numeric\"];\n");
	add_commands(&source, pair.script);
	*ret_pair = pair;
}

void
engine_pair_clear(EnginePair *pair)
{
	GString **const texts_of[] = { &pair->script, &pair->message, &pair->envelope };
	for (size_t i = 0; i < G_N_ELEMENTS(texts_of); i++) {
		if (*texts_of[i] != NULL)
			g_string_free(*texts_of[i], TRUE);
		*texts_of[i] = NULL;
	}
}
