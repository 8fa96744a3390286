/* SPDX-License-Identifier: MIT */
/*
 * cmd-try: what would happen to a message, and why. Nothing is changed, nobody is told.
 *
 * It goes the way of a delivery (run/transact) and stops where the first file would be written.
 */
#define _GNU_SOURCE
#include "agent/base/fs.h"
#include "agent/base/problem.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/source-words.h"
#include "agent/cmd/try-account.h"
#include "agent/cmd/try-door.h"
#include "agent/cmd/try-emit.h"
#include "agent/cmd/try-print.h"
#include "agent/cmd/try-summary.h"
#include "agent/message/address.h"
#include "agent/run/transact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	int engine; /* -1: not said */
	const char *recipient;
	const char *sender;
	const char *original;
	const char *queue_id;
	const char *now;
	bool as_json;
	const char *as;      /* the account whose rights count; NULL: the owner's */
	const char *summary; /* the folder that is summed up; NULL: each message by itself */
	TrySummary *sum;
	char **found;    /* its messages */
	char **messages; /* NULL ends them */
	/* The world around a script. */
	const char *recipes;
	int procmail; /* TRY_PROCMAIL_ */
	const char *script;
	GPtrArray *before;
	GPtrArray *after;
	const char *personal;
	const char *global;
	GPtrArray *mailboxes;
	GPtrArray *lists;
	const char *auth;
	int trace;     /* of TRACE_CHOICES; -1: not said */
	json_t *story; /* the lines of the trace of one message; NULL: it goes to stderr */
	const char *emit;
	const char *state;
} Options;

static void
options_clear(Options *options)
{
	try_summary_free(options->sum);
	g_strfreev(options->found);
	json_decref(options->story);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static const char about[] =
	"\nWhat a delivery would do, and why. MESSAGE: a file, or '-'. The world around\n"
	"a script: --script-before --script-after FILE, --personal --global DIR, --auth\n"
	"USER, --exists NAME[:\\Use], --ext-list NAME=FILE, --queue-id ID, --state DIR.\n"
	"Recipes alone (no programs): --recipes FILE. As todoke procmail: --procmail yes.\n"
	"  todoke try --rcpt me@example.jp ~/Maildir/cur/*\n"
	"  todoke try --script new.sieve -f boss@example.jp message.eml\n"
	"  todoke try --rcpt me@example.jp --summary ~/Maildir\n\n"
	"Exit code: 0 all as the rules want, 1 one would not be, 2 wrong usage.\n";

/* By number of TraceLevel, and one that is a form besides. */
#define TRACE_CHOICES "actions commands tests matching json"
enum { TRACE_JSON = TRACE_MATCHING + 1 };

static const char *const trace_levels[] = { "actions", "commands", "tests", "matching" };

static const CmdOption rows[] = {
	CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Options, recipient), "final recipient"),
	CMD_OPTION_SENDER(CMD_INTO_TEXT(Options, sender), "envelope sender; empty for a bounce"),
	CMD_OPTION_ORIGINAL(CMD_INTO_TEXT(Options, original)),
	{ .name = "now",
	  .argument = "DATE",
	  CMD_INTO_TEXT(Options, now),
	  .help = N_("as if it were then (2026-11-21T10:00:00Z)") },
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTION_ENGINE(CMD_INTO_CHOICE(Options, engine, CMD_ENGINES)),
	{ .name = "script",
	  .letters = "s",
	  .argument = "FILE",
	  CMD_INTO_TEXT(Options, script),
	  .help = N_("this script alone; no account is needed") },
	{ .name = "as",
	  .argument = "USER",
	  CMD_INTO_TEXT(Options, as),
	  .help = N_("as root: in the rights of this account") },
	{ .name = "summary",
	  .argument = "FOLDER",
	  CMD_INTO_TEXT(Options, summary),
	  .help = N_("how many of a folder's messages go where") },
	{ .name = "trace",
	  .argument = "LEVEL",
	  CMD_INTO_CHOICE(Options, trace, TRACE_CHOICES),
	  .help = N_("actions, commands, tests, matching, json") },
	{ .name = "emit",
	  .argument = "DIR",
	  CMD_INTO_TEXT(Options, emit),
	  .help = N_("write what would be stored or sent here") },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, as_json), "todoke.try/1, a line a message"),

	/* the world around a script: `about` names them */
	{ .name = "recipes",
	  .argument = "FILE",
	  CMD_INTO_TEXT(Options, recipes),
	  .is_rare = true,
	  .help = N_("these recipes (procmail's language), not the owner's own") },
	{ .name = "procmail",
	  .argument = "yes|no",
	  CMD_INTO_CHOICE(Options, procmail, TRY_PROCMAIL_CHOICES),
	  .is_rare = true,
	  .help = N_("it comes by `todoke procmail`, or not; else Postfix is asked") },
	{ .name = "script-before",
	  .argument = "FILE",
	  CMD_INTO_LIST(Options, before),
	  .is_rare = true,
	  .help = N_("a script of the site before it") },
	{ .name = "script-after",
	  .argument = "FILE",
	  CMD_INTO_LIST(Options, after),
	  .is_rare = true,
	  .help = N_("a script of the site after it") },
	{ .name = "personal",
	  .argument = "DIR",
	  CMD_INTO_TEXT(Options, personal),
	  .is_rare = true,
	  .help = N_("folder of scripts for include") },
	{ .name = "global",
	  .argument = "DIR",
	  CMD_INTO_TEXT(Options, global),
	  .is_rare = true,
	  .help = N_("folder of scripts for include :global") },
	{ .name = "exists",
	  .argument = "NAME[:\\Use]",
	  CMD_INTO_LIST(Options, mailboxes),
	  .is_rare = true,
	  .help = N_("a mailbox that exists") },
	{ .name = "ext-list",
	  .argument = "NAME=FILE",
	  CMD_INTO_LIST(Options, lists),
	  .is_rare = true,
	  .help = N_("an external list") },
	{ .name = "auth",
	  .argument = "USER",
	  CMD_INTO_TEXT(Options, auth),
	  .is_rare = true,
	  .help = N_("login name of the sender") },
	{ .name = "queue-id",
	  .argument = "ID",
	  CMD_INTO_TEXT(Options, queue_id),
	  .is_rare = true,
	  .help = N_("Postfix's ${queue_id}, for log and answer") },
	{ .name = "state",
	  .argument = "DIR",
	  CMD_INTO_TEXT(Options, state),
	  .is_rare = true,
	  .help = N_("what is remembered from one delivery to the next") },
	CMD_OPTIONS_END
};

const CmdOptions cmd_try_options = { .synopsis = "[OPTION]... MESSAGE...",
	                             .rows = rows,
	                             .about = about };

/* How much of the story is told: each test with what it compared, where nobody says otherwise. */
static int
read_trace(Options *options)
{
	if ((!options->as_json || options->trace == TRACE_JSON) && options->summary == NULL)
		options->story = json_array();
	if (options->trace == TRACE_JSON) {
		options->as_json = true;
		return TRACE_MATCHING;
	}
	if (options->trace >= 0)
		return options->trace;

	return TRACE_MATCHING;
}

/* With --json alone the story goes to standard error: standard output is one object. */
static void
trace_to_stderr(void *user, TraceLevel level, const char *file, unsigned line, const char *text)
{
	(void) user, (void) level;
	g_autofree char *place = problem_place_print(file, line);
	cmd_print(stderr, "%s: %s\n", place, text);
}

/*
 * An object for each line, gathered in the array `user`: people read it behind the verdict, and
 * --trace json puts it into the answer.
 */
static void
trace_to_json(void *user, TraceLevel level, const char *file, unsigned line, const char *text)
{
	json_t *told = json_pack("{s:s, s:i}", "level", trace_levels[level], "line", (int) line);
	json_object_set_new(told, "file", cmd_json_text(file));
	json_object_set_new(told, "text", cmd_json_text(text));
	json_array_append_new(user, told);
}

static ServicesTrace
trace_function(const Options *options)
{
	if (options->story != NULL)
		return trace_to_json;
	return options->trace >= 0 && options->summary == NULL ? trace_to_stderr : NULL;
}

static Envelope *
make_envelope(const Options *options, const Account *account, const Message *message)
{
	Envelope *envelope = envelope_new(DOOR_TRY);

	envelope->sender = options->sender != NULL ? address_read(options->sender)
	                                           : try_guess_sender(message);
	envelope->auth = g_strdup(options->auth);
	envelope->recipient = address_read(options->recipient != NULL ? options->recipient
	                                                              : account->user);
	envelope->original = options->original != NULL ? address_read(options->original) : NULL;
	envelope->queue_id = g_strdup(options->queue_id);

	return envelope;
}

/* Filters look at the body in a file: what comes by a pipe is put into one in memory. */
static Message *
open_message(const char *path, int how, Status *st)
{
	auto_fd int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
	                                        : open(path, O_RDONLY | O_CLOEXEC | how);
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
		*ret_exit = cmd_usage("try",
		                      _("--now '%s' is not a date such as 2026-11-21T10:00:00Z"),
		                      options->now);
		return false;
	}

	*ret_now = g_date_time_to_unix(date);
	return true;
}

/* Problems of scripts; only errors, if that is asked. */
static guint
count_problems(const ScriptChainReport *scripts, ProblemSeverity severity)
{
	guint n = 0;
	for (guint i = 0; i < scripts->problems->len; i++)
		n += ((const Problem *) scripts->problems->pdata[i])->severity == severity;
	return n;
}

/* Did every script do what its owner wrote? */
static bool
scripts_are_good(const Transact *transact)
{
	return transact_scripts(transact)->notes->len == 0;
}

/* A refusal that a rule wants is an answer, no fault. */
static bool
is_good(const Transact *transact, const Status *st)
{
	return (st->id == STATUS_OK || st->id == STATUS_RULE_REFUSED) && scripts_are_good(transact);
}

/* The problems of one severity. */
static json_t *
problems_json(const ScriptChainReport *scripts, ProblemSeverity severity)
{
	g_autoptr(GPtrArray) chosen = g_ptr_array_new();
	for (guint i = 0; i < scripts->problems->len; i++) {
		Problem *problem = scripts->problems->pdata[i];
		if (problem->severity == severity)
			g_ptr_array_add(chosen, problem);
	}

	return cmd_problems_json(chosen);
}

static json_t *
fault_json(StatusId id, const char *text, const char *detail)
{
	json_t *error = json_pack("{s:s, s:s}", "fault", status_row(id)->name, "status",
	                          status_row(id)->dsn);

	json_object_set_new(error, "text", cmd_json_text(text));
	if (detail != NULL)
		json_object_set_new(error, "detail", cmd_json_text(detail));
	return error;
}

static json_t *
error_json(const Transact *transact, const Status *st)
{
	const ScriptChainReport *scripts = transact_scripts(transact);
	if (is_good(transact, st))
		return json_null();

	StatusId id = st->id != STATUS_OK ? st->id : STATUS_SCRIPT;
	const char *text = st->id != STATUS_OK ? status_text(st) : scripts->notes->pdata[0];
	json_t *error = fault_json(id, text, st->detail);
	if (count_problems(scripts, PROBLEM_ERROR) > 0)
		json_object_set_new(error, "problems", problems_json(scripts, PROBLEM_ERROR));

	return error;
}

static json_t *
texts_json(const GPtrArray *texts)
{
	json_t *array = json_array();
	for (guint i = 0; i < texts->len; i++)
		json_array_append_new(array, cmd_json_text(texts->pdata[i]));
	return array;
}

static void
add_place(const Transact *transact, const PlanAction *action, json_t *object)
{
	const DeliverDone *done = try_find_done(transact, action);
	if (done == NULL || action->kind == PLAN_STORE)
		return;
	g_autofree char *folder = try_folder_of_file(done->file);
	json_object_set_new(object, "folder", cmd_json_text(folder));
}

/* "new" or "cur", and the letters of the flags in the name of the file. */
static void
add_flags(const DeliverDone *done, json_t *object)
{
	g_autofree char *place = g_path_get_dirname(done->file), *in = g_path_get_basename(place);
	const char *letters = strstr(done->file, ":2,");
	json_object_set_new(object, "in", cmd_json_text(in));
	json_object_set_new(object, "letters",
	                    cmd_json_text(letters != NULL ? letters + strlen(":2,") : ""));
}

/* Recipes store in other places, too. */
static bool
is_in_maildir(const char *file)
{
	g_autofree char *place = g_path_get_dirname(file), *in = g_path_get_basename(place);
	return strcmp(in, "new") == 0 || strcmp(in, "cur") == 0;
}

/* All that would be stored, of rules or not: where a name leads, where a fallback does. */
static json_t *
stored_json(const Transact *transact)
{
	const GPtrArray *all = transact_report(transact)->done;
	json_t *array = json_array();

	for (guint i = 0; i < all->len; i++) {
		const DeliverDone *done = all->pdata[i];
		if (done->file == NULL)
			continue;
		bool is_path = !is_in_maildir(done->file);
		g_autofree char *folder = is_path ? g_strdup(done->folder)
		                                  : try_folder_of_file(done->file);
		json_t *object = json_object();
		json_object_set_new(object, "action", cmd_json_text(done->action));
		json_object_set_new(object, "mailbox", cmd_json_text(done->folder));
		json_object_set_new(object, "folder", cmd_json_text(folder));
		if (!is_path)
			add_flags(done, object);
		json_object_set_new(object, "new_folder", json_boolean(done->is_new_folder));
		json_array_append_new(array, object);
	}

	return array;
}

static json_t *
actions_json(const Transact *transact, const TryEmit *emit)
{
	const Plan *plan = transact_planned(transact);
	if (plan == NULL)
		return json_array();

	json_t *actions = plan_json(plan);
	plan_json_add_reasons(plan, actions);
	for (size_t i = 0; i < json_array_size(actions); i++)
		add_place(transact, plan_get(plan, i), json_array_get(actions, i));

	try_emit_json(emit, plan, actions);
	return actions;
}

static void
print_object(json_t *object)
{
	cmd_print_json_line(object);
}

/* What every answer begins with. Takes the error. */
static json_t *
start_object(bool ok, json_t *error)
{
	return json_pack("{s:s, s:b, s:o}", "schema", "todoke.try/1", "ok", ok, "error", error);
}

/* A fault before a message (NULL: any) was looked at: front ends read an object then, too. */
static void
print_fault(const Options *options, const char *path, const Status *st)
{
	cmd_print(stderr, "todoke try: %s\n", status_why(st));
	if (!options->as_json)
		return;

	json_t *object = start_object(false, fault_json(st->id, status_text(st), st->detail));
	if (path != NULL)
		json_object_set_new(object, "message", cmd_json_text(path));
	json_object_set_new(object, "status", json_string(status_dsn(st)));
	json_object_set_new(object, "answer", cmd_json_text(status_text(st)));
	json_object_set_new(object, "actions", json_array());
	print_object(object);
}

static void
print_json(const Options *options, const char *path, const TryDoor *door, const Account *account,
           const Transact *transact, const TryEmit *emit, const Status *st)
{
	json_t *object = start_object(is_good(transact, st), error_json(transact, st));

	json_object_set_new(object, "message", cmd_json_text(path));
	json_object_set_new(object, "user", cmd_json_text(account->user));
	json_object_set_new(object, "maildir", cmd_json_text(account->maildir));
	source_words_add_json(object, account);
	if (door->words != NULL) {
		json_object_set_new(object, "door", json_string(try_door_name(door)));
		json_object_set_new(object, "door_words", cmd_json_text(door->words));
	}
	json_object_set_new(object, "status", json_string(status_dsn(st)));
	g_autofree char *done = st->id == STATUS_OK ? try_outcome(transact, st) : NULL;
	json_object_set_new(object, "answer", cmd_json_text(done != NULL ? done : status_text(st)));
	if (transact_verdict(transact) != NULL)
		json_object_set_new(object, "loop", loop_verdict_json(transact_verdict(transact)));
	if (transact_rules(transact) != NULL)
		json_object_set_new(object, "header_rules",
		                    header_rule_result_json(transact_rules(transact)));
	if (count_problems(transact_scripts(transact), PROBLEM_WARNING) > 0)
		json_object_set_new(object, "warnings",
		                    problems_json(transact_scripts(transact), PROBLEM_WARNING));
	json_object_set_new(object, "actions", actions_json(transact, emit));
	if (!transact_is_rules_alone(transact))
		json_object_set_new(object, "stored", stored_json(transact));
	if (transact_told(transact)->len > 0)
		json_object_set_new(object, "notices", texts_json(transact_told(transact)));
	if (transact_report(transact)->notes->len > 0)
		json_object_set_new(object, "notes", texts_json(transact_report(transact)->notes));
	if (options->story != NULL)
		json_object_set_new(object, "trace", json_copy(options->story));
	print_object(object);
}

/* What is the same for all messages. Borrowed. */
typedef struct {
	const Options *options;
	const Site *site;
	const Account *account;
	const TransactDescription *described;
	const RecipeCall *recipes; /* NULL: by the settings */
	const TryDoor *door;
	gint64 now;
	GHashTable *told; /* as in TryAnswer */
} Asked;

/* With the rights of the owner. False: it would not be delivered. */
static bool
ask(const Asked *asked, Message *message, size_t number)
{
	const Options *options = asked->options;
	const Account *account = asked->account;
	const char *path = options->messages[number - 1];
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Envelope) envelope = make_envelope(options, account, message);

	g_autoptr(Transact)
		transact = transact_new(asked->site, account, envelope, message, NULL, asked->now);
	transact_describe(transact, asked->described);
	transact_set_recipes(transact, asked->recipes);

	g_autofree char *prefix = options->messages[1] != NULL ? g_strdup_printf("%zu-", number)
	                                                       : g_strdup("");
	g_autoptr(TryEmit) emit = try_emit_new(options->emit, prefix, account);
	if (!asked->described->rules_alone)
		message_limit_size(message, (guint64) asked->site->conf->message_size_limit);
	if (transact_judge(transact, &st))
		(void) try_emit_run(emit, transact, message, &st);

	if (options->sum != NULL)
		try_summary_add(options->sum, path, account->maildir, transact, &st);
	else if (options->as_json)
		print_json(options, path, asked->door, account, transact, emit, &st);
	else
		try_print(&(TryAnswer){ path, account, transact, emit, &st, options->story,
		                        asked->told, asked->door->words });

	return is_good(transact, &st);
}

/* One of a folder, which its owner may have filled with anything. */
static bool
sum_up_message(const Asked *asked, const char *path, size_t number, Status *st)
{
	if (!account_enter(asked->account, st))
		return false;
	g_autoptr(Message) message = open_message(path, O_NOFOLLOW | O_NONBLOCK, st);
	if (message != NULL)
		(void) ask(asked, message, number);
	else
		try_summary_add_unread(asked->options->sum);

	return account_leave(asked->account, st);
}

/* Find the messages of --summary, with the owner's rights. */
static bool
list_messages(Options *options, const Account *account, Status *st)
{
	if (options->summary == NULL)
		return true;
	if (!account_enter(account, st))
		return false;

	options->messages = options->found = try_summary_list(options->summary, st);
	options->sum = try_summary_new(options->summary);

	return account_leave(account, st) && options->messages != NULL;
}

/*
 * Message `number`, from 1; false: it would not be delivered, or could not be read. The message is
 * ours, as files named on a command line are; what the account has is read with its owner's rights,
 * for its links may lead anywhere.
 */
static bool
try_message(const Asked *asked, size_t number)
{
	const char *path = asked->options->messages[number - 1];

	if (asked->options->story != NULL)
		json_array_clear(asked->options->story);
	g_auto(Status) st = STATUS_INIT;
	if (asked->options->sum != NULL)
		return sum_up_message(asked, path, number, &st);

	g_autoptr(Message) message = open_message(path, 0, &st);
	if (message == NULL || !account_enter(asked->account, &st)) {
		print_fault(asked->options, path, &st);
		return false;
	}

	bool good = ask(asked, message, number);
	if (account_leave(asked->account, &st))
		return good;

	print_fault(asked->options, path, &st);
	return false;
}

/* A delivery passes over a script that is not there; one that is named here was misspelt. */
static bool
are_there(const Options *options, Status *st)
{
	const char *const single[] = { options->script, options->recipes };
	const char *const *const lists[] = { cmd_option_words(options->before),
		                             cmd_option_words(options->after) };

	for (size_t i = 0; i < G_N_ELEMENTS(single); i++)
		if (single[i] != NULL && access(single[i], F_OK) < 0)
			return status_fail_errno(st, errno, "cannot open '%s'", single[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		for (const char *const *path = lists[i]; path != NULL && *path != NULL; path++)
			if (access(*path, F_OK) < 0)
				return status_fail_errno(st, errno, "cannot open '%s'", *path);

	return true;
}

static Account *
find_account(const Options *options, const Site *site, Status *st)
{
	const Conf *conf = site->conf;
	g_autofree char *here = g_strconcat(g_get_user_name(), "@", fs_host_name(), NULL);
	g_autofree char *recipient = options->recipient != NULL ? address_read(options->recipient)
	                                                        : NULL;

	if (options->script != NULL)
		return account_imagined(conf, recipient != NULL ? recipient : here, st);
	return try_find_account(site, recipient, options->as, st);
}

static int
cannot_try(const Options *options, const Status *st)
{
	print_fault(options, NULL, st);
	return CMD_FINDINGS;
}

/* Without an account a delivery answers the same for each message. */
static int
answer_without_account(const Options *options, const Status *st)
{
	if (st->id == STATUS_USAGE || options->summary != NULL) /* --as: no delivery says that */
		return cannot_try(options, st);

	for (char **path = options->messages; *path != NULL; path++) {
		print_fault(options, *path, st);
		if (!options->as_json)
			cmd_print(stdout, "answer: %s %s (exit %d)\n", status_dsn(st),
			          status_text(st), status_row(st->id)->exit_code);
	}

	return CMD_FINDINGS;
}

int
cmd_try(int argc, char **argv)
{
	g_auto(Options) options = { .engine = -1, .trace = -1, .procmail = TRY_PROCMAIL_UNSAID };
	gint64 now;
	int exit_code;

	if (!cmd_options(&cmd_try_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc < 2 && options.summary == NULL)
		return cmd_usage("try", _("no message named"));
	bool names_rules = options.script != NULL || options.recipes != NULL;
	if (options.procmail != TRY_PROCMAIL_UNSAID && names_rules)
		return cmd_usage("try", _("--procmail is about the owner's own rules: it excludes "
		                          "--script and --recipes"));
	options.messages = argv + 1;
	if (!read_now(&options, &now, &exit_code))
		return exit_code;

	int level = read_trace(&options);
	const TransactDescription described = {
		.services = {
			.mailboxes = cmd_option_words(options.mailboxes),
			.personal = options.personal,
			.global = options.global,
			.lists = cmd_option_words(options.lists),
			.trace_level = level,
			.trace = trace_function(&options),
			.trace_user = options.story,
		},
		.script = options.script,
		.rules_alone = options.script != NULL ||
		               (options.recipes != NULL && options.recipient == NULL),
		.before = cmd_option_words(options.before),
		.after = cmd_option_words(options.after),
		.state = options.state,
	};
	cmd_choose_engine(options.engine, &options.overrides);

	g_auto(Status) st = STATUS_INIT;
	Conf *conf = cmd_conf(options.conf_path, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	g_autoptr(Site) site = site_new(conf, &st);
	if (site == NULL)
		return cannot_try(&options, &st);

	if (!are_there(&options, &st))
		return cannot_try(&options, &st);

	g_autoptr(Account) account = find_account(&options, site, &st);
	if (account == NULL)
		return answer_without_account(&options, &st);

	if (!list_messages(&options, account, &st))
		return cannot_try(&options, &st);

	auto_fd int folder = -1;
	if (options.emit != NULL && !fs_make_dir(AT_FDCWD, options.emit, 0700, &folder, &st))
		return cannot_try(&options, &st);

	g_autofree char *rc = options.recipes != NULL
	                              ? g_canonicalize_filename(options.recipes, NULL)
	                              : NULL;
	const char *const files[] = { rc, NULL };
	const RecipeCall recipes = { .files = files, .alone = true, .without_site = true };
	g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(TryDoor) door = { 0 };
	if (rc == NULL && options.script == NULL)
		try_door_find(account, options.procmail, NULL, &door);

	const RecipeCall *call = rc != NULL ? &recipes : door.is_procmail ? &door.call : NULL;
	const Asked asked = { &options, site, account, &described, call, &door, now, told };
	bool all_delivered = true;
	for (size_t n = 1; options.messages[n - 1] != NULL; n++)
		all_delivered = try_message(&asked, n) && all_delivered;

	if (options.sum != NULL && !options.as_json && door.words != NULL)
		cmd_print(stdout, _("door: %s\n"), door.words);
	if (options.sum != NULL)
		try_summary_print(options.sum, options.as_json);

	return all_delivered ? CMD_GOOD : CMD_FINDINGS;
}
