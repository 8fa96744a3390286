/* SPDX-License-Identifier: MIT */
/*
 * path-template: the variables of path and address templates, as Dovecot writes them.
 *
 * %u %n %d %h; a substring or a letter of change before the letter: %1n, %1.2n, %Ld, %2.256Nu; the
 * long names %{user} %{username} %{domain} %{home}; filters behind a name: %{user | lower}.
 * Filters are lower, upper, reverse, username, domain, substr(OFFSET, LENGTH), md5, sha1 and
 * sha256.
 */
#ifndef TODOKE_PATH_TEMPLATE_H
#define TODOKE_PATH_TEMPLATE_H

#include "agent/base/status.h"

/* What the variables stand for; NULL: not known. */
typedef struct {
	const char *user;   /* login name or address, without detail */
	const char *local;  /* local part without detail */
	const char *domain; /* NULL: the address has none, which is empty */
	const char *home;
} PathTemplateValues;

/*
 * The value of the variable at *at, which points behind a '%' and moves behind the variable;
 * *ret_raw is the name's own value, before it was changed, and *ret_letter one of "undh%".
 * NULL: STATUS_CONFIG (there is no such variable, or it has no value). Caller
 * frees. The value may hold any octet that the address holds.
 */
char *path_template_value(const PathTemplateValues *values, const char **at, const char **ret_raw,
                          char *ret_letter, Status *st);

/* Does the template name the variable `letter`, one of "undh", in any of its forms? */
bool path_template_names(const char *path_template, char letter);

/* May this stand as one component of a path? Outsiders choose it. */
bool path_template_is_safe(const char *part);

/*
 * Is each variable of the template known, and one of `letters` ("undh%")? Fault: STATUS_CONFIG.
 */
bool path_template_check(const char *path_template, const char *letters, Status *st);

#endif
