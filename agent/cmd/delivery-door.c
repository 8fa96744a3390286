/* SPDX-License-Identifier: MIT */
/* door: read, judge, deliver, answer. */
#define _GNU_SOURCE
#include "agent/cmd/delivery-door.h"

#include "agent/base/answer.h"
#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/handover.h"
#include "agent/base/log.h"
#include "agent/base/starter.h"
#include "agent/message/address.h"
#include "agent/message/mail-ids.h"
#include "agent/run/early-record.h"
#include "agent/run/recipient.h"
#include "agent/run/sandbox.h"
#include "agent/run/transact.h"
#include "conf/conf-choices.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/*
 * Memory that one delivery has freed it soon needs again, or it ends: giving back is a system call
 * for each block of a script.
 */
enum { TRIM_BYTES = 1024 * 1024 };

void
delivery_door_init(DeliveryDoor *call, EnvelopeDoor from)
{
	*call = (DeliveryDoor){ .envelope = envelope_new(from), .rest = -1 };
	log_open("todoke", -1, LOG_FORM_TEXT);
	log_catch_glib();
#ifdef M_TRIM_THRESHOLD
	(void) mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
#endif
	deadline_catch_termination();
	(void) signal(SIGPIPE, SIG_IGN);

	/* a write past RLIMIT_FSIZE is then EFBIG, which has a row of its own */
	(void) signal(SIGXFSZ, SIG_IGN);
}

void
delivery_door_clear(DeliveryDoor *call)
{
	g_clear_pointer(&call->envelope, envelope_free);
}

void
delivery_door_set_string(char **member, const char *value)
{
	g_free(*member);
	*member = value != NULL ? address_read(value) : NULL;
}

static const char *
environment(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && *value != '\0' ? value : NULL;
}

/*
 * Take what local(8) sets in the environment (agent/POSTFIX, LOCAL); the command line has
 * precedence.
 */
static void
read_environment(Envelope *envelope)
{
	envelope->door = DOOR_LOCAL;
	if (envelope->sender == NULL)
		/* empty is the null sender, not "not said" */
		delivery_door_set_string(&envelope->sender, getenv("SENDER"));
	if (envelope->original == NULL)
		delivery_door_set_string(&envelope->original, environment("ORIGINAL_RECIPIENT"));
	delivery_door_set_string(&envelope->client_address, environment("CLIENT_ADDRESS"));
	delivery_door_set_string(&envelope->client_name, environment("CLIENT_HOSTNAME"));
	delivery_door_set_string(&envelope->helo, environment("CLIENT_HELO"));
	delivery_door_set_string(&envelope->auth, environment("SASL_USERNAME"));
}

/* The recipient's account, and its address in the envelope. */
static Account *
find_account(const Site *site, const DeliveryDoor *call, Status *st)
{
	Envelope *envelope = call->envelope;

	if (call->recipient != NULL) {
		delivery_door_set_string(&envelope->recipient, call->recipient);
		return recipient_find(site, envelope->recipient, st);
	}

	read_environment(envelope);
	const char *user = environment("LOGNAME") != NULL ? environment("LOGNAME")
	                                                  : environment("USER");
	const char *said = environment("RECIPIENT");
	g_autofree char *recipient = said != NULL ? address_read(said) : NULL;
	Account *account = account_of_process(site->conf, recipient, user, environment("HOME"), st);
	if (account != NULL)
		envelope->recipient = recipient != NULL ? g_steal_pointer(&recipient)
		                                        : g_strdup_printf("%s@%s", account->user,
		                                                          fs_host_name());

	return account;
}

/* A sender that nobody named stands in the From_ line. */
static void
take_sender_from_message(Envelope *envelope, const Message *message)
{
	const char *line = message_from_line(message);
	if (envelope->sender != NULL || line == NULL)
		return;

	const char *from = line + strlen("From ");
	g_autofree char *word = g_strndup(from, address_word_length(from));
	if (*word != '\0')
		envelope->sender = strcmp(word, "MAILER-DAEMON") == 0 ? g_strdup("")
		                                                      : address_read(word);
}

/*
 * What one delivery is made of. It is not freed: the process ends behind it, and the kernel takes
 * all of it at once. Volatile, or the compiler drops what nobody reads and the search for leaks
 * finds all.
 */
static volatile struct {
	Site *site;
	Account *account;
	Message *message;
	Transact *transact;
} kept;

/*
 * There will be no delivery, and the record should have the mail's names all the same. Root reads
 * nothing that strangers wrote.
 */
static void
read_names(DeliveryDoor *call)
{
	g_auto(Status) unread = STATUS_INIT;
	if (geteuid() == 0)
		return;
	handover_close(); /* the whole program would find the message without its beginning */
	deadline_waiting_for("reading the message");
	call->message = kept.message = message_read_on(STDIN_FILENO, call->rest, &unread);
}

/* HandoverGiveBack, before there is a transaction. */
static bool
give_back(void *user, int *ret_head, int *ret_rest, Status *st)
{
	return user != NULL
	               ? message_give_back(user, ret_head, ret_rest, st)
	               : status_fail_detail(st, STATUS_INTERNAL, "the message was not read whole");
}

/*
 * What follows reads what strangers wrote. False: sandbox = on cannot be had.
 */
static bool
enter_box(const Site *site, const DeliveryDoor *call, const Account *account, Status *st)
{
	if (site->conf->sandbox == CONF_SANDBOX_OFF)
		return true;

	SandboxProcess process = handover_is_open() ? SANDBOX_SMALL : SANDBOX_DELIVERY;
	g_autoptr(Conf) own = account_conf(account, site->conf);
	const SandboxCall entering = { .process = process,
		                       .conf = own != NULL ? own : site->conf,
		                       .account = account,
		                       .conf_path = call->conf_path,
		                       .queue_id = call->envelope->queue_id,
		                       .recipes = call->recipes };
	return sandbox_enter(&entering, st);
}

/* The whole delivery, once the configuration is known. Returns the text for success. */
static char *
deliver(const Site *site, DeliveryDoor *call, Status *st)
{
	gint64 started = g_get_monotonic_time();
	const Conf *conf = site->conf;
	Envelope *envelope = call->envelope;

	deadline_waiting_for("looking up the recipient");
	Account *account = kept.account = find_account(site, call, st);
	recipient_tell_outage(conf, st);
	if (account == NULL || !account_become(conf, account, st) ||
	    !account_check(conf, account, st) || !enter_box(site, call, account, st)) {
		read_names(call);
		return NULL;
	}

	handover_offer(give_back, NULL);
	deadline_waiting_for("reading the message");
	Message *message = message_read_on(STDIN_FILENO, call->rest, st);
	call->message = kept.message = message;
	if (message == NULL)
		return NULL;
	handover_offer(give_back, message);

	message_expect_size(message, envelope->queue_size, envelope->queue_id);
	message_limit_size(message, (guint64) conf->message_size_limit);
	take_sender_from_message(envelope, message);

	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	Transact *transact = kept.transact = transact_new(site, account, envelope, message,
	                                                  call->folder, now);
	transact_set_recipes(transact, call->recipes);
	handover_offer(transact_give_back, transact);

	bool done = transact_judge(transact, st) && transact_deliver(transact, st);
	deadline_end();
	transact_log(transact, st, (double) (g_get_monotonic_time() - started) / G_USEC_PER_SEC);
	call->is_logged = true;
	status_set_reference(st, transact_queue_id(transact));
	transact_let_go(transact);

	return done ? transact_done_text(transact) : NULL;
}

/* A failure before there was a transaction to record. */
static void
record_early_failure(const Conf *conf, const DeliveryDoor *call, const Status *st)
{
	const Envelope *envelope = call->envelope;
	const MailHosts hosts = { (const char *const *) conf->hostnames, conf->myhostname,
		                  fs_host_name() };
	g_auto(MailIds) names = { 0 };
	if (call->message != NULL)
		mail_ids_init(&names, envelope, message_headers(call->message), &hosts);

	const EarlyMail mail = {
		.door = envelope->door,
		.queue_id = names.queue_id != NULL ? names.queue_id : envelope->queue_id,
		.message_id = names.message_id,
		.sender = envelope->sender,
		.recipient = envelope->recipient != NULL ? envelope->recipient : call->recipient,
		.original = envelope->original,
	};
	early_record_write(conf, &mail, st);
}

/* The same where the settings are not known, or are wrong: what can be read of them counts. */
static void
record_without_settings(const DeliveryDoor *call, const Status *st)
{
	g_auto(Status) wrong = STATUS_INIT;
	g_autoptr(Conf) rest = NULL;
	g_autoptr(Conf) conf = conf_read_at_door(call->conf_path, call->overrides, &rest, &wrong);
	record_early_failure(conf != NULL ? conf : rest, call, st);
}

/* Read the configuration, and do the rest under the deadline that it names. */
static char *
configure_and_deliver(DeliveryDoor *call, Status *st)
{
	g_autoptr(Conf) rest = NULL;
	Conf *conf = conf_read_at_door(call->conf_path, call->overrides, &rest, st);

	if (conf == NULL) {
		int fd = *rest->log_file == '/'
		                 ? open(rest->log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		                        0640)
		                 : -1;
		log_open("todoke", fd, LOG_FORM_TEXT); /* open until we end */
		record_early_failure(rest, call, st);
		return NULL;
	}

	fs_set_umask((mode_t) conf->umask);
	(void) site_open_log(conf); /* open until we end */
	deadline_start((unsigned) conf->deadline, call->envelope->queue_id);

	kept.site = site_new(conf, st);
	if (kept.site == NULL) {
		record_without_settings(call, st);
		return NULL;
	}

	char *done = deliver(kept.site, call, st);
	if (st->id != STATUS_OK && !call->is_logged)
		record_early_failure(conf, call, st);
	return done;
}

/* A failure before there was a transaction to log. */
static void
log_early_failure(const DeliveryDoor *call, const Status *st)
{
	const Envelope *envelope = call->envelope;
	const char *recipient = envelope->recipient != NULL ? envelope->recipient : call->recipient;
	LogLine *line = log_line_new(envelope->queue_id);

	log_line_mask(line, "to", recipient);
	log_line_mask(line, "from", envelope->sender);
	log_line_add(line, "to", recipient);
	log_line_add(line, "from", envelope->sender);
	log_line_add_failure(line, st);
	log_line_send(line, st->outside != NULL && st->outside->is_told ? LOG_INFO : LOG_WARNING);
}

/* Whoever typed it sees why; the line for Postfix says only whose fault it is. */
static void
explain_usage(const Status *st)
{
	if (st->id != STATUS_USAGE || st->detail == NULL)
		return;
	g_autofree char *text = g_strdup_printf("todoke: %s (--help tells more)\n", st->detail);
	answer_warn(text);
}

/* At a terminal nobody reads the log: what this command is for, before it waits for a message. */
static void
tell_typist(void)
{
	if (isatty(STDIN_FILENO))
		answer_tell_typist("Postfix runs this command, with the message on standard input; "
		                   "`todoke try FILE` shows what it would do with one");
}

static void
tell_typist_fault(const Status *st)
{
	if (st->id != STATUS_OK && st->id != STATUS_USAGE && st->detail != NULL)
		answer_tell_typist(st->detail);
}

int
delivery_door_run(DeliveryDoor *call, Status *st)
{
	g_autofree char *done = NULL;

	if (st->id == STATUS_OK)
		(void) handover_accept(call->rest, st);
	explain_usage(st);
	tell_typist();
	if (st->id == STATUS_OK)
		done = configure_and_deliver(call, st);
	else
		record_without_settings(call, st);
	deadline_end();
	starter_finish();
	if (st->id != STATUS_OK && !call->is_logged)
		log_early_failure(call, st);
	tell_typist_fault(st);
	if (st->id != STATUS_OK && !log_is_heard())
		answer_tell_cause(st);

	const char *queue_id = call->envelope->queue_id != NULL ? call->envelope->queue_id
	                                                        : st->reference;
	return answer_finish(st, call->is_quiet ? NULL : done, queue_id);
}
