/* SPDX-License-Identifier: MIT */
/* recipe-parser: one pass over the text. Quotes matter only for where something ends. */
#include "filters/recipe/lang/recipe-parser.h"

#include "agent/base/limits.h"

#include <stdint.h>
#include <string.h>

typedef struct {
	const FilterSource *source;
	const char *at;
	const char *end;
	const char *line_start;
	unsigned line;
	unsigned depth;
	bool too_deep;
	GPtrArray *problems;
	GPtrArray *comments; /* NULL: nobody wants them */
	bool has_gap;        /* an empty line was passed since the recipe began */
} RecipeParser;

static GPtrArray *parse_block(RecipeParser *parser, bool nested);

void
recipe_node_free(gpointer data)
{
	RecipeNode *node = data;

	g_free(node->name);
	g_free(node->value.text);
	g_free(node->start.text);
	g_free(node->action.text);
	g_free(node->indent);
	if (node->conditions != NULL)
		g_ptr_array_unref(node->conditions);
	if (node->block != NULL)
		g_ptr_array_unref(node->block);
	g_free(node);
}

static void
text_free(gpointer data)
{
	RecipeText *text = data;
	g_free(text->text);
	g_free(text);
}

/* The next character, 0 at the end. */
static char
peek(const RecipeParser *parser)
{
	return parser->at < parser->end ? *parser->at : '\0';
}

static char
next(RecipeParser *parser)
{
	char c = peek(parser);
	if (parser->at == parser->end)
		return '\0';

	parser->at++;
	if (c == '\n') {
		parser->line++;
		parser->line_start = parser->at;
	}

	return c;
}

static unsigned
column(const RecipeParser *parser)
{
	return (unsigned) (parser->at - parser->line_start) + 1;
}

static void
complain(RecipeParser *parser, unsigned line, unsigned at_column, const char *code,
         const char *text, const char *hint)
{
	if (parser->problems != NULL && parser->problems->len >= LIMIT_RECIPE_PROBLEMS)
		return;
	const Problem problem = {
		.file = (char *) (uintptr_t) parser->source->file,
		.line = line,
		.column = at_column,
		.severity = PROBLEM_ERROR,
		.code = code,
		.text = (char *) (uintptr_t) text,
		.hint = (char *) (uintptr_t) hint,
	};
	problem_add(parser->problems, &problem);
}

static void
skip_blanks(RecipeParser *parser)
{
	while (peek(parser) == ' ' || peek(parser) == '\t')
		next(parser);
}

/* Blanks before a value; a backslash takes the line end behind it away. */
static void
skip_blanks_over_lines(RecipeParser *parser)
{
	for (;;) {
		skip_blanks(parser);
		if (parser->end - parser->at < 2 || parser->at[0] != '\\' || parser->at[1] != '\n')
			return;
		next(parser);
		next(parser);
	}
}

static void
skip_line(RecipeParser *parser)
{
	while (peek(parser) != '\n' && parser->at < parser->end)
		next(parser);
}

void
recipe_comment_free(gpointer data)
{
	RecipeComment *comment = data;
	g_free(comment->text);
	g_free(comment);
}

/* What is left of a line, which may be a comment. */
static void
skip_comment(RecipeParser *parser)
{
	const char *start = parser->at;
	bool is_comment = peek(parser) == '#';

	skip_line(parser);
	if (!is_comment || parser->comments == NULL)
		return;

	RecipeComment *comment = g_new(RecipeComment, 1);
	*comment = (RecipeComment){ parser->line, g_strndup(start, (gsize) (parser->at - start)) };
	g_ptr_array_add(parser->comments, comment);
}

/* Blank lines, indentation and comments. */
static void
skip_to_text(RecipeParser *parser)
{
	bool is_empty = parser->at == parser->line_start;

	while (parser->at < parser->end) {
		if (g_ascii_isspace(peek(parser))) {
			bool ends_line = next(parser) == '\n';
			parser->has_gap |= ends_line && is_empty;
			is_empty |= ends_line;
		} else if (peek(parser) == '#') {
			skip_comment(parser);
			is_empty = false;
		} else
			return;
	}
}

/* Take a character and, behind a backslash, the one that it quotes. */
static void
take(RecipeParser *parser, GString *out)
{
	char c = next(parser);
	g_string_append_c(out, c);
	if (c == '\\' && parser->at < parser->end)
		g_string_append_c(out, next(parser));
}

/* At "${NAME-", "${NAME:-" and the same with "+": take it. False: something else stands there. */
static bool
take_alternative(RecipeParser *parser, GString *out)
{
	const char *at = parser->at, *end = parser->end;
	if (end - at < 2 || at[0] != '$' || at[1] != '{')
		return false;

	for (at += 2; at < end && recipe_is_name(*at);)
		at++;
	if (at < end && *at == ':')
		at++;
	if (at == end || (*at != '-' && *at != '+'))
		return false;

	while (parser->at <= at)
		g_string_append_c(out, next(parser));
	return true;
}

/*
 * Take what stands in quotes, with them. Between "${NAME:-" and its brace a double quote is a
 * character.
 */
static void
take_quoted(RecipeParser *parser, GString *out)
{
	unsigned line = parser->line, at_column = column(parser), braces = 0;
	char quote = next(parser);

	g_string_append_c(out, quote);
	while (parser->at < parser->end && (peek(parser) != quote || braces > 0)) {
		if (quote == '\'')
			g_string_append_c(out, next(parser));
		else if (quote == '"' && take_alternative(parser, out))
			braces++;
		else if (braces > 0 && peek(parser) == '}') {
			g_string_append_c(out, next(parser));
			braces--;
		} else if (quote == '"' && peek(parser) == '`')
			take_quoted(parser, out);
		else
			take(parser, out);
	}

	if (parser->at == parser->end)
		complain(parser, line, at_column, "unclosed-quote", "the quote is not closed",
		         NULL);
	else
		g_string_append_c(out, next(parser));
}

/*
 * Raw text up to an unquoted line end or, for an assignment, to a blank. A comment ends it too,
 * where a word would begin.
 */
static RecipeText
take_words(RecipeParser *parser, bool one_word)
{
	GString *out = g_string_new(NULL);

	skip_blanks_over_lines(parser);
	RecipeText text = { NULL, parser->line, column(parser) };
	bool word_begins = true;
	while (parser->at < parser->end && peek(parser) != '\n') {
		char c = peek(parser);
		bool blank = c == ' ' || c == '\t';
		bool is_first = out->len == 0;
		if ((one_word && blank) || (word_begins && c == '#'))
			break;
		if (c == '"' || c == '\'' || c == '`')
			take_quoted(parser, out);
		else if (!take_alternative(parser, out))
			take(parser, out);
		else if (is_first || !one_word) /* a blank behind other text ends a value */
			skip_blanks_over_lines(parser);
		word_begins = blank;
	}

	if (!one_word || peek(parser) == '#')
		skip_comment(parser);
	text.text = g_string_free(out, FALSE);
	return text;
}

/*
 * Raw text up to a line end that has no backslash before it. The line behind a backslash is taken
 * as it stands, or without its indentation. A program keeps backslash and line end: what they mean
 * in quotes and comments the shell knows; only a line of nothing but a backslash is an empty one.
 */
static RecipeText
take_line(RecipeParser *parser, bool keeps_indentation, bool is_program)
{
	GString *out = g_string_new(NULL);

	skip_blanks(parser);
	RecipeText text = { NULL, parser->line, column(parser) };
	while (parser->at < parser->end && peek(parser) != '\n') {
		char c = next(parser);
		if (c != '\\' || peek(parser) != '\n') {
			g_string_append_c(out, c);
			if (c == '\\' && peek(parser) == '\\')
				g_string_append_c(out, next(parser));
			continue;
		}
		next(parser);
		if (is_program)
			g_string_append(out, out->len > 0 && out->str[out->len - 1] == '\n'
			                             ? "\n"
			                             : "\\\n");
		else if (!keeps_indentation)
			skip_blanks(parser);
	}

	while (out->len > 0 && (out->str[out->len - 1] == ' ' || out->str[out->len - 1] == '\t'))
		g_string_truncate(out, out->len - 1);
	text.text = g_string_free(out, FALSE);
	return text;
}

static RecipeNode *
node_new(const RecipeParser *parser, RecipeKind kind)
{
	RecipeNode *node = g_new0(RecipeNode, 1);
	node->kind = kind;
	node->line = parser->line;
	node->column = column(parser);
	return node;
}

static char *
take_name(RecipeParser *parser)
{
	const char *start = parser->at;
	while (recipe_is_name(peek(parser)))
		next(parser);
	return g_strndup(start, (gsize) (parser->at - start));
}

/* Caller frees. */
static char *
take_blanks(RecipeParser *parser)
{
	const char *start = parser->at;
	skip_blanks(parser);
	return g_strndup(start, (gsize) (parser->at - start));
}

/* NULL: what stands there is neither an assignment nor a name. */
static RecipeNode *
parse_assignment(RecipeParser *parser)
{
	RecipeNode *node = node_new(parser, RECIPE_UNSET);

	node->name = take_name(parser);
	const char *behind = parser->at;
	skip_blanks(parser);

	if (*node->name != '\0' && !g_ascii_isdigit(*node->name)) {
		if (peek(parser) == '=') {
			next(parser);
			node->kind = RECIPE_ASSIGN;
			node->value = take_words(parser, true);
			return node;
		}
		if (parser->at > behind || parser->at == parser->end ||
		    strchr("\n\r#", peek(parser)) != NULL)
			return node;
	}

	complain(parser, node->line, node->column, "not-understood",
	         "this is neither an assignment nor a recipe: procmail skips it",
	         "a recipe begins with :0, a condition with *, a comment with #");
	if (peek(parser) != '}') /* a name right before the brace: the block ends all the same */
		skip_line(parser);
	recipe_node_free(node);

	return NULL;
}

/*
 * Is the condition that begins here a program? A weight, a "!" or an area may stand before its
 * mark.
 */
static bool
asks_program(const RecipeParser *parser)
{
	static const char marks[] = " \t!0123456789^.+-";
	const char *at = parser->at, *end = parser->end;

	while (at < end && strchr(marks, *at) != NULL)
		at++;
	const char *name = at;
	while (at < end && recipe_is_name(*at))
		at++;
	while (at > name && at < end && (*at == ' ' || *at == '\t'))
		at++;
	if (at > name && end - at > 1 && at[0] == '?' && at[1] == '?')
		for (at += 2; at < end && strchr(marks, *at) != NULL;)
			at++;
	else if (at > name)
		return false;

	return at < end && *at == '?';
}

static void
add_condition(RecipeParser *parser, RecipeNode *node)
{
	skip_blanks(parser);
	RecipeText *condition = g_new(RecipeText, 1);
	*condition = take_line(parser, peek(parser) == '$', asks_program(parser));
	g_ptr_array_add(node->conditions, condition);
}

/* `counted`: the form before :0, with the number of conditions, which then need no star. */
static void
parse_conditions(RecipeParser *parser, RecipeNode *node, unsigned counted)
{
	for (;;) {
		skip_to_text(parser);
		if (peek(parser) == '*')
			next(parser);
		else if (node->conditions->len >= counted)
			return;
		if (parser->at == parser->end)
			return;
		add_condition(parser, node);
	}
}

/* NAME=| with or without blanks: moves behind the bar. NULL: it is something else. */
static char *
take_capture(RecipeParser *parser)
{
	const RecipeParser before = *parser;
	g_autofree char *name = take_name(parser);

	skip_blanks(parser);
	if (*name != '\0' && peek(parser) == '=') {
		next(parser);
		skip_blanks(parser);
		if (peek(parser) == '|') {
			next(parser);
			return g_steal_pointer(&name);
		}
	}

	*parser = before;
	return NULL;
}

static void
parse_nested(RecipeParser *parser, RecipeNode *node)
{
	node->action_kind = RECIPE_ACTION_BLOCK;
	if (++parser->depth > LIMIT_RECIPE_NESTING) {
		complain(parser, node->line, node->column, "nesting",
		         "blocks are nested too deeply", NULL);
		parser->too_deep = true;
		parser->at = parser->end;
	}

	node->block = parse_block(parser, true);
	parser->depth--;
}

static bool
opens_block(const RecipeParser *parser)
{
	return peek(parser) == '{' &&
	       (parser->at + 1 == parser->end || g_ascii_isspace(parser->at[1]));
}

/*
 * procmail looks for NAME= first, for NAME=|program: a hash right behind such a name is a comment,
 * behind anything else in a word it is itself.
 */
static void
cut_comment_behind_name(char *folder)
{
	char *end = folder;
	while (recipe_is_name(*end))
		end++;
	if (end > folder && !g_ascii_isdigit(*folder) && *end == '#')
		*end = '\0';
}

static void
parse_action(RecipeParser *parser, RecipeNode *node)
{
	char c = peek(parser);

	if (parser->at == parser->end || c == '}' || c == ':') {
		bool is_folder = parser->at < parser->end && c == ':' && !parser->has_gap;
		complain(parser, node->line, node->column, "no-action",
		         is_folder ? "the recipe has no action and is skipped; procmail takes the "
		                     "next line for the name of a mailbox"
		                   : "the recipe has no action: procmail skips it",
		         NULL);
		return;
	}

	if (opens_block(parser)) {
		next(parser);
		parse_nested(parser, node);
		return;
	}

	node->name = take_capture(parser);
	if (node->name != NULL || c == '|') {
		if (node->name == NULL)
			next(parser);
		node->action_kind = RECIPE_ACTION_PROGRAM;
		node->indent = take_blanks(parser);
		node->action = take_line(parser, true, true);
	} else if (c == '!') {
		next(parser);
		node->action_kind = RECIPE_ACTION_FORWARD;
		node->action = take_words(parser, false);
	} else {
		node->action_kind = RECIPE_ACTION_FOLDER;
		node->action = take_words(parser, false);
		cut_comment_behind_name(node->action.text);
	}
}

static RecipeNode *
parse_rule(RecipeParser *parser)
{
	RecipeNode *node = node_new(parser, RECIPE_RULE);

	node->conditions = g_ptr_array_new_with_free_func(text_free);
	parser->has_gap = false;
	next(parser);
	skip_blanks(parser);

	unsigned counted = 0;
	bool has_number = false;
	for (; g_ascii_isdigit(peek(parser)); has_number = true) {
		unsigned digit = (unsigned) (next(parser) - '0');
		counted = MIN(counted * 10 + digit, 1000);
	}

	node->start = take_words(parser, false);
	parse_conditions(parser, node, has_number ? counted : 1);
	parse_action(parser, node);

	return node;
}

static GPtrArray *
parse_block(RecipeParser *parser, bool nested)
{
	GPtrArray *nodes = g_ptr_array_new_with_free_func(recipe_node_free);
	unsigned line = parser->line, at_column = column(parser);

	for (;;) {
		skip_to_text(parser);
		RecipeNode *node = NULL;
		if (parser->at == parser->end) {
			if (nested && !parser->too_deep)
				complain(parser, line, at_column > 1 ? at_column - 1 : 1,
				         "unclosed-block", "the block is not closed", NULL);
			return nodes;
		}
		if (peek(parser) == '}') {
			if (!nested)
				complain(parser, parser->line, column(parser), "stray-brace",
				         "there is no block to close", NULL);
			next(parser);
			if (nested)
				return nodes;
			continue;
		}
		node = peek(parser) == ':' ? parse_rule(parser) : parse_assignment(parser);
		if (node == NULL)
			continue;
		node->last_line = parser->line;
		g_ptr_array_add(nodes, node);
	}
}

GPtrArray *
recipe_parse(const FilterSource *source, GPtrArray *problems)
{
	return recipe_parse_comments(source, problems, NULL);
}

GPtrArray *
recipe_parse_comments(const FilterSource *source, GPtrArray *problems, GPtrArray *comments)
{
	RecipeParser parser = {
		.source = source,
		.at = source->text,
		.end = source->text + source->len,
		.line_start = source->text,
		.line = 1,
		.problems = problems,
		.comments = comments,
	};

	if (memchr(source->text, '\0', source->len) != NULL) {
		complain(&parser, 1, 1, "binary", "the file has a NUL in it: it is not an rc file",
		         NULL);
		return NULL;
	}

	g_autoptr(GPtrArray) nodes = parse_block(&parser, false);
	return parser.too_deep ? NULL : g_steal_pointer(&nodes);
}
