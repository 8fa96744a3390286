/* SPDX-License-Identifier: MIT */
/*
 * refilter-folder: the folders of one mailbox between which messages are moved: opened once, by
 * their path, and how the quota counts them. All is done with the owner's rights.
 */
#ifndef TODOKE_REFILTER_FOLDER_H
#define TODOKE_REFILTER_FOLDER_H

#include "agent/run/account.h"
#include "agent/store/maildir-shelf.h"

typedef struct RefilterFolders RefilterFolders;

/*
 * The folders of the account's mailbox; `is_rehearsal`: nothing is made. `conf` is borrowed. NULL:
 * there is no mailbox. Caller frees.
 */
RefilterFolders *
refilter_folders_new(const Account *account, const Conf *conf, bool is_rehearsal, Status *st);
void refilter_folders_free(RefilterFolders *folders);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RefilterFolders, refilter_folders_free)

/*
 * The path below the INBOX of the folder that people call `name`. NULL: there can be no such
 * folder. Caller frees.
 */
char *refilter_folders_path(const RefilterFolders *folders, const char *name, Status *st);

/* The name of the folder at `path`, as people read it. Caller frees. */
char *refilter_folders_name(const RefilterFolders *folders, const char *path);

/* The folder at `path`, which must be there. Borrowed; NULL: a fault. */
MaildirShelf *refilter_folders_find(RefilterFolders *folders, const char *path, Status *st);

/* The folder at `path`, made by `create` or where the settings say so. Borrowed; NULL: a fault. */
MaildirShelf *
refilter_folders_get(RefilterFolders *folders, const char *path, bool create, Status *st);

/*
 * The folder at a path that somebody else wrote: no part of it may lead out of the mailbox, or be a
 * link, and nothing is made. Borrowed; NULL: a fault.
 */
MaildirShelf *refilter_folders_get_safely(RefilterFolders *folders, const char *path, Status *st);

/* What was moved, for the quota. */
void refilter_folders_moved(RefilterFolders *folders, const MaildirShelf *from,
                            const MaildirShelf *to, const MaildirMove *move, guint64 bytes);

/* Others may have renamed mail meanwhile: each folder is listed anew when a name is looked for. */
void refilter_folders_forget(RefilterFolders *folders);

/* Flush all of them. */
bool refilter_folders_flush(RefilterFolders *folders, Status *st);

#endif
