/* SPDX-License-Identifier: MIT */
/* sieve-match-type: keys, made ready once. */
#include "filters/sieve/lang/sieve-match-type.h"

static bool
prepare_key(SieveArena *arena, const SieveMatchSpec *spec, SieveText text, GArray *keys,
            char **ret_error)
{
	SieveKey key = { .text = text,
		         .normal = sieve_compare_normalize(spec->comparator, arena, text) };
	if (spec->def->prepare != NULL && !spec->def->prepare(arena, spec, &key, ret_error))
		return false;

	g_array_append_val(keys, key);
	return true;
}

bool
sieve_match_type_prepare(SieveArena *arena, const SieveMatchSpec *spec, SieveText text,
                         GArray *keys, char **ret_error)
{
	if (!spec->splits_keys)
		return prepare_key(arena, spec, text, keys, ret_error);
	for (size_t at = 0; at < text.len;) {
		size_t end = at;
		while (end < text.len && text.data[end] != ' ')
			end++;
		if (end > at && !prepare_key(arena, spec, (SieveText){ text.data + at, end - at },
		                             keys, ret_error))
			return false;
		at = end + 1;
	}

	return true;
}
