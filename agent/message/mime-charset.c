/* SPDX-License-Identifier: MIT */
/* mime-charset: iconv where the label is right, and a guess in a stated order where it is not. */
#include "agent/message/mime-charset.h"

#include "agent/message/gmime-extra.h"

#include <errno.h>
#include <string.h>

enum { OUT_CHUNK = 4096, LABEL_MAX = 64 };

/* HZ (RFC 1843), which iconv of the C library does not know. */
#define HZ "HZ"

static const char replacement[] = "\xef\xbf\xbd";

/*
 * What labels mean, by their letters and digits only ("ISO_8859-1", "iso8859-1" and "ISO 8859 1"
 * are one label), without an "x-" or "cs" in front. Small names are read as the big set, as the
 * WHATWG has it: senders write the one and use the other. NULL: the label says nothing.
 */
static const struct {
	const char *label;
	const char *charset;
} readings[] = {
	{ "usascii", NULL },
	{ "ascii", NULL },
	{ "ansix341968", NULL },
	{ "iso646us", NULL },
	{ "us", NULL },
	{ "7bit", NULL },
	{ "8bit", NULL },
	{ "binary", NULL },
	{ "unknown", NULL },
	{ "unknown8bit", NULL },
	{ "default", NULL },
	{ "none", NULL },
	{ "userdefined", NULL },
	{ "ansi", NULL },
	{ "ansix31101983", NULL },
	{ "utf8", "UTF-8" },
	{ "utf8mb4", "UTF-8" },
	{ "utf8sig", "UTF-8" },
	{ "cp65001", "UTF-8" },
	{ "unicode11utf8", "UTF-8" },
	{ "unicode20utf8", "UTF-8" },
	{ "unicode11utf7", "UTF-7" },
	{ "unicode", "UTF-16" },
	{ "ucs2", "UCS-2" },
	{ "iso10646ucs2", "UCS-2" },
	{ "iso88591", "WINDOWS-1252" },
	{ "iso885911987", "WINDOWS-1252" },
	{ "windows1252", "WINDOWS-1252" },
	{ "cp1252", "WINDOWS-1252" },
	{ "latin1", "WINDOWS-1252" },
	{ "l1", "WINDOWS-1252" },
	{ "isolatin1", "WINDOWS-1252" },
	{ "western", "WINDOWS-1252" },
	{ "iso88599", "WINDOWS-1254" },
	{ "latin5", "WINDOWS-1254" },
	{ "iso88596i", "ISO-8859-6" },
	{ "iso88596e", "ISO-8859-6" },
	{ "iso88598i", "ISO-8859-8" },
	{ "iso88598e", "ISO-8859-8" },
	{ "logical", "ISO-8859-8" },
	{ "visual", "ISO-8859-8" },
	{ "iso885911", "CP874" },
	{ "tis620", "CP874" },
	{ "dos874", "CP874" },
	{ "windows874", "CP874" },
	{ "latin2", "ISO-8859-2" },
	{ "latin9", "ISO-8859-15" },
	{ "greek", "ISO-8859-7" },
	{ "cyrillic", "ISO-8859-5" },
	{ "arabic", "ISO-8859-6" },
	{ "hebrew", "ISO-8859-8" },
	{ "shiftjis", "CP932" },
	{ "sjis", "CP932" },
	{ "mskanji", "CP932" },
	{ "windows31j", "CP932" },
	{ "cp932", "CP932" },
	{ "cp943", "CP932" },
	{ "cp943c", "CP932" },
	{ "macjapanese", "CP932" },
	{ "eucjp", "EUC-JP-MS" },
	{ "euc", "EUC-JP-MS" },
	{ "ujis", "EUC-JP-MS" },
	{ "eucjpms", "EUC-JP-MS" },
	{ "gb2312", "GB18030" },
	{ "gb231280", "GB18030" },
	{ "gbk", "GB18030" },
	{ "gb", "GB18030" },
	{ "cp936", "GB18030" },
	{ "euccn", "GB18030" },
	{ "cngb", "GB18030" },
	{ "chinese", "GB18030" },
	{ "iso58gb231280", "GB18030" },
	{ "macchinesesimp", "GB18030" },
	{ "hzgb2312", HZ },
	{ "hzgb", HZ },
	{ "hz", HZ },
	{ "euckr", "CP949" },
	{ "ksc56011987", "CP949" },
	{ "ksc5601", "CP949" },
	{ "ksc5636", "CP949" },
	{ "korean", "CP949" },
	{ "cp949", "CP949" },
	{ "uhc", "CP949" },
	{ "mackorean", "CP949" },
	{ "big5", "BIG5-HKSCS" },
	{ "big5eten", "BIG5-HKSCS" },
	{ "cnbig5", "BIG5-HKSCS" },
	{ "big5hkscs", "BIG5-HKSCS" },
	{ "cp950", "CP950" },
	{ "macchinesetrad", "BIG5-HKSCS" },
	{ "koi8", "KOI8-R" },
	{ "koi8r", "KOI8-R" },
	{ "koi8u", "KOI8-U" },
	{ "koi8ru", "KOI8-U" },
	{ "macintosh", "MACINTOSH" },
	{ "mac", "MACINTOSH" },
	{ "macroman", "MACINTOSH" },
	{ "macturkish", "MACINTOSH" },
	{ "maccroatian", "MACINTOSH" },
	{ "macromania", "MACINTOSH" },
	{ "macromanian", "MACINTOSH" },
	{ "macicelandic", "MAC-IS" },
	{ "maccyrillic", "MAC-CYRILLIC" },
	{ "macukrainian", "MAC-UK" },
	{ "macce", "MAC-CENTRALEUROPE" },
	{ "maccentraleurope", "MAC-CENTRALEUROPE" },
	{ "maccentraleurroman", "MAC-CENTRALEUROPE" },
	{ "macgreek", "CP1253" },
	{ "machebrew", "CP1255" },
	{ "macarabic", "CP1256" },
	{ "macthai", "CP874" },
};

/*
 * Families that are named with a number behind them, in many ways: "cp-850", "win-1251",
 * "windows1251", "IBM 437".
 */
static const struct {
	const char *label;
	const char *charset;
} families[] = {
	{ "windows", "CP" },     { "win", "CP" }, { "cp", "CP" },
	{ "ibm", "IBM" },        { "dos", "CP" }, { "iso8859", "ISO-8859-" },
	{ "8859", "ISO-8859-" },
};

/* Letters and digits of the label, in lower case, without "x-" and "cs" in front. Caller frees. */
static char *
squeeze_label(const char *label)
{
	if (g_ascii_strncasecmp(label, "x-", 2) == 0)
		label += 2;
	if (g_ascii_strncasecmp(label, "cs", 2) == 0)
		label += 2;
	GString *squeezed = g_string_new(NULL);
	for (; *label != '\0' && squeezed->len < LABEL_MAX; label++)
		if (g_ascii_isalnum(*label))
			g_string_append_c(squeezed, g_ascii_tolower(*label));

	return g_string_free(squeezed, FALSE);
}

/* "cp850" as iconv names it; NULL: no family of numbers. Caller frees. */
static char *
charset_of_family(const char *squeezed)
{
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		size_t len = strlen(families[i].label);
		const char *number = squeezed + len;
		bool fits = strncmp(squeezed, families[i].label, len) == 0 && *number != '\0';
		if (fits && number[strspn(number, "0123456789")] == '\0')
			return g_strconcat(families[i].charset, number, NULL);
	}
	return NULL;
}

/*
 * The name for iconv, or HZ; NULL: the label says nothing, or nothing that may reach iconv_open.
 * Caller frees.
 */
static char *
charset_of_label(const char *label)
{
	/*
	 * A '/' would reach the options behind a name ("//IGNORE"), or in old C libraries the file
	 * system.
	 */
	size_t len = strspn(
		label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+() ");
	if (len == 0 || len > LABEL_MAX || label[len] != '\0')
		return NULL;

	g_autofree char *squeezed = squeeze_label(label);
	for (size_t i = 0; i < G_N_ELEMENTS(readings); i++)
		if (strcmp(readings[i].label, squeezed) == 0)
			return g_strdup(readings[i].charset);

	char *family = charset_of_family(squeezed);
	return family != NULL ? family : g_strdup(g_mime_charset_iconv_name(label));
}

/* What a conversion gave. */
typedef struct {
	GString *text;
	size_t bad; /* octets that meant nothing; each became U+FFFD */
} Conversion;

/*
 * One call of iconv by way of `chunk`; what it wrote goes to `out`. False: it stopped at something
 * that is no character.
 */
static bool
convert_step(iconv_t cd, char **in, size_t *in_len, char *chunk, GString *out)
{
	char *to = chunk;
	size_t room = OUT_CHUNK;
	size_t rc = iconv(cd, in, in_len, &to, &room);
	int err = errno;

	g_string_append_len(out, chunk, to - chunk);
	return rc != (size_t) -1 || err == E2BIG;
}

/*
 * Convert; gives up (text NULL) after more than `max_bad` octets, or where the charset is not
 * known.
 */
static Conversion
convert(const char *charset, const char *bytes, size_t len, size_t max_bad)
{
	Conversion conversion = { NULL, 0 };
	iconv_t cd = g_mime_iconv_open("UTF-8", charset);
	if (cd == (iconv_t) -1)
		return conversion;

	conversion.text = g_string_sized_new(len + len / 2);
	g_autofree char *chunk = g_malloc(OUT_CHUNK);
	char *in = (char *) bytes;
	while (len > 0 && conversion.bad <= max_bad) {
		if (convert_step(cd, &in, &len, chunk, conversion.text) || len == 0)
			continue;
		g_string_append(conversion.text, replacement);
		conversion.bad++;
		in++;
		len--;
	}

	/* some charsets keep a character back */
	(void) convert_step(cd, NULL, NULL, chunk, conversion.text);
	g_mime_iconv_close(cd);
	if (conversion.bad > max_bad) {
		g_string_free(conversion.text, TRUE);
		conversion.text = NULL;
	}

	return conversion;
}

/* Octets with the high bit. */
static size_t
count_8bit(const char *bytes, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		n += ((guchar) bytes[i]) >> 7;
	return n;
}

static const char *
find_escape(const char *bytes, size_t len, const char *after)
{
	size_t after_len = strlen(after);
	const char *end = bytes + len;

	for (const char *c = memchr(bytes, '\033', len); c != NULL;
	     c = memchr(c + 1, '\033', (size_t) (end - c - 1)))
		if ((size_t) (end - c) > after_len && memcmp(c + 1, after, after_len) == 0)
			return c;

	return NULL;
}

bool
mime_charset_has_escapes(const char *bytes, size_t len)
{
	static const char *const sequences[] = { "$B", "$@", "$A", "$(", "$)", "(J", "(I" };
	for (size_t i = 0; i < G_N_ELEMENTS(sequences); i++)
		if (find_escape(bytes, len, sequences[i]) != NULL)
			return true;
	return false;
}

/* The sets that ISO-2022-JP switches between, as prefixes and masks of EUC. */
typedef enum { SET_ASCII, SET_KANJI, SET_HALF_KANA, SET_SUPPLEMENT } JisSet;

/* Length of the escape sequence at `in` and the set it names; 0: none that Japanese mail uses. */
static size_t
jis_escape(const char *in, size_t len, JisSet *set)
{
	static const struct {
		const char *sequence;
		JisSet set;
	} escapes[] = {
		{ "\033$B", SET_KANJI },     { "\033$@", SET_KANJI }, { "\033$(D", SET_SUPPLEMENT },
		{ "\033$(B", SET_KANJI },    { "\033(B", SET_ASCII }, { "\033(J", SET_ASCII },
		{ "\033(I", SET_HALF_KANA },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(escapes); i++) {
		size_t n = strlen(escapes[i].sequence);
		if (n <= len && memcmp(in, escapes[i].sequence, n) == 0) {
			*set = escapes[i].set;
			return n;
		}
	}

	return 0;
}

/*
 * ISO-2022-JP as EUC-JP. iconv's own ISO-2022-JP knows neither the circled numbers and the like
 * that Windows adds (NEC row 13) nor the half-width kana that mail is full of; EUC-JP-MS knows
 * both.
 */
static GString *
jis_to_euc(const char *in, size_t len)
{
	GString *out = g_string_sized_new(len);
	JisSet set = SET_ASCII;

	for (size_t i = 0; i < len;) {
		size_t escape = in[i] == '\033' ? jis_escape(in + i, len - i, &set) : 0;
		bool plain = set == SET_ASCII || in[i] <= ' ' || in[i] == 127;
		if (escape > 0) {
			i += escape;
		} else if (plain) {
			/* a line that was cut in the middle does not spoil the next (RFC 1468) */
			if (in[i] == '\n')
				set = SET_ASCII;
			g_string_append_c(out, in[i++]);
		} else if (set == SET_HALF_KANA) {
			g_string_append_c(out, '\x8e');
			g_string_append_c(out, (char) (in[i++] | 0x80));
		} else {
			if (set == SET_SUPPLEMENT)
				g_string_append_c(out, '\x8f');
			for (size_t end = MIN(i + 2, len); i < end && in[i] > ' '; i++)
				g_string_append_c(out, (char) (in[i] | 0x80));
		}
	}

	return out;
}

static bool
is_rarely(size_t bad, size_t all)
{
	return bad * 20 <= all;
}

static Conversion
convert_escapes(const char *bytes, size_t len, const char **ret_charset)
{
	bool korean = find_escape(bytes, len, "$)C") != NULL;
	bool chinese = find_escape(bytes, len, "$)A") != NULL ||
	               find_escape(bytes, len, "$)G") != NULL;

	*ret_charset = korean ? "iso-2022-kr" : chinese ? "iso-2022-cn" : "iso-2022-jp";
	if (korean || chinese)
		return convert(*ret_charset, bytes, len, len / 4);

	Conversion many = { NULL, 0 };
	if (find_escape(bytes, len, "$A") != NULL || find_escape(bytes, len, "$(C") != NULL)
		many = convert("ISO-2022-JP-2", bytes, len, 0);
	if (many.text != NULL)
		return many;

	GString *euc = jis_to_euc(bytes, len);
	many = convert("EUC-JP-MS", euc->str, euc->len, euc->len);
	g_string_free(euc, TRUE);

	return many;
}

/* What text looks like when it is read as pairs of octets. */
typedef struct {
	size_t kana, common, rare;
	/* kana and common kanji in a row: stray accents and curly quotes stand alone */
	size_t run, longest;
	bool valid;
} PairScore;

static void
score_pair(PairScore *score, bool kana, bool common)
{
	score->kana += kana;
	score->common += !kana && common;
	score->rare += !kana && !common;
	score->run = kana || common ? score->run + 1 : 0;
	score->longest = MAX(score->longest, score->run);
}

static PairScore
score_euc(const guchar *c, size_t len)
{
	PairScore score = { .valid = true };
	for (size_t i = 0; i < len; i++) {
		if (c[i] < 0x80) {
			score.run = 0;
			continue;
		}
		size_t extra = c[i] == 0x8f ? 2 : 1;
		for (size_t k = 1; k <= extra && i + k < len; k++)
			score.valid = score.valid && c[i + k] >= 0xa1 && c[i + k] <= 0xfe;
		score.valid = score.valid && (c[i] >= 0xa1 || c[i] == 0x8e || c[i] == 0x8f) &&
		              c[i] != 0xff;
		bool common = (c[i] >= 0xa1 && c[i] <= 0xa3) || (c[i] >= 0xb0 && c[i] <= 0xcf);
		score_pair(&score, c[i] == 0xa4 || c[i] == 0xa5, common);
		i += extra;
	}

	return score;
}

static PairScore
score_sjis(const guchar *c, size_t len)
{
	PairScore score = { .valid = true };
	for (size_t i = 0; i < len; i++) {
		if (c[i] < 0x80) {
			score.run = 0;
			continue;
		}
		/* half-width kana: as octets more often accented letters */
		if (c[i] >= 0xa1 && c[i] <= 0xdf) {
			score_pair(&score, false, false);
			continue;
		}
		guchar trail = i + 1 < len ? c[i + 1] : 0x40;
		bool kana = (c[i] == 0x82 && trail >= 0x9f) || (c[i] == 0x83 && trail <= 0x96);
		score.valid = score.valid && c[i] != 0x80 && c[i] != 0xa0 && c[i] <= 0xfc &&
		              trail >= 0x40 && trail != 0x7f && trail <= 0xfc;
		score_pair(&score, kana,
		           c[i] == 0x81 || c[i] == 0x82 || (c[i] >= 0x88 && c[i] <= 0x97));
		i++;
	}

	return score;
}

/* Above 0: it reads like Japanese. */
static gint64
score_value(const PairScore *score)
{
	if (!score->valid || score->longest < 2)
		return 0;
	return 2 * (gint64) score->kana + (gint64) score->common - 2 * (gint64) score->rare;
}

/* The characters that Chinese text has most of, in GB2312; few of them are in Japanese text. */
static bool
is_frequent_in_chinese(guchar lead, guchar trail)
{
	static const guint16 frequent[] = {
		0xb0d1, 0xb1be, 0xb2bb, 0xb3c9, 0xb4cb, 0xb4d3, 0xb5bd, 0xb5c3, 0xb5c4, 0xb5c8,
		0xb6d4, 0xb6e0, 0xb6f8, 0xb7a2, 0xb7dd, 0xb8f6, 0xb9ab, 0xb9fa, 0xbacd, 0xbbe1,
		0xbbfa, 0xbcd2, 0xbcdb, 0xbdf8, 0xbecd, 0xbfc9, 0xbfcd, 0xc0b4, 0xc0ef, 0xc3c7,
		0xc4c7, 0xc4d8, 0xc4e3, 0xc4fa, 0xc6b1, 0xc7e3, 0xc7eb, 0xc8cb, 0xc8e7, 0xc9cf,
		0xcac7, 0xcab1, 0xcbb5, 0xcbbe, 0xcbfb, 0xcbfc, 0xccec, 0xced2, 0xcede, 0xced5,
		0xcfc2, 0xcfd6, 0xd0a9, 0xd1a7, 0xd2aa, 0xd2b2, 0xd2bb, 0xd2d4, 0xd3d0, 0xd3da,
		0xd3c3, 0xd3eb, 0xd4da, 0xd5df, 0xd5e2, 0xd6ae, 0xd6d0, 0xd6bb, 0xd7c5, 0xd7d3,
	};
	guint16 pair = (guint16) (lead << 8 | trail);

	for (size_t i = 0; i < G_N_ELEMENTS(frequent); i++)
		if (frequent[i] == pair)
			return true;
	return false;
}

/* Above 0: it reads like simplified Chinese in GBK. */
static gint64
chinese_value(const guchar *c, size_t len)
{
	gint64 frequent = 0, usual = 0, rare = 0, kana = 0;
	for (size_t i = 0; i < len; i++) {
		if (c[i] < 0x80)
			continue;
		guchar trail = i + 1 < len ? c[i + 1] : 0;
		if (c[i] == 0x80 || c[i] == 0xff || trail < 0x40 || trail == 0x7f || trail == 0xff)
			return 0;
		frequent += is_frequent_in_chinese(c[i], trail);
		kana += c[i] == 0xa4 || c[i] == 0xa5;
		usual += c[i] >= 0xd0 && c[i] <= 0xd7; /* in Japanese text the rare half */
		rare += c[i] >= 0xd8 || c[i] <= 0xa0;
		i++;
	}

	return frequent > 0 && kana == 0 ? 4 * frequent + usual - 2 * rare : 0;
}

/* EUC-JP, Shift_JIS or GBK, by what it reads like. NULL: like none. */
static const char *
guess_pairs(const char *bytes, size_t len)
{
	const guchar *octets = (const guchar *) bytes;
	PairScore euc = score_euc(octets, len), sjis = score_sjis(octets, len);
	gint64 as_euc = score_value(&euc), as_sjis = score_value(&sjis),
	       as_gbk = chinese_value(octets, len);

	if (as_gbk > as_euc && as_gbk > as_sjis)
		return "GB18030";
	if (as_euc <= 0 && as_sjis <= 0)
		return NULL;

	return as_euc >= as_sjis ? "EUC-JP-MS" : "CP932";
}

/* Cyrillic text needs this many letters to be told before, and behind, text in pairs of octets. */
enum { SURE_LETTERS = 6, LEAST_LETTERS = 3 };

/*
 * Octets of the word of Cyrillic letters that `c` begins with: of KOI8-R and windows-1251 they are
 * the same octets.
 */
static size_t
cyrillic_word(const guchar *c, size_t len)
{
	size_t n = 0;
	while (n < len && c[n] >= 0xc0)
		n++;
	return n;
}

/*
 * Octets behind the first that lie in the lower half of the letters: the small ones of KOI8-R, the
 * capitals of windows-1251.
 */
static size_t
count_low_half(const guchar *c, size_t len)
{
	size_t n = 0;
	for (size_t i = 1; i < len; i++)
		n += c[i] < 0xe0;
	return n;
}

/*
 * KOI8-R or windows-1251: at least `least` letters in words of three and more, nearly no other
 * 8-bit octets, and in nearly all words one case behind the first letter, which text in pairs of
 * octets does not keep to. Of two charsets in which the small letters of the one are the capitals
 * of the other, that with more small ones. NULL: neither.
 */
static const char *
guess_cyrillic(const char *bytes, size_t len, size_t least)
{
	const guchar *c = (const guchar *) bytes;
	size_t letters = 0, koi8 = 0, windows = 0;

	for (size_t i = 0; i < len;) {
		size_t word = cyrillic_word(c + i, len - i),
		       low = word > 0 ? count_low_half(c + i, word) : 0;
		letters += word >= 3 ? word : 0;
		koi8 += word >= 3 && low == word - 1 ? word : 0;
		windows += word >= 3 && low == 0 ? word : 0;
		i += MAX(word, 1);
	}

	bool one_case = (koi8 + windows) * 10 >= letters * 9,
	     few_others = letters * 4 >= count_8bit(bytes, len) * 3;
	if (letters < least || !one_case || !few_others)
		return NULL;

	return koi8 > windows ? "KOI8-R" : "WINDOWS-1251";
}

/* What `guess_pairs` and `guess_cyrillic` know, by iconv's name, as people call it. */
static const char *
common_name(const char *charset)
{
	static const struct {
		const char *charset;
		const char *name;
	} names[] = {
		{ "CP932", "shift_jis" },           { "EUC-JP-MS", "euc-jp" },
		{ "GB18030", "gb18030" },           { "KOI8-R", "koi8-r" },
		{ "WINDOWS-1251", "windows-1251" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i].charset, charset) == 0)
			return names[i].name;
	return charset;
}

/* Is it UTF-8, but for a few octets that somebody cut? */
static bool
is_nearly_utf8(const char *bytes, size_t len)
{
	size_t good = 0, bad = 0;
	for (const char *c = bytes, *end = bytes + len; c < end;) {
		gunichar u = (guchar) *c < 0x80 ? 1 : g_utf8_get_char_validated(c, end - c);
		bool valid = u != (gunichar) -1 && u != (gunichar) -2;
		good += valid && (guchar) *c >= 0x80;
		bad += !valid;
		c = valid ? g_utf8_next_char(c) : c + 1;
	}

	return good > 0 && bad <= MAX(2, good / 4) && bad < good * 2;
}

/* Steps 3 to 6 of the order in mime.h; `bytes` has 8-bit octets. */
static Conversion
convert_by_guess(const char *bytes, size_t len, const char **ret_charset)
{
	if (is_nearly_utf8(bytes, len)) {
		*ret_charset = "utf-8";
		return convert("UTF-8", bytes, len, len);
	}

	const char *likely = guess_cyrillic(bytes, len, SURE_LETTERS);
	if (likely == NULL)
		likely = guess_pairs(bytes, len);
	if (likely == NULL)
		likely = guess_cyrillic(bytes, len, LEAST_LETTERS);

	if (likely != NULL) {
		*ret_charset = common_name(likely);
		Conversion conversion = convert(likely, bytes, len, len / 8);
		if (conversion.text != NULL)
			return conversion;
	}

	*ret_charset = "windows-1252";
	return convert("WINDOWS-1252", bytes, len, len);
}

/* HZ as the octets of GB2312: "~{" and "~}" stand around pairs of seven bits, "~~" is a tilde. */
static GString *
hz_to_gb(const char *in, size_t len)
{
	GString *out = g_string_sized_new(len);
	bool pairs = false;

	for (size_t i = 0; i < len; i++) {
		char next = in[i] == '~' && i + 1 < len ? in[i + 1] : '\0';
		bool shifts = next == '{' || next == '}';
		if (shifts)
			pairs = next == '{';
		else if (next == '~' && !pairs)
			g_string_append_c(out, '~');
		else if (in[i] == '\n')
			pairs = false; /* a line that was cut does not spoil the next */

		bool escape = shifts || (!pairs && (next == '~' || next == '\n'));
		if (escape)
			i++;
		else
			g_string_append_c(out,
			                  pairs && in[i] > ' ' ? (char) (in[i] | 0x80) : in[i]);
	}

	return out;
}

static Conversion
convert_hz(const char *bytes, size_t len, size_t max_bad)
{
	GString *gb = hz_to_gb(bytes, len);
	Conversion conversion = convert("GB18030", gb->str, gb->len, max_bad);
	g_string_free(gb, TRUE);
	return conversion;
}

static Conversion
convert_labelled(const char *charset, const char *bytes, size_t len, size_t max_bad)
{
	return strcmp(charset, HZ) == 0 ? convert_hz(bytes, len, max_bad)
	                                : convert(charset, bytes, len, max_bad);
}

/* Step 2: the label, where it fits all octets or nearly all. */
static Conversion
convert_by_label(const char *charset, const char *bytes, size_t len)
{
	size_t high = count_8bit(bytes, len);
	Conversion conversion = convert_labelled(charset, bytes, len, 0);
	if (conversion.text != NULL || g_utf8_validate(bytes, (gssize) len, NULL))
		return conversion;

	conversion = convert_labelled(charset, bytes, len, MAX(high, len / 20));
	if (conversion.text == NULL || is_rarely(conversion.bad, high))
		return conversion;

	g_string_free(conversion.text, TRUE);
	return (Conversion){ NULL, 0 };
}

static char *
guess_text(const char *charset, const char *label, bool damaged)
{
	g_autofree char *printable = label != NULL ? g_strndup(label, LABEL_MAX) : NULL;
	if (printable != NULL)
		g_strcanon(printable,
		           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+()",
		           '?');

	return g_strdup_printf("%s%s for %s", damaged ? "damaged " : "", charset,
	                       printable != NULL ? printable : "no charset");
}

/* Octets without NULs: no charset but the wide ones has them, and C strings end there. */
static GString *
without_nuls(const char *bytes, size_t len)
{
	GString *out = g_string_sized_new(len);
	for (const char *c = bytes, *end = bytes + len; c < end;) {
		const char *nul = memchr(c, '\0', (size_t) (end - c));
		const char *stop = nul != NULL ? nul : end;
		g_string_append_len(out, c, stop - c);
		c = stop + 1;
	}

	return out;
}

static bool
is_wide(const char *charset)
{
	static const char *const wide[] = { "utf-16", "utf-32", "ucs-" };
	for (size_t i = 0; charset != NULL && i < G_N_ELEMENTS(wide); i++)
		if (g_ascii_strncasecmp(charset, wide[i], strlen(wide[i])) == 0)
			return true;
	return false;
}

/* Make it what the header promises, whatever iconv did. */
static char *
finish(GString *text, size_t *ret_len)
{
	GString *clean = text;

	if (memchr(text->str, '\0', text->len) != NULL) {
		clean = without_nuls(text->str, text->len);
		g_string_free(text, TRUE);
	}

	*ret_len = clean->len;
	if (g_utf8_validate(clean->str, (gssize) clean->len, NULL))
		return g_string_free(clean, FALSE);

	char *valid = g_utf8_make_valid(clean->str, (gssize) clean->len);
	g_string_free(clean, TRUE);
	*ret_len = strlen(valid);

	return valid;
}

/* Which reading, and what is to be said about it (*ret_guess NULL: the label was right). */
static Conversion
choose(const char *bytes, size_t len, const char *label, const char *charset, char **ret_guess)
{
	const char *guess = NULL;
	bool labelled_2022 = label != NULL && g_ascii_strncasecmp(label, "iso-2022-", 9) == 0;

	if (mime_charset_has_escapes(bytes, len)) {
		Conversion conversion = convert_escapes(bytes, len, &guess);
		if (conversion.text != NULL) {
			*ret_guess = labelled_2022 ? NULL : guess_text(guess, label, false);
			return conversion;
		}
	}

	if (charset != NULL) {
		Conversion conversion = convert_by_label(charset, bytes, len);
		if (conversion.text != NULL) {
			*ret_guess = conversion.bad > 0 ? guess_text(charset, label, true) : NULL;
			return conversion;
		}
	}

	if (count_8bit(bytes, len) == 0) {
		*ret_guess = NULL;
		return (Conversion){ g_string_new_len(bytes, (gssize) len), 0 };
	}

	Conversion conversion = convert_by_guess(bytes, len, &guess);
	*ret_guess = guess_text(guess, label, conversion.bad > 0);

	/*
	 * Without any iconv left the octets speak for themselves, as UTF-8 that finish() makes
	 * valid.
	 */
	if (conversion.text == NULL)
		conversion.text = g_string_new_len(bytes, (gssize) len);

	return conversion;
}

char *
mime_charset_to_utf8(const char *bytes, size_t len, const char *label, size_t *ret_len,
                     char **ret_guess)
{
	g_autofree char *charset = label != NULL ? charset_of_label(label) : NULL;
	g_autofree char *guess = NULL;
	Conversion conversion = { NULL, 0 };

	if (is_wide(charset))
		conversion = convert(charset, bytes, len, len);
	if (conversion.text == NULL) {
		GString *clean = without_nuls(bytes, len);
		conversion = choose(clean->str, clean->len, label, charset, &guess);
		g_string_free(clean, TRUE);
	}

	if (ret_guess != NULL)
		*ret_guess = g_steal_pointer(&guess);
	return finish(conversion.text, ret_len);
}

/* Latin-1 says nothing: programs write it without a look at the text, and every octet fits it. */
static bool
tells_something(const char *charset)
{
	return charset != NULL && strcmp(charset, "WINDOWS-1252") != 0 && !is_wide(charset);
}

/*
 * The hint, where it is more than a default and fits all octets. False: it says nothing about
 * these.
 */
static bool
field_by_hint(const char *bytes, size_t len, const char *hint, char **ret_text, size_t *ret_len)
{
	g_autofree char *charset = hint != NULL ? charset_of_label(hint) : NULL;
	bool is_for_hint = tells_something(charset) && count_8bit(bytes, len) > 0 &&
	                   !mime_charset_has_escapes(bytes, len);
	if (!is_for_hint || g_utf8_validate(bytes, (gssize) len, NULL))
		return false;

	Conversion conversion = convert_labelled(charset, bytes, len, 0);
	if (conversion.text == NULL)
		return false;

	*ret_text = finish(conversion.text, ret_len);
	return true;
}

char *
mime_charset_field_to_utf8(const char *bytes, size_t len, const char *hint, size_t *ret_len,
                           char **ret_guess)
{
	char *text = NULL;
	if (!field_by_hint(bytes, len, hint, &text, ret_len))
		return mime_charset_to_utf8(bytes, len, NULL, ret_len, ret_guess);

	if (ret_guess != NULL)
		*ret_guess = guess_text(hint, NULL, false);
	return text;
}
