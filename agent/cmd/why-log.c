/* SPDX-License-Identifier: MIT */
/*
 * why-log: a pass over the log finds ids, until none is new; the last one takes the lines. A line
 * that holds none of the words that are looked for is not taken apart.
 */
#define _GNU_SOURCE
#include "agent/cmd/why-log.h"

#include "agent/base/child.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/cmd/user-address.h"
#include "agent/message/mail-ids.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSES = 6, DAY = 86400, YEAR_1900 = 1900, JOURNAL_SECONDS = 30 };

/* A line taken apart; slices of the log. */
typedef struct {
	const char *line;
	size_t len;
	gint64 time_us;
	char *program; /* owned */
	char *text;    /* owned: behind "program[pid]: " */
	bool is_postfix;
	char *user;    /* Dovecot's, owned */
	char *session; /* owned */
} Parts;

static void
parts_clear(Parts *parts)
{
	g_free(parts->program);
	g_free(parts->text);
	g_free(parts->user);
	g_free(parts->session);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

static void
line_free(gpointer data)
{
	WhyLogLine *line = data;
	g_free(line->program);
	g_free(line->id);
	g_free(line->text);
	g_free(line->user);
	g_free(line->action);
	g_free(line->box);
	g_free(line->address);
	g_free(line);
}

void
why_log_init(WhyLog *log, gint64 now_us)
{
	*log = (WhyLog){
		.ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.lines = g_ptr_array_new_with_free_func(line_free),
		.now_us = now_us,
	};
}

void
why_log_clear(WhyLog *log)
{
	g_clear_pointer(&log->ids, g_hash_table_unref);
	g_clear_pointer(&log->sessions, g_hash_table_unref);
	g_clear_pointer(&log->lines, g_ptr_array_unref);
	g_clear_pointer(&log->message_id, g_free);
	g_clear_pointer(&log->from, g_free);
	g_clear_pointer(&log->to, g_free);
	g_clear_pointer(&log->user, g_free);
	g_clear_pointer(&log->remark, g_free);
}

static char *
fold(const char *address)
{
	return address != NULL ? g_ascii_strdown(address, -1) : NULL;
}

void
why_log_want(WhyLog *log, const char *from, const char *to, const char *user,
             const char *delimiters)
{
	bool is_name = to != NULL && strchr(to, '@') == NULL;

	log->from = fold(from);
	log->to = is_name ? NULL : fold(to);
	log->user = fold(user == NULL && is_name ? to : user);
	log->delimiters = delimiters;
	log->is_any = from == NULL && to == NULL && user == NULL;
}

void
why_log_add_id(WhyLog *log, const char *id)
{
	if (id != NULL && mail_ids_is_queue_id(id) && !g_hash_table_contains(log->ids, id) &&
	    g_hash_table_size(log->ids) < LIMIT_WHY_IDS)
		g_hash_table_add(log->ids, g_strdup(id));
}

static gint64
unix_us(GDateTime *time)
{
	gint64 us = time != NULL ? g_date_time_to_unix(time) * G_USEC_PER_SEC +
	                                   g_date_time_get_microsecond(time)
	                         : 0;
	g_clear_pointer(&time, g_date_time_unref);
	return us;
}

/* "Nov 30 09:00:00 ": of this year, or of the last where that would be tomorrow. */
static gint64
syslog_time(const char *text, gint64 now_us, const char **ret_rest)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char name[4] = "";
	int day, hour, minute, second, used = 0;
	if (sscanf(text, "%3[A-Za-z] %2d %2d:%2d:%2d %n", name, &day, &hour, &minute, &second,
	           &used) != 5 ||
	    used == 0 || strlen(name) != 3 || strstr(months, name) == NULL)
		return -1;

	g_autoptr(GDateTime) now = g_date_time_new_from_unix_local(now_us / G_USEC_PER_SEC);
	int month = (int) (strstr(months, name) - months) / 3 + 1, year = g_date_time_get_year(now);
	gint64 time = unix_us(g_date_time_new_local(year, month, day, hour, minute, second));
	if (time > now_us + (gint64) DAY * G_USEC_PER_SEC)
		time = unix_us(g_date_time_new_local(year - 1, month, day, hour, minute, second));

	*ret_rest = text + used;
	return time;
}

/* "2026-11-30T09:00:00.123456+00:00 ", also with a blank for the T. */
static gint64
iso_time(const char *text, const char **ret_rest)
{
	int used = 0, year, month, day;
	if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || used != 10 ||
	    (text[10] != 'T' && text[10] != ' ') || year < YEAR_1900)
		return -1;

	size_t len = 11 + strcspn(text + 11, " ");
	g_autofree char *word = g_strndup(text, len);
	word[10] = 'T';
	/* journalctl writes +0000. */
	g_autoptr(GTimeZone) here = g_time_zone_new_local();
	*ret_rest = text + len + (text[len] == ' ');
	return unix_us(g_date_time_new_from_iso8601(word, here));
}

/* "name(user)<pid><session>: Info: text", and "name(user): text". */
static bool
take_dovecot(Parts *parts, const char *word, const char *behind)
{
	const char *open = strchr(word, '('), *angle;
	if (open != NULL) {
		const char *close = strchr(open, ')');
		if (close == NULL)
			return false;
		parts->program = g_strndup(word, (gsize) (open - word));
		parts->user = g_strndup(open + 1, strcspn(open + 1, "),"));
		angle = strrchr(close, '<');
		if (angle != NULL)
			parts->session = g_strndup(angle + 1, strcspn(angle + 1, ">"));
	} else {
		parts->program = g_strdup(word);
	}

	if (g_str_has_prefix(behind, "Info: "))
		behind += strlen("Info: ");
	parts->text = g_strdup(behind);
	return true;
}

static bool
is_dovecot(const char *word)
{
	static const char *const names[] = { "imap(",       "imap-login", "pop3(",
		                             "pop3-login",  "doveadm(",   "lmtp(",
		                             "submission(", "lda(",       "managesieve(",
		                             NULL };
	for (size_t i = 0; names[i] != NULL; i++)
		if (g_str_has_prefix(word, names[i]))
			return true;
	return false;
}

/* Behind the time: "host postfix/smtpd[1]: text", "imap(u)<..>: text" with or without a host. */
static bool
take_program(Parts *parts, const char *rest)
{
	for (const char *at = rest; at - rest < (gssize) LIMIT_WHY_LOG_HEAD;) {
		const char *colon = strstr(at, ": ");
		if (colon == NULL)
			return false;
		const char *blank = memrchr(at, ' ', (size_t) (colon - at));
		g_autofree char *word = g_strndup(
			blank != NULL ? blank + 1 : at,
			(gsize) (colon - (blank != NULL ? blank + 1 : at)));
		const char *slash = strrchr(word, '/'), *behind = colon + 2;

		if (g_str_has_prefix(word, "postfix") && slash != NULL) {
			parts->is_postfix = true;
			parts->program = g_strndup(slash + 1, strcspn(slash + 1, "["));
			parts->text = g_strdup(behind);
			return true;
		}
		if (is_dovecot(word))
			return take_dovecot(parts, word, behind);
		if (!g_str_has_prefix(word, "dovecot"))
			return false;
		at = behind;
	}
	return false;
}

/* The time at the head of a line, and what follows; negative: it has none. */
static gint64
head_time(const WhyLog *log, const char *line, const char **ret_rest)
{
	gint64 time = syslog_time(line, log->now_us, ret_rest);
	return time >= 0 ? time : iso_time(line, ret_rest);
}

static bool
take_apart(const WhyLog *log, const char *text, size_t len, Parts *ret)
{
	g_autofree char *line = g_strndup(text, MIN(len, LIMIT_WHY_LOG_LINE));
	const char *rest = line;
	gint64 time = head_time(log, line, &rest);
	if (time < 0)
		return false;
	ret->line = text;
	ret->len = len;
	ret->time_us = time;

	return take_program(ret, rest);
}

/* The queue id at the beginning of a line of Postfix; NULL: it has none. Caller frees. */
static char *
queue_id_of(const Parts *parts)
{
	const char *colon = parts->is_postfix ? strstr(parts->text, ": ") : NULL;
	g_autofree char *id = colon != NULL ? g_strndup(parts->text, (gsize) (colon - parts->text))
	                                    : NULL;
	bool is_id = id != NULL && mail_ids_is_queue_id(id) && strcmp(id, "NOQUEUE") != 0 &&
	             strcmp(id, "warning") != 0 && strcmp(id, "statistics") != 0;
	return is_id ? g_steal_pointer(&id) : NULL;
}

char *
why_log_word(const char *text, const char *words, const char *ends)
{
	const char *at = strstr(text, words);
	if (at == NULL)
		return NULL;
	at += strlen(words);
	return g_strndup(at, strcspn(at, ends));
}

/* The word that follows `words`; NULL: it does not. Caller frees. */
static char *
word_behind(const char *text, const char *words)
{
	return why_log_word(text, words, " ,)>");
}

/* A line of a known id names another one. */
static void
take_named_ids(WhyLog *log, const char *text)
{
	static const char *const before[] = { "queued as ",
		                              "forwarded as ",
		                              "non-delivery notification: ",
		                              "delivery status notification: ",
		                              "delivery delay notification: ",
		                              "orig_queue_id=" };
	for (size_t i = 0; i < G_N_ELEMENTS(before); i++) {
		g_autofree char *id = word_behind(text, before[i]);
		why_log_add_id(log, id);
	}
}

/* Does the text give the message that Message-ID? */
static bool
has_message_id(const WhyLog *log, const char *text, const char *key)
{
	const char *at = log->message_id != NULL ? strstr(text, key) : NULL;
	if (at == NULL || !g_str_has_prefix(at + strlen(key), log->message_id))
		return false;

	char behind = at[strlen(key) + strlen(log->message_id)];
	return behind == '\0' || behind == ',' || g_ascii_isspace(behind);
}

/* "copy from INBOX: box=Trash, uid=3, msgid=<...>, size=100" */
static bool
is_about_mail(const WhyLog *log, const Parts *parts)
{
	return !parts->is_postfix && has_message_id(log, parts->text, "msgid=");
}

bool
why_log_is_address(const char *address, const char *want)
{
	const char *at = strrchr(address, '@');
	return g_ascii_strcasecmp(address, want) == 0 ||
	       (want[0] == '@' && at != NULL && g_ascii_strcasecmp(at, want) == 0);
}

/* Is mail looked for by addresses, of which nothing else is known? */
static bool
has_address(const WhyLog *log)
{
	return log->message_id == NULL &&
	       (log->from != NULL || log->to != NULL || log->user != NULL);
}

bool
why_log_is_recipient(const WhyLog *log, const char *address)
{
	if (log->to == NULL && log->user == NULL)
		return true;
	return address != NULL && (log->to == NULL || why_log_is_address(address, log->to)) &&
	       (log->user == NULL || user_address_is(address, log->user, log->delimiters));
}

bool
why_log_is_sender(const WhyLog *log, const char *address)
{
	return log->from == NULL || (address != NULL && why_log_is_address(address, log->from));
}

/* "reject: RCPT from ...: ...; from=<a> to=<b> ...", with a queue id or without. */
static bool
is_refusal(const WhyLog *log, const char *text)
{
	if (!has_address(log) || strstr(text, "reject: ") == NULL)
		return false;

	g_autofree char *from = word_behind(text, " from=<"), *to = word_behind(text, " to=<");
	return why_log_is_sender(log, from) && why_log_is_recipient(log, to);
}

/* Was it answered about a delivery on this host: by the programs that run agents? */
static bool
is_local_answer(const Parts *parts, const char *text)
{
	static const char *const programs[] = { "local", "pipe", "lmtp", "virtual", NULL };
	return g_strv_contains(programs, parts->program) && g_str_has_prefix(text, "to=<") &&
	       strstr(text, " status=") != NULL;
}

/* Is it a line of a mail that is looked for without an id? */
static bool
is_by_address(const WhyLog *log, const Parts *parts, const char *text)
{
	if (!has_address(log))
		return log->is_any && is_local_answer(parts, text);
	if (log->from != NULL && g_str_has_prefix(text, "from=<")) {
		g_autofree char *from = word_behind(text, "from=<");
		return why_log_is_address(from, log->from);
	}
	if (log->from != NULL || !g_str_has_prefix(text, "to=<"))
		return is_refusal(log, text);

	g_autofree char *to = word_behind(text, "to=<"), *orig = word_behind(text, "orig_to=<");
	return why_log_is_recipient(log, to) || (orig != NULL && why_log_is_recipient(log, orig));
}

/*
 * The Message-ID of an id that is looked for, where none is known. The lines of the id that was
 * asked for come first in a log, so this is that mail's and not that of a bounce.
 */
static void
take_message_id(WhyLog *log, const char *text)
{
	static const char key[] = "message-id=<";
	if (log->message_id != NULL || !g_str_has_prefix(text, key))
		return;

	const char *start = text + strlen(key) - 1;
	size_t len = strcspn(start, " \t");
	if (len > strlen("<>") && start[len - 1] == '>')
		log->message_id = g_strndup(start, len);
}

/* What a line adds to what is looked for. */
static void
learn(WhyLog *log, const Parts *parts)
{
	g_autofree char *id = queue_id_of(parts);

	if (id != NULL) {
		const char *text = parts->text + strlen(id) + 2;
		if (has_message_id(log, text, "message-id=") || is_by_address(log, parts, text))
			why_log_add_id(log, id);
		if (!g_hash_table_contains(log->ids, id))
			return;
		take_named_ids(log, text);
		if (!has_address(log) && !log->is_any)
			take_message_id(log, text);
		return;
	}

	if (is_about_mail(log, parts) && parts->session != NULL &&
	    !g_hash_table_contains(log->sessions, parts->session) &&
	    g_hash_table_size(log->sessions) < LIMIT_WHY_IDS)
		g_hash_table_insert(log->sessions, g_strdup(parts->session), NULL);
}

/* The log-in of a session that is looked for: which client was it? */
static bool
is_login(WhyLog *log, const Parts *parts, char **ret_session)
{
	if (parts->is_postfix || !g_str_has_suffix(parts->program, "-login"))
		return false;
	g_autofree char *session = word_behind(parts->text, "session=<");
	if (session == NULL || !g_hash_table_contains(log->sessions, session))
		return false;

	g_hash_table_replace(log->sessions, g_strdup(session), word_behind(parts->text, "rip="));
	*ret_session = g_steal_pointer(&session);
	return true;
}

/* "copy from INBOX" of mail_log; Dovecot 2.4 writes "Mailbox Trash: " before it. Caller frees. */
static char *
action_of(const char *text, const char *box)
{
	g_autofree char *head = box != NULL ? g_strdup_printf("Mailbox %s: ", box) : NULL;
	const char *action = head != NULL && g_str_has_prefix(text, head) ? text + strlen(head)
	                                                                  : text;
	return g_strndup(action, strcspn(action, ":"));
}

static void
add_line(WhyLog *log, WhyLogKind kind, const Parts *parts, const char *id)
{
	if (log->lines->len >= LIMIT_WHY_LOG_LINES)
		return;
	WhyLogLine *line = g_new0(WhyLogLine, 1);
	line->kind = kind;
	line->time_us = parts->time_us;
	line->program = g_strdup(parts->program);
	line->id = g_strdup(id);
	line->user = g_strdup(parts->user);
	const char *text = parts->text;
	if (kind == WHY_LOG_POSTFIX && id != NULL)
		text += strlen(id) + 2;
	line->text = g_strdup(text);

	if (kind == WHY_LOG_DOVECOT) {
		const char *box = strstr(text, "box=");
		line->box = box != NULL ? g_strndup(box + 4, strcspn(box + 4, ",")) : NULL;
		line->action = action_of(text, line->box);
		line->address = id != NULL ? g_strdup(g_hash_table_lookup(log->sessions, id))
		                           : NULL;
	} else if (kind == WHY_LOG_LOGIN) {
		line->user = word_behind(text, "user=<");
		line->address = word_behind(text, "rip=");
	}
	g_ptr_array_add(log->lines, line);
}

static void
take(WhyLog *log, const Parts *parts)
{
	g_autofree char *id = queue_id_of(parts), *session = NULL;

	if (id != NULL && g_hash_table_contains(log->ids, id))
		add_line(log, WHY_LOG_POSTFIX, parts, id);
	else if (parts->is_postfix && g_str_has_prefix(parts->text, "NOQUEUE: ") &&
	         is_refusal(log, parts->text))
		add_line(log, WHY_LOG_REFUSED, parts, NULL);
	else if (is_about_mail(log, parts))
		add_line(log, WHY_LOG_DOVECOT, parts, parts->session);
	else if (is_login(log, parts, &session))
		add_line(log, WHY_LOG_LOGIN, parts, session);
}

bool
why_log_holds(const char *text, size_t len, const char *word)
{
	const char *at_sign = strchr(word, '@'), *end = text + len;
	size_t word_len = strlen(word), anchor = at_sign != NULL ? (size_t) (at_sign - word)
	                                                         : strcspn(word, ".-_0123456789");

	if (word[anchor] == '\0')
		return true;
	for (const char *at = text; (at = memchr(at, word[anchor], (size_t) (end - at))) != NULL;
	     at++)
		if ((size_t) (at - text) >= anchor && (size_t) (end - at) >= word_len - anchor &&
		    g_ascii_strncasecmp(at - anchor, word, word_len) == 0)
			return true;
	return false;
}

/*
 * Does a queue id that is looked for stand behind the program's name? One look at each place where
 * it may stand: a log may have as many ids as it likes.
 */
static bool
has_known_id(const WhyLog *log, const char *line, size_t len)
{
	const char *end = line + len, *head = line + MIN(len, LIMIT_WHY_LOG_HEAD), *at = line;
	char id[LIMIT_QUEUE_ID + 1];

	while ((at = memmem(at, (size_t) (head - at), ": ", 2)) != NULL) {
		size_t n = 0;
		at += 2;
		while (n <= LIMIT_QUEUE_ID && at + n < end && at[n] != ':' && at[n] != ' ')
			n++;
		if (n == 0 || n > LIMIT_QUEUE_ID || at + n == end || at[n] != ':')
			continue;
		memcpy(id, at, n);
		id[n] = '\0';
		if (g_hash_table_contains(log->ids, id))
			return true;
	}
	return false;
}

/* Dovecot writes "<session>", and "session=<session>" at a log-in. */
static bool
has_known_session(const WhyLog *log, const char *line, size_t len)
{
	enum { SESSION_ROOM = 128 };
	const char *end = line + len, *at = line;
	char session[SESSION_ROOM];
	if (g_hash_table_size(log->sessions) == 0)
		return false;

	while ((at = memchr(at, '<', (size_t) (end - at))) != NULL) {
		at++;
		size_t room = MIN((size_t) (end - at), SESSION_ROOM - 1);
		const char *stop = memchr(at, '>', room);
		if (stop == NULL)
			continue;
		memcpy(session, at, (size_t) (stop - at));
		session[stop - at] = '\0';
		if (g_hash_table_contains(log->sessions, session))
			return true;
	}
	return false;
}

/* Does an address begin with the user's name? */
static bool
holds_user(const char *line, size_t len, const char *user)
{
	static const char key[] = "to=<";
	const char *end = line + len, *at = line;
	size_t name_len = strcspn(user, "@");

	while ((at = memmem(at, (size_t) (end - at), key, strlen(key))) != NULL) {
		at += strlen(key);
		if ((size_t) (end - at) >= name_len && g_ascii_strncasecmp(at, user, name_len) == 0)
			return true;
	}
	return false;
}

/* Can the line be one that is looked for? Most lines of a log are not. */
static bool
is_worth_it(const WhyLog *log, const char *line, size_t len)
{
	if (log->message_id != NULL && memmem(line, len, log->message_id, strlen(log->message_id)))
		return true;
	if ((log->from != NULL && why_log_holds(line, len, log->from)) ||
	    (log->to != NULL && why_log_holds(line, len, log->to)) ||
	    (log->user != NULL && holds_user(line, len, log->user)))
		return true;
	if (log->is_any && memmem(line, len, " status=", strlen(" status=")) != NULL)
		return true;

	return has_known_id(log, line, len) || has_known_session(log, line, len);
}

static void
each_line(WhyLog *log, const char *text, size_t len, void (*work)(WhyLog *, const Parts *))
{
	for (const char *at = text, *end = text + len; at < end;) {
		const char *stop = memchr(at, '\n', (size_t) (end - at));
		size_t line_len = (size_t) ((stop != NULL ? stop : end) - at);
		g_auto(Parts) parts = { 0 };
		if (is_worth_it(log, at, line_len) && take_apart(log, at, line_len, &parts) &&
		    parts.time_us >= log->after_us)
			work(log, &parts);
		at += line_len + 1;
	}
}

static void
learn_login(WhyLog *log, const Parts *parts)
{
	g_autofree char *session = NULL;
	(void) is_login(log, parts, &session);
}

/* The time of the first line from `at` on that has one; negative: none has. */
static gint64
next_time(const WhyLog *log, const char *at, const char *end)
{
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t) (end - at)), *rest;
		size_t len = (size_t) ((stop != NULL ? stop : end) - at);
		g_autofree char *head = g_strndup(at, MIN(len, LIMIT_WHY_LOG_HEAD));
		gint64 time = head_time(log, head, &rest);
		if (time >= 0)
			return time;
		at += len + 1;
	}
	return -1;
}

static const char *
line_start(const char *text, const char *at)
{
	const char *before = at > text ? memrchr(text, '\n', (size_t) (at - text)) : NULL;
	return before != NULL ? before + 1 : text;
}

/* The line from which on lines are of `after_us` or later: a log is in the order of its times. */
static const char *
skip_older(const WhyLog *log, const char *text, const char *end)
{
	const char *low = text, *high = end;

	while (low < high) {
		const char *middle = line_start(text, low + (high - low) / 2);
		const char *next = memchr(middle, '\n', (size_t) (end - middle));
		gint64 time = next_time(log, middle, end);
		if (time >= 0 && time < log->after_us && next != NULL)
			low = next + 1;
		else
			high = middle;
	}
	return low;
}

/* Where the log begins, as far as it was read. */
static void
take_first(WhyLog *log, const char *text, const char *end)
{
	static const char name[] = "postfix";
	const char *at = memmem(text, (size_t) (end - text), name, strlen(name));
	gint64 time = at != NULL ? next_time(log, line_start(text, at), end) : -1;
	if (time > 0 && (log->first_us == 0 || time < log->first_us))
		log->first_us = time;
}

void
why_log_read_text(WhyLog *log, const char *text, size_t len)
{
	guint known = 0;
	const char *end = text + len;

	take_first(log, text, end);
	if (log->after_us > 0)
		text = skip_older(log, text, end);
	len = (size_t) (end - text);

	for (unsigned pass = 0; pass < PASSES; pass++) {
		each_line(log, text, len, learn);
		guint now = g_hash_table_size(log->ids) + g_hash_table_size(log->sessions) +
		            (log->message_id != NULL);
		if (now == known)
			break;
		known = now;
	}

	if (g_hash_table_size(log->sessions) > 0)
		each_line(log, text, len, learn_login);
	each_line(log, text, len, take);
}

static int
by_time(gconstpointer a, gconstpointer b)
{
	const WhyLogLine *one = *(const WhyLogLine *const *) a,
			 *other = *(const WhyLogLine *const *) b;
	return one->time_us < other->time_us ? -1 : one->time_us > other->time_us;
}

void
why_log_sort(WhyLog *log)
{
	g_ptr_array_sort(log->lines, by_time);
}

static bool
read_file(WhyLog *log, const char *path, Status *st)
{
	struct stat sb;
	auto_fd int fd = -1;
	if (!fs_open_regular(path, "a regular file", &fd, &sb, st))
		return false;
	if (sb.st_size == 0)
		return true;

	/* A log only grows; the end of a huge one is what tells of these days. */
	gint64 first = MAX(sb.st_size - (gint64) LIMIT_WHY_LOG_BYTES, 0);
	size_t len = (size_t) (sb.st_size - first);
	g_autofree char *text = g_try_malloc(len);
	size_t held = 0, n = 1;
	if (text == NULL)
		return status_fail(st, STATUS_NO_MEMORY, NULL);
	while (held < len && n > 0) {
		if (!fs_read_at(fd, (off_t) (first + (gint64) held), text + held, len - held, &n,
		                path, st))
			return false;
		held += n;
	}

	why_log_read_text(log, text, held);
	return true;
}

/* One line, and no blanks at its ends. Caller frees. */
static char *
one_line(const char *text)
{
	g_autofree char *all = g_strdelimit(g_strdup(text != NULL ? text : ""), "\n\r\t", ' ');
	return g_strdup(g_strstrip(all));
}

/* "--directory=/var/log/journal", or "--file=..."; NULL: the host's own journal. Caller frees. */
static char *
journal_place(const char *path)
{
	if (path == NULL)
		return NULL;

	g_autofree char *whole = g_canonicalize_filename(path, NULL);
	bool is_folder = g_file_test(whole, G_FILE_TEST_IS_DIR);
	return g_strconcat(is_folder ? "--directory=" : "--file=", whole, NULL);
}

/*
 * What journalctl says on standard error is a fault where it shows no entry; else it is told, and
 * the entries are used: a user may see only some of the files, and one file may be broken.
 */
static bool
take_journal(WhyLog *log, const ChildResult *result, Status *st)
{
	static const char none[] = "-- No entries --";
	g_autofree char *errors = one_line(result->errors);
	gsize len = 0;
	const char *text = result->output != NULL ? g_bytes_get_data(result->output, &len) : NULL;
	bool is_empty = len == 0 || (len >= strlen(none) && memcmp(text, none, strlen(none)) == 0);

	if (result->exit_code != 0 || (is_empty && *errors != '\0'))
		return status_fail_detail(st, STATUS_IO, "journalctl: %s",
		                          *errors != '\0' ? errors : "it failed and says nothing");
	if (*errors != '\0') {
		g_free(log->remark);
		log->remark = g_strconcat("journalctl: ", errors, NULL);
	}

	if (!is_empty)
		why_log_read_text(log, text, len);
	return true;
}

static bool
read_journal(WhyLog *log, const char *path, gint64 since_us, Status *st)
{
	g_autofree char *program = g_find_program_in_path("journalctl");
	if (program == NULL || !g_path_is_absolute(program))
		return status_fail_detail(st, STATUS_IO,
		                          "there is no program journalctl in PATH, so the journal "
		                          "cannot be read: name a log file");

	g_autofree char *since = g_strdup_printf("--since=@%" G_GINT64_FORMAT,
	                                         since_us / G_USEC_PER_SEC);
	g_autofree char *lines = g_strdup_printf("--lines=%u", LIMIT_WHY_JOURNAL_LINES);
	g_autofree char *place = journal_place(path);
	/* --all: else a message with a control character is left out as "blob data" */
	const char *const argv[] = { "journalctl",
		                     "--no-pager",
		                     "--all",
		                     "--output=short-iso-precise",
		                     "--facility=mail",
		                     since,
		                     lines,
		                     place,
		                     NULL };
	const char *const envp[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };
	const ChildCall call = {
		.program.path = program,
		.program.argv = argv,
		.program.envp = envp,
		.output_limit = LIMIT_WHY_LOG_BYTES,
		.seconds = JOURNAL_SECONDS,
	};
	g_auto(ChildResult) result = { 0 };

	if (!child_run(&call, &result, st))
		return status_prefix(st, "journalctl");
	return take_journal(log, &result, st);
}

const char *
why_log_usual_place(void)
{
	static const char *const files[] = { "/var/log/mail.log", "/var/log/maillog" };
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		if (access(files[i], F_OK) == 0)
			return files[i];
	return "journal";
}

bool
why_log_read(WhyLog *log, const char *path, gint64 since_us, Status *st)
{
	static const char journal[] = "journal", prefix[] = "journal:";
	if (strcmp(path, "auto") == 0)
		path = why_log_usual_place();

	if (strcmp(path, journal) == 0)
		return read_journal(log, NULL, since_us, st);
	if (g_str_has_prefix(path, prefix))
		return read_journal(log, path + strlen(prefix), since_us, st);
	return read_file(log, path, st);
}
