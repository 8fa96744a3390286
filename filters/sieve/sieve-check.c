/*
 * sieve-check: one walk over the tree. Each word is looked up in the tables of the extensions that are active, arguments are
 * put where the tables say, and what is known before any message comes is worked out.
 */
#define _GNU_SOURCE
#include "filters/sieve/sieve-check.h"

#include "agent/base/limits.h"
#include "filters/sieve/sieve-hint.h"
#include "filters/sieve/sieve-match.h"
#include "filters/sieve/sieve-parser.h"
#include "filters/sieve/sieve-site.h"
#include "filters/sieve/sieve-value.h"
#include "filters/sieve/sieve-warn.h"

#include <string.h>

struct SieveCheck {
	SieveProgram *program;
	const FilterSource *source;
	FilterEnv *env;
	GPtrArray *problems;
	SieveCheck *parent;          /* of an included script; NULL: the main one */
	SieveNames *names;
	GHashTable *field_slots;     /* name -> slot, of the main script */
	GArray *keys;                /* of the main script: SieveKey of one call, while they are made ready */
	void **states;
	guint64 allowed;             /* extensions that this script may require */
	guint64 reported_missing;    /* extensions whose missing require was said */
	SieveEffort effort;          /* of the main script */
	bool has_commands;           /* something other than require was seen */
	unsigned errors;
	unsigned reported;
};

static void check_block(SieveCheck *check, SieveCall *first);
static void check_test(SieveCheck *check, SieveCall *test);

static void
add_problem(SieveCheck *check, SieveSpan span, ProblemSeverity severity, const char *code, const char *hint, const char *text)
{
	check->errors += severity == PROBLEM_ERROR;
	if (check->reported++ >= LIMIT_SIEVE_PROBLEMS)
		return;
	FilterProblem problem = {
		.file = (char *) check->source->file,
		.line = span.line,
		.column = span.column,
		.end_column = span.end_column,
		.severity = severity,
		.code = code,
		.text = (char *) text,
		.hint = (char *) hint,
	};
	filter_problem_add(check->problems, &problem);
}

bool
sieve_check_error(SieveCheck *check, SieveSpan span, const char *code, const char *hint, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	add_problem(check, span, PROBLEM_ERROR, code, hint, text);
	return false;
}

bool
sieve_check_warning(SieveCheck *check, SieveSpan span, const char *code, const char *hint, const char *format, ...)
{
	if (check->env->unwatched)
		return false;
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	add_problem(check, span, PROBLEM_WARNING, code, hint, text);
	return false;
}

static void
report_syntax(void *user, SieveSpan span, const char *code, const char *hint, const char *text)
{
	add_problem(user, span, PROBLEM_ERROR, code, hint, text);
}

SieveArena *
sieve_check_arena(SieveCheck *check)
{
	return check->program->arena;
}

FilterEnv *
sieve_check_env(SieveCheck *check)
{
	return check->env;
}

ScriptTrust
sieve_check_trust(SieveCheck *check)
{
	return check->source->trust;
}

const char *
sieve_check_file(SieveCheck *check)
{
	return check->source->file;
}

SieveNames *
sieve_check_names(SieveCheck *check)
{
	return check->names;
}

static SieveCheck *
root_of(SieveCheck *check)
{
	while (check->parent != NULL)
		check = check->parent;
	return check;
}

void *
sieve_check_state(SieveCheck *check, const SieveExt *ext, bool whole)
{
	SieveCheck *owner = whole ? root_of(check) : check;
	if (owner->states == NULL)
		owner->states = SIEVE_NEW_ARRAY(owner->program->arena, void *, sieve_ext_count());
	void **state = &owner->states[sieve_ext_number(ext)];
	if (*state == NULL)
		*state = sieve_arena_alloc(owner->program->arena, ext->check_state);
	return *state;
}

SieveProgram *
sieve_check_program(SieveCheck *check)
{
	return check->program;
}

SieveEffort *
sieve_check_effort(SieveCheck *check)
{
	return &root_of(check)->effort;
}

/* Extensions. */

bool
sieve_check_has(SieveCheck *check, const SieveExt *ext)
{
	return sieve_program_has(check->program, ext);
}

bool
sieve_check_available(SieveCheck *check, const SieveExt *ext)
{
	return (check->allowed >> sieve_ext_number(ext) & 1) != 0;
}

void
sieve_check_activate(SieveCheck *check, const SieveExt *ext)
{
	check->program->active |= sieve_ext_with_implied(ext);
	check->program->has_variables = sieve_check_has(check, &sieve_ext_variables);
}

static inline char
lower(char c)
{
	return (guchar) (c - 'A') < 26 ? (char) (c + ('a' - 'A')) : c;
}

/* Words of scripts have no case; most comparisons end at the first letter. */
static inline bool
same_word(const char *known, const char *word)
{
	while (*known != '\0' && *known == lower(*word)) {
		known++;
		word++;
	}
	return *known == '\0' && *word == '\0';
}

static const SieveCallDef *
find_in(const SieveCallDef *defs, const char *name)
{
	for (; defs != NULL && defs->name != NULL; defs++)
		if (same_word(defs->name, name))
			return defs;
	return NULL;
}

static const SieveCallDef *
find_def(const SieveExt *ext, const char *name, bool is_test)
{
	return find_in(is_test ? ext->tests : ext->commands, name);
}

/* The call uses something of the extension. */
static void
note_use(const SieveCheck *check, SieveCall *call, size_t ext)
{
	call->by_ihave |= check->program->by_ihave & (guint64) 1 << ext;
}

/* Give the call its definition; NULL: no active extension has one. */
static void
find_active(SieveCheck *check, SieveCall *call)
{
	for (guint64 left = check->program->active; left != 0 && call->def == NULL; left &= left - 1) {
		size_t ext = (size_t) __builtin_ctzll(left);
		call->def = find_def(sieve_ext_nth(ext), call->name, call->is_test);
		if (call->def != NULL)
			note_use(check, call, ext);
	}
}

static bool
is_known(const char *name, bool is_test)
{
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (find_def(sieve_ext_nth(i), name, is_test) != NULL)
			return true;
	return false;
}

/* For the parser: a word that is only ever a command. */
static bool
is_command_word(const char *word)
{
	return is_known(word, false) && !is_known(word, true);
}

static bool
takes_test(const char *word)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		const SieveCallDef *def = find_in(ext->commands, word);
		def = def != NULL ? def : find_in(ext->tests, word);
		if (def != NULL)
			return (def->flags & (SIEVE_TAKES_TEST | SIEVE_TAKES_TESTS)) != 0;
	}
	return false;
}

static const SieveParserWords parser_words = { is_command_word, takes_test };

/* `what` belongs to an extension that is not required; said once for each. */
static void
report_missing(SieveCheck *check, SieveSpan span, const SieveExt *ext, const char *what)
{
	guint64 bit = (guint64) 1 << sieve_ext_number(ext);
	if ((check->reported_missing & bit) != 0) {
		check->errors++;
		return;
	}
	check->reported_missing |= bit;
	g_autofree char *hint = g_strdup_printf("add \"%s\" to require", ext->capability);
	sieve_check_error(check, span, "missing-require", hint, "%s needs \"%s\"", what, ext->capability);
}

static void
report_unknown_call(SieveCheck *check, const SieveCall *call)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		bool out_of_place = ext->for_tests && !sieve_check_available(check, ext);
		if (out_of_place || find_def(ext, call->name, call->is_test) == NULL)
			continue;
		g_autofree char *what = g_strdup_printf("'%s'", call->name);
		report_missing(check, call->span, ext, what);
		return;
	}
	const char *kind = call->is_test ? "test" : "command";
	if (is_known(call->name, !call->is_test)) {
		sieve_check_error(check, call->span, "wrong-place", call->is_test ? NULL : "put an if before it",
		                  "'%s' is a %s, not a %s", call->name, call->is_test ? "command" : "test", kind);
		return;
	}
	g_autofree char *hint = sieve_hint_for_call(call->name, call->is_test);
	sieve_check_error(check, call->span, call->is_test ? "unknown-test" : "unknown-command", hint, "unknown %s '%s'", kind,
	                  call->name);
}

/* Strings. */

unsigned
sieve_check_field_slot(SieveCheck *check, SieveText name)
{
	SieveCheck *root = root_of(check);
	char *folded = g_alloca(name.len + 1); /* at most LIMIT_SIEVE_STRING_BYTES */
	for (size_t i = 0; i < name.len; i++)
		folded[i] = lower(name.data[i]);
	folded[name.len] = '\0';
	gpointer slot = g_hash_table_lookup(root->field_slots, folded);
	if (slot == NULL) {
		GPtrArray *fields = root->program->fields;
		char *kept = sieve_arena_copy(root->program->arena, folded, strlen(folded));
		g_ptr_array_add(fields, kept);
		slot = GUINT_TO_POINTER(fields->len);
		g_hash_table_insert(root->field_slots, kept, slot);
	}
	return GPOINTER_TO_UINT(slot);
}

bool
sieve_check_is_field_name(SieveText name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= 32 || name.data[i] >= 127 || name.data[i] == ':')
			return false;
	return name.len > 0;
}

/* RFC 5228 2.4.2.2: a name that no field can have is no error. */
static void
bind_field_name(SieveCheck *check, SieveString *string)
{
	string->field = sieve_check_field_slot(check, string->text);
	if (!check->env->unwatched && !sieve_check_is_field_name(string->text))
		sieve_check_warning(check, string->span, "bad-field-name", "no colon, no blank", "no header field is called '%.*s'",
		                    (int) string->text.len, string->text.data);
}

static bool
bind_string(SieveCheck *check, SieveString *string, unsigned type)
{
	if (memchr(string->text.data, '$', string->text.len) != NULL) {
		for (size_t i = 0; i < sieve_ext_count(); i++) {
			const SieveExt *ext = sieve_ext_nth(i);
			if (ext->string != NULL && sieve_check_has(check, ext) && !ext->string(check, string))
				return false;
		}
		if (check->program->has_variables && !sieve_variable_compile(check, check->names, string))
			return false;
	}
	if (string->template != NULL && (type & SIEVE_CONSTANT) != 0)
		return sieve_check_error(check, string->span, "not-constant", NULL, "variables are not allowed here");
	if (string->template == NULL && (type & SIEVE_HEADER) != 0)
		bind_field_name(check, string);
	return true;
}

/* Arguments. */

static const char *
type_name(unsigned type)
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

/* Hold an argument of a call or (with a colon) of a tag against its type, and bind its strings. */
static bool
bind_arg(SieveCheck *check, SieveArg *arg, unsigned type, const char *colon, const char *name)
{
	if (!fits(arg, type))
		return sieve_check_error(check, arg->span, "wrong-type", NULL, "'%s%s' takes %s here, not %s", colon, name,
		                         type_name(type), arg_name(arg));
	bool good = true;
	for (size_t i = 0; i < arg->n; i++)
		good = bind_string(check, &arg->strings[i], type) && good;
	return good;
}

/* What is being bound of a call. */
typedef struct {
	SieveCheck *check;
	SieveCall *call;
	SieveTag tags[LIMIT_SIEVE_ARGUMENTS];
	size_t n_tags;
	SieveArg *positional[LIMIT_SIEVE_ARGUMENTS];
	size_t n_positional;
	const SieveMatchDef *match;
	const SieveArg *match_value;
	SieveSpan match_span;
	const SieveComparator *comparator;
	SieveSpan comparator_span;
	bool is_good;
} Binding;

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
		if (same_word(tags->name, name) && (tags->on == NULL || has_word(tags->on, call_name)))
			return tags;
	return NULL;
}

static const SieveMatchDef *
find_match(const SieveExt *ext, const char *name)
{
	for (const SieveMatchDef *const *match = ext->matches; match != NULL && *match != NULL; match++)
		if (same_word((*match)->name, name))
			return *match;
	return NULL;
}

static const SieveAddressPart *
find_part(const SieveExt *ext, const char *name)
{
	for (const SieveAddressPart *part = ext->address_parts; part != NULL && part->name != NULL; part++)
		if (same_word(part->name, name))
			return part;
	return NULL;
}

static const SieveModifier *
find_modifier(const SieveExt *ext, const char *name)
{
	for (const SieveModifier *modifier = ext->modifiers; modifier != NULL && modifier->name != NULL; modifier++)
		if (same_word(modifier->name, name))
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
		report_missing(check, arg->span, ext, what);
		return;
	}
	g_autofree char *hint = sieve_hint_for_tag(call->def, arg->tag);
	sieve_check_error(check, arg->span, "unknown-tag", hint, "'%s' has no tag ':%s'", call->def->name, arg->tag);
}

/* The value that a tag takes is the argument behind it. NULL after an error. */
static SieveArg *
take_value(Binding *binding, size_t *at, unsigned type)
{
	SieveCall *call = binding->call;
	SieveArg *tag = &call->args[*at];
	if (*at + 1 >= call->n_args) {
		sieve_check_error(binding->check, tag->span, "missing-value", NULL, "':%s' lacks its value, %s", tag->tag,
		                  type_name(type));
		return NULL;
	}
	SieveArg *value = &call->args[++*at];
	return bind_arg(binding->check, value, type, ":", tag->tag) ? value : NULL;
}

static bool
report_second(Binding *binding, const SieveArg *arg, const char *earlier)
{
	if (same_word(earlier, arg->tag))
		return sieve_check_error(binding->check, arg->span, "repeated-tag", NULL, "':%s' is given twice", arg->tag);
	return sieve_check_error(binding->check, arg->span, "exclusive-tags", NULL, "':%s' cannot stand beside ':%s'", arg->tag,
	                         earlier);
}

static bool
add_tag(Binding *binding, const SieveTagDef *def, size_t *at)
{
	const SieveArg *arg = &binding->call->args[*at];
	const SieveArg *value = NULL;
	if (def->value != SIEVE_NONE && (value = take_value(binding, at, def->value)) == NULL)
		return false;
	for (size_t i = 0; i < binding->n_tags; i++) {
		const SieveTagDef *other = binding->tags[i].def;
		if (other == def || (def->group != NULL && g_strcmp0(def->group, other->group) == 0))
			return report_second(binding, arg, other->name);
	}
	binding->tags[binding->n_tags++] = (SieveTag){ .def = def, .tag = arg, .value = value };
	return true;
}

static bool
set_match(Binding *binding, const SieveMatchDef *match, size_t *at)
{
	const SieveArg *arg = &binding->call->args[*at];
	if (match->value != SIEVE_NONE && (binding->match_value = take_value(binding, at, match->value)) == NULL)
		return false;
	if (binding->match != NULL)
		return report_second(binding, arg, binding->match->name);
	binding->match = match;
	binding->match_span = arg->span;
	return true;
}

static bool
set_part(Binding *binding, const SieveAddressPart *part, const SieveArg *arg)
{
	if (binding->call->part != NULL)
		return report_second(binding, arg, binding->call->part->name);
	binding->call->part = part;
	return true;
}

static const SieveComparator *
find_comparator(const SieveExt *ext, SieveText name)
{
	for (const SieveComparator *const *comparator = ext->comparators; comparator != NULL && *comparator != NULL; comparator++)
		if (strlen((*comparator)->name) == name.len && memcmp((*comparator)->name, name.data, name.len) == 0)
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
		g_autofree char *what = g_strdup_printf("comparator \"%.*s\"", (int) name->text.len, name->text.data);
		report_missing(check, name->span, ext, what);
		return false;
	}
	return sieve_check_error(check, name->span, "unknown-comparator", NULL, "unknown comparator \"%.*s\"",
	                         (int) name->text.len, name->text.data);
}

static bool
set_comparator(Binding *binding, size_t *at)
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
			binding->comparator = find_comparator(sieve_ext_nth(i), value->strings[0].text);
			if (binding->comparator != NULL)
				note_use(check, binding->call, i);
		}
	binding->comparator_span = value->span;
	return binding->comparator != NULL || report_unknown_comparator(check, &value->strings[0]);
}

/* Modifiers become tags too, so that sieve_variable_modify finds them; two of one precedence exclude each other. */
static bool
add_modifier(Binding *binding, const SieveModifier *modifier, const SieveArg *arg)
{
	for (size_t i = 0; i < binding->n_tags; i++) {
		const SieveModifier *other = binding->tags[i].data;
		if (other != NULL && other->precedence == modifier->precedence)
			return report_second(binding, arg, other->name);
	}
	binding->tags[binding->n_tags++] = (SieveTag){ .def = &sieve_variable_modifier_tag, .tag = arg, .data = (void *) modifier };
	return true;
}

/* A tag of this extension for the call; false in *ret_known: it has none of that name. */
static bool
bind_ext_tag(Binding *binding, const SieveExt *ext, size_t *at, bool *ret_known)
{
	const SieveCallDef *def = binding->call->def;
	const SieveArg *arg = &binding->call->args[*at];
	const SieveTagDef *tag = find_tag_in(ext->tags, arg->tag, def->name);
	*ret_known = true;
	if (tag != NULL)
		return add_tag(binding, tag, at);
	const SieveMatchDef *match = (def->flags & SIEVE_USES_MATCH) != 0 ? find_match(ext, arg->tag) : NULL;
	if (match != NULL)
		return set_match(binding, match, at);
	const SieveAddressPart *part = (def->flags & SIEVE_USES_ADDRESS_PART) != 0 ? find_part(ext, arg->tag) : NULL;
	if (part != NULL)
		return set_part(binding, part, arg);
	const SieveModifier *modifier = (def->flags & SIEVE_TAKES_MODIFIERS) != 0 ? find_modifier(ext, arg->tag) : NULL;
	if (modifier != NULL)
		return add_modifier(binding, modifier, arg);
	*ret_known = false;
	return false;
}

static bool
bind_tag(Binding *binding, size_t *at)
{
	SieveCheck *check = binding->check;
	const SieveCallDef *def = binding->call->def;
	const SieveArg *arg = &binding->call->args[*at];
	if (binding->n_positional > 0) {
		const char *text = "':%s' stands behind a positional argument";
		return sieve_check_error(check, arg->span, "late-tag", "tags come first", text, arg->tag);
	}
	const SieveTagDef *own = find_tag_in(def->tags, arg->tag, def->name);
	if (own != NULL)
		return add_tag(binding, own, at);
	if ((def->flags & SIEVE_USES_MATCH) != 0 && same_word("comparator", arg->tag))
		return set_comparator(binding, at);
	for (guint64 left = check->program->active; left != 0; left &= left - 1) {
		bool known = false;
		size_t ext = (size_t) __builtin_ctzll(left);
		bool good = bind_ext_tag(binding, sieve_ext_nth(ext), at, &known);
		if (!known)
			continue;
		note_use(check, binding->call, ext);
		return good;
	}
	report_unknown_tag(check, binding->call, arg);
	return false;
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
report_count(Binding *binding, size_t least, size_t most)
{
	const SieveCall *call = binding->call;
	size_t n = binding->n_positional;
	SieveSpan span = n > most ? binding->positional[most]->span : call->span;
	g_autofree char *wanted = least == most ? g_strdup_printf("%zu", least) : g_strdup_printf("%zu to %zu", least, most);
	return sieve_check_error(binding->check, span, "wrong-arguments", NULL, "'%s' takes %s argument%s, not %zu",
	                         call->def->name, wanted, most == 1 ? "" : "s", n);
}

static bool
bind_positional(Binding *binding)
{
	SieveCall *call = binding->call;
	const SieveCallDef *def = call->def;
	size_t least = count_types(def, false), most = count_types(def, true);
	if (binding->n_positional < least || binding->n_positional > most)
		return report_count(binding, least, most);
	size_t spare = binding->n_positional - least, at = 0;
	bool good = true;
	for (size_t i = 0; i < SIEVE_POSITIONAL_MAX && def->positional[i] != SIEVE_NONE; i++) {
		if ((def->positional[i] & SIEVE_OPTIONAL) != 0) {
			if (spare == 0)
				continue;
			spare--;
		}
		call->positional[i] = binding->positional[at];
		good = bind_arg(binding->check, binding->positional[at++], def->positional[i], "", def->name) && good;
	}
	return good;
}

static void
bind_args(Binding *binding)
{
	SieveCall *call = binding->call;
	for (size_t i = 0; i < call->n_args; i++) {
		if (call->args[i].kind != SIEVE_ARG_TAG)
			binding->positional[binding->n_positional++] = &call->args[i];
		else if (!bind_tag(binding, &i))
			binding->is_good = false;
	}
	if (!binding->is_good) /* values of tags that were not understood would be counted as arguments */
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
	GArray *keys = root_of(check)->keys;
	g_array_set_size(keys, 0);
	bool good = true;
	for (size_t i = 0; i < arg->n; i++) {
		g_autofree char *error = NULL;
		if (!sieve_match_prepare(arena, spec, arg->strings[i].text, keys, &error))
			good = sieve_check_error(check, arg->strings[i].span, "bad-key", NULL, "%s", error);
	}
	spec->n_keys = keys->len;
	SieveKey *kept = SIEVE_NEW_ARRAY(arena, SieveKey, keys->len);
	if (keys->len > 0)
		memcpy(kept, keys->data, keys->len * sizeof(SieveKey));
	spec->keys = kept;
	return good;
}

static bool
check_needs(const Binding *binding, const SieveMatchSpec *spec)
{
	const SieveComparator *comparator = spec->comparator;
	SieveSpan span = binding->comparator != NULL ? binding->comparator_span : binding->match_span;
	if (spec->def->needs == SIEVE_NEEDS_SUBSTRINGS && !comparator->has_substrings)
		return sieve_check_error(binding->check, span, "wrong-comparator", NULL, "comparator \"%s\" cannot do ':%s'",
		                         comparator->name, spec->def->name);
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
bind_match(Binding *binding)
{
	SieveCall *call = binding->call;
	SieveMatchSpec *spec = SIEVE_NEW(sieve_check_arena(binding->check), SieveMatchSpec);
	spec->def = binding->match != NULL ? binding->match : sieve_match_core[0];
	spec->comparator = binding->comparator != NULL ? binding->comparator : &sieve_compare_ascii_casemap;
	spec->value = binding->match_value;
	spec->key_arg = find_keys(call);
	spec->splits_keys = (call->def->flags & SIEVE_SPLITS_KEYS) != 0;
	call->match = spec;
	if (!check_needs(binding, spec))
		return false;
	const SieveMatchDef *def = spec->def;
	if (def->check_value != NULL && !def->check_value(binding->check, call, spec, spec->value, &spec->relation))
		return false;
	return spec->key_arg == NULL || def->match_all != NULL || prepare_keys(binding->check, spec);
}

/* Tests and blocks. */

/* How many tests the call wants, and in which form. */
static bool
check_test_shape(SieveCheck *check, const SieveCall *call)
{
	const SieveCallDef *def = call->def;
	if ((def->flags & SIEVE_TAKES_TESTS) != 0) {
		if (call->has_test_list)
			return true;
		return sieve_check_error(check, call->span, "missing-tests", "write the tests as (test, test)",
		                         "'%s' takes a list of tests in parentheses", def->name);
	}
	if ((def->flags & SIEVE_TAKES_TEST) != 0) {
		if (call->n_tests == 1 && !call->has_test_list)
			return true;
		if (call->n_tests == 0)
			return sieve_check_error(check, call->span, "missing-tests", NULL, "'%s' lacks its test", def->name);
		return sieve_check_error(check, call->span, "test-list", "use anyof (...) or allof (...)",
		                         "'%s' takes one test, not a list", def->name);
	}
	if (call->n_tests == 0)
		return true;
	return sieve_check_error(check, call->tests[0]->span, "test-list", NULL, "'%s' takes no test", def->name);
}

static bool
check_block_shape(SieveCheck *check, const SieveCall *call)
{
	bool takes = (call->def->flags & SIEVE_TAKES_BLOCK) != 0;
	if (call->is_test || takes == call->has_block)
		return true;
	if (takes)
		return sieve_check_error(check, call->span, "missing-block", "put { and } around its commands",
		                         "'%s' lacks its block", call->def->name);
	return sieve_check_error(check, call->span, "extra-block", NULL, "'%s' takes no block", call->def->name);
}

/* Children first: what is known of them decides what is known of their parent. */
static void
check_tests(SieveCheck *check, SieveCall *call)
{
	bool all = call->def != NULL && strcmp(call->def->name, "allof") == 0;
	for (size_t i = 0; i < call->n_tests; i++) {
		check_test(check, call->tests[i]);
		/* RFC 5463 4: behind a failed ihave nothing needs to make sense. */
		if (all && call->tests[i]->known < 0 && call->tests[i]->known_by_ihave)
			return;
	}
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

/* Bind the words of a call whose definition is known. */
static bool
bind_call(SieveCheck *check, SieveCall *call)
{
	const SieveCallDef *def = call->def;
	Binding binding;
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

static void
check_test(SieveCheck *check, SieveCall *test)
{
	find_active(check, test);
	if (test->def == NULL)
		report_unknown_call(check, test);
	check_tests(check, test);
	test->is_broken = test->def == NULL || !bind_call(check, test);
	if (!test->is_broken && test->def->check != NULL)
		test->is_broken = !test->def->check(check, test);
}

static void
check_place(SieveCheck *check, const SieveCall *call, const SieveCall *before)
{
	unsigned flags = call->def->flags;
	if ((flags & SIEVE_AT_TOP) == 0)
		check->has_commands = true;
	else if (check->has_commands)
		sieve_check_error(check, call->span, "late-require", "move it to the top", "'%s' stands behind other commands",
		                  call->def->name);
	if ((flags & SIEVE_ELSIF) == 0)
		return;
	/* An else has no test; nothing may continue it. */
	bool continues = before != NULL && (before->is_broken || (before->def != NULL &&
	                 (before->def->flags & (SIEVE_IF | SIEVE_ELSIF)) != 0 && (before->def->flags & SIEVE_TAKES_TEST) != 0));
	if (!continues)
		sieve_check_error(check, call->span, "lone-else", NULL, "'%s' follows no 'if'", call->def->name);
}

/* A block that never runs because of what is installed here needs not make sense. */
static bool
is_out_of_reach(const SieveCall *call)
{
	return call->n_tests == 1 && call->tests[0]->known_by_ihave && call->tests[0]->known < 0;
}

static void
check_command(SieveCheck *check, SieveCall *call, const SieveCall *before)
{
	if (call->def != NULL)
		check_place(check, call, before);
	else if (!call->is_broken || !is_known(call->name, false))
		report_unknown_call(check, call);
	if (!call->is_broken) {
		check_tests(check, call);
		if (call->def != NULL && bind_call(check, call) && call->def->check != NULL)
			call->def->check(check, call);
	}
	if (call->has_block && !is_out_of_reach(call))
		check_block(check, call->block);
}

/* A chain whose test is true by ihave: its other branches are for other installations. */
static bool
closes_chain(const SieveCall *call)
{
	return call->n_tests == 1 && call->tests[0]->known_by_ihave && call->tests[0]->known > 0;
}

static void
check_block(SieveCheck *check, SieveCall *first)
{
	const SieveCall *before = NULL;
	bool closed = false;
	for (SieveCall *call = first; call != NULL; before = call, call = call->next) {
		find_active(check, call);
		closed = closed && call->def != NULL && (call->def->flags & SIEVE_ELSIF) != 0;
		if (!closed)
			check_command(check, call, before);
		closed = closed || closes_chain(call);
	}
	if (!check->env->unwatched)
		sieve_warn_block(check, first);
}

/* Tags of a bound call. */

const SieveTag *
sieve_call_tag(const SieveCall *call, const char *name)
{
	for (size_t i = 0; i < call->n_tags; i++)
		if (call->tags[i].def->name != NULL && strcmp(call->tags[i].def->name, name) == 0)
			return &call->tags[i];
	return NULL;
}

const SieveTag *
sieve_call_tag_of(const SieveCall *call, const char *group)
{
	for (size_t i = 0; i < call->n_tags; i++)
		if (g_strcmp0(call->tags[i].def->group, group) == 0)
			return &call->tags[i];
	return NULL;
}

bool
sieve_check_alias_variable(SieveCheck *check, const char *name, const SieveNamespace *space)
{
	return sieve_names_alias(check->names, check->program->arena, name, space);
}

bool
sieve_check_is_address(SieveText address)
{
	return sieve_value_is_mailable(address);
}

/* Programs. */

void
sieve_program_free(SieveProgram *program)
{
	if (program == NULL)
		return;
	g_ptr_array_unref(program->fields);
	sieve_arena_free(program->arena);
}

static gint
compare_places(gconstpointer a, gconstpointer b)
{
	const FilterProblem *x = *(FilterProblem *const *) a, *y = *(FilterProblem *const *) b;
	int files = strcmp(x->file, y->file);
	if (files != 0)
		return files;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

/* Syntax errors were found first; people read from the top. `first` is where this script's problems begin. */
static void
sort_problems(GPtrArray *problems, guint first)
{
	if (problems != NULL && problems->len > first + 1)
		qsort(problems->pdata + first, problems->len - first, sizeof(gpointer), compare_places);
}

static guint64
always_active(void)
{
	guint64 active = 0;
	for (size_t i = 0; i < sieve_ext_count(); i++)
		active |= sieve_ext_nth(i)->always ? (guint64) 1 << i : 0;
	return active;
}

static void
check_source(SieveCheck *check)
{
	const FilterSource *source = check->source;
	SieveProgram *program = check->program;
	program->file = sieve_arena_copy(program->arena, source->file, strlen(source->file));
	program->trust = source->trust;
	program->active = always_active();
	gint64 max = filter_setting_int(check->env, "sieve_max_script_size", 1024 * 1024);
	if (source->len > (guint64) max) {
		sieve_check_error(check, (SieveSpan){ 1, 1, 0 }, "script-too-big", "sieve_max_script_size is the limit",
		                  "script is longer than %" G_GINT64_FORMAT " octets", max);
		return;
	}
	SieveCall *first = sieve_parser_parse(source->text, source->len, program->arena, &parser_words, report_syntax, check);
	program->first = first;
	check_block(check, first);
	program->n_variables = sieve_names_count(check->names);
}

static void
run_check(SieveCheck *check)
{
	guint first = check->problems != NULL ? check->problems->len : 0;
	check->allowed = sieve_site_allowed(check->env, check->source->trust);
	check->names = sieve_names_new(check->program->arena);
	check_source(check);
	sieve_names_free(check->names);
	sort_problems(check->problems, first);
}

static SieveProgram *
program_new(SieveArena *arena, GPtrArray *fields)
{
	SieveProgram *program = SIEVE_NEW(arena, SieveProgram);
	program->arena = arena;
	program->fields = fields;
	return program;
}

SieveProgram *
sieve_check_compile(const FilterSource *source, FilterEnv *env, GPtrArray *problems)
{
	g_autoptr(SieveProgram) program = program_new(sieve_arena_new(), g_ptr_array_new());
	g_autoptr(GHashTable) slots = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(SieveKey));
	SieveCheck check = { .program = program, .source = source, .env = env, .problems = problems, .field_slots = slots, .keys = keys,
	                     .effort = { LIMIT_SIEVE_WARN_EFFORT } };
	run_check(&check);
	return check.errors == 0 ? g_steal_pointer(&program) : NULL;
}

const SieveProgram *
sieve_check_nested(SieveCheck *parent, const FilterSource *source)
{
	SieveProgram *program = program_new(parent->program->arena, parent->program->fields);
	SieveCheck check = { .program = program, .source = source, .env = parent->env, .problems = parent->problems, .parent = parent };
	run_check(&check);
	parent->errors += check.errors;
	return check.errors == 0 ? program : NULL;
}
