/* SPDX-License-Identifier: MIT */
/*
 * recipe-tree: reads an expression as procmail does: only the first of * + ? behind an item repeats
 * it, a backslash in a class is itself, there are no braces and no classes with names.
 */
#include "filters/recipe/pattern/recipe-tree.h"

#include "agent/base/limits.h"

#include <string.h>

typedef struct {
	const char *text;
	const char *at;
	bool case_counts;
	unsigned depth;
	RecipeTree *tree;
	RecipePatternError *error;
} PatternParser;

static RecipeTreeNode *parse_or(PatternParser *parser);

static RecipeTreeNode *
node_new(PatternParser *parser, RecipeTreeKind kind, RecipeTreeNode *left, RecipeTreeNode *right)
{
	RecipeTreeNode *node = g_new0(RecipeTreeNode, 1);

	node->kind = kind;
	node->left = left;
	node->right = right;
	g_ptr_array_add(parser->tree->nodes, node);

	return node;
}

static void *
fail(PatternParser *parser, const char *text)
{
	if (parser->error->text == NULL)
		*parser->error = (RecipePatternError){ (size_t) (parser->at - parser->text), text };
	return NULL;
}

static void
set_add(const PatternParser *parser, RecipeSet *set, guchar c)
{
	guchar other = parser->case_counts ? c
	                                   : (guchar) (g_ascii_isupper(c) ? g_ascii_tolower(c)
	                                                                  : g_ascii_toupper(c));
	set->bits[c >> 5] |= 1u << (c & 31);
	set->bits[other >> 5] |= 1u << (other & 31);
}

static void
set_invert(RecipeSet *set)
{
	for (size_t i = 0; i < G_N_ELEMENTS(set->bits); i++)
		set->bits[i] = ~set->bits[i];
}

static RecipeTreeNode *
one_octet(PatternParser *parser, char c)
{
	RecipeTreeNode *node = node_new(parser, TREE_SET, NULL, NULL);
	set_add(parser, &node->set, (guchar) c);
	return node;
}

/* Anything but a line end. */
static RecipeTreeNode *
any_octet(PatternParser *parser)
{
	RecipeTreeNode *node = one_octet(parser, '\n');
	set_invert(&node->set);
	return node;
}

/* The character beside a word. */
static RecipeTreeNode *
word_edge(PatternParser *parser)
{
	RecipeTreeNode *node = one_octet(parser, '_');

	for (int c = 0; c < 256; c++)
		if (g_ascii_isalnum(c))
			set_add(parser, &node->set, (guchar) c);
	set_invert(&node->set);
	return node;
}

/* Behind "[". A class that nobody closes goes on to the end. */
static RecipeTreeNode *
parse_class(PatternParser *parser)
{
	RecipeTreeNode *node = node_new(parser, TREE_SET, NULL, NULL);
	bool inverted = *parser->at == '^';

	if (inverted)
		parser->at++;
	for (bool first = true; *parser->at != '\0' && (first || *parser->at != ']');
	     first = false) {
		guchar from = (guchar) *parser->at++;
		set_add(parser, &node->set, from);
		while (parser->at[0] == '-' && parser->at[1] != ']' && parser->at[1] != '\0') {
			guchar to = (guchar) parser->at[1];
			for (unsigned c = from; c <= to; c++)
				set_add(parser, &node->set, (guchar) c);
			set_add(parser, &node->set, to); /* [c-a] is c and a */
			from = to;                       /* [a-c-e] is two ranges */
			parser->at += 2;
		}
	}

	if (*parser->at == ']')
		parser->at++;
	if (inverted) {
		set_add(parser, &node->set, '\n');
		set_invert(&node->set);
	}

	return node;
}

static RecipeTreeNode *
parse_group(PatternParser *parser)
{
	if (++parser->depth > LIMIT_RECIPE_PATTERN_DEPTH)
		return fail(parser, "groups are nested too deeply");
	RecipeTreeNode *node = parse_or(parser);
	parser->depth--;
	if (node == NULL)
		return NULL;
	if (*parser->at != ')')
		return fail(parser, "a group is not closed");

	parser->at++;
	return node;
}

static RecipeTreeNode *
parse_backslash(PatternParser *parser)
{
	char c = *parser->at;
	if (c == '\0')
		return one_octet(parser, '\\');

	parser->at++;
	if (c == '<' || c == '>')
		return word_edge(parser);
	if (c != '/')
		return one_octet(parser, c);

	parser->tree->splits = true;
	return node_new(parser, TREE_SPLIT, NULL, NULL);
}

/* Behind "[": the place behind the class. */
static const char *
skip_class(const char *at)
{
	at += *at == '^';
	at += *at == ']';
	at += strcspn(at, "]");
	return at + (*at == ']');
}

/* The bracket that closes the group around `at`, or the end. */
static const char *
find_group_end(const char *at)
{
	unsigned open = 0;
	while (*at != '\0') {
		char c = *at++;
		if (c == '\\' && *at != '\0')
			at++;
		else if (c == '[')
			at = skip_class(at);
		else if (c == '(')
			open++;
		else if (c == ')' && open-- == 0)
			return at - 1;
	}

	return at;
}

/* Does the expression end here, but for the brackets that it closes? A repeated group may go on. */
static bool
is_last(const char *at)
{
	for (;;) {
		if (*at == '|')
			at = find_group_end(at);
		if (*at != ')')
			return *at == '\0';
		at++;
		at += *at == '?';
		if (*at == '*' || *at == '+')
			return false;
	}
}

/* ^^ is the end where nothing follows it in any way, else the start. */
static RecipeTreeNode *
parse_caret(PatternParser *parser)
{
	if (*parser->at != '^')
		return one_octet(parser, '\n');
	parser->at++;
	return node_new(parser, is_last(parser->at) ? TREE_END : TREE_START, NULL, NULL);
}

static RecipeTreeNode *
parse_atom(PatternParser *parser)
{
	char c = *parser->at++;
	switch (c) {
	case '(':
		return parse_group(parser);
	case '[':
		return parse_class(parser);
	case '.':
		return any_octet(parser);
	case '^':
		return parse_caret(parser);
	case '$':
		return one_octet(parser, '\n');
	case '\\':
		return parse_backslash(parser);
	default:
		return one_octet(parser, c);
	}
}

static RecipeTreeNode *
parse_item(PatternParser *parser)
{
	RecipeTreeNode *atom = parse_atom(parser);
	if (atom == NULL || atom->kind == TREE_SPLIT)
		return atom;

	char c = *parser->at;
	if (c != '*' && c != '+' && c != '?')
		return atom;

	parser->at++;
	return node_new(parser,
	                c == '*'   ? TREE_STAR
	                : c == '+' ? TREE_PLUS
	                           : TREE_MAYBE,
	                atom, NULL);
}

static RecipeTreeNode *
parse_branch(PatternParser *parser)
{
	RecipeTreeNode *branch = NULL;
	while (*parser->at != '\0' && *parser->at != '|' && *parser->at != ')') {
		RecipeTreeNode *item = parse_item(parser);
		if (item == NULL)
			return NULL;
		branch = branch == NULL ? item : node_new(parser, TREE_CONCAT, branch, item);
	}

	return branch != NULL ? branch : node_new(parser, TREE_EMPTY, NULL, NULL);
}

static RecipeTreeNode *
parse_or(PatternParser *parser)
{
	RecipeTreeNode *all = parse_branch(parser);
	while (all != NULL && *parser->at == '|') {
		parser->at++;
		RecipeTreeNode *branch = parse_branch(parser);
		all = branch != NULL ? node_new(parser, TREE_OR, all, branch) : NULL;
	}

	return all;
}

void
recipe_tree_free(RecipeTree *tree)
{
	if (tree == NULL)
		return;
	g_ptr_array_unref(tree->nodes);
	g_free(tree);
}

RecipeTree *
recipe_tree_parse(const char *expression, bool case_counts, RecipePatternError *ret_error)
{
	RecipeTree *tree = g_new0(RecipeTree, 1);

	tree->nodes = g_ptr_array_new_with_free_func(g_free);
	RecipePatternError error = { 0, NULL };
	PatternParser parser = { .text = expression,
		                 .at = expression,
		                 .case_counts = case_counts,
		                 .tree = tree,
		                 .error = &error };
	tree->root = parse_or(&parser);
	if (tree->root != NULL && *parser.at == ')')
		tree->root = fail(&parser, "a group is closed that was not opened");

	if (tree->root == NULL) {
		*ret_error = error;
		g_clear_pointer(&tree, recipe_tree_free);
	}

	return tree;
}

static void
print_octet(GString *out, unsigned c)
{
	if (g_ascii_isalnum(c))
		g_string_append_c(out, (char) c);
	else
		g_string_append_printf(out, "\\x%02x", c);
}

static void
print_set(GString *out, const RecipeSet *set)
{
	g_string_append_c(out, '[');
	for (unsigned c = 0; c < 256; c++) {
		if (!recipe_set_has(set, (guchar) c))
			continue;
		unsigned end = c;
		while (end < 255 && recipe_set_has(set, (guchar) (end + 1)))
			end++;
		print_octet(out, c);
		if (end > c) {
			g_string_append_c(out, '-');
			print_octet(out, end);
		}
		c = end;
	}

	g_string_append_c(out, ']');
}

typedef struct {
	GString *out;
	bool folds; /* PCRE2 is told that letter case does not count */
} TreePrinter;

/*
 * The octet of a set of one, both cases of a letter being one where case does not count: PCRE2
 * searches for plain octets faster. -1: more.
 */
static int
only_octet(const RecipeSet *set, bool folds)
{
	int found[2], n = 0;

	for (int word = 0; word < (int) G_N_ELEMENTS(set->bits); word++) {
		for (guint32 bits = set->bits[word]; bits != 0; bits &= bits - 1) {
			if (n == 2)
				return -1;
			found[n++] = word * 32 + __builtin_ctz(bits);
		}
	}

	bool is_one = n == 1 || (n == 2 && folds && g_ascii_isupper(found[0]) &&
	                         g_ascii_tolower(found[0]) == found[1]);
	return is_one ? found[0] : -1;
}

static void print_node(TreePrinter *printer, const RecipeTreeNode *node);

/* Chains lean to the left and may be thousands of items long: no recursion along them. */
static void
print_chain(TreePrinter *printer, const RecipeTreeNode *node)
{
	g_autoptr(GPtrArray) items = g_ptr_array_new();

	for (; node->kind == TREE_CONCAT; node = node->left)
		g_ptr_array_add(items, node->right);
	print_node(printer, node);
	for (guint i = items->len; i > 0; i--)
		print_node(printer, items->pdata[i - 1]);
}

static void
print_or(TreePrinter *printer, const RecipeTreeNode *node)
{
	g_autoptr(GPtrArray) branches = g_ptr_array_new();

	for (; node->kind == TREE_OR; node = node->left)
		g_ptr_array_add(branches, node->right);
	g_string_append(printer->out, "(?:");
	print_node(printer, node);

	for (guint i = branches->len; i > 0; i--) {
		g_string_append_c(printer->out, '|');
		print_node(printer, branches->pdata[i - 1]);
	}

	g_string_append_c(printer->out, ')');
}

static void
print_node(TreePrinter *printer, const RecipeTreeNode *node)
{
	int only;
	switch (node->kind) {
	case TREE_EMPTY:
	case TREE_SPLIT:
		break;
	case TREE_SET:
		only = only_octet(&node->set, printer->folds);
		if (only >= 0)
			print_octet(printer->out, (unsigned) only);
		else
			print_set(printer->out, &node->set);
		break;
	case TREE_START:
		g_string_append(printer->out, "(?:\\A\\x0a)");
		break;
	case TREE_END:
		g_string_append(printer->out, "(?:\\x0a\\z)");
		break;
	case TREE_CONCAT:
		print_chain(printer, node);
		break;
	case TREE_OR:
		print_or(printer, node);
		break;
	default:
		g_string_append(printer->out, "(?:");
		print_node(printer, node->left);
		g_string_append(printer->out, node->kind == TREE_STAR   ? ")*"
		                              : node->kind == TREE_PLUS ? ")+"
		                                                        : ")?");
	}
}

GString *
recipe_tree_pcre(const RecipeTree *tree, bool folds)
{
	TreePrinter printer = { g_string_new(NULL), folds };
	print_node(&printer, tree->root);
	return printer.out;
}
