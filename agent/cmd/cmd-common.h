/* SPDX-License-Identifier: MIT */
/*
 * people: what the commands for people share: options, the configuration, JSON. Exit 0 good, 1
 * findings, 2 usage.
 */
#ifndef TODOKE_CMD_COMMON_H
#define TODOKE_CMD_COMMON_H

#include "agent/base/status.h"
#include "conf/conf.h"
#include "filters/filter.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { CMD_GOOD = 0, CMD_FINDINGS = 1, CMD_USAGE = 2 };

/*
 * Parse the options of a command; what is left of `argv` are its other arguments, argv[0] stays.
 * `synopsis` follows "usage: todoke NAME", `about` stands below the options. False: --help was
 * printed or the options are wrong, and *ret_exit is the exit code. Texts are taken as
 * G_OPTION_ARG_FILENAME, so that any bytes can be said in any locale.
 */
bool cmd_options(int *argc, char ***argv, const char *synopsis, const char *about,
                 const GOptionEntry *entries, int *ret_exit);

/* Say on stderr what is wrong with the arguments. Returns CMD_USAGE. */
int cmd_usage(const char *command, const char *text, ...) G_GNUC_PRINTF(2, 3);

/* Read the configuration; where that fails, all its problems are on stderr. */
Conf *cmd_conf(const char *path, char **overrides);

/*
 * Let --engine NAME (NULL: not said) hold for this run, whatever the configuration says. Appends to
 * *overrides.
 */
void cmd_choose_engine(const char *name, char ***overrides);

/*
 * Print what may hold words of strangers: what a terminal would obey becomes '?'; lines and tabs
 * stay.
 */
void cmd_print(FILE *out, const char *text, ...) G_GNUC_PRINTF(2, 3);

/* Print an object on stdout and free it. */
void cmd_print_json(json_t *object);

/* json_string() for any bytes. */
json_t *cmd_json_text(const char *text);

/*
 * Problems as the array that front ends read: file, line, column, end, severity, code, text, hint.
 */
json_t *cmd_problems_json(const GPtrArray *problems);

/* Print a problem (problem_print) on stdout. */
void cmd_print_problem(const Problem *problem, const char *source);

#endif
