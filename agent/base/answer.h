/* SPDX-License-Identifier: MIT */
/*
 * answer: the one line that Postfix reads.
 *
 * pipe(8) and local(8) give a command one non-blocking pipe as descriptors 1 and 2, and let text
 * that begins with an enhanced code decide over the exit code. So both descriptors are taken away
 * at the start (libraries may write what they like: it goes to /dev/null), and only answer_finish
 * writes to the pipe, once.
 */
#ifndef TODOKE_ANSWER_H
#define TODOKE_ANSWER_H

#include "agent/base/status.h"

/*
 * Take descriptors 1 and 2 away. Call first of all; a closed 0, 1 or 2 is opened on /dev/null, so
 * that no file gets its number.
 */
void answer_take_over(void);

/* Give descriptors 1 and 2 back, for a program that takes this one's place. */
void answer_give_back(void);

/*
 * Before answer_take_over: are descriptors 1 and 2 the one non-blocking pipe that pipe(8) and
 * local(8) make? Then what is printed and returned decides over mail.
 */
bool answer_is_for_postfix(void);

/*
 * Print the answer and return the exit code for main. A failure prints "D.S.N text [QUEUEID]";
 * success prints `done` (at most LIMIT_ANSWER_OK_BYTES of it; NULL: nothing). `queue_id` may be
 * NULL. On Postfix's pipe the line has no line end, which would become a blank in its log and in
 * bounces.
 */
int answer_finish(const Status *st, const char *done, const char *queue_id);

/*
 * Print more than an answer, for a person and never for Postfix. False: not all of it could be
 * written.
 */
bool answer_print(const char *data, size_t len);

/*
 * Warn the person who runs the program, on standard error. Does nothing if that is closed, or is
 * where the answer goes (Postfix); at a terminal both are read by the same person.
 */
void answer_warn(const char *text);

/*
 * Tell whoever typed the command "todoke: TEXT", where standard error is a terminal. What strangers
 * wrote in it is made safe.
 */
void answer_tell_typist(const char *text);

/*
 * From a signal handler: print `line` as it is and leave with `exit_code`, without running anything
 * else. Async-signal-safe.
 */
G_NORETURN void answer_abort(const char *line, size_t len, int exit_code);

/*
 * A short reference to a text that is in the log but must not reach the sender: ten hexadecimal
 * digits. Caller frees.
 */
char *answer_reference(const char *text);

/*
 * Without a log the answer is all that an admin sees: add the cause to its text, for STATUS_CONFIG
 * and similar faults. Strangers may read it, so paths are cut to their last name.
 */
void answer_tell_cause(Status *st);

/* The line that answer_finish prints for a failure, without its line end. Caller frees. */
char *answer_line(const Status *st, const char *queue_id);

#endif
