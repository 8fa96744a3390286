/*
 * deliver-notify: a notice by mail (RFC 5435, RFC 5436). One message to all that the URI names, each handed over by itself; from the
 * null sender, marked as a machine's, never because of a machine's mail and never to oneself.
 *
 * Methods other than mailto: are not known, and noted.
 */
#include "agent/send/compose.h"

#include "agent/base/limits.h"
#include "agent/send/reply-guard.h"
#include "agent/message/mailto.h"

#include <string.h>

typedef struct {
	const PlanNotice *notice;  /* borrowed */
	Mailto mailto;
	GPtrArray *recipients;     /* char *: each once; borrowed from the URI */
	char *key;
	GBytes *message;
} Notify;

static void
notify_free(void *step)
{
	Notify *notify = step;
	mailto_clear(&notify->mailto);
	g_ptr_array_unref(notify->recipients);
	g_free(notify->key);
	g_clear_pointer(&notify->message, g_bytes_unref);
	g_free(notify);
}

static void
add_recipients(Notify *notify, const GPtrArray *addresses)
{
	for (guint i = 0; i < addresses->len; i++)
		if (!g_ptr_array_find_with_equal_func(notify->recipients, addresses->pdata[i], g_str_equal, NULL))
			g_ptr_array_add(notify->recipients, addresses->pdata[i]);
}

/*
 * RFC 5436 2.7.1 and 6: loops of notices. A null sender is no reason (2.7: such messages must be allowed to trigger one): a notice
 * goes out from the null sender, so nothing comes back.
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
	size_t pos = 0;
	const HeaderField *field = headers_next(message_headers(run->job->message), "Auto-Submitted", &pos);
	g_autofree char *value = field != NULL ? header_field_value(field) : NULL;
	if (value != NULL && g_ascii_strncasecmp(value, "no", 2) != 0)
		return g_strdup("a machine sent the message (Auto-Submitted)");
	for (guint i = 0; i < notify->recipients->len; i++) {
		const char *recipient = notify->recipients->pdata[i];
		if (!outmail_address_is_safe(recipient))
			return g_strdup("it has an address that mail cannot be sent to");
		if (out_is_own(run, recipient))
			return g_strdup_printf("<%s> is the owner", recipient);
	}
	char *why = NULL;
	(void) deliver_may_send(run, DELIVER_NOTICES, notify->key, &why);
	return why;
}

/* :message wins; then the URI's subject; then what the message is about. */
static char *
make_subject(const Notify *notify, const Headers *headers)
{
	if (notify->notice->message != NULL)
		return g_strdup(notify->notice->message);
	if (notify->mailto.subject != NULL)
		return g_strdup(notify->mailto.subject);
	g_autofree char *subject = out_field_text(headers, "Subject");
	return g_strdup_printf("New mail: %s", subject != NULL ? subject : "(no subject)");
}

static char *
make_text(const Notify *notify, const Headers *headers)
{
	if (notify->mailto.body != NULL)
		return g_strndup(notify->mailto.body, LIMIT_NOTICE_BYTES);
	g_autofree char *from = out_field_text(headers, "From"), *subject = out_field_text(headers, "Subject");
	return g_strdup_printf("From: %s\nSubject: %s\n", from != NULL ? from : "", subject != NULL ? subject : "");
}

/* RFC 5436 2.7: 1 is high, 3 is low. */
static const char *
importance(const PlanNotice *notice)
{
	return notice->importance == 1 ? "high" : notice->importance == 3 ? "low" : "normal";
}

static void
add(GArray *fields, const char *name, const char *value, MimeFieldKind kind)
{
	MimeField field = { name, value, kind };
	g_array_append_val(fields, field);
}

static bool
compose(DeliverRun *run, Notify *notify, Status *st)
{
	const Headers *headers = message_headers(run->job->message);
	g_autofree char *subject = make_subject(notify, headers), *text = make_text(notify, headers);
	g_autofree char *date = out_date(run->job->owner->now), *id = out_message_id(run, notify->key);
	const char *from = notify->notice->from != NULL ? notify->notice->from : out_speaker(run);
	if (from == NULL)
		return status_fail_detail(st, STATUS_CONFIG, "no address is known to send it from");
	g_ptr_array_add(notify->recipients, NULL);
	g_autofree char *to = g_strjoinv(", ", (char **) notify->recipients->pdata);
	g_ptr_array_set_size(notify->recipients, (gint) notify->recipients->len - 1);
	g_autofree char *submitted = g_strdup_printf("auto-notified; owner-email=\"%s\"", out_speaker(run) != NULL ? out_speaker(run) : "");
	g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(MimeField));
	add(fields, "From", from, MIME_FIELD_ADDRESSES);
	add(fields, "To", to, MIME_FIELD_ADDRESSES);
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
		.fields = (const MimeField *) fields->data, .n_fields = fields->len, .type = "text/plain", .data = text, .len = strlen(text),
	};
	return mime_compose(&draft, &notify->message, st);
}

static bool
notify_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	(void) st;
	Notify *notify = g_new0(Notify, 1);
	notify->notice = action->notice;
	notify->recipients = g_ptr_array_new();
	g_autofree char *hash = state_key("notify", action->notice->method, action->notice->message != NULL ? action->notice->message : "", NULL);
	notify->key = g_strconcat("notify ", hash, NULL);
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *why = why_not(run, notify);
	for (guint i = 0; notify->mailto.refused != NULL && i < notify->mailto.refused->len; i++)
		deliver_note(run, "notice does not set '%s': not allowed", (const char *) notify->mailto.refused->pdata[i]);
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
		if (!out_send_composed(run, notify->message, recipient, &fault)) {
			deliver_note(run, "no notice to <%s>: %s", recipient, fault.detail != NULL ? fault.detail : status_text(&fault));
			continue;
		}
		sent++;
		deliver_report_sent(run->report, "notify", recipient, g_bytes_get_size(notify->message));
	}
	if (sent == 0)
		return status_fail_detail(st, STATUS_SUBMIT, "nobody could be reached");
	out_keep_copy(run, notify->notice->fcc, notify->message);
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
