/* SPDX-License-Identifier: MIT */
/*
 * deliver-vacation (RFC 5230, 6131, 3834): an answer to the sender, once an interval, and never to
 * a machine. Each answer that is not given is noted with its reason. It goes out from the null
 * sender, so that nothing comes back.
 */
#include "agent/deliver/deliver-outgoing.h"

#include "agent/base/limits.h"
#include "agent/message/address-print.h"
#include "agent/plan/plan-reply.h"
#include "agent/send/reply-guard.h"

#include <string.h>

typedef struct {
	const PlanReply *reply; /* borrowed */
	char *sender;           /* who is answered */
	char *from;             /* envelope sender of the answer; "": the null sender */
	char *key;
	char *seen;    /* key of the interval; NULL: every message is answered */
	bool has_turn; /* the state says that this delivery answers */
	GBytes *message;
} Vacation;

static void
vacation_free(void *step)
{
	Vacation *vacation = step;

	g_free(vacation->sender);
	g_free(vacation->from);
	g_free(vacation->key);
	g_free(vacation->seen);
	g_clear_pointer(&vacation->message, g_bytes_unref);
	g_free(vacation);
}

/* RFC 5230 4.2: without a handle, answers that differ are different ones. */
static char *
seen_key(const DeliverRun *run, const PlanReply *reply, const char *sender)
{
	AddressRules rules = { .delimiters = "", .fold_local = true };
	g_autofree char *canonical = address_canonical(sender, &rules);
	const char *owner = run->job->owner->user;

	if (reply->handle != NULL)
		return state_key("vacation", owner, canonical, "handle", reply->handle, NULL);
	return state_key("vacation", owner, canonical, reply->subject != NULL ? reply->subject : "",
	                 reply->from != NULL ? reply->from : "", reply->is_mime ? "mime" : "text",
	                 reply->body, NULL);
}

/*
 * Ask the state last: it is opened for this. What an earlier try of this message sent is the
 * ledger's matter.
 */
static char *
why_seen(DeliverRun *run, const Vacation *vacation)
{
	g_auto(Status) st = STATUS_INIT;
	if (run->state == NULL)
		return g_strdup("there is no state that remembers who was answered");
	if (vacation->seen == NULL || ledger_find(run->ledger, vacation->key, NULL) != LEDGER_NEW)
		return NULL;
	if (state_seen(run->state, vacation->seen, &st))
		return g_strdup_printf("<%s> was answered before", vacation->sender);

	return st.id != STATUS_OK ? g_strdup(st.detail) : NULL;
}

static char *
why_not(DeliverRun *run, const Vacation *vacation)
{
	const Conf *conf = run->job->conf;
	ReplyQuestion question = {
		.headers = message_headers(run->job->message),
		.envelope = run->job->envelope,
		.own = { run->job->owner->addresses, vacation->reply->addresses },
		.rules = deliver_address_rules(run),
		.original_is_own = conf->sieve_vacation_original_recipient,
		.any_recipient = !conf->sieve_vacation_check_recipient,
	};
	char *why = reply_guard_why_not(&question);

	if (why == NULL && !address_text_is_sendable(vacation->sender))
		why = g_strdup("its sender is not an address");
	if (why == NULL)
		why = why_seen(run, vacation);
	if (why == NULL)
		why = deliver_why_not_send(run, DELIVER_REPLIES, vacation->key);

	return why;
}

/*
 * One id in brackets, of signs that may stand there; what a stranger wrote is not repeated
 * otherwise.
 */
static bool
is_message_id(const char *word)
{
	size_t len = strlen(word);
	if (len < 3 || len > LIMIT_MESSAGE_ID_BYTES || word[0] != '<' || word[len - 1] != '>')
		return false;

	for (size_t i = 1; i + 1 < len; i++)
		if (!g_ascii_isgraph(word[i]) || word[i] == '<' || word[i] == '>')
			return false;
	return true;
}

/* The message's own id; NULL: it has none that a reply can go on with. Caller frees. */
static char *
message_id(const Headers *headers)
{
	g_autofree char *value = compose_field_raw(headers, "Message-ID");
	return value != NULL && is_message_id(value) ? g_steal_pointer(&value) : NULL;
}

/* The ids that it continues (RFC 5322 3.6.4): those that the message had, then its own. */
static char *
references(const Headers *headers, const char *id)
{
	g_autofree char *old = compose_field_raw(headers, "References");

	if (old == NULL)
		old = compose_field_raw(headers, "In-Reply-To");
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	g_auto(GStrv) words = g_strsplit_set(old != NULL ? old : "", " \t", -1);
	for (size_t i = 0; words[i] != NULL; i++)
		if (is_message_id(words[i]))
			g_ptr_array_add(ids, words[i]);
	if (ids->len > LIMIT_REFERENCES)
		g_ptr_array_remove_range(ids, 1, ids->len - LIMIT_REFERENCES);
	g_ptr_array_add(ids, (gpointer) id);
	g_ptr_array_add(ids, NULL);

	return g_strjoinv(" ", (char **) ids->pdata);
}

/* RFC 5230 5.3 wants "Auto: " and the old subject; the site may have other words. */
static char *
make_subject(const Conf *conf, const PlanReply *reply, const Headers *headers)
{
	if (reply->subject != NULL)
		return compose_cut(g_strdup(reply->subject), conf->sieve_vacation_subject_length);
	g_autofree char *old = compose_field_text(headers, "Subject");
	if (old == NULL || *old == '\0')
		return compose_cut(g_strdup(conf->sieve_vacation_no_subject),
		                   conf->sieve_vacation_subject_length);

	g_auto(GStrv) parts = g_strsplit(conf->sieve_vacation_subject, "%{subject}", -1);
	return compose_cut(g_strjoinv(old, parts), conf->sieve_vacation_subject_length);
}

/* To: the envelope sender, or whom the header names as sender. */
static char *
make_to(const Conf *conf, const Headers *headers, const char *sender)
{
	static const char *const names[] = { "Sender", "Resent-From", "From" };
	for (size_t i = 0; conf->sieve_vacation_to_from_header && i < G_N_ELEMENTS(names); i++) {
		g_autofree char *value = compose_field_raw(headers, names[i]);
		g_autofree char *address = value != NULL ? compose_first_address(value) : NULL;
		if (address != NULL && address_text_is_sendable(address))
			return address_print_header(NULL, address);
	}

	return address_print_header(NULL, sender);
}

/*
 * The Content fields and the body of `entity`, behind the header of `composed`, whose own Content
 * fields go.
 */
static GBytes *
put_entity(GBytes *composed, const char *entity)
{
	size_t len, entity_len;
	const char *data = g_bytes_get_data(composed, &len);
	g_autoptr(Headers) own = headers_take_block(g_strndup(data, len), len, &len);

	g_autoptr(Headers)
		theirs = headers_take_block(g_strdup(entity), strlen(entity), &entity_len);
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < headers_count(own) + headers_count(theirs); i++) {
		bool is_ours = i < headers_count(own);
		const HeaderField *field = is_ours ? headers_get(own, i)
		                                   : headers_get(theirs, i - headers_count(own));
		bool is_content = field->name_len > 8 &&
		                  g_ascii_strncasecmp(field->bytes, "Content-", 8) == 0;
		if (is_content == is_ours)
			continue;
		g_string_append_len(out, field->bytes, field->len);
		if (out->str[out->len - 1] != '\n')
			g_string_append_c(out, '\n');
	}

	const char *body = entity + entity_len;
	if (*body != '\n' && !g_str_has_prefix(body, "\r\n"))
		g_string_append_c(out, '\n');
	g_string_append(out, body);

	return g_string_free_to_bytes(out);
}

static bool
compose(DeliverRun *run, Vacation *vacation, Status *st)
{
	const PlanReply *reply = vacation->reply;
	const Headers *headers = message_headers(run->job->message);
	g_autofree char *id = message_id(headers), *date = compose_date(run->job->owner->now);
	g_autofree char *own_id = deliver_message_id(run, vacation->key),
			*subject = make_subject(run->job->conf, reply, headers);
	g_autofree char *thread = id != NULL ? references(headers, id) : NULL;
	g_autofree char *to = make_to(run->job->conf, headers, vacation->sender);
	const char *speaker = deliver_speaker(run);
	g_autofree char *from = reply->from != NULL ? compose_print_addresses(reply->from) : NULL;

	if (from == NULL && speaker != NULL)
		from = address_print_header(NULL, speaker);
	if (from == NULL)
		return status_fail_detail(st, STATUS_CONFIG, "no address is known to answer from");

	MimeField fields[9] = {
		{ "From", from, MIME_FIELD_ADDRESSES },
		{ "To", to, MIME_FIELD_ADDRESSES },
		{ "Subject", subject, MIME_FIELD_TEXT },
		{ "Date", date, MIME_FIELD_RAW },
		{ "Message-ID", own_id, MIME_FIELD_RAW },
		{ "Auto-Submitted", "auto-replied (vacation)", MIME_FIELD_RAW },
		{ "X-Auto-Response-Suppress", "All", MIME_FIELD_RAW },
		{ "In-Reply-To", id, MIME_FIELD_RAW },
		{ "References", thread, MIME_FIELD_RAW },
	};
	const char *text = reply->is_mime || reply->body == NULL ? "" : reply->body;
	MimeDraft draft = {
		.fields = fields,
		.n_fields = id != NULL ? 9 : 7,
		.type = "text/plain",
		.data = text,
		.len = strlen(text),
	};
	g_autoptr(GBytes) composed = NULL;
	if (!mime_compose(&draft, &composed, st))
		return false;

	vacation->message = reply->is_mime ? put_entity(composed, reply->body)
	                                   : g_steal_pointer(&composed);
	return true;
}

static bool
vacation_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	(void) st;
	Vacation *vacation = g_new0(Vacation, 1);
	const char *sender = run->job->envelope->sender;
	vacation->reply = plan_reply_of(action);
	vacation->sender = g_strdup(sender != NULL ? sender : "");
	vacation->from = run->job->conf->sieve_vacation_from_recipient
	                         ? deliver_address_of(run, DELIVER_WHO_RECIPIENT)
	                         : NULL;

	g_autofree char *seen = seen_key(run, vacation->reply, vacation->sender);
	vacation->key = g_strconcat("reply ", seen, NULL);
	if (vacation->reply->interval_seconds > 0)
		vacation->seen = g_steal_pointer(&seen);

	g_autofree char *why = why_not(run, vacation);
	g_auto(Status) fault = STATUS_INIT;
	if (why == NULL && !compose(run, vacation, &fault))
		why = g_strdup(fault.detail);

	if (why == NULL) {
		*ret_step = vacation;
		return true;
	}

	deliver_hold(run, action, "no vacation reply", why);
	vacation_free(vacation);
	return true;
}

static const char *
vacation_key(const void *step)
{
	return ((const Vacation *) step)->key;
}

/*
 * Of the deliveries that want to answer a sender at once, on whatever hosts, one does. A retry of
 * this message is the same one.
 */
static StateItem
turn_of(const DeliverRun *run, const Vacation *vacation)
{
	return (StateItem){ .kind = STATE_SEEN,
		            .key = vacation->seen,
		            .value = run->ledger_key,
		            .len = strlen(run->ledger_key),
		            .until = run->job->owner->now + vacation->reply->interval_seconds };
}

static bool
take_turn(const DeliverRun *run, Vacation *vacation, Status *st)
{
	if (run->state == NULL || vacation->seen == NULL)
		return true;

	const StateItem turn = turn_of(run, vacation);
	if (!state_take(run->state, &turn, &vacation->has_turn, st))
		return false;
	return vacation->has_turn ||
	       status_fail_detail(st, STATUS_BUSY, "<%s> is answered by another delivery",
	                          vacation->sender);
}

/* Whoever is next may answer. A fault: nobody does, for the interval. */
static void
give_turn_back(const DeliverRun *run, Vacation *vacation)
{
	g_auto(Status) ignored = STATUS_INIT;
	if (!vacation->has_turn)
		return;

	const StateItem turn = turn_of(run, vacation);
	(void) state_drop(run->state, &turn, &ignored);
	vacation->has_turn = false;
}

static bool
send_reply(DeliverRun *run, const Vacation *vacation, Status *st)
{
	return deliver_send_composed(run, vacation->message,
	                             vacation->from != NULL ? vacation->from : "", vacation->sender,
	                             st);
}

static bool
vacation_send(DeliverRun *run, void *step, Status *st)
{
	Vacation *vacation = step;
	if (!take_turn(run, vacation, st))
		return false;
	if (!send_reply(run, vacation, st)) {
		give_turn_back(run, vacation);
		return false;
	}

	deliver_report_sent(run->report, "vacation", vacation->sender,
	                    g_bytes_get_size(vacation->message));
	deliver_keep_copy(run, vacation->reply->fcc, vacation->message);
	return true;
}

static void
vacation_sent(DeliverRun *run, void *step)
{
	const Vacation *vacation = step;
	const DeliverOwner *owner = run->job->owner;
	if (vacation->seen != NULL && owner->state != NULL && !vacation->has_turn)
		state_once_will_see(owner->state, vacation->seen, NULL,
		                    owner->now + vacation->reply->interval_seconds);
}

extern const DeliverAction deliver_vacation;
const DeliverAction deliver_vacation = {
	.name = "vacation",
	.rehearses = true,
	.optional = true,
	.prepare = vacation_prepare,
	.free = vacation_free,
	.key = vacation_key,
	.send = vacation_send,
	.limit = DELIVER_REPLIES,
	.sent = vacation_sent,
};
