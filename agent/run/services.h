/* SPDX-License-Identifier: MIT */
/*
 * services: what surrounds a script: the services of FilterEnv as this site and this account have
 * them, or, for `try`, as the person at the terminal describes them.
 */
#ifndef TODOKE_SERVICES_H
#define TODOKE_SERVICES_H

#include "agent/store/maildir.h"
#include "agent/state/state.h"
#include "agent/message/envelope.h"
#include "agent/run/account.h"
#include "agent/run/recipes.h"
#include "agent/run/script-compile-set.h"
#include "agent/run/site.h"
#include "filters/filter-recipes.h"

/* Takes one line of the scripts' trace. */
typedef void (*ServicesTrace)(void *user, TraceLevel level, const char *file, unsigned line,
                              const char *text);

/* What `try` describes differently. All is borrowed and may be NULL: as the site has it. */
typedef struct {
	const char *const *mailboxes; /* "NAME" or "NAME:\Special": these exist, and no others */
	const char *personal;         /* folders for include */
	const char *global;
	const char *const *lists; /* "NAME=FILE" */
	int trace_level;          /* a TraceLevel; -1: none */
	ServicesTrace trace;
	void *trace_user;
	/* there is a log besides the trace, for the notes of recipes */
	bool is_delivered;
} ServicesDescription;

/*
 * What only a real delivery has: its rules may run programs, and what they see is remembered. All
 * is borrowed.
 */
typedef struct {
	StateOnce *state;
	GPtrArray *notes; /* char *: what went wrong with it */
	/*
	 * Dotlock: lock files that recipes hold until the mail is delivered; it releases them.
	 * NULL: none
	 */
	GPtrArray *locks;
	/* IdCacheEntry: what formail -D of recipes remembers once the mail is delivered */
	GPtrArray *ids;
	/*
	 * arrival_key of the message, where only a retry can have the same; NULL: nothing tells a
	 * retry apart
	 */
	const char *arrival;
	bool no_programs; /* it is a rehearsal: only remember */
} ServicesLive;

typedef struct Services Services;

/*
 * Services for a message to `account` at the time `now`. `inbox` tells which mailboxes exist (NULL:
 * not known); `description` may be NULL. Without `live` no program runs and nothing was seen
 * before. All is borrowed; caller frees with services_free.
 */
Services *
services_new(const Site *site, const Account *account, const Envelope *envelope, Maildir *inbox,
             gint64 now, const ServicesDescription *description, const ServicesLive *live);
void services_free(Services *services);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Services, services_free)

/*
 * Set the variables and files that the caller of the program wants for recipes; borrowed. Without
 * it the account's apply.
 */
void services_set_recipes(Services *services, const RecipeCall *call);

/* In a real delivery: whether notes of recipes go to the log from now on. */
void services_hear_recipes(Services *services, bool hears);

/* What services_new got as `live`; NULL: it is not a real delivery. Borrowed. */
const ServicesLive *services_live(const Services *services);

/*
 * Scripts that are included from now on are added to `record` (NULL: none is kept), or taken from
 * `only` (NULL: read from the disk). Borrowed until the next call.
 */
void services_include(Services *services, ScriptSet *record, const ScriptSet *only);

/*
 * What the first script of `set` (borrowed until the end) uses of the processor is watched until
 * services_end_time, which counts it.
 */
void services_begin_time(Services *services, const ScriptSet *set);
void services_end_time(Services *services);

/* If a passing fault kept an included script from being read, replace `fault` by that one. */
void services_blame(Services *services, Status *fault);

/* The environment to give to an engine; lives as long as the services. */
FilterEnv *services_env(Services *services);

#endif
