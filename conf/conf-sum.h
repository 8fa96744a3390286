/* SPDX-License-Identifier: MIT */
/* conf-sum: by which of two processes tell whether they have read the same configuration. */
#ifndef TODOKE_CONF_SUM_H
#define TODOKE_CONF_SUM_H

#include "conf/conf.h"

/*
 * "configuration '/etc/todoke/todoke.conf', sum 0123456789ab": the main file, and a sum over what
 * that and its included files say now. Caller frees.
 */
char *conf_sum_text(const Conf *conf);

/* Are both such texts, of one file and with different sums? */
bool conf_sum_is_other(const char *one, const char *other);

#endif
