/* SPDX-License-Identifier: MIT */
/* record-reader: pieces of files, whole lines of them, and the octets that are looked for. */
#define _GNU_SOURCE
#include "agent/state/record-reader.h"

#include "agent/base/fold.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* How each line begins; no text can hold it, as quotes in texts are escaped. */
static const char head[] = "{\"schema\":\"" RECORD_LINE_SCHEMA "\"";
static const char time_key[] = ",\"time\":";

/* A reading on its way. */
typedef struct {
	const char *needle; /* NULL: all lines */
	size_t needle_len;
	RecordReaderVisit *visit;
	void *user;
	bool is_enough;
} Reading;

/* What stands between two line ends. A line behind a torn one begins in the middle. */
static void
take_line(Reading *reading, const char *text, size_t len)
{
	const char *start = text, *next = text;
	while ((next = memmem(next, len - (size_t) (next - text), head, strlen(head))) != NULL)
		start = next++;

	size_t left = len - (size_t) (start - text);
	bool is_ours = left > strlen(head) && memcmp(start, head, strlen(head)) == 0 &&
	               start[left - 1] == '}';
	bool is_wanted = is_ours && (reading->needle == NULL ||
	                             memmem(start, left, reading->needle, reading->needle_len));
	if (is_wanted && !reading->visit(reading->user, start, left))
		reading->is_enough = true;
}

/* Each line; or only those around the octets, where most lines have none. */
static void
take_lines(Reading *reading, const char *text, size_t len)
{
	const char *end = text + len, *at = text;

	while (at < end && !reading->is_enough) {
		const char *hit = reading->needle != NULL
		                          ? memmem(at, (size_t) (end - at), reading->needle,
		                                   reading->needle_len)
		                          : at;
		if (hit == NULL)
			return;
		const char *before = memrchr(at, '\n', (size_t) (hit - at)),
			   *start = before != NULL ? before + 1 : at,
			   *stop = memchr(hit, '\n', (size_t) (end - hit));
		if (stop == NULL)
			return;
		take_line(reading, start, (size_t) (stop - start));
		at = stop + 1;
	}
}

/* STATUS_OK and -1: there is none. */
static int
open_to_read(const char *path, Status *st)
{
	struct stat sb;
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return -1;
	if (fd < 0 || fstat(fd, &sb) < 0) {
		status_fail_errno(st, errno, "cannot open '%s'", path);
		return -1;
	}

	if (!S_ISREG(sb.st_mode)) {
		status_fail_detail(st, STATUS_IO, "'%s' is not a regular file", path);
		return -1;
	}

	return fs_steal_fd(&fd);
}

/* From where the descriptor stands to the end. A line that a piece cuts is read with the next. */
static bool
read_descriptor(Reading *reading, int fd, const char *path, Status *st)
{
	g_autofree char *piece = g_malloc(LIMIT_COPY_CHUNK + LIMIT_RECORD_LINE_READ);
	size_t held = 0, n = 1;

	while (n > 0 && !reading->is_enough) {
		if (!fs_read(fd, piece + held, LIMIT_COPY_CHUNK, &n, path, st))
			return false;
		size_t len = held + n;
		const char *last = len > 0 ? memrchr(piece, '\n', len) : NULL;
		size_t whole = last != NULL ? (size_t) (last - piece) + 1 : 0;
		take_lines(reading, piece, whole);
		held = len - whole <= LIMIT_RECORD_LINE_READ ? len - whole : 0;
		memmove(piece, piece + len - held, held);
	}

	return true;
}

static bool
read_file(Reading *reading, const char *path, Status *st)
{
	auto_fd int fd = open_to_read(path, st);
	if (fd < 0)
		return st->id == STATUS_OK;
	return read_descriptor(reading, fd, path, st);
}

bool
record_reader_run(const char *path, const char *needle, RecordReaderVisit *visit, void *user,
                  Status *st)
{
	static const char *const behind[] = { RECORD_OLD, RECORD_FORGET, "" };
	Reading reading = { needle, needle != NULL ? strlen(needle) : 0, visit, user, false };

	for (size_t i = 0; i < G_N_ELEMENTS(behind) && !reading.is_enough; i++) {
		g_autofree char *file = g_strconcat(path, behind[i], NULL);
		if (!read_file(&reading, file, st))
			return false;
	}

	return true;
}

gint64
record_reader_time(const char *text, size_t len)
{
	enum { TIME_DIGITS = 24 };
	char digits[TIME_DIGITS + 1] = "";
	size_t at = strlen(head) + strlen(time_key);

	if (len < at + 2 || memcmp(text + strlen(head), time_key, strlen(time_key)) != 0)
		return 0;
	memcpy(digits, text + at, MIN(len - at, TIME_DIGITS));
	double seconds = g_ascii_strtod(digits, NULL);
	return (gint64) (CLAMP(seconds, 0, G_MAXINT32) * G_USEC_PER_SEC);
}

json_t *
record_reader_parse(const char *text, size_t len)
{
	json_t *record = json_loadb(text, len, 0, NULL);
	const char *schema = json_string_value(json_object_get(record, "schema"));

	if (g_strcmp0(schema, RECORD_LINE_SCHEMA) == 0)
		return record;
	json_decref(record);
	return NULL;
}

/* Can the octet be part of an address, so that what stands beside it is another one? */
static bool
is_of_address(char c)
{
	return g_ascii_isalnum(c) || (c & 0x80) != 0 || (c != '\0' && strchr("._-+=%&", c) != NULL);
}

/* Both are folded. */
static bool
text_mentions(const char *text, const char *address)
{
	g_autofree char *folded = g_utf8_casefold(text, -1);
	size_t len = strlen(address);

	for (const char *at = folded; (at = strstr(at, address)) != NULL; at++)
		if ((at == folded || !is_of_address(at[-1])) &&
		    (!is_of_address(at[len]) || (at[len] == '.' && !is_of_address(at[len + 1]))))
			return true;
	return false;
}

static bool
mentions(const json_t *value, const char *address)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value))
		return text_mentions(json_string_value(value), address);
	if (json_is_object(value)) {
		json_object_foreach((json_t *) value, key,
		                    item) if (mentions(item, address)) return true;
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item) if (mentions(item, address)) return true;
	}

	return false;
}

bool
record_reader_mentions(const json_t *record, const char *address)
{
	g_autofree char *folded = fold_text(address);
	return *folded != '\0' && mentions(record, folded);
}

/* What is left of the record, in the making. */
typedef struct {
	RecordReaderJudge *judge;
	void *user;
	int fd;
	const char *path;
	GString *lines; /* not written yet */
	unsigned gone;
	Status *st;
	bool is_broken;
} Rest;

static bool
flush_rest(Rest *rest)
{
	bool good = fs_write_all(rest->fd, rest->lines->str, rest->lines->len, rest->path,
	                         rest->st);
	g_string_truncate(rest->lines, 0);
	return good;
}

static bool
keep_or_drop(void *user, const char *text, size_t len)
{
	Rest *rest = user;

	if (rest->judge(rest->user, text, len)) {
		rest->gone++;
		return true;
	}

	g_string_append_len(rest->lines, text, (gssize) len);
	g_string_append_c(rest->lines, '\n');
	rest->is_broken = rest->lines->len > LIMIT_COPY_CHUNK && !flush_rest(rest);
	return !rest->is_broken;
}

/* The names that a forgetting works with. */
typedef struct {
	char *old;
	char *taken; /* what deliveries do not write to any more */
	char *made;
} Names;

static void
names_clear(Names *names)
{
	g_free(names->old);
	g_free(names->taken);
	g_free(names->made);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Names, names_clear)

/* Judge all lines of the file at `path`; its descriptor stays for those that still write to it. */
static bool
judge_file(Rest *rest, const char *path, int *ret_fd, Status *st)
{
	Reading reading = { .visit = keep_or_drop, .user = rest };

	*ret_fd = open_to_read(path, st);
	if (*ret_fd < 0)
		return st->id == STATUS_OK;
	return read_descriptor(&reading, *ret_fd, path, st) && !rest->is_broken;
}

/* The rest becomes record.old. */
static bool
write_rest(Rest *rest, const Names *names, Status *st)
{
	auto_fd int old = -1, taken = -1;
	Reading late = { .visit = keep_or_drop, .user = rest };

	if (!judge_file(rest, names->old, &old, st) || !judge_file(rest, names->taken, &taken, st))
		return false;

	/* Deliveries that had opened the file before it was taken have written by now. */
	if (taken >= 0 && !read_descriptor(&late, taken, names->taken, st))
		return false;
	if (rest->is_broken || !flush_rest(rest) || !fs_sync(rest->fd, names->made, st))
		return false;

	if (rename(names->made, names->old) < 0)
		return status_fail_errno(st, errno, "cannot replace '%s'", names->old);
	if (taken >= 0 && unlink(names->taken) < 0)
		return status_fail_errno(st, errno, "cannot remove '%s'", names->taken);
	return true;
}

static bool
rewrite(const char *path, Rest *rest, Status *st)
{
	g_auto(Names)
		names = { g_strconcat(path, RECORD_OLD, NULL),
		          g_strconcat(path, RECORD_FORGET, NULL), g_strconcat(path, ".new", NULL) };
	bool is_left = access(names.taken, F_OK) == 0; /* by one who died; it comes first */

	/* What is no record stays under its name: taken away, it would stop all that follow. */
	auto_fd int now = is_left ? -1 : open_to_read(path, st);
	if (now < 0 && st->id != STATUS_OK)
		return false;
	if (!is_left && rename(path, names.taken) < 0 && errno != ENOENT)
		return status_fail_errno(st, errno, "cannot rename '%s'", path);

	auto_fd int fd = open(names.made,
	                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
	                      0600);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make '%s'", names.made);

	g_autoptr(GString) lines = g_string_new(NULL);
	rest->fd = fd;
	rest->path = names.made;
	rest->lines = lines;
	if (!write_rest(rest, &names, st)) {
		(void) unlink(names.made); /* or the next one truncates it */
		return false;
	}

	return !is_left || rewrite(path, rest, st);
}

bool
record_reader_forget(const char *path, RecordReaderJudge *judge, void *user, unsigned *ret_gone,
                     Status *st)
{
	g_autofree char *folder = g_path_get_dirname(path);
	auto_fd int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*ret_gone = 0;
		return true;
	}

	if (lock < 0)
		return status_fail_errno(st, errno, "cannot open '%s'", folder);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return status_fail_detail(st, STATUS_BUSY,
		                          "'%s': another process works on the record", folder);

	Rest rest = { .judge = judge, .user = user, .st = st };
	if (!rewrite(path, &rest, st))
		return false;
	*ret_gone = rest.gone;
	return true;
}
