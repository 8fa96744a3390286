/* SPDX-License-Identifier: MIT */
/*
 * setup-state: makes the changes of a plan, and takes them back.
 *
 * What main.cf and master.cf held before stands in the state file beside them. Undoing writes
 * exactly that back where nobody touched the files since; otherwise each of our changes goes back
 * by itself, and what somebody else made of it is left alone and told. A file of ours goes as it
 * came, unless it was edited, or main.cf or master.cf still name it.
 */
#ifndef TODOKE_SETUP_STATE_H
#define TODOKE_SETUP_STATE_H

#include "agent/cmd/setup-plan.h"

/* Where the state of the Postfix configured in `folder` is kept. Caller frees. */
char *setup_state_path(const char *folder);

/* Has an earlier setup_state_apply not been undone? */
bool setup_state_exists(const char *folder);

/*
 * Make all changes, or none: where one fails, the files are written back. `folder` is the
 * configuration's, always said. Where an earlier one was not undone, what was before that stays
 * remembered, and one setup_state_undo takes both back. False: `st` says why.
 */
bool setup_state_apply(const SetupPlan *plan, const char *folder, Status *st);

/*
 * Take back what setup_state_apply made. `notes` (char *) gets a line for each change that was left
 * alone. False: `st` says why.
 */
bool setup_state_undo(const char *folder, GPtrArray *notes, Status *st);

#endif
