/*
 * sieve-value: what fields and addresses of the message mean. Plain values are taken as they are, without GMime; the rest is
 * decoded by agent/message/mime.h, which is loaded only then.
 */
#ifndef TODOKE_SIEVE_VALUE_H
#define TODOKE_SIEVE_VALUE_H

#include "filters/sieve/ext/sieve-ext.h"

/*
 * The value of a field unfolded, trimmed, with encoded words decoded (RFC 5228 2.7.2): UTF-8, in `arena`. *ret_guess: what
 * was taken for what, for the trace (NULL: nothing was guessed). Without the module that decodes, the bytes as they are.
 */
SieveText sieve_value_of_field(SieveArena *arena, const HeaderField *field, const Headers *beside, const char **ret_guess);

/* Decode text that is no field (the fields of a part). */
SieveText sieve_value_decode(SieveArena *arena, SieveText raw, const Headers *beside, const char **ret_guess);

/* Append the addresses (SieveAddress) of an address header's raw value to `addresses`; groups are opened. */
void sieve_value_addresses(SieveArena *arena, SieveText raw, GArray *addresses);

/* The raw value of a field: unfolded and trimmed only. */
SieveText sieve_value_raw(SieveArena *arena, const HeaderField *field);

/* One envelope address, without angle brackets; the null sender is valid and empty. */
SieveAddress sieve_value_envelope_address(SieveArena *arena, const char *address);

/*
 * The one address that a script means by a text (redirect, :addresses, report), in the string form of agent/message/address.h: with or
 * without a name, brackets, comments and blanks ("Carol <carol@example.net>"), dots anywhere in the local part. NULL: it is none, more than one, a
 * group, or nothing that mail can be sent to. Caller frees.
 */
char *sieve_value_mailbox(SieveText text);

/* Is it such a text? */
bool sieve_value_is_mailable(SieveText text);

/*
 * The text as one line for a header field: runs of line ends become a blank, NULs and blanks at the ends go. What came from a
 * message must not become a field of its own. Caller frees.
 */
char *sieve_value_one_line(SieveText text);

/* Is it UTF-8? */
bool sieve_value_is_utf8(SieveText text);

#endif
