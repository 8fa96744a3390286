/* SPDX-License-Identifier: MIT */
/*
 * mail-place: where a file that was stored in a mailbox is now.
 *
 * Clients rename it when flags change and move it to other folders; servers give copies new names.
 * So it is looked for where it was stored, by the part of its name that nobody changes; then in
 * every folder by that; then by its size, where only a file with that body and Message-ID is it.
 * Nothing is changed. Folders that are symbolic links are not looked into.
 */
#ifndef TODOKE_MAIL_PLACE_H
#define TODOKE_MAIL_PLACE_H

#include <glib.h>
#include <stdbool.h>

/* What is looked for. All is borrowed. */
typedef struct {
	const char *path;       /* where it was stored, below the INBOX: ".Work/new/NAME" */
	guint64 bytes;          /* of the file; 0: not known, and only the name counts */
	const char *body;       /* its print as the record writes it; NULL: only the name counts */
	const char *message_id; /* NULL: none is known */
} MailPlaceWanted;

/* What was found. Clear with mail_place_clear. */
typedef struct {
	char *path;        /* below the INBOX */
	char *folder;      /* path of the folder below the INBOX; "": the INBOX */
	char *flags;       /* letters of Maildir; "": none */
	bool is_moved;     /* it is in another folder */
	bool is_new;       /* no client has opened the folder since: it is in new */
	bool by_name;      /* under its name; false: its size, body and Message-ID are the same */
	gint64 changed_us; /* when its name, place or rights changed last, since 1970 */
} MailPlace;

/*
 * Look below the folder `inbox_fd`. False: it is not there, or was not found among
 * LIMIT_KEPT_FILES names and LIMIT_KEPT_READS files; *ret_all says whether all was looked through.
 */
bool mail_place_find(int inbox_fd, const MailPlaceWanted *wanted, MailPlace *ret, bool *ret_all);

void mail_place_clear(MailPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MailPlace, mail_place_clear)

/* The part of a file's name that neither flags nor servers change; caller frees. */
char *mail_place_base(const char *path);

#endif
