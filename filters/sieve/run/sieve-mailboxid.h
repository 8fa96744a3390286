/* SPDX-License-Identifier: MIT */
/* sieve-mailboxid: the mailbox that a rule means by its id (RFC 9042), for :fcc too. */
#ifndef TODOKE_SIEVE_MAILBOXID_H
#define TODOKE_SIEVE_MAILBOXID_H

#include "filters/sieve/run/sieve-run.h"

/*
 * Put the mailbox with the id that the tag names in the place of *mailbox (g_free'd); *ret_found:
 * one has it. False: a fault of the run, as a folder could not be looked at.
 */
bool sieve_mailboxid_choose(SieveRun *run, const SieveCall *call, const SieveTag *tag,
                            char **mailbox, bool *ret_found);

#endif
