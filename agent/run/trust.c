/* SPDX-License-Identifier: MIT */
/* trust: owner and mode against a rule. */
#include "agent/run/trust.h"

#include "agent/base/fs.h"
#include <string.h>
#include <unistd.h>

Trust
trust_of_owner(TrustRule rule, const Account *account, const char *path)
{
	uid_t we = fs_own_euid();
	uid_t nobody_else = we != 0 ? we : TRUST_ANYBODY;
	bool is_named = account->uid != ACCOUNT_NO_UID;

	return (Trust){
		.rule = rule,
		.path = path,
		.owner = is_named ? account->uid : nobody_else,
		.group = is_named ? account->gid : fs_own_egid(),
	};
}

Trust
trust_of_site(const Conf *conf, const char *name, const char *path)
{
	return (Trust){
		.rule = TRUST_SITE, .path = path, .owner = conf_author(conf, name), .group = 0
	};
}

/* May others than those whose word counts write to it by the group's bit? */
static bool
group_is_foreign(const struct stat *sb, const Trust *trust)
{
	if ((sb->st_mode & S_IWGRP) == 0 || trust->rule == TRUST_INCLUDED || sb->st_gid == 0)
		return false;
	return trust->rule == TRUST_SITE || sb->st_gid != trust->group;
}

/* As a shell wants it; bare where that is the same. Caller frees. */
static char *
quote(const char *path)
{
	bool is_bare =
		strspn(path,
	               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@%") ==
		strlen(path);
	return is_bare ? g_strdup(path) : g_shell_quote(path);
}

char *
trust_explain(const struct stat *sb, const Trust *trust, char **ret_command)
{
	unsigned mode = sb->st_mode & 07777;
	if (trust->rule == TRUST_ALL)
		return NULL;

	g_autofree char *quoted = quote(trust->path);
	if (sb->st_uid != 0 && sb->st_uid != trust->owner && trust->owner != TRUST_ANYBODY) {
		uid_t wanted = trust->rule == TRUST_SITE ? 0 : trust->owner;
		*ret_command = g_strdup_printf("chown %d %s", (int) wanted, quoted);
		return g_strdup_printf(
			"not used, as it belongs to somebody else, uid %d (mode %04o)",
			(int) sb->st_uid, mode);
	}

	if (sb->st_mode & S_IWOTH) {
		*ret_command = g_strdup_printf("chmod go-w %s", quoted);
		return g_strdup_printf("not used, as anybody may write to it (mode %04o)", mode);
	}

	if (group_is_foreign(sb, trust)) {
		*ret_command = g_strdup_printf("chmod g-w %s", quoted);
		return g_strdup_printf("not used, as its group %d may write to it (mode %04o)",
		                       (int) sb->st_gid, mode);
	}

	return NULL;
}

char *
trust_judge(const struct stat *sb, const void *user)
{
	const Trust *trust = user;
	g_autofree char *command = NULL;
	g_autofree char *why = trust_explain(sb, trust, &command);
	return why != NULL ? g_strdup_printf("%s: %s: %s", trust->path, why, command) : NULL;
}
