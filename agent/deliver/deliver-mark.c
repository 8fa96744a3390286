/* SPDX-License-Identifier: MIT */
/*
 * deliver-mark: marks that are true of each copy, and what the owner's state learns of them.
 *
 * The header that is delivered comes with a mark that says passed on: that is what rules and
 * programs see. Where a copy is written to a mailbox it says stored, and where one leaves that was
 * kept here it says so.
 */
#include "agent/deliver/deliver.h"

#include "agent/base/problem.h"
#include "agent/state/mark-history.h"

#include <string.h>

AddressRules
deliver_mark_rules(const Conf *conf)
{
	return (AddressRules){ .delimiters = conf->loop_ignores_detail ? conf->delimiters : "",
		               .fold_local = conf->fold_local };
}

bool
deliver_is_own_mark(const DeliverRun *run, const HeaderField *field)
{
	const DeliverOwner *owner = run->job->owner;
	if (!header_field_is(field, MARK_FIELD))
		return false;
	if (field->line == 0)
		return true;

	/* A program that filtered the mail wrote it again. */
	g_autofree char *value = header_field_value(field);
	return owner->mark != NULL && strcmp(value, owner->mark) == 0;
}

/* The value of a mark; NULL: there can be none. Caller frees. */
static char *
make_mark(DeliverRun *run, Message *message, const Headers *headers, MarkKind kind)
{
	const DeliverJob *job = run->job;
	const DeliverOwner *owner = job->owner;
	g_auto(Status) unreadable = STATUS_INIT;
	const BodyPrint *print = message_print(message, &unreadable);

	if (print == NULL) {
		deliver_note(run, "a copy has no mark: %s", unreadable.detail);
		return NULL;
	}

	AddressRules rules = deliver_mark_rules(job->conf);
	g_autofree char *subject = mark_subject(job->envelope->recipient, &rules, headers);
	const Mark mark = { .kind = kind, .time = owner->now };

	return mark_make(owner->keys, &mark, subject, print);
}

Headers *
deliver_mark_headers(DeliverRun *run, Message *message, Headers *headers, MarkKind kind)
{
	const DeliverOwner *owner = run->job->owner;
	g_autofree char *value = owner != NULL && mark_keys_sign(owner->keys)
	                                 ? make_mark(run, message, headers, kind)
	                                 : NULL;
	if (value == NULL)
		return headers_ref(headers);

	Headers *marked = headers_new(headers, headers_newline(headers));
	size_t at = headers_top(headers), count = headers_count(headers);
	for (size_t i = 0; i < count; i++) {
		if (deliver_is_own_mark(run, headers_get(headers, i))) {
			at = i;
			break;
		}
	}

	for (size_t i = 0; i <= count; i++) {
		if (i == at)
			headers_append_text(marked, MARK_FIELD, value);
		if (i < count && !deliver_is_own_mark(run, headers_get(headers, i)))
			headers_append(marked, headers_get(headers, i));
	}

	return marked;
}

static bool
is_plain(const DeliverRun *run, const Message *message, const Headers *headers)
{
	return message == run->job->message && headers == run->job->headers;
}

/*
 * What the lines of a copy begin with. False: it has no mark. `*ret_subject` is what the tag
 * borrows; the caller frees it.
 */
static bool
make_tag(DeliverRun *run, Message *message, const Headers *headers, MarkTag *ret_tag,
         char **ret_subject)
{
	const DeliverJob *job = run->job;
	const DeliverOwner *owner = job->owner;
	g_auto(Status) unreadable = STATUS_INIT;
	const BodyPrint *print = message_print(message, &unreadable);

	if (print == NULL)
		return false;
	AddressRules rules = deliver_mark_rules(job->conf);
	*ret_subject = is_plain(run, message, headers) && owner->mark_subject != NULL
	                       ? g_strdup(owner->mark_subject)
	                       : mark_subject(job->envelope->recipient, &rules, headers);
	*ret_tag = (MarkTag){ owner->now, *ret_subject, print, NULL, owner->arrival };

	return true;
}

void
deliver_remember_kept(DeliverRun *run, Message *message, Headers *headers, const char *path,
                      guint64 bytes, GString *lines)
{
	g_autofree char *subject = NULL;
	MarkTag tag;
	if (make_tag(run, message, headers, &tag, &subject))
		mark_history_kept(lines, &tag, path, bytes);
}

void
deliver_remember_mbox(DeliverRun *run, Message *message, Headers *headers, const char *path,
                      GString *lines)
{
	g_autofree char *subject = NULL, *value = make_mark(run, message, headers, MARK_STORED);
	const char *sign = value != NULL ? strstr(value, "h=") : NULL;
	MarkTag tag;
	if (sign != NULL && make_tag(run, message, headers, &tag, &subject))
		mark_history_kept_in_mbox(lines, &tag, path, sign + 2);
}

void
deliver_remember_passed(DeliverRun *run, Message *message, Headers *headers, GString *lines)
{
	const PlanAction *rule = run->disposes;
	g_autofree char *subject = NULL;
	g_auto(Status) unreadable = STATUS_INIT;
	BodyPrint whole;
	MarkTag tag;

	if (!make_tag(run, message, headers, &tag, &subject))
		return;
	if (run->has_local) {
		mark_history_copied(lines, &tag);
	} else if (rule != NULL && message_whole_print(message, &whole, &unreadable)) {
		tag.whole = &whole;
		g_autofree char *place = problem_place_print(
			rule->at.file != NULL ? rule->at.file : "todoke", rule->at.line);
		mark_history_disposed(lines, &tag, place);
	} else {
		mark_history_passed(lines, &tag);
	}
}

static void
append_lines(DeliverRun *run, const GString *lines)
{
	const DeliverOwner *owner = run->job->owner;
	g_auto(Status) fault = STATUS_INIT;
	const char *host = state_once_is_shared(owner->state) ? owner->host : NULL;
	if (!mark_history_append(state_once_folder(owner->state), host, lines, owner->now,
	                         run->job->conf->mark_lifetime, &fault))
		deliver_note(run, "what became of this mail is not remembered: %s", fault.detail);
}

static bool
remembers(const DeliverRun *run)
{
	const DeliverOwner *owner = run->job->owner;
	return owner != NULL && owner->state != NULL && !run->job->rehearsal;
}

void
deliver_remember(DeliverRun *run, guint first)
{
	if (!remembers(run) || !mark_keys_sign(run->job->owner->keys))
		return;
	g_autoptr(GString) lines = g_string_sized_new(256);
	for (guint i = first; i < run->steps->len; i++)
		deliver_remember_step(run, i, lines);
	append_lines(run, lines);
}

void
deliver_remember_return(DeliverRun *run)
{
	const DeliverJob *job = run->job;
	g_autofree char *subject = NULL;
	MarkTag tag;

	if (!remembers(run) || !job->owner->returned ||
	    !make_tag(run, job->message, message_headers(job->message), &tag, &subject))
		return;
	g_autoptr(GString) line = g_string_new(NULL);
	mark_history_returned(line, &tag);
	append_lines(run, line);
}
