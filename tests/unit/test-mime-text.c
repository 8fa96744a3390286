/* Header text, charsets and structured values: what the module says that bytes mean. */
#include "agent/message/mime.h"

#include "agent/message/html-text.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define BYTES(text) (text), sizeof(text) - 1

typedef struct {
	const char *name;
	const char *in;
	size_t len;
	const char *want;
	const char *guess;  /* NULL: none */
} TextRow;

/* Hiragana and kanji in UTF-8, for the rows below: "nihongo" and "tesuto" (kana). */
#define NIHONGO "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
#define TESUTO "\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88"

static const TextRow header_rows[] = {
	{ "plain", BYTES("hello"), "hello", NULL },
	{ "folded and trimmed", BYTES(" hello\r\n world \r\n"), "hello world", NULL },
	{ "tab of a fold stays", BYTES("a\n\tb"), "a\tb", NULL },
	{ "encoded word", BYTES("=?utf-8?q?a?="), "a", NULL },
	/* RFC 2047 8, the table of examples */
	{ "RFC 2047 8: one word", BYTES("=?ISO-8859-1?Q?a?="), "a", NULL },
	{ "RFC 2047 8: word and text", BYTES("=?ISO-8859-1?Q?a?= b"), "a b", NULL },
	{ "RFC 2047 8: blank between words goes", BYTES("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab", NULL },
	{ "RFC 2047 8: blanks between words go", BYTES("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?="), "ab", NULL },
	{ "RFC 2047 8: fold between words goes", BYTES("=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?="), "ab", NULL },
	{ "RFC 2047 8: blank within a word", BYTES("=?ISO-8859-1?Q?a_b?="), "a b", NULL },
	{ "RFC 2047 8: blank within the second word", BYTES("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b", NULL },
	{ "RFC 2047 8: From", BYTES("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?="), "Keld J\xc3\xb8rn Simonsen", NULL },
	{ "RFC 2047 8: Subject", BYTES("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
	  "If you can read this you understand the example.", NULL },
	{ "RFC 2231 5: language", BYTES("=?US-ASCII*EN?Q?Keith_Moore?="), "Keith Moore", NULL },
	{ "character cut between two words", BYTES("=?utf-8?b?5pel5pw=?= =?utf-8?b?rOiqng==?="), NIHONGO, NULL },
	{ "character cut, other encodings", BYTES("=?utf-8?q?=E6=97=A5=E6?= =?UTF-8?b?nKzoqp4=?="), NIHONGO, NULL },
	{ "mixed charsets", BYTES("=?utf-8?q?=C3=B6?= =?iso-8859-1?q?=F6?="), "\xc3\xb6\xc3\xb6", NULL },
	{ "no blank before and behind", BYTES("a=?utf-8?q?b?=c"), "abc", NULL },
	{ "no blank between", BYTES("=?utf-8?q?a?==?utf-8?q?b?="), "ab", NULL },
	{ "blanks in a word", BYTES("=?utf-8?q?a b?= c"), "a b c", NULL },
	{ "question mark in a word", BYTES("=?utf-8?q?what?\?= x"), "what? x", NULL },
	{ "base64 without padding", BYTES("=?utf-8?b?YQ?="), "a", NULL },
	{ "word that never ends", BYTES("=?utf-8?q?abc"), "=?utf-8?q?abc", NULL },
	{ "no such encoding", BYTES("=?utf-8?x?abc?="), "=?utf-8?x?abc?=", NULL },
	{ "no charset", BYTES("=??q?abc?="), "=??q?abc?=", NULL },
	{ "empty word", BYTES("a =?utf-8?q?\?= b"), "a  b", NULL },
	{ "almost a word", BYTES("a=?b"), "a=?b", NULL },
	{ "unknown charset, ASCII", BYTES("=?x-none-such?q?abc?="), "abc", NULL },
	{ "unknown charset, UTF-8", BYTES("=?x-none-such?q?=C3=B6?="), "\xc3\xb6", "utf-8 for x-none-such" },
	{ "label says ASCII, octets say more", BYTES("=?us-ascii?q?M=FCller?="), "M\xc3\xbcller", "windows-1252 for us-ascii" },
	{ "label says UTF-8, octets Latin-1", BYTES("=?utf-8?q?M=FCller?="), "M\xc3\xbcller", "windows-1252 for utf-8" },
	{ "Latin-1 is windows-1252", BYTES("=?iso-8859-1?q?=93a=94?="), "\xe2\x80\x9c" "a" "\xe2\x80\x9d", NULL },
	{ "Shift_JIS is cp932", BYTES("=?Shift_JIS?B?h0A=?="), "\xe2\x91\xa0", NULL },
	{ "ISO-2022-JP", BYTES("=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?="), NIHONGO, NULL },
	{ "ISO-2022-JP with a circled number", BYTES("=?ISO-2022-JP?B?GyRCLSEbKEI=?="), "\xe2\x91\xa0", NULL },
	{ "ISO-2022-JP with half-width kana", BYTES("=?ISO-2022-JP?B?GyhJNBsoQg==?="), "\xef\xbd\xb4", NULL },
	{ "ISO-2022-JP under another label", BYTES("=?utf-8?B?GyRCRnxLXDhsGyhC?="), NIHONGO, "iso-2022-jp for utf-8" },
	{ "NUL in a word", BYTES("=?utf-8?b?YQBi?= c"), "ab c", NULL },
	{ "line end in a word", BYTES("=?utf-8?q?a=0D=0AX-Evil:_b?="), "a  X-Evil: b", NULL },
	{ "NUL in the value", BYTES("a\0b =?utf-8?q?c?="), "ab c", NULL },
	/* without any label */
	{ "raw UTF-8", BYTES("M\xc3\xbcller"), "M\xc3\xbcller", "utf-8 for no charset" },
	{ "raw UTF-8 beside a word", BYTES("M\xc3\xbcller =?utf-8?q?x?="), "M\xc3\xbcller x", "utf-8 for no charset" },
	{ "raw UTF-8 that was cut", BYTES(NIHONGO NIHONGO "\xe6\x97"), NIHONGO NIHONGO "\xef\xbf\xbd\xef\xbf\xbd", "damaged utf-8 for no charset" },
	{ "raw ISO-2022-JP", BYTES("\033$BF|K\\8l\033(B"), NIHONGO, "iso-2022-jp for no charset" },
	{ "raw EUC-JP kana", BYTES("\xa5\xc6\xa5\xb9\xa5\xc8"), TESUTO, "euc-jp for no charset" },
	{ "raw EUC-JP kanji", BYTES("\xc6\xfc\xcb\xdc\xb8\xec"), NIHONGO, "euc-jp for no charset" },
	{ "raw Shift_JIS kana", BYTES("\x83\x65\x83\x58\x83\x67"), TESUTO, "shift_jis for no charset" },
	{ "raw Shift_JIS kanji", BYTES("\x93\xfa\x96\x7b\x8c\xea"), NIHONGO, "shift_jis for no charset" },
	{ "raw Latin-1", BYTES("M\xfcller"), "M\xc3\xbcller", "windows-1252 for no charset" },
	{ "raw Latin-1, two in a row", BYTES("a\xe7\xe3o"), "a\xc3\xa7\xc3\xa3o", "windows-1252 for no charset" },
	{ "raw curly apostrophes", BYTES("don\x92t can\x92t won\x92t"), "don\xe2\x80\x99t can\xe2\x80\x99t won\xe2\x80\x99t",
	  "windows-1252 for no charset" },
};

static void
test_header(void **state)
{
	const TextRow *row = *state;
	g_autofree char *exact = g_memdup2(row->in, row->len), *text = NULL, *guess = NULL;
	g_auto(Status) st = STATUS_INIT;
	assert_true(mime_decode_text(exact, row->len, &text, &guess, &st));
	assert_string_equal(text, row->want);
	assert_string_equal(guess != NULL ? guess : "", row->guess != NULL ? row->guess : "");
}

typedef struct {
	const char *name;
	const char *charset;
	const char *in;
	size_t len;
	const char *want;
	const char *guess;
} CharsetRow;

static const CharsetRow charset_rows[] = {
	{ "utf-8", "utf-8", BYTES("\xc3\xb6"), "\xc3\xb6", NULL },
	{ "nothing said, ASCII", NULL, BYTES("a"), "a", NULL },
	{ "utf-16 with a mark", "utf-16", BYTES("\xff\xfe" "a\0\xf6\0"), "a\xc3\xb6", NULL },
	{ "utf-16be", "utf-16be", BYTES("\0a\0\xf6"), "a\xc3\xb6", NULL },
	{ "utf-7", "utf-7", BYTES("+APY-"), "\xc3\xb6", NULL },
	{ "koi8-r", "koi8-r", BYTES("\xd0\xd2"), "\xd0\xbf\xd1\x80", NULL },
	{ "gb2312 is gb18030", "gb2312", BYTES("\xc4\xe3\x81\x40"), "\xe4\xbd\xa0\xe4\xb8\x82", NULL },
	{ "euc-kr", "euc-kr", BYTES("\xb0\xa1"), "\xea\xb0\x80", NULL },
	{ "iso-2022-kr", "iso-2022-kr", BYTES("\033$)C\016\x30\x21\017"), "\xea\xb0\x80", NULL },
	{ "big5", "big5", BYTES("\xa4\xa4"), "\xe4\xb8\xad", NULL },
	{ "NUL in eight bits", "iso-8859-1", BYTES("a\0\xf6"), "a\xc3\xb6", NULL },
	{ "label with options of iconv", "utf-8//IGNORE", BYTES("\xc3\xb6"), "\xc3\xb6", "utf-8 for utf-8??IGNORE" },
	{ "label with a path", "../../tmp/x", BYTES("a\xf6"), "a\xc3\xb6", "windows-1252 for ..?..?tmp?x" },
	{ "one bad octet in a hundred characters", "euc-jp",
	  BYTES("\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xff"),
	  "\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xef\xbf\xbd",
	  "damaged EUC-JP-MS for euc-jp" },
	{ "line cut in ISO-2022-JP does not spoil the next", "iso-2022-jp", BYTES("\033$BF|K\\\nabc"), "\xe6\x97\xa5\xe6\x9c\xac\nabc", NULL },
};

static void
test_charset(void **state)
{
	const CharsetRow *row = *state;
	g_autofree char *exact = g_memdup2(row->in, row->len), *text = NULL, *guess = NULL;
	size_t len = 0;
	g_auto(Status) st = STATUS_INIT;
	assert_true(mime_to_utf8(exact, row->len, row->charset, &text, &len, &guess, &st));
	assert_string_equal(text, row->want);
	assert_int_equal(len, strlen(row->want));
	assert_string_equal(guess != NULL ? guess : "", row->guess != NULL ? row->guess : "");
}

typedef struct {
	const char *name;
	const char *in;
	const char *want;  /* type/subtype;name=value;... */
} ValueRow;

static const ValueRow type_rows[] = {
	{ "plain type", "text/plain", "text/plain" },
	{ "upper case", "TEXT/HTML; CHARSET=UTF-8", "text/html;charset=UTF-8" },
	{ "quoted and commented", "text/plain; charset=\"us-ascii\" (Plain text)", "text/plain;charset=us-ascii" },
	{ "semicolon in quotes", "multipart/mixed; boundary=\"a;b\"", "multipart/mixed;boundary=a;b" },
	{ "folded", "multipart/mixed;\r\n\tboundary=abc", "multipart/mixed;boundary=abc" },
	{ "empty is text/plain", "", "text/plain" },
	{ "no subtype is text/plain", "text", "text/plain" },
	{ "unreadable is text/plain", "/;=", "text/plain" },
	/* RFC 2231 */
	{ "RFC 2231 3: pieces", "message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
	  "message/external-body;access-type=URL;url=ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar" },
	{ "RFC 2231 4: charset", "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
	  "application/x-stuff;title=This is ***fun***" },
	{ "RFC 2231 4.1: pieces and charset", "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
	  "application/x-stuff;title=This is even more ***fun*** isn't it!" },
	{ "encoded word in a parameter", "application/pdf; name=\"=?utf-8?q?J=C3=B6rg=2Epdf?=\"", "application/pdf;name=J\xc3\xb6rg.pdf" },
	{ "raw octets in a parameter", "application/pdf; name=\"J\xf6rg.pdf\"", "application/pdf;name=J\xc3\xb6rg.pdf" },
};

static void
print_value(GString *out, const MimeValue *value)
{
	g_string_append(out, value->type);
	if (value->subtype != NULL)
		g_string_append_printf(out, "/%s", value->subtype);
	for (size_t i = 0; i < value->n_params; i++)
		g_string_append_printf(out, ";%s=%s", value->params[i].name, value->params[i].value);
}

static void
test_type(void **state)
{
	const ValueRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	g_auto(MimeValue) value = { 0 };
	assert_true(mime_parse_type(row->in, strlen(row->in), &value, &st));
	g_autoptr(GString) got = g_string_new(NULL);
	print_value(got, &value);
	assert_string_equal(got->str, row->want);
}

static const ValueRow disposition_rows[] = {
	{ "inline", "inline", "inline" },
	{ "attachment with a name", "Attachment; FileName=\"a b.txt\"", "attachment;filename=a b.txt" },
	{ "name in pieces", "attachment; filename*0*=utf-8''%E6%97; filename*1*=%A5.txt", "attachment;filename=\xe6\x97\xa5.txt" },
	{ "empty is attachment", "", "attachment" },
};

static void
test_disposition(void **state)
{
	const ValueRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	g_auto(MimeValue) value = { 0 };
	assert_true(mime_parse_disposition(row->in, strlen(row->in), &value, &st));
	g_autoptr(GString) got = g_string_new(NULL);
	print_value(got, &value);
	assert_string_equal(got->str, row->want);
}

static const ValueRow html_rows[] = {
	{ "RFC 5173: words between tags", "<p>a <b>bold</b> word</p>", "a bold word\n" },
	{ "cells stay apart", "<table><tr><td>a</td><td>b</td></tr></table>", "a\nb\n" },
	{ "tag within a word", "vi<b></b>agra vi<!-- x -->agra", "viagra viagra" },
	{ "script and style", "a<script>if (x < y) z('</p>')</script>b<STYLE type=x>p{}</STYLE >c", "abc" },
	{ "script that never ends", "a<script>b", "a" },
	{ "references", "&lt;&amp;&gt;&quot;&eacute;&euro;&#8212;&#x2014;&nbsp;x", "<&>\"\xc3\xa9\xe2\x82\xac\xe2\x80\x94\xe2\x80\x94 x" },
	{ "reference without its end", "a&amp b &copy 2", "a& b \xc2\xa9 2" },
	{ "no reference", "AT&T &unknown; &#0; &#xd800; &#99999999; &", "AT&T &unknown; &#0; &#xd800; &#99999999; &" },
	{ "white space", "  a \n\t b  ", "a b " },
	{ "less than", "1 < 2 <3", "1 < 2 <3" },
	{ "sign in a quoted value", "<a title=\"x > y\">b</a>", "b" },
	{ "quote that never ends", "<a title=\"x>b</a>", "b" },
	{ "tag that never ends", "a<b", "a" },
	{ "comment that never ends", "a<!-- b > c", "a c" },
	{ "soft hyphen", "via&shy;gra", "viagra" },
	{ "doctype", "<!DOCTYPE html><?xml?>a", "a" },
	{ "empty", "", "" },
};

static void
test_html(void **state)
{
	const ValueRow *row = *state;
	g_autofree char *exact = g_memdup2(row->in, strlen(row->in));
	GString *got = html_text(exact, strlen(row->in));
	assert_string_equal(got->str, row->want);
	g_string_free(got, TRUE);
}

typedef struct {
	const char *name;
	const char *in;
	MimeEncoding want;
} EncodingRow;

static const EncodingRow encoding_rows[] = {
	{ "base64", "BASE64", MIME_BASE64 },
	{ "quoted-printable with blanks and a comment", " quoted-printable (x)", MIME_QUOTED },
	{ "8bit", "8bit", MIME_PLAIN },
	{ "nonsense", "base64x", MIME_PLAIN },
	{ "x-uuencode", "x-uuencode", MIME_UUENCODED },
	{ "nothing", "", MIME_PLAIN },
};

static void
test_encoding(void **state)
{
	const EncodingRow *row = *state;
	assert_int_equal(mime_encoding(row->in, strlen(row->in)), row->want);
}

/* Values that made others quadratic: seconds for 400 kB are far more than the few milliseconds that it takes. */
static void
test_hostile_values_are_linear(void **state)
{
	(void) state;
	static const char *const seeds[] = {
		"=?", "=?a?q?", "=?a?q?x", "=?utf-8?q?x?= ", "=?utf-8?b?eA==?=", "\033$B", "\xe3\x81", "\xa4", "\x83", "=?utf-8?q?=FF?= ", "=?utf-8?q?x?= y ",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		while (in->len < 400000)
			g_string_append(in, seeds[i]);
		gint64 start = g_get_monotonic_time();
		g_autofree char *text = NULL;
		g_auto(Status) st = STATUS_INIT;
		assert_true(mime_decode_text(in->str, in->len, &text, NULL, &st));
		assert_true(g_utf8_validate(text, -1, NULL));
		gint64 took = g_get_monotonic_time() - start;
		if (took > 4000000)
			fail_msg("400 kB of '%s' took %d ms", seeds[i], (int) (took / 1000));
	}
}

static void
test_hostile_html_is_linear(void **state)
{
	(void) state;
	static const char *const seeds[] = { "<", "<!--", "&", "<a =\">", "<a '=\"", "<script>", "</", "<script>a</script", "&#", " " };
	for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		while (in->len < 400000)
			g_string_append(in, seeds[i]);
		gint64 start = g_get_monotonic_time();
		g_string_free(html_text(in->str, in->len), TRUE);
		gint64 took = g_get_monotonic_time() - start;
		if (took > 3000000)
			fail_msg("400 kB of '%s' took %d ms", seeds[i], (int) (took / 1000));
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(header_rows) + G_N_ELEMENTS(charset_rows) + G_N_ELEMENTS(type_rows) +
	                        G_N_ELEMENTS(disposition_rows) + G_N_ELEMENTS(html_rows) + G_N_ELEMENTS(encoding_rows) + 2];
	size_t n = 0;
	UNIT_ROWS(tests, n, header_rows, test_header);
	UNIT_ROWS(tests, n, charset_rows, test_charset);
	UNIT_ROWS(tests, n, type_rows, test_type);
	UNIT_ROWS(tests, n, disposition_rows, test_disposition);
	UNIT_ROWS(tests, n, html_rows, test_html);
	UNIT_ROWS(tests, n, encoding_rows, test_encoding);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_values_are_linear);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_html_is_linear);
	return _cmocka_run_group_tests("mime-text", tests, n, NULL, NULL);
}
