/* SPDX-License-Identifier: MIT */
/* foreign: makes and frees the tree, and finds the mailboxes that paths mean. */
#include "filters/foreign/foreign.h"

#include "filters/filter-recipes.h"
#include "filters/foreign/fdm-parser.h"
#include "filters/foreign/maildrop-parser.h"
#include "filters/recipe/convert/recipe-convert.h"

#include <string.h>

/* Octets of a statement in the list of what was not converted. */
enum { EXCERPT_OCTETS = 100 };

ForeignTest *
foreign_test_new(ForeignTestKind kind)
{
	ForeignTest *test = g_new0(ForeignTest, 1);
	test->kind = kind;
	return test;
}

void
foreign_test_free(ForeignTest *test)
{
	if (test == NULL)
		return;

	if (test->tests != NULL)
		g_ptr_array_unref(test->tests);
	g_free(test->text);
	g_free(test);
}

static void
free_test(gpointer test)
{
	foreign_test_free(test);
}

/* Several of one kind in a row are one list: `a or b or c`; what is inverted twice is as it was. */
ForeignTest *
foreign_test_join(ForeignTestKind kind, ForeignTest *taken_first, ForeignTest *taken_second)
{
	ForeignTest *test = taken_first;
	if (kind == FOREIGN_NOT && taken_first->kind == FOREIGN_NOT) {
		test = g_ptr_array_steal_index(taken_first->tests, 0);
		foreign_test_free(taken_first);
		return test;
	}

	if (taken_first->kind != kind || kind == FOREIGN_NOT) {
		test = foreign_test_new(kind);
		test->tests = g_ptr_array_new_with_free_func(free_test);
		g_ptr_array_add(test->tests, taken_first);
	}

	if (taken_second != NULL)
		g_ptr_array_add(test->tests, taken_second);
	return test;
}

ForeignTest *
foreign_test_constant(bool truth)
{
	ForeignTest *test = foreign_test_new(FOREIGN_CONSTANT);
	test->truth = truth;
	return test;
}

ForeignTest *
foreign_test_unknown(const char *why)
{
	ForeignTest *test = foreign_test_new(FOREIGN_UNKNOWN);
	test->why = why;
	return test;
}

const char *
foreign_test_why_unknown(const ForeignTest *test)
{
	const char *why = test->kind == FOREIGN_UNKNOWN ? test->why : NULL;
	for (guint i = 0; test->tests != NULL && why == NULL && i < test->tests->len; i++)
		why = foreign_test_why_unknown(test->tests->pdata[i]);
	return why;
}

ForeignNode *
foreign_node_new(ForeignNodeKind kind, unsigned line, unsigned column)
{
	ForeignNode *node = g_new0(ForeignNode, 1);
	node->kind = kind;
	node->line = line;
	node->column = column;
	return node;
}

void
foreign_node_free(ForeignNode *node)
{
	if (node == NULL)
		return;

	foreign_test_free(node->test);
	g_clear_pointer(&node->then, g_ptr_array_unref);
	g_clear_pointer(&node->otherwise, g_ptr_array_unref);
	g_clear_pointer(&node->flags, g_ptr_array_unref);
	g_free(node->text);
	g_free(node->value);
	g_free(node);
}

static void
free_node(gpointer node)
{
	foreign_node_free(node);
}

GPtrArray *
foreign_nodes_new(void)
{
	return g_ptr_array_new_with_free_func(free_node);
}

ForeignRules *
foreign_rules_new(ForeignLanguage language, const char *text)
{
	ForeignRules *rules = g_new0(ForeignRules, 1);
	rules->language = language;
	rules->nodes = foreign_nodes_new();
	rules->text = text;
	return rules;
}

void
foreign_rules_free(ForeignRules *rules)
{
	if (rules == NULL)
		return;

	g_ptr_array_unref(rules->nodes);
	g_free(rules->last_resort);
	g_free(rules);
}

/* Octets that no file of rules has, and that the tree uses for itself. */
static bool
check_octets(const FilterSource *source, GPtrArray *problems)
{
	const char *end;
	Problem problem = { .file = (char *) source->file, .line = 1, .column = 1 };
	bool is_text = g_utf8_validate(source->text, (gssize) source->len, &end);
	const char *bad = end;
	for (const char *at = source->text; at < end && bad == end; at++)
		if ((guchar) *at < ' ' && strchr("\t\n\r\f", *at) == NULL)
			bad = at;
	if (is_text && bad == end)
		return true;

	for (const char *at = source->text; at < bad; at++) {
		problem.line += *at == '\n';
		problem.column = *at == '\n' ? 1 : problem.column + 1;
	}

	problem.code = "not-text";
	problem.text = bad == end ? (char *) "this is no UTF-8 text: iconv can make it so"
	                          : (char *) "a control character";
	problem_add(problems, &problem);
	return false;
}

bool
foreign_syntax_error(const FilterSource *source, unsigned line, unsigned column, const char *text,
                     GPtrArray *problems, bool *failed)
{
	const Problem problem = { .file = (char *) source->file,
		                  .line = line,
		                  .column = column,
		                  .severity = PROBLEM_ERROR,
		                  .code = "syntax",
		                  .text = (char *) text };
	if (!*failed)
		problem_add(problems, &problem);
	*failed = true;
	return false;
}

ForeignRules *
foreign_parse(ForeignLanguage language, const FilterSource *source, const ForeignPlaces *places,
              GPtrArray *problems)
{
	if (!check_octets(source, problems))
		return NULL;
	return language == FOREIGN_MAILDROP ? maildrop_parse(source, places, problems)
	                                    : fdm_parse(source, places, problems);
}

char *
foreign_mailbox(const ForeignPlaces *places, FilterEnv *env, const char *path, bool *ret_is_there)
{
	g_autofree char *absolute = g_canonicalize_filename(path, places->home);
	g_autofree char *inbox = g_canonicalize_filename(places->inbox, places->home);
	*ret_is_there = true;
	if (strcmp(absolute, inbox) == 0)
		return g_strdup("INBOX");

	const FilterRecipes *services = env->recipes;
	char *name = services != NULL && services->mailbox_at != NULL
	                     ? services->mailbox_at(env, absolute)
	                     : NULL;
	*ret_is_there = name != NULL;
	if (name != NULL)
		return name;

	return recipe_convert_mailbox(absolute, NULL, places->home);
}

char *
foreign_excerpt(const ForeignRules *rules, size_t start, size_t end)
{
	GString *out = g_string_new(NULL);
	bool blank = false;
	for (size_t at = start; at < end; at++) {
		char c = rules->text[at];
		bool is_blank = c != '\0' && strchr(" \t\r\n\f", c) != NULL;
		if (!is_blank && blank && out->len > 0)
			g_string_append_c(out, ' ');
		if (!is_blank)
			g_string_append_c(out, c);
		blank = is_blank;
		if (out->len > EXCERPT_OCTETS && (c & 0xc0) != 0x80) {
			g_string_truncate(out, out->len - 1);
			g_string_append(out, "...");
			break;
		}
	}
	return g_string_free(out, FALSE);
}

const char *
foreign_language_name(ForeignLanguage language)
{
	return language == FOREIGN_MAILDROP ? "maildrop" : "fdm";
}
