/* SPDX-License-Identifier: MIT */
/*
 * fuzz-recipe-run: recipes and a mail from one input, with a line "%%" between them. They run from
 * their first line to their plan in a world that is made up: no program starts, no file is read or
 * written. Nothing may crash or hang; a run that fails leaves a fault with a name.
 * fuzz-recipe.sh runs it.
 */
#define _GNU_SOURCE
#include "agent/message/envelope.h"
#include "agent/plan/plan-store.h"
#include "filters/filter-recipes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

/*
 * A program says what it was told to, up to its limit, by its name: "cat" its input, "false"
 * nothing; any other its last word.
 */
static bool
run_command(FilterEnv *env, const FilterCommandCall *call, FilterProgramResult *ret_result,
            Status *st)
{
	(void) env;
	const char *said = call->argv[0];
	size_t words = 0;
	while (call->argv[words] != NULL)
		said = call->argv[words++];
	if (strstr(said, "fault") != NULL)
		return status_fail_detail(st, STATUS_PROGRAM, "it does not start");

	bool is_cat = strstr(said, "cat") != NULL;
	const char *text = is_cat ? call->input : said;
	size_t len = is_cat ? call->input_len : strlen(said);
	ret_result->exit_code = strstr(said, "false") != NULL ? 1 : 0;
	ret_result->unread = strstr(said, "unread") != NULL;
	ret_result->output = g_bytes_new(text, MIN(len, call->output_limit));
	return true;
}

static PathAnswer
path_kind(FilterEnv *env, const char *path)
{
	(void) env;
	return (PathAnswer) (g_str_hash(path) % (PATH_OTHER + 1));
}

static bool
can_store(FilterEnv *env, const char *path)
{
	(void) env;
	return g_str_hash(path) % 3 != 0;
}

static char *
file_name(FilterEnv *env, const char *prefix)
{
	(void) env;
	return g_strconcat(prefix != NULL ? prefix : "", "1.M1P1.host", NULL);
}

static bool
id_seen(FilterEnv *env, const FilterIdCall *call, bool *ret_seen)
{
	(void) env;
	*ret_seen = g_str_hash(call->id) % 2 == 0;
	return call->max > 0;
}

static void *
take_lock(FilterEnv *env, const char *path, const char *timeout, Status *st)
{
	(void) env, (void) timeout;
	static char lock;
	if (g_str_hash(path) % 4 != 0)
		return &lock;
	status_fail_detail(st, STATUS_LOCKED, "'%s' is locked", path);
	return NULL;
}

static void
drop_lock(FilterEnv *env, void *lock)
{
	(void) env;
	g_assert(lock != NULL);
}

/* A file of recipes includes itself, or one of three lines. */
static bool
open_script(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file, char **ret_text,
            size_t *ret_len, Status *st)
{
	(void) env, (void) place;
	static const char text[] = "A=b\n:0 H:\n* ^Subject: \\/x\nbox\nINCLUDERC=rc\n";
	if (strstr(name, "rc") == NULL)
		return status_fail_detail(st, STATUS_MISSING, "there is no '%s'", name);

	*ret_file = g_strdup(name);
	*ret_text = g_strdup(text);
	*ret_len = strlen(text);
	return true;
}

static void
write_log(FilterEnv *env, const char *path, const char *text, size_t len)
{
	(void) env;
	g_assert(path != NULL && (text != NULL || len == 0));
}

static bool
write_output(FilterEnv *env, const char *text, size_t len)
{
	(void) env;
	return text != NULL && len > 0;
}

static const char *
recipe_variable(FilterEnv *env, const char *name)
{
	(void) env;
	static const struct {
		const char *name, *value;
	} known[] = {
		{ "HOME", "/home/me" },        { "MAILDIR", "/home/me" },
		{ "DEFAULT", "/mail/me/" },    { "ORGMAIL", "/mail/me/" },
		{ "INBOX", "/mail/me/" },      { "HOST", "host.test" },
		{ "LOGFILE", "/home/me/log" }, { "1", "one two" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].value;
	return NULL;
}

static void
check_plan(const Plan *plan)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		g_assert(action->kind != PLAN_STORE || plan_store_of(action)->paths->len > 0);
		g_assert(action->kind != PLAN_REDIRECT || action->address != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	static const FilterServices services = { .open_script = open_script };
	static const FilterRecipes recipes = {
		.run_command = run_command,
		.path_kind = path_kind,
		.can_store = can_store,
		.file_name = file_name,
		.id_seen = id_seen,
		.take_lock = take_lock,
		.drop_lock = drop_lock,
		.write_log = write_log,
		.write_output = write_output,
		.recipe_variable = recipe_variable,
	};
	const guchar *mark = memmem(data, size, "\n%%\n", 4);
	size_t len = mark != NULL ? (size_t) (mark - data) + 1 : size;
	const guchar *mail = mark != NULL ? mark + 4 : data + size;
	const Filter *filter = filter_find("recipe");
	FilterEnv env = { .services = &services,
		          .recipes = &recipes,
		          .conf = conf_default(),
		          .now = 1700000000,
		          .trace_level = -1 };
	const FilterSource source = {
		.file = "rc", .text = (const char *) data, .len = len, .trust = SCRIPT_OWNER
	};

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(mail, size - (size_t) (mail - data), &st);
	g_autoptr(Envelope) envelope = envelope_new(DOOR_TRY);
	g_autoptr(Plan) plan = plan_new();
	FilterProgram *program = filter->compile(&source, &env, NULL);
	g_assert(message != NULL);
	if (program == NULL)
		return 0;
	const FilterInput input = {
		.message = message,
		.headers = message_headers(message),
		.envelope = envelope,
		.user = "me",
		.delimiters = "+",
	};

	bool ran = filter->run(program, &input, &env, plan, &st);
	filter->free(program);
	g_assert(ran == (st.id == STATUS_OK));
	check_plan(plan);
	return 0;
}
