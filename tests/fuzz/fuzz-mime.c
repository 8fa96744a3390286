/* SPDX-License-Identifier: MIT */
/*
 * fuzz-mime: a whole message through the parsed view: addresses, header text, parts, text of the
 * parts. tests/fuzz/fuzz-mime.sh runs it.
 */
#include "agent/message/address-list.h"
#include "agent/message/mime-tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		abort();
}

static void
look_at_fields(const Headers *headers)
{
	for (size_t i = 0; i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *text = NULL, *guess = NULL;
		if (!mime_decode_field(field, headers, &text, &guess, &st))
			abort();
		check_text(text);
		g_auto(AddressList) list = { 0 };
		address_list_parse(field->bytes + field->value_at, field->len - field->value_at,
		                   ADDRESS_NAMES_DECODED, &list);
		for (size_t k = 0; k < list.count; k++) {
			check_text(list.items[k].address);
			check_text(list.items[k].name != NULL ? list.items[k].name : "");
		}
	}
}

static void
look_at_part(const MimeTree *tree, size_t i, const MessageBody *body)
{
	g_auto(Status) st = STATUS_INIT;
	const MimePart *part = mime_tree_part(tree, i);
	bool whole = part->body_at >= body->offset && part->end >= part->body_at &&
	             part->end <= body->offset + body->size;

	if (!whole || part->after <= i || part->after > mime_tree_count(tree))
		abort();
	if (part->parent != MIME_NO_PARENT) {
		const MimePart *parent = mime_tree_part(tree, part->parent);
		if (parent->body_at > part->body_at || parent->end < part->end ||
		    parent->after < part->after)
			abort();
	}

	g_autoptr(Headers) headers = mime_tree_headers(tree, i, &st);
	look_at_fields(headers);
	g_auto(MimeBytes) text = { 0 };
	if (!mime_tree_text(tree, i, 100000, MIME_TEXT_WITHOUT_MARKUP, &text, &st) ||
	    !g_utf8_validate(text.data, (gssize) text.len, NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(data, size, &st);
	MessageBody body;

	if (message == NULL || !message_body(message, &body))
		abort();
	g_autoptr(MimeTree) tree = mime_tree_new(message_headers(message), &body, &st);
	if (tree == NULL)
		abort();
	for (size_t i = 0; i < mime_tree_count(tree); i++)
		look_at_part(tree, i, &body);

	return 0;
}
