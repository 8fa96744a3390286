/* SPDX-License-Identifier: MIT */
/*
 * why-log: what the logs of Postfix and Dovecot say about one mail.
 *
 * It collects the lines of Postfix's queue ids: the ids that are known, those that have the same
 * Message-ID in its log (aliases, content filters, redirects), and those that such a line names
 * ("queued as", "forwarded as", "non-delivery notification", "orig_queue_id"); then the lines of
 * Dovecot's mail_log plugin about that Message-ID, and the log-in lines of their sessions. Where
 * nothing but addresses are known, it collects the lines of all ids that have them, and what was
 * refused before it had one. Times of syslog and of ISO 8601 are both read. Other lines are
 * ignored.
 */
#ifndef TODOKE_WHY_LOG_H
#define TODOKE_WHY_LOG_H

#include "agent/base/status.h"

#include <glib.h>

/* What kind of line it is. */
typedef enum {
	WHY_LOG_POSTFIX, /* of a queue id */
	WHY_LOG_REFUSED, /* smtpd refused it before it had a queue id */
	WHY_LOG_DOVECOT, /* mail_log: copy, expunge, delete ... */
	WHY_LOG_LOGIN,   /* the log-in of a session that did that */
} WhyLogKind;

/* One line. */
typedef struct {
	WhyLogKind kind;
	gint64 time_us; /* since 1970; 0: not readable */
	char *program;  /* "smtpd", "imap", "imap-login" */
	char *id;       /* queue id, or Dovecot's session; NULL: none */
	char *text;     /* behind the program, and behind the id where there is one */
	char *user;     /* of Dovecot; NULL: not known */
	char *action;   /* "copy from INBOX", "expunge"; NULL: not Dovecot's */
	char *box;      /* folder; NULL: none */
	char *address;  /* of the client: of the log-in, or of the session; NULL: not known */
} WhyLogLine;

/* What is looked for. Clear with why_log_clear. */
typedef struct {
	GHashTable *ids;      /* queue ids (char *), owned; grows */
	GHashTable *sessions; /* of Dovecot: session -> address of the client or NULL, owned */
	char *message_id;     /* "<...>"; NULL: none, until a line of a known id names it */
	char *from;           /* in lower case, or "@domain": nothing else is known; NULL: any */
	char *to;
	char *user;             /* the same for user_address_is(); NULL: any */
	const char *delimiters; /* with `user`; borrowed */
	bool is_any;      /* without an address: what was answered about deliveries on this host */
	gint64 after_us;  /* lines of before are passed over; 0: none is */
	gint64 now_us;    /* lines of syslog have no year */
	GPtrArray *lines; /* WhyLogLine, in the order of the log */
	gint64 first_us; /* when the first line of Postfix was written that was read; 0: none was */
	char *remark;    /* what journalctl complains of while it shows entries; NULL: nothing */
} WhyLog;

void why_log_init(WhyLog *log, gint64 now_us);
void why_log_clear(WhyLog *log);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WhyLog, why_log_clear)

/*
 * Look for mail by its addresses (NULL: any), in any case: `user` is an address or a login name,
 * and so is `to` if it has no @. Without any of them for all that was answered on this host.
 */
void why_log_want(WhyLog *log, const char *from, const char *to, const char *user,
                  const char *delimiters);

/* Look for this queue id; NULL: nothing. */
void why_log_add_id(WhyLog *log, const char *id);

/* Is it the address that is looked for: the whole of it, or one of "@domain", without case? */
bool why_log_is_address(const char *address, const char *want);

/* Is it the recipient, or the sender, that is looked for? NULL: the line has none. */
bool why_log_is_recipient(const WhyLog *log, const char *address);
bool why_log_is_sender(const WhyLog *log, const char *address);

/* What stands in a line behind `words`, up to one of `ends`; NULL: no such words. Caller frees. */
char *why_log_word(const char *text, const char *words, const char *ends);

/* Where Postfix logs on this host: a file that is there, else "journal". */
const char *why_log_usual_place(void);

/*
 * Read `path`, or with "auto" why_log_usual_place(), or with "journal" what journalctl(1), of PATH,
 * has since `since_us`; "journal:PATH" is a folder or a file of another journal. It is read several
 * times, as a line may name an id of lines before it. Faults: those of reading; STATUS_IO where
 * journalctl is not there, fails, or shows nothing and says why; STATUS_PROGRAM where it takes too
 * long or prints over LIMIT_WHY_LOG_BYTES.
 */
bool why_log_read(WhyLog *log, const char *path, gint64 since_us, Status *st);

/* Bring the lines of several logs into the order of their times. */
void why_log_sort(WhyLog *log);

/* The same as why_log_read for text in memory. */
void why_log_read_text(WhyLog *log, const char *text, size_t len);

/*
 * May the text hold the word, which is in lower case, whatever the case of ASCII letters? A sign
 * that is not a letter, such as the @ of an address, is looked for first, as there are few of them.
 * Always true for a word of letters alone: the caller has to look closer.
 */
bool why_log_holds(const char *text, size_t len, const char *word);

#endif
