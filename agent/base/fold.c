/* SPDX-License-Identifier: MIT */
/* fold: by GLib. */
#include "agent/base/fold.h"

#include <glib.h>

char *
fold_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	return g_utf8_casefold(valid, -1);
}
