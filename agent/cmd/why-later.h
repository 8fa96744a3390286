/* SPDX-License-Identifier: MIT */
/*
 * why-later: what became of mail that todoke put off, where no later record of it is. Postfix may
 * have sent it back since: it waited too long, or a setting or program changed. Its log knows.
 */
#ifndef TODOKE_WHY_LATER_H
#define TODOKE_WHY_LATER_H

#include "agent/cmd/why-answer.h"

/* Clear with why_later_clear. */
typedef struct {
	const GPtrArray *found; /* WhyFound: the stories that are told; borrowed */
	WhyLog log;
	GPtrArray *answers; /* WhyAnswer; NULL: nothing was put off, so nobody looked */
	char *why_not;      /* why a log cannot tell; NULL: it was read */
} WhyLater;

/*
 * Look for what became of those of `found` that were put off, in logs at `places` (as why_log_read
 * takes them). Nothing is read where none was.
 */
void
why_later_find(const GPtrArray *found, const char *const *places, gint64 now_us, WhyLater *ret);
void why_later_clear(WhyLater *later);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WhyLater, why_later_clear)

/* What became of this mail later; NULL: it is not put off, waits still, or nobody knows. */
const WhyAnswer *why_later_answer(const WhyLater *later, const WhyFound *found);

/* Tell it, behind the mail's story. */
void why_later_print(const WhyLater *later, const WhyFound *found);

/* Once, behind all stories: why it is not known; nothing where it is. */
void why_later_print_doubt(const WhyLater *later);

#endif
