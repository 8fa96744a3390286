/* SPDX-License-Identifier: MIT */
/*
 * recipe-convert: goes through the tree as a run would, and writes a rule for each recipe. It goes
 * three times: a variable is set only if a rule reads it, and that is known at the end.
 */
#include "filters/recipe/convert/recipe-convert.h"

#include "agent/base/limits.h"
#include "filters/recipe/convert/recipe-convert-action.h"
#include "filters/recipe/lang/recipe-parser.h"

#include <stdlib.h>
#include <stdint.h>
#include <string.h>

/* What an E behind the last recipe asks for. */
typedef enum {
	CHAIN_NONE,  /* no recipe before, or one that is by hand */
	CHAIN_IF,    /* an if or elsif is there */
	CHAIN_ALWAYS /* the last recipe has no condition */
} Chain;

typedef struct {
	RecipeSieve sieve;
	FilterEnv *env;
	const FilterSource *source;
	GPtrArray *comments; /* RecipeComment, of `source` */
	guint next_comment;
	unsigned files;
	Chain chain;
	bool chain_ends;     /* every branch of the chain ends the script */
	bool after_also;     /* the last recipe has A or a */
	bool stops_last;     /* the last recipe ends the script where it matches */
	gsize body_end;      /* in `out`: where A may add to the last recipe */
	bool ended;          /* nothing behind is reached */
	bool file_ended;     /* nothing behind in this file, or in this block of it */
	unsigned nesting;    /* files that are being read */
	GHashTable *stopped; /* tests under which the script has ended */
	GHashTable *reached; /* "FILE:LINE" of rules */
	RecipeConvertCounts counts;
	GPtrArray *problems; /* gets what is never reached; NULL: nobody asks */
	bool end_is_told;    /* with it: what stands behind the end */
} Convert;

static void convert_nodes(Convert *convert, const GPtrArray *nodes);

/* Comments up to and with `line`. */
static void
put_comments(Convert *convert, unsigned line)
{
	for (; convert->next_comment < convert->comments->len; convert->next_comment++) {
		const RecipeComment *comment = convert->comments->pdata[convert->next_comment];
		if (comment->line > line)
			return;
		g_autofree char *valid = g_utf8_make_valid(comment->text, -1);
		g_strdelimit(valid, "\r", ' ');
		recipe_writer_put(&convert->sieve.writer, valid);
	}
}

/* Those within a rule; a block puts them where they are. */
static void
put_comments_within(Convert *convert, const RecipeNode *node)
{
	if (node->action_kind != RECIPE_ACTION_BLOCK)
		put_comments(convert, node->last_line);
}

/* The lines of a node as they were, as comments. */
static void
put_source(Convert *convert, const RecipeNode *node)
{
	g_auto(GStrv) lines = g_strsplit(convert->source->text, "\n", -1);
	for (unsigned i = node->line; i <= node->last_line && i <= g_strv_length(lines); i++) {
		g_autofree char *valid = g_utf8_make_valid(lines[i - 1], -1);
		g_strdelimit(valid, "\r", ' ');
		g_autofree char *shown = g_strdup_printf("#   %s", valid);
		recipe_writer_put(&convert->sieve.writer, shown);
	}

	while (convert->next_comment < convert->comments->len &&
	       ((const RecipeComment *) convert->comments->pdata[convert->next_comment])->line <=
	               node->last_line)
		convert->next_comment++;
}

static void
put_verdict(Convert *convert, const RecipeNode *node, const RecipeVerdict *verdict)
{
	static const char *const names[] = { "same", "changed", "by hand" };
	g_autoptr(GString) line = g_string_new(NULL);

	g_string_append_printf(line, "# line %u: %s", node->line, names[verdict->kind]);
	for (guint i = 0; i < verdict->reasons->len; i++)
		g_string_append_printf(line, "%s %s", i > 0 ? ";" : ":",
		                       (const char *) verdict->reasons->pdata[i]);
	recipe_writer_put(&convert->sieve.writer, line->str);
	convert->counts.recipes[verdict->kind] += node->kind == RECIPE_RULE;
}

static void
put_by_hand(Convert *convert, const RecipeNode *node, RecipeVerdict *verdict, const char *reason)
{
	if (reason != NULL)
		recipe_verdict_by_hand(verdict, reason);
	put_verdict(convert, node, verdict);
	put_source(convert, node);
}

/* A recipe that delivers ends the script, unless it copies. */
static void
put_stop(Convert *convert, const RecipeFlags *flags)
{
	if (flags->copies)
		return;
	recipe_writer_put(&convert->sieve.writer, "stop;");
	convert->ended = true;
}

static bool
put_program(Convert *convert, const RecipeNode *node, const RecipeFlags *flags,
            RecipeVerdict *verdict)
{
	if (node->name == NULL && flags->filters && flags->feeds != RECIPE_BODY &&
	    recipe_convert_formail(&convert->sieve, node)) {
		g_hash_table_remove_all(convert->stopped);
		recipe_verdict_changed(verdict,
		                       "fields are added by editheader, where the site allows it");
		return true;
	}
	if (recipe_convert_seen(&convert->sieve, node, flags)) {
		recipe_verdict_changed(verdict,
		                       "ids are remembered for a time (sieve_duplicate_default), "
		                       "not in a file of some size");
		return true;
	}
	return recipe_verdict_by_hand(
		verdict,
		"it runs a program: the site must allow it, then vnd.dovecot.pipe, filter or "
		"execute can");
}

static bool
put_block(Convert *convert, const RecipeNode *node, const RecipeFlags *flags,
          RecipeVerdict *verdict)
{
	if (flags->copies)
		return recipe_verdict_by_hand(verdict,
		                              "the block works on a copy, and mail and copy go on");
	const Convert outside = *convert;
	convert->stopped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	GHashTableIter iter;
	gpointer key;
	g_hash_table_iter_init(&iter, outside.stopped);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_hash_table_add(convert->stopped, g_strdup(key));
	convert->chain = CHAIN_NONE;
	convert_nodes(convert, node->block);
	put_comments(convert, node->last_line);
	g_hash_table_unref(convert->stopped);
	convert->stopped = outside.stopped;
	convert->file_ended = outside.file_ended;
	convert->chain = outside.chain;
	convert->chain_ends = outside.chain_ends;
	convert->stops_last = outside.stops_last;
	convert->body_end = outside.body_end;
	convert->after_also = outside.after_also;

	return true;
}

static bool
put_body(Convert *convert, const RecipeNode *node, const RecipeFlags *flags, RecipeVerdict *verdict)
{
	bool whole = flags->feeds == RECIPE_BOTH || node->action_kind == RECIPE_ACTION_BLOCK ||
	             node->action_kind == RECIPE_ACTION_PROGRAM;
	if (!whole)
		return recipe_verdict_by_hand(verdict, "it stores or sends a part of the mail");

	switch (node->action_kind) {
	case RECIPE_ACTION_FOLDER:
		if (!recipe_convert_folders(&convert->sieve, node, flags, verdict))
			return false;
		put_stop(convert, flags);
		return true;
	case RECIPE_ACTION_FORWARD:
		if (!recipe_convert_forward(&convert->sieve, node, flags, verdict))
			return false;
		put_stop(convert, flags);
		return true;
	case RECIPE_ACTION_PROGRAM:
		return put_program(convert, node, flags, verdict);
	case RECIPE_ACTION_BLOCK:
		return put_block(convert, node, flags, verdict);
	default:
		return recipe_verdict_by_hand(verdict, "it has no action");
	}
}

/*
 * The rule's commands, written on their own; NULL: they are by hand. *ret_ends: they end the
 * script.
 */
static char *
make_body(Convert *convert, const RecipeNode *node, const RecipeFlags *flags, unsigned match_group,
          bool nested, bool *ret_ends, RecipeVerdict *verdict)
{
	GString *before = recipe_writer_divert(&convert->sieve.writer, nested);
	bool ended = convert->ended, answers = convert->sieve.answers;

	convert->ended = false;
	if (match_group > 0)
		g_hash_table_add(convert->sieve.sets, g_strdup("MATCH"));
	if (match_group > 0 && g_hash_table_contains(convert->sieve.reads, "MATCH")) {
		g_autofree char *line = g_strdup_printf("set \"MATCH\" \"${%u}\";", match_group);
		recipe_writer_put(&convert->sieve.writer, line);
		recipe_writer_needs(&convert->sieve.writer, "variables");
	}

	RecipeConvertCounts counts = convert->counts;
	guint next_comment = convert->next_comment;
	bool good = put_body(convert, node, flags, verdict);
	char *body = g_string_free(recipe_writer_return(&convert->sieve.writer, before, nested),
	                           FALSE);
	*ret_ends = convert->ended;
	convert->ended = ended;
	convert->sieve.answers = answers;
	if (good)
		return body;

	convert->counts = counts;
	convert->next_comment = next_comment;
	g_free(body);

	return NULL;
}

typedef struct {
	RecipeFlags flags;
	char *test;
	char *body;
	bool ends;
} Rule;

static void
rule_clear(Rule *rule)
{
	recipe_flags_clear(&rule->flags);
	g_free(rule->test);
	g_free(rule->body);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Rule, rule_clear)

static void
put_if(Convert *convert, const char *word, const Rule *rule)
{
	g_autofree char *head = *rule->test != '\0' ? g_strdup_printf("%s %s {", word, rule->test)
	                                            : g_strdup_printf("%s {", word);

	recipe_writer_put(&convert->sieve.writer, head);
	g_string_append(convert->sieve.writer.out, rule->body);
	convert->body_end = convert->sieve.writer.out->len;
	recipe_writer_put(&convert->sieve.writer, "}");
}

/* The rule stands on its own. */
static void
put_rule(Convert *convert, const Rule *rule)
{
	if (*rule->test == '\0') {
		g_string_append(convert->sieve.writer.out, rule->body);
		convert->chain = CHAIN_ALWAYS;
		convert->body_end = convert->sieve.writer.out->len;
		convert->ended = rule->ends;
		return;
	}

	put_if(convert, "if", rule);
	convert->chain = CHAIN_IF;
	convert->chain_ends = rule->ends;
	if (rule->ends && strstr(rule->test, "${") == NULL)
		g_hash_table_add(convert->stopped, g_strdup(rule->test));
}

/* E: only where the rule before did not match. */
static void
put_else(Convert *convert, const Rule *rule)
{
	put_if(convert, *rule->test != '\0' ? "elsif" : "else", rule);
	convert->chain_ends &= rule->ends;
	if (*rule->test == '\0') {
		convert->ended = convert->chain_ends;
		convert->chain = CHAIN_ALWAYS;
	}
}

/* A: also where the rule before matched: it goes into that rule's block. */
static void
put_also(Convert *convert, const RecipeNode *node, const RecipeVerdict *verdict, const Rule *rule)
{
	bool nested = convert->chain == CHAIN_IF;
	GString *all = recipe_writer_divert(&convert->sieve.writer, nested);

	put_comments_within(convert, node);
	put_verdict(convert, node, verdict);
	Chain chain = convert->chain;
	gsize body_end = convert->body_end;
	if (*rule->test == '\0')
		g_string_append(convert->sieve.writer.out, rule->body);
	else
		put_if(convert, "if", rule);

	GString *added = recipe_writer_return(&convert->sieve.writer, all, nested);
	g_string_insert_len(all, (gssize) body_end, added->str, (gssize) added->len);
	convert->body_end = body_end + added->len;
	g_string_free(added, TRUE);

	convert->ended = !nested && rule->ends && *rule->test == '\0';
	convert->stops_last = rule->ends && *rule->test == '\0';
	convert->chain = chain;
}

/* Flags as far as the file tells them. */
static bool
read_flags(const Convert *convert, const RecipeNode *node, RecipeFlags *flags,
           RecipeVerdict *verdict)
{
	g_autofree char *start = recipe_constants_expand(convert->sieve.constants, node->start.text,
	                                                 NULL, NULL);

	if (start == NULL && strchr(node->start.text, ':') != NULL &&
	    strpbrk(node->start.text, "$`") > strchr(node->start.text, ':'))
		/* only the lockfile is not known */
		start = g_strndup(node->start.text, strcspn(node->start.text, ":"));

	if (start == NULL)
		return recipe_verdict_by_hand(verdict, "its flags depend on variables");
	recipe_flags_parse(flags, start);
	if (flags->unknown != '\0')
		return recipe_verdict_by_hand(verdict, "it has a flag that is none");
	if (flags->on_failure)
		return recipe_verdict_by_hand(verdict, "Sieve cannot ask whether an action failed");

	return true;
}

/* Can the recipe stand where its chain flags want it? */
static bool
fits_chain(const Convert *convert, const RecipeFlags *flags, RecipeVerdict *verdict)
{
	bool also = flags->also || flags->also_success;
	if (also && flags->otherwise)
		return recipe_verdict_by_hand(verdict, "it has both E and A");

	if (flags->otherwise && convert->after_also)
		return recipe_verdict_by_hand(verdict,
		                              "it asks for the opposite of a recipe with A");
	if ((also || flags->otherwise) && convert->chain == CHAIN_NONE)
		return recipe_verdict_by_hand(verdict, "the recipe that it goes with is by hand");

	return true;
}

/* Is the recipe never reached? Sieve would say so. */
static bool
is_dead(const Convert *convert, const Rule *rule)
{
	if (rule->flags.otherwise && convert->chain == CHAIN_ALWAYS)
		return true;
	if ((rule->flags.also || rule->flags.also_success) && convert->stops_last)
		return true;
	return g_hash_table_contains(convert->stopped, rule->test);
}

/* A file may be read twice: where mail came to a rule once, it is reached. */
static bool
is_reached(Convert *convert, const RecipeNode *node, bool now)
{
	g_autofree char *place = g_strdup_printf("%s:%u", convert->source->file, node->line);
	if (now)
		g_hash_table_add(convert->reached, g_strdup(place));
	return g_hash_table_contains(convert->reached, place);
}

static void
warn_unreached(Convert *convert, const RecipeNode *node)
{
	const Problem problem = {
		.file = (char *) (uintptr_t) convert->source->file,
		.line = node->line,
		.column = node->column,
		.severity = PROBLEM_WARNING,
		.code = "unreachable",
		.text = (char *) "no mail comes to this recipe: an earlier one takes it all",
		.hint = (char *) "it is read only where that one fails; e says so: :0e",
	};
	if (convert->problems != NULL && !is_reached(convert, node, false))
		problem_add(convert->problems, &problem);
}

/* Behind the end: only the first recipe is told, and e is for where an earlier one fails. */
static void
warn_behind_end(Convert *convert, const RecipeNode *node)
{
	g_auto(RecipeFlags) flags = { 0 };
	if (node->kind != RECIPE_RULE || convert->end_is_told)
		return;
	recipe_flags_parse(&flags, node->start.text);
	if (flags.on_failure)
		return;
	warn_unreached(convert, node);
	convert->end_is_told = true;
}

static void
convert_rule(Convert *convert, const RecipeNode *node)
{
	RecipeVerdict verdict;

	recipe_verdict_init(&verdict);
	g_auto(Rule) rule = { .flags = { .area = 0 } };
	unsigned match_group = 0;
	put_comments(convert, node->line - 1);

	bool fits = read_flags(convert, node, &rule.flags, &verdict) &&
	            fits_chain(convert, &rule.flags, &verdict);
	bool also = rule.flags.also || rule.flags.also_success;
	if (fits)
		rule.test = recipe_convert_test(&convert->sieve, node, &rule.flags, &match_group,
		                                &verdict);

	bool is_unreached = rule.test != NULL && is_dead(convert, &rule);
	(void) is_reached(convert, node, !is_unreached);
	if (is_unreached) {
		warn_unreached(convert, node);
		put_by_hand(convert, node, &verdict, "it is never reached");
		recipe_verdict_clear(&verdict);
		return;
	}

	if (rule.flags.also_success)
		recipe_verdict_changed(&verdict, "Sieve cannot ask whether an action succeeded");
	if (match_group > 0 && rule.flags.otherwise)
		recipe_verdict_changed(&verdict, "MATCH is set only where the recipe matches");

	bool nested = rule.test != NULL && (*rule.test != '\0' || rule.flags.otherwise);
	convert->sieve.writer.depth += also && convert->chain == CHAIN_IF;
	if (rule.test != NULL)
		rule.body = make_body(convert, node, &rule.flags, match_group, nested, &rule.ends,
		                      &verdict);
	convert->sieve.writer.depth -= also && convert->chain == CHAIN_IF;

	if (rule.test == NULL || rule.body == NULL) {
		put_by_hand(convert, node, &verdict, NULL);
		convert->chain = CHAIN_NONE;
	} else if (also) {
		put_also(convert, node, &verdict, &rule);
		convert->after_also = true;
	} else {
		put_comments_within(convert, node);
		put_verdict(convert, node, &verdict);
		convert->after_also = false;
		if (rule.flags.otherwise)
			put_else(convert, &rule);
		else
			put_rule(convert, &rule);
		convert->stops_last = rule.ends;
	}

	recipe_verdict_clear(&verdict);
}

/* Names that mean something to procmail and nothing to Sieve. */
static bool
is_procmails_own(const char *name)
{
	static const char *const names[] = {
		"COMSAT",    "DROPPRIVS",     "LINEBUF",    "LOCKEXT",     "LOCKFILE",
		"LOCKSLEEP", "LOCKTIMEOUT",   "LOG",        "LOGABSTRACT", "LOGFILE",
		"MAILDIR",   "MSGPREFIX",     "NORESRETRY", "ORGMAIL",     "PATH",
		"SENDMAIL",  "SENDMAILFLAGS", "SHELL",      "SHELLFLAGS",  "SHELLMETAS",
		"SUSPEND",   "TIMEOUT",       "UMASK",      "VERBOSE",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* It decides what is read or where the mail ends, so it counts as a recipe does. */
static void
put_counted_by_hand(Convert *convert, const RecipeNode *node, const char *reason)
{
	RecipeVerdict verdict;
	recipe_verdict_init(&verdict);
	put_by_hand(convert, node, &verdict, reason);
	convert->counts.recipes[VERDICT_BY_HAND]++;
	recipe_verdict_clear(&verdict);
}

static void
put_set(Convert *convert, const RecipeNode *node)
{
	RecipeVerdict verdict;

	recipe_verdict_init(&verdict);
	g_autofree char *value = node->kind == RECIPE_ASSIGN
	                                 ? recipe_constants_expand(
						   convert->sieve.constants, node->value.text,
						   recipe_sieve_variable, &convert->sieve)
	                                 : g_strdup("");
	if (value == NULL || !g_utf8_validate(value, -1, NULL) || strlen(node->name) > 32) {
		put_by_hand(convert, node, &verdict,
		            "the value depends on what only a run of procmail knows");
	} else {
		g_hash_table_add(convert->sieve.sets, g_strdup(node->name));
		if (g_hash_table_contains(convert->sieve.reads, node->name)) {
			g_autoptr(GString) line = g_string_new(NULL);
			g_string_append_printf(line, "set \"%s\" ", node->name);
			recipe_writer_quote(line, value);
			g_string_append(line, ";");
			recipe_writer_needs(&convert->sieve.writer, "variables");
			recipe_writer_put(&convert->sieve.writer, line->str);
		}
	}

	recipe_verdict_clear(&verdict);
}

static void
convert_file(Convert *convert, const FilterSource *source)
{
	const FilterSource *outer = convert->source;
	GPtrArray *comments = convert->comments;
	guint next_comment = convert->next_comment;
	bool file_ended = convert->file_ended;

	convert->file_ended = false;
	convert->nesting++;
	convert->source = source;
	convert->comments = g_ptr_array_new_with_free_func(recipe_comment_free);
	convert->next_comment = 0;

	g_autoptr(GPtrArray) nodes = recipe_parse_comments(source, NULL, convert->comments);
	if (nodes != NULL)
		convert_nodes(convert, nodes);
	put_comments(convert, G_MAXUINT);
	g_ptr_array_unref(convert->comments);
	convert->comments = comments;
	convert->next_comment = next_comment;
	convert->source = outer;
	convert->file_ended = file_ended;
	convert->nesting--;
}

/*
 * The recipes of another file, in their place. False: it cannot be read, or its name is not known.
 */
static bool
put_included(Convert *convert, const RecipeNode *node)
{
	const FilterServices *services = convert->env->services;
	const char *value = node->kind == RECIPE_ASSIGN ? node->value.text : "";
	g_autofree char *name = recipe_constants_expand(convert->sieve.constants, value, NULL,
	                                                NULL);
	g_autofree char *path = name != NULL && *name != '\0'
	                                ? recipe_constants_path(convert->sieve.constants, name)
	                                : NULL;
	g_autofree char *file = NULL, *text = NULL;
	g_auto(Status) unread = STATUS_INIT;
	size_t len;

	if (path == NULL || services->open_script == NULL ||
	    convert->files >= LIMIT_RECIPE_CHECKED_FILES ||
	    !services->open_script(convert->env, PLACE_PATH, path, &file, &text, &len, &unread))
		return false;

	convert->files++;
	const FilterSource source = {
		.file = file, .text = text, .len = len, .trust = SCRIPT_OWNER
	};
	g_autofree char *head = g_strdup_printf("# line %u: the recipes of %s", node->line, value);
	recipe_writer_put(&convert->sieve.writer, head);
	convert_file(convert, &source);

	g_autofree char *tail = g_strdup_printf("# end of %s", value);
	recipe_writer_put(&convert->sieve.writer, tail);
	return true;
}

/* DEFAULT, where the file chose one. */
static void
put_default(Convert *convert)
{
	const char *inbox = recipe_constants_get(convert->sieve.constants, "DEFAULT");
	if (inbox == NULL)
		return;

	bool is_there;
	g_autofree char *mailbox = recipe_sieve_mailbox(&convert->sieve, inbox, &is_there);
	if (mailbox == NULL) {
		recipe_writer_put(
			&convert->sieve.writer,
			"# DEFAULT: by hand: the folder is outside of MAILDIR and HOME, or its "
			"name is not UTF-8 text");
		return;
	}

	if (strcmp(mailbox, "INBOX") == 0)
		return;
	g_autofree char *verdict = g_strdup_printf(
		"# DEFAULT%s%s",
		is_there ? "" : ": changed: it is none of the mailbox: the mail lies elsewhere",
		g_str_has_suffix(inbox, "/") ? "" : ": changed: " RECIPE_SIEVE_NO_MAILDIR);
	recipe_writer_put(&convert->sieve.writer, verdict);
	recipe_writer_needs(&convert->sieve.writer, "fileinto");
	recipe_writer_put_action(&convert->sieve.writer, "fileinto", false, mailbox);
}

/* Procmail reads no further: the mail goes to DEFAULT. */
static void
put_end(Convert *convert)
{
	put_default(convert);
	if (convert->sieve.writer.depth > 0)
		recipe_writer_put(&convert->sieve.writer, "stop;");
	convert->ended = true;
}

/* What the assignment gives; NULL: the variable is unset, or only a run knows. Caller frees. */
static char *
known_value(const Convert *convert, const RecipeNode *node)
{
	return node->kind == RECIPE_ASSIGN ? recipe_constants_expand(convert->sieve.constants,
	                                                             node->value.text, NULL, NULL)
	                                   : NULL;
}

/* HOST of another machine ends all. One that only a run knows may end it. */
static void
convert_host(Convert *convert, const RecipeNode *node)
{
	g_autofree char *value = known_value(convert, node);
	const char *host = recipe_constants_get(convert->sieve.constants, "HOST");
	if (value != NULL && g_strcmp0(value, host) == 0)
		return;

	bool is_known = node->kind == RECIPE_UNSET || (value != NULL && host != NULL);
	put_counted_by_hand(convert, node,
	                    is_known ? "it is for another host: nothing behind it is read"
	                             : "what is behind it is for one host only");
	if (is_known)
		put_end(convert);
}

/* Another file goes on in the place of this one; with none this one ends. */
static void
convert_switch(Convert *convert, const RecipeNode *node)
{
	g_autofree char *value = known_value(convert, node);
	bool is_none = node->kind == RECIPE_UNSET ||
	               (value != NULL && (*value == '\0' || strcmp(value, "/dev/null") == 0));
	bool in_included = convert->nesting > 1;

	if (is_none)
		put_counted_by_hand(convert, node, "it ends the file: nothing behind it is read");
	else if (!put_included(convert, node)) {
		put_counted_by_hand(convert, node, "the file is not known or cannot be read");
		return;
	}

	if (in_included)
		convert->file_ended = true;
	else
		put_end(convert);
}

/* EXITCODE, TRAP, SHIFT. */
static bool
is_for_the_run(const char *name)
{
	return strcmp(name, "EXITCODE") == 0 || strcmp(name, "TRAP") == 0 ||
	       strcmp(name, "SHIFT") == 0;
}

static void
convert_for_the_run(Convert *convert, const RecipeNode *node)
{
	RecipeVerdict verdict;

	if (strcmp(node->name, "EXITCODE") == 0)
		convert->sieve.answers = node->kind == RECIPE_ASSIGN && *node->value.text != '\0' &&
		                         strcmp(node->value.text, "0") != 0;
	recipe_verdict_init(&verdict);
	put_by_hand(convert, node, &verdict, "it says what procmail answers");
	recipe_verdict_clear(&verdict);
}

/* A DEFAULT that only a run knows is where the mail ends that no recipe takes. */
static void
convert_default(Convert *convert, const RecipeNode *node)
{
	g_autofree char *value = known_value(convert, node);
	if (node->kind == RECIPE_ASSIGN && value == NULL)
		put_counted_by_hand(convert, node,
		                    "the value depends on what only a run of procmail knows");
}

static void
convert_variable(Convert *convert, const RecipeNode *node)
{
	if (is_for_the_run(node->name)) {
		convert_for_the_run(convert, node);
	} else if (strcmp(node->name, "DEFAULT") == 0) {
		convert_default(convert, node);
	} else if (strcmp(node->name, "INCLUDERC") == 0) {
		if (!put_included(convert, node) && node->kind == RECIPE_ASSIGN)
			put_counted_by_hand(convert, node,
			                    "the file is not known or cannot be read");
	} else if (!is_procmails_own(node->name)) {
		bool extracts = node->kind == RECIPE_ASSIGN &&
		                recipe_convert_extracted(&convert->sieve, node);
		if (!extracts)
			put_set(convert, node);
	}
}

static void
convert_assignment(Convert *convert, const RecipeNode *node)
{
	put_comments(convert, node->last_line);
	if (strcmp(node->name, "HOST") == 0) {
		convert_host(convert, node); /* it keeps its value whatever is assigned */
		return;
	}

	if (strcmp(node->name, "SWITCHRC") == 0)
		convert_switch(convert, node);
	else
		convert_variable(convert, node);

	recipe_constants_follow(convert->sieve.constants, node, convert->sieve.writer.depth == 0);
}

static void
convert_nodes(Convert *convert, const GPtrArray *nodes)
{
	for (guint i = 0; i < nodes->len; i++) {
		const RecipeNode *node = nodes->pdata[i];
		if (convert->ended || convert->file_ended) {
			RecipeVerdict verdict;
			recipe_verdict_init(&verdict);
			put_comments(convert, node->line);
			warn_behind_end(convert, node);
			put_by_hand(convert, node, &verdict, "it is never reached");
			recipe_verdict_clear(&verdict);
		} else if (node->kind == RECIPE_RULE) {
			convert_rule(convert, node);
		} else {
			gsize before = convert->sieve.writer.out->len;
			convert_assignment(convert, node);
			/* what stands between two rules parts them */
			if (convert->sieve.writer.out->len != before)
				convert->chain = CHAIN_NONE;
		}
	}
}

static int
compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
put_head(GString *out, const Convert *convert, const char *file)
{
	const unsigned *n = convert->counts.recipes;

	g_string_append_printf(
		out,
		"# Made from %s by todoke convert; recipes: %u same, %u changed, %u by hand.\n",
		file, n[VERDICT_SAME], n[VERDICT_CHANGED], n[VERDICT_BY_HAND]);
	guint n_names;
	g_autofree char **names = (char **) g_hash_table_get_keys_as_array(
		convert->sieve.writer.extensions, &n_names);
	qsort(names, n_names, sizeof *names, compare_text);
	for (guint i = 0; i < n_names; i++)
		g_string_append_printf(out, "%s\"%s\"", i == 0 ? "require [" : ", ", names[i]);
	g_string_append(out, n_names > 0 ? "];\n\n" : "\n");
}

static GHashTable *
new_set(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static char *
make_script(const FilterSource *source, FilterEnv *env, GPtrArray *problems,
            RecipeConvertCounts *ret_counts)
{
	g_autoptr(GHashTable) reads = new_set();
	g_autoptr(GHashTable) sets = new_set();
	g_autoptr(GPtrArray) nodes = recipe_parse(source, NULL);
	GString *script = g_string_new(NULL);

	enum { PASSES = 3 };
	for (unsigned pass = 0; pass < PASSES && nodes != NULL; pass++) {
		g_autoptr(RecipeConstants) constants = recipe_constants_new(env);
		g_autoptr(GHashTable) extensions = new_set();
		g_autoptr(GHashTable) stopped = new_set();
		g_autoptr(GHashTable) reached = new_set();
		g_autoptr(GString) out = g_string_new(NULL);
		Convert convert = {
			.sieve = { .env = env,
			           .constants = constants,
			           .reads = reads,
			           .sets = sets,
			           .writer = { .out = out, .extensions = extensions } },
			.env = env,
			.stopped = stopped,
			.reached = reached,
			.problems = pass == PASSES - 1 ? problems : NULL,
		};
		convert_file(&convert, source);
		if (!convert.ended)
			put_default(&convert);
		g_string_truncate(script, 0);
		put_head(script, &convert, source->file);
		g_string_append_len(script, out->str, (gssize) out->len);
		*ret_counts = convert.counts;
	}

	return nodes != NULL ? g_string_free(script, FALSE) : g_string_free(script, TRUE);
}

char *
recipe_convert(const FilterSource *source, FilterEnv *env, RecipeConvertCounts *ret_counts)
{
	return make_script(source, env, NULL, ret_counts);
}

void
recipe_convert_find_unreached(const FilterSource *source, FilterEnv *env, GPtrArray *problems)
{
	RecipeConvertCounts counts;
	g_free(make_script(source, env, problems, &counts));
}
