/* SPDX-License-Identifier: MIT */
/*
 * address: the little that the agent itself must know of addresses: their halves, and when two are
 * one.
 */
#ifndef TODOKE_ADDRESS_H
#define TODOKE_ADDRESS_H

#include "agent/message/headers.h"

#include <glib.h>
#include <stdbool.h>

/* How addresses compare at this site. */
typedef struct {
	/* "+": what follows it in the local part does not count; "": everything counts */
	const char *delimiters;
	bool fold_local; /* local parts compare without case */
} AddressRules;

/*
 * A parsed address. Strings are owned; address-print.h writes it. Everywhere else an address in
 * memory is one string of the same halves, "local@domain": the local part without quotes, divided
 * by the last '@', as Postfix has it.
 */
typedef struct {
	char *local; /* without quotes: it may hold blanks, commas, '@' */
	/* without the '@'; a literal keeps its brackets; NULL: a bare name such as "root" */
	char *domain;
} Address;

/*
 * The halves of the string form. Nothing is unquoted: it has no quotes but those that are part of
 * the name. Clear with address_clear.
 */
void address_parse(const char *address, Address *ret_address);

void address_clear(Address *address);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Address, address_clear)

/* Is it the null sender (RFC 5321 4.5.5), the empty string? */
bool address_is_null(const Address *address);

/*
 * Can it stand in an SMTP command and as an argument: no control octet, a domain that is one, not
 * too long, UTF-8, no '-' in front?
 */
bool address_is_sendable(const Address *address);

/* The same for the string form. */
bool address_text_is_sendable(const char *address);

/*
 * A domain, or an address literal in its brackets, as RFC 5321 4.1.2 and 4.1.3 have it, with
 * underscores and UTF-8.
 */
bool address_is_domain(const char *domain);

/*
 * The string form of an address that a person or a program wrote: angle brackets around it and the
 * quotes of its local part go (`<"john smith"@b.test>`, as pipe(8) writes it with flags=q). Text
 * without them is that form already. Caller frees.
 */
char *address_read(const char *text);

/* Octets up to the first blank that is not within quotes: the address of a From_ line. */
size_t address_word_length(const char *text);

/* Split at the last '@': both parts are new strings, *ret_domain is NULL without one. */
void address_split(const char *address, char **ret_local, char **ret_domain);

/*
 * The local part without detail, and the detail (NULL: none). The delimiter is the first of
 * `delimiters` that is not the first octet.
 */
void
address_split_detail(const char *local, const char *delimiters, char **ret_user, char **ret_detail);

/*
 * The address of a header value such as "<a@b>", "a@b (comment)" or "Name <a@b>", its local part
 * without quotes: what a Delivered-To line that somebody wrote may look like. NULL: there is none.
 * Caller frees.
 */
char *address_from_header(const char *value);

/*
 * The first such address in one of the fields `names` (NULL ends them), in their order; "" where
 * Return-Path is "<>", the null sender. NULL: there is none. Caller frees.
 */
char *address_from_fields(const Headers *headers, const char *const *names);

/*
 * The octet behind the comment (RFC 5322 3.2.2, comments within it too) that begins at `c`; the end
 * of the text where it never ends.
 */
const char *address_skip_comment(const char *c);

/*
 * The form in which addresses are compared and signed: the case of the local part folded and its
 * detail cut off as `rules` say, the domain as address_host makes it. Two addresses name the same
 * mailbox if this is equal. Caller frees.
 */
char *address_canonical(const char *address, const AddressRules *rules);

/*
 * A host or domain name for comparing: lower case, A-labels (IDNA), no dot at the end. Caller
 * frees.
 */
char *address_host(const char *name);

/* Do both name the same mailbox? Domains compare without case, and as A-labels (IDNA). */
bool address_equal(const char *a, const char *b, const AddressRules *rules);

#endif
