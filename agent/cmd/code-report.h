/* SPDX-License-Identifier: MIT */
/* code-report: the fields of a delivery report (RFC 3464), and whole bounces. */
#ifndef TODOKE_CODE_REPORT_H
#define TODOKE_CODE_REPORT_H

#include "agent/cmd/code-text.h"

/*
 * Explain each recipient of a report: groups of fields with an empty line between. `words` is the
 * text for people beside it (NULL: none), for what a report leaves out. False: `text` is no report,
 * or nothing in it is known. UTF-8.
 */
bool code_report_find(const char *text, const char *words, GPtrArray *meanings);

#endif
