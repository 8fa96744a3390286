/* SPDX-License-Identifier: MIT */
/* subscriptions: one more line, if it is not there yet. */
#include "agent/store/subscriptions.h"

#include "agent/store/dotlock.h"

#include <string.h>

/*
 * Dovecot 2.3 writes this form; its levels are separated by tabs, so no name needs a separator of
 * its own.
 */
static const char version_2[] = "V\t2";

typedef struct {
	const char *name;
	char separator;
} Subscription;

static bool
has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	for (const char *at = text; (at = strstr(at, line)) != NULL; at += len)
		if ((at == text || at[-1] == '\n') && (at[len] == '\n' || at[len] == '\0'))
			return true;
	return false;
}

/* DotlockEdit */
static char *
add_line(const char *old, size_t len, void *user)
{
	const Subscription *subscription = user;
	g_autofree char *line = g_strdup(subscription->name);

	/* the line may have lost its end */
	bool is_version_2 = g_str_has_prefix(old, version_2) &&
	                    (len == strlen(version_2) || old[strlen(version_2)] == '\n');
	if (is_version_2)
		g_strdelimit(line, (char[]){ subscription->separator, '\0' }, '\t');
	if (has_line(old, line))
		return NULL;

	const char *end = len > 0 && old[len - 1] != '\n' ? "\n" : "";
	return g_strconcat(old, end, line, "\n", NULL);
}

bool
subscriptions_add(int dirfd, const char *name, char separator, Status *st)
{
	Subscription subscription = { name, separator };
	return dotlock_edit(dirfd, "subscriptions", add_line, &subscription, st);
}
