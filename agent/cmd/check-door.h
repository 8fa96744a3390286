/* SPDX-License-Identifier: MIT */
/* check-door: what keeps mail from arriving by the door local(8), found before the first mail. */
#ifndef TODOKE_CHECK_DOOR_H
#define TODOKE_CHECK_DOOR_H

#include "conf/conf.h"

/*
 * If this host's Postfix runs todoke as mailbox_command, check whether the settings suit that:
 * root's mail, and who owns the mailboxes. Findings (Problem) are appended; without a Postfix there
 * are none.
 */
void check_local_door(const Conf *conf, GPtrArray *problems);

#endif
