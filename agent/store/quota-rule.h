/* SPDX-License-Identifier: MIT */
/*
 * quota-rule: what the setting quota_rules says of single folders.
 *
 * "Trash:ignore": what lies there does not count. "Archive:+10%", "Archive:+50M": mail that is
 * stored there may fill the mailbox so much further. A rule holds for the folder that it names;
 * "Trash/" and a star for those below it.
 */
#ifndef TODOKE_QUOTA_RULE_H
#define TODOKE_QUOTA_RULE_H

#include "agent/store/maildir.h"
#include "agent/store/maildirsize.h"
#include "conf/conf.h"

typedef struct {
	char *folder; /* its name, without a star */
	bool is_below;
	bool ignores;
	unsigned percent; /* more room; of octets and messages */
	gint64 bytes;     /* more room */
} QuotaRule;

/*
 * Read one item of quota_rules. False: *ret_why (static) completes "the rule ...". Clear with
 * quota_rule_clear.
 */
bool quota_rule_parse(const char *item, QuotaRule *ret, const char **ret_why);
void quota_rule_clear(QuotaRule *rule);

/* The rules of a mailbox. Items that are wrong are left out: `todoke check` names them. */
typedef struct QuotaRules QuotaRules;

/* Caller frees. */
QuotaRules *quota_rules_new(const Conf *conf, const Maildir *inbox);
void quota_rules_free(QuotaRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QuotaRules, quota_rules_free)

/* Is the folder at `path` (below the INBOX; "": the INBOX) left out of the count? */
bool quota_rules_ignore(const QuotaRules *rules, const char *path);

/* The limit for mail that goes there; NULL: the highest of all folders. */
MaildirsizeAmount
quota_rules_limit(const QuotaRules *rules, const char *path, const MaildirsizeAmount *limit);

#endif
