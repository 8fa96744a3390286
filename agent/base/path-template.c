/* SPDX-License-Identifier: MIT */
/* path-template: reads one variable, finds its value, changes it. */
#include "agent/base/path-template.h"

#include "agent/base/limits.h"

#include <string.h>

/* A variable as it is written. */
typedef struct {
	gint64 offset; /* octets that are left out; below 0: all but the last -offset */
	gint64 width;  /* octets that are taken; 0: all. Of a hash: its modulus */
	bool is_padded;
	char changes[4];                   /* letters of change, the first first */
	char letter;                       /* one of "undh%"; 0: there is no such name */
	const char *filters, *filters_end; /* what follows the first '|' of the long form */
} Variable;

static const struct {
	const char *name;
	char letter;
} names[] = {
	{ "user", 'u' }, { "username", 'n' }, { "domain", 'd' }, { "home", 'h' },
	{ "u", 'u' },    { "n", 'n' },        { "d", 'd' },      { "h", 'h' },
};

bool
path_template_is_safe(const char *part)
{
	size_t len = strlen(part);
	if (len == 0 || len > LIMIT_FILE_NAME || part[0] == '.' || part[0] == '-')
		return false;

	for (size_t i = 0; i < len; i++)
		if (part[i] == '/' || g_ascii_iscntrl(part[i]))
			return false;
	return true;
}

static gint64
read_number(const char **at)
{
	enum { MOST = 1000000 };
	gint64 number = 0;

	for (; g_ascii_isdigit(**at); (*at)++)
		number = MIN(number * 10 + (**at - '0'), MOST);
	return number;
}

/* "3", "1.2", "-2.2", "05": Dovecot's offset and width. */
static void
read_part(const char **at, Variable *variable)
{
	gint64 sign = 1;

	if (**at == '-') {
		sign = -1;
		(*at)++;
	}
	variable->is_padded = **at == '0';
	variable->width = read_number(at);
	if (**at != '.')
		return;

	(*at)++;
	variable->offset = sign * variable->width;
	variable->is_padded = **at == '0';
	variable->width = read_number(at);
}

static char
letter_of(const char *name, size_t len)
{
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strlen(names[i].name) == len && strncmp(names[i].name, name, len) == 0)
			return names[i].letter;
	return 0;
}

/* "user | lower}" behind the brace. False: the brace is not closed. */
static bool
read_long(const char **at, Variable *variable)
{
	const char *name = *at, *end = strchr(name, '}');
	if (end == NULL)
		return false;

	const char *bar = memchr(name, '|', (size_t) (end - name));
	size_t len = (size_t) ((bar != NULL ? bar : end) - name);
	while (len > 0 && name[len - 1] == ' ')
		len--;
	for (; len > 0 && *name == ' '; name++)
		len--;

	variable->letter = letter_of(name, len);
	variable->filters = bar != NULL ? bar + 1 : end;
	variable->filters_end = end;
	*at = end + 1;
	return true;
}

/* Nearly all templates have these alone, and each delivery reads some. */
static bool
is_plain(char letter)
{
	return letter == 'u' || letter == 'n' || letter == 'd' || letter == 'h' || letter == '%';
}

/* The variable behind a '%'; *at moves behind it. False: there is none that we know. */
static bool
read_variable(const char **at, Variable *ret)
{
	Variable variable = { 0 };
	const char *c = *at;

	if (is_plain(*c)) {
		*ret = (Variable){ .letter = *c };
		*at = c + 1;
		return true;
	}

	read_part(&c, &variable);
	for (size_t i = 0; *c != '\0' && strchr("LURMHN", *c) != NULL; c++) {
		if (i + 1 >= sizeof variable.changes)
			return false;
		variable.changes[i++] = *c;
	}

	if (*c == '{') {
		c++;
		if (!read_long(&c, &variable))
			return false;
	} else {
		if (*c != '\0' && strchr("undh", *c) != NULL)
			variable.letter = *c;
		if (*c != '\0')
			c++;
	}

	*at = c;
	*ret = variable;
	return variable.letter != 0;
}

static const char *
raw_value(const PathTemplateValues *values, char letter)
{
	switch (letter) {
	case 'u':
		return values->user;
	case 'n':
		return values->local;
	case 'd':
		return values->domain != NULL ? values->domain : "";
	case 'h':
		return values->home;
	default:
		return "%";
	}
}

/* The hash of ELF object files, which Dovecot's %H is. */
static guint32
elf_hash(const char *text)
{
	guint32 hash = 0;

	for (; *text != '\0'; text++) {
		hash = (hash << 4) + (unsigned char) *text;
		guint32 high = hash & 0xf0000000u;
		hash ^= high >> 24;
		hash ^= high;
	}

	return hash;
}

/* The first eight octets of the MD5 sum as one number, as Dovecot's %N. */
static guint64
md5_hash(const char *text)
{
	g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_MD5, text, -1);
	hex[16] = '\0';
	return g_ascii_strtoull(hex, NULL, 16);
}

/* Width and offset of a hash are its modulus and its least length. */
static char *
print_hash(guint64 value, Variable *variable)
{
	if (variable->width != 0)
		value %= (guint64) variable->width;
	int digits = (int) CLAMP(variable->offset, 0, LIMIT_FILE_NAME);
	variable->width = variable->offset = 0;
	return g_strdup_printf("%0*x", digits, (guint) value);
}

static char *
change(const char *value, char letter, Variable *variable)
{
	switch (letter) {
	case 'L':
		return g_ascii_strdown(value, -1);
	case 'U':
		return g_ascii_strup(value, -1);
	case 'R':
		return g_strreverse(g_strdup(value));
	case 'M':
		return g_compute_checksum_for_string(G_CHECKSUM_MD5, value, -1);
	case 'H':
		return print_hash(elf_hash(value), variable);
	default:
		return print_hash(md5_hash(value), variable);
	}
}

/* The octets from `offset` on, `width` of them at most (0: all). Takes `value`. */
static char *
cut(char *taken_value, gint64 offset, gint64 width)
{
	g_autofree char *value = taken_value;
	gint64 len = (gint64) strlen(value);
	gint64 from = offset < 0 ? MAX(len + offset, 0) : MIN(offset, len);
	gint64 rest = len - from;

	return g_strndup(value + from, (gsize) (width > 0 ? MIN(width, rest) : rest));
}

static char *
take_part(char *value, const Variable *variable)
{
	if (!variable->is_padded || variable->width == 0)
		return cut(value, variable->offset, variable->width);

	g_autofree char *rest = cut(value, variable->offset, 0);
	gint64 len = (gint64) strlen(rest), zeros = MIN(variable->width, LIMIT_FILE_NAME) - len;
	g_autofree char *pad = g_strnfill((gsize) MAX(zeros, 0), '0');
	return g_strconcat(pad, rest, NULL);
}

static char *
hex_sum(GChecksumType type, const char *value)
{
	return g_compute_checksum_for_string(type, value, -1);
}

/* "substr(0, 1)": the two numbers, the second 0 where there is none. */
static bool
read_numbers(const char *text, gint64 *ret_first, gint64 *ret_second)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", 3);
	gint64 numbers[2] = { 0, 0 };
	guint n = g_strv_length(parts);

	if (n < 1 || n > 2)
		return false;
	for (guint i = 0; i < n; i++)
		if (!g_ascii_string_to_signed(g_strstrip(parts[i]), 10, i == 0 ? -255 : 1, 255,
		                              &numbers[i], NULL))
			return false;

	*ret_first = numbers[0];
	*ret_second = numbers[1];
	return true;
}

/* What `filter` makes of `value`; NULL: there is no such filter. Caller frees. */
static char *
apply_filter(const char *value, const char *filter)
{
	static const char substr[] = "substr(";
	const char *at = strchr(value, '@');

	if (strcmp(filter, "lower") == 0)
		return g_ascii_strdown(value, -1);
	if (strcmp(filter, "upper") == 0)
		return g_ascii_strup(value, -1);
	if (strcmp(filter, "reverse") == 0)
		return g_strreverse(g_strdup(value));
	if (strcmp(filter, "username") == 0)
		return at != NULL ? g_strndup(value, (gsize) (at - value)) : g_strdup(value);
	if (strcmp(filter, "domain") == 0)
		return g_strdup(at != NULL ? at + 1 : "");
	if (strcmp(filter, "md5") == 0)
		return hex_sum(G_CHECKSUM_MD5, value);
	if (strcmp(filter, "sha1") == 0)
		return hex_sum(G_CHECKSUM_SHA1, value);
	if (strcmp(filter, "sha256") == 0)
		return hex_sum(G_CHECKSUM_SHA256, value);
	if (!g_str_has_prefix(filter, substr) || !g_str_has_suffix(filter, ")"))
		return NULL;

	size_t len = strlen(filter) - strlen(substr) - 1;
	g_autofree char *inside = g_strndup(filter + strlen(substr), len);
	gint64 offset, width;
	return read_numbers(inside, &offset, &width) ? cut(g_strdup(value), offset, width) : NULL;
}

/* All filters of the long form, in their order; takes `value`. NULL: one is not known. */
static char *
filter_value(char *value, const Variable *variable)
{
	if (variable->filters == NULL || variable->filters == variable->filters_end)
		return value;

	g_autofree char *text = g_strndup(variable->filters,
	                                  (gsize) (variable->filters_end - variable->filters));
	g_auto(GStrv) filters = g_strsplit(text, "|", -1);
	bool was_sum = false;
	for (char **filter = filters; *filter != NULL && value != NULL; filter++) {
		const char *name = g_strstrip(*filter);
		bool is_print_of_sum = was_sum && strcmp(name, "hexlify") == 0;
		char *before = value;
		value = is_print_of_sum ? g_strdup(before) : apply_filter(before, name);
		g_free(before);
		was_sum = g_str_has_prefix(name, "md5") || g_str_has_prefix(name, "sha");
	}

	return value;
}

static char *
value_of(const char *raw, Variable *variable)
{
	char *value = g_strdup(raw);

	for (const char *letter = variable->changes; *letter != '\0'; letter++) {
		char *before = value;
		value = change(before, *letter, variable);
		g_free(before);
	}

	return filter_value(take_part(value, variable), variable);
}

/* The variable at `from` as it was written, for a fault. Caller frees. */
static char *
print_variable(const char *from, const char *behind)
{
	size_t len = behind > from ? (size_t) (behind - from) : strcspn(from, "/ ");
	g_autofree char *text = g_strndup(from, MIN(len, 40));
	return g_strconcat("%", text, NULL);
}

static void
fail_unknown_variable(const char *from, const char *behind, Status *st)
{
	g_autofree char *text = print_variable(from, behind);
	status_fail_detail(st, STATUS_CONFIG,
	                   "'%s' is not known here; there are %%u %%n %%d %%h %%%% and the "
	                   "forms that todoke.conf(5) lists under PATHS",
	                   text);
}

char *
path_template_value(const PathTemplateValues *values, const char **at, const char **ret_raw,
                    char *ret_letter, Status *st)
{
	const char *from = *at;
	bool is_changed = !is_plain(*from);
	Variable variable = { 0 };
	bool is_known = read_variable(at, &variable);
	const char *raw = is_known ? raw_value(values, variable.letter) : NULL;
	char *value = raw == NULL ? NULL : is_changed ? value_of(raw, &variable) : g_strdup(raw);

	if (value == NULL) {
		fail_unknown_variable(from, is_known ? *at : from, st);
		return NULL;
	}

	*ret_raw = raw;
	*ret_letter = variable.letter;
	return value;
}

bool
path_template_names(const char *path_template, char letter)
{
	for (const char *c = path_template; (c = strchr(c, '%')) != NULL;) {
		Variable variable = { 0 };
		c++;
		if (!read_variable(&c, &variable))
			continue;
		if (variable.letter == letter)
			return true;
	}

	return false;
}

bool
path_template_check(const char *path_template, const char *letters, Status *st)
{
	static const PathTemplateValues example = { "ann@example.jp", "ann", "example.jp",
		                                    "/home/ann" };

	for (const char *c = path_template; (c = strchr(c, '%')) != NULL;) {
		const char *raw, *from = ++c;
		char letter;
		if (is_plain(*c) && strchr(letters, *c) != NULL) {
			c++;
			continue;
		}
		g_autofree char *value = path_template_value(&example, &c, &raw, &letter, st);
		if (value == NULL)
			return false;
		if (strchr(letters, letter) != NULL)
			continue;
		fail_unknown_variable(from, c, st);
		return false;
	}

	return true;
}
