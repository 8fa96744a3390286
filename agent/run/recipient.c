/* SPDX-License-Identifier: MIT */
/* recipient: SRS addresses first, as they look like any other address of a virtual user. */
#include "agent/run/recipient.h"

#include "agent/send/srs.h"
#include "agent/state/outage.h"
#include "conf/conf-choices.h"

static bool
looks_rewritten(const char *address)
{
	return g_ascii_strncasecmp(address, "SRS0", 4) == 0 ||
	       g_ascii_strncasecmp(address, "SRS1", 4) == 0;
}

/* An address that SRS made here; takes the address that its bounces go on to. */
static Account *
make_returner(const char *address, char *taken_returns_to)
{
	g_autofree char *returns_to = taken_returns_to;
	Account *account = g_new0(Account, 1);

	account->user = g_strdup(address);
	account->local = g_strdup(address);
	account->addresses = g_ptr_array_new_with_free_func(g_free);
	account_send_on(account, returns_to);

	return account;
}

Account *
recipient_find(const Site *site, const char *address, Status *st)
{
	if (!looks_rewritten(address) || site->keys == NULL)
		return account_find(site->conf, address, st);
	char *returns_to = srs_reverse(site->keys, address, g_get_real_time() / G_USEC_PER_SEC);
	if (returns_to != NULL)
		return make_returner(address, returns_to);
	if (site->conf->redirect_sender != CONF_REDIRECT_SENDER_SRS)
		return account_find(site->conf, address, st);

	status_fail(st, STATUS_UNKNOWN_USER,
	            "this host has not made that address, or too long ago");
	return NULL;
}

void
recipient_tell_outage(const Conf *conf, Status *st)
{
	bool is_told = outage_tell(conf->outage_folder, NULL, g_get_real_time() / G_USEC_PER_SEC);

	if (st->outside != NULL)
		st->outside->is_told = is_told && st->outside->is_down;
}
