/* SPDX-License-Identifier: MIT */
/*
 * cmd-common: what the commands for people share: the configuration, JSON, what is printed. Exit 0
 * good, 1 findings, 2 usage.
 */
#ifndef TODOKE_CMD_COMMON_H
#define TODOKE_CMD_COMMON_H

#include "agent/base/status.h"
#include "agent/cmd/cmd-option.h"
#include "conf/conf.h"
#include "filters/filter.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { CMD_GOOD = 0, CMD_FINDINGS = 1, CMD_USAGE = 2 };

/*
 * Read the command line (cmd_option_read); argv[0] is the command's name. False: --help was
 * printed, or what is wrong was said on standard error; *ret_exit is the exit code.
 */
bool cmd_options(const CmdOptions *options, int *argc, char **argv, void *into, int *ret_exit);

/* Say on stderr what is wrong with the arguments. Returns CMD_USAGE. */
int cmd_usage(const char *command, const char *text, ...) G_GNUC_PRINTF(2, 3);

/*
 * Read the configuration, with what CMD_OPTION_SETTING said; where that fails, all its problems are
 * on stderr. Caller frees; NULL: it could not be read.
 */
Conf *cmd_conf(const char *path, const GPtrArray *overrides);

/*
 * Let --engine (CMD_OPTION_ENGINE; -1: not said) hold for this run, whatever the configuration
 * says: adds to *overrides.
 */
void cmd_choose_engine(int engine, GPtrArray **overrides);

/*
 * Print text that may come from strangers: control characters, which a terminal would obey, become
 * '?', except line ends and tabs.
 */
void cmd_print(FILE *out, const char *text, ...) G_GNUC_PRINTF(2, 3);

/*
 * Print JSON text: in a string, what a terminal would obey becomes \uXXXX, which means the same to
 * whoever parses it. Line ends and tabs stay, so the text may be several lines.
 */
void cmd_put_json(FILE *out, const char *text, size_t len);

/* Print an object on stdout as cmd_put_json() does, and free it. */
void cmd_print_json(json_t *object);

/* The same, without a line end in it. */
void cmd_print_json_line(json_t *object);

/* json_string() for any bytes. Caller owns the reference. */
json_t *cmd_json_text(const char *text);

/*
 * Problems as the array that front ends read: file, line, column, end, severity, code, text, hint.
 * Caller owns the reference.
 */
json_t *cmd_problems_json(const GPtrArray *problems);

/*
 * The files below a folder whose name ends in one of `endings`, in the order of their names; a file
 * as it is. Links below it are not followed. False: it, or a folder below it, cannot be read;
 * *ret_unread (caller frees) names it.
 */
bool cmd_find_files(char *path, const char *const *endings, GPtrArray *paths, char **ret_unread);

/* Print a problem (problem_print) on stdout. */
void cmd_print_problem(const Problem *problem, const char *source);

#endif
