/* SPDX-License-Identifier: MIT */
/*
 * suite-box: the private place where results of a suite are carried out: a temporary Maildir, and
 * mail that was held back.
 */
#ifndef TODOKE_SUITE_BOX_H
#define TODOKE_SUITE_BOX_H

#include "agent/deliver/deliver.h"

typedef struct SuiteBox SuiteBox;

/* Make it, below the folder for temporary files. Caller frees. */
SuiteBox *suite_box_new(const Conf *conf, Status *st);

/* Free it, with all that is in it. */
void suite_box_free(SuiteBox *box);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuiteBox, suite_box_free)

Maildir *suite_box_inbox(SuiteBox *box);

/*
 * Carry out `plan`; `job` lacks inbox and owner, and `owner` state, home and capture: they are this
 * box's. A refusal by a rule (reject) is success: it is what was asked for. Notes of the delivery
 * are appended to `notes`.
 */
bool suite_box_execute(SuiteBox *box, const Plan *plan, DeliverJob *job, DeliverOwner *owner,
                       GPtrArray *notes, Status *st);

/* What is remembered from one execution to the next; borrowed until suite_box_forget. */
StateOnce *suite_box_state(SuiteBox *box, gint64 now);

/* Forget what was sent, who was answered and what was seen. Stored mail stays. */
void suite_box_forget(SuiteBox *box);

/*
 * Message `n` (from 0) that was stored in the folder, in the order of delivery, with its flags
 * (char *; the caller unrefs). NULL: there is none, or `st` says what is wrong.
 */
Message *suite_box_stored(SuiteBox *box, const FolderRules *rules, const char *folder, guint64 n,
                          GPtrArray **ret_flags, Status *st);

/*
 * Message `n` (from 0) of what would have been sent, with its envelope (borrowed); NULL: there is
 * none.
 */
Message *
suite_box_sent(SuiteBox *box, guint64 n, const char **ret_sender, const char **ret_recipient);

bool suite_box_make_folder(SuiteBox *box, const FolderRules *rules, const char *name, Status *st);
bool suite_box_remove_folder(SuiteBox *box, const FolderRules *rules, const char *name, Status *st);

#endif
