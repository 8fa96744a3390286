/* SPDX-License-Identifier: MIT */
/* try-emit: what a tried plan would store and send, as files in a folder of the user's choice. */
#ifndef TODOKE_TRY_EMIT_H
#define TODOKE_TRY_EMIT_H

#include "agent/run/transact.h"

#include <jansson.h>

typedef struct TryEmit TryEmit;

/*
 * `folder`: where files are written, as PREFIX1.eml for the first action and so on; NULL: nowhere.
 * It is ours, not that of `account`, whose rights we have otherwise. All is borrowed.
 */
TryEmit *try_emit_new(const char *folder, const char *prefix, const Account *account);
void try_emit_free(TryEmit *emit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TryEmit, try_emit_free)

/*
 * Rehearse the delivery, and write what the plan stores and sends. False: a rule refuses the
 * message, or a fault; what could not be written is said on stderr.
 */
bool try_emit_run(TryEmit *emit, Transact *transact, Message *message, Status *st);

/*
 * Add to the actions of todoke.try/1 the members "file", "envelope_from", "recipients", for what we
 * would compose "sends" (its subject and text), and "held": why the action would not be carried
 * out.
 */
void try_emit_json(const TryEmit *emit, const Plan *plan, json_t *actions);

/* The same of one action, as lines for people. */
void try_emit_print(const TryEmit *emit, const PlanAction *action);

#endif
