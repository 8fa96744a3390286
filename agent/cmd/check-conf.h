/* SPDX-License-Identifier: MIT */
/*
 * check-conf: what `todoke check` finds in a configuration that can be read, but does not do what
 * it seems to.
 */
#ifndef TODOKE_CHECK_CONF_H
#define TODOKE_CHECK_CONF_H

#include "agent/run/trust.h"
#include "conf/conf.h"
#include "filters/filter.h"

/*
 * Add a finding; `line` as in Conf (0 or CONF_LINE_OVERRIDE: none), `hint` may be NULL. All is
 * copied.
 */
void check_conf_finding(GPtrArray *problems, ProblemSeverity severity, const char *file,
                        unsigned line, const char *code, const char *text, const char *hint);

/* Add a finding about a setting, where it was said; of a default, the main file. */
void
check_conf_about(GPtrArray *problems, const Conf *conf, const char *setting,
                 ProblemSeverity severity, const char *code, const char *text, const char *hint);

/* Look at the values of the settings. Findings (Problem) are appended. */
void check_conf_settings(const Conf *conf, GPtrArray *problems);

/*
 * Can every recipient make a file at `path`, whose last part names the user (%u, $USER)? Not in a
 * spool such as /var/mail (2775 root:mail): procmail is setgid mail to make a file there, we are
 * nothing of the kind. `name`: what has that path, such as "recipe_default". Where not, *ret_text
 * says why, *ret_cure what helps (caller frees). SPOOL_NEW: each account of people has its file, so
 * it is the matter of those that are made later.
 */
typedef enum { SPOOL_GOOD, SPOOL_NEW, SPOOL_LACKS } SpoolAnswer;
SpoolAnswer check_conf_spool(const char *name, const char *path, char **ret_text, char **ret_cure);

/*
 * A finding where the file of `trust` can be changed by others: the text names the mode, the hint
 * the command.
 */
void check_conf_trust(GPtrArray *problems, const ConfPlace *place, const Trust *trust);

#endif
