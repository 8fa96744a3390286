/* SPDX-License-Identifier: MIT */
/*
 * What rules leave of the bytes, their limits and their JSON. What they decide:
 * tests/cases/loop/rules-*.
 */
#include "agent/base/limits.h"
#include "filters/filter.h"
#include "filters/header/header-rule.h"

#include "tests/unit/unit.h"

#include <string.h>

static Headers *
index_block(const char *block, size_t len)
{
	Headers *headers = headers_new(NULL, "\n");
	bool ended;
	headers_index(headers, block, len, 0, true, &ended);
	return headers;
}

static HeaderRuleResult *
apply(const HeaderRuleSpec *specs, size_t n, Headers *headers, HeaderRules **ret_rules)
{
	g_auto(Status) st = STATUS_INIT;

	*ret_rules = header_rules_compile(specs, n, "Loops", NULL, &st);
	assert_non_null(*ret_rules);
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	envelope->recipient = g_strdup("a@b.c");

	HeaderRuleInput input = { envelope, { "+", true }, true, false };
	return header_rules_apply(*ret_rules, headers, &input);
}

typedef struct {
	const char *name;
	const char *match;
	const char *action;
	const char *to;
	const char *want; /* the header afterwards */
} Row;

static const char block[] =
	"Received: x\r\n y\r\nDelivered-To:a@b.c\r\nDELIVERED-TO :\r\n\tA+x@B.c\r\nDelivered-To: c@d\r\n";

static const Row rows[] = {
	{ "strip what names the recipient", "recipient", "strip", NULL,
	  "Received: x\r\n y\r\nDelivered-To: c@d\r\n" },
	{ "strip the others", "other", "strip", NULL,
	  "Received: x\r\n y\r\nDelivered-To:a@b.c\r\nDELIVERED-TO :\r\n\tA+x@B.c\r\n" },
	{ "strip all", "any", "strip", NULL, "Received: x\r\n y\r\n" },
	{ "match that is not said is any", NULL, "strip", NULL, "Received: x\r\n y\r\n" },
	{ "strip by pattern", "/^A\\+/", "strip", NULL,
	  "Received: x\r\n y\r\nDelivered-To:a@b.c\r\nDelivered-To: c@d\r\n" },
	{ "pattern without case", "/^a/i", "strip", NULL,
	  "Received: x\r\n y\r\nDelivered-To: c@d\r\n" },
	{ "rename keeps the bytes of the rest", "recipient", "rename", NULL,
	  "Received: x\r\n y\r\nOld-delivered-to:a@b.c\r\nOld-delivered-to :\r\n\tA+x@B.c\r\nDelivered-To: c@d\r\n" },
	{ "rename to a name", "/c@d/", "rename", "X-Was",
	  "Received: x\r\n y\r\nDelivered-To:a@b.c\r\nDELIVERED-TO :\r\n\tA+x@B.c\r\nX-Was: c@d\r\n" },
	{ "keep changes nothing", "any", "keep", NULL, block },
	{ "bounce changes nothing", "any", "bounce", NULL, block },
};

static void
test_edit(void **state)
{
	const Row *row = *state;
	HeaderRuleSpec spec = {
		"r", "delivered-to", row->match, NULL, row->action, row->to, "f", 1
	};
	g_autoptr(Headers) headers = index_block(block, strlen(block));
	g_autoptr(HeaderRules) rules = NULL;
	g_autoptr(HeaderRuleResult) result = apply(&spec, 1, headers, &rules);
	g_autoptr(GString) got = g_string_new(NULL);

	for (size_t i = 0; i < headers_count(result->headers); i++)
		g_string_append_len(got, headers_get(result->headers, i)->bytes,
		                    headers_get(result->headers, i)->len);
	assert_string_equal(got->str, row->want);
}

/* This hop's own stamps stand above the newest Received; below it the same names are others'. */
static void
test_own_stamps_stay(void **state)
{
	(void) state;
	static const char mail[] = "Return-Path: <s@x>\nX-Original-To: a@b.c\nDelivered-To: a@b.c\n"
				   "X-Top: 1\nReceived: x\nReturn-Path: <old@x>\n"
				   "X-Original-To: old@x\nDelivered-To: old@x\n";
	static const char *const names[] = { "Return-Path", "X-Original-To", "Delivered-To",
		                             "X-Top" };
	HeaderRuleSpec specs[G_N_ELEMENTS(names)];
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		specs[i] = (HeaderRuleSpec){ .name = names[i],
			                     .header = names[i],
			                     .action = "strip" };
	g_autoptr(Headers) headers = index_block(mail, strlen(mail));
	g_autoptr(HeaderRules) rules = NULL;
	g_autoptr(HeaderRuleResult) result = apply(specs, G_N_ELEMENTS(specs), headers, &rules);
	g_autoptr(GString) got = g_string_new(NULL);

	for (size_t i = 0; i < headers_count(result->headers); i++)
		g_string_append_len(got, headers_get(result->headers, i)->bytes,
		                    headers_get(result->headers, i)->len);
	assert_string_equal(
		got->str,
		"Return-Path: <s@x>\nX-Original-To: a@b.c\nDelivered-To: a@b.c\nReceived: x\n");
}

/* A field without an address names nobody: it is one of the others. */
static void
test_no_address(void **state)
{
	(void) state;
	static const char *const matches[] = { "recipient", "other" };
	for (size_t i = 0; i < G_N_ELEMENTS(matches); i++) {
		HeaderRuleSpec spec = {
			.name = "r", .header = "X-A", .match = matches[i], .action = "bounce"
		};
		g_autoptr(Headers) headers = index_block("X-A: <>\nX-A:\n", 13);
		g_autoptr(HeaderRules) rules = NULL;
		g_autoptr(HeaderRuleResult) result = apply(&spec, 1, headers, &rules);
		assert_int_equal(result->events->len, i == 0 ? 0 : 2);
	}
}

/* `when` of a message that was fetched and not forwarded. */
static const struct {
	const char *when;
	bool holds;
} when_rows[] = {
	{ "fetched", true },       { "not fetched", false },      { "forwarded", false },
	{ "not forwarded", true }, { "X-B: /y/", true },          { "x-b:/Y/i", true },
	{ "not X-B: /y/", false }, { "X-B: /z/", false },         { "not X-B: /z/", true },
	{ "X-C: /y/", false },     { "  not   fetched ", false },
};

static void
test_when(void **state)
{
	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS(when_rows); i++) {
		const char *when[] = { when_rows[i].when, NULL };
		HeaderRuleSpec spec = {
			.name = "r", .header = "X-A", .when = when, .action = "defer"
		};
		g_autoptr(Headers) headers = index_block("X-A: 1\nX-B: x\nX-B: xy\n", 22);
		g_autoptr(HeaderRules) rules = NULL;
		g_autoptr(HeaderRuleResult) result = apply(&spec, 1, headers, &rules);
		if ((result->answer == HEADER_RULE_DEFER) != when_rows[i].holds)
			fail_msg("when = '%s' is wrong", when_rows[i].when);
	}
}

static HeaderRuleResult *
apply_two(const char *first, const char *second, const char *mail, HeaderRules **ret_rules)
{
	HeaderRuleSpec specs[] = {
		{ .name = "first", .header = "X-A", .action = first },
		{ .name = "second", .header = "X-B", .action = second },
	};
	g_autoptr(Headers) headers = index_block(mail, strlen(mail));
	return apply(specs, 2, headers, ret_rules);
}

/* The rule that stands first decides, and names itself. */
static void
test_who_decides(void **state)
{
	(void) state;
	g_autoptr(HeaderRules) rules = NULL, others = NULL, later_rules = NULL, none = NULL;
	g_autoptr(HeaderRuleResult) file = apply_two("file", "bounce", "X-B: 1\nX-A: 2\n", &rules);
	assert_string_equal(file->decided_by, "first");
	assert_string_equal(file->folder, "Loops");
	assert_int_equal(header_rule_result_status(file), STATUS_OK);
	g_autofree char *text = header_rule_result_print(file);
	assert_string_equal(text,
	                    "rule \"second\": bounce line 1: X-B: 1\n"
	                    "rule \"first\": file line 2: X-A: 2\n"
	                    "file into Loops: rule \"first\" of this host matches X-A in line 2\n");

	g_autoptr(HeaderRuleResult)
		bounce = apply_two("bounce", "file", "X-B: 1\nX-A: 2\n", &others);
	assert_string_equal(bounce->decided_by, "first");
	assert_null(bounce->folder);
	assert_int_equal(header_rule_result_status(bounce), STATUS_RULE_REFUSED);
	g_autofree char *line = header_rule_result_print(bounce);
	assert_non_null(
		strstr(line, "\nbounce: rule \"first\" of this host matches X-A in line 2\n"));

	g_autoptr(HeaderRuleResult)
		later = apply_two("defer", "bounce", "X-A: 1\nX-B: 2\n", &later_rules);
	assert_string_equal(later->decided_by, "first");
	assert_int_equal(header_rule_result_status(later), STATUS_RULE_DEFER);

	g_autoptr(HeaderRuleResult) keep = apply_two("keep", "strip", "X-B: 1\nX-A: 2\n", &none);
	assert_null(keep->decided_by);
	assert_int_equal(header_rule_result_status(keep), STATUS_OK);
}

static void
test_json(void **state)
{
	(void) state;
	HeaderRuleSpec spec = { "r", "X-A", "any", NULL, "file", NULL, "f", 1 };
	g_autoptr(Headers) headers = index_block("X-A: 1\n", 7);
	g_autoptr(HeaderRules) rules = NULL;
	g_autoptr(HeaderRuleResult) result = apply(&spec, 1, headers, &rules);
	json_t *json = header_rule_result_json(result);
	char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	assert_string_equal(
		text,
		"{\"answer\":\"file\",\"folder\":\"Loops\",\"why\":\"rule \\\"r\\\" of this host matches X-A in line 1\","
		"\"note\":null,\"events\":[{\"rule\":\"r\",\"action\":\"file\",\"line\":1,\"text\":\"X-A: 1\"}],\"more\":0}");
	free(text);
	json_decref(json);
}

/* A rule's fault is the configuration's: temporary, and the first one is in the detail. */
static void
test_wrong_rule(void **state)
{
	(void) state;
	HeaderRuleSpec spec = { "r", "X-A", "/(/", NULL, "keep", NULL, "todoke.conf", 7 };
	g_auto(Status) st = STATUS_INIT;
	assert_null(header_rules_compile(&spec, 1, "Loops", NULL, &st));
	assert_int_equal(st.id, STATUS_CONFIG);
	assert_string_equal(
		st.detail,
		"todoke.conf:7: rule \"r\": match '/(/' is wrong at octet 2: missing closing parenthesis");
}

static void
test_no_rules_is_the_same_header(void **state)
{
	(void) state;
	g_autoptr(Headers) headers = index_block(block, strlen(block));
	g_autoptr(HeaderRules) rules = NULL;
	g_autoptr(HeaderRuleResult) result = apply(NULL, 0, headers, &rules);
	assert_ptr_equal(result->headers, headers);

	g_autofree char *text = header_rule_result_print(result);
	assert_string_equal(text, "");
}

static Headers *
index_many(const char *field, unsigned n)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (unsigned i = 0; i < n; i++)
		g_string_append(text, field);
	/* Fields point into the block: the list has to keep it. */
	g_autoptr(Headers) kept = headers_new(NULL, "\n");
	g_autoptr(Headers) headers = index_block(text->str, text->len);
	for (size_t i = 0; i < headers_count(headers); i++)
		headers_append_renamed(kept, headers_get(headers, i), "X-A");

	return g_steal_pointer(&kept);
}

static void
test_event_limit(void **state)
{
	(void) state;
	HeaderRuleSpec spec = { "r", "X-A", "any", NULL, "strip", NULL, "f", 1 };
	g_autoptr(Headers) headers = index_many("X-A: 1\n", LIMIT_RULE_EVENTS + 1);
	g_autoptr(HeaderRules) rules = NULL;
	g_autoptr(HeaderRuleResult) result = apply(&spec, 1, headers, &rules);
	assert_int_equal(result->events->len, LIMIT_RULE_EVENTS);
	assert_int_equal(result->more, 1);
	assert_int_equal(headers_count(result->headers), 0);
}

/*
 * 100,000 fields, each of which could use the steps of a match to the full: all of them share one
 * time.
 */
static void
test_time_limit(void **state)
{
	(void) state;
	HeaderRuleSpec spec = { "slow", "X-A", "/^(a+)+$/", NULL, "bounce", NULL, "f", 1 };
	g_autoptr(Headers) headers = index_many("X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n",
	                                        LIMIT_HEADER_FIELDS);
	g_autoptr(HeaderRules) rules = NULL;
	int64_t start = unit_cpu_ms();
	g_autoptr(HeaderRuleResult) result = apply(&spec, 1, headers, &rules);
	assert_true(unit_cpu_ms() - start < LIMIT_RULE_MS + 4000);
	assert_int_equal(result->answer, HEADER_RULE_DELIVER);
	assert_non_null(result->note);
	assert_int_equal(headers_count(result->headers), LIMIT_HEADER_FIELDS);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 9];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_edit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_own_stamps_stay);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_who_decides);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_when);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_address);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_wrong_rule);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_no_rules_is_the_same_header);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_event_limit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_time_limit);

	return _cmocka_run_group_tests("header-rule", tests, n, NULL, NULL);
}
