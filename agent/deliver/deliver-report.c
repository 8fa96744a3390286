/* SPDX-License-Identifier: MIT */
/*
 * deliver-report: an abuse report (vnd.dovecot.report, RFC 5965) about the message, to the address
 * that the rule names. From the null sender, marked as a machine's, and never to oneself.
 */
#include "agent/deliver/deliver-outgoing.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/address-print.h"
#include "agent/plan/plan-report.h"
#include "conf/conf-choices.h"

#include <string.h>
#include <unistd.h>

typedef struct {
	const PlanReport *report; /* borrowed */
	char *key;
	GBytes *message;
} Report;

static void
report_free(void *step)
{
	Report *report = step;
	g_free(report->key);
	g_clear_pointer(&report->message, g_bytes_unref);
	g_free(report);
}

/* A MIME token (RFC 2045 5.1): it becomes a field's value. */
static bool
is_token(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (!g_ascii_isgraph(*c) || strchr("()<>@,;:\\\"/[]?=", *c) != NULL)
			return false;
	return *text != '\0';
}

static char *
why_not(DeliverRun *run, const PlanReport *report, const char *key)
{
	if (!is_token(report->feedback_type))
		return g_strdup("its type is not a token");
	if (!address_text_is_sendable(report->address))
		return g_strdup("its recipient is not an address");
	if (deliver_is_own(run, report->address))
		return g_strdup_printf("<%s> is the owner", report->address);

	return deliver_why_not_send(run, DELIVER_NOTICES, key);
}

static void
append_path(GString *out, const char *name, const char *address)
{
	g_autofree char *path = address_print_path(address);
	g_string_append_printf(out, "%s: %s\n", name, path);
}

/* The machine-readable part (RFC 5965 3). */
static char *
make_facts(const DeliverRun *run, const PlanReport *report)
{
	const Envelope *envelope = run->job->envelope;
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "Feedback-Type: %s\nUser-Agent: todoke/1\nVersion: 1\n",
	                       report->feedback_type);
	if (envelope->sender != NULL &&
	    (*envelope->sender == '\0' || address_text_is_sendable(envelope->sender)))
		append_path(out, "Original-Mail-From", envelope->sender);
	if (address_text_is_sendable(envelope->recipient))
		append_path(out, "Original-Rcpt-To", envelope->recipient);
	if (envelope->client_address != NULL && route_param_is_safe(envelope->client_address))
		g_string_append_printf(out, "Source-IP: %s\n", envelope->client_address);

	return g_string_free(out, FALSE);
}

/* The message it is about, or its header only. */
static bool
append_original(const DeliverRun *run, GString *out, bool headers_only, Status *st)
{
	Message *message = run->job->message;
	MessageBody body;
	g_autoptr(GString) head = compose_print_headers(message, message_headers(message));

	g_string_append_len(out, head->str, (gssize) head->len);
	if (headers_only)
		return true;

	if (!message_body(message, &body) || body.size > LIMIT_REPORT_BYTES)
		return status_fail_detail(st, STATUS_LIMIT, "the message is longer than %u octets",
		                          LIMIT_REPORT_BYTES);
	size_t at = out->len;
	g_string_set_size(out, at + (size_t) body.size);

	return fs_read_exactly_at(body.fd, body.offset, out->str + at, (size_t) body.size,
	                          "message body", st);
}

static bool
compose(DeliverRun *run, Report *report, Status *st)
{
	const Headers *headers = message_headers(run->job->message);
	const PlanReport *wanted = report->report;
	static const DeliverWho who[] = {
		[CONF_SIEVE_REPORT_SENDER_OWNER] = DELIVER_WHO_OWNER,
		[CONF_SIEVE_REPORT_SENDER_RECIPIENT] = DELIVER_WHO_RECIPIENT,
		[CONF_SIEVE_REPORT_SENDER_ORIGINAL_RECIPIENT] = DELIVER_WHO_ORIGINAL_RECIPIENT,
		[CONF_SIEVE_REPORT_SENDER_POSTMASTER] = DELIVER_WHO_POSTMASTER,
		[CONF_SIEVE_REPORT_SENDER_SENDER] = DELIVER_WHO_SENDER,
	};
	const Conf *conf = run->job->conf;
	g_autofree char *author = deliver_address_of(run, who[conf->sieve_report_sender]);

	if (author == NULL || *author == '\0') {
		g_free(author);
		author = g_strdup(deliver_speaker(run));
	}

	if (author == NULL)
		return status_fail_detail(st, STATUS_CONFIG, "no address is known to send it from");
	g_autoptr(GString) original = g_string_new(NULL);
	if (!append_original(run, original, wanted->headers_only, st))
		return false;

	g_autofree char *facts = make_facts(run, wanted),
			*about = compose_field_text(headers, "Subject");
	g_autofree char *subject = compose_cut(
		g_strdup_printf("Report: %s", about != NULL ? about : ""),
		conf->sieve_vacation_subject_length);
	g_autofree char *from = address_print_header(NULL, author),
			*to = address_print_header(NULL, wanted->address);
	g_autofree char *date = compose_date(run->job->owner->now),
			*id = deliver_message_id(run, report->key);
	const char *text = wanted->message != NULL ? wanted->message : "";
	const MimeField fields[] = {
		{ "From", from, MIME_FIELD_ADDRESSES },
		{ "To", to, MIME_FIELD_ADDRESSES },
		{ "Subject", subject, MIME_FIELD_TEXT },
		{ "Date", date, MIME_FIELD_RAW },
		{ "Message-ID", id, MIME_FIELD_RAW },
		{ "Auto-Submitted", "auto-generated (report)", MIME_FIELD_RAW },
	};
	const MimeDraft parts[] = {
		{ .type = "text/plain",
		  .disposition = "inline",
		  .data = text,
		  .len = strlen(text) },
		{ .type = "message/feedback-report", .data = facts, .len = strlen(facts) },
		{ .type = wanted->headers_only ? "text/rfc822-headers" : "message/rfc822",
		  .data = original->str,
		  .len = original->len },
	};
	const MimeDraft draft = {
		.fields = fields,
		.n_fields = G_N_ELEMENTS(fields),
		.type = "multipart/report; report-type=feedback-report",
		.children = parts,
		.n_children = G_N_ELEMENTS(parts),
	};

	return mime_compose(&draft, &report->message, st);
}

static bool
report_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	(void) st;
	Report *report = g_new0(Report, 1);
	report->report = plan_report_of(action);
	report->key = g_strdup_printf("report %s %s", report->report->feedback_type,
	                              report->report->address);

	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *why = why_not(run, report->report, report->key);
	if (why == NULL && !compose(run, report, &fault))
		why = g_strdup(fault.detail);

	if (why == NULL) {
		*ret_step = report;
		return true;
	}

	deliver_hold(run, action, "no report", why);
	report_free(report);
	return true;
}

static const char *
report_key(const void *step)
{
	return ((const Report *) step)->key;
}

static bool
report_send(DeliverRun *run, void *step, Status *st)
{
	const Report *report = step;
	if (!deliver_send_composed(run, report->message, "", report->report->address, st))
		return false;

	deliver_report_sent(run->report, "report", report->report->address,
	                    g_bytes_get_size(report->message));
	return true;
}

extern const DeliverAction deliver_report;
const DeliverAction deliver_report = {
	.name = "report",
	.rehearses = true,
	.optional = true,
	.prepare = report_prepare,
	.free = report_free,
	.key = report_key,
	.send = report_send,
	.limit = DELIVER_NOTICES,
};
