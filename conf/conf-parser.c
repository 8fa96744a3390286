/* SPDX-License-Identifier: MIT */
/* conf-parser: see the header. One token is looked at before it is taken. */
#include "conf/conf-parser.h"

#include "conf/conf-lexer.h"

#include <string.h>

typedef struct {
	ConfLexer lexer;
	ConfToken token; /* the next one */
	const ConfSink *sink;
	void *user;
	const char *file;
	GPtrArray *problems;
	GArray *values; /* ConfWord: of the statement that is read; used again for the next */
	bool inside_block;
	bool skips_block; /* the sink does not want what is in it */
	ConfPlace block;  /* where the open block begins */
} ConfParser;

static ConfPlace
place_of(const ConfParser *parser, const ConfToken *token)
{
	return (ConfPlace){ parser->file, token->line, token->column, token->end_column };
}

static ConfToken
take(ConfParser *parser)
{
	ConfToken taken = parser->token;

	parser->token = conf_lexer_next(&parser->lexer);
	return taken;
}

static ConfWord
word_new(const ConfParser *parser, const ConfToken *token)
{
	return (ConfWord){ g_strndup(token->text, token->len), place_of(parser, token) };
}

static void
word_clear(void *data)
{
	g_free(((ConfWord *) data)->text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConfWord, word_clear)

static const char *
print_sign(ConfTokenKind kind)
{
	static const char *const signs[] = {
		[CONF_TOKEN_WORD] = "a word",
		[CONF_TOKEN_EQUAL] = "'='",
		[CONF_TOKEN_ADD] = "'+='",
		[CONF_TOKEN_OPEN] = "'{'",
		[CONF_TOKEN_CLOSE] = "'}'",
		[CONF_TOKEN_COMMA] = "','",
		[CONF_TOKEN_END] = "the end of the file",
	};
	return signs[kind];
}

/*
 * On to the next statement: to a token that begins a line, or to the end of the block that we are
 * in.
 */
static void
recover(ConfParser *parser)
{
	for (unsigned depth = 0; parser->token.kind != CONF_TOKEN_END; (void) take(parser)) {
		if (depth == 0 &&
		    (parser->token.is_first ||
		     (parser->token.kind == CONF_TOKEN_CLOSE && parser->inside_block)))
			return;
		if (parser->token.kind == CONF_TOKEN_OPEN)
			depth++;
		else if (parser->token.kind == CONF_TOKEN_CLOSE && depth > 0)
			depth--;
	}
}

/* Over the block that begins with the next token, with all that is in it. */
static void
skip_block(ConfParser *parser)
{
	unsigned depth = 0;

	do {
		ConfToken token = take(parser);
		if (token.kind == CONF_TOKEN_END)
			return;
		depth += token.kind == CONF_TOKEN_OPEN;
		depth -= token.kind == CONF_TOKEN_CLOSE;
	} while (depth > 0);
}

static void
add_value(ConfParser *parser, ConfStatement *statement)
{
	ConfToken token = take(parser);
	ConfWord value = word_new(parser, &token);

	statement->is_wrong = statement->is_wrong || token.is_wrong;
	g_array_append_val(statement->values, value);
}

static void
report_unclosed(ConfParser *parser, const ConfPlace *open)
{
	conf_problem_add(parser->problems, open, "syntax", NULL,
	                 "'{' is not closed: '}' is missing");
}

/*
 * The items of a list, behind its '{'. A word without a comma before it that begins a line may be
 * the next setting, of a list that was not closed: what follows it tells.
 */
static bool
read_items(ConfParser *parser, ConfStatement *statement, const ConfPlace *open)
{
	bool after_comma = true;

	while (parser->token.kind == CONF_TOKEN_WORD || parser->token.kind == CONF_TOKEN_COMMA) {
		if (parser->token.kind == CONF_TOKEN_COMMA) {
			(void) take(parser);
			after_comma = true;
			continue;
		}

		ConfPlace place = place_of(parser, &parser->token);
		bool begins_line = parser->token.is_first;
		add_value(parser, statement);
		bool is_setting = parser->token.kind == CONF_TOKEN_EQUAL ||
		                  parser->token.kind == CONF_TOKEN_ADD;
		if (!after_comma && !(begins_line && is_setting)) {
			conf_problem_add(parser->problems, &place, "syntax", NULL,
			                 "',' is missing before this item of the list");
			statement->is_wrong = true;
		}
		after_comma = false;
	}

	if (parser->token.kind == CONF_TOKEN_CLOSE) {
		(void) take(parser);
		return true;
	}

	report_unclosed(parser, open);
	return false;
}

/* The value behind '=' or '+='. False: a problem was reported. */
static bool
read_value(ConfParser *parser, ConfStatement *statement, const ConfToken *sign)
{
	ConfTokenKind kind = parser->token.kind;

	if (parser->token.is_first || (kind != CONF_TOKEN_WORD && kind != CONF_TOKEN_OPEN)) {
		ConfPlace place = place_of(parser, sign);
		conf_problem_add(parser->problems, &place, "syntax",
		                 "it stands behind the '=', on the same line",
		                 "the value of '%s' is missing", statement->name.text);
		return false;
	}

	if (kind == CONF_TOKEN_WORD) {
		add_value(parser, statement);
		return true;
	}

	ConfToken open = take(parser);
	ConfPlace place = place_of(parser, &open);
	statement->is_list = true;

	return read_items(parser, statement, &place);
}

static void
read_setting(ConfParser *parser, const ConfWord *name, bool name_is_wrong)
{
	ConfToken sign = take(parser);
	ConfStatement statement = {
		.name = *name,
		.values = parser->values,
		.adds = sign.kind == CONF_TOKEN_ADD,
		.is_wrong = name_is_wrong,
	};

	g_array_set_size(parser->values, 0);
	if (!read_value(parser, &statement, &sign))
		recover(parser);
	else if (!parser->skips_block && !name_is_wrong)
		parser->sink->setting(parser->user, &statement);
}

static void
open_block(ConfParser *parser, const ConfWord *kind, const ConfWord *title)
{
	if (parser->inside_block) {
		conf_problem_add(parser->problems, &kind->place, "syntax", NULL,
		                 "'%s': a block cannot stand in another block", kind->text);
		skip_block(parser);
		return;
	}

	(void) take(parser);
	parser->inside_block = true;
	parser->block = kind->place;
	parser->skips_block = !parser->sink->open(parser->user, kind, title);
}

static void
close_block(ConfParser *parser, bool is_whole)
{
	if (!parser->skips_block)
		parser->sink->close(parser->user, is_whole);
	parser->inside_block = false;
	parser->skips_block = false;
}

static void
report_no_statement(ConfParser *parser, const ConfWord *name)
{
	conf_problem_add(parser->problems, &name->place, "syntax",
	                 "a setting is 'name = value', a rule is 'rule \"name\" { ... }'",
	                 "'=' is missing behind '%s'", name->text);
	recover(parser);
}

/* `name word`: include, or the head of a block. */
static void
read_titled(ConfParser *parser, const ConfWord *name)
{
	ConfToken token = take(parser);
	g_auto(ConfWord) title = word_new(parser, &token);
	bool is_include = strcmp(name->text, "include") == 0;

	if (token.is_wrong)
		recover(parser);
	else if (parser->token.kind == CONF_TOKEN_OPEN && !is_include)
		open_block(parser, name, &title);
	else if (is_include && !parser->inside_block)
		parser->sink->include(parser->user, &title);
	else
		report_no_statement(parser, name);
}

static void
read_statement(ConfParser *parser)
{
	ConfToken token = take(parser);
	g_auto(ConfWord) name = word_new(parser, &token);
	ConfTokenKind next = parser->token.kind;

	if (next == CONF_TOKEN_EQUAL || next == CONF_TOKEN_ADD)
		read_setting(parser, &name, token.is_wrong);
	else if (next == CONF_TOKEN_OPEN)
		open_block(parser, &name, NULL);
	else if (next == CONF_TOKEN_WORD && !parser->token.is_first)
		read_titled(parser, &name);
	else
		report_no_statement(parser, &name);
}

static void
refuse_token(ConfParser *parser)
{
	ConfPlace place = place_of(parser, &parser->token);

	conf_problem_add(parser->problems, &place, "syntax",
	                 "a setting is 'name = value', a rule is 'rule \"name\" { ... }'",
	                 "%s is not expected here", print_sign(parser->token.kind));
	(void) take(parser);
	recover(parser);
}

void
conf_parse(char *text, size_t len, const char *file, const ConfSink *sink, void *user,
           GPtrArray *problems)
{
	g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(ConfWord));
	ConfParser parser = {
		.sink = sink, .user = user, .file = file, .problems = problems, .values = values
	};

	g_array_set_clear_func(values, word_clear);
	conf_lexer_begin(&parser.lexer, text, len, file, problems);
	parser.token = conf_lexer_next(&parser.lexer);

	while (parser.token.kind != CONF_TOKEN_END) {
		if (parser.token.kind == CONF_TOKEN_WORD) {
			read_statement(&parser);
		} else if (parser.token.kind == CONF_TOKEN_CLOSE && parser.inside_block) {
			(void) take(&parser);
			close_block(&parser, true);
		} else {
			refuse_token(&parser);
		}
	}

	if (parser.inside_block) {
		report_unclosed(&parser, &parser.block);
		close_block(&parser, false);
	}
}
