/* out: see the header. */
#include "agent/send/compose.h"

#include "agent/base/limits.h"
#include "agent/message/address-list.h"
#include "agent/message/address-print.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

const char *
out_speaker(const DeliverRun *run)
{
	const GPtrArray *addresses = run->job->owner->addresses;
	return addresses != NULL && addresses->len > 0 ? addresses->pdata[0] : NULL;
}

static const char *
postmaster_domain(const DeliverRun *run)
{
	const char *recipient = run->job->envelope->recipient;
	const char *at = recipient != NULL ? strrchr(recipient, '@') : NULL;
	return at != NULL && at[1] != '\0' ? at + 1 : run->job->owner->host;
}

char *
out_address_of(const DeliverRun *run, OutWho who)
{
	const Envelope *envelope = run->job->envelope;
	const char *set = run->job->conf->postmaster_address;
	if (who == OUT_SENDER)
		return g_strdup(envelope->sender);
	if (who == OUT_POSTMASTER && set != NULL && *set != '\0')
		return out_first_address(set);
	if (who == OUT_POSTMASTER)
		return g_strconcat("postmaster@", postmaster_domain(run), NULL);
	if (who == OUT_ORIGINAL_RECIPIENT && envelope->original != NULL && address_text_is_sendable(envelope->original))
		return g_strdup(envelope->original);
	if (who != OUT_OWNER && envelope->recipient != NULL && address_text_is_sendable(envelope->recipient))
		return g_strdup(envelope->recipient);
	return g_strdup(out_speaker(run));
}

char *
out_first_address(const char *value)
{
	g_auto(AddressList) list = { 0 };
	address_list_parse(value, strlen(value), ADDRESS_NAMES_RAW, &list);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].valid && !list.items[i].is_group)
			return g_strdup(list.items[i].address);
	return NULL;
}

char *
out_print_addresses(const char *value)
{
	g_auto(AddressList) list = { 0 };
	address_list_parse(value, strlen(value), ADDRESS_NAMES_RAW, &list);
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < list.count; i++) {
		const AddressItem *item = &list.items[i];
		if (!item->valid || item->is_group)
			continue;
		g_autofree char *mailbox = address_print_header(item->name, item->address);
		g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "", mailbox);
	}
	return g_string_free(out, out->len == 0);
}

char *
out_cut(char *text, gint64 most)
{
	if (g_utf8_strlen(text, -1) <= most)
		return text;
	char *cut = g_utf8_substring(text, 0, most);
	g_free(text);
	return cut;
}

AddressRules
out_rules(const DeliverRun *run)
{
	const Conf *conf = run->job->conf;
	return (AddressRules){ .delimiters = conf->delimiters != NULL ? conf->delimiters : "", .fold_local = conf->fold_local };
}

bool
out_is_own(const DeliverRun *run, const char *address)
{
	AddressRules rules = out_rules(run);
	const GPtrArray *addresses = run->job->owner->addresses;
	for (guint i = 0; addresses != NULL && i < addresses->len; i++)
		if (address_equal(addresses->pdata[i], address, &rules))
			return true;
	return run->job->envelope->recipient != NULL && address_equal(run->job->envelope->recipient, address, &rules);
}

char *
out_date(gint64 now)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t) now;
	struct tm tm;
	if (gmtime_r(&seconds, &tm) == NULL)
		return g_strdup("Thu, 01 Jan 1970 00:00:00 +0000");
	return g_strdup_printf("%.3s, %02d %.3s %d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday, tm.tm_mday,
	                       months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

char *
out_message_id(const DeliverRun *run, const char *key)
{
	const DeliverJob *job = run->job;
	AddressRules rules = { .delimiters = "", .fold_local = true };
	g_autofree char *subject = mark_subject(job->envelope->recipient, &rules, message_headers(job->message));
	const char *queue_id = job->envelope->queue_id != NULL ? job->envelope->queue_id : "";
	g_autofree char *hash = state_key("message-id", subject, queue_id, key, NULL);
	return g_strdup_printf("<todoke.%.32s@%s>", hash, job->owner->host);
}

char *
out_field_text(const Headers *headers, const char *name)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(headers, name, &pos);
	char *text = NULL;
	g_auto(Status) st = STATUS_INIT;
	if (field == NULL)
		return NULL;
	if (mime_decode_field(field, headers, &text, NULL, &st))
		return text;
	g_autofree char *raw = header_field_value(field);
	return g_utf8_make_valid(raw, -1);
}

char *
out_field_raw(const Headers *headers, const char *name)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(headers, name, &pos);
	return field != NULL ? header_field_value(field) : NULL;
}

Headers *
out_headers(const DeliverRun *run, const PlanAction *action)
{
	if (action->headers != NULL)
		return action->headers;
	return action->message != NULL ? message_headers(action->message) : run->job->headers;
}

/* The route by the settings; the time is what one message may take, or what is left of the delivery's. */
static bool
find_route(const DeliverRun *run, OutRoute *ret_route, Status *st)
{
	gint64 left = (run->ends - g_get_monotonic_time()) / G_USEC_PER_SEC;
	if (left < 1)
		return status_fail_detail(st, STATUS_SUBMIT, "no time is left for outgoing mail");
	const Conf *conf = run->job->conf;
	*ret_route = (OutRoute){
		.submit = conf->submit, .helo = run->job->owner->host, .seconds = (unsigned) MIN(left, conf->submit_timeout),
		.end_seconds = (unsigned) MIN(left, LIMIT_SUBMIT_END_SECONDS),
	};
	return true;
}

static bool
hand_over(const DeliverRun *run, const OutMail *mail, Status *st)
{
	OutRoute route;
	const DeliverOwner *owner = run->job->owner;
	if (owner->capture != NULL)
		return owner->capture(owner->capture_user, run->sending, mail, st);
	return find_route(run, &route, st) && outmail_send(mail, &route, st);
}

bool
out_send_composed(DeliverRun *run, GBytes *message, const char *sender, const char *recipient, Status *st)
{
	size_t len;
	const void *data = g_bytes_get_data(message, &len);
	OutMail mail = { .sender = sender, .recipient = recipient, .notify = "NEVER", .head = data, .head_len = len, .body_fd = -1 };
	return hand_over(run, &mail, st);
}

/* Does the body begin with the empty line that ends a header? */
static bool
begins_with_line_end(const MessageBody *body)
{
	char first = '\n';
	(void) pread(body->fd, &first, 1, body->offset); /* an empty body ends the header as well */
	return first == '\n' || first == '\r';
}

GString *
out_print_headers(const Message *message, const Headers *headers)
{
	GString *out = g_string_new(NULL);
	size_t count = headers_count(headers);
	for (size_t i = 0; i < count; i++) {
		const HeaderField *field = headers_get(headers, i);
		g_string_append_len(out, field->bytes, field->len);
		if (field->bytes[field->len - 1] != '\n')
			g_string_append(out, headers_newline(headers));
	}
	/* A body that began without an empty line would otherwise continue our fields. */
	MessageBody body;
	if (headers_count(message_headers(message)) == 0 && count > 0 && message_body(message, &body) && !begins_with_line_end(&body))
		g_string_append(out, headers_newline(headers));
	return out;
}

bool
out_send_message(DeliverRun *run, Message *message, const Headers *headers, OutMail *mail, guint64 *ret_bytes, Status *st)
{
	MessageBody body;
	if (!message_body(message, &body))
		return status_fail_detail(st, STATUS_INTERNAL, "the body of a message that leaves is not stored");
	g_autoptr(GString) head = out_print_headers(message, headers);
	mail->head = head->str;
	mail->head_len = head->len;
	mail->body_fd = body.fd;
	mail->body_at = body.offset;
	mail->body_len = body.size;
	if (!hand_over(run, mail, st))
		return false;
	*ret_bytes = head->len + (guint64) body.size;
	return true;
}

static GPtrArray *
copy_strings(const GPtrArray *strings)
{
	if (strings == NULL)
		return NULL;
	GPtrArray *copy = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < strings->len; i++)
		g_ptr_array_add(copy, g_strdup(strings->pdata[i]));
	return copy;
}

void
out_keep_copy(DeliverRun *run, const PlanFcc *fcc, GBytes *message)
{
	if (fcc == NULL)
		return;
	g_auto(Status) st = STATUS_INIT;
	size_t len;
	const void *data = g_bytes_get_data(message, &len);
	PlanAction *action = plan_action_new(PLAN_FILEINTO, NULL, 0);
	action->mailbox = g_strdup(fcc->mailbox);
	action->flags = copy_strings(fcc->flags);
	action->create = fcc->create;
	action->message = message_from_bytes(data, len, &st);
	bool had_local = run->has_local;
	if (action->message == NULL)
		plan_action_free(action);
	else
		(void) deliver_store_now(run, action, &st);
	run->has_local = had_local; /* the copy is not the message */
	if (st.id != STATUS_OK)
		deliver_note(run, "no copy of what was sent in '%s': %s", fcc->mailbox, st.detail != NULL ? st.detail : status_text(&st));
}
