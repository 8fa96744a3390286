/* SPDX-License-Identifier: MIT */
/*
 * conf-scope: blocks `user "PATTERN" { ... }` and `domain "PATTERN" { ... }`: settings for some
 * recipients.
 */
#ifndef TODOKE_CONF_SCOPE_H
#define TODOKE_CONF_SCOPE_H

#include "conf/conf-parser.h"
#include "conf/conf.h"

ConfScope *conf_scope_new(bool is_domain, const ConfWord *title);
void conf_scope_free(ConfScope *scope);

/*
 * Add the setting that `statement` says, or report why it cannot be: an unknown name, a setting
 * that is the same for all recipients, a wrong value.
 */
void conf_scope_set(ConfScope *scope, const ConfStatement *statement, GPtrArray *problems);

/* Does the scope hold for this recipient? */
bool conf_scope_fits(const ConfScope *scope, const char *address);

#endif
