/* SPDX-License-Identifier: MIT */
/*
 * plan-once: one plan, filled by hand, carried out for a message on standard input:
 *
 *     plan-once FOLDER [-o KEY=VALUE]... [-e NAME=VALUE]... ACTION...
 *
 * FOLDER/Maildir is the INBOX, FOLDER/state the state, FOLDER/key (if there) the mark's keys. -e
 * sets sender, recipient, original, queue_id, notify, ret, envid, orcpt or now. An ACTION is a kind
 * and its words, separated by '|' ("vacation|handle|days|text"). Answer and exit code are the
 * agent's; on success the first line is "done", then one line a thing done ("+ ..."); notes follow
 * as "# ..." in any case, and what the owner is told as "@ ...".
 */
#include "agent/base/answer.h"
#include "agent/deliver/deliver.h"
#include "agent/plan/plan-notice.h"
#include "agent/plan/plan-program.h"
#include "agent/plan/plan-reply.h"
#include "agent/plan/plan-report.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	const char *folder;
	GPtrArray *overrides;
	Envelope *envelope;
	gint64 now;
	Plan *plan;
} Options;

static char **
words_of(const char *text)
{
	char **words = g_strsplit(text, "|", -1);
	guint n = g_strv_length(words);

	words = g_renew(char *, words, n + 8); /* what is not said is NULL */
	for (guint i = n; i < n + 8; i++)
		words[i] = NULL;
	return words;
}

static PlanFcc *
make_fcc(const char *mailbox)
{
	if (mailbox == NULL)
		return NULL;
	PlanFcc *fcc = g_new0(PlanFcc, 1);
	fcc->mailbox = g_strdup(mailbox);
	return fcc;
}

static void
fill_vacation(PlanAction *action, char **words)
{
	PlanReply *reply = plan_reply_of(action);

	reply->handle = g_strdup(words[1]);
	reply->interval_seconds = words[2] != NULL ? atoi(words[2]) * 86400 : 0;
	reply->is_mime = words[3] != NULL && g_str_has_prefix(words[3], "Content-");
	reply->body = g_strdup(words[3] != NULL ? words[3] : "away");
	reply->fcc = make_fcc(words[4]);
}

static void
fill_notify(PlanAction *action, char **words)
{
	PlanNotice *notice = plan_notice_of(action);
	notice->method = g_strdup(words[1]);
	notice->message = g_strdup(words[2]);
	notice->importance = 2;
	notice->fcc = make_fcc(words[2] != NULL ? words[3] : NULL);
}

static void
fill_program(PlanAction *action, char **words)
{
	PlanProgram *program = plan_program_of(action);
	program->name = g_strdup(words[1]);
	program->args = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 2; words[i] != NULL; i++)
		g_ptr_array_add(program->args, g_strdup(words[i]));
}

static void
fill_report(PlanAction *action, char **words)
{
	PlanReport *report = plan_report_of(action);
	report->feedback_type = g_strdup(words[1]);
	report->address = g_strdup(words[2]);
	report->message = g_strdup(words[3]);
	report->headers_only = words[3] != NULL && words[4] != NULL;
}

static PlanAction *
parse_action(const char *text)
{
	g_auto(GStrv) words = words_of(text);
	PlanKind kind = 0;

	while (kind < PLAN_KIND_COUNT && strcmp(plan_kind_row(kind)->name, words[0]) != 0)
		kind++;
	g_assert(kind < PLAN_KIND_COUNT);
	PlanAction *action = plan_action_new(kind, NULL, 0);
	if (kind == PLAN_REDIRECT)
		action->address = g_strdup(words[1]);
	else if (kind == PLAN_REJECT || kind == PLAN_EREJECT)
		action->text = g_strdup(words[1]);
	else if (kind == PLAN_VACATION)
		fill_vacation(action, words);
	else if (kind == PLAN_NOTIFY)
		fill_notify(action, words);
	else if (kind == PLAN_PIPE || kind == PLAN_EXECUTE || kind == PLAN_FILTER)
		fill_program(action, words);
	else if (kind == PLAN_REPORT)
		fill_report(action, words);
	else
		action->mailbox = g_strdup(words[1]);

	return action;
}

static void
set_envelope(Options *options, const char *pair)
{
	g_auto(GStrv) words = g_strsplit(pair, "=", 2);
	Envelope *envelope = options->envelope;

	const struct {
		const char *name;
		char **value;
	} items[] = {
		{ "sender", &envelope->sender },     { "recipient", &envelope->recipient },
		{ "original", &envelope->original }, { "queue_id", &envelope->queue_id },
		{ "notify", &envelope->notify },     { "ret", &envelope->ret },
		{ "envid", &envelope->envid },       { "orcpt", &envelope->orcpt },
	};
	if (strcmp(words[0], "now") == 0)
		options->now = g_ascii_strtoll(words[1], NULL, 10);
	for (size_t i = 0; i < G_N_ELEMENTS(items); i++) {
		if (strcmp(words[0], items[i].name) != 0)
			continue;
		g_free(*items[i].value);
		*items[i].value = g_strdup(words[1]);
	}
}

static bool
read_options(Options *options, char **argv, Status *st)
{
	options->folder = *argv++;
	for (; *argv != NULL; argv++) {
		if (strcmp(*argv, "-o") == 0)
			g_ptr_array_add(options->overrides, *++argv);
		else if (strcmp(*argv, "-e") == 0)
			set_envelope(options, *++argv);
		else if (!plan_add(options->plan, parse_action(*argv), st))
			return false;
	}

	g_ptr_array_add(options->overrides, NULL);
	return true;
}

static void
print_report(const DeliverReport *report, bool done)
{
	for (guint i = 0; done && i < report->done->len; i++) {
		const DeliverDone *one = report->done->pdata[i];
		printf("+ %s %s\n", one->action,
		       one->folder != NULL ? one->folder
		       : one->to != NULL   ? one->to
		                           : "-");
	}

	for (guint i = 0; i < report->notes->len; i++)
		printf("# %s\n", (char *) report->notes->pdata[i]);
	for (guint i = 0; i < report->for_owner->len; i++) {
		g_autofree char *line = g_strdelimit(g_strdup(report->for_owner->pdata[i]), "\n",
		                                     ' ');
		printf("@ %s\n", line);
	}
}

/* The spool first, as the agent does it for its filters. */
static bool
deliver(const Options *options, const Conf *conf, DeliverOwner *owner, DeliverReport *report,
        Status *st)
{
	g_autofree char *path = g_build_filename(options->folder, "Maildir", NULL);
	g_autoptr(Maildir) inbox = deliver_open_inbox(path, conf, st);
	g_autoptr(Message) message = inbox != NULL ? message_read(0, st) : NULL;

	if (message == NULL)
		return false;
	g_autoptr(MaildirDraft) draft = maildir_draft_new(inbox, st);
	if (draft == NULL || !maildir_draft_write(draft, message, message_headers(message), st))
		return false;

	DeliverJob job = {
		.message = message,
		.headers = message_headers(message),
		.inbox = inbox,
		.draft = g_steal_pointer(&draft),
		.conf = conf,
		.envelope = options->envelope,
		.owner = owner,
	};
	return deliver_run(options->plan, &job, report, st);
}

static bool
run(const Options *options, DeliverReport *report, Status *st)
{
	g_autoptr(Conf)
		conf = conf_read(NULL, (const char *const *) options->overrides->pdata, NULL, st);
	if (conf == NULL)
		return false;

	g_autofree char *state = g_build_filename(options->folder, "state", NULL),
			*key = g_build_filename(options->folder, "key", NULL);
	g_autoptr(StateOnce) once = state_once_new(state, options->now);
	g_autoptr(MarkKeys) keys = NULL;
	g_autoptr(GPtrArray) addresses = g_ptr_array_new();
	g_ptr_array_add(addresses, options->envelope->recipient);
	if (!mark_keys_read(key, &keys, st))
		return false;

	DeliverOwner owner = {
		.user = "owner",
		.home = options->folder,
		.addresses = addresses,
		.state = once,
		.keys = keys,
		.site_keys = keys,
		.host = "mail.example.net",
		.now = options->now,
	};
	return deliver(options, conf, &owner, report, st);
}

int
main(int argc, char **argv)
{
	g_assert(argc > 2);
	(void) signal(SIGXFSZ, SIG_IGN);
	(void) signal(SIGPIPE, SIG_IGN);

	g_auto(Status) st = STATUS_INIT;
	g_auto(DeliverReport) report;
	deliver_report_init(&report);

	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	envelope->sender = g_strdup("sender@client.test");
	envelope->recipient = g_strdup("owner@example.net");
	envelope->queue_id = g_strdup("4QID");

	g_autoptr(GPtrArray) overrides = g_ptr_array_new();
	g_autoptr(Plan) plan = plan_new();
	Options options = {
		.overrides = overrides, .envelope = envelope, .now = 1700000000, .plan = plan
	};
	bool is_read = read_options(&options, argv + 1, &st);
	envelope->told_id = envelope->queue_id;
	bool done = is_read && run(&options, &report, &st);
	g_autofree char *line = done ? g_strdup("done") : answer_line(&st, NULL);
	printf("%s\n", line);
	print_report(&report, done);
	if (st.detail != NULL)
		fprintf(stderr, "%s\n", st.detail);

	return status_row(st.id)->exit_code;
}
