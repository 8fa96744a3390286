/* SPDX-License-Identifier: MIT */
/* scripts: find them, read them, run them in their order. */
#include "agent/run/script-chain.h"

#include "agent/base/fs.h"
#include "agent/base/handover.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"
#include "conf/conf-choices.h"
#include "agent/base/problem.h"
#include "agent/base/texts.h"
#include "agent/run/sandbox.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void
script_free(gpointer data)
{
	Script *script = data;
	g_free(script->path);
	g_free(script);
}

static Script *
add_script(ScriptChain *list, ScriptRole role, const char *path)
{
	Script *script = g_new(Script, 1);
	*script = (Script){ role, g_strdup(path), false, { .rule = TRUST_ALL } };
	g_ptr_array_add(list->scripts, script);
	return script;
}

static Script *
add_owners_file(ScriptChain *list, const Account *account, const char *path)
{
	Script *script = add_script(list, SCRIPT_OWN, path);
	script->trust = trust_of_owner(TRUST_OWNER, account, script->path);
	return script;
}

/* What a list of settings is searched for. */
typedef struct {
	const Conf *conf;
	const Account *account;
	const RecipeCall *recipes;
} Search;

/* The site's scripts that `setting` names. */
static bool
add_site(ScriptChain *list, const Search *search, ScriptRole role, const char *setting,
         char *const *paths, Status *st)
{
	for (; *paths != NULL; paths++) {
		g_autofree char *path = account_expand(search->account, *paths, st);
		if (path == NULL)
			return false;
		Script *script = add_script(list, role, path);
		script->trust = trust_of_site(search->conf, setting, script->path);
	}
	return true;
}

/* A setting that names one script of the site, or none. */
static bool
add_one(ScriptChain *list, const Search *search, ScriptRole role, const char *setting, char *path,
        Status *st)
{
	char *paths[] = { path, NULL };
	return *path == '\0' || add_site(list, search, role, setting, paths, st);
}

/* The first of the owner's places that has a script, else the site's default. */
static bool
add_own(ScriptChain *list, const Search *search, Status *st)
{
	for (char **place = search->conf->sieve_scripts; *place != NULL; place++) {
		g_autofree char *path = account_expand(search->account, *place, st);
		if (path == NULL)
			return false;
		/* one that is there and cannot be read, or trusted, is told when it is to run */
		if (!outcome_script_is_there(path)) {
			g_ptr_array_add(list->absent, g_steal_pointer(&path));
			continue;
		}
		(void) add_owners_file(list, search->account, path);
		return true;
	}
	return add_one(list, search, SCRIPT_DEFAULT, "sieve_default", search->conf->sieve_default,
	               st);
}

static bool
add_recipes(ScriptChain *list, const Search *search, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *path = recipes_find(search->conf, search->account, search->recipes,
	                                     &fault);

	if (path != NULL)
		add_owners_file(list, search->account, path)->is_recipes = true;
	status_move(st, &fault);
	return st->id == STATUS_OK;
}

/* Are there recipes that could decide about a mail, and not only a DEFAULT for what is left? */
static bool
has_recipes(const Conf *conf, const Account *account, const RecipeCall *recipes)
{
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *path = recipes_find(conf, account, recipes, &fault);
	return path == NULL || strcmp(path, RECIPES_NONE) != 0 || recipes_site_runs(conf, recipes);
}

/* What the owner has of both languages. */
static bool
add_owners(ScriptChain *list, const Search *search, Status *st)
{
	bool recipes_first = search->conf->recipe_order == CONF_RECIPE_ORDER_RECIPES_FIRST;
	if (recipes_first && has_recipes(search->conf, search->account, search->recipes))
		return add_recipes(list, search, st) && add_own(list, search, st);
	return add_own(list, search, st) && add_recipes(list, search, st);
}

bool
script_chain_find(const Conf *conf, const Account *account, const RecipeCall *recipes,
                  ScriptChain *ret_list, Status *st)
{
	g_auto(ScriptChain) list = { g_ptr_array_new_with_free_func(script_free),
		                     g_ptr_array_new_with_free_func(g_free) };
	const Search search = { conf, account, recipes };
	bool alone = recipes != NULL && recipes->alone;
	bool found = alone ? add_recipes(&list, &search, st)
	                   : add_site(&list, &search, SCRIPT_BEFORE, "sieve_before",
	                              conf->sieve_before, st) &&
	                             add_owners(&list, &search, st) &&
	                             add_site(&list, &search, SCRIPT_AFTER, "sieve_after",
	                                      conf->sieve_after, st) &&
	                             add_one(&list, &search, SCRIPT_DISCARD, "sieve_discard",
	                                     conf->sieve_discard, st);

	if (!found)
		return false;
	*ret_list = list;
	list = (ScriptChain){ NULL, NULL };

	return true;
}

void
script_chain_given(ScriptChain *list, const char *const *before, const char *script,
                   const char *const *after)
{
	*list = (ScriptChain){ g_ptr_array_new_with_free_func(script_free), NULL };
	for (; before != NULL && *before != NULL; before++)
		add_script(list, SCRIPT_BEFORE, *before);
	add_script(list, SCRIPT_OWN, script);
	for (; after != NULL && *after != NULL; after++)
		add_script(list, SCRIPT_AFTER, *after);
}

void
script_chain_replace_own(ScriptChain *list, const Account *account, const char *path)
{
	GPtrArray *old = g_steal_pointer(&list->scripts);
	guint i = 0;

	list->scripts = g_ptr_array_new_with_free_func(script_free);
	for (; i < old->len && ((Script *) old->pdata[i])->role == SCRIPT_BEFORE; i++)
		g_ptr_array_add(list->scripts, g_steal_pointer(&old->pdata[i]));
	(void) add_owners_file(list, account, path);
	for (; i < old->len; i++) {
		const Script *script = old->pdata[i];
		if (script->role == SCRIPT_AFTER || script->role == SCRIPT_DISCARD)
			g_ptr_array_add(list->scripts, g_steal_pointer(&old->pdata[i]));
	}

	g_ptr_array_set_free_func(old, NULL);
	for (i = 0; i < old->len; i++)
		if (old->pdata[i] != NULL)
			script_free(old->pdata[i]);
	g_ptr_array_unref(old);
}

void
script_chain_clear(ScriptChain *list)
{
	g_clear_pointer(&list->scripts, g_ptr_array_unref);
	g_clear_pointer(&list->absent, g_ptr_array_unref);
}

static void
set_free(gpointer set)
{
	script_set_free(set);
}

static void
broken_free(gpointer data)
{
	ScriptChainBroken *broken = data;
	g_free(broken->path);
	g_free(broken->errors);
	script_set_free(broken->set);
	g_free(broken);
}

void
script_chain_report_init(ScriptChainReport *report)
{
	report->problems = problem_list_new();
	report->notes = g_ptr_array_new_with_free_func(g_free);
	report->served = g_ptr_array_new_with_free_func(set_free);
	report->broken = g_ptr_array_new_with_free_func(broken_free);
	report->absent = NULL;
	report->decided_by = NULL;
	report->is_overdue = false;
	report->put_off = (Status) STATUS_INIT;
}

void
script_chain_report_clear(ScriptChainReport *report)
{
	g_clear_pointer(&report->problems, g_ptr_array_unref);
	g_clear_pointer(&report->notes, g_ptr_array_unref);
	g_clear_pointer(&report->served, g_ptr_array_unref);
	g_clear_pointer(&report->broken, g_ptr_array_unref);
	g_clear_pointer(&report->absent, g_ptr_array_unref);
	g_clear_pointer(&report->decided_by, g_free);
	status_clear(&report->put_off);
}

const char *
script_chain_role_name(ScriptRole role)
{
	static const char *const names[] = { "before", "owner", "default", "after", "discard" };
	return names[role];
}

/* One script, and what it looks at and fills. */
typedef struct {
	const Script *script;
	const FilterInput *input;
	Services *services;
	Plan *plan;
	ScriptChainReport *report;
} Run;

static void note(const Run *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
note(const Run *run, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_ptr_array_add(run->report->notes, g_strdup_vprintf(format, args));
	va_end(args);
}

static bool
read_script(const Run *run, ScriptSet *set, Status *st)
{
	FilterEnv *env = services_env(run->services);
	const char *path = run->script->path;
	size_t limit = (size_t) env->conf->sieve_max_script_size, len;
	char *text = NULL;

	if (!fs_read_judged(AT_FDCWD, path, limit, trust_judge, &run->script->trust, &text, &len,
	                    st))
		return false;
	script_set_add(set, PLACE_PATH, path, path, text, len);
	return true;
}

/* The first error of a script that did not compile: one note, as there may be many problems. */
static void
take_first_error(const Run *run, const GPtrArray *problems, guint first, Status *st)
{
	for (guint i = first; problems != NULL && i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		if (problem->severity != PROBLEM_ERROR)
			continue;
		status_fail_detail(st, STATUS_SCRIPT, "%s:%u:%u: %s", problem->file, problem->line,
		                   problem->column, problem->text);
		return;
	}
	status_fail_detail(st, STATUS_SCRIPT, "%s: it does not compile", run->script->path);
}

/*
 * The script as it lies there, whose includes are added to `set`; or, where `problems` is NULL, all
 * of it as it is in the set.
 */
static FilterProgram *
compile(const Run *run, const Filter *engine, ScriptSet *set, GPtrArray *problems, Status *st)
{
	const ScriptText *script = script_set_first(set);
	bool is_kept = problems == NULL;
	g_autofree char *file = g_strconcat(script->file, is_kept ? " (last good)" : NULL, NULL);
	FilterSource source = {
		.file = file,
		.text = script->text,
		.len = script->len,
		.trust = run->script->role == SCRIPT_OWN ? SCRIPT_OWNER : SCRIPT_SITE,
	};
	guint first_problem = problems != NULL ? problems->len : 0;

	services_include(run->services, is_kept ? NULL : set, is_kept ? set : NULL);
	FilterProgram *program = engine->compile(&source, services_env(run->services), problems);
	services_include(run->services, NULL, NULL);
	if (program == NULL)
		take_first_error(run, problems, first_problem, st);

	return program;
}

/*
 * A fault that passes by itself: the script is neither absent nor wrong, only not to be had now.
 * True: the mail is put off, as `fault` says, unless that has gone on for too long already.
 */
static bool
puts_off(const Run *run, Status *fault)
{
	if (outcome_find(OUTCOME_OF_SCRIPT, fault->id) != OUTCOME_PUT_OFF_A_DAY &&
	    !sandbox_hides(fault))
		return false;
	if (run->report->is_overdue) {
		note(run, "deferred for as long as defer_at_most allows");
		return false;
	}

	status_prefix(fault, "%s", run->script->path);
	status_move(&run->report->put_off, fault);
	return true;
}

/*
 * Run it over the message as earlier scripts have left it, and free it; what fails has done
 * nothing.
 */
static bool
run_program(const Run *run, const Filter *engine, FilterProgram *program, const ScriptSet *set,
            Status *st)
{
	g_autoptr(Headers) headers = plan_keep_headers(run->plan) != NULL
	                                     ? headers_ref(plan_keep_headers(run->plan))
	                                     : NULL;
	g_autoptr(Message) message = plan_keep_message(run->plan) != NULL
	                                     ? message_ref(plan_keep_message(run->plan))
	                                     : NULL;
	FilterInput edited = *run->input;

	if (headers != NULL)
		edited.headers = headers;
	if (message != NULL)
		edited.message = message;
	PlanMark mark = plan_mark(run->plan);
	services_begin_time(run->services, set);
	bool ran = engine->run(program, &edited, services_env(run->services), run->plan, st);
	services_end_time(run->services);
	engine->free(program);

	if (!ran) {
		plan_rewind(run->plan, mark);
		note(run, "%s; the script's actions were dropped", st->detail);
	}

	plan_inherit(run->plan, mark, headers, message);
	return ran;
}

/* Compile a set (see above) and run it. Faults are noted. */
static bool
run_set(const Run *run, ScriptSet *set, GPtrArray *problems, Status *st)
{
	const Filter *engine = filter_for_sieve(services_env(run->services), run->input->user);
	FilterProgram *program = compile(run, engine, set, problems, st);

	if (program == NULL) {
		note(run, "%s; the script was not run", st->detail);
		return false;
	}

	return run_program(run, engine, program, set, st);
}

/*
 * Is it the script that is wrong, and not a program or a list that it asks for, or what an earlier
 * script has done?
 */
static bool
blames_script(const Run *run, const Status *fault, bool was_read)
{
	bool quarrels = fault->id == STATUS_CONFLICT && !plan_is_outvoted(run->plan);
	return !was_read || quarrels || fault->id == STATUS_SCRIPT || fault->id == STATUS_LIMIT;
}

static ScriptMemory
memory_of(const Run *run)
{
	const ServicesLive *live = services_live(run->services);
	return (ScriptMemory){ live->state, run->input->user, services_env(run->services)->now,
		               live->notes };
}

/* A version of the script that served once is better than no script. */
static bool
serve_last(const Run *run, const ScriptSet *broken)
{
	const ScriptMemory memory = memory_of(run);
	g_auto(Status) fault = STATUS_INIT;
	g_autoptr(ScriptSet) last = script_memory_recall(&memory, run->script->path);

	if (last == NULL || script_set_sum(last) == script_set_sum(broken) ||
	    !run_set(run, last, NULL, &fault))
		return false;
	note(run, "the version of the script that served last was run");
	return true;
}

/* The errors as `todoke check` prints them; not more than a person can read. Caller frees. */
static char *
print_errors(const GPtrArray *problems, guint first, const ScriptSet *set, const Status *fault)
{
	GString *out = g_string_new(NULL);

	for (guint i = first; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		const ScriptText *source = script_set_find_file(set, problem->file);
		g_autofree char *text = problem_print(problem,
		                                      source != NULL ? source->text : NULL);
		if (problem->severity == PROBLEM_ERROR &&
		    out->len + strlen(text) < LIMIT_NOTICE_BYTES)
			g_string_append(out, text);
	}

	if (out->len == 0)
		g_string_append_printf(out, "%s\n", fault->detail);
	return g_string_free(out, FALSE);
}

/* A script that could not serve; `replaced`: the version that served last did. */
static void
add_broken(const Run *run, guint first_problem, ScriptSet *taken_set, const Status *fault,
           bool replaced)
{
	ScriptChainBroken *broken = g_new(ScriptChainBroken, 1);
	*broken = (ScriptChainBroken){
		.path = g_strdup(run->script->path),
		.errors = print_errors(run->report->problems, first_problem, taken_set, fault),
		.replaced = replaced,
		.is_own = run->script->role == SCRIPT_OWN,
		.is_recipes = run->script->is_recipes,
		.set = taken_set,
	};
	g_ptr_array_add(run->report->broken, broken);
}

/* Nothing served in place of a broken script: the mail waits for a better one (rules_fallback). */
static void
wait_for_better(const Run *run, Status *fault)
{
	const Conf *conf = services_env(run->services)->conf;
	if (conf->rules_fallback == CONF_RULES_FALLBACK_DEFER && !run->report->is_overdue)
		status_move(&run->report->put_off, fault);
}

/* False: neither the script nor a version of it could be run. */
static bool
run_script(const Run *run)
{
	g_autoptr(ScriptSet) set = script_set_new();
	g_auto(Status) fault = STATUS_INIT;
	guint first_problem = run->report->problems->len;
	bool was_read = read_script(run, set, &fault);

	/*
	 * When it was looked for, a passing fault hid that there is none: the owner has no script.
	 */
	bool is_owners = run->script->role == SCRIPT_OWN;

	if (!was_read && is_owners && fault.id == STATUS_MISSING &&
	    !outcome_script_is_there(run->script->path))
		return false;
	if (!was_read)
		note(run, "%s; the script was not run", fault.detail);
	if (was_read && run_set(run, set, run->report->problems, &fault)) {
		g_ptr_array_add(run->report->served, g_steal_pointer(&set));
		return true;
	}

	services_blame(run->services, &fault);
	if (puts_off(run, &fault))
		return false;
	if (services_live(run->services) == NULL || !blames_script(run, &fault, was_read))
		return false;

	bool replaced = serve_last(run, set);
	add_broken(run, first_problem, g_steal_pointer(&set), &fault, replaced);
	if (!replaced)
		wait_for_better(run, &fault);
	return replaced;
}

/* What log and record call a script. */
static const char *
name_of(const Script *script)
{
	return strcmp(script->path, RECIPES_NONE) == 0 ? RECIPES_NONE_NAME : script->path;
}

/* The file of recipes, into `set`; nothing where only the site's run. */
static bool
read_recipes(const Run *run, ScriptSet *set, Status *st)
{
	const char *path = run->script->path, *name = name_of(run->script);
	const ServicesLive *live = services_live(run->services);
	char *text = NULL;
	size_t len = 0;

	if (live != NULL && !live->no_programs && fs_own_euid() == 0)
		return status_fail_detail(st, STATUS_CONFIG, "%s: recipes never run as root", path);
	bool is_file = strcmp(path, RECIPES_NONE) != 0;
	const Trust *trust = &run->script->trust;
	if (is_file && !fs_read_judged(AT_FDCWD, path, LIMIT_RECIPE_FILE_BYTES, trust_judge, trust,
	                               &text, &len, st))
		return false;

	script_set_add(set, PLACE_PATH, name, name, text != NULL ? text : g_strdup(""), len);
	return true;
}

/*
 * Compile and run them. What is wrong in them does nothing, and says so when it is its turn: while
 * mail is delivered nobody waits for a list of findings, unless it is all that the owner gets.
 */
static bool
run_recipe_set(const Run *run, const ScriptSet *set, Status *st)
{
	guint first_problem = run->report->problems->len;
	const ScriptText *text = script_set_first(set);
	const Filter *engine = filter_find("recipe");
	FilterEnv *env = services_env(run->services);
	const FilterSource source = {
		.file = text->file, .text = text->text, .len = text->len, .trust = SCRIPT_OWNER
	};
	FilterProgram *program = engine->compile(&source, env,
	                                         env->unwatched ? NULL : run->report->problems);

	if (program == NULL) {
		if (env->unwatched)
			engine->free(engine->compile(&source, env, run->report->problems));
		take_first_error(run, run->report->problems, first_problem, st);
		note(run, "%s; the recipes were not run", st->detail);
		return false;
	}

	services_hear_recipes(run->services, true);
	bool ran = run_program(run, engine, program, set, st);
	services_hear_recipes(run->services, false);

	return ran;
}

/* Without the file: what the command line and the site say, and DEFAULT. */
static bool
run_without_file(const Run *run)
{
	g_autoptr(ScriptSet) empty = script_set_new();
	g_auto(Status) fault = STATUS_INIT;
	const ServicesLive *live = services_live(run->services);

	if (live != NULL && !live->no_programs && fs_own_euid() == 0)
		return false;
	script_set_add(empty, PLACE_PATH, run->script->path, run->script->path, g_strdup(""), 0);
	return run_recipe_set(run, empty, &fault);
}

/*
 * The owner's recipes, which never run as root. Where they cannot serve, no older version does:
 * what they mean depends on files that they include, and on programs, as those are now.
 */
static bool
run_recipes(const Run *run)
{
	handover_go("recipes"); /* they run programs on their way */
	g_autoptr(ScriptSet) set = script_set_new();
	g_auto(Status) fault = STATUS_INIT;
	guint first_problem = run->report->problems->len;
	bool was_read = read_recipes(run, set, &fault);

	if (!was_read)
		note(run, "%s; the recipes were not run", fault.detail);
	if (was_read && run_recipe_set(run, set, &fault))
		return true;
	if (puts_off(run, &fault))
		return false;

	bool is_own = strcmp(run->script->path, RECIPES_NONE) != 0;
	bool is_closed = outcome_find(OUTCOME_OF_SCRIPT, fault.id) == OUTCOME_LAST_GOOD ||
	                 fault.id == STATUS_MISSING;
	if (is_own && (is_closed || blames_script(run, &fault, true))) {
		add_broken(run, first_problem, g_steal_pointer(&set), &fault, false);
		wait_for_better(run, &fault);
	}

	return run->report->put_off.id == STATUS_OK && run_without_file(run);
}

/* Would nobody get the message, and is it kept nowhere? */
static bool
would_discard(const Plan *plan)
{
	if (plan_keeps_implicitly(plan))
		return false;
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		if (plan_kind_row(action->kind)->role != PLAN_ROLE_DISPOSES &&
		    plan_kind_cancels_keep(action->kind))
			return false;
	}

	return true;
}

/*
 * The last word on a message that nobody would get. Nobody knows what a broken one would have said:
 * then it is kept.
 */
static void
run_discard(const Run *run)
{
	if (!would_discard(run->plan))
		return;
	if (!run_script(run)) {
		note(run, "the message is not discarded");
		plan_set_implicit_keep(run->plan, true);
	}

	if (would_discard(run->plan))
		return;
	g_free(run->report->decided_by);
	run->report->decided_by = g_strdup(name_of(run->script));
}

/*
 * Before a script: the last one that wrote a keep has decided, unless this one or a later one does.
 */
static void
pass_keep(const Script *before, Plan *plan, ScriptChainReport *report)
{
	if (!plan_next_script(plan))
		return;
	g_free(report->decided_by);
	report->decided_by = g_strdup(name_of(before));
}

void
script_chain_report_absent(ScriptChainReport *report, const ScriptChain *list)
{
	g_clear_pointer(&report->absent, g_ptr_array_unref);
	report->absent = list->absent != NULL ? g_ptr_array_ref(list->absent) : NULL;
}

bool
script_chain_run(const ScriptChain *list, const FilterInput *input, Services *services, Plan *plan,
                 ScriptChainReport *report, Status *st)
{
	for (guint i = 0; i < list->scripts->len && report->put_off.id == STATUS_OK; i++) {
		const Script *script = list->scripts->pdata[i];
		const Run run = { script, input, services, plan, report };
		if (script->role == SCRIPT_DISCARD) {
			run_discard(&run);
			continue;
		}
		if (i > 0)
			pass_keep(list->scripts->pdata[i - 1], plan, report);
		if (!plan_keeps_implicitly(plan))
			continue;
		/* whoever fails leaves the keep in force */
		(void) (script->is_recipes ? run_recipes : run_script)(&run);
		if (!plan_keeps_implicitly(plan)) {
			g_free(report->decided_by);
			report->decided_by = g_strdup(name_of(script));
		}
	}

	if (report->put_off.id == STATUS_OK)
		return true;
	status_move(st, &report->put_off);
	return false;
}

static void
tell_owner(const ScriptChainBroken *broken, const ScriptMemory *memory, const NoticeFrame *frame,
           Maildir *inbox)
{
	if (!script_memory_must_tell(memory, broken->path, broken->set))
		return;
	g_autofree char *instead = texts_for_owner(broken->replaced ? TEXT_NOTICE_RULES_LAST_GOOD
	                                                            : TEXT_NOTICE_RULES_NONE,
	                                           NULL),
			*again = texts_for_owner(TEXT_NOTICE_RULES_AGAIN, NULL);
	const TextValue values[] = {
		{ "errors", broken->errors },
		{ "instead", instead },
		{ "again", broken->is_recipes ? "" : again },
		{ NULL, NULL },
	};
	g_autofree char *subject = texts_for_owner(TEXT_NOTICE_RULES_SUBJECT, NULL),
			*text = texts_for_owner(TEXT_NOTICE_RULES_BODY, values);
	g_auto(Status) fault = STATUS_INIT;
	if (notice_store(frame, inbox, subject, text, &fault)) {
		g_ptr_array_add(memory->notes, g_strdup("the owner is told of the broken script"));
		return;
	}

	g_ptr_array_add(
		memory->notes,
		g_strdup_printf("the owner is not told of the broken script: %s", fault.detail));
	script_memory_untold(memory, broken->path, broken->set);
}

bool
script_chain_is_settled(const ScriptChainReport *report, const ScriptMemory *memory)
{
	for (guint i = 0; i < report->served->len; i++)
		if (!script_memory_has(memory, report->served->pdata[i]))
			return false;
	for (guint i = 0; report->absent != NULL && i < report->absent->len; i++)
		if (script_memory_knows(memory, report->absent->pdata[i]))
			return false;
	return report->broken->len == 0;
}

void
script_chain_settle(const ScriptChainReport *report, const ScriptMemory *memory,
                    const NoticeFrame *frame, Maildir *inbox)
{
	for (guint i = 0; i < report->served->len; i++)
		script_memory_keep(memory, report->served->pdata[i]);
	for (guint i = 0; report->absent != NULL && i < report->absent->len; i++)
		script_memory_forget(memory, report->absent->pdata[i]);
	for (guint i = 0; i < report->broken->len; i++) {
		const ScriptChainBroken *broken = report->broken->pdata[i];
		if (broken->is_own)
			tell_owner(broken, memory, frame, inbox);
	}
}
