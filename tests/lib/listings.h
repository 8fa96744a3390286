/* SPDX-License-Identifier: MIT */
/* listings: stands in for readdir() of libc, and lets it fail. */
#ifndef TODOKE_LISTINGS_H
#define TODOKE_LISTINGS_H

#include <stdbool.h>

/* From now on each listing fails with EIO at its first entry, or none does. */
void listings_break(bool broken);

#endif
