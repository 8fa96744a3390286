/* SPDX-License-Identifier: MIT */
/* why-follow: decisions as they are made. */
#ifndef TODOKE_WHY_FOLLOW_H
#define TODOKE_WHY_FOLLOW_H

#include "agent/cmd/why-find.h"

/*
 * Watch the records of `owners` and call `show` for each decision that fits `query` and is made
 * from now on, until SIGINT or SIGTERM. Files that are put aside, or made later, are found within a
 * second.
 */
void why_follow(const WhyQuery *query, const Conf *conf, GPtrArray *owners,
                void (*show)(void *user, const json_t *record), void *user);

#endif
