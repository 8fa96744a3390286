/* SPDX-License-Identifier: MIT */
/* source-conf: what a source of users reads of todoke.conf, for tests of one source. */
#ifndef TODOKE_SOURCE_CONF_H
#define TODOKE_SOURCE_CONF_H

#include "conf/conf.h"

/*
 * Settings of that source as by default, with what a lookup reads besides and no cache; everything
 * else is zero. Their texts live for ever.
 */
Conf source_conf(int users);

#endif
