/* SPDX-License-Identifier: MIT */
/* submit-module: what the program and todoke-submit.so know of each other. */
#ifndef TODOKE_SUBMIT_MODULE_H
#define TODOKE_SUBMIT_MODULE_H

#include "agent/send/route.h"

/* Goes up with every change of the table: a module of another version is not used. */
#define SUBMIT_MODULE_VERSION 4u

#define SUBMIT_MODULE_FILE "todoke-submit.so"
#define SUBMIT_MODULE_SYMBOL "submit_module"

typedef enum {
	SUBMIT_DONE,
	/* a later try may succeed, or it is our server's or our own fault */
	SUBMIT_AGAIN,
	SUBMIT_RECIPIENT_REFUSED, /* 5xx to RCPT: the address is at fault */
	SUBMIT_MAIL_REFUSED,      /* 5xx to MAIL, DATA or the dot: the mail is at fault */
} SubmitOutcome;

/* The addresses of a mail as SMTP paths (address_print_path). Borrowed. */
typedef struct {
	const char *from;
	const char *to;
} SubmitPaths;

/* How it ended, in words. Owned; clear with submit_said_clear. */
typedef struct {
	char *words;   /* what was said, or what went wrong, with the step; NULL: nothing */
	char *command; /* the command that failed, as it was sent; NULL: none was sent yet */
	char *reply;   /* what was answered to it, or why nothing was; NULL: it did not fail */
	char *taken; /* what was answered to the end of the mail that was taken; NULL: it was not */
	bool is_down; /* the server does not answer: no connection, no reply to a command, 421 */
} SubmitSaid;

static inline void
submit_said_clear(SubmitSaid *said)
{
	g_clear_pointer(&said->words, g_free);
	g_clear_pointer(&said->command, g_free);
	g_clear_pointer(&said->reply, g_free);
	g_clear_pointer(&said->taken, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SubmitSaid, submit_said_clear)

typedef struct {
	unsigned version;

	/*
	 * Send by SMTP to `route->submit` ("smtp:..."), which is valid. *ret_said, which is empty
	 * before: what was said, or what went wrong; the caller's.
	 */
	SubmitOutcome (*send)(const RouteMail *mail, const SubmitPaths *paths, const Route *route,
	                      SubmitSaid *ret_said);
} SubmitModule;

#endif
