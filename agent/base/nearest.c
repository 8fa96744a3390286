/* SPDX-License-Identifier: MIT */
/* nearest: edit distance, row by row; only for what is wrong already, so nothing here is fast. */
#include "agent/base/nearest.h"

#include "agent/base/limits.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

unsigned
nearest_distance(const char *a, const char *b)
{
	unsigned rows[3][LIMIT_NEAREST_WORD + 2];
	size_t n = strlen(a), m = strlen(b);

	if (n > LIMIT_NEAREST_WORD || m > LIMIT_NEAREST_WORD)
		return G_MAXUINT;

	unsigned *older = rows[0], *old = rows[1], *now = rows[2];
	for (size_t j = 0; j <= m; j++)
		older[j] = old[j] = (unsigned) j;

	for (size_t i = 1; i <= n; i++) {
		now[0] = (unsigned) i;
		for (size_t j = 1; j <= m; j++) {
			char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
			now[j] = MIN(MIN(old[j], now[j - 1]) + 1, old[j - 1] + (x != y));

			bool swapped = i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) &&
			               g_ascii_tolower(a[i - 2]) == y;
			if (swapped)
				now[j] = MIN(now[j], older[j - 2] + 1);
		}

		unsigned *free_row = older;
		older = old;
		old = now;
		now = free_row;
	}

	return old[m];
}

Nearest
nearest_begin(const char *word)
{
	return (Nearest){ .word = word, .distance = (unsigned) MAX(strlen(word) / 3, 1) + 1 };
}

void
nearest_add(Nearest *nearest, const char *candidate)
{
	unsigned distance = nearest_distance(nearest->word, candidate);

	if (distance < nearest->distance) {
		nearest->best = candidate;
		nearest->distance = distance;
	}
}

const char *
nearest_of(const char *word, const char *const *names)
{
	Nearest nearest = nearest_begin(word);

	for (; *names != NULL; names++)
		nearest_add(&nearest, *names);
	return nearest.best;
}
