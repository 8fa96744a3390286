/* SPDX-License-Identifier: MIT */
/*
 * account: who the recipient is on this machine, and where mailbox, home and state lie.
 *
 * The address comes from outside. It becomes part of a path only after every component was checked:
 * not empty, no slash, no control octet, no leading dot or dash, not too long.
 */
#ifndef TODOKE_ACCOUNT_H
#define TODOKE_ACCOUNT_H

#include "agent/base/status.h"
#include "agent/run/tree.h"
#include "conf/conf.h"

#include <sys/types.h>

#define ACCOUNT_NO_UID ((uid_t) -1)

typedef struct {
	char *user;    /* login name, or the address of a virtual user, without detail */
	char *local;   /* local part without detail */
	char *domain;  /* NULL: the address had none */
	char *detail;  /* what follows the delimiter; NULL: none */
	char *home;    /* NULL: none is known */
	char *maildir; /* path of the INBOX */
	uid_t uid;     /* ACCOUNT_NO_UID: not known */
	gid_t gid;
	bool is_system;       /* a system account, with supplementary groups and a login name */
	GPtrArray *addresses; /* char *: own addresses, the best one first */
	Tree tree;            /* the folder that holds the mailboxes, once it was looked up */
	/*
	 * not an account: bounces to it are sent on to this address (recipient.h); NULL: an account
	 */
	char *returns_to;
	/* with returns_to: all mail is sent on, not only bounces (root_mail_to) */
	bool forwards_all;
	/* whose rights a rehearsal has, where not the owner's (account_lend_rights) */
	char *rights_of;
	bool look_only; /* a rehearsal: nothing is marked or remembered */

	/* What the source says of this account (account-answer.h). */
	const char *source;  /* its name; static. NULL: none was asked */
	char *mail;          /* template of the INBOX's path; NULL: the setting maildir */
	GPtrArray *settings; /* char *: "name=value", over those of todoke.conf; NULL: none */
	GPtrArray *unused;   /* char *: fields that mean nothing here; NULL: none */
	bool is_alias;       /* the recipient is another address of the account */
	bool has_ids;        /* the source says uid and gid */
} Account;

/*
 * Find the account of `recipient`. Caller frees with account_free. Nothing below its paths is read
 * yet (account_check). Faults: STATUS_UNKNOWN_USER (there is no such user), STATUS_BAD_ADDRESS (the
 * address cannot name a path), STATUS_LOOKUP (could not find out), STATUS_CONFIG.
 */
Account *account_find(const Conf *conf, const char *recipient, Status *st);

/*
 * The account that this process already runs as: local(8) has switched to the recipient. `user` and
 * `home` come from the environment (NULL: ask the system); for root they name the account to switch
 * to. Caller frees with account_free. `recipient` may be NULL. Faults as account_find.
 */
Account *account_of_process(const Conf *conf, const char *recipient, const char *user,
                            const char *home, Status *st);

/*
 * Send mail for this account on to `address`, which is copied, instead of storing it. For a process
 * that runs as root, the sending process switches to another uid first.
 */
void account_send_on(Account *account, const char *address);

/*
 * An account for an address that need not exist on this host, to try rules with. It has no home and
 * no INBOX. Caller frees.
 */
Account *account_imagined(const Conf *conf, const char *recipient, Status *st);

void account_free(Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Account, account_free)

/*
 * Set the uid and gid that root has to switch to: where neither the account's source nor
 * virtual_user names them, those of the owner of the INBOX's path (owner_walk), unless below
 * first_valid_uid; never uid 0. Faults: STATUS_CONFIG (there is no such uid), STATUS_UNKNOWN_USER
 * (create_maildir is off, and root's part of the path ends before the user's begins),
 * STATUS_LOOKUP.
 */
bool account_find_owner(const Conf *conf, Account *account, Status *st);

/*
 * What root has to find out for a delivery before it switches: the tree that the mailbox lies in,
 * and account_find_owner. Where it was called, account_become only switches. Faults as
 * account_find_owner.
 */
bool account_locate(const Conf *conf, Account *account, Status *st);

/*
 * For a rehearsal by root: let account_enter take the rights of the system account `name`.
 * Fault: STATUS_USAGE (we are not root, there is no such account, or it is root).
 */
bool account_lend_rights(Account *account, const char *name, Status *st);

/*
 * Switch to the account's groups, gid and uid for good, and check it. Does nothing if this process
 * is not root. Call before anything of the user or of the message is touched. Faults as
 * account_find_owner, STATUS_INTERNAL.
 */
bool account_become(const Conf *conf, Account *account, Status *st);

/*
 * For a rehearsal by root: go on with the rights of the account's user, until account_leave. Does
 * nothing if we are not root, or if it is not known whom to become. Faults: STATUS_INTERNAL.
 */
bool account_enter(const Account *account, Status *st);
bool account_leave(const Account *account, Status *st);

/*
 * Is the tree there, and the mailbox, if the settings want it to exist already? Call with the
 * owner's rights. Faults: STATUS_TREE (the tree is missing, so no address is an unknown user),
 * STATUS_UNKNOWN_USER (create_maildir is off and there is no mailbox), STATUS_LOOKUP (could not
 * find out).
 */
bool account_check(const Conf *conf, Account *account, Status *st);

/*
 * Mark the tree that the settings name for all, as root, before the first delivery (setup). Faults
 * of tree_recall.
 */
bool account_mark_tree(const Conf *conf, Status *st);

/* The setting users, resolved: any choice but CONF_USERS_AUTO. */
unsigned account_kind_of_users(const Conf *conf);

/*
 * The settings for the account: those of its source, over those of the blocks `user` and `domain`
 * that match it, over the others. NULL: there are none of its own, use `conf`. Caller frees.
 */
Conf *account_conf(const Account *account, const Conf *conf);

/*
 * Where the owner's state lies: beside the mail for virtual users, as they may share a home. Faults
 * of account_expand. Caller frees.
 */
char *account_state_folder(const Account *account, const Conf *conf, Status *st);

/*
 * The file of the account's record (agent/state/record-line.h). Faults of account_expand. Caller
 * frees.
 */
char *account_record_path(const Account *account, const Conf *conf, Status *st);

/*
 * Replace the variables (path-template.h) and a leading ~ in a path or address template. Faults:
 * STATUS_CONFIG, STATUS_BAD_ADDRESS (what the address brings cannot be part of a path). Caller
 * frees.
 */
char *account_expand(const Account *account, const char *path_template, Status *st);

#endif
