/* SPDX-License-Identifier: MIT */
/* account-admit: see the header. */
#include "agent/run/account-admit.h"

#include "agent/base/fold.h"
#include "conf/conf-choices.h"

#include <string.h>

/* Does the pattern, an address or a domain with wildcards, fit the sender? Both are folded. */
static bool
fits(const char *pattern, const char *sender)
{
	const char *at = strrchr(sender, '@');

	if (*sender == '\0')
		return strcmp(pattern, "<>") == 0;
	if (*pattern == '@')
		pattern++;
	if (strchr(pattern, '@') != NULL || at == NULL)
		return g_pattern_match_simple(pattern, sender);
	return g_pattern_match_simple(pattern, at + 1);
}

static bool
has_sender(char *const *patterns, const char *sender)
{
	for (; *patterns != NULL; patterns++) {
		g_autofree char *folded = fold_text(*patterns);
		if (fits(folded, sender))
			return true;
	}
	return false;
}

static bool
is_blocked(const Conf *conf, const char *sender)
{
	if (*conf->sender_block == NULL)
		return false;

	g_autofree char *folded = fold_text(sender);
	return has_sender(conf->sender_block, folded) && !has_sender(conf->sender_allow, folded);
}

bool
account_admit(const Conf *conf, const char *sender, guint64 size, Status *st)
{
	if (conf->mailbox_state == CONF_MAILBOX_STATE_HELD)
		return status_fail(st, STATUS_HELD, NULL);
	if (conf->mailbox_state == CONF_MAILBOX_STATE_DISABLED)
		return status_fail(st, STATUS_DISABLED, NULL);
	if (is_blocked(conf, sender != NULL ? sender : ""))
		return status_fail(st, STATUS_RULE_REFUSED,
		                   "this mailbox takes no mail from that sender");

	if (conf->message_size_limit == 0 || size <= (guint64) conf->message_size_limit)
		return true;
	return status_fail(st, STATUS_TOO_BIG,
	                   "message of %" G_GUINT64_FORMAT " bytes is bigger than %" G_GINT64_FORMAT
	                   " bytes, the limit of this mailbox",
	                   size, conf->message_size_limit);
}
