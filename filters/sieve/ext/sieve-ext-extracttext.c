/* SPDX-License-Identifier: MIT */
/*
 * extracttext: RFC 5703 7, complete. Text of a part in UTF-8, HTML without its markup; what is no
 * text, or says that it is written in a way that nobody knows, is the empty string.
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-loop.h"
#include "filters/sieve/run/sieve-mime.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

static bool
check_extracttext(SieveCheck *check, SieveCall *call)
{
	if (!sieve_check_has(check, &sieve_ext_variables))
		return sieve_check_error(check, call->span, "missing-require",
		                         "add \"variables\" to require",
		                         "'extracttext' needs \"variables\"");

	if (sieve_loop_of(call) == NULL)
		return sieve_check_error(check, call->span, "no-loop", "put it into a foreverypart",
		                         "'extracttext' stands in no loop");
	SieveVariable *variable = SIEVE_NEW(sieve_check_arena(check), SieveVariable);
	if (!sieve_variable_resolve(check, &call->positional[0]->strings[0], true, variable))
		return false;

	call->data = variable;
	return true;
}

/* Is the part's transfer encoding one of those that there are (RFC 2045 6.1)? */
static bool
has_known_encoding(SieveRun *run, size_t part)
{
	static const char *const known[] = {
		"7bit",     "8bit",       "binary", "base64", "quoted-printable",
		"uuencode", "x-uuencode", "x-uue",  NULL
	};
	size_t pos = 0;
	const Headers *headers = sieve_mime_headers(run, part);
	const HeaderField *field = headers != NULL ? headers_next(headers,
	                                                          "Content-Transfer-Encoding", &pos)
	                                           : NULL;

	if (field == NULL)
		return true;
	g_autofree char *value = header_field_value(field);
	g_autofree char *lower = g_ascii_strdown(value, -1);
	lower[strcspn(lower, " \t;(")] = '\0'; /* the first word */

	return lower[0] == '\0' || g_strv_contains(known, lower);
}

/* As much of the text as the first `n` characters are. */
static SieveText
first_characters(SieveText text, guint64 n)
{
	size_t at = 0;
	while (at < text.len && n > 0) {
		at++;
		while (at < text.len && ((guchar) text.data[at] & 0xc0) == 0x80)
			at++;
		n--;
	}

	return (SieveText){ text.data, at };
}

static bool
take_text(SieveRun *run, SieveText *ret_text)
{
	const MimeTree *tree = sieve_mime_tree(run);
	if (tree == NULL)
		return false;

	size_t part = sieve_mime_current(run);
	const MimePart *known = mime_tree_part(tree, part);
	*ret_text = SIEVE_TEXT("");
	if (!mime_part_is(known, "text", NULL) || !has_known_encoding(run, part))
		return true;

	sieve_mime_trim(run);
	return sieve_mime_part(run, part, SIEVE_PART_TEXT, ret_text);
}

static bool
run_extracttext(SieveRun *run, const SieveCall *call)
{
	const SieveTag *first = sieve_call_tag(call, "first");
	SieveText text;
	if (!take_text(run, &text))
		return false;

	if (first != NULL)
		text = first_characters(text, first->value->number);
	/* More is never kept, and modifiers take up to twice their input. */
	text = sieve_variable_cut(text, run->variable_limit);
	return sieve_scope_set(run, call->data, sieve_scope_modify(run, call, text));
}

static const SieveTagDef first_tags[] = { { .name = "first", .value = SIEVE_NUMBER },
	                                  { .name = NULL } };

static const SieveCallDef commands[] = { { .name = "extracttext",
	                                   .positional = { SIEVE_STRING | SIEVE_CONSTANT },
	                                   .flags = SIEVE_TAKES_MODIFIERS,
	                                   .tags = first_tags,
	                                   .check = check_extracttext,
	                                   .run = run_extracttext },
	                                 { .name = NULL } };

const SieveExt sieve_ext_extracttext = { .capability = "extracttext",
	                                 .rfc = "RFC 5703",
	                                 .commands = commands };
