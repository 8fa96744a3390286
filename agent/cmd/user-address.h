/* SPDX-License-Identifier: MIT */
/* user-address: is an address in a record, a queue or a log that of a user? */
#ifndef TODOKE_USER_ADDRESS_H
#define TODOKE_USER_ADDRESS_H

#include <stdbool.h>

/*
 * Is `address` the user's, with a detail behind one of `delimiters` or without? Where one of both
 * has no domain, as a login name, the rest decides. Case does not count.
 */
bool user_address_is(const char *address, const char *user, const char *delimiters);

#endif
