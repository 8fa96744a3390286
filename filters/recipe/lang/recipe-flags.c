/* SPDX-License-Identifier: MIT */
/*
 * recipe-flags: one letter after the other, as procmail reads them: at the first that is no flag it
 * stops.
 */
#include "filters/recipe/lang/recipe-flags.h"

#include "agent/base/blank.h"

void
recipe_flags_clear(RecipeFlags *flags)
{
	g_clear_pointer(&flags->lock, g_free);
}

static bool
set_flag(RecipeFlags *flags, char c)
{
	switch (c) {
	case 'H':
		flags->area |= RECIPE_HEADER;
		return true;
	case 'B':
		flags->area |= RECIPE_BODY;
		return true;
	case 'h':
		flags->feeds |= RECIPE_HEADER;
		return true;
	case 'b':
		flags->feeds |= RECIPE_BODY;
		return true;
	case 'D':
		return flags->case_counts = true;
	case 'A':
		return flags->also = true;
	case 'a':
		return flags->also_success = true;
	case 'E':
		return flags->otherwise = true;
	case 'e':
		return flags->on_failure = true;
	case 'f':
		return flags->filters = true;
	case 'c':
		return flags->copies = true;
	case 'w':
		return flags->waits = true;
	case 'W':
		return flags->waits = flags->quiet = true;
	case 'i':
		return flags->ignores_write_errors = true;
	case 'r':
		return flags->raw = true;
	default:
		return false;
	}
}

void
recipe_flags_parse(RecipeFlags *flags, const char *start)
{
	const char *at = start;

	while (*at == ' ' || *at == '\t' || (*at != '\0' && set_flag(flags, *at)))
		at++;
	if (*at == ':') {
		at = blank_skip(at + 1);
		flags->locks = true;
		flags->lock = *at != '\0' ? g_strdup(at) : NULL;
	} else {
		flags->unknown = *at;
	}

	if (flags->area == 0)
		flags->area = RECIPE_HEADER;
	if (flags->feeds == 0)
		flags->feeds = RECIPE_BOTH;
}
