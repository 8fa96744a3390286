/* SPDX-License-Identifier: MIT */
/* lmtp-session: what to say to each command, and the way of the octets of a message. */
#include "agent/lmtp/lmtp-session.h"

#include "agent/base/limits.h"
#include "agent/lmtp/lmtp-data.h"
#include "agent/message/mail-ids.h"

#include <string.h>

/* Octets that are decoded at a time. */
enum { STRIDE = 64 * 1024 };

typedef enum {
	PHASE_COMMAND,
	PHASE_DATA,  /* up to the dot */
	PHASE_CHUNK, /* `chunk_left` octets of BDAT */
	PHASE_CLOSED
} Phase;

struct LmtpSession {
	LmtpOptions options;
	const LmtpBackend *backend;
	GString *out;
	Phase phase;

	char line[LIMIT_LMTP_LINE - 1]; /* all but the LF */
	size_t line_len;
	bool line_too_long;

	bool greeted; /* LHLO was said */
	char *lhlo;   /* and by whom; NULL: by nobody yet */
	bool winding_down;
	bool client_gone;
	unsigned errors;
	unsigned idle_commands;         /* since the last message */
	char *client[LMTP_ATTR_COUNT];  /* XCLIENT's, for the session */
	char *forward[LMTP_ATTR_COUNT]; /* XFORWARD's, for the next message */
	bool forwarded[LMTP_ATTR_COUNT];

	LmtpMail *mail; /* NULL: no MAIL yet */
	bool chunked;   /* BDAT was said */
	bool chunk_last;
	bool chunk_ignored; /* drained only: what it belongs to was refused */
	guint64 chunk_left;
	Status fault; /* of keeping the message: every recipient gets it */
	guint64 stored;
	LmtpData data;
	char stride[LMTP_DATA_ROOM(STRIDE)];
};

static void
recipient_free(gpointer pointer)
{
	LmtpRecipient *recipient = pointer;

	g_free(recipient->address);
	g_free(recipient->notify);
	g_free(recipient->orcpt);
	g_free(recipient->original);
	g_free(recipient->mailbox);
	g_free(recipient);
}

static void
mail_free(LmtpMail *mail)
{
	if (mail == NULL)
		return;
	g_free(mail->sender);
	g_free(mail->ret);
	g_free(mail->envid);
	g_free(mail->origin_id);
	g_hash_table_destroy(mail->mailboxes);
	g_ptr_array_free(mail->recipients, TRUE);
	g_free(mail);
}

/* Takes the strings of `command`. */
static LmtpMail *
mail_new(LmtpCommand *command)
{
	LmtpMail *mail = g_new0(LmtpMail, 1);

	mail->sender = g_steal_pointer(&command->address);
	mail->ret = g_steal_pointer(&command->ret);
	mail->envid = g_steal_pointer(&command->envid);
	mail->size = command->size;
	mail->body = command->body;
	mail->utf8 = command->utf8;
	mail->recipients = g_ptr_array_new_with_free_func(recipient_free);
	mail->mailboxes = g_hash_table_new(g_str_hash, g_str_equal);

	return mail;
}

/* The reply and nothing more: neither an error nor a step. */
static void
reply(LmtpSession *session, LmtpReplyId id)
{
	lmtp_reply_append(session->out, id);
}

static void
close_with(LmtpSession *session, LmtpReplyId id)
{
	reply(session, id);
	session->phase = PHASE_CLOSED;
}

/* A client that only makes errors is no mail server. */
static void
reply_error(LmtpSession *session, LmtpReplyId id)
{
	reply(session, id);
	if (++session->errors >= LIMIT_LMTP_ERRORS)
		close_with(session, LMTP_REPLY_MANY_ERRORS);
}

static void
reply_idle(LmtpSession *session, LmtpReplyId id)
{
	reply(session, id);
	if (++session->idle_commands >= LIMIT_LMTP_IDLE_COMMANDS)
		close_with(session, LMTP_REPLY_MANY_ERRORS);
}

/* What XFORWARD said was about one message: the next must not get its queue id. */
static void
forget_forward(LmtpSession *session)
{
	for (size_t i = 0; i < LMTP_ATTR_COUNT; i++) {
		g_clear_pointer(&session->forward[i], g_free);
		session->forwarded[i] = false;
	}
}

/* The message is over, however it went. */
static void
end_mail(LmtpSession *session)
{
	session->chunked = session->chunk_ignored = false;
	session->stored = 0;
	status_clear(&session->fault);

	if (session->mail != NULL) {
		session->backend->end(session->backend->user);
		forget_forward(session);
		g_clear_pointer(&session->mail, mail_free);
	}

	if (session->winding_down && session->phase != PHASE_CLOSED)
		close_with(session, LMTP_REPLY_SHUTDOWN);
}

LmtpSession *
lmtp_session_new(const LmtpOptions *options, const LmtpBackend *backend)
{
	LmtpSession *session = g_new(LmtpSession, 1);

	/* `stride` costs memory only when it is used */
	memset(session, 0, G_STRUCT_OFFSET(LmtpSession, stride));
	session->options = *options;
	session->backend = backend;
	session->out = g_string_new(NULL);
	g_string_append_printf(session->out, "220 %s LMTP todoke\r\n", options->hostname);

	return session;
}

void
lmtp_session_free(LmtpSession *session)
{
	if (session == NULL)
		return;
	session->winding_down = false;
	end_mail(session);
	forget_forward(session);
	for (size_t i = 0; i < LMTP_ATTR_COUNT; i++)
		g_free(session->client[i]);
	g_free(session->lhlo);
	g_string_free(session->out, TRUE);
	g_free(session);
}

GString *
lmtp_session_output(LmtpSession *session)
{
	return session->out;
}

bool
lmtp_session_is_busy(const LmtpSession *session)
{
	return session->mail != NULL || session->phase == PHASE_DATA ||
	       session->phase == PHASE_CHUNK;
}

void
lmtp_session_abort(LmtpSession *session, LmtpReplyId id)
{
	if (session->phase != PHASE_CLOSED)
		close_with(session, id);
	end_mail(session);
}

void
lmtp_session_wind_down(LmtpSession *session)
{
	session->winding_down = true;
	if (session->phase != PHASE_COMMAND || session->chunked)
		return;
	close_with(session, LMTP_REPLY_SHUTDOWN);
	end_mail(session);
}

static char *
client_attr(const LmtpSession *session, LmtpAttr attr)
{
	return g_strdup(session->forwarded[attr] ? session->forward[attr] : session->client[attr]);
}

static Envelope *
make_envelope(LmtpSession *session, const LmtpRecipient *recipient)
{
	const LmtpMail *mail = session->mail;
	Envelope *envelope = envelope_new(DOOR_LMTP);

	envelope->sender = g_strdup(mail->sender);
	envelope->recipient = g_strdup(recipient->address);
	envelope->original = g_strdup(recipient->original);
	envelope->orcpt = g_strdup(recipient->orcpt);
	envelope->notify = g_strdup(recipient->notify);
	envelope->ret = g_strdup(mail->ret);
	envelope->envid = g_strdup(mail->envid);
	envelope->origin_id = g_strdup(mail->origin_id);
	envelope->lhlo = g_strdup(session->lhlo);
	envelope->client_address = client_attr(session, LMTP_ATTR_ADDR);
	envelope->client_name = client_attr(session, LMTP_ATTR_NAME);
	envelope->helo = client_attr(session, LMTP_ATTR_HELO);
	envelope->auth = client_attr(session, LMTP_ATTR_LOGIN);

	return envelope;
}

/* What a mailbox answered, for a second recipient that is the same mailbox. */
typedef struct {
	Status st;
	char *done;
} Outcome;

static void
outcome_clear(gpointer pointer)
{
	Outcome *outcome = pointer;
	status_clear(&outcome->st);
	g_free(outcome->done);
}

static void
deliver_one(LmtpSession *session, const LmtpRecipient *recipient, Outcome *outcome)
{
	if (session->fault.id != STATUS_OK) {
		status_fail(&outcome->st, session->fault.id, "%s", status_text(&session->fault));
		return;
	}

	g_autoptr(Envelope) envelope = make_envelope(session, recipient);
	bool stored = session->backend->deliver(session->backend->user, envelope, &outcome->done,
	                                        &outcome->st);
	if (!stored && outcome->st.id == STATUS_OK) /* never say delivered of what was not */
		status_fail_detail(&outcome->st, STATUS_INTERNAL,
		                   "delivery failed without a reason");
}

/* Of several recipients the first that is the same mailbox. */
static guint
find_first(const LmtpMail *mail, guint i)
{
	const LmtpRecipient *recipient = g_ptr_array_index(mail->recipients, i);
	return recipient->mailbox != NULL ? GPOINTER_TO_UINT(g_hash_table_lookup(
						    mail->mailboxes, recipient->mailbox)) -
	                                            1
	                                  : i;
}

static void
announce_all(LmtpSession *session)
{
	const LmtpBackend *backend = session->backend;
	const LmtpMail *mail = session->mail;
	if (session->fault.id != STATUS_OK || backend->announce == NULL ||
	    mail->recipients->len < 2)
		return;

	for (guint i = 0; i < mail->recipients->len; i++)
		if (find_first(mail, i) == i)
			backend->announce(backend->user,
			                  make_envelope(session, mail->recipients->pdata[i]));
}

/* Where nobody knows more: the id that a trusted client gave it. */
static void
name_mail(Status *st, const LmtpMail *mail)
{
	if (mail->origin_id != NULL && mail_ids_is_queue_id(mail->origin_id))
		status_set_reference(st, mail->origin_id);
}

/*
 * One reply for each recipient, in order, each sent as soon as it is true: what Postfix has read
 * stays done even if we die at the next one. Where the client went away it will send all again, so
 * nothing more is begun.
 */
static void
deliver_all(LmtpSession *session)
{
	LmtpMail *mail = session->mail;

	g_autoptr(GArray)
		outcomes = g_array_sized_new(FALSE, TRUE, sizeof(Outcome), mail->recipients->len);
	g_array_set_clear_func(outcomes, outcome_clear);
	g_array_set_size(outcomes, mail->recipients->len);
	announce_all(session);

	for (guint i = 0; i < mail->recipients->len && !session->client_gone; i++) {
		const LmtpRecipient *recipient = g_ptr_array_index(mail->recipients, i);
		guint first = find_first(mail, i);
		Outcome *outcome = &g_array_index(outcomes, Outcome, first);
		if (first == i)
			deliver_one(session, recipient, outcome);
		name_mail(&outcome->st, mail);
		lmtp_reply_append_status(session->out, &outcome->st, recipient->address,
		                         outcome->done, mail->utf8);
		session->client_gone = !session->backend->flush(session->backend->client,
		                                                session->out);
	}

	if (session->client_gone)
		session->phase = PHASE_CLOSED;
	session->idle_commands = session->errors = 0;
}

/* The last octet is here. */
static void
finish_message(LmtpSession *session)
{
	session->phase = PHASE_COMMAND;
	if (session->fault.id == STATUS_OK &&
	    !session->backend->close(session->backend->user, &session->fault))
		/* keeps the backend's reason where there is one */
		(void) status_fail(&session->fault, STATUS_INTERNAL, NULL);

	deliver_all(session);
	end_mail(session);
}

/*
 * Keep what was decoded. After a fault the rest is only drained: the client has a right to its dot.
 */
static void
store(LmtpSession *session, size_t len)
{
	session->stored += len;
	/*
	 * Of two faults this one lasts, and when the other showed up depends on how the octets
	 * came.
	 */
	if (session->options.size_limit > 0 && session->stored > session->options.size_limit) {
		status_clear(&session->fault);
		status_fail(&session->fault, STATUS_TOO_BIG,
		            "message of %" G_GUINT64_FORMAT
		            " bytes is over the size limit of this host, %" G_GUINT64_FORMAT
		            " bytes (message_size_limit)",
		            session->stored, session->options.size_limit);
		return;
	}

	if (session->fault.id != STATUS_OK || len == 0)
		return;
	if (!session->backend->write(session->backend->user, session->stride, len, &session->fault))
		/* keeps the backend's reason where there is one */
		(void) status_fail(&session->fault, STATUS_INTERNAL, NULL);
}

static size_t
feed_data(LmtpSession *session, const char *data, size_t len)
{
	size_t used = 0;
	bool ended = false;
	size_t done = lmtp_data_decode(&session->data, data, MIN(len, STRIDE), session->stride,
	                               &used, &ended);

	store(session, used);
	if (ended)
		finish_message(session);
	return done;
}

/* A chunk is complete: the last one has a reply for each recipient, others have one. */
static void
end_chunk(LmtpSession *session)
{
	session->phase = PHASE_COMMAND;
	if (session->chunk_ignored)
		return;

	if (session->chunk_last) {
		store(session, lmtp_data_finish(&session->data, session->stride));
		finish_message(session);
	} else if (session->fault.id == STATUS_OK) {
		reply(session, LMTP_REPLY_CHUNK_OK);
	} else {
		const StatusRow *row = status_row(session->fault.id);
		g_string_append_printf(session->out, "%d %s %s\r\n", row->lmtp, row->dsn,
		                       row->text);
	}
}

static size_t
feed_chunk(LmtpSession *session, const char *data, size_t len)
{
	size_t part = MIN(len, STRIDE), used = 0;

	part = (size_t) MIN((guint64) part, session->chunk_left);
	bool ended = false;
	if (!session->chunk_ignored) {
		(void) lmtp_data_decode(&session->data, data, part, session->stride, &used, &ended);
		store(session, used);
	}

	session->chunk_left -= part;
	if (session->chunk_left == 0)
		end_chunk(session);
	return part;
}

static void
on_lhlo(LmtpSession *session, LmtpCommand *command)
{
	end_mail(session);
	if (session->phase == PHASE_CLOSED)
		return;

	session->greeted = true;
	g_free(session->lhlo);
	session->lhlo = g_steal_pointer(&command->address);
	g_string_append_printf(session->out, "250-%s\r\n250-PIPELINING\r\n250-SIZE",
	                       session->options.hostname);
	if (session->options.size_limit > 0)
		g_string_append_printf(session->out, " %" G_GUINT64_FORMAT,
		                       session->options.size_limit);
	g_string_append(
		session->out,
		"\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n");

	if (session->options.trusted)
		g_string_append(
			session->out,
			"250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"
			"250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n");

	g_string_append(session->out, "250 ENHANCEDSTATUSCODES\r\n");
}

static void
reply_too_big(LmtpSession *session, guint64 size)
{
	const LmtpReplyRow *row = lmtp_reply_row(LMTP_REPLY_TOO_BIG);
	g_string_append_printf(session->out,
	                       "%d %s message of %" G_GUINT64_FORMAT
	                       " bytes is over the size limit of this host, %" G_GUINT64_FORMAT
	                       " bytes (message_size_limit)\r\n",
	                       row->code, row->dsn, size, session->options.size_limit);
}

static void
on_mail(LmtpSession *session, LmtpCommand *command)
{
	if (!session->greeted)
		reply_error(session, LMTP_REPLY_NO_LHLO);
	else if (session->mail != NULL)
		reply_error(session, LMTP_REPLY_NESTED);
	else if (session->options.size_limit > 0 && command->size > session->options.size_limit)
		reply_too_big(session, command->size);
	else {
		session->mail = mail_new(command);
		session->mail->origin_id = client_attr(session, LMTP_ATTR_IDENT);
		reply(session, LMTP_REPLY_SENDER_OK);
	}
}

static void
add_recipient(LmtpSession *session, LmtpCommand *command, char *mailbox)
{
	LmtpMail *mail = session->mail;
	LmtpRecipient *recipient = g_new0(LmtpRecipient, 1);

	recipient->address = g_steal_pointer(&command->address);
	recipient->notify = g_steal_pointer(&command->notify);
	recipient->orcpt = g_steal_pointer(&command->orcpt);
	recipient->original = g_steal_pointer(&command->original);
	recipient->mailbox = mailbox;
	g_ptr_array_add(mail->recipients, recipient);
	if (mailbox != NULL && !g_hash_table_contains(mail->mailboxes, mailbox))
		g_hash_table_insert(mail->mailboxes, mailbox,
		                    GUINT_TO_POINTER(mail->recipients->len));
}

static void
on_rcpt(LmtpSession *session, LmtpCommand *command)
{
	LmtpMail *mail = session->mail;

	if (mail == NULL) {
		reply_error(session, LMTP_REPLY_NO_SENDER);
		return;
	}

	if (session->chunked) {
		reply_error(session, LMTP_REPLY_CHUNKS_BEGUN);
		return;
	}

	if (mail->recipients->len >= LIMIT_LMTP_RECIPIENTS) {
		reply(session, LMTP_REPLY_MANY_RECIPIENTS);
		return;
	}

	g_auto(Status) st = STATUS_INIT;
	char *mailbox = NULL;
	if (session->backend->recipient(session->backend->user, mail, command->address, &mailbox,
	                                &st)) {
		add_recipient(session, command, mailbox);
		reply(session, LMTP_REPLY_RECIPIENT_OK);
		return;
	}

	/* keeps the backend's reason where there is one */
	(void) status_fail(&st, STATUS_INTERNAL, NULL);
	name_mail(&st, mail);
	lmtp_reply_append_status(session->out, &st, command->address, NULL, mail->utf8);
}

/* The backend gets ready for the octets; its refusal answers DATA or BDAT. */
static bool
open_message(LmtpSession *session, LmtpDataForm form, Status *st)
{
	lmtp_data_init(&session->data, form);
	return session->backend->open(session->backend->user, session->mail, st) ||
	       status_fail(st, STATUS_INTERNAL, NULL);
}

static void
on_data(LmtpSession *session)
{
	if (session->mail == NULL) {
		reply_error(session, LMTP_REPLY_NO_SENDER);
		return;
	}

	if (session->chunked || session->mail->body == LMTP_BODY_BINARYMIME) {
		reply_error(session,
		            session->chunked ? LMTP_REPLY_CHUNKS_BEGUN : LMTP_REPLY_NEEDS_CHUNKS);
		return;
	}

	if (session->mail->recipients->len == 0) {
		/* after a refused RCPT in a pipeline that is no error of the client */
		reply(session, LMTP_REPLY_NO_RECIPIENT);
		return;
	}

	g_auto(Status) st = STATUS_INIT;
	if (!open_message(session, LMTP_DATA_DOTS, &st)) {
		const StatusRow *row = status_row(st.id);
		g_string_append_printf(session->out, "%d %s %s\r\n", row->lmtp, row->dsn,
		                       row->text);
		return;
	}

	session->phase = PHASE_DATA;
	reply(session, LMTP_REPLY_SEND_DATA);
}

/* Why a chunk is not wanted; LMTP_REPLY_OK: it is. */
static LmtpReplyId
judge_chunk(const LmtpSession *session)
{
	if (session->mail == NULL)
		return LMTP_REPLY_NO_SENDER;
	if (session->mail->recipients->len == 0)
		return LMTP_REPLY_NO_RECIPIENT;
	if (session->fault.id != STATUS_OK)
		return LMTP_REPLY_CHUNKS_FAILED;

	return LMTP_REPLY_OK;
}

/*
 * The octets follow in any case (RFC 3030 2): a refused chunk is drained, or its octets would be
 * taken for commands.
 */
static void
on_bdat(LmtpSession *session, const LmtpCommand *command)
{
	LmtpReplyId refusal = judge_chunk(session);

	session->chunk_ignored = refusal != LMTP_REPLY_OK;
	session->chunk_left = command->size;
	session->chunk_last = command->last;
	session->phase = PHASE_CHUNK;

	if (session->chunk_ignored) {
		reply_error(session, refusal);
	} else if (!session->chunked) {
		bool binary = session->mail->body == LMTP_BODY_BINARYMIME;
		session->chunked = true;
		/* end_chunk tells */
		(void) open_message(session, binary ? LMTP_DATA_BINARY : LMTP_DATA_LINES,
		                    &session->fault);
	}

	if (session->chunk_left == 0 && session->phase == PHASE_CHUNK)
		end_chunk(session);
}

/*
 * XCLIENT changes who the client is and begins the session anew; XFORWARD only tells about the next
 * message.
 */
static void
on_client(LmtpSession *session, LmtpCommand *command)
{
	if (!session->options.trusted || session->mail != NULL) {
		reply_error(session,
		            session->mail != NULL ? LMTP_REPLY_NESTED : LMTP_REPLY_NOT_TRUSTED);
		return;
	}

	bool forward = command->verb == LMTP_XFORWARD;
	char **attr = forward ? session->forward : session->client;
	for (size_t i = 0; i < LMTP_ATTR_COUNT; i++)
		if (command->said[i]) {
			g_free(attr[i]);
			attr[i] = g_steal_pointer(&command->attr[i]);
			session->forwarded[i] |= forward;
		}

	if (forward) {
		reply_idle(session, LMTP_REPLY_OK);
		return;
	}

	forget_forward(session);
	session->greeted = false;
	g_string_append_printf(session->out, "220 %s LMTP todoke\r\n", session->options.hostname);
}

static void
on_rset(LmtpSession *session)
{
	end_mail(session);
	if (session->phase != PHASE_CLOSED)
		reply_idle(session, LMTP_REPLY_OK);
}

static void
run_command(LmtpSession *session, LmtpCommand *command)
{
	switch (command->verb) {
	case LMTP_LHLO:
		on_lhlo(session, command);
		return;
	case LMTP_MAIL:
		on_mail(session, command);
		return;
	case LMTP_RCPT:
		on_rcpt(session, command);
		return;
	case LMTP_DATA:
		on_data(session);
		return;
	case LMTP_BDAT:
		on_bdat(session, command);
		return;
	case LMTP_RSET:
		on_rset(session);
		return;
	case LMTP_NOOP:
		reply_idle(session, LMTP_REPLY_OK);
		return;
	case LMTP_VRFY:
		reply_idle(session, LMTP_REPLY_TRY_IT);
		return;
	case LMTP_XFORWARD:
	case LMTP_XCLIENT:
		on_client(session, command);
		return;
	case LMTP_QUIT:
		end_mail(session);
		if (session->phase != PHASE_CLOSED)
			close_with(session, LMTP_REPLY_BYE);
		return;
	}
}

static void
run_line(LmtpSession *session)
{
	size_t len = session->line_len;
	bool too_long = session->line_too_long;

	session->line_len = 0;
	session->line_too_long = false;
	if (len > 0 && session->line[len - 1] == '\r')
		len--;

	g_auto(LmtpCommand) command = { .verb = LMTP_NOOP };
	LmtpReplyId refusal = LMTP_REPLY_UNKNOWN;
	bool good = lmtp_command_parse(session->line, len, session->options.paths, &command,
	                               &refusal);
	if (good && !too_long) {
		run_command(session, &command);
		return;
	}

	reply_error(session, too_long ? LMTP_REPLY_LONG_LINE : refusal);
	/*
	 * The chunk that follows would be run as commands, and whoever wrote the message would be
	 * the client.
	 */
	if (command.verb == LMTP_BDAT && session->phase != PHASE_CLOSED)
		close_with(session, LMTP_REPLY_LOST_STEP);
}

/* Commands may end with a bare LF: people type them. */
static size_t
feed_command(LmtpSession *session, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t part = end != NULL ? (size_t) (end - data) : len;
	size_t room = sizeof session->line - session->line_len;
	size_t kept = MIN(part, room);

	memcpy(session->line + session->line_len, data, kept);
	session->line_len += kept;
	session->line_too_long |= kept < part;
	if (end == NULL)
		return part;

	run_line(session);
	return part + 1;
}

bool
lmtp_session_feed(LmtpSession *session, const char *data, size_t len)
{
	while (len > 0 && session->phase != PHASE_CLOSED) {
		size_t used;
		if (session->phase == PHASE_DATA)
			used = feed_data(session, data, len);
		else if (session->phase == PHASE_CHUNK)
			used = feed_chunk(session, data, len);
		else
			used = feed_command(session, data, len);
		data += used;
		len -= used;
	}
	return session->phase != PHASE_CLOSED;
}
