/* SPDX-License-Identifier: MIT */
/* postfix-aliases: the aliases that local(8) knows, read from the tables of alias_maps. */
#include "agent/cmd/postfix-aliases.h"

#include <string.h>
#include <sys/stat.h>

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

static void
stale_free(gpointer data)
{
	PostfixStale *stale = data;
	g_free(stale->map);
	g_free(stale->source);
	g_free(stale->database);
	g_free(stale->names);
	g_free(stale->root);
	g_free(stale);
}

char *
postfix_aliases_source(const char *map, char **ret_database)
{
	static const struct {
		const char *type, *ending;
	} kinds[] = {
		{ "hash:", ".db" }, { "btree:", ".db" }, { "lmdb:", ".lmdb" },
		{ "cdb:", ".cdb" }, { "dbm:", ".pag" },  { "sdbm:", ".pag" },
	};
	const char *plain = postfix_map_without_proxy(map);

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (!g_str_has_prefix(plain, kinds[i].type))
			continue;
		const char *source = plain + strlen(kinds[i].type);
		if (ret_database != NULL)
			*ret_database = g_strconcat(source, kinds[i].ending, NULL);
		return g_strdup(source);
	}
	return NULL;
}

char *
postfix_aliases_build(const PostfixFacts *facts, const char *map)
{
	const char *plain = postfix_map_without_proxy(map);
	g_autoptr(GPtrArray)
		built = postfix_list_words(postfix_facts_value(facts, "alias_database"));
	for (guint i = 0; i < built->len && facts->folder == NULL; i++)
		if (strcmp(postfix_map_without_proxy(built->pdata[i]), plain) == 0)
			return g_strdup("newaliases");

	g_autofree char *quoted = g_shell_quote(plain);
	return postfix_command("postalias", facts->folder, quoted);
}

/* Only letters and signs that mean the same in the source and in what is built of it. */
static bool
is_plain(const char *text)
{
	return *text != '\0' &&
	       text[strspn(text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "@._+-, \t")] == '\0';
}

/* The targets in one form: "a, b". Caller frees. */
static char *
one_form(const char *targets)
{
	g_autoptr(GPtrArray) list = split_targets(targets);
	g_ptr_array_add(list, NULL);
	return g_strjoinv(", ", (char **) list->pdata);
}

/* A line of aliases(5) with those that go on with it: its name and its targets. */
static void
take_source_line(GHashTable *entries, char *line)
{
	char *colon = strchr(line, ':');
	if (*line == '#' || colon == NULL)
		return;

	*colon = '\0';
	g_autofree char *name = g_ascii_strdown(g_strstrip(line), -1);
	char *targets = g_strstrip(colon + 1);
	if (is_plain(name) && is_plain(targets))
		g_hash_table_insert(entries, g_steal_pointer(&name), one_form(targets));
	else if (is_plain(name))
		g_hash_table_insert(entries, g_steal_pointer(&name), NULL);
}

/*
 * What a source says: name -> targets, or NULL where they are more than addresses. NULL: it cannot
 * be read. Caller frees.
 */
static GHashTable *
read_source(const char *path)
{
	g_autoptr(GString) logical = g_string_new(NULL);
	g_autofree char *text = NULL;
	if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) ||
	    !g_file_get_contents(path, &text, NULL, NULL))
		return NULL;

	GHashTable *entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		bool goes_on = g_ascii_isspace(**line);
		if (**line == '#' || *g_strchomp(*line) == '\0')
			continue;
		if (!goes_on) {
			take_source_line(entries, logical->str);
			g_string_truncate(logical, 0);
		}
		g_string_append(logical, *line);
	}
	take_source_line(entries, logical->str);

	return entries;
}

/* Does the table say the same? Another table that has the name goes before this one. */
static bool
is_same_entry(const PostfixAliases *aliases, const char *map, const char *name, const char *targets)
{
	const PostfixAlias *alias = postfix_aliases_find(aliases, name);
	if (alias == NULL)
		return false;
	if (strcmp(alias->map, map) != 0 || targets == NULL || !is_plain(alias->targets))
		return true;
	g_autofree char *built = one_form(alias->targets);
	return g_ascii_strcasecmp(built, targets) == 0;
}

static bool
is_unlisted(const PostfixAliases *aliases, const char *map)
{
	for (guint i = 0; i < aliases->unlisted->len; i++)
		if (strcmp(((const PostfixUnlisted *) aliases->unlisted->pdata[i])->map, map) == 0)
			return true;
	return false;
}

static int
by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The names in which source and table differ, sorted. */
static GPtrArray *
differing(const PostfixAliases *aliases, const char *map, GHashTable *source, bool is_newer)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer name, targets;

	g_hash_table_iter_init(&iter, source);
	while (g_hash_table_iter_next(&iter, &name, &targets))
		if (!is_same_entry(aliases, map, name, targets))
			g_ptr_array_add(names, g_strdup(name));
	for (guint i = 0; i < aliases->aliases->len && is_newer; i++) {
		const PostfixAlias *alias = aliases->aliases->pdata[i];
		if (strcmp(alias->map, map) == 0 && is_plain(alias->name) &&
		    !g_hash_table_contains(source, alias->name))
			g_ptr_array_add(names, g_strdup(alias->name));
	}
	g_ptr_array_sort(names, by_name);

	return names;
}

static char *
print_names(const GPtrArray *names)
{
	enum { MOST_NAMES = 5 };
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < names->len && i < MOST_NAMES; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (char *) names->pdata[i]);
	if (names->len > MOST_NAMES)
		g_string_append_printf(text, " and %u more", names->len - MOST_NAMES);
	return g_string_free(text, FALSE);
}

/* Of one table. NULL: it is as its source, or has none. Caller frees. */
static PostfixStale *
find_stale(const PostfixAliases *aliases, const char *map)
{
	g_autofree char *database = NULL, *path = postfix_aliases_source(map, &database);
	struct stat source, built;
	if (path == NULL || is_unlisted(aliases, map) || stat(path, &source) < 0 ||
	    stat(database, &built) < 0)
		return NULL;

	g_autoptr(GHashTable) entries = read_source(path);
	if (entries == NULL)
		return NULL;

	bool is_newer = source.st_mtim.tv_sec > built.st_mtim.tv_sec ||
	                (source.st_mtim.tv_sec == built.st_mtim.tv_sec &&
	                 source.st_mtim.tv_nsec > built.st_mtim.tv_nsec);
	g_autoptr(GPtrArray) names = differing(aliases, map, entries, is_newer);
	if (names->len == 0)
		return NULL;

	const char *root = g_hash_table_lookup(entries, "root");
	bool has_root = root != NULL && !is_same_entry(aliases, map, "root", root);
	PostfixStale *stale = g_new0(PostfixStale, 1);
	stale->map = g_strdup(map);
	stale->source = g_steal_pointer(&path);
	stale->database = g_steal_pointer(&database);
	stale->names = print_names(names);
	stale->root = has_root ? g_strdup(root) : NULL;
	return stale;
}

GPtrArray *
postfix_aliases_stale(const PostfixAliases *aliases, const PostfixFacts *facts)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(stale_free);
	g_autoptr(GPtrArray) maps = postfix_list_words(postfix_facts_value(facts, "alias_maps"));

	for (guint i = 0; i < maps->len; i++) {
		PostfixStale *stale = find_stale(aliases, maps->pdata[i]);
		if (stale != NULL)
			g_ptr_array_add(all, stale);
	}
	return all;
}
