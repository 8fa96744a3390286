/* SPDX-License-Identifier: MIT */
/*
 * code-text: from a code, a name, a line of a log or the words of a server to what it means in
 * plain words, and who can repair it.
 */
#ifndef TODOKE_CODE_TEXT_H
#define TODOKE_CODE_TEXT_H

#include "agent/base/status.h"

/* What has become of the mail, where the text says so. */
typedef enum { CODE_FATE_UNKNOWN, CODE_FATE_KEPT, CODE_FATE_RETURNED, CODE_FATE_ACCEPTED } CodeFate;

/* Something that somebody said about one recipient. All is borrowed; NULL: not known. */
typedef struct {
	const char *text;      /* a log line, a diagnostic code, a paragraph of a bounce */
	const char *status;    /* enhanced code that a report has beside the text */
	const char *recipient; /* of a report */
	CodeFate fate;
	bool is_local; /* a server on the host of whoever reports said it */
} CodeUnit;

/* One meaning. Texts are in the language of words_choose and static, except for those owned. */
typedef struct {
	char code[12];      /* "5.4.6", "550"; "": none */
	const char *name;   /* "loop", "mailbox-full" */
	const char *source; /* "todoke", "postfix", "gmail", "iana"; "": words of many programs */
	const char *repair; /* "sender", "recipient", "admin" ...: for programs */
	const char *who;
	const char *what;
	const char *todo;
	CodeFate fate;
	char *recipient; /* owned; NULL: not known */
	char *said;      /* owned, UTF-8, bounded: the words explained; NULL: not shown */
	/*
	 * owned; of a code alone that means several things: what in the line or bounce tells that
	 * it is this one. NULL: nothing else has the code
	 */
	char *tell;
	bool is_rare; /* with `tell`: many have the code, and others are met more often */
} CodeMeaning;

void code_meaning_free(CodeMeaning *meaning);

/*
 * What a unit means; appends one meaning (CodeMeaning) to `meanings` unless it is there already or
 * LIMIT_CODE_MEANINGS are. Our own faults come first, then the words that a program is known to
 * use, then the code. False: nothing is known.
 */
bool code_text_explain(const CodeUnit *unit, GPtrArray *meanings);

/*
 * What `text` means, which is a code ("5.4.6", "550"), the name of a fault or a meaning ("loop"),
 * or text with codes in it: a log line, the body of a bounce, a whole log. UTF-8. Appends to
 * `meanings`; false: there is none.
 */
bool code_text_find(const char *text, GPtrArray *meanings);

/* The name of a fault, a log line or a meaning that is nearest to a word; NULL: none is near. */
const char *code_text_nearest(const char *word);

/* For tests: the English texts of a fault, as in the catalogue. False: it has none. */
bool code_text_row(StatusId id, const char **ret_what, const char **ret_todo);

/* What the class of a code ('2', '4', '5') or the fate says: is the mail tried again? */
const char *code_text_class(const CodeMeaning *meaning);

#endif
