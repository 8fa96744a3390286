/* SPDX-License-Identifier: MIT */
/* code-text: from a code, a name or a line of a log or bounce to what it means in plain words. */
#ifndef TODOKE_CODE_TEXT_H
#define TODOKE_CODE_TEXT_H

#include "agent/base/status.h"

/* One meaning. Texts are in the language of words_choose and live for ever, but for `made`. */
typedef struct {
	char code[12]; /* "5.4.6" */
	/* "loop"; NULL: a code of another program, of which only the class is known */
	const char *name;
	const char *who;
	const char *what;
	const char *todo;
	char *made; /* holds `what` where it was put together */
} CodeMeaning;

void code_meaning_free(CodeMeaning *meaning);

/*
 * What `text` means, which is a code ("5.4.6"), the name of a fault ("loop"), or text with codes in
 * it: a log line, a bounce, a whole log. Appends each meaning once (CodeMeaning; at most
 * LIMIT_CODE_MEANINGS); false: there is none.
 */
bool code_text_find(const char *text, GPtrArray *meanings);

/* The English texts of a fault, as in the catalogue. False: it has none. */
bool code_text_row(StatusId id, const char **ret_what, const char **ret_todo);

/* What the class of a code ('2', '4', '5') means: is the mail tried again? */
const char *code_text_class(char code_class);

#endif
