/* SPDX-License-Identifier: MIT */
/*
 * sieve-check: compiles a script. What is said about it and the state of the compile are here; the
 * walk over the tree is in sieve-walk.c.
 */
#include "filters/sieve/lang/sieve-check-parts.h"

#include "filters/sieve/lang/sieve-site.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

static void
add_problem(SieveCheck *check, SieveSpan span, ProblemSeverity severity, const char *code,
            const char *hint, const char *text)
{
	bool is_dead_error = check->is_dead && severity == PROBLEM_ERROR;
	g_autofree char *excused = is_dead_error
	                                   ? g_strconcat(text,
	                                                 "; it is in a branch that never runs",
	                                                 NULL)
	                                   : NULL;

	if (is_dead_error) {
		check->dead_errors++;
		severity = PROBLEM_WARNING;
		text = excused;
	}

	check->errors += severity == PROBLEM_ERROR;
	bool is_wanted = severity == PROBLEM_ERROR || !check->env->unwatched;
	if (!is_wanted || check->reported++ >= LIMIT_SIEVE_PROBLEMS)
		return;

	Problem problem = {
		.file = (char *) check->source->file,
		.line = span.line,
		.column = span.column,
		.end_column = span.end_column,
		.severity = severity,
		.code = code,
		.text = (char *) text,
		.hint = (char *) hint,
	};
	problem_add(check->problems, &problem);
}

bool
sieve_check_error(SieveCheck *check, SieveSpan span, const char *code, const char *hint,
                  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	add_problem(check, span, PROBLEM_ERROR, code, hint, text);

	return false;
}

void
sieve_check_warning(SieveCheck *check, SieveSpan span, const char *code, const char *hint,
                    const char *format, ...)
{
	if (check->env->unwatched)
		return;
	va_list args;
	va_start(args, format);

	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	add_problem(check, span, PROBLEM_WARNING, code, hint, text);
}

void
sieve_check_clamped(SieveCheck *check, const SieveTag *tag, const char *side, const char *setting,
                    gint64 seconds)
{
	g_autofree char *hint = g_strdup_printf("%s of todoke.conf is the limit", setting);

	sieve_check_warning(check, tag->value->span, "clamped-interval", hint,
	                    "':%s %" G_GUINT64_FORMAT "' is %s %s: %" G_GINT64_FORMAT
	                    " seconds count instead",
	                    tag->def->name, tag->value->number, side, setting, seconds);
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

SieveNames *
sieve_check_names(SieveCheck *check)
{
	return check->names;
}

SieveCheck *
sieve_check_root(SieveCheck *check)
{
	while (check->parent != NULL)
		check = check->parent;
	return check;
}

void *
sieve_check_state(SieveCheck *check, const SieveExt *ext, bool whole)
{
	SieveCheck *owner = whole ? sieve_check_root(check) : check;

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
	return &sieve_check_root(check)->effort;
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

/* Header fields. */

unsigned
sieve_check_field_slot(SieveCheck *check, SieveText name)
{
	SieveCheck *root = sieve_check_root(check);
	char *folded = g_alloca(name.len + 1); /* at most LIMIT_SIEVE_STRING_BYTES */

	for (size_t i = 0; i < name.len; i++)
		folded[i] = sieve_lookup_lower(name.data[i]);
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
	return sieve_text_is_mailable(address);
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
	const Problem *x = *(Problem *const *) a, *y = *(Problem *const *) b;
	int files = strcmp(x->file, y->file);
	if (files != 0)
		return files;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;

	return x->column < y->column ? -1 : x->column > y->column;
}

/*
 * Syntax errors were found first; people read from the top. `first` is where this script's problems
 * begin.
 */
static void
sort_problems(GPtrArray *problems, guint first)
{
	if (problems != NULL && problems->len > first + 1)
		qsort(problems->pdata + first, problems->len - first, sizeof(gpointer),
		      compare_places);
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

	gint64 max = check->env->conf->sieve_max_script_size;
	if (source->len > (guint64) max) {
		sieve_check_error(check, (SieveSpan){ 1, 1, 0 }, "script-too-big",
		                  "sieve_max_script_size is the limit",
		                  "script is longer than %" G_GINT64_FORMAT " octets", max);
		return;
	}

	SieveCall *first = sieve_parser_parse(source->text, source->len, program->arena,
	                                      &sieve_lookup_words, report_syntax, check);
	program->first = first;
	sieve_walk_block(check, first);
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
	SieveCheck check = { .program = program,
		             .source = source,
		             .env = env,
		             .problems = problems,
		             .field_slots = slots,
		             .keys = keys,
		             .effort = { LIMIT_SIEVE_WARN_EFFORT } };

	run_check(&check);
	return check.errors == 0 ? g_steal_pointer(&program) : NULL;
}

const SieveProgram *
sieve_check_nested(SieveCheck *parent, const FilterSource *source)
{
	SieveProgram *program = program_new(parent->program->arena, parent->program->fields);
	SieveCheck check = { .program = program,
		             .source = source,
		             .env = parent->env,
		             .problems = parent->problems,
		             .parent = parent,
		             .is_dead = parent->is_dead };

	run_check(&check);
	parent->errors += check.errors;
	parent->dead_errors += check.dead_errors;

	return check.errors == 0 ? program : NULL;
}
