/* SPDX-License-Identifier: MIT */
/*
 * vnd.cyrus.log: Cyrus' name for debug_log, with the command `log`: it writes to the trace, as
 * debug_log does.
 */
#include "filters/sieve/ext/sieve-debug.h"

static const SieveCallDef commands[] = {
	{ .name = "log", .positional = { SIEVE_STRING }, .run = sieve_debug_log }, { .name = NULL }
};

const SieveExt sieve_ext_cyrus_log = { .capability = "vnd.cyrus.log",
	                               .rfc = "Cyrus IMAP",
	                               .commands = commands };
