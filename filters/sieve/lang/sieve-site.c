/* SPDX-License-Identifier: MIT */
/* sieve-site: the settings, applied to the table. */
#include "filters/sieve/lang/sieve-site.h"

#include "filters/sieve/lang/sieve-hint.h"

#include <string.h>

static guint64
bit_of(const char *name)
{
	const SieveExt *ext = sieve_ext_find((SieveText){ name, strlen(name) });
	return ext != NULL ? (guint64) 1 << sieve_ext_number(ext) : 0;
}

/* Extensions that are on where nobody said anything. */
static guint64
usual(void)
{
	guint64 set = 0;
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (!sieve_ext_nth(i)->opt_in)
			set |= (guint64) 1 << i;
	return set;
}

/* What `todoke test` adds; nothing else ever has it. */
static guint64
for_tests(void)
{
	guint64 set = 0;
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (sieve_ext_nth(i)->for_tests)
			set |= (guint64) 1 << i;
	return set;
}

static guint64
for_site_only(void)
{
	guint64 set = 0;
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (sieve_ext_nth(i)->site_only)
			set |= (guint64) 1 << i;
	return set;
}

/*
 * Apply the words of a setting to the set; *named are those that it names without a sign or with
 * "+".
 */
static guint64
apply(const char *setting, guint64 set, guint64 *named)
{
	g_auto(GStrv) words = g_strsplit_set(setting, " ,\t", -1);
	bool is_whole = false;

	*named = 0;
	for (size_t i = 0; words[i] != NULL; i++) {
		const char *word = words[i];
		if (word[0] == '-') {
			set &= ~bit_of(word + 1);
		} else if (word[0] == '+') {
			*named |= bit_of(word + 1);
		} else if (word[0] != '\0') {
			is_whole = true;
			*named |= bit_of(word);
		}
	}

	return is_whole ? *named : set | *named;
}

/* An extension under its old name is there if the one that it became is. */
static guint64
with_old_names(guint64 set)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const char *became = sieve_ext_nth(i)->became;
		if (became == NULL)
			continue;
		bool is_there = (set & bit_of(became)) != 0;
		set = is_there ? set | (guint64) 1 << i : set & ~((guint64) 1 << i);
	}
	return set;
}

static guint64
allowed_by_settings(FilterEnv *env, ScriptTrust trust)
{
	guint64 named, for_site;
	guint64 set = apply(env->conf->sieve_extensions, usual(), &named);
	guint64 site_set = apply(env->conf->sieve_site_extensions, 0, &for_site);

	if (trust == SCRIPT_SITE)
		return set | site_set;
	/* What is meant for the site only may be given to users by name. */
	return set & ~(for_site_only() & ~named) & ~(for_site & ~named);
}

guint64
sieve_site_allowed(FilterEnv *env, ScriptTrust trust)
{
	guint64 set = allowed_by_settings(env, trust);
	set = env->testsuite != NULL ? set | for_tests() : set & ~for_tests();
	return with_old_names(set);
}

void
sieve_site_unknown(const char *setting,
                   void (*report)(void *user, const char *word, const char *hint), void *user)
{
	g_auto(GStrv) words = g_strsplit_set(setting, " ,\t", -1);
	for (size_t i = 0; words[i] != NULL; i++) {
		const char *name = words[i] + (words[i][0] == '-' || words[i][0] == '+');
		if (*words[i] == '\0' || bit_of(name) != 0)
			continue;
		g_autofree char *hint = sieve_hint_for_capability(name);
		report(user, name, hint);
	}
}
