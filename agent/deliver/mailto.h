/*
 * mailto: "mailto:" URIs (RFC 6068) as RFC 5436 lets scripts use them: who gets a notice, and which fields it may set.
 */
#ifndef TODOKE_MAILTO_H
#define TODOKE_MAILTO_H

#include <glib.h>
#include <stdbool.h>

/* A field that the URI sets. */
typedef struct {
	char *name;
	char *value;
} MailtoField;

typedef struct {
	GPtrArray *recipients;  /* char *: addresses of the path, "to", "cc" and "bcc" */
	char *subject;          /* NULL: none */
	char *body;             /* NULL: none */
	GPtrArray *fields;      /* MailtoField: the others that are allowed */
	GPtrArray *refused;     /* char *: names of those that are not */
} Mailto;

/* Read it. False: it is no mailto URI, names nobody, or more than LIMIT_NOTICE_RECIPIENTS; *ret_why says so. */
bool mailto_parse(const char *uri, Mailto *ret_mailto, const char **ret_why);

void mailto_clear(Mailto *mailto);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Mailto, mailto_clear)

#endif
