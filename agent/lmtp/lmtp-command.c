/* SPDX-License-Identifier: MIT */
/* lmtp-command: the grammar of the door. */
#include "agent/lmtp/lmtp-command.h"

#include "agent/base/limits.h"

#include <string.h>

/*
 * What a parser of arguments gets: the rest of the line, and where to put the reply when it fails.
 */
typedef struct {
	const char *at;
	LmtpPaths paths;
	LmtpCommand *command;
	LmtpReplyId *refusal;
} Parse;

static bool
refuse(Parse *parse, LmtpReplyId id)
{
	*parse->refusal = id;
	return false;
}

static void
skip_spaces(Parse *parse)
{
	parse->at += strspn(parse->at, " ");
}

/* The next word of the line; NULL at its end. Caller frees. */
static char *
next_word(Parse *parse)
{
	skip_spaces(parse);
	size_t len = strcspn(parse->at, " ");
	if (len == 0)
		return NULL;

	char *word = g_strndup(parse->at, len);
	parse->at += len;
	return word;
}

static bool
at_end(Parse *parse)
{
	skip_spaces(parse);
	return *parse->at == '\0';
}

/* Decimal digits only; false on anything else and on more than fits. */
static bool
parse_number(const char *word, guint64 *ret_number)
{
	if (*word == '\0' || strlen(word) > 20 || strspn(word, "0123456789") != strlen(word))
		return false;
	guint64 number = 0;
	for (; *word != '\0'; word++) {
		guint64 digit = (guint64) (*word - '0');
		if (number > (G_MAXUINT64 - digit) / 10)
			return false;
		number = number * 10 + digit;
	}

	*ret_number = number;
	return true;
}

/*
 * xtext (RFC 3461 4): "+2B" is a plus. NULL: malformed, or it hides a control character. Caller
 * frees.
 */
static char *
decode_xtext(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (; *text != '\0'; text++) {
		char c = *text;
		if (c == '+') {
			if (!g_ascii_isxdigit(text[1]) || !g_ascii_isxdigit(text[2]))
				return NULL;
			c = (char) (g_ascii_xdigit_value(text[1]) * 16 +
			            g_ascii_xdigit_value(text[2]));
			text += 2;
		}
		if (g_ascii_iscntrl(c))
			return NULL;
		g_string_append_c(out, c);
	}

	return g_strdup(out->str);
}

/* The "\x{3042}" of an address of type utf-8 (RFC 6533 3). NULL: malformed. Caller frees. */
static char *
decode_utf8_xtext(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);
	while (*text != '\0') {
		if (strncmp(text, "\\x{", 3) != 0) {
			g_string_append_c(out, *text++);
			continue;
		}
		char *end = NULL;
		guint64 letter = g_ascii_strtoull(text + 3, &end, 16);
		if (end == text + 3 || *end != '}' || letter < 0x20 || letter == 0x7f ||
		    letter > 0x10ffff || !g_unichar_validate((gunichar) letter))
			return NULL;
		g_string_append_unichar(out, (gunichar) letter);
		text = end + 1;
	}

	return g_strdup(out->str);
}

/* Quoted local part: from behind the first quote up to behind the last. False: no end. */
static bool
scan_quoted(const char **at, GString *out)
{
	for (const char *c = *at; *c != '\0'; c++) {
		if (*c == '"') {
			*at = c + 1;
			return true;
		}
		if (*c == '\\' && *++c == '\0')
			return false;
		g_string_append_c(out, *c);
	}
	return false;
}

/*
 * Octets that stand for themselves in a local part: more than RFC 5321 (dots anywhere), and what is
 * not ASCII (RFC 6531).
 */
static bool
is_atom(char c)
{
	return g_ascii_isalnum(c) || ((unsigned char) c & 0x80) != 0 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* Octets of a domain, or of a literal in brackets. */
static bool
is_domain(char c)
{
	return g_ascii_isalnum(c) || ((unsigned char) c & 0x80) != 0 ||
	       (c != '\0' && strchr("-._:[]", c) != NULL);
}

/*
 * A mailbox up to `stop`, without its quotes: as Postfix hands addresses to pipe(8) too. A bare
 * local part is a local user; with an '@' in its quotes it would read as another address
 * afterwards, so that is refused.
 */
static char *
scan_mailbox(const char **at, char stop)
{
	g_autoptr(GString) out = g_string_new(NULL);
	const char *c = *at;
	bool quoted = *c == '"';

	if (quoted) {
		c++;
		if (!scan_quoted(&c, out))
			return NULL;
	}

	while (!quoted && is_atom(*c))
		g_string_append_c(out, *c++);
	if (out->len == 0 || (*c != '@' && strchr(out->str, '@') != NULL))
		return NULL;

	if (*c == '@') {
		size_t before = out->len;
		g_string_append_c(out, *c++);
		while (is_domain(*c))
			g_string_append_c(out, *c++);
		if (out->len == before + 1)
			return NULL;
	}

	if (*c != stop || out->len > LIMIT_ADDRESS_BYTES ||
	    !g_utf8_validate(out->str, (gssize) out->len, NULL))
		return NULL;
	*at = c;
	return g_strdup(out->str);
}

/*
 * "@relay,@relay:" in front of an address: accepted and dropped (RFC 5321 4.1.1.3). False: it does
 * not end.
 */
static bool
skip_route(Parse *parse)
{
	if (*parse->at != '@')
		return true;
	const char *colon = parse->at + strcspn(parse->at, ":>\" ");
	if (*colon != ':')
		return false;

	parse->at = colon + 1;
	return true;
}

/* An address without brackets, up to the next blank. A null sender has to have them. */
static bool
parse_bare(Parse *parse, LmtpReplyId refusal)
{
	if (parse->paths != LMTP_PATHS_BARE)
		return refuse(parse, refusal == LMTP_REPLY_BAD_SENDER ? LMTP_REPLY_BARE_SENDER
		                                                      : LMTP_REPLY_BARE_RECIPIENT);

	char *address = scan_mailbox(&parse->at, ' ');
	if (address == NULL)
		address = scan_mailbox(&parse->at, '\0');
	parse->command->address = address;

	return address != NULL || refuse(parse, refusal);
}

/* "<address>" behind FROM: or TO:. */
static bool
parse_path(Parse *parse, const char *keyword, LmtpReplyId refusal)
{
	if (g_ascii_strncasecmp(parse->at, keyword, strlen(keyword)) != 0)
		return refuse(parse, LMTP_REPLY_BAD_ARGUMENT);
	parse->at += strlen(keyword);
	skip_spaces(parse);
	if (*parse->at != '<')
		return parse_bare(parse, refusal);

	parse->at++;
	if (*parse->at == '>' && refusal == LMTP_REPLY_BAD_SENDER) {
		parse->command->address = g_strdup("");
	} else {
		if (!skip_route(parse) ||
		    (parse->command->address = scan_mailbox(&parse->at, '>')) == NULL)
			return refuse(parse, refusal);
	}

	parse->at++;
	return *parse->at == '\0' || *parse->at == ' ' || refuse(parse, refusal);
}

/* A parameter's parser gets the value (NULL: there was no "="), and returns whether it is right. */
typedef bool ParameterParse(LmtpCommand *command, const char *value);

typedef struct {
	const char *name;
	ParameterParse *parse;
} Parameter;

static bool
parse_size(LmtpCommand *command, const char *value)
{
	return value != NULL && parse_number(value, &command->size);
}

static bool
parse_body(LmtpCommand *command, const char *value)
{
	static const char *const names[] = {
		[LMTP_BODY_7BIT] = "7BIT",
		[LMTP_BODY_8BITMIME] = "8BITMIME",
		[LMTP_BODY_BINARYMIME] = "BINARYMIME",
	};
	for (unsigned i = 0; value != NULL && i < G_N_ELEMENTS(names); i++)
		if (g_ascii_strcasecmp(value, names[i]) == 0) {
			command->body = (LmtpBody) i;
			return true;
		}

	return false;
}

static bool
parse_utf8(LmtpCommand *command, const char *value)
{
	command->utf8 = true;
	return value == NULL;
}

static bool
parse_ret(LmtpCommand *command, const char *value)
{
	if (value == NULL ||
	    (g_ascii_strcasecmp(value, "FULL") != 0 && g_ascii_strcasecmp(value, "HDRS") != 0))
		return false;
	command->ret = g_ascii_strup(value, -1);
	return true;
}

static bool
parse_envid(LmtpCommand *command, const char *value)
{
	if (value == NULL || *value == '\0' || strlen(value) > LIMIT_LMTP_ENVID)
		return false;
	g_autofree char *plain = decode_xtext(value);
	if (plain == NULL)
		return false;

	command->envid = g_strdup(value);
	return true;
}

/* NEVER stands alone; the others may stand together, each once. */
static bool
parse_notify(LmtpCommand *command, const char *value)
{
	static const char *const names[] = { "SUCCESS", "FAILURE", "DELAY" };
	if (value == NULL)
		return false;

	g_autofree char *upper = g_ascii_strup(value, -1);
	g_auto(GStrv) words = g_strsplit(upper, ",", G_N_ELEMENTS(names) + 1);
	unsigned seen = 0;
	for (size_t i = 0; words[i] != NULL && strcmp(upper, "NEVER") != 0; i++) {
		unsigned bit = 0;
		for (unsigned n = 0; n < G_N_ELEMENTS(names); n++)
			bit |= strcmp(words[i], names[n]) == 0 ? 1u << n : 0;
		if (bit == 0 || (seen & bit) != 0)
			return false;
		seen |= bit;
	}

	if (*upper == '\0')
		return false;
	command->notify = g_steal_pointer(&upper);
	return true;
}

/* The address in ORCPT, unquoted like all others where it can be. NULL: malformed. */
static char *
decode_orcpt(const char *type, const char *address)
{
	g_autofree char *plain = decode_xtext(address);
	if (plain == NULL)
		return NULL;

	if (g_ascii_strcasecmp(type, "utf-8") == 0) {
		char *letters = decode_utf8_xtext(plain);
		g_free(plain);
		plain = letters;
	}

	if (plain == NULL || !g_utf8_validate(plain, -1, NULL))
		return NULL;
	const char *at = plain;
	char *mailbox = scan_mailbox(&at, '\0');

	return mailbox != NULL ? mailbox : g_steal_pointer(&plain);
}

static bool
parse_orcpt(LmtpCommand *command, const char *value)
{
	const char *semicolon = value != NULL ? strchr(value, ';') : NULL;
	if (semicolon == NULL || semicolon == value || semicolon[1] == '\0' ||
	    strlen(value) > LIMIT_LMTP_ORCPT)
		return false;

	g_autofree char *type = g_strndup(value, (size_t) (semicolon - value));
	command->original = decode_orcpt(type, semicolon + 1);
	command->orcpt = g_strdup(value);

	return command->original != NULL;
}

static const Parameter mail_parameters[] = {
	{ "SIZE", parse_size }, { "BODY", parse_body },   { "SMTPUTF8", parse_utf8 },
	{ "RET", parse_ret },   { "ENVID", parse_envid }, { NULL, NULL },
};

static const Parameter rcpt_parameters[] = { { "NOTIFY", parse_notify },
	                                     { "ORCPT", parse_orcpt },
	                                     { NULL, NULL } };

/* Split "NAME=value" at the sign; NULL: there is none. */
static char *
split_value(char *word)
{
	char *sign = strchr(word, '=');
	if (sign == NULL)
		return NULL;
	*sign = '\0';
	return sign + 1;
}

static bool
parse_parameters(Parse *parse, const Parameter *known)
{
	unsigned seen = 0;
	while (!at_end(parse)) {
		g_autofree char *word = next_word(parse);
		const char *value = split_value(word);
		unsigned i = 0;
		while (known[i].name != NULL && g_ascii_strcasecmp(known[i].name, word) != 0)
			i++;
		if (known[i].name == NULL)
			return refuse(parse, LMTP_REPLY_NO_PARAMETER);
		if ((seen & 1u << i) != 0)
			return refuse(parse, LMTP_REPLY_TWICE);
		seen |= 1u << i;
		if (!known[i].parse(parse->command, value))
			return refuse(parse, LMTP_REPLY_BAD_PARAMETER);
	}

	return true;
}

static bool
parse_lhlo(Parse *parse)
{
	parse->command->address = next_word(parse);
	if (parse->command->address == NULL || !at_end(parse))
		return refuse(parse, LMTP_REPLY_BAD_ARGUMENT);
	return true;
}

static bool
parse_mail(Parse *parse)
{
	return parse_path(parse, "FROM:", LMTP_REPLY_BAD_SENDER) &&
	       parse_parameters(parse, mail_parameters);
}

static bool
parse_rcpt(Parse *parse)
{
	return parse_path(parse, "TO:", LMTP_REPLY_BAD_RECIPIENT) &&
	       parse_parameters(parse, rcpt_parameters);
}

static bool
parse_bdat(Parse *parse)
{
	g_autofree char *size = next_word(parse);
	g_autofree char *last = next_word(parse);

	parse->command->last = last != NULL;
	if (size == NULL || !parse_number(size, &parse->command->size) || !at_end(parse) ||
	    (last != NULL && g_ascii_strcasecmp(last, "LAST") != 0))
		return refuse(parse, LMTP_REPLY_BAD_ARGUMENT);

	return true;
}

/*
 * Which attributes are kept (LMTP_ATTR_COUNT: known, but nobody asks for it), and for which command
 * they are good.
 */
static const struct {
	const char *name;
	LmtpAttr attr;
	bool forward, client;
} attributes[] = {
	{ "NAME", LMTP_ATTR_NAME, true, true },       { "ADDR", LMTP_ATTR_ADDR, true, true },
	{ "HELO", LMTP_ATTR_HELO, true, true },       { "IDENT", LMTP_ATTR_IDENT, true, false },
	{ "LOGIN", LMTP_ATTR_LOGIN, false, true },    { "PORT", LMTP_ATTR_COUNT, true, true },
	{ "PROTO", LMTP_ATTR_COUNT, true, true },     { "SOURCE", LMTP_ATTR_COUNT, true, false },
	{ "DESTADDR", LMTP_ATTR_COUNT, false, true }, { "DESTPORT", LMTP_ATTR_COUNT, false, true },
};

static bool
keep_attribute(LmtpCommand *command, LmtpAttr attr, const char *value)
{
	g_autofree char *plain = strlen(value) <= LIMIT_LMTP_ATTRIBUTE ? decode_xtext(value) : NULL;
	if (plain == NULL || !g_utf8_validate(plain, -1, NULL))
		return false;
	if (attr == LMTP_ATTR_COUNT)
		return true;

	command->said[attr] = true;
	g_clear_pointer(&command->attr[attr], g_free);
	bool known = *plain != '\0' && g_ascii_strcasecmp(plain, "[UNAVAILABLE]") != 0 &&
	             g_ascii_strcasecmp(plain, "[TEMPUNAVAIL]") != 0;
	bool ipv6 = attr == LMTP_ATTR_ADDR && g_ascii_strncasecmp(plain, "IPV6:", 5) == 0;
	if (known)
		command->attr[attr] = g_strdup(plain + (ipv6 ? 5 : 0));

	return true;
}

static bool
parse_attributes(Parse *parse)
{
	bool forward = parse->command->verb == LMTP_XFORWARD;
	if (at_end(parse))
		return refuse(parse, LMTP_REPLY_BAD_ARGUMENT);

	while (!at_end(parse)) {
		g_autofree char *word = next_word(parse);
		const char *value = split_value(word);
		size_t i = 0;
		while (i < G_N_ELEMENTS(attributes) &&
		       g_ascii_strcasecmp(attributes[i].name, word) != 0)
			i++;
		if (i == G_N_ELEMENTS(attributes) || value == NULL ||
		    !(forward ? attributes[i].forward : attributes[i].client) ||
		    !keep_attribute(parse->command, attributes[i].attr, value))
			return refuse(parse, LMTP_REPLY_BAD_PARAMETER);
	}

	return true;
}

static bool
parse_nothing(Parse *parse)
{
	return at_end(parse) || refuse(parse, LMTP_REPLY_BAD_ARGUMENT);
}

/* NOOP takes any text (RFC 5321 4.1.1.9), VRFY gets the same answer for all. */
static bool
parse_anything(Parse *parse)
{
	(void) parse;
	return true;
}

static const struct {
	const char *name;
	LmtpVerb verb;
	bool (*parse)(Parse *parse);
} verbs[] = {
	{ "LHLO", LMTP_LHLO, parse_lhlo },
	{ "MAIL", LMTP_MAIL, parse_mail },
	{ "RCPT", LMTP_RCPT, parse_rcpt },
	{ "DATA", LMTP_DATA, parse_nothing },
	{ "BDAT", LMTP_BDAT, parse_bdat },
	{ "RSET", LMTP_RSET, parse_nothing },
	{ "NOOP", LMTP_NOOP, parse_anything },
	{ "VRFY", LMTP_VRFY, parse_anything },
	{ "QUIT", LMTP_QUIT, parse_nothing },
	{ "XFORWARD", LMTP_XFORWARD, parse_attributes },
	{ "XCLIENT", LMTP_XCLIENT, parse_attributes },
};

/* Commands that others know; saying so is kinder than "unknown". */
static const struct {
	const char *name;
	LmtpReplyId reply;
} others[] = {
	{ "HELO", LMTP_REPLY_SAY_LHLO },      { "EHLO", LMTP_REPLY_SAY_LHLO },
	{ "EXPN", LMTP_REPLY_NOT_SUPPORTED }, { "HELP", LMTP_REPLY_NOT_SUPPORTED },
	{ "AUTH", LMTP_REPLY_NOT_SUPPORTED }, { "STARTTLS", LMTP_REPLY_NOT_SUPPORTED },
	{ "ETRN", LMTP_REPLY_NOT_SUPPORTED }, { "TURN", LMTP_REPLY_NOT_SUPPORTED },
};

static LmtpReplyId
name_unknown(const char *word)
{
	for (size_t i = 0; word != NULL && i < G_N_ELEMENTS(others); i++)
		if (g_ascii_strcasecmp(others[i].name, word) == 0)
			return others[i].reply;
	return LMTP_REPLY_UNKNOWN;
}

static bool
parse_line(Parse *parse)
{
	g_autofree char *word = next_word(parse);

	for (size_t i = 0; word != NULL && i < G_N_ELEMENTS(verbs); i++)
		if (g_ascii_strcasecmp(verbs[i].name, word) == 0) {
			parse->command->verb = verbs[i].verb;
			skip_spaces(parse);
			return verbs[i].parse(parse);
		}

	parse->command->verb = LMTP_NOOP;
	return refuse(parse, name_unknown(word));
}

static bool
has_control(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (g_ascii_iscntrl(line[i]))
			return true;
	return false;
}

bool
lmtp_command_parse(const char *line, size_t len, LmtpPaths paths, LmtpCommand *ret,
                   LmtpReplyId *ret_refusal)
{
	g_autofree char *text = len > 0 ? g_strndup(line, len) : g_strdup("");
	g_auto(LmtpCommand) command = { .verb = LMTP_NOOP };
	Parse parse = { .at = text, .paths = paths, .command = &command, .refusal = ret_refusal };
	bool good = parse_line(&parse);

	if (has_control(line, len))
		good = refuse(&parse, LMTP_REPLY_BAD_BYTES);
	if (!good) {
		*ret = (LmtpCommand){ .verb = command.verb };
		return false;
	}

	*ret = command;
	command = (LmtpCommand){ .verb = LMTP_NOOP };
	return true;
}

void
lmtp_command_clear(LmtpCommand *command)
{
	char *owned[] = {
		command->address, command->ret,   command->envid,
		command->notify,  command->orcpt, command->original,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(owned); i++)
		g_free(owned[i]);
	for (size_t i = 0; i < LMTP_ATTR_COUNT; i++)
		g_free(command->attr[i]);
	*command = (LmtpCommand){ .verb = command->verb };
}
