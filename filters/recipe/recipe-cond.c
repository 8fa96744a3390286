/* recipe-cond: marks in front of a condition, then one of four kinds of question. */
#include "filters/recipe/recipe-cond.h"

#include "agent/base/limits.h"
#include "filters/recipe/recipe-expand.h"
#include "filters/recipe/recipe-parser.h"
#include "filters/recipe/recipe-pattern.h"
#include "filters/recipe/recipe-program.h"

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
} Evaluation;

static const char *
skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* A number without an exponent ("12e5" is none). NULL: there is no number. */
static const char *
read_number(const char *at, double *ret_number)
{
	const char *start = at;
	bool digits = false;
	if (*at == '-' || *at == '+')
		at++;
	while (g_ascii_isdigit(*at) || *at == '.')
		digits |= g_ascii_isdigit(*at++);
	if (!digits)
		return NULL;
	g_autofree char *number = g_strndup(start, (gsize) (at - start));
	*ret_number = g_ascii_strtod(number, NULL);
	return at;
}

/* NULL: no weight here. */
static const char *
read_weight(RecipeCond *cond, const char *at)
{
	double weight, exponent;
	const char *behind = read_number(at, &weight);
	if (behind == NULL || *(behind = skip_blanks(behind)) != '^')
		return NULL;
	behind = read_number(skip_blanks(behind + 1), &exponent);
	if (behind == NULL)
		return NULL;
	cond->weighted = true;
	cond->weight = weight;
	cond->exponent = exponent;
	return behind;
}

/* NAME ??; NULL: no such thing here. */
static const char *
read_area(RecipeCond *cond, const char *at)
{
	const char *behind = at;
	while (recipe_is_name(*behind))
		behind++;
	const char *marks = skip_blanks(behind);
	if (behind == at || marks[0] != '?' || marks[1] != '?')
		return NULL;
	g_autofree char *name = g_strndup(at, (gsize) (behind - at));
	g_clear_pointer(&cond->variable, g_free);
	cond->area = strcmp(name, "H") == 0 ? RECIPE_HEADER : strcmp(name, "B") == 0 ? RECIPE_BODY
	             : strcmp(name, "HB") == 0 || strcmp(name, "BH") == 0 ? RECIPE_BOTH : 0;
	if (cond->area == 0)
		cond->variable = g_steal_pointer(&name);
	return marks + 2;
}

void
recipe_cond_read(RecipeCond *cond, const char *text)
{
	const char *at = skip_blanks(text);
	cond->kind = 'r';
	cond->substitutes = false;
	for (;; at = skip_blanks(at)) {
		const char *behind = read_weight(cond, at);
		if (behind == NULL)
			behind = read_area(cond, at);
		if (behind == NULL && *at == '!') {
			cond->inverted = !cond->inverted;
			behind = at + 1;
		}
		if (behind == NULL)
			break;
		at = behind;
	}
	if (*at == '$') {
		cond->substitutes = true;
		at++;
	} else if (*at == '?' || *at == '<' || *at == '>') {
		cond->kind = *at++;
	} else if (*at == '\\') {
		at++;
	}
	cond->rest = cond->kind == 'r' && !cond->substitutes ? at : skip_blanks(at);
}

static const char *
text_of(const Evaluation *evaluation, const RecipeCond *cond, size_t *ret_len)
{
	RecipeState *state = evaluation->run->state;
	if (cond->variable != NULL) {
		const char *value = recipe_vars_text(state->vars, cond->variable);
		*ret_len = strlen(value);
		return value;
	}
	return recipe_mail_area(state->mail, cond->area != 0 ? cond->area : evaluation->flags->area, ret_len);
}

static void
add_score(Evaluation *evaluation, double points)
{
	if (!isnan(points))
		evaluation->score = CLAMP(evaluation->score + points, -INFINITE_SCORE, INFINITE_SCORE);
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

/* Score every match. A match that gets nowhere would be found for ever. False: a limit. */
static bool
score_matches(Evaluation *evaluation, const RecipeCond *cond, const RecipePattern *pattern)
{
	size_t len, from = 0, end;
	const char *text = text_of(evaluation, cond, &len);
	double weight = cond->weight;
	for (unsigned n = 0; n < LIMIT_RECIPE_SCORE_MATCHES; n++) {
		RecipeMatch answer = recipe_pattern_next(pattern, text, len, from, &end);
		if (answer != RECIPE_MATCH)
			return answer == RECIPE_NO_MATCH;
		if (end <= from) {
			add_score(evaluation, endless(weight, cond->exponent));
			return true;
		}
		add_score(evaluation, weight);
		if (end > len || cond->exponent == 0 || fabs(evaluation->score) >= INFINITE_SCORE)
			return true;
		if (fabs(weight) < 1 && fabs(cond->exponent) < 1)
			return true;
		weight *= cond->exponent;
		from = end;
	}
	return true;
}

static bool
limit_note(const Evaluation *evaluation, const char *expression)
{
	recipe_run_note(evaluation->run, evaluation->line, "the expression '%s' reached a limit: the recipe is not tried", expression);
	return false;
}

static void
set_match(Evaluation *evaluation, const char *text, const RecipeSpan *span)
{
	g_autofree char *match = g_strndup(text + span->start, span->end - span->start);
	recipe_vars_set(evaluation->run->state->vars, "MATCH", match);
}

static bool
hold_expression(Evaluation *evaluation, const RecipeCond *cond)
{
	RecipePatternError error;
	g_autoptr(RecipePattern) pattern = recipe_pattern_compile(cond->rest, evaluation->flags->case_counts, &error);
	if (pattern == NULL) {
		recipe_run_note(evaluation->run, evaluation->line, "invalid expression '%s': %s; the recipe is not tried", cond->rest,
		                error.text);
		return false;
	}
	if (cond->weighted && !cond->inverted && !recipe_pattern_splits(pattern))
		return score_matches(evaluation, cond, pattern) || limit_note(evaluation, cond->rest);
	size_t len;
	RecipeSpan span;
	const char *text = text_of(evaluation, cond, &len);
	RecipeMatch answer = recipe_pattern_match(pattern, text, len, &span);
	if (answer == RECIPE_LIMIT)
		return limit_note(evaluation, cond->rest);
	bool matched = answer == RECIPE_MATCH;
	if (matched && recipe_pattern_splits(pattern))
		set_match(evaluation, text, &span);
	if (!cond->weighted)
		return matched != cond->inverted;
	if (matched && !cond->inverted)
		return score_matches(evaluation, cond, pattern) || limit_note(evaluation, cond->rest);
	if (matched != cond->inverted)
		add_score(evaluation, cond->weight);
	return true;
}

static bool
hold_program(Evaluation *evaluation, const RecipeCond *cond)
{
	RecipeRun *run = evaluation->run;
	RecipeParts parts = cond->area != 0 ? cond->area : evaluation->flags->area;
	g_autoptr(GString) input = cond->variable != NULL ? g_string_new(recipe_vars_text(run->state->vars, cond->variable))
	                                                  : recipe_mail_bytes(run->state->mail, parts, false);
	int exit_code = 127;
	if (!recipe_program_run(run, cond->rest, input, NULL, &exit_code, NULL))
		return false;
	run->state->exit_code = exit_code;
	if (!cond->weighted)
		return (exit_code == 0) != cond->inverted;
	double weight = cond->weight;
	if (!cond->inverted)
		add_score(evaluation, exit_code == 0 ? cond->weight : cond->exponent);
	for (int i = 0; cond->inverted && i < exit_code; i++, weight *= cond->exponent)
		add_score(evaluation, weight);
	return true;
}

static bool
hold_size(Evaluation *evaluation, const RecipeCond *cond)
{
	double number;
	if (read_number(cond->rest, &number) == NULL)
		number = 0;
	size_t size = recipe_mail_size(evaluation->run->state->mail);
	if (cond->variable != NULL || cond->area != 0)
		(void) text_of(evaluation, cond, &size);
	bool less = cond->kind == '<';
	if (!cond->weighted)
		return (less ? (double) size < number : (double) size > number) != cond->inverted;
	if (number > 0 && size > 0) {
		double ratio = less ? number / (double) size : (double) size / number;
		add_score(evaluation, cond->weight * pow(ratio, cond->exponent));
	}
	return true;
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
	bool holds = cond->kind == '?'   ? hold_program(evaluation, cond)
	             : cond->kind == 'r' ? hold_expression(evaluation, cond)
	                                 : hold_size(evaluation, cond);
	return holds && evaluation->score > -INFINITE_SCORE;
}

/* `$` may stand before `$`: each is expanded and read again, so often and no oftener. */
static bool
hold(Evaluation *evaluation, const char *text)
{
	RecipeCond cond = { 0 };
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

bool
recipe_cond_hold(RecipeRun *run, const RecipeNode *node, const RecipeCondFlags *flags)
{
	Evaluation evaluation = { .run = run, .flags = flags };
	bool holds = true;
	for (guint i = 0; i < node->conditions->len && holds; i++) {
		const RecipeText *condition = node->conditions->pdata[i];
		evaluation.line = condition->line;
		holds = hold(&evaluation, condition->text);
		filter_trace(run->env, TRACE_TESTS, recipe_run_file(run), condition->line, "%s: %s", condition->text, holds ? "yes" : "no");
	}
	run->state->score = (gint64) evaluation.score;
	if (evaluation.score > 0 && evaluation.score < 1)
		run->state->score = 1;
	return holds && (!evaluation.scored || evaluation.score > 0);
}
