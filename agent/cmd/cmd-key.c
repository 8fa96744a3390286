/* SPDX-License-Identifier: MIT */
/*
 * cmd-key: `todoke key`: the keys of the site. Shows how many there are; makes one only when told
 * to.
 */
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "agent/message/mark.h"

#include <stdio.h>

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	bool make;
} Options;

static const CmdOption rows[] = {
	{ .name = "new", CMD_INTO_FLAG(Options, make), .help = N_("put a new key on top") },
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTIONS_END
};

static const char about[] =
	"\nMarks need no key of the site: each owner has one of their own. SRS does, and\n"
	"mark_key = site. Says which key file holds and how many keys are in it. --new\n"
	"puts a new key on top, which signs from now on, and keeps the newest of the old\n"
	"ones. Make the file readable to whoever delivers:\n\n"
	"  todoke key --new\n"
	"  chown root:vmail " TODOKE_SYSCONFDIR "/key\n\n"
	"Exit code: 0 there is a key, 1 none, or it cannot be read, 2 wrong usage.\n";

const CmdOptions cmd_key_options = { .synopsis = "[OPTION]...", .rows = rows, .about = about };

static int
make_key(const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *id = NULL;

	if (!mark_key_generate(path, &id, &st)) {
		cmd_print(stderr, "todoke key: %s\n", st.detail);
		return CMD_FINDINGS;
	}

	printf("%s: new key '%s'\n", path, id);
	return CMD_GOOD;
}

static int
show_keys(const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MarkKeys) keys = NULL;

	if (!mark_keys_read(path, &keys, &st)) {
		cmd_print(stderr, "todoke key: %s\n", st.detail);
		return CMD_FINDINGS;
	}

	size_t n = mark_keys_count(keys);
	printf("%s: %zu key%s%s\n", path, n, n == 1 ? "" : "s", n > 0 ? "" : "; --new makes one");
	return n > 0 ? CMD_GOOD : CMD_FINDINGS;
}

int
cmd_key(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_key_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc > 1)
		return cmd_usage("key", _("'%s' is not known here; key_file is a setting"),
		                 argv[1]);

	g_autoptr(Conf) conf = cmd_conf(options.conf_path, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	return options.make ? make_key(conf->key_file) : show_keys(conf->key_file);
}
