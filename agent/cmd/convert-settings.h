/* SPDX-License-Identifier: MIT */
/*
 * convert-settings: a todoke.conf in the making: settings with the reason for each, and what could
 * not be converted.
 */
#ifndef TODOKE_CONVERT_SETTINGS_H
#define TODOKE_CONVERT_SETTINGS_H

#include <glib.h>
#include <stdbool.h>

typedef struct ConvertSettings ConvertSettings;

ConvertSettings *convert_settings_new(void);
void convert_settings_free(ConvertSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvertSettings, convert_settings_free)

/*
 * Let `name`, a setting of todoke.conf, have `value` as it would be written in the file without
 * quotes; a list gets one item more. `from` is the comment above it. NULL: it is taken, else what
 * is wrong with the value; caller frees. All is copied.
 */
char *convert_settings_set(ConvertSettings *settings, const char *name, const char *value,
                           const char *from);

/* The value that was set last, of a list its first item; NULL: none was. Borrowed. */
const char *convert_settings_find(const ConvertSettings *settings, const char *name);

/* Take back what was set, as if it had never been. */
void convert_settings_drop(ConvertSettings *settings, const char *name);

/* Something was not converted; `what` stands in the list at the end with the reason. */
void convert_settings_lose(ConvertSettings *settings, const char *what, const char *reason);

/*
 * The whole file, in the order of the manual: `head` as a comment (lines separated by line ends),
 * the settings, the list of what did not convert. Caller frees.
 */
char *convert_settings_print(const ConvertSettings *settings, const char *head);

/* How many things were not converted. */
unsigned convert_settings_lost(const ConvertSettings *settings);

#endif
