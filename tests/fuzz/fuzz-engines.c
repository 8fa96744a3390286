/* SPDX-License-Identifier: MIT */
/*
 * fuzz-engines: both engines of Sieve over one script and message, made from the input: they come
 * to the same, or libsieve's part is refused. tests/fuzz/fuzz-engines.sh runs it.
 */
#include "tests/lib/engine-pair.h"
#include "tests/lib/sieve-world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static char *
outcome_of(const EnginePair *pair, const char *engine)
{
	g_autofree char *lines = g_strdup_printf(
		"%sset: sieve_engine=%s\nset: libsieve_refused=error\n", pair->envelope->str,
		engine);
	g_autoptr(SieveWorld) world = sieve_world_new(lines, NULL);
	g_auto(Status) st = STATUS_INIT;

	g_autoptr(Message)
		message = message_from_bytes(pair->message->str, pair->message->len, &st);
	const FilterSource source = {
		.file = "pair.sieve",
		.text = pair->script->str,
		.len = pair->script->len,
		.trust = SCRIPT_OWNER,
	};
	return sieve_world_outcome(world, &source, message, NULL);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	g_auto(EnginePair) pair = { NULL };

	engine_pair_make(data, size, &pair);
	g_autofree char *native = outcome_of(&pair, "native"),
			*caged = outcome_of(&pair, "libsieve");
	bool refused = strstr(caged, ": libsieve-refused: ") != NULL;
	if (getenv("FUZZ_ENGINES_TELL") != NULL)
		printf("%s\n%s--- message\n%s%s--- script\n%s",
		       refused                      ? "refused"
		       : strcmp(native, caged) == 0 ? "same"
		                                    : "different",
		       caged, pair.envelope->str, pair.message->str, pair.script->str);

	if (refused || strcmp(native, caged) == 0)
		return 0;
	fprintf(stderr, "--- native\n%s--- libsieve\n%s--- message\n%s%s--- script\n%s", native,
	        caged, pair.envelope->str, pair.message->str, pair.script->str);
	abort();
}
