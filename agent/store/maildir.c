/* SPDX-License-Identifier: MIT */
/* maildir: drafts in tmp, then one rename that never replaces. */
#define _GNU_SOURCE
#include "agent/store/maildir.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/libc.h"
#include "agent/base/limits.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * A name is made of time, pid, counter and random bits: a second clash is a broken file system, not
 * chance.
 */
enum { NAME_TRIES = 4 };

/* Others number their mail at the same time: each loss is another's gain. */
enum { FLAT_NAME_TRIES = 1000 };

typedef enum { PLACE_NEW, PLACE_CUR, PLACE_COUNT } Place;

static const char *const place_names[PLACE_COUNT] = { "new", "cur" };

/* What a name or link leads to. */
typedef struct {
	dev_t device;
	ino_t inode; /* 0: not looked at yet, or not there */
} Identity;

struct Maildir {
	MaildirOptions options;
	char *prefix; /* of names in a flat folder; NULL: "msg." */
	MaildirKind kind;
	char *path; /* below the INBOX */
	char *root; /* the INBOX's own path */
	char *name; /* as people know it; NULL: as the path says */
	int fd;
	Identity tmp;
	Identity place;          /* of new, or of a flat folder itself */
	int places[PLACE_COUNT]; /* new and cur, -1 before they are needed */
	bool dirty[PLACE_COUNT];
	bool is_furnished; /* in a rehearsal: tmp, new and cur would have been made by now */
};

struct MaildirDraft {
	Maildir *maildir;
	char *tmp; /* "tmp/NAME", ".NAME" in a flat folder, in maildir->fd */
	int fd;    /* -1: closed, or a link */
	DeadlineFile guard;
	MessageSize size;
	bool flushed;
	bool committed;
	Place place;
	char *wanted;  /* name that it is to have in a flat folder; NULL: any */
	bool is_exact; /* no sizes in its name */
	char *final;   /* name in its place; NULL: not prepared */
};

char *
maildir_escape_host(const char *host)
{
	GString *out = g_string_sized_new(64);
	for (const char *c = host; *c != '\0'; c++) {
		if (g_ascii_isgraph(*c) && strchr("/:,\\", *c) == NULL)
			g_string_append_c(out, *c);
		else
			g_string_append_printf(out, "\\%03o", (guchar) *c);
	}

	return g_string_free(out, FALSE);
}

/* This host's name, asked for once a process. */
static const char *
host_name(void)
{
	static char *escaped;
	if (escaped == NULL) {
		escaped = maildir_escape_host(fs_host_name());
		/* escapes are longer: the name must fit with sizes and flags */
		escaped[strnlen(escaped, LIMIT_HOST_NAME)] = '\0';
	}

	return escaped;
}

char *
maildir_unique_name(void)
{
	static unsigned counter;
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock */
	/* once a process: it tells hosts and containers apart that have one name */
	static guint64 random;
	if (random == 0 &&
	    getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t) sizeof random)
		/* early at boot; time, pid and counter make the name unique already */
		random = (guint64) now.tv_nsec;

	return g_strdup_printf("%lld.M%06ldP%ldQ%uR%016" G_GINT64_MODIFIER "x.%s",
	                       (long long) now.tv_sec, now.tv_nsec / 1000, (long) fs_own_pid(),
	                       ++counter, random, host_name());
}

static Maildir *
maildir_new(const char *path, const char *root, const MaildirOptions *options)
{
	Maildir *maildir = g_new0(Maildir, 1);

	maildir->options = *options;
	maildir->path = g_strdup(path);
	maildir->root = g_strdup(root);
	maildir->fd = -1;
	for (Place place = 0; place < PLACE_COUNT; place++)
		maildir->places[place] = -1;

	return maildir;
}

bool
maildir_is_writable(const char *path)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	bool can_make = access(path, W_OK | X_OK) == 0;

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *inside = g_build_filename(path, parts[i], NULL);
		bool is_there = access(inside, F_OK) == 0;
		if (is_there ? access(inside, W_OK | X_OK) != 0 : !can_make)
			return false;
	}

	return true;
}

void
maildir_set_prefix(Maildir *maildir, const char *prefix)
{
	g_free(maildir->prefix);
	maildir->prefix = g_strdup(prefix);
}

void
maildir_free(Maildir *maildir)
{
	if (maildir == NULL)
		return;
	for (Place place = 0; place < PLACE_COUNT; place++)
		fs_close_auto(&maildir->places[place]);
	fs_close_auto(&maildir->fd);
	g_free(maildir->prefix);
	g_free(maildir->path);
	g_free(maildir->root);
	g_free(maildir->name);
	g_free(maildir);
}

int
maildir_fd(const Maildir *maildir)
{
	return maildir->fd;
}

void
maildir_set_name(Maildir *maildir, const char *name)
{
	g_free(maildir->name);
	maildir->name = g_strdup(name);
}

bool
maildir_blame(const Maildir *maildir, Status *st)
{
	const char *known = *maildir->path != '\0' ? maildir->path : "INBOX";
	g_autofree char *whole = *maildir->path == '/'
	                                 ? g_strdup(maildir->path)
	                                 : g_build_filename(maildir->root, maildir->path, NULL);

	return status_prefix(st, "folder '%s' (%s)", maildir->name != NULL ? maildir->name : known,
	                     whole);
}

const char *
maildir_hidden(const Maildir *maildir)
{
	return maildir->kind == MAILDIR_PROPER ? "tmp/" : ".";
}

const char *
maildir_path(const Maildir *maildir)
{
	return maildir->path;
}

const char *
maildir_path_below(const Maildir *inbox, const Maildir *folder)
{
	size_t len = strlen(inbox->root);
	if (folder->path[0] != '/')
		return folder->path;

	while (len > 0 && inbox->root[len - 1] == '/')
		len--;
	if (strncmp(folder->path, inbox->root, len) != 0)
		return NULL;
	return folder->path[len] == '/'    ? folder->path + len + 1
	       : folder->path[len] == '\0' ? ""
	                                   : NULL;
}

/* Look at `name` in the folder, once. An inode of 0: it is not there, and may be made. */
static Identity
identify(Maildir *maildir, Identity *known, const char *name)
{
	struct stat sb;
	if (known->inode == 0 && fstatat(maildir->fd, name, &sb, 0) == 0)
		*known = (Identity){ sb.st_dev, sb.st_ino };
	return *known;
}

static bool
is_identical(Identity one, Identity other)
{
	return one.inode != 0 && one.device == other.device && one.inode == other.inode;
}

/* The place where new mail shows up; the folder itself where that is not made yet. */
static Identity
identify_place(Maildir *maildir)
{
	Identity place = maildir->kind == MAILDIR_PROPER ? identify(maildir, &maildir->place, "new")
	                                                 : maildir->place;
	return place.inode != 0 ? place : identify(maildir, &maildir->place, ".");
}

static char *
whole_path(const Maildir *maildir)
{
	if (*maildir->path == '/')
		return g_canonicalize_filename(maildir->path, NULL);
	g_autofree char *path = g_build_filename(maildir->root, maildir->path, NULL);
	return g_canonicalize_filename(path, NULL);
}

/* What is not there yet is known by its name. */
static bool
is_same_imagined(const Maildir *one, const Maildir *other)
{
	if (!maildir_is_imagined(one) || !maildir_is_imagined(other))
		return false;
	g_autofree char *path = whole_path(one), *other_path = whole_path(other);
	return strcmp(path, other_path) == 0;
}

bool
maildir_is_same(Maildir *one, Maildir *other)
{
	return one == other || (one->kind == other->kind &&
	                        (is_identical(identify_place(one), identify_place(other)) ||
	                         is_same_imagined(one, other)));
}

bool
maildir_shares_tmp(Maildir *one, Maildir *other)
{
	return one == other ||
	       is_identical(identify(one, &one->tmp, "tmp"), identify(other, &other->tmp, "tmp"));
}

/*
 * Make tmp, new and cur in the folder `fd`, cur last: to other programs it is a mailbox when cur is
 * there.
 */
static bool
make_inside(int fd, Status *st)
{
	static const char *const inside[] = { "tmp", "new", "cur" };
	for (size_t i = 0; i < G_N_ELEMENTS(inside); i++)
		if (mkdirat(fd, inside[i], 0777) < 0 && errno != EEXIST)
			return status_fail_errno(st, errno, "cannot make folder '%s'", inside[i]);
	return fs_sync(fd, "folder", st);
}

bool
maildir_is_rehearsal(const Maildir *maildir)
{
	return maildir->options.rehearsal;
}

bool
maildir_is_imagined(const Maildir *maildir)
{
	return maildir->options.rehearsal && maildir->fd < 0;
}

/* make_inside, or the question whether it would go well. */
static bool
furnish(Maildir *maildir, Status *st)
{
	if (!maildir->options.rehearsal)
		return make_inside(maildir->fd, st);
	if (!maildir_is_imagined(maildir) &&
	    faccessat(maildir->fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
		return status_fail_errno(st, errno, "cannot make folder 'tmp'");

	maildir->is_furnished = true;
	return true;
}

/* fs_make_dir, or the question whether it would go well: then the folder may be imagined. */
static bool
make_folder(Maildir *maildir, int dirfd, const char *path, Status *st)
{
	if (!maildir->options.rehearsal)
		return fs_make_dir(dirfd, path, 0777, &maildir->fd, st);
	if (dirfd < 0 && dirfd != AT_FDCWD && path[0] != '/')
		return true; /* below a folder that is imagined itself */

	g_auto(Status) missing = STATUS_INIT;
	if (fs_open_dir(dirfd, path, &maildir->fd, &missing))
		return true;
	if (missing.id == STATUS_MISSING)
		return fs_may_make_dir(dirfd, path, st);

	status_move(st, &missing);
	return false;
}

Maildir *
maildir_open(const char *path, const MaildirOptions *options, Status *st)
{
	/* pipe(8) starts us with 077: a setting of 007 needs this call */
	fs_set_umask(options->umask);
	g_autofree char *clean = g_strdup(path);
	for (size_t len = strlen(clean); len > 1 && clean[len - 1] == '/'; len--)
		clean[len - 1] = '\0';

	g_autoptr(Maildir) maildir = maildir_new("", clean, options);
	maildir->fd = openat(AT_FDCWD, clean, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (maildir->fd >= 0)
		return g_steal_pointer(&maildir);

	int err = errno;
	if (err != ENOENT || !options->create) {
		status_fail_errno(st, err, "cannot open maildir '%s'%s", clean,
		                  fs_explain_denial(err, AT_FDCWD, clean));
		return NULL;
	}

	if (!make_folder(maildir, AT_FDCWD, clean, st) || !furnish(maildir, st)) {
		status_prefix(st, "maildir '%s'", clean);
		return NULL;
	}

	return g_steal_pointer(&maildir);
}

/*
 * Is there a folder that can take mail at `path`? Leaves its descriptor in maildir->fd where at
 * least the folder is there.
 */
static bool
open_existing(Maildir *maildir, int inbox, const char *path, Status *st)
{
	if (inbox < 0 && path[0] != '/')
		return status_fail_errno(st, ENOENT, "cannot open folder '%s'", path);
	if (!fs_open_dir(inbox, path, &maildir->fd, st))
		return false;
	if (identify(maildir, &maildir->tmp, "tmp").inode == 0)
		return status_fail_errno(st, errno, "no mailbox in '%s'", path);
	return true;
}

Maildir *
maildir_open_below(Maildir *inbox, const char *path, bool create, bool *ret_created, Status *st)
{
	g_autoptr(Maildir) maildir = maildir_new(path, inbox->root, &inbox->options);

	maildir->options.create = create;
	g_auto(Status) missing = STATUS_INIT;
	if (open_existing(maildir, inbox->fd, path[0] != '\0' ? path : ".", &missing)) {
		*ret_created = false;
		return g_steal_pointer(&maildir);
	}

	if (missing.id != STATUS_MISSING || !create) {
		status_move(st, &missing);
		maildir_blame(maildir, st);
		return NULL;
	}

	bool made = maildir->fd >= 0 || make_folder(maildir, inbox->fd, path, st);
	if (!made || !furnish(maildir, st)) {
		maildir_blame(maildir, st);
		return NULL;
	}

	*ret_created = true;
	return g_steal_pointer(&maildir);
}

Maildir *
maildir_open_flat(Maildir *inbox, const char *path, MaildirKind kind, Status *st)
{
	g_autoptr(Maildir) maildir = maildir_new(path, inbox->root, &inbox->options);

	maildir->kind = kind;
	maildir->options.create = false; /* there is nothing to make inside */
	if (!make_folder(maildir, inbox->fd, path, st))
		return NULL;
	if (maildir_is_imagined(maildir))
		return g_steal_pointer(&maildir);

	maildir->places[PLACE_NEW] = fcntl(maildir->fd, F_DUPFD_CLOEXEC, 0);
	if (maildir->places[PLACE_NEW] < 0) {
		status_fail_errno(st, errno, "cannot open folder '%s'", path);
		return NULL;
	}

	return g_steal_pointer(&maildir);
}

bool
maildir_flush(Maildir *maildir, Status *st)
{
	for (Place place = 0; place < PLACE_COUNT; place++) {
		if (!maildir->dirty[place])
			continue;
		if (!maildir->options.rehearsal &&
		    maildir->options.durability == CONF_DURABILITY_FULL &&
		    !fs_sync(maildir->places[place], place_names[place], st))
			return maildir_blame(maildir, st);
		maildir->dirty[place] = false;
	}
	return true;
}

static MaildirDraft *
draft_new(Maildir *maildir)
{
	MaildirDraft *draft = g_new0(MaildirDraft, 1);
	draft->maildir = maildir;
	draft->fd = -1;
	return draft;
}

/* Give the draft a new name, guarded by the deadline from before there is a file. */
static void
draft_name(MaildirDraft *draft)
{
	deadline_drop_file(&draft->guard);
	g_free(draft->tmp);
	g_autofree char *name = maildir_unique_name();
	draft->tmp = g_strconcat(maildir_hidden(draft->maildir), name, NULL);
	draft->guard = (DeadlineFile){ .dirfd = draft->maildir->fd, .name = draft->tmp };
	deadline_add_file(&draft->guard);
}

/* Forget the name, so that freeing the draft removes nothing. */
static void
draft_forget(MaildirDraft *draft)
{
	deadline_drop_file(&draft->guard);
	g_clear_pointer(&draft->tmp, g_free);
}

void
maildir_draft_leave(MaildirDraft *draft)
{
	if (!draft->committed)
		draft_forget(draft);
}

void
maildir_draft_free(MaildirDraft *draft)
{
	if (draft == NULL)
		return;
	fs_close_auto(&draft->fd);
	if (draft->tmp != NULL && !draft->committed && !draft->maildir->options.rehearsal)
		/* what cannot be removed, readers remove after 36 hours */
		(void) unlinkat(draft->maildir->fd, draft->tmp, 0);
	deadline_drop_file(&draft->guard);
	g_free(draft->tmp);
	g_free(draft->wanted);
	g_free(draft->final);
	g_free(draft);
}

/* Where drafts lie in the folder. */
static const char *
hidden_folder(const Maildir *maildir)
{
	return maildir->kind == MAILDIR_PROPER ? "tmp/." : ".";
}

/* What a rehearsal writes lies in memory. */
static int
new_file_in_memory(void)
{
	return memfd_create("draft", MFD_CLOEXEC);
}

static int
imagine_file(const MaildirDraft *draft)
{
	const Maildir *maildir = draft->maildir;
	if (!maildir_is_imagined(maildir) &&
	    faccessat(maildir->fd, hidden_folder(maildir), W_OK | X_OK, AT_EACCESS) < 0)
		return -1;
	return new_file_in_memory();
}

/* Open the draft's file exclusively. Readable, for it becomes the home of the message's body. */
static int
create_file(MaildirDraft *draft)
{
	int fd;

	if (draft->maildir->options.rehearsal)
		return imagine_file(draft);
	do
		fd = openat(draft->maildir->fd, draft->tmp,
		            O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	while (fd < 0 && errno == EINTR);
	return fd;
}

MaildirDraft *
maildir_draft_new(Maildir *maildir, Status *st)
{
	g_autoptr(MaildirDraft) draft = draft_new(maildir);

	for (int i = 0; i < NAME_TRIES; i++) {
		draft_name(draft);
		draft->fd = create_file(draft);
		if (draft->fd >= 0)
			return g_steal_pointer(&draft);
		int err = errno;
		if (err == ENOENT && maildir->options.create && furnish(maildir, st)) {
			if (!maildir->options.rehearsal)
				continue;
			draft->fd = new_file_in_memory();
			if (draft->fd >= 0)
				return g_steal_pointer(&draft);
			err = errno;
		}
		if (err != EEXIST) {
			status_fail_errno(st, err, "cannot make '%s'", draft->tmp);
			break;
		}
	}

	draft_forget(draft);
	status_fail_detail(st, STATUS_IO, "cannot find a free name");
	maildir_blame(maildir, st);

	return NULL;
}

bool
maildir_draft_begin(MaildirDraft *draft, const char *line, Status *st)
{
	g_autofree char *whole = g_strconcat(line, "\n", NULL);
	return fs_write_all(draft->fd, whole, strlen(whole), draft->tmp, st) ||
	       maildir_blame(draft->maildir, st);
}

bool
maildir_draft_end(MaildirDraft *draft, Status *st)
{
	char last[2] = "";
	off_t size = lseek(draft->fd, 0, SEEK_END);
	bool known = size >= 0 || status_fail_errno(st, errno, "cannot look at '%s'", draft->tmp);

	if (known && size > 1)
		known = fs_read_exactly_at(draft->fd, size - 2, last, sizeof last, draft->tmp, st);

	if (known && (memcmp(last, "\n\n", sizeof last) == 0 ||
	              fs_write_all(draft->fd, "\n", 1, draft->tmp, st)))
		return true;
	return maildir_blame(draft->maildir, st);
}

bool
maildir_draft_write(MaildirDraft *draft, Message *message, const Headers *headers, Status *st)
{
	return maildir_draft_write_sealed(draft, message, headers, NULL, st);
}

bool
maildir_draft_write_sealed(MaildirDraft *draft, Message *message, const Headers *headers,
                           const MessageSeal *seal, Status *st)
{
	if (message_write_sealed(message, headers, seal, draft->fd, &draft->size, st))
		return true;
	if (st->detail == NULL) /* the message is at fault, not the folder */
		return false;

	status_prefix(st, "'%s'", draft->tmp);
	return maildir_blame(draft->maildir, st);
}

/*
 * Does the fault mean that these two places cannot share a file, here or ever? Then a copy helps.
 */
static bool
cannot_share(int err)
{
	return err == EXDEV || err == EPERM || err == EMLINK || err == EOPNOTSUPP || err == ENOSYS;
}

/* A link that NFS made and did not answer is there. */
static int
link_once(int from_dir, const char *from, int to_dir, const char *to)
{
	if (linkat(from_dir, from, to_dir, to, 0) == 0)
		return 0;

	int err = errno;
	bool is_done = err == EEXIST && fs_is_same_file(from_dir, from, to_dir, to);
	errno = err;
	return is_done ? 0 : -1;
}

/*
 * Rename without ever replacing. A kernel or file system that lacks the flag gets link and unlink.
 */
static int
rename_noreplace(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (link_once(from_dir, from, to_dir, to) < 0)
		return -1;

	/* the mail is where it shall be; what stays in tmp, readers remove later */
	(void) unlinkat(from_dir, from, 0);
	return 0;
}

/* Nobody else ever has this name: if it is there and the old one is not, the rename was done. */
static bool
was_renamed(int from_dir, const char *from, int to_dir, const char *to)
{
	return faccessat(to_dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	       faccessat(from_dir, from, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* Where the flag is missing (NFS): a look and a plain rename. */
static int
rename_without_flag(int from_dir, const char *from, int to_dir, const char *to)
{
	if (faccessat(to_dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}

	return errno == ENOENT ? renameat(from_dir, from, to_dir, to) : -1;
}

/*
 * The same to a name that nobody else has. 64 random bits do not come up between a look and a plain
 * rename, and link and unlink would be two steps, with a moment to die between them. An answer may
 * be lost or wrong (NFS asked twice, a soft mount that gave up, FUSE): what counts is what is
 * there, or a retry would store the mail again.
 */
static int
rename_unique(int from_dir, const char *from, int to_dir, const char *to)
{
	int rc = renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE);
	if (rc < 0 && (errno == EINVAL || errno == ENOSYS))
		rc = rename_without_flag(from_dir, from, to_dir, to);
	if (rc == 0)
		return 0;

	int err = errno;
	bool is_done = was_renamed(from_dir, from, to_dir, to);
	errno = err;
	return is_done ? 0 : -1;
}

/* May drafts come into the folder? As a rename or a link answers. */
static int
may_come_in(const Maildir *to)
{
	if (maildir_is_imagined(to) ||
	    faccessat(to->fd, hidden_folder(to), W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return errno == ENOENT && to->is_furnished ? 0 : -1;
}

/* From one folder for drafts to another. */
static int
move_hidden(const Maildir *from, const char *name, const Maildir *to, const char *new_name)
{
	return to->options.rehearsal ? may_come_in(to)
	                             : rename_unique(from->fd, name, to->fd, new_name);
}

static int
link_hidden(const Maildir *from, const char *name, const Maildir *to, const char *new_name)
{
	return to->options.rehearsal ? may_come_in(to)
	                             : link_once(from->fd, name, to->fd, new_name);
}

bool
maildir_draft_move(MaildirDraft *draft, Maildir *to, bool *ret_moved, Status *st)
{
	/* Both places are guarded while the file may be at either. */
	DeadlineFile there = { .dirfd = to->fd, .name = draft->tmp };

	deadline_add_file(&there);
	int rc = draft->maildir == to ? 0 : move_hidden(draft->maildir, draft->tmp, to, draft->tmp);
	if (rc < 0 && errno == EEXIST &&
	    fs_is_same_file(draft->maildir->fd, draft->tmp, to->fd, draft->tmp))
		rc = 0; /* one tmp by two links: it is there already */

	int err = rc < 0 ? errno : 0;
	if (rc == 0) {
		draft->maildir = to;
		draft->guard.dirfd = to->fd;
		g_clear_pointer(&draft->final, g_free);
	}

	deadline_drop_file(&there);
	if (rc < 0 && !cannot_share(err))
		return status_fail_errno(st, err, "cannot move '%s' here", draft->tmp),
		       maildir_blame(to, st);
	*ret_moved = rc == 0;

	return true;
}

/* Give the file in tmp another name. Both are guarded while it may have either. */
static bool
rename_in_tmp(MaildirDraft *draft, const char *name, Status *st)
{
	g_autofree char *tmp = g_strconcat(maildir_hidden(draft->maildir), name, NULL);
	DeadlineFile there = { .dirfd = draft->maildir->fd, .name = tmp };

	deadline_add_file(&there);
	int rc = move_hidden(draft->maildir, draft->tmp, draft->maildir, tmp);
	int err = errno;
	if (rc == 0) {
		deadline_drop_file(&draft->guard);
		g_free(draft->tmp);
		draft->tmp = g_strdup(tmp);
		draft->guard.name = draft->tmp;
		deadline_add_file(&draft->guard);
	}

	deadline_drop_file(&there);
	return rc == 0 || status_fail_errno(st, err, "cannot rename '%s'", draft->tmp) ||
	       maildir_blame(draft->maildir, st);
}

bool
maildir_draft_set_name(MaildirDraft *draft, const char *name, bool is_exact, Status *st)
{
	if (draft->maildir->kind == MAILDIR_PROPER && !rename_in_tmp(draft, name, st))
		return false;
	g_free(draft->wanted);
	draft->wanted = g_strdup(name);
	draft->is_exact = is_exact;

	return true;
}

bool
maildir_draft_link(const MaildirDraft *from, Maildir *to, MaildirDraft **ret_draft, Status *st)
{
	g_autoptr(MaildirDraft) draft = draft_new(to);

	draft_name(draft);
	if (link_hidden(from->maildir, from->tmp, to, draft->tmp) < 0) {
		int err = errno;
		draft_forget(draft);
		if (!cannot_share(err))
			return status_fail_errno(st, err, "cannot link a draft"),
			       maildir_blame(to, st);
		*ret_draft = NULL;
		return true;
	}

	draft->size = from->size;
	draft->flushed = from->flushed;
	*ret_draft = g_steal_pointer(&draft);

	return true;
}

/* Open new or cur, once a folder. */
static bool
open_place(Maildir *maildir, Place place, Status *st)
{
	if (maildir->places[place] >= 0 || maildir_is_imagined(maildir))
		return true;
	g_auto(Status) missing = STATUS_INIT;
	if (fs_open_dir(maildir->fd, place_names[place], &maildir->places[place], &missing))
		return true;

	if (missing.id == STATUS_MISSING && maildir->options.create) {
		status_clear(&missing);
		bool made = furnish(maildir, &missing);
		if (made && maildir->options.rehearsal)
			return true;
		if (made &&
		    fs_open_dir(maildir->fd, place_names[place], &maildir->places[place], &missing))
			return true;
	}

	maildir_blame(maildir, &missing);
	status_move(st, &missing);
	return false;
}

bool
maildir_check(Maildir *maildir, Status *st)
{
	if (!open_place(maildir, PLACE_NEW, st))
		return false;
	if (maildir_is_imagined(maildir))
		return true;

	static const char *const needed[] = { "tmp/.", "new/.", "cur/." };
	bool misses = false;
	for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
		bool is_there = faccessat(maildir->fd, needed[i], W_OK | X_OK, AT_EACCESS) == 0;
		misses = misses || (!is_there && errno == ENOENT);
		if (!is_there && errno != ENOENT)
			return status_fail_errno(st, errno, "cannot write to '%.3s'", needed[i]),
			       maildir_blame(maildir, st);
	}

	/* whoever made the folder died before it was whole */
	if (misses && maildir->options.create && !furnish(maildir, st))
		return maildir_blame(maildir, st);
	return true;
}

/*
 * The file of that name in a place, with or without sizes and info letters; *ret_file (caller
 * frees) is NULL where there is none.
 */
static bool
find_in_place(const Maildir *maildir, Place place, const char *name, char **ret_file, Status *st)
{
	int fd = fcntl(maildir->places[place], F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL)
		return status_fail_errno(st, errno, "cannot list '%s'", place_names[place]);

	rewinddir(dir); /* the descriptors share their place */
	size_t len = strlen(name);
	const char *shown = NULL;
	bool good = true;
	while (*ret_file == NULL && (good = fs_next_name(dir, &shown, place_names[place], st)) &&
	       shown != NULL)
		if (strncmp(shown, name, len) == 0 && strchr(":,", shown[len]) != NULL)
			*ret_file = g_strdup(shown);

	(void) closedir(dir);
	return good;
}

/* How many places show mail: a folder of another program is one itself, opened with it. */
static Place
count_places(const Maildir *maildir)
{
	return maildir->kind == MAILDIR_PROPER ? PLACE_COUNT : PLACE_NEW + 1;
}

/* Where the folder shows the file, and what it is called now; *ret_file NULL: nowhere. */
static bool
find_shown(Maildir *maildir, const char *name, Place *ret_place, char **ret_file, Status *st)
{
	Place end = *name != '\0' ? count_places(maildir) : PLACE_NEW;
	for (Place place = PLACE_NEW; place < end; place++) {
		if (!open_place(maildir, place, st))
			return false;
		if (maildir->places[place] >= 0 &&
		    !find_in_place(maildir, place, name, ret_file, st))
			return false;
		*ret_place = place;
		if (*ret_file != NULL)
			return true;
	}
	return true;
}

bool
maildir_find_file(Maildir *maildir, const char *name, bool *ret_found, Status *st)
{
	Place place = PLACE_NEW;
	g_autofree char *file = NULL;
	if (!find_shown(maildir, name, &place, &file, st))
		return maildir_blame(maildir, st);

	if (file != NULL)
		maildir->dirty[place] = true;
	*ret_found = file != NULL;
	return true;
}

bool
maildir_flush_later(Maildir *maildir, Status *st)
{
	for (Place place = PLACE_NEW; place < count_places(maildir); place++) {
		if (!open_place(maildir, place, st))
			return false;
		maildir->dirty[place] = true;
	}
	return true;
}

/*
 * Are the last octets of the file `fd` those of the body? A file that cannot be read, or shrinks
 * meanwhile, is another one.
 */
static bool
ends_with(int fd, off_t size, const MessageBody *body)
{
	enum { PIECE = 64 * 1024 };
	g_autofree char *one = g_malloc(PIECE), *other = g_malloc(PIECE);
	g_auto(Status) unread = STATUS_INIT;
	for (off_t at = 0; at < body->size; at += PIECE) {
		size_t len = (size_t) MIN(body->size - at, PIECE);
		if (!fs_read_exactly_at(fd, size - body->size + at, one, len, "stored copy",
		                        &unread) ||
		    !fs_read_exactly_at(body->fd, body->offset + at, other, len, "body", &unread) ||
		    memcmp(one, other, len) != 0)
			return false;
	}

	return true;
}

bool
maildir_shows_body(Maildir *maildir, const char *name, const Message *message, bool *ret_shows,
                   Status *st)
{
	Place place = PLACE_NEW;
	g_autofree char *file = NULL;
	if (!find_shown(maildir, name, &place, &file, st))
		return false;

	auto_fd int fd = file != NULL ? openat(maildir->places[place], file,
	                                       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
	                              : -1;
	struct stat sb;
	MessageBody body;
	bool at_work = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	*ret_shows = !at_work && fd >= 0 && fstat(fd, &sb) == 0 && message_body(message, &body) &&
	             sb.st_size >= body.size && ends_with(fd, sb.st_size, &body);

	return true;
}

static int
compare_letters(const void *one, const void *other)
{
	return *(const char *) one - *(const char *) other;
}

/* The first number above all that are there; MH's folders are not so big that this matters. */
static guint64
next_number(int dirfd)
{
	guint64 highest = 0;
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL)
		return 1;
	rewinddir(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		guint64 number;
		if (g_ascii_string_to_unsigned(entry->d_name, 10, 1, G_MAXUINT32, &number, NULL))
			highest = MAX(highest, number);
	}

	(void) closedir(dir);
	return highest + 1;
}

char *
maildir_named_file(const char *prefix)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	char unique[] = "XXXXXXXX";

	for (char *c = unique; *c != '\0'; c++)
		*c = letters[g_random_int_range(0, strlen(letters))];
	return g_strconcat(prefix != NULL ? prefix : "msg.", unique, NULL);
}

/* A name in a flat folder that is free as far as one can see. */
static char *
flat_name(const Maildir *maildir)
{
	if (maildir->kind == MAILDIR_NUMBERED)
		return g_strdup_printf("%" G_GUINT64_FORMAT, next_number(maildir->fd));
	return maildir_named_file(maildir->prefix);
}

/* The final name: sizes, and the info letters in ASCII order, each once. */
static char *
final_name(const MaildirDraft *draft, const char *letters)
{
	bool is_named = draft->maildir->kind == MAILDIR_NAMED && draft->wanted != NULL;
	if (draft->maildir->kind != MAILDIR_PROPER)
		return is_named ? g_strdup(draft->wanted) : flat_name(draft->maildir);

	GString *name = g_string_new(draft->tmp + strlen("tmp/"));
	if (!draft->is_exact)
		g_string_append_printf(name, ",S=%" G_GUINT64_FORMAT ",W=%" G_GUINT64_FORMAT,
		                       draft->size.bytes, draft->size.wire_bytes);
	if (letters == NULL || letters[0] == '\0')
		return g_string_free(name, FALSE);

	g_autofree char *sorted = g_strdup(letters);
	qsort(sorted, strlen(sorted), 1, compare_letters);
	g_string_append(name, ":2,");
	for (const char *c = sorted; *c != '\0'; c++)
		if (c == sorted || c[0] != c[-1])
			g_string_append_c(name, *c);

	return g_string_free(name, FALSE);
}

bool
maildir_draft_prepare(MaildirDraft *draft, const char *letters, Status *st)
{
	if (!draft->flushed && draft->fd >= 0 && !draft->maildir->options.rehearsal &&
	    draft->maildir->options.durability != CONF_DURABILITY_NONE &&
	    !fs_sync(draft->fd, draft->tmp, st))
		return maildir_blame(draft->maildir, st);

	draft->flushed = true;
	/*
	 * A file that was flushed has no fault left for its close to tell, and stays open for
	 * maildir_draft_hold.
	 */
	bool is_flushed = draft->maildir->options.durability != CONF_DURABILITY_NONE;
	if (draft->fd >= 0 && !is_flushed && !fs_close(&draft->fd, draft->tmp, st))
		return maildir_blame(draft->maildir, st);

	bool has_letters = letters != NULL && letters[0] != '\0' &&
	                   draft->maildir->kind == MAILDIR_PROPER;
	Place place = has_letters ? PLACE_CUR : PLACE_NEW;
	if (!open_place(draft->maildir, place, st))
		return false;

	draft->place = place;
	g_free(draft->final);
	draft->final = final_name(draft, letters);

	return true;
}

const char *
maildir_draft_name(const MaildirDraft *draft)
{
	return draft->tmp + strlen(maildir_hidden(draft->maildir));
}

void
maildir_draft_hold(MaildirDraft *draft)
{
	deadline_outlast_termination();
	deadline_drop_file(&draft->guard);
	if (draft->maildir->options.rehearsal)
		return;
	if (draft->fd < 0)
		draft->fd = openat(draft->maildir->fd, draft->tmp,
		                   O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	/*
	 * Shared, for links of this file in other folders are held as well. Where it is impossible
	 * a retry has to guess.
	 */
	(void) !flock(draft->fd, LOCK_SH | LOCK_NB);
}

/* Into its place. Names of flat folders may be taken by others at any moment. */
static int
move(const MaildirDraft *draft)
{
	const Maildir *maildir = draft->maildir;
	int to = maildir->places[draft->place];
	if (maildir->options.rehearsal)
		return to < 0 ? 0 : faccessat(to, ".", W_OK | X_OK, AT_EACCESS);
	return maildir->kind == MAILDIR_PROPER
	               ? rename_unique(maildir->fd, draft->tmp, to, draft->final)
	               : rename_noreplace(maildir->fd, draft->tmp, to, draft->final);
}

bool
maildir_draft_commit(MaildirDraft *draft, Status *st)
{
	Maildir *maildir = draft->maildir;

	deadline_drop_file(&draft->guard);
	int rc = move(draft);
	for (int i = 0;
	     rc < 0 && errno == EEXIST && maildir->kind != MAILDIR_PROPER && i < FLAT_NAME_TRIES;
	     i++) {
		g_free(draft->final);
		draft->final = flat_name(maildir);
		rc = move(draft);
	}

	if (rc < 0)
		return status_fail_errno(st, errno, "cannot move '%s' to '%s'", draft->tmp,
		                         place_names[draft->place]),
		       maildir_blame(maildir, st);

	draft->committed = true;
	maildir->dirty[draft->place] = true;
	return true;
}

void
maildir_draft_take_back(MaildirDraft *draft)
{
	/*
	 * A reader may have moved it already; then it stays, and a retry makes a second copy:
	 * better than none.
	 */
	if (draft->committed && !draft->maildir->options.rehearsal)
		(void) unlinkat(draft->maildir->places[draft->place], draft->final, 0);
}

Maildir *
maildir_draft_folder(const MaildirDraft *draft)
{
	return draft->maildir;
}

char *
maildir_draft_final_path(const MaildirDraft *draft)
{
	const char *path = draft->maildir->path;
	if (draft->maildir->kind != MAILDIR_PROPER)
		return g_build_filename(path, draft->final, NULL);
	return g_strconcat(path, path[0] != '\0' ? "/" : "", place_names[draft->place], "/",
	                   draft->final, NULL);
}

MessageSize
maildir_draft_size(const MaildirDraft *draft)
{
	return draft->size;
}
