/* SPDX-License-Identifier: MIT */
/*
 * mailto: URIs that say whom to write and what (RFC 6068), as notices use them (RFC 5436).
 *
 * Fields that a URI must not choose are dropped: From and other marks of origin, dates and ids,
 * traces, Auto-Submitted, MIME (RFC 5436 2.7, RFC 6068 4). Values are UTF-8 as far as whoever wrote
 * the URI saw to that; they may hold line ends.
 */
#ifndef TODOKE_MAILTO_H
#define TODOKE_MAILTO_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *name;  /* as spelled */
	char *value; /* decoded */
} MailtoField;

typedef struct {
	char *address; /* in the string form (address.h) */
	char *name;    /* display name; NULL: none */
} MailtoRecipient;

typedef struct {
	GPtrArray *to; /* MailtoRecipient: of the path and of "to" */
	GPtrArray *cc; /* MailtoRecipient */
	char *subject; /* NULL: not said */
	char *body;
	GArray *fields;     /* MailtoField: the others */
	GPtrArray *refused; /* char *: names of fields that were dropped */
} Mailto;

/* Does it begin with "mailto:"? */
bool mailto_is(const char *uri, size_t len);

/*
 * Read a URI; "mailto:" names nobody and is one (RFC 6068 2). False: *ret_why says what is wrong in
 * a few words ("it names too many"), and *ret_mailto is untouched. Clear with mailto_clear.
 */
bool mailto_parse(const char *uri, size_t len, Mailto *ret_mailto, const char **ret_why);

void mailto_clear(Mailto *mailto);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mailto, mailto_clear)

#endif
