/* SPDX-License-Identifier: MIT */
/*
 * cmd-setup: `todoke setup postfix`: what to change in main.cf and master.cf; a dry run until
 * --apply.
 */
#include "agent/cmd/cmd.h"

#include "agent/base/handover.h"
#include "agent/base/module.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/mailbox-command.h"
#include "agent/cmd/own-program.h"
#include "agent/cmd/setup-before.h"
#include "agent/cmd/setup-home.h"
#include "agent/cmd/setup-state.h"
#include "conf/conf-choices.h"
#include "agent/run/account.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char about[] =
	"\nNothing is changed before --apply. Door pipe runs todoke as one user, local\n"
	"(mailbox_command) as the recipient, lmtp hands the mail to todoke lmtpd; without\n"
	"it, todoke takes the place of dovecot-lda, maildrop, procmail, Dovecot's LMTP.\n"
	"Fetched mail: smtpd makes a port that renames its Delivered-To; lmtp puts lmtpd\n"
	"in the place of local(8). `home` gives virtual users who share one a home each.\n"
	"Exit code: 0 done or shown, 1 it cannot be (--check: is to be), 2 wrong usage.\n";

typedef struct {
	int door;    /* of DOORS; -1: not said */
	int fetched; /* of FETCHED; -1: not said */
	const char *user;
	const char *service;
	const char *program;
	const char *folder;
	const char *conf;
	const char *root_mail_to;
	GPtrArray *overrides;
	guint64 fetch_port; /* 0: not said */
	bool apply;
	bool check;
	bool undo;
	bool json;
} Options;

/* In the order of SetupDoor and SetupFetched. */
#define DOORS "pipe local lmtp"
#define FETCHED "no smtpd lmtp"

static const CmdOption rows[] = { { .name = "door",
	                            .argument = "DOOR",
	                            CMD_INTO_CHOICE(Options, door, DOORS),
	                            .help = N_("pipe (default), local or lmtp") },
	                          { .name = "user",
	                            .letters = "u",
	                            .argument = "USER",
	                            CMD_INTO_TEXT(Options, user),
	                            .help = N_("whom pipe(8) runs todoke as (vmail)") },
	                          { .name = "name",
	                            .letters = "n",
	                            .argument = "NAME",
	                            CMD_INTO_TEXT(Options, service),
	                            .help = N_("name of the service in master.cf (todoke)") },
	                          { .name = "fetched",
	                            .argument = "HOW",
	                            CMD_INTO_CHOICE(Options, fetched, FETCHED),
	                            .help = N_("fetched mail of system accounts: smtpd or lmtp") },
	                          { .name = "fetch-port",
	                            .argument = "PORT",
	                            CMD_INTO_NUMBER(Options, fetch_port, 1, 65535),
	                            .help = N_("port of --fetched smtpd (10028)") },
	                          { .name = "root-mail-to",
	                            .argument = "WHO",
	                            CMD_INTO_TEXT(Options, root_mail_to),
	                            .help = N_("make an alias for root") },
	                          { .name = "program",
	                            .argument = "PATH",
	                            CMD_INTO_TEXT(Options, program),
	                            .help = N_("path of todoke in Postfix's files") },
	                          { .name = "postfix-config",
	                            .letters = "C",
	                            .argument = "DIR",
	                            CMD_INTO_TEXT(Options, folder),
	                            .help = N_("folder of main.cf") },
	                          CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf)),
	                          CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	                          { .name = "apply",
	                            CMD_INTO_FLAG(Options, apply),
	                            .help = N_("make the changes, remember what was before") },
	                          { .name = "check",
	                            CMD_INTO_FLAG(Options, check),
	                            .help = N_("exit code 1 where something is to be changed") },
	                          { .name = "undo",
	                            CMD_INTO_FLAG(Options, undo),
	                            .help = N_("take the changes of --apply back") },
	                          CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.setup/1"),
	                          CMD_OPTIONS_END };

const CmdOptions cmd_setup_options = { .synopsis = "postfix|home [OPTION]...",
	                               .rows = rows,
	                               .about = about };

/* Door and remedy, each of which says something of the other where that was left out. */
static bool
find_ways(const Options *options, SetupWish *wish, int *ret_exit)
{
	int fetched = options->fetched >= 0 ? options->fetched : SETUP_FETCHED_AS_IS;
	int door = options->door;

	if (door < 0 && fetched != SETUP_FETCHED_AS_IS)
		door = fetched == SETUP_FETCHED_LMTP ? SETUP_LMTP : SETUP_LOCAL;

	if (fetched == SETUP_FETCHED_LMTP && door != SETUP_LMTP) {
		*ret_exit = cmd_usage("setup", _("--fetched lmtp is for the door lmtp"));
		return false;
	}
	if (options->fetch_port != 0 && fetched != SETUP_FETCHED_SMTPD) {
		*ret_exit = cmd_usage("setup", _("--fetch-port is for --fetched smtpd"));
		return false;
	}

	wish->door = door >= 0 ? (SetupDoor) door : SETUP_DOORS; /* what is there now says it */
	wish->fetched = (SetupFetched) fetched;
	wish->fetch_port = (unsigned) options->fetch_port;
	return true;
}

/*
 * Who gets root's mail: an account but root, or an address; nothing that a table of aliases would
 * read otherwise.
 */
static bool
is_fit_for_root_mail(const char *who, int *ret_exit)
{
	if (*who == '\0' || strpbrk(who, " \t\r\n,:;|/\\\"'<>()#") != NULL)
		*ret_exit = cmd_usage("setup", _("'%s' is neither an account nor an address"), who);
	else if (strcmp(who, "root") == 0)
		*ret_exit = cmd_usage(
			"setup", "no delivery is done as root: name an account that reads mail");
	else if (strchr(who, '@') == NULL && getpwnam(who) == NULL)
		*ret_exit = cmd_usage("setup", _("there is no account '%s'"), who);
	else
		return true;
	return false;
}

/* Can pipe(8) run something as `user`, which may be "name:group"? */
static bool
is_fit_user(const char *user, int *ret_exit)
{
	g_autofree char *name = g_strndup(user, strcspn(user, ":"));
	if (strcmp(name, "root") == 0)
		*ret_exit = cmd_usage(
			"setup",
			"pipe(8) refuses to run anything as root: name the user who owns the "
			"mailboxes");
	else if (getpwnam(name) == NULL)
		*ret_exit = cmd_usage("setup", _("there is no user '%s'"), name);
	else
		return true;

	return false;
}

static bool
has_virtual_users(const Conf *conf)
{
	if (conf->users != CONF_USERS_AUTO)
		return conf->users != CONF_USERS_SYSTEM;
	return *conf->passwd_file != '\0' || strstr(conf->maildir, "%d") != NULL ||
	       strstr(conf->maildir, "%n") != NULL;
}

static bool
has_work(const SetupPlan *plan)
{
	return plan->files->len > 0 || plan->changes->len > 0;
}

/* With --apply, notes are only named: the preview has told them. */
static void
print_findings(const SetupPlan *plan, bool applied)
{
	g_autoptr(GString) notes = g_string_new(NULL);

	for (guint i = 0; i < plan->findings->len; i++) {
		const SetupFinding *finding = plan->findings->pdata[i];
		if (applied && finding->weight == SETUP_NOTE)
			g_string_append_printf(notes, "%s%s", notes->len > 0 ? ", " : "",
			                       finding->code);
		else
			printf("%s: %s\n    fix: %s\n", finding->code, finding->text, finding->fix);
	}

	if (notes->len > 0)
		printf("noted: %s (without --apply each is explained)\n", notes->str);
	if (plan->findings->len > 0 && has_work(plan))
		puts("");
}

static void
print_commands(const SetupPlan *plan, const char *folder, const char *place)
{
	for (guint i = 0; i < plan->files->len; i++) {
		const SetupFile *file = plan->files->pdata[i];
		g_autofree char *command = setup_file_command(file, place);
		printf("    # %s: %s\n    %s\n", file->name, file->why, command);
	}

	for (guint i = 0; i < plan->changes->len; i++) {
		const SetupChange *change = plan->changes->pdata[i];
		g_autofree char *command = setup_change_command(change, folder, false);
		printf("    # %s: %s\n", change->master ? "master.cf" : "main.cf", change->why);
		if (change->before != NULL)
			printf("    # before: %s\n", change->before);
		printf("    %s\n", command);
	}
}

/* `folder` is what was asked for (NULL: nothing), `place` where Postfix's configuration lies. */
static void
print_text(const SetupPlan *plan, const char *folder, const char *place, bool applied)
{
	print_findings(plan, applied);
	if (!has_work(plan))
		puts("Postfix calls todoke by this door: nothing is to be changed.");
	else
		puts(applied ? "changed, as these commands would have done it:"
		             : "to be changed (nothing is until --apply):");

	print_commands(plan, folder, place);
	if (has_work(plan))
		puts(applied ? "not done yet; it is yours to type:" : "and then:");
	for (guint i = 0; has_work(plan) && i < plan->then->len; i++)
		printf("    %s\n", (char *) plan->then->pdata[i]);
	if (plan->fetch_line != NULL)
		printf("for each mailbox of fetchmail's configuration:\n    %s\n",
		       plan->fetch_line);
}

static json_t *
change_json(const SetupChange *change, const char *folder)
{
	g_autofree char *command = setup_change_command(change, folder, false);
	json_t *object = json_object();

	json_object_set_new(object, "file", json_string(change->master ? "master.cf" : "main.cf"));
	json_object_set_new(object, "name", cmd_json_text(change->name));
	json_object_set_new(object, "before",
	                    change->before != NULL ? cmd_json_text(change->before) : json_null());
	json_object_set_new(object, "after", cmd_json_text(change->after));
	json_object_set_new(object, "why", json_string(change->why));
	json_object_set_new(object, "command", cmd_json_text(command));

	return object;
}

static json_t *
file_json(const SetupFile *file, const char *place)
{
	g_autofree char *command = setup_file_command(file, place);
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(file->name));
	json_object_set_new(object, "content", cmd_json_text(file->content));
	json_object_set_new(object, "why", json_string(file->why));
	json_object_set_new(object, "command", cmd_json_text(command));

	return object;
}

static json_t *
before_json(const SetupBefore *before)
{
	json_t *object = json_object();
	json_object_set_new(object, "program", json_string(before->program));
	json_object_set_new(object, "where", cmd_json_text(before->where));
	return object;
}

static void
print_json(const SetupPlan *plan, const SetupBefore *before, const char *folder, const char *place,
           bool applied)
{
	json_t *object = json_object(), *findings = json_array(), *changes = json_array(),
	       *files = json_array(), *then = json_array();

	for (guint i = 0; i < plan->findings->len; i++) {
		const SetupFinding *finding = plan->findings->pdata[i];
		json_t *item = json_object();
		json_object_set_new(item, "code", json_string(finding->code));
		json_object_set_new(item, "text", cmd_json_text(finding->text));
		json_object_set_new(item, "fix", cmd_json_text(finding->fix));
		json_object_set_new(item, "blocks", json_boolean(finding->weight == SETUP_BLOCKS));
		json_array_append_new(findings, item);
	}

	for (guint i = 0; i < plan->files->len; i++)
		json_array_append_new(files, file_json(plan->files->pdata[i], place));
	for (guint i = 0; i < plan->changes->len; i++)
		json_array_append_new(changes, change_json(plan->changes->pdata[i], folder));
	for (guint i = 0; i < plan->then->len; i++)
		json_array_append_new(then, cmd_json_text(plan->then->pdata[i]));
	json_object_set_new(object, "schema", json_string("todoke.setup/1"));
	json_object_set_new(object, "applied", json_boolean(applied));
	json_object_set_new(object, "replaces",
	                    before->program != NULL ? before_json(before) : json_null());
	json_object_set_new(object, "findings", findings);
	json_object_set_new(object, "files", files);
	json_object_set_new(object, "changes", changes);
	json_object_set_new(object, "then", then);
	json_object_set_new(object, "fetchmail",
	                    plan->fetch_line != NULL ? json_string(plan->fetch_line) : json_null());
	cmd_print_json(object);
}

/*
 * Where Postfix's configuration and our state file lie; postconf knows where it looks if nobody
 * says. Caller frees.
 */
static char *
config_folder(const char *asked, Status *st)
{
	char *output = NULL;
	if (asked != NULL)
		return g_strdup(asked);
	if (!postfix_facts_postconf(asked, (const char *const[]){ "-h", "config_directory", NULL },
	                            &output, st))
		return NULL;

	return g_strstrip(output);
}

static int
failed(const Status *st)
{
	cmd_print(stderr, "todoke setup: %s\n", status_why(st));
	return CMD_FINDINGS;
}

static int
undo(const char *folder)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	bool good = setup_state_undo(folder, notes, &st);

	for (guint i = 0; i < notes->len; i++)
		printf("%s\n", (char *) notes->pdata[i]);
	if (!good)
		return failed(&st);

	puts("undone; it is yours to type now: postfix reload");
	return notes->len == 0 ? CMD_GOOD : CMD_FINDINGS;
}

/* Say on standard error what has to be mended first; true: nothing has. */
static bool
may_apply(const SetupPlan *plan)
{
	g_autoptr(GString) codes = g_string_new(NULL);

	for (guint i = 0; i < plan->findings->len; i++) {
		const SetupFinding *finding = plan->findings->pdata[i];
		if (finding->weight == SETUP_BLOCKS)
			g_string_append_printf(codes, "%s%s", codes->len > 0 ? ", " : "",
			                       finding->code);
	}

	if (codes->len > 0)
		cmd_print(stderr, "todoke setup: nothing was changed; mend this first: %s\n",
		          codes->str);
	return codes->len == 0;
}

/* Do recipes of the site run for everybody, so that todoke-deliver would hand over each message? */
static bool
all_have_recipes(const SetupWish *wish)
{
	const Conf *conf = wish->conf;
	bool is_for_them = conf->recipes == CONF_RECIPES_ALL ||
	                   (conf->recipes == CONF_RECIPES_YES && !wish->virtual_users);
	return is_for_them && (*conf->recipe_site != '\0' || *conf->recipe_default != '\0');
}

/*
 * What Postfix is to call: todoke-deliver, which starts faster, where the door runs one command a
 * message and that program would hand over to this one; else `whole`, this one. Caller frees.
 */
static char *
find_program(const char *whole, const SetupWish *wish)
{
	g_autofree char *small = module_program_path("todoke-deliver"), *heir = handover_program();
	bool is_command = wish->door == SETUP_PIPE || wish->door == SETUP_LOCAL;
	bool fits = is_command && !all_have_recipes(wish) && own_program_is_same(whole, heir) &&
	            access(small, X_OK) == 0;

	return fits ? g_steal_pointer(&small) : g_strdup(whole);
}

/* Does local(8) run todoke for the accounts of the system, or was it meant to? */
static bool
is_local_door(const PostfixFacts *facts, const SetupWish *wish)
{
	g_auto(MailboxCommand) ours = { 0 };
	mailbox_command_read(postfix_facts_value(facts, "mailbox_command"), &ours);
	bool is_run = *postfix_facts_value(facts, "mailbox_transport") == '\0';
	return ours.meant_program != NULL && is_run && !wish->virtual_users && !wish->user_said;
}

/*
 * Where no door was said, the one by which Postfix calls todoke, or that takes the place of what
 * delivers now.
 */
static void
choose_door(const PostfixFacts *facts, SetupWish *wish, const SetupBefore *before)
{
	if (wish->door == SETUP_DOORS && is_local_door(facts, wish))
		wish->door = SETUP_LOCAL;
	else if (wish->door == SETUP_DOORS)
		wish->door = before->program != NULL ? before->door : SETUP_PIPE;
	if (!wish->user_said && before->user != NULL && wish->door == SETUP_PIPE) {
		wish->user = before->user;
		wish->user_said = true;
	}
}

/* Nothing of others' words is in it but what their own files say. */
static void
print_before(const SetupBefore *before, const SetupWish *wish)
{
	static const char *const doors[] = { "pipe", "local", "lmtp" };
	if (before->program == NULL)
		return;

	cmd_print(stdout, _("%s delivers now (%s): the door %s takes its place.\n"),
	          before->program, before->where, doors[wish->door]);
	printf("    %s\n", _(before->hint));
}

/* 0: it was done, or shown what would be done. */
static int
exit_code_of(const Options *options, const SetupPlan *plan, bool applied)
{
	if (applied)
		return CMD_GOOD;
	if (options->apply || options->check)
		return has_work(plan) || setup_plan_has(plan, SETUP_FAULT) ? CMD_FINDINGS
		                                                           : CMD_GOOD;
	return setup_plan_has(plan, SETUP_BLOCKS) ? CMD_FINDINGS : CMD_GOOD;
}

static int
plan_and_apply(const Options *options, SetupWish *wish, const char *folder)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(SetupBefore) before = { 0 };
	g_autoptr(PostfixFacts) facts = postfix_facts_read(options->folder, &st);
	if (facts == NULL)
		return failed(&st);

	setup_before_find(facts, wish->virtual_users, &before);
	choose_door(facts, wish, &before);
	g_autofree char *whole = own_program_path(), *installed = own_program_find_installed();
	bool is_stray = options->program == NULL && !own_program_is_installed(whole);
	g_autofree char *program = find_program(whole, wish);
	wish->program = options->program != NULL ? options->program : program;
	wish->procmail_program = options->program != NULL ? options->program : whole;
	wish->is_stray = is_stray;
	wish->installed = installed;

	g_autoptr(SetupPlan) plan = setup_plan_make(facts, wish);
	bool is_second = has_work(plan) && setup_state_exists(folder);
	bool applied = options->apply && has_work(plan) && may_apply(plan);
	if (applied && !setup_state_apply(plan, folder, &st))
		return failed(&st);

	if (applied && wish->conf != NULL && geteuid() == 0)
		/* for a transport that cannot do it; what hinders is a delivery's to tell */
		(void) account_mark_tree(wish->conf, &st);
	if (!options->json)
		print_before(&before, wish);
	if (options->json)
		print_json(plan, &before, options->folder, folder, applied);
	else
		print_text(plan, options->folder, folder, applied);
	if (!options->json && is_second && (applied || !options->apply))
		puts(_("An earlier --apply was not undone: after this one, --undo takes both "
		       "back."));

	return exit_code_of(options, plan, applied);
}

static int
set_up_home(const Options *options)
{
	if (options->apply && options->undo)
		return cmd_usage("setup", _("--apply and --undo exclude each other"));
	g_autoptr(Conf) conf = cmd_conf(options->conf, options->overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	SetupHomeWay way = options->undo    ? SETUP_HOME_UNDO
	                   : options->apply ? SETUP_HOME_APPLY
	                                    : SETUP_HOME_SHOW;
	return setup_home(conf, options->conf, way);
}

/* It becomes a word of a command line of pipe(8), and of mailbox_command. */
static bool
is_plain_path(const char *path)
{
	for (; *path != '\0'; path++)
		if (!g_ascii_isalnum(*path) && strchr("/._-+@:,", *path) == NULL)
			return false;
	return true;
}

int
cmd_setup(int argc, char **argv)
{
	Options options = { .door = -1, .fetched = -1 };
	SetupWish wish = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_setup_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc == 2 && strcmp(argv[1], "home") == 0)
		return set_up_home(&options);
	if (argc != 2 || strcmp(argv[1], "postfix") != 0)
		return cmd_usage("setup", _("what can be set up is 'postfix' or 'home'"));
	if (!find_ways(&options, &wish, &exit_code))
		return exit_code;
	if (options.apply && options.undo)
		return cmd_usage("setup", _("--apply and --undo exclude each other"));
	if (options.check && (options.apply || options.undo))
		return cmd_usage("setup", _("--check changes nothing"));
	if (options.user != NULL && !is_fit_user(options.user, &exit_code))
		return exit_code;
	if (options.root_mail_to != NULL && !is_fit_for_root_mail(options.root_mail_to, &exit_code))
		return exit_code;

	g_auto(Status) st = STATUS_INIT;
	if (options.folder == NULL)
		options.folder = g_getenv("MAIL_CONFIG"); /* as postconf does */
	/* postconf works in that folder, where a relative name means another one */
	g_autofree char *named = options.folder != NULL
	                                 ? g_canonicalize_filename(options.folder, NULL)
	                                 : NULL;
	options.folder = named;
	g_autofree char *folder = config_folder(options.folder, &st);
	if (folder == NULL)
		return failed(&st);
	if (options.undo)
		return undo(folder);

	g_autoptr(Conf) conf = cmd_conf(options.conf, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	wish.user = options.user != NULL ? options.user : "vmail";
	wish.user_said = options.user != NULL;
	wish.root_mail_to = options.root_mail_to;
	wish.conf = conf;
	/* Postfix starts deliveries in other folders */
	const char *asked = options.conf != NULL ? options.conf : g_getenv("TODOKE_CONF");
	g_autofree char *conf_file = asked != NULL ? g_canonicalize_filename(asked, NULL) : NULL;
	if (conf_file != NULL && strcmp(conf_file, TODOKE_SYSCONFDIR "/todoke.conf") != 0)
		wish.conf_file = conf_file;
	if (wish.conf_file != NULL && !is_plain_path(wish.conf_file))
		return cmd_usage("setup",
		                 _("-c '%s': Postfix needs a path without blanks and characters "
		                   "of the shell"),
		                 wish.conf_file);
	wish.service = options.service;
	wish.virtual_users = has_virtual_users(conf);
	wish.deadline = conf->deadline;
	wish.runs_recipes = conf->recipes != CONF_RECIPES_NO;
	wish.listen = (const char *const *) conf->lmtp_listen;

	return plan_and_apply(&options, &wish, folder);
}
