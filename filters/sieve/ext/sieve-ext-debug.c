/* SPDX-License-Identifier: MIT */
/*
 * vnd.dovecot.debug: spec-bosch-sieve-debug, complete: debug_log writes to the trace (`todoke
 * try`), not to the site's log.
 */
#include "filters/sieve/ext/sieve-debug.h"
#include "filters/sieve/lang/sieve-text.h"

enum { MESSAGE_OCTETS = 1000 };

bool
sieve_debug_log(SieveRun *run, const SieveCall *call)
{
	SieveText text = sieve_run_text(run, &call->positional[0]->strings[0]);
	sieve_run_trace(run, TRACE_ACTIONS, call, "DEBUG: %.*s",
	                sieve_text_shown(text, MESSAGE_OCTETS), text.data);
	return true;
}

static const SieveCallDef commands[] = {
	{ .name = "debug_log", .positional = { SIEVE_STRING }, .run = sieve_debug_log },
	{ .name = NULL }
};

const SieveExt sieve_ext_debug = { .capability = "vnd.dovecot.debug",
	                           .rfc = "spec-bosch-sieve-debug",
	                           .commands = commands };
