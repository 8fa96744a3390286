/* SPDX-License-Identifier: MIT */
/*
 * doctor-scripts: do the scripts and recipes that would run compile, and may they run? Those of the
 * site once, those of a user with that user's rights.
 */
#include "agent/cmd/doctor.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/problem.h"
#include "agent/cmd/cmd-rules-file.h"
#include "agent/cmd/last-good.h"
#include "agent/cmd/try-door.h"
#include "agent/run/script-chain.h"
#include "agent/run/services.h"
#include "filters/recipe/lang/recipe-check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Does it say that a recipe cannot store where it says? */
static bool
is_of_place(const Problem *problem)
{
	return g_strcmp0(problem->code, RECIPE_CHECK_NO_PLACE) == 0;
}

/* "main.sieve:14:4: unknown command" of the first problem of that severity, and how many. */
static char *
summarize(const GPtrArray *problems, ProblemSeverity severity, guint *ret_count)
{
	char *first = NULL;

	*ret_count = 0;
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		if (problem->severity != severity || is_of_place(problem))
			continue;
		if ((*ret_count)++ == 0)
			first = problem_print_short(problem);
	}

	return first;
}

static void
tell_places(Doctor *doctor, const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		if (!is_of_place(problem))
			continue;
		g_autofree char *where = g_strdup_printf("%s:%u", problem->file, problem->line);
		doctor_find(doctor, DOCTOR_RECIPE_PLACE, where, NULL, problem->text, NULL);
	}
}

/* Where is the first error: in the script itself, or in one that it includes? */
static bool
is_broken_itself(const Script *script, const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		if (problem->severity == PROBLEM_ERROR)
			return strcmp(problem->file, script->path) == 0;
	}
	return false;
}

/*
 * What keeps mail sorted as it is. The version that worked last goes back into the file: taken
 * away, the script is forgotten, and with it that version. Where none is known, nothing sorts the
 * mail, and the file is put aside; one of the site or an included one is left to a person. Caller
 * frees.
 */
static char *
mend_script(Doctor *doctor, const Script *script, const GPtrArray *problems)
{
	const Account *account = doctor->account;
	if (account == NULL || !is_broken_itself(script, problems))
		return NULL;

	g_autoptr(ScriptSet)
		last = last_good_find(doctor->site, account, doctor->conf, script->path);
	g_autofree char *quoted = g_shell_quote(script->path);
	if (last == NULL || script_set_first(last) == NULL)
		return g_strdup_printf("mv -n %s %s.broken", quoted, quoted);
	return last_good_command(doctor->conf, script->path, account->user);
}

static void
tell_problems(Doctor *doctor, const Script *script, const GPtrArray *problems)
{
	const char *path = script->path;
	guint errors, warnings;
	g_autofree char *error = summarize(problems, PROBLEM_ERROR, &errors),
			*warning = summarize(problems, PROBLEM_WARNING, &warnings);
	g_autofree char *errors_text = g_strdup_printf("%u", errors),
			*warnings_text = g_strdup_printf("%u", warnings),
			*quoted = g_shell_quote(path);

	if (errors > 0 && script->is_recipes)
		doctor_find(doctor, DOCTOR_RECIPE_BROKEN, path, NULL, error, errors_text, quoted,
		            NULL);
	else if (errors > 0)
		doctor_find(doctor, DOCTOR_SCRIPT_BROKEN, path,
		            mend_script(doctor, script, problems), error, errors_text, quoted,
		            NULL);
	if (warnings > 0)
		doctor_find(doctor, DOCTOR_SCRIPT_WARNING, path, NULL, warning, warnings_text,
		            quoted, NULL);
	tell_places(doctor, problems);
}

/* The text, as a delivery would read it; NULL: it was told why not. Caller frees. */
static char *
read_script(Doctor *doctor, const Script *script, size_t limit, size_t *ret_len)
{
	g_auto(Status) st = STATUS_INIT;
	char *text = NULL, *command = NULL;
	struct stat sb;

	if (fs_read_judged(AT_FDCWD, script->path, limit, trust_judge, &script->trust, &text,
	                   ret_len, &st))
		return text;

	g_autofree char *why = stat(script->path, &sb) == 0 && st.id == STATUS_UNTRUSTED
	                               ? trust_explain(&sb, &script->trust, &command)
	                               : NULL;
	if (why != NULL) {
		doctor_find(doctor, script->is_recipes ? DOCTOR_RECIPE_MODE : DOCTOR_SCRIPT_MODE,
		            script->path, command, why, NULL);
	} else {
		g_autofree char *quoted = g_shell_quote(script->path);
		doctor_find(doctor, DOCTOR_SCRIPT_UNREADABLE, script->path,
		            g_strdup_printf("mv -n %s %s.unreadable", quoted, quoted),
		            status_why(&st), NULL);
	}

	return NULL;
}

static void
check_script(Doctor *doctor, const Script *script, Account *account, ScriptTrust trust)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	size_t limit = script->is_recipes ? LIMIT_RECIPE_FILE_BYTES
	                                  : (size_t) doctor->conf->sieve_max_script_size,
	       len = 0;
	g_autofree char *text = read_script(doctor, script, limit, &len);
	if (text == NULL)
		return;

	Envelope *envelope = envelope_new(DOOR_TRY);
	Services *services = services_new(doctor->site, account, envelope, NULL, doctor->now, NULL,
	                                  NULL);
	FilterEnv *env = services_env(services);
	const FilterSource source = {
		.file = script->path, .text = text, .len = len, .trust = trust
	};

	if (script->is_recipes) {
		const RulesFile rules = { .site = doctor->site,
			                  .account = account,
			                  .services = services,
			                  .home = account->home,
			                  .source = source };
		FilterEnv recipes = rules_file_check_env(&rules);
		recipe_check_files(&source, &recipes, problems);
	} else {
		const Filter *engine = filter_for_sieve(env, account->user);
		FilterProgram *program = engine->compile(&source, env, problems);
		if (program != NULL)
			engine->free(program);
	}

	tell_problems(doctor, script, problems);
	services_free(services);
	envelope_free(envelope);
}

void
doctor_scripts(Doctor *doctor)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(ScriptChain) chain = { NULL };
	g_auto(TryDoor) door = { 0 };
	try_door_find(doctor->account, TRY_PROCMAIL_UNSAID, doctor->postfix_folder, &door);
	const RecipeCall *call = door.is_procmail ? &door.call : NULL;
	if (!script_chain_find(doctor->conf, doctor->account, call, &chain, &st)) {
		doctor_find(doctor, DOCTOR_SCRIPT_UNREADABLE, doctor->account->maildir, NULL,
		            status_why(&st), NULL);
		return;
	}

	for (guint i = 0; i < chain.scripts->len; i++) {
		const Script *script = chain.scripts->pdata[i];
		if (script->role == SCRIPT_OWN && *script->path == '/' &&
		    strcmp(script->path, RECIPES_NONE) != 0)
			check_script(doctor, script, doctor->account, SCRIPT_OWNER);
	}
}

static void
check_site_script(Doctor *doctor, const char *setting, const char *path, Account *account)
{
	if (*path != '/' || strchr(path, '%') != NULL)
		return;

	Script script = { .role = SCRIPT_BEFORE,
		          .path = g_strdup(path),
		          .is_recipes = strcmp(setting, "recipe_site") == 0 };
	script.trust = trust_of_site(doctor->conf, setting, script.path);
	check_script(doctor, &script, account, SCRIPT_SITE);
	g_free(script.path);
}

void
doctor_site_scripts(Doctor *doctor)
{
	const Conf *conf = doctor->conf;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) somebody = account_imagined(conf, "owner", &st);
	const struct {
		const char *setting;
		char **paths;
	} lists[] = { { "sieve_before", conf->sieve_before },
		      { "sieve_after", conf->sieve_after } };
	const struct {
		const char *setting, *path;
	} single[] = { { "sieve_default", conf->sieve_default },
		       { "sieve_discard", conf->sieve_discard },
		       { "recipe_site", conf->recipe_site } };

	for (size_t i = 0; somebody != NULL && i < G_N_ELEMENTS(lists); i++)
		for (char **path = lists[i].paths; *path != NULL; path++)
			check_site_script(doctor, lists[i].setting, *path, somebody);
	for (size_t i = 0; somebody != NULL && i < G_N_ELEMENTS(single); i++)
		if (g_file_test(single[i].path, G_FILE_TEST_EXISTS)) /* else setup tells */
			check_site_script(doctor, single[i].setting, single[i].path, somebody);
}
