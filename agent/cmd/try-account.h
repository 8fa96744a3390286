/* SPDX-License-Identifier: MIT */
/* try-account: whose rules are asked, and as whom, by commands that try rules over mail. */
#ifndef TODOKE_TRY_ACCOUNT_H
#define TODOKE_TRY_ACCOUNT_H

#include "agent/message/envelope.h"
#include "agent/message/message.h"
#include "agent/run/account.h"
#include "agent/run/site.h"

/*
 * The account of `recipient` (NULL: of this process), only to look at; root has the rights of `as`
 * (NULL: of the owner) behind account_enter. Its mailbox has been looked at. Caller frees; NULL:
 * the fault that a delivery would meet.
 */
Account *try_find_account(const Site *site, const char *recipient, const char *as, Status *st);

/* Who sent it, where nobody says: what the message says of itself; "": nobody. Caller frees. */
char *try_guess_sender(const Message *message);

/*
 * The envelope with which a message that lies in the mailbox of `account` was delivered: the sender
 * by try_guess_sender; recipient and original recipient by the Delivered-To and X-Original-To that
 * stand above the newest Received, where only this site can have put them, and the first only if it
 * is an address of the account. Caller frees.
 */
Envelope *try_envelope_of_stored(const Site *site, const Account *account, const Message *message);

#endif
