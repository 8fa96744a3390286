/* SPDX-License-Identifier: MIT */
/*
 * maildir: the format, on directory descriptors.
 *
 * A message is a draft first: a file in tmp/ under a name that nobody else has. When it is whole
 * and flushed it is moved to new/, or to cur/ when flags are set, under its final name
 * `TIME.M..P..Q..R...HOST,S=BYTES,W=WIRE[:2,FLAGS]`; nothing is ever replaced. What is visible is
 * whole.
 */
#ifndef TODOKE_MAILDIR_H
#define TODOKE_MAILDIR_H

#include "agent/base/status.h"
#include "agent/message/message.h"

#include <sys/types.h>

typedef struct {
	mode_t umask;        /* for mail and folders; becomes the umask of the process */
	unsigned durability; /* CONF_DURABILITY_* of conf-choices.h */
	bool create;         /* make what is missing of the INBOX */
	/*
	 * Each call only checks whether it would succeed, and sets the fault that it would set:
	 * nothing is made, written or moved. A folder that would be made is imagined, without a
	 * descriptor.
	 */
	bool rehearsal;
} MaildirOptions;

/* One folder with tmp, new and cur: the INBOX, or one below it. */
typedef struct Maildir Maildir;

/*
 * Open the INBOX at `path`, which is made by options->create. Its tmp, new and cur are looked at
 * when they are needed. Faults: STATUS_MISSING (it is not there and may not be made),
 * STATUS_NOT_A_FOLDER, and what opening a folder brings. Caller frees.
 */
Maildir *maildir_open(const char *path, const MaildirOptions *options, Status *st);

/*
 * Open the folder at `path` below `inbox` ("Work/New", ".Work.New"; "" is the INBOX itself), which
 * must outlive it. A folder without tmp counts as missing. With `create` what is missing is made
 * and *ret_created tells; else STATUS_MISSING. Caller frees.
 */
Maildir *
maildir_open_below(Maildir *inbox, const char *path, bool create, bool *ret_created, Status *st);

/*
 * Folders of other programs that take drafts in the same way: "1", "2" ... of MH, or files with
 * names of their own ("msg.xyz").
 */
typedef enum { MAILDIR_PROPER, MAILDIR_NUMBERED, MAILDIR_NAMED } MaildirKind;

/*
 * Open the plain directory at `path` (absolute, or below `inbox`, which must outlive it), made
 * where it is missing. Its drafts are hidden files beside the mail. Caller frees.
 */
Maildir *maildir_open_flat(Maildir *inbox, const char *path, MaildirKind kind, Status *st);

/*
 * May this process deliver to the Maildir at `path`, which is there? What is missing inside is
 * made.
 */
bool maildir_is_writable(const char *path);

/*
 * What the names of files in a MAILDIR_NAMED folder begin with, instead of "msg."; without a "/".
 */
void maildir_set_prefix(Maildir *maildir, const char *prefix);

/* Do calls only check whether they would succeed (MaildirOptions.rehearsal)? */
bool maildir_is_rehearsal(const Maildir *maildir);

/* In a rehearsal: would the folder be made? */
bool maildir_is_imagined(const Maildir *maildir);

void maildir_free(Maildir *maildir);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Maildir, maildir_free)

/*
 * May mail be put into the folder, that is into its tmp, new and cur? The faults are those that a
 * delivery would meet on its way, but here nothing is half done yet. Where folders may be made, so
 * is what of the three is missing: whoever made the folder may have died in between.
 */
bool maildir_check(Maildir *maildir, Status *st);

/*
 * Do the two show the same mail: one directory by two names or links, or `new` of one is a link to
 * the other's?
 */
bool maildir_is_same(Maildir *one, Maildir *other);

/* Is the tmp of one the tmp of the other, by links? */
bool maildir_shares_tmp(Maildir *one, Maildir *other);

/* The folder's descriptor, for files beside the mail; borrowed. */
int maildir_fd(const Maildir *maildir);

/* What people call the folder, for faults; the path below the INBOX where nobody says it. */
void maildir_set_name(Maildir *maildir, const char *name);

/* What stands in front of the names of drafts: "tmp/", or "." in a flat folder. */
const char *maildir_hidden(const Maildir *maildir);

/*
 * Put the folder before the detail of a fault, by name and whole path: "folder 'Work'
 * (/var/vmail/ann/.Work): ...". Always false.
 */
bool maildir_blame(const Maildir *maildir, Status *st);

/* Path below the INBOX, "" for the INBOX itself; borrowed. */
const char *maildir_path(const Maildir *maildir);

/*
 * Path of `folder` below the INBOX `inbox` by their names, also where it was opened by a whole
 * path; NULL: it lies elsewhere. Borrowed from the folder.
 */
const char *maildir_path_below(const Maildir *inbox, const Maildir *folder);

/*
 * Flush new/ and cur/ where a draft has been committed to them since the last flush, if the
 * durability asks for it.
 */
bool maildir_flush(Maildir *maildir, Status *st);

/*
 * Does the folder show the file `name` (without its info letters, and perhaps sizes) in new or cur?
 * A file that was found is flushed by the next maildir_flush: whoever put it there may have died
 * before.
 */
bool maildir_find_file(Maildir *maildir, const char *name, bool *ret_found, Status *st);

/*
 * Have the next maildir_flush flush new and cur: another process put something there and may have
 * died before it did so.
 */
bool maildir_flush_later(Maildir *maildir, Status *st);

/*
 * Does the folder show the file `name`, as maildir_find_file takes it, and is its end the body of
 * `message`? Not while the delivery that put it there is at work (maildir_draft_hold): then this
 * one is another.
 */
bool maildir_shows_body(Maildir *maildir, const char *name, const Message *message, bool *ret_shows,
                        Status *st);

/* A message on its way into a folder. The folder must outlive it. */
typedef struct MaildirDraft MaildirDraft;

/*
 * Make a new file in tmp. It is removed when the draft is freed before it was committed, and by the
 * deadline. Caller frees the draft.
 */
MaildirDraft *maildir_draft_new(Maildir *maildir, Status *st);

/*
 * Begin the draft of a flat folder with the From_ line `line`, before the message is written; end
 * it with an empty line after that. The draft's sizes do not count them.
 */
bool maildir_draft_begin(MaildirDraft *draft, const char *line, Status *st);
bool maildir_draft_end(MaildirDraft *draft, Status *st);

/*
 * Write the whole message into the draft, once. Faults of message_write; the draft is useless after
 * one.
 */
bool maildir_draft_write(MaildirDraft *draft, Message *message, const Headers *headers, Status *st);

/* The same with a field that is known at the end: see message_write_sealed. */
bool maildir_draft_write_sealed(MaildirDraft *draft, Message *message, const Headers *headers,
                                const MessageSeal *seal, Status *st);

/*
 * Let the draft's file live in the tmp of `to` from now on. *ret_moved is false where file systems
 * keep the two apart (EXDEV and its like): the draft stays where it was, and a new one must be
 * written.
 */
bool maildir_draft_move(MaildirDraft *draft, Maildir *to, bool *ret_moved, Status *st);

/*
 * Let the draft's file be called `name`: one of maildir_unique_name in a Maildir, else of
 * maildir_named_file, where another is taken if somebody has it by then. `is_exact`: its final name
 * in a Maildir has no sizes. Before the draft is prepared; MH folders number their own.
 */
bool maildir_draft_set_name(MaildirDraft *draft, const char *name, bool is_exact, Status *st);

/*
 * A second draft with the bytes of `from`, by a hard link. *ret_draft is NULL where there can be
 * none: write a new one.
 */
bool
maildir_draft_link(const MaildirDraft *from, Maildir *to, MaildirDraft **ret_draft, Status *st);

/*
 * Make the written draft ready: flushed and closed by the durability, its place open, its final
 * name known. `letters` are the info letters in any order ("" or NULL: none, and the message is
 * new). May be called again with other letters.
 */
bool maildir_draft_prepare(MaildirDraft *draft, const char *letters, Status *st);

/* The draft's name, and its final name's beginning. Borrowed until the draft is moved. */
const char *maildir_draft_name(const MaildirDraft *draft);

/*
 * Take the prepared draft from the deadline: its file stays in tmp when that strikes. A shared lock
 * (flock) on it tells others that it is no dead process's, until the draft is freed.
 */
void maildir_draft_hold(MaildirDraft *draft);

/*
 * Make the prepared draft visible under its final name. Durable after maildir_flush of its folder.
 */
bool maildir_draft_commit(MaildirDraft *draft, Status *st);

/*
 * Make a committed draft invisible again, if its file is still where it was put: what follows
 * failed, and a retry delivers all.
 */
void maildir_draft_take_back(MaildirDraft *draft);

/* The folder that the draft lies in. Borrowed. */
Maildir *maildir_draft_folder(const MaildirDraft *draft);

/* Path of the prepared draft's final file below the INBOX (".Work/new/..."). Caller frees. */
char *maildir_draft_final_path(const MaildirDraft *draft);

/* Sizes of the written draft. */
MessageSize maildir_draft_size(const MaildirDraft *draft);

/*
 * Leave the draft's file in tmp: a retry, or a reader after 36 hours, removes it. Afterwards only
 * free it.
 */
void maildir_draft_leave(MaildirDraft *draft);

/* Free the draft; its file goes unless it was committed or left. */
void maildir_draft_free(MaildirDraft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MaildirDraft, maildir_draft_free)

/*
 * A name by the Maildir specification that nobody else has, without sizes and flags. Caller frees.
 */
char *maildir_unique_name(void);

/* A name of a file in a plain directory (MAILDIR_NAMED); `prefix` NULL: "msg.". Caller frees. */
char *maildir_named_file(const char *prefix);

/*
 * A host name as it may stand in a file name: '/' and ':' as the specification wants them, and what
 * would confuse readers, as \ooo. Caller frees.
 */
char *maildir_escape_host(const char *host);

#endif
