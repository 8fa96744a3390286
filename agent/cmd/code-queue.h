/* SPDX-License-Identifier: MIT */
/* code-queue: the list of mailq(1), where each mail that waits has its reason in brackets. */
#ifndef TODOKE_CODE_QUEUE_H
#define TODOKE_CODE_QUEUE_H

#include "agent/cmd/code-text.h"

/* Is it what mailq(1) prints, or reasons out of it? */
bool code_queue_is(const char *text);

/*
 * Append what the reasons mean to `meanings` (CodeMeaning), and those that nothing is known of,
 * each once, to `unknown`, which frees its texts. True: one has a meaning.
 */
bool code_queue_find(const char *text, GPtrArray *meanings, GPtrArray *unknown);

#endif
