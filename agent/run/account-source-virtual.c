/* SPDX-License-Identifier: MIT */
/*
 * account-source-virtual: a tree of mailboxes, in which each address has the folder that the
 * settings maildir and home say. No list of users is kept: the folders are the list.
 */
#define _GNU_SOURCE
#include "agent/run/account-source.h"

#include "agent/base/fs.h"
#include "agent/run/account-parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool
find(const Conf *conf, Account *account, const char *recipient, Status *st)
{
	(void) recipient;
	account->user = account_address(account);
	if (*conf->home != '\0') {
		account->home = account_expand(account, conf->home, st);
		return account->home != NULL;
	}

	return true;
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
	return account_list_has_room(walk->list, walk->st);
}

/* lost+found is root's alone; it is no user's, as far as others can see. */
static bool
is_to_be_left_out(int err)
{
	return err == EACCES || fs_is_absence(err);
}

/* A list that lacks users must not pass for all of them. */
static bool
fail_to_list(const Walk *walk, int err)
{
	return status_fail_errno(walk->st, err, "cannot list the folders of the users");
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
		return is_to_be_left_out(errno) || fail_to_list(walk, errno);

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
		int err = errno;
		fs_close_auto(&fd);
		return is_to_be_left_out(err) || fail_to_list(walk, err);
	}

	const char *name = NULL;
	bool good;
	do {
		good = fs_next_name(dir, &name, "the folders of the users", walk->st);
		if (good && name != NULL && name[0] != '.')
			good = walk_entry(walk, folder, name, depth);
	} while (good && name != NULL);
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
list(GPtrArray *accounts, const Conf *conf, Status *st)
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

	Walk walk = { .list = accounts, .conf = conf, .components = components, .st = st };
	return walk_folder(&walk, folder, 0);
}

extern const AccountSource account_source_virtual;
const AccountSource account_source_virtual = { .name = "virtual", .find = find, .list = list };
