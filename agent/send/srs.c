/* SPDX-License-Identifier: MIT */
/* srs: see the header; the scheme is Shevek's (libsrs), the hash is ours. */
#include "agent/send/srs.h"

#include "agent/base/limits.h"

#include <string.h>

enum { HASH_CHARS = 8, DAY_CHARS = 2, DAYS = 1024, DAY_SECONDS = 86400 };

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static char *
hash(const MarkKeys *keys, size_t i, const char *text)
{
	g_autofree char *folded = g_ascii_strdown(text, -1);
	g_autofree char *hex = mark_keys_hmac(keys, i, "srs 1", folded);
	if (hex == NULL)
		return NULL;

	g_autofree char *bits = g_strndup(hex, HASH_CHARS * 5 / 4);
	guint64 number = g_ascii_strtoull(bits, NULL, 16);
	char *out = g_malloc0(HASH_CHARS + 1);
	for (int c = HASH_CHARS - 1; c >= 0; c--, number >>= 5)
		out[c] = base32[number & 31];

	return out;
}

static char *
join(const MarkKeys *keys, const char *scheme, const char *rest, const char *domain)
{
	g_autofree char *mac = hash(keys, 0, rest);
	if (mac == NULL)
		return NULL;

	g_autofree char *local = g_strdup_printf("%s=%s=%s", scheme, mac, rest);
	g_autofree char *address = g_strdup_printf("%s@%s", local, domain);
	return strlen(address) <= LIMIT_ADDRESS_BYTES ? g_steal_pointer(&address) : NULL;
}

static bool
is_scheme(const char *local, const char *scheme)
{
	return g_ascii_strncasecmp(local, scheme, 4) == 0 && local[4] != '\0' &&
	       strchr("=-+", local[4]) != NULL;
}

/* The last host that rewrote it answers for the hosts before; only the first one is named. */
static char *
forward_again(const MarkKeys *keys, const char *local, const char *from, const char *domain)
{
	if (is_scheme(local, "SRS0")) {
		g_autofree char *rest = g_strdup_printf("%s=%s", from, local + 4);
		return join(keys, "SRS1", rest, domain);
	}

	const char *first = strchr(local + 5, '=');
	return first != NULL ? join(keys, "SRS1", first + 1, domain) : NULL;
}

char *
srs_forward(const MarkKeys *keys, const char *sender, const char *domain, gint64 now)
{
	const char *at = strrchr(sender, '@');
	if (at == NULL || at == sender || at[1] == '\0' || domain == NULL || *domain == '\0')
		return NULL;

	g_autofree char *local = g_strndup(sender, (gsize) (at - sender));
	if (is_scheme(local, "SRS0") || is_scheme(local, "SRS1"))
		return forward_again(keys, local, at + 1, domain);

	unsigned day = (unsigned) (now / DAY_SECONDS % DAYS);
	g_autofree char *rest = g_strdup_printf("%c%c=%s=%s", base32[day >> 5], base32[day & 31],
	                                        at + 1, local);
	return join(keys, "SRS0", rest, domain);
}

static bool
hash_is_ours(const MarkKeys *keys, const char *mac, const char *rest)
{
	for (size_t i = 0; i < mark_keys_count(keys); i++) {
		g_autofree char *want = hash(keys, i, rest);
		if (g_ascii_strcasecmp(want, mac) == 0)
			return true;
	}
	return false;
}

/* Is the day not too long ago? Days go round. */
static bool
day_is_recent(const char *text, gint64 now)
{
	const char *high = strchr(base32, g_ascii_toupper(text[0])),
		   *low = strchr(base32, g_ascii_toupper(text[1]));
	if (high == NULL || low == NULL)
		return false;

	gint64 day = (high - base32) * 32 + (low - base32), today = now / DAY_SECONDS % DAYS;
	return (today - day + DAYS) % DAYS <= SRS_MAX_DAYS;
}

/* "DAY=domain=local" */
static char *
reverse_first(const char *rest, gint64 now)
{
	g_auto(GStrv) parts = g_strsplit(rest, "=", 3);
	if (g_strv_length(parts) != 3 || strlen(parts[0]) != DAY_CHARS ||
	    !day_is_recent(parts[0], now))
		return NULL;
	return g_strdup_printf("%s@%s", parts[2], parts[1]);
}

/* "domain==HASH=DAY=...": what followed "SRS0" at the first host, its separator included. */
static char *
reverse_again(const char *rest)
{
	const char *end = strchr(rest, '=');
	if (end == NULL || end == rest || end[1] == '\0')
		return NULL;
	return g_strdup_printf("SRS0%s@%.*s", end + 1, (int) (end - rest), rest);
}

char *
srs_reverse(const MarkKeys *keys, const char *address, gint64 now)
{
	const char *at = strrchr(address, '@');
	g_autofree char *local = at != NULL ? g_strndup(address, (gsize) (at - address))
	                                    : g_strdup("");
	bool again = is_scheme(local, "SRS1");

	if (!again && !is_scheme(local, "SRS0"))
		return NULL;
	g_auto(GStrv) parts = g_strsplit(local + 5, "=", 2);
	if (g_strv_length(parts) != 2 || strlen(parts[0]) != HASH_CHARS ||
	    !hash_is_ours(keys, parts[0], parts[1]))
		return NULL;

	return again ? reverse_again(parts[1]) : reverse_first(parts[1], now);
}
