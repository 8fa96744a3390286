/* SPDX-License-Identifier: MIT */
/* subset-regex: one pass over an expression; what it does not know well it refuses. */
#include "filters/libsieve/subset-regex.h"

#include <string.h>

/*
 * Groups within groups, and how often something may be repeated: the library's memory grows with
 * the product.
 */
enum { DEPTH_MAX = 32, REPEAT_MAX = 255 };

/* What stands to the left of the place where we are. */
typedef enum { AFTER_NOTHING, AFTER_ANCHOR, AFTER_ITEM, AFTER_COUNTED_GROUP, AFTER_REPEAT } Left;

typedef struct {
	const char *at;
	const char *end;
	Left left;
	unsigned depth;
	bool counted[DEPTH_MAX + 1]; /* by depth: there is a counted repetition in the group */
} Scan;

static const char other_language[] = "libsieve reads this expression in another way";
static const char too_long[] = "libsieve takes too long for counted repetitions within each other";

/* Behind "[:name:]" at the front; NULL: it is none that both know. */
static const char *
skip_class(const char *at, const char *end)
{
	static const char *const names[] = {
		"alnum", "alpha", "blank", "cntrl", "digit", "graph",
		"lower", "print", "punct", "space", "upper", "xdigit",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		char class[16];
		size_t len = (size_t) g_snprintf(class, sizeof class, "[:%s:]", names[i]);
		if ((size_t) (end - at) >= len && memcmp(at, class, len) == 0)
			return at + len;
	}

	return NULL;
}

/*
 * Where letter case does not count, the library turns the ends of a range to capitals, and what is
 * between them is lost.
 */
static bool
is_plain_range(char from, char to)
{
	if (g_ascii_isalpha(from) || g_ascii_isalpha(to))
		return g_ascii_isalpha(from) && g_ascii_isalpha(to) &&
		       g_ascii_islower(from) == g_ascii_islower(to);
	return from < 'A' || from > 'z';
}

/*
 * Behind one sign, range or class of a bracket expression; NULL: the library reads it in another
 * way.
 */
static const char *
skip_member(const char *at, const char *end)
{
	if (at[0] == '[' && at + 1 < end && strchr(":.=", at[1]) != NULL) {
		const char *behind = skip_class(at, end);
		bool is_end = behind != NULL && behind + 1 < end && behind[0] == '-' &&
		              behind[1] != ']';
		return is_end ? NULL : behind;
	}

	if (at + 2 >= end || at[1] != '-' || at[2] == ']')
		return at + 1;
	bool is_sign = at[2] != '[' || at + 3 >= end || strchr(":.=", at[3]) == NULL;
	return is_sign && is_plain_range(at[0], at[2]) ? at + 3 : NULL;
}

/* Behind the bracket expression that begins here; NULL: it has no end that we see. */
static const char *
skip_bracket(const char *at, const char *end)
{
	at++;
	at += at < end && *at == '^';
	for (bool first = true; at != NULL && at < end && (first || *at != ']'); first = false)
		at = skip_member(at, end);
	return at != NULL && at < end ? at + 1 : NULL;
}

static const char *
take_bracket(Scan *scan)
{
	const char *behind = skip_bracket(scan->at, scan->end);
	if (behind == NULL)
		return other_language;

	scan->at = behind;
	scan->left = AFTER_ITEM;
	return NULL;
}

/*
 * Behind a backslash only signs are the same in both: letters, digits and < > ' ` have meanings of
 * their own.
 */
static const char *
take_escape(Scan *scan)
{
	if (scan->at + 1 >= scan->end || scan->at[1] == '\0' ||
	    strchr(".[](){}*+?^$|\\-/@", scan->at[1]) == NULL)
		return other_language;
	scan->at += 2;
	scan->left = AFTER_ITEM;

	return NULL;
}

static const char *
take_open(Scan *scan)
{
	bool is_extended = scan->at + 1 < scan->end && (scan->at[1] == '?' || scan->at[1] == '*');
	if (is_extended || scan->depth == DEPTH_MAX)
		return other_language;

	scan->counted[++scan->depth] = false;
	scan->at++;
	scan->left = AFTER_NOTHING;

	return NULL;
}

static const char *
take_close(Scan *scan)
{
	if (scan->depth == 0 || scan->left == AFTER_NOTHING)
		return other_language;
	bool counted = scan->counted[scan->depth--];
	scan->counted[scan->depth] = scan->counted[scan->depth] || counted;
	scan->left = counted ? AFTER_COUNTED_GROUP : AFTER_ITEM;
	scan->at++;

	return NULL;
}

static const char *
take_bar(Scan *scan)
{
	if (scan->left == AFTER_NOTHING)
		return other_language;
	scan->at++;
	scan->left = AFTER_NOTHING;
	return NULL;
}

/* A number of a repetition. */
static bool
take_times(Scan *scan, unsigned *ret_times)
{
	unsigned times = 0;
	const char *at = scan->at;

	for (; at < scan->end && g_ascii_isdigit(*at) && times <= REPEAT_MAX; at++)
		times = times * 10 + (unsigned) (*at - '0');
	if (at == scan->at || times > REPEAT_MAX)
		return false;

	scan->at = at;
	*ret_times = times;
	return true;
}

static const char *
take_count(Scan *scan)
{
	unsigned least, most;
	if (scan->left == AFTER_COUNTED_GROUP)
		return too_long;
	if (scan->left != AFTER_ITEM)
		return other_language;

	scan->at++;
	if (!take_times(scan, &least))
		return other_language;

	if (scan->at < scan->end && *scan->at == ',') {
		scan->at++;
		(void) take_times(scan, &most);
	}

	if (scan->at >= scan->end || *scan->at != '}')
		return other_language;
	scan->at++;
	scan->counted[scan->depth] = true;
	scan->left = AFTER_REPEAT;

	return NULL;
}

static const char *
take_repeat(Scan *scan)
{
	if (scan->left != AFTER_ITEM && scan->left != AFTER_COUNTED_GROUP)
		return other_language;
	scan->at++;
	scan->left = AFTER_REPEAT;
	return NULL;
}

static const char *
take_one(Scan *scan)
{
	switch (*scan->at) {
	case '\\':
		return take_escape(scan);
	case '[':
		return take_bracket(scan);
	case '(':
		return take_open(scan);
	case ')':
		return take_close(scan);
	case '|':
		return take_bar(scan);
	case '{':
		return take_count(scan);
	case '*':
	case '+':
	case '?':
		return take_repeat(scan);
	default:
		scan->left = *scan->at == '^' || *scan->at == '$' ? AFTER_ANCHOR : AFTER_ITEM;
		scan->at++;
		return NULL;
	}
}

const char *
subset_regex_fault(SieveText text)
{
	Scan scan = { .at = text.data, .end = text.data + text.len, .left = AFTER_NOTHING };

	for (size_t i = 0; i < text.len; i++)
		if ((guchar) text.data[i] >= 128 || text.data[i] < ' ')
			return "libsieve looks at octets, not at characters";
	while (scan.at < scan.end) {
		const char *fault = take_one(&scan);
		if (fault != NULL)
			return fault;
	}

	return scan.depth > 0 || scan.left == AFTER_NOTHING ? other_language : NULL;
}
