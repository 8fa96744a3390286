/* SPDX-License-Identifier: MIT */
/* compose: what a message of ours is made of: addresses, dates, fields, the printed header. */
#ifndef TODOKE_COMPOSE_H
#define TODOKE_COMPOSE_H

#include "agent/message/message.h"
#include "agent/message/mime.h"

/*
 * The first of the addresses in a header value ("Name <a@b>"), in the string form; NULL: there is
 * none. Caller frees.
 */
char *compose_first_address(const char *value);

/*
 * The mailboxes of a header value, with their names, as a field has to have them
 * (address_print_header); NULL: none is one. Caller frees.
 */
char *compose_print_addresses(const char *value);

/* Text for people, cut behind `most` characters. It is taken over; caller frees. */
char *compose_cut(char *text, gint64 most);

/* A date for a header (RFC 5322 3.3), in UTC. Caller frees. */
char *compose_date(gint64 now);

/*
 * The first field of that name, unfolded and as UTF-8 where it can be decoded; NULL: there is none.
 * Caller frees.
 */
char *compose_field_text(const Headers *headers, const char *name);

/* The first field of that name as it stands, unfolded; NULL: there is none. Caller frees. */
char *compose_field_raw(const Headers *headers, const char *name);

/* The fields as message_write writes them; the body's octets follow. Caller frees. */
GString *compose_print_headers(const Message *message, const Headers *headers);

#endif
