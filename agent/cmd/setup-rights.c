/* SPDX-License-Identifier: MIT */
/* setup-rights: may whoever delivers by a door reach what todoke.conf names, and is it there? */
#define _GNU_SOURCE
#include "agent/cmd/setup-rights.h"

#include "agent/cmd/check-conf.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/*
 * Who delivers. Postfix gives no supplementary groups to what it runs, so the primary one is all
 * there is.
 */
typedef struct {
	char *name; /* "vmail"; NULL: any account of the system, so only what everybody may */
	char *group;
	uid_t uid;
	gid_t gid;
} RightsReader;

static void
reader_clear(RightsReader *reader)
{
	g_free(reader->name);
	g_free(reader->group);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RightsReader, reader_clear)

/* "vmail" or "vmail:group", as pipe(8) takes it. False: there is no such account or group. */
static bool
find_reader(const char *user, RightsReader *ret)
{
	g_auto(GStrv) halves = g_strsplit(user, ":", 2);
	const struct passwd *entry = getpwnam(halves[0]);
	if (entry == NULL)
		return false;

	uid_t uid = entry->pw_uid;
	gid_t gid = entry->pw_gid;

	const struct group *group = halves[1] != NULL ? getgrnam(halves[1]) : getgrgid(gid);
	if (group == NULL)
		return false;

	*ret = (RightsReader){ g_strdup(halves[0]), g_strdup(group->gr_name), uid, group->gr_gid };
	return true;
}

/* The bits of `rwx` (an octal digit) in the class of the mode that counts for the reader. */
static mode_t
bits_for(const RightsReader *reader, const struct stat *sb, mode_t rwx)
{
	if (reader->name != NULL && sb->st_uid == reader->uid)
		return rwx << 6;
	if (reader->name != NULL && sb->st_gid == reader->gid)
		return rwx << 3;
	return rwx;
}

/* An access list says more than the mode does; then Postfix's try is the better judge. */
static bool
may(const RightsReader *reader, const char *path, const struct stat *sb, mode_t rwx)
{
	mode_t bits = bits_for(reader, sb, rwx);
	return (sb->st_mode & bits) == bits || (reader->name != NULL && reader->uid == 0) ||
	       getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

static void
add_command(GString *fix, const RightsReader *reader, const char *path, const struct stat *sb,
            mode_t rwx)
{
	g_autofree char *quoted = g_shell_quote(path);
	g_autofree char *letters = g_strconcat(rwx & 4 ? "r" : "", rwx & 2 ? "w" : "",
	                                       rwx & 1 ? "x" : "", NULL);
	bool is_owner = reader->name != NULL && sb->st_uid == reader->uid;

	if (fix->len > 0)
		g_string_append(fix, " && ");
	if (is_owner)
		g_string_append_printf(fix, "chmod u+%s %s", letters, quoted);
	else if (reader->name == NULL || S_ISDIR(sb->st_mode))
		g_string_append_printf(fix, "chmod o+%s %s", letters, quoted);
	else
		g_string_append_printf(fix, "chgrp %s %s && chmod g+%s %s", reader->group, quoted,
		                       letters, quoted);
}

typedef enum { REACH_GOOD, REACH_MISSING, REACH_REFUSED } Reach;

/*
 * May the reader do `rwx` with the file or folder at `path`, and search all folders above it? Where
 * not, *ret_fix (the caller's) has the commands that let it, and *ret_at the first place that does
 * not.
 */
static Reach
reach(const RightsReader *reader, const char *path, mode_t rwx, char **ret_at, char **ret_fix)
{
	g_autoptr(GString) fix = g_string_new(NULL);
	g_autofree char *first = NULL;
	char *real = realpath(path, NULL);
	g_autofree char *resolved = g_strdup(real != NULL ? real : path);

	free(real);
	path = resolved;
	for (const char *end = path; *end != '\0';) {
		const char *slash = strchr(end + 1, '/');
		end = slash != NULL ? slash : end + strlen(end);
		g_autofree char *part = g_strndup(path, (size_t) (end - path));
		mode_t wanted = *end == '\0' ? rwx : 1;
		struct stat sb;
		if (stat(part, &sb) < 0)
			/* nothing is known */
			return errno == ENOENT || errno == ENOTDIR ? REACH_MISSING : REACH_GOOD;
		if (may(reader, part, &sb, wanted))
			continue;
		add_command(fix, reader, part, &sb, wanted);
		if (first == NULL)
			first = g_strdup_printf("'%s' (mode %04o)", part,
			                        (unsigned) (sb.st_mode & 07777));
	}

	if (first == NULL)
		return REACH_GOOD;
	*ret_at = g_steal_pointer(&first);
	*ret_fix = g_strdup(fix->str);

	return REACH_REFUSED;
}

static const char *
reader_name(const RightsReader *reader)
{
	return reader->name != NULL ? reader->name
	                            : "the recipients (local(8) runs todoke as one of them)";
}

/* A path that depends on the recipient is the recipient's affair. */
static bool
is_of_site(const char *path)
{
	return path[0] == '/' && strchr(path, '%') == NULL;
}

/*
 * A file of the site, named by a setting. `reader` NULL: its reader is not known, so it only has to
 * exist.
 */
static void
check_file(SetupPlanner *planner, const RightsReader *reader, const char *setting, const char *path,
           bool is_folder)
{
	static const RightsReader root = { (char *) "root", (char *) "root", 0, 0 };
	g_autofree char *at = NULL, *fix = NULL, *quoted = g_shell_quote(path);
	if (!is_of_site(path))
		return;
	if (reader == NULL)
		reader = &root;

	switch (reach(reader, path, is_folder ? 5 : 4, &at, &fix)) {
	case REACH_GOOD:
		return;
	case REACH_MISSING:
		setup_plan_find(
			planner, "missing-file",
			g_strdup_printf("%s of todoke.conf names '%s', which is not there: mail is "
		                        "delivered without it",
		                        setting, path),
			g_strdup_printf(
				"%s %s  # it does nothing while it is empty; or take it out of "
				"todoke.conf",
				is_folder ? "mkdir -p" : "touch", quoted));
		return;
	case REACH_REFUSED:
		setup_plan_find(
			planner, "unreadable-file",
			g_strdup_printf("%s of todoke.conf names '%s', but %s may not pass %s",
		                        setting, path, reader_name(reader), at),
			g_steal_pointer(&fix));
	}
}

static void
check_list(SetupPlanner *planner, const RightsReader *reader, const char *setting, char **paths)
{
	for (; *paths != NULL; paths++)
		check_file(planner, reader, setting, *paths, false);
}

static void
check_site_files(SetupPlanner *planner, const RightsReader *reader)
{
	const Conf *conf = planner->wish->conf;

	check_list(planner, reader, "sieve_before", conf->sieve_before);
	check_list(planner, reader, "sieve_after", conf->sieve_after);
	check_file(planner, reader, "sieve_default", conf->sieve_default, false);
	check_file(planner, reader, "sieve_discard", conf->sieve_discard, false);
	check_file(planner, reader, "sieve_global", conf->sieve_global, true);
	if (conf->recipes != CONF_RECIPES_NO)
		check_file(planner, reader, "recipe_site", conf->recipe_site, false);
}

/* Without these two nothing is delivered. */
static void
check_needed(SetupPlanner *planner, const RightsReader *reader, const char *code, const char *what,
             const char *path, mode_t rwx)
{
	g_autofree char *at = NULL, *fix = NULL;
	if (*path == '/' && reach(reader, path, rwx, &at, &fix) == REACH_REFUSED)
		setup_plan_find(
			planner, code,
			g_strdup_printf("%s may not pass %s, but need %s '%s': all mail would wait",
		                        reader_name(reader), at, what, path),
			g_steal_pointer(&fix));
}

/*
 * The site's key must not be read by everybody, so at the local door there is no command that
 * helps.
 */
static void
check_key(SetupPlanner *planner, const RightsReader *reader)
{
	const Conf *conf = planner->wish->conf;
	g_autofree char *at = NULL, *fix = NULL;
	if (!is_of_site(conf->key_file) ||
	    reach(reader, conf->key_file, 4, &at, &fix) != REACH_REFUSED)
		return;

	if (reader->name != NULL)
		setup_plan_find(planner, "key-unreadable",
		                g_strdup_printf("%s may not pass %s, and so not read the key '%s'",
		                                reader->name, at, conf->key_file),
		                g_steal_pointer(&fix));
	else if (conf->redirect_sender == CONF_REDIRECT_SENDER_SRS)
		setup_plan_find(
			planner, "key-unreadable",
			g_strdup_printf(
				"redirect_sender is srs, but %s cannot read the key '%s', and must "
				"not: redirected mail would "
				"keep its sender",
				reader_name(reader), conf->key_file),
			g_strdup(
				"redirect_sender = owner in todoke.conf; or lmtpd, which reads the "
				"key as root"));
}

/* The account of the tree must be able to write at its root. */
static void
check_tree(SetupPlanner *planner, const RightsReader *reader)
{
	const char *maildir = planner->wish->conf->maildir;
	g_autofree char *prefix = g_strndup(maildir, strcspn(maildir, "%")), *at = NULL,
			*fix = NULL;
	char *slash = strrchr(prefix, '/');

	if (*prefix != '/' || slash == prefix)
		return;
	*slash = '\0';

	g_autofree char *quoted = g_shell_quote(prefix);
	Reach found = reach(reader, prefix, 7, &at, &fix);
	if (found == REACH_MISSING)
		setup_plan_find(
			planner, "tree-missing",
			g_strdup_printf(
				"maildir of todoke.conf lies below '%s', which is not there: all "
				"mail waits",
				prefix),
			g_strdup_printf("install -d -o %s -g %s -m 0700 %s", reader->name,
		                        reader->group, quoted));
	else if (found == REACH_REFUSED)
		setup_plan_find(
			planner, "tree-refused",
			g_strdup_printf(
				"maildir of todoke.conf lies below '%s', but %s may not pass %s, "
				"or not write there",
				prefix, reader->name, at),
			g_strdup_printf(
				"chown %s:%s %s && chmod u+rwx %s  # and the folders above it: "
				"chmod o+x",
				reader->name, reader->group, quoted, quoted));
}

static void
check_for_reader(SetupPlanner *planner, const RightsReader *reader)
{
	const Conf *conf = planner->wish->conf;

	check_needed(planner, reader, "program-refused", "the program", planner->wish->program, 5);
	for (guint i = 0; i < conf->files->len; i++)
		check_needed(planner, reader, "conf-refused", "the configuration",
		             conf->files->pdata[i], 4);
	check_needed(planner, reader, "passwd-refused", "passwd_file", conf->passwd_file, 4);
	check_key(planner, reader);
}

/* Returns whether there is nothing to say of that mailbox. */
static bool
check_spool_at(SetupPlanner *planner, const char *name, const char *path)
{
	char *text = NULL, *cure = NULL;
	SpoolAnswer answer = check_conf_spool(name, path, &text, &cure);
	bool is_new = answer == SPOOL_NEW;
	if (answer == SPOOL_GOOD)
		return true;

	setup_plan_find(planner, is_new ? "spool-new" : "spool", text, cure);
	return false;
}

/*
 * Where mail goes that no recipe files: as the command line of `procmail` says, else as
 * todoke.conf, which holds for that command whatever `recipes` says.
 */
static void
check_spool(SetupPlanner *planner)
{
	static const char *const names[] = { "DEFAULT=", "ORGMAIL=" };
	const char *arguments = planner->wish->door == SETUP_LOCAL
	                                ? setup_plan_procmail_arguments(planner)
	                                : NULL;
	g_auto(GStrv) words = NULL;

	if (arguments != NULL && g_shell_parse_argv(arguments, NULL, &words, NULL))
		for (char **word = words; *word != NULL; word++)
			for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
				if (g_str_has_prefix(*word, names[i]) &&
				    !check_spool_at(planner, "DEFAULT of mailbox_command",
				                    *word + strlen(names[i])))
					return;
	(void) check_spool_at(planner, "recipe_default", planner->wish->conf->recipe_default);
}

void
setup_rights_plan(SetupPlanner *planner)
{
	const SetupWish *wish = planner->wish;
	g_auto(RightsReader) reader = { 0 };
	const char *user = wish->door == SETUP_LMTP ? wish->conf->lmtp_user : planner->pipe_user;

	check_spool(planner);
	if (wish->door == SETUP_LOCAL) {
		check_for_reader(planner, &reader);
		check_site_files(planner, &reader);
	} else if (*user == '\0') {
		check_site_files(planner, NULL);
	} else if (find_reader(user, &reader)) {
		check_for_reader(planner, &reader);
		check_site_files(planner, &reader);
		check_tree(planner, &reader);
	} else if (wish->door == SETUP_PIPE) {
		g_autofree char *quoted = g_shell_quote(user);
		setup_plan_find(
			planner, "no-user",
			g_strdup_printf(
				"there is no account '%s': pipe(8) cannot start, and all mail "
				"waits",
				user),
			g_strdup_printf("useradd -r -U -M -d /var/vmail -s /usr/sbin/nologin %s",
		                        quoted));
	}
}
