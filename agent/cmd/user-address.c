/* SPDX-License-Identifier: MIT */
/* user-address: see the header. */
#include "agent/cmd/user-address.h"

#include <glib.h>
#include <string.h>

bool
user_address_is(const char *address, const char *user, const char *delimiters)
{
	const char *at = strrchr(address, '@'), *user_at = strrchr(user, '@');
	size_t len = user_at != NULL ? (size_t) (user_at - user) : strlen(user);
	if (g_ascii_strncasecmp(address, user, len) != 0)
		return false;

	const char *end = address + len;
	bool is_whole = *end == '\0' || end == at || strchr(delimiters, *end) != NULL;
	return is_whole && (at == NULL || user_at == NULL || g_ascii_strcasecmp(at, user_at) == 0);
}
