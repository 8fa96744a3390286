/*
 * recipe-formail: the commonest calls of formail, done here instead of by a program: -x Field: over a mail, and -A -a
 * -I -i "Field: value" over a header. Only calls of exactly this form, over headers in which every line is a field;
 * for anything else the program runs. tests/diff/formail-diff holds it against the real one.
 */
#ifndef TODOKE_RECIPE_FORMAIL_H
#define TODOKE_RECIPE_FORMAIL_H

#include <glib.h>
#include <stdbool.h>

/*
 * Would formail, called with `argv` (the name first, NULL last), write *ret_output for `input`? False: nobody knows
 * but formail.
 */
bool recipe_formail(const char *const *argv, const GString *input, GString **ret_output);

#endif
