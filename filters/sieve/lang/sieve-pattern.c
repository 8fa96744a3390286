/* SPDX-License-Identifier: MIT */
/* sieve-pattern: segments between stars, each found as far to the left as it can be. */
#define _GNU_SOURCE
#include "filters/sieve/lang/sieve-pattern.h"

#include "agent/base/limits.h"

#include <string.h>

/*
 * One step is a comparison in a loop of ours; the C library's searches do many octets in that time.
 */
enum { OCTETS_A_STEP = 16 };

/* An element of a pattern: an octet, or one of these. */
enum { ANY_CHARACTER = 256 };

/* What stands between two stars. */
typedef struct {
	guint16 *elements;
	size_t n;
	char *literal; /* the same as bytes; NULL: there is a "?" in it */
	size_t n_any;
} Segment;

struct SievePattern {
	Segment *segments; /* one more than there are stars */
	size_t n;
};

static size_t
count_stars(SieveText pattern)
{
	size_t stars = 0;
	for (size_t i = 0; i < pattern.len; i++) {
		if (pattern.data[i] == '\\' && i + 1 < pattern.len)
			i++;
		else
			stars += pattern.data[i] == '*';
	}

	return stars;
}

static void
finish_segment(SieveArena *arena, Segment *segment)
{
	if (segment->n_any > 0)
		return;
	segment->literal = sieve_arena_alloc(arena, segment->n + 1);
	for (size_t i = 0; i < segment->n; i++)
		segment->literal[i] = (char) segment->elements[i];
}

SievePattern *
sieve_pattern_new(SieveArena *arena, SieveText text)
{
	SievePattern *pattern = SIEVE_NEW(arena, SievePattern);

	pattern->n = count_stars(text) + 1;
	pattern->segments = SIEVE_NEW_ARRAY(arena, Segment, pattern->n);
	guint16 *elements = SIEVE_NEW_ARRAY(arena, guint16, text.len);
	Segment *segment = pattern->segments;
	segment->elements = elements;

	for (size_t i = 0; i < text.len; i++) {
		guint16 element = (guchar) text.data[i];
		if (element == '*') {
			finish_segment(arena, segment);
			segment++;
			segment->elements = segment[-1].elements + segment[-1].n;
			continue;
		}
		if (element == '?') {
			element = ANY_CHARACTER;
			segment->n_any++;
		} else if (element == '\\' && i + 1 < text.len) {
			element = (guchar) text.data[++i];
		}
		segment->elements[segment->n++] = element;
	}

	finish_segment(arena, segment);
	return pattern;
}

bool
sieve_pattern_is_plain(const SievePattern *pattern, SieveText *ret_text, bool *ret_anywhere)
{
	const Segment *segments = pattern->segments;

	if (pattern->n == 1 && segments[0].literal != NULL) {
		*ret_text = (SieveText){ segments[0].literal, segments[0].n };
		*ret_anywhere = false;
		return true;
	}

	/* The stars before and behind the one segment that is not empty. */
	size_t last = pattern->n - 1, full = 0, n_full = 0;
	for (size_t i = 0; i < pattern->n; i++) {
		if (segments[i].n == 0)
			continue;
		full = i;
		n_full++;
	}

	bool plain = n_full <= 1 && segments[0].n == 0 && segments[last].n == 0 &&
	             segments[full].literal != NULL;
	if (plain) {
		*ret_text = (SieveText){ segments[full].literal, segments[full].n };
		*ret_anywhere = true;
	}

	return plain;
}

bool
sieve_pattern_has(const SievePattern *pattern, SieveText text)
{
	for (size_t i = 0; i < pattern->n; i++) {
		const Segment *segment = &pattern->segments[i];
		if (segment->literal != NULL &&
		    memmem(segment->literal, segment->n, text.data, text.len) != NULL)
			return true;
	}
	return text.len == 0;
}

/* A search at work. */
typedef struct {
	const SieveComparator *comparator;
	SieveText value;
	guint64 *steps;
} Search;

static bool
pay(Search *search, guint64 steps)
{
	if (*search->steps < steps) {
		*search->steps = 0;
		return false;
	}

	*search->steps -= steps;
	return true;
}

/* Does the segment match at `at`? *ret_end is behind it. */
static bool
segment_at(Search *search, const Segment *segment, size_t at, size_t *ret_end)
{
	const SieveText value = search->value;
	size_t i = 0;

	for (; i < segment->n && at < value.len; i++) {
		if (segment->elements[i] == ANY_CHARACTER)
			at += search->comparator->char_length(
				(SieveText){ value.data + at, value.len - at });
		else if (segment->elements[i] == (guchar) value.data[at])
			at++;
		else
			break;
	}

	*ret_end = at;
	return pay(search, i + 1) && i == segment->n;
}

/* The first place from `at` on where the segment matches. */
static bool
find_segment(Search *search, const Segment *segment, size_t at, size_t *ret_start, size_t *ret_end)
{
	const SieveText value = search->value;

	if (segment->literal != NULL) {
		const char *found = memmem(value.data + at, value.len - at, segment->literal,
		                           segment->n);
		if (!pay(search, (value.len - at) / OCTETS_A_STEP + 1) || found == NULL)
			return false;
		*ret_start = (size_t) (found - value.data);
		*ret_end = *ret_start + segment->n;
		return true;
	}

	for (size_t i = at; i<value.len && * search->steps> 0; i++) {
		if (segment_at(search, segment, i, ret_end)) {
			*ret_start = i;
			return true;
		}
	}

	return false;
}

/* The last segment ends where the value ends. */
static bool
find_last(Search *search, const Segment *segment, size_t at, size_t *ret_start)
{
	size_t end = 0, len = search->value.len;
	for (size_t i = len - at < segment->n ? at : len - segment->n;
	     i + 1 > at && *search->steps > 0; i--) {
		/* Characters of more than one octet begin further to the left. */
		if (segment_at(search, segment, i, &end) && end == len) {
			*ret_start = i;
			return true;
		}
		if (segment->n_any == 0)
			return false;
		if (i == 0)
			return false;
	}

	return false;
}

/* Texts of the wildcards of a segment that matched at `at`. */
static size_t
capture_segment(const Search *search, const Segment *segment, size_t at, SieveText *captures,
                size_t n)
{
	const SieveText value = search->value;
	for (size_t i = 0; i < segment->n && segment->n_any > 0; i++) {
		bool any = segment->elements[i] == ANY_CHARACTER;
		size_t len = any ? search->comparator->char_length(
					   (SieveText){ value.data + at, value.len - at })
		                 : 1;
		if (any && n < LIMIT_SIEVE_CAPTURES)
			captures[n++] = (SieveText){ value.data + at, len };
		at += len;
	}

	return n;
}

/*
 * Find where each segment lies. Leftmost places give the shortest stars, and if they don't lead to
 * a match none do.
 */
static bool
place_segments(Search *search, const SievePattern *pattern, size_t *starts, size_t *ends)
{
	const Segment *segments = pattern->segments;
	if (!segment_at(search, &segments[0], 0, &ends[0]))
		return false;

	starts[0] = 0;
	for (size_t i = 1; i + 1 < pattern->n; i++)
		if (!find_segment(search, &segments[i], ends[i - 1], &starts[i], &ends[i]))
			return false;
	size_t last = pattern->n - 1;
	if (last == 0)
		return ends[0] == search->value.len;

	ends[last] = search->value.len;
	return find_last(search, &segments[last], ends[last - 1], &starts[last]);
}

bool
sieve_pattern_match(const SievePattern *pattern, const SieveComparator *comparator, SieveText value,
                    SieveText *captures, size_t *ret_n, guint64 *steps)
{
	Search search = { comparator, value, steps };
	g_autofree size_t *starts = g_new(size_t, 2 * pattern->n);
	size_t *ends = starts + pattern->n;

	if (!place_segments(&search, pattern, starts, ends))
		return false;
	if (captures == NULL)
		return true;

	size_t n = 0;
	captures[n++] = value;
	for (size_t i = 0; i < pattern->n; i++) {
		if (i > 0 && n < LIMIT_SIEVE_CAPTURES)
			captures[n++] = (SieveText){ value.data + ends[i - 1],
				                     starts[i] - ends[i - 1] };
		n = capture_segment(&search, &pattern->segments[i], starts[i], captures, n);
	}

	*ret_n = n;
	return true;
}
