/*
 * auth-results: what the mail server of this site found out about a message, in
 * Authentication-Results (RFC 8601).
 *
 * Anybody can write such a field. One counts only if it names an authserv-id of the site, and
 * stands where no sender can write: above the Received line by which the message came to the site's
 * hosts. Where the site removes fields of senders that bear its names (RFC 8601 5), those right
 * below that line count as well: milters of Postfix put theirs there.
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
	const char *const *ids;   /* authserv-ids of the site, without case */
	const char *const *hosts; /* hosts of the site, as `by` in Received names them */
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
