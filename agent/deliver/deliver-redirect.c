/* SPDX-License-Identifier: MIT */
/*
 * deliver-redirect (RFC 5228 4.2, 3894, 6009): the message goes on to another address, byte for
 * byte, with our mark on top.
 *
 * The mark says that this recipient has redirected it: whoever sends it back proves a loop. What
 * must not leave is stored here instead: to oneself, too many hops, over the daily limit.
 */
#include "agent/deliver/deliver-outgoing.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/send/srs.h"
#include "conf/conf-choices.h"

#include <string.h>

typedef struct {
	const PlanAction *action; /* borrowed */
	Message *message;         /* borrowed */
	Headers *headers;         /* what is sent; NULL: not yet */
	char *sender;
	char *key;
	guint64 bytes;
} Redirect;

static void
redirect_free(void *step)
{
	Redirect *redirect = step;
	headers_unref(redirect->headers);
	g_free(redirect->sender);
	g_free(redirect->key);
	g_free(redirect);
}

static unsigned
count_hops(const Headers *headers)
{
	unsigned hops = 0;
	for (size_t pos = 0; headers_next(headers, "Received", &pos) != NULL;)
		hops++;
	return hops;
}

/* Is this a line of a delivery report (RFC 3464 2.3) about mail to the address? */
static bool
is_report_of(const char *line, const char *address)
{
	bool names = g_ascii_strncasecmp(line, "Final-Recipient:", strlen("Final-Recipient:")) ==
	                     0 ||
	             g_ascii_strncasecmp(line,
	                                 "Original-Recipient:", strlen("Original-Recipient:")) == 0;
	const char *semicolon = names ? strchr(line, ';') : NULL;
	if (semicolon == NULL)
		return false;
	g_autofree char *found = g_strstrip(g_strdup(semicolon + 1));
	return g_ascii_strcasecmp(found, address) == 0;
}

/*
 * A bounce that says that this address refused mail: what it refused once it need not get again as
 * a report of that.
 */
static bool
is_bounce_from(const DeliverRun *run, const char *address)
{
	MessageBody body;
	if (!envelope_is_bounce(run->job->envelope) || !message_body(run->job->message, &body))
		return false;

	size_t len = (size_t) MIN(body.size, LIMIT_REPORT_LOOK_BYTES);
	g_autofree char *text = g_malloc0(len + 1);
	g_auto(Status) unread = STATUS_INIT;
	if (!fs_read_exactly_at(body.fd, body.offset, text, len, "message body", &unread))
		return false;

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		if (is_report_of(*line, address))
			return true;
	return false;
}

/* Why it must not go there; NULL: it may. Caller frees. */
static char *
why_not(DeliverRun *run, const PlanAction *action, const char *key)
{
	const Conf *conf = run->job->conf;
	if (!address_text_is_sendable(action->address))
		return g_strdup("that is not an address");
	if (deliver_is_own(run, action->address))
		return g_strdup("that is the owner");
	if (is_bounce_from(run, action->address))
		return g_strdup("the mail is a bounce from there");

	unsigned hops = count_hops(message_headers(run->job->message));
	if (hops > conf->redirect_hops)
		return g_strdup_printf("it has passed %u hosts, more than %" G_GINT64_FORMAT, hops,
		                       conf->redirect_hops);

	return deliver_why_not_send(run, DELIVER_REDIRECTS, key);
}

static const struct {
	const char *name, *renamed;
} stamps[] = { { "Delivered-To", "Old-Delivered-To" }, { "X-Original-To", "Old-X-Original-To" } };

/*
 * A field of what leaves. A stamp of ours is true only of a copy that is stored here; those of
 * earlier hops show addresses that the site may want to keep (redirect_stamps). Without our mark
 * they are all that a loop is known by.
 */
static void
append_field(Headers *headers, const HeaderField *field, const Conf *conf, bool marked)
{
	if (header_field_is(field, "Return-Path"))
		return; /* only a final delivery has one (RFC 5321 4.4) */

	const char *renamed = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(stamps); i++)
		if (header_field_is(field, stamps[i].name))
			renamed = stamps[i].renamed;
	bool is_ours = field->line == 0;
	unsigned wish = is_ours ? CONF_REDIRECT_STAMPS_STRIP : conf->redirect_stamps;

	if (renamed == NULL || !marked || wish == CONF_REDIRECT_STAMPS_KEEP)
		headers_append(headers, field);
	else if (wish == CONF_REDIRECT_STAMPS_RENAME)
		headers_append_renamed(headers, field, renamed);
}

/*
 * What leaves: without the stamps of a copy that is stored, with a mark that says whether one is.
 */
static Headers *
make_headers(DeliverRun *run, Message *message, Headers *from)
{
	bool marked = mark_keys_sign(run->job->owner->keys);
	g_autoptr(Headers) headers = headers_new(from, headers_newline(from));

	for (size_t i = 0; i < headers_count(from); i++)
		append_field(headers, headers_get(from, i), run->job->conf, marked);
	return deliver_mark_headers(run, message, headers,
	                            run->has_local ? MARK_COPIED : MARK_PASSED);
}

/* `wanted` is taken over. */
static char *
or_original(char *wanted, const char *original)
{
	return wanted != NULL ? wanted : g_strdup(original);
}

/*
 * The null sender stays: a bounce of a bounce would be ours. Who asks for notices by :notify or
 * :ret gets them (RFC 6009 6.1).
 */
static char *
choose_sender(DeliverRun *run, const PlanAction *action)
{
	const Conf *conf = run->job->conf;
	const DeliverOwner *owner = run->job->owner;
	const char *original = envelope_is_bounce(run->job->envelope) ? ""
	                                                              : run->job->envelope->sender;
	const char *speaker = deliver_speaker(run);

	if (original == NULL || *original == '\0')
		return g_strdup("");
	bool asks = action->dsn.notify != NULL || action->dsn.ret != NULL;
	if ((asks || conf->redirect_sender == CONF_REDIRECT_SENDER_OWNER) && speaker != NULL)
		return g_strdup(speaker);
	if (conf->redirect_sender == CONF_REDIRECT_SENDER_RECIPIENT)
		return or_original(deliver_address_of(run, DELIVER_WHO_RECIPIENT), original);

	if (conf->redirect_sender == CONF_REDIRECT_SENDER_ORIGINAL_RECIPIENT)
		return or_original(deliver_address_of(run, DELIVER_WHO_ORIGINAL_RECIPIENT),
		                   original);
	if (conf->redirect_sender == CONF_REDIRECT_SENDER_POSTMASTER)
		return or_original(deliver_address_of(run, DELIVER_WHO_POSTMASTER), original);
	if (conf->redirect_sender != CONF_REDIRECT_SENDER_SRS)
		return g_strdup(original);

	const char *at = speaker != NULL ? strrchr(speaker, '@') : NULL;
	const char *domain = conf->srs_domain != NULL && *conf->srs_domain != '\0'
	                             ? conf->srs_domain
	                     : at != NULL ? at + 1
	                                  : NULL;
	if (domain != NULL && !address_is_domain(domain))
		domain = NULL;
	char *rewritten = srs_forward(owner->site_keys, original, domain, owner->now);
	if (rewritten == NULL)
		deliver_note(run, "sender of redirected mail not rewritten: %s",
		             owner->site_keys == NULL ? "no key (todoke key --new)"
		             : domain == NULL         ? "no domain (set srs_domain)"
		                                      : "it has no domain, or gets too long");

	return rewritten != NULL ? rewritten : g_strdup(original);
}

/* What must not leave stays here. */
static bool
hold_back(DeliverRun *run, const PlanAction *action, const char *why, Status *st)
{
	g_autofree char *lead = g_strdup_printf("not redirected to <%s> but stored",
	                                        action->address);

	deliver_hold(run, action, lead, why);
	if (run->job->inbox == NULL && !run->job->rules_alone)
		return status_fail_detail(st, STATUS_SUBMIT_REFUSED, "<%s>: cannot be sent on: %s",
		                          action->address, why);
	PlanAction *keep = plan_action_new(PLAN_KEEP, NULL, 0);
	keep->headers = action->headers != NULL ? headers_ref(action->headers) : NULL;
	keep->message = action->message != NULL ? message_ref(action->message) : NULL;

	return deliver_prepare_more(run, keep, st);
}

static bool
redirect_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	AddressRules rules = { .delimiters = "", .fold_local = false };
	g_autofree char *canonical = address_canonical(action->address, &rules);
	g_autofree char *first = g_strconcat("redirect ", canonical, NULL);
	g_autofree char *key = action->message != NULL ? deliver_own_key(run, first)
	                                               : g_steal_pointer(&first);
	g_autofree char *why = why_not(run, action, key);

	if (why != NULL)
		return hold_back(run, action, why, st);
	Redirect *redirect = g_new0(Redirect, 1);
	*ret_step = redirect;
	redirect->action = action;
	redirect->message = action->message != NULL ? action->message : run->job->message;
	redirect->sender = choose_sender(run, action);
	redirect->key = g_steal_pointer(&key);

	return true;
}

static const char *
redirect_key(const void *step)
{
	return ((const Redirect *) step)->key;
}

static bool
redirect_send(DeliverRun *run, void *step, Status *st)
{
	Redirect *redirect = step;
	const PlanDsn *dsn = &redirect->action->dsn;
	const Envelope *envelope = run->job->envelope;
	RouteMail mail = {
		.sender = redirect->sender,
		.recipient = redirect->action->address,
		.notify = dsn->notify != NULL ? dsn->notify : envelope->notify,
		.orcpt = envelope->orcpt,
		.ret = dsn->ret != NULL ? dsn->ret : envelope->ret,
		.envid = envelope->envid,
	};

	/* now that all copies are stored */
	redirect->headers = make_headers(run, redirect->message,
	                                 deliver_headers(run, redirect->action));
	if (!deliver_send_message(run, redirect->message, redirect->headers, &mail,
	                          &redirect->bytes, st))
		return false;

	deliver_report_sent(run->report, "redirect", redirect->action->address, redirect->bytes);
	return true;
}

static void
redirect_remember(DeliverRun *run, const void *step, GString *lines)
{
	const Redirect *redirect = step;
	deliver_remember_passed(run, redirect->message, deliver_headers(run, redirect->action),
	                        lines);
}

extern const DeliverAction deliver_redirect;
const DeliverAction deliver_redirect = {
	.name = "redirect",
	.rehearses = true,
	.prepare = redirect_prepare,
	.free = redirect_free,
	.key = redirect_key,
	.send = redirect_send,
	.remember = redirect_remember,
	.limit = DELIVER_REDIRECTS,
};
