/* SPDX-License-Identifier: MIT */
/*
 * comparator-i;ascii-numeric: RFC 4790 9.1: the digits at the front are a number, no digit there is
 * positive infinity.
 */
#include "filters/sieve/lang/sieve-compare.h"

#include <string.h>

static SieveText
as_it_is(SieveArena *arena, SieveText text)
{
	(void) arena;
	return text;
}

static size_t
one_octet(SieveText text)
{
	(void) text;
	return 1;
}

/* The digits without leading zeroes; false: there is no digit. */
static bool
digits_of(SieveText text, SieveText *ret_digits)
{
	size_t n = 0, zeroes = 0;

	while (n < text.len && g_ascii_isdigit(text.data[n]))
		n++;
	while (zeroes < n && text.data[zeroes] == '0')
		zeroes++;
	*ret_digits = (SieveText){ text.data + zeroes, n - zeroes };

	return n > 0;
}

static int
order(SieveText a, SieveText b)
{
	SieveText x, y;
	bool a_is_number = digits_of(a, &x), b_is_number = digits_of(b, &y);
	if (!a_is_number || !b_is_number)
		return a_is_number == b_is_number ? 0 : a_is_number ? -1 : 1;
	if (x.len != y.len)
		return x.len < y.len ? -1 : 1;

	int difference = memcmp(x.data, y.data, x.len);
	return difference < 0 ? -1 : difference > 0;
}

static const SieveComparator ascii_numeric = {
	.name = "i;ascii-numeric",
	.normalize = as_it_is,
	.char_length = one_octet,
	.order = order,
};

static const SieveComparator *const list[] = { &ascii_numeric, NULL };

const SieveExt sieve_ext_comparator_ascii_numeric = {
	.capability = "comparator-i;ascii-numeric",
	.rfc = "RFC 4790",
	.comparators = list,
};
