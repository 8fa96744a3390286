/* SPDX-License-Identifier: MIT */
/*
 * deliver-reject: reject and ereject (RFC 5429). We are asked while Postfix, or the LMTP client,
 * still waits: the refusal is our answer, 5.7.1 with the owner's text, and never a mail of our own.
 * And defer, by which recipes say "come again" (4.7.1).
 */
#include "agent/deliver/deliver.h"

#include "agent/base/answer.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"

#include <string.h>

/* One line: line ends become blanks, runs of blanks one; cut between characters. */
static char *
one_line(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
	GString *out = g_string_new(NULL);

	for (const char *c = valid; *c != '\0' && out->len < LIMIT_REJECT_TEXT;
	     c = g_utf8_next_char(c)) {
		gunichar u = g_utf8_get_char(c);
		bool blank = g_unichar_isspace(u) || g_unichar_iscntrl(u);
		if (!blank)
			g_string_append_unichar(out, u);
		else if (out->len > 0 && out->str[out->len - 1] != ' ')
			g_string_append_c(out, ' ');
	}

	return g_strchomp(g_string_free(out, FALSE));
}

/* The message must have come whole all the same: its end may change the rules' mind. */
static bool
reject_prepare(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st)
{
	MessageBody body;
	if (!message_body(run->job->message, &body) && !message_drain(run->job->message, st))
		return false;
	*ret_step = (void *) action;
	return true;
}

static void
reject_free(void *step)
{
	(void) step;
}

static bool
answer(const PlanAction *action, StatusId usual, Status *st)
{
	StatusId id = action->answer != STATUS_OK ? action->answer : usual;
	g_autofree char *text = one_line(action->text);

	(void) status_fail(st, id, "%s", *text != '\0' ? text : status_row(id)->text);
	/* An answer that must be ASCII may have to name the words instead. */
	if (st->detail == NULL && !g_str_is_ascii(status_text(st))) {
		g_autofree char *reference = answer_reference(status_text(st));
		st->detail = g_strconcat("reference ", reference, NULL);
	}

	return false;
}

/* Last of all, when what else the plan asks for is done. */
static bool
reject_send(DeliverRun *run, void *step, Status *st)
{
	const PlanAction *action = step;
	if (envelope_is_bounce(run->job->envelope))
		deliver_note(run, "refused mail of the null sender: nobody will be told");
	return answer(action, STATUS_RULE_REFUSED, st);
}

/* What a rule wishes is its owner's will; a fault of rules ends some day. */
static bool
defer_send(DeliverRun *run, void *step, Status *st)
{
	const PlanAction *action = step;
	bool is_fault = action->answer != STATUS_OK &&
	                outcome_fault_kind(action->answer) == FAULT_PASSING;
	if (is_fault && run->job->is_overdue)
		return deliver_keep_now(run, action->text, st);

	return answer(action, STATUS_RULE_DEFER, st);
}

#define REJECT(action) \
	extern const DeliverAction deliver_##action; \
	const DeliverAction deliver_##action = { \
		.name = #action, \
		.rehearses = true, \
		.prepare = reject_prepare, \
		.free = reject_free, \
		.send = reject_send, \
	}

REJECT(reject);
REJECT(ereject);

extern const DeliverAction deliver_defer;
const DeliverAction deliver_defer = {
	.name = "defer",
	.prepare = reject_prepare,
	.free = reject_free,
	.send = defer_send,
	.comes_again = true,
};
