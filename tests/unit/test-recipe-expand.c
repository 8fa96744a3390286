/* SPDX-License-Identifier: MIT */
/*
 * Quotes and variables of rc files (procmailrc(5), "Environment variable defaults" and sh's rules).
 * What the rows expect was worked out from procmailrc(5), or taken from a run of procmail 3.22.
 */
#include "agent/base/limits.h"
#include "filters/recipe/run/recipe-expand.h"
#include "tests/lib/recipe-unit.h"

#include "tests/unit/unit.h"

#include <string.h>

/* A is "one", E empty, S "two words", T "a", tab, "b", M "a.b*[c]", Q "it's"; U is not set. */
typedef struct {
	const char *name;
	const char *text;
	const char *want; /* words: each with | behind it */
} Row;

static const Row value_rows[] = {
	{ "a word", "abc", "abc" },
	{ "a variable", "$A", "one" },
	{ "in braces", "${A}", "one" },
	{ "in double quotes", "\"$A\"", "one" },
	{ "not in single quotes", "'$A'", "$A" },
	{ "${A:-}: set", "${A:-y}", "one" },
	{ "${:-}: not set", "${U:-y}", "y" },
	{ "${:-}: empty", "${E:-y}", "y" },
	{ "${-}: empty", "${E-y}", "" },
	{ "${-}: not set", "${U-y}", "y" },
	{ "${-}: set", "${A-y}", "one" },
	{ "${:+}: set", "${A:+y}", "y" },
	{ "${:+}: not set", "${U:+y}", "" },
	{ "${:+}: empty", "${E:+y}", "" },
	{ "${+}: empty", "${E+y}", "y" },
	{ "${+}: not set", "${U+y}", "" },
	{ "${+}: set", "${A+y}", "y" },
	{ "${:-} with nothing", "${U:-}", "" },
	{ "${:-} with another in braces", "${U:-${A}}", "one" },
	{ "${:-} with another and text", "${U:-$A-x}", "one-x" },
	{ "${:-} with quotes", "${U:-\"a b\"}", "a b" },
	{ "${:-} in quotes", "\"${U:-a b}\"", "a b" },
	{ "${:+} with another", "${A:+$S}", "two words" },
	{ "the longest name", "$Ax", "" },
	{ "braces end a name", "${A}x", "onex" },
	{ "a hyphen ends a name", "$A-x", "one-x" },
	{ "an escaped dollar", "\\$A", "$A" },
	{ "an escaped dollar in quotes", "\"\\$A\"", "$A" },
	{ "an escaped letter", "\\a", "a" },
	{ "a backslash before a letter in quotes stays", "\"\\a\"", "\\a" },
	{ "an escaped quote in quotes", "\"a\\\"b\"", "a\"b" },
	{ "an escaped backquote in quotes", "\"\\`\"", "`" },
	{ "an escaped backslash in quotes", "\"\\\\\"", "\\" },
	{ "a backslash in single quotes", "'a\\b'", "a\\b" },
	{ "a single quote in double quotes", "\"a'b\"", "a'b" },
	{ "a double quote in single quotes", "'a\"b'", "a\"b" },
	{ "pieces are one word", "a\"b\"'c'", "abc" },
	{ "a quote in a value is none", "\"$Q\"", "it's" },
	{ "an escaped blank", "a\\ b", "a b" },
	{ "a value is not split", "$S", "two words" },
	{ "nothing in quotes", "\"\"", "" },
	{ "arguments", "$1", "first" },
	{ "an argument with a blank", "$2", "second arg" },
	{ "an argument that is not there", "$3", "" },
	{ "arguments have one digit", "$10", "first0" },
	{ "arguments in braces", "${1}", "first" },
	{ "how many arguments", "$#", "2" },
	{ "the score", "[$=]", "[0]" },
	{ "$@ without quotes", "$@", "@" },
	{ "$@ is for programs alone", "\"$@\"", "" },
	{ "a dollar at the end", "a$", "a$" },
	{ "a dollar before a blank", "\"$ b\"", "$ b" },
	{ "a dollar before a sign", "$%", "$%" },
	{ "disarmed for an expression", "$\\M", "()a\\.b\\*\\[c]" },
	{ "... in quotes, too", "\"$\\M\"", "()a\\.b\\*\\[c]" },
	{ "no ~", "~/x", "~/x" },
	{ "# in a word", "a#b", "a#b" },
	{ "an escaped # where the value begins", "\\#b", "#b" },
	{ "an escaped # behind that", "a\\#b", "a\\#b" },
	{ "an escaped # behind an empty variable", "$U\\#b", "\\#b" },
	{ "an escaped # where ${:-} begins", "${U:-\\#}", "#" },
	{ "a program", "`say x`y", "xy" },
	{ "a program in quotes", "\"`say x`\"", "x" },
	{ "no program in single quotes", "'`say x`'", "`say x`" },
};

/* Arguments of programs. */
static const Row word_rows[] = {
	{ "blanks part words", "a  b", "a|b|" },
	{ "a value is split at blanks", "$S", "two|words|" },
	{ "... and at tabs", "$T", "a|b|" },
	{ "not in quotes", "\"$S\"", "two words|" },
	{ "a value that is split within a word", "a$S b", "atwo|words|b|" },
	{ "two values", "$A$S", "onetwo|words|" },
	{ "nothing in quotes is a word", "\"\"", "|" },
	{ "nothing in single quotes is a word", "a ''", "a||" },
	{ "an empty value is no word", "$E", "" },
	{ "an empty value in quotes is one", "\"$E\"", "|" },
	{ "what is not set is no word", "$U", "" },
	{ "what is not set behind a letter", "x$U", "x|" },
	{ "an escaped blank", "a\\ b", "a b|" },
	{ "quotes side by side", "'a b'\"c d\"e", "a bc de|" },
	{ "all kinds of quotes", "\"$A\"'$A'$A", "one$Aone|" },
	{ "single quotes", "'$S'", "$S|" },
	{ "an escaped dollar", "\\$S", "$S|" },
	{ "${:-} is split", "${U:-x y}", "x|y|" },
	{ "${:-} in quotes is not", "\"${U:-x y}\"", "x y|" },
	{ "${:+} is split", "${A:+p q}", "p|q|" },
	{ "${:+} with quotes is not", "${A:+\"p q\"}", "p q|" },
	{ "procmailrc(5): $\\name is never split", "$\\S", "()two words|" },
	{ "all arguments", "\"$@\"", "first|second arg|" },
	{ "$@ without quotes", "$@", "@|" },
	{ "arguments are split", "$1 $2", "first|second|arg|" },
	{ "... not in quotes", "\"$1 $2\"", "first second arg|" },
	{ "a comment", "a #b", "a|" },
	{ "# in a word", "a#b", "a#b|" },
	{ "an escaped # where a word begins", "\\#b", "#b|" },
	{ "an escaped # in a word", "a\\#b", "a\\#b|" },
	{ "an escaped # in the second word", "a \\#b", "a|#b|" },
	{ "an escaped # behind nothing in quotes", "\"\"\\#b", "\\#b|" },
	{ "an escaped # behind an empty variable", "$U\\#b", "#b|" },
	{ "an escaped # behind a variable", "$A\\#b", "one\\#b|" },
};

/* As behind the $ of a condition. */
static const Row quoted_rows[] = {
	{ "a variable", "$A", "one" },
	{ "single quotes are signs", "'c'", "'c'" },
	{ "an escaped dollar", "\\$A", "$A" },
	{ "${:-}", "${U:-d e}", "d e" },
	{ "a backslash before a sign of expressions stays", "a\\.b", "a\\.b" },
	{ "disarmed", "$\\M", "()a\\.b\\*\\[c]" },
	{ "a dollar at the end", "a$", "a$" },
	{ "a dollar", "$", "$" },
};

static const char *const arguments[] = { "first", "second arg", NULL };

static void
begin(RecipeUnit *unit)
{
	static const char *const set[][2] = { { "A", "one" },       { "E", "" },
		                              { "S", "two words" }, { "T", "a\tb" },
		                              { "M", "a.b*[c]" },   { "Q", "it's" } };

	recipe_unit_init(unit, "A: b\n\nc\n", arguments);
	for (size_t i = 0; i < G_N_ELEMENTS(set); i++)
		recipe_vars_set(unit->run.state->vars, set[i][0], set[i][1]);
}

static void
test_value(void **state)
{
	const Row *row = *state;
	RecipeUnit unit;
	begin(&unit);
	g_autofree char *value = recipe_expand_value(&unit.run, row->text);
	recipe_unit_clear(&unit);

	assert_string_equal(value, row->want);
}

static void
test_words(void **state)
{
	const Row *row = *state;
	RecipeUnit unit;
	begin(&unit);
	g_autoptr(GPtrArray) words = recipe_expand_arguments(&unit.run, row->text);
	g_autoptr(GString) all = g_string_new(NULL);
	for (guint i = 0; i < words->len; i++)
		g_string_append_printf(all, "%s|", (const char *) words->pdata[i]);
	recipe_unit_clear(&unit);

	assert_string_equal(all->str, row->want);
}

static void
test_quoted(void **state)
{
	const Row *row = *state;
	RecipeUnit unit;
	begin(&unit);
	g_autofree char *text = recipe_expand_quoted(&unit.run, row->text);
	recipe_unit_clear(&unit);

	assert_string_equal(text, row->want);
}

/* Names of folders are words, too; only there a # in them loses its backslash. */
static void
test_folder(void **state)
{
	(void) state;
	RecipeUnit unit;
	begin(&unit);
	g_autoptr(GPtrArray) words = recipe_expand_words(&unit.run, "a\\#b $S");
	recipe_unit_clear(&unit);

	assert_int_equal(words->len, 3);
	assert_string_equal(words->pdata[0], "a#b");
	assert_string_equal(words->pdata[1], "two");
	assert_string_equal(words->pdata[2], "words");
}

/* What is too long ends one octet over the limit, so that whoever takes the value sees it. */
static void
test_long(void **state)
{
	(void) state;
	RecipeUnit unit;
	begin(&unit);
	g_autofree char *piece = g_strnfill(LIMIT_RECIPE_VALUE_BYTES, 'x');
	recipe_vars_set(unit.run.state->vars, "A", piece);
	g_autofree char *fits = recipe_expand_value(&unit.run, "$A");
	g_autofree char *over = recipe_expand_value(&unit.run, "$A$A");
	recipe_unit_clear(&unit);

	assert_int_equal(strlen(fits), LIMIT_RECIPE_VALUE_BYTES);
	assert_int_equal(strlen(over), LIMIT_RECIPE_VALUE_BYTES + 1);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(value_rows) + G_N_ELEMENTS(word_rows) +
	                        G_N_ELEMENTS(quoted_rows) + 2];
	size_t n = 0;

	UNIT_ROWS(tests, n, value_rows, test_value);
	UNIT_ROWS(tests, n, word_rows, test_words);
	UNIT_ROWS(tests, n, quoted_rows, test_quoted);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long);

	return _cmocka_run_group_tests("recipe-expand", tests, n, NULL, NULL);
}
