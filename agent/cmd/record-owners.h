/* SPDX-License-Identifier: MIT */
/*
 * record-owners: whose records a command looks at, and with whose rights.
 *
 * A user sees their own record; root sees everybody's, and reads each with its owner's rights, so
 * that no user's link or folder can lead root astray.
 */
#ifndef TODOKE_RECORD_OWNERS_H
#define TODOKE_RECORD_OWNERS_H

#include "agent/base/status.h"
#include "agent/run/account.h"

#include <jansson.h>

/* One record. */
typedef struct {
	Account *account; /* NULL: the site's one file for all, or its early-record.h */
	char *path;
	/* of the site's file: whom root becomes; 0: it is root's own */
	uid_t uid;
	gid_t gid;
	/* of such a file: addresses and login names whose lines count alone; NULL: all lines do */
	char **only;
	char *delimiters; /* with `only`: what may follow the user in an address */
	bool is_second;   /* of early-record.h: another file of that folder stands before it */
	bool is_closed; /* its folder is closed to whom those above belong to; record_owner_enter */
} RecordOwner;

/*
 * The records (RecordOwner) of the users `names` (addresses or login names; NULL or none: of all
 * where we are root or the mailboxes are one account's, with those of mail that no delivery began
 * for, else our own). The array frees them. Faults of account_find and account_list.
 */
GPtrArray *record_owners_find(const Conf *conf, const char *const *names, Status *st);

/*
 * Let `owners`, which were found for these users alone (NULL ends), have what was answered to them
 * before a delivery began too, where we may read it, and of files for all their lines alone.
 */
void record_owners_narrow(const Conf *conf, GPtrArray *owners, const char *const *users);

/* Does a line of the owner's file count? The same for its octets. */
bool record_owner_has(const RecordOwner *owner, const json_t *record);
bool record_owner_has_line(const RecordOwner *owner, const char *text, size_t len);

/*
 * Take the rights of the owner, and give them back. False: there can be no such record for us (the
 * owner's folder is not there, or is root's).
 */
bool record_owner_enter(const Conf *conf, RecordOwner *owner, Status *st);
bool record_owner_leave(const RecordOwner *owner, Status *st);

/*
 * What is to be said, once for all files of a folder, of a record that record_owner_enter did not
 * reach although there may be one. NULL: nothing. Borrowed from `st`.
 */
const char *record_owner_closed(const RecordOwner *owner, const Status *st);

#endif
