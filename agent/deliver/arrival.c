/* arrival: a checksum over what a retry brings again. */
#include "agent/deliver/arrival.h"

#include "agent/base/limits.h"

#include <string.h>

static void
add_text(GChecksum *sum, const char *text)
{
	const char *known = text != NULL ? text : "";
	g_checksum_update(sum, (const guchar *) known, (gssize) strlen(known) + 1);
}

static void
add_number(GChecksum *sum, guint64 number)
{
	char text[24];
	g_snprintf(text, sizeof text, "%" G_GUINT64_FORMAT, number);
	add_text(sum, text);
}

/* The newest fields stand on top, Received among them; the number of all fields and the length stand for the rest. */
static void
add_header(GChecksum *sum, const Headers *headers)
{
	size_t total = 0;
	for (size_t i = 0; i < headers_count(headers) && total < LIMIT_ARRIVAL_HEADER; i++) {
		const HeaderField *field = headers_get(headers, i);
		size_t len = MIN(field->len, LIMIT_ARRIVAL_HEADER - total);
		g_checksum_update(sum, (const guchar *) field->bytes, (gssize) len);
		total += len;
	}
}

char *
arrival_key(const Envelope *envelope, const Message *message)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	add_text(sum, "todoke arrival 1");
	add_text(sum, envelope->queue_id);
	add_text(sum, envelope->sender);
	add_text(sum, envelope->recipient);
	add_text(sum, envelope->original);
	add_number(sum, message_size(message));
	add_number(sum, headers_count(message_headers(message)));
	add_header(sum, message_headers(message));
	return g_strdup(g_checksum_get_string(sum));
}

bool
arrival_is_certain(const Envelope *envelope, const Message *message)
{
	bool by_server = (envelope->queue_id != NULL && *envelope->queue_id != '\0') || envelope->door == DOOR_LMTP ||
	                 envelope->door == DOOR_LOCAL;
	size_t pos = 0;
	return by_server && headers_next(message_headers(message), "Received", &pos) != NULL;
}
