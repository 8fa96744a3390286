/* SPDX-License-Identifier: MIT */
/*
 * sieve-testsuite: what the words of vnd.dovecot.testsuite ask of whoever runs a suite
 * (agent/suite/suite.c): a message that can be changed, scripts to compile and run, a place where
 * results are executed.
 *
 * The suite owns the FilterInput that it runs with. Where a call below changes it (take_message,
 * set), the extension makes its run go on with that.
 */
#ifndef TODOKE_SIEVE_TESTSUITE_H
#define TODOKE_SIEVE_TESTSUITE_H

#include "filters/filter.h"

/* The state of the run that asks: header and body as rules have edited them so far. Borrowed. */
typedef struct {
	Headers *headers;
	Message *message;
} SieveTestsuiteView;

struct SieveTestsuite {
	/*
	 * A test begins, has something to complain about, ends. Outside of tests a complaint is one
	 * about the whole file.
	 */
	void (*begin)(FilterEnv *env, const char *name, unsigned line);
	void (*fail)(FilterEnv *env, unsigned line, const char *reason);
	void (*end)(FilterEnv *env);

	/* Something to show to people, and where it was said. */
	void (*say)(FilterEnv *env, unsigned line, const char *text);

	/*
	 * "message", "envelope.from" ... ; `value` may hold anything. False: `st` says what is
	 * wrong with it.
	 */
	bool (*set)(FilterEnv *env, const char *object, const char *value, size_t len, Status *st);

	/*
	 * A setting of todoke.conf, or the name that Dovecot has for it; NULL value: as it was
	 * before the suite.
	 */
	bool (*configure)(FilterEnv *env, unsigned line, const char *setting, const char *value,
	                  Status *st);

	/*
	 * Compile a script whose path is relative to the suite; the next `run` takes it. What is
	 * wrong with it goes to `errors`.
	 */
	bool (*compile)(FilterEnv *env, const char *path);
	/* Run it, its actions into the plan as it is. */
	bool (*run)(FilterEnv *env, const SieveTestsuiteView *view);

	/* What the last compile, run or execute had to complain about: char *. Borrowed. */
	const GPtrArray *(*errors)(FilterEnv *env);
	void (*clear_errors)(FilterEnv *env);

	/*
	 * Throw the result away; the plan that is filled from now on. Borrowed until the next
	 * reset.
	 */
	Plan *(*reset)(FilterEnv *env);
	/* Carry out what the plan has, the implicit keep too. */
	bool (*execute)(FilterEnv *env, const SieveTestsuiteView *view);

	/*
	 * Make a message that was stored in `folder` (NULL: one that was sent) the input; `n`
	 * counts from 0. False: there is none.
	 */
	bool (*take_message)(FilterEnv *env, const char *folder, guint64 n);

	bool (*make_mailbox)(FilterEnv *env, const char *name, Status *st);
	bool (*remove_mailbox)(FilterEnv *env, const char *name, Status *st);

	/* The folder that paths are relative to. */
	const char *(*folder)(FilterEnv *env);
};

#endif
