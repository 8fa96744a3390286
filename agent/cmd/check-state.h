/* SPDX-License-Identifier: MIT */
/* check-state: can the state that the configuration names be kept? */
#ifndef TODOKE_CHECK_STATE_H
#define TODOKE_CHECK_STATE_H

#include "conf/conf.h"

#include <glib.h>

/*
 * Findings about `state` (Problem): its server does not answer or may not be written to, its
 * password is not secret, or its file would lie on a file system of several hosts.
 */
void check_state(const Conf *conf, GPtrArray *problems);

#endif
