/* SPDX-License-Identifier: MIT */
/*
 * problem: something wrong in a text that a person wrote (configuration, script, recipes), and how
 * it is shown.
 */
#ifndef TODOKE_PROBLEM_H
#define TODOKE_PROBLEM_H

#include <glib.h>

typedef enum { PROBLEM_ERROR, PROBLEM_WARNING } ProblemSeverity;

/* Lines and columns count from 1; columns are octets of the text as shown. */
typedef struct {
	char *file;
	unsigned line;       /* 0: the whole file, or no file */
	unsigned column;     /* 0: the whole line */
	unsigned end_column; /* the first column after the token; 0: not known */
	ProblemSeverity severity;
	const char *code; /* "unknown-command": stable, for front ends */
	char *text;
	char *hint; /* NULL: none */
} Problem;

void problem_free(Problem *problem);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Problem, problem_free)

/* A new list of problems that frees its elements. Caller unrefs. */
GPtrArray *problem_list_new(void);

/* Append a copy of `problem` to `problems` (of problem_list_new; NULL: does nothing). */
void problem_add(GPtrArray *problems, const Problem *problem);

/* "error", "warning". */
const char *problem_severity_name(ProblemSeverity severity);

/*
 * A problem as compilers print it: `file:line:column: error: text`, the line of `source` (NULL:
 * left out) with carets below the token, the hint. Caller frees.
 */
char *problem_print(const Problem *problem, const char *source);

/*
 * The same in one line, for log and status: `file:line: text`, without the line number if there is
 * none. Caller frees.
 */
char *problem_print_short(const Problem *problem);

/*
 * The place of a rule or finding: `file:line`, or `file` where line 0 says that no line of it is
 * meant, such as DEFAULT of recipes. Caller frees.
 */
char *problem_place_print(const char *file, unsigned line);

#endif
