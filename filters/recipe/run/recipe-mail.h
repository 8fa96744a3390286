/* SPDX-License-Identifier: MIT */
/*
 * recipe-mail: the mail as recipes see it: a header with the From_ line that came with it and the
 * empty line, and a body. Filters make new ones; none is ever changed, so copies of a run share
 * them.
 */
#ifndef TODOKE_RECIPE_MAIL_H
#define TODOKE_RECIPE_MAIL_H

#include "filters/filter-recipes.h"
#include "filters/recipe/lang/recipe-ast.h"
#include "filters/recipe/pattern/recipe-literal.h"

typedef struct RecipeMail RecipeMail;

/* The mail of `input`. Faults: STATUS_LIMIT, STATUS_IO. */
RecipeMail *recipe_mail_read(const FilterInput *input, FilterEnv *env, Status *st);

/*
 * Only the header of `input`, for a mail that is too big to be read whole: it can be stored where
 * it came from (recipe_mail_is_original), but not be handed to a program. Caller frees.
 */
RecipeMail *recipe_mail_read_header(const FilterInput *input, FilterEnv *env);

RecipeMail *recipe_mail_ref(RecipeMail *mail);
void recipe_mail_unref(RecipeMail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecipeMail, recipe_mail_unref)

/*
 * The From_ line that an mbox gets where the mail has none of its own, which nobody else sees;
 * NULL: it has one. Borrowed.
 */
const char *recipe_mail_made_from(const RecipeMail *mail);

/* Is it the message as it came? */
bool recipe_mail_is_original(const RecipeMail *mail);

size_t recipe_mail_size(const RecipeMail *mail);

/* What expressions search: the header unfolded, the body as it is. Borrowed. */
const char *recipe_mail_area(RecipeMail *mail, RecipeParts parts, size_t *ret_len);

/* Is the literal certainly not there? Of a text over LIMIT_RECIPE_PREPARED_BYTES nobody knows. */
bool recipe_mail_lacks(RecipeMail *mail, RecipeParts parts, const RecipeLiteral *literal);

/*
 * DECODE=yes: the same, and behind it the texts of the body with encodings and charsets undone,
 * where that changes anything. NULL: they cannot be read (STATUS_CONFIG, STATUS_IO). Borrowed.
 */
const char *
recipe_mail_decoded_area(RecipeMail *mail, RecipeParts parts, size_t *ret_len, Status *st);

/* The bytes that a program or a file gets; unless `raw`, what has a body ends in an empty line. */
GString *recipe_mail_bytes(const RecipeMail *mail, RecipeParts parts, bool raw);

/* The mail that a filter of `parts` makes of `mail`. */
RecipeMail *
recipe_mail_filtered(const RecipeMail *mail, RecipeParts parts, const char *output, size_t len);

/* Take the From_ line and those that were quoted below it off `bytes`. */
void recipe_mail_drop_from(GString *bytes);

/* The parts as a message to store or send, without the From_ line. NULL: `st` says why. */
Message *recipe_mail_message(const RecipeMail *mail, RecipeParts parts, Status *st);

#endif
