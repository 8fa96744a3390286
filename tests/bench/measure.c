/* SPDX-License-Identifier: MIT */
/*
 * measure: runs a program once, with a file fed through a pipe as Postfix does, and writes one line
 * into a file of results:
 *
 *     wall_us cpu_us peak_rss_kb exit_code
 *
 * It is a small C program because the peak of a child counts from its parent's size at fork: under
 * Python every program would look at least as big as Python.
 *
 *     measure RESULTS FILE PROGRAM [ARGUMENT]...      FILE "-" is standard input; exits as the
 *     program did
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536, CANNOT_RUN = 127, BY_SIGNAL = 128 };

static long long
now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static long long
time_us(struct timeval tv)
{
	return tv.tv_sec * 1000000LL + tv.tv_usec;
}

static pid_t
start(char **argv, int in)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;

	if (dup2(in, STDIN_FILENO) < 0)
		_exit(CANNOT_RUN);
	closefrom(STDERR_FILENO + 1);
	execvp(argv[0], argv);
	_exit(CANNOT_RUN);
}

/* A program that has seen enough closes the pipe; that is its right. */
static void
feed(int file, int out)
{
	static char buffer[BUFFER];
	ssize_t n;

	while ((n = read(file, buffer, sizeof buffer)) > 0)
		if (write(out, buffer, (size_t) n) != n)
			break;
	close(out);
}

int
main(int argc, char **argv)
{
	int ends[2];
	FILE *results = argc > 3 ? fopen(argv[1], "we") : NULL;
	int file = argc > 3 && strcmp(argv[2], "-") != 0 ? open(argv[2], O_RDONLY | O_CLOEXEC)
	                                                 : STDIN_FILENO;

	if (results == NULL || file < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		fputs("usage: measure RESULTS FILE PROGRAM [ARGUMENT]...\n", stderr);
		return CANNOT_RUN;
	}

	signal(SIGPIPE, SIG_IGN); /* as Postfix leaves it, for the program too */
	long long started = now_us();
	pid_t pid = start(argv + 3, ends[0]);
	if (pid < 0)
		return CANNOT_RUN;

	close(ends[0]);
	feed(file, ends[1]);
	int status = 0;
	struct rusage usage;
	if (wait4(pid, &status, 0, &usage) != pid)
		return CANNOT_RUN;

	int code = WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status);
	fprintf(results, "%lld %lld %ld %d\n", now_us() - started,
	        time_us(usage.ru_utime) + time_us(usage.ru_stime), usage.ru_maxrss, code);
	return fclose(results) == 0 ? code : CANNOT_RUN;
}
