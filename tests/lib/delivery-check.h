/* SPDX-License-Identifier: MIT */
/* delivery-check: what the last log line of a delivery has to say; for tests of cmocka. */
#ifndef TODOKE_DELIVERY_CHECK_H
#define TODOKE_DELIVERY_CHECK_H

#include "tests/lib/delivery-world.h"
#include "tests/unit/unit.h"

static inline const char *
delivery_check_word(const char *text)
{
	return text != NULL ? text : "(nothing)";
}

/* The key has this value; NULL: it is not there. */
static inline void
delivery_check_log(const DeliveryWorld *world, const char *key, const char *want)
{
	g_autofree char *got = delivery_world_logged(world, key);
	if (g_strcmp0(got, want) != 0)
		fail_msg("%s is '%s', not '%s'", key, delivery_check_word(got),
		         delivery_check_word(want));
}

/* The note has this in it; NULL: there is none. */
static inline void
delivery_check_note(const DeliveryWorld *world, const char *part)
{
	g_autofree char *got = delivery_world_logged(world, "note");
	bool is_good = part == NULL ? got == NULL : got != NULL && strstr(got, part) != NULL;
	if (!is_good)
		fail_msg("the note is '%s', and '%s' is wanted", delivery_check_word(got),
		         delivery_check_word(part));
}

#endif
