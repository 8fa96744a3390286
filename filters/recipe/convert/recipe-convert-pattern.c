/* SPDX-License-Identifier: MIT */
/*
 * recipe-convert-pattern: takes the tree of an expression apart. In the header a branch must begin
 * at a line and name a field; what is behind the colon becomes a pattern over the value, which has
 * no white space at its ends and no line ends in it.
 */
#include "filters/recipe/convert/recipe-convert-pattern.h"

#include "filters/recipe/pattern/recipe-pattern.h"
#include "filters/recipe/pattern/recipe-tree.h"

#include <string.h>

/* Branches of an expression, and field names of a branch, that are written out. */
enum { LIMIT_BRANCHES = 16, LIMIT_NAMES = 32 };

static const char no_field[] = "it searches the whole header: Sieve asks for fields by name";
static const char no_pattern[] =
	"the expression goes over line ends, or has octets that are no UTF-8";
static const char no_blanks[] = "white space behind the colon does not count";

void
recipe_verdict_init(RecipeVerdict *verdict)
{
	*verdict = (RecipeVerdict){ VERDICT_SAME, g_ptr_array_new() };
}

void
recipe_verdict_clear(RecipeVerdict *verdict)
{
	g_clear_pointer(&verdict->reasons, g_ptr_array_unref);
}

static void
add_reason(RecipeVerdict *verdict, RecipeVerdictKind kind, const char *reason)
{
	bool was_by_hand = verdict->kind == VERDICT_BY_HAND;
	if (kind == VERDICT_CHANGED && was_by_hand) /* what is by hand is not there to be changed */
		return;

	if (kind == VERDICT_BY_HAND && !was_by_hand) /* what was changed is not there any more */
		g_ptr_array_set_size(verdict->reasons, 0);

	verdict->kind = MAX(verdict->kind, kind);
	for (guint i = 0; i < verdict->reasons->len; i++)
		if (strcmp(verdict->reasons->pdata[i], reason) == 0)
			return;
	g_ptr_array_add(verdict->reasons, (gpointer) reason);
}

void
recipe_verdict_changed(RecipeVerdict *verdict, const char *reason)
{
	add_reason(verdict, VERDICT_CHANGED, reason);
}

bool
recipe_verdict_by_hand(RecipeVerdict *verdict, const char *reason)
{
	add_reason(verdict, VERDICT_BY_HAND, reason);
	return false;
}

void *
recipe_verdict_nothing(RecipeVerdict *verdict, const char *reason)
{
	add_reason(verdict, VERDICT_BY_HAND, reason);
	return NULL;
}

static void
pattern_free(gpointer data)
{
	RecipeSievePattern *pattern = data;
	if (pattern->fields != NULL)
		g_ptr_array_unref(pattern->fields);
	g_string_free(pattern->text, TRUE);
	g_free(pattern);
}

static unsigned
set_size(const RecipeSet *set)
{
	unsigned n = 0;
	for (unsigned c = 0; c < 256; c++)
		n += recipe_set_has(set, (guchar) c);
	return n;
}

/* The only octet of a set, small letters for both cases; -1: there are more. */
static int
only_octet(const RecipeTreeNode *node)
{
	if (node->kind != TREE_SET)
		return -1;
	unsigned n = set_size(&node->set);
	int c = 255;
	while (c > 0 && !recipe_set_has(&node->set, (guchar) c))
		c--;

	bool both = n == 2 && g_ascii_islower(c) &&
	            recipe_set_has(&node->set, (guchar) g_ascii_toupper(c));
	return n == 1 || both ? c : -1;
}

/* The same for what is printed: where case counts, both cases are two. */
static int
printed_octet(const RecipeTreeNode *node, bool folds)
{
	int c = only_octet(node);
	return c >= 0 && (folds || set_size(&node->set) == 1) ? c : -1;
}

static bool
is_line_end(const RecipeTreeNode *node)
{
	return only_octet(node) == '\n';
}

/* A dot. */
static bool
is_any(const RecipeTreeNode *node)
{
	return node->kind == TREE_SET && set_size(&node->set) == 255 &&
	       !recipe_set_has(&node->set, '\n');
}

static bool
is_blank(const RecipeTreeNode *node)
{
	if (node->kind != TREE_SET)
		return false;
	unsigned blanks = recipe_set_has(&node->set, ' ') + recipe_set_has(&node->set, '\t');
	return blanks > 0 && set_size(&node->set) == blanks;
}

static bool
is_repeated(const RecipeTreeNode *node, bool (*what)(const RecipeTreeNode *))
{
	return (node->kind == TREE_STAR || node->kind == TREE_PLUS) && what(node->left);
}

/* The items of a chain, first to last, behind those that `items` has. */
static void
flatten(const RecipeTreeNode *node, GPtrArray *items)
{
	if (node->kind == TREE_CONCAT) {
		guint at = items->len;
		for (; node->kind == TREE_CONCAT; node = node->left)
			g_ptr_array_insert(items, (gint) at, node->right);
		GPtrArray *first = g_ptr_array_new();
		flatten(node, first);
		for (guint i = first->len; i > 0; i--)
			g_ptr_array_insert(items, (gint) at, first->pdata[i - 1]);
		g_ptr_array_unref(first);
	} else if (node->kind != TREE_EMPTY) {
		g_ptr_array_add(items, (gpointer) node);
	}
}

/* Does a branch of `node` begin at a line? */
static bool
has_anchor(const RecipeTreeNode *node)
{
	if (node->kind == TREE_OR)
		return has_anchor(node->left) || has_anchor(node->right);
	while (node->kind == TREE_CONCAT)
		node = node->left;
	return node->kind == TREE_OR ? has_anchor(node) : is_line_end(node);
}

/* Write the branches of `items` out: (^a|^b)c becomes ^ac and ^bc. False: too many. */
static bool
split_branches(const GPtrArray *items, GPtrArray *branches)
{
	const RecipeTreeNode *first = items->len > 0 ? items->pdata[0] : NULL;

	if (first == NULL || first->kind != TREE_OR || (!has_anchor(first) && items->len > 1)) {
		if (branches->len >= LIMIT_BRANCHES)
			return false;
		g_ptr_array_add(branches, g_ptr_array_copy((GPtrArray *) items, NULL, NULL));
		return true;
	}

	for (const RecipeTreeNode *sides[] = { first->left, first->right }, **side = sides;
	     side < sides + 2; side++) {
		g_autoptr(GPtrArray) branch = g_ptr_array_new();
		flatten(*side, branch);
		for (guint i = 1; i < items->len; i++)
			g_ptr_array_add(branch, items->pdata[i]);
		if (!split_branches(branch, branches))
			return false;
	}

	return true;
}

/*
 * Everything that `node` can stand for behind each of `names`. NULL: too much, or what no name has.
 */
static GPtrArray *
extend_names(const GPtrArray *names, const RecipeTreeNode *node)
{
	g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) left = NULL, right = NULL;
	int c = only_octet(node);

	switch (node->kind) {
	case TREE_SET:
		if (c <= ' ' || c == ':' || c > '~')
			return NULL;
		for (guint i = 0; i < names->len; i++)
			g_ptr_array_add(out,
			                g_strdup_printf("%s%c", (const char *) names->pdata[i], c));
		return g_steal_pointer(&out);
	case TREE_EMPTY:
		return g_ptr_array_copy((GPtrArray *) names, (GCopyFunc) (void (*)(void)) g_strdup,
		                        NULL);
	case TREE_CONCAT:
		left = extend_names(names, node->left);
		return left != NULL ? extend_names(left, node->right) : NULL;
	case TREE_MAYBE:
	case TREE_OR:
		left = extend_names(names, node->left);
		right = node->kind == TREE_OR
		                ? extend_names(names, node->right)
		                : g_ptr_array_copy((GPtrArray *) names,
		                                   (GCopyFunc) (void (*)(void)) g_strdup, NULL);
		break;
	default:
		return NULL;
	}

	if (left == NULL || right == NULL || left->len + right->len > LIMIT_NAMES)
		return NULL;
	for (guint i = 0; i < left->len + right->len; i++)
		g_ptr_array_add(out, g_strdup(i < left->len ? left->pdata[i]
		                                            : right->pdata[i - left->len]));
	return g_steal_pointer(&out);
}

/* Subject, List-Id. */
static void
capitalise(char *name)
{
	for (char *at = name; *at != '\0'; at++)
		*at = at == name || at[-1] == '-' ? g_ascii_toupper(*at) : g_ascii_tolower(*at);
}

/*
 * The fields that a branch names, and the place of its first item behind the colon. NULL: it names
 * none.
 */
static GPtrArray *
take_fields(const GPtrArray *items, guint *ret_at, RecipeVerdict *verdict)
{
	if (items->len == 0 || !is_line_end(items->pdata[0]))
		return recipe_verdict_nothing(verdict, no_field);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(names, g_strdup(""));

	guint at = 1;
	for (;; at++) {
		const RecipeTreeNode *item = at < items->len ? items->pdata[at] : NULL;
		if (item == NULL)
			return recipe_verdict_nothing(verdict, no_field);
		bool colon = item->kind == TREE_SET && recipe_set_has(&item->set, ':') &&
		             set_size(&item->set) < 4;
		bool skips = is_repeated(item, is_any) && *(const char *) names->pdata[0] != '\0';
		if (colon && only_octet(item) != ':')
			recipe_verdict_changed(verdict,
			                       "the From_ line is not part of the message");
		if (skips)
			recipe_verdict_changed(
				verdict,
				"the expression has no colon: only the field with exactly this "
				"name is searched");
		if (colon || skips) {
			*ret_at = colon ? at + 1 : at;
			break;
		}
		GPtrArray *longer = extend_names(names, item);
		if (longer == NULL)
			return recipe_verdict_nothing(
				verdict,
				only_octet(item) == ' '
					? "it searches the From_ line, which is no part of the "
					  "message"
					: no_field);
		g_ptr_array_unref(names);
		names = longer;
	}

	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		if (*name == '\0' || name[strlen(name) - 1] == '-')
			return recipe_verdict_nothing(verdict, no_field);
		capitalise(names->pdata[i]);
	}

	return g_steal_pointer(&names);
}

typedef struct {
	GString *out;
	bool folds;
	bool lazy; /* repetitions take as little as they can: left of \/ */
	unsigned groups;
	bool failed;
} Printer;

static void print_node(Printer *printer, const RecipeTreeNode *node);

static void
print_octet(Printer *printer, int c)
{
	if (strchr("\\.[]()*+?{}|^$", c) != NULL)
		g_string_append_c(printer->out, '\\');
	g_string_append_c(printer->out, (char) c);
}

static bool
is_word_edge(const RecipeSet *set)
{
	for (unsigned c = 0; c < 256; c++)
		if (recipe_set_has(set, (guchar) c) == (g_ascii_isalnum(c) || c == '_'))
			return false;
	return true;
}

/*
 * Is `c` to be written in the bracket? Of both cases of a letter one is enough where case does not
 * count.
 */
static bool
is_member(const Printer *printer, const RecipeSet *set, bool inverted, unsigned c)
{
	if (c >= 128 || recipe_set_has(set, (guchar) c) == inverted || (inverted && c == '\n'))
		return false;
	bool twin = printer->folds && g_ascii_isupper(c) &&
	            recipe_set_has(set, (guchar) g_ascii_tolower(c)) != inverted;
	return !twin;
}

/* The members of a bracket: "]" first, "-" last, and "^" not first. */
static void
print_members(Printer *printer, const RecipeSet *set, bool inverted)
{
	GString *out = printer->out;

	if (is_member(printer, set, inverted, ']'))
		g_string_append_c(out, ']');
	for (unsigned c = 1; c < 128; c++) {
		if (c == ']' || c == '-' || c == '^' || !is_member(printer, set, inverted, c))
			continue;
		unsigned end = c;
		while (g_ascii_isalnum(end) && g_ascii_isalnum(end + 1) &&
		       is_member(printer, set, inverted, end + 1))
			end++;
		g_string_append_c(out, (char) c);
		if (end > c + 1)
			g_string_append_c(out, '-');
		if (end > c)
			g_string_append_c(out, (char) end);
		c = end;
	}

	if (is_member(printer, set, inverted, '^'))
		g_string_append_c(out, '^');
	if (is_member(printer, set, inverted, '-'))
		g_string_append_c(out, '-');
}

static void
print_set(Printer *printer, const RecipeTreeNode *node)
{
	int c = printed_octet(node, printer->folds);
	unsigned high = 0;

	for (unsigned octet = 128; octet < 256; octet++)
		high += recipe_set_has(&node->set, (guchar) octet);
	if (c >= 0 && c != '\n') {
		print_octet(printer, c);
	} else if (is_any(node)) {
		g_string_append_c(printer->out, '.');
	} else if (is_word_edge(&node->set)) {
		g_string_append(printer->out, "([^a-zA-Z0-9_]|^|$)");
		printer->groups++;
	} else if (recipe_set_has(&node->set, '\n') || (high != 0 && high != 128)) {
		printer->failed = true;
	} else {
		GString *members = g_string_new(NULL);
		Printer inner = { .out = members, .folds = printer->folds };
		print_members(&inner, &node->set, high != 0);
		bool only_caret = strcmp(members->str, "^") == 0 && high == 0;
		g_string_append_printf(printer->out,
		                       only_caret  ? "\\%s"
		                       : high != 0 ? "[^%s]"
		                                   : "[%s]",
		                       members->str);
		printer->failed |= members->len == 0 ||
		                   (members->str[0] == '^' && members->len > 1 && high == 0);
		g_string_free(members, TRUE);
	}
}

static void
print_group(Printer *printer, const RecipeTreeNode *node)
{
	g_string_append_c(printer->out, '(');
	printer->groups++;
	print_node(printer, node);
	g_string_append_c(printer->out, ')');
}

static void
print_repeated(Printer *printer, const RecipeTreeNode *node)
{
	if (node->left->kind == TREE_SET)
		print_node(printer, node->left);
	else
		print_group(printer, node->left);

	g_string_append_c(printer->out, node->kind == TREE_STAR   ? '*'
	                                : node->kind == TREE_PLUS ? '+'
	                                                          : '?');
	if (printer->lazy)
		g_string_append_c(printer->out, '?');
}

/* Branches of an "or", without their brackets. */
static void
print_branches(Printer *printer, const RecipeTreeNode *node)
{
	if (node->kind == TREE_OR) {
		print_branches(printer, node->left);
		g_string_append_c(printer->out, '|');
		print_branches(printer, node->right);
		return;
	}
	print_node(printer, node);
}

static void
print_node(Printer *printer, const RecipeTreeNode *node)
{
	g_autoptr(GPtrArray) items = NULL;
	switch (node->kind) {
	case TREE_EMPTY:
		break;
	case TREE_SET:
		print_set(printer, node);
		break;
	case TREE_STAR:
	case TREE_PLUS:
	case TREE_MAYBE:
		print_repeated(printer, node);
		break;
	case TREE_CONCAT:
		items = g_ptr_array_new();
		flatten(node, items);
		for (guint i = 0; i < items->len; i++)
			print_node(printer, items->pdata[i]);
		break;
	case TREE_OR:
		g_string_append_c(printer->out, '(');
		printer->groups++;
		print_branches(printer, node);
		g_string_append_c(printer->out, ')');
		break;
	default:
		printer->failed = true;
	}
}

typedef struct {
	const GPtrArray *items;
	guint from, to; /* items that are printed */
	guint split;    /* of \/; `to`: none */
	bool at_start, at_end;
	bool blank_or_start; /* the first item is a blank, which may be the one behind the colon */
	bool in_lines;       /* the text has lines: the body */
	bool is_value;       /* the text is a variable's value: it ends where the text ends */
} Span;

/* Can what it matches begin with white space? */
static bool
may_begin_blank(const RecipeTreeNode *node)
{
	switch (node->kind) {
	case TREE_SET:
		return recipe_set_has(&node->set, ' ') || recipe_set_has(&node->set, '\t');
	case TREE_OR:
		return may_begin_blank(node->left) || may_begin_blank(node->right);
	case TREE_STAR:
	case TREE_PLUS:
	case TREE_MAYBE:
		return may_begin_blank(node->left);
	case TREE_CONCAT:
		return may_begin_blank(node->left) ||
		       (node->left->kind != TREE_SET && may_begin_blank(node->right));
	default:
		return false;
	}
}

/* Also where what stands first may be missing. */
static bool
rest_may_begin_blank(const Span *span)
{
	for (guint i = span->from; i < span->to; i++) {
		const RecipeTreeNode *item = span->items->pdata[i];
		if (may_begin_blank(item))
			return true;
		if (item->kind != TREE_SPLIT && item->kind != TREE_STAR && item->kind != TREE_MAYBE)
			return false;
	}
	return false;
}

static bool
asks_for_blanks(const RecipeTreeNode *item)
{
	return is_blank(item) || (item->kind == TREE_PLUS && is_blank(item->left));
}

/* Behind `.*`: the blank behind the colon may be what the next item stands for. */
static void
look_behind_any(Span *span, RecipeVerdict *verdict)
{
	for (guint i = span->from; i < span->to; i++) {
		const RecipeTreeNode *item = span->items->pdata[i];
		span->blank_or_start = i == span->from && i < span->split && asks_for_blanks(item);
		bool may_be_missing = item->kind == TREE_SPLIT || item->kind == TREE_STAR ||
		                      item->kind == TREE_MAYBE;
		bool edge = item->kind == TREE_SET && is_word_edge(&item->set);
		if (!may_be_missing && !edge && !span->blank_or_start && may_begin_blank(item))
			recipe_verdict_changed(verdict, no_blanks);
		if (!may_be_missing)
			return;
	}
}

/* Behind the colon: white space is not in the value, and what may be anything asks for nothing. */
static void
trim_start(Span *span, RecipeVerdict *verdict)
{
	bool blanks_may_be_there = false;

	span->at_start = true;
	for (; span->from < span->split; span->from++) {
		const RecipeTreeNode *item = span->items->pdata[span->from];
		if (is_repeated(item, is_any)) {
			if (item->kind == TREE_PLUS)
				recipe_verdict_changed(verdict, no_blanks);
			span->at_start = false;
			span->from++;
			look_behind_any(span, verdict);
			return;
		}
		bool skips = item->kind == TREE_STAR && is_blank(item->left);
		bool asks = asks_for_blanks(item);
		blanks_may_be_there |= skips || asks;
		if (asks || (!skips && (!blanks_may_be_there || rest_may_begin_blank(span))))
			recipe_verdict_changed(verdict, no_blanks);
		if (!asks && !skips)
			return;
	}
}

static void
trim_end(Span *span)
{
	const RecipeTreeNode *last = span->to > span->from ? span->items->pdata[span->to - 1]
	                                                   : NULL;
	bool split = span->split < span->to;

	if (last != NULL && !split &&
	    (is_line_end(last) || (last->kind == TREE_END && span->is_value))) {
		span->at_end = true;
		span->to = span->split = span->to - 1;
	}

	while (!split && !span->at_end && span->to > span->from) {
		last = span->items->pdata[span->to - 1];
		if (last->kind != TREE_STAR || !is_any(last->left))
			return;
		span->to = span->split = span->to - 1;
	}
}

static bool
is_plain(const Span *span, bool folds)
{
	if (span->at_start || span->at_end || span->blank_or_start || span->split < span->to)
		return false;
	for (guint i = span->from; i < span->to; i++)
		if (printed_octet(span->items->pdata[i], folds) < 0 ||
		    is_line_end(span->items->pdata[i]))
			return false;
	return true;
}

static RecipeSievePattern *
print_span(const Span *span, bool folds)
{
	RecipeSievePattern *pattern = g_new0(RecipeSievePattern, 1);

	pattern->text = g_string_new(NULL);
	pattern->plain = is_plain(span, folds);
	Printer printer = { .out = pattern->text, .folds = folds, .lazy = span->split < span->to };
	if (span->at_start)
		g_string_append(pattern->text, span->in_lines ? "(^|\n)" : "^");
	printer.groups += span->at_start && span->in_lines;

	for (guint i = span->from; i < span->to; i++) {
		if (i == span->from && span->blank_or_start) {
			g_string_append(pattern->text, "(^|");
			printer.groups++;
			print_node(&printer, span->items->pdata[i]);
			g_string_append_c(pattern->text, ')');
		} else if (i == span->split) {
			g_string_append_c(pattern->text, '(');
			pattern->match_group = ++printer.groups;
			printer.lazy = false;
		} else if (pattern->plain) {
			g_string_append_c(pattern->text, (char) only_octet(span->items->pdata[i]));
		} else {
			print_node(&printer, span->items->pdata[i]);
		}
	}

	if (pattern->match_group > 0)
		g_string_append_c(pattern->text, ')');
	if (span->at_end)
		g_string_append(pattern->text, span->in_lines ? "\r?(\n|$)" : "$");
	if (!printer.failed && pattern->match_group < 10 &&
	    g_utf8_validate(pattern->text->str, (gssize) pattern->text->len, NULL))
		return pattern;

	pattern_free(pattern);
	return NULL;
}

static void
warn_of_decoding(const GPtrArray *fields, RecipeVerdict *verdict)
{
	static const char *const never_encoded[] = {
		"X-Spam",       "X-Loop",         "Precedence",    "List-Id",      "List-Post",
		"Mailing-List", "X-Mailing-List", "Message-Id",    "Return-Path",  "Delivered-To",
		"X-Beenthere",  "Received",       "X-Original-To", "Content-Type", "X-Been-There",
		"In-Reply-To",  "References"
	};
	for (guint i = 0; i < fields->len; i++) {
		bool plain = false;
		for (size_t j = 0; j < G_N_ELEMENTS(never_encoded) && !plain; j++)
			plain = g_str_has_prefix(fields->pdata[i], never_encoded[j]);
		if (!plain)
			recipe_verdict_changed(
				verdict,
				"Sieve sees the decoded text of a field, procmail its encoded "
				"words");
	}
}

static RecipeSievePattern *
convert_branch(const GPtrArray *items, bool folds, RecipePatternPlace place, RecipeVerdict *verdict)
{
	Span span = { .items = items,
		      .to = items->len,
		      .in_lines = place == PATTERN_IN_BODY,
		      .is_value = place == PATTERN_IN_VARIABLE };
	g_autoptr(GPtrArray) fields = NULL;

	if (place == PATTERN_IN_HEADER) {
		fields = take_fields(items, &span.from, verdict);
		if (fields == NULL)
			return NULL;
		warn_of_decoding(fields, verdict);
	} else if (items->len > 0 &&
	           (is_line_end(items->pdata[0]) ||
	            ((const RecipeTreeNode *) items->pdata[0])->kind == TREE_START)) {
		span.at_start = true;
		span.from = 1;
		if (place == PATTERN_IN_BODY && !is_line_end(items->pdata[0]))
			return recipe_verdict_nothing(verdict, "it asks for the start of the body");
	}

	span.split = span.from;
	while (span.split < span.to &&
	       ((const RecipeTreeNode *) items->pdata[span.split])->kind != TREE_SPLIT)
		span.split++;
	if (place == PATTERN_IN_HEADER) {
		trim_start(&span, verdict);
		if (span.from == span.split && span.split < span.to && span.at_start)
			recipe_verdict_changed(
				verdict, "MATCH begins without the white space behind the colon");
	}

	trim_end(&span);
	if (place == PATTERN_IN_HEADER && span.from == span.to && span.at_start && !span.at_end)
		span.at_start = false;
	RecipeSievePattern *pattern = print_span(&span, folds);
	if (pattern == NULL)
		return recipe_verdict_nothing(verdict, no_pattern);

	if (place == PATTERN_IN_BODY)
		recipe_verdict_changed(
			verdict, "the body's line ends may be CR LF, and [^...] may go over them");
	pattern->fields = g_steal_pointer(&fields);
	return pattern;
}

GPtrArray *
recipe_convert_pattern(const char *expression, bool case_counts, RecipePatternPlace place,
                       RecipeVerdict *verdict)
{
	RecipePatternError error;
	bool folds;
	g_autofree char *written_out = recipe_pattern_expand(expression, &folds);
	RecipeTree *tree = recipe_tree_parse(written_out, case_counts && !folds, &error);

	if (tree == NULL)
		return recipe_verdict_nothing(verdict, "the expression is wrong");
	g_autoptr(GPtrArray) items = g_ptr_array_new();
	g_autoptr(GPtrArray)
		branches = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref);

	g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(pattern_free);
	flatten(tree->root, items);
	bool good = split_branches(items, branches);
	if (!good)
		recipe_verdict_by_hand(verdict, "the expression has too many branches");
	for (guint i = 0; i < branches->len && good; i++) {
		RecipeSievePattern *pattern = convert_branch(branches->pdata[i],
		                                             !case_counts || folds, place, verdict);
		good = pattern != NULL;
		if (good)
			g_ptr_array_add(out, pattern);
	}

	recipe_tree_free(tree);
	return good ? g_steal_pointer(&out) : NULL;
}
