/*
 * cmd-deliver: the door for pipe(8), local(8)'s mailbox_command, .forward, and the `mda` of fetchmail and getmail.
 *
 * Postfix sees one line and an exit code (answer.h). Whatever goes wrong before the message is judged is our own fault
 * or the site's, and therefore temporary: the mail waits in the queue.
 */
#define _GNU_SOURCE
#include "agent/base/answer.h"
#include "agent/base/deadline.h"
#include "agent/base/log.h"
#include "agent/cmd/cmd.h"
#include "agent/run/recipient.h"
#include "agent/run/transact.h"
#include "conf/conf-choices.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;   /* "key=value" */
	const char *folder;
	const char *recipient;  /* as said on the command line; NULL: the environment says it */
	Envelope *envelope;
	bool is_logged;         /* the outcome has its line */
} Options;

enum { OPTION_QUEUE_ID = 256, OPTION_SIZE, OPTION_CLIENT };

static const struct option long_options[] = {
	{ "sender", required_argument, NULL, 'f' },
	{ "original", required_argument, NULL, 'a' },
	{ "recipient", required_argument, NULL, 'd' },
	{ "folder", required_argument, NULL, 'm' },
	{ "mailbox", required_argument, NULL, 'm' },
	{ "queue-id", required_argument, NULL, OPTION_QUEUE_ID },
	{ "size", required_argument, NULL, OPTION_SIZE },
	{ "client-address", required_argument, NULL, OPTION_CLIENT },
	{ "config", required_argument, NULL, 'c' },
	{ "option", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"usage: todoke deliver [OPTION]... [--] [RECIPIENT] < MESSAGE\n"
	"  -f, --sender ADDR      envelope sender; empty for a bounce\n"
	"  -d, --recipient ADDR   final recipient (also -r); without it the environment of local(8) says it\n"
	"  -a, --original ADDR    the recipient before aliases\n"
	"  -m, --folder NAME      folder for mail that no rule files\n"
	"      --queue-id ID      Postfix's ${queue_id}, for log and answer\n"
	"      --size N           Postfix's ${size}: a shorter message is put off (exit 75), never stored\n"
	"      --client-address A Postfix's ${client_address}\n"
	"  -c, --config FILE      instead of $TODOKE_CONF or the installed todoke.conf\n"
	"  -o, --option KEY=VALUE a setting for this run\n"
	"Prints one line \"D.S.N text\" where it fails; exit codes 0, 67, 69, 75, 77. See todoke(8).\n";

/* What users of other agents pass and we do not take, with what to do instead. */
static const struct {
	char letter;
	const char *why;
} foreign_options[] = {
	{ 'e', "-e of dovecot-lda is not taken: a refusal is always an answer to Postfix, never a mail of our own" },
	{ 'k', "-k of dovecot-lda is not taken: the environment is used only where no -d is given" },
	{ 'p', "-p of dovecot-lda and procmail is not taken: the message is read from standard input" },
	{ 't', "-t of procmail is not needed: our own faults are always temporary" },
	{ 'Y', "-Y of procmail is not needed: Content-Length is not looked at" },
	{ 'A', "-A of maildrop is not taken: use header rules in todoke.conf" },
	{ 'V', "-V of maildrop is not taken: use `todoke try` to see what happens" },
};

/* "<a@b>" as some callers write it. */
static char *
without_brackets(const char *address)
{
	size_t len = strlen(address);
	if (len >= 2 && address[0] == '<' && address[len - 1] == '>')
		return g_strndup(address + 1, len - 2);
	return g_strdup(address);
}

static void
set_string(char **member, const char *value)
{
	g_free(*member);
	*member = value != NULL ? without_brackets(value) : NULL;
}

static bool
refuse_option(char letter, const char *word, Status *st)
{
	for (size_t i = 0; i < G_N_ELEMENTS(foreign_options); i++)
		if (foreign_options[i].letter == letter)
			return status_fail_detail(st, STATUS_USAGE, "%s", foreign_options[i].why);
	return status_fail_detail(st, STATUS_USAGE, "option '%s' is not known, or its value is missing", word);
}

static bool
set_recipient(Options *options, const char *recipient, Status *st)
{
	if (options->recipient != NULL && strcmp(options->recipient, recipient) != 0)
		return status_fail_detail(st, STATUS_USAGE, "more than one recipient: set NAME_destination_recipient_limit = 1 in main.cf");
	options->recipient = recipient;
	return true;
}

static bool
take_option(Options *options, int option, const char *word, Status *st)
{
	switch (option) {
	case 'f':
		set_string(&options->envelope->sender, optarg);
		return true;
	case 'a':
		set_string(&options->envelope->original, optarg);
		return true;
	case 'd':
	case 'r':
		return set_recipient(options, optarg, st);
	case 'm':
		options->folder = optarg;
		return true;
	case 'c':
		options->conf_path = optarg;
		return true;
	case 'o':
		g_ptr_array_insert(options->overrides, (gint) options->overrides->len - 1, optarg);
		return true;
	case OPTION_QUEUE_ID:
		set_string(&options->envelope->queue_id, optarg);
		return true;
	case OPTION_SIZE:
		if (!g_ascii_string_to_unsigned(optarg, 10, 0, G_MAXINT64, &options->envelope->queue_size, NULL))
			return status_fail_detail(st, STATUS_USAGE, "--size '%s' is no number of octets", optarg);
		return true;
	case OPTION_CLIENT:
		set_string(&options->envelope->client_address, optarg);
		return true;
	default:
		return refuse_option((char) optopt, word, st);
	}
}

static bool
read_options(Options *options, int argc, char **argv, Status *st)
{
	opterr = 0;
	int option;
	while ((option = getopt_long(argc, argv, ":f:a:d:r:m:c:o:", long_options, NULL)) != -1) {
		const char *word = argv[optind - 1];
		if (!take_option(options, option, word, st))
			return false;
	}
	for (; optind < argc; optind++)
		if (!set_recipient(options, argv[optind], st))
			return false;
	return true;
}

static const char *
environment(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && *value != '\0' ? value : NULL;
}

/* What local(8) says (POSTFIX.md 5); a command line that says it too wins. */
static void
read_environment(Envelope *envelope)
{
	envelope->door = DOOR_LOCAL;
	if (envelope->sender == NULL)
		set_string(&envelope->sender, getenv("SENDER")); /* empty is the null sender, not "not said" */
	if (envelope->original == NULL)
		set_string(&envelope->original, environment("ORIGINAL_RECIPIENT"));
	set_string(&envelope->client_address, environment("CLIENT_ADDRESS"));
	set_string(&envelope->client_name, environment("CLIENT_HOSTNAME"));
	set_string(&envelope->helo, environment("CLIENT_HELO"));
	set_string(&envelope->auth, environment("SASL_USERNAME"));
}

/* The recipient's account, and its address in the envelope. */
static Account *
find_account(const Site *site, const Options *options, Status *st)
{
	Envelope *envelope = options->envelope;
	if (options->recipient != NULL) {
		set_string(&envelope->recipient, options->recipient);
		return recipient_find(site, envelope->recipient, st);
	}
	read_environment(envelope);
	const char *user = environment("LOGNAME") != NULL ? environment("LOGNAME") : environment("USER");
	Account *account = account_of_process(site->conf, environment("RECIPIENT"), user, environment("HOME"), st);
	if (account != NULL)
		envelope->recipient = environment("RECIPIENT") != NULL ? without_brackets(environment("RECIPIENT"))
		                                                       : g_strdup_printf("%s@%s", account->user, g_get_host_name());
	return account;
}

/* A sender that nobody named stands in the From_ line. */
static void
take_sender_from_message(Envelope *envelope, const Message *message)
{
	const char *line = message_from_line(message);
	if (envelope->sender != NULL || line == NULL)
		return;
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	if (words[0] != NULL && words[1] != NULL)
		envelope->sender = strcmp(words[1], "MAILER-DAEMON") == 0 ? g_strdup("") : g_strdup(words[1]);
}

/* The whole delivery, once the configuration is known. Returns the text for success. */
static char *
deliver(const Site *site, Options *options, Status *st)
{
	gint64 started = g_get_monotonic_time();
	const Conf *conf = site->conf;
	Envelope *envelope = options->envelope;
	deadline_waiting_for("looking up the recipient");
	g_autoptr(Account) account = find_account(site, options, st);
	if (account == NULL || !account_become(conf, account, st))
		return NULL;
	deadline_waiting_for("reading the message");
	g_autoptr(Message) message = message_read(STDIN_FILENO, st);
	if (message == NULL)
		return NULL;
	message_expect_size(message, envelope->queue_size);
	message_limit_size(message, (guint64) conf->message_size_limit);
	take_sender_from_message(envelope, message);
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(Transact) transact = transact_new(site, account, envelope, message, options->folder, now);
	bool done = transact_judge(transact, st) && transact_deliver(transact, st);
	deadline_stop();
	transact_log(transact, st, (double) (g_get_monotonic_time() - started) / G_USEC_PER_SEC);
	options->is_logged = true;
	return done ? transact_done_text(transact) : NULL;
}

/* Read the configuration, and do the rest under the deadline that it names. */
static char *
configure_and_deliver(Options *options, Status *st)
{
	Conf *conf = conf_read(options->conf_path, (const char *const *) options->overrides->pdata, NULL, st);
	if (conf == NULL)
		return NULL;
	(void) umask((mode_t) conf->umask);
	(void) site_open_log(conf); /* open until we end */
	deadline_start((unsigned) conf->deadline, options->envelope->queue_id);
	g_autoptr(Site) site = site_new(conf, st);
	return site != NULL ? deliver(site, options, st) : NULL;
}

/* A failure before there was a transaction to log. */
static void
log_early_failure(const Options *options, const Status *st)
{
	const Envelope *envelope = options->envelope;
	LogLine *line = log_line_new(envelope->queue_id);
	log_line_add(line, "to", envelope->recipient != NULL ? envelope->recipient : options->recipient);
	log_line_add(line, "dsn", status_row(st->id)->dsn);
	log_line_add(line, "status", status_is_temporary(st) ? "deferred" : "bounced");
	log_line_add(line, "fault", status_row(st->id)->name);
	log_line_add(line, "detail", st->detail);
	log_line_send(line, LOG_WARNING);
}

int
cmd_deliver(int argc, char **argv)
{
	if (cmd_wants_help(argc, argv)) {
		fputs(help, stdout);
		return 0;
	}
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	g_autoptr(GPtrArray) overrides = g_ptr_array_new();
	g_ptr_array_add(overrides, NULL);
	Options options = { .overrides = overrides, .envelope = envelope };
	log_open("todoke", -1, LOG_FORM_TEXT);
	log_catch_glib();
	(void) signal(SIGPIPE, SIG_IGN);
	(void) signal(SIGXFSZ, SIG_IGN); /* a write past RLIMIT_FSIZE is then EFBIG, which has a row of its own */
	g_autofree char *done = NULL;
	if (read_options(&options, argc, argv, &st))
		done = configure_and_deliver(&options, &st);
	deadline_stop();
	if (st.id != STATUS_OK && !options.is_logged)
		log_early_failure(&options, &st);
	return answer_finish(&st, done, envelope->queue_id);
}
