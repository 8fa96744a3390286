/* SPDX-License-Identifier: MIT */
/*
 * quota-count: how much lies in a mailbox, by its files; and which of them count.
 */
#ifndef TODOKE_QUOTA_COUNT_H
#define TODOKE_QUOTA_COUNT_H

#include "agent/store/quota-rule.h"

/* Which folders count. */
typedef struct {
	unsigned layout;     /* CONF_FOLDER_LAYOUT_* */
	char *trash;         /* path of the folder below the INBOX; NULL: it counts */
	QuotaRules *folders; /* of quota_rules */
} QuotaCountRules;

void quota_count_rules_init(QuotaCountRules *rules, const Conf *conf, const Maildir *inbox);
void quota_count_rules_clear(QuotaCountRules *rules);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QuotaCountRules, quota_count_rules_clear)

/*
 * Does a file with these info letters in the folder at `path` (below the INBOX) count? Trash does
 * not, by default.
 */
bool quota_count_has(const QuotaCountRules *rules, const char *path, const char *letters);

/* The octets that a file's name says (",S="). False: it does not say. */
bool quota_count_said(const char *name, gint64 *ret_bytes);

/* The info letters of a file's name; "": none. Borrowed. */
const char *quota_count_letters(const char *name);

typedef struct {
	MaildirsizeAmount sum;
	guint64 stamp; /* of all times of new and cur: it changes where mail comes or goes */
	char *unread;  /* "cannot list '.Work/cur': ...": there is at least `sum`; NULL: no more */
} QuotaCount;

void quota_count_clear(QuotaCount *count);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QuotaCount, quota_count_clear)

/* Count all folders of `inbox`; without `counts` there is only the stamp. Caller clears. */
QuotaCount quota_count(int inbox, const QuotaCountRules *rules, bool counts);

#endif
