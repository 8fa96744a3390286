/* SPDX-License-Identifier: MIT */
/*
 * sieve-bind: puts the arguments of a call where its definition wants them, and works out what is
 * known before any message comes: templates of strings, keys of match types.
 */
#include "filters/sieve/lang/sieve-check-parts.h"

#include <string.h>

/* Strings. */

/* RFC 5228 2.4.2.2: a name that no field can have is no error. */
static void
bind_field_name(SieveCheck *check, SieveString *string)
{
	string->field = sieve_check_field_slot(check, string->text);
	if (!check->env->unwatched && !sieve_check_is_field_name(string->text))
		sieve_check_warning(check, string->span, "bad-field-name", "no colon, no blank",
		                    "no header field is called '%.*s'", (int) string->text.len,
		                    string->text.data);
}

static bool
bind_string(SieveCheck *check, SieveString *string, unsigned type)
{
	if (memchr(string->text.data, '$', string->text.len) != NULL) {
		for (size_t i = 0; i < sieve_ext_count(); i++) {
			const SieveExt *ext = sieve_ext_nth(i);
			if (ext->string != NULL && sieve_check_has(check, ext) &&
			    !ext->string(check, string))
				return false;
		}
		if (check->program->has_variables &&
		    !sieve_variable_compile(check, check->names, string))
			return false;
	}

	if (string->template != NULL && (type & SIEVE_CONSTANT) != 0)
		return sieve_check_error(check, string->span, "not-constant", NULL,
		                         "variables are not allowed here");
	if (string->template == NULL && (type & SIEVE_HEADER) != 0)
		bind_field_name(check, string);
	return true;
}

/* Arguments. */

const char *
sieve_bind_type_name(unsigned type)
{
	switch (type & SIEVE_KIND_MASK) {
	case SIEVE_STRING:
		return "a string";
	case SIEVE_STRINGS:
		return "a string or a list of strings";
	default:
		return "a number";
	}
}

static const char *
arg_name(const SieveArg *arg)
{
	static const char *const names[] = {
		[SIEVE_ARG_TAG] = "a tag",
		[SIEVE_ARG_NUMBER] = "a number",
		[SIEVE_ARG_STRING] = "a string",
		[SIEVE_ARG_LIST] = "a list of strings",
	};
	return names[arg->kind];
}

static bool
fits(const SieveArg *arg, unsigned type)
{
	switch (type & SIEVE_KIND_MASK) {
	case SIEVE_STRING:
		return arg->kind == SIEVE_ARG_STRING;
	case SIEVE_STRINGS:
		return arg->kind == SIEVE_ARG_STRING || arg->kind == SIEVE_ARG_LIST;
	default:
		return arg->kind == SIEVE_ARG_NUMBER;
	}
}

bool
sieve_bind_arg(SieveCheck *check, SieveArg *arg, unsigned type, const char *colon, const char *name)
{
	if (!fits(arg, type))
		return sieve_check_error(check, arg->span, "wrong-type", NULL,
		                         "'%s%s' takes %s here, not %s", colon, name,
		                         sieve_bind_type_name(type), arg_name(arg));

	bool good = true;
	for (size_t i = 0; i < arg->n; i++)
		good = bind_string(check, &arg->strings[i], type) && good;
	return good;
}

static size_t
count_types(const SieveCallDef *def, bool with_optional)
{
	size_t n = 0;
	for (size_t i = 0; i < SIEVE_POSITIONAL_MAX && def->positional[i] != SIEVE_NONE; i++)
		n += with_optional || (def->positional[i] & SIEVE_OPTIONAL) == 0;
	return n;
}

/* The span of the whole call's words, for what is missing in it. */
static bool
report_count(SieveBinding *binding, size_t least, size_t most)
{
	const SieveCall *call = binding->call;
	size_t n = binding->n_positional;
	SieveSpan span = n > most ? binding->positional[most]->span : call->span;
	g_autofree char *wanted = least == most ? g_strdup_printf("%zu", least)
	                                        : g_strdup_printf("%zu to %zu", least, most);

	return sieve_check_error(binding->check, span, "wrong-arguments", NULL,
	                         "'%s' takes %s argument%s, not %zu", call->def->name, wanted,
	                         most == 1 ? "" : "s", n);
}

static bool
bind_positional(SieveBinding *binding)
{
	SieveCall *call = binding->call;
	const SieveCallDef *def = call->def;
	size_t least = count_types(def, false), most = count_types(def, true);

	if (binding->n_positional < least || binding->n_positional > most)
		return report_count(binding, least, most);
	size_t spare = binding->n_positional - least, at = 0;
	bool good = true;
	for (size_t i = 0; i < SIEVE_POSITIONAL_MAX && at < binding->n_positional; i++) {
		if ((def->positional[i] & SIEVE_OPTIONAL) != 0) {
			if (spare == 0)
				continue;
			spare--;
		}
		call->positional[i] = binding->positional[at];
		good = sieve_bind_arg(binding->check, binding->positional[at++], def->positional[i],
		                      "", def->name) &&
		       good;
	}

	return good;
}

static void
bind_args(SieveBinding *binding)
{
	SieveCall *call = binding->call;

	for (size_t i = 0; i < call->n_args; i++) {
		if (call->args[i].kind != SIEVE_ARG_TAG)
			binding->positional[binding->n_positional++] = &call->args[i];
		else if (!sieve_bind_tag(binding, &i))
			binding->is_good = false;
	}

	/* values of tags that were not understood would be counted as arguments */
	if (!binding->is_good)
		return;
	binding->is_good = bind_positional(binding);
	call->n_tags = binding->n_tags;
	call->tags = SIEVE_NEW_ARRAY(sieve_check_arena(binding->check), SieveTag, binding->n_tags);
	memcpy(call->tags, binding->tags, binding->n_tags * sizeof(SieveTag));
}

/* Match types. */

static bool
prepare_keys(SieveCheck *check, SieveMatchSpec *spec)
{
	const SieveArg *arg = spec->key_arg;

	for (size_t i = 0; i < arg->n; i++)
		if (arg->strings[i].template != NULL)
			return true;
	SieveArena *arena = sieve_check_arena(check);
	GArray *keys = sieve_check_root(check)->keys;
	g_array_set_size(keys, 0);

	bool good = true;
	for (size_t i = 0; i < arg->n; i++) {
		g_autofree char *error = NULL;
		if (!sieve_match_type_prepare(arena, spec, arg->strings[i].text, keys, &error))
			good = sieve_check_error(check, arg->strings[i].span, "bad-key", NULL, "%s",
			                         error);
	}

	spec->n_keys = keys->len;
	SieveKey *kept = SIEVE_NEW_ARRAY(arena, SieveKey, keys->len);
	if (keys->len > 0)
		memcpy(kept, keys->data, keys->len * sizeof(SieveKey));
	spec->keys = kept;

	return good;
}

static bool
check_needs(const SieveBinding *binding, const SieveMatchSpec *spec)
{
	const SieveComparator *comparator = spec->comparator;
	SieveSpan span = binding->comparator != NULL ? binding->comparator_span
	                                             : binding->match_span;

	if (spec->def->needs == SIEVE_NEEDS_SUBSTRINGS && !comparator->has_substrings)
		return sieve_check_error(binding->check, span, "wrong-comparator", NULL,
		                         "comparator \"%s\" cannot do ':%s'", comparator->name,
		                         spec->def->name);

	return true;
}

/* The keys are the last positional argument. */
static const SieveArg *
find_keys(const SieveCall *call)
{
	size_t last = count_types(call->def, true) - 1;
	return call->positional[last];
}

static bool
bind_match(SieveBinding *binding)
{
	SieveCall *call = binding->call;
	SieveMatchSpec *spec = SIEVE_NEW(sieve_check_arena(binding->check), SieveMatchSpec);

	spec->def = binding->match != NULL ? binding->match : sieve_match_type_core[0];
	spec->comparator = binding->comparator != NULL ? binding->comparator
	                                               : &sieve_compare_ascii_casemap;
	spec->value = binding->match_value;
	spec->key_arg = find_keys(call);
	spec->splits_keys = (call->def->flags & SIEVE_SPLITS_KEYS) != 0;
	call->match = spec;
	if (!check_needs(binding, spec))
		return false;

	const SieveMatchDef *def = spec->def;
	/* RFC 6134 2.2: the list compares as it likes */
	if (def->match_all != NULL && binding->comparator != NULL)
		return sieve_check_error(binding->check, binding->match_span, "exclusive-tags",
		                         NULL, "':%s' cannot stand beside ':comparator'",
		                         def->name);

	if (def->check_value != NULL &&
	    !def->check_value(binding->check, call, spec, spec->value, &spec->relation))
		return false;
	return spec->key_arg == NULL || def->match_all != NULL ||
	       prepare_keys(binding->check, spec);
}

/* Calls. */

/* How many tests the call wants, and in which form. */
static bool
check_test_shape(SieveCheck *check, const SieveCall *call)
{
	const SieveCallDef *def = call->def;

	if ((def->flags & SIEVE_TAKES_TESTS) != 0) {
		if (call->has_test_list)
			return true;
		return sieve_check_error(check, call->span, "missing-tests",
		                         "write the tests as (test, test)",
		                         "'%s' takes a list of tests in parentheses", def->name);
	}

	if ((def->flags & SIEVE_TAKES_TEST) != 0) {
		if (call->n_tests == 1 && !call->has_test_list)
			return true;
		if (call->n_tests == 0)
			return sieve_check_error(check, call->span, "missing-tests", NULL,
			                         "'%s' lacks its test", def->name);
		return sieve_check_error(check, call->span, "test-list",
		                         "use anyof (...) or allof (...)",
		                         "'%s' takes one test, not a list", def->name);
	}

	if (call->n_tests == 0)
		return true;
	return sieve_check_error(check, call->tests[0]->span, "test-list", NULL,
	                         "'%s' takes no test", def->name);
}

static bool
check_block_shape(SieveCheck *check, const SieveCall *call)
{
	bool takes = (call->def->flags & SIEVE_TAKES_BLOCK) != 0;
	if (call->is_test || takes == call->has_block)
		return true;

	if (takes)
		return sieve_check_error(check, call->span, "missing-block",
		                         "put { and } around its commands", "'%s' lacks its block",
		                         call->def->name);

	return sieve_check_error(check, call->span, "extra-block", NULL, "'%s' takes no block",
	                         call->def->name);
}

static bool
check_tags(SieveCheck *check, SieveCall *call)
{
	bool good = true;
	for (size_t i = 0; i < call->n_tags; i++) {
		SieveTag *tag = &call->tags[i];
		if (tag->def->check != NULL)
			good = tag->def->check(check, call, tag) && good;
		if (tag->def->test != NULL)
			call->test = tag->def->test;
	}

	return good;
}

bool
sieve_bind_call(SieveCheck *check, SieveCall *call)
{
	const SieveCallDef *def = call->def;
	SieveBinding binding;

	binding.check = check;
	binding.call = call;
	binding.n_tags = binding.n_positional = 0;
	binding.match = NULL;
	binding.match_value = NULL;
	binding.match_span = call->span;
	binding.comparator = NULL;
	binding.comparator_span = call->span;
	binding.is_good = true;
	call->test = def->test;
	bind_args(&binding);

	bool good = check_test_shape(check, call) && binding.is_good;
	good = check_block_shape(check, call) && good;
	if (good && (def->flags & SIEVE_USES_MATCH) != 0)
		good = bind_match(&binding);

	return good && check_tags(check, call);
}
