/* SPDX-License-Identifier: MIT */
/*
 * body: RFC 5173, complete. :text is the text of all text parts, HTML without its markup, a string
 * a part. Each part is seen up to sieve_max_part_size. Line ends are CRLF. Wildcards set no match
 * variables (6).
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-mime.h"

#include <string.h>

/* A content type as :content names it, in lower case. NULL types match nothing. */
typedef struct {
	char *type;    /* "": every one */
	char *subtype; /* NULL: every one */
} Wanted;

/* RFC 5173 5.2: a slash at an end, or more than one, makes it match nothing. */
static bool
read_wanted(SieveRun *run, SieveText text, Wanted *ret_wanted)
{
	char *type = sieve_arena_copy(run->scratch, text.data, text.len);

	for (char *c = type; *c != '\0'; c++)
		*c = g_ascii_tolower(*c);
	char *slash = strchr(type, '/');
	*ret_wanted = (Wanted){ .type = type };
	if (slash == NULL)
		return true;

	*slash = '\0';
	ret_wanted->subtype = slash + 1;
	return type[0] != '\0' && slash[1] != '\0' && strchr(slash + 1, '/') == NULL;
}

static bool
is_wanted(const MimePart *part, const Wanted *wanted, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wanted[i].type[0] == '\0' ||
		    mime_part_is(part, wanted[i].type, wanted[i].subtype))
			return true;
	return false;
}

/* Octets of the first line, with its line end. */
static size_t
line_length(SieveText text)
{
	const char *end = memchr(text.data, '\n', text.len);
	return end != NULL ? (size_t) (end - text.data) + 1 : text.len;
}

/*
 * Cut the last line with its line end, and the line end before it (it belongs to the boundary: RFC
 * 2046 5.1.1).
 */
static SieveText
without_last_line(SieveText text)
{
	size_t len = text.len;

	if (len > 0 && text.data[len - 1] == '\n')
		len--;
	while (len > 0 && text.data[len - 1] != '\n')
		len--;
	if (len > 0)
		len--;
	if (len > 0 && text.data[len - 1] == '\r')
		len--;

	return (SieveText){ text.data, len };
}

/* Before the first part of a multipart, without the boundary. */
static bool
match_prologue(SieveMatch *match, const MimeTree *tree, size_t part)
{
	SieveText text;
	const MimePart *known = mime_tree_part(tree, part);
	return sieve_mime_range(match->run, known->body_at,
	                        mime_tree_part(tree, part + 1)->header_at, &text) &&
	       sieve_match_add(match, without_last_line(text));
}

/* Behind the last part of a multipart: a line end, the boundary, the rest. */
static bool
match_epilogue(SieveMatch *match, const MimeTree *tree, size_t part)
{
	const MimePart *known = mime_tree_part(tree, part);
	size_t last = part + 1;

	while (mime_tree_part(tree, last)->after < known->after)
		last = mime_tree_part(tree, last)->after;
	SieveText text;
	if (!sieve_mime_range(match->run, mime_tree_part(tree, last)->end, known->end, &text))
		return false;

	for (int i = 0; i < 2; i++) {
		size_t line = line_length(text);
		text = (SieveText){ text.data + line, text.len - line };
	}

	return text.len == 0 || sieve_match_add(match, text);
}

/* The header of the message in a message part, without the empty line. */
static bool
match_inner_header(SieveMatch *match, const MimeTree *tree, size_t part)
{
	SieveText text;
	const MimePart *inner = mime_tree_part(tree, part + 1);
	if (!sieve_mime_range(match->run, inner->header_at, inner->body_at, &text))
		return false;

	if (text.len >= 4 && memcmp(text.data + text.len - 4, "\r\n\r\n", 4) == 0)
		text.len -= 2;
	return sieve_match_add(match, text);
}

static bool
match_content_of(SieveMatch *match, size_t part, SieveMimeForm form)
{
	const SieveGrams *grams;
	SieveText text;

	if (!sieve_mime_grams(match->run, part, form, &grams))
		return false;
	if (grams != NULL && sieve_match_lacks(match, grams))
		return sieve_run_spend(match->run, 1);
	return sieve_mime_part(match->run, part, form, &text) && sieve_match_add(match, text);
}

static bool
match_part(SieveMatch *match, const MimeTree *tree, size_t part, SieveMimeForm form)
{
	const MimePart *known = mime_tree_part(tree, part);
	bool holds_parts = known->after > part + 1;

	if (holds_parts && mime_part_is(known, "multipart", NULL))
		return match_prologue(match, tree, part) &&
		       (match->done || match_epilogue(match, tree, part));
	if (holds_parts)
		return match_inner_header(match, tree, part);

	return match_content_of(match, part, form);
}

static bool
match_parts(SieveMatch *match, const MimeTree *tree, const Wanted *wanted, size_t n,
            SieveMimeForm form)
{
	for (size_t part = 0; part < mime_tree_count(tree) && !match->done; part++) {
		SieveArenaMark mark = sieve_arena_mark(match->run->scratch);
		bool good = sieve_run_spend(match->run, n) &&
		            (!is_wanted(mime_tree_part(tree, part), wanted, n) ||
		             match_part(match, tree, part, form));
		sieve_arena_release(match->run->scratch, mark);
		if (!good)
			return false;
	}
	return true;
}

static bool
match_content(SieveMatch *match, const MimeTree *tree, const SieveArg *types)
{
	g_autofree Wanted *wanted = g_new(Wanted, types->n);
	size_t n = 0;

	for (size_t i = 0; i < types->n; i++)
		n += read_wanted(match->run, sieve_run_text(match->run, &types->strings[i]),
		                 &wanted[n]);
	return match_parts(match, tree, wanted, n, SIEVE_PART_CONTENT);
}

static bool
match_raw(SieveMatch *match)
{
	return match_content_of(match, 0, SIEVE_PART_RAW);
}

static bool
match_body(SieveMatch *match, const SieveCall *call, const MimeTree *tree)
{
	static const Wanted text = { (char *) "text", NULL };
	const SieveTag *transform = sieve_call_tag_of(call, "transform");
	if (transform != NULL && strcmp(transform->def->name, "raw") == 0)
		return match_raw(match);
	if (transform != NULL && transform->value != NULL)
		return match_content(match, tree, transform->value);

	return match_parts(match, tree, &text, 1, SIEVE_PART_TEXT);
}

/* The match variables as they were: bodies do not set them (6). */
static void
restore_captures(SieveRun *run, SieveText *captures, size_t n)
{
	g_free(run->captures);
	run->captures = captures;
	run->n_captures = n;
}

static bool
test_body(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	MessageBody body;

	sieve_mime_trim(run);
	const MimeTree *tree = sieve_mime_tree(run);
	if (tree == NULL || !sieve_match_begin(&match, run, call))
		return false;

	SieveText *captures = g_steal_pointer(&run->captures);
	size_t n = run->n_captures;
	run->n_captures = 0;

	/* A message that ends with its header has no body, not an empty one (4). */
	bool good = message_body(run->message, &body) &&
	            (body.size == 0 || match_body(&match, call, tree));
	restore_captures(run, captures, n);
	if (good && body.size == 0)
		*ret_result = false;

	return good && (body.size == 0 || sieve_match_end(&match, ret_result));
}

static const SieveTagDef transforms[] = {
	{ .name = "raw", .group = "transform" },
	{ .name = "content", .value = SIEVE_STRINGS, .group = "transform" },
	{ .name = "text", .group = "transform" },
	{ .name = NULL }
};

static const SieveCallDef tests[] = { { .name = "body",
	                                .positional = { SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH,
	                                .tags = transforms,
	                                .test = test_body },
	                              { .name = NULL } };

const SieveExt sieve_ext_body = { .capability = "body", .rfc = "RFC 5173", .tests = tests };
