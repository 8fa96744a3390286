/* SPDX-License-Identifier: MIT */
/*
 * An address from outside never leads out of the tree, and "not known" is not "could not look up".
 */
#include "agent/run/account.h"

#include "agent/base/fs.h"
#include "agent/run/account-list.h"
#include "agent/run/account-parts.h"
#include "conf/conf-choices.h"
#include "tests/lib/calls.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	const char *name;
	const char *maildir;
	const char *recipient;
	const char *want_maildir; /* NULL: the fault */
	StatusId want;
} Row;

static const Row rows[] = {
	{ "a virtual tree", "/v/%d/%n", "ann@example.jp", "/v/example.jp/ann", STATUS_OK },
	{ "case is folded", "/v/%d/%n", "Ann@Example.JP", "/v/example.jp/ann", STATUS_OK },
	{ "detail is not a part of the path", "/v/%d/%n", "ann+shop@example.jp",
	  "/v/example.jp/ann", STATUS_OK },
	{ "%u is the whole address", "/v/%u/M", "ann+shop@example.jp", "/v/ann@example.jp/M",
	  STATUS_OK },
	{ "one mailbox for all", "/v/all", "ann@example.jp", "/v/all", STATUS_OK },
	{ "a percent sign", "/v/100%%/%n", "ann@example.jp", "/v/100%/ann", STATUS_OK },
	{ "a blank in the local part", "/v/%d/%n", "ann b@example.jp", "/v/example.jp/ann b",
	  STATUS_OK },
	{ "two dots", "/v/%d/%n", "..@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "a path upwards", "/v/%d/%n", "../../etc/passwd@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "a path upwards in the domain", "/v/%d/%n", "ann@../..", NULL, STATUS_BAD_ADDRESS },
	{ "a slash", "/v/%d/%n", "a/b@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "a leading dash", "/v/%d/%n", "-rf@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "a leading dot", "/v/%d/%n", ".Trash@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "an empty local part", "/v/%d/%n", "@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "an empty domain", "/v/%d/%n", "ann@", NULL, STATUS_BAD_ADDRESS },
	{ "no domain where one is needed", "/v/%d/%n", "ann", NULL, STATUS_CONFIG },
	{ "no recipient at all", "/v/%d/%n", "", NULL, STATUS_USAGE },
	{ "no domain where none is needed", "/v/%n", "ann", "/v/ann", STATUS_OK },
	{ "a control octet", "/v/%d/%n", "a\tb@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "a substring", "/v/%d/%1n/%n", "ann@example.jp", "/v/example.jp/a/ann", STATUS_OK },
	{ "a substring of a short name", "/v/%1.1n/%n", "a@example.jp", "/v//a", STATUS_OK },
	{ "a substring that leads upwards", "/v/%1.2n/%n", "a..@example.jp", NULL,
	  STATUS_BAD_ADDRESS },
	{ "a changed name is looked at, too", "/v/%Rn", "a.@example.jp", NULL, STATUS_BAD_ADDRESS },
	{ "a filter", "/v/%{user | domain | upper}", "ann@example.jp", "/v/EXAMPLE.JP", STATUS_OK },
	{ "a long name without domain", "/v/%{domain}/%n", "ann", NULL, STATUS_CONFIG },
	{ "an unknown letter", "/v/%x/%n", "ann@example.jp", NULL, STATUS_CONFIG },
};

static char *no_addresses[] = { NULL };

static Conf
conf_with(const char *maildir)
{
	return (Conf){
		.users = CONF_USERS_AUTO,
		.maildir = (char *) (uintptr_t) maildir,
		.home = (char *) (uintptr_t) "",
		.passwd_file = (char *) (uintptr_t) "",
		.virtual_user = (char *) (uintptr_t) "",
		.root_mail_to = (char *) (uintptr_t) "",
		.tree_memory = (char *) (uintptr_t) "",
		.delimiters = (char *) (uintptr_t) "+",
		.addresses = no_addresses,
		.catch_all = (char *) (uintptr_t) "",
		.domain_aliases = no_addresses,
		.dovecot_socket = (char *) (uintptr_t) "/nonexistent",
		.users_timeout = 1,
		.fold_local = true,
		.create_maildir = true,
	};
}

static void
test_virtual(void **state)
{
	const Row *row = *state;
	Conf conf = conf_with(row->maildir);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) account = account_find(&conf, row->recipient, &st);

	assert_int_equal(st.id, row->want);
	if (row->want_maildir == NULL)
		assert_null(account);
	else
		assert_string_equal(account->maildir, row->want_maildir);
}

static void
test_long_address(void **state)
{
	(void) state;
	Conf conf = conf_with("/v/%d/%n");
	for (size_t len = 255; len <= 256; len++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *local = g_strnfill(len, 'a');
		g_autofree char *address = g_strconcat(local, "@example.jp", NULL);
		g_autoptr(Account) account = account_find(&conf, address, &st);
		assert_int_equal(st.id, len == 255 ? STATUS_OK : STATUS_BAD_ADDRESS);
	}
}

/* What is missing for all is no unknown user; nor is it where the tree is empty. */
static void
test_missing_inbox(void **state)
{
	(void) state;
	g_autofree char *root = scratch_new();
	static const struct {
		const char *below, *made, *file;
		bool create;
		StatusId want;
	} cases[] = {
		{ "missing/%d/%n", NULL, NULL, false, STATUS_TREE },
		{ "missing/%d/%n", NULL, NULL, true, STATUS_TREE },
		{ "empty/%d/%n", "empty", NULL, false, STATUS_TREE },
		{ "empty/%d/%n", NULL, NULL, true, STATUS_OK },
		{ "used/%d/%n", "used", "used/x", false, STATUS_UNKNOWN_USER },
		{ "used/m%n", NULL, NULL, false, STATUS_UNKNOWN_USER },
		{ "used/one", NULL, NULL, false, STATUS_UNKNOWN_USER },
		{ "used/x", NULL, NULL, false, STATUS_OK },
		{ "used/x/%n", NULL, NULL, true, STATUS_TREE },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *maildir = g_build_filename(root, cases[i].below, NULL);
		g_autofree char *made = g_build_filename(
			root, cases[i].made != NULL ? cases[i].made : "", NULL);
		(void) g_mkdir_with_parents(made, 0755);
		if (cases[i].file != NULL)
			scratch_write(root, cases[i].file, "");
		Conf conf = conf_with(maildir);
		conf.create_maildir = cases[i].create;
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Account) account = account_find(&conf, "ann@example.jp", &st);
		assert_non_null(account);
		assert_int_equal(account_check(&conf, account, &st), cases[i].want == STATUS_OK);
		assert_int_equal(st.id, cases[i].want);
	}

	scratch_remove(g_steal_pointer(&root));
}

static void
test_tree_of_template(void **state)
{
	(void) state;
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "/var/vmail/%d/%n", "/var/vmail" },
		{ "/var/vmail//%n", "/var/vmail" },
		{ "/home/m-%n/Maildir", "/home" },
		{ "/srv/all", "/srv" },
		{ "/%n", NULL },
		{ "/all", NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *tree = tree_of_template(cases[i].in);
		assert_int_equal(g_strcmp0(tree, cases[i].want), 0);
	}
}

/* The owners of a tree are the folders that the template can have made, and no others. */
static void
test_owners_of_a_tree(void **state)
{
	(void) state;
	static const char *const folders[] = { "m-ann-x", "m-bob-x", "m--x",
		                               "m-x",     "b-cat-x", "m-dan-y" };
	char *dir = scratch_new();
	g_autofree char *template = g_build_filename(dir, "m-%n-x", "Maildir", NULL);
	Conf conf = conf_with(template);
	g_auto(Status) st = STATUS_INIT;
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(dir, folders[i], "Maildir", NULL);
		assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
	}

	g_autoptr(GPtrArray) list = account_list(&conf, &st);
	assert_non_null(list);
	g_autoptr(GString) got = g_string_new(NULL);
	for (guint i = 0; i < list->len; i++)
		g_string_append_printf(got, "%s ", ((Account *) list->pdata[i])->user);
	assert_true(strcmp(got->str, "ann bob ") == 0 || strcmp(got->str, "bob ann ") == 0);
	scratch_remove(dir);
}

static gint
compare_texts(gconstpointer one, gconstpointer other)
{
	return strcmp(*(const char *const *) one, *(const char *const *) other);
}

/* By which templates the owners can be told, and how. */
static void
test_lists_of_a_tree(void **state)
{
	(void) state;
	static const char *const folders[] = { "x.test/ann/Maildir", "x.test/bob/Maildir",
		                               "y.test/cat/Maildir", "y.test/.hidden/Maildir",
		                               "x.test/.x" };
	static const struct {
		const char *below, *want; /* NULL: they cannot be listed */
	} templates[] = {
		{ "%d/%n/Maildir", "ann@x.test bob@x.test cat@y.test" },
		{ "x.test/%n/Maildir", "ann bob" },
		{ "%n%d/Maildir", NULL },
		{ "%d/%1n/Maildir", NULL },
		{ "%d/%", NULL },
	};
	static char of_homes[] = "~/Maildir";
	Conf homeless = conf_with(of_homes);
	homeless.users = CONF_USERS_VIRTUAL;
	g_auto(Status) no_tree = STATUS_INIT;
	assert_null(account_list(&homeless, &no_tree));
	assert_int_equal(no_tree.id, STATUS_CONFIG);
	assert_non_null(strstr(no_tree.detail, "users cannot be listed from the path '~/Maildir'"));

	char *dir = scratch_new();
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(dir, folders[i], NULL);
		assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(templates); i++) {
		g_autofree char *template = g_build_filename(dir, templates[i].below, NULL);
		Conf conf = conf_with(template);
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GPtrArray) list = account_list(&conf, &st);
		g_autoptr(GPtrArray) names = g_ptr_array_new();
		for (guint n = 0; list != NULL && n < list->len; n++)
			g_ptr_array_add(names, ((Account *) list->pdata[n])->user);
		g_ptr_array_sort(names, compare_texts);
		g_ptr_array_add(names, NULL);
		g_autofree char *got = g_strjoinv(" ", (char **) names->pdata);
		assert_int_equal(list != NULL, templates[i].want != NULL);
		assert_int_equal(st.id, templates[i].want != NULL ? STATUS_OK : STATUS_CONFIG);
		assert_string_equal(got, templates[i].want != NULL ? templates[i].want : "");
	}
	scratch_remove(dir);
}

static void
test_system(void **state)
{
	(void) state;
	Conf conf = conf_with("~/Maildir");
	struct passwd *pw = getpwnam("games");
	assert_non_null(pw);

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) account = account_find(&conf, "games+x@example.jp", &st);
	assert_non_null(account);
	assert_int_equal(account->uid, pw->pw_uid);
	assert_string_equal(account->detail, "x");
	assert_true(g_str_has_prefix(account->maildir, pw->pw_dir));
	assert_null(account_find(&conf, "no-such-user-here@example.jp", &st));
	assert_int_equal(st.id, STATUS_UNKNOWN_USER);
}

static void
test_passwd_file(void **state)
{
	(void) state;
	static const char lines[] =
		"ann:x:1234:1235::/home/ann\nbob@b.jp:x:::bob:/home/bob:/bin/sh\nbad:x:0:0::/root\nshort:x\n";
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("passwd-XXXXXX", &path, NULL);
	g_auto(Status) st = STATUS_INIT;
	assert_true(fs_write_all(fd, lines, sizeof lines - 1, path, &st));
	close(fd);

	Conf conf = conf_with("~/Maildir");
	conf.passwd_file = path;
	g_autoptr(Account) ann = account_find(&conf, "ann@anywhere.jp", &st);
	assert_int_equal(ann->uid, 1234);
	assert_string_equal(ann->maildir, "/home/ann/Maildir");

	g_autoptr(Account) bob = account_find(&conf, "bob@b.jp", &st);
	assert_true(bob->uid == ACCOUNT_NO_UID);
	static const struct {
		const char *recipient;
		StatusId want;
	} faults[] = {
		{ "carol@b.jp", STATUS_UNKNOWN_USER },
		{ "bob@c.jp", STATUS_UNKNOWN_USER },
		{ "bad@b.jp", STATUS_CONFIG },
		{ "short@b.jp", STATUS_CONFIG },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		g_auto(Status) fault = STATUS_INIT;
		assert_null(account_find(&conf, faults[i].recipient, &fault));
		assert_int_equal(fault.id, faults[i].want);
	}

	unlink(path);
	assert_null(account_find(&conf, "ann@anywhere.jp", &st));
	assert_int_equal(st.id, STATUS_LOOKUP);
}

/* A name is the whole of the first field, and a file that stays as it is is read once. */
static void
test_names_of_the_passwd_file(void **state)
{
	(void) state;
	static const struct {
		const char *recipient, *maildir;
		StatusId want;
	} names[] = {
		{ "ann@x.test", "/home/ann/Maildir", STATUS_OK },
		{ "annabel@x.test", "/home/annabel/Maildir", STATUS_OK },
		{ "an@x.test", NULL, STATUS_UNKNOWN_USER },
		{ "nn@x.test", NULL, STATUS_UNKNOWN_USER },
		{ "annb@x.test", NULL, STATUS_UNKNOWN_USER },
		{ "x@x.test", NULL, STATUS_UNKNOWN_USER },
		{ "last@x.test", NULL, STATUS_CONFIG },
		{ "las@x.test", NULL, STATUS_UNKNOWN_USER },
		{ "lastone@x.test", NULL, STATUS_UNKNOWN_USER },
	};
	char *dir = scratch_new();
	scratch_write(dir, "passwd", "annabel:x:1:1::/home/annabel\n\nann:x:2:2::/home/ann\nlast");
	g_autofree char *path = g_build_filename(dir, "passwd", NULL);
	Conf conf = conf_with("~/Maildir");
	conf.passwd_file = path;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Account) account = account_find(&conf, names[i].recipient, &st);
		if (st.id != names[i].want)
			fail_msg("%s: %s", names[i].recipient, st.detail);
		if (account != NULL)
			assert_string_equal(account->maildir, names[i].maildir);
	}
	scratch_remove(dir);

	static char old[] = "/etc/passwd";
	conf.passwd_file = old;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) games = account_find(&conf, "games@x.test", &st);
	assert_non_null(games);
	calls_break("openat", old, CALLS_EACH, EIO);
	g_autoptr(Account) again = account_find(&conf, "games@x.test", &st);
	assert_non_null(again);
	assert_int_equal(calls_end(), 0);
}

/* Accounts of the system are listed from the first one, each time; root's is nobody's mailbox. */
static void
test_list_of_the_system(void **state)
{
	(void) state;
	Conf conf = conf_with("~/Maildir");
	guint first_len = 0;
	for (int i = 0; i < 3; i++) {
		g_auto(Status) st = STATUS_INIT;
		setpwent();
		for (int skipped = 0; skipped < i; skipped++)
			(void) getpwent();
		g_autoptr(GPtrArray) list = account_list(&conf, &st);
		assert_non_null(list);
		bool has_games = false;
		for (guint n = 0; n < list->len; n++) {
			const char *user = ((const Account *) list->pdata[n])->user;
			has_games = has_games || strcmp(user, "games") == 0;
			assert_string_not_equal(user, "root");
		}
		assert_true(has_games);
		first_len = i == 0 ? list->len : first_len;
		assert_int_equal(list->len, first_len);
		assert_non_null(getpwent()); /* from its begin: that one is closed */
		endpwent();
	}
}

/* Whose name and home the environment says; for root, whom its mail goes on to. */
static void
test_of_process(void **state)
{
	(void) state;
	static char to[] = "admin@x.test", relative[] = "Maildir";
	Conf conf = conf_with("~/Maildir");
	g_auto(Status) st = STATUS_INIT;
	bool is_root = geteuid() == 0;

	/* Root acts for the account that it is told; others are who they are. */
	g_autoptr(Account)
		games = account_of_process(&conf, "Games+x@Example.JP", "games", "/h/games", &st);
	assert_non_null(games);
	assert_string_equal(games->user, "games");
	assert_string_equal(games->local, "games");
	assert_string_equal(games->domain, "example.jp");
	assert_string_equal(games->detail, "x");
	assert_string_equal(games->home, "/h/games");
	assert_string_equal(games->maildir, "/h/games/Maildir");
	assert_true(games->is_system);
	assert_int_equal(games->uid, is_root ? getpwnam("games")->pw_uid : geteuid());
	assert_int_equal(games->gid, is_root ? getpwnam("games")->pw_gid : getegid());
	assert_string_equal(games->addresses->pdata[0], "games@example.jp");
	assert_string_equal(games->addresses->pdata[1], "Games+x@Example.JP");

	g_autoptr(Account) plain = account_of_process(&conf, NULL, "games", "/h/games", &st);
	assert_non_null(plain);
	assert_string_equal(plain->local, "games");
	assert_null(plain->domain);
	assert_int_equal(plain->addresses->len, 0);

	if (is_root) {
		assert_null(account_of_process(&conf, NULL, "no-such-user-here", "/h", &st));
		assert_int_equal(st.id, STATUS_CONFIG);
		status_clear(&st);
		st = (Status) STATUS_INIT;
	}
	conf.maildir = relative;
	assert_null(account_of_process(&conf, NULL, "games", "/h/games", &st));
	assert_int_equal(st.id, STATUS_CONFIG);
	status_clear(&st);
	st = (Status) STATUS_INIT;

	/* local(8) runs a command for root as nobody. */
	assert_null(account_of_process(&conf, "root@x.test", "root", "/root", &st));
	assert_int_equal(st.id, STATUS_CONFIG);
	conf.root_mail_to = to;
	g_autoptr(Account) root = account_of_process(&conf, "root@x.test", "root", "/root", &st);
	assert_non_null(root);
	assert_string_equal(root->returns_to, to);
	assert_true(root->forwards_all);
	assert_false(root->is_system);
	assert_null(root->home);
	assert_string_equal(root->maildir, "/nonexistent");
	assert_true(root->uid == (is_root ? getpwnam("nobody")->pw_uid : ACCOUNT_NO_UID));
	assert_int_equal(root->gid, is_root ? getpwnam("nobody")->pw_gid : 0);
	g_auto(Status) good = STATUS_INIT;
	assert_true(account_check(&conf, root, &good));
}

/* An address that need not exist, to try rules with. */
static void
test_imagined(void **state)
{
	(void) state;
	static char upper[] = "me@%d", wrong[] = "%x@%d";
	char *more[] = { upper, NULL }, *bad[] = { wrong, NULL };
	Conf conf = conf_with("/v/%d/%n");
	conf.addresses = more;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) ann = account_imagined(&conf, "Ann+x@Example.JP", &st);
	assert_string_equal(ann->user, "ann@example.jp");
	assert_string_equal(ann->home, "/nonexistent");
	assert_string_equal(ann->maildir, "/nonexistent/Maildir");
	assert_int_equal(ann->addresses->len, 2);
	assert_string_equal(ann->addresses->pdata[0], "ann@example.jp");
	assert_string_equal(ann->addresses->pdata[1], "me@example.jp");

	conf.addresses = no_addresses;
	g_autoptr(Account) bare = account_imagined(&conf, "ann", &st);
	assert_string_equal(bare->user, "ann");
	assert_int_equal(bare->addresses->len, 0);
	assert_null(account_imagined(&conf, "", &st));
	assert_int_equal(st.id, STATUS_USAGE);
	g_auto(Status) unknown = STATUS_INIT;
	conf.addresses = bad;
	assert_null(account_imagined(&conf, "ann@x.test", &unknown));
	assert_int_equal(unknown.id, STATUS_CONFIG);
	g_auto(Status) same = STATUS_INIT;
	assert_null(account_find(&conf, "ann@x.test", &same));
	assert_int_equal(same.id, STATUS_CONFIG);
}

/* The domain is another name of one; the address that was written stays one of the owner's. */
static void
test_domain_alias(void **state)
{
	(void) state;
	static char alias[] = "example.com=Example.JP";
	char *aliases[] = { alias, NULL };
	Conf conf = conf_with("/v/%d/%n");
	conf.domain_aliases = aliases;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) ann = account_find(&conf, "ann@EXAMPLE.com", &st);
	assert_string_equal(ann->maildir, "/v/example.jp/ann");
	assert_int_equal(ann->addresses->len, 2);
	assert_string_equal(ann->addresses->pdata[0], "ann@example.jp");
	assert_string_equal(ann->addresses->pdata[1], "ann@EXAMPLE.com");
	g_autoptr(Account) other = account_find(&conf, "ann@other.jp", &st);
	assert_string_equal(other->maildir, "/v/other.jp/ann");
	assert_int_equal(other->addresses->len, 1);
	conf.fold_local = false;
	g_autoptr(Account) upper = account_find(&conf, "Ann@other.jp", &st);
	assert_string_equal(upper->maildir, "/v/other.jp/Ann");
}

/* Where the state and the record lie. */
static void
test_state_folder(void **state)
{
	(void) state;
	static char none[] = "", folder[] = "/s/%d/%n", at_home[] = "~/state", wrong[] = "/s/%x",
		    file[] = "/r/%n.json";
	char *homes[] = { (char *) (uintptr_t) "/h/ann", NULL };
	struct {
		bool is_system;
		char *home, *state_folder, *record_file;
		const char *want_state, *want_record;
	} places[] = {
		{ false, homes[0], none, none, "/v/ann/todoke-state",
		  "/v/ann/todoke-state/record" },
		{ true, homes[0], none, none, "/h/ann/.local/state/todoke",
		  "/h/ann/.local/state/todoke/record" },
		{ true, NULL, none, none, "/v/ann/todoke-state", "/v/ann/todoke-state/record" },
		{ true, homes[0], folder, none, "/s/x.test/ann", "/s/x.test/ann/record" },
		{ true, homes[0], at_home, none, "/h/ann/state", "/h/ann/state/record" },
		{ false, NULL, at_home, none, NULL, NULL },
		{ false, homes[0], wrong, none, NULL, NULL },
		{ false, homes[0], folder, file, "/s/x.test/ann", "/r/ann.json" },
		{ false, homes[0], wrong, file, NULL, "/r/ann.json" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		Conf conf = conf_with("/v/%n");
		conf.state_folder = places[i].state_folder;
		conf.record_file = places[i].record_file;
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Account) ann = account_find(&conf, "ann@x.test", &st);
		ann->is_system = places[i].is_system;
		g_free(ann->home);
		ann->home = g_strdup(places[i].home);
		g_autofree char *got = account_state_folder(ann, &conf, &st);
		assert_int_equal(g_strcmp0(got, places[i].want_state), 0);
		assert_int_equal(st.id, places[i].want_state != NULL ? STATUS_OK : STATUS_CONFIG);
		g_auto(Status) other = STATUS_INIT;
		g_autofree char *record = account_record_path(ann, &conf, &other);
		assert_int_equal(g_strcmp0(record, places[i].want_record), 0);
		assert_int_equal(other.id,
		                 places[i].want_record != NULL ? STATUS_OK : STATUS_CONFIG);
	}
}

/* Which users there are where no setting says it, and the template of the tree that they share. */
static void
test_kinds(void **state)
{
	(void) state;
	static char file[] = "/etc/x", home[] = "/h/%n", none[] = "";
	struct {
		unsigned users;
		const char *maildir;
		char *passwd_file, *home;
		unsigned kind;
		const char *tree;
	} kinds[] = {
		{ CONF_USERS_AUTO, "/v/%n", none, none, CONF_USERS_VIRTUAL, "/v/%n" },
		{ CONF_USERS_AUTO, "/v/%n", file, none, CONF_USERS_PASSWD_FILE, "/v/%n" },
		{ CONF_USERS_AUTO, "~/Maildir", none, none, CONF_USERS_SYSTEM, NULL },
		{ CONF_USERS_AUTO, "%h/Maildir", none, none, CONF_USERS_SYSTEM, NULL },
		{ CONF_USERS_AUTO, "%{home}/Maildir", none, none, CONF_USERS_SYSTEM, NULL },
		{ CONF_USERS_AUTO, "/v%h", none, none, CONF_USERS_SYSTEM, "/v%h" },
		{ CONF_USERS_VIRTUAL, "~/Maildir", none, home, CONF_USERS_VIRTUAL, "/h/%n" },
		{ CONF_USERS_VIRTUAL, "~/Maildir", none, none, CONF_USERS_VIRTUAL, NULL },
		{ CONF_USERS_SYSTEM, "~/Maildir", none, home, CONF_USERS_SYSTEM, NULL },
		{ CONF_USERS_DOVECOT, "/v/%n", file, none, CONF_USERS_DOVECOT, "/v/%n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		Conf conf = conf_with(kinds[i].maildir);
		conf.users = kinds[i].users;
		conf.passwd_file = kinds[i].passwd_file;
		conf.home = kinds[i].home;
		assert_int_equal(account_kind_of_users(&conf), kinds[i].kind);
		assert_int_equal(g_strcmp0(account_tree_template(&conf), kinds[i].tree), 0);
	}
}

/* One setting says the home for everybody; a path may begin with it. */
static void
test_home_of_all(void **state)
{
	(void) state;
	static char home[] = "/h/%d/%n", wrong[] = "/h/%x";
	Conf conf = conf_with("~/Maildir");
	conf.users = CONF_USERS_VIRTUAL;
	conf.home = home;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) ann = account_find(&conf, "ann@x.test", &st);
	assert_string_equal(ann->home, "/h/x.test/ann");
	assert_string_equal(ann->maildir, "/h/x.test/ann/Maildir");
	g_autofree char *alone = account_expand(ann, "~", &st);
	assert_string_equal(alone, "/h/x.test/ann");
	g_autofree char *of_another = account_expand(ann, "~bob/x", &st);
	assert_string_equal(of_another, "~bob/x");
	conf.home = wrong;
	assert_null(account_find(&conf, "ann@x.test", &st));
	assert_int_equal(st.id, STATUS_CONFIG);
}

/* Root is nobody's mailbox, and only root can look in the rights of others. */
static void
test_rights(void **state)
{
	(void) state;
	static char user[] = "games", nobody_here[] = "no-such-user-here", root[] = "root";
	Conf conf = conf_with("/v/%n");
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) ann = account_find(&conf, "ann@x.test", &st);
	uid_t games = getpwnam("games")->pw_uid;
	gid_t group = getpwnam("games")->pw_gid;

	conf.virtual_user = user;
	assert_true(account_find_owner(&conf, ann, &st));
	assert_int_equal(ann->uid, games);
	assert_int_equal(ann->gid, group);
	char *wrong[] = { nobody_here, root };
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(Status) fault = STATUS_INIT;
		conf.virtual_user = wrong[i];
		ann->uid = ACCOUNT_NO_UID;
		assert_false(account_find_owner(&conf, ann, &fault));
		assert_int_equal(fault.id, STATUS_CONFIG);
	}
	ann->uid = 0;
	assert_false(account_find_owner(&conf, ann, &st));
	assert_int_equal(st.id, STATUS_CONFIG);

	bool is_root = geteuid() == 0;
	static const struct {
		const char *name;
		bool is_lent;
	} names[] = { { "games", true }, { "no-such-user-here", false }, { "root", false } };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_auto(Status) fault = STATUS_INIT;
		assert_int_equal(account_lend_rights(ann, names[i].name, &fault),
		                 is_root && names[i].is_lent);
		assert_int_equal(fault.id, is_root && names[i].is_lent ? STATUS_OK : STATUS_USAGE);
	}

	ann->uid = games;
	ann->gid = group;
	g_auto(Status) good = STATUS_INIT;
	uid_t we = geteuid();
	gid_t our_group = getegid();
	assert_true(account_enter(ann, &good));
	assert_int_equal(geteuid(), is_root ? games : we);
	assert_int_equal(getegid(), is_root ? group : our_group);
	assert_true(account_leave(ann, &good));
	assert_int_equal(geteuid(), we);
	assert_int_equal(getegid(), our_group);
	ann->uid = ACCOUNT_NO_UID;
	assert_true(account_enter(ann, &good));
	assert_int_equal(geteuid(), we);

	if (!is_root) {
		assert_true(account_become(&conf, ann, &good));
		ann->uid = we;
		assert_true(account_become(&conf, ann, &good));
		ann->uid = we + 1;
		assert_false(account_become(&conf, ann, &good));
		assert_int_equal(good.id, STATUS_CONFIG);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 16];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_virtual);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_address);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_missing_inbox);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_tree_of_template);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_owners_of_a_tree);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lists_of_a_tree);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_system);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_passwd_file);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_names_of_the_passwd_file);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_list_of_the_system);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_of_process);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_imagined);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_domain_alias);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_state_folder);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_kinds);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_home_of_all);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rights);

	return _cmocka_run_group_tests("account", tests, n, NULL, NULL);
}
