/* SPDX-License-Identifier: MIT */
/*
 * sieve-variable: names are resolved when the script is compiled; at run time a value is found by
 * its number.
 */
#define _GNU_SOURCE
#include "filters/sieve/lang/sieve-variable.h"

#include "filters/sieve/lang/sieve-text.h"

#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-check.h"

#include <string.h>

typedef struct {
	const char *name;
	const SieveNamespace *alias; /* NULL: it has a slot */
	unsigned slot;
} Name;

struct SieveNames {
	GArray *names; /* Name */
	unsigned slots;
};

const SieveTagDef sieve_variable_modifier_tag = { .name = "modifier" };

SieveNames *
sieve_names_new(SieveArena *arena)
{
	(void) arena;
	SieveNames *names = g_new0(SieveNames, 1);
	names->names = g_array_new(FALSE, FALSE, sizeof(Name));
	return names;
}

void
sieve_names_free(SieveNames *names)
{
	if (names == NULL)
		return;
	g_array_unref(names->names);
	g_free(names);
}

size_t
sieve_names_count(const SieveNames *names)
{
	return names->slots;
}

static Name *
find_name(SieveNames *names, const char *name)
{
	for (guint i = 0; i < names->names->len; i++) {
		Name *known = &g_array_index(names->names, Name, i);
		if (strcmp(known->name, name) == 0)
			return known;
	}
	return NULL;
}

/* The name's entry; a new one gets a slot. */
static Name *
take_name(SieveNames *names, const char *name)
{
	Name *known = find_name(names, name);
	if (known != NULL)
		return known;

	Name added = { .name = name, .slot = names->slots++ };
	g_array_append_val(names->names, added);
	return &g_array_index(names->names, Name, names->names->len - 1);
}

bool
sieve_names_alias(SieveNames *names, SieveArena *arena, const char *name,
                  const SieveNamespace *space)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	Name *known = find_name(names, lower);
	if (known != NULL && known->alias == NULL)
		return false;

	if (known == NULL) {
		Name added = { .name = sieve_arena_copy(arena, lower, strlen(lower)),
			       .alias = space };
		g_array_append_val(names->names, added);
	}

	return true;
}

static bool
is_name_sign(char c, bool first)
{
	return g_ascii_isalpha(c) || c == '_' || (!first && g_ascii_isdigit(c));
}

/* Octets of the identifier at the front; 0: there is none. */
static size_t
identifier_length(SieveText text)
{
	size_t n = 0;
	while (n < text.len && is_name_sign(text.data[n], n == 0))
		n++;
	return n;
}

static size_t
digits_length(SieveText text)
{
	size_t n = 0;
	while (n < text.len && g_ascii_isdigit(text.data[n]))
		n++;
	return n;
}

/*
 * Octets of [namespace "."] variable-name (RFC 5229 3) at the front, *ret_dot at the first dot; 0:
 * there is none.
 */
static size_t
name_length(SieveText text, size_t *ret_dot)
{
	size_t n = identifier_length(text);

	*ret_dot = 0;
	if (n == 0)
		return digits_length(text);

	while (n < text.len && text.data[n] == '.') {
		SieveText rest = { text.data + n + 1, text.len - n - 1 };
		size_t more = identifier_length(rest);
		if (more == 0)
			more = digits_length(rest);
		if (more == 0)
			return 0;
		*ret_dot = *ret_dot != 0 ? *ret_dot : n;
		n += 1 + more;
	}

	return n;
}

static const SieveNamespace *
find_namespace(SieveCheck *check, const char *name, size_t len)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		if (ext->namespaces == NULL || !sieve_check_has(check, ext))
			continue;
		for (const SieveNamespace *const *space = ext->namespaces; *space != NULL; space++)
			if (strlen((*space)->name) == len && memcmp((*space)->name, name, len) == 0)
				return *space;
	}
	return NULL;
}

/* ${space.name}; `dot` octets of namespace. */
static bool
resolve_in_namespace(SieveCheck *check, SieveSpan span, const char *name, size_t dot,
                     SieveVariable *ret_variable)
{
	const SieveNamespace *space = find_namespace(check, name, dot);

	if (space == NULL)
		return sieve_check_error(check, span, "unknown-namespace", NULL,
		                         "unknown namespace '%.*s' of a variable", (int) dot, name);
	if (space->check != NULL && !space->check(check, span, name + dot + 1))
		return false;

	*ret_variable = (SieveVariable){ .kind = SIEVE_VARIABLE_NAMESPACE,
		                         .space = space,
		                         .name = name + dot + 1 };
	return true;
}

/* A name of known form; lower case. */
static bool
resolve(SieveCheck *check, SieveNames *names, SieveSpan span, const char *name, size_t dot,
        SieveVariable *ret_variable)
{
	if (g_ascii_isdigit(name[0])) {
		guint64 index = g_ascii_strtoull(name, NULL, 10);
		if (index >= LIMIT_SIEVE_CAPTURES) /* RFC 5229 6: a syntax error */
			return sieve_check_error(check, span, "bad-variable", NULL,
			                         "match variables go up to ${%u}, not to ${%s}",
			                         LIMIT_SIEVE_CAPTURES - 1, name);
		*ret_variable = (SieveVariable){ .kind = SIEVE_VARIABLE_MATCH,
			                         .slot = (unsigned) index };
		return true;
	}

	if (dot > 0)
		return resolve_in_namespace(check, span, name, dot, ret_variable);
	gint64 max = sieve_check_env(check)->conf->sieve_max_variables;
	if (find_name(names, name) == NULL && names->slots >= (guint64) max)
		return sieve_check_error(check, span, "too-many-variables", NULL,
		                         "more than %" G_GINT64_FORMAT " variables", max);

	Name *known = take_name(names, name);
	*ret_variable = (SieveVariable){ .slot = known->slot, .space = known->alias, .name = name };
	ret_variable->kind = known->alias != NULL ? SIEVE_VARIABLE_NAMESPACE : SIEVE_VARIABLE_LOCAL;

	return true;
}

static const char *
lower_copy(SieveCheck *check, const char *text, size_t len)
{
	char *copy = sieve_arena_copy(sieve_check_arena(check), text, len);
	for (size_t i = 0; i < len; i++)
		copy[i] = g_ascii_tolower(copy[i]);
	return copy;
}

bool
sieve_variable_resolve(SieveCheck *check, const SieveString *string, bool for_writing,
                       SieveVariable *ret_variable)
{
	size_t dot = 0;
	SieveText text = string->text;

	if (text.len == 0 || name_length(text, &dot) != text.len)
		return sieve_check_error(check, string->span, "bad-variable",
		                         "letters, digits and _, no digit first",
		                         "'%.*s' is not the name of a variable", (int) text.len,
		                         text.data);

	SieveVariable variable;
	if (!resolve(check, sieve_check_names(check), string->span,
	             lower_copy(check, text.data, text.len), dot, &variable))
		return false;

	if (for_writing && variable.kind == SIEVE_VARIABLE_MATCH)
		return sieve_check_error(check, string->span, "bad-variable", NULL,
		                         "match variable '%.*s' cannot be set", (int) text.len,
		                         text.data);

	if (for_writing && variable.kind == SIEVE_VARIABLE_NAMESPACE && variable.space->set == NULL)
		return sieve_check_error(check, string->span, "bad-variable", NULL,
		                         "variables of namespace '%s' cannot be set",
		                         variable.space->name);

	*ret_variable = variable;
	return true;
}

/*
 * The reference that begins at `at` with "${"; *ret_len is 0 where it is plain text. False after an
 * error.
 */
static bool
take_reference(SieveCheck *check, SieveNames *names, const SieveString *string, size_t at,
               SieveTemplatePart *part, size_t *ret_len)
{
	SieveText inner = { string->text.data + at + 2, string->text.len - at - 2 };
	size_t dot = 0, len = name_length(inner, &dot);

	*ret_len = 0;
	if (len == 0 || len >= inner.len || inner.data[len] != '}')
		return true;

	*ret_len = len + 3;
	part->is_variable = true;
	return resolve(check, names, string->span, lower_copy(check, inner.data, len), dot,
	               &part->variable);
}

/* The next "${" from `at` on; the length of the text where there is none. */
static size_t
find_reference(SieveText text, size_t at)
{
	for (; at + 1 < text.len; at++)
		if (text.data[at] == '$' && text.data[at + 1] == '{')
			return at;
	return text.len;
}

static bool
split_parts(SieveCheck *check, SieveNames *names, const SieveString *string, GArray *parts)
{
	SieveText text = string->text;
	size_t plain = 0, at = find_reference(text, 0);

	while (at < text.len) {
		SieveTemplatePart part = { .is_variable = false };
		size_t len;
		if (!take_reference(check, names, string, at, &part, &len))
			return false;
		if (len > 0) {
			SieveTemplatePart before = { .text = { text.data + plain, at - plain } };
			if (before.text.len > 0)
				g_array_append_val(parts, before);
			g_array_append_val(parts, part);
			plain = at + len;
		}
		at = find_reference(text, len > 0 ? at + len : at + 1);
	}

	SieveTemplatePart rest = { .text = { text.data + plain, text.len - plain } };
	if (parts->len > 0 && rest.text.len > 0)
		g_array_append_val(parts, rest);
	return true;
}

bool
sieve_variable_compile(SieveCheck *check, SieveNames *names, SieveString *string)
{
	if (find_reference(string->text, 0) >= string->text.len)
		return true;
	g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(SieveTemplatePart));
	if (!split_parts(check, names, string, parts))
		return false;
	if (parts->len == 0)
		return true;

	SieveArena *arena = sieve_check_arena(check);
	SieveTemplate *template = SIEVE_NEW(arena, SieveTemplate);
	template->n = parts->len;
	template->parts = SIEVE_NEW_ARRAY(arena, SieveTemplatePart, parts->len);
	memcpy(template->parts, parts->data, parts->len * sizeof(SieveTemplatePart));
	string->template = template;

	return true;
}

SieveText
sieve_variable_cut(SieveText value, size_t limit)
{
	return (SieveText){ value.data, (size_t) sieve_text_shown(value, limit) };
}

size_t
sieve_variable_character(SieveText text)
{
	size_t n = 1;
	while (n < text.len && ((guchar) text.data[n] & 0xc0) == 0x80 &&
	       ((guchar) text.data[0] & 0xc0) == 0xc0)
		n++;
	return n;
}
