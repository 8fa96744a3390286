/* SPDX-License-Identifier: MIT */
/* reply-guard: one question after the other; the first reason counts. */
#include "agent/send/reply-guard.h"

#include "agent/message/address-list.h"

#include <string.h>

/* The first word of a value, without comments: "auto-replied (vacation)", "no; x=y". */
static char *
first_word(const HeaderField *field)
{
	g_autofree char *value = header_field_value(field);
	const char *c = value;

	while (g_ascii_isspace(*c) || *c == '(')
		c = *c == '(' ? address_skip_comment(c) : c + 1;
	size_t len = strcspn(c, " \t;(");
	return g_ascii_strdown(c, (gssize) len);
}

static char *
why_auto_submitted(const Headers *headers)
{
	const HeaderField *field;
	for (size_t pos = 0; (field = headers_next(headers, "Auto-Submitted", &pos)) != NULL;) {
		g_autofree char *word = first_word(field);
		if (strcmp(word, "no") != 0)
			return g_strdup_printf("a machine sent it (Auto-Submitted: %s)", word);
	}

	return NULL;
}

bool
reply_guard_is_auto_submitted(const Headers *headers)
{
	g_autofree char *why = why_auto_submitted(headers);
	return why != NULL;
}

static char *
why_precedence(const Headers *headers)
{
	const HeaderField *field;
	for (size_t pos = 0; (field = headers_next(headers, "Precedence", &pos)) != NULL;) {
		g_autofree char *word = first_word(field);
		if (strcmp(word, "bulk") == 0 || strcmp(word, "list") == 0 ||
		    strcmp(word, "junk") == 0)
			return g_strdup_printf("it was sent to many (Precedence: %s)", word);
	}

	return NULL;
}

/* Fields that only machines write. */
static char *
why_field(const Headers *headers)
{
	static const char *const names[] = {
		"List-Id",     "List-Help",    "List-Subscribe", "List-Unsubscribe", "List-Post",
		"List-Owner",  "List-Archive", "Mailing-List",   "X-Mailing-List",   "X-Loop",
		"Feedback-ID", "X-Autoreply",  "X-Autorespond",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t pos = 0;
		if (headers_next(headers, names[i], &pos) != NULL)
			return g_strdup_printf("a list or a machine sent it (%s)", names[i]);
	}

	return NULL;
}

/* Exchange's way to say that no answer is wanted; its other words are about receipts. */
static char *
why_suppressed(const Headers *headers)
{
	const HeaderField *field;
	for (size_t pos = 0;
	     (field = headers_next(headers, "X-Auto-Response-Suppress", &pos)) != NULL;) {
		g_autofree char *value = header_field_value(field),
				*folded = g_ascii_strdown(value, -1);
		if (strstr(folded, "all") != NULL || strstr(folded, "oof") != NULL ||
		    strstr(folded, "autoreply") != NULL)
			return g_strdup(
				"its sender wants no automatic reply (X-Auto-Response-Suppress)");
	}

	return NULL;
}

char *
reply_guard_machine(const Headers *headers)
{
	char *why = why_auto_submitted(headers);

	if (why == NULL)
		why = why_precedence(headers);
	if (why == NULL)
		why = why_suppressed(headers);
	if (why == NULL)
		why = why_field(headers);

	return why;
}

/*
 * Is it the address of a program? By the local part; what stands behind a delimiter or VERP's signs
 * does not hide it.
 */
static bool
is_robot(const char *sender)
{
	static const char *const begin[] = { "owner-",  "bounce-",  "bounces-",
		                             "bounce+", "bounces+", "mailer-daemon" };
	static const char *const end[] = { "-request", "-owner", "-bounces",
		                           "-bounce",  "-relay", "-return" };
	static const char *const whole[] = {
		"mailer-daemon", "listserv", "majordomo",          "noreply",
		"no-reply",      "no_reply", "donotreply",         "do-not-reply",
		"do_not_reply",  "nobody",   "postmaster-noreply", "bounce",
		"bounces",       "mdaemon",  "autoreply",          "auto-reply",
	};
	g_autofree char *local = NULL, *domain = NULL, *folded = NULL;

	address_split(sender, &local, &domain);
	folded = g_ascii_strdown(local, -1);
	for (size_t i = 0; i < G_N_ELEMENTS(begin); i++)
		if (g_str_has_prefix(folded, begin[i]))
			return true;
	folded[strcspn(folded, "+=")] = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(end); i++)
		if (g_str_has_suffix(folded, end[i]))
			return true;
	for (size_t i = 0; i < G_N_ELEMENTS(whole); i++)
		if (strcmp(folded, whole[i]) == 0)
			return true;

	return false;
}

static bool
is_own(const ReplyQuestion *question, const char *address)
{
	for (size_t list = 0; list < G_N_ELEMENTS(question->own); list++)
		for (guint i = 0; question->own[list] != NULL && i < question->own[list]->len; i++)
			if (address_equal(question->own[list]->pdata[i], address, &question->rules))
				return true;

	const Envelope *envelope = question->envelope;
	if (question->original_is_own && envelope->original != NULL &&
	    address_equal(envelope->original, address, &question->rules))
		return true;

	return envelope->recipient != NULL &&
	       address_equal(envelope->recipient, address, &question->rules);
}

static bool
field_names_owner(const ReplyQuestion *question, const HeaderField *field)
{
	g_auto(AddressList) list = { 0 };

	address_list_parse(field->bytes + field->value_at, field->len - field->value_at,
	                   ADDRESS_NAMES_RAW, &list);
	for (size_t i = 0; i < list.count; i++)
		if (!list.items[i].is_group && is_own(question, list.items[i].address))
			return true;
	return false;
}

/* RFC 5230 4.5: only who was addressed answers. */
static bool
is_addressed(const ReplyQuestion *question)
{
	static const char *const names[] = { "To",        "Cc",        "Bcc",
		                             "Resent-To", "Resent-Cc", "Resent-Bcc" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const HeaderField *field;
		for (size_t pos = 0;
		     (field = headers_next(question->headers, names[i], &pos)) != NULL;)
			if (field_names_owner(question, field))
				return true;
	}

	return false;
}

char *
reply_guard_why_not(const ReplyQuestion *question)
{
	const char *sender = question->envelope->sender;
	if (sender == NULL)
		return g_strdup("its sender is not known");
	if (envelope_is_bounce(question->envelope))
		return g_strdup("the null sender sent it");

	char *why = reply_guard_machine(question->headers);
	if (why != NULL)
		return why;
	if (is_own(question, sender))
		return g_strdup("the owner sent it");
	if (is_robot(sender))
		return g_strdup_printf("<%s> is the address of a program", sender);
	if (!question->any_recipient && !is_addressed(question))
		return g_strdup("it is not addressed to the owner (by an alias of theirs? then "
		                ":addresses must name it)");

	return NULL;
}
