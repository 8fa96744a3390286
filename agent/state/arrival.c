/* SPDX-License-Identifier: MIT */
/*
 * arrival: a checksum over what a retry brings again. MD5, for it is paid for every message and
 * SHA-256 costs five times as much: a sender who can make two messages look the same, behind a
 * Received field that nobody can foresee, loses one of them.
 */
#include "agent/state/arrival.h"

#include "agent/base/digest.h"
#include "agent/base/limits.h"

#include <string.h>

/* With its NUL: no two lists of texts look the same. */
static void
add_text(GString *all, const char *text)
{
	const char *known = text != NULL ? text : "";
	g_string_append_len(all, known, (gssize) strlen(known) + 1);
}

/*
 * The newest fields stand on top, Received among them; the number of all fields and the length
 * stand for the rest.
 */
static void
add_header(GString *all, const Headers *headers)
{
	size_t end = all->len + LIMIT_ARRIVAL_HEADER;
	for (size_t i = 0; i < headers_count(headers) && all->len < end; i++) {
		const HeaderField *field = headers_get(headers, i);
		g_string_append_len(all, field->bytes, (gssize) MIN(field->len, end - all->len));
	}
}

char *
arrival_key(const Envelope *envelope, const Message *message)
{
	const Headers *headers = message_headers(message);
	g_autoptr(GString) all = g_string_sized_new(4096);
	const guint64 numbers[] = { message_size(message), headers_count(headers) };

	g_string_append_len(all, (const char *) numbers, sizeof numbers);
	add_text(all, envelope->queue_id);
	add_text(all, envelope->sender);
	add_text(all, envelope->recipient);
	add_text(all, envelope->original);
	add_header(all, headers);

	DigestMd5 sum;
	guchar octets[DIGEST_MD5_BYTES];
	char *hex = g_malloc(2 * sizeof octets + 1);
	digest_md5_init(&sum);
	digest_md5_add(&sum, all->str, all->len);
	digest_md5_end(&sum, octets);
	digest_print(octets, sizeof octets, hex);

	return hex;
}

bool
arrival_is_certain(const Envelope *envelope, const Message *message)
{
	bool by_server = (envelope->queue_id != NULL && *envelope->queue_id != '\0') ||
	                 envelope->door == DOOR_LMTP || envelope->door == DOOR_LOCAL;
	size_t pos = 0;
	return by_server && headers_next(message_headers(message), "Received", &pos) != NULL;
}
