/* SPDX-License-Identifier: MIT */
/* quota-words: sizes in units, and messages by their number. */
#define _GNU_SOURCE
#include "agent/cmd/quota-words.h"

#include "agent/base/words.h"

/* "5.0 GiB", with a blank that can be typed. Caller frees. */
static char *
print_size(gint64 bytes)
{
	static const char no_break[] = "\302\240";
	g_autofree char *size = g_format_size_full((guint64) bytes, G_FORMAT_SIZE_IEC_UNITS);
	g_auto(GStrv) words = g_strsplit(size, no_break, -1);

	return g_strjoinv(" ", words);
}

static char *
print_messages(gint64 messages)
{
	return messages == 1 ? g_strdup(_("1 message"))
	                     : g_strdup_printf(_("%lld messages"), (long long) messages);
}

static char *
print_limit(const QuotaLook *look)
{
	g_autofree char *size = print_size(look->limit_bytes),
			*messages = print_messages(look->limit_messages);
	if (look->limit_messages == 0)
		return g_steal_pointer(&size);
	if (look->limit_bytes == 0)
		return g_steal_pointer(&messages);

	return g_strdup_printf(_("%s or %s"), size, messages);
}

char *
quota_words(const QuotaLook *look)
{
	g_autofree char *size = print_size(look->bytes), *messages = print_messages(look->messages),
			*limit = print_limit(look);

	/* TRANSLATORS: a size, a number of messages, and the limits of both */
	g_autofree char *known = g_strdup_printf(_("%s in %s, limit %s"), size, messages, limit);
	if (*look->unread == '\0')
		return g_steal_pointer(&known);

	/* TRANSLATORS: what was counted, and why that is not all */
	return g_strdup_printf(_("at least %s; %s"), known, look->unread);
}
