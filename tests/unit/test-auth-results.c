/* SPDX-License-Identifier: MIT */
/*
 * Authentication-Results as RFC 8601 writes them in its examples, as filters write them, and what
 * is none.
 */
#include "agent/message/auth-results.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *in;
	const char *want; /* "id|method=result name=value ...|..."; NULL: it is none */
} Row;

static const Row rows[] = {
	{ "B.2: no authentication done", "example.org 1; none", "example.org" },
	{ "B.3: service provided", "example.com;\r\n\t  spf=pass smtp.mailfrom=example.net",
	  "example.com|spf=pass smtp.mailfrom=example.net" },
	{ "B.4: several results",
	  "example.com;\n auth=pass (cram-md5) smtp.auth=sender@example.net;\n spf=pass smtp.mailfrom=example.net",
	  "example.com|auth=pass smtp.auth=sender@example.net|spf=pass smtp.mailfrom=example.net" },
	{ "B.5: two of a method",
	  "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net;\n"
	  " dkim=fail reason=\"bad signature\" header.i=@newyork.example.com",
	  "example.com|dkim=pass header.i=@mail-router.example.net|dkim=fail header.i=@newyork.example.com" },
	{ "B.6: comments everywhere",
	  "foo.example.net (foobar) 1 (baz);\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\n"
	  " policy (A dot can go here) . (like that) expired\n (this surprised me) = (as I wasn't expecting it) 1362471462",
	  "foo.example.net|dkim=fail policy.expired=1362471462" },
	{ "a comment within a result",
	  "a.example (x (y) \\) z) ; dkim = (really) pass (ok) header.d = b.example",
	  "a.example|dkim=pass header.d=b.example" },
	{ "a version of the method", "a.example; dkim/1=pass", "a.example|dkim=pass" },
	{ "a quoted id", "\"a b\"; spf=none", "a b|spf=none" },
	{ "letters in any case", "A.Example; DKIM=PASS Header.D=B.Example",
	  "A.Example|dkim=pass header.d=B.Example" },
	{ "a quoted value", "a; dkim=pass header.s=\"s;1=\\\"x\"", "a|dkim=pass header.s=s;1=\"x" },
	{ "signs in a value", "a; dkim=pass header.b=Zx/9+=== header.i=@b",
	  "a|dkim=pass header.b=Zx/9+=== header.i=@b" },
	{ "a semicolon at the end", "a; spf=pass;", "a|spf=pass" },
	{ "only an id", "a", "a" },
	{ "none beside others", "a; none; spf=pass", "a|spf=pass" },
	{ "nothing", "", NULL },
	{ "only a comment", "(a; spf=pass)", NULL },
	{ "no id", "; spf=pass", NULL },
	{ "no semicolon", "a spf=pass", NULL },
	{ "no result", "a; spf=", NULL },
	{ "no method", "a; =pass", NULL },
	{ "a word behind a result", "a; spf=pass smtp.mailfrom", NULL },
	{ "an open quote", "a; dkim=pass header.s=\"x", NULL },
	{ "an open comment swallows the rest", "a; spf=fail (x; dkim=pass", "a|spf=fail" },
};

static void
test_parse(void **state)
{
	const Row *row = *state;
	g_autofree char *id = NULL;
	g_autoptr(GArray) results = auth_results_new();
	g_autoptr(GString) got = g_string_new(NULL);

	if (!auth_results_parse(row->in, &id, results)) {
		assert_null(row->want);
		assert_int_equal(results->len, 0);
		assert_null(id);
		return;
	}

	g_string_append(got, id);
	for (guint i = 0; i < results->len; i++) {
		const AuthResult *result = &g_array_index(results, AuthResult, i);
		g_string_append_printf(got, "|%s=%s", result->method, result->result);
		for (guint p = 0; p < result->properties->len; p++)
			g_string_append_printf(got, " %s",
			                       (const char *) result->properties->pdata[p]);
	}

	assert_non_null(row->want);
	assert_string_equal(got->str, row->want);
}

/* LIMIT_AUTH_RESULTS: a field with more says nothing. */
static void
test_limit(void **state)
{
	(void) state;
	for (unsigned more = 0; more < 2; more++) {
		g_autoptr(GString) value = g_string_new("a");
		for (unsigned i = 0; i < LIMIT_AUTH_RESULTS + more; i++)
			g_string_append(value, "; spf=pass");
		g_autofree char *id = NULL;
		g_autoptr(GArray) results = auth_results_new();
		assert_int_equal(auth_results_parse(value->str, &id, results), more == 0);
		assert_int_equal(results->len, more == 0 ? LIMIT_AUTH_RESULTS : 0);
	}
}

/* What counts: fields of ours above the line by which the mail came in, and no other's. */
static void
test_trusted(void **state)
{
	(void) state;
	static const char block[] = "Authentication-Results: us.test; spf=pass\n"
				    "X-Other: us.test; dkim=pass\n"
				    "Authentication-Results: other.test; dmarc=pass\n"
				    "Received: from c.test (c.test [192.0.2.1]) by US.test; x\n"
				    "Authentication-Results: Us.Test; arc=pass\n"
				    "Received: from d.test by c.test; x\n"
				    "Authentication-Results: us.test; auth=pass\n";
	static const char *const ids[] = { "us.test", NULL }, *const hosts[] = { "us.test", NULL },
				 *const others[] = { "c.test", NULL };
	static const struct {
		const char *const *hosts;
		bool takes_below;
		const char *want;
	} trusts[] = {
		{ hosts, false, "spf" },
		{ hosts, true, "spf arc" },
		{ others, false, "" },
		{ others, true, "" },
	};
	g_autoptr(Headers) came = headers_new(NULL, "\n"), edited = headers_new(came, "\n");
	bool ended;
	(void) headers_index(came, block, strlen(block), 0, true, &ended);
	headers_append_text(edited, "Authentication-Results", "us.test; iprev=pass");
	headers_append_from(edited, came, 0);

	for (size_t i = 0; i < 2 * G_N_ELEMENTS(trusts); i++) {
		const AuthTrust trust = { ids, trusts[i / 2].hosts, trusts[i / 2].takes_below };
		g_autoptr(GArray)
			results = auth_results_trusted(i % 2 == 0 ? came : edited, &trust);
		g_autoptr(GString) got = g_string_new(NULL);
		for (guint k = 0; k < results->len; k++)
			g_string_append_printf(got, "%s%s", k > 0 ? " " : "",
			                       g_array_index(results, AuthResult, k).method);
		assert_string_equal(got->str, trusts[i / 2].want);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_parse);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_trusted);
	return _cmocka_run_group_tests("auth-results", tests, n, NULL, NULL);
}
