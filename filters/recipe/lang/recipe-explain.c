/* SPDX-License-Identifier: MIT */
/*
 * recipe-explain: says what is written; variables keep their names, as nobody knows here what they
 * will hold.
 */
#include "filters/recipe/lang/recipe-explain.h"

#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/lang/recipe-ast.h"
#include "filters/recipe/lang/recipe-cond-read.h"

#include <string.h>

typedef struct {
	GString *out;
	unsigned depth;
	unsigned number;
} Explain;

static void explain_nodes(Explain *explain, const GPtrArray *nodes);

static void say(Explain *explain, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* One line, indented as deep as its block. */
static void
say(Explain *explain, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (unsigned i = 0; i < explain->depth; i++)
		g_string_append(explain->out, "    ");
	g_string_append_vprintf(explain->out, format, args);
	g_string_append_c(explain->out, '\n');
	va_end(args);
}

static const char *
area_name(RecipeParts parts)
{
	return parts == RECIPE_BODY   ? "the body"
	       : parts == RECIPE_BOTH ? "header or body"
	                              : "the header";
}

/*
 * The shorthands that procmail replaces, where one is the whole expression or its beginning. NULL:
 * none.
 */
static char *
explain_shorthand(const char *expression)
{
	if (g_str_has_prefix(expression, "^TO_"))
		return g_strdup_printf("a field with recipients has an address that matches %s",
		                       expression + 4);
	if (g_str_has_prefix(expression, "^TO"))
		return g_strdup_printf("a field with recipients has a word that matches %s",
		                       expression + 3);
	if (strcmp(expression, "^FROM_DAEMON") == 0)
		return g_strdup("a program or a mailing list sent it (^FROM_DAEMON)");

	return strcmp(expression, "^FROM_MAILER") == 0
	               ? g_strdup("a mail system sent it (^FROM_MAILER)")
	               : NULL;
}

static char *
explain_expression(const RecipeCond *cond, const RecipeFlags *flags)
{
	char *shorthand = cond->variable == NULL ? explain_shorthand(cond->rest) : NULL;
	if (shorthand != NULL)
		return shorthand;
	if (cond->variable != NULL)
		return g_strdup_printf("the variable %s matches %s", cond->variable, cond->rest);

	const char *where = area_name(cond->area != 0 ? cond->area : flags->area);
	if (*cond->rest == '\0')
		return g_strdup_printf("anything is in %s", where);

	return g_strdup_printf("%s matches %s%s", where, cond->rest,
	                       flags->case_counts ? " (case counts)" : "");
}

/* The question of a condition, without its weight. */
static char *
explain_question(const RecipeCond *cond, const RecipeFlags *flags)
{
	if (cond->substitutes)
		return g_strdup_printf("this holds, once its variables are replaced: %s",
		                       cond->rest);
	if (cond->kind == '?')
		return g_strdup_printf("this program ends with exit code 0: %s", cond->rest);
	if (cond->kind == 'r')
		return explain_expression(cond, flags);

	g_autofree char *what = cond->variable != NULL
	                                ? g_strdup_printf("the variable %s", cond->variable)
	                        : cond->area != 0 ? g_strdup(area_name(cond->area))
	                                          : g_strdup("the mail");
	return g_strdup_printf("%s has %s than %s octets", what,
	                       cond->kind == '<' ? "less" : "more", cond->rest);
}

static void
explain_condition(Explain *explain, const RecipeText *text, const RecipeFlags *flags, bool first)
{
	RecipeCond cond = { 0 };

	recipe_cond_read(&cond, text->text);
	g_autofree char *question = explain_question(&cond, flags);
	const char *splits = cond.kind == 'r' && strstr(cond.rest, "\\/") != NULL
	                             ? "; what is behind \\/ becomes MATCH"
	                             : "";
	if (cond.weighted)
		say(explain, "  %s score %g%s where %s%s", first ? "count:" : "and", cond.weight,
		    cond.exponent != 0 && cond.kind == 'r' ? " (and again for each further place)"
		                                           : "",
		    question, splits);
	else
		say(explain, "  %s %s%s%s", first ? "if" : "and", cond.inverted ? "NOT: " : "",
		    question, splits);

	g_free(cond.variable);
}

static bool
is_scored(const RecipeNode *node)
{
	bool scored = false;
	for (guint i = 0; i < node->conditions->len && !scored; i++) {
		RecipeCond cond = { 0 };
		recipe_cond_read(&cond, ((const RecipeText *) node->conditions->pdata[i])->text);
		scored = cond.weighted;
		g_free(cond.variable);
	}

	return scored;
}

static void
explain_chain(Explain *explain, const RecipeFlags *flags)
{
	if (flags->otherwise)
		say(explain, "  only where the recipe before did not match (E)");
	if (flags->on_failure)
		say(explain, "  only where the action before failed (e)");
	if (flags->also_success)
		say(explain, "  only where the recipe before matched and its action succeeded (a)");
	else if (flags->also)
		say(explain, "  only where the recipe before matched (A)");
}

static const char *
part_name(const RecipeFlags *flags)
{
	return flags->feeds == RECIPE_HEADER ? "the header alone"
	       : flags->feeds == RECIPE_BODY ? "the body alone"
	                                     : "the mail";
}

static void
explain_folder(Explain *explain, const RecipeNode *node, const RecipeFlags *flags)
{
	const char *name = node->action.text;
	size_t len = strlen(name);

	if (strcmp(name, "/dev/null") == 0) {
		say(explain, "  then throw the mail away%s",
		    flags->copies ? " (a copy: this does nothing)" : "");
		return;
	}

	const char *kind = g_str_has_suffix(name, "/.")      ? "MH folder"
	                   : len > 0 && name[len - 1] == '/' ? "Maildir"
	                                                     : "mbox file or directory";
	g_autofree char *lock = flags->lock != NULL ? g_strdup_printf(", locked by %s", flags->lock)
	                                            : g_strdup(flags->locks ? ", locked" : "");
	say(explain, "  then store %s%s in the %s %s%s", flags->copies ? "a copy of " : "",
	    part_name(flags), kind, name, lock);
}

static void
explain_program(Explain *explain, const RecipeNode *node, const RecipeFlags *flags)
{
	const char *waits = flags->waits ? ", and wait for its exit code" : "";
	if (node->name != NULL)
		say(explain,
		    "  then give %s to this program, and what it says to the variable %s%s: %s",
		    part_name(flags), node->name, waits, node->action.text);
	else if (flags->filters)
		say(explain, "  then replace %s by what this program makes of it%s: %s",
		    part_name(flags), waits, node->action.text);
	else
		say(explain, "  then give %s%s to this program%s: %s",
		    flags->copies ? "a copy of " : "", part_name(flags), waits, node->action.text);
}

static void
explain_block(Explain *explain, const RecipeNode *node, const RecipeFlags *flags)
{
	say(explain,
	    "  then %s these:", flags->copies ? "let a copy of the mail go through" : "do");
	explain->depth++;
	explain_nodes(explain, node->block);
	explain->depth--;
	say(explain, "  After them %s.",
	    flags->copies ? "both the copy and the mail go on" : "what was not delivered goes on");
}

static void
explain_after(Explain *explain, const RecipeNode *node, const RecipeFlags *flags)
{
	bool program = node->action_kind == RECIPE_ACTION_PROGRAM;
	if (program && (flags->filters || node->name != NULL))
		say(explain, "  The mail goes on%s.",
		    flags->filters && flags->waits ? ", as it was where the program failed" : "");
	else if (flags->copies)
		say(explain, "  The mail goes on to the next recipe.");
	else
		say(explain,
		    "  The mail is delivered and nothing further is read; where that fails, it "
		    "goes on to the next recipe.");
}

static void
explain_action(Explain *explain, const RecipeNode *node, const RecipeFlags *flags)
{
	if (flags->unknown != '\0')
		say(explain,
		    "  '%c' is not a flag: the recipe does nothing here; procmail does what "
		    "follows:",
		    flags->unknown);

	switch (node->action_kind) {
	case RECIPE_ACTION_NONE:
		say(explain, "  There is no action: nothing happens.");
		return;
	case RECIPE_ACTION_FOLDER:
		explain_folder(explain, node, flags);
		break;
	case RECIPE_ACTION_FORWARD:
		say(explain, "  then forward %s%s to %s", flags->copies ? "a copy of " : "",
		    part_name(flags), node->action.text);
		break;
	case RECIPE_ACTION_PROGRAM:
		explain_program(explain, node, flags);
		break;
	case RECIPE_ACTION_BLOCK:
		explain_block(explain, node, flags);
		return;
	}

	explain_after(explain, node, flags);
}

static void
explain_rule(Explain *explain, const RecipeNode *node)
{
	g_auto(RecipeFlags) flags = { 0 };

	recipe_flags_parse(&flags, node->start.text);
	say(explain, "Recipe %u, line %u:", ++explain->number, node->line);
	explain_chain(explain, &flags);
	if (node->conditions->len == 0)
		say(explain, "  for every mail that comes here");
	for (guint i = 0; i < node->conditions->len; i++)
		explain_condition(explain, node->conditions->pdata[i], &flags, i == 0);
	if (is_scored(node))
		say(explain, "  and if the sum of the scores is above 0");
	explain_action(explain, node, &flags);
	g_string_append_c(explain->out, '\n');
}

/* Of assignments only those are told that change what is read. */
static void
explain_assignment(Explain *explain, const RecipeNode *node)
{
	const char *value = node->kind == RECIPE_ASSIGN ? node->value.text : "";
	if (strcmp(node->name, "INCLUDERC") == 0 && *value != '\0')
		say(explain, "Line %u: the recipes of %s come here.\n", node->line, value);
	else if (strcmp(node->name, "SWITCHRC") == 0)
		say(explain, "Line %u: reading goes on in %s and does not come back.\n", node->line,
		    *value != '\0' ? value : "no other file");
	else if (strcmp(node->name, "HOST") == 0)
		say(explain, "Line %u: reading goes on only where the host is '%s'.\n", node->line,
		    value);
}

static void
explain_nodes(Explain *explain, const GPtrArray *nodes)
{
	for (guint i = 0; i < nodes->len; i++) {
		const RecipeNode *node = nodes->pdata[i];
		if (node->kind == RECIPE_RULE)
			explain_rule(explain, node);
		else
			explain_assignment(explain, node);
	}
}

char *
recipe_explain(const GPtrArray *nodes)
{
	Explain explain = { .out = g_string_new(NULL) };
	explain_nodes(&explain, nodes);
	return g_string_free(explain.out, FALSE);
}
