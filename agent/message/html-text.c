/* SPDX-License-Identifier: MIT */
/* html-text: a tag stripper that knows no grammar, so that none can be broken. */
#include "agent/message/html-text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * U+00A0 to U+00FF by name. No table here has pointers: the dynamic linker would adjust each of
 * them at the start of each delivery.
 */
static const char latin[][8] = {
	"nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",
	"copy",   "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn",
	"sup2",   "sup3",   "acute",  "micro",  "para",   "middot", "cedil",  "sup1",   "ordm",
	"raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde",
	"Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave",
	"Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde",
	"Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",
	"szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
	"egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",
	"ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave",
	"uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml",
};

static const struct {
	char name[8];
	gunichar code;
} others[] = {
	{ "amp", '&' },       { "lt", '<' },        { "gt", '>' },        { "quot", '"' },
	{ "apos", '\'' },     { "OElig", 0x152 },   { "oelig", 0x153 },   { "Scaron", 0x160 },
	{ "scaron", 0x161 },  { "Yuml", 0x178 },    { "fnof", 0x192 },    { "ensp", 0x2002 },
	{ "emsp", 0x2003 },   { "thinsp", 0x2009 }, { "zwnj", 0x200c },   { "zwj", 0x200d },
	{ "lrm", 0x200e },    { "rlm", 0x200f },    { "ndash", 0x2013 },  { "mdash", 0x2014 },
	{ "lsquo", 0x2018 },  { "rsquo", 0x2019 },  { "sbquo", 0x201a },  { "ldquo", 0x201c },
	{ "rdquo", 0x201d },  { "bdquo", 0x201e },  { "dagger", 0x2020 }, { "Dagger", 0x2021 },
	{ "bull", 0x2022 },   { "hellip", 0x2026 }, { "permil", 0x2030 }, { "prime", 0x2032 },
	{ "lsaquo", 0x2039 }, { "rsaquo", 0x203a }, { "euro", 0x20ac },   { "trade", 0x2122 },
	{ "larr", 0x2190 },   { "uarr", 0x2191 },   { "rarr", 0x2192 },   { "darr", 0x2193 },
	{ "minus", 0x2212 },  { "ne", 0x2260 },     { "le", 0x2264 },     { "ge", 0x2265 },
};

/* Longest name above, and digits of the longest number that means something. */
enum { REFERENCE_MAX = 10 };

/* For the longest name of an element below, with its NUL. */
enum { ELEMENT_ROOM = 12 };

/* Elements that end a line, so that words of neighbouring cells and paragraphs stay apart. */
static const char blocks[][ELEMENT_ROOM] = {
	"address", "article", "blockquote", "br", "center", "dd",     "div", "dl",
	"dt",      "footer",  "form",       "h1", "h2",     "h3",     "h4",  "h5",
	"h6",      "header",  "hr",         "li", "ol",     "option", "p",   "pre",
	"section", "table",   "td",         "th", "title",  "tr",     "ul",
};

/* Elements whose content is not text for people. */
static const char hidden[][ELEMENT_ROOM] = { "script", "style" };

typedef struct {
	const char *at, *end;
	GString *out;
	bool endless_comment; /* no "-->" follows: need not be looked for again */
} HtmlReader;

static bool
is_one_of(const char (*names)[ELEMENT_ROOM], size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == len && g_ascii_strncasecmp(names[i], name, len) == 0)
			return true;
	return false;
}

static gunichar
named_reference(const char *name, size_t len)
{
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		if (strlen(others[i].name) == len && memcmp(others[i].name, name, len) == 0)
			return others[i].code;
	for (size_t i = 0; i < G_N_ELEMENTS(latin); i++)
		if (strlen(latin[i]) == len && memcmp(latin[i], name, len) == 0)
			return 0xa0 + (gunichar) i;
	return 0;
}

/* "#8212" or "#x2014"; 0: nothing that can be a character. */
static gunichar
numbered_reference(const char *text, size_t len)
{
	char digits[REFERENCE_MAX + 1] = "";
	bool hex = len > 1 && (text[1] == 'x' || text[1] == 'X');
	size_t skip = hex ? 2 : 1;

	memcpy(digits, text + skip, len - skip);
	char *stop;
	unsigned long code = strtoul(digits, &stop, hex ? 16 : 10);
	bool usable = *stop == '\0' && stop != digits && g_ascii_isxdigit(digits[0]) && code > 0 &&
	              code <= 0x10ffff && g_unichar_validate((gunichar) code);

	return usable ? (gunichar) code : 0;
}

/* A blank, but never two, and none where a line begins. */
static void
put_blank(GString *out, char blank)
{
	if (out->len == 0)
		return;
	char *last = &out->str[out->len - 1];
	if (*last != ' ' && *last != '\n')
		g_string_append_c(out, blank);
	else if (blank == '\n')
		*last = '\n';
}

static void
put_character(GString *out, gunichar code)
{
	if (code == 0xa0 || code == '\t' || code == '\n' || code == '\r')
		put_blank(out, ' ');
	else if (code != 0xad &&
	         code != 0x200b) /* soft hyphen, zero width space: spam hides words behind them */
		g_string_append_unichar(out, code);
}

static void
read_reference(HtmlReader *reader)
{
	const char *name = reader->at + 1;
	size_t room = MIN((size_t) (reader->end - name), REFERENCE_MAX), len = 0;

	while (len < room && (g_ascii_isalnum(name[len]) || (len == 0 && name[0] == '#')))
		len++;
	gunichar code = 0;
	if (len > 1)
		code = name[0] == '#' ? numbered_reference(name, len) : named_reference(name, len);

	if (code == 0) {
		g_string_append_c(reader->out, '&');
		reader->at++;
		return;
	}

	put_character(reader->out, code);
	reader->at = name + len + (name + len < reader->end && name[len] == ';');
}

/* Behind the '>' of a tag; '>' in quoted values does not count, unless the quote never ends. */
static const char *
tag_end(const char *at, const char *end)
{
	const char *plain = memchr(at, '>', (size_t) (end - at));
	char quote = '\0';

	/*
	 * Bounded: a quote that was forgotten must not make this search the whole page for every
	 * tag.
	 */
	const char *stop = MIN(end, at + 4096);

	for (const char *c = at; c < stop; c++) {
		if (quote == '\0' && *c == '>')
			return c + 1;
		if (quote == '\0' && (*c == '"' || *c == '\'') && c > at && c[-1] == '=')
			quote = *c;
		else if (*c == quote)
			quote = '\0';
	}

	return plain != NULL ? plain + 1 : end;
}

/* Behind the end tag of a hidden element. */
static const char *
skip_hidden(const char *at, const char *end, const char *name, size_t len)
{
	for (const char *c = at; (c = memchr(c, '<', (size_t) (end - c))) != NULL; c++)
		if ((size_t) (end - c) > len + 1 && c[1] == '/' &&
		    g_ascii_strncasecmp(c + 2, name, len) == 0)
			return tag_end(c, end);
	return end;
}

static const char *
skip_comment(HtmlReader *reader, const char *at)
{
	const char *close = reader->endless_comment ? NULL
	                                            : g_strstr_len(at, reader->end - at, "-->");
	reader->endless_comment = close == NULL;
	return close != NULL ? close + 3 : tag_end(at, reader->end);
}

static void
read_tag(HtmlReader *reader)
{
	const char *at = reader->at, *end = reader->end, *name = at + 1;

	if (end - at >= 4 && memcmp(at, "<!--", 4) == 0) {
		reader->at = skip_comment(reader, at + 2);
		return;
	}

	bool closing = name < end && *name == '/';
	name += closing;
	size_t len = 0;
	while (name + len < end &&
	       (len > 0 ? g_ascii_isalnum(name[len]) : g_ascii_isalpha(name[len])))
		len++;

	if (len == 0 && !closing && !(name < end && (*name == '!' || *name == '?'))) { /* "a < b" */
		g_string_append_c(reader->out, '<');
		reader->at++;
		return;
	}

	reader->at = tag_end(name + len, end);
	if (is_one_of(blocks, G_N_ELEMENTS(blocks), name, len))
		put_blank(reader->out, '\n');
	if (!closing && is_one_of(hidden, G_N_ELEMENTS(hidden), name, len))
		reader->at = skip_hidden(reader->at, end, name, len);
}

GString *
html_text(const char *html, size_t len)
{
	HtmlReader reader = { .at = html, .end = html + len, .out = g_string_sized_new(len / 2) };
	while (reader.at < reader.end) {
		char c = *reader.at;
		if (c == '<') {
			read_tag(&reader);
		} else if (c == '&') {
			read_reference(&reader);
		} else if (g_ascii_isspace(c)) {
			put_blank(reader.out, ' ');
			reader.at++;
		} else {
			g_string_append_c(reader.out, c);
			reader.at++;
		}
	}

	return reader.out;
}
