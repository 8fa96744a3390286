/* SPDX-License-Identifier: MIT */
/* refilter-folder: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/refilter-folder.h"

#include "agent/base/fs.h"
#include "agent/deliver/deliver.h"
#include "agent/store/folder.h"
#include "agent/store/quota.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct RefilterFolders {
	const Conf *conf;
	Maildir *inbox;
	GPtrArray *opened;   /* Maildir: below the INBOX */
	GHashTable *shelves; /* path to MaildirShelf */
	GPtrArray *notes;
	Quota *quota; /* NULL: there is none */
};

static void
close_maildir(gpointer maildir)
{
	maildir_free(maildir);
}

static void
close_shelf(gpointer shelf)
{
	maildir_shelf_free(shelf);
}

RefilterFolders *
refilter_folders_new(const Account *account, const Conf *conf, bool is_rehearsal, Status *st)
{
	const MaildirOptions options = { .umask = (mode_t) conf->umask,
		                         .durability = conf->durability,
		                         .rehearsal = is_rehearsal };
	Maildir *inbox = maildir_open(account->maildir, &options, st);
	if (inbox == NULL)
		return NULL;

	RefilterFolders *folders = g_new0(RefilterFolders, 1);
	folders->conf = conf;
	folders->inbox = inbox;
	folders->opened = g_ptr_array_new_with_free_func(close_maildir);
	folders->notes = g_ptr_array_new_with_free_func(g_free);
	folders->shelves = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_shelf);
	/* Before the first move: a count that is made anew has what was moved already. */
	const QuotaOwner owner = { .now = g_get_real_time() / G_USEC_PER_SEC };
	if (!is_rehearsal)
		folders->quota = quota_open(inbox, conf, &owner, folders->notes);

	return folders;
}

void
refilter_folders_free(RefilterFolders *folders)
{
	if (folders == NULL)
		return;
	if (folders->quota != NULL)
		quota_settle(folders->quota, false);
	quota_free(folders->quota);
	g_hash_table_unref(folders->shelves);
	g_ptr_array_unref(folders->opened);
	g_ptr_array_unref(folders->notes);
	maildir_free(folders->inbox);
	g_free(folders);
}

char *
refilter_folders_path(const RefilterFolders *folders, const char *name, Status *st)
{
	FolderRules rules = folder_rules_of(folders->conf);
	const char *why = NULL;
	char *path = folder_path(&rules, folders->inbox, name, &why);
	if (path == NULL)
		status_fail_detail(st, STATUS_USAGE, "folder name '%s' %s", name, why);
	return path;
}

char *
refilter_folders_name(const RefilterFolders *folders, const char *path)
{
	FolderRules rules = folder_rules_of(folders->conf);
	char *name = folder_name(&rules, folders->inbox, path);
	return name != NULL ? name : g_strdup(path);
}

/* Takes `shelf`. */
static MaildirShelf *
keep(RefilterFolders *folders, const char *path, MaildirShelf *shelf)
{
	if (shelf != NULL)
		g_hash_table_insert(folders->shelves, g_strdup(path), shelf);
	return shelf;
}

static Maildir *
find_maildir(RefilterFolders *folders, const char *path, Status *st)
{
	bool created;
	return maildir_open_below(folders->inbox, path, false, &created, st);
}

static Maildir *
open_maildir(RefilterFolders *folders, const char *path, bool create, Status *st)
{
	FolderRules rules = folder_rules_of(folders->conf);
	Maildir *maildir = NULL;
	if (*path == '\0')
		return find_maildir(folders, path, st);
	if (!folder_open(folders->inbox, &rules, path, create, &maildir, folders->notes, st))
		return NULL;
	if (maildir != NULL)
		return maildir;

	static const char lead[] = "stored in the INBOX: ";
	const char *note = folders->notes->pdata[folders->notes->len - 1];
	status_fail_detail(st, STATUS_MAILBOX, "%s",
	                   g_str_has_prefix(note, lead) ? note + strlen(lead) : note);
	return NULL;
}

/* Takes `maildir`; NULL: its fault has been set. */
static MaildirShelf *
make_shelf(RefilterFolders *folders, const char *path, Maildir *maildir, Status *st)
{
	if (maildir == NULL)
		return NULL;
	g_ptr_array_add(folders->opened, maildir);
	return keep(folders, path, maildir_shelf_open(maildir_fd(maildir), path, st));
}

MaildirShelf *
refilter_folders_find(RefilterFolders *folders, const char *path, Status *st)
{
	MaildirShelf *known = g_hash_table_lookup(folders->shelves, path);
	return known != NULL ? known
	                     : make_shelf(folders, path, find_maildir(folders, path, st), st);
}

MaildirShelf *
refilter_folders_get(RefilterFolders *folders, const char *path, bool create, Status *st)
{
	MaildirShelf *known = g_hash_table_lookup(folders->shelves, path);
	return known != NULL
	               ? known
	               : make_shelf(folders, path, open_maildir(folders, path, create, st), st);
}

/* The folder, part by part; none is a link, or "..". */
static int
walk(int inbox, const char *path, Status *st)
{
	auto_fd int fd = openat(inbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (char **part = parts; fd >= 0 && *path != '\0' && *part != NULL; part++) {
		if (**part == '\0' || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0) {
			status_fail_detail(st, STATUS_UNTRUSTED, "'%s' is no path of a folder",
			                   path);
			return -1;
		}
		int below = openat(fd, *part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below < 0) {
			status_fail_errno(st, errno, "cannot open folder '%s'", path);
			return -1;
		}
		fs_close_auto(&fd);
		fd = below;
	}

	if (fd < 0)
		status_fail_errno(st, errno, "cannot open folder '%s'", path);
	return fs_steal_fd(&fd);
}

MaildirShelf *
refilter_folders_get_safely(RefilterFolders *folders, const char *path, Status *st)
{
	MaildirShelf *known = g_hash_table_lookup(folders->shelves, path);
	if (known != NULL)
		return known;

	auto_fd int fd = walk(maildir_fd(folders->inbox), path, st);
	return fd >= 0 ? keep(folders, path, maildir_shelf_open(fd, path, st)) : NULL;
}

void
refilter_folders_moved(RefilterFolders *folders, const MaildirShelf *from, const MaildirShelf *to,
                       const MaildirMove *move, guint64 bytes)
{
	if (folders->quota == NULL)
		return;

	const QuotaFile old = { maildir_shelf_path(from), move->from },
			new = { maildir_shelf_path(to), move->to };
	quota_moved(folders->quota, old, new, bytes);
}

void
refilter_folders_forget(RefilterFolders *folders)
{
	GHashTableIter iter;
	gpointer shelf;

	g_hash_table_iter_init(&iter, folders->shelves);
	while (g_hash_table_iter_next(&iter, NULL, &shelf))
		maildir_shelf_forget(shelf);
}

bool
refilter_folders_flush(RefilterFolders *folders, Status *st)
{
	GHashTableIter iter;
	gpointer shelf;
	if (folders->conf->durability == CONF_DURABILITY_NONE)
		return true;

	g_hash_table_iter_init(&iter, folders->shelves);
	while (g_hash_table_iter_next(&iter, NULL, &shelf))
		if (!maildir_shelf_flush(shelf, st))
			return false;
	return true;
}
