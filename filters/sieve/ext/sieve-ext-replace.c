/* SPDX-License-Identifier: MIT */
/*
 * replace: RFC 5703 5, complete. In a foreverypart the present part is replaced, outside (and where
 * the present part is the message) the whole message: its fields stay but for those of MIME. :from
 * that is no mailbox list is ignored at run time.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-mime.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

static bool
is_mailbox_list(SieveArena *arena, SieveText text)
{
	g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(SieveAddress));

	sieve_value_addresses(arena, text, addresses);
	for (guint i = 0; i < addresses->len; i++)
		if (!g_array_index(addresses, SieveAddress, i).valid)
			return false;
	return addresses->len > 0;
}

static bool
check_replace(SieveCheck *check, SieveCall *call)
{
	const SieveTag *from = sieve_call_tag(call, "from"),
		       *subject = sieve_call_tag(call, "subject");
	const SieveTag *extra = from != NULL ? from : subject;

	if (extra != NULL && sieve_call_tag(call, "mime") != NULL)
		return sieve_check_error(check, extra->tag->span, "exclusive-tags",
		                         "put the field into the entity",
		                         "':%s' cannot stand beside ':mime'", extra->def->name);

	if (from == NULL || from->value->strings[0].template != NULL)
		return true;
	SieveText text = from->value->strings[0].text;
	if (!is_mailbox_list(sieve_check_arena(check), text))
		return sieve_check_error(check, from->value->span, "bad-address",
		                         "write user@example.org", "\"%.*s\" is not an address",
		                         (int) text.len, text.data);

	return true;
}

/* Text of a tag, in run->scratch, or NULL. */
static const char *
tag_string(SieveRun *run, const SieveCall *call, const char *name)
{
	const SieveTag *tag = sieve_call_tag(call, name);
	return tag != NULL ? sieve_run_string(run, tag->value, 0) : NULL;
}

/* What comes in place: the entity of the script, or its text with the fields that the tags name. */
static bool
make_entity(SieveRun *run, const SieveCall *call, const char *subject, const char *from,
            SieveEntity *ret_entity)
{
	SieveText text = sieve_run_text(run, &call->positional[0]->strings[0]);

	if (sieve_call_tag(call, "mime") != NULL) {
		sieve_mime_read_entity(run, text, ret_entity);
		return true;
	}

	MimeField fields[2];
	size_t n = 0;
	if (subject != NULL)
		fields[n++] = (MimeField){ "Subject", subject, MIME_FIELD_TEXT };
	if (from != NULL)
		fields[n++] = (MimeField){ "From", from, MIME_FIELD_ADDRESSES };

	return sieve_mime_compose(run, fields, n, text, ret_entity);
}

static bool
is_of_mime(const HeaderField *field)
{
	return header_field_is(field, "MIME-Version") ||
	       (field->name_len > 8 && g_ascii_strncasecmp(field->bytes, "Content-", 8) == 0);
}

/*
 * The fields of the new message: the old ones, with those of MIME from the entity. Replaced ones
 * stay as Original-... (5).
 */
static Headers *
new_fields(SieveRun *run, const SieveEntity *entity, bool new_subject, bool new_from)
{
	Headers *fields = headers_new(run->headers, headers_newline(run->headers));
	size_t n = headers_count(run->headers), from = 0;

	for (size_t i = 0; i < n; i++) {
		const HeaderField *field = headers_get(run->headers, i);
		bool subject = new_subject && header_field_is(field, "Subject");
		bool sender = new_from && header_field_is(field, "From");
		if (!subject && !sender && !is_of_mime(field))
			continue;
		headers_append_range(fields, run->headers, from, i);
		from = i + 1;
		if (subject || sender)
			headers_append_renamed(fields, field,
			                       subject ? "Original-Subject" : "Original-From");
	}

	headers_append_range(fields, run->headers, from, n);
	bool version = false;
	for (size_t i = 0; i < headers_count(entity->headers); i++) {
		const HeaderField *field = headers_get(entity->headers, i);
		bool wanted = is_of_mime(field) ||
		              (new_subject && header_field_is(field, "Subject")) ||
		              (new_from && header_field_is(field, "From"));
		if (!wanted)
			continue;
		version = version || header_field_is(field, "MIME-Version");
		g_autofree char *name = header_field_name(field);
		g_autofree char *value = header_field_value(field);
		headers_append_text(fields, name, value);
	}

	if (!version)
		headers_append_text(fields, "MIME-Version", "1.0");
	return fields;
}

static bool
replace_message(SieveRun *run, const SieveCall *call)
{
	const char *subject = tag_string(run, call, "subject"),
		   *from = tag_string(run, call, "from");
	g_auto(SieveEntity) entity = { 0 };

	if (from != NULL && !is_mailbox_list(run->scratch, (SieveText){ from, strlen(from) })) {
		sieve_run_trace(run, TRACE_ACTIONS, call,
		                "replace: \"%s\" is not an address: :from is ignored", from);
		from = NULL;
	}

	if (!make_entity(run, call, subject, from, &entity))
		return false;
	g_autoptr(Headers) fields = new_fields(run, &entity, subject != NULL, from != NULL);
	g_autoptr(GString) whole = sieve_mime_print_headers(fields);
	g_string_append(whole, headers_newline(fields));
	g_string_append_len(whole, entity.body->str, (gssize) entity.body->len);

	g_auto(Status) fault = STATUS_INIT;
	Message *message = message_from_bytes(whole->str, whole->len, &fault);
	if (message == NULL)
		return sieve_mime_fail(run, &fault);

	return sieve_mime_set_message(run, call, g_steal_pointer(&fields), message);
}

static bool
replace_part(SieveRun *run, const SieveCall *call, size_t part)
{
	g_auto(SieveEntity) entity = { 0 };
	if (!make_entity(run, call, NULL, NULL, &entity))
		return false;
	g_autoptr(GString) text = sieve_mime_print_part(&entity);
	return sieve_mime_replace_part(run, call, part, text->str, text->len);
}

static bool
run_replace(SieveRun *run, const SieveCall *call)
{
	if (sieve_mime_tree(run) == NULL)
		return false;
	size_t part = sieve_mime_current(run);
	sieve_run_trace(run, TRACE_ACTIONS, call, "replace part %zu", part);
	return part == 0 ? replace_message(run, call) : replace_part(run, call, part);
}

static const SieveTagDef replace_tags[] = { { .name = "mime" },
	                                    { .name = "subject", .value = SIEVE_STRING },
	                                    { .name = "from", .value = SIEVE_STRING },
	                                    { .name = NULL } };

static const SieveCallDef commands[] = { { .name = "replace",
	                                   .positional = { SIEVE_STRING },
	                                   .tags = replace_tags,
	                                   .check = check_replace,
	                                   .run = run_replace },
	                                 { .name = NULL } };

const SieveExt sieve_ext_replace = { .capability = "replace",
	                             .rfc = "RFC 5703",
	                             .commands = commands };
