/* SPDX-License-Identifier: MIT */
/*
 * deadline: a SIGALRM handler that uses only async-signal-safe calls and values that were prepared
 * before.
 */
#define _GNU_SOURCE
#include "agent/base/deadline.h"

#include "agent/base/answer.h"
#include "agent/base/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static struct {
	volatile unsigned seconds;
	time_t ends;
	char queue_id[64];
	const char *volatile waiting_for;
	DeadlineFile *files;
	volatile pid_t group;
	void (*volatile stop)(void);
	bool catches_termination;
} deadline = { .waiting_for = "starting" };

/* strlcat for the handler; glibc 2.36 has none and snprintf is not async-signal-safe. */
static size_t
append(char *line, size_t len, size_t size, const char *text)
{
	while (*text != '\0' && len + 1 < size)
		line[len++] = *text++;
	return len;
}

/* Leave nothing behind and answer with `why`, which ends with what we were doing. Never returns. */
static void
give_up(const char *why)
{
	for (const DeadlineFile *file = __atomic_load_n(&deadline.files, __ATOMIC_ACQUIRE);
	     file != NULL; file = file->next)
		(void) unlinkat(file->dirfd, file->name, 0);
	if (deadline.group > 0)
		(void) kill(-deadline.group, SIGKILL);
	void (*stop)(void) = deadline.stop;
	if (stop != NULL)
		stop();
	char line[256];
	size_t len = append(line, 0, sizeof line, why);
	len = append(line, len, sizeof line, deadline.waiting_for);

	if (deadline.queue_id[0] != '\0') {
		len = append(line, len, sizeof line, " [");
		len = append(line, len, sizeof line, deadline.queue_id);
		len = append(line, len, sizeof line, "]");
	}

	len = append(line, len, sizeof line, "\n");
	answer_abort(line, len, EX_TEMPFAIL);
}

static void
on_alarm(int sig)
{
	(void) sig;
	if (deadline.seconds == 0)
		return;
	crash_mark_overtime();
	give_up("4.3.0 delivery took too long: stopped while ");
}

static void
on_termination(int sig)
{
	(void) sig;
	give_up("4.3.2 service is shutting down: stopped while ");
}

static const int termination_signals[] = { SIGTERM, SIGINT, SIGHUP };

/* A signal that our caller had ignored (nohup) stays so. */
void
deadline_catch_termination(void)
{
	struct sigaction on = { .sa_handler = on_termination }, before;

	(void) sigfillset(&on.sa_mask);
	deadline.catches_termination = true;
	for (size_t i = 0; i < G_N_ELEMENTS(termination_signals); i++)
		if (sigaction(termination_signals[i], &on, &before) == 0 &&
		    before.sa_handler == SIG_IGN)
			(void) sigaction(termination_signals[i], &before, NULL);
}

void
deadline_outlast_termination(void)
{
	if (!deadline.catches_termination)
		return;
	sigset_t set;
	(void) sigemptyset(&set);
	for (size_t i = 0; i < G_N_ELEMENTS(termination_signals); i++)
		(void) sigaddset(&set, termination_signals[i]);
	(void) sigprocmask(SIG_BLOCK, &set, NULL);
	deadline.catches_termination = false; /* one call is enough */
}

/* A caller that blocked it would have us wait for ever; masks are inherited. */
static void
catch_alarm(void)
{
	/* behind deadline_end() nothing is to notice it */
	struct sigaction on = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };

	(void) sigaction(SIGALRM, &on, NULL);
	sigset_t alarm_only;
	(void) sigemptyset(&alarm_only);
	(void) sigaddset(&alarm_only, SIGALRM);
	(void) sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
}

void
deadline_start(unsigned seconds, const char *queue_id)
{
	g_strlcpy(deadline.queue_id, queue_id != NULL ? queue_id : "", sizeof deadline.queue_id);
	deadline.seconds = seconds;
	deadline.ends = time(NULL) + seconds;

	static bool is_set; /* lmtpd comes here for every message */
	bool is_first = !is_set;
	if (is_first)
		catch_alarm();
	is_set = true;

	/* The alarm of the small program, which became this one, goes on. */
	unsigned left = alarm(seconds);
	if (is_first && left > 0 && left < seconds) {
		deadline.ends = time(NULL) + left;
		(void) alarm(left);
	}
}

void
deadline_stop(void)
{
	if (deadline.seconds == 0)
		return;
	(void) alarm(0);
	deadline.seconds = 0;
}

void
deadline_end(void)
{
	deadline.seconds = 0;
}

void
deadline_grant(unsigned seconds)
{
	if (deadline.seconds == 0 || deadline_left() >= seconds)
		return;
	deadline.ends = time(NULL) + seconds;
	(void) alarm(seconds);
}

void
deadline_waiting_for(const char *what)
{
	deadline.waiting_for = what;
}

/* The list changes by one store each time, so the handler always walks a whole one. */
void
deadline_add_file(DeadlineFile *file)
{
	file->next = deadline.files;
	__atomic_store_n(&deadline.files, file, __ATOMIC_RELEASE);
}

void
deadline_drop_file(DeadlineFile *file)
{
	DeadlineFile **at = &deadline.files;
	while (*at != NULL && *at != file)
		at = &(*at)->next;
	if (*at != NULL)
		__atomic_store_n(at, file->next, __ATOMIC_RELEASE);
}

void
deadline_kill_group(pid_t group)
{
	deadline.group = group;
}

void
deadline_stop_program(void (*stop)(void))
{
	deadline.stop = stop;
}

unsigned
deadline_left(void)
{
	if (deadline.seconds == 0)
		return G_MAXUINT;
	time_t now = time(NULL);
	return now >= deadline.ends ? 0 : (unsigned) (deadline.ends - now);
}
