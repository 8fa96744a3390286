/* SPDX-License-Identifier: MIT */
/* check-conf: settings that make no sense alone, together, or on this host. */
#define _GNU_SOURCE
#include "agent/cmd/check-conf.h"

#include "agent/base/box.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/texts.h"
#include "agent/cmd/check-files.h"
#include "agent/cmd/check-state.h"
#include "agent/deliver/deliver.h"
#include "agent/message/address.h"
#include "agent/send/compose.h"
#include "agent/store/folder.h"
#include "agent/run/sandbox.h"
#include "agent/store/quota-rule.h"
#include "agent/send/route.h"
#include "agent/message/mark.h"
#include "conf/conf-choices.h"
#include "filters/sieve/lang/sieve-site.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
check_conf_finding(GPtrArray *problems, ProblemSeverity severity, const char *file, unsigned line,
                   const char *code, const char *text, const char *hint)
{
	const Problem problem = {
		.file = (char *) (uintptr_t) file,
		.line = line,
		.severity = severity,
		.code = code,
		.text = (char *) (uintptr_t) text,
		.hint = (char *) (uintptr_t) hint,
	};
	problem_add(problems, &problem);
}

/* Where a setting was said; of a default the main file. */
static ConfPlace
place_of(const Conf *conf, const char *setting)
{
	ConfPlace place = conf->said[conf_row_number(conf_find_row(setting))];
	const char *main_file = conf->files->len > 0 ? conf->files->pdata[0] : "default";
	if (place.file == NULL)
		place.file = main_file;
	return place;
}

void
check_conf_about(GPtrArray *problems, const Conf *conf, const char *setting,
                 ProblemSeverity severity, const char *code, const char *text, const char *hint)
{
	const ConfPlace place = place_of(conf, setting);

	check_conf_finding(problems, severity, place.file, place.line, code, text, hint);
}

void
check_conf_trust(GPtrArray *problems, const ConfPlace *place, const Trust *trust)
{
	struct stat sb;
	if (stat(trust->path, &sb) < 0)
		return; /* what is missing is another finding */

	g_autofree char *command = NULL;
	g_autofree char *why = trust_explain(&sb, trust, &command);
	if (why == NULL)
		return;

	bool is_file_itself = strcmp(place->file, trust->path) == 0;
	g_autofree char *text = is_file_itself ? g_strdup(why)
	                                       : g_strdup_printf("'%s' is %s", trust->path, why);
	check_conf_finding(problems, PROBLEM_ERROR, place->file, place->line, "untrusted", text,
	                   command);
}

/* Is the key of the site wanted, besides for marks of earlier versions? */
static bool
needs_key(const Conf *conf)
{
	return (conf->add_mark && conf->mark_key == CONF_MARK_KEY_SITE) ||
	       conf->redirect_sender == CONF_REDIRECT_SENDER_SRS;
}

/* The local door runs as the recipient, who is neither root nor in the group of the key. */
static void
check_local_door(const Conf *conf, const struct stat *sb, GPtrArray *problems)
{
	bool has_local_door = conf->users == CONF_USERS_SYSTEM ||
	                      (conf->users == CONF_USERS_AUTO && *conf->passwd_file == '\0' &&
	                       (*conf->maildir != '/' || strstr(conf->maildir, "%h") != NULL));
	if (conf->redirect_sender != CONF_REDIRECT_SENDER_SRS || !has_local_door ||
	    (sb->st_mode & S_IROTH) != 0)
		return;

	g_autofree char *text = g_strdup_printf(
		"mailbox_command runs as the recipient, who cannot read the key file '%s': SRS "
		"then keeps "
		"the original sender",
		conf->key_file);
	check_conf_about(problems, conf, "redirect_sender", PROBLEM_WARNING, "key-local-door", text,
	                 "deliver by LMTP (todoke lmtpd as root), or set redirect_sender = owner");
}

/* What a key signs is only as good as the key is secret. */
static void
check_key(const Conf *conf, GPtrArray *problems)
{
	struct stat sb;
	bool is_there = *conf->key_file != '\0' &&
	                (stat(conf->key_file, &sb) == 0 || (errno != ENOENT && errno != ENOTDIR));
	if (!is_there && !needs_key(conf))
		return;

	if (!is_there) {
		g_autofree char *text = g_strdup_printf(
			"there is no key file '%s': %s", conf->key_file,
			conf->redirect_sender == CONF_REDIRECT_SENDER_SRS
				? "SRS keeps the original sender"
				: "no mark is written, so a loop is seen only by its Delivered-To "
				  "lines");
		check_conf_about(problems, conf, "key_file", PROBLEM_WARNING, "no-key", text,
		                 "make one: todoke key --new");
		return;
	}

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MarkKeys) keys = NULL;
	if (!mark_keys_read(conf->key_file, &keys, &st)) {
		check_conf_about(
			problems, conf, "key_file", PROBLEM_WARNING, "key-unreadable", st.detail,
			"deliveries go on without it; the user that delivers must be able to read "
			"it");
	} else if (keys == NULL && needs_key(conf)) {
		check_conf_about(problems, conf, "key_file", PROBLEM_WARNING, "no-key",
		                 "the key file has no key in it", "make one: todoke key --new");
	}

	if (stat(conf->key_file, &sb) < 0)
		return;
	if ((sb.st_mode & S_IROTH) != 0)
		check_conf_about(
			problems, conf, "key_file", PROBLEM_WARNING, "key-readable",
			"everybody on this host can read the key file, and whoever can may forge "
			"what it signs",
			"chmod o-r, and a new key: the old one is known");

	check_local_door(conf, &sb, problems);
}

static void
check_users(const Conf *conf, GPtrArray *problems)
{
	bool has_passwd = *conf->passwd_file != '\0';
	bool names_users = strchr(conf->maildir, '%') != NULL;

	if (conf->users == CONF_USERS_PASSWD_FILE && !has_passwd)
		check_conf_about(problems, conf, "users", PROBLEM_ERROR, "no-passwd-file",
		                 "users is passwd_file, but the setting passwd_file names none",
		                 "passwd_file = \"/etc/todoke/passwd\"");

	if (has_passwd && g_access(conf->passwd_file, R_OK) < 0 && errno == ENOENT)
		check_conf_about(problems, conf, "passwd_file", PROBLEM_WARNING, "missing-file",
		                 "the passwd_file does not exist: all mail will wait", NULL);
	if (conf->users == CONF_USERS_VIRTUAL && !names_users)
		check_conf_about(
			problems, conf, "maildir", PROBLEM_ERROR, "one-maildir",
			"users is virtual, but maildir has no %n or %u: all users would share one "
			"INBOX",
			"home = \"/var/vmail/%d/%n\", maildir = \"/var/vmail/%d/%n/Maildir\"");

	if (has_passwd && (conf->users == CONF_USERS_SYSTEM || conf->users == CONF_USERS_VIRTUAL))
		check_conf_about(problems, conf, "passwd_file", PROBLEM_WARNING, "unused",
		                 "passwd_file is set, but 'users' says that it is not used",
		                 "users = passwd_file");
}

static void
check_durability(const Conf *conf, GPtrArray *problems)
{
	if (conf->durability != CONF_DURABILITY_FULL)
		check_conf_about(problems, conf, "durability", PROBLEM_WARNING, "not-durable",
		                 "a power cut can lose mail that was answered as delivered",
		                 "durability = full");
}

/* Would mail that is filed into `name` find a folder? Caller frees the text; NULL: yes. */
static char *
folder_problem(const Conf *conf, const char *name)
{
	FolderRules rules = folder_rules_of(conf);
	const char *why = NULL;
	g_autofree char *path = folder_path(&rules, NULL, name, &why);

	if (path != NULL)
		return NULL;
	return g_strdup_printf("'%s' can be no folder: it %s; such mail goes to the INBOX", name,
	                       why);
}

static void
check_folders(const Conf *conf, GPtrArray *problems)
{
	static const char code[] = "folder-name",
			  hint[] = "a name as in rules: Loops, or Work/Customers";
	g_autofree char *loops = folder_problem(conf, conf->loop_folder);

	if (loops != NULL)
		check_conf_about(problems, conf, "loop_folder", PROBLEM_ERROR, code, loops, hint);
	g_autofree char *duplicates = folder_problem(conf, conf->duplicates_folder);
	if (duplicates != NULL)
		check_conf_about(problems, conf, "duplicates_folder", PROBLEM_ERROR, code,
		                 duplicates, hint);

	for (guint i = 0; i < conf->rules->len; i++) {
		const ConfRule *rule = conf->rules->pdata[i];
		bool files = rule->to != NULL && g_strcmp0(rule->action, "file") == 0;
		g_autofree char *text = files ? folder_problem(conf, rule->to) : NULL;
		if (text != NULL)
			check_conf_finding(problems, PROBLEM_ERROR, rule->place.file,
			                   rule->place.line, code, text, hint);
	}

	if (conf->trace_users != NULL && *conf->trace_users != NULL && *conf->trace_dir == '\0')
		check_conf_about(
			problems, conf, "trace_users", PROBLEM_WARNING, "unused",
			"trace_users is set, but trace_dir names no folder: there are no traces",
			"trace_dir = \"~/todoke-trace\"");

	if (*conf->folder_escape != '\0' && folder_escape_sign(conf->folder_escape) == '\0')
		check_conf_about(
			problems, conf, "folder_escape", PROBLEM_ERROR, "folder-escape",
			"folder_escape is not one sign that can stand for others: nothing is "
			"escaped",
			"folder_escape = \"\\\\\"");

	if (*conf->folder_separator == '\0')
		check_conf_about(problems, conf, "folder_separator", PROBLEM_WARNING,
		                 "no-separator",
		                 "folder_separator is empty: '/' is used all the same",
		                 "folder_separator = \"/\"");
}

/* What stands in names anyway, or never in a local part, separates nothing that anybody means. */
static void
check_delimiters(const Conf *conf, GPtrArray *problems)
{
	for (const char *c = conf->delimiters; *c != '\0'; c++) {
		if (*c != '@' && !g_ascii_isalnum(*c) && !g_ascii_isspace(*c))
			continue;
		g_autofree char *text = g_strdup_printf(
			"'%c' in delimiters cannot separate user and detail", *c);
		check_conf_about(problems, conf, "delimiters", PROBLEM_WARNING, "delimiter", text,
		                 "as in recipient_delimiter of main.cf");
		return;
	}
}

/* What would stand in addresses and headers. A wrong one is not used. */
static void
check_names(const Conf *conf, GPtrArray *problems)
{
	const struct {
		const char *name, *value, *hint;
	} domains[] = {
		{ "myhostname", conf->myhostname, "as `postconf -h myhostname` prints it" },
		{ "srs_domain", conf->srs_domain, "a domain alone: srs_domain = \"example.org\"" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(domains); i++) {
		if (*domains[i].value == '\0' || address_is_domain(domains[i].value))
			continue;
		g_autofree char *text = g_strdup_printf("'%s' is not the name of a host or domain",
		                                        domains[i].value);
		check_conf_about(problems, conf, domains[i].name, PROBLEM_ERROR, "bad-value", text,
		                 domains[i].hint);
	}

	g_autofree char *postmaster = compose_first_address(conf->postmaster_address);
	if (*conf->postmaster_address != '\0' && postmaster == NULL)
		check_conf_about(problems, conf, "postmaster_address", PROBLEM_ERROR, "bad-value",
		                 "postmaster_address is no address",
		                 "postmaster_address = \"postmaster@example.org\"");
}

/* A delivery may be started in any folder: Postfix in its queue, a user at home. */
static void
check_paths(const Conf *conf, GPtrArray *problems)
{
	const struct {
		const char *name, *path;
	} paths[] = {
		{ "log_file", conf->log_file },     { "passwd_file", conf->passwd_file },
		{ "key_file", conf->key_file },     { "program_folder", conf->program_folder },
		{ "lmtp_spool", conf->lmtp_spool },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		if (*paths[i].path == '\0' || *paths[i].path == '/')
			continue;
		g_autofree char *text = g_strdup_printf(
			"'%s' is not an absolute path: its place depends on the process that "
			"delivers",
			paths[i].path);
		check_conf_about(problems, conf, paths[i].name, PROBLEM_ERROR, "relative-path",
		                 text, NULL);
	}
}

static void
check_account(const Conf *conf, const char *setting, const char *name, GPtrArray *problems)
{
	if (*name == '\0')
		return;
	const struct passwd *entry = getpwnam(name);
	g_autofree char *text =
		entry == NULL
			? g_strdup_printf("'%s' is not an account of this host: all mail will wait",
	                                  name)
		: entry->pw_uid == 0
			? g_strdup_printf(
				  "'%s' is root, which no delivery may be: all mail will wait",
				  name)
			: NULL;
	if (text != NULL)
		check_conf_about(problems, conf, setting, PROBLEM_ERROR, "account", text, NULL);
}

/* Postfix's own default; `todoke setup postfix` asks what holds on this host. */
enum { COMMAND_TIME_LIMIT = 1000 };

static void
check_deadline(const Conf *conf, GPtrArray *problems)
{
	if (conf->deadline >= COMMAND_TIME_LIMIT)
		check_conf_about(
			problems, conf, "deadline", PROBLEM_WARNING, "deadline",
			"Postfix bounces what takes longer than its command_time_limit, 1000s "
			"where main.cf does not say more",
			"see `todoke setup postfix`");
}

static void
check_submit(const Conf *conf, GPtrArray *problems)
{
	const char *why = NULL;
	if (route_is_valid(conf->submit, &why))
		return;

	g_autofree char *text = g_strdup_printf(
		"'%s' is not allowed for 'submit': no mail can leave", conf->submit);
	check_conf_about(problems, conf, "submit", PROBLEM_ERROR, "submit", text, why);
}

/* A setting with names of extensions that is looked at. */
typedef struct {
	const Conf *conf;
	const char *setting;
	GPtrArray *problems;
} ExtensionSetting;

static void
report_extension(void *user, const char *word, const char *hint)
{
	const ExtensionSetting *at = user;
	g_autofree char *text = g_strdup_printf("%s names '%s', which is not an extension of Sieve",
	                                        at->setting, word);
	check_conf_about(at->problems, at->conf, at->setting, PROBLEM_WARNING, "unknown-extension",
	                 text, hint);
}

static void
check_extensions(const Conf *conf, GPtrArray *problems)
{
	ExtensionSetting users = { conf, "sieve_extensions", problems },
			 site = { conf, "sieve_site_extensions", problems };
	sieve_site_unknown(conf->sieve_extensions, report_extension, &users);
	sieve_site_unknown(conf->sieve_site_extensions, report_extension, &site);
}

/*
 * What the site's settings lead to and only root may change; paths with letters of a recipient are
 * each recipient's.
 */
static void
check_trust(const Conf *conf, GPtrArray *problems)
{
	static const char *const names[] = { "sieve_before",  "sieve_after",   "sieve_default",
		                             "sieve_discard", "sieve_global",  "recipe_site",
		                             "passwd_file",   "program_folder" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const ConfRow *row = conf_find_row(names[i]);
		char *const *list = row->type == CONF_LIST
		                            ? G_STRUCT_MEMBER(char **, conf, row->offset)
		                            : NULL;
		char *one[] = { row->type == CONF_TEXT ? G_STRUCT_MEMBER(char *, conf, row->offset)
			                               : NULL,
			        NULL };
		for (char *const *path = list != NULL ? list : one; *path != NULL; path++) {
			if (**path != '/' || strchr(*path, '%') != NULL)
				continue;
			const Trust trust = trust_of_site(conf, names[i], *path);
			const ConfPlace place = place_of(conf, names[i]);
			check_conf_trust(problems, &place, &trust);
		}
	}
}

/* The last of two lines holds, which is not the one that was looked at. */
static void
check_twice(const Conf *conf, GPtrArray *problems)
{
	for (guint i = 0; conf->twice != NULL && i < conf->twice->len; i++) {
		const ConfTwice *twice = &g_array_index(conf->twice, ConfTwice, i);
		const ConfPlace *place = &conf->said[conf_row_number(twice->row)];

		g_autofree char *text = g_strdup_printf(
			"'%s' was set at %s:%u already, which counts no more", twice->row->name,
			twice->earlier.file, twice->earlier.line);
		check_conf_finding(problems, PROBLEM_WARNING, place->file, place->line, "set-twice",
		                   text, NULL);
	}
}

/*
 * The folder of a path whose last part alone names the user, as %u or $USER; NULL: it is another.
 * Caller frees.
 */
static char *
shared_folder(const char *path)
{
	const char *variable = strpbrk(path, "%$");
	if (*path != '/' || variable == NULL || strchr(variable, '/') != NULL)
		return NULL;

	g_autofree char *fixed = g_strndup(path, (gsize) (variable - path));
	char *slash = strrchr(fixed, '/');
	return g_strndup(fixed, slash == fixed ? 1 : (gsize) (slash - fixed));
}

/* Has each account of people its file there? */
static bool
has_all_files(const char *folder)
{
	enum { FIRST_UID_OF_PEOPLE = 1000, LAST_UID_OF_PEOPLE = 60000 };
	const struct passwd *entry;
	unsigned people = 0, missing = 0;

	setpwent();
	for (unsigned i = 0; i < LIMIT_SETUP_ACCOUNTS && (entry = getpwent()) != NULL; i++) {
		struct stat sb;
		g_autofree char *path = g_build_filename(folder, entry->pw_name, NULL);
		if (entry->pw_uid < FIRST_UID_OF_PEOPLE || entry->pw_uid > LAST_UID_OF_PEOPLE)
			continue;
		people++;
		missing += lstat(path, &sb) < 0 || !S_ISREG(sb.st_mode) ||
		           sb.st_uid != entry->pw_uid;
	}
	endpwent();

	return people > 0 && missing == 0;
}

SpoolAnswer
check_conf_spool(const char *name, const char *path, char **ret_text, char **ret_cure)
{
	struct stat sb;
	g_autofree char *folder = shared_folder(path);
	if (folder == NULL)
		return SPOOL_GOOD;

	bool is_there = stat(folder, &sb) == 0 && S_ISDIR(sb.st_mode);
	if (is_there && (sb.st_mode & S_IWOTH))
		return SPOOL_GOOD;

	bool is_new = is_there && has_all_files(folder);
	*ret_text =
		is_new ? g_strdup_printf("%s is below '%s' (mode %o), where each account has its "
	                                 "file: one that is made later cannot make it",
	                                 name, folder, sb.st_mode & 07777)
		: is_there
			? g_strdup_printf(
				  "%s is below '%s' (mode %o): an owner without a file there cannot "
				  "make one",
				  name, folder, sb.st_mode & 07777)
			: g_strdup_printf("%s is below '%s', which is not a folder", name, folder);
	*ret_cure = g_strdup_printf(
		"make the file of each user who has none: [ -e %s/USER ] || install -m 660 -o USER "
		"-g mail /dev/null %s/USER; "
		"or chmod 1777 %s; until then such mail goes to the INBOX",
		folder, folder, folder);
	return is_new ? SPOOL_NEW : SPOOL_LACKS;
}

static void
check_spool(const Conf *conf, GPtrArray *problems)
{
	g_autofree char *text = NULL, *cure = NULL;
	if (check_conf_spool("recipe_default", conf->recipe_default, &text, &cure) == SPOOL_LACKS)
		check_conf_about(problems, conf, "recipe_default", PROBLEM_WARNING, "spool", text,
		                 cure);
}

/* The site's own words: each wrong one with its line. Mail is answered all the same. */
static void
check_texts(const Conf *conf, GPtrArray *problems)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *data = NULL;
	size_t len = 0;

	if (*conf->texts == '\0')
		return;
	if (!fs_read_file(AT_FDCWD, conf->texts, LIMIT_TEXTS_FILE_BYTES, &data, &len, &st)) {
		check_conf_about(problems, conf, "texts", PROBLEM_ERROR, "unreadable",
		                 status_why(&st), "the built-in texts are used");
		return;
	}

	texts_read(data, len, conf->texts, problems);
	const ConfPlace place = place_of(conf, "texts");
	const Trust trust = trust_of_site(conf, "texts", conf->texts);
	check_conf_trust(problems, &place, &trust);
}

/* What "on" asks for and this host cannot give: then all mail waits. */
static void
check_sandbox(const Conf *conf, GPtrArray *problems)
{
	bool is_whole;
	g_autofree char *box = sandbox_describe(conf, SANDBOX_DELIVERY, &is_whole);
	const unsigned needed = BOX_CAN_PATHS | BOX_CAN_CALLS;
	bool is_there = (box_can() & needed) == needed;
	if (conf->sandbox != CONF_SANDBOX_ON || is_there)
		return;

	g_autofree char *text = g_strdup_printf(
		"sandbox is on, and what can be had is: %s; mail waits (4.3.5)", box);
	check_conf_about(problems, conf, "sandbox", PROBLEM_ERROR, "no-sandbox", text,
	                 "sandbox = auto");
}

/* Items of quota_rules and quota_warnings that a delivery leaves out. */
static void
check_quota(const Conf *conf, GPtrArray *problems)
{
	for (char **item = conf->quota_rules; *item != NULL; item++) {
		QuotaRule rule = { .folder = NULL };
		const char *why = NULL;
		g_autofree char *text = quota_rule_parse(*item, &rule, &why)
		                                ? folder_problem(conf, rule.folder)
		                                : g_strdup_printf("the rule '%s' %s", *item, why);
		if (text != NULL)
			check_conf_about(problems, conf, "quota_rules", PROBLEM_ERROR, "bad-value",
			                 text, "Trash:ignore, Trash/*:ignore, Archive:+10%");
		quota_rule_clear(&rule);
	}

	for (char **item = conf->quota_warnings; *item != NULL; item++) {
		g_autofree char *text = g_strdup_printf("'%s' is no threshold from 1%% to 100%%",
		                                        *item);
		if (quota_threshold_parse(*item) == 0)
			check_conf_about(problems, conf, "quota_warnings", PROBLEM_ERROR,
			                 "bad-value", text,
			                 "quota_warnings = { \"80%\", \"95%\" }");
	}
}

void
check_conf_settings(const Conf *conf, GPtrArray *problems)
{
	check_spool(conf, problems);
	check_users(conf, problems);
	check_account(conf, "virtual_user", conf->virtual_user, problems);
	check_account(conf, "lmtp_user", conf->lmtp_user, problems);
	check_paths(conf, problems);
	check_delimiters(conf, problems);
	check_names(conf, problems);
	check_folders(conf, problems);
	check_key(conf, problems);
	check_durability(conf, problems);
	check_deadline(conf, problems);
	check_submit(conf, problems);
	check_quota(conf, problems);
	check_extensions(conf, problems);
	check_trust(conf, problems);
	check_files_missing(conf, problems);
	check_files_shared_home(conf, problems);
	check_files_special_use(conf, problems);
	check_twice(conf, problems);
	check_texts(conf, problems);
	check_sandbox(conf, problems);
	check_state(conf, problems);
}
