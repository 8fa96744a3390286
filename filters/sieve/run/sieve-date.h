/* SPDX-License-Identifier: MIT */
/*
 * sieve-date: dates of header fields (RFC 5322 3.3, 4.3) and their parts as scripts compare them
 * (RFC 5260 4.2).
 */
#ifndef TODOKE_SIEVE_DATE_H
#define TODOKE_SIEVE_DATE_H

#include "filters/sieve/lang/sieve-ast.h"

typedef struct {
	gint64 seconds; /* since 1970, UTC */
	int offset;     /* minutes east of UTC */
} SieveDate;

/* A whole field value, or what follows its last ";". False: no date, or none of the calendar. */
bool sieve_date_parse(SieveText text, SieveDate *ret_date);

/* "+0900" to minutes. */
bool sieve_date_parse_zone(SieveText text, int *ret_offset);

/* Is there a part of that name? */
bool sieve_date_has_part(SieveText name);

/* The part ("year", "iso8601" ...) as text; NULL: no such part. Caller frees. */
char *sieve_date_part(const SieveDate *date, SieveText name);

#endif
