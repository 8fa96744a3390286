/* SPDX-License-Identifier: MIT */
/* deliver-outgoing: see the header. */
#include "agent/deliver/deliver-outgoing.h"

#include "agent/base/limits.h"

#include <string.h>

const char *
deliver_speaker(const DeliverRun *run)
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
deliver_address_of(const DeliverRun *run, DeliverWho who)
{
	const Envelope *envelope = run->job->envelope;
	const char *set = run->job->conf->postmaster_address;
	if (who == DELIVER_WHO_SENDER)
		return g_strdup(envelope->sender);
	if (who == DELIVER_WHO_POSTMASTER && set != NULL && *set != '\0')
		return compose_first_address(set);
	if (who == DELIVER_WHO_POSTMASTER)
		return g_strconcat("postmaster@", postmaster_domain(run), NULL);
	if (who == DELIVER_WHO_ORIGINAL_RECIPIENT && envelope->original != NULL &&
	    address_text_is_sendable(envelope->original))
		return g_strdup(envelope->original);
	if (who != DELIVER_WHO_OWNER && envelope->recipient != NULL &&
	    address_text_is_sendable(envelope->recipient))
		return g_strdup(envelope->recipient);

	return g_strdup(deliver_speaker(run));
}

AddressRules
deliver_address_rules(const DeliverRun *run)
{
	const Conf *conf = run->job->conf;
	return (AddressRules){ .delimiters = conf->delimiters != NULL ? conf->delimiters : "",
		               .fold_local = conf->fold_local };
}

bool
deliver_is_own(const DeliverRun *run, const char *address)
{
	AddressRules rules = deliver_address_rules(run);
	const GPtrArray *addresses = run->job->owner->addresses;

	for (guint i = 0; addresses != NULL && i < addresses->len; i++)
		if (address_equal(addresses->pdata[i], address, &rules))
			return true;
	return run->job->envelope->recipient != NULL &&
	       address_equal(run->job->envelope->recipient, address, &rules);
}

char *
deliver_message_id(const DeliverRun *run, const char *key)
{
	const DeliverJob *job = run->job;
	AddressRules rules = { .delimiters = "", .fold_local = true };
	g_autofree char *subject = mark_subject(job->envelope->recipient, &rules,
	                                        message_headers(job->message));
	const char *queue_id = job->envelope->queue_id != NULL ? job->envelope->queue_id : "";
	g_autofree char *hash = state_key("message-id", subject, queue_id, key, NULL);

	return g_strdup_printf("<todoke.%.32s@%s>", hash, job->owner->host);
}

Headers *
deliver_headers(const DeliverRun *run, const PlanAction *action)
{
	if (action->headers != NULL)
		return action->headers;
	return action->message != NULL ? message_headers(action->message) : run->job->headers;
}

/*
 * The route by the settings; the time is what one message may take, or what is left of the
 * delivery's.
 */
static bool
find_route(const DeliverRun *run, Route *ret_route, Status *st)
{
	gint64 left = (run->ends - g_get_monotonic_time()) / G_USEC_PER_SEC;
	if (left < 1)
		return status_fail_detail(st, STATUS_SUBMIT, "no time is left for outgoing mail");

	const Conf *conf = run->job->conf;
	*ret_route = (Route){
		.submit = conf->submit,
		.helo = run->job->owner->host,
		.seconds = (unsigned) MIN(left, conf->submit_timeout),
		.end_seconds = (unsigned) MIN(left, LIMIT_SUBMIT_END_SECONDS),
	};
	return true;
}

static bool
hand_over(const DeliverRun *run, const RouteMail *mail, Status *st)
{
	Route route;
	const DeliverOwner *owner = run->job->owner;
	if (owner->capture != NULL)
		return owner->capture(owner->capture_user, run->sending, mail, st);
	g_clear_pointer(&run->report->reply, g_free);
	return find_route(run, &route, st) && route_send(mail, &route, &run->report->reply, st);
}

bool
deliver_send_composed(DeliverRun *run, GBytes *message, const char *sender, const char *recipient,
                      Status *st)
{
	size_t len;
	const void *data = g_bytes_get_data(message, &len);
	RouteMail mail = { .sender = sender,
		           .recipient = recipient,
		           .notify = "NEVER",
		           .head = data,
		           .head_len = len,
		           .body_fd = -1 };

	return hand_over(run, &mail, st);
}

bool
deliver_send_message(DeliverRun *run, Message *message, const Headers *headers, RouteMail *mail,
                     guint64 *ret_bytes, Status *st)
{
	MessageBody body;

	if (!message_body(message, &body))
		return status_fail_detail(st, STATUS_INTERNAL,
		                          "the body of a message that leaves is not stored");
	g_autoptr(GString) head = compose_print_headers(message, headers);
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
deliver_keep_copy(DeliverRun *run, const PlanFcc *fcc, GBytes *message)
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
		deliver_note(run, "no copy of what was sent in '%s': %s", fcc->mailbox,
		             status_why(&st));
}
