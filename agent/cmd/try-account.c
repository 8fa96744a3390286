/* SPDX-License-Identifier: MIT */
/* try-account: see the header. */
#include "agent/cmd/try-account.h"

#include "agent/message/address.h"
#include "agent/run/recipient.h"

#include <unistd.h>

/* A mailbox that is not ours: say who may look into it. */
static void
tell_who_may_look(Status *st)
{
	if (st->id != STATUS_NO_PERMISSION || geteuid() == 0)
		return;

	g_autofree char *why = g_strdup(status_why(st));
	status_clear(st);
	(void) status_fail_detail(st, STATUS_NO_PERMISSION,
	                          "%s; run this as root, or as the owner of the mailbox", why);
}

Account *
try_find_account(const Site *site, const char *recipient, const char *as, Status *st)
{
	const Conf *conf = site->conf;
	g_autoptr(Account) account = recipient != NULL
	                                     ? recipient_find(site, recipient, st)
	                                     : account_of_process(conf, NULL, NULL, NULL, st);
	if (account == NULL && recipient == NULL && geteuid() == 0) {
		status_clear(st);
		(void) status_fail_detail(st, STATUS_USAGE,
		                          "root has no mailbox: say whose mail it is with "
		                          "--recipient ADDRESS");
	}
	if (account == NULL)
		return NULL;

	account->look_only = true;

	/*
	 * Whose scripts they are. That root could become nobody is no verdict: the door may run as
	 * another account.
	 */
	g_auto(Status) unknown = STATUS_INIT;
	if (as != NULL && !account_lend_rights(account, as, st))
		return NULL;
	if (geteuid() == 0)
		(void) account_find_owner(conf, account, &unknown);
	bool entered = account_enter(account, st);
	bool good = entered && account_check(conf, account, st);

	if (!good)
		tell_who_may_look(st);

	return (!entered || account_leave(account, st)) && good ? g_steal_pointer(&account) : NULL;
}

char *
try_guess_sender(const Message *message)
{
	static const char *const names[] = { "Return-Path", "Sender", "From", NULL };
	char *address = address_from_fields(message_headers(message), names);
	return address != NULL ? address : g_strdup("");
}

/* The address of a field above the newest Received; NULL: there is none. Caller frees. */
static char *
stamped_address(const Headers *headers, const char *name)
{
	size_t behind = 0, received = 0;
	const HeaderField *field = headers_next(headers, name, &behind);

	if (field == NULL || headers_next(headers, "Received", &received) == NULL ||
	    behind > received)
		return NULL;

	g_autofree char *value = header_field_value(field);
	return address_read(value);
}

static bool
is_own(const Site *site, const Account *account, const char *address)
{
	AddressRules rules = site_address_rules(site);
	for (guint i = 0; i < account->addresses->len; i++)
		if (address_equal(address, account->addresses->pdata[i], &rules))
			return true;
	return address_equal(address, account->user, &rules);
}

Envelope *
try_envelope_of_stored(const Site *site, const Account *account, const Message *message)
{
	Envelope *envelope = envelope_new(DOOR_TRY);
	const Headers *headers = message_headers(message);
	g_autofree char *recipient = stamped_address(headers, "Delivered-To");

	envelope->sender = try_guess_sender(message);
	envelope->recipient = recipient != NULL && is_own(site, account, recipient)
	                              ? g_steal_pointer(&recipient)
	                              : address_read(account->user);
	envelope->original = stamped_address(headers, "X-Original-To");

	return envelope;
}
