/* SPDX-License-Identifier: MIT */
/* conf-connection: what a connection string of libpq says, as far as others than libpq need it. */
#ifndef TODOKE_CONF_CONNECTION_H
#define TODOKE_CONF_CONNECTION_H

#include <glib.h>

/*
 * The files that libpq reads to encrypt the connection (sslrootcert=/PATH ...), from "KEY=VALUE
 * ..." or a URI. Each is a char *; the caller unrefs the list, which is never NULL.
 */
GPtrArray *conf_connection_files(const char *connection);

#endif
