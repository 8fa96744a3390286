/* SPDX-License-Identifier: MIT */
/*
 * fcc: RFC 8580, complete: :fcc on vacation and notify, and beside it what says how a copy is
 * stored: :create, :flags, :specialuse, each with the extension that it comes from (3.1). The agent
 * files the copy when the message has gone out.
 */
#include "filters/sieve/ext/sieve-ext-table.h"

#include "agent/plan/plan-notice.h"
#include "agent/plan/plan-reply.h"
#include "filters/sieve/run/sieve-mailboxid.h"
#include "filters/sieve/run/sieve-special-use.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

static bool
is_mailbox(SieveText name)
{
	return name.len > 0 && memchr(name.data, '\0', name.len) == NULL &&
	       sieve_text_is_utf8(name);
}

static bool
check_fcc(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	const SieveString *name = &tag->value->strings[0];
	if (name->template != NULL || is_mailbox(name->text))
		return true;

	return sieve_check_error(check, name->span, "bad-mailbox", NULL,
	                         "this can be no name of a mailbox");
}

/* An option without :fcc, or without its extension, means nothing. */
static bool
check_option(SieveCheck *check, SieveCall *call, const SieveTag *tag, const SieveExt *ext)
{
	if (sieve_call_tag(call, "fcc") == NULL)
		return sieve_check_error(check, tag->tag->span, "missing-tag",
		                         "add :fcc and a mailbox", "':%s' needs ':fcc' here",
		                         tag->def->name);

	if (sieve_check_has(check, ext))
		return true;
	g_autofree char *hint = g_strdup_printf("add \"%s\" to require", ext->capability);
	return sieve_check_error(check, tag->tag->span, "missing-require", hint,
	                         "':%s' needs \"%s\"", tag->def->name, ext->capability);
}

static bool
check_create(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	return check_option(check, call, tag, &sieve_ext_mailbox);
}

static bool
check_flags(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	return check_option(check, call, tag, &sieve_ext_imap4flags);
}

static bool
check_special_use(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	return check_option(check, call, tag, &sieve_ext_special_use) &&
	       sieve_special_use_check(check, tag->value);
}

/* Each string may hold several flags (RFC 5232 2). */
static GPtrArray *
split_flags(SieveRun *run, const SieveArg *arg)
{
	g_autoptr(GPtrArray) strings = sieve_run_strings(run, arg);
	GPtrArray *flags = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < strings->len; i++) {
		g_auto(GStrv) words = g_strsplit_set(strings->pdata[i], " \t\r\n", -1);
		for (size_t w = 0; words[w] != NULL; w++)
			if (words[w][0] != '\0' &&
			    !g_ptr_array_find_with_equal_func(flags, words[w], g_str_equal, NULL))
				g_ptr_array_add(flags, g_strdup(words[w]));
	}

	return flags;
}

/* Complete the message that the action sends. */
static bool
set_fcc(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	SieveText name = sieve_run_text(run, &tag->value->strings[0]);
	const SieveTag *flags = sieve_call_tag(call, "flags"),
		       *use = sieve_call_tag(call, "specialuse");
	const SieveTag *id = sieve_call_tag(call, "mailboxid");

	if (!is_mailbox(name))
		return sieve_run_fail(run, call, STATUS_SCRIPT, "':fcc' names no mailbox");
	PlanFcc *fcc = g_new0(PlanFcc, 1);
	fcc->mailbox = g_strndup(name.data, name.len);
	fcc->create = sieve_call_tag(call, "create") != NULL;
	fcc->flags = flags != NULL ? split_flags(run, flags->value) : NULL;
	if (use != NULL)
		sieve_special_use_choose(run, call, use, &fcc->special_use, &fcc->mailbox);
	PlanReply *reply = plan_reply_of(action);
	if (reply != NULL)
		reply->fcc = fcc;
	else
		plan_notice_of(action)->fcc = fcc;

	bool is_found = false;
	if (id != NULL && !sieve_mailboxid_choose(run, call, id, &fcc->mailbox, &is_found))
		return false;
	if (is_found) /* RFC 9042 5: it wins */
		g_clear_pointer(&fcc->special_use, g_free);

	return true;
}

static const SieveTagDef tags[] = {
	{ .name = "fcc",
	  .value = SIEVE_STRING,
	  .on = "vacation notify",
	  .check = check_fcc,
	  .action = set_fcc },
	{ .name = "create", .on = "vacation notify", .check = check_create },
	{ .name = "flags", .value = SIEVE_STRINGS, .on = "vacation notify", .check = check_flags },
	{ .name = "specialuse",
	  .value = SIEVE_STRING,
	  .on = "vacation notify",
	  .check = check_special_use },
	{ .name = NULL }
};

const SieveExt sieve_ext_fcc = { .capability = "fcc", .rfc = "RFC 8580", .tags = tags };
