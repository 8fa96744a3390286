/* SPDX-License-Identifier: MIT */
/* Tokens with their places, and what is said about those that are wrong. */
#include "filters/sieve/lang/sieve-lexer.h"

#include "agent/base/limits.h"
#include "tests/unit/unit.h"

#include <string.h>

typedef struct {
	const char *name;
	const char *in;
	/* "line:column-end kind value;" for each token, "! line:column code;" for each report */
	const char *want;
} Row;

static const Row rows[] = {
	{ "words and signs", "keep;", "1:1-5 w keep;1:5-6 ;;" },
	{ "tags", "header :is\t:x1", "1:1-7 w header;1:8-11 t is;1:12-15 t x1;" },
	{ "lines count by LF", "a\nb\r\nc", "1:1-2 w a;2:1-2 w b;3:1-2 w c;" },
	{ "numbers", "1 2k 3K 4M 1G",
	  "1:1-2 n 1;1:3-5 n 2048;1:6-8 n 3072;1:9-11 n 4194304;1:12-14 n 1073741824;" },
	{ "the biggest number", "9223372036854775807", "1:1-20 n 9223372036854775807;" },
	{ "one more than the biggest", "9223372036854775808",
	  "! 1:1 number-too-big;1:1-20 n 9223372036854775808;" },
	{ "overflow by the unit", "8589934592G",
	  "! 1:1 number-too-big;1:1-12 n 9223372036854775808;" },
	{ "overflow of 64 bits", "18446744073709551616", "! 1:1 number-too-big;1:1-21 n 0;" },
	{ "a number with letters", "10kb", "! 1:1 bad-number;1:1-5 n 10240;" },
	{ "a string", "\"a b\"", "1:1-6 s a b;" },
	{ "escapes", "\"\\\"\\\\\\a\"", "1:1-9 s \"\\a;" },
	{ "a string over lines", "\"a\nb\" c", "1:1-0 s a\r\nb;2:4-5 w c;" },
	{ "CRLF stays CRLF", "\"a\r\nb\"", "1:1-0 s a\r\nb;" },
	{ "a lone CR is an octet", "\"a\rb\"", "1:1-6 s a\rb;" },
	{ "a backslash before a line end goes", "\"a\\\nb\"", "1:1-0 s a\r\nb;" },
	{ "8-bit in a string", "\"\xff\xc3\xa9\"", "1:1-6 s \xff\xc3\xa9;" },
	{ "8-bit outside", "\xc3\xa9 a", "! 1:1 bad-character;1:1-3 bad;1:4-5 w a;" },
	{ "a string without end", "a \"b\nc", "1:1-2 w a;! 1:3 unterminated-string;1:3-0 bad;" },
	{ "a string that ends in a backslash", "\"a\\", "! 1:1 unterminated-string;1:1-4 bad;" },
	{ "hash comments", "a # b\n# c\nd", "1:1-2 w a;3:1-2 w d;" },
	{ "bracket comments", "a /* b\n * c */ d", "1:1-2 w a;2:9-10 w d;" },
	{ "bracket comments do not nest", "/* /* */ a", "1:10-11 w a;" },
	{ "a comment without end", "a /* b", "1:1-2 w a;! 1:3 unterminated-comment;1:7-7 bad;" },
	{ "text", "text:\na\n.\n;", "1:1-0 s a\r\n;4:1-2 ;;" },
	{ "text with a comment", "TEXT: \t# x\r\na\r\n.\r\n", "1:1-0 s a\r\n;" },
	{ "dots are stuffed", "text:\n..a\n.b\n...\n.\n", "1:1-0 s .a\r\n.b\r\n..\r\n;" },
	{ "an empty text", "text:\n.\n", "1:1-0 s ;" },
	{ "text ends at the end of the file", "text:\na\n.", "1:1-0 s a\r\n;" },
	{ "text without end", "text:\na\n", "! 1:1 unterminated-string;1:1-0 bad;" },
	{ "text with something behind it", "text: x\n", "! 1:1 bad-text;1:1-7 bad;1:7-8 w x;" },
	{ "a word that begins like text", "texts :text", "1:1-6 w texts;1:7-12 t text;" },
	{ "a sign of nobody", "a ? b", "1:1-2 w a;! 1:3 bad-character;1:3-4 bad;1:5-6 w b;" },
	{ "a typographic quote, and what it was put around",
	  "\xe2\x80\x9c"
	  "a\xe2\x80\x9d b",
	  "! 1:1 bad-character;1:1-4 bad;1:4-5 w a;! 1:5 bad-character;1:5-8 bad;1:9-10 w b;" },
	{ "a lone colon", ": a", "! 1:1 bad-character;1:1-2 bad;1:3-4 w a;" },
	{ "a mark of UTF-8 is no column",
	  "\xef\xbb\xbf"
	  "a",
	  "1:1-2 w a;" },
	{ "nothing", " \t\r\n", "" },
};

static void
note(void *user, SieveSpan span, const char *code, const char *hint, const char *text)
{
	(void) hint;
	(void) text;
	g_string_append_printf(user, "! %u:%u %s;", span.line, span.column, code);
}

static void
print_token(GString *out, const SieveToken *token)
{
	static const char kinds[] = {
		[SIEVE_TOKEN_WORD] = 'w', [SIEVE_TOKEN_TAG] = 't', [SIEVE_TOKEN_STRING] = 's'
	};
	g_string_append_printf(out, "%u:%u-%u ", token->span.line, token->span.column,
	                       token->span.end_column);
	switch (token->kind) {
	case SIEVE_TOKEN_NUMBER:
		g_string_append_printf(out, "n %" G_GUINT64_FORMAT ";", token->number);
		break;
	case SIEVE_TOKEN_SIGN:
		g_string_append_printf(out, "%c;", token->sign);
		break;
	case SIEVE_TOKEN_BAD:
		g_string_append(out, "bad;");
		break;
	default:
		g_string_append_printf(out, "%c ", kinds[token->kind]);
		for (size_t i = 0; i < token->text.len; i++)
			g_string_append_c(out,
			                  token->text.data[i] != '\0' ? token->text.data[i] : '0');
		g_string_append_c(out, ';');
	}
}

static GString *
lex(const char *text, size_t len)
{
	g_autoptr(SieveArena) arena = sieve_arena_new();
	GString *out = g_string_new(NULL);
	SieveLexer lexer;
	SieveToken token;

	sieve_lexer_init(&lexer, text, len, arena, note, out);
	for (sieve_lexer_next(&lexer, &token); token.kind != SIEVE_TOKEN_END;
	     sieve_lexer_next(&lexer, &token))
		print_token(out, &token);
	return out;
}

static void
test_tokens(void **state)
{
	const Row *row = *state;
	g_autoptr(GString) got = lex(row->in, strlen(row->in));
	assert_string_equal(got->str, row->want);
}

static void
test_nul(void **state)
{
	(void) state;
	static const char text[] = "\"a\0b\" \0 c";
	g_autoptr(GString) got = lex(text, sizeof text - 1);
	assert_non_null(strstr(got->str, "! 1:1 nul;"));
	assert_non_null(strstr(got->str, "! 1:7 bad-character;"));
}

/* Strings and words one octet over their limits. */
static void
test_limits(void **state)
{
	(void) state;
	g_autofree char *fits = g_strnfill(LIMIT_SIEVE_STRING_BYTES, 'x');
	g_autofree char *quoted = g_strdup_printf("\"%s\"", fits);
	g_autofree char *over = g_strdup_printf("\"%sx\"", fits);
	g_autofree char *text = g_strdup_printf("text:\n%s\n.\n", fits);
	g_autofree char *word = g_strnfill(LIMIT_SIEVE_WORD_BYTES + 1, 'w');
	g_autoptr(GString) a = lex(quoted, strlen(quoted));
	g_autoptr(GString) b = lex(over, strlen(over));
	g_autoptr(GString) c = lex(text, strlen(text));
	g_autoptr(GString) d = lex(word, strlen(word));
	assert_null(strstr(a->str, "!"));
	assert_true(g_str_has_prefix(b->str, "! 1:1 string-too-long;"));
	assert_true(g_str_has_prefix(c->str, "! 1:1 string-too-long;"));
	assert_true(g_str_has_prefix(d->str, "! 1:1 word-too-long;"));
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 2];
	size_t n = 0;

	UNIT_ROWS(tests, n, rows, test_tokens);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_nul);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_limits);

	return _cmocka_run_group_tests("sieve-lexer", tests, n, NULL, NULL);
}
