/* SPDX-License-Identifier: MIT */
/*
 * filter: what the agent and its engines know of each other.
 *
 * An engine turns the source of a script into a program and runs it over one message for one
 * recipient. It decides and records in the plan; it never writes a file, starts a program or opens
 * a socket. Where its language needs a fact or a result at once, it asks a service of FilterEnv,
 * which the agent (or a test, or `try`) provides.
 */
#ifndef TODOKE_FILTER_H
#define TODOKE_FILTER_H

#include "agent/base/problem.h"
#include "agent/base/status.h"
#include "agent/message/envelope.h"
#include "agent/message/message.h"
#include "agent/plan/plan.h"
#include "conf/conf.h"

/* Who put the script there: decides what it may require and whether it may run programs. */
typedef enum { SCRIPT_SITE, SCRIPT_OWNER } ScriptTrust;

/* The text of a script. Owned by whoever made it; engines copy what they keep. */
typedef struct {
	const char *file; /* as messages name it: "main.sieve", a path */
	const char *text;
	size_t len;
	ScriptTrust trust;
} FilterSource;

/* What the engine looks at. Borrowed for the run. */
typedef struct {
	Message *message; /* its body is stored: message_body() works */
	Headers *headers; /* the header after the header rules */
	const Envelope *envelope;
	const char *user; /* login name, or the address of a virtual user */
	/* char *: the owner's own addresses; the first is the one to speak as */
	GPtrArray *addresses;
	const char *delimiters; /* recipient delimiters, "+"; "" none (RFC 5233) */
	/* char *: those that the message has already, where it lies in a mailbox; NULL: none */
	GPtrArray *flags;
} FilterInput;

typedef enum { TRACE_ACTIONS, TRACE_COMMANDS, TRACE_TESTS, TRACE_MATCHING } TraceLevel;

/* PLACE_PATH: the name is a path, as the owner's recipes write it; read with the owner's rights. */
typedef enum { PLACE_PERSONAL, PLACE_GLOBAL, PLACE_PATH } ScriptPlace;

typedef enum { MAILBOX_EXISTS, MAILBOX_MISSING, MAILBOX_UNKNOWN } MailboxAnswer;

/*
 * A program that a rule runs now, because it needs the result: filter, execute (vnd.dovecot.*), and
 * recipes' filters.
 */
typedef struct {
	const char *name;
	const char *const *argv; /* without the name; NULL ends it */
	Message *input;          /* NULL: no input, or `input_text` */
	Headers *input_headers;
	const char *input_text;
	size_t output_limit;
} FilterProgramCall;

typedef struct {
	int exit_code; /* of a program of recipes: -N where signal N killed it */
	GBytes *output;
	bool unread; /* it did not take all of its input */
	/*
	 * how it ended badly, with the first lines of its standard error; NULL: well, or nobody
	 * says
	 */
	char *end;
} FilterProgramResult;

typedef struct FilterEnv FilterEnv;
typedef struct FilterRecipes FilterRecipes;   /* filter-recipes.h */
typedef struct SieveTestsuite SieveTestsuite; /* sieve-testsuite.h */

/*
 * Every service may be NULL: then the answer is "no", "not there" or nothing. `env` is the one that
 * was passed to the engine.
 */
typedef struct {
	/* Another script, for include. Caller frees. False: STATUS_MISSING, or what hindered. */
	bool (*open_script)(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file,
	                    char **ret_text, size_t *ret_len, Status *st);

	MailboxAnswer (*mailbox_exists)(FilterEnv *env, const char *mailbox);
	/*
	 * The mailbox with this id (RFC 8474); NULL: none is known, or, with a fault, a folder
	 * could not be looked at. Caller frees.
	 */
	char *(*mailbox_by_id)(FilterEnv *env, const char *id, Status *st);
	/*
	 * The value of an annotation (RFC 5464) of a mailbox, NULL: of the server. NULL: there is
	 * none. Caller frees.
	 */
	char *(*metadata)(FilterEnv *env, const char *mailbox, const char *annotation);
	/*
	 * What is odd about where mail for this mailbox would lie, for a warning. NULL: nothing, or
	 * nobody knows. Caller frees.
	 */
	char *(*mailbox_warning)(FilterEnv *env, const char *mailbox);
	/*
	 * The mailbox that has this special use ("\\Junk") and exists: `named` (may be NULL) before
	 * others. NULL: none is known. Caller frees.
	 */
	char *(*special_use_mailbox)(FilterEnv *env, const char *special_use, const char *named);

	/*
	 * Has `key` been seen within `seconds`? It is noted as seen when the delivery has
	 * succeeded; `last` restarts the clock (RFC 7352).
	 */
	bool (*duplicate)(FilterEnv *env, const char *key, gint64 seconds, bool last);

	/*
	 * Is `value` an item of the list (RFC 6134)? False with a fault: the list cannot be read.
	 */
	bool (*list_contains)(FilterEnv *env, const char *list, const char *value, Status *st);
	bool (*list_is_known)(FilterEnv *env, const char *list);
	/*
	 * Append the items of the list (char *) to `members`, which frees them; no more than `max`,
	 * more is a fault (STATUS_LIMIT).
	 */
	bool (*list_members)(FilterEnv *env, const char *list, size_t max, GPtrArray *members,
	                     Status *st);

	/*
	 * Run a program of the site's allow-list to its end. False: it could not run, took too long
	 * or said too much.
	 */
	bool (*run_program)(FilterEnv *env, const FilterProgramCall *call,
	                    FilterProgramResult *ret_result, Status *st);

	/*
	 * Does mail for this address come back to the owner, by aliases? The way it goes; NULL: no,
	 * or nobody knows. Asked where a script is checked. Caller frees.
	 */
	char *(*way_home)(FilterEnv *env, const char *address);

	/* Could this program of the site be run? NULL: yes; else why not. Caller frees. */
	char *(*program_warning)(FilterEnv *env, const char *name);

	/*
	 * An item of the environment test (RFC 5183) beyond what the envelope says: "domain",
	 * "host", "name", "version" ... or NULL.
	 */
	const char *(*environment)(FilterEnv *env, const char *item);

	/*
	 * Minutes east of UTC at env->now. Asked only for a date that is wanted: the zone's file is
	 * read for it.
	 */
	int (*utc_offset)(FilterEnv *env);

	/*
	 * May a script that has worked for long go on? False: STATUS_LIMIT, it has used up its
	 * time. `work` is what it did since it began, or was asked last.
	 */
	bool (*may_go_on)(FilterEnv *env, guint64 work, Status *st);

	/*
	 * Something that the log of this delivery shall say, and no fault: the native engine serves
	 * instead of another.
	 */
	void (*note)(FilterEnv *env, const char *text);

	/* One line of the story that `try` tells. Called only for levels up to env->trace_level. */
	void (*trace)(FilterEnv *env, TraceLevel level, const char *file, unsigned line,
	              const char *text);
} FilterServices;

struct FilterEnv {
	const FilterServices *services;
	const FilterRecipes *recipes;    /* what recipes alone ask for; NULL: no recipes run */
	const SieveTestsuite *testsuite; /* of `todoke test`; NULL: it is none */
	const Conf *conf;                /* the settings for this recipient; never NULL */
	void *user;                      /* of who provides the services */
	gint64 now;                      /* seconds since 1970 */
	int trace_level;                 /* -1: none */
	bool unwatched;                  /* it is a delivery: nobody reads warnings */
};

/* Trace in printf's manner; costs nothing when nobody listens. */
#define filter_trace(env, level, file, line, ...) \
	do { \
		if ((int) (level) <= (env)->trace_level) \
			filter_trace_text(env, level, file, line, __VA_ARGS__); \
	} while (0)
void filter_trace_text(FilterEnv *env, TraceLevel level, const char *file, unsigned line,
                       const char *format, ...) G_GNUC_PRINTF(5, 6);

/* A note for the log about a place in a script; `try` tells it too. */
void filter_note(FilterEnv *env, const char *file, unsigned line, const char *text);

/*
 * Work, in octets that were looked at or steps of a search, after which an engine asks may_go_on:
 * some ten milliseconds.
 */
#define FILTER_WORK_BEFORE_ASKING 20000000u

/* Services with their default answers. */
bool filter_may_go_on(FilterEnv *env, guint64 work, Status *st);
int filter_utc_offset(FilterEnv *env);

/* A script that was parsed and checked; what is in it is the engine's business. */
typedef struct FilterProgram FilterProgram;

typedef struct Filter {
	const char *name; /* "sieve" */

	/*
	 * Parse and check. All errors and warnings are appended to `problems`; NULL: there was an
	 * error. The program holds nothing of `source`.
	 */
	FilterProgram *(*compile)(const FilterSource *source, FilterEnv *env, GPtrArray *problems);

	/*
	 * Run over a message and fill the plan. False: a run-time error or a limit, described in
	 * `st` (STATUS_SCRIPT, STATUS_LIMIT, STATUS_CONFLICT ...); then the caller drops what this
	 * run put into the plan. Whether later scripts run says plan_keeps_implicitly().
	 */
	bool (*run)(FilterProgram *program, const FilterInput *input, FilterEnv *env, Plan *plan,
	            Status *st);

	void (*free)(FilterProgram *program);
} Filter;

/* The engine of that name, or NULL. */
const Filter *filter_find(const char *name);

/* The engine for Sieve scripts of `user`, as the settings sieve_engine_of and sieve_engine say. */
const Filter *filter_for_sieve(FilterEnv *env, const char *user);

#endif
