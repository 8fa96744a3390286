/* SPDX-License-Identifier: MIT */
/*
 * cmd-convert: `todoke convert`: rules of procmail, maildrop or fdm as a Sieve script, and the
 * proof over old mail; the configuration of Dovecot as a todoke.conf.
 */
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/convert-dovecot.h"
#include "agent/cmd/convert-prove.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/doctor.h"
#include "filters/foreign/foreign-run.h"
#include "filters/foreign/foreign-sieve.h"
#include "filters/recipe/convert/recipe-convert.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char about[] =
	"\nPrints the rules of FILE as a Sieve script: recipes of procmail, a .mailfilter\n"
	"of maildrop, a .fdm.conf of fdm. Above each rule stands how far it means the\n"
	"same: same; changed, and how; by hand, and why. --prove prints none: it asks\n"
	"the old rules and the script where each message of a folder would go, and lists\n"
	"those for which the answers differ. Nothing is moved, and no program is run.\n"
	"convert dovecot prints a todoke.conf for what doveconf -n (2.3, 2.4) printed\n"
	"into FILE; - is standard input, and without FILE doveconf is run.\n"
	"What was not converted is said, with its line and the reason.\n\n"
	"  todoke convert procmail ~/.procmailrc >main.sieve\n"
	"  todoke convert --prove ~/Maildir maildrop ~/.mailfilter\n"
	"  todoke convert dovecot >todoke.conf\n\n"
	"Exit code: 0 all is converted (--prove: all the same), 1 not, 2 wrong usage.\n";

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	const char *folder;
	const char *recipient;
} Options;

static const CmdOption rows[] = { { .name = "prove",
	                            .argument = "MAILDIR",
	                            CMD_INTO_TEXT(Options, folder),
	                            .help = N_("compare old rules and script over its mail") },
	                          CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Options, recipient),
	                                               "whose rules they are; HOME and INBOX are "
	                                               "that user's"),
	                          CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	                          CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	                          CMD_OPTIONS_END };

const CmdOptions cmd_convert_options = {
	.synopsis = "[OPTION]... [procmail|maildrop|fdm] FILE\ndovecot [FILE]",
	.rows = rows,
	.about = about
};

static int
cannot_convert(const Status *st)
{
	cmd_print(stderr, "todoke convert: %s\n", status_why(st));
	return CMD_FINDINGS;
}

/* Open the file and find its owner, whom root is told of: HOME depends on it. */
static bool
open_file(RulesFile *file, Conf *taken_conf, const char *path, const Options *options, Status *st)
{
	if (!rules_file_open(file, taken_conf, path, NULL, SCRIPT_OWNER, st) ||
	    (options->recipient != NULL && !rules_file_set_owner(file, options->recipient, st)))
		return false;

	if (geteuid() == 0 && options->recipient == NULL)
		cmd_print(stderr,
		          _("todoke convert: the rules are read as those of %s: HOME is '%s'; -d "
		            "USER names another owner\n"),
		          file->user, file->home);
	return true;
}

/*
 * Rules may be nested deeper than a Sieve script can be. The script is shown anyway: it says where.
 * Prints what is wrong.
 */
static bool
script_compiles(const char *script, FilterEnv *env)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	const FilterSource source = {
		.file = "script", .text = script, .len = strlen(script), .trust = SCRIPT_OWNER
	};
	const Filter *engine = filter_find("sieve");
	FilterProgram *program = engine->compile(&source, env, problems);
	if (program != NULL) {
		engine->free(program);
		return true;
	}

	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		if (problem->severity == PROBLEM_ERROR)
			cmd_print(stderr,
			          _("todoke convert: the script that comes of it has an error: "
			            "line %u: %s\n"),
			          problem->line, problem->text);
	}

	return false;
}

static int
convert_file(const char *path, const Options *options)
{
	g_auto(RulesFile) rules = { 0 };
	g_auto(Status) st = STATUS_INIT;
	Conf *conf = cmd_conf(options->conf_path, options->overrides);

	if (conf == NULL)
		return CMD_FINDINGS;
	if (!open_file(&rules, conf, path, options, &st))
		return cannot_convert(&st);

	FilterEnv env = rules_file_env(&rules);
	RecipeConvertCounts counts = { 0 };
	g_autofree char *script = recipe_convert(&rules.source, &env, &counts);
	unsigned differ = counts.recipes[VERDICT_BY_HAND];
	if (script == NULL)
		status_fail_detail(&st, STATUS_SCRIPT,
		                   "'%s' is not an rc file that procmail would read", path);
	else if (options->folder != NULL)
		(void) convert_prove_recipes(&rules, script, options->folder, &differ, &st);
	else
		cmd_print_file(script, strlen(script));

	if (script != NULL && options->folder == NULL)
		differ += !script_compiles(script, &env);

	if (st.id != STATUS_OK)
		return cannot_convert(&st);
	return differ > 0 ? CMD_FINDINGS : CMD_GOOD;
}

static bool
prove_foreign(const RulesFile *file, const ForeignRules *rules, const ForeignPlaces *places,
              const char *script, const char *folder, unsigned *ret_differ, Status *st)
{
	const ConvertRules other = { .name = foreign_language_name(rules->language),
		                     .engine = &foreign_run_filter,
		                     .program = foreign_run_new(rules, places) };
	bool proved = convert_prove(file, &other, script, folder, ret_differ, st);
	foreign_run_filter.free(other.program);
	return proved;
}

/* A file that is no UTF-8 is of the time before: its letters are Latin-1. */
static void
take_old_text(RulesFile *file)
{
	gsize len = 0;
	if (g_utf8_validate(file->text, (gssize) file->source.len, NULL))
		return;
	char *text = g_convert(file->text, (gssize) file->source.len, "UTF-8", "ISO-8859-1", NULL,
	                       &len, NULL);
	if (text == NULL)
		return;

	cmd_print(stderr, "%s: this is no UTF-8 text: it was read as ISO-8859-1\n",
	          file->source.file);
	g_free(file->text);
	file->text = text;
	file->source.text = text;
	file->source.len = len;
}

/* Rules of maildrop or fdm. */
static int
convert_foreign(ForeignLanguage language, const char *path, const Options *options)
{
	g_auto(RulesFile) file = { 0 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) problems = problem_list_new();
	Conf *conf = cmd_conf(options->conf_path, options->overrides);
	if (conf == NULL)
		return CMD_FINDINGS;
	if (!open_file(&file, conf, path, options, &st))
		return cannot_convert(&st);

	take_old_text(&file);
	g_autofree char *inbox = rules_file_inbox(&file);
	const ForeignPlaces places = { .home = file.home, .inbox = inbox, .user = file.user };
	g_autoptr(ForeignRules) rules = foreign_parse(language, &file.source, &places, problems);
	for (guint i = 0; i < problems->len; i++)
		cmd_print_problem(problems->pdata[i], file.text);
	if (rules == NULL)
		return CMD_FINDINGS;

	FilterEnv env = rules_file_env(&file);
	ForeignSieveCounts counts = { 0 };
	g_autofree char *script = foreign_sieve(rules, &places, &env, path, &counts);
	unsigned differ = counts.rules[VERDICT_BY_HAND];
	if (options->folder == NULL) {
		cmd_print_file(script, strlen(script));
		differ += !script_compiles(script, &env);
	} else if (!prove_foreign(&file, rules, &places, script, options->folder, &differ, &st)) {
		return cannot_convert(&st);
	}

	return differ > 0 ? CMD_FINDINGS : CMD_GOOD;
}

/* All of standard input, or STATUS_LIMIT. */
static bool
read_stdin(char **ret_text, size_t *ret_len, Status *st)
{
	g_autofree char *text = g_malloc(LIMIT_DOVECOT_OCTETS + 1);
	size_t len = 0, more;

	do {
		more = 0;
		if (!fs_read(STDIN_FILENO, text + len, LIMIT_DOVECOT_OCTETS + 1 - len, &more,
		             "standard input", st))
			return false;
		len += more;
	} while (more > 0 && len <= LIMIT_DOVECOT_OCTETS);
	if (len > LIMIT_DOVECOT_OCTETS)
		return status_fail_detail(st, STATUS_LIMIT, "standard input is too big");

	text[len] = '\0';
	*ret_text = g_steal_pointer(&text);
	*ret_len = len;
	return true;
}

/* What doveconf says of this host. */
static bool
ask_doveconf(char **ret_text, size_t *ret_len, Status *st)
{
	static const char *const argv[] = { "doveconf", "-n", NULL };
	g_autofree char *text = NULL;
	int code;
	if (!doctor_ask(argv, &text, &code))
		return status_fail_detail(st, STATUS_USAGE, "doveconf cannot be run here");
	if (code != 0)
		return status_fail_detail(st, STATUS_USAGE, "doveconf: %s", g_strstrip(text));

	*ret_len = strlen(text);
	*ret_text = g_steal_pointer(&text);
	return true;
}

static bool
read_doveconf(const char *path, char **ret_text, size_t *ret_len, Status *st)
{
	if (path == NULL)
		return ask_doveconf(ret_text, ret_len, st);
	if (strcmp(path, "-") == 0)
		return read_stdin(ret_text, ret_len, st);
	return fs_read_file(AT_FDCWD, path, LIMIT_DOVECOT_OCTETS, ret_text, ret_len, st);
}

static int
convert_doveconf(const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len = 0;
	if (!read_doveconf(path, &text, &len, &st))
		return cannot_convert(&st);

	g_autoptr(DovecotConfig) config = dovecot_config_parse(text, len, &st);
	if (config == NULL)
		return cannot_convert(&st);

	g_autoptr(ConvertSettings) settings = convert_dovecot(config);
	g_autofree char *head = g_strdup_printf(
		"todoke.conf for what Dovecot 2.%u was configured to do\n"
		"line N: line N of what 'doveconf -n' printed",
		config->minor != 0 ? config->minor : 3);
	g_autofree char *file = convert_settings_print(settings, head);
	cmd_print_file(file, strlen(file));
	return convert_settings_lost(settings) > 0 ? CMD_FINDINGS : CMD_GOOD;
}

/* The file that a language's rules usually lie in; NULL: it is no language, but a file. */
static const char *
usual_file(const char *word)
{
	static const char *const files[][2] = { { "procmail", "~/.procmailrc" },
		                                { "maildrop", "~/.mailfilter" },
		                                { "fdm", "~/.fdm.conf" } };
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		if (strcmp(word, files[i][0]) == 0 && !g_file_test(word, G_FILE_TEST_EXISTS))
			return files[i][1];
	return NULL;
}

int
cmd_convert(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_convert_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc > 1 && strcmp(argv[1], "dovecot") == 0) {
		if (argc > 3 || options.folder != NULL || options.recipient != NULL)
			return cmd_usage("convert",
			                 _("dovecot takes one file, and no --prove or -d"));
		return convert_doveconf(argc == 3 ? argv[2] : NULL);
	}

	const char *usual = argc == 2 ? usual_file(argv[1]) : NULL;
	if (usual != NULL)
		return cmd_usage("convert", _("name the file: todoke convert %s %s"), argv[1],
		                 usual);

	bool is_foreign = argc > 2 &&
	                  (strcmp(argv[1], "maildrop") == 0 || strcmp(argv[1], "fdm") == 0);
	int at = is_foreign || (argc > 2 && strcmp(argv[1], "procmail") == 0) ? 2 : 1;
	if (argc != at + 1)
		return cmd_usage("convert",
		                 _("name one file: todoke convert procmail ~/.procmailrc"));

	if (is_foreign)
		return convert_foreign(*argv[1] == 'm' ? FOREIGN_MAILDROP : FOREIGN_FDM, argv[at],
		                       &options);
	return convert_file(argv[at], &options);
}
