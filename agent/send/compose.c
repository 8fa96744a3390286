/* SPDX-License-Identifier: MIT */
/* compose: see the header. */
#include "agent/send/compose.h"

#include "agent/message/address-list.h"
#include "agent/message/address-print.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

char *
compose_first_address(const char *value)
{
	g_auto(AddressList) list = { 0 };

	address_list_parse(value, strlen(value), ADDRESS_NAMES_RAW, &list);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].valid && !list.items[i].is_group)
			return g_strdup(list.items[i].address);
	return NULL;
}

char *
compose_print_addresses(const char *value)
{
	g_auto(AddressList) list = { 0 };

	address_list_parse(value, strlen(value), ADDRESS_NAMES_RAW, &list);
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < list.count; i++) {
		const AddressItem *item = &list.items[i];
		if (!item->valid || item->is_group)
			continue;
		g_autofree char *mailbox = address_print_header(item->name, item->address);
		g_string_append_printf(out, "%s%s", out->len > 0 ? ", " : "", mailbox);
	}

	return g_string_free(out, out->len == 0);
}

char *
compose_cut(char *text, gint64 most)
{
	if (g_utf8_strlen(text, -1) <= most)
		return text;
	char *cut = g_utf8_substring(text, 0, most);
	g_free(text);
	return cut;
}

char *
compose_date(gint64 now)
{
	static const char days[] = "SunMonTueWedThuFriSat",
			  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t) now;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return g_strdup("Thu, 01 Jan 1970 00:00:00 +0000");
	return g_strdup_printf("%.3s, %02d %.3s %d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday,
	                       tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
	                       tm.tm_min, tm.tm_sec);
}

char *
compose_field_text(const Headers *headers, const char *name)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(headers, name, &pos);
	char *text = NULL;
	g_auto(Status) st = STATUS_INIT;

	if (field == NULL)
		return NULL;
	if (mime_decode_field(field, headers, &text, NULL, &st))
		return text;

	g_autofree char *raw = header_field_value(field);
	return g_utf8_make_valid(raw, -1);
}

char *
compose_field_raw(const Headers *headers, const char *name)
{
	size_t pos = 0;
	const HeaderField *field = headers_next(headers, name, &pos);
	return field != NULL ? header_field_value(field) : NULL;
}

/* Does the body begin with the empty line that ends a header? */
static bool
begins_with_line_end(const MessageBody *body)
{
	char first = '\n';
	(void) pread(body->fd, &first, 1, body->offset); /* an empty body ends the header as well */
	return first == '\n' || first == '\r';
}

GString *
compose_print_headers(const Message *message, const Headers *headers)
{
	GString *out = g_string_new(NULL);
	size_t count = headers_count(headers);

	for (size_t i = 0; i < count; i++) {
		const HeaderField *field = headers_get(headers, i);
		g_string_append_len(out, field->bytes, field->len);
		if (field->bytes[field->len - 1] != '\n')
			g_string_append(out, headers_newline(headers));
	}

	/* A body that began without an empty line would otherwise continue our fields. */
	MessageBody body;
	if (headers_count(message_headers(message)) == 0 && count > 0 &&
	    message_body(message, &body) && !begins_with_line_end(&body))
		g_string_append(out, headers_newline(headers));
	return out;
}
