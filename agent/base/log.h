/* SPDX-License-Identifier: MIT */
/*
 * log: one line a recipient, `key=value`, the queue id first; the same keys as JSON.
 *
 * Values come from strangers: control characters, quotes and backslashes are escaped, invalid UTF-8
 * is replaced, a value with a blank or nothing in it stands in quotes. So a line is one line and
 * can be split again.
 */
#ifndef TODOKE_LOG_H
#define TODOKE_LOG_H

#include "agent/base/event.h"
#include "agent/base/status.h"

typedef enum { LOG_FORM_TEXT, LOG_FORM_JSON } LogForm;

/*
 * Where lines go. A descriptor >= 0 is a file opened for append (borrowed); -1 is syslog, facility
 * mail.
 */
void log_open(const char *ident, int fd, LogForm form);

/*
 * What lines hold. `fields`: the keys that a line about a message may have; keys
 * with a "-" before them: all but those; NULL or empty: all. The queue id stays. `masked`: keys of
 * log_line_mask whose values are not told. Each ends with NULL, and may be NULL.
 */
void log_choose(const char *const *fields, const char *const *masked);

/* Is there such a key (without "-" and number)? Can its value be masked? */
bool log_field_is_known(const char *key);
bool log_field_can_be_masked(const char *key);

/*
 * Where lines would go to syslog, send them to the journal of systemd at the socket `path`, if
 * there is one ("": do not). Each pair is a field there: TODOKE_ and the key in capitals. Call
 * before log_open.
 */
void log_use_journal(const char *path);

/* Send GLib's and its users' warnings to the log: a library must never write to Postfix's pipe. */
void log_catch_glib(void);

/*
 * Write to the descriptor `fd` (borrowed; -1: none) if lines would go to syslog and nobody listens
 * there, as in containers. Each log_open checks that.
 */
void log_fall_back_to(int fd);

/* Do lines go to the descriptor of log_fall_back_to now? */
bool log_falls_back(void);

/* Do log lines arrive anywhere: in a file, at syslog, or at the descriptor of log_fall_back_to? */
bool log_is_heard(void);

/*
 * Connect to syslog now if lines go there and it takes streams, which a process in a box (box.h)
 * cannot open. After syslog has started anew, such a process is not heard.
 */
void log_connect(void);

/*
 * For a process that dies: the descriptor that lines go to (-1: syslog), that of log_connect (-1:
 * none), and the form of lines.
 */
int log_descriptor(void);
int log_stream(void);
bool log_is_json(void);

typedef struct LogLine LogLine;

/*
 * Start a line about the message `queue_id` (NULL or "": "NOQUEUE"). Free with log_line_free, or
 * send it.
 */
LogLine *log_line_new(const char *queue_id);

/* Start a line that is about no message, with code and event. */
LogLine *log_line_new_event(EventId id);

/*
 * Add `key=value`; a NULL value adds nothing. Keys are our own (a-z, _); values may hold anything.
 */
void log_line_add(LogLine *line, const char *key, const char *value);
void log_line_add_int(LogLine *line, const char *key, gint64 value);

/*
 * Add who else failed (Outside): protocol, peer, command, reply, and account where it is not the
 * recipient's; numbered from the second on.
 */
void log_line_add_outside(LogLine *line, const GPtrArray *failures);

/*
 * Where `key` is masked: from now on the line has "*" in place of the local part of `value` (an
 * address or Message-ID; NULL: none), wherever it stands in a value. Call before the values are
 * added.
 */
void log_line_mask(LogLine *line, const char *key, const char *value);

/* Write the line with syslog priority `priority` and free it. */
void log_line_send(LogLine *line, int priority);

void log_line_free(LogLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogLine, log_line_free)

/* Add code= of a kind of line. */
void log_line_add_event(LogLine *line, EventId id);

/*
 * Add the outcome of mail that failed before there was a delivery: dsn, status, code, fault, text,
 * detail, and who else failed.
 */
void log_line_add_failure(LogLine *line, const Status *st);

/* Write a line for the admin that is not about a message: code, event and text. */
void log_event(EventId id, int priority, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
