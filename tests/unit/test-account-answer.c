/* SPDX-License-Identifier: MIT */
/* What the fields of a source of users mean: Dovecot's of both versions, and settings of ours. */
#define _GNU_SOURCE
#include "agent/run/account-answer.h"

#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

/* A host with accounts and groups whose names look like numbers: none of them is meant by one. */
static bool
is_odd(const char *name)
{
	return *name == '\0' || *name == '-' || g_ascii_isdigit(*name);
}

struct passwd *
getpwnam(const char *name)
{
	static struct passwd odd = { .pw_uid = 4711, .pw_gid = 4712 };
	static struct passwd *(*next)(const char *);
	if (next == NULL)
		*(void **) &next = dlsym(RTLD_NEXT, "getpwnam");
	return is_odd(name) ? &odd : next(name);
}

struct group *
getgrnam(const char *name)
{
	static struct group odd = { .gr_gid = 4712 };
	static struct group *(*next)(const char *);
	if (next == NULL)
		*(void **) &next = dlsym(RTLD_NEXT, "getgrnam");
	return is_odd(name) ? &odd : next(name);
}

typedef struct {
	const char *name;
	const char *fields; /* one a line */
	/* "user|home|mail|uid:gid|settings|unused"; where it begins with "!", the fault has it */
	const char *want;
} Row;

static const Row rows[] = {
	{ "nothing", "", "|||none||" },
	{ "who and where", "user=ann\nhome=/h/ann\nuid=1234\ngid=1235", "ann|/h/ann||1234:1235||" },
	{ "with the prefix", "userdb_user=ann\nuserdb_home=/h/ann", "ann|/h/ann||none||" },
	{ "the later one counts",
	  "user=ann\nuser=bob\nhome=/a\nhome=/b\nmail_path=/a\nmail_path=/b", "bob|/b|/b|none||" },
	{ "empty ones say nothing",
	  "user=\nhome=\nuid=\ngid=\nmail=\nmail_path=\nmail_driver=\nmailbox_list_layout=\n"
	  "quota_storage_size=\nquota_message_count=\nquota_max_mail_size=\nsieve=",
	  "|||none||" },
	{ "a home that is none", "home=h/ann", "!field home: 'h/ann' is not an absolute path" },
	{ "a home that leads upwards", "home=/h/../etc", "!field home" },
	{ "a home that ends upwards", "home=/h/..", "!field home" },
	{ "dots in a name lead nowhere", "home=/h/..ann/b../a..b", "|/h/..ann/b../a..b||none||" },

	{ "uid 0", "uid=0\ngid=1", "!field uid: '0' is no uid that root may switch to" },
	{ "a uid below 0", "uid=-1\ngid=1", "!field uid" },
	{ "a uid that is too big", "uid=2147483648\ngid=1", "!field uid" },
	{ "the biggest uid", "uid=2147483647\ngid=1", "|||2147483647:1||" },
	{ "no number", "uid=12x\ngid=1", "!field uid" },
	{ "no number of a group", "uid=1\ngid=12x", "!field gid" },
	{ "a gid below 0", "uid=1\ngid=-1", "!field gid" },
	{ "a gid that is too big", "uid=1\ngid=2147483648", "!field gid" },
	{ "an account that is none", "uid=no-such-user-here\ngid=1", "!field uid" },
	{ "root by name", "uid=root\ngid=1", "!field uid" },
	{ "a gid alone", "gid=5", "|||none||" },
	{ "group 0", "uid=1\ngid=0", "|||1:0||" },
	{ "a group that is none", "uid=1\ngid=no-such-group",
	  "!field gid: 'no-such-group' is no gid" },
	{ "a uid of nobody here, without gid", "uid=2147483000", "!so a field gid is wanted" },

	{ "2.3: a location", "mail=maildir:~/Maildir", "||~/Maildir|none||" },
	{ "2.3: by its setting", "mail_location=MAILDIR:/v/%n", "||/v/%n|none||" },
	{ "2.3: a path alone", "mail=/v/ann", "||/v/ann|none||" },
	{ "2.3: a variable first", "mail=%h/M", "||%h/M|none||" },
	{ "2.3: a layout", "mail=maildir:~/M:LAYOUT=fs", "||~/M|none|folder_layout=fs|" },
	{ "2.3: the usual layout", "mail=maildir:~/M:layout=Maildir++",
	  "||~/M|none|folder_layout=maildir++|" },
	{ "2.3: a layout of others", "mail=maildir:~/M:LAYOUT=index",
	  "!a layout that todoke does not" },
	{ "2.3: names in UTF-8", "mail=maildir:~/M:UTF-8", "||~/M|none|folder_names=utf-8|" },
	{ "2.3: parts that are Dovecot's own", "mail=maildir:~/M:INDEX=/i:CONTROL=/c",
	  "||~/M|none||" },
	{ "2.3: the same INBOX", "mail=maildir:~/M:INBOX=~/M", "||~/M|none||" },
	{ "2.3: another INBOX", "mail=maildir:~/M:INBOX=/var/mail/%u",
	  "!puts the INBOX elsewhere" },
	{ "2.3: a kind that is none of ours", "mail=mbox:~/mail", "!it wants maildir:PATH" },
	{ "2.3: a longer kind", "mail=maildirs:~/mail", "!it wants maildir:PATH" },
	{ "2.3: no kind", "mail=Maildir", "!it wants maildir:PATH" },
	{ "2.3: no path", "mail=maildir:", "!field mail: '' is not an absolute path" },
	{ "2.3: a path upwards", "mail=maildir:/v/../x", "!is not an absolute path" },
	{ "2.3: a variable that is unknown", "mail=maildir:/v/%x", "!field mail" },
	{ "maildir", "maildir=/v/ann", "||/v/ann|none||" },

	{ "2.4: driver and path", "mail_driver=maildir\nmail_path=~/M", "||~/M|none||" },
	{ "2.4: case of the driver", "mail_driver=Maildir\nmail_path=~/M", "||~/M|none||" },
	{ "2.4: another driver", "mail_driver=sdbox",
	  "!a kind of mailbox that todoke does not write" },
	{ "2.4: the INBOX there", "mail_inbox_path=~/M\nmail_path=~/M", "||~/M|none||" },
	{ "2.4: the INBOX in it", "mail_path=~/M\nmail_inbox_path=.", "||~/M|none||" },
	{ "2.4: no other INBOX", "mail_path=~/M\nmail_inbox_path=", "||~/M|none||" },
	{ "2.4: the INBOX elsewhere", "mail_path=~/M\nmail_inbox_path=/var/mail/x",
	  "!field mail_inbox_path: '/var/mail/x' puts the INBOX elsewhere" },
	{ "2.4: layouts", "mailbox_list_layout=fs", "|||none|folder_layout=fs|" },
	{ "2.4: layouts of others", "mailbox_list_layout=index", "!a layout that todoke does not" },
	{ "2.4: names in UTF-8", "mailbox_list_utf8=yes", "|||none|folder_names=utf-8|" },
	{ "2.4: by number", "mailbox_list_utf8=1", "|||none|folder_names=utf-8|" },
	{ "2.4: true", "mailbox_list_utf8=True", "|||none|folder_names=utf-8|" },
	{ "2.4: names in UTF-7", "mailbox_list_utf8=no", "|||none|folder_names=utf-7|" },
	{ "2.4: without a value it is yes", "mailbox_list_utf8", "|||none|folder_names=utf-8|" },

	{ "2.3: kilobytes", "quota_rule=*:storage=10", "|||none|quota_bytes=10240 quota=site|" },
	{ "2.3: a unit", "quota_rule=*:storage=10M", "|||none|quota_bytes=10485760 quota=site|" },
	{ "2.3: octets", "quota_rule=*:bytes=10", "|||none|quota_bytes=10 quota=site|" },
	{ "2.3: both", "quota_rule2=*:storage=1G:messages=5",
	  "|||none|quota_bytes=1073741824 quota=site quota_messages=5 quota=site|" },
	{ "2.3: no limit", "quota_rule3=*:ignore", "|||none|quota=off|" },
	{ "2.3: all four", "quota_rule4=*:bytes=1", "|||none|quota_bytes=1 quota=site|" },
	{ "2.3: of a folder", "quota_rule=Trash:storage=+10%",
	  "|||none||quota_rule (Trash:storage=+10%)" },
	{ "2.3: no rule", "quota_rule=*:stuff=1",
	  "!it wants storage=, bytes=, messages= or ignore" },
	{ "2.4: octets", "quota_storage_size=10", "|||none|quota_bytes=10 quota=site|" },
	{ "2.4: with letters", "quota_storage_size=10 MB",
	  "|||none|quota_bytes=10485760 quota=site|" },
	{ "2.4: more letters", "quota_storage_size=1KiB", "|||none|quota_bytes=1024 quota=site|" },
	{ "2.4: bytes by name", "quota_storage_size=7b", "|||none|quota_bytes=7 quota=site|" },
	{ "2.4: a tera", "quota_storage_size=1t", "|||none|quota_bytes=1099511627776 quota=site|" },
	{ "2.4: more than there is", "quota_storage_size=99999999T",
	  "|||none|quota_bytes=1125899906842624 quota=site|" },
	{ "2.4: another word", "quota_storage_size=10Mx",
	  "!field quota_storage_size: '10Mx' is not a size" },
	{ "2.4: another letter", "quota_storage_size=10X", "!is not a size" },
	{ "2.4: no number", "quota_storage_size=M", "!is not a size" },
	{ "2.4: below 0", "quota_storage_size=-1", "!is not a size" },
	{ "2.4: no limit", "quota_storage_size=unlimited", "|||none|quota_bytes=0|" },
	{ "2.4: messages", "quota_message_count=7", "|||none|quota_messages=7 quota=site|" },
	{ "2.4: any number", "quota_message_count=unlimited", "|||none|quota_messages=0|" },
	{ "2.4: size of a mail", "quota_mail_size=2K", "|||none|message_size_limit=2048|" },
	{ "2.4: its other name", "quota_max_mail_size=7", "|||none|message_size_limit=7|" },
	{ "2.4: any size", "quota_mail_size=unlimited", "|||none|message_size_limit=0|" },

	{ "a script", "sieve=~/x.sieve", "|||none|sieve_scripts=~/x.sieve|" },
	{ "2.4: a script", "sieve_script_path=/s/%n", "|||none|sieve_scripts=/s/%n|" },
	{ "the active one", "sieve=file:~/sieve;active=~/a.sieve",
	  "|||none|sieve_scripts=~/a.sieve|" },
	{ "with more behind it", "sieve=file:~/s;active=~/a.sieve;name=x",
	  "|||none|sieve_scripts=~/a.sieve|" },
	{ "the usual active one", "sieve=file:~/sieve", "|||none|sieve_scripts=~/.dovecot.sieve|" },

	{ "held", "held=yes", "|||none|mailbox_state=held|" },
	{ "held by being there", "held", "|||none|mailbox_state=held|" },
	{ "not held", "held=no", "|||none||" },
	{ "disabled", "disabled=1", "|||none|mailbox_state=disabled|" },
	{ "not disabled", "disabled=0", "|||none||" },
	{ "a setting of ours", "detail_folder=create", "|||none|detail_folder=create|" },
	{ "a wrong value of it", "detail_folder=maybe", "!field detail_folder: " },
	{ "one that is the same for all", "umask=077", "|||none||umask" },
	{ "what means nothing here", "allow_nets=10.0.0.0/8\nproxy", "|||none||allow_nets proxy" },
	{ "a control character", "home=/h/\x07",
	  "!field home has control characters or is not UTF-8" },
	{ "a control character in the name", "ho\x07me=/h", "!field ? has control characters" },
	{ "no UTF-8", "home=/h/\xfc", "!is not UTF-8" },
};

static char *
join(GPtrArray *words)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (guint i = 0; words != NULL && i < words->len; i++)
		g_string_append_printf(out, "%s%s", i > 0 ? " " : "",
		                       (const char *) words->pdata[i]);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static const char *
or_nothing(const char *text)
{
	return text != NULL ? text : "";
}

static GPtrArray *
split(const char *fields)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) lines = g_strsplit(fields, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		if (**line != '\0')
			g_ptr_array_add(list, g_strdup(*line));
	return list;
}

static void
test_row(void **state)
{
	const Row *row = *state;
	g_autoptr(GPtrArray) fields = split(row->fields);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(AccountAnswer) answer = account_answer_read(fields, "SRC", &st);
	if (*row->want == '!') {
		assert_null(answer);
		assert_int_equal(st.id, STATUS_CONFIG);
		assert_true(g_str_has_prefix(st.detail, "SRC: "));
		if (strstr(st.detail, row->want + 1) == NULL)
			fail_msg("%s", st.detail);
		return;
	}

	if (answer == NULL)
		fail_msg("%s", st.detail);
	g_autofree char *settings = join(answer->settings), *unused = join(answer->unused);
	g_autofree char *ids = answer->uid != ACCOUNT_NO_UID
	                               ? g_strdup_printf("%u:%u", answer->uid, answer->gid)
	                               : g_strdup("none");
	g_autofree char *got = g_strdup_printf("%s|%s|%s|%s|%s|%s", or_nothing(answer->user),
	                                       or_nothing(answer->home), or_nothing(answer->mail),
	                                       ids, settings, unused);
	assert_string_equal(got, row->want);
}

/* Ids by name, and the group of an account where none is said. */
static void
test_names_of_ids(void **state)
{
	(void) state;
	const struct passwd *pw = getpwnam("games");
	assert_non_null(pw);
	uid_t uid = pw->pw_uid;
	gid_t gid = pw->pw_gid;
	const struct group *group = getgrnam("tty");
	assert_non_null(group);
	gid_t tty = group->gr_gid;
	const struct {
		const char *fields;
		gid_t gid;
	} names[] = { { "uid=games", gid }, { "uid=games\ngid=tty", tty } };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GPtrArray) fields = split(names[i].fields);
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(AccountAnswer) answer = account_answer_read(fields, "SRC", &st);
		assert_non_null(answer);
		assert_int_equal(answer->uid, uid);
		assert_int_equal(answer->gid, names[i].gid);
	}
}

/* All of it is copied, and what an earlier answer said is gone. */
static void
test_used(void **state)
{
	(void) state;
	g_autoptr(GPtrArray)
		many = split("user=ann\nhome=/h\nmail_path=/m\nuid=7\ngid=8\nheld\nproxy");
	g_autoptr(GPtrArray) few = split("");
	g_auto(Status) st = STATUS_INIT;
	Account account = { .user = g_strdup("asked"), .uid = ACCOUNT_NO_UID };

	for (int again = 0; again < 2; again++) {
		AccountAnswer *answer = account_answer_read(many, "SRC", &st);
		account_answer_use(answer, &account);
		account_answer_free(answer);
		assert_string_equal(account.user, "ann");
		assert_string_equal(account.home, "/h");
		assert_string_equal(account.mail, "/m");
		assert_int_equal(account.uid, 7);
		assert_int_equal(account.gid, 8);
		assert_true(account.has_ids);
		assert_string_equal(account.settings->pdata[0], "mailbox_state=held");
		assert_string_equal(account.unused->pdata[0], "proxy");
	}

	AccountAnswer *answer = account_answer_read(few, "SRC", &st);
	account_answer_use(answer, &account);
	account_answer_free(answer);
	assert_string_equal(account.user, "ann");
	assert_null(account.home);
	assert_null(account.mail);
	assert_true(account.uid == ACCOUNT_NO_UID);
	assert_false(account.has_ids);
	assert_null(account.settings);
	assert_null(account.unused);
	g_free(account.user);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_row);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_names_of_ids);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_used);
	return _cmocka_run_group_tests("account-answer", tests, n, NULL, NULL);
}
