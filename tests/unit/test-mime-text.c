/* SPDX-License-Identifier: MIT */
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
	const char *guess; /* NULL: none */
} TextRow;

/* Hiragana and kanji in UTF-8, for the rows below: "nihongo" and "tesuto" (kana). */
#define NIHONGO "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"
#define NIHONGO_GB "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaf\xad"
#define TESUTO "\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88"

static const TextRow header_rows[] = {
	{ "plain", BYTES("hello"), "hello", NULL },
	{ "folded and trimmed", BYTES(" hello\r\n world \r\n"), "hello world", NULL },
	{ "tab of a fold stays", BYTES("a\n\tb"), "a\tb", NULL },
	{ "encoded word", BYTES("=?utf-8?q?a?="), "a", NULL },
	/* RFC 2047 8, the table of examples */
	{ "RFC 2047 8: one word", BYTES("=?ISO-8859-1?Q?a?="), "a", NULL },
	{ "RFC 2047 8: word and text", BYTES("=?ISO-8859-1?Q?a?= b"), "a b", NULL },
	{ "RFC 2047 8: blank between words goes", BYTES("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="),
	  "ab", NULL },
	{ "RFC 2047 8: blanks between words go", BYTES("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?="),
	  "ab", NULL },
	{ "RFC 2047 8: fold between words goes",
	  BYTES("=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?="), "ab", NULL },
	{ "RFC 2047 8: blank within a word", BYTES("=?ISO-8859-1?Q?a_b?="), "a b", NULL },
	{ "RFC 2047 8: blank within the second word",
	  BYTES("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b", NULL },
	{ "RFC 2047 8: From", BYTES("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?="),
	  "Keld J\xc3\xb8rn Simonsen", NULL },
	{ "RFC 2047 8: Subject",
	  BYTES("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\n "
	        "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
	  "If you can read this you understand the example.", NULL },
	{ "RFC 2231 5: language", BYTES("=?US-ASCII*EN?Q?Keith_Moore?="), "Keith Moore", NULL },
	{ "character cut between two words", BYTES("=?utf-8?b?5pel5pw=?= =?utf-8?b?rOiqng==?="),
	  NIHONGO, NULL },
	{ "character cut, other encodings", BYTES("=?utf-8?q?=E6=97=A5=E6?= =?UTF-8?b?nKzoqp4=?="),
	  NIHONGO, NULL },
	{ "mixed charsets", BYTES("=?utf-8?q?=C3=B6?= =?iso-8859-1?q?=F6?="), "\xc3\xb6\xc3\xb6",
	  NULL },
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
	{ "unknown charset, UTF-8", BYTES("=?x-none-such?q?=C3=B6?="), "\xc3\xb6",
	  "utf-8 for x-none-such" },
	{ "label says ASCII, octets say more", BYTES("=?us-ascii?q?M=FCller?="), "M\xc3\xbcller",
	  "windows-1252 for us-ascii" },
	{ "label says UTF-8, octets Latin-1", BYTES("=?utf-8?q?M=FCller?="), "M\xc3\xbcller",
	  "windows-1252 for utf-8" },
	{ "Latin-1 is windows-1252", BYTES("=?iso-8859-1?q?=93a=94?="),
	  "\xe2\x80\x9c"
	  "a"
	  "\xe2\x80\x9d",
	  NULL },
	{ "Shift_JIS is cp932", BYTES("=?Shift_JIS?B?h0A=?="), "\xe2\x91\xa0", NULL },
	{ "ISO-2022-JP", BYTES("=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?="), NIHONGO, NULL },
	{ "ISO-2022-JP with a circled number", BYTES("=?ISO-2022-JP?B?GyRCLSEbKEI=?="),
	  "\xe2\x91\xa0", NULL },
	{ "ISO-2022-JP with half-width kana", BYTES("=?ISO-2022-JP?B?GyhJNBsoQg==?="),
	  "\xef\xbd\xb4", NULL },
	{ "ISO-2022-JP under another label", BYTES("=?utf-8?B?GyRCRnxLXDhsGyhC?="), NIHONGO,
	  "iso-2022-jp for utf-8" },
	{ "NUL in a word", BYTES("=?utf-8?b?YQBi?= c"), "ab c", NULL },
	{ "line end in a word", BYTES("=?utf-8?q?a=0D=0AX-Evil:_b?="), "a  X-Evil: b", NULL },
	{ "NUL in the value", BYTES("a\0b =?utf-8?q?c?="), "ab c", NULL },
	/* without any label */
	{ "raw UTF-8", BYTES("M\xc3\xbcller"), "M\xc3\xbcller", "utf-8 for no charset" },
	{ "raw UTF-8 beside a word", BYTES("M\xc3\xbcller =?utf-8?q?x?="), "M\xc3\xbcller x",
	  "utf-8 for no charset" },
	{ "raw UTF-8 that was cut", BYTES(NIHONGO NIHONGO "\xe6\x97"),
	  NIHONGO NIHONGO "\xef\xbf\xbd\xef\xbf\xbd", "damaged utf-8 for no charset" },
	{ "raw ISO-2022-JP", BYTES("\033$BF|K\\8l\033(B"), NIHONGO, "iso-2022-jp for no charset" },
	{ "raw EUC-JP kana", BYTES("\xa5\xc6\xa5\xb9\xa5\xc8"), TESUTO, "euc-jp for no charset" },
	{ "raw Shift_JIS, wide letters", BYTES("\x82\x60\x82\x61\x82\x62"),
	  "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3", "shift_jis for no charset" },
	{ "raw Shift_JIS, signs", BYTES("\x81\x79\x81\x7a\x81\x79\x81\x7a"),
	  "\xe3\x80\x90\xe3\x80\x91\xe3\x80\x90\xe3\x80\x91", "shift_jis for no charset" },
	{ "raw EUC-JP kanji", BYTES("\xc6\xfc\xcb\xdc\xb8\xec"), NIHONGO, "euc-jp for no charset" },
	{ "raw Shift_JIS kana", BYTES("\x83\x65\x83\x58\x83\x67"), TESUTO,
	  "shift_jis for no charset" },
	{ "raw Shift_JIS kanji", BYTES("\x93\xfa\x96\x7b\x8c\xea"), NIHONGO,
	  "shift_jis for no charset" },
	{ "raw Latin-1", BYTES("M\xfcller"), "M\xc3\xbcller", "windows-1252 for no charset" },
	{ "raw Latin-1, two in a row", BYTES("a\xe7\xe3o"), "a\xc3\xa7\xc3\xa3o",
	  "windows-1252 for no charset" },
	{ "raw GBK", BYTES("\xc4\xe3\xba\xc3\xa3\xac\xce\xd2\xc3\xc7\xb5\xc4\xb7\xa2\xc6\xb1"),
	  "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe6\x88\x91\xe4\xbb\xac\xe7\x9a\x84\xe5\x8f\x91\xe7\xa5\xa8",
	  "gb18030 for no charset" },
	{ "raw KOI8-R", BYTES("\xf0\xd2\xc9\xd7\xc5\xd4 \xd7\xd3\xc5\xcd"),
	  "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xb2\xd1\x81\xd0\xb5\xd0\xbc",
	  "koi8-r for no charset" },
	{ "raw windows-1251", BYTES("\xcf\xf0\xe8\xe2\xe5\xf2 \xe2\xf1\xe5\xec"),
	  "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xb2\xd1\x81\xd0\xb5\xd0\xbc",
	  "windows-1251 for no charset" },
	{ "raw curly apostrophes", BYTES("don\x92t can\x92t won\x92t"),
	  "don\xe2\x80\x99t can\xe2\x80\x99t won\xe2\x80\x99t", "windows-1252 for no charset" },
};

static void
test_header(void **state)
{
	const TextRow *row = *state;
	g_autofree char *exact = g_memdup2(row->in, row->len), *text = NULL, *guess = NULL;
	g_auto(Status) st = STATUS_INIT;

	assert_true(mime_decode_text(exact, row->len, NULL, &text, &guess, &st));
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
	{ "utf-16 with a mark", "utf-16",
	  BYTES("\xff\xfe"
	        "a\0\xf6\0"),
	  "a\xc3\xb6", NULL },
	{ "utf-16be", "utf-16be", BYTES("\0a\0\xf6"), "a\xc3\xb6", NULL },
	{ "utf-7", "utf-7", BYTES("+APY-"), "\xc3\xb6", NULL },
	{ "koi8-r", "koi8-r", BYTES("\xd0\xd2"), "\xd0\xbf\xd1\x80", NULL },
	{ "gb2312 is gb18030", "gb2312", BYTES("\xc4\xe3\x81\x40"), "\xe4\xbd\xa0\xe4\xb8\x82",
	  NULL },
	{ "euc-kr", "euc-kr", BYTES("\xb0\xa1"), "\xea\xb0\x80", NULL },
	{ "iso-2022-kr", "iso-2022-kr", BYTES("\033$)C\016\x30\x21\017"), "\xea\xb0\x80", NULL },
	{ "big5", "big5", BYTES("\xa4\xa4"), "\xe4\xb8\xad", NULL },
	{ "NUL in eight bits", "iso-8859-1", BYTES("a\0\xf6"), "a\xc3\xb6", NULL },
	{ "label with options of iconv", "utf-8//IGNORE", BYTES("\xc3\xb6"), "\xc3\xb6",
	  "utf-8 for utf-8??IGNORE" },
	{ "label with a path", "../../tmp/x", BYTES("a\xf6"), "a\xc3\xb6",
	  "windows-1252 for ..?..?tmp?x" },
	{ "one bad octet in a hundred characters", "euc-jp",
	  BYTES("\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2\xa4\xa2"
	        "\xa4\xa2\xff"),
	  "\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xef\xbf\xbd",
	  "damaged EUC-JP-MS for euc-jp" },
	{ "HZ", "hz-gb-2312", BYTES("~{VPND~} a~~b"), "\xe4\xb8\xad\xe6\x96\x87 a~b", NULL },
	{ "HZ, a line in two, and one cut", "HZ", BYTES("a~\nb~{VP\nc"), "ab\xe4\xb8\xad\nc",
	  NULL },
	{ "cp-850", "cp-850", BYTES("\x81"), "\xc3\xbc", NULL },
	{ "cp_850", "CP_850", BYTES("\x81"), "\xc3\xbc", NULL },
	{ "ibm 850", "IBM 850", BYTES("\x81"), "\xc3\xbc", NULL },
	{ "win-1251", "win-1251", BYTES("\xef"), "\xd0\xbf", NULL },
	{ "x-cp1251", "x-cp1251", BYTES("\xef"), "\xd0\xbf", NULL },
	{ "iso88592", "iso88592", BYTES("\xb1"), "\xc4\x85", NULL },
	{ "iso-8859-8-i", "iso-8859-8-i", BYTES("\xe0"), "\xd7\x90", NULL },
	{ "cskoi8r", "csKOI8R", BYTES("\xd0"), "\xd0\xbf", NULL },
	{ "x-mac-roman", "x-mac-roman", BYTES("\x8a"), "\xc3\xa4", NULL },
	{ "x-mac-cyrillic", "x-mac-cyrillic", BYTES("\x80"), "\xd0\x90", NULL },
	{ "x-mac-ce", "x-mac-ce", BYTES("\x88"), "\xc4\x85", NULL },
	{ "x-mac-japanese", "x-mac-japanese", BYTES("\x93\xfa"), "\xe6\x97\xa5", NULL },
	{ "ISO_8859-1:1987", "ISO_8859-1:1987", BYTES("\xfc"), "\xc3\xbc", NULL },
	{ "line cut in ISO-2022-JP does not spoil the next", "iso-2022-jp",
	  BYTES("\033$BF|K\\\nabc"), "\xe6\x97\xa5\xe6\x9c\xac\nabc", NULL },
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
	const char *want; /* type/subtype;name=value;... */
} ValueRow;

static const ValueRow type_rows[] = {
	{ "plain type", "text/plain", "text/plain" },
	{ "blanks around the stroke", " text / html ; charset=x", "text/html;charset=x" },
	{ "a comment behind the stroke", "text/(what follows) html", "text/html" },
	{ "upper case", "TEXT/HTML; CHARSET=UTF-8", "text/html;charset=UTF-8" },
	{ "quoted and commented", "text/plain; charset=\"us-ascii\" (Plain text)",
	  "text/plain;charset=us-ascii" },
	{ "semicolon in quotes", "multipart/mixed; boundary=\"a;b\"",
	  "multipart/mixed;boundary=a;b" },
	{ "folded", "multipart/mixed;\r\n\tboundary=abc", "multipart/mixed;boundary=abc" },
	{ "empty is text/plain", "", "text/plain" },
	{ "no subtype is text/plain", "text", "text/plain" },
	{ "unreadable is text/plain", "/;=", "text/plain" },
	/* RFC 2231 */
	{ "RFC 2231 3: pieces",
	  "message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
	  "message/external-body;access-type=URL;url=ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar" },
	{ "RFC 2231 4: charset",
	  "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
	  "application/x-stuff;title=This is ***fun***" },
	{ "RFC 2231 4.1: pieces and charset",
	  "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
	  "application/x-stuff;title=This is even more ***fun*** isn't it!" },
	{ "encoded word in a parameter", "application/pdf; name=\"=?utf-8?q?J=C3=B6rg=2Epdf?=\"",
	  "application/pdf;name=J\xc3\xb6rg.pdf" },
	{ "encoded words in a parameter",
	  "application/x; name=\"=?UTF-8?B?aW52b2ljZQ==?= =?UTF-8?B?LmV4ZQ==?=\"",
	  "application/x;name=invoice.exe" },
	{ "encoded words, folded",
	  "application/x; name=\"=?UTF-8?B?aW52b2ljZQ==?=\r\n\t=?UTF-8?B?LmV4ZQ==?=\"",
	  "application/x;name=invoice.exe" },
	{ "encoded words in quotes of their own",
	  "application/x; name=\"=?UTF-8?B?aW52b2ljZQ==?=\" \"=?UTF-8?B?LmV4ZQ==?=\"",
	  "application/x;name=invoice.exe" },
	{ "encoded words without quotes",
	  "application/x; name==?UTF-8?B?aW52b2ljZQ==?= =?UTF-8?Q?;.exe?=; a=b",
	  "application/x;name=invoice;.exe;a=b" },
	{ "encoded words in pieces",
	  "application/x; name*0=\"=?UTF-8?B?aW52b2lj\"; name*1=\"ZQ==?=.exe\"",
	  "application/x;name=invoice.exe" },
	{ "a character in two words",
	  "application/x; name=\"=?utf-8?b?5pel5pw=?= =?utf-8?b?rOiqng==?=\"",
	  "application/x;name=" NIHONGO },
	{ "ISO-2022-JP words", "application/x; name=\"=?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?=.exe\"",
	  "application/x;name=" NIHONGO ".exe" },
	{ "ISO-2022-JP without words", "application/x; name=\"\033$BF|K\\8l\033(B.exe\"",
	  "application/x;name=" NIHONGO ".exe" },
	{ "both forms", "application/x; name=a.pdf; name*=utf-8''b.exe",
	  "application/x;name=a.pdf;name=b.exe" },
	{ "both forms, the other order", "application/x; name*=utf-8''b.exe; name=a.pdf",
	  "application/x;name=b.exe;name=a.pdf" },
	{ "whole and in pieces", "application/x; name=a.pdf; name*1=.exe; name*0=b",
	  "application/x;name=a.pdf;name=b.exe" },
	{ "twice", "application/x; name=a.pdf; name=b.exe", "application/x;name=a.pdf;name=b.exe" },
	{ "a charset in quotes", "application/x; name*=\"utf-8''b%2Eexe\"",
	  "application/x;name=b.exe" },
	{ "octets without their charset", "application/x; name*=b%2Eexe",
	  "application/x;name=b.exe" },
	{ "octets of a line end", "application/x; name*=utf-8''a%0d%0aX:b",
	  "application/x;name=a  X:b" },
	{ "comment behind a value", "application/x; name=a.exe (the tool)",
	  "application/x;name=a.exe" },
	{ "comment at a value, and another", "application/x; name=a.exe(the (tool)) (x) ; a=b",
	  "application/x;name=a.exe;a=b" },
	{ "comment behind quotes", "application/x; name=\"a.exe\" (the tool.pdf)",
	  "application/x;name=a.exe" },
	{ "what looks like a comment", "application/x; name=report (1).pdf",
	  "application/x;name=report (1).pdf" },
	{ "a bracket that never closes", "application/x; name=a (1.exe",
	  "application/x;name=a (1.exe" },
	{ "blanks in a value", "application/x; name=my tool.exe; a=b",
	  "application/x;name=my tool.exe;a=b" },
	{ "quotes that nobody escaped", "application/x; name=\"a\"b\".exe\"",
	  "application/x;name=ab.exe" },
	{ "escapes in quotes", "application/x; name=\"a\\\"b.exe\"",
	  "application/x;name=a\"b.exe" },
	{ "quotes that never end", "application/x; name=\"a.exe", "application/x;name=a.exe" },
	{ "missing semicolon", "text/plain charset=utf-8 name=\"a b\" format=flowed",
	  "text/plain;charset=utf-8;name=a b;format=flowed" },
	{ "parameter without a value", "text/plain; x; charset=utf-8", "text/plain;charset=utf-8" },
	{ "semicolons in a row", "text/plain;;; ; charset=utf-8;", "text/plain;charset=utf-8" },
	{ "comments everywhere", "(a) text (b) / (c) plain (d); (e) charset (f) = (g) utf-8 (h)",
	  "text/plain;charset=utf-8" },
	{ "only parameters", "name=a.exe", "text/plain;name=a.exe" },
	{ "blanks around the equals sign", "text/plain; charset = utf-8",
	  "text/plain;charset=utf-8" },
	{ "signs in a row", "text/plain; =; ==; \"=a; charset=utf-8", "text/plain;charset=utf-8" },
	{ "raw octets in a parameter", "application/pdf; name=\"J\xf6rg.pdf\"",
	  "application/pdf;name=J\xc3\xb6rg.pdf" },
};

static void
print_value(GString *out, const MimeValue *value)
{
	g_string_append(out, value->type);
	if (value->subtype != NULL)
		g_string_append_printf(out, "/%s", value->subtype);
	for (size_t i = 0; i < value->n_params; i++)
		g_string_append_printf(out, ";%s=%s", value->params[i].name,
		                       value->params[i].value);
}

static void
test_type(void **state)
{
	const ValueRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	g_auto(MimeValue) value = { 0 };

	assert_true(mime_parse_type(row->in, strlen(row->in), NULL, &value, &st));
	g_autoptr(GString) got = g_string_new(NULL);
	print_value(got, &value);
	assert_string_equal(got->str, row->want);
}

static const ValueRow disposition_rows[] = {
	{ "inline", "inline", "inline" },
	{ "attachment with a name", "Attachment; FileName=\"a b.txt\"",
	  "attachment;filename=a b.txt" },
	{ "name in pieces", "attachment; filename*0*=utf-8''%E6%97; filename*1*=%A5.txt",
	  "attachment;filename=\xe6\x97\xa5.txt" },
	{ "empty is attachment", "", "attachment" },
	{ "encoded words", "attachment; filename=\"=?UTF-8?B?aW52b2ljZQ==?= =?UTF-8?B?LmV4ZQ==?=\"",
	  "attachment;filename=invoice.exe" },
	{ "only a name", "filename=\"a.exe\"", "attachment;filename=a.exe" },
	{ "a charset that is said", "attachment; filename*=koi8-r''%D0%D2",
	  "attachment;filename=\xd0\xbf\xd1\x80" },
	{ "a charset that is said to be none", "attachment; filename*=''%E6%97%A5",
	  "attachment;filename=\xe6\x97\xa5" },
	{ "pieces without a semicolon before", "attachment filename*0=a; filename*1=b",
	  "attachment;filename=ab" },
	{ "an encoded word with a semicolon", "attachment; filename==?utf-8?q?a;b?=; size=3",
	  "attachment;filename=a;b;size=3" },
	{ "only a name, behind a blank", " filename=a.exe", "attachment;filename=a.exe" },
	{ "no semicolon", "attachment filename=\"a.exe\"", "attachment;filename=a.exe" },
	{ "comment in front", "(x) attachment (y); filename=a.exe", "attachment;filename=a.exe" },
};

static void
test_disposition(void **state)
{
	const ValueRow *row = *state;
	g_auto(Status) st = STATUS_INIT;
	g_auto(MimeValue) value = { 0 };

	assert_true(mime_parse_disposition(row->in, strlen(row->in), NULL, &value, &st));
	g_autoptr(GString) got = g_string_new(NULL);
	print_value(got, &value);
	assert_string_equal(got->str, row->want);
}

static const ValueRow html_rows[] = {
	{ "RFC 5173: words between tags", "<p>a <b>bold</b> word</p>", "a bold word\n" },
	{ "cells stay apart", "<table><tr><td>a</td><td>b</td></tr></table>", "a\nb\n" },
	{ "tag within a word", "vi<b></b>agra vi<!-- x -->agra", "viagra viagra" },
	{ "script and style", "a<script>if (x < y) z('</p>')</script>b<STYLE type=x>p{}</STYLE >c",
	  "abc" },
	{ "script that never ends", "a<script>b", "a" },
	{ "references", "&lt;&amp;&gt;&quot;&eacute;&euro;&#8212;&#x2014;&nbsp;x",
	  "<&>\"\xc3\xa9\xe2\x82\xac\xe2\x80\x94\xe2\x80\x94 x" },
	{ "reference without its end", "a&amp b &copy 2", "a& b \xc2\xa9 2" },
	{ "no reference", "AT&T &unknown; &#0; &#xd800; &#99999999; &",
	  "AT&T &unknown; &#0; &#xd800; &#99999999; &" },
	{ "no number", "&#65x; &#; &#x; &#-65; &#+65; &#x-41; &#0x41;",
	  "&#65x; &#; &#x; &#-65; &#+65; &#x-41; &#0x41;" },
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

typedef struct {
	const char *name;
	const char *header; /* fields that stand beside */
	const char *in;
	const char *want;
	const char *guess;
} HintRow;

static const HintRow hint_rows[] = {
	{ "the hint fits", "Content-Type: text/plain; charset=koi8-r\n", "\xd0\xd2",
	  "\xd0\xbf\xd1\x80", "koi8-r for no charset" },
	{ "UTF-8 goes before the hint", "Content-Type: text/plain; charset=koi8-r\n", "\xc3\xb6",
	  "\xc3\xb6", "utf-8 for no charset" },
	{ "gbk, not euc-jp", "Content-Type: text/plain; charset=gbk\n", "\xc8\xd5\xb1\xbe\xd3\xef",
	  NIHONGO_GB, "gbk for no charset" },
	{ "the hint does not fit", "Content-Type: text/plain; charset=euc-jp\n", "M\xfcller",
	  "M\xc3\xbcller", "windows-1252 for no charset" },
	{ "Latin-1 is no hint", "Content-Type: text/plain; charset=iso-8859-1\n",
	  "\xa5\xc6\xa5\xb9\xa5\xc8", TESUTO, "euc-jp for no charset" },
	{ "no hint", "Content-Type: text/plain\n", "M\xfcller", "M\xc3\xbcller",
	  "windows-1252 for no charset" },
	{ "a label beside the octets", "Content-Type: text/plain; charset=koi8-r\n",
	  "\xd0\xd2 =?utf-8?q?x?=", "\xd0\xbf\xd1\x80 x", "koi8-r for no charset" },
};

static void
test_hint(void **state)
{
	const HintRow *row = *state;
	g_autofree char *block = g_strdup_printf("%sX: %s\n", row->header, row->in), *text = NULL,
			*guess = NULL;
	size_t len = strlen(block), pos = 0;
	g_autoptr(Headers) headers = headers_take_block(g_steal_pointer(&block), len, &len);
	g_auto(Status) st = STATUS_INIT;

	assert_true(
		mime_decode_field(headers_next(headers, "X", &pos), headers, &text, &guess, &st));
	assert_string_equal(text, row->want);
	assert_string_equal(guess, row->guess);
}

/*
 * Values that made others quadratic: seconds for 400 kB are far more than the few milliseconds that
 * it takes.
 */
static void
test_hostile_values_are_linear(void **state)
{
	(void) state;
	static const char *const seeds[] = {
		"=?",       "=?a?q?", "=?a?q?x", "=?utf-8?q?x?= ",   "=?utf-8?b?eA==?=", "\033$B",
		"\xe3\x81", "\xa4",   "\x83",    "=?utf-8?q?=FF?= ", "=?utf-8?q?x?= y ",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		while (in->len < 400000)
			g_string_append(in, seeds[i]);
		int64_t start = unit_cpu_ms();
		g_autofree char *text = NULL;
		g_auto(Status) st = STATUS_INIT;
		assert_true(mime_decode_text(in->str, in->len, NULL, &text, NULL, &st));
		assert_true(g_utf8_validate(text, -1, NULL));
		int64_t took = unit_cpu_ms() - start;
		if (took > 4000)
			fail_msg("400 kB of '%s' took %d ms", seeds[i], (int) took);
	}
}

static void
test_hostile_parameters_are_linear(void **state)
{
	(void) state;
	static const char *const seeds[] = { "(",
		                             "()",
		                             "a ",
		                             "a",
		                             " ",
		                             "=",
		                             ";",
		                             "a=",
		                             "a=;",
		                             "\"",
		                             "a*0=;",
		                             "a*=%41;",
		                             "=?utf-8?q?x?=",
		                             "=?",
		                             "charset",
		                             "a=(",
		                             "name=\"x\"(" };
	for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
		g_autoptr(GString) in = g_string_new("text/plain; name=");
		while (in->len < 8000)
			g_string_append(in, seeds[i]);
		int64_t start = unit_cpu_ms();
		for (unsigned round = 0; round < 100; round++) {
			g_auto(MimeValue) value = { 0 };
			g_auto(Status) st = STATUS_INIT;
			assert_true(mime_parse_type(in->str, in->len, NULL, &value, &st));
		}
		int64_t took = unit_cpu_ms() - start;
		if (took > 4000)
			fail_msg("100 times 8 kB of '%s' took %d ms", seeds[i], (int) took);
	}
}

static void
test_hostile_html_is_linear(void **state)
{
	(void) state;
	static const char *const seeds[] = { "<",       "<!--",     "&",  "<a =\">",
		                             "<a '=\"", "<script>", "</", "<script>a</script",
		                             "&#",      " " };
	for (size_t i = 0; i < G_N_ELEMENTS(seeds); i++) {
		g_autoptr(GString) in = g_string_new(NULL);
		while (in->len < 400000)
			g_string_append(in, seeds[i]);
		int64_t start = unit_cpu_ms();
		g_string_free(html_text(in->str, in->len), TRUE);
		int64_t took = unit_cpu_ms() - start;
		if (took > 3000)
			fail_msg("400 kB of '%s' took %d ms", seeds[i], (int) took);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(header_rows) + G_N_ELEMENTS(charset_rows) +
	                        G_N_ELEMENTS(type_rows) + G_N_ELEMENTS(disposition_rows) +
	                        G_N_ELEMENTS(html_rows) + G_N_ELEMENTS(encoding_rows) +
	                        G_N_ELEMENTS(hint_rows) + 3];
	size_t n = 0;
	UNIT_ROWS(tests, n, header_rows, test_header);
	UNIT_ROWS(tests, n, charset_rows, test_charset);
	UNIT_ROWS(tests, n, type_rows, test_type);
	UNIT_ROWS(tests, n, disposition_rows, test_disposition);
	UNIT_ROWS(tests, n, hint_rows, test_hint);
	UNIT_ROWS(tests, n, html_rows, test_html);
	UNIT_ROWS(tests, n, encoding_rows, test_encoding);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_values_are_linear);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_parameters_are_linear);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_hostile_html_is_linear);

	return _cmocka_run_group_tests("mime-text", tests, n, NULL, NULL);
}
