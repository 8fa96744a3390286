/* SPDX-License-Identifier: MIT */
/*
 * maildir-shelf: a Maildir folder whose messages are taken out and put in as they are, by rename.
 *
 * A message keeps its name, with S= and W= in it, and its flags: keyword letters become those that
 * the other folder has for the same keywords. It is in one of the two folders at any moment, and
 * nothing is ever replaced. Servers that have the folders open see one message go and one come.
 *
 * `new` and `cur` that are symbolic links are not followed, and what is no regular file of ours is
 * left where it lies.
 */
#ifndef TODOKE_MAILDIR_SHELF_H
#define TODOKE_MAILDIR_SHELF_H

#include "agent/base/status.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

typedef struct MaildirShelf MaildirShelf;

/*
 * Open `new` and `cur` of the folder `dirfd`, which is duplicated; `path` is its path below the
 * INBOX. Faults: those of open(2), STATUS_NOT_A_FOLDER for a link. Caller frees.
 */
MaildirShelf *maildir_shelf_open(int dirfd, const char *path, Status *st);
void maildir_shelf_free(MaildirShelf *shelf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MaildirShelf, maildir_shelf_free)

/* The path below the INBOX; borrowed. */
const char *maildir_shelf_path(const MaildirShelf *shelf);

/* Do the two show the same mail, by two names or links? */
bool maildir_shelf_is_same(const MaildirShelf *one, const MaildirShelf *other);

/*
 * The messages as "new/NAME" and "cur/NAME" (char *), sorted. Caller unrefs; NULL: it cannot be
 * listed.
 */
GPtrArray *maildir_shelf_list(const MaildirShelf *shelf, Status *st);

/*
 * Open a message to read it. -1: it is no regular file, is somebody else's, or is gone
 * (STATUS_MISSING).
 */
int
maildir_shelf_read(const MaildirShelf *shelf, const char *file, struct stat *ret_sb, Status *st);

/*
 * The message that has the name of `file` ("cur/NAME") up to its sizes and flags, whatever flags it
 * has now. NULL: there is none, by a listing that is made once and knows of our own moves alone.
 * Caller frees.
 */
char *maildir_shelf_find(MaildirShelf *shelf, const char *file);

/* Whoever looks for a name next makes a new listing. */
void maildir_shelf_forget(MaildirShelf *shelf);

/* How it was moved. */
typedef struct {
	const GPtrArray *flags; /* char *: that it gets besides its own; NULL: none */
	char *from;             /* where it was: its flags may have changed since it was listed */
	char *to;               /* "cur/NAME" in the other folder */
} MaildirMove;

/*
 * Find out how `file` would be moved to another folder, and write keywords down that it needs
 * there; nothing is moved. False, and it can stay where it is: it is gone (STATUS_MISSING), a
 * message of that name is there already (STATUS_MAILBOX), a keyword has no letter. Clear `move`
 * with maildir_move_clear.
 */
bool maildir_shelf_plan(MaildirShelf *from, const char *file, MaildirShelf *to, MaildirMove *move,
                        Status *st);

/* Move it. False: it is where it was; the faults of maildir_shelf_plan, and another file system. */
bool maildir_shelf_move(MaildirShelf *from, MaildirShelf *to, const MaildirMove *move, Status *st);

void maildir_move_clear(MaildirMove *move);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MaildirMove, maildir_move_clear)

/* Flush what was moved. */
bool maildir_shelf_flush(MaildirShelf *shelf, Status *st);

#endif
