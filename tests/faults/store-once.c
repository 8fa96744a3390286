/* SPDX-License-Identifier: MIT */
/*
 * store-once: a delivery without the rest of the agent, for faults.py: `store-once MAILDIR
 * ACTION... <MESSAGE`.
 *
 * An ACTION is "keep", "discard", "fileinto:Work", with flags behind '+': "keep+\Seen+Later". The
 * message is spooled first, as the agent does it for its filters. Exit code and text are the
 * status's. STORE_LAYOUT=fs in the environment chooses that layout, STORE_QUEUE_ID a queue id.
 */
#include "agent/base/answer.h"
#include "agent/base/fs.h"
#include "agent/deliver/deliver.h"
#include "conf/conf-choices.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Conf settings = {
	.create_maildir = true,
	.create_folders = true,
	.subscribe_folders = true,
	.folder_layout = CONF_FOLDER_LAYOUT_MAILDIRPP,
	.folder_names = CONF_FOLDER_NAMES_UTF_7,
	.umask = 077,
	.durability = CONF_DURABILITY_FULL,
	.retry_lifetime = 86400,
};

static PlanAction *
parse_action(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "+", -1);
	g_auto(GStrv) words = g_strsplit(parts[0], ":", 2);
	PlanKind kind = 0;

	while (kind < PLAN_KIND_COUNT && strcmp(plan_kind_row(kind)->name, words[0]) != 0)
		kind++;
	g_assert(kind < PLAN_KIND_COUNT);
	PlanAction *action = plan_action_new(kind, NULL, 0);
	action->mailbox = g_strdup(words[1]);
	if (parts[1] != NULL)
		action->flags = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 1; parts[i] != NULL; i++)
		g_ptr_array_add(action->flags, g_strdup(parts[i]));

	return action;
}

static bool
make_plan(char **actions, Plan *plan, Status *st)
{
	for (; *actions != NULL; actions++)
		if (!plan_add(plan, parse_action(*actions), st))
			return false;
	return true;
}

static bool
store(const char *path, char **actions, Status *st)
{
	g_autoptr(Plan) plan = plan_new();
	if (!make_plan(actions, plan, st))
		return false;

	g_autoptr(Maildir) inbox = deliver_open_inbox(path, &settings, st);
	if (inbox == NULL)
		return false;

	g_autoptr(Message) message = message_read(0, st);
	if (message == NULL)
		return false;

	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	envelope->recipient = g_strdup("b@example.net");
	envelope->queue_id = g_strdup(g_getenv("STORE_QUEUE_ID"));

	DeliverJob job = {
		.message = message,
		.headers = message_headers(message),
		.inbox = inbox,
		.conf = &settings,
		.envelope = envelope,
	};
	g_autoptr(MaildirDraft) draft = maildir_draft_new(inbox, st);
	if (draft == NULL || !maildir_draft_write(draft, message, job.headers, st))
		return false;

	job.draft = g_steal_pointer(&draft);
	g_auto(DeliverReport) report;
	deliver_report_init(&report);

	bool done = deliver_run(plan, &job, &report, st);
	for (guint i = 0; i < report.notes->len; i++)
		fprintf(stderr, "note: %s\n", (char *) report.notes->pdata[i]);
	return done;
}

int
main(int argc, char **argv)
{
	g_assert(argc > 2);
	(void) signal(SIGXFSZ, SIG_IGN);
	if (g_strcmp0(g_getenv("STORE_LAYOUT"), "fs") == 0)
		settings.folder_layout = CONF_FOLDER_LAYOUT_FS;

	g_auto(Status) st = STATUS_INIT;
	if (store(argv[1], argv + 2, &st))
		return 0;

	g_autofree char *line = answer_line(&st, NULL);
	printf("%s\n", line);
	fprintf(stderr, "%s\n", st.detail != NULL ? st.detail : "");

	return status_row(st.id)->exit_code;
}
