/* SPDX-License-Identifier: MIT */
/* sieve-because: see the header. */
#include "filters/sieve/run/sieve-because.h"

#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-match-type.h"

#include <string.h>

void
sieve_run_set_pair(SieveRun *run, const SieveCall *test, SieveText field, SieveText key,
                   SieveText value)
{
	SievePair *pair = &run->pair;

	pair->test = test;
	pair->field_len = plan_test_shown(field.data, field.len);
	pair->key_len = plan_test_shown(key.data, key.len);
	pair->value_len = plan_test_shown(value.data, value.len);

	if (pair->field_len > 0)
		memcpy(pair->field, field.data, pair->field_len);
	if (pair->key_len > 0)
		memcpy(pair->key, key.data, pair->key_len);
	if (pair->value_len > 0)
		memcpy(pair->value, value.data, pair->value_len);
}

static SieveText
keep(SieveRun *run, const char *text, size_t len)
{
	return (SieveText){ sieve_arena_copy(run->scratch, text, len), len };
}

void
sieve_because_note(SieveRun *run, const SieveCall *test, bool result)
{
	const SievePair *pair = &run->pair;
	if (run->n_facts == SIEVE_FACTS)
		return;

	SieveFact *fact = &run->facts[run->n_facts++];
	fact->test = test;
	fact->result = result;
	fact->key.data = NULL;
	if (!result || pair->test != test)
		return;

	fact->field = keep(run, pair->field, pair->field_len);
	fact->key = keep(run, pair->key, pair->key_len);
	fact->value = keep(run, pair->value, pair->value_len);
}

void
sieve_run_weigh_facts(SieveRun *run, size_t from, size_t start, bool decides)
{
	size_t n = run->n_facts - start;

	if (decides && start > from) {
		memmove(&run->facts[from], &run->facts[start], n * sizeof(SieveFact));
		run->n_facts = from + n;
	} else if (!decides && run->n_facts - from > LIMIT_PLAN_TESTS) {
		run->n_facts = start;
	}
}

/* "list-id" as "List-Id"; a name with capitals stays as its author wrote it. */
static void
append_header_name(GString *all, SieveText name)
{
	bool begins = true, has_capitals = false;

	for (size_t i = 0; i < name.len; i++)
		has_capitals = has_capitals || g_ascii_isupper(name.data[i]);
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		g_string_append_c(all, begins && !has_capitals ? g_ascii_toupper(c) : c);
		begins = c == '-';
	}
}

/* Strings of the rule in one text: "To, Cc". */
static char *
join(SieveRun *run, const SieveArg *arg, bool are_headers, bool as_written)
{
	g_autoptr(GString) all = g_string_new(NULL);

	for (size_t i = 0; i < arg->n && all->len < PLAN_TEST_OCTETS; i++) {
		const SieveString *string = &arg->strings[i];
		SieveText text = as_written ? string->text : sieve_run_text(run, string);
		text.len = plan_test_shown(text.data, text.len);
		if (i > 0)
			g_string_append(all, ", ");
		if (are_headers)
			append_header_name(all, text);
		else
			g_string_append_len(all, text.data, (gssize) text.len);
	}

	return sieve_arena_copy(run->scratch, all->str, plan_test_shown(all->str, all->len));
}

/* Strings that say what the test looks at come before its keys: what, and which part of it. */
static void
name_subject(SieveRun *run, const SieveCall *call, PlanTest *test)
{
	const SieveArg *keys = call->match != NULL ? call->match->key_arg : NULL;
	/* what a variable holds is the value: its name says what was looked at */
	bool as_written = strcmp(call->def->name, "string") == 0;
	char **into[] = { &test->field, &test->part };
	size_t n = 0;

	for (size_t i = 0; i < SIEVE_POSITIONAL_MAX && n < G_N_ELEMENTS(into); i++) {
		const SieveArg *arg = call->positional[i];
		if (arg != NULL && arg->strings != NULL && arg != keys)
			*into[n++] = join(run, arg, (call->def->positional[i] & SIEVE_HEADER) != 0,
			                  as_written);
	}
}

/* The part of an address or of a structured field that the test asks for. */
static void
name_part(SieveRun *run, const SieveCall *call, PlanTest *test)
{
	const SieveTag *aspect = sieve_call_tag_of(call, "mime-aspect");

	if (call->part != NULL && strcmp(call->part->name, "all") != 0)
		test->part = (char *) call->part->name;
	else if (aspect != NULL && aspect->value != NULL)
		test->part = join(run, aspect->value, false, false);
	else if (aspect != NULL)
		test->part = (char *) aspect->def->name;
}

/* "contains", "value ge", and the keys that the rule has. */
static void
name_comparison(SieveRun *run, const SieveCall *call, PlanTest *test)
{
	const SieveMatchSpec *spec = call->match;
	const SieveArg *number = call->positional[0];

	if (spec != NULL && spec->key_arg != NULL) {
		const SieveArg *relation = spec->value;
		test->match = (char *) spec->def->name;
		if (relation != NULL && relation->strings != NULL) {
			g_autofree char *both = g_strdup_printf("%s %s", spec->def->name,
			                                        relation->strings[0].text.data);
			test->match = sieve_arena_copy(run->scratch, both, strlen(both));
		}
		test->key = join(run, spec->key_arg, false, false);
	} else if (number != NULL && number->kind == SIEVE_ARG_NUMBER && call->n_tags > 0) {
		g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number->number);
		test->match = (char *) call->tags[0].def->name;
		test->key = sieve_arena_copy(run->scratch, text, strlen(text));
	}
}

static PlanTest
describe(SieveRun *run, const SieveFact *fact)
{
	const SieveCall *call = fact->test;
	PlanTest test = { .line = call->span.line,
		          .is_negated = !fact->result,
		          .name = (char *) call->def->name };

	name_subject(run, call, &test);
	name_part(run, call, &test);
	name_comparison(run, call, &test);
	if (fact->key.data == NULL)
		return test;

	test.key = (char *) fact->key.data;
	test.value = (char *) fact->value.data;
	if (fact->field.len > 0)
		test.field = (char *) fact->field.data;
	return test;
}

const SieveBranch *
sieve_because_branch(SieveRun *run, const SieveCall *call)
{
	SieveBranch *branch = SIEVE_NEW(run->scratch, SieveBranch);
	size_t n = call->n_tests > 0 ? run->n_facts : 0;
	/* an else has none, and a long list may have lost all of its facts */
	const SieveFact whole = { .test = call->n_tests > 0 ? call->tests[0] : call,
		                  .result = true };

	branch->outer = run->branch;
	branch->n_tests = MAX(n, 1);
	branch->tests = SIEVE_NEW_ARRAY(run->scratch, PlanTest, branch->n_tests);
	for (size_t i = 0; i < branch->n_tests; i++)
		branch->tests[i] = describe(run, n > 0 ? &run->facts[i] : &whole);

	return branch;
}

static void
explain_by(const SieveBranch *branch, PlanAction *action)
{
	if (branch == NULL)
		return;

	explain_by(branch->outer, action);
	for (size_t i = 0; i < branch->n_tests; i++)
		plan_action_take_test(action, plan_test_copy(&branch->tests[i]));
}

void
sieve_because_explain(const SieveRun *run, PlanAction *action)
{
	explain_by(run->branch, action);
}

void
sieve_run_note_flags(SieveRun *run)
{
	if (run->at != NULL)
		run->flags_at = (PlanSource){ (char *) run->program->file, run->at->span.line };
}

void
sieve_because_note_edit(SieveRun *run)
{
	g_autofree char *all = run->at != NULL ? plan_edited_at(run->edited_at, run->program->file,
	                                                        run->at->span.line)
	                                       : NULL;
	if (all != NULL)
		run->edited_at = sieve_arena_copy(run->memory, all, strlen(all));
}
