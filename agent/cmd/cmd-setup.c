/* cmd-setup: `todoke setup postfix`: what to change in main.cf and master.cf; a dry run until --apply. */
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-accounts.h"
#include "agent/cmd/setup-state.h"
#include "conf/conf-choices.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char about[] =
	"\nPrints what is wrong in main.cf and master.cf, and the exact commands that make\n"
	"Postfix call todoke; nothing is changed before --apply.\n\n"
	"  pipe   pipe(8) runs todoke as one user; the right one for fetched mail\n"
	"  local  local(8) runs todoke as the recipient (mailbox_command)\n"
	"  lmtp   todoke lmtpd listens at private/todoke below the queue directory,\n"
	"         or where lmtp_listen says\n\n"
	"Exit code: 0 all is as it should be, 1 something is not, 2 wrong usage.\n";

typedef struct {
	char *door;
	char *user;
	char *service;
	char *program;
	char *folder;
	char *conf;
	char **overrides;
	gboolean apply;
	gboolean undo;
	gboolean json;
} Options;

static void
options_clear(Options *options)
{
	g_free(options->door);
	g_free(options->user);
	g_free(options->service);
	g_free(options->program);
	g_free(options->folder);
	g_free(options->conf);
	g_strfreev(options->overrides);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static const char *const doors[SETUP_DOORS + 1] = { "pipe", "local", "lmtp", NULL };

static bool
find_door(const char *name, SetupDoor *ret_door)
{
	for (unsigned i = 0; i < SETUP_DOORS; i++) {
		if (strcmp(doors[i], name) == 0) {
			*ret_door = (SetupDoor) i;
			return true;
		}
	}
	return false;
}

/* Can pipe(8) run something as `user`, which may be "name:group"? */
static bool
is_fit_user(const char *user, int *ret_exit)
{
	g_autofree char *name = g_strndup(user, strcspn(user, ":"));
	if (strcmp(name, "root") == 0)
		*ret_exit = people_usage("setup", "pipe(8) refuses to run anything as root: name the user who owns the mailboxes");
	else if (getpwnam(name) == NULL)
		*ret_exit = people_usage("setup", "there is no user '%s'", name);
	else
		return true;
	return false;
}

static bool
has_virtual_users(const Conf *conf)
{
	if (conf->users != USERS_AUTO)
		return conf->users != USERS_SYSTEM;
	return *conf->passwd_file != '\0' || strstr(conf->maildir, "%d") != NULL || strstr(conf->maildir, "%n") != NULL;
}

static void
print_text(const SetupPlan *plan, const char *folder, bool applied)
{
	for (guint i = 0; i < plan->findings->len; i++) {
		const SetupFinding *finding = plan->findings->pdata[i];
		printf("%s: %s\n    fix: %s\n", finding->code, finding->text, finding->fix);
	}
	if (plan->findings->len > 0 && plan->changes->len > 0)
		puts("");
	if (plan->changes->len == 0)
		puts("Postfix calls todoke by this door: nothing is to be changed.");
	else
		puts(applied ? "changed:" : "to be changed (nothing is until --apply):");
	for (guint i = 0; i < plan->changes->len; i++) {
		const SetupChange *change = plan->changes->pdata[i];
		g_autofree char *command = setup_change_command(change, folder, false);
		printf("    # %s: %s\n", change->master ? "master.cf" : "main.cf", change->why);
		if (change->before != NULL)
			printf("    # before: %s\n", change->before);
		printf("    %s\n", command);
	}
	if (plan->changes->len > 0)
		puts("    postfix reload");
}

static json_t *
change_json(const SetupChange *change, const char *folder)
{
	g_autofree char *command = setup_change_command(change, folder, false);
	json_t *object = json_object();
	json_object_set_new(object, "file", json_string(change->master ? "master.cf" : "main.cf"));
	json_object_set_new(object, "name", people_json_text(change->name));
	json_object_set_new(object, "before", change->before != NULL ? people_json_text(change->before) : json_null());
	json_object_set_new(object, "after", people_json_text(change->after));
	json_object_set_new(object, "why", json_string(change->why));
	json_object_set_new(object, "command", people_json_text(command));
	return object;
}

static void
print_json(const SetupPlan *plan, const char *folder, bool applied)
{
	json_t *object = json_object(), *findings = json_array(), *changes = json_array();
	for (guint i = 0; i < plan->findings->len; i++) {
		const SetupFinding *finding = plan->findings->pdata[i];
		json_t *item = json_object();
		json_object_set_new(item, "code", json_string(finding->code));
		json_object_set_new(item, "text", people_json_text(finding->text));
		json_object_set_new(item, "fix", people_json_text(finding->fix));
		json_array_append_new(findings, item);
	}
	for (guint i = 0; i < plan->changes->len; i++)
		json_array_append_new(changes, change_json(plan->changes->pdata[i], folder));
	json_object_set_new(object, "schema", json_string("todoke.setup/1"));
	json_object_set_new(object, "applied", json_boolean(applied));
	json_object_set_new(object, "findings", findings);
	json_object_set_new(object, "changes", changes);
	people_print_json(object);
}

/* postconf knows where it looks; the state file stands there. Caller frees. */
static char *
config_folder(const char *asked, Status *st)
{
	char *output = NULL;
	if (!postfix_facts_postconf(asked, (const char *const[]){ "-h", "config_directory", NULL }, &output, st))
		return NULL;
	return g_strstrip(output);
}

static int
failed(const Status *st)
{
	fprintf(stderr, "todoke setup: %s\n", st->detail != NULL ? st->detail : status_text(st));
	return PEOPLE_FINDINGS;
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
	puts("undone; now: postfix reload");
	return notes->len == 0 ? PEOPLE_GOOD : PEOPLE_FINDINGS;
}

/* Findings that only inform do not make the exit code 1. */
static bool
is_note(const SetupFinding *finding)
{
	static const char *const notes[] = { "flags-ro", "local-loop-check", "lmtp-listen", NULL };
	return g_strv_contains(notes, finding->code);
}

static int
plan_and_apply(const Options *options, const SetupWish *wish, const char *folder)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(PostfixFacts) facts = postfix_facts_read(options->folder, &st);
	if (facts == NULL)
		return failed(&st);
	g_autoptr(SetupPlan) plan = setup_plan_make(facts, wish);
	bool applied = options->apply && plan->changes->len > 0;
	if (applied && !setup_state_apply(plan, folder, &st))
		return failed(&st);
	if (options->json)
		print_json(plan, options->folder, applied);
	else
		print_text(plan, options->folder, applied);
	bool findings = plan->changes->len > 0 && !applied;
	for (guint i = 0; i < plan->findings->len && !applied; i++)
		findings |= !is_note(plan->findings->pdata[i]);
	return findings ? PEOPLE_FINDINGS : PEOPLE_GOOD;
}

static bool
parse(int *argc, char ***argv, Options *options, int *ret_exit)
{
	const GOptionEntry entries[] = {
		{ "door", 'd', 0, G_OPTION_ARG_FILENAME, &options->door, "pipe (default), local or lmtp", "DOOR" },
		{ "user", 'u', 0, G_OPTION_ARG_FILENAME, &options->user, "Whom pipe(8) runs todoke as (vmail)", "USER" },
		{ "name", 'n', 0, G_OPTION_ARG_FILENAME, &options->service, "Name of the service in master.cf (todoke)",
			"NAME" },
		{ "program", 0, 0, G_OPTION_ARG_FILENAME, &options->program, "Path of todoke in Postfix's files (this one)",
			"PATH" },
		{ "postfix-config", 'C', 0, G_OPTION_ARG_FILENAME, &options->folder, "Folder of main.cf", "DIR" },
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->conf, "Read this todoke.conf", "FILE" },
		{ "option", 'o', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->overrides, "Set this of todoke.conf for once",
			"NAME=VALUE" },
		{ "apply", 0, 0, G_OPTION_ARG_NONE, &options->apply, "Make the changes, remember what was before", NULL },
		{ "undo", 0, 0, G_OPTION_ARG_NONE, &options->undo, "Take the changes of --apply back", NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &options->json, "Print an object of schema todoke.setup/1", NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	return people_options(argc, argv, "postfix [OPTION]...", about, entries, ret_exit);
}

int
cmd_setup(int argc, char **argv)
{
	g_auto(Options) options = { 0 };
	SetupWish wish = { 0 };
	int exit_code;
	if (!parse(&argc, &argv, &options, &exit_code))
		return exit_code;
	if (argc != 2 || strcmp(argv[1], "postfix") != 0)
		return people_usage("setup", "what can be set up is 'postfix'");
	if (!find_door(options.door != NULL ? options.door : "pipe", &wish.door))
		return people_usage("setup", "'%s' is no door: pipe, local, lmtp", options.door);
	if (options.apply && options.undo)
		return people_usage("setup", "--apply and --undo exclude each other");
	if (options.user != NULL && !is_fit_user(options.user, &exit_code))
		return exit_code;
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *folder = config_folder(options.folder, &st), *self = g_file_read_link("/proc/self/exe", NULL);
	if (folder == NULL)
		return failed(&st);
	if (options.undo)
		return undo(folder);
	g_autoptr(Conf) conf = people_conf(options.conf, options.overrides);
	if (conf == NULL)
		return PEOPLE_FINDINGS;
	wish.user = options.user != NULL ? options.user : "vmail";
	wish.service = options.service;
	wish.program = options.program != NULL ? options.program : self != NULL ? self : "/usr/bin/todoke";
	wish.virtual_users = has_virtual_users(conf);
	wish.deadline = conf->deadline;
	wish.listen = (const char *const *) conf->lmtp_listen;
	return plan_and_apply(&options, &wish, folder);
}
