/*
 * account: who the recipient is on this machine, and where mailbox, home and state lie.
 *
 * The address comes from outside. It becomes part of a path only after every component was checked: not empty, no
 * slash, no control octet, no leading dot or dash, not too long.
 */
#ifndef TODOKE_ACCOUNT_H
#define TODOKE_ACCOUNT_H

#include "agent/base/status.h"
#include "agent/run/tree.h"
#include "conf/conf.h"

#include <sys/types.h>

#define ACCOUNT_NO_UID ((uid_t) -1)

typedef struct {
	char *user;          /* login name, or the address of a virtual user, without detail */
	char *local;         /* local part without detail */
	char *domain;        /* NULL: the address had none */
	char *detail;        /* what follows the delimiter; NULL: none */
	char *home;          /* NULL: none is known */
	char *maildir;       /* path of the INBOX */
	uid_t uid;           /* ACCOUNT_NO_UID: nobody in particular */
	gid_t gid;
	bool is_system;      /* has a line in passwd: further groups, a login */
	GPtrArray *addresses;/* char *: own addresses, the best one first */
	Tree tree;           /* the folder below which mailboxes lie, once it was recalled */
	char *returns_to;    /* nobody's account: bounces to it go on to this address (recipient.h); NULL: an account */
	bool forwards_all;   /* with returns_to: not only bounces (root_mail_to) */
	bool look_only;      /* a rehearsal: nothing is marked or remembered */
} Account;

/*
 * Find the account of `recipient`; its paths are not looked at yet (account_check). Faults: STATUS_UNKNOWN_USER (there
 * is no such user), STATUS_BAD_ADDRESS (the address cannot name a path), STATUS_LOOKUP (could not find out),
 * STATUS_CONFIG.
 */
Account *account_find(const Conf *conf, const char *recipient, Status *st);

/*
 * The account that we already run as: local(8) and .forward have become the recipient. `user` and `home` are what the
 * environment says (NULL: ask the system); root takes them for the account that it shall become. `recipient` may be
 * NULL. Faults as account_find.
 */
Account *account_of_process(const Conf *conf, const char *recipient, const char *user, const char *home, Status *st);

/*
 * Make it nobody's account: what comes for it goes on to `address`, which is copied. Root sends nothing as root.
 */
void account_send_on(Account *account, const char *address);

/* An account for an address that need not exist on this machine: to try rules with. It has no home and no INBOX. */
Account *account_imagined(const Conf *conf, const char *recipient, Status *st);

void account_free(Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Account, account_free)

/*
 * Say whom root has to become for the account: where neither its source nor virtual_user names the ids, they are those
 * of the owner of the INBOX's path (owner_walk), if that is not below first_valid_uid; uid 0 never. Faults:
 * STATUS_CONFIG (there is nobody), STATUS_UNKNOWN_USER (create_maildir is off, and root's part of the path ends before
 * the user's begins), STATUS_LOOKUP.
 */
bool account_find_owner(const Conf *conf, Account *account, Status *st);

/*
 * Become the account's user for good: groups, gid, uid, checked afterwards. Nothing to do where we are not root. Call
 * before anything of the user or of the message is touched. Faults as account_find_owner, STATUS_INTERNAL.
 */
bool account_become(const Conf *conf, Account *account, Status *st);

/*
 * For who only looks, as root: go on with the rights of the account's user, until account_leave. Nothing to do where we are not root, or
 * where nobody knows whom to become. Faults: STATUS_INTERNAL.
 */
bool account_enter(const Account *account, Status *st);
bool account_leave(const Account *account, Status *st);

/*
 * Is the tree there, and the mailbox, as far as the settings want that? Asked by whoever delivers: root must have become
 * the owner. Faults: STATUS_TREE (what is missing is missing for all), STATUS_UNKNOWN_USER (create_maildir is off and
 * there is no mailbox), STATUS_LOOKUP (could not find out).
 */
bool account_check(const Conf *conf, Account *account, Status *st);

/* Mark the tree that the settings name for all, as root, before the first delivery (setup). */
bool account_mark_tree(const Conf *conf, Status *st);

/*
 * The settings that hold for the account: those of the blocks `user` and `domain` that fit it, over the others. NULL: none
 * does, `conf` holds. Caller frees.
 */
Conf *account_conf(const Account *account, const Conf *conf);

/* Replace %u %n %d %h %% and a leading ~ in a path or address template. Faults: STATUS_CONFIG. Caller frees. */
char *account_expand(const Account *account, const char *path_template, Status *st);

#endif
