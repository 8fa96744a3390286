/* SPDX-License-Identifier: MIT */
/*
 * kept: is mail that was kept here before still here?
 *
 * A file is looked for where it was stored, under its name, with any flags; then in every folder of
 * the mailbox, by its name or its size, as IMAP servers move mail under new names. A file counts
 * only if its header and body are the wanted ones, as the answer decides whether mail is stored.
 * What its owner has deleted (flag T, the folder with the special use \Trash) is not here any more.
 * Folders that are symbolic links are looked into only where the mail was put there.
 */
#ifndef TODOKE_KEPT_H
#define TODOKE_KEPT_H

#include "agent/message/address.h"
#include "agent/message/body-print.h"
#include "agent/store/maildir.h"

/* One copy that was kept. */
typedef struct {
	/*
	 * of the file, or of the mbox: below the INBOX ("new/NAME", ".Work/cur/NAME"), or absolute
	 */
	char *path;
	guint64 bytes; /* of the file */
	/* hexadecimal digits that stand in the copy's header, for an mbox; NULL: a file */
	char *sign;
	gint64 time; /* when that was noted, seconds since 1970 */
} KeptCopy;

void kept_copy_free(KeptCopy *copy);

/* What the copy must be. All is borrowed. */
typedef struct {
	const char *subject;    /* of mark_subject */
	const BodyPrint *print; /* of its beginning */
	const BodyPrint *whole; /* of all of it */
	const char *recipient;  /* for the subject of what is found */
	const AddressRules *rules;
	/* path of a folder that does not count, below the INBOX; NULL: none */
	const char *trash;
	/* of another one, "" for the INBOX: is there a copy besides the one in it? NULL: none */
	const char *besides;
} KeptWanted;

/*
 * Is one of `copies` (KeptCopy) still here? *ret_copy (borrowed) is the one, *ret_path where it is
 * now, in the form of its path (caller frees). Looks at no more than LIMIT_KEPT_FILES names and
 * reads no more than LIMIT_KEPT_READS files; what cannot be read is not here.
 */
bool kept_find(Maildir *inbox, const GPtrArray *copies, const KeptWanted *wanted,
               const KeptCopy **ret_copy, char **ret_path);

/*
 * The path of the folder in which such a path lies: "" for the INBOX, ".Work"; of an mbox its own.
 * Caller frees.
 */
char *kept_folder_path(const KeptCopy *copy, const char *path);

/*
 * The folder of such a path as people read it: "INBOX", ".Work", "/home/me/mail/box". Caller frees.
 */
char *kept_folder(const KeptCopy *copy, const char *path);

#endif
