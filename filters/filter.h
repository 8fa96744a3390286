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

/*
 * A program of the owner's own recipes: it is no item of an allow-list, but runs as the owner, with
 * the agent's limits. What it says to stderr belongs in the log.
 */
typedef struct {
	/* the first is searched for in the PATH of `environment`; NULL ends it */
	const char *const *argv;
	const char *const *environment; /* "NAME=value"; NULL ends it */
	const char *directory;          /* "": where the agent is */
	const char *input;
	size_t input_len;
	size_t output_limit;
	const char *lock; /* lock file to hold while it runs; NULL: none */
} FilterCommandCall;

/* What formail -D asks: is `id` in the cache file at `path`, of `max` octets? */
typedef struct {
	const char *path;
	size_t max;
	const char *id;
	const char *lock; /* lock file that guards it; NULL: none */
} FilterIdCall;

typedef enum { PATH_UNKNOWN, PATH_MISSING, PATH_FILE, PATH_DIRECTORY, PATH_OTHER } PathAnswer;

typedef struct FilterEnv FilterEnv;
typedef struct SieveTestsuite SieveTestsuite; /* filters/sieve/run/sieve-testsuite.h */

/*
 * Every service may be NULL: then the answer is "no", "not there" or nothing. `env` is the one that
 * was passed to the engine.
 */
typedef struct {
	/* Another script, for include. Caller frees. False: STATUS_MISSING, or what hindered. */
	bool (*open_script)(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file,
	                    char **ret_text, size_t *ret_len, Status *st);

	MailboxAnswer (*mailbox_exists)(FilterEnv *env, const char *mailbox);
	/* The mailbox with this id (RFC 8474); NULL: none is known. Caller frees. */
	char *(*mailbox_by_id)(FilterEnv *env, const char *id);
	/*
	 * The value of an annotation (RFC 5464) of a mailbox, NULL: of the server. NULL: there is
	 * none. Caller frees.
	 */
	char *(*metadata)(FilterEnv *env, const char *mailbox, const char *annotation);
	/*
	 * For who turns paths into names: the name by which rules mean the folder at this absolute
	 * path; NULL: none does. Caller frees.
	 */
	char *(*mailbox_at)(FilterEnv *env, const char *path);
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

	/* Run a program of the owner's recipes to its end, in the same way. */
	bool (*run_command)(FilterEnv *env, const FilterCommandCall *call,
	                    FilterProgramResult *ret_result, Status *st);

	/*
	 * Where no program runs (run_command is NULL): would this one be found? NULL: yes.
	 */
	bool (*command_exists)(FilterEnv *env, const FilterCommandCall *call);

	/*
	 * Hold the lock file `path` (relative to the owner's home) until it is dropped or the mail
	 * is delivered; `timeout` is LOCKTIMEOUT, "": the site's. NULL: STATUS_LOCKED (others hold
	 * it for too long), or what hindered. The result is good for drop_lock only.
	 */
	void *(*take_lock)(FilterEnv *env, const char *path, const char *timeout, Status *st);
	void (*drop_lock)(FilterEnv *env, void *lock);

	/*
	 * Has formail seen an id? It is added when the delivery has succeeded. False: only formail
	 * can say, as its file is none that can be read and written.
	 */
	bool (*id_seen)(FilterEnv *env, const FilterIdCall *call, bool *ret_seen);

	/*
	 * Does mail for this address come back to the owner, by aliases? The way it goes; NULL: no,
	 * or nobody knows. Asked where a script is checked. Caller frees.
	 */
	char *(*way_home)(FilterEnv *env, const char *address);

	/* Could this program of the site be run? NULL: yes; else why not. Caller frees. */
	char *(*program_warning)(FilterEnv *env, const char *name);

	/* What is there, seen with the owner's rights? */
	PathAnswer (*path_kind)(FilterEnv *env, const char *path);

	/*
	 * Could a store go to this path now? Asked so that recipes can fall through to the next
	 * one; NULL: yes.
	 */
	bool (*can_store)(FilterEnv *env, const char *path);

	/*
	 * The name that a file will have in a Maildir or, with `prefix`, in a plain directory, if
	 * the plan asks for it (PlanStore). NULL: nobody knows before it is stored. Caller frees.
	 */
	char *(*file_name)(FilterEnv *env, const char *prefix);

	/* Append to a log of the owner's ("" where none is named). */
	void (*write_log)(FilterEnv *env, const char *path, const char *text, size_t len);

	/* Print for the person who runs us; false: there is none. */
	bool (*write_output)(FilterEnv *env, const char *text, size_t len);

	/*
	 * A variable or argument that recipes start with: "HOME", "DEFAULT", "1"; NULL: not set.
	 * "INBOX" is the path by which DEFAULT means the mailbox of the implicit keep: mail that
	 * ends there stays with the plan, for other scripts and for the keep. "FROM_" is set where
	 * a From_ line is made for mail that has none, "BY_HAND_" where a person reads the answer,
	 * "FILTER_" where there is no mailbox to fall back to.
	 */
	const char *(*recipe_variable)(FilterEnv *env, const char *name);

	/*
	 * The file that is read where `file` turns out to be for another host; NULL: none. Borrowed
	 * until the next call.
	 */
	const char *(*next_recipes)(FilterEnv *env, const char *file);

	/*
	 * Recipes that run before the file in the same run: assignments of a command line, the
	 * site's own; NULL: none. Borrowed.
	 */
	const char *(*recipe_prelude)(FilterEnv *env);

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
	 * Something that the log of this delivery shall say, and no fault: the native engine serves
	 * instead of another.
	 */
	void (*note)(FilterEnv *env, const char *text);

	/* One line of the story that `try` tells. Called only for levels up to env->trace_level. */
	void (*trace)(FilterEnv *env, TraceLevel level, const char *file, unsigned line,
	              const char *text);

	/* The world of `todoke test`: its scripts may require vnd.dovecot.testsuite. */
	const SieveTestsuite *testsuite;
} FilterServices;

struct FilterEnv {
	const FilterServices *services;
	const Conf *conf; /* the settings for this recipient; never NULL */
	void *user;       /* of who provides the services */
	gint64 now;       /* seconds since 1970 */
	int trace_level;  /* -1: none */
	bool unwatched;   /* it is a delivery: nobody reads warnings */
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

/* Services with their default answers. */
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

/* Engines by number, for lists; NULL behind the last. */
const Filter *filter_nth(size_t i);

#endif
