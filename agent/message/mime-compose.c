/* SPDX-License-Identifier: MIT */
/*
 * mime-compose: GMime objects from drafts; the fields of the message itself are written in the
 * order they were given.
 */
#include "agent/message/mime-compose.h"

#include "agent/message/gmime-extra.h"

#include <string.h>

/* Octets of a line that SMTP carries (RFC 5322 2.1.1). */
enum { LINE_MAX_OCTETS = 998 };

/* One line: whoever brings a line end along wants to add a field. */
static char *
one_line(const char *value)
{
	char *line = g_utf8_make_valid(value, -1);
	for (char *c = line; *c != '\0'; c++)
		if (*c == '\r' || *c == '\n')
			*c = ' ';
	return g_strstrip(line);
}

static bool
is_field_name(const char *name)
{
	if (*name == '\0')
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 127 || *c == ':')
			return false;
	return true;
}

static char *
encode_addresses(const char *line)
{
	g_autoptr(InternetAddressList) list = internet_address_list_parse(NULL, line);
	if (list == NULL || internet_address_list_length(list) == 0)
		return g_strdup(line);
	return internet_address_list_to_string(list, NULL, TRUE);
}

/* The value as it will stand in the message, folded, with its line end. */
static char *
encode_value(const MimeField *field)
{
	g_autofree char *line = one_line(field->value);
	g_autofree char *encoded = NULL;

	if (field->kind == MIME_FIELD_TEXT)
		encoded = g_mime_utils_header_encode_text(NULL, line, "utf-8");
	else if (field->kind == MIME_FIELD_ADDRESSES)
		encoded = encode_addresses(line);
	else
		encoded = g_strdup(line);

	g_autofree char *whole = g_strdup_printf("%s: %s", field->name, encoded);
	return field->kind == MIME_FIELD_ADDRESSES
	               ? g_mime_utils_structured_header_fold(NULL, NULL, whole)
	               : g_mime_utils_unstructured_header_fold(NULL, NULL, whole);
}

static void
append_field(GString *out, const MimeField *field)
{
	if (!is_field_name(field->name))
		return;
	g_autofree char *line = encode_value(field);
	g_string_append(out, line);
	if (out->len > 0 && out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');
}

static bool
has_long_line(const char *data, size_t len)
{
	for (const char *c = data, *end = data + len; c < end;) {
		const char *stop = memchr(c, '\n', (size_t) (end - c));
		size_t line = (size_t) ((stop != NULL ? stop : end) - c);
		if (line > LINE_MAX_OCTETS)
			return true;
		c += line + 1;
	}
	return false;
}

static GMimeObject *
make_text(const MimeDraft *draft, GMimeContentType *type)
{
	g_autofree char *valid = g_utf8_make_valid(draft->data != NULL ? draft->data : "",
	                                           (gssize) draft->len);
	g_auto(GStrv) lines = g_strsplit(valid, "\r\n", -1);
	g_autofree char *text = g_strjoinv("\n", lines);
	GMimeTextPart *part = g_mime_text_part_new_with_subtype(
		g_mime_content_type_get_media_subtype(type));

	g_mime_object_set_content_type(GMIME_OBJECT(part), type);
	g_mime_text_part_set_charset(part, "utf-8");
	g_mime_text_part_set_text(part, text);

	/* set_text has put the smallest charset there */
	g_mime_text_part_set_charset(part, "utf-8");
	GMimeContentEncoding encoding = g_mime_part_get_best_content_encoding(
		GMIME_PART(part), GMIME_ENCODING_CONSTRAINT_7BIT);
	if (encoding == GMIME_CONTENT_ENCODING_DEFAULT) /* nothing in it needs one */
		encoding = GMIME_CONTENT_ENCODING_7BIT;
	g_mime_part_set_content_encoding(GMIME_PART(part), encoding);

	return GMIME_OBJECT(part);
}

/*
 * Parts of type message must stay as they are (RFC 2046 5.2.1): labelled, never encoded. All else
 * is base64 where it must be.
 */
static GMimeObject *
make_bytes(const MimeDraft *draft, GMimeContentType *type)
{
	GMimePart *part = g_mime_part_new();

	g_mime_object_set_content_type(GMIME_OBJECT(part), type);
	const char *data = draft->data != NULL ? draft->data : "";
	g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(data, draft->len);
	g_autoptr(GMimeDataWrapper) content = g_mime_data_wrapper_new_with_stream(
		stream, GMIME_CONTENT_ENCODING_DEFAULT);
	g_mime_part_set_content(part, content);

	bool high = g_mime_utils_text_is_8bit((const guchar *) draft->data, draft->len);
	bool longs = has_long_line(draft->data, draft->len);
	if (g_mime_content_type_is_type(type, "message", "*") ||
	    g_mime_content_type_is_type(type, "text", "*"))
		g_mime_part_set_content_encoding(part, longs  ? GMIME_CONTENT_ENCODING_BINARY
		                                       : high ? GMIME_CONTENT_ENCODING_8BIT
		                                              : GMIME_CONTENT_ENCODING_7BIT);
	else
		g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_BASE64);

	return GMIME_OBJECT(part);
}

static GMimeObject *make_object(const MimeDraft *draft);

static GMimeObject *
make_multipart(const MimeDraft *draft, GMimeContentType *type)
{
	GMimeMultipart *multipart = g_mime_multipart_new();

	g_mime_object_set_content_type(GMIME_OBJECT(multipart), type);
	g_mime_multipart_set_boundary(multipart, NULL); /* makes one */
	for (size_t i = 0; i < draft->n_children; i++) {
		GMimeObject *child = make_object(&draft->children[i]);
		for (size_t k = 0; k < draft->children[i].n_fields; k++) {
			const MimeField *field = &draft->children[i].fields[k];
			g_autofree char *line = one_line(field->value);
			if (is_field_name(field->name))
				g_mime_object_append_header(child, field->name, line, "utf-8");
		}
		g_mime_multipart_add(multipart, child);
		g_object_unref(child);
	}

	return GMIME_OBJECT(multipart);
}

static GMimeObject *
make_object(const MimeDraft *draft)
{
	g_autoptr(GMimeContentType) type = g_mime_content_type_parse(NULL, draft->type);
	bool is_text = g_mime_content_type_is_type(type, "text", "*") &&
	               !g_mime_content_type_is_type(type, "text", "rfc822-headers");
	GMimeObject *object;

	if (g_mime_content_type_is_type(type, "multipart", "*"))
		object = make_multipart(draft, type);
	else if (is_text)
		object = make_text(draft, type);
	else
		object = make_bytes(draft, type);

	if (draft->disposition != NULL) {
		g_autoptr(GMimeContentDisposition)
			disposition = g_mime_content_disposition_parse(NULL, draft->disposition);
		g_mime_object_set_content_disposition(object, disposition);
	}

	if (draft->description != NULL) {
		g_autofree char *line = one_line(draft->description);
		g_mime_object_set_header(object, "Content-Description", line, "utf-8");
	}

	return object;
}

GBytes *
mime_compose_draft(const MimeDraft *draft)
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < draft->n_fields; i++)
		append_field(out, &draft->fields[i]);
	g_string_append(out, "MIME-Version: 1.0\n");
	g_autoptr(GMimeObject) object = make_object(draft);
	g_autoptr(GMimeStream) body = g_mime_stream_mem_new();
	g_mime_object_write_to_stream(object, NULL, body);

	GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(body));
	g_string_append_len(out, (const char *) bytes->data, bytes->len);
	if (out->str[out->len - 1] != '\n')
		g_string_append_c(out, '\n');

	return g_string_free_to_bytes(out);
}
