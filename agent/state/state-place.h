/* SPDX-License-Identifier: MIT */
/* state-place: the server in which the state is, as the setting `state` names it (conf-state.h). */
#ifndef TODOKE_STATE_PLACE_H
#define TODOKE_STATE_PLACE_H

#include "agent/base/status.h"

#include <glib.h>

typedef struct {
	const char *module; /* its file; static */
	char *where;        /* how to reach the server */
	char *peer;         /* the setting, for the log: it has no password */
	char *password;     /* NULL: none */
	unsigned timeout_ms;
	char *problem; /* why it cannot be used; NULL: nothing is known to be wrong */
} StatePlace;

/*
 * The place that a right setting names; NULL: "sqlite". The first line of `password_file` ("":
 * none) is the password, which only the reader and root may be able to read. A file that cannot be
 * used is `problem`. Caller frees.
 */
StatePlace *
state_place_new(const char *setting, const char *password_file, unsigned timeout_seconds);
void state_place_free(StatePlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatePlace, state_place_free)

#endif
