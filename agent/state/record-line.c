/* SPDX-License-Identifier: MIT */
/*
 * record-line: JSON by hand, as a delivery must not pay for a tree of objects; one write at the
 * end.
 */
#define _GNU_SOURCE
#include "agent/state/record-line.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Most lines have no more; "time" of a line stands among its first octets. */
enum { USUAL_LINE = 2048, ROTATION_EVERY = 32, LINE_HEAD = 64, MILLI = 1000 };

static const char time_key[] = "\"time\":";

/* Make room for `more` octets. */
static inline void
reserve(RecordLine *line, size_t more)
{
	if (line->room - line->len >= more)
		return;
	line->room = MAX(2 * line->room, line->len + more);
	line->text = g_realloc(line->text, line->room);
}

static inline void
put(RecordLine *line, const char *octets, size_t len)
{
	reserve(line, len);
	memcpy(line->text + line->len, octets, len);
	line->len += len;
}

static inline void
put_one(RecordLine *line, char octet)
{
	reserve(line, 1);
	line->text[line->len++] = octet;
}

void
record_line_init(RecordLine *line)
{
	static const char head[] = "{\"schema\":\"" RECORD_LINE_SCHEMA "\"";

	*line = (RecordLine){ .text = g_malloc(USUAL_LINE), .room = USUAL_LINE };
	put(line, head, strlen(head));
	line->wants_comma = true;
}

void
record_line_clear(RecordLine *line)
{
	g_clear_pointer(&line->text, g_free);
}

/* The comma and the key. */
static void
begin_pair(RecordLine *line, const char *key)
{
	if (line->wants_comma)
		put_one(line, ',');
	line->wants_comma = true;
	if (key == NULL)
		return;

	put_one(line, '"');
	put(line, key, strlen(key));
	put(line, "\":", 2);
}

/* May the octet stand in a JSON string as it is? */
static inline bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* One character that is not plain; returns its octets. */
static size_t
escape(RecordLine *line, const char *at, size_t left)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char c = (unsigned char) *at;

	if (c == '"' || c == '\\') {
		put_one(line, '\\');
		put_one(line, *at);
		return 1;
	}

	if (c < 0x80) {
		put(line, "\\u00", 4);
		put_one(line, digits[c >> 4]);
		put_one(line, digits[c & 15]);
		return 1;
	}

	gunichar character = g_utf8_get_char_validated(at, (gssize) left);
	if (character == (gunichar) -1 || character == (gunichar) -2) {
		put(line, "\xef\xbf\xbd", 3);
		return 1;
	}

	size_t octets = (size_t) (g_utf8_next_char(at) - at);
	put(line, at, octets);
	return octets;
}

void
record_line_text_len(RecordLine *line, const char *key, const char *value, size_t len)
{
	if (value == NULL)
		return;
	begin_pair(line, key);

	put_one(line, '"');
	size_t end = MIN(len, LIMIT_RECORD_VALUE), at = 0;
	/* A character is not cut in two. */
	while (end < len && end > 0 && ((unsigned char) value[end] & 0xc0) == 0x80)
		end--;
	line->is_cut |= end < len;

	while (at < end) {
		size_t run = at;
		while (run < end && is_plain((unsigned char) value[run]))
			run++;
		put(line, value + at, run - at);
		at = run < end ? run + escape(line, value + run, end - run) : run;
	}
	put_one(line, '"');
}

void
record_line_text(RecordLine *line, const char *key, const char *value)
{
	if (value != NULL)
		record_line_text_len(line, key, value, strlen(value));
}

/* Digits of a number, at least `width`; printf costs ten times as much. */
static void
put_digits(RecordLine *line, guint64 value, unsigned width)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char) ('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (sizeof digits - at < width)
		digits[--at] = '0';
	put(line, digits + at, sizeof digits - at);
}

void
record_line_int(RecordLine *line, const char *key, gint64 value)
{
	begin_pair(line, key);
	if (value < 0)
		put_one(line, '-');
	put_digits(line, value < 0 ? -(guint64) value : (guint64) value, 1);
}

void
record_line_true(RecordLine *line, const char *key)
{
	begin_pair(line, key);
	put(line, "true", 4);
}

void
record_line_time(RecordLine *line, const char *key, gint64 time_us)
{
	guint64 time = (guint64) MAX(time_us, 0);

	begin_pair(line, key);
	put_digits(line, time / G_USEC_PER_SEC, 1);
	put_one(line, '.');
	put_digits(line, time % G_USEC_PER_SEC / MILLI, 3);
}

void
record_line_open(RecordLine *line, const char *key, char kind)
{
	begin_pair(line, key);
	put_one(line, kind);
	line->wants_comma = false;
}

void
record_line_close(RecordLine *line, char kind)
{
	put_one(line, kind == '{' ? '}' : ']');
	line->wants_comma = true;
}

bool
record_line_has_room(RecordLine *line)
{
	bool has_room = line->len < LIMIT_RECORD_LINE;
	line->is_cut |= !has_room;
	return has_room;
}

void
record_line_end(RecordLine *line)
{
	if (line->is_cut)
		record_line_true(line, "cut");
	put(line, "}\n", 2);
}

/* In new files the owner alone reads; what stands there is not replaced, so a link is a fault. */
static int
open_record(const char *path, Status *st)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = open(path, flags, 0600);

	if (fd < 0 && errno == ENOENT) {
		auto_fd int made = -1;
		g_autofree char *folder = g_path_get_dirname(path);
		if (!fs_make_dir(AT_FDCWD, folder, 0700, &made, st))
			return -1;
		fd = open(path, flags, 0600);
	}

	if (fd < 0)
		status_fail_errno(st, errno, "cannot open '%s'", path);
	return fd;
}

/* When the first line was written; 0: nobody knows. */
static gint64
first_time(const char *path)
{
	char head[LINE_HEAD + 1] = "";
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || pread(fd, head, LINE_HEAD, 0) <= 0)
		return 0;

	const char *time = strstr(head, time_key);
	return time != NULL ? g_ascii_strtoll(time + strlen(time_key), NULL, 10) : 0;
}

/* Is the file so old or so big that it becomes the old one? */
static bool
is_full(int fd, const char *path, const RecordLineBounds *bounds)
{
	struct stat sb;
	if (fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode))
		return false;
	if (sb.st_size > bounds->max_bytes)
		return true;

	gint64 time = first_time(path);
	return time > 0 && time + bounds->max_age < bounds->now;
}

/*
 * Two that do this at once must not lose what is in the file: the lock is the folder's, and the
 * second finds another file under its name. Whoever still holds the old file appends to that.
 */
static void
rotate(const char *path, int fd)
{
	struct stat held, named;
	g_autofree char *folder = g_path_get_dirname(path),
			*old = g_strconcat(path, RECORD_OLD, NULL);
	auto_fd int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 &&
	    lstat(path, &named) == 0 && held.st_ino == named.st_ino)
		(void) rename(path, old); /* or another time */
}

/*
 * Times, names and ids stand in it: their sum is as good as random, for no call. Of all of it, as
 * lines of one second for names that are not there differ in one word in the middle.
 */
static bool
is_rotator(const RecordLine *line)
{
	guint64 sum = 0, word;
	for (size_t i = 0; i + sizeof word <= line->len; i += sizeof word) {
		memcpy(&word, line->text + i, sizeof word);
		sum = (sum ^ word) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	}
	return (sum >> 32) % ROTATION_EVERY == 0;
}

bool
record_line_append(const char *path, const RecordLine *line, const RecordLineBounds *bounds,
                   Status *st)
{
	auto_fd int fd = open_record(path, st);
	if (fd < 0)
		return false;

	/* One write, so that lines of two processes do not mix; the rest of a short one is lost. */
	ssize_t n = write(fd, line->text, line->len);
	if (n != (ssize_t) line->len)
		return status_fail_errno(st, n < 0 ? errno : ENOSPC, "cannot write '%s'", path);

	if (is_rotator(line) && is_full(fd, path, bounds))
		rotate(path, fd);
	return true;
}
