/* SPDX-License-Identifier: MIT */
/*
 * foreign-pattern: goes over an expression item by item. In the header a branch must name a field;
 * what is behind the colon becomes an expression over the value, which Sieve sees without white
 * space at its ends. The regex of Sieve is PCRE2 too, but has POSIX's bracket expressions, in which
 * a backslash is an ordinary character.
 */
#include "filters/foreign/foreign-pattern.h"

#include "agent/base/regex.h"

#include <string.h>

enum { MAX_BRANCHES = 16, MAX_NAMES = 32 };

static const char no_field[] = "it searches the whole header: Sieve asks for fields by name";
static const char no_name[] = "the field's name is a pattern: write a test for each name";
static const char no_blanks[] = "white space behind the colon does not count";
static const char no_bracket[] = "a set of characters has what Sieve's regex cannot write in one";
static const char no_feature[] =
	"the expression uses references, options or verbs: write it in another way";
static const char no_pattern[] = "PCRE does not take the expression";
static const char too_many[] = "the expression has too many branches";

static void
free_pattern(gpointer data)
{
	RecipeSievePattern *pattern = data;
	g_ptr_array_unref(pattern->fields);
	g_string_free(pattern->text, TRUE);
	g_free(pattern);
}

/* Behind the bracket expression that begins at `at`; its pattern is known to be whole. */
static const char *
skip_bracket(const char *at)
{
	at++;
	if (*at == '^')
		at++;
	if (*at == ']')
		at++;

	while (*at != '\0' && *at != ']') {
		const char *class_end = at[0] == '[' && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
		if (class_end != NULL)
			at = class_end + 2;
		else
			at += *at == '\\' && at[1] != '\0' ? 2 : 1;
	}
	return *at == ']' ? at + 1 : at;
}

static const char *
skip_item(const char *at)
{
	if (*at == '\\')
		return at[1] != '\0' ? at + 2 : at + 1;
	if (*at == '[')
		return skip_bracket(at);
	if (*at != '(')
		return *at != '\0' ? at + 1 : at;

	unsigned depth = 0;
	do {
		depth += *at == '(';
		depth -= *at == ')';
		at = *at == '\\' || *at == '[' ? skip_item(at) : at + 1;
	} while (*at != '\0' && depth > 0);

	return at;
}

/* Behind a quantifier, if one stands at `at`. */
static const char *
skip_quantifier(const char *at)
{
	if (*at == '{' && g_ascii_isdigit(at[1]))
		at = strchr(at, '}') != NULL ? strchr(at, '}') + 1 : at;
	else if (*at != '\0' && strchr("*+?", *at) != NULL)
		at++;
	else
		return at;

	return *at == '?' || *at == '+' ? at + 1 : at;
}

/* What would mean something else once the pattern is taken apart. */
static bool
has_feature(const char *pattern)
{
	for (const char *at = pattern; *at != '\0';) {
		if (at[0] == '(' && at[1] == '*')
			return true;
		if (at[0] == '(' && at[1] == '?' && strchr(":=!<", at[2]) == NULL)
			return true;
		if (at[0] == '(' && at[1] == '?' && at[2] == '<' && strchr("=!", at[3]) == NULL)
			return true;
		if (at[0] == '\\' && at[1] != '\0' && strchr("123456789gkQEKGAzZRXCN0ox", at[1]))
			return true;
		at = *at == '(' ? at + 1 : skip_item(at);
	}
	return strstr(pattern, "${") != NULL;
}

static bool
check(const char *pattern, RecipeVerdict *verdict)
{
	g_autoptr(Regex) regex = regex_compile(pattern, strlen(pattern), REGEX_UTF, NULL);
	if (regex == NULL)
		return recipe_verdict_by_hand(verdict, no_pattern);
	return !has_feature(pattern) || recipe_verdict_by_hand(verdict, no_feature);
}

unsigned
foreign_pattern_groups(const char *pattern)
{
	unsigned n = 0;
	for (const char *at = pattern; *at != '\0'; at = *at == '(' ? at + 1 : skip_item(at))
		n += at[0] == '(' && at[1] != '?' && at[1] != '*';
	return n;
}

bool
foreign_pattern_needs_pcre(const char *pattern)
{
	for (const char *at = pattern; *at != '\0';) {
		const char *next = *at == '(' ? at + 1 : skip_item(at);
		bool in_set = *at == '[' && memchr(at, '\\', (size_t) (next - at)) != NULL;
		bool lazy = strchr("*+?", *at) != NULL && (*next == '?' || *next == '+');
		if (in_set || lazy || (at[0] == '(' && at[1] == '?') ||
		    (at[0] == '\\' && at[1] != '\0' && strchr("dDhHtnrAzZ", at[1]) != NULL))
			return true;
		at = next;
	}
	return false;
}

/* One item of a set: its text goes to `out`; ']', '^' and '-' are put where they are themselves. */
typedef struct {
	GString *items;
	bool has_bracket, has_caret, has_dash;
} Set;

static const char *
class_of(char letter)
{
	switch (letter) {
	case 's':
		return "[:space:]";
	case 'd':
		return "[:digit:]";
	case 'w':
		return "[:alnum:]_";
	default:
		return NULL;
	}
}

static bool
add_octet(Set *set, char c, bool in_range)
{
	if (in_range && strchr("]-^[\\", c) != NULL)
		return false;
	set->has_bracket |= c == ']';
	set->has_caret |= c == '^';
	set->has_dash |= c == '-';
	if (strchr("]^-", c) == NULL)
		g_string_append_c(set->items, c);
	return true;
}

/* The octet that an item is, as \. or a; -1: it is more than one. *at goes behind it. */
static int
read_octet(const char **at)
{
	char c = *(*at)++;
	if (c != '\\')
		return (guchar) c;

	c = *(*at)++;
	if (c == 't')
		return '\t';
	return g_ascii_isalnum(c) || c == '\0' ? -1 : (guchar) c;
}

static bool
read_set(const char *at, const char *end, Set *set)
{
	while (at < end) {
		const char *class_end = at[0] == '[' && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
		if (class_end != NULL) {
			g_string_append_len(set->items, at, class_end + 2 - at);
			at = class_end + 2;
			continue;
		}
		if (*at == '\\' && class_of(at[1]) != NULL) {
			g_string_append(set->items, class_of(at[1]));
			at += 2;
			continue;
		}

		int c = read_octet(&at);
		bool in_range = at + 1 < end && *at == '-';
		if (c < 0 || !add_octet(set, (char) c, in_range))
			return false;
		if (!in_range)
			continue;
		at++;
		int last = read_octet(&at);
		if (last < 0 || strchr("]-^[\\", last) != NULL)
			return false;
		g_string_append_printf(set->items, "-%c", last);
	}
	return true;
}

/* A bracket expression as POSIX writes it. */
static bool
put_bracket(GString *out, const char *at, const char *end, RecipeVerdict *verdict)
{
	g_autoptr(GString) items = g_string_new(NULL);
	Set set = { .items = items };
	bool inverted = at[1] == '^';
	if (!read_set(at + 1 + inverted, end - 1, &set))
		return recipe_verdict_by_hand(verdict, no_bracket);

	bool only_caret = set.has_caret && !set.has_bracket && items->len == 0;
	if (only_caret && !inverted && !set.has_dash) {
		g_string_append(out, "\\^");
		return true;
	}
	if (only_caret && !inverted) {
		g_string_append(out, "[-^]");
		return true;
	}

	g_string_append_printf(out, "[%s%s%s%s%s]", inverted ? "^" : "", set.has_bracket ? "]" : "",
	                       items->str, set.has_caret ? "^" : "", set.has_dash ? "-" : "");
	return true;
}

/* Copy [at, end) with its bracket expressions rewritten. */
static bool
put_expression(GString *out, const char *at, const char *end, RecipeVerdict *verdict)
{
	while (at < end) {
		const char *next = *at == '(' ? at + 1 : skip_item(at);
		if (*at == '[') {
			if (!put_bracket(out, at, next, verdict))
				return false;
		} else if (at[0] == '\\' && at[1] == '/') {
			g_string_append_c(out, '/');
		} else {
			g_string_append_len(out, at, next - at);
		}
		at = next;
	}
	return true;
}

char *
foreign_pattern_text(const char *pattern, bool lines, RecipeVerdict *verdict)
{
	g_autoptr(GString) out = g_string_new(NULL);
	bool anchored = false;
	if (!check(pattern, verdict))
		return NULL;

	for (const char *at = pattern; *at != '\0';) {
		const char *next = *at == '(' ? at + 1 : skip_item(at);
		anchored |= *at == '^' || *at == '$';
		if (*at == '$' && lines)
			g_string_append(out, "\\r?$");
		else if (!put_expression(out, at, next, verdict))
			return NULL;
		at = next;
	}

	return g_strconcat(anchored && lines ? "(?m)" : "", out->str, NULL);
}

/* Split [at, end) at the bars of its outermost level; pieces (char *) go to `out`. */
static void
split(const char *at, const char *end, GPtrArray *out)
{
	const char *start = at;
	for (; at < end; at = skip_item(at)) {
		if (*at != '|')
			continue;
		g_ptr_array_add(out, g_strndup(start, (gsize) (at - start)));
		start = at + 1;
	}
	g_ptr_array_add(out, g_strndup(start, (gsize) (end - start)));
}

/* Append what follows to each of the names; with `maybe` the names themselves stay, too. */
static GPtrArray *
extend(GPtrArray *taken_names, const GPtrArray *with, bool maybe)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < taken_names->len && out->len <= MAX_NAMES; i++) {
		const char *name = taken_names->pdata[i];
		if (maybe)
			g_ptr_array_add(out, g_strdup(name));
		for (guint j = 0; j < with->len; j++)
			g_ptr_array_add(out, g_strconcat(name, with->pdata[j], NULL));
	}
	g_ptr_array_unref(taken_names);
	return out;
}

/* The one octet of a name that an item stands for: a, \-, [Aa]; 0: none. */
static char
name_octet(const char *at, const char *next)
{
	char c = *at;
	if (c == '\\' && at[1] == '-')
		return '-';
	if (c == '[' && next - at == 4 && g_ascii_tolower(at[1]) == g_ascii_tolower(at[2]) &&
	    g_ascii_isalpha(at[1]))
		return at[1];
	return g_ascii_isalnum(c) || c == '-' || c == '_' ? c : '\0';
}

/* A group of plain names, each with a colon at its end or none. */
static GPtrArray *
read_group_names(const char *at, const char *end, bool *ret_colon)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	bool first = true;
	at += g_str_has_prefix(at, "(?:") ? 3 : 1;
	split(at, end - 1, pieces);

	for (guint i = 0; i < pieces->len; i++) {
		g_autoptr(GString) name = g_string_new(NULL);
		const char *c = pieces->pdata[i];
		while (*c != '\0' && name_octet(c, skip_item(c)) != '\0') {
			g_string_append_c(name, name_octet(c, skip_item(c)));
			c = skip_item(c);
		}
		bool colon = *c == ':';
		if (c[colon] != '\0' || (!first && colon != *ret_colon)) {
			g_ptr_array_unref(names);
			return NULL;
		}
		*ret_colon = colon;
		first = false;
		g_ptr_array_add(names, g_string_free(g_steal_pointer(&name), FALSE));
	}
	return names;
}

typedef struct {
	GPtrArray *names;
	const char *value; /* behind the colon */
	unsigned groups;   /* that capture, before the value */
} Head;

/* Up to the colon. False: the name is a pattern. */
static bool
read_head(const char *at, Head *head)
{
	head->names = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(head->names, g_strdup(""));

	while (*at != '\0' && *at != ':') {
		const char *next = skip_item(at);
		bool colon = false;
		g_autoptr(GPtrArray) with = NULL;
		char c = name_octet(at, next);
		if (*at == '(') {
			with = read_group_names(at, next, &colon);
			head->groups += at[1] != '?';
		} else if (c != '\0') {
			with = g_ptr_array_new_with_free_func(g_free);
			g_ptr_array_add(with, g_strndup(&c, 1));
		}
		bool maybe = *next == '?';
		bool repeats = *next != '\0' && strchr("*+{", *next) != NULL;
		if (with == NULL || repeats || (colon && maybe))
			return false;
		head->names = extend(head->names, with, maybe);
		if (head->names->len > MAX_NAMES)
			return false;
		if (colon) {
			head->value = next;
			return true;
		}
		at = next + maybe;
	}

	head->value = *at == ':' ? at + 1 : NULL;
	return head->value != NULL;
}

static void
clear_head(Head *head)
{
	g_clear_pointer(&head->names, g_ptr_array_unref);
}

/* `X-Spam-Flag: YES`, `(To|Cc):` without an anchor: names and a colon nevertheless. */
static bool
is_named(const char *at)
{
	Head head = { 0 };
	bool named = *at != '[' && read_head(at, &head);
	for (guint i = 0; named && i < head.names->len; i++)
		named = strlen(head.names->pdata[i]) > 1;
	clear_head(&head);
	return named;
}

/* Is the item white space, or a set of it? */
static bool
is_blank_item(const char *at, const char *next)
{
	static const char *const sets[] = { "[ ]",         "[\t]",   "[ \t]", "[\t ]",
		                            "[ \\t]",      "[\\t ]", "[\\s]", "[[:space:]]",
		                            "[[:blank:]]", "\\s",    "\\t",   "\\h",
		                            "\\ ",         " ",      "\t" };
	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
		if (strlen(sets[i]) == (size_t) (next - at) &&
		    strncmp(at, sets[i], (size_t) (next - at)) == 0)
			return true;
	return false;
}

/* Behind white space and its quantifiers. */
static const char *
skip_blanks(const char *at)
{
	while (*at != '\0' && is_blank_item(at, skip_item(at)))
		at = skip_quantifier(skip_item(at));
	return at;
}

/* Behind ".*" and ".+". */
static const char *
skip_anything(const char *at)
{
	while (at[0] == '.' && (at[1] == '*' || at[1] == '+'))
		at = skip_quantifier(at + 1);
	return at;
}

/* The text that an expression is when it is nothing else; NULL: it is more. Caller frees. */
static char *
plain_text(const char *at)
{
	GString *out = g_string_new(NULL);
	for (; *at != '\0'; at++) {
		bool escaped = at[0] == '\\' && at[1] != '\0' && !g_ascii_isalnum(at[1]);
		at += escaped;
		if (!escaped && strchr("\\^$.[]|()?*+{}", *at) != NULL) {
			g_string_free(out, TRUE);
			return NULL;
		}
		g_string_append_c(out, *at);
	}
	return g_string_free(out, FALSE);
}

/* ".*" and ".*$" at the end say nothing, unless a group is asked for what it took. */
static char *
without_tail(const char *at)
{
	char *text = g_strdup(at);
	size_t len = strlen(text);
	if (len >= 3 && strcmp(text + len - 3, ".*$") == 0)
		len -= 3;
	else if (len >= 2 && strcmp(text + len - 2, ".*") == 0)
		len -= 2;
	if (len > 0 && text[len - 1] == '\\') /* an escaped dot: the star is its own */
		return text;
	text[len] = '\0';
	return text;
}

/*
 * Does the expression, each branch of it, begin with what may take the blank behind the colon, and
 * may take nothing, as that blank is not there in Sieve?
 */
static bool
takes_blank(const char *at)
{
	const char *next = skip_item(at);
	bool blank = is_blank_item(at, next);
	bool many = *at == '.' || g_str_has_prefix(at, "[^") || g_str_has_prefix(at, "\\S");
	if (*at != '(')
		return ((blank || many) && *next == '*') || (blank && *next == '?');

	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	split(at + (g_str_has_prefix(at, "(?:") ? 3 : 1), next - 1, pieces);
	bool takes = true;
	for (guint i = 0; i < pieces->len; i++)
		takes = takes && takes_blank(pieces->pdata[i]);
	return takes;
}

/* Does an item match a blank? */
static bool
matches_blank(const char *at, const char *next)
{
	g_autoptr(Regex) regex = regex_compile(at, (size_t) (next - at), REGEX_UTF, NULL);
	return *at != '$' && regex != NULL && regex_match(regex, " ", 1, 0, NULL, 0) == REGEX_MATCH;
}

/* May the expression begin with the blank behind the colon? */
static bool
may_take_blank(const char *at)
{
	for (const char *next; *at != '\0'; at = skip_quantifier(next)) {
		bool plain_group = g_str_has_prefix(at, "(?:") || (*at == '(' && at[1] != '?');
		next = skip_item(at);
		if (*next == '*' || *next == '?') {
			continue; /* it takes that blank or nothing */
		} else if (plain_group) {
			g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
			split(at + (at[1] == '?' ? 3 : 1), next - 1, pieces);
			for (guint i = 0; i < pieces->len; i++)
				if (may_take_blank(pieces->pdata[i]))
					return true;
		} else if (matches_blank(at, next)) {
			return true;
		}
		if (*next != '{')
			return false;
	}
	return false;
}

/*
 * `.* x`: the blank may be the one behind the colon, which Sieve does not see: (?:^| )x. Behind
 * such a blank, or `at` where there is none or it may be missing.
 */
static const char *
put_first_blank(GString *out, const char *at)
{
	const char *next = skip_item(at);
	const char *behind = skip_quantifier(next);
	if (!is_blank_item(at, next) || (*next != '\0' && strchr("*?{", *next) != NULL))
		return at;
	g_string_append_printf(out, "(?:^|%.*s)", (int) (behind - at), at);
	return behind;
}

/* The expression over the value, as Sieve sees it. */
static bool
put_value(RecipeSievePattern *pattern, const char *value, RecipeVerdict *verdict)
{
	const char *at = skip_blanks(value);
	const char *behind = skip_anything(at);
	bool anchored = behind == at;
	if (anchored && at == value && *at != '\0' && !takes_blank(at))
		return recipe_verdict_by_hand(
			verdict, "it asks for a value without a blank behind the colon");
	if (anchored && *at != '\0')
		recipe_verdict_changed(verdict, no_blanks);

	if (!anchored)
		behind = put_first_blank(pattern->text, behind);
	if (!anchored && pattern->text->len == 0 && may_take_blank(behind))
		recipe_verdict_changed(verdict, no_blanks);

	g_autofree char *tail = without_tail(behind);
	g_autofree char *plain = plain_text(tail);
	if (plain != NULL && pattern->text->len == 0 && (!anchored || *plain == '\0')) {
		pattern->plain = true;
		g_string_append(pattern->text, plain);
		return true;
	}
	if (anchored)
		g_string_append_c(pattern->text, '^');

	/* a bar of the outermost level was split before; what is left may stand alone */
	return put_expression(pattern->text, tail, tail + strlen(tail), verdict);
}

static bool add_branches(GPtrArray *out, const char *pattern, unsigned groups, unsigned depth,
                         RecipeVerdict *verdict);

/*
 * `^(To: a|Cc: b)c`, or without the anchor `(^To: a|^Cc: b)c`: each alternative with what follows.
 */
static bool
distribute(GPtrArray *out, const char *group, bool anchored, unsigned groups, unsigned depth,
           RecipeVerdict *verdict)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	const char *end = skip_item(group);
	if (*end != '\0' && strchr("*+?{", *end) != NULL)
		return recipe_verdict_by_hand(verdict, no_field);

	split(group + (g_str_has_prefix(group, "(?:") ? 3 : 1), end - 1, pieces);
	groups += group[1] != '?';
	for (guint i = 0; i < pieces->len; i++) {
		const char *piece = pieces->pdata[i];
		if (!anchored && *piece != '^' && !is_named(piece))
			return recipe_verdict_by_hand(verdict, no_field);
		g_autofree char *branch = g_strconcat(anchored ? "^" : "", piece, end, NULL);
		if (!add_branches(out, branch, groups, depth + 1, verdict))
			return false;
	}
	return true;
}

static bool
add_branch(GPtrArray *out, const char *branch, unsigned groups, unsigned depth,
           RecipeVerdict *verdict)
{
	if (depth > 8 || out->len >= MAX_BRANCHES)
		return recipe_verdict_by_hand(verdict, too_many);
	if (*branch == '(' && !is_named(branch))
		return distribute(out, branch, false, groups, depth, verdict);
	if (*branch != '^' && !is_named(branch))
		return recipe_verdict_by_hand(verdict, no_field);
	if (*branch != '^')
		recipe_verdict_changed(verdict, "it is taken for the field of that name alone");

	Head head = { 0 };
	const char *at = branch + (*branch == '^');
	if (!read_head(at, &head)) {
		clear_head(&head);
		return *at == '(' ? distribute(out, at, true, groups, depth, verdict)
		                  : recipe_verdict_by_hand(verdict, no_name);
	}

	RecipeSievePattern *pattern = g_new0(RecipeSievePattern, 1);
	pattern->fields = g_steal_pointer(&head.names);
	pattern->text = g_string_new(NULL);
	pattern->match_group = groups + head.groups;
	g_ptr_array_add(out, pattern);
	for (guint i = 0; i < pattern->fields->len; i++)
		if (*(const char *) pattern->fields->pdata[i] == '\0')
			return recipe_verdict_by_hand(verdict, no_name);

	return put_value(pattern, head.value, verdict);
}

static bool
add_branches(GPtrArray *out, const char *pattern, unsigned groups, unsigned depth,
             RecipeVerdict *verdict)
{
	g_autoptr(GPtrArray) branches = g_ptr_array_new_with_free_func(g_free);
	split(pattern, pattern + strlen(pattern), branches);
	for (guint i = 0; i < branches->len; i++)
		if (!add_branch(out, branches->pdata[i], groups, depth, verdict))
			return false;
	return true;
}

GPtrArray *
foreign_pattern_fields(const char *pattern, RecipeVerdict *verdict)
{
	g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(free_pattern);
	if (!check(pattern, verdict) || !add_branches(out, pattern, 0, 0, verdict))
		return NULL;
	return g_steal_pointer(&out);
}
