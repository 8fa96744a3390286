/*
 * account: who the recipient is on this machine, and where his things lie.
 *
 * The address comes from outside. It becomes part of a path only after every component was checked: not empty, not
 * "." or "..", no slash, no NUL, no leading dash or dot.
 */
#ifndef TODOKE_ACCOUNT_H
#define TODOKE_ACCOUNT_H

#include "agent/base/status.h"
#include "conf/conf.h"

#include <sys/types.h>

typedef struct {
	char *user;          /* login name, or the address of a virtual user, without detail */
	char *address;       /* the recipient's address without detail */
	char *detail;        /* what follows the delimiter; NULL: none */
	char *home;          /* NULL: none is known */
	char *maildir;       /* path of the INBOX */
	uid_t uid;           /* (uid_t) -1: whoever we are */
	gid_t gid;
	GPtrArray *addresses;/* char *: own addresses, the best one first */
} Account;

/*
 * Find the account of `recipient`. Faults: STATUS_UNKNOWN_USER (there is no such user), STATUS_BAD_ADDRESS (the address
 * cannot name a path), STATUS_LOOKUP (could not find out), STATUS_CONFIG.
 */
Account *account_find(const Conf *conf, const char *recipient, Status *st);
void account_free(Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Account, account_free)

/*
 * Become the account's user for good: groups, gid, uid, checked afterwards. Nothing to do where we are that user or not
 * root. Root that has no user to become is STATUS_CONFIG.
 */
bool account_become(const Account *account, Status *st);

/* Replace %u %n %d %h %% and a leading ~ in a path template. Faults as account_find. Caller frees. */
char *account_expand(const Account *account, const char *path_template, Status *st);

#endif
