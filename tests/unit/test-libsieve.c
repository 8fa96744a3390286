/* SPDX-License-Identifier: MIT */
/*
 * The library in its cage with nothing between them, so that its bugs get there; records that no
 * sound process writes.
 */
#include "agent/base/limits.h"
#include "agent/base/module.h"
#include "filters/libsieve/cage.h"
#include "filters/libsieve/subset-regex.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What we may grow by while the child takes all that it can get, in kB. */
enum { GROWTH_MAX = 32 * 1024 };

#define REQUIRE "require [\"fileinto\"];\n"
#define FIFTY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HUNDRED FIFTY FIFTY
/* An address with 255 octets behind the "@". */
#define LONG_ADDRESS "xxxxxxxx@" HUNDRED HUNDRED FIFTY ".test"
#define LONG_LIST \
	LONG_ADDRESS ", " LONG_ADDRESS ", " LONG_ADDRESS ", " LONG_ADDRESS ", " LONG_ADDRESS \
		     ", " LONG_ADDRESS

typedef struct {
	const char *name;
	const char *script;
	const char *value;        /* of header "q0" */
	size_t times;             /* the value so often; 0: once */
	const char *want_fault;   /* in the detail; NULL: none */
	const char *or_fault;     /* as good; NULL: none */
	const char *want_actions; /* "0 2 " */
} Row;

/* B1 to B15: the numbers of filters/libsieve/FAULTS. */
static const Row rows[] = {
	{ .name = "actions in their order",
	  .script = REQUIRE
	  "fileinto \"0\"; if header \"q0\" \"x\" { fileinto \"1\"; } fileinto \"2\";",
	  .value = "a",
	  .want_actions = "0 2 " },
	{ .name = "B1: a domain of 255 octets",
	  .script = REQUIRE "if address :is \"q0\" \"a@b.c\" { fileinto \"0\"; } fileinto \"1\";",
	  .value = LONG_LIST ", " LONG_LIST ", " LONG_LIST ", " LONG_LIST ", " LONG_LIST
	                     ", " LONG_LIST,
	  .want_actions = "1 " },
	{ .name = "B1: a word of 255 octets",
	  .script = REQUIRE "if address :is \"q0\" \"a@b.c\" { fileinto \"0\"; } fileinto \"1\";",
	  .value = "a." HUNDRED HUNDRED FIFTY "bbbbb@c.test",
	  .want_actions = "1 " },
	{ .name = "B1c: a text of 256 octets",
	  .script = REQUIRE "if header :is \"q0\" text:\n" HUNDRED HUNDRED FIFTY "aaaaa\n.\n"
	                    " { fileinto \"0\"; } fileinto \"1\";",
	  .value = "a",
	  .want_actions = "1 " },
	/*
	 * A use after free: what comes of it is the C library's choice, a double free (glibc 2.36)
	 * or a list without an end (2.41).
	 */
	{ .name = "B2: setflag twice",
	  .script = "require \"imap4flags\"; setflag \"a\"; setflag \"b\"; keep;",
	  .want_fault = "libsieve crashed",
	  .or_fault = "libsieve wanted more than" },
	{ .name = "B2: addflag, setflag",
	  .script = "require \"imap4flags\"; addflag \"a\"; setflag \"b\"; keep;",
	  .want_fault = "libsieve crashed",
	  .or_fault = "libsieve wanted more than" },
	{ .name = "B3: envelope of no callback",
	  .script = "require \"envelope\"; if envelope \"auth\" \"x\" { stop; }",
	  .want_fault = "takes the script for wrong: line 1: unsupported feature: envelope" },
	{ .name = "B4: hasflag without comparator",
	  .script = "require \"imap4flags\"; if hasflag :contains \"x\" { stop; }",
	  .want_fault = "libsieve crashed: signal 11" },
	{ .name = "B4b: vacation of no callback",
	  .script = "require \"vacation\"; vacation :addresses [\"foo\"] \"x\";",
	  .want_fault = "unsupported feature: vacation" },
	{ .name = "B5: an open quote in an address",
	  .script = REQUIRE "if address :is \"q0\" \"a@b.c\" { fileinto \"0\"; } fileinto \"1\";",
	  .value = "\"oops <a@b.c>",
	  .want_fault = "takes an address for wrong: syntax error" },
	{ .name = "B5b: an open string",
	  .script = REQUIRE "fileinto \"0",
	  .want_fault = "takes the script for wrong" },
	{ .name = "B7: reject of an empty text",
	  .script = "require \"reject\"; reject text:\n.\n;",
	  .want_fault = "unsupported feature: reject" },
	{ .name = "B8: an unknown test",
	  .script = REQUIRE "if frobnicate \"x\" { stop; } fileinto \"0\";",
	  .want_fault = "syntax error" },
	{ .name = "B9b: redirect to no address",
	  .script = "redirect \"not an address\";",
	  .want_fault = "takes an address for wrong" },
	{ .name = "B14: a value that is asked for twice",
	  .script = REQUIRE "if header \"q0\" \"list\" { fileinto \"0\"; } "
	                    "if header \"q0\" \"list\" { fileinto \"1\"; }",
	  .value = "list",
	  .want_actions = "0 1 " },
	{ .name = "an action that the script does not have",
	  .script = REQUIRE "fileinto \"3\";",
	  .want_fault = "record of 29 octets is broken" },
	{ .name = "an action twice",
	  .script = REQUIRE "fileinto \"1\"; fileinto \"1\";",
	  .want_fault = "is broken" },
	{ .name = "many stars",
	  .script = REQUIRE "if header :matches \"q0\" \"*a*a*a*a*a*b\" { fileinto \"0\"; }",
	  .value = HUNDRED,
	  .times = 2,
	  .want_fault = "took longer than" },
	/* LIMIT_LIBSIEVE_MEMORY */
	{ .name = "counts in counts",
	  .script =
	          "require [\"fileinto\", \"regex\"]; if header :regex \"q0\" \"a{1,255}{1,255}{1,255}\" { fileinto \"0\"; }",
	  .value = "a",
	  .want_fault = "more than 256 MB" },
	{ .name = "a long display name",
	  .script = REQUIRE "if address :is \"q0\" \"a@b.c\" { fileinto \"0\"; }",
	  .value = "a ",
	  .times = 50000,
	  .want_fault = "more than 256 MB" },
	{ .name = "twenty thousand levels", .script = NULL, .want_fault = "memory exhausted" },
};

static char *
nested_script(void)
{
	g_autoptr(GString) script = g_string_new(REQUIRE "if ");
	for (size_t i = 0; i < 20000; i++)
		g_string_append(script, "not ");
	g_string_append(script, "true { fileinto \"0\"; }");
	return g_strdup(script->str);
}

static char *
print_actions(const Record *record)
{
	GString *text = g_string_new(NULL);
	for (size_t i = 0; i < record->n_actions; i++)
		g_string_append_printf(text, "%u ", record->actions[i]);
	return g_string_free(text, FALSE);
}

static long
peak_kb(void)
{
	struct rusage usage;
	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

static bool
have_library(void)
{
	g_autofree char *path = module_program_path("todoke-libsieve");
	return access(path, X_OK) == 0;
}

/*
 * Its own time is LIMIT_LIBSIEVE_CPU_S; only where it gets no processor the longer limit of real
 * time comes first.
 */
static bool
is_machine_busy(const Status *st)
{
	g_autofree char *said = g_strdup_printf("took longer than %u seconds",
	                                        LIMIT_LIBSIEVE_WALL_S);
	return strstr(st->detail, said) != NULL;
}

static void
test_cage(void **state)
{
	const Row *row = *state;

	if (!have_library())
		skip();
	g_autoptr(GPtrArray)
		queries = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref);
	g_autofree char *nested = nested_script();
	GString *value = g_string_new(row->value);
	for (size_t i = 1; i < row->times; i++)
		g_string_append(value, row->value);

	GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(values, g_string_free(value, FALSE));
	g_ptr_array_add(queries, values);

	const RecordRequest request = {
		.script = row->script != NULL ? row->script : nested,
		.size = 100,
		.delimiters = "+",
		.queries = queries,
	};
	g_auto(Record) record = { 0 };
	g_auto(Status) st = STATUS_INIT;
	long before = peak_kb();
	gint64 began = g_get_monotonic_time();
	bool good = cage_run(&request, 3, &record, &st);
	assert_true(g_get_monotonic_time() - began < (LIMIT_LIBSIEVE_WALL_S + 60) * G_USEC_PER_SEC);
	assert_true(peak_kb() - before < GROWTH_MAX);

	if (!good && is_machine_busy(&st)) {
		print_message("# %s: the machine is too busy to tell\n", row->name);
		return;
	}

	assert_int_equal(good, row->want_fault == NULL);
	if (good) {
		g_autofree char *actions = print_actions(&record);
		assert_string_equal(actions, row->want_actions);
		return;
	}

	assert_int_equal(st.id, STATUS_ENGINE);
	bool known = strstr(st.detail, row->want_fault) != NULL ||
	             (row->or_fault != NULL && strstr(st.detail, row->or_fault) != NULL);
	if (!known)
		fail_msg("got \"%s\", want \"%s\"", st.detail, row->want_fault);
	assert_null(record.actions);
}

/* One over what it is told. */
static void
test_too_much(void **state)
{
	(void) state;
	g_autoptr(GPtrArray) queries = g_ptr_array_new();
	g_autofree char *script = g_strnfill(LIMIT_LIBSIEVE_REQUEST, ' ');
	const RecordRequest request = { .script = script, .delimiters = "", .queries = queries };
	g_auto(Record) record = { 0 };
	g_auto(Status) st = STATUS_INIT;
	assert_false(cage_run(&request, 3, &record, &st));
	assert_int_equal(st.id, STATUS_ENGINE);
	assert_non_null(strstr(st.detail, "more than libsieve may get"));
}

/* A whole record: actions 1 and 4 of 5, and a text. */
static GByteArray *
make_record(void)
{
	static const guint32 head[] = {
		RECORD_MAGIC, RECORD_VERSION, RECORD_WRONG_SCRIPT, 2, 1, 4, 3
	};
	static const guint32 end = RECORD_END;
	GByteArray *record = g_byte_array_new();

	g_byte_array_append(record, (const guint8 *) head, sizeof head);
	g_byte_array_append(record, (const guint8 *) "a\nb", 4);
	g_byte_array_append(record, (const guint8 *) &end, sizeof end);

	return record;
}

/* In a block of its own size, so that a reader that goes too far is seen. */
static bool
parse(const guint8 *data, size_t len, guint32 n_known, Record *ret_record)
{
	g_autofree guint8 *copy = g_memdup2(data, len);
	g_auto(Status) st = STATUS_INIT;
	bool good = record_parse(copy, len, n_known, ret_record, &st);
	assert_int_equal(st.id, good ? STATUS_OK : STATUS_ENGINE);
	return good;
}

static void
test_record(void **state)
{
	(void) state;
	g_autoptr(GByteArray) bytes = make_record();
	g_auto(Record) record = { 0 };
	assert_true(parse(bytes->data, bytes->len, 5, &record));
	assert_int_equal(record.outcome, RECORD_WRONG_SCRIPT);
	assert_int_equal(record.n_actions, 2);
	assert_int_equal(record.actions[0], 1);
	assert_int_equal(record.actions[1], 4);
	assert_string_equal(record.text, "a b");
}

static void
test_record_cut(void **state)
{
	(void) state;
	g_autoptr(GByteArray) bytes = make_record();
	g_auto(Record) record = { .n_actions = 9999 };
	for (guint len = 0; len < bytes->len; len++)
		assert_false(parse(bytes->data, len, 5, &record));
	g_byte_array_append(bytes, (const guint8 *) "", 1);
	assert_false(parse(bytes->data, bytes->len, 5, &record));
	assert_false(parse(NULL, 0, 5, &record));
	assert_int_equal(record.n_actions, 9999);
}

/* Each octet with each value: refused, or something that the script could have done. */
static void
test_record_changed(void **state)
{
	(void) state;
	g_autoptr(GByteArray) bytes = make_record();
	for (guint at = 0; at < bytes->len; at++) {
		guint8 was = bytes->data[at];
		for (unsigned value = 0; value < 256; value++) {
			g_auto(Record) record = { 0 };
			bytes->data[at] = (guint8) value;
			if (!parse(bytes->data, bytes->len, 5, &record))
				continue;
			assert_true(record.outcome < RECORD_OUTCOMES);
			for (size_t i = 0; i < record.n_actions; i++)
				assert_true(record.actions[i] < 5 &&
				            (i == 0 || record.actions[i] > record.actions[i - 1]));
		}
		bytes->data[at] = was;
	}

	g_auto(Record) record = { 0 };
	/* a script with one action less */
	assert_false(parse(bytes->data, bytes->len, 4, &record));
}

typedef struct {
	const char *name;
	bool want;
} Regex;

static const Regex regexes[] = {
	{ "a.c|^b$", true },
	{ "(a|b)*c+d?", true },
	{ "[]a-z[:digit:]\\]x", true },
	{ "a{1,255}", true },
	{ "(a{2}b)*", true },
	{ "\\[list\\]", true },
	{ "a{256}", false },
	{ "(a{1,2}){3}", false },
	{ "((a{1,2})b){3}", false },
	{ "(a)\\1", false },
	{ "\\d+", false },
	{ "\\bword", false },
	{ "\\<word", false },
	{ "(?:a)", false },
	{ "a*?", false },
	{ "a++", false },
	{ "a{,2}", false },
	{ "a{b", false },
	{ "^*a", false },
	{ "a||b", false },
	{ "()", false },
	{ "(|a)", false },
	{ "", false },
	{ "[[.a.]]", false },
	{ "\xc3\xbc", false },
	{ "a\tb", false },
	{ "[a", false },
	{ "a)", false },
	{ "(a", false },
	{ "a\\", false },
	{ "[0-9a-fA-F_-]", true },
	{ "[!-~]", true },
	{ "[0-_]", true },
	{ "[[:alnum:]-]", true },
	{ "[a-]", true },
	{ "[+--]", true },
	{ "[A-z]", false },
	{ "[_-~]", false },
	{ "[[-a]", false },
	{ "[+-z]", false },
	{ "[a\\-z]", false },
	{ "[]-a]", false },
	{ "[[:alpha:]-z]", false },
	{ "[[:word:]]", false },
	{ "[[:ascii:]]", false },
	{ "[[:^alpha:]]", false },
	{ "[[:alpha]", false },
	{ "a{1,}", true },
	{ "a{1,2}b{3}", true },
	{ "a{1", false },
	{ "a{1,", false },
	{ "a{1x}", false },
	{ "a{1,256}", false },
	{ "{1}", false },
	{ "a{1}{2}", false },
	{ "a{1}*", false },
	{ "(a{1})+", true },
	{ "((a{1}))?", true },
	{ "a|*", false },
	{ "a|", false },
	{ "|a", false },
	{ "(a|)", false },
	{ "(*a)", false },
	{ "a$|b", true },
	{ "a$*", false },
	{ "$?", false },
	{ "\\.\\[\\]\\(\\)\\{\\}\\*\\+\\?\\^\\$\\|\\\\\\-\\/\\@", true },
	{ "\\'", false },
	{ "\\`", false },
	{ "\\>", false },
	{ "[^]a]", true },
	{ "[^^]", true },
	{ "[^", false },
	{ "[]", false },
	{ "[^]", false },
	{ "[+-[]", true },
	{ "[!-/]", true },
	{ "[a-z:]", true },
	{ "[0-9.]", true },
	{ "[0-9=]", true },
	{ "[!-[:digit:]]", false },
	{ "[!-[.a.]]", false },
	{ "[!-[=a=]]", false },
	{ "[[=a=]]", false },
	{ "[a-Z]", false },
	{ "[a-9]", false },
	{ "[9-a]", false },
	{ "[[:alnum:]a-z]", true },
	{ "[[:xdigit:][:blank:]]", true },
	{ "((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))", true },
	{ "(((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))", false },
	{ "a\x7f", true },
	{ "a\x1f", false },
};

static void
test_regex(void **state)
{
	const Regex *row = *state;
	assert_int_equal(subset_regex_fault((SieveText){ row->name, strlen(row->name) }) == NULL,
	                 row->want);
}

int
main(void)
{
	(void) signal(SIGPIPE, SIG_IGN);
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(regexes) + 4];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_cage);
	UNIT_ROWS(tests, n, regexes, test_regex);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_too_much);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_record);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_record_cut);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_record_changed);

	return _cmocka_run_group_tests("libsieve", tests, n, NULL, NULL);
}
