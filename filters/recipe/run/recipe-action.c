/* recipe-action: folder, forward, program. */
#include "filters/recipe/run/recipe-action.h"

#include "agent/base/limits.h"
#include "agent/message/address.h"
#include "filters/recipe/run/recipe-expand.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-program.h"

#include <string.h>

void
recipe_flags_clear(RecipeFlags *flags)
{
	g_clear_pointer(&flags->lock, g_free);
}

static bool
set_flag(RecipeFlags *flags, char c)
{
	switch (c) {
	case 'H': flags->area |= RECIPE_HEADER; return true;
	case 'B': flags->area |= RECIPE_BODY; return true;
	case 'h': flags->feeds |= RECIPE_HEADER; return true;
	case 'b': flags->feeds |= RECIPE_BODY; return true;
	case 'D': return flags->case_counts = true;
	case 'A': return flags->also = true;
	case 'a': return flags->also_success = true;
	case 'E': return flags->otherwise = true;
	case 'e': return flags->on_failure = true;
	case 'f': return flags->filters = true;
	case 'c': return flags->copies = true;
	case 'w':
	case 'W': return flags->waits = true;
	case 'i': return flags->ignores_write_errors = true;
	case 'r': return flags->raw = true;
	default: return false;
	}
}

void
recipe_flags_parse(RecipeFlags *flags, const char *start)
{
	const char *at = start;
	while (*at == ' ' || *at == '\t' || (*at != '\0' && set_flag(flags, *at)))
		at++;
	if (*at == ':') {
		at++;
		while (*at == ' ' || *at == '\t')
			at++;
		flags->locks = true;
		flags->lock = *at != '\0' ? g_strdup(at) : NULL;
	} else {
		flags->unknown = *at;
	}
	if (flags->area == 0)
		flags->area = RECIPE_HEADER;
	if (flags->feeds == 0)
		flags->feeds = RECIPE_BOTH;
}

/* Add to the plan. All but a copy and a discard gives the mail its place. */
static bool
add(RecipeRun *run, PlanAction *taken, Status *st)
{
	if (!taken->copy && taken->kind != PLAN_DISCARD)
		run->state->keeps = true;
	return plan_add(run->plan, taken, st);
}

/* Give `action` the mail as it is now, where that is not the message as it came. */
static bool
take_mail(const RecipeRun *run, PlanAction *action, RecipeParts parts, Status *st)
{
	const FilterInput *input = run->input;
	if (!recipe_mail_is_original(run->state->mail) || parts != RECIPE_BOTH) {
		action->message = recipe_mail_message(run->state->mail, parts, st);
		return action->message != NULL;
	}
	if (input->headers != message_headers(input->message))
		action->headers = headers_ref(input->headers);
	return true;
}

/* The From_ line that stands before the header now. */
static char *
from_line(const RecipeRun *run)
{
	g_autoptr(GString) header = recipe_mail_bytes(run->state->mail, RECIPE_HEADER, true);
	const char *end = strchr(header->str, '\n');
	if (end == NULL || !g_str_has_prefix(header->str, "From "))
		return NULL;
	return g_strndup(header->str, (gsize) (end - header->str));
}

static bool
is_directory_name(const char *path)
{
	return g_str_has_suffix(path, "/") || g_str_has_suffix(path, "/.");
}

/* A file takes no others; of directories only those count where a store is possible. */
static GPtrArray *
store_paths(const RecipeRun *run, const GPtrArray *words, unsigned line)
{
	const FilterServices *services = run->env->services;
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < words->len; i++) {
		g_autofree char *path = recipe_run_path(run, words->pdata[i]);
		bool directory = i > 0 || is_directory_name(path) ||
		                 (services->path_kind != NULL && services->path_kind(run->env, path) == PATH_DIRECTORY);
		if (services->can_store != NULL && !services->can_store(run->env, path))
			recipe_run_note(run, line, "cannot store to '%s'", path);
		else
			g_ptr_array_add(paths, g_steal_pointer(&path));
		if (!directory)
			break;
	}
	return paths;
}

/* LASTFOLDER has the names as the rule writes them. */
static void
set_last_folder(const RecipeRun *run, const GPtrArray *paths, bool as_written)
{
	g_autoptr(GString) names = g_string_new(NULL);
	size_t len = as_written ? strlen(run->state->folder) : 0;
	for (guint i = 0; i < paths->len; i++) {
		const char *path = paths->pdata[i];
		bool below = len > 0 && strncmp(path, run->state->folder, len) == 0 && path[len] == '/';
		g_string_append_printf(names, "%s%s", i > 0 ? " " : "", below ? path + len + 1 : path);
	}
	recipe_log_set(run, "LASTFOLDER", names->str);
}

/* The lock file that a rule asks for beside the one that an mbox has by itself; NULL: none. Caller frees. */
static char *
store_lock(const RecipeRun *run, const char *path, const RecipeFlags *flags)
{
	if (flags->lock != NULL)
		return recipe_run_path(run, flags->lock);
	const char *extension = recipe_vars_text(run->state->vars, "LOCKEXT");
	bool own = *extension == '\0' || strcmp(extension, ".lock") == 0;
	return flags->locks && !own && !is_directory_name(path) ? g_strconcat(path, extension, NULL) : NULL;
}

static bool
add_store(RecipeRun *run, GPtrArray *taken_paths, const RecipeFlags *flags, unsigned line, Status *st)
{
	g_autoptr(PlanAction) action = plan_action_new(PLAN_STORE, recipe_run_file(run), line);
	action->copy = flags->copies;
	action->mailbox = g_strdup(taken_paths->pdata[0]);
	action->store = g_new0(PlanStore, 1);
	action->store->paths = taken_paths;
	action->store->raw = flags->raw;
	action->store->lock = store_lock(run, action->mailbox, flags);
	action->store->lock_timeout = g_strdup(recipe_vars_get(run->state->vars, "LOCKTIMEOUT"));
	action->store->umask = g_strdup(recipe_vars_get(run->state->vars, "UMASK"));
	action->store->from_line = flags->feeds & RECIPE_HEADER ? from_line(run) : NULL;
	return take_mail(run, action, flags->feeds, st) && add(run, g_steal_pointer(&action), st);
}

static bool
do_discard(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, Status *st)
{
	recipe_log_set(run, "LASTFOLDER", "/dev/null");
	return flags->copies || add(run, plan_action_new(PLAN_DISCARD, recipe_run_file(run), node->line), st);
}

static bool
do_folder(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded, Status *st)
{
	g_autoptr(GPtrArray) words = recipe_expand_words(run, node->action.text);
	*ret_succeeded = false;
	if (words->len == 0 || *(const char *) words->pdata[0] == '\0') {
		recipe_run_note(run, node->action.line, "the folder has no name");
		return true;
	}
	if (strcmp(words->pdata[0], "/dev/null") == 0) {
		*ret_succeeded = true;
		return do_discard(run, node, flags, st);
	}
	GPtrArray *paths = store_paths(run, words, node->action.line);
	if (paths->len == 0) {
		g_ptr_array_unref(paths);
		return true;
	}
	*ret_succeeded = true;
	set_last_folder(run, paths, *(const char *) words->pdata[0] != '/');
	return add_store(run, paths, flags, node->line, st);
}

/* The addresses among the words that sendmail would get: its options are not for us, commas separate addresses too. */
static GPtrArray *
forward_addresses(const GPtrArray *words)
{
	static const char *const with_value[] = { "-f", "-r", "-F", "-o", NULL };
	GPtrArray *addresses = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < words->len; i++) {
		const char *word = words->pdata[i];
		if (*word == '-') {
			i += g_strv_contains(with_value, word);
			continue;
		}
		g_auto(GStrv) parts = g_strsplit(word, ",", -1);
		for (char **part = parts; *part != NULL; part++)
			if (**part != '\0')
				g_ptr_array_add(addresses, address_read(*part));
	}
	return addresses;
}

static bool
do_forward(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded, Status *st)
{
	g_autoptr(GPtrArray) words = recipe_expand_words(run, node->action.text);
	g_autoptr(GPtrArray) addresses = forward_addresses(words);
	*ret_succeeded = addresses->len > 0;
	for (guint i = 0; i < addresses->len; i++) {
		g_autoptr(PlanAction) action = plan_action_new(PLAN_REDIRECT, recipe_run_file(run), node->line);
		action->copy = flags->copies;
		action->address = g_strdup(addresses->pdata[i]);
		if (!take_mail(run, action, flags->feeds, st) || !add(run, g_steal_pointer(&action), st))
			return false;
	}
	g_autofree char *all = g_strjoin(" ", words->len > 0 ? words->pdata[0] : "", NULL);
	recipe_log_set(run, "LASTFOLDER", all);
	return true;
}

/*
 * The lock file that a recipe with a program asks for; NULL: none. Without a name it is made from what the command
 * writes to, as procmail does it. Caller frees.
 */
static char *
lock_path(const RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags)
{
	if (flags->lock != NULL)
		return recipe_run_path(run, flags->lock);
	const char *to = flags->locks ? strstr(node->action.text, ">>") : NULL;
	if (to == NULL)
		return NULL;
	to += strspn(to, "> \t");
	g_autofree char *file = g_strndup(to, strcspn(to, " \t;|&<>()\n"));
	g_autofree char *name = g_strconcat(file, recipe_vars_text(run->state->vars, "LOCKEXT"), NULL);
	return *file != '\0' && strpbrk(file, "$`\"'\\*?[") == NULL ? recipe_run_path(run, name) : NULL;
}

/* The plan gets the program, or the note that it ran. */
static bool
add_pipe(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, GString *taken_input, bool done, Status *st)
{
	g_autoptr(PlanAction) action = plan_action_new(PLAN_PIPE, recipe_run_file(run), node->line);
	PlanProgram *program = action->program = g_new0(PlanProgram, 1);
	action->copy = flags->copies;
	GPtrArray *argv = recipe_program_argv(run, node->action.text);
	g_ptr_array_set_size(argv, (gint) argv->len - 1); /* the NULL */
	program->name = argv->len > 0 ? g_strdup(argv->pdata[0]) : g_strdup("");
	if (argv->len > 0)
		g_ptr_array_remove_index(argv, 0);
	program->args = argv;
	program->may_fail = !flags->waits;
	program->done = done;
	program->lock = lock_path(run, node, flags);
	program->directory = g_strdup(run->state->folder);
	program->input = g_string_free_to_bytes(taken_input);
	char **environment = recipe_vars_environment(run->state->vars);
	program->environment = g_ptr_array_new_with_free_func(g_free);
	for (char **item = environment; *item != NULL; item++)
		g_ptr_array_add(program->environment, *item);
	g_free(environment);
	return add(run, g_steal_pointer(&action), st);
}

/* Run a filter; the mail is replaced only by what a filter that worked has written. */
static bool
run_filter(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, const GString *input)
{
	g_autoptr(GBytes) output = NULL;
	g_autofree char *lock = lock_path(run, node, flags);
	int exit_code = 127;
	if (!recipe_program_run(run, node->action.text, input, lock, &exit_code, &output))
		return false;
	run->state->exit_code = exit_code;
	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	if (len == 0) {
		recipe_run_note(run, node->action.line, "the filter wrote nothing: the mail stays as it was (procmail would lose it)");
		return false;
	}
	if (flags->waits && exit_code != 0) {
		recipe_run_note(run, node->action.line, "the filter failed with exit code %d: the mail stays as it was", exit_code);
		return false;
	}
	RecipeMail *filtered = recipe_mail_filtered(run->state->mail, flags->feeds, data, len);
	recipe_mail_unref(run->state->mail);
	run->state->mail = filtered;
	return true;
}

/* NAME=|: exactly one line end is taken off. */
static bool
run_capture(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, const GString *input)
{
	g_autoptr(GBytes) output = NULL;
	g_autofree char *lock = lock_path(run, node, flags);
	int exit_code = 127;
	recipe_log_say(run, "Assigning \"%s=\"", node->name);
	if (!recipe_program_run(run, node->action.text, input, lock, &exit_code, &output))
		return false;
	run->state->exit_code = exit_code;
	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	if (len > 0 && data[len - 1] == '\n')
		len--;
	g_autofree char *value = g_strndup(data != NULL ? data : "", len);
	recipe_vars_set(run->state->vars, node->name, value);
	return !flags->waits || exit_code == 0;
}

static bool
do_pipe(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, GString *input, bool *ret_succeeded, Status *st)
{
	int exit_code = 127;
	g_autofree char *lock = lock_path(run, node, flags);
	/* Who only looks takes its success for granted. */
	bool can_run = run->env->services->run_command != NULL;
	bool ran = flags->waits && (can_run ? recipe_program_run(run, node->action.text, input, lock, &exit_code, NULL)
	                                    : recipe_program_inside(run, node->action.text, input, lock, &exit_code));
	bool runs_now = ran || (flags->waits && can_run);
	*ret_succeeded = !runs_now || (ran && exit_code == 0);
	if (runs_now)
		run->state->exit_code = exit_code;
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, node->action.text);
	g_autofree char *name = recipe_program_name(argv);
	recipe_log_set(run, "LASTFOLDER", name);
	if (!*ret_succeeded) {
		recipe_run_note(run, node->action.line, "program '%s' failed with exit code %d", name, run->state->exit_code);
		g_string_free(input, TRUE);
		return true;
	}
	return add_pipe(run, node, flags, input, runs_now, st);
}

static bool
do_program(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded, Status *st)
{
	GString *input = recipe_mail_bytes(run->state->mail, flags->feeds, flags->raw);
	if (!flags->filters && node->name == NULL)
		return do_pipe(run, node, flags, input, ret_succeeded, st);
	*ret_succeeded = node->name != NULL ? run_capture(run, node, flags, input) : run_filter(run, node, flags, input);
	g_string_free(input, TRUE);
	return true;
}

bool
recipe_action_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded, Status *st)
{
	bool done = node->action_kind == RECIPE_ACTION_FOLDER    ? do_folder(run, node, flags, ret_succeeded, st)
	            : node->action_kind == RECIPE_ACTION_FORWARD ? do_forward(run, node, flags, ret_succeeded, st)
	                                                         : do_program(run, node, flags, ret_succeeded, st);
	bool answers = node->action_kind == RECIPE_ACTION_PROGRAM && (flags->filters || node->name != NULL);
	if (done && *ret_succeeded && !answers)
		recipe_log_abstract(run, node, flags);
	if (done && *ret_succeeded && !answers && !flags->copies)
		run->state->delivered = run->state->ended = true;
	return done;
}

/* Is this where the implicit keep stores? */
static bool
is_inbox(const RecipeRun *run, const char *folder)
{
	const FilterServices *services = run->env->services;
	const char *inbox = services->recipe_variable != NULL ? services->recipe_variable(run->env, "INBOX") : NULL;
	return inbox != NULL && strcmp(inbox, folder) == 0;
}

/* Mail that no recipe filed stays with the plan: other scripts may have a rule for it. */
static bool
leave_to_keep(RecipeRun *run, Status *st)
{
	if (!recipe_mail_is_original(run->state->mail)) {
		g_autoptr(Message) message = recipe_mail_message(run->state->mail, RECIPE_BOTH, st);
		if (message == NULL)
			return false;
		plan_set_keep_state(run->plan, NULL, message_headers(message), message);
	}
	plan_set_implicit_keep(run->plan, true);
	run->state->keeps = true;
	return true;
}

static bool
store_by_default(RecipeRun *run, const char *folder, const RecipeFlags *flags, Status *st)
{
	if (!run->state->is_clone && is_inbox(run, folder)) {
		recipe_log_set(run, "LASTFOLDER", folder);
		return leave_to_keep(run, st);
	}
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_ptr_array_add(words, (gpointer) folder);
	if (strcmp(folder, "/dev/null") == 0)
		return add(run, plan_action_new(PLAN_DISCARD, run->file, 0), st);
	GPtrArray *paths = *folder != '\0' ? store_paths(run, words, 0) : g_ptr_array_new_with_free_func(g_free);
	if (paths->len > 0) {
		set_last_folder(run, paths, *folder != '/');
		return add_store(run, paths, flags, 0, st);
	}
	g_ptr_array_unref(paths);
	g_autoptr(PlanAction) keep = plan_action_new(PLAN_KEEP, run->file, 0);
	return take_mail(run, keep, RECIPE_BOTH, st) && add(run, g_steal_pointer(&keep), st);
}

bool
recipe_action_default(RecipeRun *run, Status *st)
{
	static const RecipeNode to_folder = { .action_kind = RECIPE_ACTION_FOLDER };
	g_auto(RecipeFlags) flags = { .feeds = RECIPE_BOTH };
	g_autofree char *folder = g_strdup(recipe_vars_text(run->state->vars, "DEFAULT"));
	if (!store_by_default(run, folder, &flags, st))
		return false;
	recipe_log_abstract(run, &to_folder, &flags);
	return true;
}
