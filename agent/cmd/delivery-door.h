/* SPDX-License-Identifier: MIT */
/*
 * door: one delivery of the message on standard input, as the doors that Postfix starts share it:
 * deliver and procmail.
 *
 * Postfix sees one line and an exit code (answer.h). Whatever goes wrong before the message is
 * judged is our own fault or the site's, and therefore temporary: the mail waits in the queue.
 */
#ifndef TODOKE_DELIVERY_DOOR_H
#define TODOKE_DELIVERY_DOOR_H

#include "agent/base/status.h"
#include "agent/message/envelope.h"
#include "agent/message/message.h"
#include "agent/run/recipes.h"

/* What the command line said. */
typedef struct {
	const char *conf_path;
	const char *const *overrides; /* "key=value", NULL ends them; NULL: none */
	const char *folder;           /* for mail that no rule files; NULL: the INBOX */
	const char *recipient;        /* NULL: the environment says it */
	Envelope *envelope;
	const RecipeCall *recipes; /* NULL: as the settings have it */
	int rest;                  /* where the message goes on; -1: standard input has all of it */
	bool is_quiet;             /* nothing is printed of a success */
	bool is_logged;            /* the outcome has its line */
	Message *message;          /* borrowed; NULL: not read */
} DeliveryDoor;

/* Make an empty call ready, and the process: signals, log. */
void delivery_door_init(DeliveryDoor *call, EnvelopeDoor from);
void delivery_door_clear(DeliveryDoor *call);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DeliveryDoor, delivery_door_clear)

/*
 * Set a string of the envelope, an address without brackets and quotes (address_read). NULL: not
 * said.
 */
void delivery_door_set_string(char **member, const char *value);

/*
 * Deliver, answer and log. `st` may hold a fault of the command line: then nothing is delivered,
 * and that is the answer. Returns the exit code.
 */
int delivery_door_run(DeliveryDoor *call, Status *st);

#endif
