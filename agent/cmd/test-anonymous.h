/* SPDX-License-Identifier: MIT */
/*
 * test-anonymous: a message without the people in it, for tests that others read: each address
 * becomes another one, always the same for the same; names beside addresses, the text, and fields
 * that tell the mail's way go.
 */
#ifndef TODOKE_TEST_ANONYMOUS_H
#define TODOKE_TEST_ANONYMOUS_H

#include "agent/message/envelope.h"
#include "agent/message/message.h"

typedef struct TestAnonymous TestAnonymous;

/*
 * `kept` is text (the scripts) whose addresses and domains stay as they are, as rules ask for them;
 * borrowed. Caller frees.
 */
TestAnonymous *test_anonymous_new(const char *kept);
void test_anonymous_free(TestAnonymous *anonymous);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestAnonymous, test_anonymous_free)

/* The address that stands for this one: "person1@example.org". Caller frees. */
char *test_anonymous_address(TestAnonymous *anonymous, const char *address);

/* The message with other people. Caller unrefs. */
Message *test_anonymous_message(TestAnonymous *anonymous, const Message *message, Status *st);

/* Replace the addresses of the envelope. */
void test_anonymous_envelope(TestAnonymous *anonymous, Envelope *envelope);

#endif
