/* SPDX-License-Identifier: MIT */
/*
 * route: submits a message to Postfix for another recipient.
 *
 * By SMTP to a host or a unix socket, which works without privileges, or by the sendmail program.
 * SMTP is done by libcurl in a module, todoke-submit.so, that is opened when something is sent:
 * opening costs 20 ms, and most mail sends nothing. libcurl's own upload cannot say NOTIFY, ORCPT,
 * RET, ENVID or BODY (its MAIL and RCPT commands end behind the address), and libESMTP adds and
 * drops header fields; so libcurl connects and greets (CURLOPT_CONNECT_ONLY, which also does
 * STARTTLS and AUTH should they be asked for one day), and the few commands after that are ours
 * (submit-talk.c).
 */
#ifndef TODOKE_ROUTE_H
#define TODOKE_ROUTE_H

#include "agent/base/status.h"

#include <sys/types.h>

/* One message for one recipient. All is borrowed. */
typedef struct {
	/* Addresses as memory has them (address.h): unquoted. Each route prints them in its way. */
	const char *sender; /* "": the null sender */
	const char *recipient;
	/*
	 * DSN wishes (RFC 3461) in their wire form; NULL: none. Dropped where the other side has no
	 * DSN.
	 */
	const char *notify;
	const char *orcpt;
	const char *ret;
	const char *envid;
	/* The message: bytes, then a part of a file. Line ends may be LF or CRLF. */
	const void *head;
	size_t head_len;
	int body_fd; /* with body_len > 0 */
	off_t body_at;
	off_t body_len;
} RouteMail;

/* Where mail goes out, from the setting `submit`. All is borrowed. */
typedef struct {
	const char *submit; /* "smtp:HOST:PORT", "smtp:unix:/PATH", "sendmail:/PATH" */
	const char *helo;   /* our name */
	unsigned seconds;   /* how long one message may take, up to its end */
	/*
	 * how long the answer to its end may take, from the start; giving up earlier may send it
	 * twice
	 */
	unsigned end_seconds;
} Route;

/* Is this a value for `submit`? *ret_why says in a few words what is wrong. */
bool route_is_valid(const char *submit, const char **ret_why);

/* May this stand as a DSN parameter (RFC 3461 4): printable ASCII without blanks? */
bool route_param_is_safe(const char *value);

/*
 * Hand it over. True: the server has accepted it, and *ret_reply is what it said then
 * ("250 2.0.0 Ok: queued as 4ABC"; NULL: nothing; caller frees).
 * Faults: STATUS_SUBMIT (no connection, 4xx, a
 * fault of our own or of our server; a later try may succeed), STATUS_SUBMIT_REFUSED (5xx to RCPT:
 * the address, with the server's code), STATUS_SUBMIT_MAIL (5xx to MAIL, DATA or the end of the
 * message), STATUS_CONFIG. The text names neither target nor server; the detail has both, the
 * command and the server's reply.
 */
bool route_send(const RouteMail *mail, const Route *route, char **ret_reply, Status *st);

#endif
