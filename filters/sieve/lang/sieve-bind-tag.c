/* SPDX-License-Identifier: MIT */
/*
 * sieve-bind-tag: tags of a call, of its own and of extensions: options, match types, comparators,
 * address parts, modifiers.
 */
#define _GNU_SOURCE
#include "filters/sieve/lang/sieve-check-parts.h"

#include "filters/sieve/lang/sieve-hint.h"

#include <string.h>

/* Is `word` one of the words of `list`, which blanks separate? */
static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; at != NULL && *at != '\0';) {
		const char *end = strchrnul(at, ' ');
		if ((size_t) (end - at) == len && g_ascii_strncasecmp(at, word, len) == 0)
			return true;
		at = *end == ' ' ? end + 1 : end;
	}

	return false;
}

static const SieveTagDef *
find_tag_in(const SieveTagDef *tags, const char *name, const char *call_name)
{
	for (; tags != NULL && tags->name != NULL; tags++)
		if (sieve_lookup_same_word(tags->name, name) &&
		    (tags->on == NULL || has_word(tags->on, call_name)))
			return tags;
	return NULL;
}

static const SieveMatchDef *
find_match(const SieveExt *ext, const char *name)
{
	for (const SieveMatchDef *const *match = ext->matches; match != NULL && *match != NULL;
	     match++)
		if (sieve_lookup_same_word((*match)->name, name))
			return *match;
	return NULL;
}

static const SieveAddressPart *
find_part(const SieveExt *ext, const char *name)
{
	for (const SieveAddressPart *part = ext->address_parts; part != NULL && part->name != NULL;
	     part++)
		if (sieve_lookup_same_word(part->name, name))
			return part;
	return NULL;
}

static const SieveModifier *
find_modifier(const SieveExt *ext, const char *name)
{
	for (const SieveModifier *modifier = ext->modifiers;
	     modifier != NULL && modifier->name != NULL; modifier++)
		if (sieve_lookup_same_word(modifier->name, name))
			return modifier;
	return NULL;
}

/* Does the extension know a tag of that name for this call, in any role? */
static bool
ext_has_tag(const SieveExt *ext, const SieveCallDef *def, const char *name)
{
	return find_tag_in(ext->tags, name, def->name) != NULL ||
	       ((def->flags & SIEVE_USES_MATCH) != 0 && find_match(ext, name) != NULL) ||
	       ((def->flags & SIEVE_USES_ADDRESS_PART) != 0 && find_part(ext, name) != NULL) ||
	       ((def->flags & SIEVE_TAKES_MODIFIERS) != 0 && find_modifier(ext, name) != NULL);
}

static void
report_unknown_tag(SieveCheck *check, const SieveCall *call, const SieveArg *arg)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		if (sieve_check_has(check, ext) || !ext_has_tag(ext, call->def, arg->tag))
			continue;
		g_autofree char *what = g_strdup_printf("':%s'", arg->tag);
		sieve_lookup_report_missing(check, arg->span, ext, what);
		return;
	}

	g_autofree char *hint = sieve_hint_for_tag(call->def, arg->tag);
	sieve_check_error(check, arg->span, "unknown-tag", hint, "'%s' has no tag ':%s'",
	                  call->def->name, arg->tag);
}

/* The value that a tag takes is the argument behind it. NULL after an error. */
static SieveArg *
take_value(SieveBinding *binding, size_t *at, unsigned type)
{
	SieveCall *call = binding->call;
	SieveArg *tag = &call->args[*at];

	if (*at + 1 >= call->n_args) {
		sieve_check_error(binding->check, tag->span, "missing-value", NULL,
		                  "':%s' lacks its value, %s", tag->tag,
		                  sieve_bind_type_name(type));
		return NULL;
	}

	SieveArg *value = &call->args[++*at];
	return sieve_bind_arg(binding->check, value, type, ":", tag->tag) ? value : NULL;
}

static bool
report_second(SieveBinding *binding, const SieveArg *arg, const char *earlier)
{
	if (sieve_lookup_same_word(earlier, arg->tag))
		return sieve_check_error(binding->check, arg->span, "repeated-tag", NULL,
		                         "':%s' is given twice", arg->tag);
	return sieve_check_error(binding->check, arg->span, "exclusive-tags", NULL,
	                         "':%s' cannot stand beside ':%s'", arg->tag, earlier);
}

static bool
add_tag(SieveBinding *binding, const SieveTagDef *def, size_t *at)
{
	const SieveArg *arg = &binding->call->args[*at];
	const SieveArg *value = NULL;
	if (def->value != SIEVE_NONE && (value = take_value(binding, at, def->value)) == NULL)
		return false;

	for (size_t i = 0; i < binding->n_tags; i++) {
		const SieveTagDef *other = binding->tags[i].def;
		if (other == def ||
		    (def->group != NULL && g_strcmp0(def->group, other->group) == 0))
			return report_second(binding, arg, other->name);
	}

	binding->tags[binding->n_tags++] = (SieveTag){ .def = def, .tag = arg, .value = value };
	return true;
}

static bool
set_match(SieveBinding *binding, const SieveMatchDef *match, size_t *at)
{
	const SieveArg *arg = &binding->call->args[*at];
	if (match->value != SIEVE_NONE &&
	    (binding->match_value = take_value(binding, at, match->value)) == NULL)
		return false;
	if (binding->match != NULL)
		return report_second(binding, arg, binding->match->name);

	binding->match = match;
	binding->match_span = arg->span;
	return true;
}

static bool
set_part(SieveBinding *binding, const SieveAddressPart *part, const SieveArg *arg)
{
	if (binding->call->part != NULL)
		return report_second(binding, arg, binding->call->part->name);
	binding->call->part = part;
	return true;
}

static const SieveComparator *
find_comparator(const SieveExt *ext, SieveText name)
{
	for (const SieveComparator *const *comparator = ext->comparators;
	     comparator != NULL && *comparator != NULL; comparator++)
		if (strlen((*comparator)->name) == name.len &&
		    memcmp((*comparator)->name, name.data, name.len) == 0)
			return *comparator;
	return NULL;
}

static bool
report_unknown_comparator(SieveCheck *check, const SieveString *name)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		if (find_comparator(ext, name->text) == NULL)
			continue;
		g_autofree char *what = g_strdup_printf("comparator \"%.*s\"", (int) name->text.len,
		                                        name->text.data);
		sieve_lookup_report_missing(check, name->span, ext, what);
		return false;
	}
	return sieve_check_error(check, name->span, "unknown-comparator", NULL,
	                         "unknown comparator \"%.*s\"", (int) name->text.len,
	                         name->text.data);
}

/*
 * Scripts of servers that have it built in use i;unicode-casemap without its require: that is
 * warned of.
 */
static void
take_unrequired_comparator(SieveBinding *binding, const SieveString *name)
{
	const SieveExt *ext = &sieve_ext_comparator_unicode_casemap;
	if (binding->comparator != NULL || !sieve_check_available(binding->check, ext))
		return;

	binding->comparator = find_comparator(ext, name->text);
	if (binding->comparator == NULL)
		return;

	g_autofree char *hint = g_strdup_printf("add \"%s\" to require", ext->capability);
	sieve_check_warning(binding->check, name->span, "missing-require", hint,
	                    "comparator \"%s\" needs \"%s\"", binding->comparator->name,
	                    ext->capability);
}

static bool
set_comparator(SieveBinding *binding, size_t *at)
{
	SieveCheck *check = binding->check;
	const SieveArg *arg = &binding->call->args[*at];
	const SieveArg *value = take_value(binding, at, SIEVE_STRING | SIEVE_CONSTANT);

	if (value == NULL)
		return false;
	if (binding->comparator != NULL)
		return report_second(binding, arg, "comparator");

	for (size_t i = 0; i < sieve_ext_count() && binding->comparator == NULL; i++)
		if ((check->program->active >> i & 1) != 0) {
			binding->comparator = find_comparator(sieve_ext_nth(i),
			                                      value->strings[0].text);
			if (binding->comparator != NULL)
				sieve_lookup_note_use(check, binding->call, i);
		}

	take_unrequired_comparator(binding, &value->strings[0]);
	binding->comparator_span = value->span;
	return binding->comparator != NULL || report_unknown_comparator(check, &value->strings[0]);
}

/*
 * Modifiers become tags too, so that sieve_scope_modify finds them; two of one precedence exclude
 * each other.
 */
static bool
add_modifier(SieveBinding *binding, const SieveModifier *modifier, const SieveArg *arg)
{
	for (size_t i = 0; i < binding->n_tags; i++) {
		const SieveModifier *other = binding->tags[i].data;
		if (other != NULL && other->precedence == modifier->precedence)
			return report_second(binding, arg, other->name);
	}

	binding->tags[binding->n_tags++] = (SieveTag){ .def = &sieve_variable_modifier_tag,
		                                       .tag = arg,
		                                       .data = (void *) modifier };
	return true;
}

/* A tag of this extension for the call; false in *ret_known: it has none of that name. */
static bool
bind_ext_tag(SieveBinding *binding, const SieveExt *ext, size_t *at, bool *ret_known)
{
	const SieveCallDef *def = binding->call->def;
	const SieveArg *arg = &binding->call->args[*at];
	const SieveTagDef *tag = find_tag_in(ext->tags, arg->tag, def->name);

	*ret_known = true;
	if (tag != NULL)
		return add_tag(binding, tag, at);

	const SieveMatchDef *match = (def->flags & SIEVE_USES_MATCH) != 0
	                                     ? find_match(ext, arg->tag)
	                                     : NULL;
	if (match != NULL)
		return set_match(binding, match, at);

	const SieveAddressPart *part = (def->flags & SIEVE_USES_ADDRESS_PART) != 0
	                                       ? find_part(ext, arg->tag)
	                                       : NULL;
	if (part != NULL)
		return set_part(binding, part, arg);

	const SieveModifier *modifier = (def->flags & SIEVE_TAKES_MODIFIERS) != 0
	                                        ? find_modifier(ext, arg->tag)
	                                        : NULL;
	if (modifier != NULL)
		return add_modifier(binding, modifier, arg);

	*ret_known = false;
	return false;
}

bool
sieve_bind_tag(SieveBinding *binding, size_t *at)
{
	SieveCheck *check = binding->check;
	const SieveCallDef *def = binding->call->def;
	const SieveArg *arg = &binding->call->args[*at];

	if (binding->n_positional > 0) {
		const char *text = "':%s' stands behind a positional argument";
		return sieve_check_error(check, arg->span, "late-tag", "tags come first", text,
		                         arg->tag);
	}

	const SieveTagDef *own = find_tag_in(def->tags, arg->tag, def->name);
	if (own != NULL)
		return add_tag(binding, own, at);
	if ((def->flags & SIEVE_USES_MATCH) != 0 && sieve_lookup_same_word("comparator", arg->tag))
		return set_comparator(binding, at);

	for (guint64 left = check->program->active; left != 0; left &= left - 1) {
		bool known = false;
		size_t ext = (size_t) __builtin_ctzll(left);
		bool good = bind_ext_tag(binding, sieve_ext_nth(ext), at, &known);
		if (!known)
			continue;
		sieve_lookup_note_use(check, binding->call, ext);
		return good;
	}

	report_unknown_tag(check, binding->call, arg);
	return false;
}
