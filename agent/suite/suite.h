/* SPDX-License-Identifier: MIT */
/*
 * suite: a file of rule tests (vnd.dovecot.testsuite), run with services of its own.
 *
 * The site's settings hold, as `todoke try --script` has them; the account is made up of the
 * envelope. Results are carried out by agent/deliver into a private temporary Maildir that is
 * removed at the end; what would leave the machine is kept in memory.
 */
#ifndef TODOKE_SUITE_H
#define TODOKE_SUITE_H

#include "agent/base/status.h"
#include "filters/filter.h"

/* Borrowed. */
typedef struct {
	const char *conf_path;        /* NULL: the installed one */
	const char *const *overrides; /* "key=value"; NULL: none */
	ScriptTrust trust;            /* of the scripts under test */
} SuiteOptions;

/* Why a test failed. */
typedef struct {
	unsigned line;
	char *reason;
	/* char *: what was compared before, what scripts and deliveries complained about */
	GPtrArray *story;
} SuiteFailure;

typedef struct {
	char *name;
	unsigned line;
	GPtrArray *failures; /* SuiteFailure; none: it is good */
} SuiteTest;

/* Who hears of it while it runs. */
typedef struct {
	void (*test)(void *user, const SuiteTest *test);
	void (*say)(void *user, unsigned line, const char *text);
	void *user;
} SuiteListener;

/*
 * Run the suite at `path`. False: it did not run to its end: `problems` (Problem) has what is wrong
 * with it, else `st`. That a test failed is for the listener, and no fault.
 */
bool suite_run(const char *path, const SuiteOptions *options, const SuiteListener *listener,
               GPtrArray *problems, Status *st);

#endif
