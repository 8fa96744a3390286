/* SPDX-License-Identifier: MIT */
/*
 * filter-recipes: what recipes ask the agent for besides the services of filter.h: programs, locks
 * and files of the owner, with the owner's rights.
 */
#ifndef TODOKE_FILTER_RECIPES_H
#define TODOKE_FILTER_RECIPES_H

#include "filters/filter.h"

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

/* As in FilterServices, every service may be NULL: then the answer is "no" or nothing. */
struct FilterRecipes {
	/*
	 * Run a program of the owner's recipes to its end. False: it could not run, took too long
	 * or said too much.
	 */
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
	 * For whoever turns paths into names: the name by which rules mean the folder at this
	 * absolute path; NULL: none does. Caller frees.
	 */
	char *(*mailbox_at)(FilterEnv *env, const char *path);
};

#endif
