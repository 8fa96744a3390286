/* SPDX-License-Identifier: MIT */
/* conf-rule: a block `rule "name" { ... }`: a header rule as it is written. */
#ifndef TODOKE_CONF_RULE_H
#define TODOKE_CONF_RULE_H

#include "conf/conf-parser.h"
#include "conf/conf.h"

ConfRule *conf_rule_new(const ConfWord *title);
void conf_rule_free(ConfRule *rule);

/* Set the key that `statement` says, or report why it cannot be. */
void conf_rule_set(ConfRule *rule, const ConfStatement *statement, GPtrArray *problems);

/*
 * What can be said of a rule only when all of it was read, beside the rules of `conf` that stand
 * before it.
 */
void conf_rule_check(const Conf *conf, const ConfRule *rule, GPtrArray *problems);

#endif
