/* SPDX-License-Identifier: MIT */
/* answer: descriptors 1 and 2 belong to Postfix; one writer, one line. */
#define _GNU_SOURCE
#include "agent/base/answer.h"

#include "agent/base/limits.h"
#include "agent/base/streams.h"
#include "agent/base/texts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int answer_fd = -1;
static int warning_fd = -1; /* standard error, which may be the same file */

/*
 * Milliseconds that a full pipe is waited for: Postfix reads as soon as it is not writing, and may
 * never read at all.
 */
enum { ANSWER_WAIT_MS = 1000 };

/* A terminal is no answer's alone: who sits there may read warnings, too. */
static bool
is_of_answer_alone(int answer, int warning)
{
	struct stat sa, sb;
	return fstat(answer, &sa) == 0 && fstat(warning, &sb) == 0 && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino && !S_ISCHR(sa.st_mode);
}

void
answer_take_over(void)
{
	answer_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	warning_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	/*
	 * A file gets the lowest free number. Where 0 is closed, the first has that one, and
	 * reading from it stays a fault: an empty file in its place would be stored as an empty
	 * message, and the caller's one would count as delivered.
	 */
	(void) close(STDOUT_FILENO);
	int null_fd = open("/dev/null", O_WRONLY);
	if (null_fd == STDIN_FILENO)
		null_fd = open("/dev/null", O_WRONLY);
	if (null_fd == STDOUT_FILENO)
		(void) dup2(null_fd, STDERR_FILENO);
	else if (answer_fd >= 0)
		(void) dup2(answer_fd, STDOUT_FILENO);
}

void
answer_give_back(void)
{
	if (answer_fd < 0)
		return;
	(void) dup2(answer_fd, STDOUT_FILENO);
	(void) dup2(warning_fd >= 0 ? warning_fd : answer_fd, STDERR_FILENO);
}

/*
 * Postfix replaces a line end by a blank and logs it: "(stored in INBOX )". Its pipe is
 * non-blocking (agent/POSTFIX, CALLING), which tells it from a person or a script: those get a
 * whole line.
 */
static bool
is_read_by_postfix(void)
{
	return !streams_may_block(answer_fd);
}

bool
answer_is_for_postfix(void)
{
	return streams_lead_to_postfix();
}

/*
 * The pipe is non-blocking and a partial line is worse than a late one. A reader that went away is
 * not our fault.
 */
static bool
write_patiently(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(answer_fd, data, len);
		if (n >= 0) {
			data += n;
			len -= (size_t) n;
		} else if (errno == EAGAIN) {
			struct pollfd pipe_fd = { .fd = answer_fd, .events = POLLOUT };
			int ready = poll(&pipe_fd, 1, ANSWER_WAIT_MS);
			if (ready == 0 || (ready < 0 && errno != EINTR))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

void
answer_warn(const char *text)
{
	if (warning_fd >= 0 && !is_of_answer_alone(answer_fd, warning_fd))
		(void) !write(warning_fd, text, strlen(text));
}

bool
answer_print(const char *data, size_t len)
{
	return answer_fd >= 0 && write_patiently(data, len);
}

/*
 * One printable line: Postfix would make '_' of control bytes; a NUL or a newline would end the
 * text.
 */
static void
append_printable(GString *line, const char *text, size_t max_bytes)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
		size_t bytes = (size_t) (g_utf8_next_char(c) - c);
		if (line->len + bytes > max_bytes)
			return;
		if (g_unichar_isprint(g_utf8_get_char(c)))
			g_string_append_len(line, c, (gssize) bytes);
		else
			g_string_append_c(line, ' ');
	}

	/* a line end of whoever wrote the text */
	while (line->len > 0 && line->str[line->len - 1] == ' ')
		g_string_truncate(line, line->len - 1);
}

char *
answer_reference(const char *text)
{
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
	return g_strndup(hash, 10);
}

/* May it stand in a path in our details? */
static bool
is_in_path(char c)
{
	return c != '\0' && strchr(" \t'\"(),;:=", c) == NULL;
}

/* Text whose paths are cut down to their last names. Caller frees. */
static char *
without_paths(const char *text)
{
	GString *out = g_string_new(NULL);
	while (*text != '\0') {
		size_t len = 0;
		while (is_in_path(text[len]))
			len++;
		const char *end = text + len;
		while (end > text + 1 && end[-1] == '/')
			end--;
		const char *name = end;
		while (name > text && name[-1] != '/')
			name--;
		g_string_append_len(out, name, end - name);
		text += len;
		if (*text != '\0')
			g_string_append_c(out, *text++);
	}

	return g_string_free(out, FALSE);
}

void
answer_tell_cause(Status *st)
{
	bool is_of_admin = st->id == STATUS_CONFIG || st->id == STATUS_UNTRUSTED;
	if (!is_of_admin || st->text != NULL || st->detail == NULL)
		return;
	g_autofree char *cause = without_paths(st->detail);
	st->text = g_strdup_printf("%s: %s", status_row(st->id)->text, cause);
}

void
answer_tell_typist(const char *text)
{
	if (warning_fd < 0 || !isatty(warning_fd))
		return;
	g_autoptr(GString) line = g_string_new("todoke: ");
	append_printable(line, text, LIMIT_ANSWER_BYTES);
	g_string_append_c(line, '\n');
	answer_warn(line->str);
}

char *
answer_line(const Status *st, const char *queue_id)
{
	GString *line = g_string_new(status_dsn(st));

	g_string_append_c(line, ' ');
	g_autofree char *text = texts_answer(st, true);
	append_printable(line, text, LIMIT_ANSWER_BYTES);
	if (queue_id != NULL && *queue_id != '\0') {
		g_autofree char *tail = g_strdup_printf(" [%s]", queue_id);
		append_printable(line, tail, LIMIT_ANSWER_BYTES + LIMIT_ANSWER_OK_BYTES);
	}

	return g_string_free(line, FALSE);
}

static void
write_line(const char *line)
{
	g_autofree char *whole = g_strconcat(line, is_read_by_postfix() ? NULL : "\n", NULL);
	write_patiently(whole, strlen(whole));
}

int
answer_finish(const Status *st, const char *done, const char *queue_id)
{
	if (st->id != STATUS_OK) {
		g_autofree char *line = answer_line(st, queue_id);
		write_line(line);
	} else if (done != NULL) {
		g_autoptr(GString) line = g_string_new(NULL);
		append_printable(line, done, LIMIT_ANSWER_OK_BYTES);
		write_line(line->str);
	}
	return status_row(st->id)->exit_code;
}

G_NORETURN void
answer_abort(const char *line, size_t len, int exit_code)
{
	if (answer_fd >= 0 && len > 0 && line[len - 1] == '\n' && is_read_by_postfix())
		len--;
	if (answer_fd >= 0)
		(void) !write(answer_fd, line, len);
	_exit(exit_code);
}
