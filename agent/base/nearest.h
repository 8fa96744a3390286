/* SPDX-License-Identifier: MIT */
/* nearest: "did you mean": finds the known word nearest to an unknown one. */
#ifndef TODOKE_NEAREST_H
#define TODOKE_NEAREST_H

/*
 * A search: begin with nearest_begin, add candidates; `best` (NULL: none is near) is borrowed from
 * them.
 */
typedef struct {
	const char *word;
	const char *best;
	unsigned distance;
} Nearest;

/*
 * A word of up to five letters may have one wrong, a longer one a third of its letters. `word` is
 * borrowed.
 */
Nearest nearest_begin(const char *word);

/* The first of the candidates that are equally near is the best. */
void nearest_add(Nearest *nearest, const char *candidate);

/* The best of `names` (NULL ends), or NULL. */
const char *nearest_of(const char *word, const char *const *names);

/*
 * Letters to change, add, drop or swap to make one word of the other, without case. G_MAXUINT for
 * words over LIMIT_NEAREST_WORD.
 */
unsigned nearest_distance(const char *a, const char *b);

#endif
