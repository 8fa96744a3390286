/* SPDX-License-Identifier: MIT */
/* maildir-flags: IMAP flags as the letters at the end of a Maildir name. */
#ifndef TODOKE_MAILDIR_FLAGS_H
#define TODOKE_MAILDIR_FLAGS_H

#include "agent/store/maildir.h"

/*
 * The letters for `flags` (char *; NULL: none), for maildir_draft_prepare: S R F T D for the system
 * flags, P for $Forwarded, and a to z for keywords, whose meaning is kept in the folder's
 * dovecot-keywords file; a new keyword gets the first free letter. $Forwarded is a keyword too:
 * Dovecot does not read the P. A flag that gets no letter (more than 26 keywords, \Recent, no
 * keyword of IMAP, the file cannot be locked) is left out and named in `notes` (char *). Never
 * fails: a flag is no reason to defer mail. Caller frees.
 */
char *maildir_flags_letters(const Maildir *maildir, const GPtrArray *flags, GPtrArray *notes);

/*
 * The letters of a message with this name in the folder `from_dirfd` that mean the same in the
 * folder `to_dirfd`, and those of the flags `added` (char *; NULL: none), sorted. A keyword that
 * the other folder does not know gets a letter there, under Dovecot's lock. NULL: one has no name
 * here, or can have no letter there; `st` says so. Caller frees.
 */
char *maildir_flags_carry(int from_dirfd, const char *name, int to_dirfd, const GPtrArray *added,
                          Status *st);

/*
 * The flags (char *) of a message by its name in the folder `dirfd`: letters without a meaning
 * there are skipped. Caller unrefs.
 */
GPtrArray *maildir_flags_of(int dirfd, const char *name);

#endif
