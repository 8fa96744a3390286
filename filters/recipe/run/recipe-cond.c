/* SPDX-License-Identifier: MIT */
/* recipe-cond: marks in front of a condition, then one of four kinds of question. */
#include "filters/recipe/run/recipe-cond.h"

#include "agent/base/blank.h"
#include "agent/base/limits.h"
#include "agent/message/mime.h"
#include "filters/recipe/run/recipe-expand.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/lang/recipe-cond-read.h"
#include "filters/recipe/pattern/recipe-pattern.h"
#include "filters/recipe/run/recipe-program.h"

#include <math.h>
#include <string.h>

/* Procmail's infinity (procmailsc(5)). */
#define INFINITE_SCORE 2147483647.0

typedef struct {
	RecipeRun *run;
	const RecipeCondFlags *flags;
	unsigned line;
	double score;
	bool scored;
	GString *decoded; /* fields of one name, decoded; NULL: not asked for */
} Evaluation;

/* The charset for octets of the line that no label stands at. Caller frees. */
static char *
line_hint(const char *line, size_t len, const char *header, size_t header_len)
{
	bool ascii = true;

	for (size_t i = 0; i < len; i++)
		ascii = ascii && (guchar) line[i] < 0x80;
	if (ascii)
		return NULL;

	size_t fields_len;
	g_autoptr(Headers)
		beside = headers_take_block(g_memdup2(header, header_len), header_len, &fields_len);
	return mime_charset_hint(beside, line, len);
}

/* DECODE=yes: the fields of that name as people read them, one a line. */
static const char *
decoded_fields(Evaluation *evaluation, const char *name, size_t *ret_len)
{
	size_t header_len, len = strlen(name);
	const char *header = recipe_mail_area(evaluation->run->state->mail, RECIPE_HEADER,
	                                      &header_len);
	const char *line = header, *end = line + header_len;

	if (evaluation->decoded == NULL)
		evaluation->decoded = g_string_new(NULL);
	g_string_truncate(evaluation->decoded, 0);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t) (end - line));
		size_t line_len = newline != NULL ? (size_t) (newline - line)
		                                  : (size_t) (end - line);
		g_auto(Status) unread = STATUS_INIT;
		g_autofree char *text = NULL;
		bool named = line_len > len && line[len] == ':' &&
		             g_ascii_strncasecmp(line, name, len) == 0;
		g_autofree char *hint = named ? line_hint(line, line_len, header, header_len)
		                              : NULL;
		if (named && mime_decode_text(line + len + 1, line_len - len - 1, hint, &text, NULL,
		                              &unread))
			g_string_append_printf(evaluation->decoded, "%s%s",
			                       evaluation->decoded->len > 0 ? "\n" : "", text);
		else if (named)
			recipe_run_note(evaluation->run, evaluation->line, "DECODE: %s",
			                unread.detail);
		line += line_len + 1;
	}

	*ret_len = evaluation->decoded->len;
	return evaluation->decoded->str;
}

static bool
wants_decoded(const Evaluation *evaluation)
{
	return recipe_vars_level(evaluation->run->state->vars, RECIPE_DECODE) > RECIPE_NO;
}

static const char *
text_of(Evaluation *evaluation, const RecipeCond *cond, size_t *ret_len)
{
	RecipeState *state = evaluation->run->state;
	if (cond->variable != NULL && recipe_vars_get(state->vars, cond->variable) == NULL &&
	    wants_decoded(evaluation))
		return decoded_fields(evaluation, cond->variable, ret_len);

	if (cond->variable != NULL) {
		const char *value = recipe_vars_text(state->vars, cond->variable);
		*ret_len = strlen(value);
		return value;
	}

	RecipeParts area = cond->area != 0 ? cond->area : evaluation->flags->area;
	if ((area & RECIPE_BODY) && cond->kind == 'r' && wants_decoded(evaluation)) {
		g_auto(Status) unread = STATUS_INIT;
		const char *text = recipe_mail_decoded_area(state->mail, area, ret_len, &unread);
		if (text != NULL)
			return text;
		recipe_run_note(evaluation->run, evaluation->line, "DECODE: %s", unread.detail);
	}

	return recipe_mail_area(state->mail, area, ret_len);
}

static void
add_score(Evaluation *evaluation, double points)
{
	if (!isnan(points))
		evaluation->score = CLAMP(evaluation->score + points, -INFINITE_SCORE,
		                          INFINITE_SCORE);
}

/* What matches without end come to: the sum of the series. */
static double
endless(double weight, double exponent)
{
	if (exponent > 0 && exponent < 1)
		return weight / (1 - exponent);
	if (exponent >= 1 && weight != 0)
		return weight < 0 ? -INFINITE_SCORE : INFINITE_SCORE;
	return weight;
}

static void
set_match(Evaluation *evaluation, const char *text, const RecipeSpan *span)
{
	g_autofree char *match = g_strndup(text + span->start, span->end - span->start);
	recipe_log_set(evaluation->run, "MATCH", "");
	recipe_log_say(evaluation->run, "Matched \"%s\"", match);
	recipe_vars_set(evaluation->run->state->vars, "MATCH", match);
}

/* One match more. False: that was enough, no further match changes the score. */
static bool
score_match(Evaluation *evaluation, const RecipeCond *cond, double *weight)
{
	add_score(evaluation, *weight);
	if (cond->exponent == 0 || fabs(evaluation->score) >= INFINITE_SCORE)
		return false;
	if (fabs(*weight) < 1 && fabs(cond->exponent) < 1)
		return false;

	*weight *= cond->exponent;
	return true;
}

/*
 * Score every match, and set MATCH to what the last one cut off. A match that gets nowhere would be
 * found for ever. False: a limit.
 */
static bool
score_matches(Evaluation *evaluation, const RecipeCond *cond, RecipePattern *pattern)
{
	size_t len, from = 0;
	const char *text = text_of(evaluation, cond, &len);
	bool splits = recipe_pattern_splits(pattern);
	double weight = cond->weight;

	for (unsigned n = 0; n < LIMIT_RECIPE_SCORE_MATCHES; n++) {
		RecipeSpan span;
		RecipeMatch answer = recipe_pattern_next(pattern, text, len, from, &span);
		if (!recipe_run_spend(evaluation->run, recipe_pattern_take_work(pattern)))
			return false;
		if (answer != RECIPE_MATCH)
			return answer == RECIPE_NO_MATCH;
		if (splits && span.start <= len)
			set_match(evaluation, text,
			          &(RecipeSpan){ span.start, MIN(span.end, len) });

		if (span.end <= from) {
			add_score(evaluation, endless(weight, cond->exponent));
			return true;
		}
		if (!score_match(evaluation, cond, &weight) || span.end > len)
			return true;
		from = span.end;
	}

	return true;
}

static bool
limit_note(const Evaluation *evaluation, const char *expression)
{
	recipe_run_note(evaluation->run, evaluation->line,
	                "the expression '%s' reached a limit: the recipe is not tried", expression);
	return false;
}

/*
 * What procmail makes of brackets that do not fit: it closes what is open and stops at what was not
 * opened. NULL: that is not it.
 */
static char *
mend(const char *expression, bool case_counts)
{
	RecipePatternError error;
	g_autoptr(GString) text = g_string_new(expression);

	for (unsigned n = 0; n <= LIMIT_RECIPE_PATTERN_DEPTH; n++) {
		g_autoptr(RecipePattern)
			pattern = recipe_pattern_compile(text->str, case_counts, &error);
		if (pattern != NULL)
			return g_strdup(text->str);
		if (error.offset < text->len && text->str[error.offset] == ')')
			g_string_truncate(text, error.offset);
		else
			g_string_append_c(text, ')');
	}

	return NULL;
}

/* Of most conditions that do not hold it is plain: what they search for is not there. */
static bool
is_plainly_absent(Evaluation *evaluation, const RecipeCond *cond, const char *expression)
{
	RecipeParts area = cond->area != 0 ? cond->area : evaluation->flags->area;
	RecipeLiteral literal;

	return cond->variable == NULL && !wants_decoded(evaluation) &&
	       recipe_literal_find(expression, &literal) &&
	       recipe_mail_lacks(evaluation->run->state->mail, area, &literal);
}

/* What comes of an expression that does not match. */
static bool
hold_no_match(Evaluation *evaluation, const RecipeCond *cond)
{
	if (!cond->weighted)
		return cond->inverted;

	if (cond->inverted)
		add_score(evaluation, cond->weight);
	return true;
}

static bool
hold_expression(Evaluation *evaluation, const RecipeCond *cond)
{
	RecipePatternError error;
	bool case_counts = evaluation->flags->case_counts;
	g_autofree char *expression = recipe_cond_expression(cond);
	if (is_plainly_absent(evaluation, cond, expression))
		return hold_no_match(evaluation, cond);

	g_autoptr(RecipePattern) pattern = recipe_pattern_compile(expression, case_counts, &error);
	g_autofree char *mended = pattern == NULL && evaluation->run->strict
	                                  ? mend(expression, case_counts)
	                                  : NULL;

	if (mended != NULL) {
		recipe_log_complain(evaluation->run, "Invalid regexp \"%s\"", cond->rest);
		pattern = recipe_pattern_compile(mended, case_counts, &error);
	}

	if (pattern == NULL) {
		recipe_run_note(evaluation->run, evaluation->line,
		                "invalid expression '%s': %s; the recipe is not tried", cond->rest,
		                error.text);
		recipe_log_complain(evaluation->run, "Invalid regexp \"%s\"", cond->rest);
		return false;
	}

	if (cond->weighted && !cond->inverted)
		return score_matches(evaluation, cond, pattern) ||
		       limit_note(evaluation, cond->rest);
	size_t len;
	RecipeSpan span;
	const char *text = text_of(evaluation, cond, &len);
	RecipeMatch answer = recipe_pattern_match(pattern, text, len, &span);
	if (!recipe_run_spend(evaluation->run, recipe_pattern_take_work(pattern)))
		return false;
	if (answer == RECIPE_LIMIT)
		return limit_note(evaluation, cond->rest);

	if (answer == RECIPE_NO_MATCH)
		return hold_no_match(evaluation, cond);
	if (recipe_pattern_splits(pattern))
		set_match(evaluation, text, &span);
	return cond->weighted || !cond->inverted;
}

static bool
hold_program(Evaluation *evaluation, const RecipeCond *cond)
{
	RecipeRun *run = evaluation->run;
	RecipeParts parts = cond->area != 0 ? cond->area : evaluation->flags->area;

	g_autoptr(GString)
		input = cond->variable != NULL
	                        ? g_string_new(recipe_vars_text(run->state->vars, cond->variable))
	                        : recipe_mail_bytes(run->state->mail, parts, false);
	int exit_code = 127;
	if (!recipe_program_run(run, cond->rest, input, NULL, &exit_code, NULL))
		return false;

	run->state->exit_code = exit_code;
	if (exit_code != 0)
		recipe_log_say(run, "Non-zero exitcode (%d) from \"%s\"", exit_code, cond->rest);
	if (!cond->weighted)
		return (exit_code == 0) != cond->inverted;

	double weight = cond->weight;
	if (!cond->inverted)
		add_score(evaluation, exit_code == 0 ? cond->weight : cond->exponent);
	for (int i = 0; cond->inverted && i < exit_code; i++, weight *= cond->exponent)
		add_score(evaluation, weight);

	return true;
}

/* procmailsc(5). Of a ratio to nothing the manual does not speak. */
static double
size_score(const RecipeCond *cond, double size, double number)
{
	bool less = cond->kind == '<', turned = less != cond->inverted;
	double over = turned ? number : size, under = turned ? size : number;
	if (under == 0)
		return over == 0 && less ? -INFINITE_SCORE : INFINITE_SCORE;
	return cond->weight * pow(over / under, cond->exponent);
}

static bool
hold_size(Evaluation *evaluation, const RecipeCond *cond)
{
	char *end;
	double number = (double) g_ascii_strtoll(cond->rest, &end, 10);

	const char *behind = blank_skip(end);
	if (*behind != '\0')
		recipe_log_complain(evaluation->run, "Skipped \"%s\"", behind);

	size_t size = recipe_mail_size(evaluation->run->state->mail);
	if (cond->variable != NULL || cond->area != 0)
		(void) text_of(evaluation, cond, &size);
	if (!cond->weighted) {
		bool holds = cond->kind == '<' ? (double) size < number : (double) size > number;
		return holds != cond->inverted;
	}

	add_score(evaluation, size_score(cond, (double) size, number));
	return true;
}

/* What VERBOSE shows of a condition. */
static void
say_answer(const Evaluation *evaluation, const RecipeCond *cond, bool holds, double points)
{
	if (recipe_vars_level(evaluation->run->state->vars, RECIPE_VERBOSE) <= RECIPE_NO)
		return;
	bool folds;
	g_autofree char *expression = recipe_cond_expression(cond);
	g_autofree char *written_out = cond->kind == 'r' ? recipe_pattern_expand(expression, &folds)
	                               : cond->kind == '?'
	                                       ? g_strdup(cond->rest)
	                                       : g_strdup_printf("%c %s", cond->kind, cond->rest);
	const char *inverted = cond->inverted ? "! " : "";
	if (cond->weighted)
		recipe_log_say(evaluation->run, "Score: %7.0f %7.0f %s\"%s\"", points,
		               evaluation->score, inverted, written_out);
	else
		recipe_log_say(evaluation->run, "%s on %s\"%s\"", holds ? "Match" : "No match",
		               inverted, written_out);
}

/* One condition, its marks already read. */
static bool
hold_read(Evaluation *evaluation, const RecipeCond *cond)
{
	if (cond->weighted) {
		evaluation->scored = true;
		if (evaluation->score >= INFINITE_SCORE)
			return true;
	}

	double before = evaluation->score;
	bool holds = cond->kind == '?'   ? hold_program(evaluation, cond)
	             : cond->kind == 'r' ? hold_expression(evaluation, cond)
	                                 : hold_size(evaluation, cond);
	say_answer(evaluation, cond, holds, evaluation->score - before);

	return holds && evaluation->score > -INFINITE_SCORE;
}

/* `$` may stand before `$`: each is expanded and read again, so often and no oftener. */
static bool
hold(Evaluation *evaluation, const char *text)
{
	RecipeCond cond = { .fields = wants_decoded(evaluation) };
	g_autofree char *expanded = NULL;

	recipe_cond_read(&cond, text);
	for (unsigned n = 0; cond.substitutes && n < 8; n++) {
		char *again = recipe_expand_quoted(evaluation->run, cond.rest);
		g_free(expanded);
		expanded = again;
		recipe_cond_read(&cond, expanded);
	}

	bool holds = hold_read(evaluation, &cond);
	g_free(cond.variable);
	return holds;
}

/* The conditions of a recipe that held, one behind the other. */
static void
tell_conditions(const RecipeRun *run, const RecipeNode *node)
{
	g_autoptr(GString) all = g_string_new(NULL);
	unsigned line = 0;

	for (guint i = 0; i < node->conditions->len && all->len < PLAN_TEST_OCTETS; i++) {
		const RecipeText *condition = node->conditions->pdata[i];
		if (line == 0)
			line = condition->line;
		g_string_append_printf(all, "%s* %s", i > 0 ? " " : "", condition->text);
	}
	if (line > 0)
		plan_set_inner_test(run->plan, line, all->str);
}

/* For whoever asks later why: the conditions that held, and those of the blocks around them. */
static void
tell_plan(const RecipeRun *run, const RecipeNode *node)
{
	const GArray *frames = run->state->frames;

	plan_set_test(run->plan, 0, "");
	for (guint i = 0; i < frames->len; i++) {
		const RecipeFrame *frame = &g_array_index(frames, RecipeFrame, i);
		if (frame->of != NULL)
			tell_conditions(run, frame->of);
	}
	tell_conditions(run, node);
}

bool
recipe_cond_hold(RecipeRun *run, const RecipeNode *node, const RecipeCondFlags *flags)
{
	Evaluation evaluation = { .run = run, .flags = flags };
	bool holds = true;

	for (guint i = 0; i < node->conditions->len && holds; i++) {
		const RecipeText *condition = node->conditions->pdata[i];
		evaluation.line = condition->line;
		holds = hold(&evaluation, condition->text);
		filter_trace(run->env, TRACE_TESTS, recipe_run_file(run), condition->line, "%s: %s",
		             condition->text, holds ? "yes" : "no");
	}

	if (evaluation.decoded != NULL)
		g_string_free(evaluation.decoded, TRUE);
	run->state->score = (gint64) evaluation.score;
	if (evaluation.score > 0 && evaluation.score < 1)
		run->state->score = 1;

	holds = holds && (!evaluation.scored || evaluation.score > 0);
	if (holds)
		tell_plan(run, node);
	return holds;
}
