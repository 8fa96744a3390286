/* SPDX-License-Identifier: MIT */
/*
 * sieve-lexer: one token at a time; line ends are LF or CRLF, and CRLF in the values of strings
 * (RFC 5228 2.2).
 */
#include "filters/sieve/lang/sieve-lexer.h"

#include "agent/base/limits.h"

#include <string.h>

void
sieve_lexer_init(SieveLexer *lexer, const char *text, size_t len, SieveArena *arena,
                 SieveLexerReport *report, void *user)
{
	*lexer = (SieveLexer){
		.text = text, .len = len, .line = 1, .arena = arena, .report = report, .user = user
	};
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* editors that mark UTF-8 so */
		lexer->at = lexer->line_start = 3;
}

static unsigned
column(const SieveLexer *lexer)
{
	return (unsigned) (lexer->at - lexer->line_start) + 1;
}

static int
peek(const SieveLexer *lexer, size_t ahead)
{
	return lexer->at + ahead < lexer->len ? (guchar) lexer->text[lexer->at + ahead] : -1;
}

static void
next_line(SieveLexer *lexer)
{
	lexer->at++;
	lexer->line++;
	lexer->line_start = lexer->at;
}

static bool
at_line_end(const SieveLexer *lexer)
{
	return peek(lexer, 0) == '\n' || (peek(lexer, 0) == '\r' && peek(lexer, 1) == '\n');
}

static void
skip_line_end(SieveLexer *lexer)
{
	lexer->at += peek(lexer, 0) == '\r';
	next_line(lexer);
}

static void
report(SieveLexer *lexer, SieveSpan span, const char *code, const char *hint, const char *text)
{
	lexer->report(lexer->user, span, code, hint, text);
}

/* The span from `start` to here; without an end where they are on different lines. */
static SieveSpan
span_from(const SieveLexer *lexer, SieveSpan start)
{
	start.end_column = start.line == lexer->line ? column(lexer) : 0;
	return start;
}

static void
skip_hash_comment(SieveLexer *lexer)
{
	const char *end = memchr(lexer->text + lexer->at, '\n', lexer->len - lexer->at);
	lexer->at = end != NULL ? (size_t) (end - lexer->text) : lexer->len;
}

/* False: it has no end. */
static bool
skip_bracket_comment(SieveLexer *lexer)
{
	SieveSpan start = { lexer->line, column(lexer), column(lexer) + 2 };

	lexer->at += 2;
	while (lexer->at < lexer->len) {
		if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
			lexer->at += 2;
			return true;
		}
		if (peek(lexer, 0) == '\n')
			next_line(lexer);
		else
			lexer->at++;
	}

	report(lexer, start, "unterminated-comment", "end it with */", "comment has no end");
	return false;
}

static bool
skip_blanks(SieveLexer *lexer)
{
	while (lexer->at < lexer->len) {
		guchar c = (guchar) lexer->text[lexer->at];
		if (c > '/') /* blanks and comments begin below it, most tokens behind */
			return true;
		if (c == ' ' || c == '\t' || c == '\r')
			lexer->at++;
		else if (c == '\n')
			next_line(lexer);
		else if (c == '#')
			skip_hash_comment(lexer);
		else if (c != '/' || peek(lexer, 1) != '*')
			return true;
		else if (!skip_bracket_comment(lexer))
			return false;
	}
	return true;
}

/* What an octet can be, looked up: the lexer sees every octet of every script. */
enum { WORD = 1, DIGIT = 2, PLAIN = 4, SIGN = 8 };

/* PLAIN octets stand for themselves in a quoted string. */
static const guchar classes[256] = {
	[1 ... 9] = PLAIN,
	[11 ... 12] = PLAIN,
	[14 ... 33] = PLAIN,
	[35 ... 39] = PLAIN,
	['(' ... ')'] = SIGN | PLAIN,
	[42 ... 43] = PLAIN,
	[','] = SIGN | PLAIN,
	[45 ... 47] = PLAIN,
	['0' ... '9'] = WORD | DIGIT | PLAIN,
	[':'] = PLAIN,
	[';'] = SIGN | PLAIN,
	[60 ... 64] = PLAIN,
	['A' ... 'Z'] = WORD | PLAIN,
	['['] = SIGN | PLAIN,
	[']'] = SIGN | PLAIN,
	['^'] = PLAIN,
	['_'] = WORD | PLAIN,
	['`'] = PLAIN,
	['a' ... 'z'] = WORD | PLAIN,
	['{'] = SIGN | PLAIN,
	['|'] = PLAIN,
	['}'] = SIGN | PLAIN,
	[126 ... 255] = PLAIN,
};

static bool
is_word_start(int c)
{
	return c > 0 && (classes[c] & (WORD | DIGIT)) == WORD;
}

/* Octets of that class from here on. */
static size_t
class_length(const SieveLexer *lexer, guchar class)
{
	const guchar *start = (const guchar *) lexer->text + lexer->at, *c = start;
	const guchar *end = (const guchar *) lexer->text + lexer->len;
	while (c < end && (classes[*c] & class) != 0)
		c++;
	return (size_t) (c - start);
}

static size_t
word_length(const SieveLexer *lexer)
{
	return class_length(lexer, WORD);
}

/* A word or the word of a tag, from here on. */
static void
take_word(SieveLexer *lexer, SieveToken *token)
{
	size_t len = word_length(lexer);
	const char *word = sieve_arena_copy(lexer->arena, lexer->text + lexer->at,
	                                    MIN(len, LIMIT_SIEVE_WORD_BYTES));

	token->text = (SieveText){ word, MIN(len, LIMIT_SIEVE_WORD_BYTES) };
	lexer->at += len;
	if (len > LIMIT_SIEVE_WORD_BYTES)
		report(lexer, span_from(lexer, token->span), "word-too-long", NULL,
		       "word is longer than 64 octets");
}

static guint64
quantifier(int c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 1u << 10;
	case 'm':
	case 'M':
		return 1u << 20;
	case 'g':
	case 'G':
		return 1u << 30;
	default:
		return 0;
	}
}

static void
take_number(SieveLexer *lexer, SieveToken *token)
{
	token->kind = SIEVE_TOKEN_NUMBER;
	guint64 value = 0;
	bool fits = true;
	for (; g_ascii_isdigit((char) peek(lexer, 0)) && peek(lexer, 0) >= 0; lexer->at++)
		fits = fits && g_uint64_checked_mul(&value, value, 10) &&
		       g_uint64_checked_add(&value, value, (guint64) (peek(lexer, 0) - '0'));

	guint64 unit = quantifier(peek(lexer, 0));
	if (unit != 0) {
		lexer->at++;
		fits = fits && g_uint64_checked_mul(&value, value, unit);
	}

	size_t rest = word_length(lexer);
	lexer->at += rest;
	if (rest > 0)
		report(lexer, span_from(lexer, token->span), "bad-number",
		       "a number is digits and one of K, M, G", "not a number");
	else if (!fits || value > G_MAXINT64)
		report(lexer, span_from(lexer, token->span), "number-too-big", NULL,
		       "number is too big");

	token->number = fits ? value : 0;
}

/* What a string grows in; one octet over the limit is enough to know. */
typedef struct {
	GString *text;
	bool has_nul;
} Value;

static void
value_add(Value *value, const char *data, size_t len)
{
	if (value->text->len <= LIMIT_SIEVE_STRING_BYTES)
		g_string_append_len(value->text, data, (gssize) len);
	value->has_nul = value->has_nul || memchr(data, '\0', len) != NULL;
}

static void
finish_string(SieveLexer *lexer, SieveToken *token, const Value *value)
{
	SieveSpan span = span_from(lexer, token->span);

	token->kind = SIEVE_TOKEN_STRING;
	token->text.len = MIN(value->text->len, LIMIT_SIEVE_STRING_BYTES);
	token->text.data = sieve_arena_copy(lexer->arena, value->text->str, token->text.len);

	if (value->text->len > LIMIT_SIEVE_STRING_BYTES)
		report(lexer, span, "string-too-long", NULL, "string is longer than 64 KiB");
	else if (value->has_nul)
		report(lexer, span, "nul", NULL, "string holds a NUL octet");
}

/* Octets of a quoted string that stand for themselves, from here on. */
static size_t
plain_length(const SieveLexer *lexer)
{
	return class_length(lexer, PLAIN);
}

/* One piece of a quoted string: a line end, an escape, or plain octets. */
static void
take_quoted_piece(SieveLexer *lexer, Value *value)
{
	if (at_line_end(lexer)) {
		value_add(value, "\r\n", 2);
		skip_line_end(lexer);
		return;
	}

	/*
	 * A backslash before anything but " and \ is dropped (RFC 5228 2.4.2); before a line end it
	 * is, too.
	 */
	if (peek(lexer, 0) == '\\') {
		lexer->at++;
		if (lexer->at >= lexer->len || at_line_end(lexer))
			return;
		value_add(value, lexer->text + lexer->at, 1);
		lexer->at++;
		return;
	}

	size_t n = MAX(plain_length(lexer), 1);
	value_add(value, lexer->text + lexer->at, n);
	lexer->at += n;
}

/* Most strings are plain: they are copied once. */
static bool
take_plain_string(SieveLexer *lexer, SieveToken *token)
{
	size_t n = plain_length(lexer);
	if (peek(lexer, n) != '"' || n > LIMIT_SIEVE_STRING_BYTES)
		return false;

	token->kind = SIEVE_TOKEN_STRING;
	token->text = (SieveText){ sieve_arena_copy(lexer->arena, lexer->text + lexer->at, n), n };
	lexer->at += n + 1;

	return true;
}

static void
take_quoted(SieveLexer *lexer, SieveToken *token)
{
	lexer->at++;
	if (take_plain_string(lexer, token))
		return;

	g_autoptr(GString) text = g_string_new(NULL);
	Value value = { text, false };
	while (lexer->at < lexer->len && peek(lexer, 0) != '"')
		take_quoted_piece(lexer, &value);

	if (lexer->at >= lexer->len) {
		SieveSpan start = { token->span.line, token->span.column, token->span.column + 1 };
		report(lexer, start, "unterminated-string", "end it with \"", "string has no end");
		token->kind = SIEVE_TOKEN_BAD;
		return;
	}

	lexer->at++;
	finish_string(lexer, token, &value);
}

/* The rest of the line behind "text:": blanks and a comment only. */
static bool
skip_text_head(SieveLexer *lexer)
{
	while (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t')
		lexer->at++;
	if (peek(lexer, 0) == '#')
		skip_hash_comment(lexer);
	if (peek(lexer, 0) == '\r')
		lexer->at++;

	return peek(lexer, 0) == '\n';
}

/* The lines of a text: block up to the one with a single dot; false: it does not come. */
static bool
take_text_lines(SieveLexer *lexer, Value *value)
{
	while (lexer->at < lexer->len) {
		const char *line = lexer->text + lexer->at;
		const char *end = memchr(line, '\n', lexer->len - lexer->at);
		size_t len = end != NULL ? (size_t) (end - line) : lexer->len - lexer->at;
		lexer->at += len;
		size_t text_len = len > 0 && line[len - 1] == '\r' ? len - 1 : len;
		if (text_len == 1 && line[0] == '.')
			return true;
		if (end == NULL)
			return false;
		next_line(lexer);
		/* RFC 5228 8.1: only of two dots one goes. */
		size_t stuffed = text_len > 1 && line[0] == '.' && line[1] == '.';
		value_add(value, line + stuffed, text_len - stuffed);
		value_add(value, "\r\n", 2);
	}
	return false;
}

static void
take_text_block(SieveLexer *lexer, SieveToken *token)
{
	lexer->at += strlen("text:");
	SieveSpan head = span_from(lexer, token->span);
	if (!skip_text_head(lexer)) {
		report(lexer, head, "bad-text", "the text begins on the next line",
		       "'text:' is not followed by a line end");
		token->kind = SIEVE_TOKEN_BAD;
		return;
	}

	next_line(lexer);
	g_autoptr(GString) text = g_string_new(NULL);
	Value value = { text, false };
	if (!take_text_lines(lexer, &value)) {
		report(lexer, head, "unterminated-string",
		       "end it with a line that holds a single dot", "text has no end");
		token->kind = SIEVE_TOKEN_BAD;
		return;
	}

	finish_string(lexer, token, &value);
}

/* Signs that editors, web pages and input methods put in place of ". */
static bool
looks_like_quote(gunichar sign)
{
	static const gunichar quotes[] = { '\'',   '`',    0xab,   0xb4,  0xbb,
		                           0x2032, 0x2033, 0x300c, 0x300d };
	for (size_t i = 0; i < G_N_ELEMENTS(quotes); i++)
		if (sign == quotes[i])
			return true;
	return (sign >= 0x2018 && sign <= 0x201f) || (sign >= 0x301d && sign <= 0x301f);
}

/* What may have been meant by a sign that Sieve does not have; NULL: no idea. Caller frees. */
static char *
guess_sign(gunichar sign)
{
	enum { FULL_WIDTH = 0xff01 - '!' };

	if (looks_like_quote(sign) || sign == '"' + FULL_WIDTH)
		return g_strdup("strings stand between two of \"");
	if (g_unichar_isspace(sign) || g_unichar_iszerowidth(sign))
		return g_strdup("put a plain blank there");
	if (sign > '!' + FULL_WIDTH && sign <= '~' + FULL_WIDTH)
		return g_strdup_printf("type %c in half width", (int) (sign - FULL_WIDTH));
	return NULL;
}

/* The name of the sign at `text`, for a message. Caller frees. */
static char *
name_sign(gunichar sign)
{
	char utf8[8];
	utf8[g_unichar_to_utf8(sign, utf8)] = '\0';
	bool is_seen = g_unichar_isgraph(sign) && !g_unichar_iszerowidth(sign);
	return is_seen ? g_strdup_printf("'%s'", utf8) : g_strdup_printf("U+%04X", sign);
}

/* Only strings and comments may have octets outside ASCII (RFC 5228 2.1). */
static void
take_bad(SieveLexer *lexer, SieveToken *token)
{
	int c = peek(lexer, 0);
	gunichar sign = g_utf8_get_char_validated(lexer->text + lexer->at,
	                                          (gssize) (lexer->len - lexer->at));
	g_autofree char *text = NULL, *hint = NULL;

	if (c > 0 && g_unichar_validate(sign)) {
		g_autofree char *name = name_sign(sign);
		text = g_strdup_printf("%s means nothing here", name);
		hint = guess_sign(sign);
	} else {
		text = g_strdup_printf("octet 0x%02x outside a string", (unsigned) c);
		hint = c >= 128 ? g_strdup("save the file as UTF-8") : NULL;
	}

	while (peek(lexer, 0) == c || (c >= 128 && peek(lexer, 0) >= 128))
		lexer->at++;
	token->kind = SIEVE_TOKEN_BAD;
	report(lexer, span_from(lexer, token->span), "bad-character", hint, text);
}

static void
take_token(SieveLexer *lexer, SieveToken *token)
{
	int c = peek(lexer, 0);
	if (is_word_start(c)) {
		bool is_text = peek(lexer, 4) == ':' && word_length(lexer) == 4 &&
		               g_ascii_strncasecmp(lexer->text + lexer->at, "text", 4) == 0;
		if (is_text) {
			take_text_block(lexer, token);
			return;
		}
		token->kind = SIEVE_TOKEN_WORD;
		take_word(lexer, token);
	} else if (c == ':' && is_word_start(peek(lexer, 1))) {
		token->kind = SIEVE_TOKEN_TAG;
		lexer->at++;
		take_word(lexer, token);
	} else if (c >= '0' && c <= '9') {
		take_number(lexer, token);
	} else if (c == '"') {
		take_quoted(lexer, token);
	} else if (c > 0 && (classes[c] & SIGN) != 0) {
		token->kind = SIEVE_TOKEN_SIGN;
		token->sign = (char) c;
		lexer->at++;
	} else {
		take_bad(lexer, token);
	}
}

void
sieve_lexer_next(SieveLexer *lexer, SieveToken *token)
{
	bool good = skip_blanks(lexer);

	token->kind = good ? SIEVE_TOKEN_END : SIEVE_TOKEN_BAD;
	token->span = (SieveSpan){ lexer->line, column(lexer), column(lexer) };
	if (good && lexer->at < lexer->len)
		take_token(lexer, token);
	token->span = span_from(lexer, token->span);
	token->end_line = lexer->line;
	token->end_column = column(lexer);
}
