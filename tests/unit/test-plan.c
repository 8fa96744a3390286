/* SPDX-License-Identifier: MIT */
/* plan: what is merged, what is refused, what becomes of the implicit keep, and how it is shown. */
#include "tests/unit/unit.h"

#include "agent/plan/plan-notice.h"
#include "agent/plan/plan-program.h"
#include "agent/plan/plan-reply.h"
#include "agent/plan/plan-report.h"
#include "agent/plan/plan-store.h"

#include <string.h>

/*
 * `actions` are separated by ";": a kind, then words. What a word is depends on its first
 * character: ':' is :copy or :create, '\' or '$' a flag, '@' an address, '=' the data (a method or
 * program), else the mailbox. "next" stands for the end of one script of the chain. Each action has
 * a line of its own, from 1. `want` are the lines of the finished plan, or the conflict.
 */
typedef struct {
	const char *name;
	const char *actions;
	const char *want;
} Row;

static const Row rows[] = {
	{ "no rule: implicit keep", "", "keep in \"INBOX\" (implicit: no rule said otherwise)\n" },
	{ "keep", "keep", "keep in \"INBOX\" (s:1)\n" },
	{ "fileinto cancels the keep", "fileinto A", "fileinto in \"A\" (s:1)\n" },
	{ "fileinto :copy does not", "fileinto A :copy",
	  "fileinto in \"A\" (s:1)\nkeep in \"INBOX\" (implicit: no rule said otherwise)\n" },
	{ "discard cancels the keep", "discard", "discard (s:1)\n" },
	{ "redirect cancels the keep", "redirect @a", "redirect to <@a> (s:1)\n" },
	{ "pipe cancels the keep", "pipe =p", "pipe program \"=p\" (s:1)\n" },
	{ "defer cancels the keep", "defer", "defer (s:1)\n" },
	{ "vacation keeps", "vacation",
	  "vacation (s:1)\nkeep in \"INBOX\" (implicit: no rule said otherwise)\n" },
	{ "notify keeps", "notify =mailto:a",
	  "notify by \"=mailto:a\" (s:1)\nkeep in \"INBOX\" (implicit: no rule said otherwise)\n" },
	{ "execute keeps", "execute =p",
	  "execute program \"=p\" (s:1)\nkeep in \"INBOX\" (implicit: no rule said otherwise)\n" },
	{ "report keeps", "report",
	  "report (s:1)\nkeep in \"INBOX\" (implicit: no rule said otherwise)\n" },

	/* RFC 5228 2.10.3: what is asked for twice is done once. */
	{ "keep twice", "keep; keep", "keep in \"INBOX\" (s:1)\n" },
	{ "keep and fileinto INBOX", "keep; fileinto INBOX", "keep in \"INBOX\" (s:1)\n" },
	{ "the same folder twice", "fileinto A; fileinto A", "fileinto in \"A\" (s:1)\n" },
	{ "two folders", "fileinto A; fileinto B",
	  "fileinto in \"A\" (s:1)\nfileinto in \"B\" (s:2)\n" },
	{ "the same address twice", "redirect @a; redirect @a", "redirect to <@a> (s:1)\n" },
	{ "two addresses", "redirect @a; redirect @b",
	  "redirect to <@a> (s:1)\nredirect to <@b> (s:2)\n" },
	{ "discard twice", "discard; discard", "discard (s:1)\n" },
	{ "a program twice runs twice", "pipe =p; pipe =p",
	  "pipe program \"=p\" (s:1)\npipe program \"=p\" (s:2)\n" },
	{ "a path twice is meant", "store A; store A",
	  "store in \"A\" (s:1)\nstore in \"A\" (s:2)\n" },
	{ "a path is no folder", "store A; fileinto A",
	  "store in \"A\" (s:1)\nfileinto in \"A\" (s:2)\n" },
	/* RFC 5436 2.7 */
	{ "the same notice twice", "notify =m; notify =m; keep",
	  "notify by \"=m\" (s:1)\nkeep in \"INBOX\" (s:3)\n" },
	{ "notices by two methods", "notify =m; notify =n; keep",
	  "notify by \"=m\" (s:1)\nnotify by \"=n\" (s:2)\nkeep in \"INBOX\" (s:3)\n" },
	/* RFC 5232 3: the flags of the later one */
	{ "flags of the later action", "fileinto A \\Seen; fileinto A $x $x",
	  "fileinto in \"A\" flags $x (s:1)\n" },
	{ "no flags leave those before", "fileinto A \\Seen; fileinto A",
	  "fileinto in \"A\" flags \\Seen (s:1)\n" },

	/* RFC 5429 2.1, 2.2; RFC 5230 4.7 */
	{ "reject alone", "reject", "reject (s:1)\n" },
	{ "reject beside keep", "keep; reject",
	  "s:2: 'reject' cannot stand beside 'keep' of line 1" },
	{ "keep beside reject", "reject; keep",
	  "s:2: 'keep' cannot stand beside 'reject' of line 1" },
	{ "reject beside fileinto", "fileinto A; ereject",
	  "s:2: 'ereject' cannot stand beside 'fileinto' of line 1" },
	{ "reject beside redirect", "redirect @a; reject",
	  "s:2: 'reject' cannot stand beside 'redirect' of line 1" },
	{ "reject beside pipe", "pipe =p; reject",
	  "s:2: 'reject' cannot stand beside 'pipe' of line 1" },
	{ "reject beside a path", "store A; reject",
	  "s:2: 'reject' cannot stand beside 'store' of line 1" },
	{ "reject beside vacation", "vacation; reject",
	  "s:2: 'reject' cannot stand beside 'vacation' of line 1" },
	{ "vacation beside ereject", "ereject; vacation",
	  "s:2: 'vacation' cannot stand beside 'ereject' of line 1" },
	{ "reject twice", "reject; reject",
	  "s:2: 'reject' cannot stand beside 'reject' of line 1" },
	{ "reject beside discard", "discard; reject", "discard (s:1)\nreject (s:2)\n" },
	{ "reject beside a notice", "notify =m; reject", "notify by \"=m\" (s:1)\nreject (s:2)\n" },
	{ "two answers", "vacation; vacation",
	  "s:2: 'vacation' cannot stand beside 'vacation' of line 1" },

	/* Several scripts: draft-degener-sieve-multiscript 3. */
	{ "a later script takes the keep back", "keep \\Seen; next; discard", "discard (s:2)\n" },
	{ "and leaves it", "keep \\Seen; next", "keep in \"INBOX\" flags \\Seen (s:1)\n" },
	{ "its fileinto INBOX stays", "keep; fileinto INBOX; next; discard",
	  "fileinto in \"INBOX\" (s:1)\ndiscard (s:3)\n" },
	{ "an answer of an earlier script is the only one", "vacation; next; vacation; discard",
	  "vacation (s:1)\ndiscard (s:3)\n" },
};

static PlanKind
kind_of(const char *name)
{
	PlanKind kind = 0;
	while (kind < PLAN_KIND_COUNT && strcmp(plan_kind_row(kind)->name, name) != 0)
		kind++;
	assert_int_not_equal(kind, PLAN_KIND_COUNT);
	return kind;
}

static void
add_flag(PlanAction *action, const char *flag)
{
	if (action->flags == NULL)
		action->flags = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(action->flags, g_strdup(flag));
}

static void
set_data(PlanAction *action, const char *word)
{
	PlanNotice *notice = plan_notice_of(action);

	if (notice != NULL)
		notice->method = g_strdup(word);
	else
		plan_program_of(action)->name = g_strdup(word);
}

static PlanAction *
action_of(char **words, unsigned line)
{
	PlanAction *action = plan_action_new(kind_of(words[0]), "s", line);

	for (char **word = words + 1; *word != NULL; word++) {
		if (strcmp(*word, ":copy") == 0)
			action->copy = true;
		else if (strcmp(*word, ":create") == 0)
			action->create = true;
		else if (**word == '\\' || **word == '$')
			add_flag(action, *word);
		else if (**word == '@')
			action->address = g_strdup(*word);
		else if (**word == '=')
			set_data(action, *word);
		else
			action->mailbox = g_strdup(*word);
	}

	return action;
}

static void
test_row(void **state)
{
	const Row *row = *state;
	g_autoptr(Plan) plan = plan_new();
	g_auto(Status) st = STATUS_INIT;
	g_auto(GStrv) actions = g_strsplit(row->actions, ";", -1);
	unsigned line = 0;

	for (size_t i = 0; actions[i] != NULL && st.id == STATUS_OK; i++) {
		g_auto(GStrv) words = g_strsplit(g_strstrip(actions[i]), " ", -1);
		if (strcmp(words[0], "next") == 0)
			(void) plan_next_script(plan);
		else
			(void) plan_add(plan, action_of(words, ++line), &st);
	}

	if (st.id != STATUS_OK) {
		assert_int_equal(st.id, STATUS_CONFLICT);
		assert_string_equal(st.detail, row->want);
		return;
	}

	plan_finish(plan);
	g_autofree char *text = plan_print(plan);
	assert_string_equal(text, row->want);
}

/* What each kind of data is in JSON. */
static void
assert_json(PlanAction *taken, const char *want)
{
	g_autoptr(Plan) plan = plan_new();
	g_auto(Status) st = STATUS_INIT;

	assert_true(plan_add(plan, taken, &st));
	json_t *json = plan_json(plan), *wanted = json_loads(want, 0, NULL);
	assert_non_null(wanted);
	if (!json_equal(json_array_get(json, 0), wanted)) {
		char *got = json_dumps(json, JSON_COMPACT);
		assert_string_equal(got, want);
	}

	json_decref(wanted);
	json_decref(json);
}

static GPtrArray *
strings_of(const char *text)
{
	GPtrArray *strings = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(strings, g_strdup(text));
	return strings;
}

static void
test_json_keep(void **state)
{
	(void) state;
	PlanAction *action = plan_action_new(PLAN_FILEINTO, "s", 7);

	action->mailbox = g_strdup("caf\xe9"); /* Latin-1: what is no UTF-8 is mended */
	action->flags = strings_of("\\Seen");
	action->create = action->copy = true;
	assert_json(action, "{\"action\":\"fileinto\",\"mailbox\":\"caf\xef\xbf\xbd\","
	                    "\"flags\":[\"\\\\Seen\"],\"create\":true,\"copy\":true,"
	                    "\"at\":\"s:7\"}");
}

static void
test_json_reply(void **state)
{
	(void) state;
	PlanAction *action = plan_action_new(PLAN_VACATION, NULL, 0);
	PlanReply *reply = plan_reply_of(action);

	reply->subject = g_strdup("Away");
	reply->body = g_strdup("Back soon");
	reply->interval_seconds = 86400;
	reply->addresses = strings_of("me@example.jp");
	reply->fcc = g_new0(PlanFcc, 1);
	reply->fcc->mailbox = g_strdup("Sent");
	assert_json(action, "{\"action\":\"vacation\",\"copy\":false,\"subject\":\"Away\","
	                    "\"reason\":\"Back soon\",\"mime\":false,\"seconds\":86400,"
	                    "\"addresses\":[\"me@example.jp\"],\"fcc\":\"Sent\",\"fcc_flags\":[],"
	                    "\"fcc_create\":false}");
}

static void
test_json_notice(void **state)
{
	(void) state;
	PlanAction *action = plan_action_new(PLAN_NOTIFY, NULL, 0);
	PlanNotice *notice = plan_notice_of(action);

	notice->method = g_strdup("mailto:a@example.org");
	notice->importance = 1;
	assert_json(action, "{\"action\":\"notify\",\"copy\":false,"
	                    "\"method\":\"mailto:a@example.org\",\"importance\":1,\"options\":[]}");
}

static void
test_json_program(void **state)
{
	(void) state;
	PlanAction *pipe = plan_action_new(PLAN_PIPE, NULL, 0),
		   *execute = plan_action_new(PLAN_EXECUTE, NULL, 0);

	plan_program_of(pipe)->name = g_strdup("p");
	plan_program_of(pipe)->may_fail = true;
	plan_program_of(execute)->name = g_strdup("p");
	plan_program_of(execute)->args = strings_of("-x");
	assert_json(pipe, "{\"action\":\"pipe\",\"copy\":false,\"program\":\"p\",\"arguments\":[],"
	                  "\"try\":true}");
	assert_json(execute, "{\"action\":\"execute\",\"copy\":false,\"program\":\"p\","
	                     "\"arguments\":[\"-x\"]}");
}

static void
test_json_store(void **state)
{
	(void) state;
	PlanAction *action = plan_action_new(PLAN_STORE, NULL, 0);

	action->mailbox = g_strdup("/var/mail/me");
	plan_store_of(action)->paths = strings_of("/var/mail/me");
	assert_json(action, "{\"action\":\"store\",\"mailbox\":\"/var/mail/me\",\"flags\":[],"
	                    "\"create\":false,\"copy\":false,\"paths\":[\"/var/mail/me\"]}");
}

static void
test_json_report(void **state)
{
	(void) state;
	PlanAction *action = plan_action_new(PLAN_REPORT, NULL, 0);

	plan_report_of(action)->feedback_type = g_strdup("abuse");
	plan_report_of(action)->address = g_strdup("abuse@example.org");
	assert_json(action, "{\"action\":\"report\",\"copy\":false,\"feedback_type\":\"abuse\","
	                    "\"address\":\"abuse@example.org\",\"headers_only\":false}");
}

/* An action has the data of its kind only. */
static void
test_data(void **state)
{
	(void) state;
	for (PlanKind kind = 0; kind < PLAN_KIND_COUNT; kind++) {
		g_autoptr(PlanAction) action = plan_action_new(kind, NULL, 0);
		const void *const data[] = { plan_reply_of(action), plan_notice_of(action),
			                     plan_program_of(action), plan_store_of(action),
			                     plan_report_of(action) };
		unsigned found = 0;
		for (size_t i = 0; i < G_N_ELEMENTS(data); i++)
			found += data[i] != NULL;
		assert_int_equal(found, action->data != NULL ? 1 : 0);
	}
}

/* A script that fails half-way leaves what was there before it. */
static void
test_rewind(void **state)
{
	(void) state;
	g_autoptr(Plan) plan = plan_new();
	g_auto(Status) st = STATUS_INIT;

	assert_true(plan_add(plan, plan_action_new(PLAN_VACATION, "a", 1), &st));
	PlanMark mark = plan_mark(plan);
	assert_true(plan_add(plan, plan_action_new(PLAN_DISCARD, "b", 1), &st));
	assert_false(plan_keeps_implicitly(plan));
	plan_rewind(plan, mark);

	assert_true(plan_keeps_implicitly(plan));
	assert_int_equal(plan_count(plan), 1);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 8];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json_keep);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json_reply);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json_notice);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json_program);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json_store);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_json_report);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_data);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rewind);

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
