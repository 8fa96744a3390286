/* sieve-variable: names are resolved when the script is compiled; at run time a value is found by its number. */
#define _GNU_SOURCE
#include "filters/sieve/lang/sieve-variable.h"

#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

/* One part of a string: text, or a variable. */
typedef struct {
	bool is_variable;
	SieveText text;
	SieveVariable variable;
} Part;

struct SieveTemplate {
	Part *parts;
	size_t n;
};

typedef struct {
	const char *name;
	const SieveNamespace *alias;  /* NULL: it has a slot */
	unsigned slot;
} Name;

struct SieveNames {
	GArray *names;  /* Name */
	unsigned slots;
};

struct SieveScope {
	size_t n;
	GString *values[];
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
sieve_names_alias(SieveNames *names, SieveArena *arena, const char *name, const SieveNamespace *space)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	Name *known = find_name(names, lower);
	if (known != NULL && known->alias == NULL)
		return false;
	if (known == NULL) {
		Name added = { .name = sieve_arena_copy(arena, lower, strlen(lower)), .alias = space };
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

/* Octets of [namespace "."] variable-name (RFC 5229 3) at the front, *ret_dot at the first dot; 0: there is none. */
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
resolve_in_namespace(SieveCheck *check, SieveSpan span, const char *name, size_t dot, SieveVariable *ret_variable)
{
	const SieveNamespace *space = find_namespace(check, name, dot);
	if (space == NULL)
		return sieve_check_error(check, span, "unknown-namespace", NULL, "unknown namespace '%.*s' of a variable", (int) dot,
		                         name);
	if (space->check != NULL && !space->check(check, span, name + dot + 1))
		return false;
	*ret_variable = (SieveVariable){ .kind = SIEVE_VARIABLE_NAMESPACE, .space = space, .name = name + dot + 1 };
	return true;
}

/* A name of known form; lower case. */
static bool
resolve(SieveCheck *check, SieveNames *names, SieveSpan span, const char *name, size_t dot, SieveVariable *ret_variable)
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
	gint64 max = filter_setting_int(sieve_check_env(check), "sieve_max_variables", 255);
	if (find_name(names, name) == NULL && names->slots >= (guint64) max)
		return sieve_check_error(check, span, "too-many-variables", NULL, "more than %" G_GINT64_FORMAT " variables", max);
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
sieve_variable_resolve(SieveCheck *check, const SieveString *string, bool for_writing, SieveVariable *ret_variable)
{
	size_t dot = 0;
	SieveText text = string->text;
	if (text.len == 0 || name_length(text, &dot) != text.len)
		return sieve_check_error(check, string->span, "bad-variable", "letters, digits and _, no digit first",
		                         "'%.*s' is not the name of a variable", (int) text.len, text.data);
	SieveVariable variable;
	if (!resolve(check, sieve_check_names(check), string->span, lower_copy(check, text.data, text.len), dot, &variable))
		return false;
	if (for_writing && variable.kind == SIEVE_VARIABLE_MATCH)
		return sieve_check_error(check, string->span, "bad-variable", NULL, "match variable '%.*s' cannot be set",
		                         (int) text.len, text.data);
	if (for_writing && variable.kind == SIEVE_VARIABLE_NAMESPACE && variable.space->set == NULL)
		return sieve_check_error(check, string->span, "bad-variable", NULL, "variables of namespace '%s' cannot be set",
		                         variable.space->name);
	*ret_variable = variable;
	return true;
}

/* The reference that begins at `at` with "${"; *ret_len is 0 where it is plain text. False after an error. */
static bool
take_reference(SieveCheck *check, SieveNames *names, const SieveString *string, size_t at, Part *part, size_t *ret_len)
{
	SieveText inner = { string->text.data + at + 2, string->text.len - at - 2 };
	size_t dot = 0, len = name_length(inner, &dot);
	*ret_len = 0;
	if (len == 0 || len >= inner.len || inner.data[len] != '}')
		return true;
	*ret_len = len + 3;
	part->is_variable = true;
	return resolve(check, names, string->span, lower_copy(check, inner.data, len), dot, &part->variable);
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
		Part part = { .is_variable = false };
		size_t len;
		if (!take_reference(check, names, string, at, &part, &len))
			return false;
		if (len > 0) {
			Part before = { .text = { text.data + plain, at - plain } };
			if (before.text.len > 0)
				g_array_append_val(parts, before);
			g_array_append_val(parts, part);
			plain = at + len;
		}
		at = find_reference(text, len > 0 ? at + len : at + 1);
	}
	Part rest = { .text = { text.data + plain, text.len - plain } };
	if (parts->len > 0 && rest.text.len > 0)
		g_array_append_val(parts, rest);
	return true;
}

bool
sieve_variable_compile(SieveCheck *check, SieveNames *names, SieveString *string)
{
	if (find_reference(string->text, 0) >= string->text.len)
		return true;
	g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(Part));
	if (!split_parts(check, names, string, parts))
		return false;
	if (parts->len == 0)
		return true;
	SieveArena *arena = sieve_check_arena(check);
	SieveTemplate *template = SIEVE_NEW(arena, SieveTemplate);
	template->n = parts->len;
	template->parts = SIEVE_NEW_ARRAY(arena, Part, parts->len);
	memcpy(template->parts, parts->data, parts->len * sizeof(Part));
	string->template = template;
	return true;
}

SieveScope *
sieve_scope_new(size_t n)
{
	SieveScope *scope = g_malloc0(sizeof(SieveScope) + n * sizeof(GString *));
	scope->n = n;
	return scope;
}

void
sieve_scope_free(SieveScope *scope)
{
	if (scope == NULL)
		return;
	for (size_t i = 0; i < scope->n; i++)
		if (scope->values[i] != NULL)
			g_string_free(scope->values[i], TRUE);
	g_free(scope);
}

static guint64
value_held(const GString *value)
{
	return value != NULL ? value->allocated_len : 0;
}

guint64
sieve_scope_held(const SieveScope *scope)
{
	guint64 held = 0;
	for (size_t i = 0; i < scope->n; i++)
		held += value_held(scope->values[i]);
	return held;
}

bool
sieve_variable_get(SieveRun *run, const SieveVariable *variable, SieveText *ret_value)
{
	switch (variable->kind) {
	case SIEVE_VARIABLE_MATCH:
		*ret_value = variable->slot < run->n_captures ? run->captures[variable->slot] : SIEVE_TEXT("");
		return true;
	case SIEVE_VARIABLE_NAMESPACE:
		return variable->space->get(run, variable->name, ret_value);
	default: {
		const GString *value = run->scope->values[variable->slot];
		*ret_value = value != NULL ? (SieveText){ value->str, value->len } : SIEVE_TEXT("");
		return true;
	}
	}
}

SieveText
sieve_variable_cut(SieveText value, size_t limit)
{
	if (value.len <= limit)
		return value;
	size_t len = limit;
	while (len > 0 && ((guchar) value.data[len] & 0xc0) == 0x80)
		len--;
	return (SieveText){ value.data, len > 0 ? len : limit };
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

SieveText
sieve_variable_quote(SieveRun *run, SieveText value, const char *special)
{
	size_t limit = run->variable_limit, n = 0;
	char *quoted = sieve_arena_alloc(run->scratch, 2 * value.len + 1);
	for (size_t i = 0, len; i < value.len; i += len) {
		len = sieve_variable_character((SieveText){ value.data + i, value.len - i });
		bool is_special = value.data[i] != '\0' && strchr(special, value.data[i]) != NULL;
		if (n + is_special + len > limit)
			break;
		if (is_special)
			quoted[n++] = '\\';
		memcpy(quoted + n, value.data + i, len);
		n += len;
	}
	return (SieveText){ quoted, n };
}

bool
sieve_variable_set(SieveRun *run, const SieveVariable *variable, SieveText value)
{
	SieveText kept = sieve_variable_cut(value, run->variable_limit);
	if (variable->kind == SIEVE_VARIABLE_NAMESPACE)
		return variable->space->set(run, variable->name, kept);
	GString *copy = g_string_new_len(kept.data, (gssize) kept.len);
	GString **at = &run->scope->values[variable->slot];
	guint64 before = value_held(*at);
	if (*at != NULL)
		g_string_free(*at, TRUE);
	*at = copy;
	return sieve_run_hold(run, before, value_held(copy));
}

SieveText
sieve_variable_expand(SieveRun *run, const SieveTemplate *template)
{
	g_autofree SieveText *texts = g_new(SieveText, template->n);
	size_t total = 0;
	for (size_t i = 0; i < template->n; i++) {
		const Part *part = &template->parts[i];
		texts[i] = part->text;
		if (part->is_variable && !sieve_variable_get(run, &part->variable, &texts[i]))
			texts[i] = SIEVE_TEXT("");
		texts[i] = sieve_variable_cut(texts[i], LIMIT_SIEVE_STRING_BYTES - total);
		total += texts[i].len;
	}
	char *joined = sieve_arena_alloc(run->scratch, total + 1), *at = joined;
	for (size_t i = 0; i < template->n; i++)
		at = mempcpy(at, texts[i].data, texts[i].len);
	return (SieveText){ joined, total };
}

SieveText
sieve_variable_modify(SieveRun *run, const SieveCall *call, SieveText value)
{
	/* Few modifiers: the highest precedence that is left, again and again (RFC 5229 4.1). */
	for (unsigned below = G_MAXUINT; below > 0;) {
		const SieveModifier *next = NULL;
		for (size_t i = 0; i < call->n_tags; i++) {
			const SieveModifier *modifier = call->tags[i].def == &sieve_variable_modifier_tag ? call->tags[i].data : NULL;
			if (modifier != NULL && modifier->precedence < below && (next == NULL || modifier->precedence > next->precedence))
				next = modifier;
		}
		if (next == NULL)
			return value;
		value = next->apply(run, value);
		below = next->precedence;
	}
	return value;
}
