/* SPDX-License-Identifier: MIT */
/*
 * mailto URIs: the examples of RFC 6068 6 and what notices must not take from them (RFC 5436 2.7).
 */
#include "agent/message/mailto.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *uri;
	const char *want; /* "to,...|cc,...|subject|body|field=value,..."; a fault: "! why" */
} Row;

static const Row rows[] = {
	{ "one address", "mailto:chris@example.com", "chris@example.com||-|-|" },
	{ "a subject", "mailto:infobot@example.com?subject=current-issue",
	  "infobot@example.com||current-issue|-|" },
	{ "a body with two lines",
	  "mailto:infobot@example.com?body=send%20current-issue%0D%0Asend%20index",
	  "infobot@example.com||-|send current-issue\r\nsend index|" },
	{ "another field", "mailto:list@example.org?In-Reply-To=%3C3469A91.D10AF4C@example.com%3E",
	  "list@example.org||-|-|In-Reply-To=<3469A91.D10AF4C@example.com>" },
	{ "two fields, cc", "mailto:joe@example.com?cc=bob@example.com&body=hello",
	  "joe@example.com|bob@example.com|-|hello|" },
	{ "two in the path", "mailto:addr1@an.example,addr2@an.example",
	  "addr1@an.example,addr2@an.example||-|-|" },
	{ "all in to", "mailto:?to=addr1@an.example%2C%20addr2@an.example",
	  "addr1@an.example,addr2@an.example||-|-|" },
	{ "a percent sign", "mailto:gorby%25kremvax@example.com",
	  "gorby%kremvax@example.com||-|-|" },
	{ "a question mark", "mailto:unlikely%3Faddress@example.com?blat=foop",
	  "unlikely?address@example.com||-|-|blat=foop" },
	{ "an ampersand", "mailto:Mike%26family@example.org", "Mike&family@example.org||-|-|" },
	{ "an equal sign", "mailto:a@example.com?subject=1+1=2", "a@example.com||1+1=2|-|" },
	{ "UTF-8", "mailto:user@example.org?subject=caf%C3%A9",
	  "user@example.org||caf\xc3\xa9|-|" },
	{ "the scheme has no case", "MailTo:a@example.com", "a@example.com||-|-|" },
	{ "the last subject counts", "mailto:a@example.com?subject=1&Subject=2",
	  "a@example.com||2|-|" },
	{ "fields that are not its own",
	  "mailto:a@example.com?From=x&auto-submitted=no&received=y&Date=z&Message-ID=1&bcc=b@example.com"
	  "&content-type=text/html&MIME-Version=2&x-ok=1",
	  "a@example.com||-|-|x-ok=1" },
	{ "nobody", "mailto:", "||-|-|" },
	{ "nobody, with a subject", "mailto:?subject=a", "||a|-|" },
	{ "a display name in to", "mailto:?to=Carol%20Smith%20%3Ccarol@example.com%3E",
	  "Carol Smith:carol@example.com||-|-|" },
	{ "a quoted display name in cc", "mailto:?cc=%22Smith,%20C.%22%20%3Cc@example.com%3E",
	  "|Smith, C.:c@example.com|-|-|" },
	{ "the form of Japanese carriers", "mailto:foo.@docomo.ne.jp,.a..b@docomo.ne.jp",
	  "foo.@docomo.ne.jp,.a..b@docomo.ne.jp||-|-|" },
	{ "a semicolon behind an address", "mailto:a@example.com;?header=y",
	  "! it names what is not an address" },
	{ "a semicolon between two", "mailto:a@example.com;b@example.com",
	  "! it names what is not an address" },
	{ "a semicolon in quotes", "mailto:%22a;b%22@example.com", "a;b@example.com||-|-|" },
	{ "no address", "mailto:nobody", "! it names what is not an address" },
	{ "a line end in an address", "mailto:a%0d%0aRCPT@b.example",
	  "! it names what is not an address" },
	{ "no address in cc", "mailto:a@example.com?cc=b", "! it names what is not an address" },
	{ "half an escape", "mailto:a@example.com?subject=%4", "! it holds what no URI may hold" },
	{ "no hexadecimal digits", "mailto:a@example.com?subject=%g1",
	  "! it holds what no URI may hold" },
	{ "a NUL", "mailto:a@example.com?subject=%00", "! it holds what no URI may hold" },
	{ "a blank", "mailto:a@example.com?subject=a b", "! it holds what no URI may hold" },
	{ "8-bit text", "mailto:a@example.com?subject=\xc3\xa9",
	  "! it holds what no URI may hold" },
	{ "no equal sign", "mailto:a@example.com?subject", "! it holds what no URI may hold" },
	{ "no field's name", "mailto:a@example.com?a%0Ab=1",
	  "! it names what is not a header field" },
	{ "another scheme", "http://example.com/", "! it is not a mailto URI" },
	{ "nothing", "", "! it is not a mailto URI" },
};

static void
append_list(GString *out, const GPtrArray *list)
{
	for (guint i = 0; i < list->len; i++) {
		const MailtoRecipient *recipient = list->pdata[i];
		g_string_append_printf(out, "%s%s%s%s", i > 0 ? "," : "",
		                       recipient->name != NULL ? recipient->name : "",
		                       recipient->name != NULL ? ":" : "", recipient->address);
	}
	g_string_append_c(out, '|');
}

static void
test_row(void **state)
{
	const Row *row = *state;
	g_auto(Mailto) mailto = { 0 };
	const char *why = NULL;
	g_autoptr(GString) got = g_string_new(NULL);

	if (!mailto_parse(row->uri, strlen(row->uri), &mailto, &why)) {
		g_string_printf(got, "! %s", why);
		assert_null(mailto.to);
	} else {
		append_list(got, mailto.to);
		append_list(got, mailto.cc);
		g_string_append_printf(got, "%s|%s|", mailto.subject != NULL ? mailto.subject : "-",
		                       mailto.body != NULL ? mailto.body : "-");
		for (guint i = 0; i < mailto.fields->len; i++) {
			const MailtoField *field = &g_array_index(mailto.fields, MailtoField, i);
			g_string_append_printf(got, "%s%s=%s", i > 0 ? "," : "", field->name,
			                       field->value);
		}
	}

	assert_string_equal(got->str, row->want);
}

/* A URI of `n` pieces. */
static bool
parses(const char *head, const char *piece, unsigned n)
{
	g_autoptr(GString) uri = g_string_new(head);

	for (unsigned i = 0; i < n; i++)
		g_string_append(uri, piece);
	g_auto(Mailto) mailto = { 0 };
	const char *why;

	return mailto_parse(uri->str, uri->len, &mailto, &why);
}

static void
test_limits(void **state)
{
	(void) state;
	assert_true(parses("mailto:", "a@example.com,", LIMIT_NOTICE_RECIPIENTS));
	assert_false(parses("mailto:", "a@example.com,", LIMIT_NOTICE_RECIPIENTS + 1));
	assert_true(parses("mailto:a@example.com?", "x=1&", LIMIT_MAILTO_FIELDS));
	assert_false(parses("mailto:a@example.com?", "x=1&", LIMIT_MAILTO_FIELDS + 1));
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limits);
	return _cmocka_run_group_tests("mailto", tests, n, NULL, NULL);
}
