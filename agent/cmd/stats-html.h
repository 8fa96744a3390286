/* SPDX-License-Identifier: MIT */
/*
 * stats-html: counts as one page of well-formed XHTML that needs nothing else: plots are SVG, no
 * script, nothing is loaded. Every name out of a record is escaped.
 */
#ifndef TODOKE_STATS_HTML_H
#define TODOKE_STATS_HTML_H

#include "agent/cmd/stats-count.h"

/* The page; tables end after `top` rows. Caller frees. */
char *stats_html_text(const Stats *stats, guint64 top);

/*
 * Put the page into `path`, in the place of what was there, at once; only its owner can read it, as
 * it names folders and domains. False: `st` says why.
 */
bool stats_html_write(const char *path, const char *text, Status *st);

#endif
