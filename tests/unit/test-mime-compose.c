/* SPDX-License-Identifier: MIT */
/* Composed messages: read back by our own view, and checked for what SMTP carries. */
#include "agent/message/mime-tree.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

static char *
compose(const MimeDraft *draft)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GBytes) bytes = NULL;
	if (!mime_compose(draft, &bytes, &st))
		fail_msg("cannot compose: %s", st.detail);
	return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static void
check_lines(const char *message)
{
	g_auto(GStrv) lines = g_strsplit(message, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		assert_true(strlen(lines[i]) <= 998);
	assert_true(g_str_is_ascii(message));
	assert_null(strchr(message, '\r'));
}

static void
test_plain(void **state)
{
	(void) state;
	const MimeField fields[] = {
		{ "From", "a@b.c", MIME_FIELD_ADDRESSES },
		{ "Subject", "away", MIME_FIELD_TEXT },
		{ "Message-ID", "<1@b>", MIME_FIELD_RAW },
	};
	const MimeDraft draft = {
		.fields = fields, .n_fields = 3, .type = "text/plain", .data = "hello\n", .len = 6
	};
	g_autofree char *got = compose(&draft);
	assert_string_equal(
		got,
		"From: a@b.c\nSubject: away\nMessage-ID: <1@b>\nMIME-Version: 1.0\n"
		"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\nhello\n");
}

static char *
field_text(const Headers *headers, const char *name)
{
	g_auto(Status) st = STATUS_INIT;
	size_t pos = 0;
	const HeaderField *field = headers_next(headers, name, &pos);
	char *text = NULL;

	assert_non_null(field);
	assert_true(mime_decode_field(field, NULL, &text, NULL, &st));
	return text;
}

typedef struct {
	const char *name;
	const char *subject;
	const char *body;
	const char *want_subject;
	const char *want_body;
} Row;

static const Row rows[] = {
	{ "ASCII", "x", "y\n", "x", "y\n" },
	{ "UTF-8", "J\xc3\xb6rg \xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac\n",
	  "J\xc3\xb6rg \xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac\n" },
	{ "line end in a field", "a\nBcc: evil@x", "y\n", "a Bcc: evil@x", "y\n" },
	{ "CR in a field", "a\r\n\r\nevil", "y\n", "a    evil", "y\n" },
	{ "looks like an encoded word", "=?utf-8?q?a?= b", "y\n", NULL, "y\n" },
	{ "CRLF in a body", "x", "a\r\nb\r\n", "x", "a\nb\n" },
	{ "lines of one dot and From", "x", ".\nFrom me\n", "x", ".\nFrom me\n" },
	{ "no line end", "x", "abc", "x", NULL },
};

static void
test_round_trip(void **state)
{
	const Row *row = *state;
	const MimeField fields[] = { { "Subject", row->subject, MIME_FIELD_TEXT } };
	const MimeDraft draft = { .fields = fields,
		                  .n_fields = 1,
		                  .type = "text/plain",
		                  .data = row->body,
		                  .len = strlen(row->body) };
	g_autofree char *got = compose(&draft);

	check_lines(got);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(got, strlen(got), &st);
	MessageBody body;
	assert_true(message_body(message, &body));

	g_autoptr(MimeTree) tree = mime_tree_new(message_headers(message), &body, &st);
	assert_int_equal(mime_tree_count(tree), 1);
	assert_int_equal(headers_count(message_headers(message)), 4);

	g_autofree char *subject = field_text(message_headers(message), "Subject");
	g_auto(MimeBytes) text = { 0 };
	assert_true(mime_tree_text(tree, 0, 10000, MIME_TEXT_AS_IT_IS, &text, &st));
	if (row->want_subject != NULL)
		assert_string_equal(subject, row->want_subject);
	if (row->want_body != NULL)
		assert_string_equal(text.data, row->want_body);
}

static void
test_long_lines(void **state)
{
	(void) state;
	g_autofree char *line = g_strnfill(5000, 'a');
	g_autofree char *subject = g_strdup_printf("%.500s \xc3\xb6 %.100s", line, line);
	const MimeField fields[] = { { "Subject", subject, MIME_FIELD_TEXT } };
	const MimeDraft draft = {
		.fields = fields, .n_fields = 1, .type = "text/plain", .data = line, .len = 5000
	};
	g_autofree char *got = compose(&draft);
	check_lines(got);
}

static void
test_report(void **state)
{
	(void) state;
	static const char returned[] = "Subject: M\xc3\xbcller\n\nbody\n";
	const MimeField own[] = { { "X-Good", "a\nb", MIME_FIELD_RAW },
		                  { "X-Bad: c\nX", "d", MIME_FIELD_RAW } };
	const MimeDraft parts[] = {
		{ .fields = own,
		  .n_fields = 2,
		  .type = "text/plain",
		  .data = "sorry\n",
		  .len = 6,
		  .description = "Notification" },
		{ .type = "message/delivery-status", .data = "Reporting-MTA: dns; x\n", .len = 22 },
		{ .type = "message/rfc822",
		  .data = returned,
		  .len = sizeof returned - 1,
		  .disposition = "attachment; filename=m.eml" },
		{ .type = "text/rfc822-headers", .data = "Subject: x\n", .len = 11 },
	};
	const MimeField fields[] = { { "To", "J\xc3\xb6rg <j@x.y>, k@x.y", MIME_FIELD_ADDRESSES } };
	const MimeDraft draft = {
		.fields = fields,
		.n_fields = 1,
		.type = "multipart/report; report-type=delivery-status",
		.children = parts,
		.n_children = 4,
	};
	g_autofree char *got = compose(&draft);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(got, strlen(got), &st);
	MessageBody body;
	assert_true(message_body(message, &body));

	g_autoptr(MimeTree) tree = mime_tree_new(message_headers(message), &body, &st);
	assert_int_equal(mime_tree_count(tree), 6);
	assert_string_equal(mime_value_param(&mime_tree_part(tree, 0)->type, "report-type"),
	                    "delivery-status");
	assert_true(mime_part_is(mime_tree_part(tree, 2), "message", "delivery-status"));
	assert_string_equal(mime_value_param(&mime_tree_part(tree, 3)->disposition, "filename"),
	                    "m.eml");

	g_auto(MimeBytes) raw = { 0 };
	assert_true(mime_tree_raw(tree, 3, 1000, &raw, &st));
	assert_string_equal(raw.data, returned);

	assert_non_null(strstr(got, "\nX-Good: a b\n"));
	assert_null(strstr(got, "X-Bad"));
	g_autofree char *to = field_text(message_headers(message), "To");
	assert_string_equal(to, "J\xc3\xb6rg <j@x.y>, k@x.y");
}

static void
test_bad_field_name_is_left_out(void **state)
{
	(void) state;
	const MimeField fields[] = { { "X\nBcc: a", "b", MIME_FIELD_RAW },
		                     { "", "b", MIME_FIELD_RAW },
		                     { "A b", "c", MIME_FIELD_RAW } };
	const MimeDraft draft = {
		.fields = fields, .n_fields = 3, .type = "text/plain", .data = "x", .len = 1
	};
	g_autofree char *got = compose(&draft);
	assert_true(g_str_has_prefix(got, "MIME-Version: 1.0\n"));
}

static void
test_one_level_too_deep(void **state)
{
	(void) state;
	MimeDraft drafts[LIMIT_MIME_DEPTH + 2];
	for (size_t i = 0; i < G_N_ELEMENTS(drafts); i++)
		drafts[i] = (MimeDraft){ .type = "multipart/mixed",
			                 .children = &drafts[i + 1],
			                 .n_children = 1 };

	drafts[LIMIT_MIME_DEPTH + 1] = (MimeDraft){ .type = "text/plain", .data = "x", .len = 1 };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GBytes) bytes = NULL;
	assert_false(mime_compose(&drafts[0], &bytes, &st));
	assert_int_equal(st.id, STATUS_LIMIT);
	status_clear(&st);
	assert_true(mime_compose(&drafts[1], &bytes, &st));
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 5];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_round_trip);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_plain);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_long_lines);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_report);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_bad_field_name_is_left_out);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_one_level_too_deep);

	return _cmocka_run_group_tests("mime-compose", tests, n, NULL, NULL);
}
