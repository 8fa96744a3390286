/* SPDX-License-Identifier: MIT */
/*
 * mbox: the format: one file, each message after a From_ line and before an empty one.
 *
 * The file is held by a lock file NAME.lock and by fcntl, as its other writers and readers do it. A
 * message goes to its end in one write; one that did not get there whole is cut off again.
 */
#ifndef TODOKE_MBOX_H
#define TODOKE_MBOX_H

#include "agent/base/status.h"
#include "agent/store/dotlock.h"

/* A file that is open and locked. */
typedef struct Mbox Mbox;

/*
 * Open and lock the file at `path`; it is made where it is missing (never its folder). `durability`
 * is one of conf-choices.h. Faults: STATUS_LOCKED (the locks are held by others for too long),
 * STATUS_MAILBOX (no regular file), and what opening brings. If no lock file can be made because
 * the folder is not the owner's, fcntl alone locks it. Caller frees.
 */
Mbox *mbox_open(const char *path, unsigned durability, const DotlockPatience *patience, Status *st);

/*
 * Would mbox_open succeed now? Nothing is made and nobody waits: a lock that another program holds
 * is STATUS_LOCKED at once.
 */
bool mbox_rehearse(const char *path, const DotlockPatience *patience, Status *st);

/* Unlock, close; a file that we made and that is still empty goes. */
void mbox_free(Mbox *mbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mbox, mbox_free)

/* Is this the file at `path`, under whatever name? */
bool mbox_is(const Mbox *mbox, const char *path);

/*
 * Where the next reserved octets will go, as a note for a retry: offset, length, and a checksum of
 * all but the From_ line. Caller frees.
 */
char *mbox_note(const Mbox *mbox, const GString *message);

/*
 * *ret_has: has an earlier try with this note appended the message, or a later one in the same
 * room? Where it is not certain that the note is of the same message (`is_certain`), the octets are
 * compared too, but for the From_ line and our mark. What that try left half done is cut off. Call
 * it while the lock is held, before anything is reserved. False: a fault of the disk; it cannot be
 * said.
 */
bool mbox_has(Mbox *mbox, const char *note, const GString *message, bool is_certain, bool *ret_has,
              Status *st);

/*
 * Make sure that there is room for `len` more octets, where the file system can say so. Nothing
 * becomes visible.
 */
bool mbox_reserve(Mbox *mbox, size_t len, Status *st);

/* Append one message; after a fault the file is as it was. */
bool mbox_append(Mbox *mbox, const GString *message, Status *st);

/* Flush what was appended. False: `st` says why. */
bool mbox_flush(Mbox *mbox, Status *st);

/* Give the locks back; mbox_reserve takes them again. */
void mbox_unlock(Mbox *mbox);

/* Cut off all that was appended through this Mbox, if nobody else has touched the file since. */
void mbox_take_back(Mbox *mbox);

/* Quote "From " at the start of lines behind the first by ">", in place. */
void mbox_quote(GString *message);

#endif
