/* SPDX-License-Identifier: MIT */
/* suite-settings: what test_config_set sets, by our names and by Dovecot's. */
#ifndef TODOKE_SUITE_SETTINGS_H
#define TODOKE_SUITE_SETTINGS_H

#include <stdbool.h>

/* What a setting of a suite means here. */
typedef struct {
	/* our setting; NULL: it is known as Dovecot's, and there is nothing like it here */
	const char *name;
	/* in our words; the one that was given, where words are the same; borrowed from it */
	const char *value;
} SuiteSetting;

/*
 * Find the setting `name`; `value` may be NULL (it is unset). False: neither todoke nor Pigeonhole
 * has it.
 */
bool suite_settings_find(const char *name, const char *value, SuiteSetting *ret_setting);

#endif
