/* SPDX-License-Identifier: MIT */
/* recipe-pattern: expression -> tree -> PCRE2 pattern and states. */
#include "filters/recipe/pattern/recipe-pattern.h"

#include "agent/base/limits.h"
#include "agent/base/regex.h"
#include "filters/recipe/pattern/recipe-states.h"
#include "filters/recipe/pattern/recipe-tree.h"

#include <string.h>

struct RecipePattern {
	RecipeTree *tree;
	RecipeStates *states;
	GString *pcre;
	Regex *regex; /* NULL: too long for PCRE2; the states answer */
	guint64 work;
};

/* procmailrc(5), MISCELLANEOUS. The longer name stands before its beginning. */
static const struct {
	const char *name;
	const char *stands_for;
	bool folds;
} macros[] = {
	{ "^TO_",
	  "(^((Original-)?(Resent-)?(To|Cc|Bcc)|(X-Envelope|Apparently(-Resent)?)-To):(.*[^-a-zA-Z0-9_.])?)",
	  false },
	{ "^TO",
	  "(^((Original-)?(Resent-)?(To|Cc|Bcc)|(X-Envelope|Apparently(-Resent)?)-To):(.*[^a-zA-Z])?)",
	  false },
	{ "^FROM_DAEMON",
	  "(^(Mailing-List:|Precedence:.*(junk|bulk|list)|To: Multiple recipients of |"
	  "(((Resent-)?(From|Sender)|X-Envelope-From):|>?From )([^>]*[^(.%@a-z0-9])?("
	  "Post(ma?(st(e?r)?|n)|office)|(send)?Mail(er)?|daemon|m(mdf|ajordomo)|n?uucp|LIST(SERV|proc)|NETSERV|"
	  "o(wner|ps)|r(e(quest|sponse)|oot)|b(ounce|bs\\.smtp)|echo|mirror|s(erv(ices?|er)|mtp(error)?|ystem)|"
	  "A(dmin(istrator)?|MMGR|utoanswer))(([^).!:a-z0-9][-_a-z0-9]*)?[%@>\t "
	  "][^<)]*(\\(.*\\).*)?)?$([^>]|$)))",
	  true },
	{ "^FROM_MAILER",
	  "(^(((Resent-)?(From|Sender)|X-Envelope-From):|>?From )([^>]*[^(.%@a-z0-9])?("
	  "Post(ma(st(er)?|n)|office)|(send)?Mail(er)?|daemon|mmdf|n?uucp|ops|r(esponse|oot)|"
	  "(bbs\\.)?smtp(error)?|s(erv(ices?|er)|ystem)|A(dmin(istrator)?|MMGR))"
	  "(([^).!:a-z0-9][-_a-z0-9]*)?[%@>\t ][^<)]*(\\(.*\\).*)?)?$([^>]|$))",
	  false },
};

char *
recipe_pattern_expand(const char *expression, bool *ret_folds)
{
	GString *out = g_string_new(NULL);
	bool folds = false;

	for (const char *at = expression; *at != '\0';) {
		size_t i = 0;
		bool escaped = at > expression && at[-1] == '\\';
		while (i < G_N_ELEMENTS(macros) &&
		       (escaped || !g_str_has_prefix(at, macros[i].name)))
			i++;
		if (i == G_N_ELEMENTS(macros)) {
			g_string_append_c(out, *at++);
			continue;
		}
		g_string_append(out, macros[i].stands_for);
		folds = folds || macros[i].folds;
		at += strlen(macros[i].name);
	}

	*ret_folds = folds;
	return g_string_free(out, FALSE);
}

void
recipe_pattern_free(RecipePattern *pattern)
{
	if (pattern == NULL)
		return;
	regex_free(pattern->regex);
	if (pattern->pcre != NULL)
		g_string_free(pattern->pcre, TRUE);
	recipe_states_free(pattern->states);
	recipe_tree_free(pattern->tree);
	g_free(pattern);
}

RecipePattern *
recipe_pattern_compile(const char *expression, bool case_counts, RecipePatternError *ret_error)
{
	bool folds;

	if (strlen(expression) > LIMIT_RECIPE_PATTERN_BYTES) {
		*ret_error = (RecipePatternError){ LIMIT_RECIPE_PATTERN_BYTES,
			                           "the expression is too long" };
		return NULL;
	}

	g_autofree char *written_out = recipe_pattern_expand(expression, &folds);
	g_autoptr(RecipePattern) pattern = g_new0(RecipePattern, 1);
	pattern->tree = recipe_tree_parse(written_out, case_counts && !folds, ret_error);
	if (pattern->tree == NULL)
		return NULL;

	pattern->states = recipe_states_new(pattern->tree);
	bool is_caseless = !case_counts || folds;
	pattern->pcre = recipe_tree_pcre(pattern->tree, is_caseless);
	RegexFlags flags = is_caseless ? REGEX_CASELESS : REGEX_PLAIN;
	pattern->regex = regex_compile(pattern->pcre->str, pattern->pcre->len, flags, NULL);

	return g_steal_pointer(&pattern);
}

guint64
recipe_pattern_take_work(RecipePattern *pattern)
{
	guint64 work = pattern->work;
	pattern->work = 0;
	return work;
}

bool
recipe_pattern_splits(const RecipePattern *pattern)
{
	return pattern->tree->splits;
}

/* PCRE2's answer; RECIPE_LIMIT: it has none. */
static RecipeMatch
ask_pcre(const RecipePattern *pattern, const char *text, size_t len)
{
	if (pattern->regex == NULL)
		return RECIPE_LIMIT;
	g_autofree char *padded = g_malloc(len + 3);
	padded[0] = '\n';
	memcpy(padded + 1, text, len);
	memcpy(padded + 1 + len, "\n", 2);

	switch (regex_match(pattern->regex, padded, len + 2, 0, NULL, 0)) {
	case REGEX_MATCH:
		return RECIPE_MATCH;
	case REGEX_NO_MATCH:
		return RECIPE_NO_MATCH;
	default:
		return RECIPE_LIMIT;
	}
}

RecipeMatch
recipe_pattern_simulate(RecipePattern *pattern, const char *text, size_t len, RecipeSpan *ret_match)
{
	RecipeSpan found = { 0, 0 };
	const RecipeSearch search = {
		.text = text, .len = len, .longest = pattern->tree->splits, .steps = &pattern->work
	};
	RecipeMatch answer = recipe_states_run(pattern->states, &search, &found);

	if (answer == RECIPE_MATCH && pattern->tree->splits && ret_match != NULL)
		*ret_match = found;
	return answer;
}

RecipeMatch
recipe_pattern_match(RecipePattern *pattern, const char *text, size_t len, RecipeSpan *ret_match)
{
	RecipeMatch answer = ask_pcre(pattern, text, len);
	pattern->work += len;
	if (answer == RECIPE_NO_MATCH || (answer == RECIPE_MATCH && !pattern->tree->splits))
		return answer;
	return recipe_pattern_simulate(pattern, text, len, ret_match);
}

RecipeMatch
recipe_pattern_next(RecipePattern *pattern, const char *text, size_t len, size_t from,
                    RecipeSpan *ret_match)
{
	const RecipeSearch search = { .text = text,
		                      .len = len,
		                      .from = from,
		                      .longest = pattern->tree->splits,
		                      .counts = true,
		                      .steps = &pattern->work };
	return recipe_states_run(pattern->states, &search, ret_match);
}

void
recipe_pattern_disarm(GString *out, const char *text)
{
	g_string_append(out, "()");
	for (; *text != '\0'; text++) {
		if (strchr("(|)*?+.^$[\\", *text) != NULL)
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
}
