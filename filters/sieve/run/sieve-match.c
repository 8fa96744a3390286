/* sieve-match: :is, :contains, :matches, and the frame that all match types work in. */
#define _GNU_SOURCE
#include "filters/sieve/run/sieve-match.h"

#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

/* One step is a comparison in a loop of ours; the C library's searches do many octets in that time. */
enum { OCTETS_A_STEP = 16, TRACE_OCTETS = 200 };

/* An element of a pattern: an octet, or one of these. */
enum { ANY_CHARACTER = 256 };

/* What stands between two stars. */
typedef struct {
	guint16 *elements;
	size_t n;
	char *literal;      /* the same as bytes; NULL: there is a "?" in it */
	size_t n_any;
} Segment;

struct SievePattern {
	Segment *segments;  /* one more than there are stars */
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
sieve_match_pattern_new(SieveArena *arena, SieveText text)
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
sieve_match_pattern_is_plain(const SievePattern *pattern, SieveText *ret_text, bool *ret_anywhere)
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
	bool plain = n_full <= 1 && segments[0].n == 0 && segments[last].n == 0 && segments[full].literal != NULL;
	if (plain) {
		*ret_text = (SieveText){ segments[full].literal, segments[full].n };
		*ret_anywhere = true;
	}
	return plain;
}

bool
sieve_match_pattern_has(const SievePattern *pattern, SieveText text)
{
	for (size_t i = 0; i < pattern->n; i++) {
		const Segment *segment = &pattern->segments[i];
		if (segment->literal != NULL && memmem(segment->literal, segment->n, text.data, text.len) != NULL)
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
			at += search->comparator->char_length((SieveText){ value.data + at, value.len - at });
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
		const char *found = memmem(value.data + at, value.len - at, segment->literal, segment->n);
		if (!pay(search, (value.len - at) / OCTETS_A_STEP + 1) || found == NULL)
			return false;
		*ret_start = (size_t) (found - value.data);
		*ret_end = *ret_start + segment->n;
		return true;
	}
	for (size_t i = at; i < value.len && *search->steps > 0; i++) {
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
	for (size_t i = len - at < segment->n ? at : len - segment->n; i + 1 > at && *search->steps > 0; i--) {
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
capture_segment(const Search *search, const Segment *segment, size_t at, SieveText *captures, size_t n)
{
	const SieveText value = search->value;
	for (size_t i = 0; i < segment->n && segment->n_any > 0; i++) {
		bool any = segment->elements[i] == ANY_CHARACTER;
		size_t len = any ? search->comparator->char_length((SieveText){ value.data + at, value.len - at }) : 1;
		if (any && n < LIMIT_SIEVE_CAPTURES)
			captures[n++] = (SieveText){ value.data + at, len };
		at += len;
	}
	return n;
}

/* Find where each segment lies. Leftmost places give the shortest stars, and if they don't lead to a match none do. */
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
sieve_match_pattern(const SievePattern *pattern, const SieveComparator *comparator, SieveText value, SieveText *captures,
                    size_t *ret_n, guint64 *steps)
{
	Search search = { comparator, value, steps };
	g_autofree size_t *places = g_new(size_t, 2 * pattern->n);
	size_t *starts = places, *ends = places + pattern->n;
	if (!place_segments(&search, pattern, starts, ends))
		return false;
	if (captures == NULL)
		return true;
	size_t n = 0;
	captures[n++] = value;
	for (size_t i = 0; i < pattern->n; i++) {
		if (i > 0 && n < LIMIT_SIEVE_CAPTURES)
			captures[n++] = (SieveText){ value.data + ends[i - 1], starts[i] - ends[i - 1] };
		n = capture_segment(&search, &pattern->segments[i], starts[i], captures, n);
	}
	*ret_n = n;
	return true;
}

static bool
match_is(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key, bool *ret_matched)
{
	const SieveComparator *comparator = match->spec->comparator;
	bool by_order = comparator->fold == NULL && comparator->order != NULL;
	*ret_matched = by_order ? comparator->order(value, key->text) == 0 : sieve_text_equal(normal, key->normal);
	return true;
}

static bool
match_contains(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key, bool *ret_matched)
{
	(void) value;
	*ret_matched = memmem(normal.data, normal.len, key->normal.data, key->normal.len) != NULL;
	return sieve_run_spend(match->run, normal.len / OCTETS_A_STEP + 1);
}

static bool
prepare_pattern(SieveArena *arena, const SieveMatchSpec *spec, SieveKey *key, char **ret_error)
{
	(void) spec;
	(void) ret_error;
	key->data = sieve_match_pattern_new(arena, key->normal);
	return true;
}

/* Where the first `len` octets of the normal form come from: character by character, as normal forms are made. */
static size_t
original_offset(const SieveComparator *comparator, SieveArena *arena, SieveText value, size_t len)
{
	size_t at = 0;
	for (size_t done = 0; done < len && at < value.len;) {
		SieveText rest = { value.data + at, value.len - at };
		size_t n = comparator->char_length(rest);
		done += comparator->normalize(arena, (SieveText){ rest.data, n }).len;
		at += n;
	}
	return at;
}

/* Captures are texts of the normal form; the script wants those of the value. */
static void
captures_to_value(const SieveMatch *match, SieveText value, SieveText normal, SieveText *captures, size_t n)
{
	const SieveComparator *comparator = match->spec->comparator;
	for (size_t i = 0; i < n; i++) {
		size_t from = (size_t) (captures[i].data - normal.data), to = from + captures[i].len;
		if (comparator->fold == NULL) {
			from = original_offset(comparator, match->run->scratch, value, from);
			to = original_offset(comparator, match->run->scratch, value, to);
		}
		captures[i] = (SieveText){ value.data + from, to - from };
	}
}

static bool
match_matches(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key, bool *ret_matched)
{
	SieveRun *run = match->run;
	SieveText captures[LIMIT_SIEVE_CAPTURES];
	size_t n = 0;
	bool wanted = sieve_match_wants_captures(run);
	*ret_matched = sieve_match_pattern(key->data, match->spec->comparator, normal, wanted ? captures : NULL, &n,
	                                   &run->steps_left);
	if (*ret_matched && wanted) {
		captures_to_value(match, value, normal, captures, n);
		sieve_match_set_captures(run, captures, n);
	}
	return sieve_run_spend(run, 1);
}

static const SieveMatchDef is = { .name = "is", .match = match_is };
static const SieveMatchDef contains = { .name = "contains", .needs = SIEVE_NEEDS_SUBSTRINGS, .match = match_contains };
static const SieveMatchDef matches = {
	.name = "matches", .needs = SIEVE_NEEDS_SUBSTRINGS, .prepare = prepare_pattern, .match = match_matches
};

const SieveMatchDef *const sieve_match_core[] = { &is, &contains, &matches, NULL };

bool
sieve_match_wants_captures(const SieveRun *run)
{
	return run->program->has_variables;
}

void
sieve_match_set_captures(SieveRun *run, const SieveText *captures, size_t n)
{
	if (!sieve_match_wants_captures(run))
		return;
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += captures[i].len;
	SieveText *copies = g_malloc(n * sizeof(SieveText) + total);
	char *at = (char *) (copies + n);
	for (size_t i = 0; i < n; i++) {
		copies[i] = (SieveText){ memcpy(at, captures[i].data, captures[i].len), captures[i].len };
		at += captures[i].len;
	}
	g_free(run->captures);
	run->captures = copies;
	run->n_captures = n;
}

static bool
prepare_key(SieveArena *arena, const SieveMatchSpec *spec, SieveText text, GArray *keys, char **ret_error)
{
	SieveKey key = { .text = text, .normal = sieve_compare_normalize(spec->comparator, arena, text) };
	if (spec->def->prepare != NULL && !spec->def->prepare(arena, spec, &key, ret_error))
		return false;
	g_array_append_val(keys, key);
	return true;
}

bool
sieve_match_prepare(SieveArena *arena, const SieveMatchSpec *spec, SieveText text, GArray *keys, char **ret_error)
{
	if (!spec->splits_keys)
		return prepare_key(arena, spec, text, keys, ret_error);
	for (size_t at = 0; at < text.len;) {
		size_t end = at;
		while (end < text.len && text.data[end] != ' ')
			end++;
		if (end > at && !prepare_key(arena, spec, (SieveText){ text.data + at, end - at }, keys, ret_error))
			return false;
		at = end + 1;
	}
	return true;
}

/* Keys that have variables in them, for this test only. A key that became wrong by them matches nothing. */
static void
prepare_keys(SieveMatch *match)
{
	SieveRun *run = match->run;
	const SieveArg *arg = match->spec->key_arg;
	g_autoptr(GArray) keys = g_array_sized_new(FALSE, FALSE, sizeof(SieveKey), (guint) arg->n);
	for (size_t i = 0; i < arg->n; i++) {
		g_autofree char *error = NULL;
		SieveText text = sieve_run_text(run, &arg->strings[i]);
		if (!sieve_match_prepare(run->scratch, match->spec, text, keys, &error))
			sieve_run_trace(run, TRACE_MATCHING, match->call, "key \"%.*s\" matches nothing: %s",
			                (int) MIN(text.len, TRACE_OCTETS), text.data, error);
	}
	SieveKey *kept = SIEVE_NEW_ARRAY(run->scratch, SieveKey, keys->len);
	if (keys->len > 0)
		memcpy(kept, keys->data, keys->len * sizeof(SieveKey));
	match->keys = kept;
	match->n_keys = keys->len;
}

bool
sieve_match_begin(SieveMatch *match, SieveRun *run, const SieveCall *call)
{
	const SieveMatchSpec *spec = call->match;
	*match = (SieveMatch){ .run = run, .call = call, .spec = spec, .keys = spec->keys, .n_keys = spec->n_keys };
	if (spec->key_arg != NULL && spec->keys == NULL && spec->def->match_all == NULL)
		prepare_keys(match);
	return true;
}

static void
trace_pair(const SieveMatch *match, SieveText value, const SieveKey *key, bool matched)
{
	sieve_run_trace(match->run, TRACE_MATCHING, match->call, "\"%.*s\" :%s \"%.*s\": %s",
	                (int) MIN(value.len, TRACE_OCTETS), value.data, match->spec->def->name,
	                (int) MIN(key->text.len, TRACE_OCTETS), key->text.data, matched ? "yes" : "no");
}

/* The value against each key. */
static bool
hold_against_keys(SieveMatch *match, SieveText value)
{
	const SieveMatchDef *def = match->spec->def;
	SieveText normal = sieve_compare_normalize(match->spec->comparator, match->run->scratch, value);
	if (!sieve_run_spend(match->run, value.len / OCTETS_A_STEP + 1))
		return false;
	for (size_t i = 0; i < match->n_keys && !match->matched; i++) {
		if (!def->match(match, value, normal, &match->keys[i], &match->matched))
			return false;
		if (match->run->env->trace_level >= TRACE_MATCHING)
			trace_pair(match, value, &match->keys[i], match->matched);
	}
	return true;
}

bool
sieve_match_add(SieveMatch *match, SieveText value)
{
	const SieveMatchDef *def = match->spec->def;
	match->count++;
	if (def->counts || match->done)
		return true;
	SieveArenaMark mark = sieve_arena_mark(match->run->scratch);
	bool good = def->match_all != NULL ? def->match_all(match, value, &match->matched) : hold_against_keys(match, value);
	sieve_arena_release(match->run->scratch, mark);
	match->done = match->matched;
	return good;
}

/* :count counts addresses, whatever part of them the test asks for (RFC 5231 4.2); what is no address only as a whole. */
bool
sieve_match_add_address(SieveMatch *match, const SieveAddress *address)
{
	const SieveAddressPart *part = match->call->part;
	SieveText text = address->all;
	if (part == NULL || part->get(match->run, address, &text))
		return sieve_match_add(match, text);
	if (address->valid)
		match->count++;
	return true;
}

bool
sieve_match_end(SieveMatch *match, bool *ret_result)
{
	if (match->spec->def->counts) {
		char count[24];
		int len = g_snprintf(count, sizeof count, "%" G_GUINT64_FORMAT, match->count);
		if (!hold_against_keys(match, (SieveText){ count, (size_t) len }))
			return false;
	}
	*ret_result = match->matched;
	return true;
}
