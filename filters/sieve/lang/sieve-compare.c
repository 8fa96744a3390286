/* SPDX-License-Identifier: MIT */
/* sieve-compare: i;octet and i;ascii-casemap, which every script has (RFC 5228 2.7.3). */
#include "filters/sieve/lang/sieve-compare.h"

#include <string.h>

#define ROW8(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
#define ROW32(n) ROW8(n), ROW8((n) + 8), ROW8((n) + 16), ROW8((n) + 24)

static const guchar identity[256] = { ROW32(0),   ROW32(32),  ROW32(64),  ROW32(96),
	                              ROW32(128), ROW32(160), ROW32(192), ROW32(224) };

/*
 * A-Z become a-z. RFC 4790 9.2.1 folds up; the order differs only for the six signs between Z and
 * a, see ascii_order.
 */
static const guchar lower[256] = { ROW32(0),   ROW32(32),  64,        ROW8(97),  ROW8(105),
	                           ROW8(113),  121,        122,       91,        92,
	                           93,         94,         95,        ROW32(96), ROW32(128),
	                           ROW32(160), ROW32(192), ROW32(224) };

/* A-Z become a-z, eight octets at once. */
static void
lower_octets(char *octets, size_t len)
{
	typedef guint8 Word __attribute__((vector_size(8)));

	for (; len >= sizeof(Word); octets += sizeof(Word), len -= sizeof(Word)) {
		Word word;
		memcpy(&word, octets, sizeof word);
		word |= (Word) (word - 'A' < 26) & ('a' - 'A');
		memcpy(octets, &word, sizeof word);
	}

	for (size_t i = 0; i < len; i++)
		octets[i] = (char) lower[(guchar) octets[i]];
}

static size_t
one_octet(SieveText text)
{
	(void) text;
	return 1;
}

/* Order as if both were in upper case (RFC 4790 9.2.1). */
static int
ascii_order(SieveText a, SieveText b)
{
	size_t n = MIN(a.len, b.len);
	for (size_t i = 0; i < n; i++) {
		int difference = g_ascii_toupper(a.data[i]) - g_ascii_toupper(b.data[i]);
		if (difference != 0)
			return (guchar) g_ascii_toupper(a.data[i]) <
			                       (guchar) g_ascii_toupper(b.data[i])
			               ? -1
			               : 1;
	}

	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

const SieveComparator sieve_compare_octet = {
	.name = "i;octet",
	.fold = identity,
	.char_length = one_octet,
	.has_substrings = true,
};

const SieveComparator sieve_compare_ascii_casemap = {
	.name = "i;ascii-casemap",
	.fold = lower,
	.char_length = one_octet,
	.order = ascii_order,
	.has_substrings = true,
};

static const SieveComparator *const octet_list[] = { &sieve_compare_octet, NULL };
static const SieveComparator *const casemap_list[] = { &sieve_compare_ascii_casemap, NULL };

const SieveExt sieve_ext_comparator_octet = {
	.capability = "comparator-i;octet",
	.rfc = "RFC 5228",
	.always = true,
	.comparators = octet_list,
};

const SieveExt sieve_ext_comparator_ascii_casemap = {
	.capability = "comparator-i;ascii-casemap",
	.rfc = "RFC 5228",
	.always = true,
	.comparators = casemap_list,
};

SieveText
sieve_compare_normalize(const SieveComparator *comparator, SieveArena *arena, SieveText text)
{
	if (comparator->fold == NULL)
		return comparator->normalize(arena, text);
	if (comparator->fold == identity)
		return text;

	char *copy = sieve_arena_copy(arena, text.data, text.len);
	if (comparator->fold == lower)
		lower_octets(copy, text.len);
	else
		for (size_t i = 0; i < text.len; i++)
			copy[i] = (char) comparator->fold[(guchar) copy[i]];
	return (SieveText){ copy, text.len };
}

int
sieve_compare_order(const SieveComparator *comparator, SieveArena *arena, SieveText a, SieveText b)
{
	if (comparator->order != NULL)
		return comparator->order(a, b);
	SieveText x = sieve_compare_normalize(comparator, arena, a),
		  y = sieve_compare_normalize(comparator, arena, b);
	int difference = memcmp(x.data, y.data, MIN(x.len, y.len));
	if (difference != 0)
		return difference < 0 ? -1 : 1;

	return x.len == y.len ? 0 : x.len < y.len ? -1 : 1;
}
