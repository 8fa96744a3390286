/* SPDX-License-Identifier: MIT */
/* secret-file: see the header. */
#include "agent/base/secret-file.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
	const char *setting, *path;
} Named;

/* FsJudge: the password is for nobody else. */
static char *
judge(const struct stat *sb, const void *user)
{
	const Named *named = user;
	bool is_ours = sb->st_uid == 0 || sb->st_uid == fs_own_euid();
	if (is_ours && (sb->st_mode & (S_IRWXO | S_IWGRP)) == 0)
		return NULL;

	g_autofree char *quoted = g_shell_quote(named->path);
	return g_strdup_printf("%s %s: others can read or write it: chmod o= %s", named->setting,
	                       quoted, quoted);
}

bool
secret_file_read_all(const char *setting, const char *path, char **ret_secret, Status *st)
{
	const Named named = { setting, path };
	size_t len;
	return fs_read_judged(AT_FDCWD, path, LIMIT_SMALL_FILE, judge, &named, ret_secret, &len,
	                      st);
}

bool
secret_file_read(const char *setting, const char *path, char **ret_secret, Status *st)
{
	char *data = NULL;
	if (!secret_file_read_all(setting, path, &data, st))
		return false;

	data[strcspn(data, "\r\n")] = '\0';
	*ret_secret = data;
	return true;
}
