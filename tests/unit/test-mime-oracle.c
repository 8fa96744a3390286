/* SPDX-License-Identifier: MIT */
/*
 * GMime's parser as the judge of our scan: for messages that both can read, the trees must be the
 * same.
 */
#include "agent/message/gmime-extra.h"
#include "agent/message/mime-tree.h"

#include "tests/unit/unit.h"

#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeMessage, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GMimeParser, g_object_unref)

/* A line for each leaf: depth, type and the octets of its body as they stand. */
static void
print_object(GString *out, GMimeObject *object, unsigned depth)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	g_autofree char *name = g_mime_content_type_get_mime_type(type);
	g_autofree char *lower = g_ascii_strdown(name, -1);

	g_string_append_printf(out, "%u %s", depth, lower);
	if (GMIME_IS_MULTIPART(object)) {
		g_string_append_c(out, '\n');
		for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); i++)
			print_object(out, g_mime_multipart_get_part(GMIME_MULTIPART(object), i),
			             depth + 1);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		g_string_append_c(out, '\n');
		print_object(out,
		             g_mime_message_get_mime_part(
				     g_mime_message_part_get_message(GMIME_MESSAGE_PART(object))),
		             depth + 1);
	} else {
		GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(object));
		g_autoptr(GMimeStream) bytes = g_mime_stream_mem_new();
		g_mime_stream_reset(g_mime_data_wrapper_get_stream(content));
		g_mime_stream_write_to_stream(g_mime_data_wrapper_get_stream(content), bytes);
		GByteArray *array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(bytes));
		g_string_append_printf(out, " [%.*s]\n", (int) array->len,
		                       (const char *) array->data);
	}
}

static char *
gmime_tree(const char *in)
{
	GString *out = g_string_new(NULL);
	g_autoptr(GMimeStream) stream = g_mime_stream_mem_new_with_buffer(in, strlen(in));
	g_autoptr(GMimeParser) parser = g_mime_parser_new_with_stream(stream);
	g_autoptr(GMimeMessage) message = g_mime_parser_construct_message(parser, NULL);

	assert_non_null(message);
	print_object(out, g_mime_message_get_mime_part(message), 0);
	return g_string_free(out, FALSE);
}

static char *
our_tree(const char *in)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(in, strlen(in), &st);
	MessageBody body;

	assert_true(message_body(message, &body));
	g_autoptr(MimeTree) tree = mime_tree_new(message_headers(message), &body, &st);
	assert_non_null(tree);

	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < mime_tree_count(tree); i++) {
		const MimePart *part = mime_tree_part(tree, i);
		g_string_append_printf(out, "%u %s/%s", part->depth, part->type.type,
		                       part->type.subtype);
		g_auto(MimeBytes) raw = { 0 };
		assert_true(mime_tree_raw(tree, i, 1000000, &raw, &st));
		bool container = mime_part_is(part, "multipart", NULL) ||
		                 mime_part_is(part, "message", "rfc822");
		if (container)
			g_string_append_c(out, '\n');
		else
			g_string_append_printf(out, " [%.*s]\n", (int) raw.len, raw.data);
	}

	return g_string_free(out, FALSE);
}

static void
append_entity(GString *out, GRand *random, unsigned depth, const char *newline)
{
	unsigned kind = depth < 5 ? (unsigned) g_rand_int_range(random, 0, 6) : 5;
	if (kind <= 1) {
		guint32 id = g_rand_int(random);
		int children = g_rand_int_range(random, 1, 4);
		g_string_append_printf(
			out, "Content-Type: multipart/%s;%s boundary=\"=_%u/%u\"%s%s",
			kind == 0 ? "mixed" : "alternative", newline, depth, id, newline, newline);
		if (g_rand_boolean(random))
			g_string_append_printf(out, "preamble%s", newline);
		for (int i = 0; i < children; i++) {
			g_string_append_printf(out, "--=_%u/%u%s", depth, id, newline);
			append_entity(out, random, depth + 1, newline);
			g_string_append(out, newline);
		}
		g_string_append_printf(out, "--=_%u/%u--%s", depth, id, newline);
		if (g_rand_boolean(random))
			g_string_append_printf(out, "epilogue%s", newline);
	} else if (kind == 2) {
		g_string_append_printf(out, "Content-Type: message/rfc822%s%sSubject: inner%s",
		                       newline, newline, newline);
		append_entity(out, random, depth + 1, newline);
	} else {
		g_string_append_printf(out, "Content-Type: %s%sX-Field: 1%s%s",
		                       kind == 3 ? "text/html" : "TEXT/plain; charset=\"utf-8\"",
		                       newline, newline, newline);
		for (int lines = g_rand_int_range(random, 0, 5); lines > 0; lines--)
			g_string_append_printf(out, "%s%d%s",
			                       g_rand_boolean(random) ? "--" : "line ", lines,
			                       newline);
	}
}

/* Messages made by a fixed seed: the same ones in every run. */
static void
test_generated(void **state)
{
	const char *newline = *state;
	g_autoptr(GRand) random = g_rand_new_with_seed(2047);

	for (unsigned i = 0; i < 500; i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		g_string_append_printf(in, "Subject: %u%sMIME-Version: 1.0%s", i, newline, newline);
		append_entity(in, random, 0, newline);
		g_autofree char *ours = our_tree(in->str), *theirs = gmime_tree(in->str);
		if (strcmp(ours, theirs) != 0)
			fail_msg("message\n%s\nours\n%s\ntheirs\n%s", in->str, ours, theirs);
	}
}

/* What is wrong in ways that real mail is wrong. */
static const struct {
	const char *name;
	const char *in;
} rows[] = {
	{ "no close delimiter", "Content-Type: multipart/mixed; boundary=b\n\n--b\nX: 1\n\na\n" },
	{ "outer boundary ends the inner multipart",
	  "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\nX: 1\n\na\n--o\nX: 1\n\nb\n--o--\n" },
	{ "boundary begins like the outer one",
	  "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\nX: 1\n\na\n--bb--\n--b\nX: 1\n\nc\n--b--\n" },
	{ "blanks behind a delimiter",
	  "Content-Type: multipart/mixed; boundary=b\n\n--b \t\nX: 1\n\na\n--b-- \n" },
	{ "no header in a part", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b--\n" },
	{ "digest",
	  "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\na\n--b--\n" },
	{ "no MIME", "Subject: x\n\nhello\n" },
};

static void
test_row(void **state)
{
	const char *in = *state;
	g_autofree char *ours = our_tree(in), *theirs = gmime_tree(in);
	assert_string_equal(ours, theirs);
}

int
main(void)
{
	g_mime_init();
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].name, test_row, NULL, NULL,
			                          (void *) (uintptr_t) rows[i].in };
	tests[n++] = (struct CMUnitTest){ "generated, LF", test_generated, NULL, NULL,
		                          (void *) (uintptr_t) "\n" };
	tests[n++] = (struct CMUnitTest){ "generated, CRLF", test_generated, NULL, NULL,
		                          (void *) (uintptr_t) "\r\n" };

	return _cmocka_run_group_tests("mime-oracle", tests, n, NULL, NULL);
}
