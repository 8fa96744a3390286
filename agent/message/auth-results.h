/* SPDX-License-Identifier: MIT */
/*
 * auth-results: what the mail server of this site found out about a message, in
 * Authentication-Results (RFC 8601).
 *
 * Anybody can write such a field. One counts only if it names an authserv-id of the site, and
 * stands where no sender can write: above the Received line by which the message came to the site's
 * hosts. With Postfix that is where PREPEND of an access table or a policy service and a milter's
 * insertion at index 0 put theirs. Insertion at index 1 puts it right below that line, where
 * senders' fields follow: those count where the site removes what senders wrote under its names
 * (RFC 8601 5). What a milter appends stands at the end of the header and never counts.
 */
#ifndef TODOKE_AUTH_RESULTS_H
#define TODOKE_AUTH_RESULTS_H

#include "agent/message/headers.h"

/* One method and what came of it: "dkim=pass header.d=example.com". */
typedef struct {
	char *method;          /* lower case, without its version */
	char *result;          /* lower case */
	GPtrArray *properties; /* char *: "header.d=example.com", the name in lower case */
} AuthResult;

/* What counts. All is borrowed; the lists end with NULL. */
typedef struct {
	const char *const *ids; /* authserv-ids of the site, without case */
	/*
	 * Hosts of the site, as `by` in Received names them; a line of one that took the message
	 * from another, by the client's name or address, is followed to the next. Addresses without
	 * brackets.
	 */
	const char *const *hosts;
	bool takes_below; /* fields of senders with these ids are removed when the message comes */
} AuthTrust;

/*
 * Read a field's value, unfolded or not. *ret_id is the authserv-id; the results (AuthResult) are
 * appended. False: it is not in the form of RFC 8601 2.2, and nothing was appended. Caller frees
 * *ret_id.
 */
bool auth_results_parse(const char *value, char **ret_id, GArray *results);

/* The results that count, in the order of the message. Free with g_array_unref. */
GArray *auth_results_trusted(const Headers *headers, const AuthTrust *trust);

/* An array of AuthResult that frees what is in it. */
GArray *auth_results_new(void);

#endif
