/* SPDX-License-Identifier: MIT */
/* mbox: lock, reserve, append in one write, flush; cut off what failed. */
#define _GNU_SOURCE
#include "agent/store/mbox.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/mark.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_STEP_MS = 50, OPEN_TRIES = 5 };

struct Mbox {
	char *path;
	unsigned durability;
	DotlockPatience patience;
	Dotlock *lock;
	int fd;
	bool locked;
	bool made; /* the file is ours from the first octet on */
	bool appended;
	off_t start;    /* where our first message begins */
	off_t end;      /* and the last one ends */
	off_t reserved; /* octets behind that have their room */
};

/* Other programs wait and hold locks by the same rules, whoever owns the descriptor. */
static bool
set_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return true;
	return errno == EINVAL && fcntl(fd, F_SETLK, &lock) == 0;
}

static bool
lock_file(Mbox *mbox, Status *st)
{
	for (unsigned waited = 0; !set_lock(mbox->fd, F_WRLCK); waited += WAIT_STEP_MS) {
		if (errno != EACCES && errno != EAGAIN && errno != EINTR)
			return status_fail_errno(st, errno, "cannot lock '%s'", mbox->path);
		if (waited >= mbox->patience.wait_ms)
			return status_fail_locked(st, mbox->path);
		g_usleep(WAIT_STEP_MS * 1000);
	}

	mbox->locked = true;
	return true;
}

/* A folder such as /var/mail may not let its users make files: fcntl is what is left. */
static bool
take_dotlock(Mbox *mbox, Status *st)
{
	g_autofree char *path = g_strconcat(mbox->path, ".lock", NULL);
	g_auto(Status) fault = STATUS_INIT;

	mbox->lock = dotlock_take(path, &mbox->patience, &fault);
	if (mbox->lock != NULL || fault.id == STATUS_NO_PERMISSION)
		return true;

	status_move(st, &fault);
	return false;
}

bool
mbox_is(const Mbox *mbox, const char *path)
{
	struct stat open_one, named;
	return fstat(mbox->fd, &open_one) == 0 && stat(path, &named) == 0 &&
	       open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/*
 * Is the open file still the one that the name leads to? Its last user may have replaced it while
 * we waited.
 */
static bool
is_current(const Mbox *mbox)
{
	return mbox_is(mbox, mbox->path);
}

/* Have the locks, again where they were given back. */
static bool
hold(Mbox *mbox, Status *st)
{
	return mbox->locked || (take_dotlock(mbox, st) && lock_file(mbox, st));
}

static bool
open_locked(Mbox *mbox, Status *st)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		fs_close_auto(&mbox->fd);
		mbox->fd = -1;
		mbox->made = access(mbox->path, F_OK) < 0;
		if (!fs_open_append(mbox->path, 0666, &mbox->fd, st) || !lock_file(mbox, st))
			return false;
		if (is_current(mbox))
			return true;
	}
	return status_fail_detail(st, STATUS_LOCKED, "'%s' is replaced all the time", mbox->path);
}

Mbox *
mbox_open(const char *path, unsigned durability, const DotlockPatience *patience, Status *st)
{
	g_autoptr(Mbox) mbox = g_new0(Mbox, 1);

	mbox->path = g_strdup(path);
	mbox->durability = durability;
	mbox->patience = *patience;
	mbox->fd = -1;
	deadline_waiting_for("locking an mbox");
	if (!take_dotlock(mbox, st) || !open_locked(mbox, st))
		return NULL;

	struct stat sb;
	if (fstat(mbox->fd, &sb) < 0) {
		status_fail_errno(st, errno, "cannot look at '%s'", path);
		return NULL;
	}

	mbox->start = mbox->end = sb.st_size;
	return g_steal_pointer(&mbox);
}

/* Is the lock file somebody else's, who may still be at work? */
static bool
is_locked(const char *lock, const DotlockPatience *patience)
{
	struct stat sb;
	return lstat(lock, &sb) == 0 &&
	       (patience->stale_s == 0 || sb.st_mtime + (time_t) patience->stale_s > time(NULL));
}

bool
mbox_rehearse(const char *path, const DotlockPatience *patience, Status *st)
{
	g_autofree char *lock = g_strconcat(path, ".lock", NULL);
	g_autofree char *folder = g_path_get_dirname(path);
	if (is_locked(lock, patience))
		return status_fail_locked(st, lock);

	bool can_lock = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
	if (!can_lock && status_from_errno(errno) != STATUS_NO_PERMISSION)
		return status_fail_errno(st, errno, "cannot make '%s'", lock);
	return fs_may_append(path, st);
}

static void
unlock(Mbox *mbox)
{
	if (mbox->locked)
		(void) set_lock(mbox->fd, F_UNLCK);
	mbox->locked = false;
	g_clear_pointer(&mbox->lock, dotlock_release);
}

void
mbox_free(Mbox *mbox)
{
	if (mbox == NULL)
		return;
	struct stat sb;
	bool unused = mbox->locked && mbox->reserved > 0 && !mbox->appended &&
	              fstat(mbox->fd, &sb) == 0;
	if (unused)
		(void) !ftruncate(mbox->fd, sb.st_size); /* the room goes back */
	if (unused && mbox->made && sb.st_size == 0 && is_current(mbox))
		(void) unlink(mbox->path);
	unlock(mbox);
	fs_close_auto(&mbox->fd);
	g_free(mbox->path);
	g_free(mbox);
}

bool
mbox_reserve(Mbox *mbox, size_t len, Status *st)
{
	struct rlimit limit;
	off_t start = mbox->end + mbox->reserved, end = start + (off_t) len;
	if (!hold(mbox, st))
		return false;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    (rlim_t) end > limit.rlim_cur)
		return status_fail_errno(st, EFBIG, "cannot append %zu octets to '%s'", len,
		                         mbox->path);

	mbox->reserved += (off_t) len;
	if (fallocate(mbox->fd, FALLOC_FL_KEEP_SIZE, start, (off_t) len) == 0)
		return true;

	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO)
		return status_fail_errno(st, errno, "no room for %zu octets in '%s'", len,
		                         mbox->path);
	return true; /* this file system does not know beforehand */
}

/* The last message may lack its line end; a From_ line stands at the start of a line. */
static bool
ends_line(const Mbox *mbox, off_t size)
{
	char last = '\0'; /* one that cannot be read gets an empty line more, which harms nobody */
	return size == 0 || (pread(mbox->fd, &last, 1, size - 1) == 1 && last == '\n');
}

bool
mbox_append(Mbox *mbox, const GString *message, Status *st)
{
	struct stat sb;
	if (fstat(mbox->fd, &sb) < 0)
		return status_fail_errno(st, errno, "cannot look at '%s'", mbox->path);

	g_autoptr(GString) bytes = g_string_sized_new(message->len + 2);
	g_string_append(bytes, ends_line(mbox, sb.st_size) ? "" : "\n");
	g_string_append_len(bytes, message->str, (gssize) message->len);

	if (!fs_write_all(mbox->fd, bytes->str, bytes->len, mbox->path, st)) {
		/* shortening needs no room; nothing better is left if even that fails */
		(void) !ftruncate(mbox->fd, sb.st_size);
		return false;
	}

	if (!mbox->appended)
		mbox->start = sb.st_size;
	mbox->appended = true;
	mbox->end = sb.st_size + (off_t) bytes->len;

	return true;
}

static bool
flush_folder(const Mbox *mbox, Status *st)
{
	g_autofree char *folder = g_path_get_dirname(mbox->path);
	auto_fd int fd = -1;
	return fs_open_dir(AT_FDCWD, folder, &fd, st) && fs_sync(fd, folder, st);
}

bool
mbox_flush(Mbox *mbox, Status *st)
{
	if (mbox->durability != CONF_DURABILITY_NONE && !fs_sync(mbox->fd, mbox->path, st))
		return false;
	if (mbox->made && mbox->durability == CONF_DURABILITY_FULL && !flush_folder(mbox, st))
		return false;

	mbox->made = false;
	return true;
}

void
mbox_unlock(Mbox *mbox)
{
	unlock(mbox);
}

/* Behind the From_ line, whose date is that of each try. */
static const char *
behind_from_line(const char *message, size_t len, size_t *ret_len)
{
	const char *end = len > 5 && memcmp(message, "From ", 5) == 0 ? memchr(message, '\n', len)
	                                                              : NULL;
	const char *rest = end != NULL ? end + 1 : message;
	*ret_len = len - (size_t) (rest - message);
	return rest;
}

static char *
checksum(const char *message, size_t len)
{
	size_t rest_len;
	const char *rest = behind_from_line(message, len, &rest_len);
	return g_compute_checksum_for_data(G_CHECKSUM_MD5, (const guchar *) rest, rest_len);
}

char *
mbox_note(const Mbox *mbox, const GString *message)
{
	g_autofree char *sum = checksum(message->str, message->len);
	return g_strdup_printf("mbox-%" G_GINT64_FORMAT "-%zu-%s",
	                       (gint64) (mbox->end + mbox->reserved), message->len, sum);
}

/*
 * The octets from there on, at most `len`; a line end that only parts them from the message before
 * is left out. *ret_found (caller frees) is NULL where the file ends before. *ret_to_end: do they
 * go to its end?
 */
static bool
read_from(const Mbox *mbox, off_t offset, size_t len, off_t *ret_start, GString **ret_found,
          bool *ret_to_end, Status *st)
{
	struct stat sb;
	char first = '\0';
	if (fstat(mbox->fd, &sb) < 0)
		return status_fail_errno(st, errno, "cannot look at '%s'", mbox->path);
	if (offset < 0 || offset >= sb.st_size)
		return true;
	if (!fs_read_exactly_at(mbox->fd, offset, &first, 1, mbox->path, st))
		return false;

	g_autoptr(GString) found = g_string_new(NULL);
	*ret_start = first == '\n' ? offset + 1 : offset;
	g_string_set_size(found, (gsize) MIN((off_t) len, sb.st_size - *ret_start));
	if (!fs_read_exactly_at(mbox->fd, *ret_start, found->str, found->len, mbox->path, st))
		return false;

	*ret_to_end = *ret_start + (off_t) found->len == sb.st_size;
	*ret_found = g_steal_pointer(&found);
	return true;
}

static size_t
line_length(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t) (end - at));
	return newline != NULL ? (size_t) (newline + 1 - at) : (size_t) (end - at);
}

/* A line, which is not empty, that differs from try to try: our mark has the time in it. */
static bool
is_of_mark(const char *line, size_t len, bool was_mark)
{
	size_t name = strlen(MARK_FIELD ":");
	return (was_mark && (*line == ' ' || *line == '\t')) ||
	       (len >= name && g_ascii_strncasecmp(line, MARK_FIELD ":", name) == 0);
}

/*
 * What octets of the file are to a message: another one, its beginning and nothing else, or the
 * whole of it.
 */
typedef enum { PART_OTHER, PART_BEGINNING, PART_WHOLE } Part;

/* The date of the From_ line and our mark may differ: they are those of the try that wrote them. */
static Part
compare(const GString *found, const GString *message)
{
	size_t have, all;
	const char *at = behind_from_line(found->str, found->len, &have),
		   *other = behind_from_line(message->str, message->len, &all);
	const char *end = at + have, *other_end = other + all;

	if (found->len > 0 && at == found->str && g_str_has_prefix(message->str, "From "))
		return g_str_has_prefix(found->str, "From ") ? PART_BEGINNING : PART_OTHER;

	bool mark = false;
	while (at < end && other < other_end) {
		size_t len = line_length(at, end), other_len = line_length(other, other_end);
		mark = is_of_mark(at, len, mark) && is_of_mark(other, other_len, mark);
		if (!mark && (len > other_len || memcmp(at, other, len) != 0 ||
		              (len < other_len && at + len < end)))
			return PART_OTHER;
		at += len;
		other += other_len;
	}

	if (at < end)
		return PART_OTHER;
	return other == other_end ? PART_WHOLE : PART_BEGINNING;
}

/*
 * A power cut leaves zeros at the file's end where it had grown and its octets were not on the disk
 * yet.
 */
static void
drop_zeros(GString *found)
{
	while (found->len > 0 && found->str[found->len - 1] == '\0')
		g_string_truncate(found, found->len - 1);
}

/* Its writer died: nobody else holds the lock, and the message ends before it should. */
static bool
cut_off(Mbox *mbox, off_t offset, Status *st)
{
	if (ftruncate(mbox->fd, offset) < 0)
		return status_fail_errno(st, errno, "cannot cut off '%s'", mbox->path);

	mbox->start = mbox->end = offset;
	return true;
}

bool
mbox_has(Mbox *mbox, const char *note, const GString *message, bool is_certain, bool *ret_has,
         Status *st)
{
	g_auto(GStrv) words = g_strsplit(note, "-", -1);
	gint64 offset;
	guint64 len;

	*ret_has = false;
	if (g_strv_length(words) != 4 ||
	    !g_ascii_string_to_signed(words[1], 10, 0, G_MAXINT64 / 2, &offset, NULL) ||
	    !g_ascii_string_to_unsigned(words[2], 10, 0, G_MAXINT64 / 2, &len, NULL) ||
	    len > message->len + LIMIT_FILE_NAME)
		return true;

	off_t start = 0;
	bool to_end = false;
	g_autoptr(GString) found = NULL;
	if (!read_from(mbox, (off_t) offset, (size_t) len, &start, &found, &to_end, st))
		return false;
	if (found == NULL)
		return true;

	g_autofree char *sum = checksum(found->str, found->len);
	bool is_noted = found->len == len && strcmp(sum, words[3]) == 0;
	/*
	 * A later try may have written its octets in the room of those that a power cut had left,
	 * and the power went before its own note was on the disk.
	 */
	bool is_whole = found->len == len && compare(found, message) == PART_WHOLE;
	*ret_has = is_whole || (is_noted && is_certain);
	if (is_noted || is_whole)
		return true;

	if (to_end)
		drop_zeros(found);
	bool is_begun = found->len < len && compare(found, message) != PART_OTHER;
	return !is_begun || cut_off(mbox, (off_t) offset, st);
}

void
mbox_take_back(Mbox *mbox)
{
	/* what cannot be locked stays: a retry makes a second copy, which is better than none */
	g_auto(Status) st = STATUS_INIT;
	struct stat sb;
	if (!mbox->appended || !hold(mbox, &st))
		return;

	if (fstat(mbox->fd, &sb) == 0 && sb.st_size == mbox->end)
		(void) !ftruncate(mbox->fd, mbox->start);
	mbox->appended = false;
}

void
mbox_quote(GString *message)
{
	g_autoptr(GString) out = g_string_sized_new(message->len + 16);
	const char *from = message->str, *end = message->str + message->len;

	for (const char *at = from; (at = memmem(at, (size_t) (end - at), "\nFrom ", 6)) != NULL;
	     at += 6) {
		g_string_append_len(out, from, at + 1 - from);
		g_string_append_c(out, '>');
		from = at + 1;
	}

	g_string_append_len(out, from, end - from);
	g_string_assign(message, "");
	g_string_append_len(message, out->str, (gssize) out->len);
}
