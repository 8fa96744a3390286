/* SPDX-License-Identifier: MIT */
/* Addresses as real mail writes them: one bad address never spoils the rest. */
#include "agent/message/address-list.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

/*
 * want: an item is [!]name<address>; '!' not valid, "G:" a group, "G/" before its members; items
 * are divided by blanks and '|'.
 */
typedef struct {
	const char *name;
	const char *in;
	const char *want;
} Row;

static const Row rows[] = {
	/* RFC 5322 3.4 and its appendix A */
	{ "bare address", "a@b.c", "<a@b.c>" },
	{ "angle address", "<a@b.c>", "<a@b.c>" },
	{ "name", "John Doe <jdoe@machine.example>", "John Doe<jdoe@machine.example>" },
	{ "quoted name", "\"Joe Q. Public\" <john.q.public@example.com>",
	  "Joe Q. Public<john.q.public@example.com>" },
	{ "quotes in a quoted name", "\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	  "Giant; \"Big\" Box<sysservices@example.net>" },
	{ "two", "a@b, c@d", "<a@b> | <c@d>" },
	{ "three of A.1.2", "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	  "Mary Smith<mary@x.test> | <jdoe@example.org> | Who?<one@y.test>" },
	{ "group of A.1.3", "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	  "G:A Group | A Group/Ed Jones<c@a.test> | A Group/<joe@where.test> | A Group/John<jdoe@one.test>" },
	{ "empty group", "Undisclosed recipients:;", "G:Undisclosed recipients" },
	{ "group of A.5, comments everywhere",
	  "A Group(Some people):Chris Jones <c@(Chris's host.)public.example>,joe@example.org, John <jdoe@one.test> (my dear friend); "
	  "(the end of the group)",
	  "G:A Group | A Group/Chris Jones<c@public.example> | A Group/<joe@example.org> | A Group/John<jdoe@one.test>" },
	{ "comment in a phrase of A.5",
	  "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	  "Pete<pete@silly.test>" },
	{ "group then address", "G:a@b;, c@d", "G:G | G/<a@b> | <c@d>" },
	{ "group then address without comma", "G:a@b; c@d", "G:G | G/<a@b> | <c@d>" },
	{ "group that never ends", "G:a@b, c@d", "G:G | G/<a@b> | G/<c@d>" },
	{ "group with a quoted name", "\"A: B\": a@b;", "G:A: B | A: B/<a@b>" },
	{ "obsolete dots of A.6.1", "Joe Q. Public <john.q.public@example.com>",
	  "Joe Q. Public<john.q.public@example.com>" },
	{ "obsolete route of A.6.1", "Mary Smith <@node.test:mary@example.net>",
	  "Mary Smith<mary@example.net>" },
	{ "route with two hosts", "<@a.test,@b.test:c@d.test>, x@y", "<c@d.test> | <x@y>" },
	{ "empty places of A.6.1", ", , jdoe@test . example,,", "<jdoe@test.example>" },
	{ "blanks and comments of A.6.3", "John Doe <jdoe@machine(comment).  example>",
	  "John Doe<jdoe@machine.example>" },
	{ "blanks around dots and at", "<a . b @ c . d>", "<a.b@c.d>" },
	{ "folded", "John\r\n Doe\r\n <jdoe@\r\n\texample.com>", "John Doe<jdoe@example.com>" },
	/* halves */
	{ "quoted local part", "\"john doe\"@example.com", "<john doe@example.com>" },
	{ "quoted local part with a sign", "\"a@b\"@c.d, e@f", "<a@b@c.d> | <e@f>" },
	{ "quoted local part with a comma", "<\"a,b\"@c>", "<a,b@c>" },
	{ "partly quoted local part", "\"a b\".c@d", "<a b.c@d>" },
	{ "empty quoted local part", "\"\"@c", "!<@c>" },
	{ "domain literal", "<a@[192.0.2.1]>", "<a@[192.0.2.1]>" },
	{ "IPv6 literal in a bare address", "a@[IPv6:2001:db8::1], c@d",
	  "<a@[IPv6:2001:db8::1]> | <c@d>" },
	{ "literal that never ends", "a@[192.0.2.1, c@d", "!<a@[192.0.2.1> | <c@d>" },
	{ "dot at the end, as Japanese carriers allow", "<foo.@docomo.ne.jp>",
	  "<foo.@docomo.ne.jp>" },
	{ "two dots", "<foo..bar@docomo.ne.jp>", "<foo..bar@docomo.ne.jp>" },
	{ "UTF-8", "\xe3\x81\x82 <\xe3\x81\x84@\xe4\xbe\x8b.jp>",
	  "\xe3\x81\x82<\xe3\x81\x84@\xe4\xbe\x8b.jp>" },
	{ "octets that are no UTF-8", "\xa4 <a\xa4@b>, c@d",
	  "\xef\xbf\xbd!<a\xef\xbf\xbd@b> | <c@d>" },
	{ "detail", "<user+detail@example.com>", "<user+detail@example.com>" },
	{ "slashes and signs", "<a/b=c!d#e@f>", "<a/b=c!d#e@f>" },
	/* what is none, or almost */
	{ "empty", "", "" },
	{ "blanks", " \t ", "" },
	{ "null sender", "<>", "!<>" },
	{ "empty name", "\"\" <a@b>", "<a@b>" },
	{ "bare word", "root", "!<root>" },
	{ "bare word in brackets", "Cron <root>, c@d", "Cron!<root> | <c@d>" },
	{ "bare words", "John Doe, c@d", "!<John Doe> | <c@d>" },
	{ "only a sign", "@", "!<@>" },
	{ "no local part", "@b, c@d", "!<@b> | <c@d>" },
	{ "no domain", "a@, c@d", "!<a@> | <c@d>" },
	{ "two signs", "a@b@c, d@e", "!<a@b@c> | <d@e>" },
	{ "blank in the local part", "<a b@c>, d@e", "!<a b@c> | <d@e>" },
	{ "dot at the end of the domain", "a@b., c@d", "<a@b.> | <c@d>" },
	{ "empty label", "a@b..c, c@d", "!<a@b..c> | <c@d>" },
	{ "old comment name", "jdoe@example.com (John Doe)", "John Doe<jdoe@example.com>" },
	{ "comment name behind brackets", "<jdoe@example.com> (John Doe)",
	  "John Doe<jdoe@example.com>" },
	{ "only a comment", "(nobody), c@d", "<c@d>" },
	{ "comma forgotten", "a@b c@d", "<a@b> | <c@d>" },
	{ "comma forgotten between brackets", "A <a@b> C <c@d>", "A<a@b> | C<c@d>" },
	{ "semicolons as Outlook has them", "a@b; C <c@d>", "<a@b> | C<c@d>" },
	{ "words behind an address", "<a@b> and more, c@d", "<a@b> | <c@d>" },
	{ "name without quotes has a comma", "Doe, John <a@b>", "!<Doe> | John<a@b>" },
	{ "name has a sign", "a@b <c@d>", "a@b<c@d>" },
	{ "name in front without brackets", "John a@b", "John<a@b>" },
	{ "bracket that never closes", "A <a@b, c@d", "A<a@b> | <c@d>" },
	{ "bracket that never opens", "A a@b>, c@d", "A<a@b> | <c@d>" },
	{ "two brackets", "<<a@b>>, c@d", "<a@b> | <c@d>" },
	{ "quote that never ends", "\"A <a@b>, c@d", "A<a@b> | <c@d>" },
	{ "comment that never ends", "A (x <a@b>, c@d", "A x<a@b> | <c@d>" },
	{ "parenthesis that never opens", "A) <a@b>, c@d", "A<a@b> | <c@d>" },
	{ "nested comment", "a@b (c (d) e), f@g", "c (d) e<a@b> | <f@g>" },
	{ "apostrophes as quotes", "'a@b' <a@b>", "'a@b'<a@b>" },
	{ "square brackets in a name", "[list] A <a@b>", "[list] A<a@b>" },
	{ "mailto", "<mailto:a@b>, c@d", "!<mailto:a@b> | <c@d>" },
	{ "colon in an address", "a@b:c, c@d", "<a@b> | <c@d>" },
	{ "ISO-2022-JP without a label has any octet", "\033$B\"(<,\033(B <a@b>, c@d",
	  "\033$B\"(<,\033(B<a@b> | <c@d>" },
	{ "ISO-2022-JP that never ends", "\033$B%\" <a@b>, c@d", "\033$B%<a@b> | <c@d>" },
};

static void
print_item(GString *out, const AddressItem *item)
{
	if (out->len > 0)
		g_string_append(out, " | ");
	if (item->is_group) {
		g_string_append_printf(out, "G:%s", item->name != NULL ? item->name : "");
		return;
	}

	g_string_append_printf(out, "%s%s%s%s<%s>", item->group != NULL ? item->group : "",
	                       item->group != NULL ? "/" : "", item->name != NULL ? item->name : "",
	                       item->valid ? "" : "!", item->address);
}

static char *
parse(const char *in, size_t len, AddressNames names)
{
	/* A copy without a NUL behind it: a read too far is seen by the sanitizer. */
	g_autofree char *exact = g_memdup2(in, len);
	g_auto(AddressList) list = { 0 };

	address_list_parse(exact, len, names, &list);
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < list.count; i++) {
		const AddressItem *item = &list.items[i];
		print_item(out, item);
		g_autofree char *whole = item->domain != NULL
		                                 ? g_strconcat(item->local, "@", item->domain, NULL)
		                                 : g_strdup(item->local);
		assert_string_equal(item->address, whole);
	}

	return g_string_free(out, FALSE);
}

static void
test_row(void **state)
{
	const Row *row = *state;
	g_autofree char *got = parse(row->in, strlen(row->in), ADDRESS_NAMES_RAW);
	assert_string_equal(got, row->want);
}

static void
test_names_are_decoded(void **state)
{
	(void) state;
	static const char in[] =
		"=?utf-8?q?J=C3=B6rg?= <a@b>, \"=?utf-8?q?J=C3=B6rg?=\" <c@d>, e@f (=?utf-8?q?J=C3=B6rg?=)";
	g_autofree char *got = parse(in, strlen(in), ADDRESS_NAMES_DECODED);
	assert_string_equal(got, "J\xc3\xb6rg<a@b> | J\xc3\xb6rg<c@d> | J\xc3\xb6rg<e@f>");
}

static void
test_nul_is_dropped(void **state)
{
	(void) state;
	static const char in[] = "a@\0b, c@d";
	g_autofree char *got = parse(in, sizeof in - 1, ADDRESS_NAMES_RAW);
	assert_string_equal(got, "<a@b> | <c@d>");
}

static void
test_one_too_many(void **state)
{
	(void) state;
	g_autoptr(GString) in = g_string_new(NULL);
	for (unsigned i = 0; i < LIMIT_ADDRESSES; i++)
		g_string_append(in, "a@b,");

	g_auto(AddressList) list = { 0 };
	address_list_parse(in->str, in->len, ADDRESS_NAMES_RAW, &list);
	assert_int_equal(list.count, LIMIT_ADDRESSES);
	assert_false(list.cut);
	address_list_clear(&list);
	g_string_append(in, "a@b");
	address_list_parse(in->str, in->len, ADDRESS_NAMES_RAW, &list);
	assert_int_equal(list.count, LIMIT_ADDRESSES);
	assert_true(list.cut);
}

static void
test_long_names_are_cut(void **state)
{
	(void) state;
	static const char *const forms[] = { "%s <a@b>", "a@b (%s)", "\"%s\" <a@b>" };
	for (size_t i = 0; i < 2 * G_N_ELEMENTS(forms); i++) {
		g_autofree char *name = g_strnfill(LIMIT_ADDRESS_NAME + i % 2, 'n');
		g_autoptr(GString) in = g_string_new(forms[i / 2]);
		(void) g_string_replace(in, "%s", name, 1);
		g_auto(AddressList) list = { 0 };
		address_list_parse(in->str, in->len, ADDRESS_NAMES_RAW, &list);
		assert_int_equal(list.count, 1);
		assert_int_equal(strlen(list.items[0].name), LIMIT_ADDRESS_NAME);
	}
}

static void
test_long_halves_are_cut(void **state)
{
	(void) state;
	g_autofree char *local = g_strnfill(LIMIT_ADDRESS_BYTES + 1, 'a');
	g_autofree char *in = g_strconcat(local, "@b, c@d", NULL);
	g_auto(AddressList) list = { 0 };
	address_list_parse(in, strlen(in), ADDRESS_NAMES_RAW, &list);
	assert_int_equal(list.count, 2);
	assert_false(list.items[0].valid);
	assert_int_equal(strlen(list.items[0].local), LIMIT_ADDRESS_BYTES);
	assert_true(list.items[1].valid);
}

/*
 * Four times the input must not cost sixteen times the time; a slip of the clock is forgiven by the
 * wide margin.
 */
static void
test_hostile_values_are_linear(void **state)
{
	(void) state;
	static const char *const seeds[] = { "(",   "\"", "<",  "@",  "a ", "a@", "\033$", "[",
		                             "a@[", ":",  "a:", "\\", "<@", ",<", "(\"",   "a@b " };
	for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		while (in->len < 400000)
			g_string_append(in, seeds[i]);
		int64_t start = unit_cpu_ms();
		g_auto(AddressList) list = { 0 };
		address_list_parse(in->str, in->len, ADDRESS_NAMES_RAW, &list);
		int64_t took = unit_cpu_ms() - start;
		if (took > 3000)
			fail_msg("400 kB of '%s' took %d ms", seeds[i], (int) took);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 6];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_names_are_decoded);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_nul_is_dropped);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_one_too_many);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_names_are_cut);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_halves_are_cut);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_values_are_linear);

	return _cmocka_run_group_tests("address-list", tests, n, NULL, NULL);
}
