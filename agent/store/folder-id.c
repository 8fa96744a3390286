/* SPDX-License-Identifier: MIT */
/* folder-id: reads what other programs wrote; nothing here is believed further than that. */
#define _GNU_SOURCE
#include "agent/store/folder-id.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char own_id[] = "todoke-mailboxid";

/* Dovecot keeps the server's annotations at the INBOX, below this. */
static const char server_prefix[] = "vendor/vendor.dovecot/pvt/server/";

/* Octets at the beginning of dovecot-uidlist: "3 V1796020175 N1 G25043f1c...". */
enum { UIDLIST_HEAD = 512, ID_OCTETS = 16 };

/* The first octets of a file in the folder at `path`. NULL: none can be read (errno; 0: empty). */
static char *
read_head(const Maildir *inbox, const char *path, const char *name)
{
	g_autofree char *file = g_build_filename(*path != '\0' ? path : ".", name, NULL);
	auto_fd int fd = openat(maildir_fd(inbox), file,
	                        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[UIDLIST_HEAD];
	errno = fd >= 0 ? 0 : errno;
	ssize_t n = fd >= 0 ? pread(fd, head, sizeof head, 0) : -1;

	return n > 0 ? g_strndup(head, (gsize) n) : NULL;
}

/* The word of the first line that begins with 'G'. */
static char *
id_of_uidlist(const char *head)
{
	const char *end = strchr(head, '\n');
	g_autofree char *line = end != NULL ? g_strndup(head, (gsize) (end - head)) : NULL;
	g_auto(GStrv) words = g_strsplit(line != NULL ? line : "", " ", -1);

	for (size_t i = 0; words[i] != NULL; i++)
		if (i > 0 && words[i][0] == 'G' && words[i][1] != '\0')
			return g_strdup(words[i] + 1);
	return NULL;
}

/* The folder's id; *ret_err: why a file that may have it cannot be read (an errno), else 0. */
static char *
read_id(const Maildir *inbox, const char *path, int *ret_err)
{
	g_autofree char *uidlist = read_head(inbox, path, "dovecot-uidlist");
	int uidlist_err = uidlist == NULL && !fs_is_absence(errno) ? errno : 0;
	char *id = uidlist != NULL ? id_of_uidlist(uidlist) : NULL;
	*ret_err = 0;
	if (id != NULL)
		return id;

	g_autofree char *own = read_head(inbox, path, own_id);
	*ret_err = own == NULL && !fs_is_absence(errno) ? errno : uidlist_err;
	if (own == NULL || *g_strstrip(own) == '\0' || strpbrk(own, " \t\r\n") != NULL)
		return NULL;

	return g_steal_pointer(&own);
}

char *
folder_id(const Maildir *inbox, const char *path)
{
	int unread;
	return read_id(inbox, path, &unread);
}

/* The last UID of IMAP (RFC 9051 2.3.1.1), and how many may be left before somebody should know. */
static const guint64 last_uid = 4294967295u, uids_left = 1u << 24;

bool
folder_uid_is_near_end(guint64 next)
{
	return next > last_uid - uids_left;
}

char *
folder_uid_note(const Maildir *folder)
{
	g_autofree char *head = read_head(folder, "", "dovecot-uidlist");
	const char *next = head != NULL ? strstr(head, " N") : NULL,
		   *end = head != NULL ? strchr(head, '\n') : NULL;
	guint64 uid = next != NULL && next < end ? g_ascii_strtoull(next + 2, NULL, 10) : 0;
	if (!folder_uid_is_near_end(uid))
		return NULL;

	const char *path = maildir_path(folder);
	return g_strdup_printf("the UIDs of folder '%s' end soon (next %" G_GUINT64_FORMAT
	                       "): todoke doctor tells how to renumber it",
	                       *path != '\0' ? path : "INBOX", uid);
}

void
folder_id_make(const Maildir *folder)
{
	guchar octets[ID_OCTETS];
	g_autoptr(GString) text = g_string_new(NULL);
	if (getrandom(octets, sizeof octets, 0) != (ssize_t) sizeof octets)
		return;

	for (size_t i = 0; i < sizeof octets; i++)
		g_string_append_printf(text, "%02x", octets[i]);
	g_string_append_c(text, '\n');
	auto_fd int fd = openat(maildir_fd(folder), own_id,
	                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);

	/* without it the folder has no id, as others have none */
	g_auto(Status) lost = STATUS_INIT;
	if (fd >= 0)
		(void) fs_write_all(fd, text->str, text->len, own_id, &lost);
}

/* Looking for one id, folder by folder. */
typedef struct {
	const Maildir *inbox;
	bool is_maildirpp;
	const char *id;
	char *found;
	Status *unread; /* the first folder that could not be looked at */
} Search;

static bool
has_id(const Search *search, const char *path)
{
	int err;
	g_autofree char *id = read_id(search->inbox, path, &err);
	bool is_it = g_strcmp0(id, search->id) == 0;

	if (!is_it && err != 0 && search->unread->id == STATUS_OK)
		status_fail_errno(search->unread, err, "cannot read the id of '%s'",
		                  *path != '\0' ? path : "INBOX");
	return is_it;
}

/* The folder may be the one, or have it below; not if it is gone. */
static void
miss(const Search *search, int err, const char *path)
{
	if (!fs_is_absence(err) && search->unread->id == STATUS_OK)
		status_fail_errno(search->unread, err, "cannot list '%s'",
		                  *path != '\0' ? path : ".");
}

/* Could an entry of the INBOX, or in the layout fs of a folder, be a folder? */
static bool
is_candidate(const Search *search, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (search->is_maildirpp)
		return name[0] == '.';

	return name[0] != '.' && strcmp(name, "new") != 0 && strcmp(name, "cur") != 0 &&
	       strcmp(name, "tmp") != 0;
}

static void
look_below(Search *search, const char *path, unsigned level)
{
	int fd = openat(maildir_fd(search->inbox), *path != '\0' ? path : ".",
	                O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		miss(search, errno, path);
		fs_close_auto(&fd);
		return;
	}

	const struct dirent *entry;
	int err = 0;
	while (search->found == NULL && (entry = fs_next_entry(dir, &err)) != NULL) {
		bool may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN;
		if (!may_be_folder || !is_candidate(search, entry->d_name))
			continue;
		g_autofree char *inner = g_build_filename(path, entry->d_name, NULL);
		if (has_id(search, inner))
			search->found = g_steal_pointer(&inner);
		else if (!search->is_maildirpp && level < LIMIT_FOLDER_LEVELS)
			look_below(search, inner, level + 1);
	}

	if (err != 0)
		miss(search, err, path);
	(void) closedir(dir);
}

char *
folder_by_id(const Maildir *inbox, const FolderRules *rules, const char *id, Status *st)
{
	g_auto(Status) unread = STATUS_INIT;
	Search search = { .inbox = inbox,
		          .is_maildirpp = rules->layout == CONF_FOLDER_LAYOUT_MAILDIRPP,
		          .id = id,
		          .unread = &unread };
	if (has_id(&search, ""))
		return g_strdup("");

	look_below(&search, "", 1);
	if (search.found == NULL && unread.id != STATUS_OK)
		status_move(st, &unread);
	return search.found;
}

/* Undo what Dovecot does to tabs and line ends. */
static char *
unescape(const char *text)
{
	static const char signs[] = "01tnr", means[] = "\0\001\t\n\r";
	g_autoptr(GString) plain = g_string_new(NULL);

	for (const char *c = text; *c != '\0'; c++) {
		const char *sign = *c == '\001' && c[1] != '\0' ? strchr(signs, c[1]) : NULL;
		g_string_append_c(plain, sign != NULL ? means[sign - signs] : *c);
		c += sign != NULL;
	}

	return g_strdup(plain->str); /* a NUL ends it */
}

static char **
read_lines(const Maildir *inbox, const char *path)
{
	g_auto(Status) absent = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len;

	if (!fs_read_file(maildir_fd(inbox), path, LIMIT_METADATA_BYTES, &text, &len, &absent))
		return NULL;
	return g_strsplit(text, "\n", -1);
}

/* "NAME VALUE" of a file of ours. */
static char *
own_value(const Maildir *inbox, const char *path, const char *annotation)
{
	const char *name = path != NULL ? "todoke-metadata" : "todoke-server-metadata";
	g_autofree char *file = g_build_filename(path != NULL && *path != '\0' ? path : ".", name,
	                                         NULL);
	g_auto(GStrv) lines = read_lines(inbox, file);
	size_t len = strlen(annotation);

	for (size_t i = 0; lines != NULL && lines[i] != NULL; i++)
		if (g_ascii_strncasecmp(lines[i], annotation, len) == 0 &&
		    (lines[i][len] == ' ' || lines[i][len] == '\t'))
			return g_strdup(lines[i] + len + 1);

	return NULL;
}

/* "/private/comment" of a mailbox is "priv/ID/comment" in Dovecot's dict. */
static char *
dict_key(const char *id, bool is_server, const char *annotation)
{
	bool is_private = g_ascii_strncasecmp(annotation, "/private/", 9) == 0;
	bool is_shared = g_ascii_strncasecmp(annotation, "/shared/", 8) == 0;
	if (!is_private && !is_shared)
		return NULL;

	return g_strconcat(is_private ? "priv/" : "shared/", id, "/",
	                   is_server ? server_prefix : "", annotation + (is_private ? 9 : 8), NULL);
}

/* Keys and values, a line each. */
static char *
dovecot_value(const Maildir *inbox, const char *attributes, const char *path,
              const char *annotation)
{
	g_autofree char *id = folder_id(inbox, path != NULL ? path : "");
	g_autofree char *key = id != NULL ? dict_key(id, path == NULL, annotation) : NULL;
	g_auto(GStrv) lines = key != NULL ? read_lines(inbox, attributes) : NULL;

	for (size_t i = 0; lines != NULL && lines[i] != NULL && lines[i + 1] != NULL; i += 2) {
		g_autofree char *known = unescape(lines[i]);
		if (g_ascii_strcasecmp(known, key) == 0)
			return unescape(lines[i + 1]);
	}

	return NULL;
}

char *
folder_metadata(const Maildir *inbox, const char *attributes, const char *path,
                const char *annotation)
{
	char *value = own_value(inbox, path, annotation);
	return value != NULL || attributes == NULL || *attributes == '\0'
	               ? value
	               : dovecot_value(inbox, attributes, path, annotation);
}
