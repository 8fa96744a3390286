/* SPDX-License-Identifier: MIT */
/* state-place: the server in which the state is, as the setting `state` names it (conf-state.h). */
#ifndef TODOKE_STATE_PLACE_H
#define TODOKE_STATE_PLACE_H

#include "agent/base/status.h"
#include "conf/conf.h"

#include <glib.h>

/* How a connection is encrypted. */
typedef struct {
	char *ca;          /* certificates in PEM that are trusted; NULL: those of the system */
	char *certificate; /* ours, with its key, in PEM; NULL: none */
	bool is_trusting;  /* whatever certificate the server has */
} StateTls;

typedef struct {
	const char *module; /* its file; static */
	char *where;        /* how to reach the server */
	char *peer;         /* the setting, for the log: it has no password */
	char *password;     /* NULL: none */
	StateTls *tls;      /* NULL: not encrypted by us */
	unsigned timeout_ms;
	char *problem;               /* why it cannot be used; NULL: nothing is known to be wrong */
	const char *problem_setting; /* where that is wrong; static */
} StatePlace;

/*
 * The place that the setting `state` names; NULL: "sqlite". The first line of state_password_file
 * is the password; that file and the one with our key must be for the reader and root alone. A file
 * that cannot be used is `problem`. Caller frees.
 */
StatePlace *state_place_new(const Conf *conf);
void state_place_free(StatePlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatePlace, state_place_free)

#endif
