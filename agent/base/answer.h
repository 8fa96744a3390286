/*
 * answer: the one line that Postfix reads.
 *
 * pipe(8) and local(8) give a command one non-blocking pipe as descriptors 1 and 2, and let text that begins with an
 * enhanced code decide over the exit code. So both descriptors are taken away at the start (libraries may write what
 * they like: it goes to /dev/null), and only answer_finish writes to the pipe, once.
 */
#ifndef TODOKE_ANSWER_H
#define TODOKE_ANSWER_H

#include "agent/base/status.h"

/* Take descriptors 1 and 2 away. Call first of all; a closed 0, 1 or 2 is opened on /dev/null, so that no file gets its number. */
void answer_take_over(void);

/*
 * Print the answer and return the exit code for main. A failure is "D.S.N text [QUEUEID]"; success is `done` (at most
 * LIMIT_ANSWER_OK_BYTES of it, NULL: nothing). `queue_id` may be NULL. The line has no end on Postfix's pipe: that would become a
 * blank in its log and bounces.
 */
int answer_finish(const Status *st, const char *done, const char *queue_id);

/* Print more than an answer, where a person asked for it and not Postfix. False: it is not all written. */
bool answer_print(const char *data, size_t len);

/* Warn the person who runs us, on standard error; nothing where that is where the answer goes (Postfix), or is closed. */
void answer_warn(const char *text);

/*
 * From a signal handler: print `line` as it is and leave with `exit_code`, without running anything else.
 * Async-signal-safe.
 */
G_NORETURN void answer_abort(const char *line, size_t len, int exit_code);

/* A short name for a text that is in the log but cannot be told: ten hexadecimal digits. Caller frees. */
char *answer_reference(const char *text);

/*
 * Where nobody hears the log, the answer is all that an admin gets to see: add the cause to its text, for STATUS_CONFIG
 * and its like. Strangers may read it, so of paths only the last name is left.
 */
void answer_tell_cause(Status *st);

/* The line that answer_finish prints for a failure, without its newline. Caller frees. */
char *answer_line(const Status *st, const char *queue_id);

#endif
