/* SPDX-License-Identifier: MIT */
/* tree: a mark inside, and outside the memory of it. */
#define _GNU_SOURCE
#include "agent/run/tree.h"

#include "agent/base/digest.h"
#include "agent/base/fs.h"
#include "agent/base/owner-walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Digits of a mark's number, and octets of a file that has one: behind it stands a path, for
 * people.
 */
enum { ID_DIGITS = 32, MOST_BYTES = 8192 };

void
tree_clear(Tree *tree)
{
	g_clear_pointer(&tree->path, g_free);
	g_clear_pointer(&tree->id, g_free);
	g_clear_pointer(&tree->memory, g_free);
}

char *
tree_of_template(const char *path_template)
{
	const char *letter = strchr(path_template, '%');
	size_t len = letter != NULL ? (size_t) (letter - path_template) : strlen(path_template);

	while (len > 0 && path_template[len - 1] != '/')
		len--;
	while (len > 1 && path_template[len - 1] == '/')
		len--;
	return len > 1 ? g_strndup(path_template, len) : NULL;
}

/* The number at the beginning of a mark or a memory. NULL: there is none in it. Caller frees. */
static char *
take_id(const char *text)
{
	size_t digits = strspn(text, "0123456789abcdef");
	return digits == ID_DIGITS && text[digits] == '\n' ? g_strndup(text, ID_DIGITS) : NULL;
}

/* Read one; *ret_id stays NULL where the file is not there, or we may not read it. */
static bool
read_id(int dirfd, const char *path, char **ret_id, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	auto_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		status_fail_errno(&fault, errno, "cannot open '%s'", path);

	/* What is no file of ours does not begin with an id, whatever it is. */
	char text[ID_DIGITS + 2] = "";
	ssize_t n;
	do
		n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	while (fd >= 0 && n < 0 && errno == EINTR);

	bool is_other = n < 0 && (errno == EISDIR || errno == EAGAIN);
	if (n >= 0 || (fd >= 0 && is_other)) {
		*ret_id = take_id(text);
		return true;
	}
	if (fd >= 0)
		status_fail_errno(&fault, errno, "cannot read '%s'", path);

	bool is_absent = fault.id == STATUS_MISSING || fault.id == STATUS_NOT_A_FOLDER ||
	                 fault.id == STATUS_NO_PERMISSION;
	if (!is_absent)
		status_move(st, &fault);
	return is_absent;
}

/* Make a file that appears as a whole, unless there is one. False: it could not be made. */
static bool
put_file(int dirfd, const char *name, const char *text)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *draft = g_strdup_printf(".%s.%d", name, (int) getpid());
	auto_fd int fd = openat(dirfd, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	                        0644);
	bool written = fd >= 0 && fchmod(fd, 0644) == 0 &&
	               fs_write_all(fd, text, strlen(text), name, &st) && fs_sync(fd, name, &st) &&
	               (linkat(dirfd, draft, dirfd, name, 0) == 0 || errno == EEXIST) &&
	               fs_sync(dirfd, name, &st);

	if (fd >= 0)
		(void) unlinkat(dirfd, draft, 0); /* linked by now, or of no use */
	return written;
}

/*
 * The number of the folder's mark, which is made where it is missing. NULL: it cannot be. Caller
 * frees.
 */
static char *
mark(const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	auto_fd int folder = -1;
	char *id = NULL;

	if (!fs_open_dir(AT_FDCWD, path, &folder, &st) || !read_id(folder, TREE_MARK, &id, &st) ||
	    id != NULL)
		return id;

	g_autofree char *uuid = g_uuid_string_random();
	g_autoptr(GString) text = g_string_new(uuid);
	g_string_replace(text, "-", "", 0);
	g_string_append_c(text, '\n');
	if (put_file(folder, TREE_MARK, text->str))
		(void) read_id(folder, TREE_MARK, &id, &st); /* ours, or that of who was faster */

	return id;
}

/* In a child: as the folder's owner, tell the parent the number. */
G_NORETURN static void
mark_as_owner(const OwnerWalk *owner, const char *path, int to)
{
	g_auto(Status) st = STATUS_INIT;
	if (setgroups(0, NULL) == 0 && setresgid(owner->gid, owner->gid, owner->gid) == 0 &&
	    setresuid(owner->uid, owner->uid, owner->uid) == 0 && setuid(0) != 0) {
		g_autofree char *id = mark(path);
		if (id != NULL)
			(void) fs_write_all(to, id, ID_DIGITS, "mark", &st);
	}

	_exit(0);
}

/*
 * Root does not write where others decide what a path leads to. NULL: nothing was told. Caller
 * frees.
 */
static char *
mark_by_child(const OwnerWalk *owner, const char *path)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return NULL;

	pid_t pid = fork();
	if (pid == 0)
		mark_as_owner(owner, path, ends[1]);
	(void) close(ends[1]);

	char said[ID_DIGITS + 2] = "";
	g_auto(Status) st = STATUS_INIT;
	size_t len = 0, n = 1;
	while (pid > 0 && n > 0 && len < ID_DIGITS &&
	       fs_read(ends[0], said + len, ID_DIGITS - len, &n, "mark", &st))
		len += n;
	(void) close(ends[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	said[len] = '\n';

	return take_id(said);
}

/* Root: mark the folder, as whoever may. */
static char *
mark_as_root(const char *path, bool is_home)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(OwnerWalk) walk = { 0 };
	struct stat root, folder;

	if (!owner_walk(path, &walk, &st) || walk.answer == OWNER_MISSING)
		return NULL;
	if (walk.answer == OWNER_FOUND)
		return walk.uid != 0 ? mark_by_child(&walk, path) : NULL;

	/*
	 * Homes lie in all sorts of folders; where those are root's, nobody can make a home below
	 * an empty mount point.
	 */
	bool is_apart = stat("/", &root) == 0 && stat(path, &folder) == 0 &&
	                root.st_dev != folder.st_dev;
	return !is_home || is_apart ? mark(path) : NULL;
}

/* The folder of memories; -1: there is none that we could write to. Only root makes one. */
static int
open_memories(const Conf *conf)
{
	g_auto(Status) st = STATUS_INIT;
	int folder = -1;
	if (fs_own_euid() == 0 ? !fs_make_dir(AT_FDCWD, conf->tree_memory, 0755, &folder, &st)
	                       : access(conf->tree_memory, W_OK) < 0 ||
	                                 !fs_open_dir(AT_FDCWD, conf->tree_memory, &folder, &st))
		return -1;

	if (fs_own_euid() == 0)
		/* whatever the umask: those who are not root read here */
		(void) fchmod(folder, 0755);
	return folder;
}

static bool
has_memory(const Conf *conf)
{
	return conf->tree_memory[0] == '/';
}

/* The name of a memory: readable, and one for each path. Caller frees. */
static char *
memory_path(const Conf *conf, const char *path)
{
	g_autofree char *base = g_path_get_basename(path);
	DigestSha256 sum;
	guchar octets[DIGEST_SHA256_BYTES];
	char hex[2 * sizeof octets + 1];
	digest_sha256_init(&sum);
	digest_sha256_add(&sum, path, strlen(path));
	digest_sha256_end(&sum, octets);
	digest_print(octets, sizeof octets, hex);

	return g_strdup_printf("%s/%.64s-%.16s", conf->tree_memory, base, hex);
}

/* Nothing is remembered of the folder yet. */
static void
remember(const Conf *conf, bool is_home, Tree *tree)
{
	auto_fd int memories = open_memories(conf);
	if (memories < 0)
		return;

	g_autofree char *id = fs_own_euid() == 0 ? mark_as_root(tree->path, is_home)
	                                         : mark(tree->path);
	if (id == NULL)
		return;

	g_autofree char *name = g_path_get_basename(tree->memory);
	g_autofree char *text = g_strdup_printf("%s\n%s\n", id, tree->path);
	if (put_file(memories, name, text))
		tree->id = g_steal_pointer(&id);
}

/* The folder above; NULL: that is the root folder. Caller frees. */
static char *
folder_above(const char *path)
{
	g_autofree char *above = g_path_get_dirname(path);
	return strcmp(above, "/") != 0 && strcmp(above, ".") != 0 ? g_steal_pointer(&above) : NULL;
}

/* One folder: its number, if it is remembered. */
static bool
recall_folder(const Conf *conf, const char *path, Tree *tree, Status *st)
{
	g_autofree char *id = NULL, *memory = has_memory(conf) ? memory_path(conf, path) : NULL;
	if (memory != NULL && !read_id(AT_FDCWD, memory, &id, st))
		return false;

	tree_clear(tree);
	*tree = (Tree){ g_strdup(path), g_steal_pointer(&id), g_steal_pointer(&memory) };
	return true;
}

/*
 * Above a home: the nearest folder that is remembered, else the nearest that is there, else the
 * nearest.
 */
static bool
recall_home(const Conf *conf, const char *home, Tree *tree, Status *st)
{
	g_autofree char *nearest = folder_above(home);
	g_autofree char *there = NULL;

	for (g_autofree char *folder = g_strdup(nearest); folder != NULL && tree->id == NULL;) {
		if (!recall_folder(conf, folder, tree, st))
			return false;
		if (there == NULL && access(folder, F_OK) == 0)
			there = g_strdup(folder);
		char *above = folder_above(folder);
		g_free(folder);
		folder = above;
	}

	const char *best = there != NULL ? there : nearest;
	return tree->id != NULL || best == NULL || recall_folder(conf, best, tree, st);
}

bool
tree_recall(const Conf *conf, const char *path, unsigned how, Tree *ret_tree, Status *st)
{
	g_auto(Tree) tree = { 0 };
	bool is_home = (how & TREE_OF_HOME) != 0;
	if (path == NULL)
		return true;
	if (is_home ? !recall_home(conf, path, &tree, st) : !recall_folder(conf, path, &tree, st))
		return false;

	if (tree.memory != NULL && tree.id == NULL && (how & TREE_LOOK_ONLY) == 0)
		remember(conf, is_home, &tree);

	tree_clear(ret_tree);
	*ret_tree = tree;
	tree = (Tree){ 0 };

	return true;
}

bool
tree_check(const Tree *tree, Status *st)
{
	g_auto(Status) unread = STATUS_INIT;
	g_autofree char *name = tree->path != NULL ? g_build_filename(tree->path, TREE_MARK, NULL)
	                                           : NULL;
	g_autofree char *id = NULL;

	/* Most often the mark is there, and says all. */
	if (tree->path == NULL || (tree->id != NULL && read_id(AT_FDCWD, name, &id, &unread) &&
	                           g_strcmp0(id, tree->id) == 0))
		return true;

	struct stat sb;
	bool is_there = stat(tree->path, &sb) == 0;
	if (!is_there && errno != ENOENT && errno != ENOTDIR)
		return status_fail_errno(st, errno, "cannot look for '%s'", tree->path);

	if (!is_there || !S_ISDIR(sb.st_mode))
		return status_fail_detail(
			st, STATUS_TREE,
			"'%s', below which the mailboxes lie, is not there: make it, or mount its "
			"file system",
			tree->path);

	if (tree->id == NULL)
		return true;

	/* Who may not look into it cannot say what is there. */
	if (id == NULL && faccessat(AT_FDCWD, name, R_OK, AT_EACCESS) < 0 && errno == EACCES)
		return status_fail_errno(st, EACCES, "cannot look into '%s'", tree->path);

	if (unread.id != STATUS_OK) {
		status_move(st, &unread);
		return false;
	}

	return status_fail_detail(
		st, STATUS_TREE,
		"'%s' is not the folder that mail was delivered to before: it has no or another "
		"%s; mount "
		"its file system, or, if it is to be used as it is, remove '%s'",
		tree->path, TREE_MARK, tree->memory);
}

/* Without the right to list, the folder may have any mailbox. */
static bool
fail_to_list(const Tree *tree, int err, bool *ret_empty, Status *st)
{
	if (tree->path != NULL && err != EACCES)
		return status_fail_errno(st, err, "cannot list '%s'", tree->path);

	*ret_empty = false;
	return true;
}

bool
tree_is_empty(const Tree *tree, bool *ret_empty, Status *st)
{
	DIR *folder = tree->path != NULL ? opendir(tree->path) : NULL;
	if (folder == NULL)
		return fail_to_list(tree, errno, ret_empty, st);

	const char *name = NULL;
	bool good;
	do
		good = fs_next_name(folder, &name, tree->path, st);
	while (good && name != NULL && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0));
	(void) closedir(folder);
	if (good)
		*ret_empty = name == NULL;

	return good;
}
