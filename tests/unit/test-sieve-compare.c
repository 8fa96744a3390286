/* SPDX-License-Identifier: MIT */
/*
 * Comparators (RFC 4790 9) and the relations of :value (RFC 5231 4.1). Expected orders are those of
 * the RFCs.
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-compare.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"

#include "tests/unit/unit.h"

#include <string.h>

typedef enum { OCTET, CASEMAP, NUMERIC } Which;

static const SieveComparator *
comparator_of(Which which)
{
	return which == OCTET     ? &sieve_compare_octet
	       : which == CASEMAP ? &sieve_compare_ascii_casemap
	                          : sieve_ext_comparator_ascii_numeric.comparators[0];
}

static SieveText
text_of(const char *text)
{
	return (SieveText){ text, strlen(text) };
}

typedef struct {
	const char *name;
	Which which;
	const char *a;
	const char *b;
	int order; /* of a to b: -1, 0, 1 */
} Row;

static const Row rows[] = {
	{ "octet: equal", OCTET, "abc", "abc", 0 },
	{ "octet: case counts, upper case first", OCTET, "A", "a", -1 },
	{ "octet: a prefix is less", OCTET, "ab", "abc", -1 },
	{ "octet: the empty string is less than all", OCTET, "", "\x01", -1 },
	{ "octet: two empty strings", OCTET, "", "", 0 },
	{ "octet: octets above 127 are unsigned", OCTET, "\xc3\xa9", "z", 1 },
	{ "octet: the first difference decides", OCTET, "b", "az", 1 },
	{ "octet: digits are no numbers", OCTET, "10", "9", -1 },
	{ "casemap: letters of ASCII have no case", CASEMAP, "HeLLo", "hEllO", 0 },
	{ "casemap: letters are compared in upper case: _ is above Z", CASEMAP, "_", "z", 1 },
	{ "casemap: ... and [ above a", CASEMAP, "[", "a", 1 },
	{ "casemap: ... but { above both", CASEMAP, "{", "_", 1 },
	{ "casemap: @ is below A", CASEMAP, "@", "a", -1 },
	{ "casemap: ` is no letter", CASEMAP, "`", "@", 1 },
	{ "casemap: other letters have case", CASEMAP, "\xc3\x89", "\xc3\xa9", -1 },
	{ "casemap: octets above 127 are unsigned", CASEMAP, "\xc3\x89", "z", 1 },
	{ "casemap: a prefix is less", CASEMAP, "AB", "abc", -1 },
	{ "numeric: RFC 4790, 0 and 1", NUMERIC, "0", "1", -1 },
	{ "numeric: RFC 4790, 1 and more than 32 bits", NUMERIC, "1", "4294967298", -1 },
	{ "numeric: RFC 4790, leading zeroes", NUMERIC, "4294967298", "04294967298", 0 },
	{ "numeric: RFC 4790, what follows the digits", NUMERIC, "4294967298", "4294967298b", 0 },
	{ "numeric: RFC 4790, nothing is infinity", NUMERIC, "04294967298", "", -1 },
	{ "numeric: RFC 4790, infinities are equal", NUMERIC, "", "x", 0 },
	{ "numeric: RFC 4790, whatever they say", NUMERIC, "x", "y", 0 },
	{ "numeric: ten is more than nine", NUMERIC, "10", "9", 1 },
	{ "numeric: no sign", NUMERIC, "-1", "99999", 1 },
	{ "numeric: no blank before it", NUMERIC, " 1", "2", 1 },
	{ "numeric: no fraction", NUMERIC, "1.9", "1.1", 0 },
	{ "numeric: zeroes only", NUMERIC, "000", "0", 0 },
	{ "numeric: more than 64 bits", NUMERIC, "18446744073709551617", "18446744073709551616",
	  1 },
};

static void
test_order(void **state)
{
	const Row *row = *state;
	g_autoptr(SieveArena) arena = sieve_arena_new();
	const SieveComparator *comparator = comparator_of(row->which);
	SieveText a = text_of(row->a), b = text_of(row->b);

	assert_int_equal(sieve_compare_order(comparator, arena, a, b), row->order);
	assert_int_equal(sieve_compare_order(comparator, arena, b, a), -row->order);
}

/* A NUL is an octet as any other. */
static void
test_nul(void **state)
{
	(void) state;
	g_autoptr(SieveArena) arena = sieve_arena_new();
	SieveText a = { "a\0b", 3 }, b = { "a\0c", 3 };

	assert_int_equal(sieve_compare_order(&sieve_compare_octet, arena, a, b), -1);
	assert_int_equal(sieve_compare_order(&sieve_compare_ascii_casemap, arena, b, a), 1);
}

/* Equality and substrings go by the normal form: it is the same where order says equal. */
static void
test_normal_form(void **state)
{
	(void) state;
	g_autoptr(SieveArena) arena = sieve_arena_new();
	SieveText a = sieve_compare_normalize(&sieve_compare_ascii_casemap, arena,
	                                      text_of("aZ[\xc3\x89")),
		  b = sieve_compare_normalize(&sieve_compare_ascii_casemap, arena,
	                                      text_of("Az[\xc3\x89"));

	assert_true(sieve_text_equal(a, b));
	assert_true(sieve_compare_octet.has_substrings);
	assert_true(sieve_compare_ascii_casemap.has_substrings);
	assert_false(comparator_of(NUMERIC)->has_substrings);
}

typedef struct {
	const char *name;
	const char *relation;
	bool less; /* does a smaller, the same, a bigger value hold? */
	bool equal;
	bool greater;
} RelationRow;

static const RelationRow relation_rows[] = {
	{ "gt", "gt", false, false, true },
	{ "ge", "ge", false, true, true },
	{ "lt", "lt", true, false, false },
	{ "le", "le", true, true, false },
	{ "eq", "eq", false, true, false },
	{ "ne", "ne", true, false, true },
	{ "case: GE is ge", "GE", false, true, true },
};

static bool
hold(const char *relation, const char *value, const char *key)
{
	g_autoptr(SieveArena) arena = sieve_arena_new();
	SieveString word = { .text = text_of(relation) };
	SieveArg arg = { .kind = SIEVE_ARG_STRING, .strings = &word, .n = 1 };
	SieveMatchSpec spec = { .def = sieve_ext_relational.matches[0],
		                .comparator = comparator_of(NUMERIC),
		                .value = &arg };
	SieveRun run = { .scratch = arena };
	SieveMatch match = { .run = &run, .spec = &spec };
	SieveKey ready = { .text = text_of(key) };
	bool matched;

	assert_string_equal(spec.def->name, "value");
	assert_true(spec.def->check_value(NULL, NULL, &spec, &arg, &spec.relation));
	assert_true(spec.def->match(&match, text_of(value), text_of(value), &ready, &matched));
	return matched;
}

static void
test_relation(void **state)
{
	const RelationRow *row = *state;

	assert_int_equal(hold(row->relation, "9", "10"), row->less);
	assert_int_equal(hold(row->relation, "010", "10"), row->equal);
	assert_int_equal(hold(row->relation, "11", "10"), row->greater);
}

/* A text with a NUL is no word, and what lies behind the word is not looked at. */
static void
test_words(void **state)
{
	(void) state;
	static const struct {
		const char *data;
		size_t len;
		const char *word;
		bool want;
	} words[] = {
		{ "From", 4, "from", true },     { "from", 4, "From", true },
		{ "fr", 2, "from", false },      { "from\0", 5, "from", false },
		{ "from\0x", 6, "from", false }, { "fromx", 5, "from", false },
		{ "\0", 1, "", false },          { "", 0, "", true },
		{ "fr\0m", 4, "from", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		/* NULs behind it, and an end that the sanitizers watch */
		g_autofree char *word = g_malloc0(strlen(words[i].word) + 1);
		g_autofree char *padded = g_malloc0(strlen(words[i].word) + 16);
		memcpy(word, words[i].word, strlen(words[i].word));
		memcpy(padded, words[i].word, strlen(words[i].word));
		const SieveText text = { words[i].data, words[i].len };
		assert_int_equal(sieve_text_is(text, word), words[i].want);
		assert_int_equal(sieve_text_is(text, padded), words[i].want);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(relation_rows) + 3];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_order);
	UNIT_ROWS(tests, n, relation_rows, test_relation);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_nul);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_normal_form);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_words);

	return _cmocka_run_group_tests("sieve-compare", tests, n, NULL, NULL);
}
