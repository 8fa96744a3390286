/* SPDX-License-Identifier: MIT */
/*
 * sieve-world: a FilterEnv made of a file, for cases, fuzzing and the differential runner.
 *
 * The file `envelope` of a case has lines "key: value"; empty lines and lines that begin with # are
 * skipped:
 *
 * - from, to, orig, auth, envid, ret, notify, orcpt, client, helo: parts of the envelope ("from: "
 *   is the null sender)
 * - user: login name
 * - address: an own address (more than one)
 * - delimiters: +
 * - trust: site
 * - now: seconds since 1970
 * - utc-offset: minutes east
 * - mailbox: NAME [\Use]...: a mailbox that exists; without any line nobody knows what exists
 * - mailboxid: ID=NAME
 * - metadata: MAILBOX|ANNOTATION=VALUE (of the server: nothing before the bar)
 * - set: NAME=VALUE: a setting of todoke.conf, as behind -o
 * - environment: NAME=VALUE
 * - list: NAME=VALUE: an item of an external list (more than one)
 * - seen: KEY: what `duplicate` has seen
 * - program: NAME EXIT TEXT: a program that a rule may run; TEXT "-" is its input
 * - trace: 0..3: print the trace, too
 *
 * personal/NAME.sieve and global/NAME.sieve beside it are what include finds.
 */
#ifndef TODOKE_SIEVE_WORLD_H
#define TODOKE_SIEVE_WORLD_H

#include "conf/conf.h"
#include "filters/filter.h"

typedef struct {
	FilterEnv env;     /* env.user is the world */
	FilterInput input; /* without message and headers */
	Envelope *envelope;
	int utc_offset;
	ScriptTrust trust;
	Conf *conf;
	char *folder;
	GPtrArray *overrides; /* "name=value" */
	GPtrArray *mailboxes; /* "NAME \Use ..." */
	GPtrArray *seen;
	GPtrArray *programs;
	GPtrArray *lists;
	GHashTable *environment;
	GHashTable *ids;      /* id -> mailbox */
	GHashTable *metadata; /* "MAILBOX|ANNOTATION" -> value */
	GString *trace;
} SieveWorld;

/*
 * From the lines of `text`; `folder` is where include looks (NULL: nowhere). NULL: a line is wrong,
 * said on stderr.
 */
SieveWorld *sieve_world_new(const char *text, const char *folder);
void sieve_world_free(SieveWorld *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SieveWorld, sieve_world_free)

/*
 * Compile and run: what `expect` holds. Problems as "line:column: error: code: text (hint)"; the
 * plan as one line an action "LINE: action key=value ..."; a run-time fault as "fault: row: detail"
 * and the plan that is left. *ret_plan (may be NULL) is the plan. Caller frees.
 */
char *sieve_world_outcome(SieveWorld *world, const FilterSource *source, Message *message,
                          Plan **ret_plan);

#endif
