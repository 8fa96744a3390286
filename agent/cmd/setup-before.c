/* SPDX-License-Identifier: MIT */
/*
 * setup-before: the parameters that Postfix asks first count: mailbox_transport before
 * mailbox_command for local users, virtual_transport for the others.
 */
#include "agent/cmd/setup-before.h"

#include "agent/base/words.h"

#include <string.h>

static const struct {
	const char *base; /* of the program's path */
	const char *program;
	const char *hint;
} agents[] = {
	{ "dovecot-lda", "dovecot-lda",
	  N_("settings and scripts of Dovecot: todoke convert dovecot") },
	{ "deliver", "dovecot-lda", N_("settings and scripts of Dovecot: todoke convert dovecot") },
	{ "maildrop", "maildrop", N_("rules of users: todoke convert maildrop ~/.mailfilter") },
	{ "procmail", "procmail", N_("rules of users: todoke convert procmail ~/.procmailrc") },
};

void
setup_before_clear(SetupBefore *before)
{
	g_clear_pointer(&before->where, g_free);
	g_clear_pointer(&before->user, g_free);
}

/* Is the word the path of an agent? `deliver` alone may be anything's subcommand. */
static bool
take_program(const char *word, SetupBefore *before)
{
	g_autofree char *base = g_path_get_basename(word);
	for (size_t i = 0; i < G_N_ELEMENTS(agents); i++) {
		if (strcmp(base, agents[i].base) != 0 ||
		    (strcmp(base, "deliver") == 0 && strstr(word, "dovecot") == NULL))
			continue;
		before->program = agents[i].program;
		before->hint = agents[i].hint;
		return true;
	}
	return false;
}

/* The program that a command of the shell starts. Caller frees; NULL: it has none. */
static char *
program_of_command(const char *command)
{
	g_auto(GStrv) words = NULL;
	if (!g_shell_parse_argv(command, NULL, &words, NULL))
		return NULL;

	bool is_behind = strcmp(words[0], "exec") == 0 && words[1] != NULL;
	return g_strdup(words[is_behind ? 1 : 0]);
}

/* mailbox_command: its first word. */
static bool
look_at_command(const PostfixFacts *facts, SetupBefore *before)
{
	g_autofree char *word = program_of_command(postfix_facts_value(facts, "mailbox_command"));
	if (word == NULL || !take_program(word, before))
		return false;

	before->where = g_strdup("mailbox_command");
	before->door = SETUP_LOCAL;
	return true;
}

/* A service of pipe(8): the agent may stand behind another program, such as spamc -e. */
static bool
look_at_service(const PostfixService *service, const char *parameter, SetupBefore *before)
{
	if (strcmp(service->command, "pipe") != 0)
		return false;

	/* What stands before argv= is pipe's own. */
	char **argv = service->args;
	const char *user = NULL;
	for (; *argv != NULL && !g_str_has_prefix(*argv, "argv="); argv++)
		if (g_str_has_prefix(*argv, "user="))
			user = *argv + strlen("user=");
	if (*argv == NULL)
		return false;

	bool found = take_program(*argv + strlen("argv="), before);
	while (!found && *++argv != NULL)
		found = take_program(*argv, before);
	if (!found)
		return false;

	before->user = g_strdup(user);
	before->where = g_strdup_printf("%s, service %s of master.cf", parameter, service->name);
	before->door = SETUP_PIPE;
	return true;
}

/* A transport: "dovecot", "maildrop:", "lmtp:unix:private/dovecot-lmtp". */
static bool
look_at_transport(const PostfixFacts *facts, const char *parameter, SetupBefore *before)
{
	const char *value = postfix_facts_value(facts, parameter);
	g_autofree char *transport = g_strndup(value, strcspn(value, ":"));
	g_autofree char *name = g_strdup_printf("%s/unix", transport);
	const PostfixService *service = postfix_facts_service(facts, name);
	if (*transport == '\0' || service == NULL)
		return false;
	if (strcmp(service->command, "lmtp") != 0)
		return look_at_service(service, parameter, before);
	if (strstr(value, "dovecot") == NULL)
		return false;

	before->program = "Dovecot's LMTP";
	before->hint = N_("settings and scripts of Dovecot: todoke convert dovecot");
	before->where = g_strdup_printf("%s = %s", parameter, value);
	before->door = SETUP_LMTP;
	return true;
}

void
setup_before_find(const PostfixFacts *facts, bool virtual_users, SetupBefore *ret_before)
{
	*ret_before = (SetupBefore){ 0 };
	if (virtual_users)
		(void) look_at_transport(facts, "virtual_transport", ret_before);
	else if (*postfix_facts_value(facts, "mailbox_transport") != '\0')
		(void) look_at_transport(facts, "mailbox_transport", ret_before);
	else
		(void) look_at_command(facts, ret_before);
}
