/* SPDX-License-Identifier: MIT */
/* log: builds the line in both forms from the same pairs, and sends it. */
#define _GNU_SOURCE
#include "agent/base/log.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <jansson.h>
#include <paths.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

struct LogLine {
	GString *text;
	bool has_pairs;
	json_t *object; /* NULL in text form */
};

static struct {
	const char *ident;
	int fd;       /* -1: syslog */
	int fallback; /* -1: none */
	LogForm form;
} target = { .ident = "todoke", .fd = -1, .fallback = -1, .form = LOG_FORM_TEXT };

/* Does somebody listen where syslog(3) writes to? */
static bool
has_syslog(void)
{
	const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };
	bool listens = false;

	for (size_t i = 0; i < G_N_ELEMENTS(types) && !listens; i++) {
		auto_fd int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
		listens = fd >= 0 && connect(fd, (const struct sockaddr *) &log, sizeof log) == 0;
	}

	return listens;
}

void
log_open(const char *ident, int fd, LogForm form)
{
	target.ident = ident;
	target.fd = fd;
	target.form = form;
	if (fd >= 0)
		return;

	if (target.fallback >= 0 && !has_syslog())
		target.fd = target.fallback;
	else
		openlog(ident, LOG_PID, LOG_MAIL);
}

void
log_fall_back_to(int fd)
{
	target.fallback = fd;
}

bool
log_falls_back(void)
{
	return target.fd >= 0 && target.fd == target.fallback;
}

bool
log_is_heard(void)
{
	return target.fd >= 0 || has_syslog();
}

enum { SECONDS_PER_DAY = 86400, JULIAN_1970 = 719163 };

/*
 * For a file of our own, in UTC: there is no hour that comes twice, and no zone's file to read for
 * each delivery (even gmtime_r of glibc reads it).
 */
static void
write_to_file(const char *text)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC, second = now % SECONDS_PER_DAY;
	GDate day;

	g_date_clear(&day, 1);
	g_date_set_julian(&day, (guint32) (now / SECONDS_PER_DAY + JULIAN_1970));
	g_autofree char *line = g_strdup_printf(
		"%04d-%02d-%02dT%02d:%02d:%02dZ %s[%d]: %s\n", (int) g_date_get_year(&day),
		(int) g_date_get_month(&day), (int) g_date_get_day(&day), (int) (second / 3600),
		(int) (second / 60 % 60), (int) (second % 60), target.ident, (int) fs_own_pid(),
		text);

	/* one write: lines of other processes do not mix; no log is no fault */
	(void) !write(target.fd, line, strlen(line));
}

static void
send_text(int priority, const char *text)
{
	if (target.fd >= 0)
		write_to_file(text);
	else
		syslog(priority, "%s", text);
}

static void
on_glib_message(const char *domain, GLogLevelFlags level, const char *message, void *user)
{
	(void) user;
	int priority = level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL) ? LOG_CRIT : LOG_WARNING;
	log_note(priority, "library %s says: %s", domain != NULL ? domain : "?", message);
}

void
log_catch_glib(void)
{
	g_log_set_default_handler(on_glib_message, NULL);
}

/*
 * The separators of lines and paragraphs count as printable to GLib; some viewers break lines
 * there.
 */
static bool
is_printable(gunichar u)
{
	return g_unichar_isprint(u) && u != 0x2028 && u != 0x2029;
}

/* At most LIMIT_LOG_VALUE octets of a value, at a character. Caller frees. */
static char *
cut_value(const char *value)
{
	char *valid = g_utf8_make_valid(value, (gssize) strnlen(value, LIMIT_LOG_VALUE));
	if (strlen(value) <= LIMIT_LOG_VALUE)
		return valid;

	char *cut = g_strconcat(valid, "...", NULL);
	g_free(valid);
	return cut;
}

/* Can the value be read without quotes? */
static bool
is_bare(const char *value)
{
	size_t len = 0;
	while (g_ascii_isalnum(value[len]) ||
	       (value[len] != '\0' && strchr(".:;@/+-_<>()[]{}%&*!?#~^$|", value[len]) != NULL))
		len++;
	return value[len] == '\0' && len > 0 && len <= LIMIT_LOG_VALUE;
}

/* A value that can be read without doubt stands bare; others in quotes with backslash escapes. */
static void
append_value(GString *out, const char *value)
{
	if (is_bare(value)) {
		g_string_append(out, value);
		return;
	}

	g_autofree char *valid = g_utf8_make_valid(value, -1);
	size_t start = out->len;
	g_string_append_c(out, '"');

	const char *c = valid;
	for (; *c != '\0' && out->len - start < LIMIT_LOG_VALUE; c = g_utf8_next_char(c)) {
		gunichar u = g_utf8_get_char(c);
		if (u == '"' || u == '\\')
			g_string_append_printf(out, "\\%c", (char) u);
		else if (is_printable(u))
			g_string_append_unichar(out, u);
		else
			g_string_append_printf(out, "\\u%04x", u);
	}

	g_string_append(out, *c != '\0' ? "...\"" : "\"");
}

LogLine *
log_line_new(const char *queue_id)
{
	const char *id = queue_id != NULL && *queue_id != '\0' ? queue_id : "NOQUEUE";
	LogLine *line = g_new0(LogLine, 1);

	line->text = g_string_new(NULL);
	if (target.form == LOG_FORM_JSON) {
		line->object = json_object();
		g_autofree char *cut = cut_value(id);
		json_object_set_new(line->object, "queue_id", json_string(cut));
	}

	append_value(line->text, id);
	g_string_append_c(line->text, ':');
	return line;
}

void
log_line_add(LogLine *line, const char *key, const char *value)
{
	if (value == NULL)
		return;
	if (line->object != NULL) {
		g_autofree char *cut = cut_value(value);
		json_object_set_new(line->object, key, json_string(cut));
		return;
	}

	g_string_append(line->text, line->has_pairs ? ", " : " ");
	g_string_append(line->text, key);
	g_string_append_c(line->text, '=');
	line->has_pairs = true;
	append_value(line->text, value);
}

void
log_line_add_int(LogLine *line, const char *key, gint64 value)
{
	g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, value);
	if (line->object != NULL)
		json_object_set_new(line->object, key, json_integer(value));
	else
		log_line_add(line, key, digits);
}

void
log_line_add_outside(LogLine *line, const GPtrArray *failures)
{
	for (guint i = 0; i < failures->len; i++) {
		const Outside *outside = failures->pdata[i];
		const struct {
			const char *key, *value;
		} pairs[] = {
			{ "account", outside->account }, { "protocol", outside->protocol },
			{ "peer", outside->peer },       { "command", outside->command },
			{ "reply", outside->reply },
		};
		for (size_t p = 0; p < G_N_ELEMENTS(pairs); p++) {
			g_autofree char *key = i > 0 ? g_strdup_printf("%s%u", pairs[p].key, i + 1)
			                             : g_strdup(pairs[p].key);
			log_line_add(line, key, pairs[p].value);
		}
	}
}

void
log_line_send(LogLine *line, int priority)
{
	if (line->object != NULL) {
		char *json = json_dumps(line->object, JSON_COMPACT | JSON_PRESERVE_ORDER);
		send_text(priority, json);
		free(json);
	} else {
		if (line->text->len > LIMIT_LOG_LINE)
			g_string_truncate(
				line->text,
				(gsize) (g_utf8_find_prev_char(line->text->str,
			                                       line->text->str + LIMIT_LOG_LINE) -
			                 line->text->str));
		send_text(priority, line->text->str);
	}
	log_line_free(line);
}

void
log_line_free(LogLine *line)
{
	if (line == NULL)
		return;
	g_string_free(line->text, TRUE);
	json_decref(line->object);
	g_free(line);
}

void
log_note(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);

	g_autofree char *valid = g_utf8_make_valid(text, -1);
	for (char *c = valid; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	send_text(priority, valid);
}
