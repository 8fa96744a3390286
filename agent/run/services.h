/*
 * services: what surrounds a script: the services of FilterEnv as this site and this account have them, or, for `try`, as
 * the person at the terminal describes them.
 */
#ifndef TODOKE_WORLD_H
#define TODOKE_WORLD_H

#include "agent/store/maildir.h"
#include "agent/state/state.h"
#include "agent/message/envelope.h"
#include "agent/run/account.h"
#include "agent/run/recipes.h"
#include "agent/run/script-compile-set.h"
#include "agent/run/site.h"
#include "filters/filter.h"

/* A line of the story of the scripts. */
typedef void (*WorldTrace)(void *user, TraceLevel level, const char *file, unsigned line,
                           const char *text);

/* What `try` describes otherwise. Everything is borrowed and may be NULL: as the site has it. */
typedef struct {
	const char *const *mailboxes;  /* "NAME" or "NAME:\Special": these exist, and no others */
	const char *personal;          /* folders for include */
	const char *global;
	const char *const *lists;      /* "NAME=FILE" */
	int trace_level;               /* a TraceLevel; -1: none */
	WorldTrace trace;
	void *trace_user;
	bool is_delivered;             /* beside a trace there is a log, where recipes note what they have to say */
} WorldDescription;

/* What only a real delivery has: its rules may run programs, and what they see is remembered. Borrowed. */
typedef struct {
	StateOnce *state;
	GPtrArray *notes;  /* char *: what went wrong with it */
	GPtrArray *locks;  /* Dotlock: lock files that recipes hold until the mail is delivered; it releases them. NULL: none */
	GPtrArray *ids;    /* IdCacheEntry: what formail -D of recipes remembers once the mail is delivered */
	const char *arrival; /* arrival_key of the message, where only a retry can have the same; NULL: nothing tells a retry apart */
	bool no_programs;  /* it is a rehearsal: only remember */
} WorldLive;

typedef struct World World;

/*
 * The world of a message for `account` at the time `now`. `inbox` (may be NULL: nobody looks) answers which mailboxes
 * there are; `description` may be NULL. `live` is NULL for whoever only looks: then no program runs and nothing was seen
 * before. All is borrowed.
 */
World *world_new(const Site *site, const Account *account, const Envelope *envelope, Maildir *inbox, gint64 now,
                 const WorldDescription *description, const WorldLive *live);
void world_free(World *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* What recipes find set by whoever called us; borrowed. Without it they find what the account says. */
void world_set_recipes(World *world, const RecipeCall *call);

/* In a real delivery: note what recipes have to say of themselves, or no more. */
void world_hear_recipes(World *world, bool hears);

/* What is real about this delivery; NULL: somebody only looks. Borrowed. */
const WorldLive *world_live(const World *world);

/*
 * Scripts that are included from now on are added to `record` (NULL: not), or taken from `only` (NULL: from where they lie).
 * Borrowed until the next call.
 */
void world_include(World *world, ScriptSet *record, const ScriptSet *only);

/* Was it a script to include that could not be had, by a fault that passes? Then `fault` becomes that one. */
void world_blame(World *world, Status *fault);

/* The environment to give to an engine; lives as long as the world. */
FilterEnv *world_env(World *world);

#endif
