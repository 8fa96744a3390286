/* SPDX-License-Identifier: MIT */
/*
 * cmd-check: `todoke check`: is what admins and owners wrote right? All findings at once, in the
 * form of compilers.
 */
#include "agent/base/fs.h"
#include "agent/base/words.h"
#include "agent/cmd/check-conf.h"
#include "agent/cmd/check-door.h"
#include "agent/cmd/check-kind.h"
#include "agent/cmd/check-redirect.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/cmd-rules-file.h"
#include "agent/cmd/last-good.h"
#include "agent/cmd/listed-people.h"
#include "agent/cmd/source-words.h"
#include "agent/cmd/try-door.h"
#include "agent/run/account-source.h"
#include "agent/run/script-chain.h"
#include "conf/conf-choices.h"
#include "filters/filter.h"
#include "filters/recipe/convert/recipe-convert.h"
#include "filters/recipe/lang/recipe-check.h"
#include "filters/recipe/lang/recipe-explain.h"
#include "filters/recipe/lang/recipe-parser.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char about[] =
	"\nChecks the configuration that deliveries read, and the scripts and recipes of\n"
	"whoever calls, or each FILE: Sieve, recipes (and the files that they include) or\n"
	"a configuration, by what stands in it; of a folder what ends in .sieve or .rc. A\n"
	"finding is file:line:column: error or warning: what, and a hint where there is\n"
	"one. Where all is good, a terminal gets one line that names what was checked,\n"
	"and a script nothing.\n\n"
	"  todoke check\n"
	"  todoke check -d taro@example.jp\n"
	"  todoke check ./todoke.conf ~/.dovecot.sieve\n\n"
	"Exit code: 0 good, 1 findings, 2 wrong usage.\n";

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	const char *recipient;
	const char *last_good; /* the script whose last version is printed; NULL: check */
	/* whose rules they are, where that is known: the account and its settings */
	const Account *owner;
	const Conf *owner_conf;
	int engine; /* -1: not said */
	bool json;
	bool for_site;
	bool explain;
	bool quiet;
} Options;

/* What was looked at. */
typedef struct {
	char *conf;     /* the file of settings; NULL: none was read */
	guint scripts;  /* of Sieve */
	guint recipes;  /* files of them */
	guint settings; /* files that are named, and not those of deliveries */
} Checked;

static const CmdOption rows[] = {
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTION_ENGINE(CMD_INTO_CHOICE(Options, engine, CMD_ENGINES)),
	CMD_OPTION_SITE(CMD_INTO_FLAG(Options, for_site)),
	CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Options, recipient),
	                     "whose rules they are; without FILE, that user's are checked"),
	{ .name = "last-good",
	  .argument = "SCRIPT",
	  CMD_INTO_TEXT(Options, last_good),
	  .help = N_("print the version that serves while it is broken") },
	{ .name = "explain",
	  CMD_INTO_FLAG(Options, explain),
	  .help = N_("say in words what recipes do") },
	{ .name = "quiet",
	  .letters = "q",
	  CMD_INTO_FLAG(Options, quiet),
	  .help = N_("print findings only, not what was checked") },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.check/1"),
	CMD_OPTIONS_END
};

const CmdOptions cmd_check_options = { .synopsis = "[OPTION]... [FILE|DIR]...",
	                               .rows = rows,
	                               .about = about };

/* Octets of a file whose lines are shown with a finding. */
enum { LIMIT_SHOWN_SOURCE = 64 * 1024 * 1024 };

static Checked checked;

/* What only tells what was looked at; programs that read JSON get it by its members. */
static bool
tells(const Options *options)
{
	return !options->json && !options->quiet;
}

static void
note_conf(const Conf *conf, bool is_of_deliveries)
{
	const char *path = conf->files->len > 0 ? conf->files->pdata[0] : NULL;
	if (!is_of_deliveries) {
		checked.settings++;
		return;
	}

	g_free(checked.conf);
	checked.conf = g_strdup(path != NULL ? path : "the defaults, as there is no todoke.conf");
}

static void
check_conf(const char *path, const Options *options, GPtrArray *problems)
{
	bool is_of_deliveries = path == options->conf_path; /* not a file that is only looked at */
	g_auto(Status) st = STATUS_INIT;

	g_autoptr(Conf) conf = conf_read(path, cmd_option_words(options->overrides), problems, &st);
	if (conf == NULL)
		return;

	note_conf(conf, is_of_deliveries);
	g_autoptr(HeaderRules) rules = NULL;
	(void) site_compile_rules(conf, problems, &rules, &st); /* what is wrong is in the list */
	check_conf_settings(conf, problems);
	if (is_of_deliveries)
		check_local_door(conf, problems);
}

static bool
open_rules(RulesFile *rules, const char *path, const Options *options, GPtrArray *problems)
{
	Conf *conf = options->owner_conf != NULL ? conf_copy(options->owner_conf)
	                                         : cmd_conf(options->conf_path, options->overrides);
	g_auto(Status) st = STATUS_INIT;
	ScriptTrust trust = options->for_site ? SCRIPT_SITE : SCRIPT_OWNER;

	if (conf != NULL && rules_file_open(rules, conf, path, options->recipient, trust, &st)) {
		if (options->owner != NULL)
			rules_file_take_account(rules, options->owner);
		Trust whose = trust_of_owner(TRUST_OWNER, rules->account, path);
		if (options->for_site)
			whose = (Trust){ .rule = TRUST_SITE, .path = path, .owner = geteuid() };
		const ConfPlace whole = { .file = path };
		check_conf_trust(problems, &whole, &whose);
		return true;
	}

	check_conf_finding(problems, PROBLEM_ERROR, path, 0, "unreadable",
	                   st.detail != NULL ? st.detail : "the configuration is wrong", NULL);
	return false;
}

/* Whose script is checked; a service has no place for it besides `user`, which is others'. */
static const GPtrArray *addresses;
static AddressRules address_rules;

/* Postfix is asked once, when the first address is known to be somebody's. */
static char *
way_home(FilterEnv *env, const char *address)
{
	(void) env;
	static PostfixFacts *facts; /* until the process ends */
	static bool is_asked;
	g_auto(Status) absent = STATUS_INIT;

	if (addresses->len == 0)
		return NULL;
	if (!is_asked)
		facts = postfix_facts_read(NULL, &absent);
	is_asked = true;

	return facts != NULL ? check_redirect_way_home(facts, address, addresses, &address_rules)
	                     : NULL;
}

static void
check_sieve(const char *path, const Options *options, GPtrArray *problems)
{
	g_auto(RulesFile) rules = { 0 };
	if (!open_rules(&rules, path, options, problems))
		return;

	FilterEnv env = *services_env(rules.services);
	FilterServices services = *env.services;
	services.way_home = way_home;
	env.services = &services;
	addresses = rules.account->addresses;
	address_rules = site_address_rules(rules.site);

	checked.scripts++;
	const Filter *engine = filter_for_sieve(&env, rules.account->user);
	FilterProgram *program = engine->compile(&rules.source, &env, problems);
	if (program != NULL)
		engine->free(program);
}

static void
explain_recipes(const FilterSource *source)
{
	g_autoptr(GPtrArray) nodes = recipe_parse(source, NULL);
	g_autofree char *text = nodes != NULL ? recipe_explain(nodes) : NULL;
	if (text != NULL)
		cmd_print(stdout, "%s", text);
}

static void
check_recipes(const char *path, const Options *options, GPtrArray *problems)
{
	g_auto(RulesFile) rules = { 0 };
	if (!open_rules(&rules, path, options, problems))
		return;

	checked.recipes++;
	FilterEnv env = rules_file_check_env(&rules);
	recipe_check_files(&rules.source, &env, problems);
	FilterEnv whole = rules_file_env(&rules);
	recipe_convert_find_unreached(&rules.source, &whole, problems);
	if (options->explain && !options->json)
		explain_recipes(&rules.source);
}

/* More engines are more rows. */
static void (*const kinds[])(const char *path, const Options *options, GPtrArray *problems) = {
	[CHECK_CONF] = check_conf,
	[CHECK_SIEVE] = check_sieve,
	[CHECK_RECIPES] = check_recipes,
};

/* What stands in the file says what it is; else its name does. */
static void
check_file(char *path, const Options *options, GPtrArray *problems)
{
	g_auto(Status) unread = STATUS_INIT; /* who checks it says so */
	g_autofree char *text = NULL;
	size_t len;
	CheckKind kind = CHECK_UNKNOWN;

	if (fs_read_file(AT_FDCWD, path, LIMIT_SHOWN_SOURCE, &text, &len, &unread))
		kind = check_kind_of_text(text, len);
	if (kind == CHECK_UNKNOWN)
		kind = check_kind_of_name(path);
	if (kind == CHECK_NO_TEXT) {
		check_conf_finding(problems, PROBLEM_ERROR, path, 0, "no-text",
		                   "this is no text: neither a configuration, nor Sieve, nor "
		                   "recipes",
		                   NULL);
		return;
	}
	kinds[kind](path, options, problems);
}

/* The scripts and recipes of a tree; where none is found, somebody has named the wrong folder. */
static void
check_folder(char *folder, const Options *options, GPtrArray *problems)
{
	static const char *const endings[] = { ".sieve", ".rc", ".procmailrc", NULL };
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *unread = NULL;

	if (!cmd_find_files(folder, endings, paths, &unread))
		check_conf_finding(problems, PROBLEM_ERROR, unread, 0, "unreadable",
		                   "this folder cannot be read", NULL);
	else if (paths->len == 0)
		check_conf_finding(problems, PROBLEM_ERROR, folder, 0, "no-rules",
		                   "no file that ends in .sieve, .rc or .procmailrc can be "
		                   "found in this folder",
		                   NULL);
	for (guint i = 0; i < paths->len; i++)
		check_file(paths->pdata[i], options, problems);
}

/* The files that an owner's rules could lie in, as the settings write them. Caller frees. */
static char *
name_places(const Conf *conf, const TryDoor *door)
{
	g_autofree char *scripts = g_strjoinv(", ", conf->sieve_scripts);
	g_autofree char *recipes = conf->recipes != CONF_RECIPES_NO || door->is_procmail
	                                   ? g_strjoinv(", ", conf->recipe_files)
	                                   : NULL;
	if (door->is_procmail)
		return g_steal_pointer(&recipes);
	return g_strjoin(", ", scripts, recipes, NULL);
}

/*
 * The one account whose mailbox is the process's, where users are none of the system's. NULL: there
 * is none, or there are several. Caller frees.
 */
static Account *
find_by_mailbox(const Conf *conf)
{
	g_auto(Status) unlisted = STATUS_INIT;
	g_autoptr(GPtrArray) people = listed_people(conf, &unlisted);
	guint found = 0, own = 0;

	for (guint i = 0; people != NULL && i < people->len; i++) {
		const Account *account = people->pdata[i];
		struct stat sb;
		bool is_own = account->maildir != NULL && lstat(account->maildir, &sb) == 0 &&
		              sb.st_uid == geteuid();
		own = is_own ? i : own;
		found += is_own;
	}

	return found == 1 ? g_ptr_array_steal_index(people, own) : NULL;
}

/*
 * Whose rules a call without a file checks: those of --recipient, with the rights of that user;
 * else those of whoever calls. Caller frees.
 */
static Account *
find_owner(const Conf *conf, const Options *options, Status *st)
{
	if (options->recipient == NULL) {
		Account *own = account_of_process(conf, NULL, NULL, NULL, st);
		Account *of_mailbox = own == NULL ? find_by_mailbox(conf) : NULL;
		if (of_mailbox != NULL)
			status_clear(st);
		return own != NULL ? own : of_mailbox;
	}

	g_autoptr(Account) account = account_find(conf, options->recipient, st);
	if (account == NULL)
		return NULL;
	if (account->returns_to != NULL) {
		status_fail_detail(st, STATUS_USAGE, "mail for '%s' goes to '%s' and to no rules",
		                   options->recipient, account->returns_to);
		return NULL;
	}

	account->look_only = true;
	return account_become(conf, account, st) ? g_steal_pointer(&account) : NULL;
}

/* What runs at the door by which the owner's mail comes. */
static void
check_chain(const ScriptChain *chain, const TryDoor *door, const Account *account, const Conf *conf,
            const Options *options, GPtrArray *problems)
{
	Options of_owner = *options;
	of_owner.owner = account;
	of_owner.owner_conf = conf;
	guint own = 0;
	if (door->is_procmail && tells(options))
		cmd_print(stdout, _("door: %s\n"), door->words);
	if (!account->is_system)
		of_owner.recipient = account->user;

	for (guint i = 0; i < chain->scripts->len; i++) {
		const Script *script = chain->scripts->pdata[i];
		if (script->role != SCRIPT_OWN || strcmp(script->path, RECIPES_NONE) == 0)
			continue;
		own++;
		if (tells(options))
			cmd_print(stdout, "checked: %s\n", script->path);
		kinds[script->is_recipes ? CHECK_RECIPES : CHECK_SIEVE](script->path, &of_owner,
		                                                        problems);
	}

	g_autofree char *places = name_places(conf, door);
	if (own == 0 && tells(options))
		cmd_print(stdout, "no script: %s (~ is %s)\n", places,
		          account->home != NULL ? account->home : "not known");
}

/* Say which source of users is in force and, of an account, what it says of it. */
static void
tell_source(const Conf *conf, const Account *account, const Options *options, json_t *answer)
{
	g_autofree char *site = source_words_site(conf);
	g_autofree char *own = account != NULL ? source_words_account(account) : NULL;

	if (options->json) {
		g_autofree char *source = account_source_describe(conf);
		json_object_set_new(answer, "users", cmd_json_text(source));
		if (account != NULL)
			source_words_add_json(answer, account);
		return;
	}

	if (site != NULL && !options->quiet)
		cmd_print(stdout, "%s\n", site);
	if (own != NULL && !options->quiet)
		cmd_print(stdout, "%s\n", own);
}

/* Without an account to look at. */
static void
tell_source_of_site(const Options *options, json_t *answer)
{
	g_auto(Status) unread = STATUS_INIT; /* check_conf says what is wrong */
	g_autoptr(Conf) conf = conf_read(options->conf_path, cmd_option_words(options->overrides),
	                                 NULL, &unread);
	if (conf != NULL)
		tell_source(conf, NULL, options, answer);
}

/* Check an owner's rules, and say which they are or where none was found. */
static void
check_own(const Options *options, GPtrArray *problems, json_t *answer)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Conf) conf = conf_read(options->conf_path, cmd_option_words(options->overrides),
	                                 NULL, &st);
	g_autoptr(Account) account = conf != NULL ? find_owner(conf, options, &st) : NULL;
	g_autoptr(Conf) own = account != NULL ? account_conf(account, conf) : NULL;
	g_auto(ScriptChain) chain = { 0 };
	const Conf *settings = own != NULL ? own : conf;

	if (conf != NULL)
		tell_source(conf, account, options, answer);
	g_auto(TryDoor) door = { 0 };
	if (account != NULL)
		try_door_find(account, TRY_PROCMAIL_UNSAID, NULL, &door);
	const RecipeCall *call = door.is_procmail ? &door.call : NULL;
	if (account != NULL && script_chain_find(settings, account, call, &chain, &st)) {
		check_chain(&chain, &door, account, settings, options, problems);
		return;
	}
	if (conf == NULL)
		return; /* check_conf has said what is wrong with it */

	g_autofree char *text = g_strdup_printf("no rules were checked: %s", status_why(&st));
	check_conf_finding(problems, PROBLEM_ERROR,
	                   conf->files->len > 0 ? conf->files->pdata[0] : "todoke.conf", 0,
	                   "no-owner", text,
	                   "name the address: todoke check -d ADDRESS; or the files: todoke check "
	                   "FILE");
}
/* What an owner's deliveries run in the place of a broken script. Returns the exit code. */
static int
show_last_good(const Options *options)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = *options->last_good == '/'
	                                ? g_strdup(options->last_good)
	                                : g_canonicalize_filename(options->last_good, NULL);
	g_autoptr(Conf) conf = cmd_conf(options->conf_path, options->overrides);
	g_autoptr(Site) site = conf != NULL ? site_new_without_keys(conf_copy(conf), &st) : NULL;
	g_autoptr(Account) account = site != NULL ? find_owner(conf, options, &st) : NULL;
	g_autoptr(Conf) own = account != NULL ? account_conf(account, conf) : NULL;
	g_autoptr(ScriptSet) set = account != NULL ? last_good_find(site, account,
	                                                            own != NULL ? own : conf, path)
	                                           : NULL;
	const ScriptText *script = set != NULL ? script_set_first(set) : NULL;

	if (script != NULL) {
		cmd_print_file(script->text, script->len);
		return CMD_GOOD;
	}
	if (account != NULL)
		cmd_print(stderr,
		          _("todoke check: no version of '%s' is known that worked for '%s'\n"),
		          path, account->user);
	else if (conf != NULL)
		cmd_print(stderr, "todoke check: %s\n", status_why(&st));
	return CMD_FINDINGS;
}

/* "8 errors and 1 warning in 2 files" */
static void
print_counts(const GPtrArray *problems)
{
	guint errors = 0, warnings = 0;
	g_autoptr(GHashTable) files = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		errors += problem->severity == PROBLEM_ERROR;
		warnings += problem->severity == PROBLEM_WARNING;
		g_hash_table_add(files, problem->file);
	}

	g_autofree char *wrong = g_strdup_printf("%u error%s", errors, errors == 1 ? "" : "s"),
			*odd = g_strdup_printf("%u warning%s", warnings, warnings == 1 ? "" : "s");
	guint n = g_hash_table_size(files);
	cmd_print(stdout, "%s%s%s in %u file%s\n", errors > 0 ? wrong : "",
	          errors > 0 && warnings > 0 ? " and " : "", warnings > 0 ? odd : "", n,
	          n == 1 ? "" : "s");
}

static void
add_count(GString *line, guint n, const char *one, const char *many)
{
	if (n > 0)
		g_string_append_printf(line, "%s%u %s", line->len > 0 ? ", " : "", n,
		                       n == 1 ? one : many);
}

/* "good: /etc/todoke/todoke.conf, 2 scripts": for whoever wonders whether anything was done. */
static void
print_good(const Options *options)
{
	g_autoptr(GString) line = g_string_new(checked.conf);
	if (!tells(options) || !isatty(STDOUT_FILENO))
		return;

	add_count(line, checked.settings, "file of settings", "files of settings");
	add_count(line, checked.scripts, "script", "scripts");
	add_count(line, checked.recipes, "file of recipes", "files of recipes");
	cmd_print(stdout, "good: %s\n", line->str);
}

/*
 * Root, and whoever names a configuration, has no rules of their own: whose may be broken all the
 * same? A script gets nothing, as with print_good().
 */
static void
tell_no_owner(const Options *options)
{
	if (tells(options) && isatty(STDOUT_FILENO))
		puts(_("no owner's rules were looked at: `todoke doctor --all` looks at "
		       "everybody's, `todoke check -d ADDRESS` at one user's"));
}

/*
 * The text that a problem speaks of; NULL: it cannot be read, or is no text of ours to show. Caller
 * frees.
 */
static char *
source_of(const Problem *problem)
{
	g_auto(Status) unread = STATUS_INIT;
	char *text = NULL;
	size_t len;

	if (problem->line == 0 ||
	    !fs_read_file(AT_FDCWD, problem->file, LIMIT_SHOWN_SOURCE, &text, &len, &unread))
		return NULL;
	return text;
}

static void
print_json(const GPtrArray *problems, json_t *object)
{
	json_object_set_new(object, "schema", json_string("todoke.check/1"));
	json_object_set_new(object, "findings", cmd_problems_json(problems));
	cmd_print_json(object);
}

int
cmd_check(int argc, char **argv)
{
	Options options = { .engine = -1 };
	int exit_code;

	if (!cmd_options(&cmd_check_options, &argc, argv, &options, &exit_code))
		return exit_code;
	cmd_choose_engine(options.engine, &options.overrides);
	if (options.last_good != NULL && argc > 1)
		return cmd_usage("check", _("--last-good names its script alone"));
	if (options.last_good != NULL)
		return show_last_good(&options);
	g_autoptr(GPtrArray) problems = problem_list_new();
	json_t *answer = json_object();
	if (argc < 2 || options.conf_path != NULL)
		check_conf(options.conf_path, &options, problems);
	bool is_own = options.recipient != NULL || (options.conf_path == NULL && geteuid() != 0);
	if (argc < 2 && is_own)
		check_own(&options, problems, answer);
	else if (argc < 2)
		tell_source_of_site(&options, answer);
	if (argc < 2)
		json_object_set_new(answer, "owner_checked", json_boolean(is_own));
	for (int i = 1; i < argc; i++)
		(g_file_test(argv[i], G_FILE_TEST_IS_DIR) ? check_folder : check_file)(
			argv[i], &options, problems);
	if (options.json)
		print_json(problems, answer);
	else
		json_decref(answer);

	for (guint i = 0; i < problems->len && !options.json; i++) {
		g_autofree char *source = source_of(problems->pdata[i]);
		cmd_print_problem(problems->pdata[i], source);
	}

	if (problems->len == 0)
		print_good(&options);
	else if (!options.json)
		print_counts(problems);
	if (argc < 2 && !is_own)
		tell_no_owner(&options);
	g_free(checked.conf);
	return problems->len > 0 ? CMD_FINDINGS : CMD_GOOD;
}
