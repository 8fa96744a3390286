/*
 * recipient: who an address of the envelope is: an account, or an address that SRS made here and that brings a bounce
 * back.
 */
#ifndef TODOKE_RECIPIENT_H
#define TODOKE_RECIPIENT_H

#include "agent/run/account.h"
#include "agent/run/site.h"

/*
 * The account of `address`; for an address that SRS made with our key, one that only sends on (account->returns_to).
 * Faults of account_find; an address of that form that is forged or too old is STATUS_UNKNOWN_USER where this site
 * makes them.
 */
Account *recipient_find(const Site *site, const char *address, Status *st);

#endif
