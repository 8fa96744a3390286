/* SPDX-License-Identifier: MIT */
/*
 * setup-plan: what must change in a Postfix so that it calls todoke, and what is wrong there now.
 */
#include "agent/cmd/setup-plan.h"

#include "agent/cmd/mailbox-command.h"
#include "agent/cmd/setup-accounts.h"
#include "agent/cmd/setup-fetched.h"
#include "agent/cmd/setup-plan-parts.h"
#include "agent/cmd/setup-rights.h"
#include "agent/cmd/setup-status.h"
#include "agent/cmd/setup-transport.h"
#include "agent/message/address.h"
#include "agent/run/site.h"

#include <stdint.h>
#include <string.h>

/*
 * How much longer than our deadline Postfix's time limit must be: starting, and writing the answer,
 * take time too.
 */
enum { TIME_MARGIN_SECONDS = 60 };

void
setup_change_free(SetupChange *change)
{
	if (change == NULL)
		return;
	g_free(change->name);
	g_free(change->before);
	g_free(change->after);
	g_free(change->why);
	g_free(change);
}

static void
finding_free(SetupFinding *finding)
{
	g_free(finding->text);
	g_free(finding->fix);
	g_free(finding);
}

static void
file_free(SetupFile *file)
{
	g_free(file->content);
	g_free(file->why);
	g_free(file);
}

void
setup_plan_free(SetupPlan *plan)
{
	if (plan == NULL)
		return;
	g_ptr_array_unref(plan->files);
	g_ptr_array_unref(plan->changes);
	g_ptr_array_unref(plan->findings);
	g_ptr_array_unref(plan->then);
	g_free(plan->fetch_line);
	g_free(plan);
}

static const struct {
	const char *code;
	SetupWeight weight;
} findings[] = {
#define FINDING(code, weight, when) { code, SETUP_##weight },
#include "agent/cmd/setup-finding.def"
#undef FINDING
};

static SetupWeight
weight_of(const char *code)
{
	for (size_t i = 0; i < G_N_ELEMENTS(findings); i++)
		if (strcmp(findings[i].code, code) == 0)
			return findings[i].weight;
	return SETUP_FAULT;
}

SetupFinding *
setup_plan_find(SetupPlanner *planner, const char *code, char *text, char *fix)
{
	SetupFinding *finding = g_new0(SetupFinding, 1);

	finding->code = code;
	finding->text = text;
	finding->fix = fix;
	finding->weight = weight_of(code);
	g_ptr_array_add(planner->plan->findings, finding);
	return finding;
}

void
setup_plan_want(SetupPlanner *planner, bool master, const char *name, const char *before,
                const char *after, const char *why)
{
	if (g_strcmp0(before, after) == 0)
		return;
	SetupChange *change = g_new0(SetupChange, 1);
	change->master = master;
	change->name = g_strdup(name);
	change->before = g_strdup(before);
	change->after = g_strdup(after);
	change->why = g_strdup(why);
	g_ptr_array_add(planner->plan->changes, change);
}

void
setup_plan_want_parameter(SetupPlanner *planner, const char *name, const char *after,
                          const char *why)
{
	if (strcmp(postfix_facts_value(planner->facts, name), after) != 0)
		setup_plan_want(planner, false, name,
		                g_hash_table_lookup(planner->facts->said, name), after, why);
}

void
setup_plan_want_file(SetupPlanner *planner, const char *name, char *content, const char *why)
{
	g_autofree char *path = setup_plan_path(planner, name), *there = NULL;

	if (g_file_get_contents(path, &there, NULL, NULL) && strcmp(there, content) == 0) {
		g_free(content);
		return;
	}

	SetupFile *file = g_new0(SetupFile, 1);
	file->name = name;
	file->content = content;
	file->why = g_strdup(why);
	g_ptr_array_add(planner->plan->files, file);
}

char *
setup_plan_path(const SetupPlanner *planner, const char *name)
{
	return g_build_filename(postfix_facts_value(planner->facts, "config_directory"), name,
	                        NULL);
}

char *
setup_plan_set_command(const SetupPlanner *planner, const char *name, const char *value)
{
	SetupChange change = { .name = (char *) (uintptr_t) name,
		               .after = (char *) (uintptr_t) value };
	return setup_change_command(&change, planner->facts->folder, false);
}

const char *
setup_plan_written(const SetupPlanner *planner, const char *name)
{
	const char *said = g_hash_table_lookup(planner->facts->said, name);
	return said != NULL ? said : postfix_facts_value(planner->facts, name);
}

/* One word of printf(1) a line, so that it can be pasted with any indentation. */
char *
setup_file_command(const SetupFile *file, const char *folder)
{
	g_autoptr(GString) command = g_string_new("printf '%s\\n'");
	g_autofree char *path = g_build_filename(folder, file->name, NULL),
			*quoted_path = g_shell_quote(path);
	g_auto(GStrv) lines = g_strsplit(file->content, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_autofree char *quoted = g_shell_quote(*line);
		if (**line != '\0' || line[1] != NULL)
			g_string_append_printf(command, " %s", quoted);
	}

	g_string_append_printf(command, " >%s", quoted_path);
	return g_string_free(g_steal_pointer(&command), FALSE);
}

char **
setup_change_args(const SetupChange *change, bool back)
{
	const char *value = back ? change->before : change->after;
	const char *equal = change->master ? "=" : " = ";
	g_autofree char *pair = value != NULL ? g_strconcat(change->name, equal, value, NULL)
	                                      : NULL;
	const char *option = value != NULL ? (change->master ? "-Me" : "-e")
	                                   : (change->master ? "-MX" : "-X");

	return g_strdupv((char *[]){ (char *) (uintptr_t) option,
	                             pair != NULL ? pair : change->name, NULL });
}

char *
setup_change_command(const SetupChange *change, const char *folder, bool back)
{
	g_auto(GStrv) args = setup_change_args(change, back);
	g_autofree char *quoted = g_shell_quote(args[1]),
			*rest = g_strconcat(args[0], " ", quoted, NULL);

	return postfix_command("postconf", folder, rest);
}

/* The number of the word that begins argv, or of the end. */
static size_t
argv_start(const PostfixService *service)
{
	size_t i = 0;
	while (service->args[i] != NULL && !g_str_has_prefix(service->args[i], "argv="))
		i++;
	return i;
}

bool
setup_plan_runs_todoke(const PostfixService *service)
{
	size_t i = argv_start(service);
	if (service->args[i] == NULL ||
	    (strcmp(service->command, "pipe") != 0 && strcmp(service->command, "spawn") != 0))
		return false;

	g_autofree char *base = g_path_get_basename(service->args[i] + strlen("argv="));
	return strcmp(base, "todoke") == 0 || strcmp(base, "todoke-deliver") == 0;
}

/* The value of `name=` among the words before argv; NULL: not there. */
static const char *
attribute(const PostfixService *service, const char *name)
{
	size_t len = strlen(name), end = argv_start(service);
	for (size_t i = 0; i < end; i++)
		if (strncmp(service->args[i], name, len) == 0 && service->args[i][len] == '=')
			return service->args[i] + len + 1;
	return NULL;
}

static bool
has_words(const PostfixService *service, const char *first, const char *second)
{
	for (size_t i = argv_start(service);
	     service->args[i] != NULL && service->args[i + 1] != NULL; i++)
		if (strcmp(service->args[i], first) == 0 &&
		    strcmp(service->args[i + 1], second) == 0)
			return true;
	return false;
}

/* A milter may change the message, and ${size} is what it was before. */
static bool
milters_may_edit(const PostfixFacts *facts)
{
	if (*postfix_facts_value(facts, "smtpd_milters") != '\0' ||
	    *postfix_facts_value(facts, "non_smtpd_milters") != '\0')
		return true;
	for (guint i = 0; i < facts->services->len; i++) {
		const PostfixService *service = facts->services->pdata[i];
		for (char **arg = service->args; *arg != NULL; arg++)
			if (strstr(*arg, "smtpd_milters=") != NULL &&
			    !g_str_has_suffix(*arg, "smtpd_milters="))
				return true;
	}

	return false;
}

static bool
calls_deliver_rightly(const PostfixService *service)
{
	return has_words(service, "-f", "${sender}") && has_words(service, "-d", "${recipient}");
}

/*
 * What a retry is known by, and the address before any alias: nothing fails without them, but
 * nobody can tell.
 */
static const char *const told_words[][2] = {
	{ "-a", "${original_recipient}" },
	{ "--queue-id", "${queue_id}" },
};

static void
add_told_words(GPtrArray *words, const PostfixService *service)
{
	for (size_t i = 0; i < G_N_ELEMENTS(told_words); i++)
		for (size_t k = 0; k < 2 && !has_words(service, told_words[i][0], told_words[i][1]);
		     k++)
			g_ptr_array_add(words, g_strdup(told_words[i][k]));
}

static const char *
wanted_user(const SetupPlanner *planner, const PostfixService *service)
{
	const char *user = service != NULL ? attribute(service, "user") : NULL;
	if (user == NULL || strcmp(user, "root") == 0 || g_str_has_prefix(user, "root:"))
		user = planner->wish->user;
	return user;
}

/* -c FILE goes behind the word `deliver`; another one that is there is taken away. */
static void
add_conf_words(GPtrArray *words, const char *file)
{
	for (guint i = 0; i + 1 < words->len; i++)
		if (strcmp(words->pdata[i], "-c") == 0)
			g_ptr_array_remove_range(words, i, 2);
	for (guint i = 0; i < words->len; i++) {
		if (strcmp(words->pdata[i], "deliver") != 0)
			continue;
		g_ptr_array_insert(words, (gint) i + 1, g_strdup("-c"));
		g_ptr_array_insert(words, (gint) i + 2, g_strdup(file));
		return;
	}
}

/* What pipe(8) should have as arguments: what is there, repaired; or all new. Caller frees. */
static char *
wanted_args(const SetupPlanner *planner, const PostfixService *service)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	bool milters = milters_may_edit(planner->facts);
	size_t end = service != NULL ? argv_start(service) : 0;
	const char *user = wanted_user(planner, service);

	for (size_t i = 0; i < end; i++) {
		bool is_flags = g_str_has_prefix(service->args[i], "flags=");
		g_auto(GStrv) without_d = is_flags ? g_strsplit(service->args[i] + strlen("flags="),
		                                                "D", -1)
		                                   : NULL;
		g_autofree char *flags = without_d != NULL ? g_strjoinv("", without_d) : NULL;
		if (flags != NULL && *flags != '\0')
			g_ptr_array_add(words, g_strdup_printf("flags=%s", flags));
		else if (flags == NULL && !g_str_has_prefix(service->args[i], "user=") &&
		         !g_str_has_prefix(service->args[i], "null_sender="))
			g_ptr_array_add(words, g_strdup(service->args[i]));
	}

	g_ptr_array_add(words, g_strdup_printf("user=%s", user));
	g_ptr_array_add(words, g_strdup("null_sender="));
	if (service != NULL && calls_deliver_rightly(service)) {
		for (size_t i = end; service->args[i] != NULL; i++) {
			bool size = milters && strcmp(service->args[i], "--size") == 0 &&
			            service->args[i + 1] != NULL;
			if (!size)
				g_ptr_array_add(words, g_strdup(service->args[i]));
			i += size;
		}
		add_told_words(words, service);
	} else {
		g_ptr_array_add(words, g_strdup_printf("argv=%s", planner->wish->program));
		g_ptr_array_add(words, g_strdup("deliver"));
		g_ptr_array_add(words, g_strdup_printf("-f ${sender} -a ${original_recipient} -d "
		                                       "${recipient} --queue-id ${queue_id}%s",
		                                       milters ? "" : " --size ${size}"));
	}
	if (planner->wish->conf_file != NULL)
		add_conf_words(words, planner->wish->conf_file);

	g_ptr_array_add(words, NULL);
	return g_strjoinv(" ", (char **) words->pdata);
}

static bool
is_too_short(const SetupPlanner *planner, const char *value)
{
	gint64 seconds = postfix_facts_seconds(value, POSTFIX_SECOND);
	return seconds >= 0 && seconds < planner->wish->deadline + TIME_MARGIN_SECONDS;
}

static char *
repair_command(const SetupPlanner *planner, const PostfixService *service)
{
	g_autofree char *args = wanted_args(planner, service);
	g_auto(GStrv) halves = g_strsplit(service->name, "/", 2);
	g_autofree char *line = g_strdup_printf("%s %s %s pipe %s", halves[0], halves[1],
	                                        service->columns, args);
	SetupChange change = { .master = true, .name = service->name, .after = line };

	return setup_change_command(&change, planner->facts->folder, false);
}

static void
find_in_limits(SetupPlanner *planner, const char *service_name)
{
	g_autofree char *limit = g_strdup_printf("%s_destination_recipient_limit", service_name);
	g_autofree char *patience = g_strdup_printf("%s_time_limit", service_name);
	const char *limit_value = postfix_facts_value(planner->facts, limit),
		   *time_value = postfix_facts_value(planner->facts, patience);

	if (strcmp(limit_value, "1") != 0)
		setup_plan_find(
			planner, "recipient-limit",
			g_strdup_printf(
				"%s is %s: pipe(8) gives one result for all recipients of a call, "
				"so one full mailbox "
				"would defer or bounce the mail of the others",
				limit, *limit_value != '\0' ? limit_value : "not set"),
			setup_plan_set_command(planner, limit, "1"));

	if (is_too_short(planner, time_value)) {
		g_autofree char *longer = g_strdup_printf("%" G_GINT64_FORMAT "s",
		                                          2 * planner->wish->deadline);
		setup_plan_find(
			planner, "time-limit",
			g_strdup_printf("%s is %s, and todoke's own deadline %" G_GINT64_FORMAT
		                        "s: past its limit Postfix "
		                        "kills the delivery and bounces the mail",
		                        patience, time_value, planner->wish->deadline),
			setup_plan_set_command(planner, patience, longer));
	}
}

static void
find_in_pipe(SetupPlanner *planner, const PostfixService *service)
{
	const char *flags = attribute(service, "flags"), *user = attribute(service, "user"),
		   *null_sender = attribute(service, "null_sender");

	if (flags != NULL && strchr(flags, 'D') != NULL)
		setup_plan_find(
			planner, "flags-d",
			g_strdup_printf(
				"service %s has flags=%s: with D Postfix itself bounces fetched "
				"mail as a loop (5.4.6) "
				"before todoke can look at it",
				service->name, flags),
			repair_command(planner, service));

	if (flags != NULL && strpbrk(flags, "RO") != NULL)
		setup_plan_find(
			planner, "flags-ro",
			g_strdup_printf("service %s has flags=%s: Postfix writes Return-Path or "
		                        "X-Original-To, which todoke "
		                        "writes as well where they are missing; that does no harm",
		                        service->name, flags),
			g_strdup("nothing must be done; add_return_path and add_original_to of "
		                 "todoke.conf are the switches"));

	if (null_sender == NULL || *null_sender != '\0')
		setup_plan_find(
			planner, "null-sender",
			g_strdup_printf(
				"service %s has no 'null_sender=': a bounce comes in with the "
				"sender %s, which looks "
				"like a mailbox",
				service->name, null_sender != NULL ? null_sender : "MAILER-DAEMON"),
			repair_command(planner, service));

	if (user == NULL || strcmp(user, "root") == 0 || g_str_has_prefix(user, "root:"))
		setup_plan_find(
			planner, "user-root",
			g_strdup_printf(
				"service %s has %s: pipe(8) refuses that, and all its mail waits",
				service->name, user == NULL ? "no user=" : "user=root"),
			repair_command(planner, service));

	if (!calls_deliver_rightly(service))
		setup_plan_find(
			planner, "arguments",
			g_strdup_printf(
				"service %s does not pass '-f ${sender}' and '-d ${recipient}' as "
				"words of their own",
				service->name),
			repair_command(planner, service));
	else if (!has_words(service, "-a", "${original_recipient}"))
		setup_plan_find(
			planner, "original-recipient",
			g_strdup_printf(
				"service %s does not pass '-a ${original_recipient}': rules and "
				"log do not see the address that "
				"the sender wrote where an alias changed it",
				service->name),
			repair_command(planner, service));

	if (calls_deliver_rightly(service) && !has_words(service, "--queue-id", "${queue_id}"))
		setup_plan_find(
			planner, "queue-id",
			g_strdup_printf(
				"service %s does not pass '--queue-id ${queue_id}': the log cannot "
				"be joined with Postfix's, and "
				"only its content distinguishes a retry from a second message",
				service->name),
			repair_command(planner, service));

	if (has_words(service, "--size", "${size}") && milters_may_edit(planner->facts))
		setup_plan_find(
			planner, "size-milter",
			g_strdup_printf(
				"service %s passes --size, but a milter may edit messages: a "
				"message that it made "
				"shorter would look truncated and wait for ever",
				service->name),
			repair_command(planner, service));

	g_auto(GStrv) halves = g_strsplit(service->name, "/", 2);
	find_in_limits(planner, halves[0]);
}

const char *
setup_plan_own_procmail(const char *command)
{
	g_auto(MailboxCommand) ours = { 0 };
	mailbox_command_read(command, &ours);
	bool is_ours = ours.meant_program != NULL && !mailbox_command_has_wrong_program(&ours) &&
	               strcmp(ours.word, "procmail") == 0;

	return is_ours ? ours.behind : NULL;
}

const char *
setup_plan_procmail_arguments(const SetupPlanner *planner)
{
	const char *command = postfix_facts_value(planner->facts, "mailbox_command");
	if (planner->wish->runs_recipes)
		return NULL;

	const char *behind;
	g_autofree char *program = mailbox_command_program(command, &behind);
	g_autofree char *base = g_path_get_basename(program);
	if (strcmp(base, "procmail") == 0)
		return behind;

	g_auto(MailboxCommand) ours = { 0 };
	mailbox_command_read(command, &ours);
	bool is_meant = ours.meant_program != NULL && g_strcmp0(ours.meant_word, "procmail") == 0;
	return is_meant ? ours.behind : NULL;
}

/*
 * What local(8) should run, without arguments of its own for procmail, whose command line cannot
 * name another todoke.conf. Caller frees.
 */
static char *
local_command(const SetupPlanner *planner)
{
	const SetupWish *wish = planner->wish;
	return setup_plan_procmail_arguments(planner) != NULL
	               ? g_strdup_printf("%s procmail", wish->procmail_program)
	               : g_strdup_printf("%s deliver%s%s", wish->program,
	                                 wish->conf_file != NULL ? " -c " : "",
	                                 wish->conf_file != NULL ? wish->conf_file : "");
}

/*
 * A mailbox_command without the shell. Recipes may need the arguments of a command line of
 * procmail, and `deliver` its options, so nobody but the admin takes them away. Caller frees.
 */
static char *
shell_fix(const SetupPlanner *planner, const char *plain)
{
	char *command = setup_plan_set_command(planner, "mailbox_command", plain);
	const char *arguments = setup_plan_procmail_arguments(planner);
	g_auto(MailboxCommand) ours = { 0 };
	mailbox_command_read(postfix_facts_value(planner->facts, "mailbox_command"), &ours);
	bool is_for_recipes = arguments != NULL && *arguments != '\0';
	bool has_options = arguments == NULL && strstr(ours.behind, " -") != NULL;
	if (!is_for_recipes && !has_options)
		return command;

	char *fix = g_strdup_printf(is_for_recipes ? "where no recipe needs the arguments ($1, "
	                                             "assignments): %s"
	                                           : "where none of its options is needed: %s",
	                            command);
	g_free(command);
	return fix;
}

/* A word of it is misspelt. What was meant is put in its place: the door and the rules stay. */
static bool
find_misspelt_command(SetupPlanner *planner)
{
	const char *command = postfix_facts_value(planner->facts, "mailbox_command");
	g_auto(MailboxCommand) ours = { 0 };
	mailbox_command_read(command, &ours);
	bool wrong_program = mailbox_command_has_wrong_program(&ours);
	if (!wrong_program && !mailbox_command_has_wrong_word(&ours))
		return false;

	bool is_procmail = g_strcmp0(ours.meant_word, "procmail") == 0;
	const char *program = is_procmail ? planner->wish->procmail_program
	                                  : planner->wish->program;
	g_autofree char *meant = mailbox_command_meant(&ours, program);
	g_autofree char *guess = ours.meant_word != NULL
	                                 ? g_strdup_printf("; did you mean '%s'?",
	                                                   wrong_program ? ours.meant_program
	                                                                 : ours.meant_word)
	                                 : g_strdup("");
	char *text = wrong_program
	                     ? g_strdup_printf("mailbox_command is '%s', and the program '%s' is "
	                                       "not there%s",
	                                       command, ours.program, guess)
	                     : g_strdup_printf("mailbox_command is '%s', and '%s' is no command of "
	                                       "todoke that delivers mail%s",
	                                       command, ours.word, guess);
	setup_plan_find(
		planner, wrong_program ? "no-program" : "no-command", text,
		meant != NULL
			? setup_plan_set_command(planner, "mailbox_command", meant)
			: g_strdup("name the command: todoke deliver, or todoke procmail for the "
	                           "recipes of procmail"));
	return true;
}

static void
find_in_local(SetupPlanner *planner)
{
	const PostfixFacts *facts = planner->facts;
	const char *command = postfix_facts_value(facts, "mailbox_command");
	const char *size = postfix_facts_value(facts, "mailbox_size_limit");
	g_autofree char *plain = local_command(planner);
	bool is_misspelt = find_misspelt_command(planner);
	const char *arguments = setup_plan_own_procmail(command);
	bool has_use = arguments != NULL && *arguments != '\0';

	if (strstr(command, "todoke") == NULL && !is_misspelt)
		return;
	if (!is_misspelt && strpbrk(command, "\"'$|;&<>()*?`\\") != NULL)
		setup_plan_find(
			planner, has_use ? "shell-arguments" : "shell",
			g_strdup("mailbox_command has characters of the shell, so Postfix runs it "
		                 "by /bin/sh: a crash or a "
		                 "missing program then bounces the mail instead of deferring it"),
			shell_fix(planner, plain));

	if (strcmp(size, "0") != 0)
		setup_plan_find(
			planner, "mailbox-size",
			g_strdup_printf(
				"mailbox_size_limit is %s: it bounds every file that todoke "
				"writes; bigger messages "
				"are deferred",
				size),
			setup_plan_set_command(planner, "mailbox_size_limit", "0"));

	if (is_too_short(planner, postfix_facts_value(facts, "command_time_limit"))) {
		g_autofree char *longer = g_strdup_printf("%" G_GINT64_FORMAT "s",
		                                          2 * planner->wish->deadline);
		setup_plan_find(
			planner, "time-limit",
			g_strdup_printf("command_time_limit is %s, and todoke's own deadline "
		                        "%" G_GINT64_FORMAT "s: past its "
		                        "limit Postfix kills the delivery and bounces the mail",
		                        postfix_facts_value(facts, "command_time_limit"),
		                        planner->wish->deadline),
			setup_plan_set_command(planner, "command_time_limit", longer));
	}

	if (*postfix_facts_value(facts, "mailbox_transport") != '\0')
		setup_plan_find(
			planner, "mailbox-transport",
			g_strdup_printf(
				"mailbox_transport is %s: it goes before mailbox_command, which is "
				"never run",
				postfix_facts_value(facts, "mailbox_transport")),
			setup_plan_set_command(planner, "mailbox_transport", ""));
}

/* lmtp(8) and smtp(8) with flags=D check for loops as pipe(8) does. */
static void
find_in_lmtp(SetupPlanner *planner, const PostfixService *service)
{
	for (char **arg = service->args; *arg != NULL; arg++) {
		if (!g_str_has_prefix(*arg, "flags=") || strchr(*arg, 'D') == NULL)
			continue;
		setup_plan_find(
			planner, "flags-d",
			g_strdup_printf(
				"service %s has %s: with D Postfix itself bounces fetched mail as "
				"a loop (5.4.6) "
				"before todoke can look at it",
				service->name, *arg),
			g_strdup_printf("take the D out of that line of master.cf"));
	}
}

static void
find_all(SetupPlanner *planner)
{
	for (guint i = 0; i < planner->facts->services->len; i++) {
		const PostfixService *service = planner->facts->services->pdata[i];
		if (strcmp(service->command, "pipe") == 0 && setup_plan_runs_todoke(service))
			find_in_pipe(planner, service);
		else if (strcmp(service->command, "lmtp") == 0)
			find_in_lmtp(planner, service);
	}
	find_in_local(planner);
}

static char *
service_name(const SetupPlanner *planner)
{
	if (planner->wish->service != NULL)
		return g_strdup_printf("%s/unix", planner->wish->service);
	for (guint i = 0; i < planner->facts->services->len; i++) {
		const PostfixService *service = planner->facts->services->pdata[i];
		if (strcmp(service->command, "pipe") == 0 && setup_plan_runs_todoke(service))
			return g_strdup(service->name);
	}

	return g_strdup("todoke/unix");
}

/* Which parameter sends the mail of the recipients to the service. */
static void
want_route(SetupPlanner *planner, const char *transport)
{
	if (planner->wish->virtual_users)
		setup_plan_want_parameter(planner, "virtual_transport", transport,
		                          "the virtual mailbox domains deliver by it");
	else
		setup_plan_want_parameter(
			planner, "mailbox_transport", transport,
			"the local users' mail goes to it, after aliases and .forward");
	if (planner->wish->virtual_users &&
	    *postfix_facts_value(planner->facts, "virtual_mailbox_domains") == '\0')
		setup_plan_find(planner, "no-domains",
		                g_strdup("virtual_mailbox_domains is empty: no domain uses "
		                         "virtual_transport"),
		                g_strdup("name the domains: postconf -e 'virtual_mailbox_domains = "
		                         "example.jp', and their users in "
		                         "virtual_mailbox_maps"));
}

/* One user who was named may be the only one who gets mail; one who was guessed is not. */
static void
find_system_users(SetupPlanner *planner)
{
	char *text = g_strdup_printf(
		"todoke.conf delivers to system accounts, but pipe(8) runs todoke as '%s' alone, "
		"which "
		"may not write to other people's homes",
		planner->wish->user);
	char *fix = g_strdup("one tree for all mail: home = \"/var/vmail/%d/%n\" and maildir = "
	                     "\"/var/vmail/%d/%n/Maildir\" in todoke.conf; or the door local; or "
	                     "--user with the one user who gets mail");

	SetupFinding *finding = setup_plan_find(planner, "system-users", text, fix);
	if (planner->wish->user_said)
		finding->weight = SETUP_FAULT;
}

static void
plan_pipe(SetupPlanner *planner)
{
	g_autofree char *name = service_name(planner);
	g_auto(GStrv) halves = g_strsplit(name, "/", 2);
	const PostfixService *service = postfix_facts_service(planner->facts, name);
	bool ours = service != NULL && setup_plan_runs_todoke(service);
	g_autofree char *before = service != NULL ? postfix_service_print(service) : NULL;
	g_autofree char *args = wanted_args(planner, ours ? service : NULL);

	planner->pipe_user = g_strdup(wanted_user(planner, ours ? service : NULL));
	g_autofree char *after = g_strdup_printf("%s %s %s pipe %s", halves[0], halves[1],
	                                         ours ? service->columns : "- n n - -", args);
	g_autofree char *limit = g_strdup_printf("%s_destination_recipient_limit", halves[0]);
	g_autofree char *patience = g_strdup_printf("%s_time_limit", halves[0]);
	g_autofree char *longer = g_strdup_printf("%" G_GINT64_FORMAT "s",
	                                          2 * planner->wish->deadline);
	const char *now = postfix_facts_value(planner->facts, patience);
	if (*now == '\0')
		now = postfix_facts_value(planner->facts, "command_time_limit");
	setup_plan_want(planner, true, name, before, after, "the service that runs todoke");
	setup_plan_want_parameter(planner, limit, "1", "one result for one recipient");

	if (is_too_short(planner, now))
		setup_plan_want_parameter(
			planner, patience, longer,
			"longer than todoke's own deadline, so that Postfix never bounces "
			"slow deliveries");

	want_route(planner, halves[0]);
	if (!planner->wish->virtual_users)
		find_system_users(planner);
}

static void
plan_local(SetupPlanner *planner)
{
	const char *procmail = setup_plan_procmail_arguments(planner);
	g_autofree char *plain = local_command(planner);
	g_autofree char *command = g_strconcat(plain, procmail, NULL);
	g_autofree char *longer = g_strdup_printf("%" G_GINT64_FORMAT "s",
	                                          2 * planner->wish->deadline);

	setup_plan_want_parameter(planner, "mailbox_command", command,
	                          procmail != NULL
	                                  ? "local(8) runs it as the recipient, and the recipes as "
	                                    "procmail did"
	                                  : "local(8) runs it as the recipient");
	setup_plan_want_parameter(planner, "mailbox_size_limit", "0",
	                          "it would bound each message, not the mailbox");
	setup_plan_want_parameter(planner, "mailbox_transport", "",
	                          "it would go before mailbox_command");

	if (is_too_short(planner, postfix_facts_value(planner->facts, "command_time_limit")))
		setup_plan_want_parameter(planner, "command_time_limit", longer,
		                          "longer than todoke's own deadline, so that Postfix "
		                          "never bounces slow deliveries");
}

/*
 * The first place where lmtpd listens, as lmtp(8) names it: paths below the queue directory work
 * from its chroot, too.
 */
char *
setup_plan_lmtp_route(const SetupPlanner *planner)
{
	const char *where = planner->wish->listen != NULL ? planner->wish->listen[0] : NULL;
	if (where == NULL)
		return g_strdup("lmtp:unix:private/todoke");

	g_autofree char *queue = g_strdup_printf(
		"unix:%s/", postfix_facts_value(planner->facts, "queue_directory"));
	if (g_str_has_prefix(where, queue))
		return g_strconcat("lmtp:unix:", where + strlen(queue), NULL);

	return g_strconcat("lmtp:", where, NULL);
}

/*
 * The queue id and the client's address come by XFORWARD. lmtpd offers it to unix sockets, and by
 * TCP to those of lmtp_trusted; who has not written any address there trusts nobody yet.
 */
static void
plan_xforward(SetupPlanner *planner, const char *route)
{
	const char *const *trusted = (const char *const *) planner->wish->conf->lmtp_trusted;
	bool by_tcp = !g_str_has_prefix(route, "lmtp:unix:");

	setup_plan_want_parameter(planner, "lmtp_send_xforward_command", "yes",
	                          "lmtpd learns the queue id under which the mail came here");
	if (by_tcp && (trusted == NULL || trusted[0] == NULL))
		setup_plan_find(planner, "lmtp-trusted",
		                g_strdup_printf("Postfix reaches lmtpd by TCP ('%s'), and "
		                                "lmtp_trusted of todoke.conf is empty: lmtpd takes "
		                                "no XFORWARD, and origin_id is missing in its log",
		                                route),
		                g_strdup("name the address from which Postfix connects in "
		                         "todoke.conf: lmtp_trusted = {\"127.0.0.1\"} where both "
		                         "run on this host"));
}

char *
setup_plan_root_unit_command(void)
{
	return g_strdup("install -D -m 644 " TODOKE_DATA_DIR "/todoke-lmtpd-root.conf "
	                "/etc/systemd/system/todoke-lmtpd.service.d/root.conf && "
	                "systemctl daemon-reload && "
	                "systemctl try-restart todoke-lmtpd.service");
}

/* systemd makes the socket and starts lmtpd: as vmail, unless a drop-in says otherwise. */
static void
plan_units(SetupPlanner *planner, const char *queue)
{
	static const char socket_command[] = "systemctl enable --now todoke-lmtpd.socket";
	setup_plan_find(planner, "lmtp-listen",
	                g_strdup("lmtp_listen of todoke.conf is empty: only systemd can give lmtpd "
	                         "its socket"),
	                g_strdup_printf("%s; or start `todoke lmtpd` as root with "
	                                "lmtp_listen = {\"unix:%s/private/todoke\"} and "
	                                "lmtp_socket_owner = \"postfix\" in todoke.conf",
	                                socket_command, queue));

	if (!planner->wish->virtual_users) {
		setup_plan_find(
			planner, "lmtp-root",
			g_strdup("recipients are accounts of the system, and "
		                 "todoke-lmtpd.service starts lmtpd as vmail: only root can "
		                 "become each of them, so all mail would wait (4.3.0)"),
			setup_plan_root_unit_command());
		g_ptr_array_add(planner->plan->then, setup_plan_root_unit_command());
	}
	g_ptr_array_add(planner->plan->then, g_strdup(socket_command));
}

static void
plan_lmtp(SetupPlanner *planner)
{
	g_autofree char *route = setup_plan_lmtp_route(planner);
	const PostfixService *service = postfix_facts_service(planner->facts, "lmtp/unix");
	const char *queue = postfix_facts_value(planner->facts, "queue_directory");

	if (planner->wish->fetched != SETUP_FETCHED_LMTP)
		want_route(planner, route);
	plan_xforward(planner, route);
	if (planner->wish->listen == NULL || planner->wish->listen[0] == NULL)
		plan_units(planner, queue);

	g_auto(GStrv) columns = g_strsplit(service != NULL ? service->columns : "", " ", -1);
	bool chrooted = g_strv_length(columns) > 2 && strcmp(columns[2], "y") == 0;
	if (chrooted && g_str_has_prefix(route, "lmtp:unix:/"))
		setup_plan_find(
			planner, "lmtp-chroot",
			g_strdup_printf("lmtp(8) runs in %s and cannot see the socket '%s'", queue,
		                        route + strlen("lmtp:unix:")),
			g_strdup_printf(
				"lmtp_listen = {\"unix:%s/private/todoke\"} in todoke.conf; or "
				"postconf -F lmtp/unix/chroot=n",
				queue));
}

/* The doors whose command does not name the file, so that deliveries would read the usual one. */
static void
find_conf_file(SetupPlanner *planner)
{
	const SetupWish *wish = planner->wish;
	bool is_lmtp = wish->door == SETUP_LMTP || wish->fetched == SETUP_FETCHED_LMTP;
	bool is_procmail = wish->door == SETUP_LOCAL &&
	                   setup_plan_procmail_arguments(planner) != NULL;

	if (wish->conf_file == NULL || (!is_lmtp && !is_procmail))
		return;
	setup_plan_find(
		planner, "conf-file",
		g_strdup_printf(is_lmtp ? "the unit starts lmtpd without -c: it reads '%s'"
	                                : "procmail's command line has no -c: todoke reads '%s'",
	                        TODOKE_SYSCONFDIR "/todoke.conf"),
		is_lmtp ? g_strdup_printf("systemctl edit todoke-lmtpd, and there: [Service], "
	                                  "ExecStart=, ExecStart=%s lmtpd -c %s, each on a line",
	                                  wish->procmail_program, wish->conf_file)
			: g_strdup_printf("move what '%s' sets into the usual file; or recipes = "
	                                  "yes there, and mailbox_command = %s deliver -c %s",
	                                  wish->conf_file, wish->program, wish->conf_file));
}

/*
 * One name for both: notices to owners and Message-IDs otherwise have what the system calls itself,
 * which often has no domain.
 */
static void
find_hostname(SetupPlanner *planner)
{
	const Conf *conf = planner->wish->conf;
	const char *name = postfix_facts_value(planner->facts, "myhostname");
	if (conf == NULL || !address_is_domain(name) || strcmp(name, site_host(conf)) == 0)
		return;

	g_autofree char *line = g_strdup_printf("myhostname = \"%s\"", name);
	g_autofree char *quoted = g_shell_quote(line);
	g_autofree char *file = g_shell_quote(conf_main_path(conf));
	setup_plan_find(
		planner, "myhostname",
		g_strdup_printf("Postfix calls this host '%s', todoke '%s': so notices to owners "
	                        "and Message-IDs would have it",
	                        name, site_host(conf)),
		*conf->myhostname == '\0'
			? g_strdup_printf("echo %s >>%s", quoted, file)
			: g_strdup_printf("%s in todoke.conf, or empty myhostname in main.cf",
	                                  line));
}

/* A folder in which todoke was built or tried out is gone one day, and then all mail waits. */
static void
find_stray(SetupPlanner *planner)
{
	const SetupWish *wish = planner->wish;
	if (!wish->is_stray || wish->door == SETUP_LMTP)
		return;

	g_autofree char *quoted = wish->installed != NULL ? g_shell_quote(wish->installed) : NULL;
	setup_plan_find(
		planner, "program-place",
		g_strdup_printf("Postfix would call '%s', which is not where todoke is "
	                        "installed: all mail waits once that folder is gone",
	                        wish->program),
		quoted != NULL
			? g_strdup_printf("name the one that is installed: --program %s", quoted)
			: g_strdup("install todoke first (make install), or say that it "
	                           "stays there: --program PATH"));
}

bool
setup_plan_has(const SetupPlan *plan, SetupWeight least)
{
	for (guint i = 0; i < plan->findings->len; i++)
		if (((const SetupFinding *) plan->findings->pdata[i])->weight >= least)
			return true;
	return false;
}

SetupPlan *
setup_plan_make(const PostfixFacts *facts, const SetupWish *wish)
{
	SetupPlan *plan = g_new0(SetupPlan, 1);

	plan->files = g_ptr_array_new_with_free_func((GDestroyNotify) file_free);
	plan->changes = g_ptr_array_new_with_free_func((GDestroyNotify) setup_change_free);
	plan->findings = g_ptr_array_new_with_free_func((GDestroyNotify) finding_free);
	plan->then = g_ptr_array_new_with_free_func(g_free);

	SetupPlanner planner = { facts, wish, plan, NULL };
	find_all(&planner);
	find_hostname(&planner);
	find_stray(&planner);
	if (wish->door == SETUP_PIPE)
		plan_pipe(&planner);
	else if (wish->door == SETUP_LOCAL)
		plan_local(&planner);
	else
		plan_lmtp(&planner);

	find_conf_file(&planner);
	setup_fetched_plan(&planner);
	setup_accounts_plan(&planner);
	setup_rights_plan(&planner);
	setup_status_plan(&planner);
	setup_transport_plan(&planner);
	g_ptr_array_add(plan->then, g_strdup("postfix reload"));
	g_free(planner.pipe_user);

	return plan;
}
