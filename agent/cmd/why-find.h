/* SPDX-License-Identifier: MIT */
/* why-find: which decisions the records hold about the mail that somebody asks for. */
#ifndef TODOKE_WHY_FIND_H
#define TODOKE_WHY_FIND_H

#include "agent/cmd/record-owners.h"

#include <jansson.h>

/* What is asked. All that is given has to hold. Clear with why_query_clear. */
typedef struct {
	/* WhyName: of these, one has to fit; empty: any mail */
	GPtrArray *names;
	char *from;      /* address, or "@domain"; NULL: any */
	char *to;        /* the same, of the recipient before or after aliases, or the account */
	gint64 since_us; /* 0: any time */
	unsigned last;   /* the newest ones only; 0: all */
	bool shadow;     /* what shadow scripts would have done, and not what was done */
} WhyQuery;

/* A mail as somebody names it. */
typedef struct {
	char *text;       /* as it was given */
	char *queue_id;   /* NULL: it is none */
	char *message_id; /* "<...>"; NULL: none is known */
	char *base;       /* of the name of a stored file (mail_place_base); NULL: no file */
	char *needle;     /* octets that a line about it holds; NULL: not known */
} WhyName;

/* One decision. */
typedef struct {
	gint64 time_us;
	json_t *record;     /* owned */
	RecordOwner *owner; /* borrowed */
} WhyFound;

void why_query_init(WhyQuery *query);
void why_query_clear(WhyQuery *query);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WhyQuery, why_query_clear)

/*
 * Add a mail: a queue id, a Message-ID with or without its angle brackets, or the path of a file.
 * False: the file cannot be read, and `st` says why.
 */
bool why_query_add(WhyQuery *query, const char *text, Status *st);

/* Add a mail by an id that a log names; what can be none is left out. */
void why_query_add_id(WhyQuery *query, const char *queue_id);
void why_query_add_message_id(WhyQuery *query, const char *message_id);

/* Does one decision fit? */
bool why_query_fits(const WhyQuery *query, const json_t *record);

/*
 * The decisions (WhyFound) in the records of `owners` (RecordOwner) that fit, oldest first; the
 * array frees them. Records that cannot be read are told on stderr; *ret_left counts the older ones
 * that `last` leaves out.
 */
GPtrArray *why_find(const WhyQuery *query, const Conf *conf, GPtrArray *owners, unsigned *ret_left);

/* A text of the object; NULL: it has none. Borrowed. */
const char *why_text(const json_t *object, const char *key);

/* The time of a record, in microseconds since 1970. */
gint64 why_time(const json_t *record);

#endif
