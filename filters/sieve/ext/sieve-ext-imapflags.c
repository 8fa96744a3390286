/* SPDX-License-Identifier: MIT */
/*
 * imapflags: draft-melnikov-sieve-imapflags-03, what imap4flags (RFC 5232) was before. Public
 * scripts still require it; it is taken as imap4flags, with a warning. Its own words are mark and
 * unmark; they set and remove \Flagged.
 */
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-flags.h"

static bool
run_mark(SieveRun *run, const SieveCall *call)
{
	(void) call;
	return sieve_flags_add(run, SIEVE_TEXT("\\Flagged"));
}

static bool
run_unmark(SieveRun *run, const SieveCall *call)
{
	(void) call;
	return sieve_flags_remove(run, SIEVE_TEXT("\\Flagged"));
}

static const SieveCallDef commands[] = { { .name = "mark", .run = run_mark },
	                                 { .name = "unmark", .run = run_unmark },
	                                 { .name = NULL } };

const SieveExt sieve_ext_imapflags = {
	.capability = "imapflags",
	.rfc = "draft-melnikov-sieve-imapflags-03",
	.became = "imap4flags",
	.implies = "imap4flags",
	.commands = commands,
};
