/* SPDX-License-Identifier: MIT */
/*
 * try-summary: what the rules would do with a folder of old mail: how many messages would go where,
 * and how many would be stored elsewhere than they are now.
 */
#ifndef TODOKE_TRY_SUMMARY_H
#define TODOKE_TRY_SUMMARY_H

#include "agent/run/transact.h"

typedef struct TrySummary TrySummary;

/* The summary of `folder`, which is borrowed. */
TrySummary *try_summary_new(const char *folder);
void try_summary_free(TrySummary *summary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TrySummary, try_summary_free)

/*
 * The messages of a folder, as paths: of its new and cur where it is a Maildir, else its files,
 * sorted; with the rights that we have. NULL: it cannot be listed. Caller frees with g_strfreev.
 */
char **try_summary_list(const char *folder, Status *st);

/* Count the message at `path` that was tried; `maildir` is the path of the INBOX. */
void try_summary_add(TrySummary *summary, const char *path, const char *maildir,
                     const Transact *transact, const Status *st);

/* Count one that could not be read. */
void try_summary_add_unread(TrySummary *summary);

/* Print it: for people, or one object of schema todoke.try-summary/1. */
void try_summary_print(const TrySummary *summary, bool as_json);

#endif
