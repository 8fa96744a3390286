/* SPDX-License-Identifier: MIT */
/* code-bounce: a whole bounce: a delivery report in MIME, or a mail of old that only has words. */
#ifndef TODOKE_CODE_BOUNCE_H
#define TODOKE_CODE_BOUNCE_H

#include "agent/cmd/code-text.h"

/* Does it begin with the header of a mail? */
bool code_bounce_is_mail(const char *bytes, size_t len);

/*
 * Explain the mail in `bytes`, which may hold anything: the reports for machines in it, else its
 * words above the copy of the message that came back. What is in that copy is not looked at.
 * Appends to `meanings`; false: nothing is known, and a fault that hindered reading is in `st`.
 */
bool code_bounce_find(const char *bytes, size_t len, GPtrArray *meanings, Status *st);

#endif
