/* SPDX-License-Identifier: MIT */
/*
 * postfix-aliases: the aliases that local(8) knows (aliases(5)), read from the tables of alias_maps
 * with postalias(1).
 *
 * The compiled tables are asked, not their sources: what counts is what Postfix does today.
 */
#ifndef TODOKE_POSTFIX_ALIASES_H
#define TODOKE_POSTFIX_ALIASES_H

#include "agent/cmd/postfix-facts.h"

typedef struct {
	char *name;    /* "postmaster" */
	char *targets; /* "root, bob@example.jp" */
	char *map;     /* "hash:/etc/aliases" */
} PostfixAlias;

/* A table that cannot be listed, and Postfix's words about it. */
typedef struct {
	char *map;
	char *why;
} PostfixUnlisted;

typedef struct {
	GHashTable *by_name; /* of the same, by their names in lower case */
	/* PostfixAlias; a name of two tables stands there once, as local(8) would find it */
	GPtrArray *aliases;
	GPtrArray *unlisted; /* PostfixUnlisted */
} PostfixAliases;

/* Never NULL: what cannot be read is among `unlisted`. Caller frees. */
PostfixAliases *postfix_aliases_read(const PostfixFacts *facts);
void postfix_aliases_free(PostfixAliases *aliases);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PostfixAliases, postfix_aliases_free)

/* The alias of that name, without case; NULL: there is none. Borrowed. */
const PostfixAlias *postfix_aliases_find(const PostfixAliases *aliases, const char *name);

/* A table whose source says something else: newaliases(1) has not run since it was changed. */
typedef struct {
	char *map;      /* "hash:/etc/aliases" */
	char *source;   /* "/etc/aliases" */
	char *database; /* "/etc/aliases.db" */
	char *names;    /* what differs, for people: "root, postmaster and 3 more" */
	char *root;     /* whom the source gives root's mail; NULL: nobody, or as the table does */
} PostfixStale;

/*
 * The tables among alias_maps that have a source beside them, which differs. Names and targets of
 * more than plain addresses are not compared. Caller frees.
 */
GPtrArray *postfix_aliases_stale(const PostfixAliases *aliases, const PostfixFacts *facts);

/* The command that builds such a table anew: "newaliases", or postalias(1). Caller frees. */
char *postfix_aliases_build(const PostfixFacts *facts, const char *map);

/*
 * The source of an indexed table ("hash:/etc/aliases"), and, where it is there, the file that is
 * built of it. NULL: the table is of another kind. Caller frees both; `ret_database` may be NULL.
 */
char *postfix_aliases_source(const char *map, char **ret_database);

/*
 * What keeps an alias from being an entry of virtual_alias_maps, which know addresses and nothing
 * else: "it runs a program"; NULL: nothing. `most` is virtual_alias_expansion_limit.
 */
const char *postfix_alias_obstacle(const PostfixAlias *alias, guint64 most);

/*
 * The targets as virtual(5) writes them: without the backslash that keeps local(8) from looking at
 * .forward. Caller frees.
 */
char *postfix_alias_virtual(const PostfixAlias *alias);

/*
 * What the table `map` has for `key`, asked from postmap(1). Caller frees; NULL: nothing, or, with
 * *ret_why (the caller's), that the table could not be asked.
 */
char *
postfix_map_query(const PostfixFacts *facts, const char *map, const char *key, char **ret_why);

/*
 * The words of a list such as alias_maps: separated by blanks or commas; a group in braces is part
 * of a word. Caller frees.
 */
GPtrArray *postfix_list_words(const char *list);

/* A word of a list of tables without "proxy:". */
const char *postfix_map_without_proxy(const char *map);

#endif
