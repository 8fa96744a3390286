/* SPDX-License-Identifier: MIT */
/* why-story: a decision in words, and as todoke.why/1. */
#ifndef TODOKE_WHY_STORY_H
#define TODOKE_WHY_STORY_H

#include "agent/cmd/why-log.h"
#include "agent/cmd/why-place.h"

/* How it is told. */
typedef struct {
	bool has_colour;
	bool has_ages; /* how long ago each was */
	gint64 now_us;
	GHashTable *told; /* a set of the lines of logs that were printed already; NULL: none was */
} WhyStyle;

/* A step: its word at the margin (NULL: none), and a sentence. What strangers said is made safe. */
void why_story_say(const char *word, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* What a mail begins with. NULL: not known. */
void why_story_say_head(const WhyStyle *style, gint64 time_us, const char *id, const char *from,
                        const char *to);

/* "2026-11-30 09:15:02", in local time. Caller frees. */
char *why_story_print_time(gint64 time_us);

/* "2026-11-30T00:15:02.123Z". Caller owns the reference. */
json_t *why_story_json_time(gint64 time_us);

/* One decision, step by step. `log`: lines of other programs; NULL: none was asked for. */
void
why_story_print(const WhyStyle *style, const Conf *conf, const WhyFound *found, const WhyLog *log);

/* One line, for --follow. */
void why_story_print_line(const WhyStyle *style, const json_t *record);

/* One line of another program, after its name. */
void why_story_print_line_of_log(const WhyLogLine *line);

/* The lines of other programs alone. */
void why_story_print_log(const WhyStyle *style, const WhyLog *log);

/* An item of "mails" of todoke.why/1. Caller owns the reference. */
json_t *why_story_json(const Conf *conf, const WhyFound *found, const WhyLog *log, gint64 now_us);

/* The list "log". Caller owns the reference. */
json_t *why_story_log_json(const WhyLog *log);

/*
 * For a mail that no record holds: commands that show the lines of Postfix about it, one a line.
 * `user`: whose mail alone was looked at; NULL: everybody's. The caller frees the array, which
 * frees its texts.
 */
GPtrArray *why_story_hints(const WhyQuery *query, const char *user);

#endif
