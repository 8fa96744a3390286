/* SPDX-License-Identifier: MIT */
/*
 * recipe-expand: one pass; what a variable holds is never read again, except for the blanks that
 * split it.
 */
#include "filters/recipe/run/recipe-expand.h"

#include "agent/base/limits.h"
#include "filters/recipe/lang/recipe-parser.h"
#include "filters/recipe/pattern/recipe-pattern.h"
#include "filters/recipe/run/recipe-program.h"

#include <string.h>
#include <unistd.h>

typedef enum { MODE_WORDS, MODE_ARGUMENTS, MODE_VALUE, MODE_QUOTED } Mode;

typedef struct {
	RecipeRun *run;
	const char *at;
	const char *end;
	Mode mode;
	unsigned depth;
	GPtrArray *words;
	GString *word;
	bool in_word;
} Expander;

static void expand(Expander *expander, bool quoted);

/* Do blanks end words? */
static bool
has_words(const Expander *expander)
{
	return expander->mode == MODE_WORDS || expander->mode == MODE_ARGUMENTS;
}

/* One octet over the limit is kept, so that who takes the value sees that it was too long. */
static void
put(Expander *expander, char c)
{
	if (expander->word->len <= LIMIT_RECIPE_VALUE_BYTES)
		g_string_append_c(expander->word, c);
	expander->in_word = true;
}

static void
end_word(Expander *expander)
{
	if (expander->in_word && has_words(expander)) {
		g_ptr_array_add(expander->words, g_strdup(expander->word->str));
		g_string_truncate(expander->word, 0);
		expander->in_word = false;
	}
}

/* Put what a variable or a program gave. */
static void
put_result(Expander *expander, const char *text, bool quoted)
{
	for (; *text != '\0'; text++) {
		if (!quoted && has_words(expander) && strchr(" \t\n", *text) != NULL)
			end_word(expander);
		else
			put(expander, *text);
	}
}

/*
 * The variables that have signs for names, in `buffer` where they are numbers; NULL: `c` is none of
 * them.
 */
static const char *
special(const RecipeRun *run, char c, char *buffer, size_t size)
{
	const RecipeState *state = run->state;
	switch (c) {
	case '_':
		return recipe_run_file(run);
	case '-':
		return recipe_vars_text(state->vars, "LASTFOLDER");
	case '=':
		g_snprintf(buffer, size, "%" G_GINT64_FORMAT, state->score);
		return buffer;
	case '?':
		g_snprintf(buffer, size, "%d", state->exit_code);
		return buffer;
	case '$':
		g_snprintf(buffer, size, "%ld", (long) getpid());
		return buffer;
	case '#':
		g_snprintf(buffer, size, "%u", state->args->len);
		return buffer;
	default:
		return NULL;
	}
}

/* NULL: not set. */
static const char *
value_of(const RecipeRun *run, const char *name)
{
	if (!g_ascii_isdigit(*name))
		return recipe_vars_get(run->state->vars, name);
	guint64 n = g_ascii_strtoull(name, NULL, 10);
	return n > 0 && n <= run->state->args->len ? run->state->args->pdata[n - 1] : NULL;
}

/*
 * Behind "${": the brace that closes it, or NULL. Between double quotes a quote is a character as
 * any other.
 */
static const char *
find_brace(const char *at, const char *end, bool quoted)
{
	unsigned open = 1;
	char quote = '\0';

	for (; at < end; at++) {
		if (*at == '\\' && quote != '\'' && at + 1 < end)
			at++;
		else if (quote != '\0')
			quote = *at == quote ? '\0' : quote;
		else if (!quoted && (*at == '"' || *at == '\'' || *at == '`'))
			quote = *at;
		else if (*at == '{' && at[-1] == '$')
			open++;
		else if (*at == '}' && --open == 0)
			return at;
	}

	return NULL;
}

/* The text behind - or + in braces, in its own turn. */
static void
put_alternative(Expander *expander, const char *at, const char *end, bool quoted)
{
	if (expander->depth >= LIMIT_RECIPE_NESTING)
		return;
	const char *back_at = expander->at, *back_end = expander->end;
	expander->depth++;
	expander->at = at;
	expander->end = end;
	expand(expander, quoted);
	expander->depth--;
	expander->at = back_at;
	expander->end = back_end;
}

/* Behind "${". */
static void
put_braced(Expander *expander, bool quoted)
{
	const char *close = find_brace(expander->at, expander->end, quoted);
	const char *at = expander->at;

	while (at < expander->end && recipe_is_name(*at))
		at++;
	g_autofree char *name = g_strndup(expander->at, (gsize) (at - expander->at));
	const char *value = value_of(expander->run, name);
	bool colon = *at == ':';
	const char *sign = colon ? at + 1 : at;
	expander->at = close != NULL ? close + 1 : expander->end;

	/* an unquoted blank ended it: what there is counts, whatever the variable is */
	if (close == NULL && *name != '\0' && (*sign == '-' || *sign == '+'))
		put_alternative(expander, sign + 1, expander->end, quoted);
	if (close == NULL || *name == '\0')
		return;

	bool there = value != NULL && (!colon || *value != '\0');
	if (*sign == '-' && !there)
		put_alternative(expander, sign + 1, close, quoted);
	else if (*sign == '+' && there)
		put_alternative(expander, sign + 1, close, quoted);
	else if (*sign != '+' && value != NULL)
		put_result(expander, value, quoted);
}

static void
put_arguments(Expander *expander)
{
	const GPtrArray *args = expander->run->state->args;
	for (guint i = 0; i < args->len; i++) {
		if (i > 0)
			end_word(expander);
		put_result(expander, args->pdata[i], true);
		expander->in_word = true;
	}
}

static char *
take_name(Expander *expander)
{
	const char *start = expander->at;
	bool digit = start < expander->end && g_ascii_isdigit(*start);

	while (expander->at < expander->end && recipe_is_name(*expander->at) &&
	       !(digit && expander->at > start))
		expander->at++;
	return g_strndup(start, (gsize) (expander->at - start));
}

/* Behind "$". */
static void
put_variable(Expander *expander, bool quoted)
{
	char buffer[32];
	char c = expander->at < expander->end ? *expander->at : '\0';
	const char *text = c != '\0' ? special(expander->run, c, buffer, sizeof buffer) : NULL;

	if (text != NULL) {
		expander->at++;
		put_result(expander, text, quoted);
	} else if (recipe_is_name(c)) {
		g_autofree char *name = take_name(expander);
		const char *value = value_of(expander->run, name);
		put_result(expander, value != NULL ? value : "", quoted);
	} else if (c == '{') {
		expander->at++;
		put_braced(expander, quoted);
	} else if (c == '\\') {
		expander->at++;
		g_autofree char *name = take_name(expander);
		const char *value = value_of(expander->run, name);
		g_autoptr(GString) disarmed = g_string_new(NULL);
		recipe_pattern_disarm(disarmed, value != NULL ? value : "");
		for (const char *at = disarmed->str; *at != '\0'; at++)
			put(expander, *at);
	} else if (c == '@') {
		expander->at++;
		if (!quoted)
			put(expander, '@');
		else if (has_words(expander))
			put_arguments(expander);
	} else {
		put(expander, '$');
	}
}

/* Behind "`". Where double quotes stand around it, a backslash escapes those too, as in sh. */
static void
put_backquoted(Expander *expander, bool quoted)
{
	const char *escapable = quoted ? "`\\$\"" : "`\\$";
	g_autoptr(GString) command = g_string_new(NULL);

	while (expander->at < expander->end && *expander->at != '`') {
		if (*expander->at == '\\' && expander->at + 1 < expander->end &&
		    expander->at[1] == '\n') {
			expander->at += 2;
			continue;
		}
		if (*expander->at == '\\' && expander->at + 1 < expander->end &&
		    strchr(escapable, expander->at[1]) != NULL)
			expander->at++;
		g_string_append_c(command, *expander->at++);
	}

	if (expander->at < expander->end)
		expander->at++;
	if (expander->depth >= LIMIT_RECIPE_NESTING)
		return;

	g_autofree char *output = recipe_program_capture(expander->run, command->str);
	size_t len = strlen(output);
	while (len > 0 && output[len - 1] == '\n')
		output[--len] = '\0';
	put_result(expander, output, quoted);
}

/* Behind a backslash. */
static void
put_escaped(Expander *expander, bool quoted)
{
	if (expander->at == expander->end) {
		put(expander, '\\');
		return;
	}

	char c = *expander->at++;
	if (c == '\n')
		return;

	/*
	 * # begins a comment only where a word begins: behind that there is nothing to escape, but
	 * procmail drops the backslash from names of folders all the same.
	 */
	bool kept = quoted ? strchr("\\$`\"", c) == NULL
	                   : c == '#' && expander->in_word && expander->mode != MODE_WORDS;
	if (kept)
		put(expander, '\\');
	put(expander, c);
}

static void
put_single_quoted(Expander *expander)
{
	expander->in_word = true;
	while (expander->at < expander->end && *expander->at != '\'')
		put(expander, *expander->at++);
	if (expander->at < expander->end)
		expander->at++;
}

static const char *
find_line_end(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t) (end - at));
	return newline != NULL ? newline : end;
}

static void
expand(Expander *expander, bool quoted)
{
	bool outer = quoted;
	while (expander->at < expander->end) {
		char c = *expander->at++;
		if (c == '\\')
			put_escaped(expander, quoted);
		else if (c == '$') {
			put_variable(expander, quoted);
			/* a value has begun, even where the variable is empty */
			expander->in_word = expander->in_word || expander->mode == MODE_VALUE;
		} else if (c == '`')
			put_backquoted(expander, quoted);
		else if (c == '"' && !outer) {
			quoted = !quoted;
			expander->in_word = true;
		} else if (c == '\'' && !quoted)
			put_single_quoted(expander);
		else if (!quoted && has_words(expander) && strchr(" \t\n", c) != NULL)
			end_word(expander);
		else if (!quoted && has_words(expander) && c == '#' && !expander->in_word)
			expander->at = find_line_end(expander->at, expander->end);
		else
			put(expander, c);
	}
}

static GPtrArray *
expand_text(RecipeRun *run, const char *text, Mode mode)
{
	Expander expander = {
		.run = run,
		.at = text,
		.end = text + strlen(text),
		.mode = mode,
		.words = g_ptr_array_new_with_free_func(g_free),
		.word = g_string_new(NULL),
	};

	expand(&expander, mode == MODE_QUOTED);
	if (has_words(&expander))
		end_word(&expander);
	else
		g_ptr_array_add(expander.words, g_strdup(expander.word->str));

	g_string_free(expander.word, TRUE);
	return expander.words;
}

GPtrArray *
recipe_expand_words(RecipeRun *run, const char *text)
{
	return expand_text(run, text, MODE_WORDS);
}

GPtrArray *
recipe_expand_arguments(RecipeRun *run, const char *text)
{
	return expand_text(run, text, MODE_ARGUMENTS);
}

static char *
only_word(GPtrArray *words)
{
	char *word = g_strdup(words->pdata[0]);
	g_ptr_array_unref(words);
	return word;
}

char *
recipe_expand_value(RecipeRun *run, const char *text)
{
	return only_word(expand_text(run, text, MODE_VALUE));
}

char *
recipe_expand_quoted(RecipeRun *run, const char *text)
{
	return only_word(expand_text(run, text, MODE_QUOTED));
}
