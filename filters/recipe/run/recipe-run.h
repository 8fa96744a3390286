/* SPDX-License-Identifier: MIT */
/*
 * recipe-run: walks the tree of an rc file for one mail. A run is a stack of blocks and files, the
 * variables, the mail, and what the last recipes came to; a block with `c` copies all of that and
 * goes on with both.
 */
#ifndef TODOKE_RECIPE_RUN_H
#define TODOKE_RECIPE_RUN_H

#include "filters/filter-recipes.h"
#include "filters/recipe/lang/recipe-ast.h"
#include "filters/recipe/run/recipe-mail.h"
#include "filters/recipe/run/recipe-vars.h"

/* What recipes with A, a, E and e ask for. */
typedef struct {
	bool matched;       /* the last recipe, or one of its chain of E */
	bool chain_matched; /* the last recipe without A or a */
	bool succeeded;     /* the action that was tried last */
} RecipeChain;

typedef struct {
	const GPtrArray *nodes;
	guint next;
	const char *file; /* set where a file begins; NULL: a block */
	/* whose block it is, and whose conditions held; NULL: it is a file */
	const RecipeNode *of;
	RecipeChain before; /* what a block's end restores */
} RecipeFrame;

typedef struct {
	RecipeVars *vars;
	RecipeMail *mail;
	char *edited_at; /* which recipes filtered its header, as in PlanAction; NULL: none */
	GArray *frames;  /* RecipeFrame */
	/* where paths begin: MAILDIR, made absolute where it can be; "": not known */
	char *folder;
	char *first;     /* the file that the rest was included from */
	GPtrArray *args; /* char *: $1 and on */
	RecipeChain chain;
	gint64 score;      /* $= */
	int exit_code;     /* $? */
	bool is_maildir;   /* LASTFOLDER is in a Maildir */
	bool is_directory; /* in another directory */
	/* LASTFOLDER names a file that is there when the plan is carried out, not before */
	bool is_pending;
	/* what the mail system is told where the mail could not be stored; 0: it could */
	int failed_code;
	void *lock;          /* LOCKFILE, while it is held; NULL: none */
	size_t lock_actions; /* how many the plan had when it was taken */
	bool ended;          /* delivered, or told to stop */
	bool delivered;
	bool is_clone; /* of a block with c: what others do is not its business */
	bool keeps;    /* the mail has its place: a recipe's, or the implicit keep */
} RecipeState;

typedef struct {
	const FilterInput *input;
	FilterEnv *env;
	Plan *plan;
	const char *file;
	RecipeState *state;
	GPtrArray *files; /* trees of included files, and their names, until the run ends */
	GPtrArray *names;
	bool strict;    /* the setting recipe_compat: as procmail, where that loses no mail */
	PlanMark start; /* of the plan */
	/* the mail was read whole; else nothing but a store of it as it came is possible */
	bool has_body;
	/* a LOCKFILE is held by others: nothing is done, the mail comes again */
	bool put_off;
	unsigned clones;
	unsigned tried;
	guint64 work;    /* of searches, since may_go_on was asked */
	Status overtime; /* set: all time is used up, and nothing goes on */
} RecipeRun;

/* Run `nodes` of `file` to the end. Faults as those of Filter.run. */
bool recipe_run(const GPtrArray *nodes, const char *file, const FilterInput *input, FilterEnv *env,
                Plan *plan, Status *st);

/*
 * SENDMAIL as recipes find it: what it stands for is how this host sends mail (the setting submit).
 */
#define RECIPE_SENDMAIL "/usr/sbin/sendmail"

/* PATH of the site's recipes; the owner's has a folder of the owner's before it. */
#define RECIPE_SITE_PATH "/usr/local/bin:/usr/bin:/bin"

/* The file that is being read, as $_ names it. */
const char *recipe_run_file(const RecipeRun *run);

/*
 * Give a variable the value that a program printed, with all that an assignment does. False: a
 * fault of the run.
 */
bool recipe_run_take_value(RecipeRun *run, const char *name, const char *value, unsigned line,
                           Status *st);

/* A search has cost so much. False: all time is used up (run->overtime). */
bool recipe_run_spend(RecipeRun *run, guint64 work);

/* A path as the rules write it, relative to MAILDIR. Caller frees. */
char *recipe_run_path(const RecipeRun *run, const char *path);

/* A line of the story: what procmail would have said in its log, or where we differ. */
#define recipe_run_note(run, line, ...) \
	filter_trace((run)->env, TRACE_ACTIONS, recipe_run_file(run), line, __VA_ARGS__)

#endif
