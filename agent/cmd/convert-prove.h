/* SPDX-License-Identifier: MIT */
/*
 * convert-prove: do recipes and the Sieve that was made of them do the same with the mail of a
 * folder?
 */
#ifndef TODOKE_CONVERT_PROVE_H
#define TODOKE_CONVERT_PROVE_H

#include "agent/cmd/cmd-rules-file.h"

/*
 * Run both over every message below `folder` and print those for which they differ, with what each
 * would do. No program is run. *ret_differ counts them. False: a fault, in `st`.
 */
bool convert_prove(const RulesFile *recipes, const char *sieve, const char *folder,
                   unsigned *ret_differ, Status *st);

#endif
