/* SPDX-License-Identifier: MIT */
/*
 * cmd-check: `todoke check`: is what admins and owners wrote right? All findings at once, in the
 * form of compilers.
 */
#include "agent/base/fs.h"
#include "agent/cmd/check-conf.h"
#include "agent/cmd/check-door.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/cmd-rules-file.h"
#include "filters/filter.h"
#include "filters/recipe/lang/recipe-check.h"
#include "filters/recipe/lang/recipe-explain.h"
#include "filters/recipe/lang/recipe-parser.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char about[] =
	"\nChecks the configuration that deliveries read, or each FILE: a Sieve script\n"
	"where its name ends in .sieve, recipes where it ends in procmailrc or .rc (and\n"
	"the files that they include), else a configuration. A finding is\n"
	"file:line:column: error or warning: what, and a hint where there is one.\n\n"
	"  todoke check\n"
	"  todoke check ./todoke.conf ~/.dovecot.sieve\n\n"
	"Exit code: 0 good, 1 findings, 2 wrong usage.\n";

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	const char *recipient;
	int engine; /* -1: not said */
	bool json;
	bool for_site;
	bool explain;
} Options;

static const CmdOption rows[] = { CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	                          CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	                          CMD_OPTION_ENGINE(CMD_INTO_CHOICE(Options, engine, CMD_ENGINES)),
	                          CMD_OPTION_SITE(CMD_INTO_FLAG(Options, for_site)),
	                          CMD_OPTION_RECIPIENT(
					  CMD_INTO_TEXT(Options, recipient),
					  "whose scripts: warn of redirects to the same"),
	                          { .name = "explain",
	                            CMD_INTO_FLAG(Options, explain),
	                            .help = "say in words what recipes do" },
	                          CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.check/1"),
	                          CMD_OPTIONS_END };

const CmdOptions cmd_check_options = { .synopsis = "[OPTION]... [FILE]...",
	                               .rows = rows,
	                               .about = about };

/* Octets of a file whose lines are shown with a finding. */
enum { LIMIT_SHOWN_SOURCE = 64 * 1024 * 1024 };

static void
check_conf(const char *path, const Options *options, GPtrArray *problems)
{
	bool is_of_deliveries = path == options->conf_path; /* not a file that is only looked at */
	g_auto(Status) st = STATUS_INIT;

	g_autoptr(Conf) conf = conf_read(path, cmd_option_words(options->overrides), problems, &st);
	if (conf == NULL)
		return;

	g_autoptr(HeaderRules) rules = NULL;
	(void) site_compile_rules(conf, problems, &rules, &st); /* what is wrong is in the list */
	check_conf_settings(conf, problems);
	if (is_of_deliveries)
		check_local_door(conf, problems);
}

static bool
open_rules(RulesFile *rules, const char *path, const Options *options, GPtrArray *problems)
{
	Conf *conf = cmd_conf(options->conf_path, options->overrides);
	g_auto(Status) st = STATUS_INIT;
	ScriptTrust trust = options->for_site ? SCRIPT_SITE : SCRIPT_OWNER;

	if (conf != NULL && rules_file_open(rules, conf, path, options->recipient, trust, &st)) {
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

static void
check_sieve(const char *path, const Options *options, GPtrArray *problems)
{
	g_auto(RulesFile) rules = { 0 };
	if (!open_rules(&rules, path, options, problems))
		return;

	const Filter *engine = filter_for_sieve(services_env(rules.services), rules.account->user);
	FilterProgram *program = engine->compile(&rules.source, services_env(rules.services),
	                                         problems);
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

	FilterEnv env = rules_file_env(&rules);
	recipe_check_files(&rules.source, &env, problems);
	if (options->explain && !options->json)
		explain_recipes(&rules.source);
}

/*
 * The kinds of files that we can check, told by their names; the first that fits. More engines are
 * more rows.
 */
static const struct {
	const char *suffix;
	void (*check)(const char *path, const Options *options, GPtrArray *problems);
} kinds[] = {
	{ ".conf", check_conf },         { ".sieve", check_sieve }, { ".siv", check_sieve },
	{ "procmailrc", check_recipes }, { ".rc", check_recipes },  { "", check_conf },
};

static void
check_file(const char *path, const Options *options, GPtrArray *problems)
{
	size_t i = 0;
	while (!g_str_has_suffix(path, kinds[i].suffix))
		i++;
	kinds[i].check(path, options, problems);
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
print_json(const GPtrArray *problems)
{
	json_t *object = json_object();
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
	g_autoptr(GPtrArray) problems = problem_list_new();
	if (argc < 2 || options.conf_path != NULL)
		check_conf(options.conf_path, &options, problems);
	for (int i = 1; i < argc; i++)
		check_file(argv[i], &options, problems);
	if (options.json)
		print_json(problems);

	for (guint i = 0; i < problems->len && !options.json; i++) {
		g_autofree char *source = source_of(problems->pdata[i]);
		cmd_print_problem(problems->pdata[i], source);
	}

	return problems->len > 0 ? CMD_FINDINGS : CMD_GOOD;
}
