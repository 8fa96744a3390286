/* SPDX-License-Identifier: MIT */
/*
 * include: RFC 6609, complete: include with all its tags, return, global and the namespace of that
 * name.
 *
 * Each script is compiled once, when the first include that names it is met, with whatever it
 * includes itself. What is missing, recursive or too deep is an error only where the walk gets
 * there (3.1); faults in the text of a script are errors at once.
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/lang/sieve-variable.h"

#include "agent/base/limits.h"

#include <string.h>

typedef struct Scripts Scripts;

/* A script that some include names. */
typedef struct Script {
	struct Script *next;
	const Scripts *all;
	unsigned number;
	ScriptPlace place;
	const char *name;
	/* NULL: it could not be opened, and why; or it has errors, and nothing runs */
	const SieveProgram *program;
	StatusId fault;
	const char *why;
} Script;

/* All of a compile. */
struct Scripts {
	Script *first;
	unsigned n;
	unsigned depth; /* of the script that is being compiled: the main one is 0 */
};

typedef struct {
	bool *included; /* by number: was included in this run */
	bool *running;
	unsigned depth;
	GHashTable *globals; /* char * -> GString */
} IncludeState;

/* Work of an include besides its commands: a scope, a look at the tables. */
enum { INCLUDE_STEPS = 2000 };

/*
 * RFC 5804 1.6: no control characters, no line or paragraph separator, not empty, no more than 128
 * characters of 4 octets.
 */
static bool
is_script_name(SieveText name)
{
	if (name.len == 0 || name.len > LIMIT_SIEVE_SCRIPT_NAME ||
	    !g_utf8_validate_len(name.data, name.len, NULL))
		return false;
	for (const char *c = name.data; c < name.data + name.len; c = g_utf8_next_char(c)) {
		gunichar sign = g_utf8_get_char(c);
		if (sign < 0x20 || (sign >= 0x7f && sign <= 0x9f) || sign == 0x2028 ||
		    sign == 0x2029)
			return false;
	}

	return true;
}

static Script *
find_script(const Scripts *scripts, ScriptPlace place, const char *name)
{
	for (Script *script = scripts->first; script != NULL; script = script->next)
		if (script->place == place && strcmp(script->name, name) == 0)
			return script;
	return NULL;
}

static Script *
add_script(SieveCheck *check, Scripts *scripts, ScriptPlace place, const char *name)
{
	Script *script = SIEVE_NEW(sieve_check_arena(check), Script);

	*script = (Script){ .next = scripts->first,
		            .all = scripts,
		            .number = scripts->n++,
		            .place = place,
		            .name = name };
	scripts->first = script;
	return script;
}

/* Why it is not there, for when the include is reached. */
static void
note_fault(SieveCheck *check, SieveSpan span, Script *script, const Status *st, bool optional)
{
	const char *why = status_why(st);

	script->fault = st->id;
	script->why = sieve_arena_copy(sieve_check_arena(check), why, strlen(why));
	if (!optional || st->id != STATUS_MISSING)
		sieve_check_warning(check, span, "missing-script",
		                    "with :optional it may be missing", "cannot include \"%s\": %s",
		                    script->name, script->why);
}

static void
compile_script(SieveCheck *check, SieveSpan span, Scripts *scripts, Script *script, bool optional)
{
	FilterEnv *env = sieve_check_env(check);
	g_autofree char *file = NULL, *text = NULL;
	g_auto(Status) st = STATUS_INIT;
	size_t len = 0;
	bool opened = env->services->open_script != NULL
	                      ? env->services->open_script(env, script->place, script->name, &file,
	                                                   &text, &len, &st)
	                      : status_fail_detail(&st, STATUS_MISSING,
	                                           "there are no scripts to include");

	if (!opened) {
		note_fault(check, span, script, &st, optional);
		return;
	}

	FilterSource source = { .file = file,
		                .text = text,
		                .len = len,
		                .trust = script->place == PLACE_GLOBAL ? SCRIPT_SITE
		                                                       : SCRIPT_OWNER };
	scripts->depth++;
	script->program = sieve_check_nested(check, &source);
	scripts->depth--;
}

/*
 * The script, compiled before or now. NULL after an error: there are too many, or they nest too
 * deep.
 */
static Script *
take_script(SieveCheck *check, SieveCall *call, ScriptPlace place, const char *name)
{
	const Conf *conf = sieve_check_env(check)->conf;
	Scripts *scripts = sieve_check_state(check, &sieve_ext_include, true);
	Script *script = find_script(scripts, place, name);

	if (script != NULL)
		return script;
	gint64 max = conf->sieve_max_includes;
	gint64 max_depth = conf->sieve_max_include_depth;
	if (scripts->n >= max) {
		sieve_check_error(check, call->span, "too-many-includes",
		                  "sieve_max_includes is the limit",
		                  "more than %" G_GINT64_FORMAT " scripts are included", max);
		return NULL;
	}

	if (scripts->depth >= max_depth) {
		sieve_check_error(check, call->span, "include-depth",
		                  "sieve_max_include_depth is the limit",
		                  "scripts include each other more than %" G_GINT64_FORMAT " deep",
		                  max_depth);
		return NULL;
	}

	script = add_script(check, scripts, place, name);
	compile_script(check, call->span, scripts, script,
	               sieve_call_tag(call, "optional") != NULL);
	return script;
}

static bool
check_include(SieveCheck *check, SieveCall *call)
{
	const SieveString *string = &call->positional[0]->strings[0];

	if (!is_script_name(string->text))
		return sieve_check_error(check, string->span, "bad-script-name", NULL,
		                         "this can be no name of a script");
	const char *name = sieve_arena_copy(sieve_check_arena(check), string->text.data,
	                                    string->text.len);
	ScriptPlace place = sieve_call_tag(call, "global") != NULL ? PLACE_GLOBAL : PLACE_PERSONAL;
	call->data = take_script(check, call, place, name);

	return call->data != NULL;
}

static IncludeState *
take_state(SieveRun *run, const Scripts *scripts)
{
	IncludeState *state = sieve_run_state(run, &sieve_ext_include);
	if (state->included == NULL && scripts != NULL) {
		state->included = SIEVE_NEW_ARRAY(run->memory, bool, scripts->n);
		state->running = SIEVE_NEW_ARRAY(run->memory, bool, scripts->n);
	}

	return state;
}

static bool
run_script(SieveRun *run, const SieveCall *call, IncludeState *state, const Script *script)
{
	if (state->depth >= run->env->conf->sieve_max_include_depth)
		return sieve_run_fail(
			run, call, STATUS_LIMIT,
			"scripts include each other too deep (sieve_max_include_depth)");

	state->included[script->number] = state->running[script->number] = true;
	state->depth++;
	bool good = sieve_run_nested(run, script->program);
	state->depth--;
	state->running[script->number] = false;

	return good;
}

static bool
run_include(SieveRun *run, const SieveCall *call)
{
	const Script *script = call->data;
	IncludeState *state = take_state(run, script->all);
	bool once = sieve_call_tag(call, "once") != NULL,
	     optional = sieve_call_tag(call, "optional") != NULL;

	if (!sieve_run_spend(run, INCLUDE_STEPS))
		return false;
	if (once && state->included[script->number]) {
		sieve_run_trace(run, TRACE_COMMANDS, call, "\"%s\" was included before",
		                script->name);
		return true;
	}

	if (state->running[script->number])
		return sieve_run_fail(run, call, STATUS_SCRIPT, "script \"%s\" includes itself",
		                      script->name);
	if (script->program != NULL)
		return run_script(run, call, state, script);
	if (optional && script->fault == STATUS_MISSING)
		return true;

	return sieve_run_fail(run, call, STATUS_SCRIPT, "cannot include \"%s\": %s", script->name,
	                      script->why);
}

static bool
run_return(SieveRun *run, const SieveCall *call)
{
	(void) call;
	run->control = SIEVE_RETURN;
	return true;
}

/* global */

static bool
is_identifier(const char *name)
{
	if (*name == '\0' || g_ascii_isdigit(*name))
		return false;
	for (; *name != '\0'; name++)
		if (!g_ascii_isalnum(*name) && *name != '_')
			return false;
	return true;
}

/* RFC 6609 3.4.2: no namespaces below, no numbers. */
static bool
check_name(SieveCheck *check, SieveSpan span, const char *name)
{
	return is_identifier(name) ||
	       sieve_check_error(check, span, "bad-variable",
	                         "letters, digits and _, no digit first",
	                         "'%s' is not the name of a global variable", name);
}

static bool
get_global(SieveRun *run, const char *name, SieveText *ret_value)
{
	const IncludeState *state = take_state(run, NULL);
	const GString *value = state->globals != NULL ? g_hash_table_lookup(state->globals, name)
	                                              : NULL;
	*ret_value = value != NULL ? (SieveText){ value->str, value->len } : SIEVE_TEXT("");
	return true;
}

static void
value_free(gpointer value)
{
	g_string_free(value, TRUE);
}

static bool
set_global(SieveRun *run, const char *name, SieveText value)
{
	IncludeState *state = take_state(run, NULL);

	if (state->globals == NULL)
		state->globals = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, value_free);
	gint64 max = run->env->conf->sieve_max_variables;
	if (g_hash_table_size(state->globals) >= (guint64) max &&
	    !g_hash_table_contains(state->globals, name))
		return sieve_run_fail(run, NULL, STATUS_LIMIT,
		                      "too many global variables (sieve_max_variables)");

	const GString *old = g_hash_table_lookup(state->globals, name);
	guint64 before = old != NULL ? old->allocated_len : 0;
	GString *copy = g_string_new_len(value.data, (gssize) value.len);

	/* Names live as long as the program. */
	g_hash_table_insert(state->globals, (gpointer) name, copy);
	return sieve_run_hold(run, before, copy->allocated_len);
}

static void
clear_state(void *data)
{
	IncludeState *state = data;
	if (state->globals != NULL)
		g_hash_table_unref(state->globals);
}

static const SieveNamespace global_space = {
	.name = "global", .check = check_name, .get = get_global, .set = set_global
};
static const SieveNamespace *const namespaces[] = { &global_space, NULL };

static bool
declare_global(SieveCheck *check, const SieveString *string)
{
	g_autofree char *name = g_strndup(string->text.data, string->text.len);
	if (!check_name(check, string->span, name))
		return false;
	if (sieve_check_alias_variable(check, name, &global_space))
		return true;

	return sieve_check_error(check, string->span, "late-global",
	                         "put global before the variable's first use",
	                         "'%s' is a variable of this script already", name);
}

static bool
check_global(SieveCheck *check, SieveCall *call)
{
	const SieveArg *names = call->positional[0];

	if (!sieve_check_has(check, &sieve_ext_variables))
		return sieve_check_error(check, call->span, "missing-require",
		                         "add \"variables\" to require",
		                         "'global' needs \"variables\"");

	bool good = true;
	for (size_t i = 0; i < names->n; i++)
		good = declare_global(check, &names->strings[i]) && good;
	return good;
}

static bool
run_global(SieveRun *run, const SieveCall *call)
{
	(void) run;
	(void) call;
	return true;
}

static const SieveTagDef include_tags[] = { { .name = "personal", .group = "location" },
	                                    { .name = "global", .group = "location" },
	                                    { .name = "once" },
	                                    { .name = "optional" },
	                                    { .name = NULL } };

static const SieveCallDef commands[] = {
	{ .name = "include",
	  .positional = { SIEVE_STRING | SIEVE_CONSTANT },
	  .tags = include_tags,
	  .check = check_include,
	  .run = run_include },
	{ .name = "return", .flags = SIEVE_ENDS_BLOCK, .run = run_return },
	{ .name = "global",
	  .positional = { SIEVE_STRINGS | SIEVE_CONSTANT },
	  .check = check_global,
	  .run = run_global },
	{ .name = NULL }
};

const SieveExt sieve_ext_include = {
	.capability = "include",
	.rfc = "RFC 6609",
	.commands = commands,
	.namespaces = namespaces,
	.check_state = sizeof(Scripts),
	.run_state = sizeof(IncludeState),
	.clear_run_state = clear_state,
};
