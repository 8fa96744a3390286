/* SPDX-License-Identifier: MIT */
/*
 * test-capture: makes a rule test of a delivered message: the message, its envelope, and what the
 * rules ask for now. The test passes when it is made, and fails when the rules change their mind.
 */
#ifndef TODOKE_TEST_CAPTURE_H
#define TODOKE_TEST_CAPTURE_H

#include "agent/base/status.h"

#include <glib.h>

/* What is captured. All is borrowed. */
typedef struct {
	const char *conf_path;
	const GPtrArray *overrides;
	const char *mail;      /* a file of a mailbox, or a queue id that the record knows */
	const char *recipient; /* whose rules; NULL: by the record, or those of this process */
	bool is_anonymous;     /* other addresses, no names, another text */
} TestCaptureWish;

/* Print the suite on standard output. Returns the exit code of the command. */
int test_capture(const TestCaptureWish *wish);

#endif
