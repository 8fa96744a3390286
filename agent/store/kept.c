/* SPDX-License-Identifier: MIT */
/* kept: the place where it was put, then a walk over the mailbox. */
#define _GNU_SOURCE
#include "agent/store/kept.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/mark.h"
#include "agent/store/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A search on its way. */
typedef struct {
	const GPtrArray *copies;
	const KeptWanted *wanted;
	unsigned files; /* names seen */
	unsigned reads;
	bool by_size;          /* a file of the same size may be it, too */
	const KeptCopy *found; /* NULL: not yet */
	char *path;
} Search;

static const char *const places[] = { "new", "cur" };

void
kept_copy_free(KeptCopy *copy)
{
	if (copy == NULL)
		return;
	g_free(copy->path);
	g_free(copy->sign);
	g_free(copy);
}

/* Header and body are those that are wanted. */
static bool
is_wanted(Search *search, int dirfd, const char *name)
{
	const KeptWanted *wanted = search->wanted;
	g_auto(Status) unreadable = STATUS_INIT;
	struct stat sb;
	auto_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode) ||
	    search->reads++ >= LIMIT_KEPT_READS)
		return false;

	g_autoptr(Message) message = message_from_file(fs_steal_fd(&fd), &unreadable);
	const BodyPrint *print = message != NULL ? message_print(message, &unreadable) : NULL;
	if (print == NULL || strcmp(print->text, wanted->print->text) != 0)
		return false;

	BodyPrint whole;
	if (!message_whole_print(message, &whole, &unreadable) ||
	    strcmp(whole.text, wanted->whole->text) != 0)
		return false;

	g_autofree char *subject = mark_subject(wanted->recipient, wanted->rules,
	                                        message_headers(message));
	return strcmp(subject, wanted->subject) == 0;
}

/* The part of a file's name that no flag and no server changes. */
static size_t
base_len(const char *name)
{
	return strcspn(name, ",:");
}

static bool
is_thrown_away(const char *name)
{
	const char *letters = strstr(name, ":2,");
	return letters != NULL && strchr(letters, 'T') != NULL;
}

/* The size that stands in a name; false: none does. */
static bool
size_in_name(const char *name, guint64 *ret_bytes)
{
	const char *size = strstr(name, ",S=");
	g_autofree char *digits = size != NULL ? g_strndup(size + 3, strspn(size + 3, "0123456789"))
	                                       : NULL;
	return digits != NULL &&
	       g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT64, ret_bytes, NULL);
}

static bool
has_size(int dirfd, const char *name, guint64 bytes)
{
	guint64 size;
	struct stat sb;
	if (size_in_name(name, &size))
		return size == bytes;
	return fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && (guint64) sb.st_size == bytes;
}

/* The copy that this file may be; NULL: none. */
static const KeptCopy *
may_be(const Search *search, int dirfd, const char *name)
{
	for (guint i = 0; i < search->copies->len; i++) {
		const KeptCopy *copy = search->copies->pdata[i];
		const char *slash = strrchr(copy->path, '/'),
			   *base = slash != NULL ? slash + 1 : copy->path;
		if (copy->sign != NULL)
			continue;
		bool same_name = base_len(base) == base_len(name) &&
		                 strncmp(base, name, base_len(base)) == 0;
		if (same_name || (search->by_size && has_size(dirfd, name, copy->bytes)))
			return copy;
	}
	return NULL;
}

/* One of new and cur of the folder `folder` (path below the INBOX, or absolute). */
static bool
look_in_place(Search *search, int folder_fd, const char *folder, const char *place)
{
	int fd = openat(folder_fd, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		fs_close_auto(&fd);
		return false;
	}

	for (const struct dirent *entry; search->found == NULL && (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.' || is_thrown_away(entry->d_name) ||
		    search->files++ >= LIMIT_KEPT_FILES)
			continue;
		const KeptCopy *copy = may_be(search, fd, entry->d_name);
		if (copy == NULL || !is_wanted(search, fd, entry->d_name))
			continue;
		search->found = copy;
		search->path = g_strconcat(folder, *folder != '\0' ? "/" : "", place, "/",
		                           entry->d_name, NULL);
	}

	(void) closedir(dir);
	return search->found != NULL;
}

static bool
look_in_folder(Search *search, int folder_fd, const char *folder)
{
	if (g_strcmp0(folder, search->wanted->besides) == 0)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (look_in_place(search, folder_fd, folder, places[i]))
			return true;
	return false;
}

/* The folder and all below it, in either layout. */
static bool
walk(Search *search, int folder_fd, const char *folder, unsigned depth)
{
	if (search->wanted->trash != NULL && strcmp(folder, search->wanted->trash) == 0)
		return false;
	if (look_in_folder(search, folder_fd, folder))
		return true;

	int fd = depth < LIMIT_FOLDER_LEVELS
	                 ? openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
	                 : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		fs_close_auto(&fd);
		return false;
	}

	for (const struct dirent *entry; search->found == NULL && (entry = readdir(dir)) != NULL;) {
		if (!folder_may_be_entry(entry->d_name) ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) ||
		    search->files++ >= LIMIT_KEPT_FILES)
			continue;
		auto_fd int below = openat(fd, entry->d_name,
		                           O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		g_autofree char *path = g_strconcat(folder, *folder != '\0' ? "/" : "",
		                                    entry->d_name, NULL);
		if (below >= 0)
			(void) walk(search, below, path, depth + 1);
	}

	(void) closedir(dir);
	return search->found != NULL;
}

/*
 * Path of the folder that a Maildir file lies in: without "new/NAME". NULL: it lies in no such.
 * Caller frees.
 */
static char *
folder_of(const char *path)
{
	g_autofree char *place = g_path_get_dirname(path), *name = g_path_get_basename(place);
	if (strcmp(name, "new") != 0 && strcmp(name, "cur") != 0)
		return NULL;
	g_autofree char *folder = g_path_get_dirname(place);
	return strcmp(folder, ".") == 0 ? g_strdup("") : g_steal_pointer(&folder);
}

/* Does the mbox hold the digits? Read in pieces that overlap. */
static bool
mbox_holds(int dirfd, const KeptCopy *copy)
{
	size_t sign_len = strlen(copy->sign), held = 0, n = 1;
	auto_fd int fd = openat(dirfd, copy->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat sb;

	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode))
		return false;

	g_auto(Status) unreadable = STATUS_INIT;
	g_autofree char *piece = g_malloc(LIMIT_COPY_CHUNK + sign_len);
	for (guint64 seen = 0; n > 0 && seen < LIMIT_KEPT_MBOX; seen += n) {
		if (!fs_read(fd, piece + held, LIMIT_COPY_CHUNK, &n, copy->path, &unreadable))
			return false;
		size_t len = held + n;
		if (memmem(piece, len, copy->sign, sign_len) != NULL)
			return true;
		held = MIN(len, sign_len - 1);
		memmove(piece, piece + len - held, held);
	}

	return false;
}

/* Where it was put. */
static bool
look_where_it_was(Search *search, int inbox_fd, const KeptCopy *copy)
{
	g_autofree char *folder = copy->sign == NULL ? folder_of(copy->path) : NULL;

	if (folder != NULL) {
		auto_fd int fd = openat(inbox_fd, *folder != '\0' ? folder : ".",
		                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		bool counts = g_strcmp0(folder, search->wanted->trash) != 0;
		return fd >= 0 && counts && look_in_folder(search, fd, folder);
	}

	if (g_strcmp0(copy->path, search->wanted->besides) == 0)
		return false;

	/* The digits prove what the mark covers, no more. */
	bool covered = body_print_is_whole(search->wanted->print);
	bool here = copy->sign != NULL ? covered && mbox_holds(inbox_fd, copy)
	                               : is_wanted(search, inbox_fd, copy->path);
	if (here) {
		search->found = copy;
		search->path = g_strdup(copy->path);
	}

	return here;
}

bool
kept_find(Maildir *inbox, const GPtrArray *copies, const KeptWanted *wanted,
          const KeptCopy **ret_copy, char **ret_path)
{
	Search search = { .copies = copies, .wanted = wanted };
	int fd = maildir_fd(inbox);

	for (guint i = 0; i < copies->len && search.found == NULL; i++)
		(void) look_where_it_was(&search, fd, copies->pdata[i]);

	search.by_size = true;
	if (search.found == NULL && copies->len > 0)
		(void) walk(&search, fd, "", 0);
	if (search.found == NULL)
		return false;

	*ret_copy = search.found;
	*ret_path = search.path;
	return true;
}

char *
kept_folder_path(const KeptCopy *copy, const char *path)
{
	g_autofree char *folder = copy->sign == NULL ? folder_of(path) : NULL;
	return folder != NULL ? g_steal_pointer(&folder) : g_strdup(path);
}

char *
kept_folder(const KeptCopy *copy, const char *path)
{
	g_autofree char *folder = kept_folder_path(copy, path);
	return *folder != '\0' ? g_steal_pointer(&folder) : g_strdup("INBOX");
}
