/* SPDX-License-Identifier: MIT */
/*
 * sieve-environment: items of the environment test, which vnd.dovecot.environment reads as
 * variables too.
 */
#ifndef TODOKE_SIEVE_ENVIRONMENT_H
#define TODOKE_SIEVE_ENVIRONMENT_H

#include "filters/sieve/run/sieve-run.h"

/* The value of an item, in any case of letters; NULL: it is not known. */
const char *sieve_environment_item(SieveRun *run, const char *name);

/* An item of vnd.dovecot.environment, in lower case; NULL: it has none of that name. */
const char *sieve_environment_dovecot_item(SieveRun *run, const char *name);

#endif
