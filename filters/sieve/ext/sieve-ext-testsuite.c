/* SPDX-License-Identifier: MIT */
/*
 * vnd.dovecot.testsuite: the words of rule tests, as Pigeonhole's testsuite has them, for `todoke
 * test` only. What they do to the world is the suite's matter (sieve-testsuite.h); here is what
 * they mean to a run.
 *
 * Not done: compiled binaries (test_binary_load and test_binary_save do nothing: there are none),
 * annotations (test_imap_metadata_set fails its test).
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/run/sieve-testsuite.h"

#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

typedef struct {
	bool in_test;
	/* the plan is that of scripts, with their implicit keep, not this one's */
	bool scripts_ran;
} TestsuiteState;

/* What SIEVE_BREAK leaves when a test has failed. */
static const char end_of_test[] = "test";

static const SieveTestsuite *
suite_of(const SieveRun *run)
{
	return run->env->testsuite;
}

static TestsuiteState *
state_of(SieveRun *run)
{
	return sieve_run_state(run, &sieve_ext_testsuite);
}

static SieveTestsuiteView
view_of(const SieveRun *run)
{
	return (SieveTestsuiteView){ run->headers, run->message };
}

/* The test at hand has failed and ends; outside of tests the next command follows. */
static void
fail_test(SieveRun *run, const SieveCall *call, const char *reason)
{
	suite_of(run)->fail(run->env, call->span.line, reason);
	if (!state_of(run)->in_test)
		return;
	run->control = SIEVE_BREAK;
	run->break_to = end_of_test;
}

/*
 * A command of the suite could not be done: that fails the test, and is no fault of the run. Always
 * true.
 */
static bool
fail_command(SieveRun *run, const SieveCall *call, Status *fault)
{
	g_autofree char *reason = g_strdup_printf("%s: %s", call->def->name, status_why(fault));

	fail_test(run, call, reason);
	status_clear(fault);
	return true;
}

/* test, test_fail */

static bool
run_test_block(SieveRun *run, const SieveCall *call)
{
	const SieveTestsuite *suite = suite_of(run);
	TestsuiteState *state = state_of(run);

	if (state->in_test) {
		fail_test(run, call, "a test cannot stand in another one");
		return true;
	}

	suite->begin(run->env, sieve_run_string(run, call->positional[0], 0), call->span.line);
	state->in_test = true;

	/* A fault ends this test, not those behind it. */
	if (!sieve_run_block(run, call->block)) {
		suite->fail(run->env, run->at->span.line,
		            run->st->detail != NULL ? run->st->detail : status_text(run->st));
		status_clear(run->st);
	}

	state->in_test = false;
	/* each test has its own, and what is used up must not stop the next */
	sieve_run_renew_limits(run);
	if (run->control == SIEVE_BREAK && run->break_to == end_of_test)
		run->control = SIEVE_ON;
	suite->end(run->env);

	return true;
}

static bool
run_test_fail(SieveRun *run, const SieveCall *call)
{
	fail_test(run, call, sieve_run_string(run, call->positional[0], 0));
	return true;
}

/* test_set */

static bool
check_test_set(SieveCheck *check, SieveCall *call)
{
	static const char *const objects[] = { "message", "envelope.from", "envelope.to",
		                               "envelope.orig_to", "envelope.auth" };
	const SieveString *name = &call->positional[0]->strings[0];

	for (size_t i = 0; i < G_N_ELEMENTS(objects); i++)
		if (g_ascii_strcasecmp(objects[i], name->text.data) == 0)
			return true;
	return sieve_check_error(
		check, name->span, "unknown-object",
		"there are message, envelope.from, envelope.to, envelope.orig_to, envelope.auth",
		"a suite cannot set '%s'", name->text.data);
}

static bool
run_test_set(SieveRun *run, const SieveCall *call)
{
	g_auto(Status) fault = STATUS_INIT;
	SieveText value = sieve_run_text(run, &call->positional[1]->strings[0]);
	if (!suite_of(run)->set(run->env, call->positional[0]->strings[0].text.data, value.data,
	                        value.len, &fault))
		return fail_command(run, call, &fault);

	if (g_ascii_strcasecmp(call->positional[0]->strings[0].text.data, "message") == 0)
		sieve_run_take_input(run);
	return true;
}

/* test_config_set, test_config_unset, test_config_reload */

static bool
configure(SieveRun *run, const SieveCall *call, const char *setting, const char *value)
{
	g_auto(Status) fault = STATUS_INIT;
	if (!suite_of(run)->configure(run->env, call->span.line, setting, value, &fault))
		return fail_command(run, call, &fault);
	return true;
}

static bool
run_config_set(SieveRun *run, const SieveCall *call)
{
	return configure(run, call, sieve_run_string(run, call->positional[0], 0),
	                 sieve_run_string(run, call->positional[1], 0));
}

static bool
run_config_unset(SieveRun *run, const SieveCall *call)
{
	return configure(run, call, sieve_run_string(run, call->positional[0], 0), NULL);
}

/* Settings count as soon as they are set; limits of this very run are read again here. */
static bool
run_config_reload(SieveRun *run, const SieveCall *call)
{
	(void) call;
	sieve_run_renew_limits(run);
	return true;
}

/* test_script_compile, test_script_run, test_multiscript */

static bool
test_compile(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveTestsuite *suite = suite_of(run);
	suite->clear_errors(run->env);
	*ret_result = suite->compile(run->env, sieve_run_string(run, call->positional[0], 0));
	return true;
}

static void
reset(SieveRun *run)
{
	sieve_run_take_plan(run, suite_of(run)->reset(run->env));
	state_of(run)->scripts_ran = false;
}

static bool
test_script_run(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveTestsuite *suite = suite_of(run);

	suite->clear_errors(run->env);
	if (sieve_call_tag(call, "append_result") == NULL)
		reset(run);
	SieveTestsuiteView view = view_of(run);
	state_of(run)->scripts_ran = true;
	*ret_result = suite->run(run->env, &view);

	return true;
}

/*
 * As a delivery runs them: the next one only while the implicit keep is in force. The result is
 * executed.
 */
static bool
test_multiscript(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveTestsuite *suite = suite_of(run);
	const SieveArg *names = call->positional[0];

	suite->clear_errors(run->env);
	reset(run);
	SieveTestsuiteView view = view_of(run);
	state_of(run)->scripts_ran = true;

	bool good = true;
	for (size_t i = 0; good && i < names->n && plan_keeps_implicitly(run->plan); i++)
		good = suite->compile(run->env, sieve_run_string(run, names, i)) &&
		       suite->run(run->env, &view);
	*ret_result = suite->execute(run->env, &view) && good;

	return true;
}

/* test_error, test_result_action */

/* The value :index names, or all of them (index 0). */
static guint64
index_of(const SieveCall *call)
{
	const SieveTag *tag = sieve_call_tag(call, "index");
	return tag != NULL ? tag->value->number : 0;
}

static bool
test_error(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	const GPtrArray *errors = suite_of(run)->errors(run->env);
	guint64 wanted = index_of(call);

	if (!sieve_match_begin(&match, run, call))
		return false;
	for (guint i = 0; i < errors->len && !match.done; i++) {
		const char *text = errors->pdata[i];
		if ((wanted == 0 || wanted == i + 1) &&
		    !sieve_match_add(&match, (SieveText){ text, strlen(text) }))
			return false;
	}

	return sieve_match_end(&match, ret_result);
}

/* The words for an action: Pigeonhole's, ours, and "keep" for whatever goes into the INBOX. */
static size_t
names_of(const PlanAction *action, const char *ret_names[3])
{
	bool in_inbox = action->mailbox != NULL &&
	                g_ascii_strcasecmp(action->mailbox, "INBOX") == 0;
	size_t n = 0;

	ret_names[n++] = action->kind == PLAN_FILEINTO  ? "store"
	                 : action->kind == PLAN_EREJECT ? "reject"
	                                                : plan_kind_row(action->kind)->name;
	if (action->kind == PLAN_FILEINTO || action->kind == PLAN_EREJECT)
		ret_names[n++] = plan_kind_row(action->kind)->name;
	if (action->kind == PLAN_FILEINTO && in_inbox)
		ret_names[n++] = "keep";

	return n;
}

/* An action is one value where values are counted; else any word for it may be asked for. */
static bool
add_action(SieveMatch *match, const PlanAction *action)
{
	const char *names[3];
	size_t n = names_of(action, names);

	n = match->spec->def->counts ? 1 : n;
	for (size_t i = 0; i < n && !match->done; i++)
		if (!sieve_match_add(match, (SieveText){ names[i], strlen(names[i]) }))
			return false;
	return true;
}

static bool
test_result_action(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	guint64 wanted = index_of(call);
	if (!sieve_match_begin(&match, run, call))
		return false;

	for (size_t i = 0; i < plan_count(run->plan) && !match.done; i++)
		if ((wanted == 0 || wanted == i + 1) && !add_action(&match, plan_get(run->plan, i)))
			return false;
	return sieve_match_end(&match, ret_result);
}

/* test_result_execute, test_result_reset, test_result_print */

static bool
test_execute(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	(void) call;
	SieveTestsuiteView view = view_of(run);
	suite_of(run)->clear_errors(run->env);

	if (!state_of(run)->scripts_ran) {
		plan_set_keep_state(run->plan, NULL, NULL, NULL);
		if (!sieve_run_finish(run))
			return false;
	}

	*ret_result = suite_of(run)->execute(run->env, &view);
	return true;
}

static bool
run_execute(SieveRun *run, const SieveCall *call)
{
	bool good;
	if (!test_execute(run, call, &good))
		return false;

	if (!good)
		fail_test(run, call, "the result could not be executed");
	return true;
}

static bool
run_result_reset(SieveRun *run, const SieveCall *call)
{
	(void) call;
	reset(run);
	return true;
}

static bool
run_result_print(SieveRun *run, const SieveCall *call)
{
	g_autofree char *text = plan_print(run->plan);
	suite_of(run)->say(run->env, call->span.line, *text != '\0' ? text : "no action");
	return true;
}

/* test_message, test_message_print */

static bool
check_test_message(SieveCheck *check, SieveCall *call)
{
	if (sieve_call_tag_of(call, "source") != NULL)
		return true;
	return sieve_check_error(check, call->span, "missing-tag", "add :smtp or :folder \"NAME\"",
	                         "'test_message' needs to know where");
}

static bool
take_message(SieveRun *run, const SieveCall *call, bool *ret_there)
{
	const SieveTag *folder = sieve_call_tag(call, "folder");
	const char *name = folder != NULL ? sieve_run_string(run, folder->value, 0) : NULL;

	*ret_there = suite_of(run)->take_message(run->env, name, call->positional[0]->number);
	if (*ret_there)
		sieve_run_take_input(run);
	return true;
}

static bool
run_test_message(SieveRun *run, const SieveCall *call)
{
	bool there;

	take_message(run, call, &there);
	if (there)
		return true;

	const SieveTag *folder = sieve_call_tag(call, "folder");
	g_autofree char *place = folder != NULL
	                                 ? g_strdup_printf("in '%s'",
	                                                   sieve_run_string(run, folder->value, 0))
	                                 : g_strdup("sent");
	g_autofree char *reason = g_strdup_printf("there is no message %" G_GUINT64_FORMAT " %s",
	                                          call->positional[0]->number, place);
	fail_test(run, call, reason);

	return true;
}

/* The header as it is now, and how long the body is. */
static bool
run_message_print(SieveRun *run, const SieveCall *call)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < headers_count(run->headers); i++) {
		const HeaderField *field = headers_get(run->headers, i);
		g_string_append_len(text, field->bytes, field->len);
	}

	MessageBody body = { 0 };
	if (run->message != NULL && message_body(run->message, &body))
		g_string_append_printf(text, "(a body of %" G_GINT64_FORMAT " octets)",
		                       (gint64) body.size);
	suite_of(run)->say(run->env, call->span.line, text->str);

	return true;
}

/* test_mailbox_create, test_mailbox_delete; test_mailbox with a tag is how it was called first */

static bool
change_mailbox(SieveRun *run, const SieveCall *call, bool create)
{
	g_auto(Status) fault = STATUS_INIT;
	const SieveTestsuite *suite = suite_of(run);
	const char *name = sieve_run_string(run, call->positional[0], 0);
	bool good = create ? suite->make_mailbox(run->env, name, &fault)
	                   : suite->remove_mailbox(run->env, name, &fault);

	return good || fail_command(run, call, &fault);
}

static bool
run_mailbox_create(SieveRun *run, const SieveCall *call)
{
	return change_mailbox(run, call, true);
}

static bool
run_mailbox_delete(SieveRun *run, const SieveCall *call)
{
	return change_mailbox(run, call, false);
}

static bool
run_mailbox(SieveRun *run, const SieveCall *call)
{
	return change_mailbox(run, call, sieve_call_tag(call, "create") != NULL);
}

static bool
check_mailbox(SieveCheck *check, SieveCall *call)
{
	return sieve_call_tag_of(call, "what") != NULL ||
	       sieve_check_error(check, call->span, "missing-tag", "add :create or :delete",
	                         "'test_mailbox' needs to know what to do");
}

/* What there is nothing to do for, and what we do not have. */

static bool
run_nothing(SieveRun *run, const SieveCall *call)
{
	(void) run;
	(void) call;
	return true;
}

static bool
run_metadata(SieveRun *run, const SieveCall *call)
{
	fail_test(run, call, "test_imap_metadata_set: annotations of mailboxes are not supported");
	return true;
}

/* ${tst.path} */

static bool
get_variable(SieveRun *run, const char *name, SieveText *ret_value)
{
	const char *value = strcmp(name, "path") == 0 ? suite_of(run)->folder(run->env) : "";
	*ret_value = (SieveText){ value, strlen(value) };
	return true;
}

static const SieveNamespace space = { .name = "tst", .get = get_variable };
static const SieveNamespace *const namespaces[] = { &space, NULL };

static const SieveTagDef index_tag[] = { { .name = "index", .value = SIEVE_NUMBER },
	                                 { .name = NULL } };
static const SieveTagDef run_tags[] = { { .name = "append_result" }, { .name = NULL } };
static const SieveTagDef reload_tags[] = { { .name = "extension", .value = SIEVE_STRING },
	                                   { .name = NULL } };
static const SieveTagDef metadata_tags[] = { { .name = "mailbox", .value = SIEVE_STRING },
	                                     { .name = NULL } };
static const SieveTagDef message_tags[] = {
	{ .name = "smtp", .group = "source" },
	{ .name = "folder", .value = SIEVE_STRING, .group = "source" },
	{ .name = NULL }
};
static const SieveTagDef mailbox_tags[] = { { .name = "create", .group = "what" },
	                                    { .name = "delete", .group = "what" },
	                                    { .name = NULL } };

static const SieveCallDef commands[] = {
	{ .name = "test",
	  .positional = { SIEVE_STRING },
	  .flags = SIEVE_TAKES_BLOCK,
	  .run = run_test_block },
	{ .name = "test_fail", .positional = { SIEVE_STRING }, .run = run_test_fail },
	{ .name = "test_set",
	  .positional = { SIEVE_STRING | SIEVE_CONSTANT, SIEVE_STRING },
	  .check = check_test_set,
	  .run = run_test_set },
	{ .name = "test_config_set",
	  .positional = { SIEVE_STRING, SIEVE_STRING },
	  .run = run_config_set },
	{ .name = "test_config_unset", .positional = { SIEVE_STRING }, .run = run_config_unset },
	{ .name = "test_config_reload", .tags = reload_tags, .run = run_config_reload },
	{ .name = "test_result_execute", .run = run_execute },
	{ .name = "test_result_reset", .run = run_result_reset },
	{ .name = "test_result_print", .run = run_result_print },
	{ .name = "test_message",
	  .positional = { SIEVE_NUMBER },
	  .tags = message_tags,
	  .check = check_test_message,
	  .run = run_test_message },
	{ .name = "test_message_print", .run = run_message_print },
	{ .name = "test_mailbox_create",
	  .positional = { SIEVE_STRING },
	  .run = run_mailbox_create },
	{ .name = "test_mailbox_delete",
	  .positional = { SIEVE_STRING },
	  .run = run_mailbox_delete },
	{ .name = "test_mailbox",
	  .positional = { SIEVE_STRING },
	  .tags = mailbox_tags,
	  .check = check_mailbox,
	  .run = run_mailbox },
	{ .name = "test_binary_load", .positional = { SIEVE_STRING }, .run = run_nothing },
	{ .name = "test_binary_save", .positional = { SIEVE_STRING }, .run = run_nothing },
	{ .name = "test_imap_metadata_set",
	  .positional = { SIEVE_STRING, SIEVE_STRING },
	  .tags = metadata_tags,
	  .run = run_metadata },
	{ .name = NULL }
};

static const SieveCallDef tests[] = {
	{ .name = "test_script_compile", .positional = { SIEVE_STRING }, .test = test_compile },
	{ .name = "test_script_run", .tags = run_tags, .test = test_script_run },
	{ .name = "test_multiscript", .positional = { SIEVE_STRINGS }, .test = test_multiscript },
	{ .name = "test_error",
	  .positional = { SIEVE_STRINGS },
	  .flags = SIEVE_USES_MATCH,
	  .tags = index_tag,
	  .test = test_error },
	{ .name = "test_result_action",
	  .positional = { SIEVE_STRINGS },
	  .flags = SIEVE_USES_MATCH,
	  .tags = index_tag,
	  .test = test_result_action },
	{ .name = "test_result",
	  .positional = { SIEVE_STRINGS },
	  .flags = SIEVE_USES_MATCH,
	  .tags = index_tag,
	  .test = test_result_action },
	{ .name = "test_result_execute", .test = test_execute },
	{ .name = "test_message",
	  .positional = { SIEVE_NUMBER },
	  .tags = message_tags,
	  .check = check_test_message,
	  .test = take_message },
	{ .name = NULL }
};

const SieveExt sieve_ext_testsuite = {
	.capability = "vnd.dovecot.testsuite",
	.rfc = "Pigeonhole's testsuite",
	.for_tests = true,
	.commands = commands,
	.tests = tests,
	.namespaces = namespaces,
	.run_state = sizeof(TestsuiteState),
};
