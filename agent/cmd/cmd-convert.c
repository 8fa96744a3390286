/* SPDX-License-Identifier: MIT */
/*
 * cmd-convert: `todoke convert`: an rc file of procmail as a Sieve script, and the proof over old
 * mail.
 */
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/convert-prove.h"
#include "agent/cmd/cmd-common.h"
#include "filters/recipe/convert/recipe-convert.h"

#include <stdio.h>
#include <string.h>

static const char about[] =
	"\nPrints the recipes of FILE as a Sieve script. Above each rule stands how far it\n"
	"means the same: same; changed, and how; by hand, and why: then the recipe stands\n"
	"there as a comment. Comments stay, included files come in their place.\n"
	"--prove runs both over the mail of a folder and lists the messages for which\n"
	"they differ; no program is run.\n\n"
	"  todoke convert procmail ~/.procmailrc >main.sieve\n"
	"  todoke convert --prove ~/Maildir ~/.procmailrc\n\n"
	"Exit code: 0 all is converted (--prove: all the same), 1 not, 2 wrong usage.\n";

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	const char *folder;
} Options;

static const CmdOption rows[] = { { .name = "prove",
	                            .argument = "MAILDIR",
	                            CMD_INTO_TEXT(Options, folder),
	                            .help = N_("run both over the mail in this folder") },
	                          CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	                          CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	                          CMD_OPTIONS_END };

const CmdOptions cmd_convert_options = { .synopsis = "[OPTION]... [procmail] FILE",
	                                 .rows = rows,
	                                 .about = about };

static int
cannot_convert(const Status *st)
{
	fprintf(stderr, "todoke convert: %s\n", st->detail != NULL ? st->detail : status_text(st));
	return CMD_FINDINGS;
}

static int
convert_file(const char *path, const Options *options)
{
	g_auto(RulesFile) rules = { 0 };
	g_auto(Status) st = STATUS_INIT;
	Conf *conf = cmd_conf(options->conf_path, options->overrides);

	if (conf == NULL)
		return CMD_FINDINGS;
	if (!rules_file_open(&rules, conf, path, NULL, SCRIPT_OWNER, &st))
		return cannot_convert(&st);

	FilterEnv env = rules_file_env(&rules);
	RecipeConvertCounts counts = { 0 };
	g_autofree char *script = recipe_convert(&rules.source, &env, &counts);
	unsigned differ = counts.recipes[VERDICT_BY_HAND];
	if (script == NULL)
		status_fail_detail(&st, STATUS_SCRIPT,
		                   "'%s' is not an rc file that procmail would read", path);
	else if (options->folder == NULL)
		fputs(script, stdout);
	else
		(void) convert_prove(&rules, script, options->folder, &differ, &st);

	if (st.id != STATUS_OK)
		return cannot_convert(&st);
	return differ > 0 ? CMD_FINDINGS : CMD_GOOD;
}

int
cmd_convert(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_convert_options, &argc, argv, &options, &exit_code))
		return exit_code;
	int at = argc > 2 && strcmp(argv[1], "procmail") == 0 ? 2 : 1;
	if (argc != at + 1)
		return cmd_usage("convert",
		                 _("name one file: todoke convert procmail ~/.procmailrc"));

	return convert_file(argv[at], &options);
}
