/* SPDX-License-Identifier: MIT */
/* answer-child: fork, take over the answer, act; the parent reads once. */
#define _GNU_SOURCE
#include "tests/lib/answer-child.h"

#include "agent/base/answer.h"

#include "tests/unit/unit.h"

#include <sys/wait.h>
#include <unistd.h>

int
answer_child_run(void (*act)(void), int pipe_flags, char *ret_text, size_t size)
{
	int ends[2];

	assert_int_equal(pipe2(ends, pipe_flags), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);

	if (pid == 0) {
		(void) dup2(ends[1], STDOUT_FILENO);
		(void) dup2(ends[1], STDERR_FILENO);
		(void) close(ends[0]);
		(void) close(ends[1]);
		answer_take_over();
		act();
		_exit(99);
	}

	(void) close(ends[1]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);

	ssize_t len = read(ends[0], ret_text, size - 1);
	(void) close(ends[0]);
	ret_text[MAX(len, 0)] = '\0';
	assert_true(WIFEXITED(status));

	return WEXITSTATUS(status);
}
