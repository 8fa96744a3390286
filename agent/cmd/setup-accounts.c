/* SPDX-License-Identifier: MIT */
/* setup-accounts: what keeps the mail of system accounts from its owners. */
#define _GNU_SOURCE
#include "agent/cmd/setup-accounts.h"

#include "agent/base/limits.h"
#include "conf/conf-choices.h"

#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char aliases_head[] =
	"# Made by `todoke setup postfix`; a change counts after `postfix reload`, and --undo "
	"removes this file.\n";

/* Names in one finding: so many, then how many more there are. */
typedef struct {
	GString *text;
	unsigned count;
} Names;

static void
names_add(Names *names, const char *name)
{
	if (names->text == NULL)
		names->text = g_string_new(NULL);
	if (names->count++ < LIMIT_SETUP_NAMES)
		g_string_append_printf(names->text, "%s%s", names->text->len > 0 ? ", " : "", name);
}

static char *
names_end(Names *names)
{
	if (names->count > LIMIT_SETUP_NAMES)
		g_string_append_printf(names->text, " and %u more",
		                       names->count - LIMIT_SETUP_NAMES);
	return g_string_free(names->text, FALSE);
}

/* Our own table of aliases, as text and by its names. */
typedef struct {
	GString *text;
	GHashTable *names; /* in lower case */
} Table;

static void
table_clear(Table *table)
{
	if (table->text != NULL)
		(void) g_string_free(table->text, TRUE);
	g_clear_pointer(&table->names, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Table, table_clear)

static bool
table_has(const Table *table, const char *name)
{
	g_autofree char *folded = g_ascii_strdown(name, -1);
	return g_hash_table_contains(table->names, folded);
}

static void
table_add(Table *table, const char *name, const char *targets)
{
	char *folded = g_ascii_strdown(name, -1);
	if (!g_hash_table_contains(table->names, folded))
		g_string_append_printf(table->text, "%s %s\n", folded, targets);
	g_hash_table_add(table->names, folded);
}

/* The table as it is now; the head alone where no parameter names it. */
static void
table_read(const SetupPlanner *planner, const char *path, Table *ret)
{
	g_autofree char *map = g_strconcat("texthash:", path, NULL), *text = NULL;
	bool in_use = strstr(postfix_facts_value(planner->facts, "virtual_alias_maps"), map) !=
	                      NULL ||
	              strstr(postfix_facts_value(planner->facts, "alias_maps"), map) != NULL;
	bool is_there = in_use && g_file_get_contents(path, &text, NULL, NULL);

	ret->text = g_string_new(is_there ? text : aliases_head);
	ret->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (ret->text->len > 0 && ret->text->str[ret->text->len - 1] != '\n')
		g_string_append_c(ret->text, '\n');

	g_auto(GStrv) lines = g_strsplit(ret->text->str, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		g_hash_table_add(ret->names,
		                 g_ascii_strdown(*line, (gssize) strcspn(*line, " \t")));
}

/* Our table becomes part of `parameter`, whose own words stay. */
static void
want_table(SetupPlanner *planner, const Table *table, const char *parameter, bool first,
           const char *why)
{
	g_autofree char *path = setup_plan_path(planner, SETUP_ALIASES_FILE),
			*map = g_strconcat("texthash:", path, NULL);
	const char *now = setup_plan_written(planner, parameter);

	setup_plan_want_file(planner, SETUP_ALIASES_FILE, g_strdup(table->text->str), why);
	if (strstr(postfix_facts_value(planner->facts, parameter), map) != NULL)
		return;

	g_autofree char *after = *now == '\0' ? g_strdup(map)
	                         : first      ? g_strconcat(map, ", ", now, NULL)
	                                      : g_strconcat(now, ", ", map, NULL);
	setup_plan_want(planner, false, parameter,
	                g_hash_table_lookup(planner->facts->said, parameter), after, why);
}

/* How a table that cannot be listed is mended: built from its source, or left out. Caller frees. */
static char *
unlisted_fix(const SetupPlanner *planner, const char *map)
{
	g_autofree char *source = postfix_aliases_source(map, NULL);
	if (source != NULL && g_file_test(source, G_FILE_TEST_EXISTS))
		return postfix_aliases_build(planner->facts, map);

	g_autoptr(GPtrArray)
		words = postfix_list_words(postfix_facts_value(planner->facts, "alias_maps"));
	g_autoptr(GString) rest = g_string_new(NULL);
	for (guint i = 0; i < words->len; i++)
		if (strcmp(words->pdata[i], map) != 0)
			g_string_append_printf(rest, "%s%s", rest->len > 0 ? ", " : "",
			                       (char *) words->pdata[i]);

	return setup_plan_set_command(planner, "alias_maps", rest->str);
}

/* Does an entry give root's mail to somebody who is not root? */
static bool
names_another(const char *targets)
{
	return targets != NULL && *targets != '\0' &&
	       strcmp(targets + strspn(targets, "\\"), "root") != 0;
}

/*
 * The aliases that local(8) read until now go into our table; what is more than an address cannot.
 */
static void
move_aliases(SetupPlanner *planner, const PostfixAliases *aliases, Table *table)
{
	Names special = { 0 };
	guint64 most = g_ascii_strtoull(
		postfix_facts_value(planner->facts, "virtual_alias_expansion_limit"), NULL, 10);

	for (guint i = 0; i < aliases->aliases->len; i++) {
		const PostfixAlias *alias = aliases->aliases->pdata[i];
		const char *why = postfix_alias_obstacle(alias, most);
		g_autofree char *targets = why == NULL ? postfix_alias_virtual(alias) : NULL;
		g_autofree char *said = g_strdup_printf("%s (%s, in %s)", alias->name, why,
		                                        alias->map);
		bool is_itself = strcmp(alias->name, "root") == 0 && !names_another(targets);
		if (why == NULL && !is_itself)
			table_add(table, alias->name, targets);
		else if (why != NULL)
			names_add(&special, said);
	}

	if (special.count > 0) {
		g_autofree char *list = names_end(&special);
		setup_plan_find(
			planner, "aliases-special",
			g_strdup_printf("without local(8) these aliases would be lost: %s", list),
			g_strdup("take them out and do their work by Sieve (redirect, "
		                 "vnd.dovecot.pipe), newaliases; or keep local(8), "
		                 "with --fetched smtpd"));
	}
}

/* Tables that Postfix cannot read, or not list, at the door where that matters. */
static void
find_unlisted(SetupPlanner *planner, const PostfixAliases *aliases, bool must_list)
{
	for (guint i = 0; i < aliases->unlisted->len; i++) {
		const PostfixUnlisted *table = aliases->unlisted->pdata[i];
		g_autofree char *why = NULL;
		/* who gets root's mail does not matter here */
		g_free(postfix_map_query(planner->facts, table->map, "root", &why));
		if (must_list)
			setup_plan_find(planner, "aliases-unlisted",
			                g_strdup_printf("the aliases of %s cannot be moved: %s",
			                                table->map, table->why),
			                unlisted_fix(planner, table->map));
		else if (why != NULL)
			setup_plan_find(
				planner, "aliases-unreadable",
				g_strdup_printf(
					"local(8) cannot read %s, and delivers nothing until it "
					"can: %s",
					table->map, why),
				unlisted_fix(planner, table->map));
	}
}

/* Who changed the aliases and did not run newaliases sees no change. */
static void
find_stale(SetupPlanner *planner, const GPtrArray *all)
{
	for (guint i = 0; i < all->len; i++) {
		const PostfixStale *stale = all->pdata[i];
		setup_plan_find(planner, "aliases-stale",
		                g_strdup_printf("newaliases has not run since %s was changed: what "
		                                "Postfix reads, %s, differs in %s",
		                                stale->source, stale->database, stale->names),
		                postfix_aliases_build(planner->facts, stale->map));
	}
}

/* The table whose source gives root's mail to somebody; NULL: there is none. Borrowed. */
static const PostfixStale *
stale_root(const GPtrArray *all)
{
	for (guint i = 0; i < all->len; i++) {
		const PostfixStale *stale = all->pdata[i];
		if (names_another(stale->root))
			return stale;
	}
	return NULL;
}

/* Who gets root's mail, and by which table (both the caller's); NULL: nobody. */
static char *
find_root_alias(const SetupPlanner *planner, const PostfixAliases *aliases, char **ret_map)
{
	const PostfixAlias *root = postfix_aliases_find(aliases, "root");
	if (root != NULL && names_another(root->targets)) {
		*ret_map = g_strdup(root->map);
		return g_strdup(root->targets);
	}

	for (guint i = 0; i < aliases->unlisted->len; i++) {
		const PostfixUnlisted *unlisted = aliases->unlisted->pdata[i];
		g_autofree char *why = NULL, *targets = postfix_map_query(
						     planner->facts, unlisted->map, "root", &why);
		if (names_another(targets)) {
			*ret_map = g_strdup(unlisted->map);
			return g_steal_pointer(&targets);
		}
	}

	g_autofree char *address = g_strconcat(
		"root@", postfix_facts_value(planner->facts, "myorigin"), NULL);
	const char *const keys[] = { "root", address };
	g_autoptr(GPtrArray) maps = postfix_list_words(
		postfix_facts_value(planner->facts, "virtual_alias_maps"));
	for (guint i = 0; i < maps->len * G_N_ELEMENTS(keys); i++) {
		const char *map = maps->pdata[i / G_N_ELEMENTS(keys)];
		g_autofree char *why = NULL;
		g_autofree char *targets = postfix_map_query(planner->facts, map,
		                                             keys[i % G_N_ELEMENTS(keys)], &why);
		if (names_another(targets)) {
			*ret_map = g_strdup(map);
			return g_steal_pointer(&targets);
		}
	}

	return NULL;
}

/* Our table gives root's mail to `who`, unless somebody gets it already: that is the admin's. */
static void
give_root_mail(SetupPlanner *planner, const char *who, const char *now, const char *map,
               Table *table)
{
	if (now == NULL)
		table_add(table, "root", who);
	else if (g_ascii_strcasecmp(now, who) != 0)
		setup_plan_find(
			planner, "root-alias",
			g_strdup_printf("root's mail goes to %s by %s already: that stays, and "
		                        "--root-mail-to %s is left out",
		                        now, map, who),
			g_strdup_printf("where %s is to get it, change that entry of root (for "
		                        "/etc/aliases, then newaliases)",
		                        who));
}

/* The setting that sends root's mail on; NULL: this todoke has none. */
static const char *
root_setting(const Conf *conf)
{
	const ConfRow *row = conf_find_row("root_mail_to");
	return row != NULL ? *(char *const *) ((const char *) conf + row->offset) : NULL;
}

/* Nobody gets root's mail, or nobody until newaliases has run. */
static void
find_no_reader(SetupPlanner *planner, const PostfixStale *stale, bool has_setting)
{
	static const char waits[] =
		"nobody gets root's mail (cron, and postmaster where that is an "
		"alias of root): no delivery is done as root, so all of it "
		"would wait, and go back after days";

	if (stale != NULL)
		setup_plan_find(planner, "root-mail",
		                g_strdup_printf("%s; %s gives it to %s, which Postfix does not "
		                                "know before newaliases has run",
		                                waits, stale->source, stale->root),
		                postfix_aliases_build(planner->facts, stale->map));
	else
		setup_plan_find(
			planner, "root-mail", g_strdup(waits),
			g_strdup_printf(
				"name an account or an address that gets it: --root-mail-to WHO%s",
				has_setting ? ", or root_mail_to in todoke.conf" : ""));
}

/* Root's mail: to whom, or the finding that asks. */
static void
plan_aliases(SetupPlanner *planner)
{
	bool replaces_local = planner->wish->fetched == SETUP_FETCHED_LMTP;
	g_autoptr(PostfixAliases) aliases = postfix_aliases_read(planner->facts);
	g_autofree char *path = setup_plan_path(planner, SETUP_ALIASES_FILE);
	g_auto(Table) table = { 0 };

	table_read(planner, path, &table);
	gsize before = table.text->len;

	find_unlisted(planner, aliases, replaces_local);
	g_autoptr(GPtrArray) stale = postfix_aliases_stale(aliases, planner->facts);
	find_stale(planner, stale);
	g_autofree char *map = NULL, *root = find_root_alias(planner, aliases, &map);
	if (planner->wish->root_mail_to != NULL)
		give_root_mail(planner, planner->wish->root_mail_to, root, map, &table);
	if (replaces_local)
		move_aliases(planner, aliases, &table);

	const char *setting = root_setting(planner->wish->conf);
	bool is_sent_on = setting != NULL && *setting != '\0';
	if (!is_sent_on && root == NULL && !table_has(&table, "root"))
		find_no_reader(planner, stale_root(stale), setting != NULL);

	if (table.text->len == before)
		return;
	if (replaces_local)
		want_table(planner, &table, "virtual_alias_maps", false,
		           "the aliases that local(8) read before");
	else
		want_table(planner, &table, "alias_maps", true, "who gets root's mail");
}

/* Whether `visit` wants no more accounts. */
typedef bool AccountVisit(const struct passwd *entry, void *user);

static void
each_account(AccountVisit *visit, void *user)
{
	const struct passwd *entry;

	setpwent();
	for (unsigned i = 0; i < LIMIT_SETUP_ACCOUNTS && (entry = getpwent()) != NULL; i++)
		if (visit(entry, user))
			break;
	endpwent();
}

static bool
note_forward(const struct passwd *entry, void *user)
{
	g_autofree char *path = g_build_filename(entry->pw_dir, ".forward", NULL);
	struct stat sb;
	if (entry->pw_uid != 0 && stat(path, &sb) == 0 && sb.st_size > 0)
		names_add(user, entry->pw_name);
	return false;
}

static void
find_forwards(SetupPlanner *planner)
{
	Names names = { 0 };

	each_account(note_forward, &names);
	if (names.count == 0)
		return;

	g_autofree char *list = names_end(&names);
	setup_plan_find(
		planner, "forward-files",
		g_strdup_printf(
			"without local(8) nobody reads .forward, and these accounts have one: %s",
			list),
		g_strdup("each writes it as Sieve before (redirect \"somebody@example.jp\"; in "
	                 "~/.config/todoke/main.sieve), or, "
	                 "where it runs procmail, recipes = yes in todoke.conf"));
}

/*
 * The mailbox of an account by the template, as far as one of local(8)'s accounts has one. Caller
 * frees.
 */
static char *
maildir_of(const char *path_template, const struct passwd *entry, const char *domain)
{
	GString *path = g_string_new(NULL);
	for (const char *c = path_template; *c != '\0'; c++) {
		if (*c != '%' || c[1] == '\0') {
			g_string_append_c(path, *c);
			continue;
		}
		c++;
		g_string_append(path, *c == 'd'   ? domain
		                      : *c == 'h' ? entry->pw_dir
		                                  : entry->pw_name);
	}

	return g_string_free(path, FALSE);
}

typedef struct {
	const char *path_template;
	const char *domain;
	unsigned people; /* accounts that were looked at */
	unsigned able;   /* of those, who may write at the place of their mailbox */
} Tree;

/* May the account write in the deepest folder of the path that is there? */
static bool
may_write(const char *path, const struct passwd *entry)
{
	g_autofree char *folder = g_strdup(path);
	struct stat sb;

	while (stat(folder, &sb) < 0 && strcmp(folder, "/") != 0) {
		char *parent = g_path_get_dirname(folder);
		g_free(folder);
		folder = parent;
	}

	mode_t wanted = sb.st_uid == entry->pw_uid   ? S_IWUSR | S_IXUSR
	                : sb.st_gid == entry->pw_gid ? S_IWGRP | S_IXGRP
	                                             : S_IWOTH | S_IXOTH;
	return (sb.st_mode & wanted) == wanted;
}

/* Accounts of people begin at 1000; those of services get no mail by this door as a rule. */
enum { FIRST_UID_OF_PEOPLE = 1000, LAST_UID_OF_PEOPLE = 60000 };

static bool
count_account(const struct passwd *entry, void *user)
{
	Tree *tree = user;
	if (entry->pw_uid < FIRST_UID_OF_PEOPLE || entry->pw_uid > LAST_UID_OF_PEOPLE)
		return false;

	g_autofree char *path = maildir_of(tree->path_template, entry, tree->domain);
	tree->people++;
	tree->able += may_write(path, entry);

	return tree->able > 0;
}

/*
 * local(8) becomes the recipient, who cannot write into a tree that belongs to one account for all.
 */
static void
find_virtual_tree(SetupPlanner *planner)
{
	const Conf *conf = planner->wish->conf;
	Tree tree = { conf->maildir, postfix_facts_value(planner->facts, "mydomain"), 0, 0 };
	if (!planner->wish->virtual_users)
		return;

	each_account(count_account, &tree);
	if (tree.able > 0 && conf->users != CONF_USERS_PASSWD_FILE)
		return;

	setup_plan_find(
		planner, "virtual-maildir",
		g_strdup_printf(
			"todoke.conf delivers to virtual users (maildir is '%s'), but local(8) "
			"runs todoke as the recipient, "
			"who may not write there: all mail would wait",
			conf->maildir),
		g_strdup("maildir = \"~/Maildir\" in todoke.conf; or the door pipe, with the "
	                 "account that owns the tree: "
	                 "--door pipe --user vmail"));
}

/*
 * The Maildir that local(8) would deliver to if it ran nothing else, as todoke.conf writes it, and
 * *ret_said, what main.cf says. NULL: it says nothing of one. Caller frees both.
 */
static char *
maildir_of_local(const PostfixFacts *facts, char **ret_said)
{
	const char *in_home = postfix_facts_value(facts, "home_mailbox"),
		   *spool = g_hash_table_lookup(facts->said, "mail_spool_directory");
	const char *path = *in_home != '\0' ? in_home : spool != NULL ? spool : "";
	if (!g_str_has_suffix(path, "/"))
		return NULL;

	*ret_said = g_strdup_printf(
		"%s = %s", *in_home != '\0' ? "home_mailbox" : "mail_spool_directory", path);
	if (*in_home != '\0')
		return g_strdup_printf("~/%.*s", (int) strlen(path) - 1, path);
	return g_strconcat(path, "%u", NULL);
}

/* Does the value hand mail to another program than todoke? */
static bool
is_others(const char *value)
{
	return *value != '\0' && strstr(value, "todoke") == NULL;
}

/* What runs before local(8) looks at these parameters knows another place, or is told by itself. */
static bool
is_mailbox_of_local(const SetupPlanner *planner)
{
	const char *transport = postfix_facts_value(planner->facts, "local_transport");
	bool is_local = strcmp(transport, "local") == 0 || g_str_has_prefix(transport, "local:");
	bool has_recipes = planner->wish->runs_recipes ||
	                   setup_plan_procmail_arguments(planner) != NULL;

	return (is_local || !is_others(transport)) &&
	       !is_others(postfix_facts_value(planner->facts, "mailbox_command")) &&
	       !is_others(postfix_facts_value(planner->facts, "mailbox_transport")) &&
	       !(has_recipes && *planner->wish->conf->recipe_default != '\0');
}

static bool
is_same_place(const char *one, const char *other)
{
	g_autofree char *a = g_str_has_prefix(one, "%h/") ? g_strconcat("~", one + 2, NULL)
	                                                  : g_strdup(one);
	size_t len = strlen(a);
	while (len > 1 && a[len - 1] == '/')
		len--;
	return strlen(other) == len && strncmp(a, other, len) == 0;
}

/* Users who read the Maildir of main.cf do not see what is delivered to another one. */
static void
find_other_maildir(SetupPlanner *planner)
{
	const char *ours = planner->wish->conf->maildir;
	g_autofree char *said = NULL, *theirs = maildir_of_local(planner->facts, &said);
	if (theirs == NULL || is_same_place(ours, theirs) || !is_mailbox_of_local(planner))
		return;

	g_autofree char *name = g_strndup(said, strcspn(said, " "));
	g_autofree char *empty = setup_plan_set_command(planner, name, "");
	setup_plan_find(
		planner, "other-maildir",
		g_strdup_printf("main.cf has %s, and maildir of todoke.conf is '%s': whoever "
	                        "reads mail in '%s' does not see what todoke delivers",
	                        said, ours, theirs),
		g_strdup_printf("maildir = \"%s\" in todoke.conf; or, where mail is read in "
	                        "'%s', %s",
	                        theirs, ours, empty));
}

/* Where local(8), or procmail, puts mail until now: "/var/mail"; NULL: no mboxes. Borrowed. */
static const char *
mbox_folder(const PostfixFacts *facts)
{
	const char *folder = postfix_facts_value(facts, "mail_spool_directory");
	bool has_other = *postfix_facts_value(facts, "home_mailbox") != '\0' ||
	                 strstr(postfix_facts_value(facts, "mailbox_command"), "todoke") != NULL ||
	                 is_others(postfix_facts_value(facts, "mailbox_transport"));
	return has_other || *folder != '/' || g_str_has_suffix(folder, "/") ? NULL : folder;
}

typedef struct {
	const char *folder;
	Names names;
} OldMboxes;

static bool
note_mbox(const struct passwd *entry, void *user)
{
	OldMboxes *mboxes = user;
	g_autofree char *path = g_build_filename(mboxes->folder, entry->pw_name, NULL);
	struct stat sb;
	if (entry->pw_uid != 0 && lstat(path, &sb) == 0 && S_ISREG(sb.st_mode) && sb.st_size > 0)
		names_add(&mboxes->names, entry->pw_name);
	return false;
}

/* Users whose mail lies in mboxes find what comes from now on elsewhere, and not beside it. */
static void
find_old_mboxes(SetupPlanner *planner)
{
	const Conf *conf = planner->wish->conf;
	bool has_recipes = planner->wish->runs_recipes ||
	                   setup_plan_procmail_arguments(planner) != NULL;
	OldMboxes mboxes = { .folder = mbox_folder(planner->facts) };
	if (mboxes.folder == NULL || (has_recipes && *conf->recipe_default != '\0'))
		return;

	each_account(note_mbox, &mboxes);
	if (mboxes.names.count == 0)
		return;

	g_autofree char *list = names_end(&mboxes.names);
	g_autofree char *stay = has_recipes
	                                ? g_strdup_printf("to leave all mail there: recipe_default "
	                                                  "= \"%s/%%u\" in todoke.conf; ",
	                                                  mboxes.folder)
	                                : g_strdup("");
	setup_plan_find(
		planner, "old-mboxes",
		g_strdup_printf("mail lies in %s, where it came until now, of %s: from now on it "
	                        "goes to '%s', and a mail program shows one place or the other",
	                        mboxes.folder, list, conf->maildir),
		g_strdup_printf("%sto move it, when Postfix calls todoke, each user with formail "
	                        "of procmail: OLD MAIL IN MBOXES in todoke-migrate(7)",
	                        stay));
}

void
setup_accounts_plan(SetupPlanner *planner)
{
	const SetupWish *wish = planner->wish;

	if (wish->door == SETUP_LOCAL)
		find_virtual_tree(planner);
	if (wish->door == SETUP_LOCAL || !wish->virtual_users)
		plan_aliases(planner);
	if (wish->fetched == SETUP_FETCHED_LMTP && !wish->virtual_users)
		find_forwards(planner);
	if (wish->door != SETUP_PIPE && !wish->virtual_users)
		find_other_maildir(planner);
	if (wish->door != SETUP_PIPE && !wish->virtual_users)
		find_old_mboxes(planner);
}
