/* SPDX-License-Identifier: MIT */
/*
 * why-newer: what the records cannot know: mail that Postfix refused, bounced or put off itself, or
 * whose delivery could write no record. Postfix's log knows it.
 */
#ifndef TODOKE_WHY_NEWER_H
#define TODOKE_WHY_NEWER_H

#include "agent/cmd/why-answer.h"

/* Whose mail is asked for. All is borrowed. */
typedef struct {
	const WhyQuery *query; /* without names */
	const char *user;      /* an address or a login name; NULL: everybody's */
	const Conf *conf;
	GPtrArray *owners;         /* RecordOwner, whose records were read */
	const char *const *places; /* of logs, as why_log_read takes them */
	const GPtrArray *told;     /* WhyFound: the stories that are told, with what came later */
	gint64 now_us;
} WhyNewerAsk;

/* What was found. Clear with why_newer_clear. */
typedef struct {
	WhyLog log;
	GPtrArray *answers; /* WhyAnswer, oldest first */
	GPtrArray *waiting; /* char *: what the queue says, where the log says nothing */
	char *place;        /* where it was looked for, for people */
	char *why_not;      /* why the log cannot tell all; NULL: it can */
	guint records;      /* records that were read */
} WhyNewer;

/* Look for what came after the newest decision. */
void why_newer_find(const WhyNewerAsk *ask, const WhyFound *newest, WhyNewer *ret);
void why_newer_clear(WhyNewer *newer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WhyNewer, why_newer_clear)

/* Tell it behind the stories of the records, at most so many mails; always at least one line. */
void why_newer_print(const WhyStyle *style, const WhyNewerAsk *ask, const WhyNewer *newer,
                     unsigned most);

/* The mails that wait for a user (why_wait_find). */
void why_newer_print_waiting(const char *user, const GPtrArray *waiting);

/* The members "unrecorded" and "log_read". */
void why_newer_add_json(json_t *object, const WhyNewer *newer);

/*
 * The decisions (WhyFound) without a queue id that a log's answers are about: lmtpd gets no id of
 * mail that sendmail(1) handed to Postfix, so recipient and time tell. The array frees them.
 */
GPtrArray *why_newer_without_id(const GPtrArray *answers, const Conf *conf, GPtrArray *owners);

/* Where a log lies, for people: "/var/log/mail.log", or the journal. Static, or `place`. */
const char *why_newer_place(const char *place);

#endif
