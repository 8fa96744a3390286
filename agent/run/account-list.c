/* SPDX-License-Identifier: MIT */
/* account-list: each kind of source read once, from its beginning to its end. */
#define _GNU_SOURCE
#include "agent/run/account-list.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/run/account-parts.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
free_account(gpointer account)
{
	account_free(account);
}

static bool
has_room(const GPtrArray *list, Status *st)
{
	return list->len <= LIMIT_LISTED_ACCOUNTS ||
	       status_fail_detail(st, STATUS_LIMIT, "there are more than %u accounts: name some",
	                          LIMIT_LISTED_ACCOUNTS);
}

/* The account is taken over; one without paths is left out. */
static void
add_account(GPtrArray *list, const Conf *conf, Account *taken)
{
	g_autoptr(Account) account = taken;
	g_auto(Status) unknown = STATUS_INIT;
	if (account_set_paths(conf, account, NULL, &unknown))
		g_ptr_array_add(list, g_steal_pointer(&account));
}

static bool
list_system(GPtrArray *list, const Conf *conf, Status *st)
{
	const struct passwd *pw;
	bool good = true;

	setpwent();
	while (good && (pw = getpwent()) != NULL) {
		g_auto(Status) unusable = STATUS_INIT;
		bool may_be = pw->pw_uid != 0 && (gint64) pw->pw_uid >= conf->first_valid_uid;
		Account *account = may_be ? account_begin(conf, pw->pw_name, &unusable) : NULL;
		if (account == NULL)
			continue;
		account_use_passwd(account, pw);
		add_account(list, conf, account);
		good = has_room(list, st);
	}
	endpwent();

	return good;
}

static bool
list_lines(GPtrArray *list, const Conf *conf, Status *st)
{
	g_autofree char *data = account_read_lines(conf, st);
	unsigned number = 0;

	for (char *line = data, *next; line != NULL && *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		number++;

		g_auto(GStrv) fields = g_strsplit(line, ":", 7);
		g_auto(Status) unusable = STATUS_INIT;
		bool may_be = g_strv_length(fields) >= 6 && *fields[0] != '\0';
		g_autoptr(Account) account = may_be ? account_begin(conf, fields[0], &unusable)
		                                    : NULL;
		if (account == NULL ||
		    !account_use_line(account, fields, conf->passwd_file, number, &unusable))
			continue;
		add_account(list, conf, g_steal_pointer(&account));
		if (!has_room(list, st))
			return false;
	}

	return data != NULL;
}

/* A walk along the template of a virtual tree. */
typedef struct {
	GPtrArray *list;
	const Conf *conf;
	char **components; /* of the template, from the first with a letter on */
	char *names[3];    /* what the letters stood for so far: u, n, d */
	Status *st;
} Walk;

static const char letters[] = "und";

/*
 * Hold a folder's name against "before%Xbehind": the octets that X stands for. NULL: it does not
 * fit. Caller frees.
 */
static char *
read_letter(const char *component, const char *name, char *ret_letter)
{
	const char *sign = strchr(component, '%'), *behind = sign + 2;
	size_t before_len = (size_t) (sign - component), behind_len = strlen(behind),
	       len = strlen(name);

	*ret_letter = sign[1];
	if (len <= before_len + behind_len || strncmp(name, component, before_len) != 0 ||
	    strcmp(name + len - behind_len, behind) != 0)
		return NULL;
	return g_strndup(name + before_len, len - before_len - behind_len);
}

/* All letters have been read: whose folder is it? */
static bool
add_found(Walk *walk)
{
	const char *user = walk->names[0], *local = walk->names[1], *domain = walk->names[2];
	g_autofree char *recipient = user != NULL     ? g_strdup(user)
	                             : local == NULL  ? NULL
	                             : domain != NULL ? g_strconcat(local, "@", domain, NULL)
	                                              : g_strdup(local);
	g_auto(Status) unusable = STATUS_INIT;
	Account *account = recipient != NULL ? account_find(walk->conf, recipient, &unusable)
	                                     : NULL;

	if (account != NULL)
		g_ptr_array_add(walk->list, account);
	return has_room(walk->list, walk->st);
}

static bool walk_folder(Walk *walk, int folder, size_t depth);

static bool
walk_entry(Walk *walk, int folder, const char *name, size_t depth)
{
	const char *component = walk->components[depth];
	char letter = 0;
	bool has_letter = strchr(component, '%') != NULL;
	g_autofree char *value = has_letter ? read_letter(component, name, &letter) : NULL;

	if (has_letter ? value == NULL : strcmp(component, name) != 0)
		return true;
	auto_fd int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return true;

	const char *at = has_letter ? strchr(letters, letter) : NULL;
	char **slot = at != NULL ? &walk->names[at - letters] : NULL, *outer = NULL;
	if (slot != NULL) {
		outer = *slot;
		*slot = value;
	}

	bool good = walk_folder(walk, below, depth + 1);
	if (slot != NULL)
		*slot = outer;
	return good;
}

static bool
has_letters_left(char **components)
{
	for (; *components != NULL; components++)
		if (strchr(*components, '%') != NULL)
			return true;
	return false;
}

static bool
walk_folder(Walk *walk, int folder, size_t depth)
{
	if (!has_letters_left(walk->components + depth))
		return add_found(walk);

	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		fs_close_auto(&fd);
		return true;
	}

	bool good = true;
	for (const struct dirent *entry; good && (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.')
			good = walk_entry(walk, folder, entry->d_name, depth);
	(void) closedir(dir);

	return good;
}

/* Can names be read back from each component? */
static bool
is_readable(char **components)
{
	for (; *components != NULL; components++) {
		const char *sign = strchr(*components, '%');
		if (sign != NULL && (sign[1] == '\0' || strchr(letters, sign[1]) == NULL ||
		                     strchr(sign + 1, '%') != NULL))
			return false;
	}
	return true;
}

static bool
list_tree(GPtrArray *list, const Conf *conf, Status *st)
{
	const char *path_template = account_tree_template(conf);
	g_autofree char *top = path_template != NULL ? tree_of_template(path_template) : NULL;
	const char *rest = top != NULL && g_str_has_prefix(path_template, top)
	                           ? path_template + strlen(top)
	                           : path_template;
	g_auto(GStrv)
		components = g_strsplit(rest != NULL ? rest + strspn(rest, "/") : "", "/", -1);

	if (path_template == NULL || !is_readable(components))
		return status_fail_detail(st, STATUS_CONFIG,
		                          "users cannot be listed from the path '%s': name them",
		                          path_template != NULL ? path_template : conf->maildir);

	auto_fd int folder = open(top != NULL ? top : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return status_fail_detail(st, STATUS_LOOKUP, "cannot open folder '%s': %s",
		                          top != NULL ? top : "/", status_error_text(errno));

	Walk walk = { .list = list, .conf = conf, .components = components, .st = st };
	return walk_folder(&walk, folder, 0);
}

GPtrArray *
account_list(const Conf *conf, Status *st)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free_account);
	bool good;

	switch (account_kind_of_users(conf)) {
	case CONF_USERS_VIRTUAL:
		good = list_tree(list, conf, st);
		break;
	case CONF_USERS_PASSWD_FILE:
		good = list_lines(list, conf, st);
		break;
	default:
		good = list_system(list, conf, st);
	}

	return good ? g_steal_pointer(&list) : NULL;
}
