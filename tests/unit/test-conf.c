/* SPDX-License-Identifier: MIT */
/* What todoke.conf may say, and what is said of it when it is wrong. */
#include "conf/conf.h"

#include "agent/base/limits.h"
#include "agent/base/nearest.h"
#include "conf/conf-choices.h"

#include "tests/unit/unit.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BAD_PATH(line, value, name, letters) \
	line ":1: '" value "' is not allowed for '" name "': behind a '%' it wants one of the " \
	     "letters '" letters "', or a form that todoke.conf(5) lists under PATHS\n"

static char *folder;

static char *
write_file(const char *text, size_t len)
{
	char *path = g_build_filename(folder, "todoke.conf", NULL);
	assert_true(g_file_set_contents(path, text, (gssize) len, NULL));
	assert_int_equal(g_chmod(path, 0644), 0);
	return path;
}

/* "line:column: text: hint" of each problem, a line each. */
static char *
print_problems(const GPtrArray *problems)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		g_string_append_printf(out, "%u:%u: %s%s%s\n", problem->line, problem->column,
		                       problem->text, problem->hint != NULL ? ": " : "",
		                       problem->hint != NULL ? problem->hint : "");
	}

	return g_string_free(out, FALSE);
}

static Conf *
read_text(const char *text, const char *const *overrides, char **ret_problems)
{
	g_autofree char *path = write_file(text, strlen(text));
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_auto(Status) st = STATUS_INIT;
	Conf *conf = conf_read(path, overrides, problems, &st);

	assert_true((conf == NULL) == (problems->len > 0));
	if (conf == NULL) {
		g_autofree char *first = problem_print_short(problems->pdata[0]);
		assert_int_equal(st.id, STATUS_CONFIG);
		assert_string_equal(st.detail, first);
		assert_null(strstr(status_text(&st), folder));
	}

	g_free(*ret_problems); /* of an earlier reading in the same test */
	*ret_problems = print_problems(problems);
	return conf;
}

/* A setting that is read: its text in the file, and how it prints. */
typedef struct {
	const char *name;
	const char *text;
	const char *setting;
	const char *want;
} Good;

static const Good good[] = {
	{ "text in double quotes", "maildir = \"/var/vmail/%d/%n\"", "maildir",
	  "\"/var/vmail/%d/%n\"" },
	{ "text without quotes", "maildir = /var/vmail/%d/%n", "maildir", "\"/var/vmail/%d/%n\"" },
	{ "text in single quotes is as it is", "maildir = '/a\\d${X}'", "maildir",
	  "'/a\\\\d${X}'" },
	{ "escaped quote", "home = \"a\\\"b\"", "home", "\"a\\\"b\"" },
	{ "comments of three kinds", "# x = 1\n// y\n/* z =\n 2 */ hop_limit = 7 # t\n",
	  "hop_limit", "7" },
	{ "comment with a quote", "# don't\nhop_limit = 7", "hop_limit", "7" },
	{ "no newline at the end", "hop_limit = 7", "hop_limit", "7" },
	{ "lines of DOS", "hop_limit = 7\r\nfold_local = no\r\n", "fold_local", "no" },
	{ "empty comment", "#\n#\n//\n/**/\nhop_limit = 7\n", "hop_limit", "7" },
	{ "comment of 32 characters", "#12345678901234567890123456789012\nhop_limit = 7\n",
	  "hop_limit", "7" },
	{ "empty file", "", "hop_limit", "50" },
	{ "yes", "add_mark = no\nadd_mark = yes", "add_mark", "yes" },
	{ "on in capitals", "add_original_to = ON", "add_original_to", "yes" },
	{ "false", "add_mark = false", "add_mark", "no" },
	{ "seconds", "deadline = 90", "deadline", "90s" },
	{ "minutes", "deadline = 5m", "deadline", "5m" },
	{ "days", "mark_lifetime = \"7d\"", "mark_lifetime", "1w" },
	{ "size with a letter", "message_size_limit = 50M", "message_size_limit", "50M" },
	{ "size in bytes", "message_size_limit = 1000", "message_size_limit", "1000" },
	{ "octal", "umask = 027", "umask", "027" },
	{ "hexadecimal", "umask = 0x3f", "umask", "077" },
	{ "choice", "loop_action = defer", "loop_action", "defer" },
	{ "choice in quotes", "folder_layout = \"maildir++\"", "folder_layout", "\"maildir++\"" },
	{ "list", "addresses = {\"a@b\", \"c@d\"}", "addresses", "{\"a@b\", \"c@d\"}" },
	{ "list over lines", "addresses = {\n\"a@b\",\n c@d }", "addresses", "{\"a@b\", \"c@d\"}" },
	{ "list with one value", "hostnames = mx.example.jp", "hostnames", "{mx.example.jp}" },
	{ "the last of two lists holds", "hostnames = {a, b}\nhostnames = {c}", "hostnames",
	  "{c}" },
	{ "a list can be added to", "hostnames = {a, b}\nhostnames += {c}", "hostnames",
	  "{a, b, c}" },
	{ "empty list", "hostnames = {}", "hostnames", "{}" },
	{ "an empty list after another", "hostnames = {a, b}\nhostnames = {}", "hostnames", "{}" },
	{ "smallest", "hop_limit = 5", "hop_limit", "5" },
	{ "biggest", "hop_limit = 1000", "hop_limit", "1000" },
	{ "signs that mean nothing need no quotes", "folder_layout = maildir++", "folder_layout",
	  "\"maildir++\"" },
	{ "adding without blanks", "hostnames={a}\nhostnames+={b}", "hostnames", "{a, b}" },
	{ "adding one without braces", "hostnames = a\nhostnames += b", "hostnames", "{a, b}" },
	{ "two on a line", "hop_limit = 7 fold_local = no", "fold_local", "no" },
	{ "comma at the end of a list", "hostnames = {a,\n b,\n}", "hostnames", "{a, b}" },
	{ "slashes in a path are no comment", "maildir = /a//b", "maildir", "\"/a//b\"" },
	{ "UTF-8", "loop_folder = \"\xe5\xb1\x8a\"", "loop_folder", "\"\xe5\xb1\x8a\"" },
};

static void
test_good(void **state)
{
	const Good *row = *state;
	g_autofree char *problems = NULL;
	g_autoptr(Conf) conf = read_text(row->text, NULL, &problems);

	assert_string_equal(problems, "");
	g_autofree char *printed = conf_print_value(conf, conf_find_row(row->setting));
	assert_string_equal(printed, row->want);

	/* What prints can be read, and is the same then. */
	g_autofree char *again = g_strdup_printf("%s = %s\n", row->setting, printed);
	g_autofree char *problems_again = NULL;
	g_autoptr(Conf) second = read_text(again, NULL, &problems_again);
	assert_string_equal(problems_again, "");

	g_autofree char *printed_again = conf_print_value(second, conf_find_row(row->setting));
	assert_string_equal(printed_again, row->want);
}

/* A wrong file and all that is said of it. */
#define NOT_A_SETTING ": a setting is 'name = value', a rule is 'rule \"name\" { ... }'"
#define NO_VARIABLES ": settings know %u, %n, %d and %h; in single quotes it is plain text"
#define HOP_LIMIT "is not allowed for 'hop_limit': it wants a whole number from 5 to 1000\n"

typedef struct {
	const char *name;
	const char *text;
	const char *want;
} Bad;

static const Bad bad[] = {
	{ "all at once",
	  "maildr = a\nhop_limit = 4\nadd_mark = maybe\nloop_action = eat\nfold_local = no\nxyzzy = {1, 2}\n",
	  "1:1: unknown setting 'maildr': did you mean 'maildir'?\n"
	  "2:13: '4' " HOP_LIMIT "3:12: 'maybe' is not allowed for 'add_mark': it wants yes or no\n"
	  "4:15: 'eat' is not allowed for 'loop_action': it wants one of bounce, defer, file, keep, notice\n"
	  "6:1: unknown setting 'xyzzy': todoke.conf(5) lists them all\n" },
	{ "one over", "hop_limit = 1001", "1:13: '1001' " HOP_LIMIT },
	{ "negative", "hop_limit = -5", "1:13: '-5' " HOP_LIMIT },
	{ "number with a tail", "hop_limit = 10x", "1:13: '10x' " HOP_LIMIT },
	{ "number that is none", "hop_limit = ''", "1:13: '' " HOP_LIMIT },
	{ "octal that is none", "umask = 088",
	  "1:9: '088' is not allowed for 'umask': it wants a whole number from 00 to 0777\n" },
	{ "time without unit that exists", "deadline = 5y",
	  "1:12: '5y' is not allowed for 'deadline': it wants a time such as 90s, 5m, 12h or 7d from 5s to 1d\n" },
	{ "size that overflows", "message_size_limit = 99999999999G",
	  "1:22: '99999999999G' is not allowed for 'message_size_limit': it wants a size such as 500K, 50M or 1G, at least 0\n" },
	{ "number that overflows", "hop_limit = 99999999999999999999",
	  "1:13: '99999999999999999999' " HOP_LIMIT },
	{ "control characters", "home = \"a\tb\"",
	  "1:8: the value of 'home' has control characters: it wants one printable line\n" },
	{ "two values on a line are two problems", "hop_limit = 4 add_mark = maybe",
	  "1:13: '4' " HOP_LIMIT
	  "1:26: 'maybe' is not allowed for 'add_mark': it wants yes or no\n" },
	{ "each wrong item of a list", "addresses = {\"a\tb\", c,\n \"d\te\"}",
	  "1:14: the value of 'addresses' has control characters: it wants one printable line\n"
	  "2:2: the value of 'addresses' has control characters: it wants one printable line\n" },
	{ "braces where no list is", "hop_limit = {7, 8}",
	  "1:1: 'hop_limit' is not a list: it wants one value, without braces\n" },
	{ "adding to what is not a list", "hop_limit += 7",
	  "1:1: 'hop_limit' is not a list: it wants one value, without '+='\n" },
	{ "string that is not closed", "maildir = \"/a\nhop_limit = 4\n",
	  "1:11: the string is not closed: \" is missing on this line\n2:13: '4' " HOP_LIMIT },
	{ "comment that is not closed", "hop_limit = 4\n/* a\n",
	  "1:13: '4' " HOP_LIMIT "2:1: the comment is not closed: '*/' is missing\n" },
	{ "backslash in double quotes", "rule a { match = \"\\d\" action = keep }",
	  "1:19: '\\d' has no meaning in double quotes: write '\\\\d', or put the value in single quotes\n" },
	{ "variable of the environment", "maildir = \"${HOME}/Maildir\"\nhome = ${HOME}\n",
	  "1:12: '${' is not allowed here" NO_VARIABLES
	  "\n2:8: '${' is not allowed here" NO_VARIABLES "\n" },
	{ "syntax after a problem", "hop_limit = 4\nfold_local yes\nadd_mark = maybe",
	  "1:13: '4' " HOP_LIMIT "2:1: '=' is missing behind 'fold_local'" NOT_A_SETTING "\n"
	  "3:12: 'maybe' is not allowed for 'add_mark': it wants yes or no\n" },
	{ "nonsense is blamed where it stands",
	  "maildir\n\nfold_local =\nusers = x\nrule a\nhop_limit = 4\n",
	  "1:1: '=' is missing behind 'maildir'" NOT_A_SETTING "\n"
	  "3:12: the value of 'fold_local' is missing: it stands behind the '=', on the same line\n"
	  "4:9: 'x' is not allowed for 'users': it wants one of auto, system, virtual, passwd_file, dovecot, sql, ldap\n"
	  "5:1: '=' is missing behind 'rule'" NOT_A_SETTING "\n"
	  "6:13: '4' " HOP_LIMIT },
	{ "a block of nonsense goes as a whole",
	  "rule {\n header = X\n}\nhostnames = {a,\n b c,\n d}\nhop_limit = 4\n",
	  "1:1: the block has no name: it wants rule \"name\" { ... }\n"
	  "5:4: ',' is missing before this item of the list\n"
	  "7:13: '4' " HOP_LIMIT },
	{ "a block in a block", "rule a {\n rule b { action = eat }\n action = eat\n}\n",
	  "2:2: 'rule': a block cannot stand in another block\n"
	  "3:11: 'eat' is not an action of a rule: it wants one of keep, strip, rename, bounce, defer, file\n" },
	{ "nonsense in a rule leaves the rule", "rule a {\n header X\n action = eat }\n",
	  "2:2: '=' is missing behind 'header'" NOT_A_SETTING "\n"
	  "3:11: 'eat' is not an action of a rule: it wants one of keep, strip, rename, bounce, defer, file\n" },
	{ "one brace too many in a rule", "rule a { } }",
	  "1:6: rule 'a' has no action: it wants one of keep, strip, rename, bounce, defer, file\n"
	  "1:12: '}' is not expected here" NOT_A_SETTING "\n" },
	{ "a string of braces is one word", "maildir \"}{\"\nhop_limit = 4\n",
	  "1:1: '=' is missing behind 'maildir'" NOT_A_SETTING "\n2:13: '4' " HOP_LIMIT },
	{ "a list that swallows the next setting", "hostnames = {a\nusers = x\nhop_limit = 4\n",
	  "1:13: '{' is not closed: '}' is missing\n3:13: '4' " HOP_LIMIT },
	{ "unknown block", "hop_limit = 4\nrul \"x\" {\n hop_limit = 3\n}\nhop_limit = 4\n",
	  "1:13: '4' " HOP_LIMIT
	  "2:1: unknown block 'rul': a block is rule \"NAME\", user \"PATTERN\" or domain \"PATTERN\"\n"
	  "5:13: '4' " HOP_LIMIT },
	{ "end inside a rule", "rule a {\naction = keep\n",
	  "1:1: '{' is not closed: '}' is missing\n" },
	{ "end inside a list", "hostnames = {a, b", "1:13: '{' is not closed: '}' is missing\n" },
	{ "one brace too many", "hop_limit = 7\n}\n",
	  "2:1: '}' is not expected here" NOT_A_SETTING "\n" },
	{ "a sign where a name should be", "= 7\nhop_limit = 4\n",
	  "1:1: '=' is not expected here" NOT_A_SETTING "\n2:13: '4' " HOP_LIMIT },
	{ "rules",
	  "rule a {\n acton = keep\n action = eat\n}\nrule a { action = keep }\nrule b {\n header = X\n}\nrule c { }\n"
	  "rule d { action = strip to = X }\nrule '' { action = keep }\n",
	  "2:2: unknown key of a rule 'acton': did you mean 'action'?\n"
	  "3:11: 'eat' is not an action of a rule: it wants one of keep, strip, rename, bounce, defer, file\n"
	  "5:6: there is a rule 'a' already, at line 1: names of rules stand in bounces and in the log: give each its own\n"
	  "6:6: rule 'b' has no action: it wants one of keep, strip, rename, bounce, defer, file\n"
	  "9:6: rule 'c' has no action: it wants one of keep, strip, rename, bounce, defer, file\n"
	  "10:6: rule 'd' has 'to', which only the actions rename (a header) and file (a folder) know\n"
	  "11:6: the rule has an empty name\n" },
	{ "unknown key far from all", "rule a { zzzzzzzz = 1 action = keep }",
	  "1:10: unknown key of a rule 'zzzzzzzz': it may be one of header, match, when, action, to\n" },
	{ "a list where a rule wants one value", "rule a { action = {keep, strip} }",
	  "1:6: rule 'a' has no action: it wants one of keep, strip, rename, bounce, defer, file\n"
	  "1:10: 'action' of a rule wants one value, without braces\n" },
	{ "letters that paths do not know",
	  "maildir = /v/%q/%n\nhop_limit = 4\nhome = '/h/%h'\nstate_folder = '/s/%'\n",
	  BAD_PATH("1", "/v/%q/%n", "maildir", "undh%") "2:13: '4' " HOP_LIMIT BAD_PATH(
		  "3", "/h/%h", "home", "und%") BAD_PATH("4", "/s/%", "state_folder", "undh%") },
	{ "relative path", "\nmaildir = v/%d/%n",
	  "2:1: 'v/%d/%n' is not allowed for 'maildir': it wants a path that begins with '/', '~/' or '%h'\n" },
	{ "engines that are none",
	  "sieve_engine = pigeonhole\nsieve_engine_of = {\"a@b=native\", a@b}\n",
	  "1:16: 'pigeonhole' is not allowed for 'sieve_engine': it wants one of native, libsieve\n"
	  "2:1: 'a@b' is not allowed for 'sieve_engine_of': it wants user=native or user=libsieve\n" },
	{ "settings of a block",
	  "user \"a@b\" {\n maildir = /x\n hop_limit = 7\n quota_byts = 7\n quota_bytes = x\n}\ndomain { quota = off }\n",
	  "2:2: 'maildir' is the same for all recipients: put it outside of the block\n"
	  "3:2: 'hop_limit' is the same for all recipients: put it outside of the block\n"
	  "4:2: unknown setting 'quota_byts': did you mean 'quota_bytes'?\n"
	  "5:16: 'x' is not allowed for 'quota_bytes': it wants a size such as 500K, 50M or 1G from 0 to 1048576G\n"
	  "7:1: the block has no name: it wants domain \"pattern\" { ... }\n" },
	{ "include as libConfuse had it", "include(\"/etc/passwd\")\nhop_limit = 4\n",
	  "1:1: '=' is missing behind 'include('" NOT_A_SETTING "\n2:13: '4' " HOP_LIMIT },
	{ "include inside a rule", "rule a {\n include x\n action = keep\n}\n",
	  "2:2: '=' is missing behind 'include'" NOT_A_SETTING "\n" },
};

static void
test_bad(void **state)
{
	const Bad *row = *state;
	g_autofree char *problems = NULL;
	g_autoptr(Conf) conf = read_text(row->text, NULL, &problems);

	assert_string_equal(problems, row->want);
	assert_null(conf);

	/* A wrong file leaves nothing behind. */
	g_autofree char *none = NULL;
	g_autoptr(Conf) after = read_text("hop_limit = 9\n", NULL, &none);
	assert_non_null(after);
	assert_int_equal(after->hop_limit, 9);
}

static void
test_rules(void **state)
{
	(void) state;
	g_autofree char *problems = NULL;
	g_autoptr(Conf) conf = read_text(
		"rule \"copied header\" {\n  header = \"Delivered-To\"\n  match = 'recipient'\n"
		"  when = {\"fetched\", 'X-A: ^\\d+$'}\n  action = \"strip\"\n}\n"
		"rule second { header = X-B action = file to = \"Work/A\" }\n",
		NULL, &problems);
	assert_string_equal(problems, "");
	assert_int_equal(conf->rules->len, 2);

	const ConfRule *first = conf->rules->pdata[0], *second = conf->rules->pdata[1];
	assert_string_equal(first->name, "copied header");
	assert_string_equal(first->header, "Delivered-To");
	assert_string_equal(first->match, "recipient");
	assert_string_equal(first->when[0], "fetched");
	assert_string_equal(first->when[1], "X-A: ^\\d+$");
	assert_null(first->when[2]);
	assert_string_equal(first->action, "strip");
	assert_null(first->to);
	assert_int_equal(first->place.line, 1);
	assert_string_equal(second->to, "Work/A");
	assert_null(second->when);
	assert_int_equal(second->place.line, 7);
}

static void
test_overrides(void **state)
{
	(void) state;
	static const char *const overrides[] = { "hop_limit=9", "addresses = a@b, c@d",
		                                 "maildir=~/M", NULL };
	g_autofree char *problems = NULL;
	g_autoptr(Conf) conf = read_text("hop_limit = 7\nadd_mark = no\naddresses = z\n", overrides,
	                                 &problems);
	assert_string_equal(problems, "");
	assert_int_equal(conf->hop_limit, 9);
	assert_false(conf->add_mark);
	assert_string_equal(conf->addresses[0], "a@b");
	assert_string_equal(conf->addresses[1], "c@d");
	assert_null(conf->addresses[2]);

	for (size_t i = 0; i < CONF_ROWS; i++) {
		const char *name = conf_row(i)->name;
		if (strcmp(name, "add_mark") == 0)
			assert_int_equal(conf->said[i].line, 2);
		else if (g_strv_contains(
				 (const char *const[]){ "hop_limit", "addresses", "maildir", NULL },
				 name))
			assert_string_equal(conf->said[i].file, CONF_OVERRIDE);
		else
			assert_null(conf->said[i].file);
	}
}

static void
test_wrong_overrides(void **state)
{
	(void) state;
	static const char *const overrides[] = { "hop_limt=9", "add_mark=maybe",   "fold_local",
		                                 "rule a={}",  "rules_of_thumb=1", NULL };
	g_autofree char *problems = NULL;
	g_autoptr(Conf) conf = read_text("", overrides, &problems);
	assert_null(conf);
	assert_string_equal(
		problems, "0:0: unknown setting 'hop_limt': did you mean 'hop_limit'?\n"
			  "0:0: 'maybe' is not allowed for 'add_mark': it wants yes or no\n"
			  "0:0: 'fold_local' has no value: it wants NAME=VALUE\n"
			  "0:0: 'rule a' cannot be given by -o: it stands in the file only\n"
			  "0:0: unknown setting 'rules_of_thumb': todoke.conf(5) lists them all\n");
}

static void
fails_with(const char *path, const char *want)
{
	g_auto(Status) st = STATUS_INIT;
	assert_null(conf_read(path, NULL, NULL, &st));
	assert_int_equal(st.id, STATUS_CONFIG);
	assert_non_null(strstr(st.detail, want));
	assert_string_equal(status_text(&st), "mail system is configured incorrectly");
}

static void
test_files(void **state)
{
	(void) state;
	fails_with("/nonexistent/todoke.conf",
	           "/nonexistent/todoke.conf: cannot open it: No such file or directory");
	fails_with(folder, "it is not a regular file");
	fails_with("/dev/zero", "it is not a regular file");
	g_setenv("TODOKE_CONF", "/nonexistent/by-environment", TRUE);
	fails_with(NULL, "/nonexistent/by-environment: cannot open it");

	g_autofree char *path = write_file("hop_limit = 8\n", strlen("hop_limit = 8\n"));
	g_setenv("TODOKE_CONF", path, TRUE);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Conf) conf = conf_read(NULL, NULL, NULL, &st);
	assert_int_equal(conf->hop_limit, 8);
	assert_string_equal(conf->files->pdata[0], path);

	/* The compiled-in file of a test's build is not there. */
	g_unsetenv("TODOKE_CONF");
	if (!g_file_test(conf_default_path(), G_FILE_TEST_EXISTS)) {
		g_autoptr(Conf) defaults = conf_read(NULL, NULL, NULL, &st);
		assert_non_null(defaults);
		assert_int_equal(defaults->files->len, 0);
	}

	static const char nul[] = "hop_limit = 8\n\0hop_limit = 9\n";
	g_free(write_file(nul, sizeof nul - 1));
	fails_with(path, ":2: there is a NUL byte");
}

static void
write_beside(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	assert_true(g_file_set_contents(path, text, -1, NULL));
	assert_int_equal(g_chmod(path, 0644), 0);
}

static void
remove_beside(const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	assert_int_equal(g_remove(path), 0);
}

/* Files, patterns and folders; what comes later wins, whichever file it stands in. */
static void
test_include(void **state)
{
	(void) state;
	g_autofree char *problems = NULL, *sub = g_build_filename(folder, "conf.d", NULL);
	assert_int_equal(g_mkdir(sub, 0755), 0);
	write_beside("conf.d/20-b.conf", "hop_limit = 20\nadd_mark = no\n");
	write_beside("conf.d/10-a.conf",
	             "hop_limit = 10\nhostnames += a\nrule inside { action = keep }\n");
	write_beside("conf.d/ignored", "hop_limit = nonsense\n");

	g_autoptr(Conf) conf = read_text(
		"hostnames = x\ninclude \"conf.d\"\nadd_mark = yes\ninclude conf.d/1*.conf\ninclude 'none/*.conf'\n"
		"rule outside { action = keep }\n",
		NULL, &problems);
	/* The rule of 10-a is read twice. */
	assert_null(conf);
	assert_non_null(strstr(problems, "there is a rule 'inside' already"));

	write_beside("conf.d/10-a.conf", "hop_limit = 10\nhostnames += a\n");
	conf = read_text(
		"hostnames = x\ninclude \"conf.d\"\nadd_mark = yes\ninclude conf.d/1*.conf\n", NULL,
		&problems);
	assert_string_equal(problems, "");
	assert_int_equal(conf->hop_limit, 10);
	assert_true(conf->add_mark);
	assert_int_equal(g_strv_length(conf->hostnames), 3);
	assert_int_equal(conf->files->len, 4);

	size_t row = conf_row_number(conf_find_row("hop_limit"));
	assert_true(g_str_has_suffix(conf->said[row].file, "10-a.conf"));
	const ConfTwice *last = &g_array_index(conf->twice, ConfTwice, conf->twice->len - 1);
	assert_string_equal(last->row->name, "hop_limit");
	assert_true(g_str_has_suffix(last->earlier.file, "20-b.conf"));

	remove_beside("conf.d/20-b.conf");
	remove_beside("conf.d/10-a.conf");
	remove_beside("conf.d/ignored");
	remove_beside("conf.d");
}

static void
test_include_problems(void **state)
{
	(void) state;
	g_autofree char *problems = NULL;
	assert_null(read_text("include missing.conf\nhop_limit = 4\n", NULL, &problems));
	assert_non_null(
		strstr(problems, "missing.conf': cannot open it: No such file or directory"));
	assert_non_null(strstr(problems, "2:13: '4' " HOP_LIMIT));

	/* A problem is told with the file in which it stands. */
	write_beside("part.conf", "\nhop_limit = 4\n");
	g_autofree char *path = write_file("include part.conf\n", strlen("include part.conf\n"));
	g_auto(Status) st = STATUS_INIT;
	assert_null(conf_read(path, NULL, NULL, &st));
	assert_non_null(strstr(st.detail, "part.conf:2: '4' is not allowed"));

	if (geteuid() == 0) {
		g_autofree char *part = g_build_filename(folder, "part.conf", NULL);
		assert_int_equal(g_chmod(part, 0666), 0);
		fails_with(path, "others than root can write it");
	}

	remove_beside("part.conf");
}

/* A file that includes itself ends at the limit, not in an endless loop. */
static void
test_include_limits(void **state)
{
	(void) state;
	g_autofree char *problems = NULL;
	assert_null(read_text("include todoke.conf\n", NULL, &problems));

	g_autofree char *want = g_strdup_printf("1:9: files include each other deeper than %u\n",
	                                        LIMIT_CONF_DEPTH);
	assert_string_equal(problems, want);

	/* The main file and as many as there may be, then one more. */
	g_autofree char *sub = g_build_filename(folder, "many", NULL);
	assert_int_equal(g_mkdir(sub, 0755), 0);
	for (unsigned i = 1; i <= LIMIT_CONF_FILES; i++) {
		g_autofree char *name = g_strdup_printf("many/%03u.conf", i);
		write_beside(name, "");
		g_autoptr(Conf) conf = i == LIMIT_CONF_FILES - 1
		                               ? read_text("include many", NULL, &problems)
		                               : NULL;
		assert_true((conf != NULL) == (i == LIMIT_CONF_FILES - 1));
	}

	assert_null(read_text("include many", NULL, &problems));
	assert_non_null(strstr(problems, "these are more than 200 files"));
	for (unsigned i = 1; i <= LIMIT_CONF_FILES; i++) {
		g_autofree char *name = g_strdup_printf("many/%03u.conf", i);
		remove_beside(name);
	}

	remove_beside("many");
}

/* A recipient, and what the blocks make of three settings for it. */
typedef struct {
	const char *name;
	const char *address;
	const char *want; /* quota_bytes, durability, sieve_before; NULL: no block fits */
} Scoped;

static const char scopes[] = "quota_bytes = 1M\nsieve_before = {a}\n"
			     "domain \"Example.jp\" {\n quota_bytes = 2M\n sieve_before += b\n}\n"
			     "user \"taro@example.jp\" { quota_bytes = 3M }\n"
			     "user \"root\" { durability = file }\n"
			     "domain '*.example.net' { sieve_before = {} }\n"
			     "user 'info-*' { quota_bytes = 0 sieve_before = {c, d} }\n";

static const Scoped scoped[] = {
	{ "no block fits", "taro@example.com", NULL },
	{ "domain without case", "jiro@EXAMPLE.JP", "2M full {a, b}" },
	{ "user over domain, being later", "Taro@example.jp", "3M full {a, b}" },
	{ "user without domain, of the system", "root", "1M file {a}" },
	{ "user without domain, in a domain", "root@example.org", "1M file {a}" },
	{ "pattern of domains", "x@mx.example.net", "1M full {}" },
	{ "a pattern is no suffix", "x@example.net", NULL },
	{ "a system user has no domain", "example.jp", NULL },
	{ "pattern of users", "info-x@example.jp", "0 full {c, d}" },
	{ "the last @ counts", "\"a@example.jp\"@example.com", NULL },
};

static void
test_scoped(void **state)
{
	const Scoped *row = *state;
	g_autofree char *problems = NULL;
	g_autoptr(Conf) conf = read_text(scopes, NULL, &problems);

	assert_string_equal(problems, "");
	g_autoptr(Conf) own = conf_for_recipient(conf, row->address);
	assert_true((own == NULL) == (row->want == NULL));
	if (own == NULL)
		return;

	static const char *const names[] = { "quota_bytes", "durability", "sieve_before" };
	g_autoptr(GString) got = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *value = conf_print_value(own, conf_find_row(names[i]));
		g_string_append_printf(got, "%s%s", i > 0 ? " " : "", value);
	}

	assert_string_equal(got->str, row->want);
	/* The settings of all others are as they were. */
	assert_int_equal(conf->quota_bytes, 1 << 20);
	assert_string_equal(conf->sieve_before[0], "a");
}

static void
test_override_wins_over_scope(void **state)
{
	(void) state;
	g_autofree char *problems = NULL;
	g_autoptr(Conf) conf = read_text(scopes, (const char *const[]){ "quota_bytes=9M", NULL },
	                                 &problems);
	g_autoptr(Conf) own = conf_for_recipient(conf, "taro@example.jp");
	assert_int_equal(own->quota_bytes, 9 << 20);
}

static void
test_size_limit(void **state)
{
	(void) state;
	g_autofree char *text = g_malloc(LIMIT_CONF_BYTES + 2);
	memset(text, '\n', LIMIT_CONF_BYTES + 1);
	text[LIMIT_CONF_BYTES + 1] = '\0';

	g_autofree char *path = write_file(text, LIMIT_CONF_BYTES + 1);
	fails_with(path, "it has more than 262144 bytes");
	g_free(write_file(text, LIMIT_CONF_BYTES));

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Conf) conf = conf_read(path, NULL, NULL, &st);
	assert_non_null(conf);
}

static void
test_problem_limit(void **state)
{
	(void) state;
	g_autoptr(GString) text = g_string_new(NULL);
	for (unsigned i = 0; i < LIMIT_CONF_PROBLEMS + 1; i++)
		g_string_append_printf(text, "unheard_of_%u = 1\n", i);

	g_autofree char *path = write_file(text->str, text->len);
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_auto(Status) st = STATUS_INIT;
	assert_null(conf_read(path, NULL, problems, &st));
	assert_int_equal(problems->len, LIMIT_CONF_PROBLEMS);
}

static void
test_writable_by_others(void **state)
{
	(void) state;
	g_autofree char *path = write_file("hop_limit = 8\n", strlen("hop_limit = 8\n"));
	assert_int_equal(g_chmod(path, 0666), 0);
	if (geteuid() == 0)
		fails_with(path, "others than root can write it");
	assert_int_equal(g_chmod(path, 0644), 0);

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Conf) conf = conf_read(path, NULL, NULL, &st);
	assert_non_null(conf);
	if (geteuid() != 0)
		return;

	assert_int_equal(chown(path, 65534, 65534), 0);
	fails_with(path, "others than root can write it");
}

/*
 * conf-choices.h is written by conf/list-choices: odd spellings, and the first and last of a row.
 */
static const struct {
	const char *name;
	unsigned value;
	const char *want;
} choices[] = {
	{ "users", CONF_USERS_AUTO, "auto" },
	{ "users", CONF_USERS_PASSWD_FILE, "passwd_file" },
	{ "loop_action", CONF_LOOP_ACTION_NOTICE, "notice" },
	{ "duplicates_by", CONF_DUPLICATES_BY_MESSAGE_ID, "message-id" },
	{ "folder_layout", CONF_FOLDER_LAYOUT_MAILDIRPP, "maildir++" },
	{ "folder_names", CONF_FOLDER_NAMES_UTF_8, "utf-8" },
	{ "sieve_notify_sender", CONF_SIEVE_NOTIFY_SENDER_FROM, "from" },
	{ "sieve_notify_sender", CONF_SIEVE_NOTIFY_SENDER_NULL, "null" },
	{ "recipe_order", CONF_RECIPE_ORDER_RECIPES_FIRST, "recipes-first" },
	{ "log_form", CONF_LOG_FORM_JSON, "json" },
};

static void
test_choices(void **state)
{
	(void) state;
	for (size_t i = 0; i < G_N_ELEMENTS(choices); i++) {
		g_autofree char *text = conf_choice(conf_find_row(choices[i].name),
		                                    choices[i].value);
		assert_string_equal(text, choices[i].want);
	}
}

static void
test_default(void **state)
{
	(void) state;
	const Conf *conf = conf_default();

	assert_int_equal(conf->sieve_max_redirects, 4);
	assert_int_equal(conf->sieve_vacation_max, 60 * 86400);
	assert_int_equal(conf->program_output, 50 * 1024 * 1024);
	assert_int_equal(conf->redirect_refused, CONF_REDIRECT_REFUSED_QUIET);
	assert_string_equal(conf->delimiters, "+");
	assert_ptr_equal(conf_default(), conf);
}

static void
test_find_item(void **state)
{
	(void) state;
	char *const items[] = { (char *) "ab=1", (char *) "a=2=3", (char *) "b", NULL };

	assert_string_equal(conf_find_item(items, "ab"), "1");
	assert_string_equal(conf_find_item(items, "a"), "2=3");
	assert_null(conf_find_item(items, "b"));
	assert_null(conf_find_item(NULL, "a"));
}

/* The table itself: defaults are in their bounds, help is there. */
static void
test_table_row(void **state)
{
	const ConfRow *row = *state;

	assert_ptr_equal(conf_find_row(row->name), row);
	assert_true(strlen(conf_row_help(row)) > 10);
	assert_true(row->min <= row->max);

	g_autofree char *problems = NULL;
	g_autofree char *problems_said = NULL;
	g_autoptr(Conf) defaults = read_text("", NULL, &problems);
	g_autofree char *printed = conf_print_value(defaults, row);
	g_autofree char *override = g_strdup_printf("%s=%s", row->name, row->otherwise);
	g_autoptr(Conf)
		said = read_text("", (const char *const[]){ override, NULL }, &problems_said);

	g_autofree char *said_printed = conf_print_value(said, row);
	assert_string_equal(said_printed, printed);
}

static void
test_nearest(void **state)
{
	(void) state;
	static const char *const names[] = { "maildir", "home", "hop_limit", NULL };
	assert_string_equal(nearest_of("mialdir", names), "maildir");
	assert_string_equal(nearest_of("HOME", names), "home");
	assert_null(nearest_of("return_action", names));

	/* One letter too many, of the longest word that is looked at, and one over. */
	g_autofree char *longest = g_strnfill(LIMIT_NEAREST_WORD, 'm'),
			*over = g_strnfill(LIMIT_NEAREST_WORD + 1, 'm');
	assert_string_equal(nearest_of(longest, (const char *const[]){ longest + 1, NULL }),
	                    longest + 1);
	assert_null(nearest_of(over, (const char *const[]){ longest, NULL }));

	g_autofree char *huge = g_strnfill(100000, 'm');
	assert_null(nearest_of(huge, names));
}

static int
make_folder(void **state)
{
	(void) state;
	folder = g_dir_make_tmp("todoke-conf-XXXXXX", NULL);
	return folder != NULL ? 0 : -1;
}

static int
remove_folder(void **state)
{
	(void) state;
	g_autofree char *path = g_build_filename(folder, "todoke.conf", NULL);
	(void) g_unlink(path);
	(void) g_rmdir(folder);
	g_free(folder);

	return 0;
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(good) + G_N_ELEMENTS(bad) + G_N_ELEMENTS(scoped) +
	                        CONF_ROWS + 15];
	size_t n = 0;
	g_unsetenv("TODOKE_CONF");
	UNIT_ROWS(tests, n, good, test_good);
	UNIT_ROWS(tests, n, bad, test_bad);
	UNIT_ROWS(tests, n, scoped, test_scoped);
	for (size_t i = 0; i < CONF_ROWS; i++)
		tests[n++] = (struct CMUnitTest){ conf_row(i)->name, test_table_row, NULL, NULL,
			                          (void *) (uintptr_t) conf_row(i) };
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_rules);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_overrides);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_wrong_overrides);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_files);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_include);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_include_problems);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_include_limits);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_override_wins_over_scope);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_size_limit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_problem_limit);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_writable_by_others);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_choices);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_default);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_find_item);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_nearest);

	return _cmocka_run_group_tests("conf", tests, n, make_folder, remove_folder);
}
