/* SPDX-License-Identifier: MIT */
/*
 * sieve-grams: a set of bits. Only rows that begin at an even octet of the text are in it; a row
 * that is searched begins at an even or an odd one, so all of its own at one of the two are there.
 */
#include "filters/sieve/run/sieve-grams.h"

#include <string.h>

/* Octets of a row, from one to the next, and 2 to the power of these: bits of a set. */
enum { ROW = 4, STRIDE = 2, LEAST_BITS = 10, MOST_BITS = 20 };

struct SieveGrams {
	unsigned bits; /* of a number */
	guint32 set[];
};

/* Four octets at once: the capitals among them get 0x20. */
static guint32
lower(guint32 row)
{
	guint32 octets = row & 0x7f7f7f7f;
	guint32 above_z = octets + 0x25252525, from_a = octets + 0x3f3f3f3f;
	return row | (((from_a ^ above_z) & ~row & 0x80808080) >> 2);
}

static guint32
number_of(const SieveGrams *grams, const char *at)
{
	guint32 row;
	memcpy(&row, at, sizeof row);
	return (lower(row) * 2654435761u) >> (32 - grams->bits);
}

SieveGrams *
sieve_grams_new(const char *text, size_t len)
{
	unsigned bits = LEAST_BITS;
	while (bits < MOST_BITS && ((size_t) 1 << bits) < 2 * len)
		bits++;

	SieveGrams *grams = g_malloc0(sizeof(SieveGrams) + ((size_t) 1 << bits) / 8);
	grams->bits = bits;
	for (size_t at = 0; at + ROW <= len; at += STRIDE) {
		guint32 number = number_of(grams, text + at);
		grams->set[number / 32] |= 1u << (number % 32);
	}

	return grams;
}

void
sieve_grams_free(SieveGrams *grams)
{
	g_free(grams);
}

size_t
sieve_grams_size(const SieveGrams *grams)
{
	return sizeof(SieveGrams) + ((size_t) 1 << grams->bits) / 8;
}

static bool
has(const SieveGrams *grams, const char *at)
{
	guint32 number = number_of(grams, at);
	return (grams->set[number / 32] >> (number % 32)) & 1;
}

bool
sieve_grams_lack(const SieveGrams *grams, const char *row, size_t len)
{
	if (len < ROW + STRIDE - 1)
		return false;

	for (size_t begin = 0; begin < STRIDE; begin++) {
		size_t at = begin;
		while (at + ROW <= len && has(grams, row + at))
			at += STRIDE;
		if (at + ROW > len)
			return false;
	}

	return true;
}
