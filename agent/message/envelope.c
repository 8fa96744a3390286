/* SPDX-License-Identifier: MIT */
/* envelope: a struct of strings. */
#include "agent/message/envelope.h"

Envelope *
envelope_new(EnvelopeDoor door)
{
	Envelope *envelope = g_new0(Envelope, 1);
	envelope->door = door;
	return envelope;
}

void
envelope_free(Envelope *envelope)
{
	if (envelope == NULL)
		return;
	char *owned[] = {
		envelope->sender,
		envelope->recipient,
		envelope->original,
		envelope->queue_id,
		envelope->origin_id,
		envelope->lhlo,
		envelope->client_address,
		envelope->client_name,
		envelope->helo,
		envelope->auth,
		envelope->orcpt,
		envelope->notify,
		envelope->ret,
		envelope->envid,
	};
	for (size_t i = 0; i < G_N_ELEMENTS(owned); i++)
		g_free(owned[i]);
	g_free(envelope);
}

bool
envelope_is_bounce(const Envelope *envelope)
{
	const char *sender = envelope->sender;
	return sender == NULL || *sender == '\0' ||
	       g_ascii_strcasecmp(sender, "MAILER-DAEMON") == 0;
}
