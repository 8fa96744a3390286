/* SPDX-License-Identifier: MIT */
/* Where the parts of a message lie, and what can be taken out of them. */
#include "agent/message/mime-tree.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * want: a line a part: depth, type, '!' where it was not opened, and of a leaf its bytes in
 * brackets.
 */
typedef struct {
	const char *name;
	const char *in;
	const char *want;
} Row;

#define MULTI(boundary) "Content-Type: multipart/mixed; boundary=\"" boundary "\"\n\n"

static const Row rows[] = {
	{ "no MIME at all", "Subject: x\n\nhello\n", "0 text/plain [hello\n]" },
	{ "uuencoded text in an encoded message is no header",
	  "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nbegin 644 a:b\n\nz",
	  "0 message/rfc822! [begin 644 a:b\n\nz]" },
	{ "a header that begins so, but for its blank, is one",
	  "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nBegin: x\n\nz",
	  "0 message/rfc822\n1 text/plain [z]" },
	{ "no body", "Subject: x\n", "0 text/plain []" },
	{ "no header", "\nhello\n", "0 text/plain [hello\n]" },
	{ "empty", "", "0 text/plain []" },
	{ "CRLF", "Subject: x\r\n\r\nhello\r\n", "0 text/plain [hello\r\n]" },
	/* RFC 2046 5.1.1, the example: preamble, part without a header, part with one, epilogue */
	{ "RFC 2046 5.1.1: example",
	  MULTI("simple boundary") "This is the preamble.\n\n--simple boundary\n\nimplicit\n"
	                           "no line end\n--simple boundary\n"
	                           "Content-type: text/plain; charset=us-ascii\n\nexplicit\nline end\n\n--simple boundary--\n\nepilogue\n",
	  "0 multipart/mixed\n1 text/plain [implicit\nno line end]\n1 text/plain [explicit\nline end\n]" },
	{ "RFC 2046 5.1.1: CRLF belongs to the boundary",
	  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "RFC 2046 5.1.2: no close delimiter", MULTI("b") "--b\n\na\n",
	  "0 multipart/mixed\n1 text/plain [a\n]" },
	{ "RFC 2046 5.1.2: outer boundary ends the inner multipart",
	  MULTI("o") "--o\n" MULTI("i") "--i\n\na\n--o\n\nb\n--o--\n",
	  "0 multipart/mixed\n1 multipart/mixed\n2 text/plain [a]\n1 text/plain [b]" },
	{ "nested, inner boundary begins like the outer",
	  MULTI("b") "--b\n" MULTI("bb") "--bb\n\na\n--bb--\n--b\n\nc\n--b--\n",
	  "0 multipart/mixed\n1 multipart/mixed\n2 text/plain [a]\n1 text/plain [c]" },
	{ "the same boundary twice", MULTI("b") "--b\n" MULTI("b") "--b\n\na\n--b--\n",
	  "0 multipart/mixed\n1 multipart/mixed\n2 text/plain [a]" },
	{ "blanks behind a delimiter", MULTI("b") "--b \t\n\na\n--b-- \n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "RFC 2046 5.1.1: a longer line is a delimiter", MULTI("b") "--b\n\n--bc\n--b--\n",
	  "0 multipart/mixed\n1 text/plain []\n1 text/plain []" },
	{ "one dash is no delimiter", MULTI("b") "--b\n\n-xb\nx-b\n--b--\n",
	  "0 multipart/mixed\n1 text/plain [-xb\nx-b]" },
	{ "indented line is no delimiter", MULTI("b") "--b\n\n --b\n--b--\n",
	  "0 multipart/mixed\n1 text/plain [ --b]" },
	{ "empty part", MULTI("b") "--b\n--b\n\n--b--\n",
	  "0 multipart/mixed\n1 text/plain []\n1 text/plain []" },
	{ "header of a part ends at the delimiter",
	  MULTI("b") "--b\nContent-Type: text/html\n--b--\n", "0 multipart/mixed\n1 text/html []" },
	{ "words behind a boundary",
	  MULTI("zz") "--zz (first part)\n\na\n--zz (second)\n\nb\n--zz-- (end)\nc\n",
	  "0 multipart/mixed\n1 text/plain [a]\n1 text/plain [b]" },
	{ "a boundary goes on", MULTI("zz") "--zzz\n\na\n--zz--\n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "nested, the longer boundary goes on",
	  MULTI("a") "--a\n" MULTI("ab") "--abc\n\nx\n--ab--c\n--ac\n\ny\n--a--\n",
	  "0 multipart/mixed\n1 multipart/mixed\n2 text/plain [x]\n1 text/plain [y]" },
	{ "nested, the inner boundary is the shorter one",
	  MULTI("ab") "--ab\n" MULTI("a") "--a\n\nx\n--ab\n\ny\n--ab--\n",
	  "0 multipart/mixed\n1 multipart/mixed\n2 text/plain [x]\n1 text/plain [y]" },
	{ "message that says that it is encoded, and is not",
	  "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n>From x\nSubject: y\n\nz",
	  "0 message/rfc822\n1 text/plain [z]" },
	{ "message that is encoded",
	  "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeQoKeg==\n",
	  "0 message/rfc822! [U3ViamVjdDogeQoKeg==\n]" },
	{ "boundary that looks like an encoded word",
	  MULTI("=?utf-8?q?x?=") "--=?utf-8?q?x?=\n\na\n--=?utf-8?q?x?=--\n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "boundary of octets beyond ASCII", MULTI("x\xfcy") "--x\xfcy\n\na\n--x\xfcy--\n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "boundary in pieces",
	  "Content-Type: multipart/mixed; boundary*0=ab; boundary*1=cd\n\n--abcd\n\na\n--abcd--\n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "boundary that looks like a field", MULTI("b:") "--b:\nContent-Type: text/html\n--b:--\n",
	  "0 multipart/mixed\n1 text/html []" },
	{ "delimiter never comes", MULTI("b") "text\n", "0 multipart/mixed" },
	{ "no boundary", "Content-Type: multipart/mixed\n\n--b\n\na\n",
	  "0 multipart/mixed! [--b\n\na\n]" },
	{ "digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\na\n--b--\n",
	  "0 multipart/digest\n1 message/rfc822\n2 text/plain [a]" },
	{ "message in a message", "Content-Type: message/rfc822\n\nSubject: x\n\na\n",
	  "0 message/rfc822\n1 text/plain [a\n]" },
	{ "multipart in a message in a multipart",
	  MULTI("b") "--b\nContent-Type: message/rfc822\n\n" MULTI(
		  "c") "--c\n\na\n--c--\n--b\n\nd\n--b--\n",
	  "0 multipart/mixed\n1 message/rfc822\n2 multipart/mixed\n3 text/plain [a]\n1 text/plain [d]" },
	{ "encoded message is not opened",
	  "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nYQ==\n",
	  "0 message/rfc822! [YQ==\n]" },
	/*
	 * found by fuzz-mime: the line end before the delimiter belonged to the inner part, but not
	 * to the outer one
	 */
	{ "empty message in a digest",
	  "Content-Type: multipart/digest; boundary=b\n\n--b\n\nFrom: <>\n\n--b--",
	  "0 multipart/digest\n1 message/rfc822\n2 text/plain []" },
	{ "NUL in a part", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\n--b--\n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "leading folded line, for which GMime has no answer",
	  " x\nContent-Type: text/html\n\na\n", "0 text/html [a\n]" },
	{ "folded type", "Content-Type: multipart/mixed;\n\tboundary=b\n\n--b\n\na\n--b--\n",
	  "0 multipart/mixed\n1 text/plain [a]" },
	{ "the first of two types counts",
	  "Content-Type: text/html\nContent-Type: text/plain\n\na\n", "0 text/html [a\n]" },
};

/* A message in memory and its tree. */
typedef struct {
	Message *message;
	MimeTree *tree;
} Fixture;

static Fixture
fixture_new(const char *in, size_t len)
{
	g_auto(Status) st = STATUS_INIT;
	Fixture fixture = { .message = message_from_bytes(in, len, &st) };

	assert_non_null(fixture.message);
	MessageBody body;
	assert_true(message_body(fixture.message, &body));
	fixture.tree = mime_tree_new(message_headers(fixture.message), &body, &st);
	if (fixture.tree == NULL)
		fail_msg("no tree: %s", st.detail);

	return fixture;
}

static void
fixture_clear(Fixture *fixture)
{
	mime_tree_free(fixture->tree);
	message_unref(fixture->message);
}

static char *
print_tree(const MimeTree *tree)
{
	GString *out = g_string_new(NULL);
	for (size_t i = 0; i < mime_tree_count(tree); i++) {
		const MimePart *part = mime_tree_part(tree, i);
		const MimePart *parent = i > 0 ? mime_tree_part(tree, part->parent) : part;
		assert_true(parent->body_at <= part->body_at && part->end <= parent->end &&
		            part->after <= parent->after);
		bool leaf = part->after == i + 1 &&
		            (part->unopened || !mime_part_is(part, "multipart", NULL));
		g_string_append_printf(out, "%s%u %s/%s%s", i > 0 ? "\n" : "", part->depth,
		                       part->type.type, part->type.subtype,
		                       part->unopened ? "!" : "");
		g_auto(Status) st = STATUS_INIT;
		g_auto(MimeBytes) raw = { 0 };
		assert_true(mime_tree_raw(tree, i, 1000, &raw, &st));
		if (leaf)
			g_string_append_printf(out, " [%s]", raw.data);
	}

	return g_string_free(out, FALSE);
}

static void
test_row(void **state)
{
	const Row *row = *state;
	Fixture fixture = fixture_new(row->in, strlen(row->in));
	g_autofree char *got = print_tree(fixture.tree);
	assert_string_equal(got, row->want);
	fixture_clear(&fixture);
}

/* The same tree must come out wherever the 64 kB windows of the scan happen to end. */
static void
test_windows_do_not_matter(void **state)
{
	(void) state;
	for (size_t shift = 0; shift < 24; shift++) {
		g_autoptr(GString) in = g_string_new(MULTI("b"));
		while (in->len < 65536 - 12)
			g_string_append(
				in,
				"0123456789012345678901234567890123456789012345678901234567890123456789\n");
		g_string_truncate(in, 65536 + strlen(MULTI("b")) - 16);
		for (size_t i = 0; i < shift; i++)
			g_string_append_c(in, 'x');
		g_string_append(in, "\n--b\n\nhello\n--b--\n");
		Fixture fixture = fixture_new(in->str, in->len);
		g_autofree char *got = print_tree(fixture.tree);
		assert_string_equal(got, "0 multipart/mixed\n1 text/plain [hello]");
		fixture_clear(&fixture);
	}
}

static void
test_headers_of_parts(void **state)
{
	(void) state;
	static const char in[] = "Subject: outer\n" MULTI(
		"b") "--b\nSubject: one\nX: 1\n\na\n--b\n\nb\n--b--\n";
	static const char *const want[] = { "outer", "one", NULL };
	Fixture fixture = fixture_new(in, strlen(in));
	assert_int_equal(mime_tree_count(fixture.tree), 3);

	for (size_t i = 0; i < 3; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Headers) headers = mime_tree_headers(fixture.tree, i, &st);
		size_t pos = 0;
		const HeaderField *field = headers_next(headers, "subject", &pos);
		g_autofree char *value = field != NULL ? header_field_value(field) : NULL;
		assert_int_equal(value != NULL, want[i] != NULL);
		if (want[i] != NULL)
			assert_string_equal(value, want[i]);
	}

	fixture_clear(&fixture);
}

typedef struct {
	const char *name;
	const char *in;
	MimeTextForm form;
	const char *want;
	const char *guess;
} TextRow;

static const TextRow text_rows[] = {
	{ "plain", "\nhello\n", MIME_TEXT_AS_IT_IS, "hello\n", "" },
	{ "base64 and charset",
	  "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: base64\n\n9mFi\n",
	  MIME_TEXT_AS_IT_IS,
	  "\xc3\xb6"
	  "ab",
	  "" },
	{ "base64 that was cut", "Content-Transfer-Encoding: base64\n\nYWJjZGU\n",
	  MIME_TEXT_AS_IT_IS, "abcde", "" },
	{ "base64 that was cut, one octet less", "Content-Transfer-Encoding: base64\n\nYWJjZG\n",
	  MIME_TEXT_AS_IT_IS, "abcd", "" },
	{ "base64 with its padding", "Content-Transfer-Encoding: base64\n\nYWJjZA==\n",
	  MIME_TEXT_AS_IT_IS, "abcd", "" },
	{ "quoted-printable",
	  "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\na=C3=B6=\nb\n",
	  MIME_TEXT_AS_IT_IS,
	  "a\xc3\xb6"
	  "b\n",
	  "" },
	{ "damaged quoted-printable", "Content-Transfer-Encoding: quoted-printable\n\na=ZZ=4\n",
	  MIME_TEXT_AS_IT_IS, "a=ZZ=4\n", "" },
	{ "uuencode", "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n#86)C\n`\nend\n",
	  MIME_TEXT_AS_IT_IS, "abc", "" },
	{ "guessed", "Content-Type: text/plain\n\nM\xfcller", MIME_TEXT_AS_IT_IS, "M\xc3\xbcller",
	  "windows-1252 for no charset" },
	{ "ISO-2022-JP without a label", "Subject: x\n\n\033$BF|K\\8l\033(B\n", MIME_TEXT_AS_IT_IS,
	  "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\n", "iso-2022-jp for no charset" },
	{ "HTML as it is", "Content-Type: text/html\n\n<b>a</b>", MIME_TEXT_AS_IT_IS, "<b>a</b>",
	  "" },
	{ "HTML to text", "Content-Type: text/html\n\n<b>a</b>&amp;", MIME_TEXT_WITHOUT_MARKUP,
	  "a&", "" },
	{ "HTML names its charset", "Content-Type: text/html\n\n<meta charset=\"koi8-r\">\xd0\xd2",
	  MIME_TEXT_WITHOUT_MARKUP, "\xd0\xbf\xd1\x80", "" },
	{ "label of the part wins over the HTML's",
	  "Content-Type: text/html; charset=utf-8\n\n<meta charset=koi8-r>\xc3\xb6",
	  MIME_TEXT_WITHOUT_MARKUP, "\xc3\xb6", "" },
	{ "plain text keeps its signs", "\n<b>", MIME_TEXT_WITHOUT_MARKUP, "<b>", "" },
};

static void
test_text(void **state)
{
	const TextRow *row = *state;
	Fixture fixture = fixture_new(row->in, strlen(row->in));
	g_auto(Status) st = STATUS_INIT;
	g_auto(MimeBytes) text = { 0 };

	assert_true(mime_tree_text(fixture.tree, 0, 1000, row->form, &text, &st));
	assert_string_equal(text.data, row->want);
	assert_int_equal(text.len, strlen(row->want));
	assert_string_equal(text.guess != NULL ? text.guess : "", row->guess);
	assert_false(text.cut);
	fixture_clear(&fixture);
}

static void
test_limit_of_content(void **state)
{
	(void) state;
	static const char in[] = "Content-Transfer-Encoding: base64\n\nYWJjZA==\n";
	Fixture fixture = fixture_new(in, strlen(in));
	static const struct {
		size_t limit;
		const char *want;
		bool cut;
	} limits[] = { { 4, "abcd", false }, { 3, "abc", true }, { 0, "", true } };
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_auto(MimeBytes) bytes = { 0 };
		assert_true(mime_tree_content(fixture.tree, 0, limits[i].limit, &bytes, &st));
		assert_string_equal(bytes.data, limits[i].want);
		assert_int_equal(bytes.cut, limits[i].cut);
	}

	fixture_clear(&fixture);
}

static GString *
nest(unsigned levels)
{
	GString *in = g_string_new(NULL);

	for (unsigned i = 0; i < levels; i++)
		g_string_append_printf(
			in, "Content-Type: multipart/mixed; boundary=b%03u\n\n--b%03u\n", i, i);
	g_string_append(in, "\nhello\n");
	for (unsigned i = levels; i-- > 0;)
		g_string_append_printf(in, "--b%03u--\n", i);

	return in;
}

static void
test_one_level_too_deep(void **state)
{
	(void) state;
	const unsigned levels[] = { LIMIT_MIME_DEPTH, LIMIT_MIME_DEPTH + 1 };
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		g_autoptr(GString) in = nest(levels[i]);
		Fixture fixture = fixture_new(in->str, in->len);
		size_t last = mime_tree_count(fixture.tree) - 1;
		assert_int_equal(last, LIMIT_MIME_DEPTH);
		assert_int_equal(mime_tree_part(fixture.tree, last)->unopened, i == 1);
		assert_int_equal(mime_tree_is_cut(fixture.tree), i == 1);
		fixture_clear(&fixture);
	}
}

static void
test_one_part_too_many(void **state)
{
	(void) state;
	for (unsigned extra = 0; extra < 2; extra++) {
		g_autoptr(GString) in = g_string_new(MULTI("b"));
		for (unsigned i = 1; i < LIMIT_MIME_PARTS + extra; i++)
			g_string_append(in, "--b\n\na\n");
		g_string_append(in, "--b--\n");
		Fixture fixture = fixture_new(in->str, in->len);
		assert_int_equal(mime_tree_count(fixture.tree), LIMIT_MIME_PARTS);
		assert_int_equal(mime_tree_is_cut(fixture.tree), extra == 1);
		fixture_clear(&fixture);
	}
}

static void
test_header_of_a_part_too_long(void **state)
{
	(void) state;
	g_autoptr(GString) in = g_string_new(MULTI("b") "--b\n");
	while (in->len < LIMIT_MIME_PART_HEADER + 100)
		g_string_append(in, "X: y\n");
	g_string_append(in, "Content-Type: text/html\n\na\n--b\n\nb\n--b--\n");

	Fixture fixture = fixture_new(in->str, in->len);
	assert_int_equal(mime_tree_count(fixture.tree), 3);
	assert_true(mime_part_is(mime_tree_part(fixture.tree, 1), "text", "plain"));
	fixture_clear(&fixture);
}

/* The line of a delimiter may be longer than what is compared of it. */
static void
test_many_words_behind_a_boundary(void **state)
{
	(void) state;
	g_autofree char *words = g_strnfill(100000, 'x');
	g_autofree char *in = g_strdup_printf(
		"Content-Type: multipart/mixed; boundary=b\n\n--b %s\n\na\n--b-- %s\n", words,
		words);
	Fixture fixture = fixture_new(in, strlen(in));
	g_autofree char *got = print_tree(fixture.tree);
	assert_string_equal(got, "0 multipart/mixed\n1 text/plain [a]");
	fixture_clear(&fixture);
}

static void
test_boundary_too_long(void **state)
{
	(void) state;
	for (unsigned extra = 0; extra < 2; extra++) {
		g_autofree char *boundary = g_strnfill(LIMIT_MIME_BOUNDARY + extra, 'b');
		g_autofree char *in = g_strdup_printf(
			"Content-Type: multipart/mixed; boundary=%s\n\n--%s\n\na\n--%s--\n",
			boundary, boundary, boundary);
		Fixture fixture = fixture_new(in, strlen(in));
		assert_int_equal(mime_tree_count(fixture.tree), extra == 0 ? 2 : 1);
		assert_int_equal(mime_tree_part(fixture.tree, 0)->unopened, extra == 1);
		fixture_clear(&fixture);
	}
}

/*
 * Each would take minutes if a step were quadratic; it takes a tenth of a second without the
 * sanitizers.
 */
static void
test_hostile_messages_are_linear(void **state)
{
	(void) state;
	static const struct {
		const char *head;
		const char *again;
		size_t len;
	} seeds[] = {
		{ MULTI("b"), "--\n", 1000000 },
		{ MULTI("b"), "\n", 1000000 },
		{ MULTI("b"), "--b\n" MULTI("b"), 1000000 },
		{ MULTI("b"), "--b\n", 1000000 },
		{ MULTI("b"), "--b\nContent-Type: message/rfc822\n\n", 1000000 },
		{ MULTI("b") "--b\nContent-Type: text/plain; x=\"", "=?a?q?x", 1000000 },
		{ "Content-Type: text/plain; x=\"", "=?a?q?x", 1000000 },
		{ "Content-Type: text/plain", "; x=y", 1000000 },
		{ "Content-Type: text/plain", "; x*0*=y", 1000000 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
		g_autoptr(GString) in = g_string_new(seeds[i].head);
		while (in->len < seeds[i].len)
			g_string_append(in, seeds[i].again);
		int64_t start = unit_cpu_ms();
		Fixture fixture = fixture_new(in->str, in->len);
		fixture_clear(&fixture);
		if (unit_cpu_ms() - start > 5000)
			fail_msg("message %zu took %d ms", i, (int) (unit_cpu_ms() - start));
	}
}

/* A thousand parts, each with the worst value that fits its bound. */
static void
test_hostile_types_are_bounded(void **state)
{
	(void) state;
	g_autoptr(GString) in = g_string_new(MULTI("b"));
	for (unsigned i = 0; i < LIMIT_MIME_PARTS; i++) {
		g_string_append(in, "--b\nContent-Type: text/plain; x=\"");
		for (unsigned k = 0; k < LIMIT_MIME_VALUE / 7; k++)
			g_string_append(in, "=?a?q?x");
		g_string_append(in, "\"\n\n");
	}

	int64_t start = unit_cpu_ms();
	Fixture fixture = fixture_new(in->str, in->len);
	fixture_clear(&fixture);
	if (unit_cpu_ms() - start > 5000)
		fail_msg("took %d ms", (int) (unit_cpu_ms() - start));
}

static void
test_shorter_file_is_a_fault(void **state)
{
	(void) state;
	static const char in[] = MULTI("b") "--b\n\na\n--b--\n";
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(in, strlen(in), &st);
	MessageBody body;
	assert_true(message_body(message, &body));
	assert_int_equal(ftruncate(body.fd, body.offset + 4), 0);
	assert_null(mime_tree_new(message_headers(message), &body, &st));
	assert_int_equal(st.id, STATUS_IO);
}

static void
test_opaque(void **state)
{
	(void) state;
	static const struct {
		const char *in, *want;
	} mails[] = {
		{ MULTI("b") "--b\n\na\n--b--\n", "--b\n\na\n--b--\n" },
		{ "A: 1\r\n\r\nb\r\n", "b\r\n" },
		{ "A: 1\n\n\rb", "\rb" },
		{ "A: 1\n\n\n", "\n" },
		{ "A: 1\n", "" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(mails); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(Message)
			message = message_from_bytes(mails[i].in, strlen(mails[i].in), &st);
		MessageBody body;
		assert_true(message_body(message, &body));
		g_autoptr(MimeTree) tree = mime_tree_new_opaque(message_headers(message), &body);
		assert_int_equal(mime_tree_count(tree), 1);
		g_auto(MimeBytes) raw = { 0 };
		assert_true(mime_tree_raw(tree, 0, 100, &raw, &st));
		assert_string_equal(raw.data, mails[i].want);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + G_N_ELEMENTS(text_rows) + 12];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_row);
	UNIT_ROWS(tests, n, text_rows, test_text);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_windows_do_not_matter);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_headers_of_parts);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limit_of_content);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_one_level_too_deep);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_one_part_too_many);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_header_of_a_part_too_long);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_boundary_too_long);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_many_words_behind_a_boundary);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_messages_are_linear);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_types_are_bounded);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_shorter_file_is_a_fault);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_opaque);

	return _cmocka_run_group_tests("mime-tree", tests, n, NULL, NULL);
}
