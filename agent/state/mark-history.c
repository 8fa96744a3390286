/* SPDX-License-Identifier: MIT */
/*
 * mark-history: lines of blank-separated words, appended by one write and searched for the subject.
 */
#define _GNU_SOURCE
#include "agent/state/mark-history.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HISTORY_FILE "marks"
#define HISTORY_OF_HOST HISTORY_FILE "@"
#define HISTORY_OLD ".old"

enum { SUBJECT_DIGITS = 32, ARRIVAL_DIGITS = 16, LINE_BYTES = 8192, ROTATION_EVERY = 32 };

static void
add_print(GString *lines, const BodyPrint *print)
{
	gsize at = lines->len;
	g_string_append(lines, print->text);
	g_strdelimit(lines->str + at, " ", '.');
}

static void
begin_line(GString *lines, const MarkTag *tag, const char *verb)
{
	g_string_append_printf(lines, "%" G_GINT64_FORMAT, tag->now);
	if (tag->arrival != NULL)
		g_string_append_printf(lines, "/%.*s", ARRIVAL_DIGITS, tag->arrival);
	g_string_append_printf(lines, " %.*s ", SUBJECT_DIGITS, tag->subject);
	add_print(lines, tag->print);
	g_string_append_c(lines, ' ');
	g_string_append(lines, verb);
}

/* A path or a rule's place. */
static void
add_word(GString *lines, const char *word)
{
	g_string_append_c(lines, ' ');
	g_string_append_uri_escaped(lines, word, "/:,=+@", FALSE);
}

void
mark_history_kept(GString *lines, const MarkTag *tag, const char *path, guint64 bytes)
{
	begin_line(lines, tag, "kept f");
	g_string_append_printf(lines, " %" G_GUINT64_FORMAT, bytes);
	add_word(lines, path);
	g_string_append_c(lines, '\n');
}

void
mark_history_kept_in_mbox(GString *lines, const MarkTag *tag, const char *path, const char *sign)
{
	begin_line(lines, tag, "kept m");
	add_word(lines, sign);
	add_word(lines, path);
	g_string_append_c(lines, '\n');
}

void
mark_history_copied(GString *lines, const MarkTag *tag)
{
	begin_line(lines, tag, "copied\n");
}

void
mark_history_passed(GString *lines, const MarkTag *tag)
{
	begin_line(lines, tag, "passed\n");
}

void
mark_history_disposed(GString *lines, const MarkTag *tag, const char *rule)
{
	begin_line(lines, tag, "disposed");
	add_word(lines, rule);
	g_string_append_c(lines, ' ');
	add_print(lines, tag->whole);
	g_string_append_c(lines, '\n');
}

void
mark_history_returned(GString *lines, const MarkTag *tag)
{
	begin_line(lines, tag, "returned\n");
}

void
mark_history_waits(GString *lines, const MarkTag *tag)
{
	begin_line(lines, tag, "waits\n");
}

void
mark_history_taken(GString *lines, const MarkTag *tag)
{
	begin_line(lines, tag, "taken\n");
}

static int
open_history(const char *folder, const char *path, Status *st)
{
	const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = open(path, flags, 0600);

	if (fd < 0 && errno == ENOENT) {
		auto_fd int made = -1;
		if (!fs_make_dir(AT_FDCWD, folder, 0700, &made, st))
			return -1;
		fd = open(path, flags, 0600);
	}

	if (fd < 0)
		status_fail_errno(st, errno, "cannot open '%s'", path);
	return fd;
}

/* Is the file so old or so big that it becomes the old one? */
static bool
is_full(int fd, gint64 now, gint64 lifetime)
{
	char first[24] = "";
	struct stat sb;
	if (fstat(fd, &sb) < 0 || pread(fd, first, sizeof first - 1, 0) <= 0)
		return false;

	gint64 time = g_ascii_strtoll(first, NULL, 10);
	return sb.st_size > LIMIT_MARK_HISTORY || time + lifetime < now;
}

/*
 * Two that do this at once must not lose what is in the file: the second finds another file under
 * its name.
 */
static void
rotate(const char *path, int fd)
{
	struct stat held, named;
	g_autofree char *old = g_strconcat(path, HISTORY_OLD, NULL);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 && stat(path, &named) == 0 &&
	    held.st_ino == named.st_ino)
		(void) rename(path, old); /* or another time */
}

/* The print is as good as random, and costs no system call. */
static bool
is_rotator(const GString *lines)
{
	const char *dot = strchr(lines->str, '.');
	return dot != NULL && dot[1] != '\0' && dot[2] != '\0' &&
	       (g_ascii_xdigit_value(dot[1]) * 16 + g_ascii_xdigit_value(dot[2])) %
	                       ROTATION_EVERY ==
	               0;
}

/* Caller frees. */
static char *
file_of(const char *folder, const char *host)
{
	g_autofree char *name = host != NULL ? g_strconcat(HISTORY_OF_HOST, host, NULL)
	                                     : g_strdup(HISTORY_FILE);
	return g_build_filename(folder, g_strdelimit(name, "/", '_'), NULL);
}

bool
mark_history_append(const char *folder, const char *host, const GString *lines, gint64 now,
                    gint64 lifetime, Status *st)
{
	if (lines->len == 0)
		return true;
	g_autofree char *path = file_of(folder, host);
	auto_fd int fd = open_history(folder, path, st);
	if (fd < 0 || !fs_write_all(fd, lines->str, lines->len, path, st))
		return false;

	if (is_rotator(lines) && is_full(fd, now, lifetime))
		rotate(path, fd);
	return true;
}

/* "f 1234 new/NAME" or "m DIGITS /path" */
static KeptCopy *
parse_copy(const char *text, gint64 time)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 3);
	guint64 bytes = 0;
	if (g_strv_length(words) != 3)
		return NULL;

	bool is_mbox = strcmp(words[0], "m") == 0;
	if (!is_mbox && (strcmp(words[0], "f") != 0 ||
	                 !g_ascii_string_to_unsigned(words[1], 10, 0, G_MAXINT64, &bytes, NULL)))
		return NULL;

	g_autofree char *path = g_uri_unescape_string(words[2], NULL);
	if (path == NULL || *path == '\0' || (is_mbox && strlen(words[1]) < SUBJECT_DIGITS))
		return NULL;

	KeptCopy *copy = g_new(KeptCopy, 1);
	*copy = (KeptCopy){ g_steal_pointer(&path), bytes, is_mbox ? g_strdup(words[1]) : NULL,
		            time };
	return copy;
}

/* What is looked for, as it stands in lines. */
typedef struct {
	char *needle; /* " SUBJECT " */
	char *body;
	char *whole; /* NULL: not known */
	/* whose own lines count for nothing: this is a retry of it; NULL: not known */
	const char *arrival;
	gint64 now;        /* no wait began later */
	gint64 *ret_ended; /* the last end of a wait in the file that is read; 0: none */
} Wanted;

/* "RULE WHOLE" */
static void
take_disposed(MarkHistory *history, const char *rest, const Wanted *wanted)
{
	g_auto(GStrv) words = g_strsplit(rest, " ", 2);
	if (g_strv_length(words) != 2 || g_strcmp0(words[1], wanted->whole) != 0)
		return;
	g_free(history->disposed);
	history->disposed = g_uri_unescape_string(words[0], NULL);
}

/* What a line says with this mail's body. */
static void
take_same_body(MarkHistory *history, const char *verb, const char *rest, gint64 time,
               const Wanted *wanted)
{
	if (strcmp(verb, "kept") == 0) {
		KeptCopy *copy = parse_copy(rest, time);
		if (copy != NULL)
			g_ptr_array_insert(history->kept, 0, copy);
		if (history->kept->len > LIMIT_KEPT_COPIES)
			g_ptr_array_remove_index(history->kept, history->kept->len - 1);
	} else if (strcmp(verb, "disposed") == 0) {
		take_disposed(history, rest, wanted);
	} else if (strcmp(verb, "passed") == 0) {
		history->passed = true;
	}
}

/* "TIME" or "TIME/ARRIVAL"; *ret_own: by an earlier try of this very arrival. False: neither. */
static bool
take_head(char *head, const Wanted *wanted, gint64 *ret_time, bool *ret_own)
{
	char *arrival = strchr(head, '/');

	if (arrival != NULL)
		*arrival++ = '\0';
	*ret_own = arrival != NULL && wanted->arrival != NULL &&
	           strncmp(arrival, wanted->arrival, ARRIVAL_DIGITS) == 0;
	return g_ascii_string_to_signed(head, 10, 0, G_MAXINT64, ret_time, NULL);
}

/* The beginning of a wait, or one of its ends. True: the line says no more. */
static bool
take_wait(MarkHistory *history, const char *verb, gint64 time, bool is_own, const Wanted *wanted)
{
	bool is_wait = strcmp(verb, "waits") == 0, is_end = strcmp(verb, "taken") == 0;

	if (is_wait && time <= wanted->now) {
		history->put_off = history->put_off == 0 ? time : history->put_off;
		if (is_own && history->waits == 0)
			history->waits = time;
	} else if (is_end || strcmp(verb, "kept") == 0) {
		history->put_off = 0;
		*wanted->ret_ended = time;
	}

	return is_wait || is_end;
}

/* A line of this subject: HEAD SUBJECT BODY VERB REST. */
static void
take_line(MarkHistory *history, char *line, const Wanted *wanted)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 5);
	gint64 time;
	bool is_own;
	if (g_strv_length(words) < 4 || !take_head(words[0], wanted, &time, &is_own))
		return;

	const char *verb = words[3], *rest = words[4] != NULL ? words[4] : "";
	bool same_body = strcmp(words[2], wanted->body) == 0;
	if ((same_body && take_wait(history, verb, time, is_own, wanted)) || is_own)
		return;

	history->known = true;
	history->returns += strcmp(verb, "returned") == 0;
	history->kept_any |= strcmp(verb, "kept") == 0 || strcmp(verb, "copied") == 0;
	if (same_body)
		take_same_body(history, verb, rest, time, wanted);
}

/* All lines of the subject in whole lines of text. */
static void
search_lines(MarkHistory *history, const char *text, size_t len, const Wanted *wanted)
{
	const char *end = text + len;
	for (const char *at = text;
	     (at = memmem(at, (size_t) (end - at), wanted->needle, SUBJECT_DIGITS + 2)) != NULL;
	     at++) {
		const char *start = memrchr(text, '\n', (size_t) (at - text));
		const char *stop = memchr(at, '\n', (size_t) (end - at));
		start = start != NULL ? start + 1 : text;
		if (stop == NULL || stop - start > LINE_BYTES)
			continue;
		g_autofree char *line = g_strndup(start, (gsize) (stop - start));
		take_line(history, line, wanted);
	}
}

static void
read_file(MarkHistory *history, const char *path, const Wanted *wanted)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat sb;
	g_auto(Status) unreadable = STATUS_INIT;

	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode))
		return;

	/* A line that is cut by the end of a piece is read with the next one. */
	g_autofree char *piece = g_malloc(LIMIT_COPY_CHUNK + LINE_BYTES);
	size_t held = 0, n = 1;
	for (guint64 seen = 0; n > 0 && seen < 2 * (guint64) LIMIT_MARK_HISTORY; seen += n) {
		if (!fs_read(fd, piece + held, LIMIT_COPY_CHUNK, &n, path, &unreadable))
			return;
		size_t len = held + n;
		const char *last = len > 0 ? memrchr(piece, '\n', len) : NULL;
		size_t whole = last != NULL ? (size_t) (last - piece) + 1 : 0;
		search_lines(history, piece, whole, wanted);
		held = len - whole <= LINE_BYTES ? len - whole : 0;
		memmove(piece, piece + len - held, held);
	}
}

/*
 * Lines follow each other in one file, hosts do not: what another one's file says of the wait is
 * older or newer.
 */
static void
read_next_file(MarkHistory *history, const char *path, const Wanted *wanted, gint64 *last_ended)
{
	gint64 put_off = history->put_off, ended = 0;
	Wanted here = *wanted;

	here.ret_ended = &ended;
	history->put_off = 0;
	read_file(history, path, &here);

	if (put_off < ended)
		put_off = 0;
	if (history->put_off < *last_ended)
		history->put_off = 0;
	if (put_off != 0 && (history->put_off == 0 || put_off < history->put_off))
		history->put_off = put_off;
	*last_ended = MAX(*last_ended, ended);
}

static void
copy_free(gpointer copy)
{
	kept_copy_free(copy);
}

static bool
is_history(const char *name)
{
	return strcmp(name, HISTORY_FILE) == 0 || strcmp(name, HISTORY_FILE HISTORY_OLD) == 0 ||
	       g_str_has_prefix(name, HISTORY_OF_HOST);
}

/* Older files first, where it is the same host. */
static int
compare_files(gconstpointer a, gconstpointer b)
{
	const char *one = *(const char *const *) a, *other = *(const char *const *) b;
	int is_newer = !g_str_has_suffix(one, HISTORY_OLD) - !g_str_has_suffix(other, HISTORY_OLD);
	return is_newer != 0 ? is_newer : strcmp(one, other);
}

/* Paths. Caller frees. */
static GPtrArray *
list_files(const char *folder)
{
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;)
		if (is_history(name) && files->len < LIMIT_MARK_FILES)
			g_ptr_array_add(files, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(files, compare_files);
	return files;
}

/* Newest first. */
static int
compare_kept(gconstpointer a, gconstpointer b)
{
	const KeptCopy *one = *(const KeptCopy *const *) a, *other = *(const KeptCopy *const *) b;
	return one->time < other->time ? 1 : one->time > other->time ? -1 : 0;
}

void
mark_history_read(const char *folder, const MarkTag *tag, MarkHistory *ret_history)
{
	*ret_history = (MarkHistory){ .kept = g_ptr_array_new_with_free_func(copy_free) };
	g_autofree char *needle = g_strdup_printf(" %.*s ", SUBJECT_DIGITS, tag->subject);
	g_autofree char *body = g_strdelimit(g_strdup(tag->print->text), " ", '.');
	g_autofree char *whole = tag->whole != NULL
	                                 ? g_strdelimit(g_strdup(tag->whole->text), " ", '.')
	                                 : NULL;
	const Wanted wanted = { needle, body, whole, tag->arrival, tag->now, NULL };
	g_autoptr(GPtrArray) files = list_files(folder);
	gint64 last_ended = 0;
	for (guint i = 0; i < files->len; i++)
		read_next_file(ret_history, files->pdata[i], &wanted, &last_ended);
	g_ptr_array_sort(ret_history->kept, compare_kept);
}

void
mark_history_clear(MarkHistory *history)
{
	g_clear_pointer(&history->kept, g_ptr_array_unref);
	g_clear_pointer(&history->disposed, g_free);
}
