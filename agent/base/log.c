/* SPDX-License-Identifier: MIT */
/* log: builds the line in both forms from the same pairs, and sends it. */
#define _GNU_SOURCE
#include "agent/base/log.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <jansson.h>
#include <paths.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

struct LogLine {
	GString *text;
	bool has_pairs;
	bool is_of_no_message;
	json_t *object;     /* NULL in text form */
	GString *journal;   /* fields for the journal; NULL: it goes elsewhere */
	GPtrArray *secrets; /* char *: a value, and what stands in its place; NULL: none */
};

/* The keys that a line may have; those that stand for people can be masked. */
static const struct {
	const char *key;
	bool can_be_masked;
} fields[] = {
#define FIELD(key, can_be_masked, text) { key, can_be_masked },
#include "agent/base/log-field-table.def"
#undef FIELD
};

static struct {
	const char *ident;
	int fd;       /* -1: syslog */
	int fallback; /* -1: none */
	int stream;   /* of log_connect; -1: none */
	LogForm form;
	char **fields;       /* NULL: all */
	bool fields_are_out; /* they are those that are left out */
	char **masked;       /* NULL: none */
	char *journal;       /* socket; NULL: none */
	bool has_journal;    /* lines go there */
} target = { .ident = "todoke", .fd = -1, .fallback = -1, .stream = -1, .form = LOG_FORM_TEXT };

/* A socket of this type that leads to where syslog(3) writes to; -1: errno. */
static int
connect_to_syslog(int type)
{
	const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	auto_fd int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	bool listens = fd >= 0 && connect(fd, (const struct sockaddr *) &log, sizeof log) == 0;
	return listens ? fs_steal_fd(&fd) : -1;
}

/* Does somebody listen there? */
static bool
has_syslog(void)
{
	auto_fd int packets = connect_to_syslog(SOCK_DGRAM);
	auto_fd int stream = packets < 0 ? connect_to_syslog(SOCK_STREAM) : -1;
	return packets >= 0 || stream >= 0;
}

void
log_open(const char *ident, int fd, LogForm form)
{
	target.ident = ident;
	target.fd = fd;
	target.form = form;
	target.has_journal = fd < 0 && target.journal != NULL && access(target.journal, F_OK) == 0;
	if (fd >= 0 || target.has_journal)
		return;

	if (target.fallback >= 0 && !has_syslog())
		target.fd = target.fallback;
	else
		openlog(ident, LOG_PID, LOG_MAIL);
}

void
log_connect(void)
{
	if (target.fd >= 0 || target.has_journal || target.stream >= 0)
		return;

	auto_fd int packets = connect_to_syslog(SOCK_DGRAM);
	if (packets < 0 && errno == EPROTOTYPE)
		target.stream = connect_to_syslog(SOCK_STREAM);
	if (target.stream >= 0)
		openlog(target.ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

int
log_descriptor(void)
{
	return target.fd;
}

int
log_stream(void)
{
	return target.stream;
}

bool
log_is_json(void)
{
	return target.form == LOG_FORM_JSON;
}

void
log_use_journal(const char *path)
{
	g_free(target.journal);
	target.journal = *path != '\0' ? g_strdup(path) : NULL;
}

/* A copy in place of `old`; NULL for an empty list. */
static char **
copy_list(char **old, const char *const *list)
{
	g_strfreev(old);
	return list != NULL && list[0] != NULL ? g_strdupv((char **) (uintptr_t) list) : NULL;
}

void
log_choose(const char *const *chosen, const char *const *masked)
{
	target.fields = copy_list(target.fields, chosen);
	target.masked = copy_list(target.masked, masked);
	target.fields_are_out = target.fields != NULL;
	for (char **field = target.fields; field != NULL && *field != NULL; field++)
		target.fields_are_out = target.fields_are_out && **field == '-';
}

bool
log_field_is_known(const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (strcmp(fields[i].key, key) == 0)
			return true;
	return false;
}

bool
log_field_can_be_masked(const char *key)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].can_be_masked;
	return false;
}

/* Is `name` the key, but for the number behind it ("action2")? */
static bool
names_key(const char *name, const char *key)
{
	size_t len = strlen(name);
	return strncmp(name, key, len) == 0 && key[len + strspn(key + len, "0123456789")] == '\0';
}

/* Do the settings want it in lines about a message? */
static bool
is_wanted(const char *key)
{
	for (size_t i = 0; target.fields != NULL && target.fields[i] != NULL; i++) {
		const char *name = target.fields[i];
		bool is_out = *name == '-';
		if (is_out == target.fields_are_out && names_key(name + is_out, key))
			return !is_out;
	}
	return target.fields == NULL || target.fields_are_out;
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
	return target.fd >= 0 || target.has_journal || has_syslog();
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

/* A field of the journal's protocol: a value with a line end in it has its length before it. */
static void
append_field(GString *out, const char *name, const char *value)
{
	if (strchr(value, '\n') == NULL) {
		g_string_append_printf(out, "%s=%s\n", name, value);
		return;
	}

	guint64 len = GUINT64_TO_LE((guint64) strlen(value));
	g_string_append_printf(out, "%s\n", name);
	g_string_append_len(out, (const char *) &len, sizeof len);
	g_string_append_printf(out, "%s\n", value);
}

/* How long a full journal is waited for. */
enum { JOURNAL_WAIT_SECONDS = 1 };

/* False: the journal is gone, or does not take it. */
static bool
send_to_journal(int priority, const char *text, const GString *pairs)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autoptr(GString) out = g_string_new(NULL);

	if (g_strlcpy(address.sun_path, target.journal, sizeof address.sun_path) >=
	    sizeof address.sun_path)
		return false;
	append_field(out, "MESSAGE", text);
	g_string_append_printf(out, "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\n",
	                       priority, LOG_MAIL >> 3, target.ident);
	if (pairs != NULL)
		g_string_append_len(out, pairs->str, (gssize) pairs->len);

	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct sockaddr *to = (const struct sockaddr *) &address;
	if (fd < 0)
		return false;
	if (sendto(fd, out->str, out->len, MSG_NOSIGNAL | MSG_DONTWAIT, to, sizeof address) >= 0)
		return true;
	if (errno != EAGAIN)
		return false;

	/*
	 * A journal that hangs costs a line, and no delivery: syslog(3) writes to the same process
	 * and would wait for ever.
	 */
	const struct timeval patience = { .tv_sec = JOURNAL_WAIT_SECONDS };
	(void) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	(void) sendto(fd, out->str, out->len, MSG_NOSIGNAL, to, sizeof address);
	return true;
}

static void
send_text(int priority, const char *text, const GString *pairs)
{
	if (target.has_journal && send_to_journal(priority, text, pairs))
		return;
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
	log_event(EVENT_LIBRARY, priority, "library %s says: %s", domain != NULL ? domain : "?",
	          message);
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

/* Do all octets stand for themselves between quotes? Most values are such, and copied at once. */
static bool
is_plain(const char *value, size_t limit)
{
	size_t len = 0;
	while (value[len] >= ' ' && value[len] < 0x7f && value[len] != '"' && value[len] != '\\')
		len++;
	return value[len] == '\0' && len < limit;
}

/* A value that can be read without doubt stands bare; others in quotes with backslash escapes. */
static void
append_value(GString *out, const char *value, size_t limit)
{
	if (is_bare(value)) {
		g_string_append(out, value);
		return;
	}
	if (is_plain(value, limit)) {
		g_string_append_c(out, '"');
		g_string_append(out, value);
		g_string_append_c(out, '"');
		return;
	}

	g_autofree char *valid = g_utf8_make_valid(value, -1);
	size_t start = out->len;
	g_string_append_c(out, '"');

	const char *c = valid;
	for (; *c != '\0' && out->len - start < limit; c = g_utf8_next_char(c)) {
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

/* "message-id" is TODOKE_MESSAGE_ID. */
static void
add_journal_field(LogLine *line, const char *key, const char *value)
{
	g_autofree char *name = g_strconcat("TODOKE_", key, NULL);
	for (char *c = name; *c != '\0'; c++)
		*c = (char) (*c == '-' ? '_' : g_ascii_toupper(*c));
	g_autofree char *cut = cut_value(value);
	append_field(line->journal, name, cut);
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

	if (target.has_journal) {
		line->journal = g_string_new(NULL);
		add_journal_field(line, "queue_id", id);
	}

	append_value(line->text, id, LIMIT_LOG_VALUE);
	g_string_append_c(line->text, ':');
	return line;
}

void
log_line_mask(LogLine *line, const char *key, const char *value)
{
	bool is_masked = false;
	for (size_t i = 0; target.masked != NULL && target.masked[i] != NULL; i++)
		is_masked = is_masked || strcmp(target.masked[i], key) == 0;
	if (!is_masked || value == NULL || *value == '\0')
		return;

	if (line->secrets == NULL)
		line->secrets = g_ptr_array_new_with_free_func(g_free);
	const char *at = strrchr(value, '@');
	bool has_bracket = *value == '<';
	g_ptr_array_add(line->secrets, g_strdup(value));
	g_ptr_array_add(line->secrets, g_strconcat(has_bracket ? "<*" : "*", at, NULL));
}

/* The value without what is masked. Caller frees. */
static char *
hide(const LogLine *line, const char *value)
{
	g_autoptr(GString) out = g_string_new(value);
	for (guint i = 0; i < line->secrets->len; i += 2)
		(void) g_string_replace(out, line->secrets->pdata[i], line->secrets->pdata[i + 1],
		                        0);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void
add_text(LogLine *line, const char *key, const char *value, size_t limit)
{
	if (line->object != NULL) {
		g_autofree char *cut = cut_value(value);
		json_object_set_new(line->object, key, json_string(cut));
		if (line->journal == NULL)
			return;
	}

	if (line->journal != NULL)
		add_journal_field(line, key, value);
	g_string_append(line->text, line->has_pairs ? ", " : " ");
	g_string_append(line->text, key);
	g_string_append_c(line->text, '=');
	line->has_pairs = true;
	append_value(line->text, value, limit);
}

void
log_line_add(LogLine *line, const char *key, const char *value)
{
	if (value == NULL || (!line->is_of_no_message && !is_wanted(key)))
		return;
	g_autofree char *hidden = line->secrets != NULL ? hide(line, value) : NULL;
	add_text(line, key, hidden != NULL ? hidden : value, LIMIT_LOG_VALUE);
}

void
log_line_add_int(LogLine *line, const char *key, gint64 value)
{
	g_autofree char *digits = g_strdup_printf("%" G_GINT64_FORMAT, value);
	if (!line->is_of_no_message && !is_wanted(key))
		return;
	if (line->object == NULL || line->journal != NULL)
		add_text(line, key, digits, LIMIT_LOG_VALUE);
	if (line->object != NULL)
		json_object_set_new(line->object, key, json_integer(value));
}

static void
add_outside(LogLine *line, const Outside *outside, guint number)
{
	const struct {
		const char *key, *value;
	} pairs[] = {
		{ "account", outside->account }, { "protocol", outside->protocol },
		{ "peer", outside->peer },       { "command", outside->command },
		{ "reply", outside->reply },
	};
	for (size_t p = 0; p < G_N_ELEMENTS(pairs); p++) {
		g_autofree char *key = number > 0
		                               ? g_strdup_printf("%s%u", pairs[p].key, number + 1)
		                               : NULL;
		log_line_add(line, key != NULL ? key : pairs[p].key, pairs[p].value);
	}
}

void
log_line_add_outside(LogLine *line, const GPtrArray *failures)
{
	for (guint i = 0; i < failures->len; i++)
		add_outside(line, failures->pdata[i], i);
}

void
log_line_send(LogLine *line, int priority)
{
	if (line->object != NULL) {
		char *json = json_dumps(line->object, JSON_COMPACT | JSON_PRESERVE_ORDER);
		send_text(priority, json, line->journal);
		free(json);
	} else {
		if (line->text->len > LIMIT_LOG_LINE)
			g_string_truncate(
				line->text,
				(gsize) (g_utf8_find_prev_char(line->text->str,
			                                       line->text->str + LIMIT_LOG_LINE) -
			                 line->text->str));
		send_text(priority, line->text->str, line->journal);
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
	if (line->journal != NULL)
		g_string_free(line->journal, TRUE);
	g_clear_pointer(&line->secrets, g_ptr_array_unref);
	g_free(line);
}

void
log_line_add_event(LogLine *line, EventId id)
{
	log_line_add(line, "code", event_row(id)->code);
}

LogLine *
log_line_new_event(EventId id)
{
	LogLine *line = log_line_new(NULL);

	line->is_of_no_message = true;
	log_line_add_event(line, id);
	log_line_add(line, "event", event_key(id));

	return line;
}

void
log_line_add_failure(LogLine *line, const Status *st)
{
	log_line_add(line, "dsn", status_dsn(st));
	log_line_add(line, "status", status_is_temporary(st) ? "deferred" : "bounced");
	log_line_add_event(line, event_of_fault(st->id));
	log_line_add(line, "fault", status_row(st->id)->name);
	log_line_add(line, "text", status_text(st));
	log_line_add(line, "detail", st->detail);
	if (st->outside != NULL)
		add_outside(line, st->outside, 0);
}

void
log_event(EventId id, int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);

	LogLine *line = log_line_new_event(id);
	add_text(line, "text", text, LIMIT_LOG_TEXT);
	log_line_send(line, priority);
}
