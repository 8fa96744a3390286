/* SPDX-License-Identifier: MIT */
/* conf-value: between the text of a setting and its value. */
#include "conf/conf-value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
	char letter;
	gint64 factor;
} Unit;

/* The biggest first: printing takes the first that divides. */
static const Unit time_units[] = { { 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 },
	                           { 'm', 60 },     { 's', 1 },     { 0, 0 } };
static const Unit size_units[] = { { 'G', 1 << 30 }, { 'M', 1 << 20 }, { 'K', 1 << 10 }, { 0, 0 } };
static const Unit no_units[] = { { 0, 0 } };

/*
 * Each delivery makes a hundred values and changes five: a default text is the table's own, an
 * empty list is this one.
 */
char *conf_value_no_items[1];

static void *
member(const Conf *conf, const ConfRow *row)
{
	return G_STRUCT_MEMBER_P(conf, row->offset);
}

static const Unit *
units_of(const ConfRow *row)
{
	return row->type == CONF_TIME ? time_units : row->type == CONF_SIZE ? size_units : no_units;
}

/* A number whose default is written with a leading 0 is one that people read in octal (umask). */
static bool
is_octal(const ConfRow *row)
{
	return row->type == CONF_INT && row->otherwise[0] == '0' && row->otherwise[1] != '\0';
}

static char *
print_number(const ConfRow *row, gint64 number)
{
	if (is_octal(row))
		return g_strdup_printf("0%" G_GINT64_MODIFIER "o", number);
	for (const Unit *unit = units_of(row); number != 0 && unit->letter != 0; unit++)
		if (number % unit->factor == 0)
			return g_strdup_printf("%" G_GINT64_FORMAT "%c", number / unit->factor,
			                       unit->letter);

	return g_strdup_printf("%" G_GINT64_FORMAT, number);
}

/* What may stand there, for people. */
static char *
allowed_numbers(const ConfRow *row)
{
	static const char *const examples[] = {
		[CONF_INT] = "a whole number",
		[CONF_SIZE] = "a size such as 500K, 50M or 1G",
		[CONF_TIME] = "a time such as 90s, 5m, 12h or 7d",
	};
	g_autofree char *min = print_number(row, row->min), *max = print_number(row, row->max);
	if (row->max == G_MAXINT64)
		return g_strdup_printf("%s, at least %s", examples[row->type], min);

	return g_strdup_printf("%s from %s to %s", examples[row->type], min, max);
}

static bool
read_any_base(const char *text, gint64 *ret_number, const char **ret_end)
{
	char *end;

	errno = 0;
	*ret_number = strtoll(text, &end, 0);
	*ret_end = end;

	return errno == 0;
}

/* As strtoll in base 10, without its locale. */
static bool
read_decimal(const char *text, gint64 *ret_number, const char **ret_end)
{
	bool is_negative = *text == '-';
	gint64 number = 0;

	for (text += is_negative; g_ascii_isdigit(*text); text++) {
		int digit = *text - '0';
		if (number > (G_MAXINT64 - digit) / 10)
			return false;
		number = number * 10 + digit;
	}

	*ret_number = is_negative ? -number : number;
	*ret_end = text;
	return true;
}

static bool
parse_number(const ConfRow *row, const char *text, gint64 *ret_number)
{
	if (!g_ascii_isdigit(*text) && *text != '-')
		return false;

	const char *end;
	gint64 number;

	/*
	 * Octal and hexadecimal only where a plain number is meant: nobody's "5m" or "010" of
	 * seconds is.
	 */
	bool read = row->type == CONF_INT && text[0] == '0' ? read_any_base(text, &number, &end)
	                                                    : read_decimal(text, &number, &end);
	if (!read)
		return false;

	if (*end != '\0') {
		const Unit *unit = units_of(row);
		while (unit->letter != 0 && g_ascii_tolower(unit->letter) != g_ascii_tolower(*end))
			unit++;
		if (unit->letter == 0 || end[1] != '\0' || number > G_MAXINT64 / unit->factor)
			return false;
		number *= unit->factor;
	}

	if (number < row->min || number > row->max)
		return false;
	*ret_number = number;
	return true;
}

static bool
set_number(Conf *conf, const ConfRow *row, const char *text, char **ret_problem)
{
	if (parse_number(row, text, member(conf, row)))
		return true;
	g_autofree char *allowed = allowed_numbers(row);
	*ret_problem = g_strdup_printf("'%s' is not allowed for '%s': it wants %s", text, row->name,
	                               allowed);

	return false;
}

static bool
set_bool(Conf *conf, const ConfRow *row, const char *text, char **ret_problem)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on" };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_ascii_strcasecmp(words[i], text) == 0) {
			*(bool *) member(conf, row) = i % 2 == 1;
			return true;
		}
	}

	*ret_problem = g_strdup_printf("'%s' is not allowed for '%s': it wants yes or no", text,
	                               row->name);
	return false;
}

static bool
set_enum(Conf *conf, const ConfRow *row, const char *text, char **ret_problem)
{
	size_t len = strlen(text);
	const char *choice = conf_row_choices(row);

	for (unsigned i = 0; choice != NULL; i++) {
		if (g_ascii_strncasecmp(choice, text, len) == 0 &&
		    (choice[len] == '|' || choice[len] == '\0')) {
			*(unsigned *) member(conf, row) = i;
			return true;
		}
		choice = strchr(choice, '|');
		choice = choice != NULL ? choice + 1 : NULL;
	}

	g_auto(GStrv) choices = g_strsplit(conf_row_choices(row), "|", -1);
	g_autofree char *list = g_strjoinv(", ", choices);
	*ret_problem = g_strdup_printf("'%s' is not allowed for '%s': it wants one of %s", text,
	                               row->name, list);

	return false;
}

static bool
is_text(const ConfRow *row, const char *text, char **ret_problem)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (g_ascii_iscntrl(*c)) {
			*ret_problem = g_strdup_printf(
				"the value of '%s' has control characters: it wants one printable "
				"line",
				row->name);
			return false;
		}
	}
	return true;
}

static bool
set_text(Conf *conf, const ConfRow *row, const char *text, char **ret_problem)
{
	if (!is_text(row, text, ret_problem))
		return false;
	conf_value_clear(conf, row);
	*(char **) member(conf, row) = g_strdup(text);
	return true;
}

static bool
add_item(Conf *conf, const ConfRow *row, const char *text, char **ret_problem)
{
	if (!is_text(row, text, ret_problem))
		return false;
	char ***list = member(conf, row);
	size_t n = g_strv_length(*list);
	*list = g_renew(char *, *list != conf_value_no_items ? *list : NULL, n + 2);
	(*list)[n] = g_strdup(text);
	(*list)[n + 1] = NULL;

	return true;
}

bool
conf_value_set(Conf *conf, const ConfRow *row, const char *text, char **ret_problem)
{
	switch (row->type) {
	case CONF_BOOL:
		return set_bool(conf, row, text, ret_problem);
	case CONF_ENUM:
		return set_enum(conf, row, text, ret_problem);
	case CONF_TEXT:
		return set_text(conf, row, text, ret_problem);
	case CONF_LIST:
		return add_item(conf, row, text, ret_problem);
	default:
		return set_number(conf, row, text, ret_problem);
	}
}

void
conf_value_empty(Conf *conf, const ConfRow *row)
{
	conf_value_clear(conf, row);
	*(char ***) member(conf, row) = conf_value_no_items;
}

bool
conf_value_set_list(Conf *conf, const ConfRow *row, const char *text, char **ret_problem)
{
	conf_value_empty(conf, row);
	for (const char *next = text; next != NULL;) {
		const char *comma = strchr(next, ',');
		g_autofree char *item = g_strndup(next, comma != NULL ? (size_t) (comma - next)
		                                                      : strlen(next));
		if (*g_strstrip(item) != '\0' && !conf_value_set(conf, row, item, ret_problem))
			return false;
		next = comma != NULL ? comma + 1 : NULL;
	}

	return true;
}

/*
 * The items of a default, which is right: each delivery needs all of them, and most of them are
 * never looked at. No blank stands before a comma.
 */
static char **
split_default(const char *text)
{
	size_t n = 1;
	for (const char *comma = text; (comma = strchr(comma, ',')) != NULL; comma++)
		n++;

	char **items = g_new(char *, n + 1);
	items[n] = NULL;
	for (size_t i = 0; i < n; i++) {
		while (*text == ' ')
			text++;
		size_t len = strcspn(text, ",");
		items[i] = g_strndup(text, len);
		text += len + 1;
	}

	return items;
}

void
conf_value_init(Conf *conf, const ConfRow *row)
{
	g_autofree char *problem = NULL;
	bool good = true;

	if (row->type == CONF_TEXT)
		*(const char **) member(conf, row) = row->otherwise;
	else if (row->type == CONF_LIST && row->otherwise[0] == '\0')
		*(char ***) member(conf, row) = conf_value_no_items;
	else if (row->type != CONF_LIST)
		good = conf_value_set(conf, row, row->otherwise, &problem);
	else
		*(char ***) member(conf, row) = split_default(row->otherwise);

	g_assert(good);
}

void
conf_value_copy(Conf *copy, const Conf *conf, const ConfRow *row)
{
	if (row->type == CONF_TEXT) {
		char *text = *(char **) member(conf, row);
		*(char **) member(copy, row) = text != row->otherwise ? g_strdup(text) : text;
	} else if (row->type == CONF_LIST) {
		char **list = *(char ***) member(conf, row);
		*(char ***) member(copy, row) = list != conf_value_no_items ? g_strdupv(list)
		                                                            : list;
	}
}

void
conf_value_clear(Conf *conf, const ConfRow *row)
{
	if (row->type == CONF_TEXT) {
		char **text = member(conf, row);
		if (*text != row->otherwise)
			g_free(*text);
		*text = NULL;
	} else if (row->type == CONF_LIST) {
		char ***list = member(conf, row);
		if (*list != conf_value_no_items)
			g_strfreev(*list);
		*list = NULL;
	}
}

/*
 * Plain words stand as they are; whatever means something to the reader of the file stands in
 * quotes.
 */
static void
append_quoted(GString *out, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	if (*text != '\0' && strspn(text, plain) == strlen(text)) {
		g_string_append(out, text);
		return;
	}

	/*
	 * Single quotes know two escapes only, so patterns and "${" can be read again as they are.
	 */
	char quote = strpbrk(text, "\\$") != NULL ? '\'' : '"';
	g_string_append_c(out, quote);
	for (; *text != '\0'; text++) {
		if (*text == quote || *text == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}

	g_string_append_c(out, quote);
}

char *
conf_print_value(const Conf *conf, const ConfRow *row)
{
	void *value = member(conf, row);
	GString *out = g_string_new(NULL);
	g_autofree char *text = NULL;

	switch (row->type) {
	case CONF_BOOL:
		g_string_append(out, *(bool *) value ? "yes" : "no");
		break;
	case CONF_ENUM:
		text = conf_choice(row, *(unsigned *) value);
		append_quoted(out, text);
		break;
	case CONF_TEXT:
		append_quoted(out, *(char **) value);
		break;
	case CONF_LIST:
		g_string_append_c(out, '{');
		for (char **item = *(char ***) value; *item != NULL; item++) {
			g_string_append(out, item > *(char ***) value ? ", " : "");
			append_quoted(out, *item);
		}
		g_string_append_c(out, '}');
		break;
	default:
		text = print_number(row, *(gint64 *) value);
		g_string_append(out, text);
	}

	return g_string_free(out, FALSE);
}

char *
conf_choice(const ConfRow *row, unsigned value)
{
	g_auto(GStrv) choices = g_strsplit(conf_row_choices(row), "|", -1);
	g_assert(value < g_strv_length(choices));
	return g_strdup(choices[value]);
}
