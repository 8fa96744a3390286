/* SPDX-License-Identifier: MIT */
/*
 * foreign-run: decides by the rules of another program as that program reads them, to hold the
 * Sieve that was made of them against: fields as lines, its own expressions. It runs no program; a
 * message that comes to a rule which needs one cannot be decided.
 */
#ifndef TODOKE_FOREIGN_RUN_H
#define TODOKE_FOREIGN_RUN_H

#include "filters/foreign/foreign.h"

/* A program for foreign_run_filter. Borrows both. Free it by that filter. */
FilterProgram *foreign_run_new(const ForeignRules *rules, const ForeignPlaces *places);

/*
 * Runs such a program; its compile is NULL. False of its run: STATUS_SCRIPT, a rule that only the
 * other program can decide; and faults of reading the message.
 */
extern const Filter foreign_run_filter;

#endif
