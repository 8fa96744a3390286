/* SPDX-License-Identifier: MIT */
/*
 * enclose: RFC 5703 6, complete. The new message has the fields that :headers names, Subject, and
 * where those are not among them Date and From of now and of the owner. A redirect sends what was
 * there before the first enclose.
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-date.h"
#include "filters/sieve/run/sieve-mime.h"

#include <string.h>

/* The message before it was enclosed; NULL: it was not. */
typedef struct {
	Message *message;
	Headers *headers;
} EncloseState;

/* Hexadecimal digits of the boundary. */
enum { BOUNDARY_DIGITS = 32 };

static bool
is_listed(SieveRun *run, const SieveTag *list, const HeaderField *field)
{
	for (size_t i = 0; list != NULL && i < list->value->n; i++)
		if (header_field_is(field, sieve_run_string(run, list->value, i)))
			return true;
	return false;
}

static bool
is_of_mime(const HeaderField *field)
{
	return header_field_is(field, "MIME-Version") ||
	       (field->name_len > 8 && g_ascii_strncasecmp(field->bytes, "Content-", 8) == 0);
}

static bool
has_field(const Headers *headers, const char *name)
{
	size_t pos = 0;
	return headers_next(headers, name, &pos) != NULL;
}

static void
append_date(SieveRun *run, Headers *fields)
{
	SieveDate now = { run->env->now, filter_utc_offset(run->env) };
	g_autofree char *text = sieve_date_part(&now, SIEVE_TEXT("std11"));
	headers_append_text(fields, "Date", text);
}

static void
append_from(SieveRun *run, Headers *fields)
{
	const GPtrArray *own = run->input->addresses;
	const char *address = own != NULL && own->len > 0 ? own->pdata[0]
	                                                  : run->input->envelope->recipient;
	headers_append_text(fields, "From", address != NULL ? address : "");
}

/*
 * The new header, but for what says that it is a multipart. `text` has the Subject of the script,
 * encoded.
 */
static Headers *
new_fields(SieveRun *run, const SieveCall *call, const SieveEntity *text)
{
	Headers *fields = headers_new(run->headers, headers_newline(run->headers));
	const SieveTag *list = sieve_call_tag(call, "headers");
	bool new_subject = sieve_call_tag(call, "subject") != NULL;
	size_t n = headers_count(run->headers), from = 0;

	for (size_t i = 0; i < n; i++) {
		const HeaderField *field = headers_get(run->headers, i);
		bool subject = header_field_is(field, "Subject");
		bool wanted = subject ? !new_subject
		                      : !is_of_mime(field) && is_listed(run, list, field);
		if (wanted && sieve_run_spend(run, list != NULL ? list->value->n : 1))
			continue;
		headers_append_range(fields, run->headers, from, i);
		from = i + 1;
	}

	headers_append_range(fields, run->headers, from, n);
	size_t pos = 0;
	const HeaderField *subject = headers_next(text->headers, "Subject", &pos);
	g_autofree char *value = subject != NULL ? header_field_value(subject) : NULL;
	if (value != NULL)
		headers_append_text(fields, "Subject", value);
	if (!has_field(fields, "Date"))
		append_date(run, fields);
	if (!has_field(fields, "From"))
		append_from(run, fields);

	return fields;
}

/*
 * A boundary that cannot stand in the message, because it depends on every octet of it: a sender
 * who knows the rule cannot close the part that holds the message. NULL after a fault. Caller
 * frees.
 */
static char *
make_boundary(SieveRun *run, const MessageBody *body, const GString *header, SieveText text)
{
	enum { CHUNK = 1024 * 1024 };
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_checksum_update(sum, (const guchar *) header->str, (gssize) header->len);
	g_checksum_update(sum, (const guchar *) text.data, (gssize) text.len);

	off_t end = body->offset + body->size;
	for (off_t at = body->offset; at < end; at += CHUNK) {
		g_auto(MimeBytes) bytes = { 0 };
		g_auto(Status) fault = STATUS_INIT;
		if (!mime_tree_range(sieve_mime_tree(run), at, MIN(at + CHUNK, end), CHUNK, &bytes,
		                     &fault)) {
			(void) sieve_mime_fail(run, &fault);
			return NULL;
		}
		g_checksum_update(sum, (const guchar *) bytes.data, (gssize) bytes.len);
	}

	return g_strdup_printf("=_%.*s", BOUNDARY_DIGITS, g_checksum_get_string(sum));
}

/* The text, then the message with its header as it is now. */
static Message *
put_together(SieveRun *run, const MessageBody *body, const Headers *fields, const GString *part,
             const char *boundary, Status *fault)
{
	const char *nl = headers_newline(run->headers);
	g_autoptr(GString) top = sieve_mime_print_headers(fields);

	g_string_append_printf(top, "%s--%s%s", nl, boundary, nl);
	g_string_append_len(top, part->str, (gssize) part->len);
	g_string_append_printf(
		top, "%s--%s%sContent-Type: message/rfc822%sContent-Transfer-Encoding: 8bit%s%s",
		nl, boundary, nl, nl, nl, nl);

	g_autoptr(GString) header = sieve_mime_print_headers(run->headers);
	g_string_append_len(top, header->str, (gssize) header->len);
	g_autofree char *last = g_strdup_printf("%s--%s--%s", nl, boundary, nl);
	MessagePiece pieces[] = {
		{ .data = top->str, .len = top->len },
		{ .from = body->offset, .to = body->offset + body->size },
		{ .data = last, .len = strlen(last) },
	};

	return message_assemble(body, pieces, G_N_ELEMENTS(pieces), fault);
}

/* Redirects send the message as it is now. */
static void
remember(SieveRun *run)
{
	EncloseState *state = sieve_run_state(run, &sieve_ext_enclose);
	if (state->message != NULL)
		return;
	state->message = message_ref(run->message);
	state->headers = headers_ref(run->headers);
}

static bool
compose_text(SieveRun *run, const SieveCall *call, SieveText text, SieveEntity *ret_entity)
{
	const SieveTag *subject = sieve_call_tag(call, "subject");
	MimeField field = { "Subject",
		            subject != NULL ? sieve_run_string(run, subject->value, 0) : NULL,
		            MIME_FIELD_TEXT };
	return sieve_mime_compose(run, &field, subject != NULL ? 1 : 0, text, ret_entity);
}

/* The text as a part: Subject is the message's. */
static GString *
print_text(const SieveEntity *text)
{
	g_autoptr(Headers) fields = headers_new(text->headers, headers_newline(text->headers));

	for (size_t i = 0; i < headers_count(text->headers); i++)
		if (!header_field_is(headers_get(text->headers, i), "Subject"))
			headers_append(fields, headers_get(text->headers, i));
	SieveEntity part = { fields, text->body };
	return sieve_mime_print_part(&part);
}

static bool
run_enclose(SieveRun *run, const SieveCall *call)
{
	MessageBody body;
	g_auto(SieveEntity) entity = { 0 };
	SieveText text = sieve_run_text(run, &call->positional[0]->strings[0]);

	if (sieve_mime_tree(run) == NULL || !message_body(run->message, &body) ||
	    !compose_text(run, call, text, &entity))
		return false;
	g_autoptr(GString) header = sieve_mime_print_headers(run->headers);
	g_autofree char *boundary = make_boundary(run, &body, header, text);
	if (boundary == NULL)
		return false;

	g_autoptr(Headers) fields = new_fields(run, call, &entity);
	g_autofree char *type = g_strdup_printf("multipart/mixed; boundary=\"%s\"", boundary);
	headers_append_text(fields, "MIME-Version", "1.0");
	headers_append_text(fields, "Content-Type", type);
	headers_append_text(fields, "Content-Transfer-Encoding", "8bit");

	g_autoptr(GString) part = print_text(&entity);
	g_auto(Status) fault = STATUS_INIT;
	Message *message = put_together(run, &body, fields, part, boundary, &fault);
	if (message == NULL)
		return sieve_mime_fail(run, &fault);

	remember(run);
	sieve_run_trace(run, TRACE_ACTIONS, call, "enclose");
	return sieve_mime_set_message(run, call, g_steal_pointer(&fields), message);
}

/* RFC 5703 6: redirected messages are not affected. */
static bool
complete(SieveRun *run, const SieveCall *call, PlanAction *action)
{
	(void) call;
	const EncloseState *state = sieve_run_state(run, &sieve_ext_enclose);
	if (action->kind != PLAN_REDIRECT || state->message == NULL)
		return true;

	action->message = message_ref(state->message);
	action->headers = headers_ref(state->headers);
	return true;
}

static void
clear(void *data)
{
	EncloseState *state = data;
	message_unref(state->message);
	headers_unref(state->headers);
}

static const SieveTagDef enclose_tags[] = { { .name = "subject", .value = SIEVE_STRING },
	                                    { .name = "headers", .value = SIEVE_STRINGS },
	                                    { .name = NULL } };

static const SieveCallDef commands[] = { { .name = "enclose",
	                                   .positional = { SIEVE_STRING },
	                                   .tags = enclose_tags,
	                                   .run = run_enclose },
	                                 { .name = NULL } };

const SieveExt sieve_ext_enclose = {
	.capability = "enclose",
	.rfc = "RFC 5703",
	.commands = commands,
	.run_state = sizeof(EncloseState),
	.clear_run_state = clear,
	.action = complete,
};
