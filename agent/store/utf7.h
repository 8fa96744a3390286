/* SPDX-License-Identifier: MIT */
/* utf7: mailbox names as IMAP writes them (RFC 3501 5.1.3). */
#ifndef TODOKE_UTF7_H
#define TODOKE_UTF7_H

#include <glib.h>

/* `name`, which is valid UTF-8, in modified UTF-7. Caller frees. */
char *utf7_encode(const char *name);

/* The name in UTF-8 that utf7_encode writes like this; NULL: none. Caller frees. */
char *utf7_decode(const char *encoded);

#endif
