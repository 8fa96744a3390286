/* SPDX-License-Identifier: MIT */
/*
 * delivery-world: deliveries within the process of a test, from a message to its log line, at the
 * time that the test says.
 */
#ifndef TODOKE_DELIVERY_WORLD_H
#define TODOKE_DELIVERY_WORLD_H

#include "agent/base/status.h"
#include "agent/message/envelope.h"
#include "agent/run/account.h"
#include "agent/run/site.h"
#include "agent/run/transact.h"

/* A folder of its own, and a site whose users are virtual: mail/%n below `dir` is an INBOX. */
typedef struct {
	char *dir;
	Site *site;
	Envelope *envelope; /* of the next delivery: a@x.test to ann@here.test by pipe */
	const char *folder; /* where the door wants it; NULL: the INBOX */
	gint64 now;         /* seconds since 1970 */
	Status st;          /* of the last delivery */
	char *id;           /* by which the log and the record know that mail; NULL: none */
	char *done;         /* what Postfix was told of the last one; NULL: it failed */
} DeliveryWorld;

/*
 * `settings`: further lines of todoke.conf, NULL: none; "@/" in them is the folder. `script`: the
 * owner's Sieve script; NULL: there is none.
 */
void delivery_world_init(DeliveryWorld *world, const char *settings, const char *script);
void delivery_world_clear(DeliveryWorld *world);

/* Other settings from now on, for what lies there. */
void delivery_world_set(DeliveryWorld *world, const char *settings);

/* Judge, deliver and log a message. False: it was refused or deferred. */
bool delivery_world_deliver(DeliveryWorld *world, const char *message);

/* The value of a key of the last log line; NULL: it has no such key. Caller frees. */
char *delivery_world_logged(const DeliveryWorld *world, const char *key);

/* The last line of the record of ann; NULL: there is none. Caller frees. */
char *delivery_world_recorded(const DeliveryWorld *world);

/* The only message of ann in a folder below the INBOX (""): its text. Caller frees. */
char *delivery_world_stored(const DeliveryWorld *world, const char *folder);

/* How many messages are new in it. */
unsigned delivery_world_count(const DeliveryWorld *world, const char *folder);

/* Ann deletes what is new in it. */
void delivery_world_empty(const DeliveryWorld *world, const char *folder);

#endif
