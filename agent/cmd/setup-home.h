/* SPDX-License-Identifier: MIT */
/*
 * setup-home: `todoke setup home`: gives each virtual user a home of their own where they share
 * one. Mailboxes stay where they are: the setting home is added, and what the shared home held of
 * rules and state is copied into each user's.
 */
#ifndef TODOKE_SETUP_HOME_H
#define TODOKE_SETUP_HOME_H

#include "conf/conf.h"

typedef enum { SETUP_HOME_SHOW, SETUP_HOME_APPLY, SETUP_HOME_UNDO } SetupHomeWay;

/*
 * Show, make or take back the change to the main file of `conf` and below the homes. What is copied
 * is written with the rights of the home's owner, and nothing is replaced. `named` is the file as
 * the caller named it (NULL: not at all), for the commands that are printed. Returns the exit code.
 */
int setup_home(const Conf *conf, const char *named, SetupHomeWay way);

#endif
