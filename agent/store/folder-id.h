/* SPDX-License-Identifier: MIT */
/*
 * folder-id: what tells a folder from others whatever it is called (MAILBOXID of RFC 8474), and
 * what is noted about it (METADATA of RFC 5464).
 *
 * The id is the one that Dovecot gave the folder and answers to clients, in its dovecot-uidlist;
 * where Dovecot has not been, the line in the folder's file todoke-mailboxid, which todoke writes
 * into folders that it makes.
 *
 * An annotation is a line "NAME VALUE" of the file todoke-metadata in the folder, for the server of
 * todoke-server-metadata in the INBOX; else it is what the file of Dovecot's mail_attribute_dict
 * has under the folder's id (for the server, under the INBOX's).
 */
#ifndef TODOKE_FOLDER_ID_H
#define TODOKE_FOLDER_ID_H

#include "agent/store/folder.h"

/*
 * The id of the folder at `path` (of folder_path; "" the INBOX). NULL: it has none. Caller frees.
 */
char *folder_id(const Maildir *inbox, const char *path);

/*
 * The path of the folder that has this id. Each folder is looked at. NULL: none has; with a fault,
 * by errno: none that could be looked at. Caller frees.
 */
char *folder_by_id(const Maildir *inbox, const FolderRules *rules, const char *id, Status *st);

/*
 * A note for the log if the folder's UIDs end soon: Dovecot's next one is near the highest that
 * IMAP allows, after which clients see no new mail. NULL: they do not. Costs one open(2) in folders
 * that Dovecot has not used. Caller frees.
 */
char *folder_uid_note(const Maildir *folder);

/* Is this, the next UID, so near the last that somebody should renumber the folder? */
bool folder_uid_is_near_end(guint64 next);

/* Give a new folder an id of its own. Not vital: no fault, no flush. */
void folder_id_make(const Maildir *folder);

/*
 * The value of an annotation ("/private/comment", without case) of the folder at `path`; NULL: of
 * the server. `attributes` is the file of Dovecot's dict, relative to the INBOX. NULL or empty:
 * there is none. Caller frees.
 */
char *folder_metadata(const Maildir *inbox, const char *attributes, const char *path,
                      const char *annotation);

#endif
