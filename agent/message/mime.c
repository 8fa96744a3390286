/* SPDX-License-Identifier: MIT */
/* mime: opens the module when it is needed, and answers alone what plain ASCII can answer. */
#include "agent/message/mime.h"

#include "agent/base/limits.h"
#include "agent/message/mime-load.h"
#include "agent/message/mime-plain.h"

#include <string.h>

/* The value without line ends (RFC 5322 2.2.3), NULs and blanks around it. */
static char *
unfold(const char *value, size_t len, size_t *ret_len)
{
	char *out = g_malloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool line_end = value[i] == '\n' ||
		                (value[i] == '\r' && (i + 1 == len || value[i + 1] == '\n'));
		if (!line_end && value[i] != '\0')
			out[n++] = value[i];
	}

	out[n] = '\0';
	g_strstrip(out);
	*ret_len = strlen(out);

	return out;
}

/* Does it say by itself all that it means? */
static bool
is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((guchar) text[i] >= 0x80 || text[i] == '\033' ||
		    (text[i] == '=' && i + 1 < len && text[i + 1] == '?'))
			return false;
	return true;
}

/* Unfolded text by ourselves, or by the module. */
static bool
decode(const char *value, size_t len, const char *hint, char **ret_text, char **ret_guess,
       Status *st)
{
	if (mime_plain_decode(value, len, ret_text, ret_guess))
		return true;

	const MimeModule *module = mime_load(st);
	if (module == NULL)
		return false;

	*ret_text = module->decode_text(value, len, hint, ret_guess);
	return true;
}

bool
mime_decode_text(const char *value, size_t len, const char *hint, char **ret_text, char **ret_guess,
                 Status *st)
{
	size_t unfolded_len;
	g_autofree char *unfolded = unfold(value, len, &unfolded_len);
	char *guess = NULL;

	if (!is_plain(unfolded, unfolded_len)) {
		char *text = NULL;
		if (!decode(unfolded, unfolded_len, hint, &text, &guess, st))
			return false;
		g_free(unfolded);
		unfolded = g_strstrip(text);
	}

	*ret_text = g_steal_pointer(&unfolded);
	if (ret_guess != NULL)
		*ret_guess = guess;
	else
		g_free(guess);

	return true;
}

bool
mime_decode_field(const HeaderField *field, const Headers *beside, char **ret_text,
                  char **ret_guess, Status *st)
{
	const char *value = field->bytes + field->value_at;
	size_t len = field->len - field->value_at;
	g_autofree char *hint = mime_charset_hint(beside, value, len);
	return mime_decode_text(value, len, hint, ret_text, ret_guess, st);
}

/* Are there octets that no label stands at and that are not UTF-8? */
static bool
needs_hint(const char *value, size_t len)
{
	bool ascii = true;
	for (size_t i = 0; i < len; i++)
		ascii = ascii && (guchar) value[i] < 0x80;
	return !ascii && !g_utf8_validate_len(value, len, NULL);
}

char *
mime_charset_hint(const Headers *beside, const char *value, size_t len)
{
	size_t pos = 0;
	if (beside == NULL || !needs_hint(value, len))
		return NULL;

	const HeaderField *type = headers_next(beside, "Content-Type", &pos);
	if (type == NULL)
		return NULL;

	g_auto(MimeValue) parsed = { 0 };
	/* without the module nothing is decoded, and whoever decodes says so */
	g_auto(Status) ignored = STATUS_INIT;
	if (!mime_parse_type(type->bytes + type->value_at, type->len - type->value_at, NULL,
	                     &parsed, &ignored))
		return NULL;

	return g_strdup(mime_value_param(&parsed, "charset"));
}

static bool
is_utf8_label(const char *charset)
{
	return g_ascii_strcasecmp(charset, "utf-8") == 0 ||
	       g_ascii_strcasecmp(charset, "utf8") == 0;
}

/* Labels under which ASCII octets are ASCII text. */
static bool
is_ascii_label(const char *charset)
{
	return charset == NULL || is_utf8_label(charset) ||
	       g_ascii_strcasecmp(charset, "us-ascii") == 0 ||
	       g_ascii_strncasecmp(charset, "iso-8859-", 9) == 0 ||
	       g_ascii_strncasecmp(charset, "windows-125", 11) == 0;
}

static bool
needs_no_conversion(const char *bytes, size_t len, const char *charset)
{
	if (!is_ascii_label(charset) || memchr(bytes, '\033', len) != NULL ||
	    memchr(bytes, '\0', len) != NULL)
		return false;
	bool ascii = true;
	for (size_t i = 0; i < len; i++)
		ascii = ascii && (guchar) bytes[i] < 0x80;

	return ascii || (charset != NULL && is_utf8_label(charset) &&
	                 g_utf8_validate(bytes, (gssize) len, NULL));
}

bool
mime_to_utf8(const char *bytes, size_t len, const char *charset, char **ret_text, size_t *ret_len,
             char **ret_guess, Status *st)
{
	char *guess = NULL;

	if (needs_no_conversion(bytes, len, charset)) {
		*ret_text = g_strndup(bytes, len);
		*ret_len = len;
	} else {
		const MimeModule *module = mime_load(st);
		if (module == NULL)
			return false;
		*ret_text = module->to_utf8(bytes, len, charset, ret_len, &guess);
	}

	if (ret_guess != NULL)
		*ret_guess = guess;
	else
		g_free(guess);

	return true;
}

bool
mime_parse_type(const char *value, size_t len, const char *hint, MimeValue *ret_value, Status *st)
{
	const MimeModule *module = mime_load(st);
	if (module == NULL)
		return false;

	g_autofree char *unfolded = unfold(value, MIN(len, LIMIT_MIME_VALUE), &len);
	module->parse_type(unfolded, hint, ret_value);
	return true;
}

bool
mime_parse_disposition(const char *value, size_t len, const char *hint, MimeValue *ret_value,
                       Status *st)
{
	const MimeModule *module = mime_load(st);
	if (module == NULL)
		return false;

	g_autofree char *unfolded = unfold(value, MIN(len, LIMIT_MIME_VALUE), &len);
	module->parse_disposition(unfolded, hint, ret_value);
	return true;
}

const char *
mime_value_param(const MimeValue *value, const char *name)
{
	for (size_t i = 0; i < value->n_params; i++)
		if (strcmp(value->params[i].name, name) == 0)
			return value->params[i].value;
	return NULL;
}

void
mime_value_clear(MimeValue *value)
{
	for (size_t i = 0; i < value->n_params; i++) {
		g_free(value->params[i].name);
		g_free(value->params[i].value);
	}

	g_free(value->params);
	g_free(value->boundary);
	g_free(value->type);
	g_free(value->subtype);
	*value = (MimeValue){ 0 };
}

MimeEncoding
mime_encoding(const char *value, size_t len)
{
	static const struct {
		const char *name;
		MimeEncoding encoding;
	} names[] = {
		{ "base64", MIME_BASE64 },        { "quoted-printable", MIME_QUOTED },
		{ "x-uuencode", MIME_UUENCODED }, { "x-uu", MIME_UUENCODED },
		{ "uuencode", MIME_UUENCODED },   { "x-uue", MIME_UUENCODED },
	};
	size_t at = 0;

	while (at < len && (g_ascii_isspace(value[at]) || value[at] == '"'))
		at++;
	size_t end = at;
	while (end < len && (g_ascii_isalnum(value[end]) || value[end] == '-'))
		end++;

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (end - at == strlen(names[i].name) &&
		    g_ascii_strncasecmp(value + at, names[i].name, end - at) == 0)
			return names[i].encoding;

	return MIME_PLAIN;
}

static unsigned
draft_depth(const MimeDraft *draft, unsigned depth)
{
	unsigned deepest = depth;
	for (size_t i = 0; i < draft->n_children && depth <= LIMIT_MIME_DEPTH; i++) {
		/* apart: MAX evaluates twice */
		unsigned below = draft_depth(&draft->children[i], depth + 1);
		deepest = MAX(deepest, below);
	}

	return deepest;
}

bool
mime_compose(const MimeDraft *draft, GBytes **ret_message, Status *st)
{
	if (draft_depth(draft, 0) > LIMIT_MIME_DEPTH)
		return status_fail_detail(st, STATUS_LIMIT,
		                          "message to compose is deeper than %u levels",
		                          LIMIT_MIME_DEPTH);

	const MimeModule *module = mime_load(st);
	if (module == NULL)
		return false;

	*ret_message = module->compose(draft);
	return true;
}
