/* SPDX-License-Identifier: MIT */
/* setup-home: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/setup-home.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/cmd/check-files.h"
#include "agent/cmd/cmd-common.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Behind the name of the configuration: what --undo has to know. */
#define RECORD_SUFFIX ".setup-home"

/* One file that a user's new home gets. */
typedef struct {
	char *from;
	char *to;
	uid_t uid;
	gid_t gid;
} Copy;

static void
copy_free(gpointer data)
{
	Copy *copy = data;
	g_free(copy->from);
	g_free(copy->to);
	g_free(copy);
}

static bool
names_user(const char *template)
{
	return strstr(template, "%n") != NULL || strstr(template, "%u") != NULL;
}

/* The template of the homes that users get: the mailbox, or the folder that holds it alone. */
static char *
new_home_template(const Conf *conf)
{
	g_autofree char *above = g_path_get_dirname(conf->maildir);
	return g_strdup(names_user(above) ? above : conf->maildir);
}

/* What `letters` ("%d") stands for in `path`, which the template led to. NULL: it does not say. */
static char *
value_of(const char *template, const char *path, const char *letters)
{
	g_auto(GStrv) words = g_strsplit(template, "/", -1), parts = g_strsplit(path, "/", -1);
	for (size_t i = 0; words[i] != NULL && parts[i] != NULL; i++)
		if (strcmp(words[i], letters) == 0)
			return g_strdup(parts[i]);
	return NULL;
}

/* The home that the user of the mailbox at `path` has had. NULL: nobody knows. Caller frees. */
static char *
old_home_of(const Conf *conf, const char *path)
{
	if (*conf->home == '\0')
		return g_path_get_dirname(path);
	g_autofree char *domain = value_of(conf->maildir, path, "%d");
	g_auto(GStrv) parts = g_strsplit(conf->home, "%d", -1);
	if (parts[1] != NULL && domain == NULL)
		return NULL;

	return g_strjoinv(domain != NULL ? domain : "", parts);
}

/* Like the mailbox: the home is it, or the folder above. Caller frees. */
static char *
new_home_of(const Conf *conf, const char *path)
{
	g_autofree char *template = new_home_template(conf);
	return strcmp(template, conf->maildir) == 0 ? g_strdup(path) : g_path_get_dirname(path);
}

static void
add_copy(GPtrArray *copies, const char *from, const char *to, const struct stat *owner)
{
	struct stat sb;
	if (stat(from, &sb) < 0 || !S_ISREG(sb.st_mode) || lstat(to, &sb) == 0)
		return;

	Copy *copy = g_new(Copy, 1);
	*copy = (Copy){ g_strdup(from), g_strdup(to), owner->st_uid, owner->st_gid };
	g_ptr_array_add(copies, copy);
}

/*
 * A file, or the files of a folder and of those in it; links to folders are not followed. Stops
 * after one file more than may be copied.
 */
static void
add_place(GPtrArray *copies, guint most, const char *from, const char *to, const struct stat *owner,
          unsigned depth)
{
	struct stat sb;
	bool is_folder = (depth == 0 ? stat(from, &sb) : lstat(from, &sb)) == 0 &&
	                 S_ISDIR(sb.st_mode) && depth < LIMIT_SETUP_HOME_DEPTH;
	g_autoptr(GDir) dir = is_folder ? g_dir_open(from, 0, NULL) : NULL;
	if (dir == NULL) {
		add_copy(copies, from, to, owner);
		return;
	}

	for (const char *name; copies->len <= most && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *one = g_build_filename(from, name, NULL),
				*other = g_build_filename(to, name, NULL);
		add_place(copies, most, one, other, owner, depth + 1);
	}
}

/* A setting's path below the home; NULL: it leads elsewhere. */
static const char *
below_home(const char *template)
{
	if (g_str_has_prefix(template, "~/"))
		return template + strlen("~/");
	return g_str_has_prefix(template, "%h/") ? template + strlen("%h/") : NULL;
}

static bool
add_places(const Conf *conf, const char *old_home, const char *new_home, const struct stat *owner,
           GPtrArray *copies, Status *st)
{
	g_autoptr(GPtrArray) templates = g_ptr_array_new();
	for (char **script = conf->sieve_scripts; *script != NULL; script++)
		g_ptr_array_add(templates, *script);
	for (char **file = conf->recipe_files; conf->recipes != CONF_RECIPES_NO && *file != NULL;
	     file++)
		g_ptr_array_add(templates, *file);
	g_ptr_array_add(templates, conf->sieve_personal);
	g_ptr_array_add(templates, conf->state_folder);

	for (guint i = 0; i < templates->len; i++) {
		const char *rest = below_home(templates->pdata[i]);
		if (rest == NULL || strchr(rest, '%') != NULL)
			continue;
		g_autofree char *from = g_build_filename(old_home, rest, NULL),
				*to = g_build_filename(new_home, rest, NULL);
		guint most = copies->len + LIMIT_SETUP_HOME_FILES;
		add_place(copies, most, from, to, owner, 0);
		if (copies->len > most)
			return status_fail_detail(st, STATUS_CONFIG,
			                          "'%s' has more than %u files: copy it by hand",
			                          from, LIMIT_SETUP_HOME_FILES);
	}

	return true;
}

/* A mailbox that cannot be found must not be left behind; others than root see no lost+found. */
static int
stop_at_fault(const char *path, int err)
{
	(void) path;
	return err == EACCES ? geteuid() == 0 : !fs_is_absence(err);
}

/* What each mailbox that is there needs in its user's new home. NULL: too much. Caller frees. */
static GPtrArray *
plan_copies(const Conf *conf, Status *st)
{
	g_autoptr(GPtrArray) copies = g_ptr_array_new_with_free_func(copy_free);
	g_autoptr(GString) pattern = g_string_new(conf->maildir);
	glob_t found = { 0 };

	for (const char *const *letters = (const char *const[]){ "%d", "%n", "%u", NULL };
	     *letters != NULL; letters++)
		g_string_replace(pattern, *letters, "*", 0);
	int rc = glob(pattern->str, 0, stop_at_fault, &found);
	if (rc == GLOB_ABORTED || rc == GLOB_NOSPACE) {
		globfree(&found);
		return status_fail_detail(st, STATUS_IO, "cannot list the mailboxes '%s'",
		                          pattern->str),
		       NULL;
	}

	bool fits = true;
	for (size_t i = 0; i < found.gl_pathc && fits; i++) {
		const char *path = found.gl_pathv[i];
		g_autofree char *cur = g_build_filename(path, "cur", NULL);
		g_autofree char *old_home = old_home_of(conf, path);
		g_autofree char *new_home = new_home_of(conf, path);
		struct stat sb;
		bool is_mailbox = lstat(path, &sb) == 0 && S_ISDIR(sb.st_mode) &&
		                  g_file_test(cur, G_FILE_TEST_IS_DIR);
		if (is_mailbox && old_home != NULL && sb.st_uid != 0)
			fits = add_places(conf, old_home, new_home, &sb, copies, st);
	}

	globfree(&found);
	return fits ? g_steal_pointer(&copies) : NULL;
}

/* Go on with the rights of the copy's owner, or come back. Only root has to. */
static bool
take_rights(const Copy *copy, Status *st)
{
	if (getuid() != 0)
		return true;
	if (copy == NULL)
		return (seteuid(0) == 0 && setegid(0) == 0) ||
		       status_fail_errno(st, errno, "cannot go on as root");
	return (setgroups(0, NULL) == 0 && setegid(copy->gid) == 0 && seteuid(copy->uid) == 0) ||
	       status_fail_errno(st, errno, "cannot become uid %d", (int) copy->uid);
}

static bool
write_copy(const Copy *copy, Status *st)
{
	g_autofree char *text = NULL, *folder = g_path_get_dirname(copy->to);
	size_t len;
	auto_fd int dir = -1;

	if (!fs_read_file(AT_FDCWD, copy->from, LIMIT_STATE_COPY, &text, &len, st) ||
	    !fs_make_dir(AT_FDCWD, folder, 0700, &dir, st))
		return false;

	auto_fd int fd = open(copy->to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make '%s'", copy->to);
	return fs_write_all(fd, text, len, copy->to, st) && fs_sync(fd, copy->to, st) &&
	       fs_close(&fd, copy->to, st) && fs_sync(dir, folder, st);
}

static bool
make_copy(const Copy *copy, Status *st)
{
	g_auto(Status) back = STATUS_INIT;
	bool done = take_rights(copy, st) && write_copy(copy, st);
	if (take_rights(NULL, &back))
		return done;
	status_move(st, &back);
	return false;
}

/* The whole file, to compare. NULL: it cannot be read. Caller frees. */
static char *
sum_of(const char *path)
{
	g_auto(Status) unread = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len;
	if (!fs_read_file(AT_FDCWD, path, LIMIT_STATE_COPY, &text, &len, &unread))
		return NULL;
	return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *) text, len);
}

/* Replace a file of root's by a new one with the same rights, flushed. */
static bool
replace_file(const char *path, const char *text, int mode, Status *st)
{
	g_autoptr(GError) error = NULL;
	GFileSetContentsFlags how = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;
	return g_file_set_contents_full(path, text, -1, how, mode, &error) ||
	       status_fail_detail(st, STATUS_IO, "%s", error->message);
}

static int
failed(const Status *st)
{
	cmd_print(stderr, "todoke setup: %s\n", status_why(st));
	return CMD_FINDINGS;
}

/* The configuration that is changed, its links resolved; NULL: there is none. Caller frees. */
static char *
main_file(const Conf *conf, Status *st)
{
	const char *named = conf->files->len > 0 ? conf->files->pdata[0] : NULL;
	g_autofree char *path = NULL;
	char *found = named != NULL ? realpath(named, NULL) : NULL;

	if (found == NULL) {
		status_fail_detail(st, STATUS_CONFIG, "there is no configuration file to change");
		return NULL;
	}

	path = g_strdup(found);
	free(found);
	return g_steal_pointer(&path);
}

static json_t *
record_of(const GPtrArray *copies, const char *before, const char *after)
{
	json_t *files = json_array();
	for (guint i = 0; i < copies->len; i++) {
		const Copy *copy = copies->pdata[i];
		g_autofree char *sum = sum_of(copy->from);
		json_array_append_new(files, json_pack("{s:s, s:s, s:i, s:i}", "path", copy->to,
		                                       "sha256", sum != NULL ? sum : "", "uid",
		                                       (int) copy->uid, "gid", (int) copy->gid));
	}

	return json_pack("{s:s, s:s, s:s, s:o}", "schema", "todoke.setup-home/1", "before", before,
	                 "after", after, "files", files);
}

/* The record first: what was begun can be taken back. */
static bool
apply(const char *file, const char *line, const GPtrArray *copies, Status *st)
{
	g_autofree char *record = g_strconcat(file, RECORD_SUFFIX, NULL), *before = NULL;
	size_t len;
	struct stat sb;

	if (access(record, F_OK) == 0)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "'%s' is there: it was applied before; --undo first",
		                          record);
	if (!fs_read_file(AT_FDCWD, file, LIMIT_STATE_COPY, &before, &len, st) ||
	    stat(file, &sb) < 0)
		return false;

	g_autofree char *after = g_strconcat(before, len > 0 && before[len - 1] != '\n' ? "\n" : "",
	                                     line, "\n", NULL);
	json_t *object = record_of(copies, before, after);
	char *text = json_dumps(object, JSON_INDENT(1));
	bool good = text != NULL ? replace_file(record, text, 0600, st)
	                         : status_fail_detail(st, STATUS_CONFIG,
	                                              "'%s' is not text in UTF-8", file);
	free(text);
	json_decref(object);

	for (guint i = 0; good && i < copies->len; i++)
		good = make_copy(copies->pdata[i], st);
	return good && replace_file(file, after, sb.st_mode & 07777, st);
}

/* A copy that somebody has changed since stays. */
static void
take_back_file(const json_t *file)
{
	const char *path = json_string_value(json_object_get(file, "path"));
	const char *sum = json_string_value(json_object_get(file, "sha256"));
	const Copy owner = { .uid = (uid_t) json_integer_value(json_object_get(file, "uid")),
		             .gid = (gid_t) json_integer_value(json_object_get(file, "gid")) };
	g_auto(Status) st = STATUS_INIT;

	if (path == NULL || sum == NULL || owner.uid == 0 || !take_rights(&owner, &st))
		return;
	g_autofree char *now = sum_of(path);
	bool is_ours = g_strcmp0(now, sum) == 0;
	bool removed = is_ours && unlink(path) == 0;
	if (!take_rights(NULL, &st))
		abort(); /* with rights that nobody knows, nothing goes on */

	if (removed)
		cmd_print(stdout, "removed: %s\n", path);
	else if (now != NULL)
		cmd_print(stdout, "stays, changed since: %s\n", path);
}

static int
undo(const char *file)
{
	g_autofree char *record = g_strconcat(file, RECORD_SUFFIX, NULL), *now = NULL;
	g_auto(Status) st = STATUS_INIT;
	size_t len, i;
	struct stat sb;
	json_t *object = json_load_file(record, 0, NULL), *one;
	if (object == NULL) {
		cmd_print(stderr, "todoke setup: nothing to undo: there is no '%s'\n", record);
		return CMD_FINDINGS;
	}

	const char *before = json_string_value(json_object_get(object, "before"));
	const char *after = json_string_value(json_object_get(object, "after"));
	bool good = before != NULL && after != NULL && stat(file, &sb) == 0 &&
	            fs_read_file(AT_FDCWD, file, LIMIT_STATE_COPY, &now, &len, &st);
	bool is_ours = good && strcmp(now, after) == 0;
	bool is_old = good && strcmp(now, before) == 0;
	if (is_ours)
		good = replace_file(file, before, sb.st_mode & 07777, &st);
	else if (good && !is_old)
		cmd_print(stdout, "%s was changed since: take the line `home = ...` out yourself\n",
		          file);

	json_array_foreach(json_object_get(object, "files"), i, one) if (good) take_back_file(one);
	json_decref(object);
	if (!good)
		return failed(&st);

	(void) unlink(record);
	return CMD_GOOD;
}

/* "todoke setup home" with the configuration that was named. Caller frees. */
static char *
own_command(const char *named)
{
	g_autofree char *quoted = named != NULL ? g_shell_quote(named) : NULL;
	return quoted != NULL ? g_strconcat("todoke setup home -c ", quoted, NULL)
	                      : g_strdup("todoke setup home");
}

int
setup_home(const Conf *conf, const char *named, SetupHomeWay way)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *file = main_file(conf, &st), *shared = NULL;
	if (file == NULL)
		return failed(&st);
	if (way == SETUP_HOME_UNDO)
		return undo(file);

	if (!check_files_shares_home(conf, &shared)) {
		cmd_print(stdout, "each user has a home of their own: nothing to do\n");
		return CMD_GOOD;
	}

	g_autofree char *home = new_home_template(conf);
	g_autofree char *line = g_strdup_printf("home = \"%s\"", home);
	g_autofree char *command = own_command(named);
	g_autoptr(GPtrArray) copies = plan_copies(conf, &st);
	if (copies == NULL)
		return failed(&st);
	cmd_print(stdout, "users share the home %s; mailboxes stay where they are\n%s: %s\n",
	          shared, file, line);
	for (guint i = 0; i < copies->len; i++) {
		const Copy *copy = copies->pdata[i];
		cmd_print(stdout, "copy %s to %s\n", copy->from, copy->to);
	}

	if (way == SETUP_HOME_SHOW) {
		cmd_print(stdout, "nothing was changed: %s --apply\n", command);
		return CMD_FINDINGS;
	}

	if (!apply(file, line, copies, &st))
		return failed(&st);
	cmd_print(stdout, "done; %s --undo takes it back\n", command);
	return CMD_GOOD;
}
