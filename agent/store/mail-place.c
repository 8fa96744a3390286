/* SPDX-License-Identifier: MIT */
/* mail-place: the folder where it was stored first, then a walk over the mailbox. */
#define _GNU_SOURCE
#include "agent/store/mail-place.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/message.h"
#include "agent/store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NANO_IN_MICRO = 1000 };

/* A search on its way. */
typedef struct {
	const MailPlaceWanted *wanted;
	char *base;
	char *home; /* path of the folder where it was stored; "": the INBOX */
	bool by_size;
	unsigned files; /* names seen */
	unsigned reads;
	bool is_cut; /* a bound was reached, or a folder was closed to us */
	bool found;
	MailPlace *place;
} Search;

static const char *const places[] = { "new", "cur" };

void
mail_place_clear(MailPlace *place)
{
	g_clear_pointer(&place->path, g_free);
	g_clear_pointer(&place->folder, g_free);
	g_clear_pointer(&place->flags, g_free);
}

char *
mail_place_base(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	return g_strndup(name, strcspn(name, ",:"));
}

/* Path of the folder: without "new/NAME"; "": the INBOX. */
static char *
folder_of(const char *path)
{
	g_autofree char *place = g_path_get_dirname(path), *folder = g_path_get_dirname(place);
	return strcmp(folder, ".") == 0 ? g_strdup("") : g_steal_pointer(&folder);
}

static bool
has_base(const Search *search, const char *name)
{
	size_t len = strlen(search->base);
	return len > 0 && strncmp(name, search->base, len) == 0 &&
	       (name[len] == '\0' || name[len] == ',' || name[len] == ':');
}

/* Body and Message-ID are those that are wanted. */
static bool
is_same_mail(Search *search, int fd)
{
	g_auto(Status) unreadable = STATUS_INIT;
	g_autoptr(Message) message = message_from_file(dup(fd), &unreadable);
	const BodyPrint *print = message != NULL ? message_print(message, &unreadable) : NULL;
	if (print == NULL)
		return false;

	BodyPrint word = *print;
	g_strdelimit(word.text, " ", '.');
	if (strcmp(word.text, search->wanted->body) != 0)
		return false;

	size_t pos = 0;
	const HeaderField *field = headers_next(message_headers(message), "Message-ID", &pos);
	g_autofree char *id = field != NULL ? header_field_value(field) : NULL;
	return search->wanted->message_id == NULL
	               ? id == NULL
	               : id != NULL && g_str_has_prefix(id, search->wanted->message_id);
}

/* A file with the size that is wanted: is it the mail? */
static bool
is_by_content(Search *search, int dirfd, const char *name)
{
	struct stat sb;
	if (!search->by_size || search->wanted->body == NULL || search->wanted->bytes == 0 ||
	    fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(sb.st_mode) ||
	    (guint64) sb.st_size != search->wanted->bytes)
		return false;
	if (search->reads++ >= LIMIT_KEPT_READS) {
		search->is_cut = true;
		return false;
	}

	auto_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	return fd >= 0 && is_same_mail(search, fd);
}

static void
take(Search *search, int dirfd, const char *folder, const char *place, const char *name)
{
	const char *letters = strstr(name, ":2,");
	struct stat sb = { 0 };

	(void) fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW); /* or it is not known when */
	*search->place = (MailPlace){
		.path = g_strconcat(folder, *folder != '\0' ? "/" : "", place, "/", name, NULL),
		.folder = g_strdup(folder),
		.flags = g_strdup(letters != NULL ? letters + 3 : ""),
		.is_moved = strcmp(folder, search->home) != 0,
		.is_new = strcmp(place, "new") == 0,
		.by_name = has_base(search, name),
		.changed_us = (gint64) sb.st_ctim.tv_sec * G_USEC_PER_SEC +
		              sb.st_ctim.tv_nsec / NANO_IN_MICRO,
	};
	search->found = true;
}

/* The next entry; NULL: no more, or nobody can say. */
static const struct dirent *
next_entry(Search *search, DIR *dir)
{
	int err;
	const struct dirent *entry = fs_next_entry(dir, &err);
	search->is_cut |= err != 0;
	return entry;
}

/* One of new and cur of a folder. */
static void
look_in_place(Search *search, int folder_fd, const char *folder, const char *place)
{
	int fd = openat(folder_fd, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		search->is_cut |= errno != ENOENT;
		fs_close_auto(&fd);
		return;
	}

	for (const struct dirent *entry;
	     !search->found && (entry = next_entry(search, dir)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		if (search->files++ >= LIMIT_KEPT_FILES) {
			search->is_cut = true;
			break;
		}
		if (has_base(search, entry->d_name) || is_by_content(search, fd, entry->d_name))
			take(search, fd, folder, place, entry->d_name);
	}

	(void) closedir(dir);
}

static void
look_in_folder(Search *search, int folder_fd, const char *folder)
{
	for (size_t i = 0; i < G_N_ELEMENTS(places) && !search->found; i++)
		look_in_place(search, folder_fd, folder, places[i]);
}

/* The folder and all below it, in either layout. */
static void
walk(Search *search, int folder_fd, const char *folder, unsigned depth)
{
	look_in_folder(search, folder_fd, folder);
	if (search->found)
		return;

	int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		search->is_cut = true;
		fs_close_auto(&fd);
		return;
	}

	for (const struct dirent *entry;
	     !search->found && (entry = next_entry(search, dir)) != NULL;) {
		if (!folder_may_be_entry(entry->d_name) ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		auto_fd int below = openat(fd, entry->d_name,
		                           O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		g_autofree char *path = g_strconcat(folder, *folder != '\0' ? "/" : "",
		                                    entry->d_name, NULL);
		if (below < 0) /* a link, a file, or one that has gone; any other may have it */
			search->is_cut |= !fs_is_absence(errno);
		else if (depth < LIMIT_FOLDER_LEVELS)
			walk(search, below, path, depth + 1);
		else
			search->is_cut = true;
	}

	(void) closedir(dir);
}

bool
mail_place_find(int inbox_fd, const MailPlaceWanted *wanted, MailPlace *ret, bool *ret_all)
{
	Search search = { .wanted = wanted,
		          .base = mail_place_base(wanted->path),
		          .home = folder_of(wanted->path),
		          .place = ret };
	auto_fd int home = openat(inbox_fd, *search.home != '\0' ? search.home : ".",
	                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (home >= 0)
		look_in_folder(&search, home, search.home);
	if (!search.found)
		walk(&search, inbox_fd, "", 0);

	search.by_size = true;
	search.files = 0;
	if (!search.found && wanted->body != NULL && wanted->bytes > 0)
		walk(&search, inbox_fd, "", 0);

	*ret_all = !search.is_cut;
	g_free(search.base);
	g_free(search.home);
	return search.found;
}
