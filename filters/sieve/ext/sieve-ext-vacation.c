/* SPDX-License-Identifier: MIT */
/*
 * vacation: RFC 5230, and vacation-seconds: RFC 6131, complete as far as filters go. Whether the
 * message may be answered at all (own address in To, lists, other automata, an earlier answer: 4.2,
 * 4.5, 4.6), and the answer's fields (5), are the agent's matter; what it needs for that is in
 * PlanReply.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"

#include "agent/message/address-list.h"
#include "agent/plan/plan-reply.h"

#include <string.h>

/* RFC 6131 2: "all valid values, from 0 to 2**31". */
#define SECONDS_MAX ((guint64) 1 << 31)
#define DAY_SECONDS 86400

/* Is it a list of mailboxes, with or without names (RFC 5322 3.4)? */
static bool
is_mailbox_list(SieveText text)
{
	g_auto(AddressList) list = { 0 };

	address_list_parse(text.data, text.len, ADDRESS_NAMES_RAW, &list);
	bool good = list.count > 0;
	for (size_t i = 0; i < list.count; i++)
		good = good && list.items[i].valid && !list.items[i].is_group &&
		       list.items[i].group == NULL;

	return good;
}

static bool
check_from(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	const SieveString *from = &tag->value->strings[0];
	if (from->template != NULL || is_mailbox_list(from->text))
		return true;

	return sieve_check_error(check, from->span, "bad-address",
	                         "write user@example.org, or Name <user@example.org>",
	                         "\"%.*s\" is not an address", (int) from->text.len,
	                         from->text.data);
}

/* Only a warning: nothing is ever addressed to it, so the answers are right without it. */
static bool
check_addresses(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	for (size_t i = 0; i < tag->value->n; i++) {
		const SieveString *address = &tag->value->strings[i];
		if (address->template == NULL && !sieve_check_is_address(address->text))
			sieve_check_warning(check, address->span, "bad-address",
			                    "write user@example.org", "\"%.*s\" is not an address",
			                    (int) address->text.len, address->text.data);
	}

	return true;
}

/* RFC 5230 4.1: out of range is no error, but not what the owner asked for. */
static bool
check_days(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	const Conf *conf = sieve_check_env(check)->conf;
	gint64 min = conf->sieve_vacation_min, max = conf->sieve_vacation_max;
	guint64 days = tag->value->number;

	if (days > (guint64) max / DAY_SECONDS)
		sieve_check_clamped(check, tag, "above", "sieve_vacation_max", MAX(min, max));
	else if ((gint64) days * DAY_SECONDS < min)
		sieve_check_clamped(check, tag, "below", "sieve_vacation_min", min);

	return true;
}

/* RFC 6131 2: as with days, but that it has a minimum of its own. */
static bool
check_seconds(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	const Conf *conf = sieve_check_env(check)->conf;
	gint64 min = conf->sieve_vacation_seconds_min, max = conf->sieve_vacation_max;
	guint64 seconds = tag->value->number;

	if (seconds > SECONDS_MAX)
		return sieve_check_error(check, tag->value->span, "bad-interval", NULL,
		                         "':seconds' takes no more than %" G_GUINT64_FORMAT,
		                         SECONDS_MAX);
	if (seconds > (guint64) MAX(min, max))
		sieve_check_clamped(check, tag, "above", "sieve_vacation_max", MAX(min, max));
	else if (seconds < (guint64) min)
		sieve_check_clamped(check, tag, "below", "sieve_vacation_seconds_min", min);

	return true;
}

/* What the reason of :mime is made of. */
typedef struct {
	size_t fields; /* octets of the MIME fields at its beginning */
	bool is_ended; /* an empty line follows, or nothing does */
} MimeReason;

static bool
is_field_line(SieveText line)
{
	const char *colon = memchr(line.data, ':', line.len);
	return colon != NULL &&
	       sieve_check_is_field_name((SieveText){ line.data, (size_t) (colon - line.data) });
}

/*
 * Fields go on as long as lines look like some: people forget the empty line behind them, or have
 * none at all.
 */
static MimeReason
read_mime_reason(SieveText text)
{
	size_t at = 0;
	while (at < text.len) {
		const char *line = text.data + at, *end = memchr(line, '\n', text.len - at);
		size_t len = end != NULL ? (size_t) (end - line) + 1 : text.len - at;
		bool is_empty = *line == '\n' || (*line == '\r' && len == 2);
		bool is_fold = at > 0 && (*line == ' ' || *line == '\t');
		if (is_empty || (!is_fold && !is_field_line((SieveText){ line, len })))
			return (MimeReason){ at, is_empty };
		at += len;
	}

	return (MimeReason){ at, true };
}

/* RFC 5230 5: the fields of a :mime reason are ASCII. NULL: they are. */
static const char *
mime_fault(SieveText reason)
{
	size_t len = read_mime_reason(reason).fields;
	for (size_t i = 0; i < len; i++)
		if ((guchar) reason.data[i] >= 128 || reason.data[i] == '\0')
			return "the MIME fields of the reason hold octets that are no ASCII";
	return NULL;
}

static bool
check_vacation(SieveCheck *check, SieveCall *call)
{
	const SieveString *reason = &call->positional[0]->strings[0];
	if (sieve_call_tag(call, "mime") == NULL || reason->template != NULL)
		return true;

	const char *hint = "a MIME entity has fields, an empty line, a body",
		   *fault = mime_fault(reason->text);
	if (fault != NULL)
		return sieve_check_error(check, reason->span, "bad-mime", hint, "%s", fault);

	MimeReason mime = read_mime_reason(reason->text);
	if (!mime.is_ended)
		sieve_check_warning(
			check, reason->span, "bad-mime", hint,
			mime.fields > 0
				? "an empty line is missing behind the MIME fields of the reason; "
				  "it is put there"
				: "the reason does not begin with MIME fields and an empty line; "
				  "it is sent as text");

	return true;
}

/*
 * Where the empty line is missing it is put behind the fields; a reason without fields is plain
 * text.
 */
static void
set_reason(PlanReply *reply, SieveText reason, bool is_mime)
{
	MimeReason mime = is_mime ? read_mime_reason(reason) : (MimeReason){ 0, true };

	reply->is_mime = is_mime && (mime.is_ended || mime.fields > 0);
	if (!reply->is_mime || mime.is_ended) {
		reply->body = g_strndup(reason.data, reason.len);
		return;
	}

	g_autoptr(GString) mended = g_string_new_len(reason.data, (gssize) mime.fields);
	g_string_append(mended, "\r\n");
	g_string_append_len(mended, reason.data + mime.fields, (gssize) (reason.len - mime.fields));
	reply->body = g_string_free(g_steal_pointer(&mended), FALSE);
}

/* How long the same answer does not go to the same address again. */
static gint64
interval_of(SieveRun *run, const SieveCall *call)
{
	const Conf *conf = run->env->conf;
	gint64 min = conf->sieve_vacation_min, max = conf->sieve_vacation_max;
	const SieveTag *tag = sieve_call_tag_of(call, "interval");

	if (tag == NULL)
		return CLAMP(conf->sieve_vacation_default, min, MAX(min, max));
	if (strcmp(tag->def->name, "seconds") == 0) {
		gint64 least = conf->sieve_vacation_seconds_min;
		return CLAMP((gint64) tag->value->number, least, MAX(least, max));
	}

	guint64 days = MIN(tag->value->number, (guint64) max / DAY_SECONDS + 1);
	return CLAMP((gint64) days * DAY_SECONDS, min, MAX(min, max));
}

static void
hash_text(GChecksum *hash, const char *what, const SieveTag *tag, const SieveString *string)
{
	if (tag != NULL)
		string = tag->value != NULL ? &tag->value->strings[0] : NULL;
	g_autofree char *head = g_strdup_printf("%s%c%zu:", what,
	                                        tag != NULL || string != NULL ? '=' : '-',
	                                        string != NULL ? string->text.len : 0);
	g_checksum_update(hash, (const guchar *) head, (gssize) strlen(head));
	if (string != NULL)
		g_checksum_update(hash, (const guchar *) string->text.data,
		                  (gssize) string->text.len);
}

/*
 * What tells this answer from others (RFC 5230 4.2): as written, without variables. Caller frees.
 */
static char *
make_handle(const SieveCall *call)
{
	const SieveTag *handle = sieve_call_tag(call, "handle");

	if (handle != NULL)
		return g_strndup(handle->value->strings[0].text.data,
		                 handle->value->strings[0].text.len);
	g_autoptr(GChecksum) hash = g_checksum_new(G_CHECKSUM_SHA256);
	hash_text(hash, "subject", sieve_call_tag(call, "subject"), NULL);
	hash_text(hash, "from", sieve_call_tag(call, "from"), NULL);
	hash_text(hash, "mime", sieve_call_tag(call, "mime"), NULL);
	hash_text(hash, "reason", NULL, &call->positional[0]->strings[0]);

	return g_strdup_printf("sha256:%.16s", g_checksum_get_string(hash));
}

static void
set_from(SieveRun *run, const SieveCall *call, PlanReply *reply)
{
	const SieveTag *tag = sieve_call_tag(call, "from");
	SieveText from = tag != NULL ? sieve_run_text(run, &tag->value->strings[0])
	                             : SIEVE_TEXT("");

	if (tag != NULL && is_mailbox_list(from))
		reply->from = sieve_text_one_line(from);
	else if (tag != NULL)
		sieve_run_trace(run, TRACE_COMMANDS, call,
		                "':from' is not an address, the usual sender is used");
}

/* Bare addresses. What is none does no harm: nothing is addressed to it. NULL without the tag. */
static GPtrArray *
own_addresses(SieveRun *run, const SieveCall *call)
{
	const SieveTag *tag = sieve_call_tag(call, "addresses");
	GPtrArray *addresses = sieve_run_strings(run, tag != NULL ? tag->value : NULL);

	for (guint i = 0; addresses != NULL && i < addresses->len; i++) {
		char *text = addresses->pdata[i];
		char *mailbox = sieve_text_mailbox((SieveText){ text, strlen(text) });
		if (mailbox == NULL)
			continue;
		addresses->pdata[i] = mailbox;
		g_free(text);
	}

	return addresses;
}

static bool
run_vacation(SieveRun *run, const SieveCall *call)
{
	SieveText reason = sieve_run_text(run, &call->positional[0]->strings[0]);
	const SieveTag *subject = sieve_call_tag(call, "subject");
	bool is_mime = sieve_call_tag(call, "mime") != NULL;
	const char *fault = is_mime ? mime_fault(reason) : NULL;

	if (fault != NULL)
		return sieve_run_fail(run, call, STATUS_SCRIPT, "%s", fault);
	PlanAction *action = sieve_run_action_new(run, PLAN_VACATION, call);
	PlanReply *reply = plan_reply_of(action);
	set_reason(reply, reason, is_mime);
	reply->handle = make_handle(call);
	reply->interval_seconds = interval_of(run, call);
	reply->subject = subject != NULL ? sieve_text_one_line(
						   sieve_run_text(run, &subject->value->strings[0]))
	                                 : NULL;
	reply->addresses = own_addresses(run, call);
	set_from(run, call, reply);

	return sieve_run_action(run, call, action);
}

static const SieveTagDef tags[] = {
	{ .name = "days", .value = SIEVE_NUMBER, .group = "interval", .check = check_days },
	{ .name = "subject", .value = SIEVE_STRING },
	{ .name = "from", .value = SIEVE_STRING, .check = check_from },
	{ .name = "addresses", .value = SIEVE_STRINGS, .check = check_addresses },
	{ .name = "mime" },
	{ .name = "handle", .value = SIEVE_STRING },
	{ .name = NULL }
};

static const SieveCallDef commands[] = { { .name = "vacation",
	                                   .positional = { SIEVE_STRING },
	                                   .flags = SIEVE_IS_ACTION,
	                                   .tags = tags,
	                                   .check = check_vacation,
	                                   .run = run_vacation },
	                                 { .name = NULL } };

const SieveExt sieve_ext_vacation = { .capability = "vacation",
	                              .rfc = "RFC 5230",
	                              .commands = commands };

static const SieveTagDef seconds_tags[] = { { .name = "seconds",
	                                      .value = SIEVE_NUMBER,
	                                      .group = "interval",
	                                      .on = "vacation",
	                                      .check = check_seconds },
	                                    { .name = NULL } };

const SieveExt sieve_ext_vacation_seconds = {
	.capability = "vacation-seconds",
	.rfc = "RFC 6131",
	.implies = "vacation",
	.tags = seconds_tags,
};
