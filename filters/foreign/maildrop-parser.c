/* SPDX-License-Identifier: MIT */
/*
 * maildrop-parser: statements of a .mailfilter. Variables are followed as the file goes: what has
 * one value wherever it is used is put in; what differs by message is not known.
 */
#include "filters/foreign/maildrop-parser.h"

#include "agent/base/limits.h"
#include "filters/foreign/foreign-pattern.h"
#include "filters/foreign/maildrop-expression.h"

#include <string.h>

static const char why_xfilter[] =
	"a program rewrites the mail: have Postfix run it (a milter, content_filter), or ask the "
	"site to allow it for filter (vnd.dovecot.filter)";
static const char why_pipe[] =
	"it gives the mail to a program: ask the site to allow it for pipe (vnd.dovecot.pipe); an "
	"autoreply is vacation";
static const char why_runs[] =
	"it runs a program: Sieve needs none here, or the site allows execute";
static const char why_search[] =
	"the statements behind it ask for what it finds (MATCH1): put both into if (...) { ... }";
static const char why_loop[] = "Sieve has no loops";
static const char why_include[] =
	"convert that file too, and take it in by include (RFC 6609); what it sets is not known here";
static const char why_import[] = "only maildrop's environment has it";
static const char why_answer[] = "it says what maildrop answers: reject or ereject can refuse";
static const char why_unknown_place[] =
	"the place depends on what only a run of maildrop knows: name it";
static const char log_is_kept[] = "todoke writes a line a delivery into the mail log";
static const char locks_itself[] = "todoke locks where it must";
static const char goes_on[] = "a fault of todoke's own never bounces mail";

static void read_statements(MaildropParser *parser, GPtrArray *nodes, bool in_block);
static bool read_statement(MaildropParser *parser, GPtrArray *nodes);

/* NULL: its value is not known any more. */
static void
set_variable(MaildropParser *parser, const char *name, const char *text)
{
	if (text == NULL)
		g_hash_table_remove(parser->variables, name);
	else if (g_hash_table_size(parser->variables) < LIMIT_FOREIGN_NAMES ||
	         g_hash_table_contains(parser->variables, name))
		g_hash_table_insert(parser->variables, g_strdup(name), g_strdup(text));
	else
		maildrop_error(parser, "too many variables");
}

static GHashTable *
copy_variables(GHashTable *from)
{
	GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTableIter iter;
	gpointer name, text;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &name, &text))
		g_hash_table_insert(copy, g_strdup(name), g_strdup(text));
	return copy;
}

/* Is the entry of the table the same in the other one? */
static gboolean
differs(gpointer name, gpointer text, gpointer other)
{
	return g_strcmp0(g_hash_table_lookup(other, name), text) != 0;
}

static bool
is_ended(const GPtrArray *nodes)
{
	const ForeignNode *last = nodes->len > 0 ? nodes->pdata[nodes->len - 1] : NULL;
	return last != NULL && last->ends;
}

/* What both ways leave the same is known behind them. Takes `taken`. */
static void
join_variables(MaildropParser *parser, GHashTable *taken)
{
	g_hash_table_foreach_remove(parser->variables, differs, taken);
	g_hash_table_unref(taken);
}

static ForeignNode *
add_node(GPtrArray *nodes, ForeignNodeKind kind, const MaildropToken *at)
{
	ForeignNode *node = foreign_node_new(kind, at->line, at->column);
	node->start = at->start;
	node->end = at->end;
	g_ptr_array_add(nodes, node);
	return node;
}

static ForeignNode *
add_by_hand(GPtrArray *nodes, const MaildropToken *at, const char *why)
{
	ForeignNode *node = add_node(nodes, FOREIGN_BY_HAND, at);
	node->why = why;
	return node;
}

/* The node ends with the token before the one that is read now. */
static void
close_node(const MaildropParser *parser, ForeignNode *node)
{
	size_t end = parser->lexer.last_end;
	while (end > node->start && strchr("\r\n;", parser->rules->text[end - 1]) != NULL)
		end--;
	node->end = MAX(end, node->start);
}

static void
skip_lines(MaildropParser *parser)
{
	while (!parser->failed && maildrop_token(parser)->kind == MAILDROP_LINE)
		maildrop_next(parser);
}

/* { statements }, or one statement. */
static bool
read_block(MaildropParser *parser, GPtrArray *nodes)
{
	if (parser->depth >= LIMIT_FOREIGN_DEPTH)
		return maildrop_error(parser, "blocks are nested too deeply");
	skip_lines(parser);

	parser->depth++;
	if (maildrop_is_sign(parser, "{")) {
		maildrop_next(parser);
		read_statements(parser, nodes, true);
		if (!parser->failed && !maildrop_is_sign(parser, "}"))
			maildrop_error(parser, "a '}' is missing");
		else if (!parser->failed)
			maildrop_next(parser);
	} else {
		(void) read_statement(parser, nodes);
	}
	parser->depth--;
	return !parser->failed;
}

/* "\\Seen" and so on of FLAGS and KEYWORDS as they are now; NULL: none. */
static GPtrArray *
current_flags(const MaildropParser *parser)
{
	static const char *const names[][2] = {
		{ "D", "\\Draft" }, { "F", "\\Flagged" }, { "R", "\\Answered" }, { "S", "\\Seen" }
	};
	const char *letters = g_hash_table_lookup(parser->variables, "FLAGS");
	const char *keywords = g_hash_table_lookup(parser->variables, "KEYWORDS");
	GPtrArray *flags = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; letters != NULL && i < G_N_ELEMENTS(names); i++)
		if (strchr(letters, *names[i][0]) != NULL)
			g_ptr_array_add(flags, g_strdup(names[i][1]));
	g_auto(GStrv) words = g_strsplit_set(keywords != NULL ? keywords : "", ", ", -1);
	for (char **word = words; *word != NULL; word++)
		if (**word != '\0' && strchr(*word, FOREIGN_MARK) == NULL)
			g_ptr_array_add(flags, g_strdup(*word));

	if (flags->len > 0)
		return flags;
	g_ptr_array_unref(flags);
	return NULL;
}

/* A mark that no place can have. */
static bool
has_size_or_sender(const char *text)
{
	return strstr(text, MAILDROP_SIZE) != NULL || strstr(text, MAILDROP_SENDER) != NULL;
}

/* What `to` and `cc` name becomes. */
static void
fill_delivery(const MaildropParser *parser, ForeignNode *node, const char *place, const char *why)
{
	if (place == NULL || has_size_or_sender(place) || *place == '\0') {
		node->kind = FOREIGN_BY_HAND;
		node->why = why != NULL ? why : why_unknown_place;
	} else if (*place == '|') {
		node->kind = FOREIGN_BY_HAND;
		node->why = why_pipe;
	} else if (*place == '!') {
		node->kind = FOREIGN_FORWARD;
		node->text = g_strdup(place + 1);
	} else {
		node->text = g_strdup(place);
		node->flags = current_flags(parser);
		if (g_hash_table_lookup(parser->variables, "FLAGS") == NULL)
			node->why = "FLAGS is not known here: its flags are left out";
	}
}

static bool
read_delivery(MaildropParser *parser, GPtrArray *nodes, bool copy)
{
	const char *why;
	ForeignNode *node = add_node(nodes, FOREIGN_STORE, maildrop_token(parser));
	maildrop_lexer_next(&parser->lexer, true);
	if (maildrop_token(parser)->kind == MAILDROP_WRONG)
		return maildrop_error(parser, maildrop_token(parser)->text);
	if (maildrop_token(parser)->kind != MAILDROP_TEXT &&
	    maildrop_token(parser)->kind != MAILDROP_PROGRAM)
		return maildrop_error(parser, "a mailbox is expected here");

	g_autofree char *place = maildrop_words(parser, &why);
	node->copy = copy;
	node->ends = !copy;
	fill_delivery(parser, node, place, why);
	close_node(parser, node);
	return !parser->failed;
}

/* A search that is read over may have set any of MATCH, MATCH1 and so on. */
static void
forget_groups(MaildropParser *parser)
{
	for (unsigned i = 1; i <= 9; i++) {
		g_autofree char *name = g_strdup_printf("MATCH%u", i);
		set_variable(parser, name, NULL);
	}
	set_variable(parser, "MATCH", NULL);
}

/* The groups of a test that stands alone have names in its block. */
static void
name_groups(MaildropParser *parser, ForeignTest *test)
{
	unsigned groups = test->kind == FOREIGN_HEADER || test->kind == FOREIGN_SENDER
	                          ? MIN(foreign_pattern_groups(test->text), 9)
	                          : 0;
	forget_groups(parser);
	if (groups == 0 || parser->rules->marks >= 26)
		return;

	test->id = (char) ('a' + parser->rules->marks++);
	for (unsigned i = 1; i <= groups; i++) {
		g_autofree char *name = g_strdup_printf("MATCH%u", i);
		const char mark[] = { FOREIGN_MARK, test->id, (char) ('0' + i), '\0' };
		set_variable(parser, name, mark);
	}
}

static bool
read_condition(MaildropParser *parser, ForeignNode *node)
{
	g_auto(MaildropValue) value = { 0 };
	maildrop_next(parser);
	if (parser->failed)
		return false;
	if (!maildrop_is_sign(parser, "("))
		return maildrop_error(parser, "a condition in parentheses is expected here");
	if (!maildrop_expression(parser, &value))
		return false;
	node->test = maildrop_truth(&value);
	return true;
}

static bool
is_word(const MaildropParser *parser, const char *word)
{
	const MaildropToken *token = maildrop_token(parser);
	return token->kind == MAILDROP_TEXT && token->bare && strcmp(token->text, word) == 0;
}

/* if (...) ... elsif (...) ... else ...; its first word is read. */
static bool
read_if(MaildropParser *parser, GPtrArray *nodes)
{
	if (parser->depth >= LIMIT_FOREIGN_DEPTH)
		return maildrop_error(parser, "blocks are nested too deeply");
	ForeignNode *node = add_node(nodes, FOREIGN_IF, maildrop_token(parser));
	node->then = foreign_nodes_new();
	node->otherwise = foreign_nodes_new();
	if (!read_condition(parser, node))
		return false;

	GHashTable *before = copy_variables(parser->variables);
	name_groups(parser, node->test);
	bool good = read_block(parser, node->then);
	GHashTable *then = parser->variables;
	parser->variables = before;
	close_node(parser, node);

	parser->depth++;
	skip_lines(parser);
	if (good && is_word(parser, "elsif")) {
		good = read_if(parser, node->otherwise);
		close_node(parser, node);
	} else if (good && is_word(parser, "else")) {
		maildrop_next(parser);
		good = !parser->failed && read_block(parser, node->otherwise);
		close_node(parser, node);
	}
	parser->depth--;
	if (is_ended(node->then))
		g_hash_table_unref(then);
	else
		join_variables(parser, then);

	return good && !parser->failed;
}

/* while (...) {}, foreach PATTERN {}: read over. */
static bool
read_loop(MaildropParser *parser, GPtrArray *nodes)
{
	ForeignNode *node = add_by_hand(nodes, maildrop_token(parser), why_loop);
	g_autoptr(GPtrArray) dropped = foreign_nodes_new();
	g_auto(MaildropValue) value = { 0 };

	maildrop_next(parser);
	GHashTable *before = copy_variables(parser->variables);
	bool good = !parser->failed && maildrop_expression(parser, &value) &&
	            read_block(parser, dropped);
	join_variables(parser, before);
	close_node(parser, node);
	return good && !parser->failed;
}

/* exception {}, dotlock FILE {}, flock FILE {}: what is in the block counts. */
static bool
read_wrapped(MaildropParser *parser, GPtrArray *nodes, bool locks)
{
	const char *why;
	ForeignNode *node = add_node(nodes, FOREIGN_NOT_NEEDED, maildrop_token(parser));
	node->why = locks ? locks_itself : goes_on;
	maildrop_lexer_next(&parser->lexer, locks);
	if (maildrop_token(parser)->kind == MAILDROP_WRONG)
		return maildrop_error(parser, maildrop_token(parser)->text);
	if (locks)
		g_free(maildrop_words(parser, &why));

	close_node(parser, node);
	return !parser->failed && read_block(parser, nodes);
}

static bool
read_exit(MaildropParser *parser, GPtrArray *nodes)
{
	const char *code = g_hash_table_lookup(parser->variables, "EXITCODE");
	ForeignNode *node = add_node(nodes, FOREIGN_DISCARD, maildrop_token(parser));
	node->ends = true;
	if (code == NULL || strcmp(code, "0") != 0) {
		node->kind = FOREIGN_BY_HAND;
		node->why = why_answer;
	}
	maildrop_next(parser);
	return !parser->failed;
}

/* Statements of a word and an expression that Sieve does not have, or todoke does without. */
static bool
read_other(MaildropParser *parser, GPtrArray *nodes, ForeignNodeKind kind, const char *why)
{
	g_auto(MaildropValue) value = { 0 };
	ForeignNode *node = add_node(nodes, kind, maildrop_token(parser));
	node->why = why;
	maildrop_lexer_next(&parser->lexer, true);
	if (maildrop_token(parser)->kind == MAILDROP_WRONG)
		return maildrop_error(parser, maildrop_token(parser)->text);
	if (!maildrop_expression(parser, &value))
		return false;

	close_node(parser, node);
	return true;
}

static bool
read_import(MaildropParser *parser, GPtrArray *nodes)
{
	ForeignNode *node = add_by_hand(nodes, maildrop_token(parser), why_import);
	maildrop_next(parser);
	if (maildrop_token(parser)->kind != MAILDROP_TEXT)
		return maildrop_error(parser, "the name of a variable is expected here");
	set_variable(parser, maildrop_token(parser)->text, NULL);
	maildrop_next(parser);
	close_node(parser, node);
	return !parser->failed;
}

/* FROM, SIZE and what maildrop gives no rule to see. */
static bool
is_for_the_run(const char *name)
{
	static const char *const names[] = { "VERBOSE",   "SHELL",       "PATH",     "LOCKEXT",
		                             "LOCKSLEEP", "LOCKTIMEOUT", "SENDMAIL", "LOCKREFRESH",
		                             "UMASK",     "MAILDIRQUOTA" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
read_assignment(MaildropParser *parser, GPtrArray *nodes, const char *name, const MaildropToken *at)
{
	g_auto(MaildropValue) value = { 0 };
	maildrop_lexer_next(&parser->lexer, true);
	if (maildrop_token(parser)->kind == MAILDROP_WRONG)
		return maildrop_error(parser, maildrop_token(parser)->text);

	bool empty = maildrop_token(parser)->kind == MAILDROP_LINE ||
	             maildrop_token(parser)->kind == MAILDROP_END;
	bool runs = maildrop_token(parser)->kind == MAILDROP_PROGRAM;
	if (empty)
		value.text = g_strdup("");
	else if (!maildrop_expression(parser, &value))
		return false;

	set_variable(parser, name, value.text);
	if (runs) {
		set_variable(parser, "RETURNCODE", NULL);
		close_node(parser, add_by_hand(nodes, at, why_runs));
	} else if (is_for_the_run(name)) {
		ForeignNode *node = add_node(nodes, FOREIGN_NOT_NEEDED, at);
		node->why = "it is a setting of maildrop's own";
		close_node(parser, node);
	}
	return !parser->failed;
}

/* An expression is a statement of maildrop's: /^From: *(.*)/ alone, before a use of MATCH1. */
static bool
begins_search(const MaildropParser *parser)
{
	return maildrop_token(parser)->kind == MAILDROP_PATTERN || maildrop_is_sign(parser, "(");
}

/* A command on its own, a function that is called for what it does, or a search for its groups. */
static bool
read_bare_expression(MaildropParser *parser, GPtrArray *nodes)
{
	g_auto(MaildropValue) value = { 0 };
	const MaildropToken *token = maildrop_token(parser);
	ForeignNode *node = add_by_hand(nodes, token, why_runs);
	bool runs = token->kind == MAILDROP_PROGRAM, searches = begins_search(parser);
	if (!maildrop_expression(parser, &value))
		return false;

	if (runs)
		set_variable(parser, "RETURNCODE", NULL);
	else if (searches)
		node->why = why_search;
	else
		node->why = "it is no statement that does anything by itself";
	if (!runs)
		forget_groups(parser);
	close_node(parser, node);
	return true;
}

typedef bool (*Reader)(MaildropParser *parser, GPtrArray *nodes);

static bool
read_to(MaildropParser *parser, GPtrArray *nodes)
{
	return read_delivery(parser, nodes, false);
}

static bool
read_cc(MaildropParser *parser, GPtrArray *nodes)
{
	return read_delivery(parser, nodes, true);
}

static bool
read_xfilter(MaildropParser *parser, GPtrArray *nodes)
{
	bool good = read_other(parser, nodes, FOREIGN_BY_HAND, why_xfilter);
	set_variable(parser, "RETURNCODE", NULL);
	return good;
}

static bool
read_system(MaildropParser *parser, GPtrArray *nodes)
{
	bool good = read_other(parser, nodes, FOREIGN_BY_HAND, why_runs);
	set_variable(parser, "RETURNCODE", NULL);
	return good;
}

static bool
read_include(MaildropParser *parser, GPtrArray *nodes)
{
	return read_other(parser, nodes, FOREIGN_BY_HAND, why_include);
}

static bool
read_log(MaildropParser *parser, GPtrArray *nodes)
{
	return read_other(parser, nodes, FOREIGN_NOT_NEEDED, log_is_kept);
}

static bool
read_lock(MaildropParser *parser, GPtrArray *nodes)
{
	return read_wrapped(parser, nodes, true);
}

static bool
read_exception(MaildropParser *parser, GPtrArray *nodes)
{
	return read_wrapped(parser, nodes, false);
}

static const struct {
	const char *word;
	Reader read;
} statements[] = { { "if", read_if },           { "to", read_to },
	           { "cc", read_cc },           { "exit", read_exit },
	           { "while", read_loop },      { "foreach", read_loop },
	           { "xfilter", read_xfilter }, { "system", read_system },
	           { "include", read_include }, { "log", read_log },
	           { "logfile", read_log },     { "echo", read_log },
	           { "dotlock", read_lock },    { "flock", read_lock },
	           { "import", read_import },   { "exception", read_exception } };

static bool
read_statement(MaildropParser *parser, GPtrArray *nodes)
{
	const MaildropToken *token = maildrop_token(parser);
	if (maildrop_is_sign(parser, "}"))
		return maildrop_error(parser, "there is no '{' for this '}'");
	if (token->kind != MAILDROP_TEXT && token->kind != MAILDROP_PROGRAM &&
	    !begins_search(parser))
		return maildrop_error(parser, "a statement is expected here");

	for (size_t i = 0; i < G_N_ELEMENTS(statements); i++)
		if (is_word(parser, statements[i].word))
			return statements[i].read(parser, nodes);
	if (is_word(parser, "else") || is_word(parser, "elsif"))
		return maildrop_error(parser, "there is no 'if' before it");

	/* a name and '=', which the lexer must see first */
	const MaildropToken at = *token;
	const MaildropLexer saved = parser->lexer;
	g_autofree char *name = g_strdup(token->text);
	if (token->kind == MAILDROP_TEXT && strchr(name, MAILDROP_VARIABLE_OPEN) == NULL) {
		maildrop_next(parser);
		if (maildrop_is_sign(parser, "="))
			return read_assignment(parser, nodes, name, &at);
		if (parser->failed)
			return false;
		g_string_assign(parser->lexer.word, name);
		parser->lexer.at = saved.at;
		parser->lexer.line = saved.line;
		parser->lexer.line_start = saved.line_start;
		parser->lexer.token = at;
		parser->lexer.token.text = parser->lexer.word->str;
	}
	return read_bare_expression(parser, nodes);
}

static void
read_statements(MaildropParser *parser, GPtrArray *nodes, bool in_block)
{
	while (!parser->failed) {
		skip_lines(parser);
		if (parser->failed || maildrop_token(parser)->kind == MAILDROP_END ||
		    (in_block && maildrop_is_sign(parser, "}")) || !read_statement(parser, nodes))
			return;
	}
}

/* Where mail goes that no statement delivered. */
static void
set_last_resort(MaildropParser *parser, const ForeignPlaces *places)
{
	const char *text = g_hash_table_lookup(parser->variables, "DEFAULT");
	ForeignNode *node;
	g_autofree char *path = text != NULL ? g_canonicalize_filename(text, places->home) : NULL;
	g_autofree char *inbox = g_canonicalize_filename(places->inbox, places->home);
	if (g_strcmp0(path, inbox) == 0)
		return;
	if (text != NULL && strchr(text, FOREIGN_MARK) == NULL && *text != '\0') {
		parser->rules->last_resort = g_strdup(text);
		return;
	}

	node = foreign_node_new(FOREIGN_BY_HAND, 0, 0);
	node->why = "DEFAULT is not known at the end: mail that no rule takes goes to the INBOX";
	g_ptr_array_add(parser->rules->nodes, node);
}

static void
define_variables(MaildropParser *parser, const ForeignPlaces *places)
{
	set_variable(parser, "HOME", places->home);
	set_variable(parser, "DEFAULT", places->inbox);
	set_variable(parser, "LOGNAME", places->user);
	set_variable(parser, "SIZE", MAILDROP_SIZE);
	set_variable(parser, "FROM", MAILDROP_SENDER);
	set_variable(parser, "EXITCODE", "0");
	set_variable(parser, "FLAGS", "");
	set_variable(parser, "KEYWORDS", "");
}

ForeignRules *
maildrop_parse(const FilterSource *source, const ForeignPlaces *places, GPtrArray *problems)
{
	g_autoptr(ForeignRules) rules = foreign_rules_new(FOREIGN_MAILDROP, source->text);
	MaildropParser parser = {
		.rules = rules,
		.source = source,
		.problems = problems,
		.variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
	};

	maildrop_lexer_init(&parser.lexer, source->text, source->len);
	define_variables(&parser, places);
	maildrop_next(&parser);
	read_statements(&parser, rules->nodes, false);
	set_last_resort(&parser, places);
	maildrop_lexer_clear(&parser.lexer);
	g_hash_table_unref(parser.variables);

	return parser.failed ? NULL : g_steal_pointer(&rules);
}
