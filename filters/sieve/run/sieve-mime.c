/* SPDX-License-Identifier: MIT */
/* sieve-mime: one tree for all tests of a run, and the bookkeeping of loops over it. */
#include "filters/sieve/run/sieve-mime.h"

#include "agent/base/limits.h"

#include <string.h>

/* Octets that are decoded in one step, and steps that one octet costs that is written anew. */
enum { OCTETS_A_STEP = 8, STEPS_AN_OCTET = 2 };

typedef struct SieveMimePart {
	Headers *headers;                  /* NULL: not read yet */
	MimeBytes forms[SIEVE_PART_FORMS]; /* data is NULL: not read yet */
	SieveGrams *grams[SIEVE_PART_FORMS];
} Part;

/* Of the last parts, until no more than so many octets are kept: the others stay read. */
static void
drop_contents(SieveMime *mime, size_t keep)
{
	size_t n = mime->tree != NULL ? mime_tree_count(mime->tree) : 0;
	while (n-- > 0)
		for (size_t form = 0; form < SIEVE_PART_FORMS && mime->cached > keep; form++) {
			mime->cached -= mime->parts[n].forms[form].len;
			mime_bytes_clear(&mime->parts[n].forms[form]);
		}
}

static void
drop_part(Part *part)
{
	for (size_t form = 0; form < SIEVE_PART_FORMS; form++) {
		mime_bytes_clear(&part->forms[form]);
		sieve_grams_free(part->grams[form]);
	}
	headers_unref(part->headers);
}

static void
drop_tree(SieveMime *mime)
{
	size_t n = mime->tree != NULL ? mime_tree_count(mime->tree) : 0;

	for (size_t i = 0; i < n; i++)
		drop_part(&mime->parts[i]);
	mime->cached = mime->held = 0;
	g_clear_pointer(&mime->parts, g_free);
	g_clear_pointer(&mime->tree, mime_tree_free);
	g_clear_pointer(&mime->headers, headers_unref);
	g_clear_pointer(&mime->message, message_unref);
}

void
sieve_mime_clear(void *state)
{
	drop_tree(state);
}

SieveMime *
sieve_mime_state(SieveRun *run)
{
	return sieve_run_state(run, &sieve_ext_mime);
}

bool
sieve_mime_fail(SieveRun *run, const Status *fault)
{
	return sieve_run_fail(run, NULL, fault->id, "%s", status_why(fault));
}

/*
 * Without the module that knows what fields mean the message is one text: rules about parts find
 * none.
 */
static MimeTree *
make_tree(SieveRun *run, const MessageBody *body)
{
	g_auto(Status) fault = STATUS_INIT;
	MimeTree *tree = mime_tree_new(run->headers, body, &fault);
	if (tree != NULL)
		return tree;

	if (fault.id == STATUS_CONFIG) {
		sieve_run_trace(run, TRACE_ACTIONS, run->at,
		                "the parts of the message are not known: %s", fault.detail);
		return mime_tree_new_opaque(run->headers, body);
	}

	(void) sieve_mime_fail(run, &fault);
	return NULL;
}

const MimeTree *
sieve_mime_tree(SieveRun *run)
{
	SieveMime *mime = sieve_mime_state(run);
	if (mime->tree != NULL && mime->headers == run->headers && mime->message == run->message)
		return mime->tree;

	drop_tree(mime);
	MessageBody body;
	if (run->message == NULL || !message_body(run->message, &body)) {
		(void) sieve_run_fail(run, NULL, STATUS_INTERNAL, "the message is not stored yet");
		return NULL;
	}

	if (!sieve_run_spend(run, (guint64) body.size / OCTETS_A_STEP + 1))
		return NULL;
	mime->tree = make_tree(run, &body);
	if (mime->tree == NULL)
		return NULL;

	mime->headers = headers_ref(run->headers);
	mime->message = message_ref(run->message);
	mime->parts = g_new0(Part, mime_tree_count(mime->tree));
	if (mime_tree_is_cut(mime->tree))
		sieve_run_trace(run, TRACE_MATCHING, run->at,
		                "the message has more parts, or deeper ones, than are looked at");

	return mime->tree;
}

void
sieve_mime_set_headers(SieveRun *run, SieveText name, Headers *headers)
{
	SieveMime *mime = sieve_mime_state(run);
	bool about_parts = name.len >= 8 && g_ascii_strncasecmp(name.data, "Content-", 8) == 0;
	bool keeps_tree = mime->tree != NULL && mime->headers == run->headers && !about_parts;

	sieve_run_set_headers(run, headers);
	if (!keeps_tree)
		return;

	headers_unref(mime->headers);
	mime->headers = headers_ref(headers);
	mime_tree_set_headers(mime->tree, headers);
}

size_t
sieve_mime_current(SieveRun *run)
{
	const SieveLoop *loop = sieve_mime_state(run)->loop;
	return loop != NULL ? loop->at : 0;
}

Headers *
sieve_mime_headers(SieveRun *run, size_t part)
{
	if (part == 0)
		return run->headers;
	Part *known = &sieve_mime_state(run)->parts[part];
	if (known->headers != NULL)
		return known->headers;

	g_auto(Status) fault = STATUS_INIT;
	known->headers = mime_tree_headers(sieve_mime_state(run)->tree, part, &fault);
	if (known->headers == NULL)
		(void) sieve_mime_fail(run, &fault);

	return known->headers;
}

/* Line ends as RFC 5173 4 wants them, and as strings of scripts have them. */
static void
to_crlf(MimeBytes *bytes)
{
	size_t bare = 0;

	for (size_t i = 0; i < bytes->len; i++)
		bare += bytes->data[i] == '\n' && (i == 0 || bytes->data[i - 1] != '\r');
	if (bare == 0)
		return;

	char *data = g_malloc(bytes->len + bare + 1), *at = data;
	for (size_t i = 0; i < bytes->len; i++) {
		if (bytes->data[i] == '\n' && (i == 0 || bytes->data[i - 1] != '\r'))
			*at++ = '\r';
		*at++ = bytes->data[i];
	}

	*at = '\0';
	g_free(bytes->data);
	bytes->data = data;
	bytes->len += bare;
}

/* The part in the form; text in a form that needs no module where there is none. */
static bool
read_form(const MimeTree *tree, size_t part, SieveMimeForm form, size_t limit, MimeBytes *bytes,
          Status *st)
{
	const MimePart *known = mime_tree_part(tree, part);
	if (form == SIEVE_PART_RAW || known->unopened)
		return mime_tree_raw(tree, part, limit, bytes, st);
	if (!mime_part_is(known, "text", NULL))
		return mime_tree_content(tree, part, limit, bytes, st);

	MimeTextForm markup = form == SIEVE_PART_TEXT ? MIME_TEXT_WITHOUT_MARKUP
	                                              : MIME_TEXT_AS_IT_IS;
	if (mime_tree_text(tree, part, limit, markup, bytes, st))
		return true;
	if (st->id != STATUS_CONFIG)
		return false;

	status_clear(st);
	return mime_tree_raw(tree, part, limit, bytes, st);
}

static void
trace_form(SieveRun *run, size_t part, const MimeBytes *bytes)
{
	if (bytes->guess != NULL)
		sieve_run_trace(run, TRACE_MATCHING, run->at, "part %zu: taken as %s", part,
		                bytes->guess);
	if (bytes->cut)
		sieve_run_trace(run, TRACE_MATCHING, run->at,
		                "part %zu: only its first octets are seen (sieve_max_part_size)",
		                part);
}

static size_t
part_limit(SieveRun *run)
{
	return (size_t) run->env->conf->sieve_max_part_size;
}

/* HTML alone has markup: all else is the same in both forms, and kept once. */
static SieveMimeForm
kept_form(const SieveMime *mime, size_t part, SieveMimeForm form)
{
	bool is_same = form == SIEVE_PART_TEXT &&
	               !mime_part_is(mime_tree_part(mime->tree, part), "text", "html");
	return is_same ? SIEVE_PART_CONTENT : form;
}

bool
sieve_mime_part(SieveRun *run, size_t part, SieveMimeForm form, SieveText *ret_text)
{
	SieveMime *mime = sieve_mime_state(run);

	form = kept_form(mime, part, form);
	MimeBytes *bytes = &mime->parts[part].forms[form];
	if (bytes->data == NULL) {
		g_auto(Status) fault = STATUS_INIT;
		if (!read_form(mime->tree, part, form, part_limit(run), bytes, &fault))
			return sieve_mime_fail(run, &fault);
		to_crlf(bytes);
		mime->cached += bytes->len;
		trace_form(run, part, bytes);
		if (!sieve_run_spend(run, bytes->len / OCTETS_A_STEP + 1))
			return false;
	}

	*ret_text = (SieveText){ bytes->data, bytes->len };
	return true;
}

bool
sieve_mime_grams(SieveRun *run, size_t part, SieveMimeForm form, const SieveGrams **ret_grams)
{
	SieveMime *mime = sieve_mime_state(run);
	SieveGrams **grams = &mime->parts[part].grams[kept_form(mime, part, form)];

	if (*grams == NULL && mime->asked > 1 && mime->held < LIMIT_SIEVE_GRAMS) {
		SieveText text = { NULL, 0 };
		if (!sieve_mime_part(run, part, form, &text))
			return false;
		*grams = sieve_grams_new(text.data, text.len);
		mime->held += sieve_grams_size(*grams);
	}

	*ret_grams = *grams;
	return true;
}

bool
sieve_mime_range(SieveRun *run, off_t from, off_t to, SieveText *ret_text)
{
	g_auto(MimeBytes) bytes = { 0 };
	g_auto(Status) fault = STATUS_INIT;
	if (!mime_tree_range(sieve_mime_state(run)->tree, from, MAX(from, to), part_limit(run),
	                     &bytes, &fault))
		return sieve_mime_fail(run, &fault);

	to_crlf(&bytes);
	*ret_text = (SieveText){ sieve_arena_copy(run->scratch, bytes.data, bytes.len), bytes.len };
	return sieve_run_spend(run, bytes.len / OCTETS_A_STEP + 1);
}

void
sieve_mime_trim(SieveRun *run)
{
	SieveMime *mime = sieve_mime_state(run);
	mime->asked++;
	drop_contents(mime, LIMIT_SIEVE_PART_CACHE);
}

GString *
sieve_mime_print_headers(const Headers *headers)
{
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		g_string_append_len(out, field->bytes, field->len);
		if (out->str[out->len - 1] != '\n')
			g_string_append(out, headers_newline(headers));
	}

	return out;
}

/* Writing a message anew costs what it is long. */
static bool
count_replacement(SieveRun *run, const SieveCall *call, const Message *message)
{
	if (run->replaced++ >= LIMIT_SIEVE_REPLACES)
		return sieve_run_fail(run, call, STATUS_LIMIT,
		                      "the message is replaced more than %u times",
		                      LIMIT_SIEVE_REPLACES);
	return sieve_run_spend(run, STEPS_AN_OCTET * message_size(message));
}

bool
sieve_mime_set_message(SieveRun *run, const SieveCall *call, Headers *headers, Message *message)
{
	for (SieveLoop *loop = sieve_mime_state(run)->loop; loop != NULL; loop = loop->outer)
		loop->at = loop->next = loop->end = 0;
	guint64 held = headers != NULL ? headers_held(headers) + headers_order_bytes(headers) : 0;
	if (headers != NULL)
		sieve_run_set_headers(run, headers);
	sieve_run_set_message(run, message);

	return count_replacement(run, call, message) && sieve_run_hold(run, 0, held);
}

/* The message with the part left out and the entity in its place. */
static Message *
splice_part(SieveRun *run, const MimePart *part, const char *entity, size_t len, Status *fault)
{
	MessageBody body;

	if (!message_body(run->message, &body)) {
		status_fail_detail(fault, STATUS_INTERNAL, "the message is not stored yet");
		return NULL;
	}

	g_autoptr(GString) header = sieve_mime_print_headers(run->headers);
	MessagePiece pieces[] = {
		{ .data = header->str, .len = header->len },
		{ .from = body.offset, .to = part->header_at },
		{ .data = entity, .len = len },
		{ .from = part->end, .to = body.offset + body.size },
	};
	return message_assemble(&body, pieces, G_N_ELEMENTS(pieces), fault);
}

bool
sieve_mime_replace_part(SieveRun *run, const SieveCall *call, size_t part, const char *entity,
                        size_t len)
{
	g_auto(Status) fault = STATUS_INIT;
	const MimeTree *tree = sieve_mime_tree(run);
	size_t before = mime_tree_count(tree);
	Message *message = splice_part(run, mime_tree_part(tree, part), entity, len, &fault);

	if (message == NULL)
		return sieve_mime_fail(run, &fault);
	sieve_run_set_message(run, message);
	if (!count_replacement(run, call, message) || (tree = sieve_mime_tree(run)) == NULL)
		return false;

	size_t after = mime_tree_count(tree);
	SieveLoop *loop = sieve_mime_state(run)->loop;
	gssize more = (gssize) after - (gssize) before;
	for (SieveLoop *outer = loop; outer != NULL; outer = outer->outer)
		outer->end = (size_t) CLAMP((gssize) outer->end + more, 0, (gssize) after);

	/* Parts that were put in by the rule are not its own next ones. */
	if (loop != NULL && loop->at == part)
		loop->next = part < after ? mime_tree_part(tree, part)->after : after;
	return true;
}

void
sieve_entity_clear(SieveEntity *entity)
{
	headers_unref(entity->headers);
	if (entity->body != NULL)
		g_string_free(entity->body, TRUE);
	*entity = (SieveEntity){ 0 };
}

static GString *
with_newlines(SieveText text, const char *newline)
{
	GString *out = g_string_sized_new(text.len + 1);
	for (size_t i = 0; i < text.len; i++) {
		bool pair = text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n';
		if (text.data[i] == '\n')
			g_string_append(out, newline);
		else if (!pair)
			g_string_append_c(out, text.data[i]);
	}

	return out;
}

void
sieve_mime_read_entity(SieveRun *run, SieveText text, SieveEntity *ret_entity)
{
	const char *newline = headers_newline(run->headers);
	g_autoptr(GString) whole = with_newlines(text, newline);
	size_t len = 0;
	Headers *headers = headers_take_block(g_memdup2(whole->str, whole->len + 1), whole->len,
	                                      &len);

	if (g_str_has_prefix(whole->str + len, newline))
		len += strlen(newline);
	*ret_entity = (SieveEntity){ headers, g_string_new_len(whole->str + len,
		                                               (gssize) (whole->len - len)) };
}

bool
sieve_mime_compose(SieveRun *run, const MimeField *fields, size_t n, SieveText text,
                   SieveEntity *ret_entity)
{
	MimeDraft draft = { .fields = fields,
		            .n_fields = n,
		            .type = "text/plain",
		            .data = text.data,
		            .len = text.len };
	g_autoptr(GBytes) bytes = NULL;
	g_auto(Status) fault = STATUS_INIT;

	if (!mime_compose(&draft, &bytes, &fault))
		return sieve_mime_fail(run, &fault);
	gsize len;
	const char *data = g_bytes_get_data(bytes, &len);
	sieve_mime_read_entity(run, (SieveText){ data, len }, ret_entity);

	return true;
}

GString *
sieve_mime_print_part(const SieveEntity *entity)
{
	g_autoptr(Headers) fields = headers_new(entity->headers, headers_newline(entity->headers));

	for (size_t i = 0; i < headers_count(entity->headers); i++)
		if (!header_field_is(headers_get(entity->headers, i), "MIME-Version"))
			headers_append(fields, headers_get(entity->headers, i));
	GString *out = sieve_mime_print_headers(fields);
	g_string_append(out, headers_newline(fields));
	g_string_append_len(out, entity->body->str, (gssize) entity->body->len);

	return out;
}
