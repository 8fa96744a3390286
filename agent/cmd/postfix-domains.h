/* SPDX-License-Identifier: MIT */
/* postfix-domains: which domains a Postfix takes mail for, by the four classes of ADDRESS_CLASS. */
#ifndef TODOKE_POSTFIX_DOMAINS_H
#define TODOKE_POSTFIX_DOMAINS_H

#include "agent/cmd/postfix-facts.h"
#include "conf/conf.h"

#include <stdbool.h>

/*
 * Is the domain in the list (of postfix_list_words), by its name, in a table or in a file, and not
 * behind a "!"? *ret_sure (may be NULL) becomes false where a table could not be asked.
 */
bool postfix_domains_list(const PostfixFacts *facts, const GPtrArray *list, const char *domain,
                          bool *ret_sure);

/* Is it in mydestination, virtual_alias_domains, virtual_mailbox_domains or relay_domains? */
bool postfix_domains_has(const PostfixFacts *facts, const char *domain, bool *ret_sure);

/* Is it the address of a user whose domain Postfix must have for mail to come here? */
bool postfix_domains_matter(const Conf *conf, const char *address);

/*
 * The domain of a virtual user's address, where this Postfix hands mail to todoke and surely has no
 * such domain. Borrowed from `address`; NULL: it has it, or nothing is known.
 */
const char *postfix_domains_missing(const PostfixFacts *facts, const char *address);

#endif
