/* SPDX-License-Identifier: MIT */
/* cmd-refilter: `todoke refilter`: the rules over mail that lies in a folder already. */
#include "agent/base/fs.h"
#include "agent/base/words.h"
#include "agent/cmd/check-kind.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/refilter-run.h"
#include "agent/cmd/try-account.h"
#include "agent/cmd/try-door.h"
#include "agent/run/owner-settings.h"

#include <fcntl.h>
#include <string.h>

enum { COMPARED_WORDS = 3 };

typedef struct {
	const char *conf_path, *recipient, *as, *rules, *discard_to, *summary;
	GPtrArray *overrides;
	int engine; /* -1: not said */
	bool compares, lists, applies, sets_flags, undoes, as_json;
} Options;

static const char about[] =
	"\nWhere rules want the mail of a folder, such as INBOX or Work/Old: a dry run\n"
	"that counts. What rules keep stays; nothing is sent, run, changed or deleted.\n"
	"OLD and NEW are files of Sieve or recipes, or 'current'. TIME is what --apply\n"
	"printed, or 'last'. Also: --summary FOLDER (a line a target), --engine NAME.\n"
	"Exit code: 0 done, 1 mail that should move stays, or a fault, 2 wrong usage.\n";

static const CmdOption rows[] = {
	{ .name = "list",
	  .letters = "l",
	  CMD_INTO_FLAG(Options, lists),
	  .help = N_("print each message that does not stay") },
	{ .name = "summary",
	  .argument = "FOLDER",
	  CMD_INTO_TEXT(Options, summary),
	  .is_rare = true,
	  .help = N_("a dry run over it, with a line for each target") },
	{ .name = "rules",
	  .argument = "FILE",
	  CMD_INTO_TEXT(Options, rules),
	  .help = N_("these rules (Sieve or recipes), not those in force") },
	{ .name = "compare",
	  CMD_INTO_FLAG(Options, compares),
	  .help = N_("only messages that NEW treats otherwise than OLD") },
	{ .name = "apply", CMD_INTO_FLAG(Options, applies), .help = N_("move the mail") },
	{ .name = "discard-to",
	  .argument = "FOLDER",
	  CMD_INTO_TEXT(Options, discard_to),
	  .help = N_("move there what rules discard, such as to Trash") },
	{ .name = "flags",
	  CMD_INTO_FLAG(Options, sets_flags),
	  .help = N_("set the flags that rules set on what moves") },
	{ .name = "undo",
	  CMD_INTO_FLAG(Options, undoes),
	  .help = N_("move back what an --apply has moved") },
	CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Options, recipient), "whose mailbox; else your own"),
	{ .name = "as",
	  .argument = "USER",
	  CMD_INTO_TEXT(Options, as),
	  .help = N_("as root: in the rights of this account") },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, as_json), "todoke.refilter-summary/1"),
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	{ .name = "engine",
	  .argument = "NAME",
	  CMD_INTO_CHOICE(Options, engine, CMD_ENGINES),
	  .is_rare = true,
	  .help = N_("engine of Sieve scripts: native, libsieve") },
	CMD_OPTIONS_END
};

const CmdOptions cmd_refilter_options = { .synopsis = "[OPTION]... FOLDER\n"
	                                              "[OPTION]... --compare OLD NEW FOLDER\n"
	                                              "[OPTION]... --undo TIME",
	                                  .rows = rows,
	                                  .about = about };

/* A set of rules as it was named, and what it needs to live. */
typedef struct {
	TransactDescription described;
	RecipeCall call;
	const char *files[2];
	char *path; /* NULL: the rules in force, at `door` */
	TryDoor door;
	bool is_recipes;
} Source;

static void
source_clear(Source *source)
{
	g_free(source->path);
	try_door_clear(&source->door);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

/* Sieve or recipes, by what stands in it. */
static bool
find_kind(Source *source, size_t limit, Status *st)
{
	g_autofree char *text = NULL;
	size_t len;
	if (!fs_read_file(AT_FDCWD, source->path, limit, &text, &len, st))
		return false;

	CheckKind kind = check_kind_of_text(text, len);
	if (kind == CHECK_UNKNOWN)
		kind = check_kind_of_name(source->path);
	source->is_recipes = kind == CHECK_RECIPES;

	return (kind != CHECK_CONF && kind != CHECK_NO_TEXT) ||
	       status_fail_detail(st, STATUS_USAGE,
	                          _("'%s' holds no rules, neither Sieve nor recipes"),
	                          source->path);
}

/* `named` NULL or "current": the rules in force. */
static bool
open_source(Source *source, const char *named, const Conf *conf, const Account *account, Status *st)
{
	source->described = (TransactDescription){ .services = { .trace_level = -1 },
		                                   .is_stored = true };
	if (named == NULL || strcmp(named, "current") == 0) {
		try_door_find(account, TRY_PROCMAIL_UNSAID, NULL, &source->door);
		if (source->door.is_procmail)
			source->call = source->door.call;
		return true;
	}

	source->path = g_canonicalize_filename(named, NULL);
	if (!find_kind(source, (size_t) conf->sieve_max_script_size, st))
		return false;
	if (!source->is_recipes) {
		source->described.script = source->path;
		return true;
	}

	source->files[0] = source->path;
	source->call = (RecipeCall){ .files = source->files, .alone = true, .without_site = true };
	return true;
}

static RefilterRules
rules_of(const Source *source, const Site *site, const Account *account)
{
	return (RefilterRules){ .site = site,
		                .account = account,
		                .described = &source->described,
		                .recipes = source->is_recipes || source->door.is_procmail
		                                   ? &source->call
		                                   : NULL,
		                .now = g_get_real_time() / G_USEC_PER_SEC };
}

/* What is typed and cannot be meant. */
static int
check_usage(const Options *options, int words)
{
	bool is_dry_only = options->compares || options->summary != NULL;
	int wanted = options->compares ? COMPARED_WORDS : options->summary != NULL ? 0 : 1;

	if (options->undoes && (options->applies || is_dry_only || options->rules != NULL))
		return cmd_usage("refilter", _("--undo takes the time of a run, and no rules"));
	if (is_dry_only && options->applies)
		return cmd_usage("refilter", _("--compare and --summary move nothing"));
	if (options->compares && options->rules != NULL)
		return cmd_usage("refilter", _("--compare names its rules itself: OLD NEW"));
	if (words == wanted)
		return CMD_GOOD;
	if (options->undoes && words > wanted)
		return cmd_usage("refilter", _("--undo takes the time of a run, or 'last', and no "
		                               "folder"));
	if (options->undoes)
		return cmd_usage("refilter", _("--undo needs the time of a run, or 'last'"));
	if (options->compares)
		return cmd_usage("refilter", _("--compare needs OLD NEW FOLDER"));
	return cmd_usage("refilter", _("one folder, please, such as INBOX"));
}

/* As a shell takes it for one word. Caller frees. */
static char *
one_word(const char *text)
{
	bool is_plain = *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
	                                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                                   "0123456789@%+=:,./_-")] == '\0';
	return is_plain ? g_strdup(text) : g_shell_quote(text);
}

static void
add_option(GString *words, const char *name, const char *value)
{
	g_autofree char *word = one_word(value);
	g_string_append_printf(words, " %s %s", name, word);
}

/* The options by which another command finds the same mailbox. Caller frees. */
static char *
name_whose(const Options *options)
{
	GString *words = g_string_new(NULL);
	const char *const *settings = cmd_option_words(options->overrides);

	if (options->conf_path != NULL) {
		g_autofree char *path = g_canonicalize_filename(options->conf_path, NULL);
		add_option(words, "--config", path);
	}
	for (; settings != NULL && *settings != NULL; settings++)
		add_option(words, "--option", *settings);
	if (options->as != NULL)
		add_option(words, "--as", options->as);
	if (options->recipient != NULL)
		add_option(words, "--recipient", options->recipient);

	return g_string_free(words, FALSE);
}

static int
run(const Options *options, char **words, const Site *site, const Account *account)
{
	g_autofree char *whose = name_whose(options);
	g_auto(Status) st = STATUS_INIT;
	g_auto(Source) source = { 0 }, old = { 0 };
	const char *named = options->compares ? words[1] : options->rules;

	if (!open_source(&source, named, site->conf, account, &st) ||
	    !open_source(&old, options->compares ? words[0] : NULL, site->conf, account, &st))
		return refilter_fault(&st);
	if (source.door.words != NULL && source.door.is_procmail && !options->as_json)
		cmd_print(stdout, _("door: %s\n"), source.door.words);

	const RefilterRules rules = rules_of(&source, site, account),
			    old_rules = rules_of(&old, site, account);
	const RefilterWish wish = {
		.folder = options->summary != NULL ? options->summary
		                                   : words[options->compares ? 2 : 0],
		.rules = &rules,
		.old = options->compares ? &old_rules : NULL,
		.discard_to = options->discard_to,
		.applies = options->applies,
		.lists = options->lists,
		.sets_flags = options->sets_flags,
		.is_table = options->summary != NULL,
		.as_json = options->as_json,
		.whose = whose,
	};
	return account_enter(account, &st) ? refilter_run(&wish) : refilter_fault(&st);
}

static int
undo(const Options *options, const char *which, const Site *site, const Account *account)
{
	g_auto(Status) st = STATUS_INIT;
	if (!account_enter(account, &st))
		return refilter_fault(&st);
	g_autoptr(Conf) scoped = owner_settings_read(account, site->conf, NULL);
	return refilter_undo(account, scoped != NULL ? scoped : site->conf, which,
	                     options->as_json);
}

int
cmd_refilter(int argc, char **argv)
{
	Options options = { .engine = -1 };
	int exit_code;

	if (!cmd_options(&cmd_refilter_options, &argc, argv, &options, &exit_code))
		return exit_code;
	exit_code = check_usage(&options, argc - 1);
	if (exit_code != CMD_GOOD)
		return exit_code;
	cmd_choose_engine(options.engine, &options.overrides);

	g_auto(Status) st = STATUS_INIT;
	Conf *conf = cmd_conf(options.conf_path, options.overrides);
	g_autoptr(Site) site = conf != NULL ? site_new(conf, &st) : NULL;
	if (conf == NULL)
		return CMD_FINDINGS;

	g_autoptr(Account)
		account = site != NULL ? try_find_account(site, options.recipient, options.as, &st)
	                               : NULL;
	if (account == NULL)
		return refilter_fault(&st);
	if (account->returns_to != NULL) {
		status_fail_detail(&st, STATUS_USAGE, _("'%s' has no mailbox here"), account->user);
		return refilter_fault(&st);
	}

	return options.undoes ? undo(&options, argv[1], site, account)
	                      : run(&options, argv + 1, site, account);
}
