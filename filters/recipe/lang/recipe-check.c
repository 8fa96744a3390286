/* SPDX-License-Identifier: MIT */
/*
 * recipe-check: walks the tree once, in the order in which it would be read, included files too.
 * Only what stands in the files is judged: where a variable is involved whose value they do not
 * tell, nothing is said.
 */
#include "filters/recipe/lang/recipe-check.h"

#include "agent/base/limits.h"
#include "filters/recipe/lang/recipe-flags.h"
#include "filters/recipe/lang/recipe-ast.h"
#include "filters/recipe/lang/recipe-cond-read.h"
#include "filters/recipe/lang/recipe-constant.h"
#include "filters/recipe/lang/recipe-parser.h"
#include "filters/recipe/pattern/recipe-pattern.h"

#include <stdint.h>
#include <string.h>

typedef struct {
	const char *file;
	GPtrArray *problems;
	bool path_is_set;
	FilterEnv *env;             /* NULL: included files are not looked at */
	RecipeConstants *constants; /* NULL with it */
	GHashTable *seen;           /* paths of the files that were looked at */
	unsigned depth;             /* blocks around */
} Check;

static void check_nodes(Check *check, const GPtrArray *nodes);

static void
add(Check *check, const RecipeText *at, size_t offset, ProblemSeverity severity, const char *code,
    const char *text, const char *hint)
{
	if (check->problems == NULL || check->problems->len >= LIMIT_RECIPE_PROBLEMS)
		return;
	const Problem problem = {
		.file = (char *) (uintptr_t) check->file,
		.line = at->line,
		.column = at->column + (unsigned) offset,
		.severity = severity,
		.code = code,
		.text = (char *) (uintptr_t) text,
		.hint = (char *) (uintptr_t) hint,
	};
	problem_add(check->problems, &problem);
}

static void
warn(Check *check, const RecipeText *at, size_t offset, const char *code, const char *text,
     const char *hint)
{
	add(check, at, offset, PROBLEM_WARNING, code, text, hint);
}

/* A dot between letters that stands for a dot and matches everything: "example.com". */
static const char *
find_plain_dot(const char *expression)
{
	for (const char *at = expression; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '[')
			at += strcspn(at, "]") - (strchr(at, ']') == NULL);
		else if (*at == '.' && at > expression && g_ascii_isalnum(at[-1]) &&
		         g_ascii_isalpha(at[1]) && g_ascii_isalpha(at[2]))
			return at;
	}
	return NULL;
}

/* What PCRE and grep users write and procmail reads otherwise. */
static void
check_foreign(Check *check, const RecipeText *text, const char *expression)
{
	static const struct {
		const char *sign, *code, *text, *hint;
	} rows[] = {
		{ "[[:", "foreign-class",
		  "procmail has no named classes: this is a class and a ']'",
		  "write the characters out: [a-z0-9]" },
		{ "\\d", "foreign-escape", "'\\d' is the letter d", "[0-9]" },
		{ "\\s", "foreign-escape", "'\\s' is the letter s",
		  "a blank and a tab in brackets" },
		{ "\\w", "foreign-escape", "'\\w' is the letter w", "[a-zA-Z0-9_]" },
		{ "\\b", "foreign-escape", "'\\b' is the letter b",
		  "\\< or \\>, which consume a character" },
		{ "(?", "foreign-group", "'(?' is a group that begins with a question mark", NULL },
		{ "*?", "foreign-lazy", "'*?' is a repetition and a question mark", NULL },
		{ "+?", "foreign-lazy", "'+?' is a repetition and a question mark", NULL },
		{ "[ \\t]", "foreign-tab",
		  "a backslash in brackets is itself: this is blank, backslash, t", "a real tab" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *at = strstr(expression, rows[i].sign);
		if (at != NULL && (at == expression || at[-1] != '\\'))
			warn(check, text, (size_t) (at - text->text), rows[i].code, rows[i].text,
			     rows[i].hint);
	}
}

static void
check_expression(Check *check, const RecipeText *text, const RecipeCond *cond,
                 const RecipeFlags *flags)
{
	const char *expression = cond->rest;
	g_autofree char *compiled = recipe_cond_expression(cond);
	RecipePatternError error;
	size_t at = (size_t) (expression - text->text);

	g_autoptr(RecipePattern)
		pattern = recipe_pattern_compile(compiled, flags->case_counts, &error);
	bool folds;
	g_autofree char *written_out = recipe_pattern_expand(compiled, &folds);
	if (pattern == NULL) { /* an offset counts only where nothing was written out */
		size_t offset = strcmp(written_out, expression) == 0 ? error.offset : 0;
		add(check, text, at + offset, PROBLEM_ERROR, "expression", error.text,
		    "the recipe never fires; procmail logs \"Invalid regexp\"");
		return;
	}

	const char *dot = find_plain_dot(expression);
	if (dot != NULL)
		warn(check, text, (size_t) (dot - text->text), "plain-dot",
		     "this dot matches any character", "write \\.");
	const char *to = strstr(expression, "^TO");
	if (to != NULL && to[3] != '_')
		warn(check, text, (size_t) (to - text->text), "to-without-underscore",
		     "'^TO' looks for a word anywhere in the recipient fields",
		     "^TO_ looks for an address");

	const char *comment = strstr(expression, " # ");
	if (comment != NULL)
		warn(check, text, (size_t) (comment + 1 - text->text), "comment-in-condition",
		     "a condition has no comments: '#' is searched for", NULL);
	check_foreign(check, text, expression);
}

static void
check_condition(Check *check, const RecipeText *text, const RecipeFlags *flags)
{
	RecipeCond cond = { 0 };

	recipe_cond_read(&cond, text->text);
	if (cond.kind == 'r' && !cond.substitutes)
		check_expression(check, text, &cond, flags);
	if ((cond.kind == '<' || cond.kind == '>') && !g_ascii_isdigit(*cond.rest))
		add(check, text, (size_t) (cond.rest - text->text), PROBLEM_ERROR, "size",
		    "a number should stand here", "'\\<' where the sign belongs to an expression");

	if (*text->text == '\\' &&
	    (text->text[1] == '/' || text->text[1] == '<' || text->text[1] == '>'))
		warn(check, text, 0, "first-backslash",
		     "the backslash at the start of a condition is dropped", "put () before it");

	g_free(cond.variable);
}

static bool
is_mbox_name(const char *name)
{
	size_t len = strcspn(name, " \t");

	return len > 0 && strpbrk(name, "$`\"'") == NULL && name[len - 1] != '/' &&
	       !(len > 1 && name[len - 1] == '.' && name[len - 2] == '/') &&
	       !g_str_has_prefix(name, "/dev/null");
}

/*
 * A program that takes only mail which was seen before, as procmailex(5) has it: a copy would store
 * each of them.
 */
static bool
drops_seen(const RecipeNode *node, const RecipeFlags *flags)
{
	if (node->action_kind != RECIPE_ACTION_PROGRAM || !flags->waits)
		return false;

	static const char *const calls[] = { "formail -D", "/usr/bin/formail -D", "$FORMAIL -D",
		                             "${FORMAIL} -D" };
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		if (g_str_has_prefix(node->action.text, calls[i]))
			return true;
	return false;
}

/* A place that is there, or whose folder is, and to which the owner may not write. */
static void
check_place(Check *check, const RecipeNode *node)
{
	const FilterRecipes *services = check->env != NULL ? check->env->recipes : NULL;
	bool can_ask = services != NULL && services->can_store != NULL &&
	               services->path_kind != NULL;
	if (!can_ask || node->action_kind != RECIPE_ACTION_FOLDER)
		return;

	g_autofree char *name = recipe_constants_expand(check->constants, node->action.text, NULL,
	                                                NULL);
	if (name == NULL || *name == '\0' || strpbrk(name, " \t") != NULL)
		return;
	g_autofree char *path = recipe_constants_path(check->constants, name);
	if (*path != '/')
		return;

	g_autofree char *plain = g_canonicalize_filename(path, "/");
	g_autofree char *above = g_path_get_dirname(plain);
	PathAnswer kind = services->path_kind(check->env, plain);
	bool is_there = kind == PATH_DIRECTORY || kind == PATH_FILE ||
	                (kind == PATH_MISSING &&
	                 services->path_kind(check->env, above) == PATH_DIRECTORY);
	if (!is_there || services->can_store(check->env, path))
		return;

	g_autofree char *text = g_strdup_printf("nothing can be stored to '%s' by who runs this: "
	                                        "the mail goes on behind the recipe",
	                                        plain);
	warn(check, &node->action, 0, RECIPE_CHECK_NO_PLACE, text, NULL);
}

static void
check_action(Check *check, const RecipeNode *node, const RecipeFlags *flags)
{
	const char *name = node->action.text != NULL ? node->action.text : "";
	bool program = node->action_kind == RECIPE_ACTION_PROGRAM;
	bool folder = node->action_kind == RECIPE_ACTION_FOLDER;

	if (flags->filters && program && !flags->waits)
		warn(check, &node->start, 0, "filter-without-wait",
		     "a filter without 'w': its failure is not seen", "add w: :0fw");
	if (flags->filters && !program)
		warn(check, &node->start, 0, "no-filter", "'f' without a program does nothing",
		     NULL);
	if (folder && is_mbox_name(name) && !flags->locks)
		warn(check, &node->action, 0, "mbox-without-lock",
		     "a file without a lock: two mails at once can mix",
		     "a second colon: :0:, or a '/' behind the name for a Maildir");

	if (folder && (*name == '*' || (strchr(name, '=') != NULL && *name != '/')))
		warn(check, &node->action, 0, "odd-folder",
		     "this is taken for the name of a folder",
		     "the action comes after all conditions");

	if (folder && *name == '{')
		warn(check, &node->action, 0, "odd-folder",
		     "without a blank behind '{' this is the name of a folder", NULL);
	check_place(check, node);
	if (flags->feeds != RECIPE_BOTH && !flags->copies && !flags->filters &&
	    !drops_seen(node, flags) && node->name == NULL &&
	    node->action_kind != RECIPE_ACTION_BLOCK && strcmp(name, "/dev/null") != 0)
		warn(check, &node->start, 0, "half-a-mail",
		     "only a part of the mail is delivered, the other is lost",
		     "add c to keep the mail");
}

static void
check_rule(Check *check, const RecipeNode *node)
{
	g_auto(RecipeFlags) flags = { 0 };

	if (strpbrk(node->start.text, "$`\"'") == NULL) {
		recipe_flags_parse(&flags, node->start.text);
		const char *unknown = flags.unknown != '\0'
		                              ? strchr(node->start.text, flags.unknown)
		                              : NULL;
		if (unknown != NULL)
			add(check, &node->start, (size_t) (unknown - node->start.text),
			    PROBLEM_ERROR, "flag", "this is not a flag: the recipe does nothing",
			    "flags are H B D A a E e h b f c w W i r, then ':' and a lockfile");
		check_action(check, node, &flags);
	}

	for (guint i = 0; i < node->conditions->len; i++)
		check_condition(check, node->conditions->pdata[i], &flags);
	if (node->block == NULL)
		return;

	check->depth++;
	check_nodes(check, node->block);
	check->depth--;
}

static void
check_text(Check *check, const FilterSource *source)
{
	const char *before = check->file;
	g_autoptr(GPtrArray) nodes = recipe_parse(source, check->problems);

	check->file = source->file;
	if (nodes != NULL)
		check_nodes(check, nodes);
	check->file = before;
}

/* INCLUDERC and SWITCHRC: each file once, however often it is read. */
static void
check_included(Check *check, const RecipeNode *node)
{
	g_autofree char *name = recipe_constants_expand(check->constants, node->value.text, NULL,
	                                                NULL);
	g_autofree char *below = name != NULL && *name != '\0'
	                                 ? recipe_constants_path(check->constants, name)
	                                 : NULL;
	g_autofree char *path = below != NULL ? g_canonicalize_filename(below, NULL) : NULL;
	g_autofree char *file = NULL, *text = NULL;
	g_auto(Status) unread = STATUS_INIT;
	size_t len;

	if (path == NULL || check->env->services->open_script == NULL ||
	    g_hash_table_contains(check->seen, path))
		return;
	if (g_hash_table_size(check->seen) > LIMIT_RECIPE_CHECKED_FILES) {
		warn(check, &node->value, 0, "too-many-files",
		     "so many files were included: this one was not looked at", NULL);
		return;
	}

	g_hash_table_add(check->seen, g_strdup(path));
	if (!check->env->services->open_script(check->env, PLACE_PATH, path, &file, &text, &len,
	                                       &unread)) {
		if (unread.id == STATUS_UNTRUSTED)
			warn(check, &node->value, 0, "untrusted", unread.detail, NULL);
		else
			warn(check, &node->value, 0, "include-missing",
			     "this file cannot be read: procmail goes on without it", NULL);
		return;
	}

	const FilterSource source = {
		.file = file, .text = text, .len = len, .trust = SCRIPT_OWNER
	};
	check_text(check, &source);
}

static void
check_assignment(Check *check, const RecipeNode *node)
{
	const RecipeText at = { .line = node->line, .column = node->column };

	if (strcmp(node->name, "PATH") == 0)
		check->path_is_set = true;
	if (strcmp(node->name, "DELIVERED") == 0)
		warn(check, &at, 0, "delivered",
		     "DELIVERED makes procmail lose mail; it is not heeded here", NULL);
	if (strcmp(node->name, "HOST") == 0 && node->kind == RECIPE_ASSIGN)
		warn(check, &at, 0, "host",
		     "on another host the rest is not read; procmail loses the mail there, we keep "
		     "it",
		     NULL);

	if (node->kind == RECIPE_ASSIGN && strchr(node->value.text, '`') != NULL &&
	    !check->path_is_set)
		warn(check, &node->value, 0, "no-path", "a program is run before PATH was set",
		     "PATH=/usr/local/bin:/usr/bin:/bin");

	if (check->env == NULL)
		return;
	recipe_constants_follow(check->constants, node, check->depth == 0);
	if (node->kind == RECIPE_ASSIGN &&
	    (strcmp(node->name, "INCLUDERC") == 0 || strcmp(node->name, "SWITCHRC") == 0))
		check_included(check, node);
}

/*
 * A copy for a folder that only some mail gets, and no recipe behind it: such mail is stored twice.
 */
static void
check_last(Check *check, const GPtrArray *nodes)
{
	const RecipeNode *last = NULL;

	for (guint i = nodes->len; i > 0 && last == NULL; i--)
		if (((const RecipeNode *) nodes->pdata[i - 1])->kind == RECIPE_RULE)
			last = nodes->pdata[i - 1];
	if (last == NULL || last->action_kind != RECIPE_ACTION_FOLDER || last->conditions->len == 0)
		return;

	g_auto(RecipeFlags) flags = { 0 };
	recipe_flags_parse(&flags, last->start.text);
	if (flags.copies)
		warn(check, &last->start, 0, "copy-falls-through",
		     "the mail goes on behind a copy, and no recipe follows: it is stored in "
		     "DEFAULT too",
		     "without c it is stored here alone");
}

static void
check_nodes(Check *check, const GPtrArray *nodes)
{
	for (guint i = 0; i < nodes->len; i++) {
		const RecipeNode *node = nodes->pdata[i];
		if (node->kind == RECIPE_RULE)
			check_rule(check, node);
		else
			check_assignment(check, node);
	}
}

void
recipe_check(const GPtrArray *nodes, const char *file, GPtrArray *problems)
{
	Check check = { .file = file, .problems = problems };
	check_nodes(&check, nodes);
	check_last(&check, nodes);
}

void
recipe_check_files(const FilterSource *source, FilterEnv *env, GPtrArray *problems)
{
	g_autoptr(RecipeConstants) constants = recipe_constants_new(env);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Check check = { .file = source->file,
		        .problems = problems,
		        .env = env,
		        .constants = constants,
		        .seen = seen };
	g_autoptr(GPtrArray) nodes = recipe_parse(source, problems);

	g_hash_table_add(seen, g_canonicalize_filename(source->file, NULL));
	if (nodes == NULL)
		return;

	check_nodes(&check, nodes);
	check_last(&check, nodes);
}
