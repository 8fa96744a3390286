/* SPDX-License-Identifier: MIT */
/*
 * subaddress: RFC 5233, complete: :user and :detail. What separates them is the site's recipient
 * delimiter.
 */
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

/* The delimiter in the local part, not as its first octet; NULL: there is none. */
static const char *
find_delimiter(const SieveRun *run, SieveText local)
{
	const char *delimiters = run->input->delimiters;
	for (size_t i = 1; delimiters != NULL && i < local.len; i++)
		if (local.data[i] != '\0' && strchr(delimiters, local.data[i]) != NULL)
			return local.data + i;
	return NULL;
}

/* Without a detail the user is the whole local part (RFC 5233 4). */
static bool
get_user(SieveRun *run, const SieveAddress *address, SieveText *ret_text)
{
	const char *delimiter = find_delimiter(run, address->local);
	*ret_text = address->local;
	if (delimiter != NULL)
		ret_text->len = (size_t) (delimiter - address->local.data);
	return address->valid;
}

/* An address without detail has none to compare; "user+" has an empty one. */
static bool
get_detail(SieveRun *run, const SieveAddress *address, SieveText *ret_text)
{
	const char *delimiter = find_delimiter(run, address->local);
	if (!address->valid || delimiter == NULL)
		return false;

	size_t user_len = (size_t) (delimiter - address->local.data);
	*ret_text = (SieveText){ delimiter + 1, address->local.len - user_len - 1 };
	return true;
}

static const SieveAddressPart parts[] = { { "user", get_user },
	                                  { "detail", get_detail },
	                                  { NULL, NULL } };

const SieveExt sieve_ext_subaddress = { .capability = "subaddress",
	                                .rfc = "RFC 5233",
	                                .address_parts = parts };
