/* SPDX-License-Identifier: MIT */
/*
 * address-print: an address leaves memory here. In memory there is one form, the one that Postfix
 * has too: the local part without quotes (Address, or a string "local@domain" that the last '@'
 * divides). It is quoted once, by the printer of the place where it goes.
 *
 * All take the string form. parse(print(a)) = a for every address that is sendable:
 * tests/unit/test-address-print.c.
 *
 * The log has the string form: each of its values is escaped as a whole (log.h), and quotes within
 * quotes would join with nothing.
 *
 * The local parts of Japanese carriers ("foo.", "foo..bar", ".foo") are no dot-atoms, so they are
 * quoted (RFC 5321 4.1.2).
 */
#ifndef TODOKE_ADDRESS_PRINT_H
#define TODOKE_ADDRESS_PRINT_H

#include "agent/message/address.h"

/*
 * An SMTP path with its brackets (RFC 5321 4.1.2): <"john smith"@b.test>; the null sender is <>.
 * Caller frees.
 */
char *address_print_path(const char *address);

/*
 * A mailbox of a header field (RFC 5322 3.4): name (NULL or "": none; UTF-8) and
 * <"john smith"@b.test>. Caller frees.
 */
char *address_print_header(const char *name, const char *address);

/*
 * A word for sendmail(1), which reads its recipients and the value of -f as a header field: "john
 * smith"@b.test. One address stays one address. A recipient belongs behind "--". Caller frees.
 */
char *address_print_argument(const char *address);

/*
 * The address as people write it, and as rules compare it: "john smith"@b.test has its quotes, or
 * it would be read as something else; foo.@docomo.ne.jp has none. Caller frees.
 */
char *address_print_text(const char *address);

#endif
