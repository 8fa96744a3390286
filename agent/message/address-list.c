/* SPDX-License-Identifier: MIT */
/*
 * address-list: a field value becomes tokens, the tokens up to a separator become items.
 *
 * Recovery is local: a separator outside of quotes, comments and routes always ends an item, and a
 * quote or comment that never ends is taken for a stray character.
 */
#define _GNU_SOURCE
#include "agent/message/address-list.h"

#include "agent/base/limits.h"
#include "agent/message/address.h"
#include "agent/message/mime.h"

#include <string.h>

typedef enum {
	TOKEN_WORD,
	TOKEN_QUOTED,
	TOKEN_LITERAL,
	TOKEN_COMMENT,
	TOKEN_SIGN,
	TOKEN_END
} TokenKind;

typedef struct {
	TokenKind kind;
	char sign;        /* of TOKEN_SIGN: @ < > : , ; */
	bool spaced;      /* white space before it */
	const char *text; /* without quotes, parentheses */
	size_t len;
} Token;

/* Tokens of one item; a longer phrase loses its end. */
enum { ITEM_TOKENS = 512 };

typedef struct {
	const char *at, *end;
	/*
	 * What was looked for to the end in vain: each search is made once, so that the whole stays
	 * linear.
	 */
	bool no_quote, no_comment, no_escape;
	Token tokens[ITEM_TOKENS];
	size_t n_tokens;
	bool in_angle, in_route;
	AddressNames names;
	char *group;
	GArray *items; /* AddressItem */
	bool cut;
} AddressParser;

static void
clear_item(gpointer data)
{
	AddressItem *item = data;
	char *owned[] = { item->name, item->local, item->domain, item->address, item->group };
	for (size_t i = 0; i < G_N_ELEMENTS(owned); i++)
		g_free(owned[i]);
}

/* Behind the closing quote of the text at `at`; NULL: there is none. */
static const char *
quote_end(const char *at, const char *end)
{
	for (const char *c = at; c < end; c++) {
		if (*c == '"')
			return c + 1;
		if (*c == '\\')
			c++;
	}
	return NULL;
}

static const char *
comment_end(const char *at, const char *end)
{
	size_t depth = 1;
	for (const char *c = at; c < end; c++) {
		if (*c == '\\')
			c++;
		else if (*c == '(')
			depth++;
		else if (*c == ')' && --depth == 0)
			return c + 1;
	}

	return NULL;
}

/*
 * Behind a run of two-octet characters of ISO-2022-JP, whose octets look like specials; `at`
 * itself: it is none.
 */
static const char *
escape_end(AddressParser *parser, const char *at)
{
	if (parser->no_escape || parser->end - at < 2 || at[1] != '$')
		return at;
	const char *back = memmem(at + 2, (size_t) (parser->end - at - 2), "\033(", 2);
	parser->no_escape = back == NULL;
	return back != NULL && parser->end - back > 2 ? back + 3 : at;
}

static bool
is_word_octet(char c)
{
	return !g_ascii_isspace(c) && strchr("\"()<>@,;:", c) == NULL;
}

static Token
read_word(AddressParser *parser, bool spaced)
{
	const char *start = parser->at, *c = start;

	while (c < parser->end && is_word_octet(*c)) {
		const char *after = *c == '\033' ? escape_end(parser, c) : c;
		if (after != c)
			c = after;
		else
			c += *c == '\\' && parser->end - c > 1 ? 2 : 1;
	}

	parser->at = c;
	return (Token){
		.kind = TOKEN_WORD, .spaced = spaced, .text = start, .len = (size_t) (c - start)
	};
}

/* A token with its own end sign; false: the sign is missing. */
static bool
read_enclosed(AddressParser *parser, Token *token)
{
	const char *inside = parser->at + 1, *after = NULL;

	switch (*parser->at) {
	case '"':
		after = parser->no_quote ? NULL : quote_end(inside, parser->end);
		parser->no_quote = after == NULL;
		token->kind = TOKEN_QUOTED;
		break;
	case '(':
		after = parser->no_comment ? NULL : comment_end(inside, parser->end);
		parser->no_comment = after == NULL;
		token->kind = TOKEN_COMMENT;
		break;
	default:
		after = memchr(inside, ']',
		               (size_t) MIN(parser->end - inside, (ptrdiff_t) LIMIT_ADDRESS_BYTES));
		after = after != NULL ? after + 1 : NULL;
		token->kind = TOKEN_LITERAL;
		inside--; /* a literal keeps its brackets */
	}

	if (after == NULL)
		return false;
	token->text = inside;
	token->len = (size_t) (after - inside) - (token->kind != TOKEN_LITERAL);
	parser->at = after;

	return true;
}

static bool
is_sign(const Token *token, char sign)
{
	return token->kind == TOKEN_SIGN && token->sign == sign;
}

/* Was the last token that sign? */
static bool
follows(const AddressParser *parser, char sign)
{
	return parser->n_tokens > 0 && is_sign(&parser->tokens[parser->n_tokens - 1], sign);
}

static Token
next_token(AddressParser *parser)
{
	bool spaced = false;
	for (; parser->at < parser->end; spaced = true) {
		char c = *parser->at;
		Token token = { .spaced = spaced };
		if (c == '"' || c == '(' || (c == '[' && follows(parser, '@'))) {
			if (read_enclosed(parser, &token))
				return token;
		}
		if (memchr("@<>:,;", c, 6) != NULL) {
			parser->at++;
			return (Token){ .kind = TOKEN_SIGN, .sign = c, .spaced = spaced };
		}
		if (is_word_octet(c))
			return read_word(parser, spaced);
		parser->at++; /* white space, or a stray quote or parenthesis */
	}

	return (Token){ .kind = TOKEN_END };
}

/* Append a token's text; quoted pairs become the octet that they quote. */
static void
append_token(GString *out, const Token *token, bool unquote)
{
	if (token->kind == TOKEN_SIGN) {
		g_string_append_c(out, token->sign);
		return;
	}
	for (size_t i = 0; i < token->len; i++) {
		if (unquote && token->text[i] == '\\' && i + 1 < token->len)
			i++;
		g_string_append_c(out, token->text[i]);
	}
}

/*
 * Tokens as people read them, comments left out. Words of a phrase keep their backslashes:
 * Shift_JIS has them in characters.
 */
static char *
join_phrase(const Token *tokens, size_t n)
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < n; i++) {
		if (tokens[i].kind == TOKEN_COMMENT)
			continue;
		if (tokens[i].spaced && out->len > 0)
			g_string_append_c(out, ' ');
		append_token(out, &tokens[i], tokens[i].kind == TOKEN_QUOTED);
	}

	g_string_truncate(out, MIN(out->len, LIMIT_ADDRESS_NAME));
	return g_string_free(out, FALSE);
}

static bool
ends_with_dot(const Token *token)
{
	return token->kind == TOKEN_WORD && token->len > 0 && token->text[token->len - 1] == '.';
}

static bool
starts_with_dot(const Token *token)
{
	return token->kind == TOKEN_WORD && token->len > 0 && token->text[0] == '.';
}

/*
 * One half of an address. Blanks around dots are allowed by the obsolete syntax and dropped;
 * another blank is kept, and makes the address invalid.
 */
static GString *
join_half(const Token *tokens, size_t n, bool *valid)
{
	GString *out = g_string_new(NULL);
	const Token *last = NULL;

	for (size_t i = 0; i < n; i++) {
		if (tokens[i].kind == TOKEN_COMMENT)
			continue;
		bool apart = last != NULL && tokens[i].spaced && !ends_with_dot(last) &&
		             !starts_with_dot(&tokens[i]);
		if (apart)
			g_string_append_c(out, ' ');
		*valid = *valid && !apart && tokens[i].kind != TOKEN_SIGN;
		append_token(out, &tokens[i], tokens[i].kind != TOKEN_LITERAL);
		last = &tokens[i];
	}

	return out;
}

static bool
is_local(const char *local)
{
	for (const char *c = local; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c))
			return false;
	return *local != '\0';
}

static char *
make_valid(GString *text, bool *valid)
{
	if (text->len > LIMIT_ADDRESS_BYTES) {
		g_string_truncate(text, LIMIT_ADDRESS_BYTES);
		*valid = false;
	}

	if (g_utf8_validate(text->str, (gssize) text->len, NULL))
		return g_string_free(text, FALSE);
	char *made = g_utf8_make_valid(text->str, (gssize) text->len);
	g_string_free(text, TRUE);
	*valid = false;

	return made;
}

/* The name as it was asked for; NULL: none. */
static char *
finish_name(const AddressParser *parser, const char *name)
{
	/* without the module the name stays as it is written */
	g_auto(Status) ignored = STATUS_INIT;
	char *decoded = NULL;
	if (name == NULL || *name == '\0')
		return NULL;
	if (parser->names == ADDRESS_NAMES_DECODED &&
	    mime_decode_text(name, strlen(name), NULL, &decoded, NULL, &ignored))
		return decoded;

	return g_utf8_make_valid(name, -1);
}

static void
add_item(AddressParser *parser, AddressItem *item)
{
	parser->cut = parser->cut || parser->items->len >= LIMIT_ADDRESSES;
	if (parser->cut) {
		clear_item(item);
		return;
	}

	item->group = item->is_group ? NULL : g_strdup(parser->group);
	g_array_append_vals(parser->items, item, 1);
}

/* An address from the tokens of its halves. `domain` NULL: there was no '@'. */
static void
add_address(AddressParser *parser, const char *name, const Token *local, size_t n_local,
            const Token *domain, size_t n_domain)
{
	bool valid = domain != NULL;
	AddressItem item = { .name = finish_name(parser, name) };

	item.local = make_valid(join_half(local, n_local, &valid), &valid);
	if (domain != NULL)
		item.domain = make_valid(join_half(domain, n_domain, &valid), &valid);
	item.address = domain != NULL ? g_strconcat(item.local, "@", item.domain, NULL)
	                              : g_strdup(item.local);
	item.valid = valid && is_local(item.local) && address_is_domain(item.domain);
	add_item(parser, &item);
}

/* The last comment among the tokens: "a@b (John Doe)". Caller frees; NULL: none. */
static char *
last_comment(const Token *tokens, size_t n)
{
	while (n > 0 && tokens[n - 1].kind != TOKEN_COMMENT)
		n--;
	if (n == 0)
		return NULL;

	GString *out = g_string_new(NULL);
	append_token(out, &tokens[n - 1], true);
	g_string_truncate(out, MIN(out->len, LIMIT_ADDRESS_NAME));

	return g_string_free(out, FALSE);
}

/* The number of the first such sign, or n. */
static size_t
find_sign(const Token *tokens, size_t n, char sign)
{
	size_t i = 0;
	while (i < n && !is_sign(&tokens[i], sign))
		i++;
	return i;
}

/* What stands in angle brackets: a route is dropped (RFC 5322 4.4), the last '@' divides. */
static void
add_angle(AddressParser *parser, const char *name, const Token *tokens, size_t n)
{
	for (; n > 0 && is_sign(&tokens[0], '<'); n--)
		tokens++;
	if (n > 0 && is_sign(&tokens[0], '@')) {
		size_t colon = find_sign(tokens, n, ':');
		if (colon < n) {
			tokens += colon + 1;
			n -= colon + 1;
		}
	}

	size_t at = n;
	while (at > 0 && !is_sign(&tokens[at - 1], '@'))
		at--;
	if (at == 0)
		add_address(parser, name, tokens, n, NULL, 0);
	else
		add_address(parser, name, tokens, at - 1, tokens + at, n - at);
}

/* Does the token go on with the half of an address that ends in `last`? */
static bool
is_joined(const Token *last, const Token *token)
{
	bool text = token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED ||
	            token->kind == TOKEN_LITERAL;
	return text && (!token->spaced || ends_with_dot(last) || starts_with_dot(token));
}

/* Where the local part before the '@' at `at` begins. */
static size_t
local_start(const Token *tokens, size_t at)
{
	size_t i = at;

	while (i > 0 && tokens[i - 1].kind == TOKEN_COMMENT)
		i--;
	if (i > 0 && tokens[i - 1].kind != TOKEN_SIGN)
		i--;
	while (i > 0 && i < at && tokens[i].kind != TOKEN_SIGN &&
	       is_joined(&tokens[i - 1], &tokens[i]) && tokens[i - 1].kind != TOKEN_SIGN &&
	       tokens[i - 1].kind != TOKEN_COMMENT)
		i--;

	return i;
}

/*
 * Where the domain behind the '@' at `at` ends; "a@b@c" is one address, and *last_at its last '@'.
 */
static size_t
domain_end(const Token *tokens, size_t n, size_t at, size_t *last_at)
{
	size_t i = at + 1;

	*last_at = at;
	while (i < n && tokens[i].kind == TOKEN_COMMENT)
		i++;
	if (i < n && tokens[i].kind != TOKEN_SIGN)
		i++;

	while (i < n && (is_joined(&tokens[i - 1], &tokens[i]) ||
	                 (is_sign(&tokens[i], '@') && !tokens[i].spaced))) {
		if (tokens[i].kind == TOKEN_SIGN)
			*last_at = i;
		i++;
	}

	return i;
}

/* Addresses without angle brackets; blanks between two of them are a comma that was forgotten. */
static void
add_bare(AddressParser *parser, const Token *tokens, size_t n)
{
	g_autofree char *comment = last_comment(tokens, n);
	size_t from = 0, at = find_sign(tokens, n, '@');

	if (at == n) {
		g_autofree char *words = join_phrase(tokens, n);
		if (*words != '\0')
			add_address(parser, comment, tokens, n, NULL, 0);
		return;
	}

	while (at < n) {
		size_t start = MAX(local_start(tokens, at), from), last_at;
		size_t end = domain_end(tokens, n, at, &last_at);
		g_autofree char *phrase = join_phrase(tokens + from, start - from);
		add_address(parser, *phrase != '\0' ? phrase : comment, tokens + start,
		            last_at - start, tokens + last_at + 1, end - last_at - 1);
		from = end;
		at = end + find_sign(tokens + end, n - end, '@');
	}
}

/* Make items of the tokens since the last separator. */
static void
end_item(AddressParser *parser)
{
	const Token *tokens = parser->tokens;
	size_t n = parser->n_tokens;
	bool first = true;

	for (size_t angle; (angle = find_sign(tokens, n, '<')) < n; first = false) {
		size_t inside = angle + 1,
		       close = inside + find_sign(tokens + inside, n - inside, '>');
		size_t after = MIN(close + 1, n), comments = after;
		while (comments < n && tokens[comments].kind == TOKEN_COMMENT)
			comments++;
		g_autofree char *phrase = join_phrase(tokens, angle);
		g_autofree char *comment = *phrase == '\0' ? last_comment(tokens, comments) : NULL;
		add_angle(parser, comment != NULL ? comment : phrase, tokens + inside,
		          close - inside);
		tokens += comments;
		n -= comments;
	}

	/* Words behind an address are no address, unless they look like one. */
	if (first || find_sign(tokens, n, '@') < n)
		add_bare(parser, tokens, n);
	parser->n_tokens = 0;
	parser->in_angle = parser->in_route = false;
}

static void
begin_group(AddressParser *parser)
{
	g_autofree char *name = join_phrase(parser->tokens, parser->n_tokens);
	g_autofree char *comment = *name == '\0' ? last_comment(parser->tokens, parser->n_tokens)
	                                         : NULL;

	g_clear_pointer(&parser->group, g_free);
	AddressItem item = { .name = finish_name(parser, comment != NULL ? comment : name),
		             .is_group = true };
	item.local = g_strdup("");
	item.address = g_strdup("");
	parser->group = g_strdup(item.name != NULL ? item.name : "");
	add_item(parser, &item);
	parser->n_tokens = 0;
}

/* Is this ':' the one behind a group's name? */
static bool
ends_group_name(const AddressParser *parser)
{
	return !parser->in_angle &&
	       find_sign(parser->tokens, parser->n_tokens, '@') == parser->n_tokens;
}

static void
take_token(AddressParser *parser, const Token *token)
{
	char sign = token->kind == TOKEN_SIGN ? token->sign : '\0';

	parser->in_route = parser->in_route ||
	                   (parser->in_angle && sign == '@' && follows(parser, '<'));
	if (sign == ';' || (sign == ',' && !parser->in_route)) {
		end_item(parser);
		if (sign == ';')
			g_clear_pointer(&parser->group, g_free);
		return;
	}

	if (sign == ':' && ends_group_name(parser)) {
		begin_group(parser);
		return;
	}

	if (parser->n_tokens == ITEM_TOKENS)
		return;
	parser->in_angle = sign == '<' || (parser->in_angle && sign != '>');
	parser->in_route = parser->in_route && parser->in_angle && sign != ':';
	parser->tokens[parser->n_tokens++] = *token;
}

void
address_list_parse(const char *value, size_t len, AddressNames names, AddressList *ret_list)
{
	g_autofree char *flat = g_malloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (value[i] != '\0' && value[i] != '\r')
			flat[n++] = value[i] == '\n' ? ' ' : value[i];
	g_autofree AddressParser *parser = g_new0(AddressParser, 1);
	parser->at = flat;
	parser->end = flat + n;
	parser->names = names;
	parser->items = g_array_new(FALSE, TRUE, sizeof(AddressItem));
	for (Token token = next_token(parser); token.kind != TOKEN_END && !parser->cut;
	     token = next_token(parser))
		take_token(parser, &token);
	end_item(parser);
	g_free(parser->group);
	ret_list->cut = parser->cut;
	ret_list->count = parser->items->len;
	ret_list->items = (AddressItem *) (void *) g_array_free(parser->items, FALSE);
}

void
address_list_clear(AddressList *list)
{
	for (size_t i = 0; i < list->count; i++)
		clear_item(&list->items[i]);
	g_free(list->items);
	*list = (AddressList){ 0 };
}
