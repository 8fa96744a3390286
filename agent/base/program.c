/* SPDX-License-Identifier: MIT */
/* program: signals, limits and descriptors as a program expects them, then execve. */
#define _GNU_SOURCE
#include "agent/base/program.h"

#include "agent/base/libc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* What program_keep_memory_limit found. */
static struct rlimit kept_limit;
static bool keeps_limit;

void
program_keep_memory_limit(void)
{
	keeps_limit = getrlimit(RLIMIT_AS, &kept_limit) == 0;
}

/*
 * Our ends become 0, 1 and 2. They are moved out of the way first, for they may have these numbers.
 */
static bool
take_descriptors(const int fds[PROGRAM_FDS])
{
	int ends[PROGRAM_FAILURE];

	for (int i = 0; i < PROGRAM_FAILURE; i++) {
		ends[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 10);
		if (ends[i] < 0)
			return false;
	}

	for (int i = 0; i < PROGRAM_FAILURE; i++)
		if (dup2(ends[i], i) < 0)
			return false;
	return true;
}

void
program_become(const Program *program, const int fds[PROGRAM_FDS], pid_t parent)
{
	(void) setpgid(0, 0);
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	int failure = fcntl(fds[PROGRAM_FAILURE], F_DUPFD_CLOEXEC, 10);
	if (getppid() != parent || failure < 0)
		_exit(126);

	struct sigaction normal = { .sa_handler = SIG_DFL };
	for (int sig = 1; sig < NSIG; sig++)
		(void) sigaction(sig, &normal, NULL);
	sigset_t none;
	(void) sigemptyset(&none);
	(void) sigprocmask(SIG_SETMASK, &none, NULL);
	(void) setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	if (keeps_limit)
		(void) setrlimit(RLIMIT_AS, &kept_limit);

	const char *folder = program->folder != NULL ? program->folder : "/";
	if (take_descriptors(fds) && chdir(folder) == 0) {
		/* Whatever a library left open without close-on-exec. */
		(void) close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
		(void) execve(program->path, (char *const *) program->argv,
		              (char *const *) program->envp);
		if (errno == ENOEXEC && program->script_argv != NULL)
			(void) execve("/bin/sh", (char *const *) program->script_argv,
			              (char *const *) program->envp);
	}

	int err = errno;
	ssize_t done = write(failure, &err, sizeof err);
	_exit(done > 0 ? 126 : 127);
}
