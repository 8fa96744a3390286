/* SPDX-License-Identifier: MIT */
/* conf-setting: one statement of a file or an override becomes the value of a setting. */
#ifndef TODOKE_CONF_SETTING_H
#define TODOKE_CONF_SETTING_H

#include "conf/conf-parser.h"
#include "conf/conf.h"

/* Set what `statement` says, or report why it cannot be: an unknown name, a wrong value. */
void conf_setting_apply(Conf *conf, const ConfStatement *statement, GPtrArray *problems);

/*
 * The row of that name; NULL: there is none, which is reported. `others` (may be NULL, NULL ends)
 * are further names to suggest.
 */
const ConfRow *
conf_setting_find(const ConfWord *name, const char *const *others, GPtrArray *problems);

/* May the row be said so: braces and += are for lists? If not, that is reported. */
bool conf_setting_fits(const ConfRow *row, const ConfStatement *statement, GPtrArray *problems);

/* Set what "name=value" of the command line says, or report why it cannot be. */
void conf_setting_override(Conf *conf, const char *text, GPtrArray *problems);

/*
 * Report what conf_value_set said of a value, for the place of it. `problem` is "what: what is
 * wanted".
 */
bool conf_setting_set(Conf *conf, const ConfRow *row, const ConfWord *value, GPtrArray *problems);

#endif
