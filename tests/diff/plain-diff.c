/* SPDX-License-Identifier: MIT */
/*
 * plain-diff: header text that mime_plain_decode reads, beside what the module makes of it by GMime
 * and iconv.
 *
 *     plain-diff [INPUTS [SEED]]
 *
 * Texts are put together of encoded words in many charsets, whole and damaged, and of octets
 * between them. Whatever mime_plain_decode reads must be what the module reads, the guess too. TAP.
 */
#include "agent/message/mime-load.h"
#include "agent/message/mime-plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 30000, PIECES = 6, PAYLOAD = 24, REPORTED = 10, N_USUAL = 6 };

static const char *const charsets[] = {
	"utf-8",      "UTF-8",        "utf8",      "us-ascii",     "US-ASCII",   "iso-8859-1",
	"ISO-8859-1", "windows-1252", "iso8859-1", "utf-8*en",     "us-ascii*",  "iso-8859-1*de-AT",
	"iso-8859-2", "iso-2022-jp",  "shift_jis", "gb2312",       "koi8-r",     "unknown-8bit",
	"utf-16",     "utf-7",        "x-none",    "windows-1251", "hz-gb-2312", "cp1252",
};

/* Texts that people write (the first N_USUAL), and octets that mean something to somebody. */
static const char *const texts[] = {
	"Hello",
	" ",
	"_",
	"caf\303\251",
	"\346\227\245\346\234\254",
	"\360\237\230\200",
	"\351t\351",
	"\303",
	"\200\223",
	"\033$B",
	"\033(B",
	"\r\n",
	"\n",
	"=",
	"=?",
	"?=",
	"?",
	"\357\273\277",
	"\355\240\200",
	"\364\220\200\200",
	"\302\240",
	"\302\205",
	"~{VP~}",
	"+AGE-",
	"\177",
	"\357\277\277",
	"\"a\"",
	"(b)",
	"\t",
	"\245\306\245\271\245\310",
};

static const char *
pick(GRand *rand, const char *const *list, size_t n)
{
	return list[g_rand_int_range(rand, 0, (gint32) n)];
}

static bool
one_in(GRand *rand, int n)
{
	return g_rand_int_range(rand, 0, n) == 0;
}

static void
append_octets(GString *out, GRand *rand)
{
	if (!one_in(rand, 3))
		g_string_append(out, pick(rand, texts, N_USUAL));
	else if (one_in(rand, 4))
		g_string_append_c(out, (char) g_rand_int_range(rand, 0, 256));
	else
		g_string_append(out, pick(rand, texts, G_N_ELEMENTS(texts)));
}

static void
append_quoted(GString *out, GRand *rand, const GString *octets)
{
	for (size_t i = 0; i < octets->len; i++) {
		guchar c = (guchar) octets->str[i];
		if (one_in(rand, 200))
			g_string_append(out, "=Z");
		else if (c > ' ' && c < 127 && c != '=' && c != '?' && !one_in(rand, 10))
			g_string_append_c(out, (char) c);
		else if (c == ' ' && one_in(rand, 2))
			g_string_append_c(out, '_');
		else
			g_string_append_printf(out, one_in(rand, 4) ? "=%02x" : "=%02X", c);
	}
}

static void
append_base64(GString *out, GRand *rand, const GString *octets)
{
	g_autofree char *whole = g_base64_encode((const guchar *) octets->str, octets->len);
	size_t at = out->len, len = strlen(whole);
	if (one_in(rand, 20) && len > 0)
		len -= (size_t) g_rand_int_range(rand, 0, (gint32) MIN(len, 3));

	g_string_append_len(out, whole, (gssize) len);
	if (one_in(rand, 30))
		g_string_insert_c(out, (gssize) at + g_rand_int_range(rand, 0, (gint32) len + 1),
		                  "=-_ .A\t"[g_rand_int_range(rand, 0, 7)]);
}

static void
append_word(GString *out, GRand *rand, const char *charset)
{
	g_autoptr(GString) octets = g_string_new(NULL);
	for (int n = g_rand_int_range(rand, 0, PIECES); n > 0 && octets->len < PAYLOAD; n--)
		append_octets(octets, rand);

	bool base64 = one_in(rand, 2);
	const char *encoding = base64 ? "B" : one_in(rand, 4) ? "q" : "Q";
	g_string_append_printf(out, "=?%s?%s?", charset, encoding);
	if (base64)
		append_base64(out, rand, octets);
	else
		append_quoted(out, rand, octets);
	g_string_append(out, one_in(rand, 40) ? "?" : "?=");
}

/* NULs are gone before text comes here. */
static void
drop_nuls(GString *text)
{
	size_t n = 0;
	for (size_t i = 0; i < text->len; i++)
		if (text->str[i] != '\0')
			text->str[n++] = text->str[i];
	g_string_truncate(text, n);
}

static GString *
make_text(GRand *rand)
{
	GString *text = g_string_new(NULL);
	const char *charset = charsets[0];

	for (int n = g_rand_int_range(rand, 1, PIECES); n > 0; n--) {
		if (one_in(rand, 2)) /* else it is the same group */
			charset = one_in(rand, 3) ? pick(rand, charsets, G_N_ELEMENTS(charsets))
			                          : charsets[g_rand_int_range(rand, 0, 12)];
		if (one_in(rand, 4))
			append_octets(text, rand);
		else
			append_word(text, rand, charset);
		if (!one_in(rand, 5))
			g_string_append_c(text, ' ');
	}

	drop_nuls(text);
	return text;
}

static bool
is_same(const char *a, const char *b)
{
	return g_strcmp0(a, b) == 0;
}

/* Counts what was read without the module. */
static bool
check(const MimeModule *module, const GString *text, guint64 *plain)
{
	g_autofree char *ours = NULL, *our_guess = NULL, *theirs = NULL, *their_guess = NULL;
	if (!mime_plain_decode(text->str, text->len, &ours, &our_guess))
		return true;

	(*plain)++;
	theirs = module->decode_text(text->str, text->len, NULL, &their_guess);
	if (is_same(ours, theirs) && is_same(our_guess, their_guess))
		return true;

	g_autofree char *in = g_strescape(text->str, NULL), *out = g_strescape(ours, NULL),
			*other = g_strescape(theirs, NULL);
	printf("# \"%s\"\n#   ours:   \"%s\" (%s)\n#   module: \"%s\" (%s)\n", in, out,
	       our_guess != NULL ? our_guess : "-", other, their_guess != NULL ? their_guess : "-");
	return false;
}

int
main(int argc, char **argv)
{
	g_auto(Status) st = STATUS_INIT;
	guint64 inputs = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : INPUTS, plain = 0,
		bad = 0;
	guint32 seed = argc > 2 ? (guint32) g_ascii_strtoull(argv[2], NULL, 10) : 1;
	const MimeModule *module = mime_load(&st);
	if (module == NULL) {
		printf("Bail out! %s\n", st.detail);
		return 1;
	}

	g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
	puts("1..2");
	for (guint64 i = 0; i < inputs && bad < REPORTED; i++) {
		g_autoptr(GString) text = make_text(rand);
		bad += !check(module, text, &plain);
	}

	printf("%s 1 - no difference in %" G_GUINT64_FORMAT " texts, seed %u\n",
	       bad == 0 ? "ok" : "not ok", inputs, seed);
	/* or the comparison would say nothing */
	printf("%s 2 - %" G_GUINT64_FORMAT " of them are read without the module\n",
	       plain * 5 >= inputs ? "ok" : "not ok", plain);
	return bad > 0 || plain * 5 < inputs;
}
