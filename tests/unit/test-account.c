/* SPDX-License-Identifier: MIT */
/*
 * An address from outside never leads out of the tree, and "not known" is not "could not look up".
 */
#include "agent/run/account.h"

#include "agent/base/fs.h"
#include "agent/run/account-list.h"
#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

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

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 6];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_virtual);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_address);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_missing_inbox);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_tree_of_template);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_owners_of_a_tree);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_system);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_passwd_file);

	return _cmocka_run_group_tests("account", tests, n, NULL, NULL);
}
