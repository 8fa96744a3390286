/* SPDX-License-Identifier: MIT */
/* copy: RFC 3894, complete: :copy leaves the implicit keep in force. */
#include "filters/sieve/run/sieve-run.h"

static bool
set_copy(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	(void) run;
	(void) call;
	(void) tag;
	action->copy = true;
	return true;
}

static const SieveTagDef tags[] = {
	{ .name = "copy", .on = "fileinto redirect pipe", .action = set_copy }, { .name = NULL }
};

const SieveExt sieve_ext_copy = { .capability = "copy", .rfc = "RFC 3894", .tags = tags };
