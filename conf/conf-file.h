/* SPDX-License-Identifier: MIT */
/* conf-file: reads todoke.conf and what it includes. */
#ifndef TODOKE_CONF_FILE_H
#define TODOKE_CONF_FILE_H

#include "conf/conf.h"

/*
 * Read `path` into `conf`, which has its defaults; `may_be_missing`: that is no problem then.
 * Problems are appended.
 */
void conf_file_read(Conf *conf, const char *path, bool may_be_missing, GPtrArray *problems);

#endif
