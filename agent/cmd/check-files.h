/* SPDX-License-Identifier: MIT */
/*
 * check-files: finds what a configuration names but does not exist, and homes that several users
 * share. A function for each family of findings, for `todoke check` and other commands.
 */
#ifndef TODOKE_CHECK_FILES_H
#define TODOKE_CHECK_FILES_H

#include "conf/conf.h"

/*
 * Scripts, recipes, folders and lists of the site that do not exist. Paths with a '%' differ by
 * recipient and are not checked. Findings (Problem) are appended.
 */
void check_files_missing(const Conf *conf, GPtrArray *problems);

/*
 * Do several virtual users share one home, and so the script that lies there? *ret_home (caller
 * frees) is that home as a template, "/var/vmail/%d".
 */
bool check_files_shares_home(const Conf *conf, char **ret_home);

/* The same as a finding. */
void check_files_shared_home(const Conf *conf, GPtrArray *problems);

/* Special uses whose folder the layout cannot hold. */
void check_files_special_use(const Conf *conf, GPtrArray *problems);

#endif
