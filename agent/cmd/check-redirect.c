/* SPDX-License-Identifier: MIT */
/* check-redirect: see the header. */
#include "agent/cmd/check-redirect.h"

#include "agent/cmd/postfix-aliases.h"

#include <string.h>

/* Aliases of aliases: each level asks a few tables, each of them by a process. */
enum { LEVELS = 6, QUESTIONS = 40 };

/* A walk over aliases. */
typedef struct {
	const PostfixFacts *facts;
	const GPtrArray *own;
	const AddressRules *rules;
	GHashTable *visited; /* of addresses */
	unsigned asked;
} Walk;

static bool
is_own(const Walk *walk, const char *address)
{
	for (guint i = 0; i < walk->own->len; i++)
		if (address_equal(walk->own->pdata[i], address, walk->rules))
			return true;
	return false;
}

/* What the tables of a parameter have for the key; NULL: nothing. Caller frees. */
static char *
ask(Walk *walk, const char *parameter, const char *key)
{
	g_autoptr(GPtrArray) maps = postfix_list_words(postfix_facts_value(walk->facts, parameter));

	for (guint i = 0; i < maps->len && walk->asked < QUESTIONS; i++) {
		g_autofree char *why = NULL;
		walk->asked++;
		char *found = postfix_map_query(walk->facts, maps->pdata[i], key, &why);
		if (found != NULL && *found != '\0')
			return found;
		g_free(found);
	}

	return NULL;
}

/* Does local(8) deliver for this domain? Tables in mydestination are not asked. */
static bool
is_of_this_host(const Walk *walk, const char *domain)
{
	g_autoptr(GPtrArray)
		names = postfix_list_words(postfix_facts_value(walk->facts, "mydestination"));
	for (guint i = 0; i < names->len; i++)
		if (g_ascii_strcasecmp(names->pdata[i], domain) == 0)
			return true;
	return false;
}

/* The aliases of an address; NULL: it has none. Caller frees. */
static char *
targets_of(Walk *walk, const char *address)
{
	const char *at = strrchr(address, '@');
	char *found = ask(walk, "virtual_alias_maps", address);
	if (found != NULL || at == NULL)
		return found;

	found = ask(walk, "virtual_alias_maps", at);
	if (found != NULL || !is_of_this_host(walk, at + 1))
		return found;

	g_autofree char *local = g_ascii_strdown(address, at - address);
	return ask(walk, "alias_maps", local);
}

/* A target without a domain is one of this host's. Caller frees. */
static char *
whole_address(const Walk *walk, const char *target)
{
	const char *origin = postfix_facts_value(walk->facts, "myorigin");
	const char *plain = target + (*target == '\\');
	return strchr(plain, '@') != NULL ? g_strdup(plain)
	                                  : g_strdup_printf("%s@%s", plain, origin);
}

/* NULL: no way leads home from here. */
static char *
follow(Walk *walk, const char *address, unsigned level)
{
	if (level >= LEVELS || !g_hash_table_add(walk->visited, g_strdup(address)))
		return NULL;
	g_autofree char *targets = targets_of(walk, address);
	if (targets == NULL)
		return NULL;

	g_auto(GStrv) words = g_strsplit_set(targets, ", \t\n", -1);
	for (char **word = words; *word != NULL; word++) {
		if (strpbrk(*word, "|/:\"") != NULL || **word == '\0')
			continue;
		g_autofree char *next = whole_address(walk, *word);
		g_autofree char *way = is_own(walk, next) ? g_strdup(next)
		                                          : follow(walk, next, level + 1);
		if (way != NULL)
			return g_strdup_printf("%s -> %s", address, way);
	}

	return NULL;
}

char *
check_redirect_way_home(const PostfixFacts *facts, const char *address, const GPtrArray *own,
                        const AddressRules *rules)
{
	Walk walk = {
		.facts = facts,
		.own = own,
		.rules = rules,
		.visited = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	};
	char *way = is_own(&walk, address) ? NULL : follow(&walk, address, 0);

	g_hash_table_unref(walk.visited);
	return way;
}
