/* conf-text: looks over the text of todoke.conf before libConfuse does. */
#include "conf/conf-text.h"

#include "conf/conf-problem.h"

#include <stdbool.h>
#include <string.h>

typedef struct {
	char *next;
	char *end;
	unsigned line;
	unsigned depth;       /* of braces */
	unsigned brace_line;  /* where the outermost open one stands */
	const char *file;
	GPtrArray *problems;
} Text;

/* Stands for what was wrong, so that one fault makes one problem and the rest can still be read. */
enum { FILLER = 'x' };

static void
blank(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n')
			*from = ' ';
}

static char *
line_end(const Text *text, char *from)
{
	char *end = memchr(from, '\n', (size_t) (text->end - from));
	return end != NULL ? end : text->end;
}

static void
skip_line_comment(Text *text)
{
	char *end = line_end(text, text->next);
	blank(text->next, end);
	text->next = end;
}

static void
skip_block_comment(Text *text)
{
	char *close = strstr(text->next + 2, "*/");
	if (close == NULL)
		conf_problem_add(text->problems, text->file, text->line, "the comment is not closed: '*/' is missing");
	char *end = close != NULL ? close + 2 : text->end;
	for (char *c = text->next; c < end; c++)
		text->line += *c == '\n';
	blank(text->next, end);
	text->next = end;
}

/* "${NAME}" would be the environment's, which is whatever the caller of a delivery agent happened to have. */
static void
refuse_variable(Text *text, char *dollar)
{
	conf_problem_add(text->problems, text->file, text->line,
	                 "'${' is not allowed here: settings know %%u, %%n, %%d and %%h; in single quotes it is plain text");
	*dollar = FILLER;
}

/* Escapes inside double quotes. Returns the last byte that was looked at. */
static char *
check_escape(Text *text, char *c)
{
	if (*c == '$' && c[1] == '{')
		refuse_variable(text, c);
	if (*c != '\\')
		return c;
	if (strchr("\\\"'", c[1]) == NULL) {
		conf_problem_add(text->problems, text->file, text->line,
		                 "'\\%c' has no meaning in double quotes: write '\\\\%c', or put the value in single quotes",
		                 c[1], c[1]);
		*c = FILLER;
	}
	return c + 1;
}

static void
skip_string(Text *text)
{
	char quote = *text->next;
	char *end = line_end(text, text->next);
	char *c = text->next + 1;
	for (; c < end && *c != quote; c++) {
		if (quote == '"' && c + 1 < end)
			c = check_escape(text, c);
		else if (*c == '\\' && c + 1 < end && (c[1] == quote || c[1] == '\\'))
			c++;
	}
	if (c < end) {
		text->next = c + 1;
		return;
	}
	conf_problem_add(text->problems, text->file, text->line,
	                 "the string is not closed: %c is missing on this line", quote);
	blank(text->next, end);
	*text->next = FILLER;
	text->next = end;
}

/* libConfuse takes the end of the file for the end of a block. */
static void
count_brace(Text *text, char brace)
{
	if (brace == '{' && text->depth++ == 0)
		text->brace_line = text->line;
	else if (brace == '}' && text->depth > 0)
		text->depth--;
}

static void
refuse_plain(Text *text, char *c)
{
	conf_problem_add(text->problems, text->file, text->line, "'%c' must stand in quotes", *c);
	*c = FILLER;
}

/* A byte outside strings and comments. */
static void
check_plain(Text *text)
{
	char *c = text->next++;
	switch (*c) {
	case '\n':
		text->line++;
		break;
	case '\r':
		*c = ' ';
		break;
	case '{':
	case '}':
		count_brace(text, *c);
		break;
	case '$':
		if (*text->next == '{')
			refuse_variable(text, c);
		break;
	case '+':
		if (*text->next != '=')
			refuse_plain(text, c);
		break;
	case '*':
	case '(':
	case ')':
		refuse_plain(text, c);
		break;
	}
}

static bool
ends_word(char c)
{
	switch (c) {
	case ' ': case '\t': case '\r': case '\n': case '=': case '{': case '}': case ',': case '"': case '\'':
		return true;
	default:
		return false;
	}
}

/*
 * The shipped file is nearly all comments, and each delivery reads it: without the blanks that stand for them libConfuse
 * has a tenth to look at. No string has its end behind a line's.
 */
static void
drop_trailing_blanks(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; from++) {
		while (*from == '\n' && to > text && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		*to++ = *from;
	}
	*to = '\0';
}

void
conf_text_clean(char *start, size_t len, const char *file, GPtrArray *problems)
{
	Text text = { .next = start, .end = start + strlen(start), .line = 1, .file = file, .problems = problems };
	bool has_nul = text.end < start + len;
	bool inside_word = false;
	while (text.next < text.end) {
		char c = *text.next, after = text.next[1];
		bool begins_comment = c == '/' && !inside_word && (after == '/' || after == '*');
		inside_word = !ends_word(c);
		if (c == '#' || (begins_comment && after == '/'))
			skip_line_comment(&text);
		else if (begins_comment)
			skip_block_comment(&text);
		else if (c == '"' || c == '\'')
			skip_string(&text);
		else
			check_plain(&text);
	}
	if (text.depth > 0)
		conf_problem_add(problems, file, text.brace_line, "'{' is not closed: '}' is missing");
	if (has_nul)
		conf_problem_add(problems, file, text.line, "there is a NUL byte: a text file is wanted");
	drop_trailing_blanks(start);
}
