/* SPDX-License-Identifier: MIT */
/*
 * comparator-i;unicode-casemap: RFC 5051: each character in title case, then decomposed for
 * compatibility. What is no UTF-8 is compared as it is (RFC 5051 2: the result is undefined).
 */
#include "filters/sieve/lang/sieve-compare.h"

/* The longest decomposition of a character, as Unicode promises. */
enum { DECOMPOSED = G_UNICHAR_MAX_DECOMPOSITION_LENGTH };

static size_t
character_length(SieveText text)
{
	gunichar character = g_utf8_get_char_validated(text.data, (gssize) MIN(text.len, 6));
	if (character == (gunichar) -1 || character == (gunichar) -2)
		return 1;
	return MIN((size_t) g_utf8_skip[(guchar) text.data[0]], text.len);
}

/* Append the normal form of the character at the front. */
static void
append_character(GString *out, SieveText text)
{
	gunichar character = g_utf8_get_char_validated(text.data, (gssize) text.len);

	if (character == (gunichar) -1 || character == (gunichar) -2 || character == 0) {
		g_string_append_len(out, text.data, (gssize) text.len);
		return;
	}

	gunichar parts[DECOMPOSED];
	gsize n = g_unichar_fully_decompose(g_unichar_totitle(character), TRUE, parts, DECOMPOSED);
	for (gsize i = 0; i < n; i++)
		g_string_append_unichar(out, parts[i]);
}

static SieveText
normalize(SieveArena *arena, SieveText text)
{
	g_autoptr(GString) out = g_string_sized_new(text.len + 16);
	for (size_t at = 0; at < text.len;) {
		size_t len = character_length((SieveText){ text.data + at, text.len - at });
		append_character(out, (SieveText){ text.data + at, len });
		at += len;
	}

	return (SieveText){ sieve_arena_copy(arena, out->str, out->len), out->len };
}

static const SieveComparator unicode_casemap = {
	.name = "i;unicode-casemap",
	.normalize = normalize,
	.char_length = character_length,
	.has_substrings = true,
};

static const SieveComparator *const list[] = { &unicode_casemap, NULL };

const SieveExt sieve_ext_comparator_unicode_casemap = {
	.capability = "comparator-i;unicode-casemap",
	.rfc = "RFC 5051",
	.comparators = list,
};
