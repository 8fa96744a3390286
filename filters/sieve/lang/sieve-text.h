/* SPDX-License-Identifier: MIT */
/* sieve-text: what is asked of a text by itself, whatever message it came from. */
#ifndef TODOKE_SIEVE_TEXT_H
#define TODOKE_SIEVE_TEXT_H

#include "filters/sieve/lang/sieve-ast.h"

/* Are these the same bytes? */
static inline bool
sieve_text_equal(SieveText a, SieveText b)
{
	return a.len == b.len && __builtin_memcmp(a.data, b.data, a.len) == 0;
}

/* Is it this word, letters A-Z without case? */
bool sieve_text_is(SieveText text, const char *word);

/*
 * The one address that a script means by a text (redirect, :addresses, report), in the string form
 * of agent/message/address.h: with or without a name, brackets, comments and blanks ("Carol
 * <carol@example.net>"), dots anywhere in the local part. NULL: it is none, more than one, a group,
 * or nothing that mail can be sent to. Caller frees.
 */
char *sieve_text_mailbox(SieveText text);

/* Is it such a text? */
bool sieve_text_is_mailable(SieveText text);

/*
 * The text as one line for a header field: runs of line ends become a blank, NULs and blanks at the
 * ends go. What came from a message must not become a field of its own. Caller frees.
 */
char *sieve_text_one_line(SieveText text);

/* For "%.*s": how many octets of the text, `limit` at most, show no part of a character. */
int sieve_text_shown(SieveText text, size_t limit);

/* Is it UTF-8? */
bool sieve_text_is_utf8(SieveText text);

#endif
