/* SPDX-License-Identifier: MIT */
/* recipe-run: one statement after the other, until the mail is delivered or the file ends. */
#include "filters/recipe/run/recipe-run.h"

#include "agent/base/limits.h"
#include "conf/conf-choices.h"
#include "filters/recipe/run/recipe-action.h"
#include "filters/recipe/run/recipe-cond.h"
#include "filters/recipe/run/recipe-default.h"
#include "filters/recipe/run/recipe-expand.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-plan.h"
#include "filters/recipe/lang/recipe-parser.h"
#include "filters/recipe/run/recipe-program.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static bool run_to_end(RecipeRun *run, Status *st);

const char *
recipe_run_file(const RecipeRun *run)
{
	const GArray *frames = run->state->frames;
	for (guint i = frames->len; i > 0; i--) {
		const RecipeFrame *frame = &g_array_index(frames, RecipeFrame, i - 1);
		if (frame->file != NULL)
			return frame->file;
	}

	return run->file;
}

char *
recipe_run_path(const RecipeRun *run, const char *path)
{
	const char *folder = run->state->folder;
	if (*path == '/' || *folder == '\0')
		return g_strdup(path);
	return g_strdup_printf("%s/%s", folder,
	                       g_str_has_prefix(path, "./") && path[2] != '\0' ? path + 2 : path);
}

static void
push_frame(RecipeRun *run, const GPtrArray *nodes, const char *file)
{
	const RecipeFrame frame = { .nodes = nodes, .file = file, .before = run->state->chain };
	g_array_append_val(run->state->frames, frame);
}

static void
push_block(RecipeRun *run, const RecipeNode *node)
{
	const RecipeFrame frame = { .nodes = node->block, .of = node, .before = run->state->chain };
	g_array_append_val(run->state->frames, frame);
}

/* A block's end brings back what E and A ask for; a file's does not. */
static void
pop_frame(RecipeState *state)
{
	const RecipeFrame *frame = &g_array_index(state->frames, RecipeFrame,
	                                          state->frames->len - 1);
	if (frame->file == NULL) {
		state->chain.matched = frame->before.matched;
		state->chain.chain_matched = frame->before.chain_matched;
	}

	g_array_set_size(state->frames, state->frames->len - 1);
}

/* The file that is being read ends here, and its blocks with it: they bring back nothing. */
static void
leave_file(RecipeState *state)
{
	bool left = false;
	while (state->frames->len > 0 && !left) {
		guint last = state->frames->len - 1;
		left = g_array_index(state->frames, RecipeFrame, last).file != NULL;
		g_array_set_size(state->frames, last);
	}
}

static GPtrArray *
read_file(RecipeRun *run, const char *name, const char **ret_name, unsigned line)
{
	const FilterServices *services = run->env->services;
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *path = recipe_run_path(run, name), *file = NULL, *text = NULL;
	size_t len;

	if (services->open_script == NULL ||
	    !services->open_script(run->env, PLACE_PATH, path, &file, &text, &len, &fault)) {
		recipe_log_complain(run, "Couldn't read \"%s\"", name);
		recipe_run_note(run, line, "cannot read '%s'%s%s", name,
		                fault.detail != NULL ? ": " : "",
		                fault.detail != NULL ? fault.detail : "");
		return NULL;
	}

	const FilterSource source = {
		.file = name, .text = text, .len = len, .trust = SCRIPT_OWNER
	};
	GPtrArray *nodes = recipe_parse(&source, NULL);
	if (nodes == NULL)
		return NULL;

	const char *folder = recipe_vars_text(run->state->vars, "MAILDIR");
	char *copy = *name != '/' && *folder == '/' ? g_strdup_printf("%s/%s", folder, name)
	                                            : g_strdup(name);
	g_ptr_array_add(run->files, nodes);
	g_ptr_array_add(run->names, copy);
	*ret_name = copy;

	return nodes;
}

static bool
include_file(RecipeRun *run, const char *name, bool switches, unsigned line, Status *st)
{
	const char *file;

	if (run->state->frames->len >= 2 * LIMIT_RECIPE_NESTING ||
	    run->files->len >= LIMIT_RECIPE_TRIED)
		return status_fail_detail(st, STATUS_LIMIT,
		                          "%s:%u: files are included more than %u deep",
		                          recipe_run_file(run), line, 2 * LIMIT_RECIPE_NESTING);

	bool is_named = *name != '\0' && strcmp(name, "/dev/null") != 0;
	GPtrArray *nodes = is_named ? read_file(run, name, &file, line) : NULL;
	if (nodes == NULL)
		return true;

	if (switches)
		leave_file(run->state);
	push_frame(run, nodes, file);
	return true;
}

static void
shift_arguments(RecipeState *state, const char *value)
{
	glong n = strtol(value, NULL, 10);
	while (n-- > 0 && state->args->len > 0)
		g_ptr_array_remove_index(state->args, 0);
}

/*
 * A host of another name: this file is not for this machine, perhaps the next of the command line
 * is. Behind the last one the mail is kept, where procmail loses it.
 */
static bool
set_host(RecipeRun *run, const char *value, unsigned line, Status *st)
{
	const FilterRecipes *services = run->env->recipes;
	RecipeState *state = run->state;
	const char *host = recipe_vars_text(run->state->vars, "HOST");

	if (value != NULL && strcmp(value, host) == 0)
		return true;
	recipe_run_note(run, line, "HOST is not '%s': the rest is not read",
	                value != NULL ? value : "");
	const char *next = services->next_recipes != NULL
	                           ? services->next_recipes(run->env, state->first)
	                           : NULL;
	if (next == NULL) {
		state->ended = true;
		return true;
	}

	while (state->frames->len > 0)
		leave_file(state);
	g_free(state->first);
	state->first = g_strdup(next);

	return include_file(run, next, false, line, st);
}

/* MAILDIR is where all paths begin; one that is not there leaves things as they are. */
static void
set_maildir(RecipeRun *run, const char *value, unsigned line)
{
	const FilterRecipes *services = run->env->recipes;
	g_autofree char *path = recipe_run_path(run, value);

	if (services->path_kind != NULL && services->path_kind(run->env, path) == PATH_MISSING) {
		recipe_run_note(run, line, "there is no directory '%s'", path);
	} else {
		recipe_vars_set(run->state->vars, "MAILDIR", value);
		g_free(run->state->folder);
		run->state->folder = g_steal_pointer(&path);
	}
}

/* What was planned under a lock is done at the end: then the lock stays until then. */
static void
drop_lock(RecipeRun *run)
{
	RecipeState *state = run->state;
	if (state->lock != NULL && plan_count(run->plan) == state->lock_actions)
		run->env->recipes->drop_lock(run->env, state->lock);
	state->lock = NULL;
}

/* Nothing was done yet but what programs did: all of it comes again. */
static bool
put_off(RecipeRun *run, const char *lock, unsigned line, Status *st)
{
	plan_rewind(run->plan, run->start);
	run->put_off = true;
	g_autoptr(PlanAction) action = plan_action_new(PLAN_DEFER, recipe_run_file(run), line);
	g_autofree char *name = g_path_get_basename(lock);
	action->text = g_strdup_printf(
		"the lock '%s' of the recipient's rules is held by another program", name);
	action->answer = STATUS_LOCKED;
	recipe_run_note(run, line, "LOCKFILE '%s' is held by another program", lock);

	return plan_add(run->plan, g_steal_pointer(&action), st);
}

/*
 * The lock before is given back first, as procmail does it. One that cannot be made stops nothing.
 */
static bool
set_lock(RecipeRun *run, const char *value, unsigned line, Status *st)
{
	const FilterRecipes *services = run->env->recipes;

	drop_lock(run);
	if (value == NULL || *value == '\0' || services->take_lock == NULL)
		return true;

	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *path = recipe_run_path(run, value);
	run->state->lock = services->take_lock(
		run->env, path, recipe_vars_text(run->state->vars, "LOCKTIMEOUT"), &fault);
	run->state->lock_actions = plan_count(run->plan);
	if (run->state->lock == NULL && fault.id == STATUS_LOCKED)
		return put_off(run, value, line, st);

	if (run->state->lock == NULL)
		recipe_run_note(run, line, "no LOCKFILE '%s': %s", value, fault.detail);
	return true;
}

/*
 * Give a variable its value, and do what names with a meaning of their own ask for. `value` NULL:
 * unset.
 */
static bool
assign(RecipeRun *run, const char *name, const char *value, unsigned line, Status *st)
{
	RecipeState *state = run->state;
	if (strcmp(name, "HOST") == 0)
		return set_host(run, value, line, st);

	if (strcmp(name, "MAILDIR") == 0 && value != NULL) {
		set_maildir(run, value, line);
		return true;
	}

	recipe_vars_set(state->vars, name, value);
	if (strcmp(name, "LOG") == 0 && value != NULL)
		recipe_log_text(run, value);
	else if (strcmp(name, "LOCKFILE") == 0)
		return set_lock(run, value, line, st);
	else if (strcmp(name, "SHIFT") == 0 && value != NULL)
		shift_arguments(state, value);
	else if (strcmp(name, "INCLUDERC") == 0 && value != NULL)
		return include_file(run, value, false, line, st);
	else if (strcmp(name, "SWITCHRC") == 0 && value != NULL && *value != '\0' &&
	         strcmp(value, "/dev/null") != 0)
		return include_file(run, value, true, line, st);
	else if (strcmp(name, "SWITCHRC") == 0)
		leave_file(state);
	else if (strcmp(name, "DELIVERED") == 0)
		recipe_run_note(run, line, "DELIVERED is not heeded: it can lose mail");

	return true;
}

bool
recipe_run_take_value(RecipeRun *run, const char *name, const char *value, unsigned line,
                      Status *st)
{
	return assign(run, name, value, line, st);
}

static RecipeState *
state_copy(const RecipeState *state)
{
	RecipeState *copy = g_new(RecipeState, 1);

	*copy = *state;
	copy->is_clone = true;
	copy->lock = NULL; /* the original holds it */
	copy->vars = recipe_vars_copy(state->vars);
	copy->folder = g_strdup(state->folder);
	copy->first = g_strdup(state->first);
	copy->edited_at = g_strdup(state->edited_at);
	copy->mail = recipe_mail_ref(state->mail);
	copy->frames = g_array_copy(state->frames);
	copy->args = g_ptr_array_copy(state->args, (GCopyFunc) (void (*)(void)) g_strdup, NULL);
	g_ptr_array_set_free_func(copy->args, g_free);

	return copy;
}

static void
state_free(RecipeState *state)
{
	recipe_vars_free(state->vars);
	recipe_mail_unref(state->mail);
	g_array_unref(state->frames);
	g_free(state->folder);
	g_free(state->first);
	g_free(state->edited_at);
	g_ptr_array_unref(state->args);
	g_free(state);
}

/* Each recipe that is read has a score of its own, also one that is left out. */
static void
skip_block(RecipeState *state, const GPtrArray *nodes)
{
	for (guint i = 0; i < nodes->len; i++) {
		const RecipeNode *node = nodes->pdata[i];
		if (node->kind == RECIPE_RULE)
			state->score = 0;
	}
}

/* What a copy ended with, to one that has waited for it. */
static void
take_clone_code(RecipeRun *run, const RecipeFlags *flags, int code)
{
	run->state->exit_code = code;
	run->state->chain.succeeded = code == 0;
	if (code != 0 && !flags->quiet)
		recipe_log_complain(run, "Program failure (%d) of \"procmail\"", code);
	else if (code != 0)
		recipe_log_say(run, "Non-zero exitcode (%d) from \"procmail\"", code);
}

/*
 * A block with `c`: a copy of the run goes into the block and on behind it, to the end; this one
 * jumps over the block.
 */
static bool
run_clone(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, Status *st)
{
	enum { OCTET = 0xff };

	if (++run->clones > LIMIT_RECIPE_CLONES)
		return status_fail_detail(st, STATUS_LIMIT, "%s:%u: more than %u blocks with 'c'",
		                          recipe_run_file(run), node->line, LIMIT_RECIPE_CLONES);
	RecipeState *own = run->state;
	run->state = state_copy(own);
	push_block(run, node);
	skip_block(own, node->block);

	bool ran = run_to_end(run, st);
	drop_lock(run);
	long code = strtol(recipe_vars_text(run->state->vars, "EXITCODE"), NULL, 10);
	state_free(run->state);
	run->state = own;
	if (ran && flags->waits)
		take_clone_code(run, flags, code > 0 ? (int) (code & OCTET) : 0);

	return ran;
}

static bool
is_tried(const RecipeChain *chain, const RecipeFlags *flags)
{
	if (flags->on_failure)
		return chain->matched && !chain->succeeded &&
		       (chain->chain_matched || !flags->also);

	if (flags->otherwise && chain->matched)
		return false;
	if (flags->also_success)
		return chain->chain_matched && chain->succeeded;

	return !flags->also || chain->chain_matched;
}

static void
remember_match(RecipeChain *chain, const RecipeFlags *flags, bool matched)
{
	if (!flags->also && !flags->also_success)
		chain->chain_matched = matched;
	if (!chain->matched || !flags->otherwise)
		chain->matched = matched;
}

static bool
act(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, Status *st)
{
	if (node->action_kind == RECIPE_ACTION_BLOCK) {
		run->state->chain.succeeded = true;
		if (flags->copies)
			return run_clone(run, node, flags, st);
		push_block(run, node);
		return true;
	}

	bool succeeded = false;
	bool done = recipe_action_do(run, node, flags, &succeeded, st);
	run->state->chain.succeeded = succeeded;

	return done;
}

/*
 * The first line is expanded only where there is something to expand: it is read for every recipe.
 */
static char *
expand_start(RecipeRun *run, const char *start)
{
	if (strpbrk(start, "$`\"'\\") == NULL)
		return g_strdup(start);
	g_autoptr(GPtrArray) words = recipe_expand_words(run, start);
	g_ptr_array_add(words, NULL);
	return g_strjoinv(" ", (char **) words->pdata);
}

bool
recipe_run_spend(RecipeRun *run, guint64 work)
{
	run->work += work;
	if (run->work < FILTER_WORK_BEFORE_ASKING || run->overtime.id != STATUS_OK)
		return run->overtime.id == STATUS_OK;
	guint64 done = run->work;
	run->work = 0;
	return filter_may_go_on(run->env, done, &run->overtime);
}

static bool
run_rule(RecipeRun *run, const RecipeNode *node, Status *st)
{
	g_auto(RecipeFlags) flags = { 0 };
	RecipeState *state = run->state;

	if (++run->tried > LIMIT_RECIPE_TRIED)
		return status_fail_detail(st, STATUS_LIMIT,
		                          "%s:%u: more than %u recipes were tried",
		                          recipe_run_file(run), node->line, LIMIT_RECIPE_TRIED);

	if (node->action_kind == RECIPE_ACTION_NONE)
		return true;
	g_autofree char *start = expand_start(run, node->start.text);
	recipe_flags_parse(&flags, start);

	/* Of flags that exclude each other e counts. */
	if (flags.on_failure)
		flags.otherwise = flags.also_success = false;

	const RecipeCondFlags cond_flags = { flags.area, flags.case_counts };
	state->score = 0;
	bool matched = is_tried(&state->chain, &flags) && recipe_cond_hold(run, node, &cond_flags);
	if (run->overtime.id != STATUS_OK) {
		status_move(st, &run->overtime);
		status_prefix(st, "%s:%u", recipe_run_file(run), node->line);
		return false;
	}

	if (!matched && node->action_kind == RECIPE_ACTION_BLOCK)
		skip_block(state, node->block);
	remember_match(&state->chain, &flags, matched);
	if (matched && flags.unknown != '\0')
		recipe_log_complain(run, "Skipped \"%c\"", flags.unknown);

	if (matched && flags.unknown != '\0' && !run->strict) {
		recipe_run_note(run, node->line, "'%c' is not a flag: the recipe does nothing",
		                flags.unknown);
		state->chain.succeeded = false;
		return true;
	}

	return !matched || act(run, node, &flags, st);
}

/*
 * Octets of a value that procmail would take: what is longer it leaves out, and so do we where we
 * are to be strict.
 */
static size_t
line_buffer(const RecipeRun *run)
{
	enum { AT_LEAST = 128, USUAL = 2048 };
	const char *value = recipe_vars_get(run->state->vars, "LINEBUF");
	return value != NULL ? MAX(g_ascii_strtoull(value, NULL, 10), AT_LEAST) : USUAL;
}

static bool
run_node(RecipeRun *run, const RecipeNode *node, Status *st)
{
	if (node->kind == RECIPE_RULE)
		return run_rule(run, node, st);
	if (node->kind == RECIPE_UNSET) {
		recipe_log_say(run, "Assigning \"%s\"", node->name);
		return assign(run, node->name, NULL, node->line, st);
	}

	g_autofree char *value = recipe_expand_value(run, node->value.text);
	if (run->strict && strlen(value) > line_buffer(run)) {
		recipe_log_complain(run, "Exceeded LINEBUF");
		recipe_vars_set(run->state->vars, "PROCMAIL_OVERFLOW", "yes");
		return true;
	}

	recipe_log_say(run, "Assigning \"%s=%s\"", node->name, value);
	return assign(run, node->name, value, node->line, st);
}

/* EXITCODE as TRAP finds it; the recipes' own value stays. */
static void
preset_exit_code(RecipeState *state)
{
	if (recipe_vars_get(state->vars, "EXITCODE") != NULL)
		return;
	g_autofree char *number = g_strdup_printf("%d", state->failed_code);
	recipe_vars_set(state->vars, "EXITCODE", number);
}

static bool
asks_for_exit_code(const RecipeRun *run)
{
	return strtol(recipe_vars_text(run->state->vars, "EXITCODE"), NULL, 10) > 0;
}

/*
 * TRAP runs when all is done, so that it finds what was stored: the plan has it. Where the mail has
 * no place it runs now, because its exit code may decide (EXITCODE set, but empty), or because
 * nothing else of the plan will be done.
 */
static bool
run_trap(RecipeRun *run, Status *st)
{
	RecipeState *state = run->state;
	g_autofree char *command = g_strdup(recipe_vars_text(state->vars, "TRAP"));
	if (*command == '\0')
		return true;

	preset_exit_code(state);
	const char *code = recipe_vars_text(state->vars, "EXITCODE");
	bool decides = *code == '\0' && !state->keeps;
	bool refuses = state->failed_code != 0 ||
	               (asks_for_exit_code(run) && !state->keeps && !state->is_clone);
	if (!decides && !refuses)
		return recipe_plan_trap(run, command, st);

	g_autofree char *output = recipe_program_capture(run, command);
	recipe_log_text(run, output);
	if (!decides)
		return true;

	g_autofree char *number = g_strdup_printf("%d", run->state->exit_code);
	recipe_vars_set(run->state->vars, "EXITCODE", number);
	return true;
}

/*
 * Exit codes that have a name of their own in the mail system; all others are the owner's refusal.
 */
static StatusId
refusal(long code)
{
	return code == EX_NOUSER        ? STATUS_UNKNOWN_USER
	       : code == EX_DATAERR     ? STATUS_RULE_DATA
	       : code == EX_UNAVAILABLE ? STATUS_RULE_UNAVAILABLE
	                                : STATUS_RULE_REFUSED;
}

/*
 * EXITCODE speaks to the mail system: come again, or refuse. What was delivered is neither put off
 * nor refused, and a clone has nobody who asks for its code.
 */
static bool
finish_exit_code(RecipeRun *run, Status *st)
{
	long code = strtol(recipe_vars_text(run->state->vars, "EXITCODE"), NULL, 10);
	if (code <= 0 || run->state->is_clone)
		return true;

	bool again = code == EX_TEMPFAIL || code == EX_OSERR;
	g_autoptr(PlanAction)
		action = plan_action_new(again ? PLAN_DEFER : PLAN_REJECT, run->file, 0);
	action->text = g_strdup_printf("%s by the recipient's rules (exit code %ld)",
	                               again ? "held back" : "refused", code);
	action->answer = again ? STATUS_OK : refusal(code);

	g_auto(Status) conflict = STATUS_INIT;
	if (again && !run->state->keeps)
		return plan_add(run->plan, g_steal_pointer(&action), st);

	if (run->state->keeps || !plan_add(run->plan, g_steal_pointer(&action), &conflict))
		recipe_run_note(run, 0, "EXITCODE=%ld is not heeded: the mail was delivered", code);
	return true;
}

/* Run the state to its end, with what comes after the last recipe. */
static bool
run_to_end(RecipeRun *run, Status *st)
{
	RecipeState *state = run->state;

	while (state->frames->len > 0 && !state->ended && !run->put_off) {
		RecipeFrame *frame = &g_array_index(state->frames, RecipeFrame,
		                                    state->frames->len - 1);
		if (frame->next == frame->nodes->len)
			pop_frame(state);
		else if (!run_node(run, frame->nodes->pdata[frame->next++], st))
			return false;
	}

	if (run->put_off)
		return true;
	bool has_code = asks_for_exit_code(run) ||
	                g_strcmp0(recipe_vars_get(state->vars, "EXITCODE"), "") == 0;
	bool stopped = state->ended && !state->delivered;
	bool stopped_with_code = stopped && has_code;
	if (!state->delivered && !stopped_with_code && !recipe_default_store(run, st))
		return false;
	if (!run_trap(run, st))
		return false;
	/* An empty EXITCODE that no TRAP has filled says nothing. */
	if (stopped_with_code && !asks_for_exit_code(run) && !recipe_default_store(run, st))
		return false;

	return state->failed_code != 0 || finish_exit_code(run, st);
}

/* What recipes find set: procmailrc(5), defaults. */
static void
set_defaults(RecipeState *state, FilterEnv *env, const FilterInput *input)
{
	static const char *const defaults[][2] = {
		{ "SHELL", "/bin/sh" },
		{ "SHELLMETAS", "&|<>~;?*[" },
		{ "SHELLFLAGS", "-c" },
		{ "LINEBUF", "2048" },
		{ "TZ", NULL },
		{ "MSGPREFIX", "msg." },
		{ "SENDMAIL", RECIPE_SENDMAIL },
		{ "SENDMAILFLAGS", "-oi" },
		{ "LOCKEXT", ".lock" },
		{ "PROCMAIL_VERSION", "3.23pre" },
		{ "HOME", NULL },
		{ "MAILDIR", NULL },
		{ "DEFAULT", NULL },
		{ "ORGMAIL", NULL },
		{ "HOST", NULL },
		{ "LOGNAME", NULL },
		{ "LOGFILE", NULL },
		{ "LOGABSTRACT", NULL },
	};
	const FilterRecipes *services = env->recipes;
	const char *home = services->recipe_variable != NULL
	                           ? services->recipe_variable(env, "HOME")
	                           : NULL;
	g_autofree char *path = g_strconcat(home != NULL ? home : "", "/bin:" RECIPE_SITE_PATH,
	                                    NULL);

	recipe_vars_set(state->vars, "LOGNAME", input->user);
	recipe_vars_set(state->vars, "PATH", home != NULL ? path : RECIPE_SITE_PATH);
	for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++) {
		const char *name = defaults[i][0];
		const char *value = services->recipe_variable != NULL
		                            ? services->recipe_variable(env, name)
		                            : NULL;
		if (value != NULL || defaults[i][1] != NULL)
			recipe_vars_set(state->vars, name, value != NULL ? value : defaults[i][1]);
	}

	if (recipe_vars_get(state->vars, "MAILDIR") == NULL)
		recipe_vars_set(state->vars, "MAILDIR", recipe_vars_get(state->vars, "HOME"));
	for (unsigned n = 1; services->recipe_variable != NULL && n <= LIMIT_RECIPE_NESTING; n++) {
		g_autofree char *name = g_strdup_printf("%u", n);
		const char *value = services->recipe_variable(env, name);
		if (value == NULL)
			break;
		g_ptr_array_add(state->args, g_strdup(value));
	}
}

static RecipeState *
state_new(const FilterInput *input, FilterEnv *env, RecipeMail *taken_mail)
{
	RecipeState *state = g_new0(RecipeState, 1);

	state->vars = recipe_vars_new();
	state->mail = taken_mail;
	state->frames = g_array_new(FALSE, FALSE, sizeof(RecipeFrame));
	state->args = g_ptr_array_new_with_free_func(g_free);
	set_defaults(state, env, input);
	state->folder = g_strdup(recipe_vars_text(state->vars, "MAILDIR"));

	return state;
}

/* What comes before the file goes on top of it. */
static void
push_prelude(RecipeRun *run)
{
	const FilterRecipes *services = run->env->recipes;
	const char *text = services->recipe_prelude != NULL ? services->recipe_prelude(run->env)
	                                                    : NULL;
	if (text == NULL)
		return;

	const FilterSource source = {
		.file = "command line", .text = text, .len = strlen(text), .trust = SCRIPT_OWNER
	};
	GPtrArray *nodes = recipe_parse(&source, NULL);
	if (nodes == NULL)
		return;

	g_ptr_array_add(run->files, nodes);
	push_frame(run, nodes, "command line");
}

bool
recipe_run(const GPtrArray *nodes, const char *file, const FilterInput *input, FilterEnv *env,
           Plan *plan, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	RecipeMail *mail = recipe_mail_read(input, env, &fault);

	/* A file without a rule has only DEFAULT to offer: that needs no more than the header. */
	bool is_too_big = mail == NULL && fault.id == STATUS_LIMIT && nodes->len == 0;

	if (is_too_big)
		mail = recipe_mail_read_header(input, env);
	if (mail == NULL) {
		status_move(st, &fault);
		return false;
	}

	RecipeRun run = {
		.input = input,
		.env = env,
		.plan = plan,
		.file = file,
		.start = plan_mark(plan),
		.strict = env->conf->recipe_compat == CONF_RECIPE_COMPAT_STRICT,
		.state = state_new(input, env, mail),
		.files = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref),
		.names = g_ptr_array_new_with_free_func(g_free),
		.has_body = !is_too_big,
	};
	run.state->first = g_strdup(file);
	if (is_too_big) {
		recipe_run_note(&run, 0, "%s", fault.detail);
	} else {
		push_frame(&run, nodes, file);
		push_prelude(&run);
	}

	bool ran = run_to_end(&run, st);
	state_free(run.state);
	g_ptr_array_unref(run.files);
	g_ptr_array_unref(run.names);

	return ran;
}
