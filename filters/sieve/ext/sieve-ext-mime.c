/* SPDX-License-Identifier: MIT */
/*
 * mime: RFC 5703 4, complete: :mime and :anychild on header, address and exists, :type :subtype
 * :contenttype :param on header. The fields are those of the part that the innermost foreverypart
 * is at, outside of loops those of the message; with :anychild those of the parts in it, too. A
 * field that is not there has no value, whatever MIME takes it for.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-mime.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

/* Octets of a value that are read in one step, fields that are passed over in one. */
enum { OCTETS_A_STEP = 8, FIELDS_A_STEP = 16 };

/* The parts that a test looks at: [first, end). */
typedef struct {
	size_t first;
	size_t end;
} Parts;

static bool
find_parts(SieveRun *run, const SieveCall *call, Parts *ret_parts)
{
	const MimeTree *tree = sieve_mime_tree(run);
	if (tree == NULL)
		return false;

	size_t current = sieve_mime_current(run);
	bool children = sieve_call_tag(call, "anychild") != NULL;
	*ret_parts = (Parts){ current,
		              children ? mime_tree_part(tree, current)->after : current + 1 };

	return true;
}

/* Fields of a name in a part (const HeaderField *), with :index and :last of the call. */
static bool
find_fields(SieveRun *run, const SieveCall *call, size_t part, const char *name, GPtrArray *fields)
{
	const Headers *headers = sieve_mime_headers(run, part);

	g_ptr_array_set_size(fields, 0);
	if (headers == NULL || !sieve_run_spend(run, headers_count(headers) / FIELDS_A_STEP + 1))
		return false;

	const HeaderField *field;
	for (size_t pos = 0; (field = headers_next(headers, name, &pos)) != NULL;)
		g_ptr_array_add(fields, (gpointer) field);
	if (call->index == 0)
		return true;

	size_t at = call->index_from_last ? fields->len - call->index : call->index - 1;
	gpointer wanted = call->index <= fields->len ? fields->pdata[at] : NULL;
	g_ptr_array_set_size(fields, 0);
	if (wanted != NULL)
		g_ptr_array_add(fields, wanted);

	return true;
}

/* A part, a field of it, and what is done with it. */
typedef struct {
	SieveMatch *match;
	const SieveCall *call;
	size_t part;
	const HeaderField *field;
	bool is_first; /* of its name in the part: what the tree has read */
} Field;

typedef bool (*FieldFunction)(const Field *field);

/* Every field that the call names, part by part, until the match is done. */
static bool
each_field(SieveMatch *match, const SieveCall *call, FieldFunction function)
{
	SieveRun *run = match->run;
	const SieveArg *names = call->positional[0];
	g_autoptr(GPtrArray) fields = g_ptr_array_new();
	Parts parts;

	if (!find_parts(run, call, &parts))
		return false;
	for (size_t part = parts.first; part < parts.end && !match->done; part++) {
		for (size_t n = 0; n < names->n && !match->done; n++) {
			SieveArenaMark mark = sieve_arena_mark(run->scratch);
			bool good = find_fields(run, call, part, sieve_run_string(run, names, n),
			                        fields);
			for (guint i = 0; good && i < fields->len && !match->done; i++) {
				Field field = { match, call, part, fields->pdata[i],
					        i == 0 && call->index <= 1 &&
					                !call->index_from_last };
				match->field = (SieveText){ field.field->bytes,
					                    field.field->name_len };
				good = sieve_run_spend(run, field.field->len / OCTETS_A_STEP + 1) &&
				       function(&field);
			}
			sieve_arena_release(run->scratch, mark);
			if (!good)
				return false;
		}
	}

	return true;
}

/* header */

static SieveText
text_of(const char *text)
{
	return text != NULL ? (SieveText){ text, strlen(text) } : SIEVE_TEXT("");
}

/*
 * Every value that the name was given: what one program shows another may not, so none hides behind
 * another.
 */
static bool
match_param(SieveMatch *match, const MimeValue *value, const char *name)
{
	for (size_t i = 0; i < value->n_params && !match->done; i++) {
		const MimeParam *param = &value->params[i];
		if (strcmp(param->name, name) == 0 &&
		    !sieve_match_add(match, text_of(param->value)))
			return false;
	}
	return true;
}

static bool
match_params(SieveMatch *match, const SieveTag *tag, const MimeValue *value)
{
	for (size_t i = 0; i < tag->value->n && !match->done; i++) {
		SieveText wanted = sieve_run_text(match->run, &tag->value->strings[i]);
		g_autofree char *name = g_ascii_strdown(wanted.data, (gssize) wanted.len);
		if (!match_param(match, value, name))
			return false;
	}
	return true;
}

/*
 * The word, which was read from the field, in the letters of the field: what a rule captures is
 * what the message says.
 */
static SieveText
as_written(const Field *field, const char *word)
{
	SieveText text = text_of(word);
	const char *from = field->field->bytes + field->field->value_at,
		   *end = field->field->bytes + field->field->len;

	for (; from + text.len <= end; from++)
		if (g_ascii_strncasecmp(from, text.data, text.len) == 0)
			return (SieveText){ from, text.len };
	return text;
}

/* The aspect of a structured value that the tag names. */
static bool
match_aspect(const Field *field, const SieveTag *tag, const MimeValue *value)
{
	const char *name = tag->def->name;
	if (strcmp(name, "param") == 0)
		return match_params(field->match, tag, value);
	if (strcmp(name, "subtype") == 0)
		return sieve_match_add(field->match, as_written(field, value->subtype));
	if (strcmp(name, "type") == 0 || value->subtype == NULL)
		return sieve_match_add(field->match, as_written(field, value->type));

	g_autofree char *both = g_strdup_printf("%s/%s", value->type, value->subtype);
	return sieve_match_add(field->match, as_written(field, both));
}

/*
 * What the field says, read by the tree or, for doubled fields, now. False: it has no such
 * structure, or nobody can read it.
 */
static bool
read_structure(const Field *field, MimeValue *parsed, const MimeValue **ret_value)
{
	const HeaderField *at = field->field;
	const char *text = at->bytes + at->value_at;
	size_t len = at->len - at->value_at;
	const MimePart *part = mime_tree_part(sieve_mime_tree(field->match->run), field->part);
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *hint = mime_charset_hint(
		sieve_mime_headers(field->match->run, field->part), text, len);
	bool type = header_field_is(at, "Content-Type"),
	     disposition = header_field_is(at, "Content-Disposition");

	if (type && field->is_first)
		*ret_value = &part->type;
	else if (disposition && field->is_first && part->disposition.type != NULL)
		*ret_value = &part->disposition;
	else if (type && mime_parse_type(text, len, hint, parsed, &fault))
		*ret_value = parsed;
	else if (disposition && mime_parse_disposition(text, len, hint, parsed, &fault))
		*ret_value = parsed;
	else
		return false;

	return true;
}

/*
 * RFC 5703 4.1: fields that are neither Content-Type nor Content-Disposition are blank for the
 * aspects, without parameters; those that cannot be read do not count.
 */
static bool
match_header_field(const Field *field)
{
	SieveRun *run = field->match->run;
	const SieveTag *aspect = sieve_call_tag_of(field->call, "mime-aspect");

	if (aspect == NULL) {
		const char *guess;
		const Headers *beside = sieve_mime_headers(run, field->part);
		SieveText value = sieve_value_of_field(run->scratch, field->field, beside, &guess);
		return sieve_match_add(field->match, value);
	}

	g_auto(MimeValue) parsed = { 0 };
	const MimeValue *value;
	if (read_structure(field, &parsed, &value))
		return match_aspect(field, aspect, value);

	bool has_no_value = strcmp(aspect->def->name, "param") == 0 ||
	                    field->match->spec->def->counts;
	return has_no_value || sieve_match_add(field->match, SIEVE_TEXT(""));
}

static bool
test_header(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	return sieve_match_begin(&match, run, call) &&
	       each_field(&match, call, match_header_field) && sieve_match_end(&match, ret_result);
}

/* address */

static bool
match_address_field(const Field *field)
{
	SieveRun *run = field->match->run;
	g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(SieveAddress));

	sieve_value_addresses(run->scratch, sieve_value_raw(run->scratch, field->field), addresses);
	for (guint i = 0; i < addresses->len && !field->match->done; i++)
		if (!sieve_match_add_address(field->match,
		                             &g_array_index(addresses, SieveAddress, i)))
			return false;

	return true;
}

static bool
test_address(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	return sieve_match_begin(&match, run, call) &&
	       each_field(&match, call, match_address_field) && sieve_match_end(&match, ret_result);
}

/* exists: every name somewhere in the parts (4.3). */

static bool
find_name(SieveRun *run, const SieveCall *call, const Parts *parts, const char *name,
          bool *ret_found)
{
	g_autoptr(GPtrArray) fields = g_ptr_array_new();

	*ret_found = false;
	for (size_t part = parts->first; part < parts->end && !*ret_found; part++) {
		if (!find_fields(run, call, part, name, fields))
			return false;
		*ret_found = fields->len > 0;
	}

	return true;
}

static bool
test_exists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveArg *names = call->positional[0];
	bool found = true;
	Parts parts;

	if (!find_parts(run, call, &parts))
		return false;
	for (size_t i = 0; i < names->n && found; i++)
		if (!find_name(run, call, &parts, sieve_run_string(run, names, i), &found))
			return false;
	*ret_result = found;

	return true;
}

static bool
check_needs_mime(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	if (sieve_call_tag(call, "mime") != NULL)
		return true;
	return sieve_check_error(check, tag->tag->span, "missing-tag", "add :mime",
	                         "':%s' needs ':mime'", tag->def->name);
}

#define ASPECT(word, argument) \
	{ \
		.name = word, .value = argument, .group = "mime-aspect", .on = "header", \
		.check = check_needs_mime \
	}

static const SieveTagDef tags[] = {
	{ .name = "mime", .on = "header", .test = test_header },
	{ .name = "mime", .on = "address", .test = test_address },
	{ .name = "mime", .on = "exists", .test = test_exists },
	{ .name = "anychild", .on = "header address exists", .check = check_needs_mime },
	ASPECT("type", SIEVE_NONE),
	ASPECT("subtype", SIEVE_NONE),
	ASPECT("contenttype", SIEVE_NONE),
	ASPECT("param", SIEVE_STRINGS),
	{ .name = NULL }
};

const SieveExt sieve_ext_mime = {
	.capability = "mime",
	.rfc = "RFC 5703",
	.tags = tags,
	.run_state = sizeof(SieveMime),
	.clear_run_state = sieve_mime_clear,
};
