/* SPDX-License-Identifier: MIT */
/* envelope: a struct of strings. */
#include "agent/message/envelope.h"

#include "agent/base/limits.h"

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

/* RFC 3461 4: "+", "=" and what is not printable are "+" and two digits. */
void
envelope_set_envid(Envelope *envelope, const char *plain)
{
	g_autoptr(GString) xtext = g_string_new(NULL);

	for (const char *c = plain != NULL ? plain : ""; *c != '\0'; c++) {
		if (!g_ascii_isprint(*c))
			return;
		if (*c == '+' || *c == '=' || *c == ' ')
			g_string_append_printf(xtext, "+%02X", (unsigned) *c);
		else
			g_string_append_c(xtext, *c);
	}

	if (xtext->len == 0 || xtext->len > LIMIT_LMTP_ENVID)
		return;
	g_free(envelope->envid);
	envelope->envid = g_strdup(xtext->str);
}

bool
envelope_is_bounce(const Envelope *envelope)
{
	const char *sender = envelope->sender;
	return sender == NULL || *sender == '\0' ||
	       g_ascii_strcasecmp(sender, "MAILER-DAEMON") == 0;
}
