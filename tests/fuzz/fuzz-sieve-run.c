/* SPDX-License-Identifier: MIT */
/*
 * fuzz-sieve-run: a script and a message from one input, with a line "%%" between them. Nothing may
 * crash or hang; a run that fails leaves a fault with a name. tests/fuzz/fuzz-sieve.sh runs it.
 */
#define _GNU_SOURCE
#include "tests/lib/sieve-world.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	static SieveWorld *world;

	if (world == NULL)
		world = sieve_world_new(
			"set: sieve_max_steps=2000000\ntrace: 3\norig: me+detail@example.jp\nmailbox: INBOX \\Inbox\n"
			"trust: site\nclient: 192.0.2.1\nlist: tag:example=a@example.org\nseen: x\n",
			NULL);

	const guchar *mark = memmem(data, size, "\n%%\n", 4);
	size_t len = mark != NULL ? (size_t) (mark - data) + 1 : size;
	const guchar *mail = mark != NULL ? mark + 4 : data + size;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(mail, size - (size_t) (mail - data), &st);
	FilterSource source = {
		.file = "fuzz.sieve", .text = (const char *) data, .len = len, .trust = SCRIPT_SITE
	};
	g_autofree char *outcome = sieve_world_outcome(world, &source, message, NULL);
	g_assert(outcome[0] != '\0');
	g_string_truncate(world->trace, 0);

	return 0;
}
