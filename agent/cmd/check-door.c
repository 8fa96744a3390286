/* SPDX-License-Identifier: MIT */
/*
 * check-door: local(8) runs mailbox_command as the recipient, and for root as nobody
 * (default_privs).
 */
#include "agent/cmd/check-door.h"

#include "agent/cmd/check-conf.h"
#include "agent/cmd/local-command.h"
#include "conf/conf-choices.h"

#include <string.h>

/* Has the table an entry for root? A table that cannot be asked may have one. */
static bool
map_has_root(const char *map)
{
	g_autofree char *found = g_find_program_in_path("postalias"), *output = NULL,
			*errors = NULL;
	const char *argv[] = { found != NULL ? found : "/usr/sbin/postalias", "-q", "root", map,
		               NULL };
	int wait_status = 0;

	if (!g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors,
	                  &wait_status, NULL))
		return true;
	bool is_mute = *errors == '\0';
	return *g_strstrip(output) != '\0' || !is_mute;
}

static bool
root_is_aliased(const PostfixFacts *facts)
{
	g_auto(GStrv) maps = g_strsplit_set(postfix_facts_value(facts, "alias_maps"), ", \t", -1);
	for (char **map = maps; *map != NULL; map++)
		if (**map != '\0' && map_has_root(*map))
			return true;
	return false;
}

static void
check_root_mail(const Conf *conf, const PostfixFacts *facts, const char *file, GPtrArray *problems)
{
	if (*conf->root_mail_to == '\0' && !root_is_aliased(facts))
		check_conf_finding(
			problems, PROBLEM_WARNING, file, 0, "root-mail",
			"root has no mailbox, and neither an alias nor root_mail_to says who gets "
			"root's mail (cron's, and postmaster's "
			"where that is an alias of root): all of it will wait",
			"root_mail_to = \"you@example.org\", or a line root: in /etc/aliases");
}

/* Each recipient delivers to their own mailbox, and makes it where it is missing. */
static void
check_mailboxes(const Conf *conf, const char *file, GPtrArray *problems)
{
	bool is_of_system = conf->maildir[0] == '~' || strstr(conf->maildir, "%h") != NULL;
	bool is_home = g_str_has_prefix(conf->maildir, "/home/");
	if (is_of_system || is_home)
		return;

	g_autofree char *text = g_strdup_printf(
		"Postfix's mailbox_command (or mailbox_command_maps) runs todoke as the recipient, who must be able to "
		"write to "
		"the mailbox: maildir '%s' is a tree of virtual users, and all mail of local users "
		"will wait",
		conf->maildir);
	check_conf_finding(
		problems, PROBLEM_ERROR, file, 0, "local-maildir", text,
		"maildir = \"~/Maildir\", or another configuration for that door: mailbox_command "
		"= todoke deliver -c FILE");
}

/* With -c it reads another configuration than the one that is checked. */
static bool
runs_with_this_conf(const char *command)
{
	return strstr(command, "todoke") != NULL && strstr(command, " -c") == NULL;
}

void
check_local_door(const Conf *conf, GPtrArray *problems)
{
	g_auto(Status) none = STATUS_INIT;
	g_autoptr(PostfixFacts) facts = postfix_facts_read(NULL, &none);
	if (facts == NULL || !local_command_any(facts, runs_with_this_conf))
		return;

	const char *file = conf->files->len > 0 ? conf->files->pdata[0] : "default";
	if (postfix_facts_name_conf(facts, file))
		return; /* that of virtual users; a command without -c reads another */
	check_root_mail(conf, facts, file, problems);
	check_mailboxes(conf, file, problems);
}
