/*
 * cmd-try: what would happen to a message, and why. Nothing is changed, nobody is told.
 *
 * It goes the way of a delivery (run/transact) and stops where the first file would be written.
 */
#define _GNU_SOURCE
#include "agent/base/fs.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/people.h"
#include "agent/run/transact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	char *conf_path;
	char **overrides;
	char *recipient;
	char *sender;
	char *original;
	char *queue_id;
	char *now;
	gboolean as_json;
	char **messages;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->conf_path);
	g_strfreev(options->overrides);
	g_free(options->recipient);
	g_free(options->sender);
	g_free(options->original);
	g_free(options->queue_id);
	g_free(options->now);
	g_strfreev(options->messages);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static const char about[] =
	"\nGoes the way of a delivery and stops where the first file would be written:\n"
	"the loop check with its evidence, the header rules, the plan, the answer to\n"
	"Postfix. MESSAGE is a file, '-' is standard input.\n\n"
	"  todoke try --rcpt me@example.jp ~/Maildir/cur/*\n"
	"  todoke try --rcpt me@example.jp --json message.eml\n\n"
	"Exit code: 0 all would be delivered, 1 one would not, 2 wrong usage.\n";

static bool
read_options(Options *options, int *argc, char ***argv, int *ret_exit)
{
	const GOptionEntry entries[] = {
		{ "rcpt", 'd', 0, G_OPTION_ARG_FILENAME, &options->recipient, "Final recipient", "ADDR" },
		{ "sender", 'f', 0, G_OPTION_ARG_FILENAME, &options->sender, "Envelope sender; empty for a bounce", "ADDR" },
		{ "orig", 'a', 0, G_OPTION_ARG_FILENAME, &options->original, "The recipient before aliases", "ADDR" },
		{ "queue-id", 0, 0, G_OPTION_ARG_FILENAME, &options->queue_id, "Queue id of the delivery", "ID" },
		{ "now", 0, 0, G_OPTION_ARG_FILENAME, &options->now, "As if it were this time (2026-11-21T10:00:00Z)", "DATE" },
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->conf_path, "Instead of the installed todoke.conf", "FILE" },
		{ "option", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->overrides, "A setting for this run", "KEY=VALUE" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &options->as_json, "One line of schema todoke.try/1 a message", NULL },
		{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->messages, NULL, NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	if (!people_options(argc, argv, "[OPTION]... MESSAGE...", about, entries, ret_exit))
		return false;
	if (options->messages != NULL)
		return true;
	*ret_exit = people_usage("try", "no message named");
	return false;
}

static Envelope *
make_envelope(const Options *options, const Account *account)
{
	Envelope *envelope = envelope_new(DOOR_TRY);
	envelope->sender = g_strdup(options->sender != NULL ? options->sender : "");
	envelope->recipient = g_strdup(options->recipient != NULL ? options->recipient : account->user);
	envelope->original = g_strdup(options->original);
	envelope->queue_id = g_strdup(options->queue_id);
	return envelope;
}

/* Filters look at the body in a file: what comes by a pipe is put into one in memory. */
static Message *
open_message(const char *path, Status *st)
{
	auto_fd int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct stat sb;
	if (fd < 0 || fstat(fd, &sb) < 0) {
		status_fail_errno(st, errno, "cannot open '%s'", path);
		return NULL;
	}
	if (S_ISREG(sb.st_mode))
		return message_from_file(fs_steal_fd(&fd), st);
	g_autoptr(Message) message = message_read(fd, st);
	auto_fd int home = memfd_create("message", MFD_CLOEXEC);
	if (message == NULL || !message_write(message, message_headers(message), home, NULL, st))
		return NULL;
	return g_steal_pointer(&message);
}

/* The moment of the run: now, or the one that was asked for. False: that is no date. */
static bool
read_now(const Options *options, gint64 *ret_now, int *ret_exit)
{
	if (options->now == NULL) {
		*ret_now = g_get_real_time() / G_USEC_PER_SEC;
		return true;
	}
	g_autoptr(GTimeZone) local = g_time_zone_new_local();
	g_autoptr(GDateTime) date = g_date_time_new_from_iso8601(options->now, local);
	if (date == NULL) {
		*ret_exit = people_usage("try", "--now '%s' is no date such as 2026-11-21T10:00:00Z", options->now);
		return false;
	}
	*ret_now = g_date_time_to_unix(date);
	return true;
}

static void
print_answer(const Status *st)
{
	const StatusRow *row = status_row(st->id);
	printf("answer: %s %s (exit %d)\n", row->dsn, st->id == STATUS_OK ? "would be delivered" : status_text(st), row->exit_code);
	if (st->detail != NULL)
		printf("  log: %s\n", st->detail);
}

static void
print_for_people(const char *path, const Account *account, const Transact *transact, const Status *st)
{
	printf("message: %s\nfor: %s, whose INBOX is %s\n", path, account->user, account->maildir);
	if (transact_verdict(transact) != NULL) {
		g_autofree char *verdict = loop_verdict_print(transact_verdict(transact));
		fputs(verdict, stdout);
	}
	if (transact_rules(transact) != NULL) {
		g_autofree char *rules = header_rule_result_print(transact_rules(transact));
		fputs(rules, stdout);
	}
	if (transact_planned(transact) != NULL) {
		g_autofree char *plan = plan_print(transact_planned(transact));
		printf("plan:\n");
		g_auto(GStrv) lines = g_strsplit(plan, "\n", -1);
		for (char **line = lines; *line != NULL && **line != '\0'; line++)
			printf("  %s\n", *line);
	}
	print_answer(st);
}

static json_t *
error_json(const Status *st)
{
	if (st->id == STATUS_OK)
		return json_null();
	const StatusRow *row = status_row(st->id);
	json_t *error = json_pack("{s:s, s:s}", "fault", row->name, "status", row->dsn);
	json_object_set_new(error, "text", people_json_text(status_text(st)));
	if (st->detail != NULL)
		json_object_set_new(error, "detail", people_json_text(st->detail));
	return error;
}

static void
print_json(const char *path, const Account *account, const Transact *transact, const Status *st)
{
	json_t *object = json_object();
	json_object_set_new(object, "schema", json_string("todoke.try/1"));
	json_object_set_new(object, "ok", json_boolean(st->id == STATUS_OK));
	json_object_set_new(object, "error", error_json(st));
	json_object_set_new(object, "message", people_json_text(path));
	json_object_set_new(object, "user", people_json_text(account->user));
	json_object_set_new(object, "maildir", people_json_text(account->maildir));
	json_object_set_new(object, "status", json_string(status_row(st->id)->dsn));
	if (transact_verdict(transact) != NULL)
		json_object_set_new(object, "loop", loop_verdict_json(transact_verdict(transact)));
	if (transact_rules(transact) != NULL)
		json_object_set_new(object, "header_rules", header_rule_result_json(transact_rules(transact)));
	json_object_set_new(object, "actions", transact_planned(transact) != NULL ? plan_json(transact_planned(transact)) : json_array());
	json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(object);
}

/* One message; false: it would not be delivered, or could not be read. */
static bool
try_message(const Options *options, const Site *site, const Account *account, const char *path, gint64 now)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = open_message(path, &st);
	if (message == NULL) {
		fprintf(stderr, "todoke try: %s\n", st.detail);
		return false;
	}
	g_autoptr(Envelope) envelope = make_envelope(options, account);
	g_autoptr(Transact) transact = transact_new(site, account, envelope, message, NULL, now);
	bool delivered = transact_judge(transact, &st) && transact_plan(transact, &st);
	if (options->as_json)
		print_json(path, account, transact, &st);
	else
		print_for_people(path, account, transact, &st);
	return delivered;
}

/* A fault before any message was looked at. */
static int
cannot_try(const Status *st)
{
	fprintf(stderr, "todoke try: %s\n", st->detail != NULL ? st->detail : status_text(st));
	return PEOPLE_FINDINGS;
}

int
cmd_try(int argc, char **argv)
{
	g_auto(Options) options = { 0 };
	gint64 now;
	int exit_code;
	if (!read_options(&options, &argc, &argv, &exit_code) || !read_now(&options, &now, &exit_code))
		return exit_code;
	g_auto(Status) st = STATUS_INIT;
	Conf *conf = people_conf(options.conf_path, options.overrides);
	if (conf == NULL)
		return PEOPLE_FINDINGS;
	g_autoptr(Site) site = site_new(conf, &st);
	if (site == NULL)
		return cannot_try(&st);
	g_autoptr(Account) account = options.recipient != NULL ? account_find(site->conf, options.recipient, &st)
	                                                       : account_of_process(site->conf, NULL, NULL, NULL, &st);
	if (account == NULL)
		return cannot_try(&st);
	bool all_delivered = true;
	for (char **path = options.messages; *path != NULL; path++)
		all_delivered = try_message(&options, site, account, *path, now) && all_delivered;
	return all_delivered ? PEOPLE_GOOD : PEOPLE_FINDINGS;
}
