/* SPDX-License-Identifier: MIT */
/* conf-value: between the text of a setting and its value. */
#ifndef TODOKE_CONF_VALUE_H
#define TODOKE_CONF_VALUE_H

#include "conf/conf.h"

/* A LIST without items, which nobody frees. */
extern char *conf_value_no_items[1];

/* Set `row`'s member of `conf` to its default. The member holds nothing before. */
void conf_value_init(Conf *conf, const ConfRow *row);

/*
 * Set the member to what `text` says; a LIST gets one item more. False: `text` is wrong, and
 * *ret_problem (caller frees) says why and what is allowed; the member is as before.
 */
bool conf_value_set(Conf *conf, const ConfRow *row, const char *text, char **ret_problem);

/*
 * Set a LIST to the items of `text`, separated by commas. False: *ret_problem says which cannot be;
 * the others before it are set.
 */
bool conf_value_set_list(Conf *conf, const ConfRow *row, const char *text, char **ret_problem);

/* Make a LIST empty. */
void conf_value_empty(Conf *conf, const ConfRow *row);

/* Give `copy`, whose member is that of `conf`, a value of its own. */
void conf_value_copy(Conf *copy, const Conf *conf, const ConfRow *row);

/* Free what the member holds. */
void conf_value_clear(Conf *conf, const ConfRow *row);

#endif
