/* SPDX-License-Identifier: MIT */
/* account-list: who has a mailbox here. */
#define _GNU_SOURCE
#include "agent/run/account-list.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/run/account.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* Where /etc/login.defs does not say which ids are people's. */
enum { FIRST_PERSON = 1000, LAST_PERSON = 60000 };

/* A number of /etc/login.defs. */
static gint64
login_number(const char *text, const char *name, gint64 otherwise)
{
	g_autofree char *pattern = g_strdup_printf("\n%s", name);
	const char *at = text != NULL ? strstr(text, pattern) : NULL;
	return at != NULL && g_ascii_isspace(at[strlen(pattern)])
	               ? g_ascii_strtoll(at + strlen(pattern), NULL, 10)
	               : otherwise;
}

static bool
add_user(GPtrArray *users, char *address, Status *st)
{
	if (users->len >= LIMIT_DOCTOR_USERS) {
		g_free(address);
		return status_fail_detail(st, STATUS_LIMIT, "there are more than %u users",
		                          LIMIT_DOCTOR_USERS);
	}

	g_ptr_array_add(users, address);
	return true;
}

static void
list_system(GPtrArray *users, Status *st)
{
	g_autofree char *defs = NULL;
	(void) g_file_get_contents("/etc/login.defs", &defs, NULL, NULL);
	gint64 first = login_number(defs, "UID_MIN", FIRST_PERSON),
	       last = login_number(defs, "UID_MAX", LAST_PERSON);

	setpwent();
	for (const struct passwd *entry; (entry = getpwent()) != NULL;)
		if (entry->pw_uid >= first && entry->pw_uid <= last &&
		    !add_user(users, g_strdup(entry->pw_name), st))
			break;
	endpwent();
}

static void
list_passwd_file(const Conf *conf, GPtrArray *users, Status *st)
{
	char *text = NULL;
	size_t len;
	if (!fs_read_file(AT_FDCWD, conf->passwd_file, LIMIT_PASSWD_FILE, &text, &len, st))
		return;

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_free(text);
	for (char **line = lines; *line != NULL; line++) {
		size_t name = strcspn(*line, ":");
		if (name > 0 && (*line)[name] == ':' && **line != '#' &&
		    !add_user(users, g_strndup(*line, name), st))
			return;
	}
}

/* A walk over the tree: the components of the template that are still to come, and what is known. */
typedef struct {
	GPtrArray *users;
	char **parts; /* of the template; NULL ends */
	Status *st;
} TreeWalk;

/* The address that the values of %u, %n and %d make; NULL: none. Caller frees. */
static char *
address_of(const char *user, const char *local, const char *domain)
{
	if (user != NULL)
		return g_strdup(user);
	if (local == NULL)
		return NULL;
	return domain != NULL ? g_strconcat(local, "@", domain, NULL) : g_strdup(local);
}

static bool walk_tree(TreeWalk *walk, int folder, guint depth, const char *user, const char *local,
                      const char *domain);

/* One name in the place of the component `part`, such as "%n". */
static bool
enter(TreeWalk *walk, int folder, guint depth, const char *name, const char *user,
      const char *local, const char *domain)
{
	const char *part = walk->parts[depth];
	auto_fd int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return true; /* no folder, or a link of who knows whom */
	return walk_tree(walk, below, depth + 1, strcmp(part, "%u") == 0 ? name : user,
	                 strcmp(part, "%n") == 0 ? name : local,
	                 strcmp(part, "%d") == 0 ? name : domain);
}

static bool
walk_tree(TreeWalk *walk, int folder, guint depth, const char *user, const char *local,
          const char *domain)
{
	/* what stands behind the last variable is the same for all, and need not be there */
	bool has_more = false;
	for (char **part = walk->parts + depth; *part != NULL; part++)
		has_more |= strchr(*part, '%') != NULL;
	char *address = has_more ? NULL : address_of(user, local, domain);
	if (address != NULL)
		return add_user(walk->users, address, walk->st);
	if (walk->parts[depth] == NULL)
		return true;

	if (strchr(walk->parts[depth], '%') == NULL)
		return enter(walk, folder, depth, walk->parts[depth], user, local, domain);

	DIR *dir = fdopendir(fcntl(folder, F_DUPFD_CLOEXEC, 0));
	bool good = dir != NULL;
	for (const struct dirent *entry; good && (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.' && entry->d_name[0] != '-')
			good = enter(walk, folder, depth, entry->d_name, user, local, domain);
	if (dir != NULL)
		(void) closedir(dir);

	return good;
}

/* Does each variable stand alone in its component, so that names of folders are its values? */
static bool
is_listable(char **parts)
{
	for (; *parts != NULL; parts++)
		if (strchr(*parts, '%') != NULL && strcmp(*parts, "%u") != 0 &&
		    strcmp(*parts, "%n") != 0 && strcmp(*parts, "%d") != 0)
			return false;
	return true;
}

static void
list_tree(const Conf *conf, GPtrArray *users, Status *st)
{
	const char *path_template = *conf->maildir == '/' ? conf->maildir : conf->home;
	g_autofree char *top = tree_of_template(path_template);
	if (top == NULL || !g_str_has_prefix(path_template, top)) {
		status_fail_detail(st, STATUS_CONFIG, "the users of '%s' cannot be listed",
		                   path_template);
		return;
	}

	const char *rest = path_template + strlen(top);
	g_auto(GStrv) parts = g_strsplit(rest + strspn(rest, "/"), "/", -1);
	TreeWalk walk = { users, parts, st };
	if (!is_listable(parts)) {
		status_fail_detail(st, STATUS_CONFIG,
		                   "the users of '%s' cannot be listed: a folder's name is only a "
		                   "part of theirs",
		                   path_template);
		return;
	}

	auto_fd int folder = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		status_fail_errno(st, errno, "cannot open folder '%s'", top);
	else
		(void) walk_tree(&walk, folder, 0, NULL, NULL, NULL);
}

static int
compare(gconstpointer one, gconstpointer other)
{
	return strcmp(*(char *const *) one, *(char *const *) other);
}

GPtrArray *
account_list(const Conf *conf, Status *st)
{
	GPtrArray *users = g_ptr_array_new_with_free_func(g_free);

	switch (account_users_kind(conf)) {
	case USERS_PASSWD_FILE:
		list_passwd_file(conf, users, st);
		break;
	case USERS_VIRTUAL:
		list_tree(conf, users, st);
		break;
	default:
		list_system(users, st);
	}

	g_ptr_array_sort(users, compare);
	return users;
}
