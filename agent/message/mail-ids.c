/* SPDX-License-Identifier: MIT */
/* mail-ids: the door's word, and two fields of the header. */
#include "agent/message/mail-ids.h"

#include "agent/base/limits.h"
#include "agent/message/address.h"
#include "agent/message/received.h"

#include <string.h>

bool
mail_ids_is_queue_id(const char *text)
{
	size_t len = 0;
	while (g_ascii_isalnum(text[len]) || text[len] == '-')
		len++;
	return text[len] == '\0' && len > 0 && len <= LIMIT_QUEUE_ID;
}

static char *
copy_queue_id(const char *text)
{
	return text != NULL && mail_ids_is_queue_id(text) ? g_strdup(text) : NULL;
}

static bool
is_host(const char *name, const char *by)
{
	g_autofree char *host = name != NULL ? address_host(name) : NULL;
	return host != NULL && strcmp(host, by) == 0;
}

/*
 * A name that any machine may have (without a dot) is taken for ours here: it is only told, and the
 * newest line is the one that Postfix wrote unless it was told to write none.
 */
static bool
is_of_this_host(const char *by, const Envelope *envelope, const MailHosts *hosts)
{
	for (size_t i = 0; hosts->hostnames != NULL && hosts->hostnames[i] != NULL; i++)
		if (is_host(hosts->hostnames[i], by))
			return true;
	return is_host(hosts->given_name, by) || is_host(hosts->system_name, by) ||
	       is_host(envelope->lhlo, by);
}

/*
 * Postfix wrote the newest line of a message that local(8) hands over, by whatever name it knows
 * this host. Others who run the program as a user (fetchers) set no ORIGINAL_RECIPIENT.
 */
static bool
is_by_local(const Envelope *envelope)
{
	return envelope->door == DOOR_LOCAL && envelope->original != NULL;
}

/* The id of the newest Received line. */
static char *
find_queue_id(const Envelope *envelope, const Headers *headers, const MailHosts *hosts)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(headers, "Received", &pos);
	if (field == NULL)
		return NULL;

	Received received;
	received_init(&received, field, pos - 1);
	bool is_ours = received.by != NULL && received.program == NULL &&
	               (is_by_local(envelope) || is_of_this_host(received.by, envelope, hosts));
	bool is_told = received.id != NULL && envelope->origin_id != NULL &&
	               strcmp(received.id, envelope->origin_id) == 0;
	char *id = is_ours || is_told ? copy_queue_id(received.id) : NULL;
	received_clear(&received);

	return id;
}

/* The first word of Message-ID; blanks and control characters end it. */
static char *
find_message_id(const Headers *headers)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(headers, "Message-ID", &pos);
	if (field == NULL)
		return NULL;

	g_autofree char *value = header_field_value(field);
	size_t len = 0;
	while ((guchar) value[len] > ' ' && value[len] != '\x7f')
		len++;
	return len > 0 && len <= LIMIT_MESSAGE_ID ? g_utf8_make_valid(value, (gssize) len) : NULL;
}

void
mail_ids_init(MailIds *ret_ids, const Envelope *envelope, const Headers *headers,
              const MailHosts *hosts)
{
	bool is_said = envelope->queue_id != NULL && *envelope->queue_id != '\0';

	*ret_ids = (MailIds){
		.queue_id = is_said ? g_strdup(envelope->queue_id)
		                    : find_queue_id(envelope, headers, hosts),
		.origin_id = copy_queue_id(envelope->origin_id),
		.message_id = find_message_id(headers),
	};
}

void
mail_ids_clear(MailIds *ids)
{
	g_clear_pointer(&ids->queue_id, g_free);
	g_clear_pointer(&ids->origin_id, g_free);
	g_clear_pointer(&ids->message_id, g_free);
}
