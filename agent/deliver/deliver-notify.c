/* SPDX-License-Identifier: MIT */
/*
 * deliver-notify: a notice by mail (RFC 5435, RFC 5436). One message to all that the URI names,
 * each handed over by itself; marked as a machine's, never because of a machine's mail and never to
 * oneself.
 *
 * Methods other than mailto: are not known, and noted.
 */
#include "agent/deliver/deliver-outgoing.h"

#include "agent/base/limits.h"
#include "agent/message/address-print.h"
#include "agent/send/reply-guard.h"
#include "agent/message/mailto.h"
#include "agent/plan/plan-notice.h"
#include "conf/conf-choices.h"

#include <string.h>

typedef struct {
	const PlanNotice *notice; /* borrowed */
	Mailto mailto;
	GPtrArray *recipients; /* char *: each once; borrowed from the URI */
	char *sender;          /* envelope sender; "": the null sender */
	char *key;
	GBytes *message;
} Notify;

static void
notify_free(void *step)
{
	Notify *notify = step;

	mailto_clear(&notify->mailto);
	g_ptr_array_unref(notify->recipients);
	g_free(notify->sender);
	g_free(notify->key);
	g_clear_pointer(&notify->message, g_bytes_unref);
	g_free(notify);
}

static void
add_recipients(Notify *notify, const GPtrArray *recipients)
{
	for (guint i = 0; i < recipients->len; i++) {
		const MailtoRecipient *recipient = recipients->pdata[i];
		if (!g_ptr_array_find_with_equal_func(notify->recipients, recipient->address,
		                                      g_str_equal, NULL))
			g_ptr_array_add(notify->recipients, recipient->address);
	}
}

/* To or Cc: the mailboxes of the URI with their names. NULL: none. Caller frees. */
static char *
print_recipients(const GPtrArray *recipients)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < recipients->len; i++) {
		const MailtoRecipient *recipient = recipients->pdata[i];
		g_autofree char *mailbox = address_print_header(recipient->name,
		                                                recipient->address);
		g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", mailbox);
	}

	return g_string_free(out, out->len == 0);
}

/*
 * RFC 5436 2.7: never one where the message has none; else the script's :from, else what the
 * setting says. Caller frees.
 */
static char *
choose_sender(const DeliverRun *run, const PlanNotice *notice)
{
	static const DeliverWho who[] = {
		[CONF_SIEVE_NOTIFY_SENDER_FROM] = DELIVER_WHO_RECIPIENT,
		[CONF_SIEVE_NOTIFY_SENDER_RECIPIENT] = DELIVER_WHO_RECIPIENT,
		[CONF_SIEVE_NOTIFY_SENDER_ORIGINAL_RECIPIENT] = DELIVER_WHO_ORIGINAL_RECIPIENT,
		[CONF_SIEVE_NOTIFY_SENDER_OWNER] = DELIVER_WHO_OWNER,
		[CONF_SIEVE_NOTIFY_SENDER_POSTMASTER] = DELIVER_WHO_POSTMASTER,
		[CONF_SIEVE_NOTIFY_SENDER_SENDER] = DELIVER_WHO_SENDER,
	};
	gint64 wanted = run->job->conf->sieve_notify_sender;
	if (wanted == CONF_SIEVE_NOTIFY_SENDER_NULL || run->job->envelope->sender == NULL ||
	    envelope_is_bounce(run->job->envelope))
		return g_strdup("");

	g_autofree char *author = wanted == CONF_SIEVE_NOTIFY_SENDER_FROM && notice->from != NULL
	                                  ? compose_first_address(notice->from)
	                                  : NULL;
	g_autofree char *sender = author != NULL ? g_steal_pointer(&author)
	                                         : deliver_address_of(run, who[wanted]);
	return sender != NULL && address_text_is_sendable(sender) ? g_steal_pointer(&sender)
	                                                          : g_strdup("");
}

/*
 * RFC 5436 2.7.1 and 6: loops of notices. A null sender is no reason (2.7: such messages must be
 * allowed to trigger one): the notice then goes out from the null sender, so nothing comes back.
 */
static char *
why_not(DeliverRun *run, Notify *notify)
{
	const char *reason = NULL;
	const char *method = notify->notice->method;
	if (!mailto_parse(method, strlen(method), &notify->mailto, &reason))
		return g_strdup(reason);

	add_recipients(notify, notify->mailto.to);
	add_recipients(notify, notify->mailto.cc);
	if (notify->recipients->len == 0)
		return g_strdup("it names nobody");

	if (reply_guard_is_auto_submitted(message_headers(run->job->message)))
		return g_strdup("a machine sent the message (Auto-Submitted)");

	for (guint i = 0; i < notify->recipients->len; i++) {
		const char *recipient = notify->recipients->pdata[i];
		if (!address_text_is_sendable(recipient))
			return g_strdup("it has an address that mail cannot be sent to");
		if (deliver_is_own(run, recipient))
			return g_strdup_printf("<%s> is the owner", recipient);
	}

	return deliver_why_not_send(run, DELIVER_NOTICES, notify->key);
}

/* :message wins; then the URI's subject; then what the message is about. */
static char *
make_subject(const Conf *conf, const Notify *notify, const Headers *headers)
{
	gint64 most = conf->sieve_vacation_subject_length;
	if (notify->notice->message != NULL)
		return compose_cut(g_strdup(notify->notice->message), most);
	if (notify->mailto.subject != NULL)
		return compose_cut(g_utf8_make_valid(notify->mailto.subject, -1), most);

	g_autofree char *subject = compose_field_text(headers, "Subject");
	return compose_cut(
		g_strdup_printf("New mail: %s", subject != NULL ? subject : "(no subject)"), most);
}

static char *
make_text(const Notify *notify, const Headers *headers)
{
	if (notify->mailto.body != NULL)
		return g_strndup(notify->mailto.body, LIMIT_NOTICE_BYTES);
	g_autofree char *from = compose_field_text(headers, "From"),
			*subject = compose_field_text(headers, "Subject");
	from = from != NULL ? compose_cut(from, LIMIT_NOTICE_FIELD) : NULL;
	subject = subject != NULL ? compose_cut(subject, LIMIT_NOTICE_FIELD) : NULL;

	return g_strdup_printf("From: %s\nSubject: %s\n", from != NULL ? from : "",
	                       subject != NULL ? subject : "");
}

/* RFC 5436 2.7. */
static const char *
importance(const PlanNotice *notice)
{
	return notice->importance == PLAN_NOTICE_HIGH  ? "high"
	       : notice->importance == PLAN_NOTICE_LOW ? "low"
	                                               : "normal";
}

static void
add(GArray *fields, const char *name, const char *value, MimeFieldKind kind)
{
	MimeField field = { name, value, kind };
	g_array_append_val(fields, field);
}

/* RFC 5436 2.7.1. A value with quotes of its own would end the parameter. */
static char *
make_submitted(const char *owner)
{
	if (owner == NULL || strpbrk(owner, "\"\\") != NULL)
		return g_strdup("auto-notified");
	return g_strdup_printf("auto-notified; owner-email=\"%s\"", owner);
}

static bool
compose(DeliverRun *run, Notify *notify, Status *st)
{
	const Headers *headers = message_headers(run->job->message);
	g_autofree char *subject = make_subject(run->job->conf, notify, headers),
			*text = make_text(notify, headers);
	g_autofree char *date = compose_date(run->job->owner->now),
			*id = deliver_message_id(run, notify->key);
	const char *speaker = deliver_speaker(run);
	g_autofree char *from = notify->notice->from != NULL
	                                ? compose_print_addresses(notify->notice->from)
	                                : NULL;

	if (from == NULL && speaker != NULL)
		from = address_print_header(NULL, speaker);
	if (from == NULL)
		return status_fail_detail(st, STATUS_CONFIG, "no address is known to send it from");

	g_autofree char *to = print_recipients(notify->mailto.to),
			*cc = print_recipients(notify->mailto.cc);
	g_autofree char *submitted = make_submitted(speaker);
	g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(MimeField));
	add(fields, "From", from, MIME_FIELD_ADDRESSES);
	if (to != NULL)
		add(fields, "To", to, MIME_FIELD_ADDRESSES);
	if (cc != NULL)
		add(fields, "Cc", cc, MIME_FIELD_ADDRESSES);
	add(fields, "Subject", subject, MIME_FIELD_TEXT);
	add(fields, "Date", date, MIME_FIELD_RAW);
	add(fields, "Message-ID", id, MIME_FIELD_RAW);
	add(fields, "Auto-Submitted", submitted, MIME_FIELD_RAW);
	add(fields, "Importance", importance(notify->notice), MIME_FIELD_RAW);

	for (guint i = 0; i < notify->mailto.fields->len; i++) {
		const MailtoField *field = &g_array_index(notify->mailto.fields, MailtoField, i);
		if (g_ascii_strcasecmp(field->name, "Importance") != 0)
			add(fields, field->name, field->value, MIME_FIELD_TEXT);
	}

	MimeDraft draft = {
		.fields = (const MimeField *) fields->data,
		.n_fields = fields->len,
		.type = "text/plain",
		.data = text,
		.len = strlen(text),
	};
	return mime_compose(&draft, &notify->message, st);
}

static bool
notify_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	(void) st;
	Notify *notify = g_new0(Notify, 1);
	notify->notice = plan_notice_of(action);
	notify->recipients = g_ptr_array_new();
	notify->sender = choose_sender(run, notify->notice);

	g_autofree char *hash = state_key(
		"notify", notify->notice->method,
		notify->notice->message != NULL ? notify->notice->message : "", NULL);
	notify->key = g_strconcat("notify ", hash, NULL);
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *why = why_not(run, notify);
	for (guint i = 0; notify->mailto.refused != NULL && i < notify->mailto.refused->len; i++)
		deliver_note(run, "notice does not set '%s': not allowed",
		             (const char *) notify->mailto.refused->pdata[i]);
	if (why == NULL && !compose(run, notify, &fault))
		why = g_strdup(fault.detail);

	if (why == NULL) {
		*ret_step = notify;
		return true;
	}

	deliver_hold(run, action, "no notice", why);
	notify_free(notify);
	return true;
}

static const char *
notify_key(const void *step)
{
	return ((const Notify *) step)->key;
}

/* Who cannot get it does not keep it from the others. */
static bool
notify_send(DeliverRun *run, void *step, Status *st)
{
	Notify *notify = step;
	unsigned sent = 0;

	for (guint i = 0; i < notify->recipients->len; i++) {
		const char *recipient = notify->recipients->pdata[i];
		g_auto(Status) fault = STATUS_INIT;
		if (!deliver_send_composed(run, notify->message, notify->sender, recipient,
		                           &fault)) {
			deliver_note(run, "no notice to <%s>: %s", recipient, status_why(&fault));
			continue;
		}
		sent++;
		deliver_report_sent(run->report, "notify", recipient,
		                    g_bytes_get_size(notify->message));
	}

	if (sent == 0)
		return status_fail_detail(st, STATUS_SUBMIT, "nobody could be reached");
	deliver_keep_copy(run, notify->notice->fcc, notify->message);
	return true;
}

extern const DeliverAction deliver_notify;
const DeliverAction deliver_notify = {
	.name = "notify",
	.rehearses = true,
	.optional = true,
	.prepare = notify_prepare,
	.free = notify_free,
	.key = notify_key,
	.send = notify_send,
	.limit = DELIVER_NOTICES,
};
