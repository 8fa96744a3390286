/* SPDX-License-Identifier: MIT */
/*
 * account-answer: what the fields mean that a source returns for a user.
 *
 * Fields are Dovecot's, of 2.3 and of 2.4: user, home, uid, gid, where the mail lies (mail, or
 * mail_driver, mail_path ...), quota (quota_rule, or quota_storage_size ...), scripts (sieve,
 * sieve_before, sieve_after); and settings of todoke that may differ by recipient
 * (conf-scope.def), by their own names. A prefix userdb_ is left out. Other fields are not used.
 */
#ifndef TODOKE_ACCOUNT_ANSWER_H
#define TODOKE_ACCOUNT_ANSWER_H

#include "agent/run/account.h"

typedef struct {
	char *user; /* NULL: as it was asked */
	char *home;
	char *mail; /* template of the INBOX's path; NULL: the setting maildir */
	uid_t uid;
	gid_t gid;
	GPtrArray *settings; /* char *: "name=value", each tried */
	GPtrArray *unused;   /* char *: names of fields that mean nothing here */
} AccountAnswer;

/*
 * Read the fields (char *, "name=value"); `who` names source and user in faults. Caller frees.
 * Fault: STATUS_CONFIG (a value that cannot be, or a mailbox that is no Maildir).
 */
AccountAnswer *account_answer_read(const GPtrArray *fields, const char *who, Status *st);

void account_answer_free(AccountAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AccountAnswer, account_answer_free)

/* Copy the answer into the account. */
void account_answer_use(const AccountAnswer *answer, Account *account);

#endif
