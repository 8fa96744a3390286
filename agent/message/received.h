/* SPDX-License-Identifier: MIT */
/*
 * received: what a Received line says: which host wrote it, under which id, and whether a retrieval
 * program did.
 *
 * The grammar (RFC 5321 4.4) is `from X by Y via L with P id I for R; date` with comments anywhere.
 * Servers are free with it, and a stranger may write anything, so this only reads the words that
 * follow these keywords outside of comments.
 */
#ifndef TODOKE_RECEIVED_H
#define TODOKE_RECEIVED_H

#include "agent/message/headers.h"

typedef struct {
	size_t index; /* of the field in its Headers */
	guint32 line; /* of the message as it came */
	/*
	 * host after `by`, as address_host makes it; NULL: none, or one that many hosts call
	 * themselves
	 */
	char *by;
	char *id; /* NULL: none */
	/*
	 * Whom the writer took it from, as it knows by itself: "from HELO (NAME [ADDRESS])"; NULL:
	 * not said.
	 */
	char *client;
	char *client_address; /* without brackets */
	/*
	 * "fetchmail", "getmail" ..., "POP3" or "IMAP": a retrieval program wrote it; NULL: a mail
	 * server
	 */
	const char *program;
	/* "(qmail 1234 invoked ...": qmail does not say on which host it runs */
	bool qmail;
} Received;

/* Read a field. Never fails. */
void received_init(Received *received, const HeaderField *field, size_t index);
void received_clear(Received *received);

/*
 * Is this the name of one host, or what any host may call itself: "localhost", "unknown", a
 * loopback address, nothing? `name` is in address_host's form.
 */
bool received_names_a_host(const char *name);

#endif
