/* SPDX-License-Identifier: MIT */
/* maildir-shelf: see the header. */
#define _GNU_SOURCE
#include "agent/store/maildir-shelf.h"

#include "agent/base/fs.h"
#include "agent/base/libc.h"
#include "agent/store/mail-place.h"
#include "agent/store/maildir-flags.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SHELF_NEW, SHELF_CUR, SHELF_PLACES };

static const char *const places[SHELF_PLACES] = { "new", "cur" };

struct MaildirShelf {
	char *path;
	int folder; /* where its keywords are */
	int dirs[SHELF_PLACES];
	/* names without sizes and flags to "cur/NAME", as last seen; NULL: not listed yet */
	GHashTable *known;
};

static bool
open_place(MaildirShelf *shelf, int place, Status *st)
{
	shelf->dirs[place] = openat(shelf->folder, places[place],
	                            O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (shelf->dirs[place] >= 0)
		return true;

	struct stat sb;
	int err = errno;
	if (fstatat(shelf->folder, places[place], &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(sb.st_mode))
		return status_fail_detail(st, STATUS_NOT_A_FOLDER,
		                          "'%s' is a symbolic link, which is not followed",
		                          places[place]);
	return status_fail_errno(st, err, "cannot open '%s'", places[place]);
}

MaildirShelf *
maildir_shelf_open(int dirfd, const char *path, Status *st)
{
	g_autoptr(MaildirShelf) shelf = g_new0(MaildirShelf, 1);

	shelf->path = g_strdup(path);
	shelf->dirs[SHELF_NEW] = shelf->dirs[SHELF_CUR] = -1;
	shelf->folder = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	if (shelf->folder < 0) {
		status_fail_errno(st, errno, "cannot open folder '%s'", path);
		return NULL;
	}

	for (int place = 0; place < SHELF_PLACES; place++)
		if (!open_place(shelf, place, st))
			return NULL;
	return g_steal_pointer(&shelf);
}

void
maildir_shelf_free(MaildirShelf *shelf)
{
	if (shelf == NULL)
		return;
	for (int place = 0; place < SHELF_PLACES; place++)
		fs_close_auto(&shelf->dirs[place]);
	fs_close_auto(&shelf->folder);
	g_clear_pointer(&shelf->known, g_hash_table_unref);
	g_free(shelf->path);
	g_free(shelf);
}

const char *
maildir_shelf_path(const MaildirShelf *shelf)
{
	return shelf->path;
}

bool
maildir_shelf_is_same(const MaildirShelf *one, const MaildirShelf *other)
{
	struct stat a, b;
	return one == other ||
	       (fstat(one->dirs[SHELF_CUR], &a) == 0 && fstat(other->dirs[SHELF_CUR], &b) == 0 &&
	        a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* The names in one place, as "cur/NAME". */
static bool
list_place(const MaildirShelf *shelf, int place, GPtrArray *files, Status *st)
{
	int fd = openat(shelf->dirs[place], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		status_fail_errno(st, errno, "cannot list '%s'", places[place]);
		fs_close_auto(&fd);
		return false;
	}

	const char *name;
	bool good;
	while ((good = fs_next_name(dir, &name, places[place], st)) && name != NULL)
		if (name[0] != '.')
			g_ptr_array_add(files, g_strconcat(places[place], "/", name, NULL));
	(void) closedir(dir);
	return good;
}

static int
compare_files(gconstpointer one, gconstpointer other)
{
	return strcmp(*(const char *const *) one, *(const char *const *) other);
}

GPtrArray *
maildir_shelf_list(const MaildirShelf *shelf, Status *st)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);

	for (int place = 0; place < SHELF_PLACES; place++)
		if (!list_place(shelf, place, files, st))
			return NULL;
	g_ptr_array_sort(files, compare_files);

	return g_steal_pointer(&files);
}

/* The place of "cur/NAME", and where its name begins. -1: it is no such path. */
static int
split(const char *file, const char **ret_name)
{
	for (int place = 0; place < SHELF_PLACES; place++) {
		size_t len = strlen(places[place]);
		if (strncmp(file, places[place], len) != 0 || file[len] != '/')
			continue;
		const char *name = file + len + 1;
		if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
			return -1;
		*ret_name = name;
		return place;
	}
	return -1;
}

/* The directory and name of a file. -1: a path that no message has. */
static int
dir_of(const MaildirShelf *shelf, const char *file, const char **ret_name, Status *st)
{
	int place = split(file, ret_name);
	if (place >= 0)
		return shelf->dirs[place];
	status_fail_detail(st, STATUS_MISSING, "'%s' is not the path of a message", file);
	return -1;
}

int
maildir_shelf_read(const MaildirShelf *shelf, const char *file, struct stat *ret_sb, Status *st)
{
	const char *name = NULL;
	int dir = dir_of(shelf, file, &name, st);
	if (dir < 0)
		return -1;

	auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP) {
		status_fail_detail(st, STATUS_UNTRUSTED, "it is a symbolic link");
		return -1;
	}
	if (fd < 0 || fstat(fd, ret_sb) < 0) {
		status_fail_errno(st, errno, "cannot be read");
		return -1;
	}
	if (!S_ISREG(ret_sb->st_mode)) {
		status_fail_detail(st, STATUS_UNTRUSTED, "it is not a regular file");
		return -1;
	}
	if (ret_sb->st_uid != geteuid()) {
		status_fail_detail(st, STATUS_UNTRUSTED, "it belongs to uid %d",
		                   (int) ret_sb->st_uid);
		return -1;
	}

	return fs_steal_fd(&fd);
}

/* One listing for all names that are looked for: a listing for each would take hours. */
static void
learn_names(MaildirShelf *shelf)
{
	g_auto(Status) unread = STATUS_INIT; /* then nothing is known there */
	g_autoptr(GPtrArray) files = maildir_shelf_list(shelf, &unread);

	g_clear_pointer(&shelf->known, g_hash_table_unref);
	shelf->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; files != NULL && i < files->len; i++)
		g_hash_table_insert(shelf->known, mail_place_base(files->pdata[i]),
		                    g_strdup(files->pdata[i]));
}

static bool
is_there(const MaildirShelf *shelf, const char *file)
{
	const char *name = NULL;
	struct stat sb;
	int place = split(file, &name);
	return place >= 0 && fstatat(shelf->dirs[place], name, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What the listing knows under that base, if it is still so. */
static const char *
find_known(const MaildirShelf *shelf, const char *base)
{
	const char *file = g_hash_table_lookup(shelf->known, base);
	return file != NULL && is_there(shelf, file) ? file : NULL;
}

char *
maildir_shelf_find(MaildirShelf *shelf, const char *file)
{
	g_autofree char *base = mail_place_base(file);
	if (is_there(shelf, file))
		return g_strdup(file);
	if (shelf->known == NULL)
		learn_names(shelf);
	return g_strdup(find_known(shelf, base));
}

void
maildir_shelf_forget(MaildirShelf *shelf)
{
	g_clear_pointer(&shelf->known, g_hash_table_unref);
}

/* Has the folder a message of that name, whatever its flags? By its listing, which moves update. */
static bool
has_base(MaildirShelf *shelf, const char *file)
{
	g_autofree char *base = mail_place_base(file);
	if (shelf->known == NULL)
		learn_names(shelf);
	return find_known(shelf, base) != NULL;
}

static void
note_moved(MaildirShelf *from, MaildirShelf *to, const MaildirMove *move)
{
	g_autofree char *base = mail_place_base(move->to);
	if (from->known != NULL)
		g_hash_table_remove(from->known, base);
	if (to->known != NULL)
		g_hash_table_insert(to->known, g_strdup(base), g_strdup(move->to));
}

/* The name with these letters; a message with flags lies in cur. */
static char *
name_with(const char *file, const char *letters)
{
	const char *name = strchr(file, '/') + 1, *info = strstr(name, ":2,");
	bool is_new = g_str_has_prefix(file, "new/") && *letters == '\0';

	if (info == NULL && strchr(name, ':') != NULL) /* an info that we do not know */
		return g_strdup(file);
	if (info == NULL && *letters == '\0')
		return g_strdup(file);

	g_autofree char *base = info != NULL ? g_strndup(name, (gsize) (info - name))
	                                     : g_strdup(name);
	return g_strconcat(is_new ? "new/" : "cur/", base, ":2,", letters, NULL);
}

bool
maildir_shelf_plan(MaildirShelf *from, const char *file, MaildirShelf *to, MaildirMove *move,
                   Status *st)
{
	g_autofree char *now = maildir_shelf_find(from, file);
	if (now == NULL)
		return status_fail_detail(st, STATUS_MISSING, "it is no longer there");
	if (has_base(to, now))
		return status_fail_detail(st, STATUS_MAILBOX,
		                          "a message of that name is there already");

	g_autofree char *letters = maildir_flags_carry(from->folder, now, to->folder, move->flags,
	                                               st);
	if (letters == NULL)
		return false;

	move->to = name_with(now, letters);
	move->from = g_steal_pointer(&now);
	return true;
}

/* File systems that cannot rename without replacing get a link and lose the old name. */
static int
rename_new(int from, const char *name, int to, const char *new_name)
{
	if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from, name, to, new_name, 0) < 0 &&
	    (errno != EEXIST || !fs_is_same_file(from, name, to, new_name)))
		return -1;
	return unlinkat(from, name, 0);
}

static bool
fail_move(int err, Status *st)
{
	switch (err) {
	case ENOENT:
		return status_fail_detail(st, STATUS_MISSING, "it is no longer there");
	case EEXIST:
		return status_fail_detail(st, STATUS_MAILBOX,
		                          "a message of that name is there already");
	case EXDEV:
		return status_fail_detail(st, STATUS_MAILBOX,
		                          "the folder lies on another file system");
	default:
		return status_fail_errno(st, err, "cannot be moved");
	}
}

bool
maildir_shelf_move(MaildirShelf *from, MaildirShelf *to, const MaildirMove *move, Status *st)
{
	const char *name = NULL, *new_name = NULL;
	int dir = dir_of(from, move->from, &name, st);
	int to_dir = dir >= 0 ? dir_of(to, move->to, &new_name, st) : -1;
	if (to_dir < 0)
		return false;
	if (rename_new(dir, name, to_dir, new_name) < 0)
		return fail_move(errno, st);

	note_moved(from, to, move);
	return true;
}

void
maildir_move_clear(MaildirMove *move)
{
	g_clear_pointer(&move->from, g_free);
	g_clear_pointer(&move->to, g_free);
}

bool
maildir_shelf_flush(MaildirShelf *shelf, Status *st)
{
	for (int place = 0; place < SHELF_PLACES; place++)
		if (!fs_sync(shelf->dirs[place], places[place], st))
			return false;
	return true;
}
