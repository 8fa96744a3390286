/* SPDX-License-Identifier: MIT */
/* maildirsize: lines and sums. */
#define _GNU_SOURCE
#include "agent/store/maildirsize.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/store/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* "1000000S,1000C"; other letters mean other things, or nothing yet. */
static bool
parse_definition(const char *line, MaildirsizeAmount *ret_limit)
{
	MaildirsizeAmount limit = { 0, 0 };

	for (const char *at = line; *at != '\0';) {
		char *end;
		gint64 number = g_ascii_strtoll(at, &end, 10);
		if (end == at || number < 0 || number > MAILDIRSIZE_MOST || *end == '\0')
			return false;
		if (*end == 'S')
			limit.bytes = number;
		else if (*end == 'C')
			limit.messages = number;
		at = end[1] == ',' ? end + 2 : end + 1;
		if (end[1] != ',' && end[1] != '\0')
			return false;
	}

	*ret_limit = limit;
	return true;
}

char *
maildirsize_print(const MaildirsizeAmount *limit)
{
	if (limit->messages == 0)
		return g_strdup_printf("%" G_GINT64_FORMAT "S", limit->bytes);
	if (limit->bytes == 0)
		return g_strdup_printf("%" G_GINT64_FORMAT "C", limit->messages);

	return g_strdup_printf("%" G_GINT64_FORMAT "S,%" G_GINT64_FORMAT "C", limit->bytes,
	                       limit->messages);
}

static bool
add_line(const char *line, MaildirsizeAmount *sum)
{
	char *end, *last;
	gint64 bytes = g_ascii_strtoll(line, &end, 10);
	gint64 messages = g_ascii_strtoll(end, &last, 10);
	bool whole = end != line && last != end && g_strchug(last)[0] == '\0';

	if (!whole || ABS(bytes / 2) > MAILDIRSIZE_MOST / 2 ||
	    ABS(messages / 2) > MAILDIRSIZE_MOST / 2)
		return false;
	sum->bytes += bytes;
	sum->messages += messages;

	return ABS(sum->bytes) < MAILDIRSIZE_MOST && ABS(sum->messages) < MAILDIRSIZE_MOST;
}

static void
parse(char *text, Maildirsize *file)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	file->sound = lines[0] != NULL && parse_definition(g_strchomp(lines[0]), &file->limit);
	for (char **line = lines; file->sound && *line != NULL && *++line != NULL && **line != '\0';
	     file->lines++)
		file->sound = add_line(*line, &file->used);
	file->sound = file->sound && file->lines > 0 && file->used.bytes >= 0 &&
	              file->used.messages >= 0;
}

/* -1: it cannot be opened, or is no file; errno tells, ENOENT where there is none. */
static int
open_file(int inbox, int flags, struct stat *ret_info)
{
	int fd = openat(inbox, MAILDIRSIZE_FILE, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, ret_info) < 0 || !S_ISREG(ret_info->st_mode))) {
		fs_close_auto(&fd);
		errno = EINVAL;
	}
	return fd;
}

bool
maildirsize_read(int inbox, Maildirsize *ret)
{
	Maildirsize file = { .sound = false };
	struct stat info;
	auto_fd int fd = open_file(inbox, O_RDONLY, &info);
	if (fd < 0 && (inbox < 0 || errno == ENOENT))
		return false;

	char text[LIMIT_MAILDIRSIZE + 1];
	ssize_t len = fd >= 0 ? pread(fd, text, sizeof text - 1, 0) : -1;
	if (len >= 0) {
		text[len] = '\0';
		file.mtime = info.st_mtime;
		file.inode = info.st_ino;
		parse(text, &file);
		file.sound = file.sound && info.st_size <= (off_t) LIMIT_MAILDIRSIZE;
	}
	*ret = file;

	return true;
}

/* Flushed, for the definition may stand nowhere else. */
static bool
write_new(int inbox, const char *name, const char *text, ino_t *ret_inode, Status *st)
{
	struct stat info;
	auto_fd int fd = openat(inbox, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	                        0666);

	if (fd < 0 || fstat(fd, &info) < 0)
		return status_fail_errno(st, errno, "cannot make '%s'", name);
	if (!fs_write_all(fd, text, strlen(text), name, st) || !fs_sync(fd, name, st))
		return false;
	if (renameat(inbox, name, inbox, MAILDIRSIZE_FILE) < 0)
		return status_fail_errno(st, errno, "cannot replace '" MAILDIRSIZE_FILE "'");

	*ret_inode = info.st_ino;
	return true;
}

bool
maildirsize_replace(int inbox, const MaildirsizeAmount *limit, const MaildirsizeAmount *used,
                    ino_t *ret_inode, Status *st)
{
	g_autofree char *unique = maildir_unique_name();
	g_autofree char *name = g_strconcat("tmp/", unique, NULL);
	g_autofree char *definition = maildirsize_print(limit);
	g_autofree char *text = g_strdup_printf("%s\n%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
	                                        definition, used->bytes, used->messages);
	DeadlineFile guard = { .dirfd = inbox, .name = name };

	deadline_add_file(&guard);
	bool done = write_new(inbox, name, text, ret_inode, st);
	if (!done)
		(void) unlinkat(inbox, name, 0);
	deadline_drop_file(&guard);

	return done;
}

int
maildirsize_hold(int inbox, off_t *ret_size)
{
	struct stat info;
	int fd = open_file(inbox, O_RDONLY, &info);
	if (fd >= 0)
		*ret_size = info.st_size;
	return fd;
}

bool
maildirsize_has_grown(int held, off_t size)
{
	struct stat info;
	return held >= 0 && fstat(held, &info) == 0 && info.st_size != size;
}

/*
 * Until it is closed. Where nobody gives it away in time the line is written all the same: a lost
 * line costs a count, a lost mail cannot be counted.
 */
static void
lock_file(int fd)
{
	enum { TRIES = 100, PAUSE_US = 5000 };
	for (int i = 0; i < TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK; i++)
		g_usleep(PAUSE_US);
}

MaildirsizeOutcome
maildirsize_add(int inbox, ino_t inode, const MaildirsizeAmount *more, bool is_shared)
{
	struct stat info, after;
	auto_fd int fd = open_file(inbox, O_WRONLY | O_APPEND, &info);
	char line[64];
	int len = snprintf(line, sizeof line, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
	                   more->bytes, more->messages);

	if (fd < 0)
		return MAILDIRSIZE_NO_FILE;
	if (info.st_ino != inode) /* whoever counted may have seen the mail, or not */
		return MAILDIRSIZE_REPLACED;
	if (is_shared)
		lock_file(fd);
	if (write(fd, line, (size_t) len) != len)
		return MAILDIRSIZE_NO_FILE;

	bool is_there = fstatat(inbox, MAILDIRSIZE_FILE, &after, AT_SYMLINK_NOFOLLOW) == 0;
	return is_there && after.st_ino == inode ? MAILDIRSIZE_ADDED : MAILDIRSIZE_REPLACED;
}
