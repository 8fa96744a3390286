/* SPDX-License-Identifier: MIT */
/*
 * catalogue: the file that msgfmt makes of the translations into one language.
 *
 * We look texts up by ourselves: gettext() answers by the locale of the process, and a C library
 * may have none in which it does. Since 2.39 glibc translates nothing in C.UTF-8, the only locale
 * that every Debian has, and musl knows no others. Catalogues are in UTF-8.
 */
#ifndef TODOKE_CATALOGUE_H
#define TODOKE_CATALOGUE_H

#include <glib.h>

typedef struct Catalogue Catalogue;

/* Maps the file. NULL: there is none, or it is no catalogue. Caller frees. */
Catalogue *catalogue_open(const char *path);
void catalogue_free(Catalogue *catalogue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Catalogue, catalogue_free)

/*
 * The translation of `text`, UTF-8; "" has the catalogue's head. Borrowed from the catalogue. NULL:
 * it has none, or that entry is damaged.
 */
const char *catalogue_find(const Catalogue *catalogue, const char *text);

#endif
