/* recipe-action: what a recipe does once its conditions hold: an entry of the plan, or a program that is run now. */
#ifndef TODOKE_RECIPE_ACTION_H
#define TODOKE_RECIPE_ACTION_H

#include "filters/recipe/run/recipe-run.h"

/* The first line of a recipe, expanded. */
typedef struct {
	bool case_counts;  /* D */
	bool also;         /* A */
	bool also_success; /* a */
	bool otherwise;    /* E */
	bool on_failure;   /* e */
	bool filters;      /* f */
	bool copies;       /* c */
	bool waits;        /* w, W */
	bool ignores_write_errors; /* i */
	bool raw;          /* r */
	RecipeParts area;  /* H, B */
	RecipeParts feeds; /* h, b */
	bool locks;
	char *lock;        /* NULL: by the folder's name */
	char unknown;      /* the first character that is no flag; procmail reads no further. 0: none */
} RecipeFlags;

/* Read flags and lockfile. */
void recipe_flags_parse(RecipeFlags *flags, const char *start);
void recipe_flags_clear(RecipeFlags *flags);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RecipeFlags, recipe_flags_clear)

/*
 * Do it. *ret_succeeded: as far as can be known now. A recipe that delivers ends the run, unless it copies. False: a fault of the run
 * itself (STATUS_CONFLICT of the plan, STATUS_IO).
 */
bool recipe_action_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded, Status *st);

/* Store the mail where DEFAULT says, or leave it to the implicit keep. */
bool recipe_action_default(RecipeRun *run, Status *st);

#endif
