/* SPDX-License-Identifier: MIT */
/*
 * convert-prove: do the rules of a file and the Sieve that was made of them do the same with the
 * mail of a folder?
 */
#ifndef TODOKE_CONVERT_PROVE_H
#define TODOKE_CONVERT_PROVE_H

#include "agent/cmd/cmd-rules-file.h"

/* Rules that are no Sieve, as a program that decides by them. */
typedef struct {
	const char *name; /* "recipes", "maildrop": as it is printed */
	const Filter *engine;
	FilterProgram *program;
	const char *folder; /* that relative paths of a store start from; NULL: the home */
} ConvertRules;

/*
 * Run both over every message below `folder` and print those for which they differ, with what each
 * would do. No program is run. *ret_differ counts them. False: a fault, in `st`.
 */
bool convert_prove(const RulesFile *file, const ConvertRules *rules, const char *sieve,
                   const char *folder, unsigned *ret_differ, Status *st);

/* convert_prove for the recipes of an rc file. */
bool convert_prove_recipes(const RulesFile *file, const char *sieve, const char *folder,
                           unsigned *ret_differ, Status *st);

#endif
