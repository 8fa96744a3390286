/* SPDX-License-Identifier: MIT */
/*
 * sieve-parser: one token of look-ahead, recursive in blocks and tests down to LIMIT_SIEVE_NESTING.
 */
#include "filters/sieve/lang/sieve-parser.h"

#include "agent/base/limits.h"

#include <string.h>

typedef struct {
	SieveLexer lexer;
	SieveToken token;         /* the one that is looked at */
	SieveTokenKind last_kind; /* of the one before it, and the place behind that */
	unsigned last_line;
	unsigned last_column;
	SieveArena *arena;
	const SieveParserWords *words;
	bool too_deep; /* said once */
} SieveParser;

static SieveCall *parse_commands(SieveParser *parser, unsigned depth);

static void
advance(SieveParser *parser)
{
	parser->last_kind = parser->token.kind;
	parser->last_line = parser->token.end_line;
	parser->last_column = parser->token.end_column;
	sieve_lexer_next(&parser->lexer, &parser->token);
}

static bool
at_sign(const SieveParser *parser, char sign)
{
	return parser->token.kind == SIEVE_TOKEN_SIGN && parser->token.sign == sign;
}

static bool
at_end(const SieveParser *parser)
{
	return parser->token.kind == SIEVE_TOKEN_END;
}

static void
report(SieveParser *parser, SieveSpan span, const char *code, const char *hint, const char *text)
{
	parser->lexer.report(parser->lexer.user, span, code, hint, text);
}

/* The place just behind the last token: where something is missing. */
static SieveSpan
behind_last(const SieveParser *parser)
{
	return (SieveSpan){ parser->last_line, parser->last_column, parser->last_column + 1 };
}

static char *
describe_token(const SieveToken *token)
{
	switch (token->kind) {
	case SIEVE_TOKEN_END:
		return g_strdup("end of the script");
	case SIEVE_TOKEN_WORD:
		return g_strdup_printf("'%s'", token->text.data);
	case SIEVE_TOKEN_TAG:
		return g_strdup_printf("':%s'", token->text.data);
	case SIEVE_TOKEN_NUMBER:
		return g_strdup("a number");
	case SIEVE_TOKEN_STRING:
		return g_strdup("a string");
	default:
		return g_strdup_printf("'%c'", token->sign);
	}
}

/* "what" was expected where the token stands; a bad token was reported already. */
static void
report_unexpected(SieveParser *parser, const char *what)
{
	if (parser->token.kind == SIEVE_TOKEN_BAD)
		return;
	g_autofree char *found = describe_token(&parser->token);
	g_autofree char *text = g_strdup_printf("%s expected, found %s", what, found);
	report(parser, parser->token.span, "syntax", NULL, text);
}

/* Skip to the end of the command that went wrong: behind ";", or before a brace. */
static void
recover(SieveParser *parser)
{
	while (!at_end(parser) && !at_sign(parser, '}') && !at_sign(parser, '{')) {
		bool ends = at_sign(parser, ';');
		advance(parser);
		if (ends)
			return;
	}
}

static void
report_depth(SieveParser *parser, SieveSpan span, const char *what)
{
	g_autofree char *text = g_strdup_printf("%s are nested deeper than %u", what,
	                                        LIMIT_SIEVE_NESTING);

	if (!parser->too_deep)
		report(parser, span, "too-deep", NULL, text);
	parser->too_deep = true;
}

static SieveString
string_of(const SieveToken *token)
{
	return (SieveString){ .text = token->text, .span = token->span };
}

/* Strings of a list while it is read: few lists are long. */
typedef struct {
	SieveString few[8];
	SieveString *strings;
	size_t n;
	size_t room;
} List;

static void
list_add(SieveParser *parser, List *list)
{
	if (list->n == list->room) {
		SieveString *bigger = SIEVE_NEW_ARRAY(parser->arena, SieveString, 4 * list->room);
		memcpy(bigger, list->strings, list->n * sizeof(SieveString));
		list->strings = bigger;
		list->room *= 4;
	}

	list->strings[list->n++] = string_of(&parser->token);
	advance(parser);
}

/* Behind "[" or a comma: a string, and what may follow it; false: something else stands there. */
static bool
parse_list_item(SieveParser *parser, List *list)
{
	if (parser->token.kind != SIEVE_TOKEN_STRING) {
		report_unexpected(parser, "a string");
		return false;
	}

	list_add(parser, list);
	if (at_sign(parser, ',') || at_sign(parser, ']'))
		return true;

	if (parser->token.kind == SIEVE_TOKEN_STRING) {
		report(parser, behind_last(parser), "missing-comma",
		       "put a comma between the strings", "',' is missing in a list");
		return true;
	}

	report_unexpected(parser, "',' or ']'");
	return false;
}

/* "[" was seen. */
static bool
parse_list(SieveParser *parser, SieveArg *arg)
{
	List list;

	list.strings = list.few;
	list.n = 0;
	list.room = G_N_ELEMENTS(list.few);
	advance(parser);

	bool again = true;
	while (again) {
		if (!parse_list_item(parser, &list))
			return false;
		again = !at_sign(parser, ']');
		if (again && at_sign(parser, ','))
			advance(parser);
	}

	arg->kind = SIEVE_ARG_LIST;
	arg->n = list.n;
	arg->strings = list.strings;
	if (list.strings == list.few)
		arg->strings = memcpy(SIEVE_NEW_ARRAY(parser->arena, SieveString, list.n), list.few,
		                      list.n * sizeof(SieveString));
	arg->span.end_column = parser->token.span.line == arg->span.line
	                               ? parser->token.span.end_column
	                               : 0;
	advance(parser);

	return true;
}

/* One argument; false: it is none, or broken (*ret_broken). */
static bool
parse_arg(SieveParser *parser, SieveArg *arg, bool *ret_broken)
{
	*arg = (SieveArg){ .span = parser->token.span };
	switch (parser->token.kind) {
	case SIEVE_TOKEN_TAG:
		arg->kind = SIEVE_ARG_TAG;
		arg->tag = parser->token.text.data;
		break;
	case SIEVE_TOKEN_NUMBER:
		arg->kind = SIEVE_ARG_NUMBER;
		arg->number = parser->token.number;
		break;
	case SIEVE_TOKEN_STRING:
		arg->kind = SIEVE_ARG_STRING;
		arg->n = 1;
		arg->strings = SIEVE_NEW(parser->arena, SieveString);
		arg->strings[0] = string_of(&parser->token);
		break;
	default:
		if (!at_sign(parser, '['))
			return false;
		*ret_broken = !parse_list(parser, arg);
		return !*ret_broken;
	}

	advance(parser);
	return true;
}

static bool
parse_args(SieveParser *parser, SieveCall *call)
{
	SieveArg args[LIMIT_SIEVE_ARGUMENTS];
	SieveArg arg;
	size_t n = 0;
	bool broken = false;

	while (parse_arg(parser, &arg, &broken)) {
		if (n == LIMIT_SIEVE_ARGUMENTS) {
			report(parser, arg.span, "too-many-arguments", NULL,
			       "more than 32 arguments");
			return false;
		}
		args[n++] = arg;
	}

	call->n_args = n;
	if (n > 0)
		call->args = memcpy(SIEVE_NEW_ARRAY(parser->arena, SieveArg, n), args,
		                    n * sizeof(SieveArg));
	return !broken;
}

static SieveCall *
new_call(SieveParser *parser, bool is_test)
{
	SieveCall *call = SIEVE_NEW(parser->arena, SieveCall);

	call->name = parser->token.text.data;
	call->span = parser->token.span;
	call->is_test = is_test;
	advance(parser);

	return call;
}

static bool parse_tests(SieveParser *parser, SieveCall *call, unsigned depth);

static SieveCall *
parse_test(SieveParser *parser, unsigned depth)
{
	if (parser->token.kind != SIEVE_TOKEN_WORD) {
		report_unexpected(parser, "a test");
		return NULL;
	}

	if (depth > LIMIT_SIEVE_NESTING) {
		report_depth(parser, parser->token.span, "tests");
		return NULL;
	}

	SieveCall *test = new_call(parser, true);
	return parse_args(parser, test) && parse_tests(parser, test, depth) ? test : NULL;
}

/* "(" was seen: tests up to ")". */
static bool
parse_test_list(SieveParser *parser, SieveCall *call, unsigned depth)
{
	g_autoptr(GPtrArray) tests = g_ptr_array_new();

	call->has_test_list = true;
	do {
		advance(parser);
		SieveCall *test = parse_test(parser, depth + 1);
		if (test == NULL)
			return false;
		g_ptr_array_add(tests, test);
	} while (at_sign(parser, ','));
	if (!at_sign(parser, ')')) {
		report_unexpected(parser, "',' or ')'");
		return false;
	}

	advance(parser);
	call->n_tests = tests->len;
	call->tests = SIEVE_NEW_ARRAY(parser->arena, SieveCall *, tests->len);
	memcpy(call->tests, tests->pdata, tests->len * sizeof(SieveCall *));

	return true;
}

/* What may stand behind the arguments: a test, a list of tests, or nothing. */
static bool
parse_tests(SieveParser *parser, SieveCall *call, unsigned depth)
{
	if (at_sign(parser, '('))
		return parse_test_list(parser, call, depth);
	if (parser->token.kind != SIEVE_TOKEN_WORD)
		return true;
	if (!parser->words->takes_test(call->name) &&
	    parser->words->is_command(parser->token.text.data))
		return true;

	SieveCall *test = parse_test(parser, depth + 1);
	if (test == NULL)
		return false;

	call->n_tests = 1;
	call->tests = SIEVE_NEW(parser->arena, SieveCall *);
	call->tests[0] = test;

	return true;
}

/* "{" was seen. */
static void
parse_block(SieveParser *parser, SieveCall *call, unsigned depth)
{
	SieveSpan open = parser->token.span;

	call->has_block = true;
	advance(parser);
	if (depth >= LIMIT_SIEVE_NESTING)
		report_depth(parser, open, "blocks");
	call->block = parse_commands(parser, depth + 1);

	if (at_sign(parser, '}'))
		advance(parser);
	else if (parser->last_kind !=
	         SIEVE_TOKEN_BAD) /* a string or comment without end swallowed it */
		report(parser, open, "missing-brace", "end it with }", "block has no end");
}

/*
 * A command has no end where the next one begins. Those with tests steer a block, the others want
 * ";".
 */
static void
report_missing_end(SieveParser *parser, SieveCall *call)
{
	call->is_broken = call->n_tests > 0;
	if (call->is_broken)
		report(parser, behind_last(parser), "missing-brace",
		       "put { and } around its commands", "'{' is missing");
	else
		report(parser, behind_last(parser), "missing-semicolon", "end the command with ;",
		       "';' is missing");
}

/* ";" or a block ends a command. */
static void
parse_end(SieveParser *parser, SieveCall *call, unsigned depth)
{
	if (!at_sign(parser, ';') && !at_sign(parser, '{')) {
		if (parser->token.kind == SIEVE_TOKEN_WORD || at_sign(parser, '}') ||
		    at_end(parser)) {
			report_missing_end(parser, call);
			return;
		}
		report_unexpected(parser, "';'");
		call->is_broken = true;
		recover(parser);
	}
	if (at_sign(parser, ';'))
		advance(parser);
	else if (at_sign(parser,
	                 '{')) /* of a broken one, too: its block has errors of its own to show */
		parse_block(parser, call, depth);
}

/* One command; NULL: there was none. */
static SieveCall *
parse_command(SieveParser *parser, unsigned depth)
{
	if (parser->token.kind != SIEVE_TOKEN_WORD) {
		report_unexpected(parser, "a command");
		if (!at_sign(parser, '{') && !at_sign(parser, ';'))
			recover(parser);
		SieveCall ignored = { .n_tests = 0 };
		if (at_sign(parser, ';') || at_sign(parser, '{'))
			parse_end(parser, &ignored, depth);
		return NULL;
	}

	SieveCall *call = new_call(parser, false);
	if (parse_args(parser, call) && parse_tests(parser, call, 0)) {
		parse_end(parser, call, depth);
		return call;
	}

	call->is_broken = true;
	recover(parser);
	if (at_sign(parser, '{'))
		parse_block(parser, call, depth);

	return call;
}

/* A block this deep is not worth a tree: only where it ends matters. */
static SieveCall *
skip_commands(SieveParser *parser)
{
	for (size_t open = 0; !at_end(parser) && (open > 0 || !at_sign(parser, '}'));
	     advance(parser)) {
		if (at_sign(parser, '{'))
			open++;
		else if (at_sign(parser, '}'))
			open--;
	}
	return NULL;
}

/* Commands up to "}" (not taken) or the end. */
static SieveCall *
parse_commands(SieveParser *parser, unsigned depth)
{
	if (depth > LIMIT_SIEVE_NESTING)
		return skip_commands(parser);
	SieveCall *first = NULL, **end = &first;
	while (!at_end(parser) && !at_sign(parser, '}')) {
		SieveCall *call = parse_command(parser, depth);
		if (call == NULL)
			continue;
		*end = call;
		end = &call->next;
	}

	return first;
}

SieveCall *
sieve_parser_parse(const char *text, size_t len, SieveArena *arena, const SieveParserWords *words,
                   SieveLexerReport *sink, void *user)
{
	SieveParser parser = { .arena = arena, .words = words };

	sieve_lexer_init(&parser.lexer, text, len, arena, sink, user);
	advance(&parser);
	SieveCall *first = NULL, **end = &first;
	while (!at_end(&parser)) {
		*end = parse_commands(&parser, 0);
		while (*end != NULL)
			end = &(*end)->next;
		if (at_sign(&parser, '}')) {
			report(&parser, parser.token.span, "stray-brace", NULL,
			       "'}' closes nothing");
			advance(&parser);
		}
	}

	return first;
}
