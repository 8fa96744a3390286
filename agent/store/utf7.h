/* utf7: mailbox names as IMAP writes them (RFC 3501 5.1.3). */
#ifndef TODOKE_UTF7_H
#define TODOKE_UTF7_H

#include <glib.h>

/* `name`, which is valid UTF-8, in modified UTF-7. Caller frees. */
char *utf7_encode(const char *name);

#endif
