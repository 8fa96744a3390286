/* SPDX-License-Identifier: MIT */
/*
 * foreign-run: maildrop searches each field as one line, decoded; fdm searches the header as it
 * came, its folds joined. Bodies: the text of text parts, or the body as it came.
 */
#include "filters/foreign/foreign-run.h"

#include "agent/base/regex.h"
#include "agent/message/address-list.h"
#include "agent/message/mime-tree.h"

#include <string.h>
#include <unistd.h>

struct FilterProgram {
	const ForeignRules *rules;
	const ForeignPlaces *places;
};

typedef struct {
	const ForeignRules *rules;
	const ForeignPlaces *places;
	const FilterInput *input;
	FilterEnv *env;
	Plan *plan;
	Status *st;
	GPtrArray *fields; /* GString: lines of the header; NULL: not read yet */
	GPtrArray *bodies; /* GString: texts of the body; NULL: not read yet */
	char *groups[26][10];
} Run;

FilterProgram *
foreign_run_new(const ForeignRules *rules, const ForeignPlaces *places)
{
	FilterProgram *program = g_new(FilterProgram, 1);
	*program = (FilterProgram){ rules, places };
	return program;
}

static void
free_program(FilterProgram *program)
{
	g_free(program);
}

static void
free_string(gpointer text)
{
	g_string_free(text, TRUE);
}

static bool
is_fdm(const Run *run)
{
	return run->rules->language == FOREIGN_FDM;
}

/* The field as one line, as it came. */
static GString *
raw_line(const HeaderField *field)
{
	GString *line = g_string_sized_new(field->len);
	for (guint32 i = 0; i < field->len; i++) {
		char c = field->bytes[i];
		if (c != '\r' && c != '\n')
			g_string_append_c(line, c);
	}
	return line;
}

static bool
decoded_line(Run *run, const HeaderField *field, GString **ret_line)
{
	g_autofree char *text = NULL;
	if (!mime_decode_field(field, run->input->headers, &text, NULL, run->st))
		return false;

	*ret_line = g_string_new_len(field->bytes, field->name_len);
	g_string_append(*ret_line, ": ");
	g_string_append(*ret_line, text);
	return true;
}

static bool
read_fields(Run *run)
{
	const Headers *headers = run->input->headers;
	if (run->fields != NULL)
		return true;

	run->fields = g_ptr_array_new_with_free_func(free_string);
	for (size_t i = 0; i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		GString *line = NULL;
		if (is_fdm(run) || field->name_len == 0)
			line = raw_line(field);
		else if (!decoded_line(run, field, &line))
			return false;
		g_ptr_array_add(run->fields, line);
	}
	return true;
}

static bool
add_part(Run *run, const MimeTree *tree, size_t i)
{
	g_auto(MimeBytes) bytes = { 0 };
	size_t limit = (size_t) run->env->conf->sieve_max_part_size;
	bool good = is_fdm(run)
	                    ? mime_tree_raw(tree, i, limit, &bytes, run->st)
	                    : mime_tree_text(tree, i, limit, MIME_TEXT_AS_IT_IS, &bytes, run->st);
	if (good)
		g_ptr_array_add(run->bodies, g_string_new_len(bytes.data, (gssize) bytes.len));
	return good;
}

static bool
read_bodies(Run *run)
{
	MessageBody body;
	if (run->bodies != NULL)
		return true;
	run->bodies = g_ptr_array_new_with_free_func(free_string);
	if (!message_body(run->input->message, &body))
		return status_fail_detail(run->st, STATUS_INTERNAL, "the body is not there");

	g_autoptr(MimeTree) tree = mime_tree_new(run->input->headers, &body, run->st);
	if (tree == NULL)
		return false;
	for (size_t i = 0; i < (is_fdm(run) ? 1 : mime_tree_count(tree)); i++)
		if ((is_fdm(run) || mime_part_is(mime_tree_part(tree, i), "text", NULL)) &&
		    !add_part(run, tree, i))
			return false;
	return true;
}

static void
take_groups(Run *run, char id, const char *text, const RegexSpan *spans, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		char **group = &run->groups[id - 'a'][i];
		g_free(*group);
		*group = spans[i].start >= 0 ? g_strndup(text + spans[i].start,
		                                         (gsize) (spans[i].end - spans[i].start))
		                             : g_strdup("");
	}
}

/* Is the pattern in one of the texts? */
static bool
search(Run *run, const ForeignTest *test, const GPtrArray *texts, bool *ret_found)
{
	RegexError error;
	RegexFlags flags = REGEX_MULTILINE | (test->case_counts ? 0 : REGEX_CASELESS) |
	                   (is_fdm(run) ? 0 : REGEX_UTF);
	g_autoptr(Regex) regex = regex_compile(test->text, strlen(test->text), flags, &error);
	if (regex == NULL)
		return status_fail_detail(run->st, STATUS_SCRIPT, "pattern '%s' is wrong: %s",
		                          test->text, error.text);

	RegexSpan spans[10];
	unsigned n = MIN(regex_groups(regex), 9) + 1;
	*ret_found = false;
	for (guint i = 0; i < texts->len && !*ret_found; i++) {
		const GString *text = texts->pdata[i];
		RegexResult result = regex_match(regex, text->str, text->len, 0, spans, n);
		if (result == REGEX_LIMIT)
			return status_fail_detail(run->st, STATUS_LIMIT,
			                          "pattern '%s' takes too long", test->text);
		*ret_found = result == REGEX_MATCH;
		if (*ret_found && test->id != '\0')
			take_groups(run, test->id, text->str, spans, n);
	}
	return true;
}

static bool
search_sender(Run *run, const ForeignTest *test, bool *ret_found)
{
	const char *sender = run->input->envelope != NULL ? run->input->envelope->sender : NULL;
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(free_string);
	if (sender != NULL) /* the null sender is ""; of stored mail nobody knows it */
		g_ptr_array_add(texts, g_string_new(sender));
	return search(run, test, texts, ret_found);
}

static bool
has_address(const Run *run, const char *wanted)
{
	static const char *const names[] = { "To", "Cc", "Resent-To", "Resent-Cc" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const HeaderField *field;
		for (size_t at = 0;
		     (field = headers_next(run->input->headers, names[i], &at)) != NULL;) {
			g_auto(AddressList) list = { 0 };
			address_list_parse(field->bytes + field->value_at,
			                   field->len - field->value_at, ADDRESS_NAMES_RAW, &list);
			for (size_t j = 0; j < list.count; j++)
				if (g_ascii_strcasecmp(list.items[j].address, wanted) == 0)
					return true;
		}
	}
	return false;
}

static bool decide(Run *run, const ForeignTest *test, bool *ret_truth);

static bool
decide_joined(Run *run, const ForeignTest *test, bool *ret_truth)
{
	bool stop_at = test->kind == FOREIGN_ANY;
	for (guint i = 0; i < test->tests->len; i++) {
		if (!decide(run, test->tests->pdata[i], ret_truth))
			return false;
		if (test->kind != FOREIGN_NOT && *ret_truth == stop_at)
			return true;
	}
	if (test->kind == FOREIGN_NOT)
		*ret_truth = !*ret_truth;
	return true;
}

/* False: a fault, or nobody can say. */
static bool
decide(Run *run, const ForeignTest *test, bool *ret_truth)
{
	switch (test->kind) {
	case FOREIGN_CONSTANT:
		*ret_truth = test->truth;
		return true;
	case FOREIGN_HEADER:
		return read_fields(run) && search(run, test, run->fields, ret_truth);
	case FOREIGN_BODY:
		return read_bodies(run) && search(run, test, run->bodies, ret_truth);
	case FOREIGN_SENDER:
		return search_sender(run, test, ret_truth);
	case FOREIGN_ADDRESS:
		*ret_truth = has_address(run, test->text);
		return true;
	case FOREIGN_SIZE:
		*ret_truth = message_size(run->input->message) > test->size;
		return true;
	case FOREIGN_UNKNOWN:
		return status_fail_detail(run->st, STATUS_SCRIPT, "%s", test->why);
	default:
		return decide_joined(run, test, ret_truth);
	}
}

/* The text with what was matched in it. Caller frees. */
static char *
fill_in(const Run *run, const char *text)
{
	GString *out = g_string_new(NULL);
	for (; *text != '\0'; text++) {
		if (*text != FOREIGN_MARK) {
			g_string_append_c(out, *text);
			continue;
		}
		const char *group = run->groups[text[1] - 'a'][text[2] - '0'];
		g_string_append(out, group != NULL ? group : "");
		text += 2;
	}
	return g_string_free(out, FALSE);
}

static bool
add_action(Run *run, PlanKind kind, const ForeignNode *node, const char *mailbox,
           const char *address)
{
	PlanAction *action = plan_action_new(kind, foreign_language_name(run->rules->language),
	                                     node->line);
	action->mailbox = g_strdup(mailbox);
	action->address = g_strdup(address);
	action->copy = node->copy;
	return plan_add(run->plan, action, run->st);
}

static bool
do_store(Run *run, const ForeignNode *node)
{
	bool is_there;
	g_autofree char *path = fill_in(run, node->text);
	if (strcmp(path, "/dev/null") == 0)
		return node->copy || add_action(run, PLAN_DISCARD, node, NULL, NULL);

	g_autofree char *mailbox = foreign_mailbox(run->places, run->env, path, &is_there);
	if (mailbox == NULL)
		return status_fail_detail(run->st, STATUS_SCRIPT,
		                          "line %u stores in %s, which is no mailbox", node->line,
		                          path);
	return add_action(run, PLAN_FILEINTO, node, mailbox, NULL);
}

static bool
do_forward(Run *run, const ForeignNode *node)
{
	g_autofree char *text = fill_in(run, node->text);
	g_auto(GStrv) words = g_strsplit_set(text, " \t\n,", -1);
	for (char **word = words; *word != NULL; word++)
		if (**word != '\0' && !add_action(run, PLAN_REDIRECT, node, NULL, *word))
			return false;
	return true;
}

static bool
do_action(Run *run, const ForeignNode *node)
{
	switch (node->kind) {
	case FOREIGN_STORE:
		return do_store(run, node);
	case FOREIGN_FORWARD:
		return do_forward(run, node);
	case FOREIGN_DISCARD:
		return add_action(run, PLAN_DISCARD, node, NULL, NULL);
	case FOREIGN_KEEP:
		return add_action(run, PLAN_KEEP, node, NULL, NULL);
	case FOREIGN_BY_HAND:
		return status_fail_detail(run->st, STATUS_SCRIPT, "line %u: %s", node->line,
		                          node->why);
	default:
		return true; /* fields: where the mail goes does not change */
	}
}

/* *ret_ended: the rules end here. */
static bool
run_nodes(Run *run, const GPtrArray *nodes, bool *ret_ended)
{
	for (guint i = 0; i < nodes->len && !*ret_ended; i++) {
		const ForeignNode *node = nodes->pdata[i];
		bool truth = false;
		if (node->kind != FOREIGN_IF) {
			if (!do_action(run, node))
				return false;
			*ret_ended = node->ends;
		} else if (!decide(run, node->test, &truth)) {
			status_prefix(run->st, "line %u", node->line);
			return false;
		} else if (!run_nodes(run, truth ? node->then : node->otherwise, ret_ended)) {
			return false;
		}
	}
	return true;
}

static bool
do_last_resort(Run *run)
{
	const ForeignNode node = { .kind = run->rules->discards ? FOREIGN_DISCARD : FOREIGN_STORE,
		                   .text = run->rules->last_resort };
	return (!run->rules->discards && run->rules->last_resort == NULL) || do_action(run, &node);
}

static bool
run_rules(FilterProgram *program, const FilterInput *input, FilterEnv *env, Plan *plan, Status *st)
{
	Run run = { .rules = program->rules,
		    .places = program->places,
		    .input = input,
		    .env = env,
		    .plan = plan,
		    .st = st };
	bool ended = false;
	bool good = run_nodes(&run, program->rules->nodes, &ended) &&
	            (ended || do_last_resort(&run));

	g_clear_pointer(&run.fields, g_ptr_array_unref);
	g_clear_pointer(&run.bodies, g_ptr_array_unref);
	for (int i = 0; i < 26; i++)
		for (int j = 0; j < 10; j++)
			g_free(run.groups[i][j]);
	return good;
}

const Filter foreign_run_filter = { .name = "foreign", .run = run_rules, .free = free_program };
