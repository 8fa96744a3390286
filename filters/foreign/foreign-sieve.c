/* SPDX-License-Identifier: MIT */
/*
 * foreign-sieve: writes the tree. What a rule stores is on its way when the rules go on behind it
 * (:copy); where they end stands a stop.
 */
#include "filters/foreign/foreign-sieve.h"

#include "filters/foreign/foreign-pattern.h"
#include "filters/recipe/convert/recipe-convert-action.h"
#include "filters/recipe/convert/recipe-convert-writer.h"
#include "filters/sieve/lang/sieve-text.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
	RecipeWriter writer;
	const ForeignRules *rules;
	const ForeignPlaces *places;
	FilterEnv *env;
	ForeignSieveCounts counts;
	GString *lost;
	gint gone[26]; /* groups that stood before the value, by the letter of their test */
} Writer;

static const char is_changed_name[] = "a '.' or '/' in the variable's value makes another folder";
static const char is_no_mailbox[] = "the folder is none of the mailbox: the mail lies elsewhere";
static const char is_outside[] =
	"the place is outside of the home and of the mailbox: name a mailbox of the account";

static void
put_lost(Writer *writer, const ForeignNode *node, const RecipeVerdict *verdict)
{
	g_autofree char *what = foreign_excerpt(writer->rules, node->start, node->end);
	if (node->line > 0)
		g_string_append_printf(writer->lost, "#   line %u, column %u: %s\n", node->line,
		                       node->column, what);
	for (guint i = 0; i < verdict->reasons->len; i++)
		g_string_append_printf(writer->lost, "#     %s\n",
		                       (const char *) verdict->reasons->pdata[i]);
}

/* "# line 3: changed: why; why" */
static void
put_verdict(Writer *writer, const ForeignNode *node, const RecipeVerdict *verdict)
{
	static const char *const names[] = { "same", "changed", "by hand" };
	g_autoptr(GString) line = g_string_new("# ");
	if (node->line > 0)
		g_string_append_printf(line, "line %u: ", node->line);
	else
		g_string_append(line, "mail that no rule takes: ");
	g_string_append(line, names[verdict->kind]);
	for (guint i = 0; i < verdict->reasons->len; i++)
		g_string_append_printf(line, "%s%s", i == 0 ? ": " : "; ",
		                       (const char *) verdict->reasons->pdata[i]);

	writer->counts.rules[verdict->kind]++;
	recipe_writer_put(&writer->writer, line->str);
}

/* What was written there, as a comment. */
static void
put_source(Writer *writer, const ForeignNode *node)
{
	g_autofree char *text = g_strndup(writer->rules->text + node->start,
	                                  node->end - node->start);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		g_autofree char *comment = g_strdup_printf("#   %s", g_strchomp(*line));
		recipe_writer_put(&writer->writer, comment);
	}
}

static void
put_by_hand(Writer *writer, const ForeignNode *node, const RecipeVerdict *verdict)
{
	put_verdict(writer, node, verdict);
	if (node->end > node->start)
		put_source(writer, node);
	put_lost(writer, node, verdict);
	if (node->ends)
		recipe_writer_put(&writer->writer, "stop;");
}

/* A text of the tree with its marks as variables; NULL: Sieve cannot say it. Caller frees. */
static char *
render(Writer *writer, const char *text, RecipeVerdict *verdict)
{
	g_autoptr(GString) out = g_string_new(NULL);
	if (strstr(text, "${") != NULL)
		return recipe_verdict_nothing(verdict, "the text has '${', which Sieve would read");

	for (; *text != '\0'; text++) {
		if (*text != FOREIGN_MARK) {
			g_string_append_c(out, *text);
			continue;
		}
		int group = text[2] - '0' - writer->gone[text[1] - 'a'];
		if (group < 1)
			return recipe_verdict_nothing(
				verdict, "what was matched is a part of the field's name");
		recipe_writer_needs(&writer->writer, "variables");
		g_string_append_printf(out, "${matched_%c%c}", text[1], text[2]);
		text += 2;
	}
	return g_strdup(out->str);
}

/* ----------------------------------------------------------------------- tests */

static char *
field_test(Writer *writer, const ForeignTest *test, const RecipeSievePattern *pattern)
{
	g_autoptr(GString) out = g_string_new("header");
	if (test->case_counts)
		g_string_append(out, " :comparator \"i;octet\"");
	g_string_append(out, pattern->plain ? " :contains" : " :regex");
	if (!pattern->plain)
		recipe_writer_needs(&writer->writer, "regex");
	g_string_append_c(out, ' ');
	recipe_writer_quote_list(out, pattern->fields);
	g_string_append_c(out, ' ');
	recipe_writer_quote(out, pattern->text->str);
	return g_strdup(out->str);
}

static char *
header_test(Writer *writer, const ForeignTest *test, RecipeVerdict *verdict)
{
	g_autoptr(GPtrArray) branches = foreign_pattern_fields(test->text, verdict);
	if (branches == NULL)
		return NULL;

	const RecipeSievePattern *first = branches->pdata[0];
	if (test->id != '\0')
		writer->gone[test->id - 'a'] = branches->len == 1 ? (gint) first->match_group : 9;
	GPtrArray *tests = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < branches->len; i++)
		g_ptr_array_add(tests, field_test(writer, test, branches->pdata[i]));
	return recipe_writer_join("anyof", tests);
}

static char *
text_test(Writer *writer, const ForeignTest *test, const char *what, bool lines,
          RecipeVerdict *verdict)
{
	g_autofree char *pattern = foreign_pattern_text(test->text, lines, verdict);
	if (pattern == NULL)
		return NULL;

	g_autoptr(GString) out = g_string_new(what);
	recipe_writer_needs(&writer->writer, "regex");
	const char *tag = strchr(what, ' '); /* the comparator stands behind the name of the test */
	if (test->case_counts)
		g_string_insert(out, tag != NULL ? tag - what : -1, " :comparator \"i;octet\"");
	g_string_append(out, " :regex ");
	if (!lines)
		g_string_append(out, "\"from\" ");
	recipe_writer_quote(out, pattern);
	return g_strdup(out->str);
}

static char *
body_test(Writer *writer, const ForeignTest *test, RecipeVerdict *verdict)
{
	bool decoded = writer->rules->language == FOREIGN_MAILDROP;
	recipe_writer_needs(&writer->writer, "body");
	return text_test(writer, test, decoded ? "body :content \"text\"" : "body :raw", true,
	                 verdict);
}

static char *
sender_test(Writer *writer, const ForeignTest *test, RecipeVerdict *verdict)
{
	recipe_writer_needs(&writer->writer, "envelope");
	return text_test(writer, test, "envelope", false, verdict);
}

static char *
address_test(const ForeignTest *test, RecipeVerdict *verdict)
{
	g_autoptr(GString)
		out = g_string_new("address :is [\"To\", \"Cc\", \"Resent-To\", \"Resent-Cc\"] ");
	if (strstr(test->text, "${") != NULL)
		return recipe_verdict_nothing(verdict, "it is no address");
	recipe_writer_quote(out, test->text);
	return g_strdup(out->str);
}

static char *write_test(Writer *writer, const ForeignTest *test, RecipeVerdict *verdict);

static char *
joined_test(Writer *writer, const ForeignTest *test, RecipeVerdict *verdict)
{
	GPtrArray *tests = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < test->tests->len; i++) {
		char *one = write_test(writer, test->tests->pdata[i], verdict);
		if (one == NULL) {
			g_ptr_array_unref(tests);
			return NULL;
		}
		g_ptr_array_add(tests, one);
	}

	if (test->kind != FOREIGN_NOT)
		return recipe_writer_join(test->kind == FOREIGN_ALL ? "allof" : "anyof", tests);
	char *inverted = g_strdup_printf("not %s", (const char *) tests->pdata[0]);
	g_ptr_array_unref(tests);
	return inverted;
}

/* fdm is built with PCRE or with what POSIX has. */
static void
note_library(const Writer *writer, const ForeignTest *test, RecipeVerdict *verdict)
{
	bool is_pattern = test->kind == FOREIGN_HEADER || test->kind == FOREIGN_BODY;
	if (writer->rules->language == FOREIGN_FDM && is_pattern &&
	    foreign_pattern_needs_pcre(test->text))
		recipe_verdict_changed(verdict, "it is read as PCRE does: an fdm that was built "
		                                "without it reads it in another way");
}

/* The test; NULL: `verdict` says why not. Caller frees. */
static char *
write_test(Writer *writer, const ForeignTest *test, RecipeVerdict *verdict)
{
	note_library(writer, test, verdict);
	switch (test->kind) {
	case FOREIGN_CONSTANT:
		return g_strdup(test->truth ? "true" : "false");
	case FOREIGN_HEADER:
		return header_test(writer, test, verdict);
	case FOREIGN_BODY:
		return body_test(writer, test, verdict);
	case FOREIGN_SENDER:
		return sender_test(writer, test, verdict);
	case FOREIGN_ADDRESS:
		return address_test(test, verdict);
	case FOREIGN_SIZE:
		return g_strdup_printf("size :over %" G_GUINT64_FORMAT,
		                       MIN(test->size, (guint64) G_MAXINT32));
	case FOREIGN_UNKNOWN:
		return recipe_verdict_nothing(verdict, test->why);
	default:
		return joined_test(writer, test, verdict);
	}
}

/* --------------------------------------------------------------------- actions */

static void
put_store_line(Writer *writer, const ForeignNode *node, const char *mailbox)
{
	g_autoptr(GString) line = g_string_new("fileinto");
	recipe_writer_needs(&writer->writer, "fileinto");
	if (node->copy) {
		recipe_writer_needs(&writer->writer, "copy");
		g_string_append(line, " :copy");
	}
	if (node->flags != NULL) {
		recipe_writer_needs(&writer->writer, "imap4flags");
		g_string_append(line, " :flags");
		g_string_append_c(line, ' ');
		recipe_writer_quote_list(line, node->flags);
	}
	g_string_append_c(line, ' ');
	recipe_writer_quote(line, mailbox);
	g_string_append_c(line, ';');
	recipe_writer_put(&writer->writer, line->str);
}

static bool
put_store(Writer *writer, const ForeignNode *node, RecipeVerdict *verdict)
{
	bool is_there;
	g_autofree char *path = render(writer, node->text, verdict);
	if (path == NULL)
		return false;
	if (strcmp(path, "/dev/null") == 0) {
		if (!node->copy)
			recipe_writer_put(&writer->writer, "discard;");
		return true;
	}

	g_autofree char *mailbox = foreign_mailbox(writer->places, writer->env, path, &is_there);
	if (mailbox == NULL || !g_utf8_validate(mailbox, -1, NULL))
		return recipe_verdict_by_hand(verdict, is_outside);
	if (!is_there)
		recipe_verdict_changed(verdict, is_no_mailbox);
	if (strstr(path, "${") != NULL)
		recipe_verdict_changed(verdict, is_changed_name);
	if (node->is_file)
		recipe_verdict_changed(verdict, RECIPE_SIEVE_NO_MAILDIR);

	put_store_line(writer, node, mailbox);
	return true;
}

static bool
put_forward(Writer *writer, const ForeignNode *node, RecipeVerdict *verdict)
{
	g_autofree char *text = render(writer, node->text, verdict);
	if (text == NULL)
		return false;

	g_auto(GStrv) words = g_strsplit_set(text, " \t\n,", -1);
	unsigned n = 0;
	for (char **word = words; *word != NULL; word++) {
		const SieveText address = { *word, strlen(*word) };
		bool variable = strstr(*word, "${") != NULL;
		if (variable)
			recipe_verdict_changed(verdict, "the variable must hold one address alone");
		n += **word != '\0';
		if (**word != '\0' &&
		    (**word == '-' || (!variable && !sieve_text_is_mailable(address))))
			return recipe_verdict_by_hand(verdict,
			                              "Sieve redirects to addresses with a domain");
	}
	if (n == 0)
		return recipe_verdict_by_hand(verdict, "nobody is named");

	for (char **word = words; *word != NULL; word++)
		if (**word != '\0')
			recipe_writer_put_action(&writer->writer, "redirect", node->copy, *word);
	return true;
}

static bool
put_field(Writer *writer, const ForeignNode *node, RecipeVerdict *verdict)
{
	g_autofree char *name = render(writer, node->text, verdict);
	g_autofree char *value = node->value != NULL ? render(writer, node->value, verdict) : NULL;
	g_autoptr(GString) line = g_string_new(NULL);
	if (name == NULL || (node->value != NULL && value == NULL))
		return false;
	if (*name == '\0' || strpbrk(name, " \t:${\"\\") != NULL || !g_str_is_ascii(name))
		return recipe_verdict_by_hand(verdict, "it is no name of a field");

	recipe_verdict_changed(verdict,
	                       "fields are changed by editheader, where the site allows it");
	recipe_writer_needs(&writer->writer, "editheader");
	g_string_append(line,
	                node->kind == FOREIGN_ADD_FIELD ? "addheader :last " : "deleteheader ");
	recipe_writer_quote(line, name);
	if (node->kind == FOREIGN_ADD_FIELD) {
		g_string_append_c(line, ' ');
		recipe_writer_quote(line, value != NULL ? value : "");
	}
	g_string_append_c(line, ';');
	recipe_writer_put(&writer->writer, line->str);
	return true;
}

static bool
put_action(Writer *writer, const ForeignNode *node, RecipeVerdict *verdict)
{
	switch (node->kind) {
	case FOREIGN_STORE:
		return put_store(writer, node, verdict);
	case FOREIGN_FORWARD:
		return put_forward(writer, node, verdict);
	case FOREIGN_DISCARD:
		recipe_writer_put(&writer->writer, "discard;");
		return true;
	case FOREIGN_KEEP:
		recipe_writer_put(&writer->writer, "keep;");
		return true;
	case FOREIGN_ADD_FIELD:
	case FOREIGN_REMOVE_FIELD:
		return put_field(writer, node, verdict);
	default:
		return recipe_verdict_by_hand(verdict, node->why);
	}
}

/* An action under its verdict, which is known only when it has been written. */
static void
put_leaf(Writer *writer, const ForeignNode *node)
{
	RecipeVerdict verdict;
	recipe_verdict_init(&verdict);
	GString *before = recipe_writer_divert(&writer->writer, false);
	bool good = put_action(writer, node, &verdict);
	g_autoptr(GString) written = recipe_writer_return(&writer->writer, before, false);

	if (good && node->why != NULL)
		recipe_verdict_changed(&verdict, node->why);
	if (good) {
		put_verdict(writer, node, &verdict);
		g_string_append_len(writer->writer.out, written->str, (gssize) written->len);
		if (node->ends)
			recipe_writer_put(&writer->writer, "stop;");
	} else {
		put_by_hand(writer, node, &verdict);
	}
	recipe_verdict_clear(&verdict);
}

/* ----------------------------------------------------------------------- rules */

static guint32
groups_in(const char *text, char id)
{
	guint32 groups = 0;
	for (; text != NULL && *text != '\0'; text++)
		if (*text == FOREIGN_MARK && text[1] == id)
			groups |= 1u << (text[2] - '0');
	return groups;
}

/* The groups of the test `id` that these nodes use. */
static guint32
groups_used(const GPtrArray *nodes, char id)
{
	guint32 groups = 0;
	for (guint i = 0; nodes != NULL && i < nodes->len; i++) {
		const ForeignNode *node = nodes->pdata[i];
		groups |= groups_in(node->text, id) | groups_in(node->value, id) |
		          groups_used(node->then, id) | groups_used(node->otherwise, id);
	}
	return groups;
}

static void put_nodes(Writer *writer, const GPtrArray *nodes);

/* Matches of the next test take the place of these: they get names. */
static void
put_groups(Writer *writer, const ForeignNode *node)
{
	char id = node->test->id;
	guint32 groups = id != '\0' ? groups_used(node->then, id) : 0;
	for (int i = 1; i <= 9; i++) {
		int group = i - (id != '\0' ? writer->gone[id - 'a'] : 0);
		if ((groups & (1u << i)) == 0 || group < 1)
			continue;
		g_autofree char *line = g_strdup_printf("set \"matched_%c%d\" \"${%d}\";", id, i,
		                                        group);
		recipe_writer_needs(&writer->writer, "variables");
		recipe_writer_put(&writer->writer, line);
	}
}

static void
put_block(Writer *writer, const ForeignNode *node, const GPtrArray *nodes, bool groups)
{
	writer->writer.depth++;
	if (groups)
		put_groups(writer, node);
	put_nodes(writer, nodes);
	writer->writer.depth--;
}

static void
put_if(Writer *writer, const ForeignNode *node)
{
	RecipeVerdict verdict;
	recipe_verdict_init(&verdict);
	g_autofree char *test = write_test(writer, node->test, &verdict);
	if (test == NULL) {
		put_by_hand(writer, node, &verdict);
		recipe_verdict_clear(&verdict);
		return;
	}

	g_autofree char *head = g_strdup_printf("if %s {", test);
	put_verdict(writer, node, &verdict);
	recipe_writer_put(&writer->writer, head);
	put_block(writer, node, node->then, true);
	recipe_writer_put(&writer->writer, "}");
	if (node->otherwise->len > 0) {
		recipe_writer_put(&writer->writer, "else {");
		put_block(writer, node, node->otherwise, false);
		recipe_writer_put(&writer->writer, "}");
	}
	recipe_verdict_clear(&verdict);
}

static void
put_nodes(Writer *writer, const GPtrArray *nodes)
{
	for (guint i = 0; i < nodes->len; i++) {
		const ForeignNode *node = nodes->pdata[i];
		if (node->kind == FOREIGN_IF) {
			put_if(writer, node);
		} else if (node->kind == FOREIGN_NOT_NEEDED) {
			g_autofree char *what = foreign_excerpt(writer->rules, node->start,
			                                        node->end);
			g_autofree char *line = g_strdup_printf("# line %u: not needed: %s",
			                                        node->line, node->why);
			recipe_writer_put(&writer->writer, line);
		} else {
			put_leaf(writer, node);
		}
	}
}

/* Mail that no rule took. */
static void
put_last_resort(Writer *writer)
{
	const ForeignRules *rules = writer->rules;
	if (rules->discards) {
		recipe_writer_put(&writer->writer, "# mail that no rule takes is dropped");
		recipe_writer_put(&writer->writer, "discard;");
	} else if (rules->last_resort != NULL) {
		const ForeignNode node = { .kind = FOREIGN_STORE, .text = rules->last_resort };
		put_leaf(writer, &node);
	}
}

static int
compare_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
put_head(GString *out, const Writer *writer, const char *file)
{
	const unsigned *n = writer->counts.rules;
	guint n_names;
	g_autofree char **names = (char **) g_hash_table_get_keys_as_array(
		writer->writer.extensions, &n_names);

	g_string_append_printf(out,
	                       "# Made from %s, rules of %s, by todoke convert: %u same, %u "
	                       "changed, %u by hand.\n",
	                       file, foreign_language_name(writer->rules->language),
	                       n[VERDICT_SAME], n[VERDICT_CHANGED], n[VERDICT_BY_HAND]);
	g_string_append(out, writer->rules->language == FOREIGN_MAILDROP
	                             ? "# Fields of the message alone are searched, not those of "
	                               "its parts.\n"
	                             : "# Fields are searched decoded, as people read them.\n");
	qsort(names, n_names, sizeof *names, compare_text);
	for (guint i = 0; i < n_names; i++)
		g_string_append_printf(out, "%s\"%s\"", i == 0 ? "require [" : ", ", names[i]);
	g_string_append(out, n_names > 0 ? "];\n\n" : "\n");
}

char *
foreign_sieve(const ForeignRules *rules, const ForeignPlaces *places, FilterEnv *env,
              const char *file, ForeignSieveCounts *ret_counts)
{
	g_autoptr(GHashTable)
		extensions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GString) lost = g_string_new(NULL);
	g_autofree char *name = g_strdup(file);
	Writer writer = {
		.writer = { .out = out, .extensions = extensions },
		.rules = rules,
		.places = places,
		.env = env,
		.lost = lost,
	};

	put_nodes(&writer, rules->nodes);
	put_last_resort(&writer);
	GString *script = g_string_new(NULL);
	put_head(script, &writer, g_strdelimit(name, "\r\n", '?'));
	g_string_append_len(script, out->str, (gssize) out->len);
	if (lost->len > 0)
		g_string_append_printf(script, "\n# Not converted:\n%s", lost->str);

	*ret_counts = writer.counts;
	return g_string_free(script, FALSE);
}
