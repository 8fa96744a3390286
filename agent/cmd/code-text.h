/* SPDX-License-Identifier: MIT */
/* code-text: from a code, a name or a line of a log or bounce to what it means in plain words. */
#ifndef TODOKE_CODE_TEXT_H
#define TODOKE_CODE_TEXT_H

#include "agent/base/status.h"

typedef enum { CODE_ENGLISH, CODE_JAPANESE, CODE_LANGUAGES } CodeLanguage;

/* One meaning. Strings live for ever, but for `made`. */
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
bool code_text_find(const char *text, CodeLanguage language, GPtrArray *meanings);

/* For tests: the texts of a fault. False: it has none. */
bool
code_text_row(StatusId id, CodeLanguage language, const char **ret_what, const char **ret_todo);

/* Headings for people: "what happened", "who can help", "what to do"; whether it is tried again. */
const char *code_text_heading(CodeLanguage language, unsigned which);
const char *code_text_class(CodeLanguage language, char class);

#endif
