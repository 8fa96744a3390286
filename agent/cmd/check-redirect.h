/* SPDX-License-Identifier: MIT */
/*
 * check-redirect: does mail that a rule redirects come back to its owner, by the aliases of this
 * host's Postfix?
 */
#ifndef TODOKE_CHECK_REDIRECT_H
#define TODOKE_CHECK_REDIRECT_H

#include "agent/cmd/postfix-facts.h"
#include "agent/message/address.h"

/*
 * The way from `address` back to one of the `own` addresses (char *), "a@x -> b@x -> me@x", by
 * virtual_alias_maps and, for addresses of this host, alias_maps, as postmap(1) answers for them.
 * NULL: it does not come back, or nobody can tell. Caller frees.
 */
char *check_redirect_way_home(const PostfixFacts *facts, const char *address, const GPtrArray *own,
                              const AddressRules *rules);

#endif
