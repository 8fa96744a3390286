/* SPDX-License-Identifier: MIT */
/* account-source-system: the accounts that the system's libraries know. */
#define _GNU_SOURCE
#include "agent/run/account-source.h"

#include "agent/message/address.h"
#include "agent/run/account-parts.h"
#include "agent/base/path-template.h"

/* "user+detail" may itself be an account: the whole local part is tried first. */
static bool
find(const Conf *conf, Account *account, const char *recipient, Status *st)
{
	g_autofree char *buffer = g_malloc(ACCOUNT_PASSWD_BUFFER);
	g_autofree char *whole = NULL, *domain = NULL;

	address_split(recipient, &whole, &domain);
	const char *names[] = { whole, account->local };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct passwd pw;
		bool found = false;
		if (!path_template_is_safe(names[i]))
			continue;
		if (!account_system_entry(names[i], &pw, buffer, ACCOUNT_PASSWD_BUFFER, &found, st))
			return false;
		if (!found)
			continue;
		if (i == 0)
			g_clear_pointer(&account->detail, g_free);
		account_use_passwd(account, &pw);
		return pw.pw_uid != 0 || account_send_on_root(conf, account, st);
	}

	return status_fail_detail(st, STATUS_UNKNOWN_USER,
	                          "the system has no account of this name");
}

static bool
list(GPtrArray *accounts, const Conf *conf, Status *st)
{
	const struct passwd *pw;
	bool good = true;

	setpwent();
	while (good && (pw = getpwent()) != NULL) {
		g_auto(Status) unusable = STATUS_INIT;
		bool may_be = pw->pw_uid != 0 && (gint64) pw->pw_uid >= conf->first_valid_uid;
		Account *account = may_be ? account_begin(conf, pw->pw_name, &unusable) : NULL;
		if (account == NULL)
			continue;
		account_use_passwd(account, pw);
		account_list_add(accounts, conf, account);
		good = account_list_has_room(accounts, st);
	}
	endpwent();

	return good;
}

extern const AccountSource account_source_system;
const AccountSource account_source_system = { .name = "system", .find = find, .list = list };
