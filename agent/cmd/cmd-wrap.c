/* SPDX-License-Identifier: MIT */
/* cmd-wrap: lines of a width, in cells of a terminal. */
#include "agent/cmd/cmd-wrap.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NARROWEST = 40 };

size_t
cmd_wrap_width(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return MAX(size.ws_col, (unsigned short) NARROWEST);
}

static size_t
cells_of(gunichar letter)
{
	return g_unichar_iszerowidth(letter) ? 0 : g_unichar_iswide(letter) ? 2 : 1;
}

/* Marks that never begin a line, and those that never end one. */
static bool
is_in(gunichar letter, const char *marks)
{
	return g_utf8_strchr(marks, -1, letter) != NULL;
}

/* May a line end between these two? */
static bool
may_break(gunichar before, gunichar after)
{
	if (after == ' ')
		return true;
	if (before == ' ')
		return false; /* the blank was the place */
	return (g_unichar_iswide(before) || g_unichar_iswide(after)) &&
	       !is_in(after,
	              "、。，．・：；？！）」』】〕)],.:;!?ーぁぃぅぇぉっゃゅょァィゥェォッャュョ") &&
	       !is_in(before, "（「『【〔([");
}

/* Append a piece that is never broken. */
typedef struct {
	GString *out;
	size_t indent;
	size_t width;
	size_t column;
} Line;

static void
start_line(Line *line)
{
	if (line->out->len > 0)
		g_string_append_c(line->out, '\n');
	for (size_t i = 0; i < line->indent; i++)
		g_string_append_c(line->out, ' ');
	line->column = line->indent;
}

static void
append_piece(Line *line, const char *piece, size_t len, size_t cells)
{
	bool is_first = line->column == line->indent;

	if (line->width > 0 && !is_first && line->column + cells > line->width) {
		start_line(line);
		is_first = true;
	}
	if (is_first && *piece == ' ') {
		piece++;
		len--;
		cells--;
	}

	g_string_append_len(line->out, piece, (gssize) len);
	line->column += cells;
}

char *
cmd_wrap(const char *text, size_t indent, size_t width)
{
	Line line = { .out = g_string_new(NULL), .indent = indent, .width = width };
	const char *start = text;
	size_t cells = 0;

	start_line(&line);
	for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
		const char *next = g_utf8_next_char(at);
		gunichar letter = g_utf8_get_char(at);
		cells += cells_of(letter);
		if (*next != '\0' && !may_break(letter, g_utf8_get_char(next)))
			continue;
		append_piece(&line, start, (size_t) (next - start), cells);
		start = next;
		cells = 0;
	}

	g_string_append_c(line.out, '\n');
	return g_string_free(line.out, FALSE);
}
