/* SPDX-License-Identifier: MIT */
/* handover: execve with the message on descriptors. */
#define _GNU_SOURCE
#include "agent/base/handover.h"

#include "agent/base/answer.h"
#include "agent/base/log.h"
#include "agent/base/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/*
 * argv[0] of the whole program. The dynamic loader begins with it what it prints, if not even the
 * C library can be loaded, and Postfix takes a code at the beginning for the answer.
 */
#define CALLED "4.3.0 todoke"

/* Says that there was a handover, so that there is no second one. */
#define VARIABLE "TODOKE_HANDED_OVER"

static struct {
	char **argv; /* NULL: this is the whole program */
	bool closed;
	HandoverGiveBack *give_back; /* NULL: nothing was read from standard input */
	void *user;
} handover;

bool
handover_init(char **argv, Status *st)
{
	if (getauxval(AT_SECURE) != 0)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "todoke-deliver must not have the bit setuid or setgid");
	if (getenv(VARIABLE) != NULL)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "todoke-deliver stands in the place of todoke");

	/* whoever reads the options takes them out of the line */
	handover.argv = g_new0(char *, g_strv_length(argv) + 1);
	for (size_t i = 0; argv[i] != NULL; i++)
		handover.argv[i] = argv[i];

	return true;
}

void
handover_offer(HandoverGiveBack *give_back, void *user)
{
	handover.give_back = give_back;
	handover.user = user;
}

void
handover_close(void)
{
	handover.closed = true;
}

bool
handover_is_open(void)
{
	return handover.argv != NULL && !handover.closed;
}

/* The mail waits in the queue, and nothing of it is here. */
G_NORETURN static void
fail(const char *why, const char *what, Status *st)
{
	g_autofree char *detail = g_strdup_printf("todoke-deliver cannot %s for %s: %s", what, why,
	                                          status_why(st));
	g_free(st->detail);
	st->detail = g_steal_pointer(&detail);

	LogLine *line = log_line_new(NULL);
	log_line_add_failure(line, st);
	log_line_send(line, LOG_ERR);

	g_autofree char *answer = answer_line(st, NULL);
	g_autofree char *whole = g_strconcat(answer, "\n", NULL);
	answer_abort(whole, strlen(whole), EX_TEMPFAIL);
}

/* Put `head` in the place of standard input, and let both pass through exec. */
static bool
pass_descriptors(int head, int rest, Status *st)
{
	if ((head >= 0 && dup2(head, STDIN_FILENO) < 0) ||
	    (rest >= 0 && fcntl(rest, F_SETFD, 0) < 0) || setenv(VARIABLE, "1", 1) < 0 ||
	    !starter_hand_over())
		return status_fail_errno(st, errno, "cannot give the message back");
	return true;
}

/*
 * The command line for the whole program. A todoke that knows no --rest defers the mail, and does
 * not store half of it.
 */
static char **
command_line(int rest)
{
	static char called[] = CALLED;
	GPtrArray *words = g_ptr_array_new();
	for (char **word = handover.argv; *word != NULL; word++) {
		g_ptr_array_add(words, word == handover.argv ? called : *word);
		if (rest >= 0 && words->len == 2)
			g_ptr_array_add(words, g_strdup_printf("--rest=%d", rest));
	}

	g_ptr_array_add(words, NULL);
	return (char **) g_ptr_array_free(words, FALSE);
}

char *
handover_program(void)
{
	const char *folder = secure_getenv("TODOKE_PROGRAM_DIR");
	return g_build_filename(folder != NULL ? folder : TODOKE_BIN_DIR, "todoke", NULL);
}

void
handover_go(const char *why)
{
	g_auto(Status) st = STATUS_INIT;
	int head = -1, rest = -1;
	if (handover.argv == NULL || handover.closed)
		return;

	handover.closed = true; /* what undoing needs cannot be handed over */
	if (handover.give_back != NULL && !handover.give_back(handover.user, &head, &rest, &st))
		fail(why, "give the message back", &st);
	if (!pass_descriptors(head, rest, &st))
		fail(why, "give the message back", &st);

	g_autofree char *path = handover_program();
	answer_give_back();
	(void) execv(path, command_line(rest));
	int err = errno;
	answer_take_over();
	status_fail_detail(&st, STATUS_CONFIG, "cannot run '%s': %s", path, status_error_text(err));
	fail(why, "become todoke", &st);
}

bool
handover_accept(int rest, Status *st)
{
	bool is_behind = getenv(VARIABLE) != NULL; /* cheaper than to take it out unasked */
	if (is_behind && handover.argv == NULL)
		starter_take_over();
	if (is_behind)
		(void) unsetenv(VARIABLE);
	if (rest >= 0 && handover.argv != NULL)
		return status_fail_detail(st, STATUS_USAGE,
		                          "--rest is what todoke-deliver says to todoke");
	return rest < 0 || fcntl(rest, F_SETFD, FD_CLOEXEC) == 0 ||
	       status_fail_detail(st, STATUS_USAGE, "--rest: %d is no open descriptor", rest);
}
