/* scripts: find them, read them, run them in their order. */
#include "agent/run/scripts.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "conf/conf-choices.h"

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

static void
add_file(ScriptList *list, ScriptRole role, const char *engine, const char *path)
{
	Script *script = g_new(Script, 1);
	*script = (Script){ role, g_strdup(path), filter_find(engine) };
	g_ptr_array_add(list->scripts, script);
}

static void
add_script(ScriptList *list, ScriptRole role, const char *path)
{
	add_file(list, role, "sieve", path);
}

static bool
add_expanded(ScriptList *list, const Account *account, ScriptRole role, char *const *paths, Status *st)
{
	for (; *paths != NULL; paths++) {
		g_autofree char *path = account_expand(account, *paths, st);
		if (path == NULL)
			return false;
		add_script(list, role, path);
	}
	return true;
}

/* The first of the owner's places that has a script, else the site's default. */
static bool
add_own(ScriptList *list, const Conf *conf, const Account *account, Status *st)
{
	for (char **place = conf->sieve_scripts; *place != NULL; place++) {
		g_autofree char *path = account_expand(account, *place, st);
		if (path == NULL)
			return false;
		if (access(path, F_OK) != 0) /* one that is there and cannot be read is told when it is to run */
			continue;
		add_script(list, SCRIPT_OWN, path);
		return true;
	}
	char *otherwise[] = { conf->sieve_default, NULL };
	return *conf->sieve_default == '\0' || add_expanded(list, account, SCRIPT_DEFAULT, otherwise, st);
}

static bool
add_recipes(ScriptList *list, const Conf *conf, const Account *account, const RecipeCall *recipes, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *path = recipes_find(conf, account, recipes, &list->left_out, &fault);
	if (path != NULL)
		add_file(list, SCRIPT_OWN, "recipe", path);
	status_move(st, &fault);
	return st->id == STATUS_OK;
}

/* What the owner has of both languages. */
static bool
add_owners(ScriptList *list, const Conf *conf, const Account *account, const RecipeCall *recipes, Status *st)
{
	if (conf->recipe_order == RECIPE_ORDER_RECIPES_FIRST)
		return add_recipes(list, conf, account, recipes, st) && add_own(list, conf, account, st);
	return add_own(list, conf, account, st) && add_recipes(list, conf, account, recipes, st);
}

bool
scripts_find(const Conf *conf, const Account *account, const RecipeCall *recipes, ScriptList *ret_list, Status *st)
{
	g_auto(ScriptList) list = { g_ptr_array_new_with_free_func(script_free), NULL };
	bool alone = recipes != NULL && recipes->alone;
	bool found = alone ? add_recipes(&list, conf, account, recipes, st)
	                   : add_expanded(&list, account, SCRIPT_BEFORE, conf->sieve_before, st) &&
	                     add_owners(&list, conf, account, recipes, st) &&
	                     add_expanded(&list, account, SCRIPT_AFTER, conf->sieve_after, st);
	if (!found)
		return false;
	*ret_list = list;
	list = (ScriptList){ NULL, NULL };
	return true;
}

void
scripts_list_given(ScriptList *list, const char *const *before, const char *script, const char *const *after)
{
	list->scripts = g_ptr_array_new_with_free_func(script_free);
	list->left_out = NULL;
	for (; before != NULL && *before != NULL; before++)
		add_script(list, SCRIPT_BEFORE, *before);
	add_script(list, SCRIPT_OWN, script);
	for (; after != NULL && *after != NULL; after++)
		add_script(list, SCRIPT_AFTER, *after);
}

void
scripts_list_clear(ScriptList *list)
{
	g_clear_pointer(&list->scripts, g_ptr_array_unref);
	g_clear_pointer(&list->left_out, g_free);
}

static void
problem_free(gpointer problem)
{
	filter_problem_free(problem);
}

void
scripts_report_init(ScriptReport *report)
{
	report->problems = g_ptr_array_new_with_free_func(problem_free);
	report->notes = g_ptr_array_new_with_free_func(g_free);
	report->decided_by = NULL;
}

void
scripts_report_clear(ScriptReport *report)
{
	g_clear_pointer(&report->problems, g_ptr_array_unref);
	g_clear_pointer(&report->notes, g_ptr_array_unref);
	g_clear_pointer(&report->decided_by, g_free);
}

const char *
scripts_role_name(ScriptRole role)
{
	static const char *const names[] = { "before", "owner", "default", "after" };
	return names[role];
}

/* Errors in a script: one note, as there may be many problems. */
static void
note_broken(ScriptReport *report, const Script *script, guint first_problem)
{
	for (guint i = first_problem; i < report->problems->len; i++) {
		const FilterProblem *problem = report->problems->pdata[i];
		if (problem->severity != PROBLEM_ERROR)
			continue;
		g_ptr_array_add(report->notes, g_strdup_printf("%s:%u:%u: %s; the script was not run", problem->file, problem->line,
		                                               problem->column, problem->text));
		return;
	}
	g_ptr_array_add(report->notes, g_strdup_printf("%s: the script was not run", script->path));
}

/* Its text; what hinders is noted. /dev/null is the file of an owner who has none beside the site's. */
static char *
read_script(const Script *script, FilterEnv *env, size_t *ret_len, ScriptReport *report)
{
	char *text = NULL;
	g_auto(Status) fault = STATUS_INIT;
	bool sieve = strcmp(script->engine->name, "sieve") == 0;
	size_t limit = sieve ? (size_t) env->services->setting_int(env, "sieve_max_script_size") : LIMIT_RECIPE_FILE_BYTES;
	*ret_len = 0;
	if (strcmp(script->path, "/dev/null") == 0)
		return g_strdup("");
	if (!fs_read_file(AT_FDCWD, script->path, limit, &text, ret_len, &fault))
		g_ptr_array_add(report->notes, g_strdup_printf("%s; the script was not run", fault.detail));
	return text;
}

/* Run it over the message as earlier scripts have left it; what fails has done nothing. */
static void
run_program(const Script *script, FilterProgram *program, const FilterInput *input, World *world, Plan *plan, ScriptReport *report)
{
	g_auto(Status) fault = STATUS_INIT;
	g_autoptr(Headers) headers = plan_keep_headers(plan) != NULL ? headers_ref(plan_keep_headers(plan)) : NULL;
	g_autoptr(Message) message = plan_keep_message(plan) != NULL ? message_ref(plan_keep_message(plan)) : NULL;
	FilterInput edited = *input;
	if (headers != NULL)
		edited.headers = headers;
	if (message != NULL)
		edited.message = message;
	PlanMark mark = plan_mark(plan);
	world_hear_recipes(world, strcmp(script->engine->name, "recipe") == 0);
	if (!script->engine->run(program, &edited, world_env(world), plan, &fault)) {
		plan_rewind(plan, mark);
		g_ptr_array_add(report->notes, g_strdup_printf("%s; the script's actions were dropped", fault.detail));
	}
	plan_inherit(plan, mark, headers, message);
	world_hear_recipes(world, false);
}

static void
run_script(const Script *script, const FilterInput *input, World *world, Plan *plan, ScriptReport *report)
{
	FilterEnv *env = world_env(world);
	const Filter *engine = script->engine;
	bool recipes = strcmp(engine->name, "recipe") == 0;
	if (recipes && world_is_live(world) && geteuid() == 0) {
		g_ptr_array_add(report->notes, g_strdup_printf("%s: not run, as recipes never run as root", script->path));
		return;
	}
	size_t len;
	g_autofree char *text = read_script(script, env, &len, report);
	if (text == NULL)
		return;
	FilterSource source = {
		.file = script->path,
		.text = text,
		.len = len,
		.trust = script->role == SCRIPT_OWN ? SCRIPT_OWNER : SCRIPT_SITE,
	};
	guint first_problem = report->problems->len;
	/* Recipes run whatever is wrong in them, and say it when they do: nobody waits for a list of findings while mail is delivered. */
	FilterProgram *program = engine->compile(&source, env, recipes && world_is_live(world) ? NULL : report->problems);
	if (program == NULL) {
		note_broken(report, script, first_problem);
		return;
	}
	run_program(script, program, input, world, plan, report);
	engine->free(program);
}

void
scripts_run(const ScriptList *list, const FilterInput *input, World *world, Plan *plan, ScriptReport *report)
{
	if (list->left_out != NULL)
		g_ptr_array_add(report->notes, g_strdup(list->left_out));
	for (guint i = 0; i < list->scripts->len && plan_keeps_implicitly(plan); i++) {
		const Script *script = list->scripts->pdata[i];
		run_script(script, input, world, plan, report);
		if (!plan_keeps_implicitly(plan))
			report->decided_by = g_strdup(script->path);
	}
}
