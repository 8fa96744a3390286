/* SPDX-License-Identifier: MIT */
/* submit-module: what the program and todoke-submit.so know of each other. */
#ifndef TODOKE_SUBMIT_MODULE_H
#define TODOKE_SUBMIT_MODULE_H

#include "agent/send/route.h"

/* Goes up with every change of the table: a module of another version is not used. */
#define SUBMIT_MODULE_VERSION 2u

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

typedef struct {
	unsigned version;

	/*
	 * Send by SMTP to `route->submit` ("smtp:..."), which is valid. *ret_words: what was said,
	 * or what went wrong; caller frees.
	 */
	SubmitOutcome (*send)(const RouteMail *mail, const SubmitPaths *paths, const Route *route,
	                      char **ret_words);
} SubmitModule;

#endif
