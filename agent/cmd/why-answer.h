/* SPDX-License-Identifier: MIT */
/*
 * why-answer: what Postfix's log says that became of a mail, and who decided it: Postfix itself,
 * before any agent was asked, or the agent or host to which it handed the mail.
 */
#ifndef TODOKE_WHY_ANSWER_H
#define TODOKE_WHY_ANSWER_H

#include "agent/cmd/code-text.h"
#include "agent/cmd/why-story.h"

typedef enum {
	WHY_ANSWER_POSTFIX, /* no agent was asked */
	WHY_ANSWER_TODOKE,  /* the words are ours */
	WHY_ANSWER_OTHER,   /* another program or host */
} WhyAnswerBy;

/* One answer, for one recipient. */
typedef struct {
	const WhyLogLine *line; /* borrowed of the log */
	char *to;               /* NULL: not named; expired: all that were left */
	char *from;             /* NULL: not known */
	char *status;           /* "sent", "deferred", "bounced", "expired", "refused" */
	char *relay;            /* who was asked; NULL: nobody */
	char *reason;           /* the words, without brackets */
	WhyAnswerBy by;
	CodeMeaning *meaning; /* what `todoke code` says; NULL: nothing is known of it */
} WhyAnswer;

/*
 * The answers (WhyAnswer) in the lines of a log, in their order; of the tries of one mail for one
 * recipient the last. Where the log was searched by addresses, those for them alone. The array
 * frees them, and is freed before the log is.
 */
GPtrArray *why_answer_find(const WhyLog *log);

/* Who decided, in plain words, and what to do. */
void why_answer_print(const WhyAnswer *answer);

/* What became of it, and what it means, without who decided. */
void why_answer_print_fate(const WhyAnswer *answer);

/* The same with what a story begins with, for a mail of which nothing else is told. */
void why_answer_print_story(const WhyStyle *style, const WhyAnswer *answer);

/* An item of "answers" and "unrecorded" of todoke.why/1. Caller owns the reference. */
json_t *why_answer_json(const WhyAnswer *answer);

/* A list of them. Caller owns the reference. */
json_t *why_answer_list_json(const GPtrArray *answers);

#endif
