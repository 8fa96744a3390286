/* SPDX-License-Identifier: MIT */
/* index: RFC 5260 6, complete: :index and :last on header, address and date. */
#include "filters/sieve/run/sieve-index.h"

bool
sieve_index_check(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	if (tag->value->number == 0)
		return sieve_check_error(check, tag->value->span, "bad-index",
		                         "the first field is 1", "':index' counts from 1");
	call->index = tag->value->number;
	return true;
}

bool
sieve_index_check_last(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	if (sieve_call_tag(call, "index") == NULL)
		return sieve_check_error(check, tag->tag->span, "missing-tag", "add :index 1",
		                         "':last' needs ':index'");
	call->index_from_last = true;
	return true;
}

static const SieveTagDef tags[] = {
	{ .name = "index",
	  .value = SIEVE_NUMBER,
	  .on = "header address date",
	  .check = sieve_index_check },
	{ .name = "last", .on = "header address date", .check = sieve_index_check_last },
	{ .name = NULL }
};

const SieveExt sieve_ext_index = { .capability = "index", .rfc = "RFC 5260", .tags = tags };
