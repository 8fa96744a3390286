/* SPDX-License-Identifier: MIT */
/*
 * recipe-formail: the commonest calls of formail, done here instead of by a program: -x Field: over
 * a mail, and -A -a -I -i "Field: value" over a header; and -D MAX CACHE. Only calls of exactly
 * this form, over headers in which every line is a field; for anything else the program runs.
 * tests/diff/formail-diff holds it against the real one.
 */
#ifndef TODOKE_RECIPE_FORMAIL_H
#define TODOKE_RECIPE_FORMAIL_H

#include <glib.h>
#include <stdbool.h>

/* Does a call of this program (NULL: none) run the system's formail, if PATH leads to it? */
bool recipe_formail_is(const char *program);

/*
 * Would formail, called with `argv` (the name first, NULL last), write *ret_output for `input`?
 * False: nobody knows but formail.
 */
bool recipe_formail(const char *const *argv, const GString *input, GString **ret_output);

/* What formail -D asks. */
typedef struct {
	size_t max;
	const char *cache; /* the file, as the call names it; borrowed from `argv` */
	char *id;
} RecipeFormailId;

/*
 * Is this call a formail -D alone, over a mail with a Message-ID? Then it prints nothing, and
 * ends with exit code 0 if the id is known, 1 if not. Caller frees ret_id->id.
 */
bool recipe_formail_id(const char *const *argv, const GString *input, RecipeFormailId *ret_id);

/* Is it a call with -D of a mail without a Message-ID? Then formail ends with 1: never seen. */
bool recipe_formail_lacks_id(const char *const *argv, const GString *input);

#endif
