/* SPDX-License-Identifier: MIT */
/* postfix-domains: lists are read as Postfix reads them: the first match decides. */
#include "agent/cmd/postfix-domains.h"

#include "agent/cmd/postfix-aliases.h"
#include "agent/run/account.h"
#include "conf/conf-choices.h"

#include <string.h>

/* A list may name a file that has more of it, but no further file. */
static bool
file_has(const char *path, const char *domain, bool *ret_sure)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL)) {
		*ret_sure = false;
		return false;
	}

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		if (**line == '#')
			continue;
		g_autoptr(GPtrArray) words = postfix_list_words(*line);
		for (guint i = 0; i < words->len; i++)
			if (g_ascii_strcasecmp(words->pdata[i], domain) == 0)
				return true;
	}
	return false;
}

static bool
word_has(const PostfixFacts *facts, const char *word, const char *domain, bool *ret_sure)
{
	if (*word == '/')
		return file_has(word, domain, ret_sure);
	if (strchr(word, ':') == NULL || *word == '[')
		return g_ascii_strcasecmp(word, domain) == 0;

	g_autofree char *why = NULL, *folded = g_ascii_strdown(domain, -1);
	g_autofree char *answer = postfix_map_query(facts, word, folded, &why);
	if (answer == NULL && why != NULL)
		*ret_sure = false;
	return answer != NULL;
}

bool
postfix_domains_list(const PostfixFacts *facts, const GPtrArray *list, const char *domain,
                     bool *ret_sure)
{
	bool is_sure = true, is_listed = false, is_decided = false;

	for (guint i = 0; i < list->len && !is_decided; i++) {
		const char *word = list->pdata[i];
		bool is_exception = *word == '!';
		is_decided = word_has(facts, word + is_exception, domain, &is_sure);
		is_listed = is_decided && !is_exception;
	}

	if (ret_sure != NULL && !is_sure)
		*ret_sure = false;
	return is_listed;
}

/* relay_domains has the domains below its own, too (parent_domain_matches_subdomains). */
static bool
is_relayed(const PostfixFacts *facts, const char *domain, bool *ret_sure)
{
	g_autoptr(GPtrArray) list = postfix_list_words(postfix_facts_value(facts, "relay_domains"));
	for (const char *at = domain; at != NULL; at = strchr(at, '.')) {
		at += *at == '.';
		if (postfix_domains_list(facts, list, at, ret_sure))
			return true;
	}
	return false;
}

bool
postfix_domains_has(const PostfixFacts *facts, const char *domain, bool *ret_sure)
{
	static const char *const classes[] = { "mydestination", "virtual_alias_domains",
		                               "virtual_mailbox_domains" };
	for (size_t i = 0; i < G_N_ELEMENTS(classes); i++) {
		g_autoptr(GPtrArray)
			list = postfix_list_words(postfix_facts_value(facts, classes[i]));
		if (postfix_domains_list(facts, list, domain, ret_sure))
			return true;
	}
	return is_relayed(facts, domain, ret_sure);
}

bool
postfix_domains_matter(const Conf *conf, const char *address)
{
	return account_kind_of_users(conf) == CONF_USERS_VIRTUAL && strchr(address, '@') != NULL;
}

/* Does a parameter of this Postfix send mail to todoke? */
static bool
calls_todoke(const PostfixFacts *facts)
{
	static const char *const routes[] = { "virtual_transport", "mailbox_transport",
		                              "local_transport", "mailbox_command",
		                              "transport_maps" };
	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++)
		if (strstr(postfix_facts_value(facts, routes[i]), "todoke") != NULL)
			return true;
	return false;
}

const char *
postfix_domains_missing(const PostfixFacts *facts, const char *address)
{
	const char *at = strrchr(address, '@');
	bool is_sure = true;
	if (at == NULL || at[1] == '\0' || !calls_todoke(facts))
		return NULL;

	/* who has a route of its own may get mail by it from another host */
	g_autoptr(GPtrArray)
		maps = postfix_list_words(postfix_facts_value(facts, "transport_maps"));
	bool is_known = postfix_domains_has(facts, at + 1, &is_sure) ||
	                postfix_domains_list(facts, maps, at + 1, &is_sure);
	return is_known || !is_sure ? NULL : at + 1;
}
