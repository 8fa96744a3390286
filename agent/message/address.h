/* address: the little that the agent itself must know of addresses: their halves, and when two are one. */
#ifndef TODOKE_ADDRESS_H
#define TODOKE_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

/* How addresses compare at this site. */
typedef struct {
	const char *delimiters;  /* "+": what follows it in the local part does not count; "": everything counts */
	bool fold_local;         /* local parts compare without case */
} AddressRules;

/* Split at the last '@': both parts are new strings, *ret_domain is NULL without one. A quoted local part loses its quotes. */
void address_split(const char *address, char **ret_local, char **ret_domain);

/* The local part without detail, and the detail (NULL: none). The delimiter is the first of `delimiters` that is not the first octet. */
void address_split_detail(const char *local, const char *delimiters, char **ret_user, char **ret_detail);

/*
 * The bare address of a header value such as "<a@b>", "a@b (comment)" or "Name <a@b>": what a Delivered-To line that
 * somebody wrote may look like. NULL: there is none. Caller frees.
 */
char *address_from_header(const char *value);

/* The octet behind the comment (RFC 5322 3.2.2, comments within it too) that begins at `c`; the end of the text where it never ends. */
const char *address_skip_comment(const char *c);

/*
 * The form in which addresses are compared and signed: quotes of the local part gone, its case folded and its detail cut
 * off as `rules` say, the domain as address_host makes it. Two addresses name the same mailbox if this is equal. Caller frees.
 */
char *address_canonical(const char *address, const AddressRules *rules);

/* A host or domain name for comparing: lower case, A-labels (IDNA), no dot at the end. Caller frees. */
char *address_host(const char *name);

/* Do both name the same mailbox? Domains compare without case, and as A-labels (IDNA). */
bool address_equal(const char *a, const char *b, const AddressRules *rules);

#endif
