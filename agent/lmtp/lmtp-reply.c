/* SPDX-License-Identifier: MIT */
/* lmtp-reply: replies as text. */
#include "agent/lmtp/lmtp-reply.h"

#include "agent/base/answer.h"
#include "agent/base/limits.h"
#include "agent/base/texts.h"
#include "agent/message/address-print.h"

#include <string.h>

/* Without pointers, as status.c. */
static const LmtpReplyRow rows[LMTP_REPLY_COUNT] = {
#define REPLY(id, code, dsn, text) [LMTP_REPLY_##id] = { code, dsn, text },
#include "agent/lmtp/lmtp-reply-table.def"
#undef REPLY
};

/* The compiler says nothing of a text that fits but for its NUL. */
#define REPLY(id, code, enhanced, words) \
	G_STATIC_ASSERT(sizeof enhanced <= sizeof rows[0].dsn && \
	                sizeof words <= sizeof rows[0].text);
#include "agent/lmtp/lmtp-reply-table.def"
#undef REPLY

const LmtpReplyRow *
lmtp_reply_row(LmtpReplyId id)
{
	g_assert(id < LMTP_REPLY_COUNT);
	return &rows[id];
}

/* Three digits; printf costs ten times as much. */
static void
append_code(GString *out, int code)
{
	const char digits[] = { (char) ('0' + code / 100), (char) ('0' + code / 10 % 10),
		                (char) ('0' + code % 10) };
	g_string_append_len(out, digits, sizeof digits);
}

void
lmtp_reply_append(GString *out, LmtpReplyId id)
{
	const LmtpReplyRow *row = lmtp_reply_row(id);
	append_code(out, row->code);
	g_string_append_c(out, ' ');
	g_string_append(out, row->dsn);
	if (*row->dsn != '\0')
		g_string_append_c(out, ' ');
	g_string_append(out, row->text);
	g_string_append(out, "\r\n");
}

static size_t
count_sign(const char *text, char sign)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += *text == sign;
	return n;
}

/*
 * Text for a client without SMTPUTF8 (RFC 6531 3.7.4.2: replies are ASCII then): letters with marks
 * lose the marks. Where more than a quarter has no such form, nobody could read the rest: NULL.
 * Caller frees.
 */
static char *
transliterate(const char *valid)
{
	g_autofree char *composed = g_utf8_normalize(valid, -1, G_NORMALIZE_NFC);
	g_autofree char *ascii = g_str_to_ascii(composed, "C");
	size_t lost = count_sign(ascii, '?') - count_sign(composed, '?');
	size_t letters = (size_t) g_utf8_strlen(composed, -1) - count_sign(composed, ' ');
	return lost * 4 > letters ? NULL : g_steal_pointer(&ascii);
}

/*
 * What is said: "<recipient>: words" stays in two, so that a long address makes no words readable.
 * Caller frees.
 */
static char *
make_ascii(const char *said, const char *recipient, const StatusRow *row)
{
	g_autofree char *valid = g_utf8_make_valid(said, -1), *path = address_print_path(recipient);
	const char *words = g_str_has_prefix(valid, path) ? valid + strlen(path) : valid;
	g_autofree char *ascii = transliterate(words);

	if (ascii != NULL)
		return g_strconcat(words != valid ? path : "", ascii, NULL);
	g_autofree char *reference = answer_reference(said);
	return g_strdup_printf(
		"%s: %s; the words of the recipient cannot be shown here - reference %s", path,
		row->text, reference);
}

/* Is it such a line already? Mostly. */
static bool
is_plain(const char *text)
{
	size_t len = 0;
	while (text[len] >= ' ' && text[len] < 0x7f)
		len++;
	return text[len] == '\0' && len < LIMIT_ANSWER_BYTES;
}

/* One printable line of what may be anybody's bytes. */
static char *
make_printable(const char *text, bool utf8)
{
	if (is_plain(text))
		return g_strchomp(g_strdup(text));

	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *line = g_string_new(NULL);

	for (const char *c = valid; *c != '\0' && line->len < LIMIT_ANSWER_BYTES;
	     c = g_utf8_next_char(c)) {
		gunichar letter = g_utf8_get_char(c);
		if (!g_unichar_isprint(letter))
			g_string_append_c(line, ' ');
		else if (letter < 0x80 || utf8)
			g_string_append_unichar(line, letter);
		else
			g_string_append_c(line, '?');
	}

	return g_strchomp(g_string_free(line, FALSE));
}

/*
 * How much of `text` goes into a line with `room` octets: up to a blank where there is one in the
 * second half.
 */
static size_t
fit_line(const char *text, size_t room)
{
	size_t len = strlen(text);
	if (len <= room)
		return len;

	size_t cut = room;
	while (cut > room / 2 && text[cut] != ' ')
		cut--;
	if (text[cut] == ' ')
		return cut;

	cut = room;
	while (cut > 1 && ((unsigned char) text[cut] & 0xc0) == 0x80)
		cut--; /* not through a character */
	return cut;
}

void
lmtp_reply_append_status(GString *out, const Status *st, const char *recipient, const char *done,
                         bool utf8)
{
	const StatusRow *row = status_row(st->id);
	g_autofree char *sentence = st->id == STATUS_OK ? g_strdup(status_text(st))
	                                                : texts_answer(st, utf8);
	const char *said = st->id == STATUS_OK && done != NULL ? done : sentence;
	g_autofree char *path = address_print_path(recipient);
	g_autofree char *ascii = utf8 || g_str_is_ascii(said) ? NULL
	                                                      : make_ascii(said, recipient, row);

	said = ascii != NULL ? ascii : said;
	g_autofree char *joined = *said == '<' ? g_strdup(said)
	                                       : g_strdup_printf("%s %s", path, said);
	g_autofree char *words = make_printable(joined, utf8);
	g_autofree char *text = st->reference != NULL
	                                ? g_strdup_printf("%s [%s]", words, st->reference)
	                                : g_strdup(words);
	const size_t room = LIMIT_LMTP_REPLY_LINE - 2 - strlen("250 ") - strlen(status_dsn(st)) - 1;
	const char *rest = text;
	do {
		size_t len = fit_line(rest, room);
		const char *next = rest + len;
		while (*next == ' ')
			next++;
		append_code(out, row->lmtp);
		g_string_append_c(out, *next != '\0' ? '-' : ' ');
		g_string_append(out, status_dsn(st));
		g_string_append_c(out, ' ');
		g_string_append_len(out, rest, (gssize) len);
		g_string_append(out, "\r\n");
		rest = next;
	} while (*rest != '\0');
}
