/* SPDX-License-Identifier: MIT */
/* try-print: see the header. */
#include "agent/cmd/try-print.h"
#include "agent/plan/plan-notice.h"
#include "agent/plan/plan-program.h"

#include "agent/base/problem.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/source-words.h"

#include <stdio.h>
#include <string.h>

char *
try_folder_of_file(const char *file)
{
	g_autofree char *place = g_path_get_dirname(file);
	g_autofree char *folder = g_path_get_dirname(place);
	return g_strdup(strcmp(folder, ".") == 0 ? "" : folder);
}

const DeliverDone *
try_find_done(const Transact *transact, const PlanAction *action)
{
	const GPtrArray *all = transact_report(transact)->done;
	for (guint i = 0; i < all->len; i++) {
		const DeliverDone *done = all->pdata[i];
		if (done->wanted == action && done->file != NULL)
			return done;
	}
	return NULL;
}

static bool
is_stored(const PlanAction *action)
{
	return action->kind == PLAN_KEEP || action->kind == PLAN_FILEINTO ||
	       action->kind == PLAN_STORE;
}

static const char *
mailbox_of(const PlanAction *action)
{
	return action->mailbox != NULL ? action->mailbox : "INBOX";
}

/* "Work (.Work, new folder)": as people name it, and where that is on the disk. */
static void
append_place(GString *line, const PlanAction *action, const DeliverDone *done)
{
	if (done == NULL || action->kind == PLAN_STORE) {
		g_string_append(line, mailbox_of(action));
		return;
	}

	g_autofree char *folder = try_folder_of_file(done->file);
	if (*folder == '\0' && strcmp(done->folder, mailbox_of(action)) != 0 &&
	    g_ascii_strcasecmp(mailbox_of(action), "INBOX") != 0)
		g_string_append_printf(line, "INBOX, not \"%s\"", mailbox_of(action));
	else
		g_string_append(line, done->folder);

	bool tells = *folder != '\0' && strcmp(folder, done->folder) != 0;
	if (tells || done->is_new_folder)
		g_string_append_printf(line, " (%s%s%s)", tells ? folder : "",
		                       tells && done->is_new_folder ? ", " : "",
		                       done->is_new_folder ? "new folder" : "");
}

static void
append_what(GString *line, const PlanAction *action, const DeliverDone *done)
{
	if (is_stored(action)) {
		append_place(line, action, done);
		return;
	}

	g_string_append(line, plan_kind_row(action->kind)->name);
	if (action->address != NULL)
		g_string_append_printf(line, " to <%s>", action->address);
	const PlanProgram *program = plan_program_of(action);
	if (program != NULL)
		g_string_append_printf(line, " program \"%s\"", program->name);
	const PlanNotice *notice = plan_notice_of(action);
	if (notice != NULL)
		g_string_append_printf(line, " by \"%s\"", notice->method);
	if (action->text != NULL)
		g_string_append_printf(line, ": %s", action->text);
}

static void
append_flags(GString *line, const GPtrArray *flags)
{
	for (guint i = 0; flags != NULL && i < flags->len; i++)
		g_string_append_printf(line, "%s%s", i == 0 ? ", flags " : " ",
		                       (const char *) flags->pdata[i]);
}

static void
append_test(GString *line, const char *before, const PlanTest *test)
{
	g_autofree char *words = plan_test_print(test, false);
	g_string_append_printf(line, "%s%s", before, words);
}

/* "because From is ann@example.org and Subject contains 請求書": the innermost test is the last. */
static void
append_tests(GString *line, const PlanAction *action)
{
	guint n = action->within != NULL ? action->within->len : 0;
	if (action->test.line == 0)
		return;

	for (guint i = 0; i < n; i++)
		append_test(line, i == 0 ? "  because " : " and ", action->within->pdata[i]);
	append_test(line, n == 0 ? "  because " : " and ", &action->test);
}

static void
append_source(GString *line, const char *before, const PlanSource *at)
{
	g_autofree char *place = problem_place_print(at->file, at->line);
	g_string_append_printf(line, "%s%s", before, place);
}

/* What other rules did to it before. */
static void
append_rules_before(GString *line, const PlanAction *action)
{
	const PlanSource *flags_at = &action->flags_at;
	bool has_flags = action->flags != NULL && action->flags->len > 0;

	if (has_flags && flags_at->file != NULL) {
		append_source(line, " (flags set by ", flags_at);
		g_string_append_c(line, ')');
	}
	if (action->edited_at != NULL)
		g_string_append_printf(line, " (header edited by %s)", action->edited_at);
}

static void
append_why(GString *line, const PlanAction *action)
{
	if (action->implicit)
		g_string_append(line, "  no rule says otherwise");
	else if (action->at.file != NULL)
		append_source(line, "  ", &action->at);
	append_rules_before(line, action);
	append_tests(line, action);
}

char *
try_why_text(const PlanAction *action)
{
	g_autoptr(GString) line = g_string_new(NULL);
	append_why(line, action);
	return g_strdup(g_strchug(line->str));
}

char *
try_action_text(const PlanAction *action, const DeliverDone *done, bool why)
{
	GString *line = g_string_new(NULL);

	append_what(line, action, done);
	append_flags(line, action->flags);
	if (why)
		append_why(line, action);

	return g_string_free(line, FALSE);
}

/* The status in one word: who hears of it differs. */
static const char *
word_of(const Status *st)
{
	if (st->id == STATUS_OK)
		return "delivered";
	return status_is_temporary(st) ? "deferred" : "refused";
}

char *
try_outcome(const Transact *transact, const Status *st)
{
	if (st->id == STATUS_OK && transact_is_rules_alone(transact))
		return g_strdup("would be delivered");
	if (st->id == STATUS_OK)
		return transact_done_text(transact);
	return g_strdup_printf("%s: %s %s", word_of(st), status_dsn(st), status_text(st));
}

/* What becomes of the message: a line each. Of a message that fails nothing is done. */
static void
print_actions(const TryAnswer *answer)
{
	const Plan *plan = transact_planned(answer->transact);
	size_t count = plan != NULL ? plan_count(plan) : 0;
	bool failed = answer->st->id != STATUS_OK;

	if (failed || count == 0) {
		g_autofree char *outcome = try_outcome(answer->transact, answer->st);
		cmd_print(stdout, "%s -> %s\n", answer->path, outcome);
	}

	for (size_t i = 0; i < count; i++) {
		const PlanAction *action = plan_get(plan, i);
		g_autofree char *line = try_action_text(
			action, try_find_done(answer->transact, action), true);
		if (failed)
			cmd_print(stdout, "    rule: %s\n", line);
		else
			cmd_print(stdout, "%s -> %s\n", answer->path, line);
		try_emit_print(answer->emit, action);
	}
}

static void
print_answer(const TryAnswer *answer)
{
	const Status *st = answer->st;
	g_autofree char *done = st->id == STATUS_OK ? try_outcome(answer->transact, st) : NULL;

	cmd_print(stdout, "answer: %s %s (exit %d)\n", status_dsn(st),
	          done != NULL ? done : status_text(st), status_row(st->id)->exit_code);
	if (st->detail != NULL)
		cmd_print(stdout, "  log: %s\n", st->detail);
}

/* Takes the text. Is it said for the first time in this run? */
static bool
is_new(const TryAnswer *answer, char *text)
{
	return g_hash_table_add(answer->told, text);
}

static void
print_scripts(const TryAnswer *answer)
{
	const ScriptChainReport *scripts = transact_scripts(answer->transact);

	for (guint i = 0; i < scripts->problems->len; i++)
		if (is_new(answer, problem_print_short(scripts->problems->pdata[i])))
			cmd_print_problem(scripts->problems->pdata[i], NULL);
	for (guint i = 0; i < scripts->notes->len; i++)
		cmd_print(stdout, "script fault: %s\n", (const char *) scripts->notes->pdata[i]);
	if (scripts->decided_by != NULL)
		cmd_print(stdout, "decided by: %s\n", scripts->decided_by);
}

/* Is line `i` the command whose action the next line tells? */
static bool
is_told_next(const json_t *story, size_t i)
{
	const json_t *one = json_array_get(story, i), *next = json_array_get(story, i + 1);
	if (next == NULL ||
	    !json_equal(json_object_get(one, "file"), json_object_get(next, "file")) ||
	    !json_equal(json_object_get(one, "line"), json_object_get(next, "line")))
		return false;

	const char *level = json_string_value(json_object_get(one, "level"));
	const char *next_level = json_string_value(json_object_get(next, "level"));
	return strcmp(level, "commands") == 0 && strcmp(next_level, "actions") == 0 &&
	       g_str_has_prefix(json_string_value(json_object_get(next, "text")),
	                        json_string_value(json_object_get(one, "text")));
}

static void
print_story(const json_t *story)
{
	size_t i;
	json_t *told;
	json_array_foreach((json_t *) story, i, told) if (!is_told_next(story, i))
		cmd_print(stdout, "  %s:%d: %s\n", json_string_value(json_object_get(told, "file")),
	                  (int) json_integer_value(json_object_get(told, "line")),
	                  json_string_value(json_object_get(told, "text")));
}

static void
print_judgement(const Transact *transact)
{
	if (transact_verdict(transact) != NULL) {
		g_autofree char *verdict = loop_verdict_print(transact_verdict(transact));
		cmd_print(stdout, "%s", verdict);
	}

	if (transact_rules(transact) != NULL) {
		g_autofree char *rules = header_rule_result_print(transact_rules(transact));
		cmd_print(stdout, "%s", rules);
	}
}

static void
print_account(const TryAnswer *answer)
{
	const Account *account = answer->account;
	char *source = source_words_account(account);

	if (is_new(answer, g_strdup("for")))
		cmd_print(stdout, "for: %s, whose INBOX is %s\n", account->user, account->maildir);
	if (source != NULL && is_new(answer, source))
		cmd_print(stdout, "%s\n", source);
}

void
try_print(const TryAnswer *answer)
{
	const Transact *transact = answer->transact;
	const GPtrArray *notes = transact_report(transact)->notes, *told = transact_told(transact);

	print_actions(answer);
	print_answer(answer);
	for (guint i = 0; i < notes->len; i++)
		cmd_print(stdout, "note: %s\n", (const char *) notes->pdata[i]);
	for (guint i = 0; i < told->len; i++)
		cmd_print(stdout, "notice to the owner: %s\n", (const char *) told->pdata[i]);

	print_account(answer);
	if (answer->door != NULL && is_new(answer, g_strdup(answer->door)))
		cmd_print(stdout, _("door: %s\n"), answer->door);
	print_judgement(transact);
	print_scripts(answer);
	if (answer->story != NULL)
		print_story(answer->story);
}
