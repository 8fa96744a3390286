/* SPDX-License-Identifier: MIT */
/* cmd-account: `todoke account`: what is known of a user and from where. */
#define _GNU_SOURCE
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/listed-people.h"
#include "agent/cmd/postfix-domains.h"
#include "agent/cmd/quota-words.h"
#include "agent/cmd/smtp-ask.h"

#include "agent/base/child.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "agent/run/account-source.h"
#include "agent/run/owner-settings.h"
#include "agent/run/script-chain.h"
#include "agent/run/site.h"
#include "agent/store/maildir.h"
#include "agent/store/quota-memory.h"
#include "agent/store/quota-service.h"
#include "agent/store/quota.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char about[] =
	"\nPrints what is known of each USER, and from where. It looks with the user's\n"
	"rights, and changes nothing but what --create and --send-test ask for.\n\n"
	"  todoke account --list\n"
	"  todoke account taro@example.jp\n"
	"  sudo todoke account --create --send-test taro@example.jp\n\n"
	"Exit code: 0 good, 1 there is no such user, or it failed, 2 wrong usage.\n";

typedef struct {
	const char *conf;
	GPtrArray *overrides;
	bool list;
	bool create;
	bool send_test;
	bool json;
} Options;

static const CmdOption rows[] = { { .name = "list",
	                            .letters = "l",
	                            CMD_INTO_FLAG(Options, list),
	                            .help = N_("print all users") },
	                          { .name = "create",
	                            CMD_INTO_FLAG(Options, create),
	                            .help = N_("make the mailbox where it is missing") },
	                          { .name = "send-test",
	                            CMD_INTO_FLAG(Options, send_test),
	                            .help = N_("deliver a test message") },
	                          CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.account/1"),
	                          CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf)),
	                          CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	                          CMD_OPTIONS_END };

const CmdOptions cmd_account_options = { .synopsis = "[OPTION]... USER...|--list",
	                                 .rows = rows,
	                                 .about = about };

/* One thing that is known; all but the name is owned. */
typedef struct {
	const char *name;
	char *value;
	char *from;      /* NULL: nothing to say */
	char *words;     /* for people, in place of the value; NULL: the value says it */
	json_t *numbers; /* further members for programs; NULL: none */
} Fact;

static void
fact_clear(void *fact)
{
	g_free(((Fact *) fact)->value);
	g_free(((Fact *) fact)->from);
	g_free(((Fact *) fact)->words);
	json_decref(((Fact *) fact)->numbers);
}

/* Add a fact; takes both texts. */
static void
add(GArray *facts, const char *name, char *value, char *from)
{
	Fact fact = { .name = name, .value = value, .from = from };
	g_array_append_val(facts, fact);
}

/* "maildir, /etc/todoke/todoke.conf:3". Caller frees. */
static char *
origin(const Conf *conf, const char *setting)
{
	const ConfPlace *place = &conf->said[conf_row_number(conf_find_row(setting))];
	if (place->file == NULL)
		return g_strdup_printf("%s, default", setting);
	if (place->line == 0 || strcmp(place->file, CONF_OVERRIDE) == 0)
		return g_strdup_printf("%s, %s", setting, place->file);
	return g_strdup_printf("%s, %s:%u", setting, place->file, place->line);
}

static char *
kind_of(const Account *account, const Conf *conf, char **ret_from)
{
	unsigned kind = account_kind_of_users(conf);
	*ret_from = origin(conf, kind == CONF_USERS_PASSWD_FILE && conf->users == CONF_USERS_AUTO
	                                 ? "passwd_file"
	                                 : "users");
	if (account->is_system)
		return g_strdup("account of the system");
	if (kind == CONF_USERS_PASSWD_FILE)
		return g_strdup("line of passwd_file");
	if (kind == CONF_USERS_VIRTUAL)
		return g_strdup("virtual user");
	return g_strdup_printf("user of %s", account->source);
}

static void
add_owner(GArray *facts, const Account *account, const Conf *conf)
{
	const struct passwd *entry = account->uid != ACCOUNT_NO_UID ? getpwuid(account->uid) : NULL;
	const char *from = account->is_system            ? "the system"
	                   : account->has_ids            ? account->source
	                   : *conf->virtual_user != '\0' ? "virtual_user"
	                                                 : "owner of the path";
	if (account->uid == ACCOUNT_NO_UID)
		add(facts, "owner", g_strdup("whoever runs the delivery"), NULL);
	else
		add(facts, "owner",
		    g_strdup_printf("%s (uid %u, gid %u)", entry != NULL ? entry->pw_name : "?",
		                    (unsigned) account->uid, (unsigned) account->gid),
		    g_strdup(from));
}

static void
add_scripts(GArray *facts, const Account *account, const Conf *conf)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(ScriptChain) chain = { NULL };
	if (!script_chain_find(conf, account, NULL, &chain, &st))
		return;

	for (guint i = 0; i < chain.scripts->len; i++) {
		const Script *script = chain.scripts->pdata[i];
		add(facts, "script",
		    g_strdup_printf("%u. %s%s", i + 1, script->path,
		                    script->is_recipes ? " (recipes)" : ""),
		    g_strdup(script_chain_role_name(script->role)));
	}
	if (chain.scripts->len == 0)
		add(facts, "script", g_strdup("none: all mail goes to the INBOX"), NULL);
}

/* The time at which the newest file of the INBOX was named; 0: there is none. */
static gint64
newest_name(int inbox)
{
	static const char *const parts[] = { "new", "cur" };
	gint64 newest = 0;
	guint names = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		int fd = openat(inbox, parts[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
		for (const struct dirent *entry;
		     dir != NULL && names < LIMIT_DOCTOR_NAMES && (entry = readdir(dir)) != NULL;
		     names++) {
			char *end;
			gint64 time = g_ascii_strtoll(entry->d_name, &end, 10);
			if (end != entry->d_name && *end == '.')
				newest = MAX(newest, time);
		}
		if (dir != NULL)
			(void) closedir(dir);
	}

	return newest;
}

static char *
print_time(gint64 time)
{
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(time);
	return when != NULL ? g_date_time_format(when, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

/* What Dovecot says, with the user's rights. */
static void
add_quota_of_dovecot(GArray *facts, const Account *account, const Conf *conf)
{
	const QuotaServiceQuestion question = { .where = conf->quota_service,
		                                .user = account->user,
		                                .bytes = 1,
		                                .timeout_ms = (unsigned) conf->quota_timeout *
		                                              1000 };
	static const char *const verdicts[] = { [QUOTA_SERVICE_ROOM] = "there is room",
		                                [QUOTA_SERVICE_FULL] = "full",
		                                [QUOTA_SERVICE_TOO_BIG] = "full",
		                                [QUOTA_SERVICE_NO_ANSWER] = "not known" };
	g_autofree char *reply = NULL;
	QuotaServiceVerdict verdict = quota_service_ask(&question, &reply);
	add(facts, "quota",
	    g_strdup_printf("%s: Dovecot at %s says '%s'", verdicts[verdict], conf->quota_service,
	                    reply),
	    origin(conf, "quota_service"));
}

/* Since when there has been no room, and the last warning. */
static void
add_quota_memory(GArray *facts, const Account *account, const Conf *conf)
{
	g_auto(Status) unknown = STATUS_INIT;
	g_autofree char *state = account_state_folder(account, conf, &unknown);
	QuotaMemory memory;
	quota_memory_read(state, &memory);
	if (conf->quota == CONF_QUOTA_OFF)
		return;

	if (memory.since > 0)
		add(facts, "full since", print_time(memory.since), NULL);
	if (memory.warned > 0)
		add(facts, "warned", g_strdup_printf("%u%%", memory.warned),
		    origin(conf, "quota_warnings"));
}

/* Which of the limits are set, and by what. Caller frees. */
static char *
limit_origin(const Conf *conf, const QuotaLook *look)
{
	g_autofree char *quota = origin(conf, "quota"), *bytes = origin(conf, "quota_bytes"),
			*messages = origin(conf, "quota_messages");
	if (conf->quota != CONF_QUOTA_SITE)
		return g_strdup_printf("the first line of the INBOX's maildirsize; %s", quota);
	if (look->limit_messages == 0)
		return g_steal_pointer(&bytes);
	if (look->limit_bytes == 0)
		return g_steal_pointer(&messages);

	return g_strdup_printf("%s; %s", bytes, messages);
}

/* null: there is no such limit. */
static json_t *
limit_json(gint64 limit)
{
	return limit > 0 ? json_integer(limit) : json_null();
}

static json_t *
quota_json(const QuotaLook *look)
{
	json_t *numbers = json_object();

	json_object_set_new(numbers, "bytes", json_integer(look->bytes));
	json_object_set_new(numbers, "messages", json_integer(look->messages));
	json_object_set_new(numbers, "limit_bytes", limit_json(look->limit_bytes));
	json_object_set_new(numbers, "limit_messages", limit_json(look->limit_messages));
	if (*look->unread != '\0')
		json_object_set_new(numbers, "not_counted", cmd_json_text(look->unread));

	return numbers;
}

static void
add_quota(GArray *facts, Maildir *inbox, const Account *account, const Conf *conf)
{
	QuotaLook look;
	if (conf->quota == CONF_QUOTA_DOVECOT) {
		add_quota_of_dovecot(facts, account, conf);
		return;
	}
	if (!quota_look(inbox, conf, true, &look)) {
		add(facts, "quota", g_strdup("no limit"), origin(conf, "quota"));
		return;
	}
	Fact fact = { .name = "quota",
		      .value = g_strdup_printf("%" G_GINT64_FORMAT " octets in %" G_GINT64_FORMAT
		                               " messages, limit %s",
		                               look.bytes, look.messages, look.definition),
		      .from = limit_origin(conf, &look),
		      .words = quota_words(&look),
		      .numbers = quota_json(&look) };
	g_array_append_val(facts, fact);
}

static void
add_mailbox(GArray *facts, const Account *account, const Conf *conf)
{
	const MaildirOptions options = { (mode_t) conf->umask, conf->durability, false, false };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(account->maildir, &options, &st);
	if (inbox == NULL) {
		bool is_missing = st.id == STATUS_MISSING;
		add(facts, "mailbox", g_strdup(is_missing ? "not there yet" : status_why(&st)),
		    is_missing ? g_strdup(conf->create_maildir ? "the first delivery makes it"
		                                               : "create_maildir is no")
		               : NULL);
		return;
	}

	gint64 newest = newest_name(maildir_fd(inbox));
	add(facts, "mailbox", g_strdup("there"), NULL);
	add_quota(facts, inbox, account, conf);
	add_quota_memory(facts, account, conf);
	add(facts, "last mail", newest > 0 ? print_time(newest) : g_strdup("none"),
	    newest > 0
	            ? g_strdup("newest name in the INBOX; mail that rules filed elsewhere, or that "
	                       "was moved or removed since, is not counted: todoke why --last")
	            : g_strdup("in the INBOX alone; todoke why --last knows other folders"));
}

/* As transact.c finds it. */
static void
add_state(GArray *facts, const Account *account, const Conf *conf)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = *conf->state_folder != '\0'
	                                ? account_expand(account, conf->state_folder, &st)
	                        : account->is_system && account->home != NULL
	                                ? g_build_filename(account->home, ".local/state/todoke",
	                                                   NULL)
	                                : g_build_filename(account->maildir, "todoke-state", NULL);
	if (path == NULL)
		return;

	struct stat sb;
	int err = stat(path, &sb) == 0 ? 0 : errno;
	g_autofree char *unseen = g_strdup_printf(" (cannot be seen: %s)", g_strerror(err));
	bool is_missing = err == ENOENT || err == ENOTDIR || (err == 0 && !S_ISDIR(sb.st_mode));
	const char *remark = is_missing ? " (not there yet)" : unseen;
	add(facts, "state", g_strdup_printf("%s%s", path, err == 0 && !is_missing ? "" : remark),
	    origin(conf, "state_folder"));
}

static void
add_limits(GArray *facts, const Conf *conf)
{
	static const char *const names[] = { "redirect_limit", "reply_limit", "notice_limit" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *value = conf_print_value(conf, conf_find_row(names[i]));
		add(facts, "limit", g_strdup_printf("%s %s a day", names[i], value),
		    origin(conf, names[i]));
	}
}

/* Where the home is from. */
static char *
home_origin(const Account *account, const Conf *conf)
{
	unsigned kind = account_kind_of_users(conf);
	g_auto(Status) other = STATUS_INIT;
	g_autofree char *by_setting = *conf->home != '\0'
	                                      ? account_expand(account, conf->home, &other)
	                                      : NULL;

	if (account->is_system)
		return g_strdup("the system");
	if (g_strcmp0(account->home, by_setting) == 0)
		return origin(conf, "home");
	return g_strdup(kind == CONF_USERS_VIRTUAL ? "the folder of the INBOX" : account->source);
}

/* What the source says besides: settings of this user, and fields that mean nothing here. */
static void
add_fields(GArray *facts, const Account *account)
{
	for (guint i = 0; account->settings != NULL && i < account->settings->len; i++)
		add(facts, "setting", g_strdup(account->settings->pdata[i]),
		    g_strdup(account->source));
	for (guint i = 0; account->unused != NULL && i < account->unused->len; i++)
		add(facts, "not used", g_strdup(account->unused->pdata[i]),
		    g_strdup(account->source));
}

/* All facts; runs with the user's rights. */
static GArray *
find_facts(const Account *account, const Conf *conf)
{
	GArray *facts = g_array_new(FALSE, FALSE, sizeof(Fact));
	g_autoptr(GString) addresses = g_string_new(NULL);
	char *from;

	g_array_set_clear_func(facts, fact_clear);
	for (guint i = 0; i < account->addresses->len; i++)
		g_string_append_printf(addresses, "%s%s", i > 0 ? ", " : "",
		                       (const char *) account->addresses->pdata[i]);
	char *kind = kind_of(account, conf, &from);
	add(facts, "kind", kind, from);
	if (addresses->len > 0)
		add(facts, "addresses", g_strdup(addresses->str), NULL);
	add(facts, "source", account_source_describe(conf), NULL);
	if (account->home != NULL)
		add(facts, "home", g_strdup(account->home), home_origin(account, conf));
	add(facts, "maildir", g_strdup(account->maildir),
	    account->mail != NULL ? g_strdup(account->source) : origin(conf, "maildir"));
	add_fields(facts, account);
	add_owner(facts, account, conf);
	add_mailbox(facts, account, conf);
	add_scripts(facts, account, conf);
	add_limits(facts, conf);
	add_state(facts, account, conf);

	return facts;
}

static void
print_facts(const char *user, const GArray *facts)
{
	cmd_print(stdout, "%s\n", user);
	for (guint i = 0; i < facts->len; i++) {
		const Fact *fact = &g_array_index(facts, Fact, i);
		cmd_print(stdout, "  %-10s %s%s%s%s\n", fact->name,
		          fact->words != NULL ? fact->words : fact->value,
		          fact->from != NULL ? "  (" : "", fact->from != NULL ? fact->from : "",
		          fact->from != NULL ? ")" : "");
	}
}

/* One line, so that the objects of several users are told apart. */
static void
print_facts_json(const char *user, const GArray *facts)
{
	json_t *object = json_object(), *list = json_array();

	for (guint i = 0; i < facts->len; i++) {
		const Fact *fact = &g_array_index(facts, Fact, i);
		json_t *item = json_object();
		json_object_set_new(item, "name", json_string(fact->name));
		json_object_set_new(item, "value", cmd_json_text(fact->value));
		json_object_set_new(item, "from",
		                    fact->from != NULL ? cmd_json_text(fact->from) : json_null());
		if (fact->numbers != NULL)
			json_object_update(item, fact->numbers);
		json_array_append_new(list, item);
	}

	json_object_set_new(object, "schema", json_string("todoke.account/1"));
	json_object_set_new(object, "user", cmd_json_text(user));
	json_object_set_new(object, "facts", list);
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	puts(text != NULL ? text : "{}");
	free(text);
	json_decref(object);
}

static void
tell_facts(const Options *options, const char *user, const GArray *facts)
{
	if (options->json)
		print_facts_json(user, facts);
	else
		print_facts(user, facts);
}

/* "delivered in 0.03 s". Caller frees. */
static char *
print_test(double seconds)
{
	return g_strdup_printf("delivered in %.2f s", seconds);
}

static int
fail(const char *user, const Status *st)
{
	cmd_print(stderr, "todoke account: %s: %s\n", user, status_why(st));
	return CMD_FINDINGS;
}

static int
create_mailbox(Account *account, const Conf *conf)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	const MaildirOptions options = { (mode_t) conf->umask, conf->durability, true, false };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(account->maildir, &options, &st);

	for (size_t i = 0; inbox != NULL && i < G_N_ELEMENTS(parts); i++) {
		auto_fd int fd = -1;
		if (!fs_make_dir(maildir_fd(inbox), parts[i], 0777, &fd, &st))
			return fail(account->user, &st);
	}
	if (inbox == NULL || !maildir_check(inbox, &st))
		return fail(account->user, &st);
	return CMD_GOOD;
}

/*
 * What the child does, with the user's rights; `test` is what became of the test message, NULL
 * where it is not sent, or not yet.
 */
static int
look(const Options *options, Account *account, const Conf *conf, const char *test)
{
	g_auto(Status) st = STATUS_INIT;
	if (!account_become(conf, account, &st))
		return fail(account->user, &st);
	if (options->create) {
		bool is_tree_there = tree_check(&account->tree, &st);
		int code = is_tree_there ? create_mailbox(account, conf) : fail(account->user, &st);
		if (code != CMD_GOOD)
			return code;
	}

	if (options->json && options->send_test && test == NULL)
		return CMD_GOOD; /* the object is printed when the test message has been sent */
	g_autoptr(Conf) own = owner_settings_read(account, conf, NULL);
	g_autoptr(GArray) facts = find_facts(account, own != NULL ? own : conf);
	if (test != NULL)
		add(facts, "test", g_strdup(test), g_strdup("--send-test"));
	tell_facts(options, account->user, facts);
	return CMD_GOOD;
}

/* Rights are given up for good, so each user has a process. */
static int
look_in_child(const Options *options, Account *account, const Conf *conf, const char *test)
{
	int how = 0;

	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		(void) alarm(LIMIT_DOCTOR_USER_S);
		int code = look(options, account, conf, test);
		fflush(NULL);
		_exit(code);
	}
	while (pid > 0 && waitpid(pid, &how, 0) < 0 && errno == EINTR)
		continue;
	return pid > 0 && WIFEXITED(how) ? WEXITSTATUS(how) : CMD_FINDINGS;
}

/* The test message, lines ended by LF. Caller frees. */
static char *
test_message(const char *user)
{
	g_autofree char *unique = maildir_unique_name();
	g_autoptr(GDateTime) when = g_date_time_new_now_local();
	g_autofree char *date = g_date_time_format(when, "%a, %d %b %Y %H:%M:%S %z");

	return g_strdup_printf(
		"From: todoke <%s>\nTo: %s\nSubject: test by todoke account\nDate: %s\n"
		"Message-ID: <%s@todoke.invalid>\nAuto-Submitted: auto-generated\n\n"
		"`todoke account --send-test` wrote this to see whether mail arrives.\n",
		user, user, date, unique);
}

/* To the lmtpd that listens at `where`. False: *ret_why (caller frees). */
static bool
send_by_lmtp(const char *where, const char *user, const char *text, char **ret_why)
{
	static const char inet[] = "inet:";
	SmtpAsk talk;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *data = g_strjoinv("\r\n", lines), *whole = g_strconcat(data, ".", NULL),
			*rcpt = g_strdup_printf("RCPT TO:<%s>", user);

	*ret_why = smtp_ask_open(&talk,
	                         g_str_has_prefix(where, inet) ? where + strlen(inet) : where,
	                         LIMIT_DOCTOR_USER_S);
	bool sent = *ret_why == NULL && smtp_ask_is_answered(&talk, '2') &&
	            smtp_ask(&talk, "LHLO localhost", '2') &&
	            smtp_ask(&talk, "MAIL FROM:<>", '2') && smtp_ask(&talk, rcpt, '2') &&
	            smtp_ask(&talk, "DATA", '3') && smtp_ask(&talk, whole, '2');
	if (!sent && *ret_why == NULL)
		*ret_why = g_strdup(talk.answer);
	smtp_ask_close(&talk);

	return sent;
}

/* `todoke deliver` with our options; it becomes the user where we are root. Caller frees. */
static GPtrArray *
deliver_words(const Options *options, const char *user)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	const char *const words[] = { "todoke", "deliver", "-f", "", "-d", user };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(argv, g_strdup(words[i]));
	if (options->conf != NULL) {
		g_ptr_array_add(argv, g_strdup("-c"));
		g_ptr_array_add(argv, g_strdup(options->conf));
	}
	const char *const *override = cmd_option_words(options->overrides);
	for (; override != NULL && *override != NULL; override++) {
		g_ptr_array_add(argv, g_strdup("-o"));
		g_ptr_array_add(argv, g_strdup(*override));
	}
	g_ptr_array_add(argv, NULL);

	return argv;
}

static bool
send_by_deliver(const Options *options, const char *user, const char *text, char **ret_why)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autoptr(GPtrArray) argv = deliver_words(options, user);
	g_autofree char *here = g_get_current_dir(); /* options may name files from here */
	g_auto(GStrv) environment = g_get_environ();
	const ChildCall call = { .program.path = self,
		                 .program.argv = (const char *const *) argv->pdata,
		                 .program.envp = (const char *const *) environment,
		                 .program.folder = here,
		                 .head = text,
		                 .head_len = strlen(text),
		                 .body_fd = -1,
		                 .output_limit = LIMIT_DOCTOR_OCTETS,
		                 .seconds = LIMIT_DOCTOR_USER_S };
	g_auto(ChildResult) result = { 0 };
	if (!child_run(&call, &result, &st)) {
		*ret_why = g_strdup(status_why(&st));
		return false;
	}

	gsize len = 0;
	const char *said = g_bytes_get_data(result.output, &len);
	if (result.exit_code != 0)
		*ret_why = g_strndup(said != NULL ? said : "", len);
	return result.exit_code == 0;
}

/*
 * A test message goes the way that mail for the user goes: to lmtpd where todoke.conf says where it
 * listens, else through `todoke deliver`.
 */
static int
send_test(const Options *options, const Conf *conf, const char *user, double *ret_seconds)
{
	g_autofree char *text = test_message(user), *why = NULL;
	const char *lmtpd = conf->lmtp_listen != NULL ? conf->lmtp_listen[0] : NULL;
	gint64 start = g_get_monotonic_time();

	bool sent = lmtpd != NULL ? send_by_lmtp(lmtpd, user, text, &why)
	                          : send_by_deliver(options, user, text, &why);
	double seconds = (double) (g_get_monotonic_time() - start) / G_USEC_PER_SEC;
	if (!sent) {
		cmd_print(stderr, "todoke account: a test message to %s was not delivered: %s\n",
		          user, g_strchomp(why));
		return CMD_FINDINGS;
	}

	*ret_seconds = seconds;
	return CMD_GOOD;
}

static void
print_sent(const char *user, double seconds)
{
	bool has_colour = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL;
	fputs(has_colour ? "\033[32m" : "", stdout);
	cmd_print(stdout, _("a test message to %s was delivered in %.2f s"), user, seconds);
	puts(has_colour ? "\033[0m" : "");
}

/* A typo in the domain makes a mailbox that gets no mail. False: so none is made. */
static bool
check_domain(const Options *options, const Conf *conf, const char *user)
{
	g_auto(Status) unknown = STATUS_INIT;
	if (!postfix_domains_matter(conf, user))
		return true;

	g_autoptr(PostfixFacts) facts = postfix_facts_read(g_getenv("MAIL_CONFIG"), &unknown);
	const char *domain = facts != NULL ? postfix_domains_missing(facts, user) : NULL;
	if (domain != NULL)
		cmd_print(stderr,
		          options->create
		                  ? _("todoke account: nothing is made for %s: this Postfix has no "
		                      "domain %s (virtual_mailbox_domains); name it there before\n")
		                  : _("todoke account: %s gets no mail: this Postfix has no domain "
		                      "%s (virtual_mailbox_domains)\n"),
		          user, domain);
	return domain == NULL || !options->create;
}

static int
tell_user(const Options *options, const Conf *conf, const char *user)
{
	g_auto(Status) st = STATUS_INIT;
	if (!check_domain(options, conf, user))
		return CMD_FINDINGS;

	g_autoptr(Account) account = account_find(conf, user, &st);
	if (account == NULL)
		return fail(user, &st);
	if (account->returns_to != NULL) {
		g_autoptr(GArray) facts = g_array_new(FALSE, FALSE, sizeof(Fact));
		g_array_set_clear_func(facts, fact_clear);
		add(facts, "goes on to", g_strdup(account->returns_to), g_strdup("all mail"));
		tell_facts(options, user, facts);
		return CMD_GOOD;
	}

	account->look_only = !options->create;
	const Conf *theirs = conf;
	double seconds = 0;
	int code = look_in_child(options, account, theirs, NULL);
	if (code == CMD_GOOD && options->send_test)
		code = send_test(options, conf, user, &seconds);
	if (code != CMD_GOOD || !options->send_test)
		return code;

	g_autofree char *test = print_test(seconds);
	if (options->json)
		return look_in_child(options, account, theirs, test);
	print_sent(user, seconds);
	return CMD_GOOD;
}

static int
list_users(const Conf *conf, bool json)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) people = listed_people(conf, &st);
	if (people == NULL)
		return fail("--list", &st);

	json_t *list = json_array();
	for (guint i = 0; i < people->len; i++) {
		const Account *account = people->pdata[i];
		if (json)
			json_array_append_new(list, cmd_json_text(account->user));
		else
			cmd_print(stdout, "%s\n", account->user);
	}

	json_t *object = json_object();
	json_object_set_new(object, "schema", json_string("todoke.accounts/1"));
	json_object_set_new(object, "users", list);
	if (json)
		cmd_print_json(object);
	else
		json_decref(object);

	return CMD_GOOD;
}

int
cmd_account(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_account_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (options.list == (argc > 1))
		return cmd_usage("account", _("name users, or say --list"));
	if (options.list && (options.create || options.send_test))
		return cmd_usage("account", _("--list goes alone"));
	g_autoptr(Conf) conf = cmd_conf(options.conf, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;
	if (options.list)
		return list_users(conf, options.json);

	for (int i = 1; i < argc; i++) {
		int code = tell_user(&options, conf, argv[i]);
		exit_code = i == 1 ? code : MAX(exit_code, code);
	}
	return exit_code;
}
