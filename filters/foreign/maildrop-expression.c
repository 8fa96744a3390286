/* SPDX-License-Identifier: MIT */
/*
 * maildrop-expression: by its table of precedence (maildropfilter(7), Operators). What has no value
 * before a message is there becomes a test that is not known, with the reason.
 */
#include "filters/foreign/maildrop-expression.h"

#include "agent/base/limits.h"

#include <stdlib.h>
#include <string.h>

static const char why_program[] =
	"it depends on what a program says: Sieve cannot ask, unless the site allows execute "
	"(sieve_execute_dir)";
static const char why_variable[] = "it asks for a variable that only a run of maildrop has";
static const char why_function[] =
	"it uses a function or an operator that Sieve does not have: write the test by hand";
static const char why_score[] = "matches are counted or weighed: Sieve has no sums";
static const char why_long[] = "a text becomes too long when its variables are filled in";

void
maildrop_value_clear(MaildropValue *value)
{
	g_clear_pointer(&value->text, g_free);
	g_clear_pointer(&value->test, foreign_test_free);
	value->why = NULL;
}

void
maildrop_next(MaildropParser *parser)
{
	maildrop_lexer_next(&parser->lexer, false);
	if (maildrop_token(parser)->kind == MAILDROP_WRONG)
		maildrop_error(parser, maildrop_token(parser)->text);
}

bool
maildrop_is_sign(const MaildropParser *parser, const char *sign)
{
	return maildrop_token(parser)->kind == MAILDROP_SIGN &&
	       strcmp(maildrop_token(parser)->text, sign) == 0;
}

bool
maildrop_error(MaildropParser *parser, const char *text)
{
	const MaildropToken *token = maildrop_token(parser);
	return foreign_syntax_error(parser->source, token->line, token->column, text,
	                            parser->problems, &parser->failed);
}

/* Append the word's text with its variables filled in. False: one is not known. */
static bool
fill_in(const MaildropParser *parser, const char *word, GString *out, const char **ret_why)
{
	while (*word != '\0') {
		if (*word != MAILDROP_VARIABLE_OPEN) {
			g_string_append_c(out, *word++);
			continue;
		}

		const char *end = strchr(word, MAILDROP_VARIABLE_CLOSE);
		g_autofree char *name = g_strndup(word + 1, (gsize) (end - word - 1));
		const char *value = g_hash_table_lookup(parser->variables, name);
		if (value == NULL)
			return *ret_why = why_variable, false;
		if (out->len + strlen(value) > LIMIT_FOREIGN_TEXT)
			return *ret_why = why_long, false;
		g_string_append(out, value);
		word = end + 1;
	}
	return true;
}

/* An operator that compares; NULL: none stands here. */
static const char *
comparison_here(const MaildropParser *parser)
{
	static const char *const ops[] = { "<",  "<=", ">",  ">=", "==", "!=",
		                           "lt", "le", "gt", "ge", "eq", "ne" };
	const MaildropToken *token = maildrop_token(parser);
	for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
		if ((token->kind == MAILDROP_SIGN ||
		     (token->kind == MAILDROP_TEXT && token->bare)) &&
		    strcmp(token->text, ops[i]) == 0)
			return ops[i];
	return NULL;
}

char *
maildrop_words(MaildropParser *parser, const char **ret_why)
{
	GString *out = g_string_new(NULL);
	*ret_why = NULL;
	for (bool first = true; !parser->failed; maildrop_next(parser), first = false) {
		const MaildropToken *token = maildrop_token(parser);
		if (!first && comparison_here(parser) != NULL)
			break;
		if (token->kind == MAILDROP_PROGRAM)
			*ret_why = why_program;
		else if (token->kind != MAILDROP_TEXT)
			break;
		else if (*ret_why == NULL)
			(void) fill_in(parser, token->text, out, ret_why);
	}

	if (*ret_why == NULL)
		return g_string_free(out, FALSE);
	g_string_free(out, TRUE);
	return NULL;
}

ForeignTest *
maildrop_truth(MaildropValue *taken_value)
{
	ForeignTest *test = g_steal_pointer(&taken_value->test);
	const char *text = taken_value->text;
	if (test == NULL && text == NULL)
		test = foreign_test_unknown(taken_value->why);
	else if (test == NULL && strchr(text, FOREIGN_MARK) != NULL)
		test = foreign_test_unknown(why_variable);
	else if (test == NULL)
		test = foreign_test_constant(*text != '\0' && strcmp(text, "0") != 0);

	maildrop_value_clear(taken_value);
	return test;
}

static void
set_unknown(MaildropValue *value, const char *why)
{
	maildrop_value_clear(value);
	value->why = why;
}

/* The pattern in the present token, over the message. */
static ForeignTest *
pattern_test(const MaildropToken *token)
{
	const char *options = token->options;
	if (strchr(options, ',') != NULL)
		return foreign_test_unknown(why_score);
	if (strspn(options, "hbD") != strlen(options))
		return foreign_test_unknown("a pattern has an option that is not known");

	bool body = strchr(options, 'b') != NULL;
	bool header = strchr(options, 'h') != NULL || !body;
	ForeignTest *parts[2] = { NULL, NULL };
	for (int i = 0; i < 2; i++) {
		if (i == 0 ? !header : !body)
			continue;
		parts[i] = foreign_test_new(i == 0 ? FOREIGN_HEADER : FOREIGN_BODY);
		parts[i]->text = g_strdup(token->text);
		parts[i]->case_counts = strchr(options, 'D') != NULL;
	}

	if (parts[0] != NULL && parts[1] != NULL)
		return foreign_test_join(FOREIGN_ANY, parts[0], parts[1]);
	return parts[0] != NULL ? parts[0] : parts[1];
}

/* hasaddr("a@b.c"), tolower("X"): those whose result can be told. */
static void
apply_function(const char *name, MaildropValue *value)
{
	bool known = value->text != NULL && strchr(value->text, FOREIGN_MARK) == NULL;
	if (known && strcmp(name, "hasaddr") == 0) {
		value->test = foreign_test_new(FOREIGN_ADDRESS);
		value->test->text = g_steal_pointer(&value->text);
	} else if (known && (strcmp(name, "tolower") == 0 || strcmp(name, "toupper") == 0)) {
		char *(*fold)(const char *, gssize) = name[2] == 'l' ? g_ascii_strdown
		                                                     : g_ascii_strup;
		g_autofree char *before = g_steal_pointer(&value->text);
		value->text = fold(before, -1);
	} else {
		set_unknown(value, why_function);
	}
}

static bool
is_function(const MaildropToken *token)
{
	static const char *const names[] = { "hasaddr",  "getaddr",  "length",    "lookup",
		                             "substr",   "tolower",  "toupper",   "escape",
		                             "time",     "gdbmopen", "gdbmclose", "gdbmfetch",
		                             "gdbmstore" };
	for (size_t i = 0; token->bare && i < G_N_ELEMENTS(names); i++)
		if (strcmp(token->text, names[i]) == 0)
			return true;
	return false;
}

static bool read_primary(MaildropParser *parser, MaildropValue *value);

/* name(argument, ...), or an argument without parentheses. */
static bool
read_function(MaildropParser *parser, MaildropValue *value)
{
	g_autofree char *name = g_strdup(maildrop_token(parser)->text);
	unsigned arguments = 0;
	maildrop_next(parser);

	if (strcmp(name, "time") == 0) {
		set_unknown(value, why_function);
		return !parser->failed;
	}
	if (!maildrop_is_sign(parser, "(")) {
		if (!read_primary(parser, value))
			return false;
	} else {
		do {
			maildrop_next(parser);
			maildrop_value_clear(value);
			if (!maildrop_expression(parser, value))
				return false;
			arguments++;
		} while (maildrop_is_sign(parser, ","));
		if (!maildrop_is_sign(parser, ")"))
			return maildrop_error(parser, "a ')' is missing");
		maildrop_next(parser);
	}

	if (arguments > 1)
		set_unknown(value, why_function);
	apply_function(name, value);
	return !parser->failed;
}

static bool
read_parentheses(MaildropParser *parser, MaildropValue *value)
{
	maildrop_next(parser);
	if (!maildrop_expression(parser, value))
		return false;
	if (!maildrop_is_sign(parser, ")"))
		return maildrop_error(parser, "a ')' is missing");

	maildrop_next(parser);
	return !parser->failed;
}

static bool
read_inverted(MaildropParser *parser, MaildropValue *value)
{
	bool logical = maildrop_is_sign(parser, "!");
	if (parser->depth >= LIMIT_FOREIGN_DEPTH)
		return maildrop_error(parser, "the expression is nested too deeply");
	maildrop_next(parser);

	parser->depth++;
	bool good = read_primary(parser, value);
	parser->depth--;
	if (!good)
		return false;

	if (logical)
		value->test = foreign_test_join(FOREIGN_NOT, maildrop_truth(value), NULL);
	else
		set_unknown(value, why_function);
	return true;
}

static bool
read_primary(MaildropParser *parser, MaildropValue *value)
{
	const MaildropToken *token = maildrop_token(parser);
	if (maildrop_is_sign(parser, "("))
		return read_parentheses(parser, value);
	if (maildrop_is_sign(parser, "!") || maildrop_is_sign(parser, "~"))
		return read_inverted(parser, value);
	if (token->kind == MAILDROP_PATTERN) {
		value->test = pattern_test(token);
		maildrop_next(parser);
		return !parser->failed;
	}
	if (token->kind == MAILDROP_TEXT && is_function(token))
		return read_function(parser, value);
	if (token->kind != MAILDROP_TEXT && token->kind != MAILDROP_PROGRAM)
		return maildrop_error(parser, "an expression is expected here");

	value->text = maildrop_words(parser, &value->why);
	return !parser->failed;
}

/* TEXT =~ /pattern/ */
static void
apply_match(MaildropValue *value, const MaildropToken *pattern)
{
	if (value->text != NULL && strcmp(value->text, MAILDROP_SENDER) == 0 &&
	    strspn(pattern->options, "hD") == strlen(pattern->options)) {
		value->test = foreign_test_new(FOREIGN_SENDER);
		value->test->text = g_strdup(pattern->text);
		value->test->case_counts = strchr(pattern->options, 'D') != NULL;
		g_clear_pointer(&value->text, g_free);
	} else {
		set_unknown(value, value->why != NULL ? value->why : why_function);
	}
}

static bool
read_match(MaildropParser *parser, MaildropValue *value)
{
	if (!read_primary(parser, value))
		return false;

	while (maildrop_is_sign(parser, "=~")) {
		maildrop_next(parser);
		if (maildrop_token(parser)->kind != MAILDROP_PATTERN)
			return parser->failed ||
			       maildrop_error(parser, "'=~' wants a /pattern/ behind it");
		apply_match(value, maildrop_token(parser));
		maildrop_next(parser);
	}
	return !parser->failed;
}

/* Arithmetic and operations on bits: read, and not known. */
static bool
read_sum(MaildropParser *parser, MaildropValue *value)
{
	if (!read_match(parser, value))
		return false;

	while (maildrop_token(parser)->kind == MAILDROP_SIGN &&
	       strlen(maildrop_token(parser)->text) == 1 &&
	       strchr("+-*/|&", *maildrop_token(parser)->text) != NULL) {
		g_auto(MaildropValue) right = { 0 };
		maildrop_next(parser);
		if (!read_match(parser, &right))
			return false;
		set_unknown(value, why_score);
	}
	return !parser->failed;
}

/* A whole number without a sign; false: it is none. */
static bool
read_number(const char *text, guint64 *ret_number)
{
	return text != NULL &&
	       g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, ret_number, NULL);
}

/* SIZE against a number. `op` is <, <=, >, >=; with SIZE on the left. */
static ForeignTest *
size_test(const char *op, guint64 number)
{
	bool less = *op == '<';
	bool equal = op[1] == '=';
	if (number == 0 && less != equal) /* size < 0, size >= 0 */
		return foreign_test_constant(!less);

	ForeignTest *test = foreign_test_new(FOREIGN_SIZE);
	test->size = less != equal ? number - 1 : number; /* a < n is not a > n - 1 */
	return less ? foreign_test_join(FOREIGN_NOT, test, NULL) : test;
}

static int
sign_of(const char *left, const char *right, bool numbers)
{
	if (!numbers)
		return strcmp(left, right);
	double a = g_ascii_strtod(left, NULL), b = g_ascii_strtod(right, NULL);
	return (a > b) - (a < b);
}

/* Both sides are known. */
static bool
compare_known(const char *op, int sign)
{
	static const char *const words[] = { "lt", "le", "gt", "ge", "eq", "ne" };
	static const char *const signs[] = { "<", "<=", ">", ">=", "==", "!=" };
	const bool results[] = { sign<0, sign <= 0, sign> 0, sign >= 0, sign == 0, sign != 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(op, words[i]) == 0 || strcmp(op, signs[i]) == 0)
			return results[i];
	return false;
}

/* FROM eq "a@b.c" */
static ForeignTest *
sender_test(const char *op, const char *address)
{
	g_autofree char *escaped = g_regex_escape_string(address, -1);
	ForeignTest *test = foreign_test_new(FOREIGN_SENDER);
	test->text = g_strdup_printf("^%s$", escaped);
	test->case_counts = true;
	return strcmp(op, "ne") == 0 ? foreign_test_join(FOREIGN_NOT, test, NULL) : test;
}

static void
apply_comparison(const char *op, MaildropValue *left, const MaildropValue *right)
{
	bool numbers = !g_ascii_isalpha(*op);
	guint64 number;
	if (left->text == NULL || right->text == NULL) {
		const char *why = left->why != NULL ? left->why : right->why;
		set_unknown(left, why != NULL ? why : why_score);
		return;
	}

	ForeignTest *test = NULL;
	if (strcmp(left->text, MAILDROP_SIZE) == 0 && read_number(right->text, &number) &&
	    strchr("<>", *op) != NULL)
		test = size_test(op, number);
	else if (strcmp(left->text, MAILDROP_SENDER) == 0 &&
	         strchr(right->text, FOREIGN_MARK) == NULL &&
	         (strcmp(op, "eq") == 0 || strcmp(op, "ne") == 0))
		test = sender_test(op, right->text);
	else if (strchr(left->text, FOREIGN_MARK) == NULL &&
	         strchr(right->text, FOREIGN_MARK) == NULL)
		test = foreign_test_constant(
			compare_known(op, sign_of(left->text, right->text, numbers)));

	set_unknown(left, test == NULL ? why_variable : NULL);
	left->test = test;
}

static bool
read_comparison(MaildropParser *parser, MaildropValue *value)
{
	if (!read_sum(parser, value))
		return false;
	const char *op = comparison_here(parser);
	if (op == NULL)
		return true;

	g_auto(MaildropValue) right = { 0 };
	maildrop_next(parser);
	if (!read_sum(parser, &right))
		return false;
	apply_comparison(op, value, &right);
	return true;
}

static bool
read_chain(MaildropParser *parser, MaildropValue *value, bool any)
{
	bool good = any ? read_chain(parser, value, false) : read_comparison(parser, value);
	while (good && maildrop_is_sign(parser, any ? "||" : "&&")) {
		g_auto(MaildropValue) right = { 0 };
		maildrop_next(parser);
		good = any ? read_chain(parser, &right, false) : read_comparison(parser, &right);
		if (!good)
			break;
		ForeignTest *first = maildrop_truth(value);
		value->test = foreign_test_join(any ? FOREIGN_ANY : FOREIGN_ALL, first,
		                                maildrop_truth(&right));
	}
	return good && !parser->failed;
}

bool
maildrop_expression(MaildropParser *parser, MaildropValue *ret_value)
{
	if (parser->depth >= LIMIT_FOREIGN_DEPTH)
		return maildrop_error(parser, "the expression is nested too deeply");

	parser->depth++;
	bool good = read_chain(parser, ret_value, true);
	parser->depth--;
	return good;
}
