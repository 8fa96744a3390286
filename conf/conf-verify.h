/* SPDX-License-Identifier: MIT */
/*
 * conf-verify: what a value cannot be although its type allows it; for conf_read, when all was
 * read.
 */
#ifndef TODOKE_CONF_VERIFY_H
#define TODOKE_CONF_VERIFY_H

#include "conf/conf.h"

/*
 * Append what is wrong with templates of paths and with engines, each at the place where it was
 * said.
 */
void conf_verify(const Conf *conf, GPtrArray *problems);

#endif
