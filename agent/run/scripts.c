/* scripts: find them, read them, run them in their order. */
#include "agent/run/scripts.h"

#include "agent/base/fs.h"

#include <fcntl.h>
#include <unistd.h>

static void
script_free(gpointer data)
{
	Script *script = data;
	g_free(script->path);
	g_free(script);
}

static void
add_script(ScriptList *list, ScriptRole role, const char *path)
{
	Script *script = g_new(Script, 1);
	*script = (Script){ role, g_strdup(path) };
	g_ptr_array_add(list->scripts, script);
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

bool
scripts_find(const Conf *conf, const Account *account, ScriptList *ret_list, Status *st)
{
	g_auto(ScriptList) list = { g_ptr_array_new_with_free_func(script_free) };
	if (!add_expanded(&list, account, SCRIPT_BEFORE, conf->sieve_before, st) || !add_own(&list, conf, account, st) ||
	    !add_expanded(&list, account, SCRIPT_AFTER, conf->sieve_after, st))
		return false;
	ret_list->scripts = g_steal_pointer(&list.scripts);
	return true;
}

void
scripts_list_given(ScriptList *list, const char *const *before, const char *script, const char *const *after)
{
	list->scripts = g_ptr_array_new_with_free_func(script_free);
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

static void
run_script(const Script *script, const FilterInput *input, World *world, Plan *plan, ScriptReport *report)
{
	FilterEnv *env = world_env(world);
	const Filter *engine = filter_find("sieve");
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len;
	size_t limit = (size_t) env->services->setting_int(env, "sieve_max_script_size");
	if (!fs_read_file(AT_FDCWD, script->path, limit, &text, &len, &fault)) {
		g_ptr_array_add(report->notes, g_strdup_printf("%s; the script was not run", fault.detail));
		return;
	}
	FilterSource source = {
		.file = script->path,
		.text = text,
		.len = len,
		.trust = script->role == SCRIPT_OWN ? SCRIPT_OWNER : SCRIPT_SITE,
	};
	guint first_problem = report->problems->len;
	FilterProgram *program = engine->compile(&source, env, report->problems);
	if (program == NULL) {
		note_broken(report, script, first_problem);
		return;
	}
	FilterInput edited = *input;
	if (plan_keep_headers(plan) != NULL)
		edited.headers = plan_keep_headers(plan);
	if (plan_keep_message(plan) != NULL)
		edited.message = plan_keep_message(plan);
	PlanMark mark = plan_mark(plan);
	if (!engine->run(program, &edited, env, plan, &fault)) {
		plan_rewind(plan, mark);
		g_ptr_array_add(report->notes, g_strdup_printf("%s; the script's actions were dropped", fault.detail));
	}
	engine->free(program);
}

void
scripts_run(const ScriptList *list, const FilterInput *input, World *world, Plan *plan, ScriptReport *report)
{
	for (guint i = 0; i < list->scripts->len && plan_keeps_implicitly(plan); i++) {
		const Script *script = list->scripts->pdata[i];
		run_script(script, input, world, plan, report);
		if (!plan_keeps_implicitly(plan))
			report->decided_by = g_strdup(script->path);
	}
}
