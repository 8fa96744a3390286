/* SPDX-License-Identifier: MIT */
/*
 * Variables (RFC 5229): what ${...} is a reference and to what, modifiers with their precedence,
 * and lengths. A row's string is set by a script that is compiled and run; the value is then looked
 * at.
 */
#include "agent/base/limits.h"
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

#include "tests/unit/unit.h"

#include <string.h>

/* What the last command of the script, a `set`, has set. */
static GString *last_value;

static bool
walk(SieveRun *run)
{
	const SieveCall *last = run->program->first;
	while (last->next != NULL)
		last = last->next;

	SieveText value;
	if (!sieve_run_block(run, run->program->first) || !sieve_scope_get(run, last->data, &value))
		return false;
	g_string_append_len(g_string_truncate(last_value, 0), value.data, (gssize) value.len);
	return true;
}

static const char *
answer_environment(FilterEnv *env, const char *item)
{
	(void) env;
	return strcmp(item, "domain") == 0 ? "example.org" : NULL;
}

/* Run `text`; *ret_code is "" or the code of its first problem (caller frees). */
static void
run_script(const char *text, const Conf *conf, char **ret_code)
{
	static const FilterServices services = { .environment = answer_environment };
	FilterEnv env = { .services = &services, .conf = conf, .trace_level = -1 };
	const FilterSource source = { .file = "unit", .text = text, .len = strlen(text) };
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_autoptr(SieveProgram) program = sieve_check_compile(&source, &env, problems);

	if (program == NULL) {
		const Problem *problem = problems->pdata[0];
		*ret_code = g_strdup(problem->code);
		return;
	}

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Plan) plan = plan_new();
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	g_autoptr(Message) message = message_from_bytes("A: b\n\n", 6, &st);
	FilterInput input = { .message = message,
		              .headers = message_headers(message),
		              .envelope = envelope,
		              .user = "me",
		              .delimiters = "" };
	assert_true(sieve_run_guided(program, walk, &input, &env, plan, &st));
	*ret_code = g_strdup("");
}

typedef struct {
	const char *name;
	const char *before;
	const char *set; /* "set" and its modifiers */
	const char *string;
	const char *want; /* the value; or "!" and the code of the error */
} Row;

#define MIXED "set \"a\" \"juMBlEd lETteRS\";"
#define COMPANY "set \"company\" \"ACME\";"
#define MATCHED "if string :matches \"one-two-3\" \"*-*-?\" { set \"x\" \"\"; }"

static const Row rows[] = {
	/* RFC 5229 3, the table of examples */
	{ "names have no case", COMPANY, "set", "${CoMpAnY}", "ACME" },
	{ "RFC 5229 3: a name that is none", COMPANY, "set", "&%${}!", "&%${}!" },
	{ "RFC 5229 3: a name with a blank", COMPANY, "set", "${doh!}", "${doh!}" },
	{ "RFC 5229 3: a variable that was not set", COMPANY, "set",
	  "${President, ${Company} Inc.}", "${President, ACME Inc.}" },
	{ "not set is empty", "", "set", "[${nobody}]", "[]" },
	{ "RFC 5229 3: what was put in is not read again", "set \"b\" \"${a\";", "set", "${b}}",
	  "${a}" },
	{ "... not even where it is a whole reference", "set \"b\" \"$\"; set \"a\" \"x\";", "set",
	  "${b}{a}", "${a}" },
	{ "two side by side", "set \"a\" \"x\"; set \"b\" \"y\";", "set", "${a}${b}${a}", "xyx" },
	{ "a dollar before it", COMPANY, "set", "$${company}", "$ACME" },
	{ "a blank in it", COMPANY, "set", "${ company}", "${ company}" },
	{ "no brace at the end", COMPANY, "set", "${company", "${company" },
	{ "no brace at all", COMPANY, "set", "$company", "$company" },
	{ "a digit first is no name", COMPANY, "set", "${1company}", "${1company}" },
	{ "RFC 5229 3: a backslash before the dollar goes before that", COMPANY, "set",
	  "\\${company}", "ACME" },
	{ "RFC 5229 3: ... and before the brace", COMPANY, "set", "$\\{company}", "ACME" },
	{ "two backslashes are one, and the reference stays", COMPANY, "set", "\\\\${company}",
	  "\\ACME" },

	{ "match variables", MATCHED, "set", "${1},${2},${3}", "one,two,3" },
	{ "match variable 0 is all that matched", MATCHED, "set", "${0}", "one-two-3" },
	{ "RFC 5229 3.2: leading zeroes are ignored", MATCHED, "set", "${0002}", "two" },
	{ "RFC 5229 3.2: out of range is empty", MATCHED, "set", "[${4}]", "[]" },
	{ "RFC 5229 3.2: none before a match", "", "set", "[${0}${1}]", "[]" },
	{ "RFC 5229 3.2: a match that failed changes nothing",
	  MATCHED " if string :matches \"a\" \"b*\" { stop; }", "set", "${1}", "one" },
	{ "RFC 5229 3.2: :is sets none", MATCHED " if string :is \"a\" \"a\" { set \"x\" \"\"; }",
	  "set", "${1}", "one" },
	{ "RFC 5229 3.2: a test that is not evaluated sets none",
	  MATCHED " if anyof (true, string :matches \"a\" \"?\") { set \"x\" \"\"; }", "set",
	  "${1}", "one" },
	{ "RFC 5229 6: an index over the limit is an error", "", "set", "${999999}",
	  "!bad-variable" },

	{ "a namespace", "", "set", "${env.domain}", "example.org" },
	{ "a namespace has no case", "", "set", "${ENV.domain}", "example.org" },
	{ "an unknown namespace is an error", "", "set", "${nowhere.x}", "!unknown-namespace" },
	{ "a namespace without a name", "", "set", "${env.}", "${env.}" },

	{ "RFC 5229 4.1: none", MIXED, "set", "${a}", "juMBlEd lETteRS" },
	{ "RFC 5229 4.1: length", MIXED, "set :length", "${a}", "15" },
	{ "RFC 5229 4.1: lower", MIXED, "set :lower", "${a}", "jumbled letters" },
	{ "RFC 5229 4.1: upperfirst", MIXED, "set :upperfirst", "${a}", "JuMBlEd lETteRS" },
	{ "RFC 5229 4.1: upperfirst, then lower: lower is first", MIXED, "set :upperfirst :lower",
	  "${a}", "Jumbled letters" },
	{ "RFC 5229 4.1: ... in the other order, too", MIXED, "set :lower :upperfirst", "${a}",
	  "Jumbled letters" },
	{ "RFC 5229 4.1: quotewildcard", "", "set :quotewildcard", "Rock*", "Rock\\*" },
	{ "upper", MIXED, "set :upper", "${a}", "JUMBLED LETTERS" },
	{ "upper, then lowerfirst", MIXED, "set :lowerfirst :upper", "${a}", "jUMBLED LETTERS" },
	{ "quotewildcard: ? and backslash", "", "set :quotewildcard", "a?b\\\\c", "a\\?b\\\\c" },
	{ "length comes behind quotewildcard", "", "set :length :quotewildcard", "*?", "4" },
	{ "length counts characters", "", "set :length", "\xc3\xa9t\xc3\xa9", "3" },
	{ "length of nothing", "", "set :length", "", "0" },
	{ "only ASCII has a case", "", "set :upper", "\xc3\xa9t\xc3\xa9", "\xc3\xa9T\xc3\xa9" },
	{ "upperfirst: no letter first", "", "set :upperfirst", "1a", "1a" },
	{ "upperfirst of nothing", "", "set :upperfirst", "", "" },
	{ "modifiers have no case", MIXED, "set :LOWER", "${a}", "jumbled letters" },
	{ "RFC 5229 4.1: two of one precedence", MIXED, "set :lower :upper", "${a}",
	  "!exclusive-tags" },
	{ "RFC 5229 4.1: an unknown modifier", MIXED, "set :reverse", "${a}", "!unknown-tag" },
	{ "a modifier twice", MIXED, "set :lower :lower", "${a}", "!repeated-tag" },
};

static void
test_row(void **state)
{
	const Row *row = *state;
	g_autofree char *code = NULL;
	g_autofree char *script = g_strdup_printf(
		"require [\"variables\", \"environment\", \"vnd.dovecot.environment\"];\n%s\n"
		"%s \"result\" \"%s\";\n",
		row->before, row->set, row->string);
	run_script(script, conf_default(), &code);

	assert_string_equal(code, row->want[0] == '!' ? row->want + 1 : "");
	if (row->want[0] != '!')
		assert_string_equal(last_value->str, row->want);
}

typedef struct {
	const char *name;
	const char *variable; /* of set */
	const char *code;
} NameRow;

static const NameRow name_rows[] = {
	{ "a letter", "a", "" },
	{ "_ and digits", "_0", "" },
	{ "32 characters (RFC 5229 6)", "a2345678901234567890123456789012", "" },
	{ "nothing", "", "bad-variable" },
	{ "a digit first", "0a", "bad-variable" },
	{ "a match variable", "1", "bad-variable" },
	{ "a hyphen", "a-b", "bad-variable" },
	{ "a letter that is not of ASCII", "\xc3\xa9", "bad-variable" },
	{ "a reference", "${a}", "not-constant" },
	{ "a namespace that nobody may write to", "env.domain", "bad-variable" },
};

static void
test_name(void **state)
{
	const NameRow *row = *state;
	g_autofree char *code = NULL;
	g_autofree char *script = g_strdup_printf(
		"require [\"variables\", \"environment\", \"vnd.dovecot.environment\"];\n"
		"set \"%s\" \"x\";\n",
		row->variable);
	run_script(script, conf_default(), &code);

	assert_string_equal(code, row->code);
}

/* RFC 5229 6: a value over the limit is cut, between characters, and that is no error. */
static void
test_long_value(void **state)
{
	(void) state;
	g_autofree char *code = NULL;
	g_autoptr(Conf) conf = conf_copy(conf_default());
	conf->sieve_max_variable_size = 4000;
	g_autofree char *letters = g_strnfill(3999, 'x');
	g_autofree char *script = g_strdup_printf(
		"require \"variables\"; set \"a\" \"%s\xc3\xa9zzz\";", letters);
	run_script(script, conf, &code);

	assert_string_equal(code, "");
	assert_string_equal(last_value->str, letters);
}

/* RFC 5229 6: 128 variables at least; by default. */
static void
test_many_variables(void **state)
{
	(void) state;
	g_autofree char *code = NULL;
	g_autoptr(GString) script = g_string_new("require \"variables\";");
	for (int i = 0; i < 128; i++)
		g_string_append_printf(script, "set \"v%d\" \"%d\";", i, i);
	g_string_append(script, "set \"v0\" \"${v127}\";");
	run_script(script->str, conf_default(), &code);

	assert_string_equal(code, "");
	assert_string_equal(last_value->str, "127");
}

typedef struct {
	const char *name;
	const char *text;
	size_t limit;
	size_t want; /* octets */
} CutRow;

static const CutRow cut_rows[] = {
	{ "it fits", "abc", 3, 3 },
	{ "letters", "abc", 2, 2 },
	{ "nothing", "abc", 0, 0 },
	{ "a character of two octets", "a\xc3\xa9", 2, 1 },
	{ "a character of three octets", "a\xe2\x82\xac", 3, 1 },
	{ "a character of four octets", "a\xf0\x9f\x98\x80z", 5, 5 },
};

static void
test_cut(void **state)
{
	const CutRow *row = *state;
	SieveText text = { row->text, strlen(row->text) };
	assert_int_equal(sieve_variable_cut(text, row->limit).len, row->want);
}

int
main(void)
{
	struct CMUnitTest
		tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(name_rows) + G_N_ELEMENTS(cut_rows) + 2];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	UNIT_ROWS(tests, n, name_rows, test_name);
	UNIT_ROWS(tests, n, cut_rows, test_cut);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_value);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_many_variables);

	last_value = g_string_new(NULL);
	int failed = _cmocka_run_group_tests("sieve-variable", tests, n, NULL, NULL);
	g_string_free(last_value, TRUE);
	return failed;
}
