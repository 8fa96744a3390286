/* mime-charset: iconv where the label is right, and a guess in a stated order where it is not. */
#include "agent/message/mime-charset.h"

#include "agent/message/gmime-extra.h"

#include <errno.h>
#include <string.h>

enum { OUT_CHUNK = 4096, LABEL_MAX = 64 };

static const char replacement[] = "\xef\xbf\xbd";

/*
 * Labels that are read as a superset: the WHATWG's list, because senders write the small name and use the big set.
 * NULL: the label says nothing.
 */
static const struct {
	const char *label;
	const char *charset;
} readings[] = {
	{ "us-ascii", NULL }, { "ascii", NULL }, { "ansi_x3.4-1968", NULL }, { "7bit", NULL }, { "8bit", NULL },
	{ "x-unknown", NULL }, { "unknown-8bit", NULL }, { "unknown", NULL }, { "default", NULL }, { "none", NULL },
	{ "utf8", "UTF-8" }, { "utf-8", "UTF-8" }, { "utf-8mb4", "UTF-8" }, { "cp65001", "UTF-8" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "iso-8859-1", "WINDOWS-1252" }, { "iso8859-1", "WINDOWS-1252" }, { "iso_8859-1", "WINDOWS-1252" },
	{ "latin1", "WINDOWS-1252" }, { "windows-1252", "WINDOWS-1252" }, { "cp1252", "WINDOWS-1252" },
	{ "iso-8859-9", "WINDOWS-1254" }, { "latin5", "WINDOWS-1254" },
	{ "iso-8859-11", "CP874" }, { "tis-620", "CP874" },
	{ "shift_jis", "CP932" }, { "shift-jis", "CP932" }, { "sjis", "CP932" }, { "x-sjis", "CP932" },
	{ "ms_kanji", "CP932" }, { "windows-31j", "CP932" }, { "cp932", "CP932" },
	{ "euc-jp", "EUC-JP-MS" }, { "x-euc-jp", "EUC-JP-MS" }, { "eucjp", "EUC-JP-MS" }, { "x-euc", "EUC-JP-MS" },
	{ "gb2312", "GB18030" }, { "gb_2312-80", "GB18030" }, { "gbk", "GB18030" }, { "x-gbk", "GB18030" },
	{ "cp936", "GB18030" },
	{ "euc-kr", "CP949" }, { "ks_c_5601-1987", "CP949" }, { "ksc5601", "CP949" }, { "windows-949", "CP949" },
	{ "big5", "BIG5-HKSCS" }, { "x-mac-roman", "MACINTOSH" },
};

/* The name for iconv; NULL: the label says nothing, or nothing that may reach iconv_open. */
static const char *
charset_of_label(const char *label)
{
	for (size_t i = 0; i < G_N_ELEMENTS(readings); i++)
		if (g_ascii_strcasecmp(readings[i].label, label) == 0)
			return readings[i].charset;
	/* A '/' would reach the options behind a name ("//IGNORE"), or in old C libraries the file system. */
	size_t len = strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+()");
	if (len == 0 || len > LABEL_MAX || label[len] != '\0')
		return NULL;
	return g_mime_charset_iconv_name(label);
}

/* What a conversion gave. */
typedef struct {
	GString *text;
	size_t bad;  /* octets that meant nothing; each became U+FFFD */
} Conversion;

/*
 * One call of iconv by way of `chunk`; what it wrote goes to `out`. False: it stopped at something that is no
 * character.
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

/* Convert; gives up (text NULL) after more than `max_bad` octets, or where the charset is not known. */
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
	(void) convert_step(cd, NULL, NULL, chunk, conversion.text); /* some charsets keep a character back */
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
	for (const char *c = memchr(bytes, '\033', len); c != NULL; c = memchr(c + 1, '\033', (size_t) (end - c - 1)))
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
		{ "\033$B", SET_KANJI }, { "\033$@", SET_KANJI }, { "\033$(D", SET_SUPPLEMENT }, { "\033$(B", SET_KANJI },
		{ "\033(B", SET_ASCII }, { "\033(J", SET_ASCII }, { "\033(I", SET_HALF_KANA },
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
 * ISO-2022-JP as EUC-JP. iconv's own ISO-2022-JP knows neither the circled numbers and the like that Windows adds (NEC
 * row 13) nor the half-width kana that mail is full of; EUC-JP-MS knows both.
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
			if (in[i] == '\n') /* a line that was cut in the middle does not spoil the next (RFC 1468) */
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
	bool chinese = find_escape(bytes, len, "$)A") != NULL || find_escape(bytes, len, "$)G") != NULL;
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
	size_t run, longest;  /* kana and common kanji in a row: stray accents and curly quotes stand alone */
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
		score.valid = score.valid && (c[i] >= 0xa1 || c[i] == 0x8e || c[i] == 0x8f) && c[i] != 0xff;
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
		if (c[i] >= 0xa1 && c[i] <= 0xdf) { /* half-width kana: as octets more often accented letters */
			score_pair(&score, false, false);
			continue;
		}
		guchar trail = i + 1 < len ? c[i + 1] : 0x40;
		bool kana = (c[i] == 0x82 && trail >= 0x9f) || (c[i] == 0x83 && trail <= 0x96);
		score.valid = score.valid && c[i] != 0x80 && c[i] != 0xa0 && c[i] <= 0xfc && trail >= 0x40 && trail != 0x7f &&
		              trail <= 0xfc;
		score_pair(&score, kana, c[i] == 0x81 || c[i] == 0x82 || (c[i] >= 0x88 && c[i] <= 0x97));
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

static const char *
guess_japanese(const char *bytes, size_t len)
{
	PairScore euc = score_euc((const guchar *) bytes, len), sjis = score_sjis((const guchar *) bytes, len);
	gint64 as_euc = score_value(&euc), as_sjis = score_value(&sjis);
	if (as_euc <= 0 && as_sjis <= 0)
		return NULL;
	return as_euc >= as_sjis ? "EUC-JP-MS" : "CP932";
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

/* Steps 3 to 5 of the order in mime.h; `bytes` has 8-bit octets. */
static Conversion
convert_by_guess(const char *bytes, size_t len, const char **ret_charset)
{
	if (is_nearly_utf8(bytes, len)) {
		*ret_charset = "utf-8";
		return convert("UTF-8", bytes, len, len);
	}
	const char *japanese = guess_japanese(bytes, len);
	if (japanese != NULL) {
		*ret_charset = strcmp(japanese, "CP932") == 0 ? "shift_jis" : "euc-jp";
		Conversion conversion = convert(japanese, bytes, len, len / 8);
		if (conversion.text != NULL)
			return conversion;
	}
	*ret_charset = "windows-1252";
	return convert("WINDOWS-1252", bytes, len, len);
}

/* Step 2: the label, where it fits all octets or nearly all. */
static Conversion
convert_by_label(const char *charset, const char *bytes, size_t len)
{
	size_t high = count_8bit(bytes, len);
	Conversion conversion = convert(charset, bytes, len, 0);
	if (conversion.text != NULL || g_utf8_validate(bytes, (gssize) len, NULL))
		return conversion;
	conversion = convert(charset, bytes, len, MAX(high, len / 20));
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
		g_strcanon(printable, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+()", '?');
	return g_strdup_printf("%s%s for %s", damaged ? "damaged " : "", charset, printable != NULL ? printable : "no charset");
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
	/* Without any iconv left the octets speak for themselves, as UTF-8 that finish() makes valid. */
	if (conversion.text == NULL)
		conversion.text = g_string_new_len(bytes, (gssize) len);
	return conversion;
}

char *
mime_charset_to_utf8(const char *bytes, size_t len, const char *label, size_t *ret_len, char **ret_guess)
{
	const char *charset = label != NULL ? charset_of_label(label) : NULL;
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
