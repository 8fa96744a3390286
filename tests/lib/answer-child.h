/* SPDX-License-Identifier: MIT */
/* answer-child: a process that answers through a pipe as Postfix has it. */
#ifndef TODOKE_ANSWER_CHILD_H
#define TODOKE_ANSWER_CHILD_H

#include <stddef.h>

/*
 * Run `act` in a child whose output and errors are a pipe with these flags (O_NONBLOCK: as
 * Postfix's). Returns its exit code, 99 where `act` came back; `ret_text`, of `size` octets,
 * is what came through the pipe.
 */
int answer_child_run(void (*act)(void), int pipe_flags, char *ret_text, size_t size);

#endif
