/* SPDX-License-Identifier: MIT */
/*
 * fdm-parser: rules of a .fdm.conf. Accounts and options are what fdm fetches mail with, which
 * todoke does not do; actions are looked up by name where a rule uses them.
 */
#include "filters/foreign/fdm-parser.h"

#include "agent/base/limits.h"
#include "filters/foreign/fdm-lexer.h"
#include "filters/foreign/foreign-pattern.h"

#include <fnmatch.h>
#include <string.h>

static const char why_pipe[] =
	"it gives the mail to a program: ask the site to allow it for pipe (vnd.dovecot.pipe)";
static const char why_rewrite[] =
	"a program rewrites the mail: have Postfix run it (a milter, content_filter), or ask the "
	"site to allow it for filter (vnd.dovecot.filter)";
static const char why_smtp[] = "it sends the mail to a server: redirect sends it to an address";
static const char why_write[] = "it writes a file: fileinto stores in folders alone";
static const char why_tag[] = "tags are fdm's own: Sieve has flags (imap4flags) and variables";
static const char why_cache[] = "it keeps a list of what was seen: duplicate (RFC 7352) does that";
static const char why_user[] = "it is for other users: each has rules of their own";
static const char why_account[] = "todoke does not know which account mail was fetched from";
static const char why_matched[] = "Sieve has no \"matched\": write elsif, or stop";
static const char why_program[] =
	"it depends on what a program says: Sieve cannot ask, unless the site allows execute "
	"(sieve_execute_dir)";
static const char why_age[] = "it asks how old mail is: date and currentdate (RFC 5260) can";
static const char why_attachment[] =
	"it asks for attachments: mime and foreverypart (RFC 5703) can";
static const char why_string[] = "it asks for tags of fdm, which Sieve does not have";
static const char why_unknown[] = "the text depends on what only a run of fdm knows: write it out";
static const char why_include[] = "convert that file too, and put its rules in here";
static const char why_continue[] =
	"it drops or keeps, and goes on: say at the end what becomes of it";

typedef struct {
	FdmLexer lexer;
	ForeignRules *rules;
	const FilterSource *source;
	const ForeignPlaces *places;
	GPtrArray *problems;
	GHashTable *macros;  /* "$name" -> text; NULL: not known */
	GHashTable *actions; /* name -> nodes (GPtrArray) */
	GPtrArray *accounts; /* char *: names */
	unsigned depth;
	bool failed;
} Parser;

static const FdmToken *
token_of(const Parser *parser)
{
	return &parser->lexer.token;
}

static bool
fail(Parser *parser, const char *text)
{
	const FdmToken *token = token_of(parser);
	return foreign_syntax_error(parser->source, token->line, token->column, text,
	                            parser->problems, &parser->failed);
}

static void
next(Parser *parser)
{
	fdm_lexer_next(&parser->lexer);
	if (token_of(parser)->kind == FDM_WRONG)
		fail(parser, token_of(parser)->text);
}

static bool
is_word(const Parser *parser, const char *word)
{
	return token_of(parser)->kind == FDM_WORD && strcmp(token_of(parser)->text, word) == 0;
}

/* Also in the plural, as fdm takes both everywhere. */
static bool
is_words(const Parser *parser, const char *word)
{
	size_t n = strlen(word);
	const FdmToken *token = token_of(parser);
	return token->kind == FDM_WORD && strncmp(token->text, word, n) == 0 &&
	       (token->text[n] == '\0' || strcmp(token->text + n, "s") == 0);
}

static bool
is_sign(const Parser *parser, const char *sign)
{
	return token_of(parser)->kind == FDM_SIGN && strcmp(token_of(parser)->text, sign) == 0;
}

/* Go on if it is that sign. */
static bool
take_sign(Parser *parser, const char *sign)
{
	bool found = is_sign(parser, sign);
	if (found)
		next(parser);
	return found;
}

static bool
take_word(Parser *parser, const char *word)
{
	bool found = is_word(parser, word);
	if (found)
		next(parser);
	return found;
}

static bool
is_text(const Parser *parser)
{
	FdmTokenKind kind = token_of(parser)->kind;
	return kind == FDM_STRING || kind == FDM_MACRO || kind == FDM_PROGRAM;
}

/* Strings joined by '+'. *ret_text is NULL where the text is not known. Caller frees. */
static bool
read_text(Parser *parser, char **ret_text)
{
	GString *out = g_string_new(NULL);
	bool known = true;
	*ret_text = NULL;

	do {
		const FdmToken *token = token_of(parser);
		const char *part = token->kind == FDM_STRING ? token->text
		                   : token->kind == FDM_MACRO
		                           ? g_hash_table_lookup(parser->macros, token->text)
		                           : NULL;
		if (!is_text(parser)) {
			g_string_free(out, TRUE);
			return fail(parser, "a string is expected here");
		}
		known = known && part != NULL && !token->unknown &&
		        out->len + strlen(part) <= LIMIT_FOREIGN_TEXT;
		if (known)
			g_string_append(out, part);
		next(parser);
	} while (!parser->failed && take_sign(parser, "+"));

	*ret_text = g_string_free(out, !known || parser->failed);
	return !parser->failed;
}

static bool
skip_text(Parser *parser)
{
	g_autofree char *text = NULL;
	return read_text(parser, &text);
}

/* A size or a time: 10, 10K, 10 kilobytes, %macro. False for *ret_known: not known. */
static bool
read_number(Parser *parser, guint64 *ret_number, bool *ret_known)
{
	const FdmToken *token = token_of(parser);
	const char *text = token->kind == FDM_MACRO
	                           ? g_hash_table_lookup(parser->macros, token->text)
	                           : token->text;
	char *unit = NULL;
	if (token->kind != FDM_NUMBER && token->kind != FDM_MACRO && token->kind != FDM_PROGRAM)
		return fail(parser, "a number is expected here");

	*ret_known = text != NULL && token->kind != FDM_PROGRAM && g_ascii_isdigit(*text);
	guint64 number = *ret_known ? g_ascii_strtoull(text, &unit, 10) : 0;
	g_autofree char *word = g_strdup(unit != NULL ? unit : "");
	next(parser);
	static const char *const units[] = {
		"b",        "bytes",     "byte",     "k",         "kb",       "kilobytes",
		"kilobyte", "m",         "mb",       "megabytes", "megabyte", "g",
		"gb",       "gigabytes", "gigabyte", "seconds",   "second",   "hours",
		"hour",     "minutes",   "minute",   "days",      "day",      "weeks",
		"week",     "months",    "month",    "years",     "year"
	};
	for (size_t i = 0; *word == '\0' && i < G_N_ELEMENTS(units); i++)
		if (token_of(parser)->kind == FDM_WORD &&
		    g_ascii_strcasecmp(token_of(parser)->text, units[i]) == 0) {
			g_free(word);
			word = g_strdup(token_of(parser)->text);
			next(parser);
		}

	char letter = g_ascii_tolower(*word);
	unsigned shift = letter == 'k' ? 10 : letter == 'm' ? 20 : letter == 'g' ? 30 : 0;
	*ret_known = *ret_known && number <= G_MAXINT32;
	*ret_number = number << shift;
	return !parser->failed;
}

/* ------------------------------------------------------------------ conditions */

static bool
read_regexp(Parser *parser, bool case_counts, ForeignTest **ret_test)
{
	g_autofree char *text = NULL;
	if (!read_text(parser, &text))
		return false;

	bool header = true, body = true;
	if (take_word(parser, "in")) {
		header = is_words(parser, "header") || is_word(parser, "any");
		body = is_word(parser, "body") || is_word(parser, "any");
		if (!header && !body)
			return fail(parser, "'headers', 'body' or 'any' is expected here");
		next(parser);
	}
	if (text == NULL) {
		*ret_test = foreign_test_unknown(why_unknown);
		return !parser->failed;
	}

	ForeignTest *parts[2] = { NULL, NULL };
	for (int i = 0; i < 2; i++) {
		if (i == 0 ? !header : !body)
			continue;
		parts[i] = foreign_test_new(i == 0 ? FOREIGN_HEADER : FOREIGN_BODY);
		parts[i]->text = g_strdup(text);
		parts[i]->case_counts = case_counts;
	}
	*ret_test = header && body ? foreign_test_join(FOREIGN_ANY, parts[0], parts[1])
	            : header       ? parts[0]
	                           : parts[1];
	return !parser->failed;
}

/* account "x", accounts { "x" "y" } */
static bool
read_accounts(Parser *parser, ForeignTest **ret_test)
{
	g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(g_free);
	bool list = take_sign(parser, "{");
	do {
		char *name;
		if (!read_text(parser, &name))
			return false;
		g_ptr_array_add(wanted, name != NULL ? name : g_strdup(""));
	} while (list && !parser->failed && !is_sign(parser, "}"));
	if (list)
		next(parser);

	bool all = parser->accounts->len > 0;
	for (guint i = 0; i < parser->accounts->len; i++) {
		bool named = false;
		for (guint j = 0; j < wanted->len; j++)
			named |= fnmatch(wanted->pdata[j], parser->accounts->pdata[i], 0) == 0;
		all &= named;
	}
	*ret_test = all ? foreign_test_constant(true) : foreign_test_unknown(why_account);
	return !parser->failed;
}

/* < or >, and == or != where fdm takes them. */
static bool
read_comparison(Parser *parser, bool may_equal, bool *ret_less)
{
	static const char *const ops[] = { "<", ">", "==", "!=" };
	for (size_t i = 0; i < (may_equal ? G_N_ELEMENTS(ops) : 2); i++)
		if (take_sign(parser, ops[i])) {
			*ret_less = i == 0;
			return !parser->failed;
		}
	return fail(parser, "a comparison is expected here");
}

static bool
read_size(Parser *parser, ForeignTest **ret_test)
{
	bool less = false, known = false;
	guint64 number = 0;
	if (!read_comparison(parser, false, &less) || !read_number(parser, &number, &known))
		return false;

	if (!known) {
		*ret_test = foreign_test_unknown(why_unknown);
	} else if (less && number == 0) {
		*ret_test = foreign_test_constant(false);
	} else {
		ForeignTest *test = foreign_test_new(FOREIGN_SIZE);
		test->size = less ? number - 1 : number;
		*ret_test = less ? foreign_test_join(FOREIGN_NOT, test, NULL) : test;
	}
	return true;
}

/* What is compared with a number and is not known. */
static bool
read_unknown_number(Parser *parser, const char *why, bool may_equal, ForeignTest **ret_test)
{
	bool less, known;
	guint64 number;
	*ret_test = foreign_test_unknown(why);
	return read_comparison(parser, may_equal, &less) && read_number(parser, &number, &known);
}

/* age < TIME, age > TIME, age invalid */
static bool
read_age(Parser *parser, ForeignTest **ret_test)
{
	if (!is_word(parser, "invalid"))
		return read_unknown_number(parser, why_age, false, ret_test);
	*ret_test = foreign_test_unknown(why_age);
	next(parser);
	return !parser->failed;
}

/* exec COMMAND [user U] [returns] (code, [case] pattern) */
static bool
read_program(Parser *parser, ForeignTest **ret_test)
{
	*ret_test = foreign_test_unknown(why_program);
	if (!skip_text(parser))
		return false;
	if (take_word(parser, "user") && !skip_text(parser))
		return false;
	(void) take_word(parser, "returns");
	if (!is_sign(parser, "("))
		return fail(parser, "a '(' is expected here");

	while (!parser->failed && !is_sign(parser, ")") && token_of(parser)->kind != FDM_END)
		next(parser);
	if (!is_sign(parser, ")"))
		return fail(parser, "a ')' is missing");
	next(parser);
	return !parser->failed;
}

static bool
read_attachment(Parser *parser, ForeignTest **ret_test)
{
	*ret_test = foreign_test_unknown(why_attachment);
	bool named = is_word(parser, "any-type") || is_word(parser, "any-name");
	bool counts = is_word(parser, "count");
	if (!named && !counts && !is_word(parser, "total-size") && !is_word(parser, "any-size"))
		return fail(parser, "a question about attachments is expected here");
	next(parser);
	if (named)
		return skip_text(parser);

	foreign_test_free(*ret_test);
	return read_unknown_number(parser, why_attachment, counts, ret_test);
}

/* string TEXT to [case] PATTERN; in-cache PATH key KEY */
static bool
read_pair(Parser *parser, const char *middle, const char *why, ForeignTest **ret_test)
{
	*ret_test = foreign_test_unknown(why);
	if (!skip_text(parser))
		return false;
	if (!take_word(parser, middle))
		return fail(parser, "this condition is not complete");
	(void) take_word(parser, "case");
	return skip_text(parser);
}

static bool
read_one_condition(Parser *parser, ForeignTest **ret_test)
{
	if (is_text(parser))
		return read_regexp(parser, false, ret_test);
	if (take_word(parser, "case"))
		return read_regexp(parser, true, ret_test);
	if (take_word(parser, "all"))
		return *ret_test = foreign_test_constant(true), !parser->failed;
	if (take_word(parser, "matched") || take_word(parser, "unmatched"))
		return *ret_test = foreign_test_unknown(why_matched), !parser->failed;
	if (is_words(parser, "account"))
		return next(parser), read_accounts(parser, ret_test);
	if (take_word(parser, "size"))
		return read_size(parser, ret_test);
	if (take_word(parser, "age"))
		return read_age(parser, ret_test);
	if (take_word(parser, "exec") || take_word(parser, "pipe"))
		return read_program(parser, ret_test);
	if (take_word(parser, "tagged"))
		return *ret_test = foreign_test_unknown(why_tag), skip_text(parser);
	if (take_word(parser, "string"))
		return read_pair(parser, "to", why_string, ret_test);
	if (take_word(parser, "in-cache"))
		return read_pair(parser, "key", why_cache, ret_test);
	if (take_word(parser, "attachment"))
		return read_attachment(parser, ret_test);

	return fail(parser, "a condition is expected here");
}

static bool
read_condition(Parser *parser, ForeignTest **ret_test)
{
	bool inverted = take_word(parser, "not");
	if (!read_one_condition(parser, ret_test))
		return false;
	if (inverted)
		*ret_test = foreign_test_join(FOREIGN_NOT, *ret_test, NULL);
	return true;
}

/* From left to right; `and` binds no closer than `or`. */
static bool
read_conditions(Parser *parser, ForeignTest **ret_test)
{
	if (!read_condition(parser, ret_test))
		return false;

	while (is_word(parser, "and") || is_word(parser, "or")) {
		ForeignTest *second = NULL;
		ForeignTestKind kind = is_word(parser, "and") ? FOREIGN_ALL : FOREIGN_ANY;
		next(parser);
		if (!read_condition(parser, &second)) {
			foreign_test_free(second);
			return false;
		}
		*ret_test = foreign_test_join(kind, *ret_test, second);
	}
	return !parser->failed;
}

/* --------------------------------------------------------------------- actions */

static ForeignNode *
add_node(GPtrArray *nodes, ForeignNodeKind kind, const FdmToken *at)
{
	ForeignNode *node = foreign_node_new(kind, at->line, at->column);
	node->start = at->start;
	node->end = at->end;
	g_ptr_array_add(nodes, node);
	return node;
}

/* The node ends with the token before the one that is read now. */
static void
close_node(const Parser *parser, ForeignNode *node)
{
	node->end = MAX(parser->lexer.last_end, node->start);
}

static bool
add_with_text(Parser *parser, GPtrArray *nodes, ForeignNodeKind kind)
{
	ForeignNode *node = add_node(nodes, kind, token_of(parser));
	next(parser);
	if (!read_text(parser, &node->text))
		return false;
	if (node->text == NULL) {
		node->kind = FOREIGN_BY_HAND;
		node->why = why_unknown;
	}
	return true;
}

static bool
add_by_hand(Parser *parser, GPtrArray *nodes, const char *why, bool has_text)
{
	ForeignNode *node = add_node(nodes, FOREIGN_BY_HAND, token_of(parser));
	node->why = why;
	next(parser);
	bool good = has_text ? skip_text(parser) : !parser->failed;
	close_node(parser, node);
	return good;
}

static bool
read_maildir(Parser *parser, GPtrArray *nodes)
{
	return add_with_text(parser, nodes, FOREIGN_STORE);
}

static bool
read_mbox(Parser *parser, GPtrArray *nodes)
{
	if (!add_with_text(parser, nodes, FOREIGN_STORE))
		return false;
	((ForeignNode *) nodes->pdata[nodes->len - 1])->is_file = true;
	(void) take_word(parser, "compress");
	return !parser->failed;
}

/* smtp server HOST [port PORT] [from F] [to T] */
static bool
read_smtp(Parser *parser, GPtrArray *nodes)
{
	bool known;
	guint64 port;
	if (!add_by_hand(parser, nodes, why_smtp, false))
		return false;
	if (!take_word(parser, "server"))
		return fail(parser, "'server' is expected here");
	if (!skip_text(parser))
		return false;

	while (!parser->failed) {
		if (take_word(parser, "port")) {
			if (is_text(parser) && token_of(parser)->kind == FDM_STRING)
				(void) skip_text(parser);
			else
				(void) read_number(parser, &port, &known);
		} else if (take_word(parser, "from") || take_word(parser, "to") ||
		           take_word(parser, "user") || take_word(parser, "pass")) {
			(void) skip_text(parser);
		} else {
			break;
		}
	}
	return !parser->failed;
}

static bool
read_add_header(Parser *parser, GPtrArray *nodes)
{
	if (!add_with_text(parser, nodes, FOREIGN_ADD_FIELD))
		return false;
	ForeignNode *node = nodes->pdata[nodes->len - 1];
	(void) take_word(parser, "value");
	if (!read_text(parser, &node->value))
		return false;
	if (node->value == NULL) {
		node->kind = FOREIGN_BY_HAND;
		node->why = why_unknown;
	}
	return true;
}

/* remove-header NAME, remove-headers { NAME ... }; names are patterns of fnmatch(3). */
static bool
read_remove_header(Parser *parser, GPtrArray *nodes)
{
	const FdmToken at = *token_of(parser);
	next(parser);
	bool list = take_sign(parser, "{");
	do {
		ForeignNode *node = add_node(nodes, FOREIGN_REMOVE_FIELD, &at);
		if (!read_text(parser, &node->text))
			return false;
		if (node->text == NULL || strpbrk(node->text, "*?[") != NULL) {
			node->kind = FOREIGN_BY_HAND;
			node->why = "deleteheader (RFC 5293) wants the fields' names";
		}
	} while (list && !parser->failed && !is_sign(parser, "}"));
	if (list)
		next(parser);
	return !parser->failed;
}

static bool
read_tag(Parser *parser, GPtrArray *nodes)
{
	return add_by_hand(parser, nodes, why_tag, true) &&
	       (!take_word(parser, "value") || skip_text(parser));
}

static bool
read_cache_action(Parser *parser, GPtrArray *nodes)
{
	if (!add_by_hand(parser, nodes, why_cache, true))
		return false;
	if (!take_word(parser, "key"))
		return fail(parser, "'key' is expected here");
	return skip_text(parser);
}

static bool
read_drop(Parser *parser, GPtrArray *nodes)
{
	(void) add_node(nodes, FOREIGN_DISCARD, token_of(parser));
	next(parser);
	return !parser->failed;
}

static bool
read_keep(Parser *parser, GPtrArray *nodes)
{
	(void) add_node(nodes, FOREIGN_KEEP, token_of(parser));
	next(parser);
	return !parser->failed;
}

static bool
read_command(Parser *parser, GPtrArray *nodes)
{
	return add_by_hand(parser, nodes, why_pipe, true);
}

static bool
read_rewrite(Parser *parser, GPtrArray *nodes)
{
	return add_by_hand(parser, nodes, why_rewrite, true);
}

static bool
read_write(Parser *parser, GPtrArray *nodes)
{
	return add_by_hand(parser, nodes, why_write, true);
}

static bool
read_stdout(Parser *parser, GPtrArray *nodes)
{
	return add_by_hand(parser, nodes, why_write, false);
}

static bool
read_imap(Parser *parser, GPtrArray *nodes)
{
	if (!add_by_hand(parser, nodes, why_smtp, false))
		return false;
	while (!parser->failed &&
	       (is_text(parser) || token_of(parser)->kind == FDM_NUMBER ||
	        is_word(parser, "server") || is_word(parser, "port") || is_word(parser, "user") ||
	        is_word(parser, "pass") || is_word(parser, "folder") || is_word(parser, "pipe")))
		next(parser);
	return !parser->failed;
}

static ForeignNode *
copy_node(const ForeignNode *from)
{
	ForeignNode *node = foreign_node_new(from->kind, from->line, from->column);
	node->start = from->start;
	node->end = from->end;
	node->text = g_strdup(from->text);
	node->value = g_strdup(from->value);
	node->is_file = from->is_file;
	node->why = from->why;
	return node;
}

/* An action by its name. */
static bool
read_named(Parser *parser, GPtrArray *nodes)
{
	g_autofree char *name = NULL;
	const FdmToken at = *token_of(parser);
	if (!read_text(parser, &name))
		return false;

	const GPtrArray *known = name != NULL ? g_hash_table_lookup(parser->actions, name) : NULL;
	if (known == NULL)
		add_node(nodes, FOREIGN_BY_HAND, &at)
			->why = "no action of that name stands before it";
	for (guint i = 0; known != NULL && i < known->len; i++) {
		if (nodes->len >= LIMIT_FOREIGN_NAMES)
			return fail(parser, "too many actions");
		g_ptr_array_add(nodes, copy_node(known->pdata[i]));
	}
	return !parser->failed;
}

static const struct {
	const char *word;
	bool (*read)(Parser *parser, GPtrArray *nodes);
} actions[] = { { "maildir", read_maildir },
	        { "mbox", read_mbox },
	        { "drop", read_drop },
	        { "keep", read_keep },
	        { "pipe", read_command },
	        { "exec", read_command },
	        { "write", read_write },
	        { "append", read_write },
	        { "rewrite", read_rewrite },
	        { "stdout", read_stdout },
	        { "smtp", read_smtp },
	        { "imap", read_imap },
	        { "imaps", read_imap },
	        { "add-header", read_add_header },
	        { "remove-header", read_remove_header },
	        { "remove-headers", read_remove_header },
	        { "tag", read_tag },
	        { "add-to-cache", read_cache_action },
	        { "to-cache", read_cache_action },
	        { "remove-from-cache", read_cache_action } };

static bool
read_action(Parser *parser, GPtrArray *nodes)
{
	if (is_text(parser))
		return read_named(parser, nodes);
	if (take_word(parser, "action"))
		return read_named(parser, nodes);
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
		if (is_word(parser, actions[i].word))
			return actions[i].read(parser, nodes);
	return fail(parser, "an action is expected here");
}

/* One action, or several in braces. */
static bool
read_actions(Parser *parser, GPtrArray *nodes)
{
	if (!take_sign(parser, "{"))
		return read_action(parser, nodes);

	while (!parser->failed && !is_sign(parser, "}"))
		if (!read_action(parser, nodes))
			return false;
	next(parser);
	return !parser->failed;
}

/* user "x", users { "x" "y" }. *ret_named: it was there. */
static bool
read_users(Parser *parser, bool *ret_named)
{
	*ret_named = is_words(parser, "user");
	if (!*ret_named)
		return true;
	next(parser);
	bool list = take_sign(parser, "{");
	do
		if (!skip_text(parser))
			return false;
	while (list && !parser->failed && !is_sign(parser, "}"));
	if (list)
		next(parser);
	return !parser->failed;
}

static void
free_list(gpointer nodes)
{
	g_ptr_array_unref(nodes);
}

/* action NAME [users] actions */
static bool
read_definition(Parser *parser)
{
	g_autofree char *name = NULL;
	g_autoptr(GPtrArray) nodes = foreign_nodes_new();
	const FdmToken at = *token_of(parser);
	bool users;
	next(parser);
	if (!read_text(parser, &name) || !read_users(parser, &users))
		return false;
	if (users)
		add_node(nodes, FOREIGN_BY_HAND, &at)->why = why_user;
	if (!read_actions(parser, nodes))
		return false;
	if (g_hash_table_size(parser->actions) >= LIMIT_FOREIGN_NAMES)
		return fail(parser, "too many actions");

	if (name != NULL)
		g_hash_table_insert(parser->actions, g_steal_pointer(&name),
		                    g_steal_pointer(&nodes));
	return true;
}

/* ----------------------------------------------------------------------- rules */

/* %h and ~ in a path; %1 where the test has groups. NULL: what only a run knows. */
static char *
fill_tags(const Parser *parser, const char *text, const ForeignTest *test)
{
	g_autoptr(GString) out = g_string_new(NULL);
	if (g_str_has_prefix(text, "~/")) {
		g_string_append(out, parser->places->home);
		text++;
	}

	for (; *text != '\0'; text++) {
		if (*text != '%') {
			g_string_append_c(out, *text);
			continue;
		}
		text++;
		if (*text == '%')
			g_string_append_c(out, '%');
		else if (*text == 'h' || g_str_has_prefix(text, "[home]"))
			g_string_append(out, parser->places->home);
		else if ((*text == 'u' || g_str_has_prefix(text, "[user]")) &&
		         parser->places->user != NULL)
			g_string_append(out, parser->places->user);
		else if (*text >= '1' && *text <= '9' && test != NULL && test->id != '\0')
			g_string_append_printf(out, "%c%c%c", FOREIGN_MARK, test->id, *text);
		else
			return NULL;
		if (*text == '[')
			text = strchr(text, ']');
		if (out->len > LIMIT_FOREIGN_TEXT)
			return NULL;
	}
	return g_strdup(out->str);
}

static void
fill_node(const Parser *parser, ForeignNode *node, const ForeignTest *test)
{
	char **texts[] = { &node->text, &node->value };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		if (*texts[i] == NULL)
			continue;
		g_autofree char *raw = g_steal_pointer(texts[i]);
		*texts[i] = fill_tags(parser, raw, test);
		if (*texts[i] == NULL) {
			node->kind = FOREIGN_BY_HAND;
			node->why = why_unknown;
		}
	}
}

/* Whether the mail is taken when these were done. */
static bool
takes_mail(const GPtrArray *nodes)
{
	for (guint i = 0; i < nodes->len; i++) {
		ForeignNodeKind kind = ((const ForeignNode *) nodes->pdata[i])->kind;
		if (kind == FOREIGN_STORE || kind == FOREIGN_DISCARD || kind == FOREIGN_KEEP)
			return true;
	}
	return false;
}

/* The actions of a rule that matched: what goes on, and what ends. */
static void
finish_actions(Parser *parser, GPtrArray *nodes, const ForeignTest *test, bool goes_on,
               const FdmToken *at)
{
	for (guint i = 0; i < nodes->len; i++) {
		ForeignNode *node = nodes->pdata[i];
		fill_node(parser, node, test);
		node->line = at->line;
		node->column = at->column;
		node->start = at->start;
		node->copy = goes_on;
		bool decides = node->kind == FOREIGN_DISCARD || node->kind == FOREIGN_KEEP;
		if (goes_on && decides) {
			node->kind = FOREIGN_BY_HAND;
			node->why = why_continue;
		}
		close_node(parser, node);
	}

	if (goes_on || nodes->len == 0)
		return;
	ForeignNode *last = nodes->pdata[nodes->len - 1];
	last->ends = true;
	if (!takes_mail(nodes) && last->why == NULL && last->kind != FOREIGN_BY_HAND)
		last->why = "fdm drops mail that such a rule takes: here it stays in the INBOX";
}

/* A test that stands alone names its groups. */
static void
name_groups(Parser *parser, ForeignTest *test)
{
	if (test->kind == FOREIGN_HEADER && foreign_pattern_groups(test->text) > 0 &&
	    parser->rules->marks < 26)
		test->id = (char) ('a' + parser->rules->marks++);
}

static bool read_statement(Parser *parser, GPtrArray *nodes);

static bool
read_nested(Parser *parser, GPtrArray *nodes)
{
	if (parser->depth >= LIMIT_FOREIGN_DEPTH)
		return fail(parser, "rules are nested too deeply");

	next(parser);
	parser->depth++;
	while (!parser->failed && !is_sign(parser, "}"))
		if (!read_statement(parser, nodes))
			return false;
	parser->depth--;
	next(parser);
	return !parser->failed;
}

/* Move the nodes of a rule that always holds into the list around it. */
static void
splice(GPtrArray *nodes, GPtrArray *from)
{
	g_ptr_array_set_free_func(from, NULL);
	for (guint i = 0; i < from->len; i++)
		g_ptr_array_add(nodes, from->pdata[i]);
	g_ptr_array_set_size(from, 0);
}

static bool
read_match(Parser *parser, GPtrArray *nodes)
{
	const FdmToken at = *token_of(parser);
	g_autoptr(ForeignNode) node = foreign_node_new(FOREIGN_IF, at.line, at.column);
	bool users = false;
	node->start = at.start;
	node->then = foreign_nodes_new();
	node->otherwise = foreign_nodes_new();
	next(parser);
	if (parser->failed || !read_conditions(parser, &node->test))
		return false;

	name_groups(parser, node->test);
	if (is_sign(parser, "{")) {
		if (!read_nested(parser, node->then))
			return false;
	} else {
		if (!read_users(parser, &users))
			return false;
		if (!is_words(parser, "action"))
			return fail(parser, "'action' is expected here");
		if (users)
			add_node(node->then, FOREIGN_BY_HAND, &at)->why = why_user;
		next(parser);
		if (!read_actions(parser, node->then))
			return false;
		bool goes_on = take_word(parser, "continue");
		finish_actions(parser, node->then, node->test, goes_on, &at);
	}

	close_node(parser, node);
	if (node->test->kind == FOREIGN_CONSTANT && node->test->truth)
		splice(nodes, node->then);
	else
		g_ptr_array_add(nodes, g_steal_pointer(&node));
	return !parser->failed;
}

/* Does a statement begin here? */
static bool
begins_statement(const Parser *parser)
{
	static const char *const words[] = { "set",   "account", "match", "action", "include",
		                             "ifdef", "ifndef",  "endif", "cache" };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (is_word(parser, words[i]))
			return true;
	return token_of(parser)->kind == FDM_END || is_sign(parser, "}");
}

/* Is it `$name =`? */
static bool
is_definition(const Parser *parser)
{
	const char *at = parser->lexer.text + parser->lexer.at;
	const char *end = parser->lexer.text + parser->lexer.len;
	while (at < end && strchr(" \t\r\n", *at) != NULL)
		at++;
	return token_of(parser)->kind == FDM_MACRO && at < end && *at == '=';
}

/* What is in braces, up to the closing one. */
static void
skip_list(Parser *parser)
{
	while (!parser->failed && !is_sign(parser, "}") && token_of(parser)->kind != FDM_END)
		next(parser);
}

/* Over an account's options, of which "cache" is one behind some. */
static void
skip_options(Parser *parser)
{
	for (bool may_cache = false; !parser->failed; next(parser)) {
		if (is_words(parser, "nntp") || is_word(parser, "new-only") ||
		    is_word(parser, "old-only"))
			may_cache = true;
		else if (is_word(parser, "cache") && may_cache)
			may_cache = false;
		else if (is_sign(parser, "{"))
			skip_list(parser);
		else if (begins_statement(parser) || is_definition(parser))
			return;
	}
}

static bool
read_account(Parser *parser, GPtrArray *nodes)
{
	g_autofree char *name = NULL;
	ForeignNode *node = add_node(nodes, FOREIGN_NOT_NEEDED, token_of(parser));
	node->why =
		"fdm fetches mail with it: todoke takes what Postfix, fetchmail or getmail give";
	next(parser);
	if (!read_text(parser, &name))
		return false;
	if (parser->accounts->len >= LIMIT_FOREIGN_NAMES)
		return fail(parser, "too many accounts");
	g_ptr_array_add(parser->accounts, name != NULL ? g_steal_pointer(&name) : g_strdup(""));

	skip_options(parser);
	close_node(parser, node);
	return !parser->failed;
}

static bool
read_set(Parser *parser, GPtrArray *nodes)
{
	const FdmToken at = *token_of(parser);
	next(parser);
	bool unmatched = is_word(parser, "unmatched-mail");
	next(parser);
	if (unmatched) {
		parser->rules->discards = is_word(parser, "drop");
		if (is_word(parser, "drop") || is_word(parser, "keep"))
			next(parser);
		return !parser->failed;
	}

	ForeignNode *node = add_node(nodes, FOREIGN_NOT_NEEDED, &at);
	node->why = "it is an option of fdm's own";
	while (!parser->failed && !begins_statement(parser) && !is_definition(parser))
		next(parser);
	close_node(parser, node);
	return !parser->failed;
}

static bool
read_macro(Parser *parser, GPtrArray *nodes)
{
	g_autofree char *name = g_strdup(token_of(parser)->text);
	char *value = NULL;
	(void) nodes;
	next(parser);
	if (!take_sign(parser, "="))
		return fail(parser, "a statement is expected here");
	if (g_hash_table_size(parser->macros) >= LIMIT_FOREIGN_NAMES)
		return fail(parser, "too many macros");

	if (*name == '$') {
		if (!read_text(parser, &value))
			return false;
	} else {
		bool known = false;
		guint64 number = 0;
		if (!read_number(parser, &number, &known))
			return false;
		value = known ? g_strdup_printf("%" G_GUINT64_FORMAT, number) : NULL;
	}
	g_hash_table_insert(parser->macros, g_steal_pointer(&name), value);
	return true;
}

/* ifdef $x ... endif: what is left out must be well written too, and may nest. */
static bool
read_ifdef(Parser *parser)
{
	bool wanted = is_word(parser, "ifdef");
	next(parser);
	if (token_of(parser)->kind != FDM_MACRO)
		return fail(parser, "a macro is expected here");
	bool defined = g_hash_table_contains(parser->macros, token_of(parser)->text);
	next(parser);

	for (unsigned depth = 1; defined != wanted && depth > 0 && !parser->failed;) {
		depth += is_word(parser, "ifdef") || is_word(parser, "ifndef");
		depth -= is_word(parser, "endif");
		if (token_of(parser)->kind == FDM_END)
			return fail(parser, "an 'endif' is missing");
		next(parser);
	}
	return !parser->failed;
}

static bool
read_cache(Parser *parser, GPtrArray *nodes)
{
	bool known;
	guint64 number;
	if (!add_by_hand(parser, nodes, why_cache, true))
		return false;
	if (take_word(parser, "expire") && !read_number(parser, &number, &known))
		return false;
	close_node(parser, nodes->pdata[nodes->len - 1]);
	return true;
}

static bool
read_statement(Parser *parser, GPtrArray *nodes)
{
	if (is_word(parser, "match"))
		return read_match(parser, nodes);
	if (is_word(parser, "action"))
		return read_definition(parser);
	if (is_word(parser, "account"))
		return read_account(parser, nodes);
	if (is_word(parser, "set"))
		return read_set(parser, nodes);
	if (is_word(parser, "include"))
		return add_by_hand(parser, nodes, why_include, true);
	if (is_word(parser, "cache"))
		return read_cache(parser, nodes);
	if (is_word(parser, "ifdef") || is_word(parser, "ifndef"))
		return read_ifdef(parser);
	if (take_word(parser, "endif"))
		return !parser->failed;
	if (token_of(parser)->kind == FDM_MACRO)
		return read_macro(parser, nodes);

	return fail(parser, "a statement is expected here");
}

ForeignRules *
fdm_parse(const FilterSource *source, const ForeignPlaces *places, GPtrArray *problems)
{
	g_autoptr(ForeignRules) rules = foreign_rules_new(FOREIGN_FDM, source->text);
	Parser parser = {
		.rules = rules,
		.source = source,
		.places = places,
		.problems = problems,
		.macros = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.actions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_list),
		.accounts = g_ptr_array_new_with_free_func(g_free),
	};

	fdm_lexer_init(&parser.lexer, source->text, source->len, parser.macros);
	next(&parser);
	while (!parser.failed && token_of(&parser)->kind != FDM_END)
		(void) read_statement(&parser, rules->nodes);
	fdm_lexer_clear(&parser.lexer);
	g_hash_table_unref(parser.macros);
	g_hash_table_unref(parser.actions);
	g_ptr_array_unref(parser.accounts);

	return parser.failed ? NULL : g_steal_pointer(&rules);
}
