/* SPDX-License-Identifier: MIT */
/* postfix-aliases: the aliases that local(8) knows, read from the tables of alias_maps. */
#include "agent/cmd/postfix-aliases.h"

#include <string.h>

static void
alias_free(PostfixAlias *alias)
{
	g_free(alias->name);
	g_free(alias->targets);
	g_free(alias->map);
	g_free(alias);
}

static void
unlisted_free(PostfixUnlisted *unlisted)
{
	g_free(unlisted->map);
	g_free(unlisted->why);
	g_free(unlisted);
}

void
postfix_aliases_free(PostfixAliases *aliases)
{
	if (aliases == NULL)
		return;
	g_hash_table_unref(aliases->by_name);
	g_ptr_array_unref(aliases->aliases);
	g_ptr_array_unref(aliases->unlisted);
	g_free(aliases);
}

GPtrArray *
postfix_list_words(const char *list)
{
	static const char separators[] = ", \t\r\n";
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

	for (;;) {
		list += strspn(list, separators);
		if (*list == '\0')
			return words;

		const char *start = list;
		unsigned depth = 0;
		for (; *list != '\0' && (depth > 0 || strchr(separators, *list) == NULL); list++) {
			depth += *list == '{';
			depth -= *list == '}' && depth > 0;
		}
		g_ptr_array_add(words, g_strndup(start, (size_t) (list - start)));
	}
}

const char *
postfix_map_without_proxy(const char *map)
{
	static const char proxy[] = "proxy:";
	return g_str_has_prefix(map, proxy) ? map + strlen(proxy) : map;
}

/*
 * What a program of Postfix died of; NULL: it did not, whatever it warned of. Points into `errors`.
 */
static const char *
last_words(const char *errors)
{
	static const char sign[] = "fatal: ";
	const char *fatal = g_strrstr(errors, sign);
	return fatal != NULL ? fatal + strlen(sign) : NULL;
}

char *
postfix_map_query(const PostfixFacts *facts, const char *map, const char *key, char **ret_why)
{
	g_auto(Status) st = STATUS_INIT;
	char *output = NULL;
	const char *const args[] = { "-q", key, postfix_map_without_proxy(map), NULL };

	if (postfix_facts_run("postmap", facts->folder, args, &output, &st))
		return g_strchomp(output);
	/* Otherwise postmap means that there is no such key. */
	*ret_why = g_strdup(last_words(st.detail));
	return NULL;
}

const PostfixAlias *
postfix_aliases_find(const PostfixAliases *aliases, const char *name)
{
	g_autofree char *folded = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(aliases->by_name, folded);
}

/* A line of `postalias -s`: the name, a colon, a tab, the targets. */
static void
add_line(PostfixAliases *aliases, const char *map, const char *line)
{
	const char *colon = strstr(line, ":\t");
	if (colon == NULL)
		return;

	g_autofree char *name = g_ascii_strdown(line, colon - line);

	/* What postalias(1) itself puts in for NIS and sendmail is no alias. */
	if (strcmp(name, "@") == 0 || g_str_has_prefix(name, "yp_") ||
	    postfix_aliases_find(aliases, name) != NULL)
		return;

	PostfixAlias *alias = g_new0(PostfixAlias, 1);
	alias->name = g_steal_pointer(&name);
	alias->targets = g_strdup(colon + strlen(":\t"));
	alias->map = g_strdup(map);
	g_ptr_array_add(aliases->aliases, alias);
	g_hash_table_insert(aliases->by_name, alias->name, alias);
}

static void
read_map(PostfixAliases *aliases, const PostfixFacts *facts, const char *map)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *output = NULL;
	const char *const args[] = { "-s", postfix_map_without_proxy(map), NULL };

	if (!postfix_facts_run("postalias", facts->folder, args, &output, &st)) {
		PostfixUnlisted *unlisted = g_new0(PostfixUnlisted, 1);
		unlisted->map = g_strdup(map);
		unlisted->why = g_strdup(last_words(st.detail) != NULL ? last_words(st.detail)
		                                                       : st.detail);
		g_ptr_array_add(aliases->unlisted, unlisted);
		return;
	}

	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		add_line(aliases, map, *line);
}

PostfixAliases *
postfix_aliases_read(const PostfixFacts *facts)
{
	PostfixAliases *aliases = g_new0(PostfixAliases, 1);

	aliases->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	aliases->aliases = g_ptr_array_new_with_free_func((GDestroyNotify) alias_free);
	aliases->unlisted = g_ptr_array_new_with_free_func((GDestroyNotify) unlisted_free);

	g_autoptr(GPtrArray) maps = postfix_list_words(postfix_facts_value(facts, "alias_maps"));
	for (guint i = 0; i < maps->len; i++)
		read_map(aliases, facts, maps->pdata[i]);
	return aliases;
}

/*
 * The end of the target that begins at `text`: a comma outside of quotes and comments, or the end
 * of all.
 */
static const char *
target_end(const char *text)
{
	unsigned depth = 0;
	bool quoted = false;

	for (; *text != '\0' && (quoted || depth > 0 || *text != ','); text++) {
		if (*text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"' && depth == 0)
			quoted = !quoted;
		else if (!quoted)
			depth += (*text == '(') - (*text == ')' && depth > 0);
	}

	return text;
}

static GPtrArray *
split_targets(const char *targets)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	for (const char *at = targets; *at != '\0';) {
		const char *end = target_end(at);
		char *target = g_strstrip(g_strndup(at, (size_t) (end - at)));
		if (*target != '\0')
			g_ptr_array_add(list, target);
		else
			g_free(target);
		at = *end != '\0' ? end + 1 : end;
	}

	return list;
}

static const char *
target_obstacle(const char *target)
{
	const char *inside = target + strspn(target, "\"\\ \t");
	if (*inside == '|')
		return "it runs a program";
	if (*inside == '/' || *inside == '~')
		return "it writes to a file";
	if (*inside == ':')
		return "it includes a file with a list";

	/* What local(8) finds behind a name or a comment is not looked for. */
	return strpbrk(target, "|<(") != NULL ? "it is more than plain addresses" : NULL;
}

const char *
postfix_alias_obstacle(const PostfixAlias *alias, guint64 most)
{
	if (g_ascii_strncasecmp(alias->name, "owner-", strlen("owner-")) == 0)
		return "bounces of a list go to it";
	if (strpbrk(alias->name, " \t\"'#@") != NULL || *alias->name == '\0')
		return "a table of virtual_alias_maps cannot name it";

	g_autoptr(GPtrArray) targets = split_targets(alias->targets);
	for (guint i = 0; i < targets->len; i++) {
		const char *why = target_obstacle(targets->pdata[i]);
		if (why != NULL)
			return why;
	}
	if (targets->len >= most)
		return "it names more than virtual_alias_expansion_limit allows";
	return targets->len > 0 ? NULL : "it names nobody";
}

char *
postfix_alias_virtual(const PostfixAlias *alias)
{
	g_autoptr(GPtrArray) targets = split_targets(alias->targets);
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < targets->len; i++) {
		const char *target = targets->pdata[i];
		g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", target + (*target == '\\'));
	}

	return g_string_free(out, FALSE);
}
