/* SPDX-License-Identifier: MIT */
/* recipe-action: folder, forward, program. */
#include "filters/recipe/run/recipe-action.h"

#include "agent/base/child.h"
#include "agent/base/limits.h"
#include "agent/message/address-list.h"
#include "agent/message/address.h"
#include "agent/plan/plan-program.h"
#include "agent/plan/plan-store.h"
#include "filters/recipe/run/recipe-expand.h"
#include "filters/recipe/run/recipe-log.h"
#include "filters/recipe/run/recipe-program.h"

#include <string.h>
#include <sysexits.h>

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

static bool
is_directory_name(const char *path)
{
	return g_str_has_suffix(path, "/") || g_str_has_suffix(path, "/.");
}

/*
 * The From_ line that stands before the header now, or the one that a store in `path` needs. Caller
 * frees.
 */
static char *
from_line(const RecipeRun *run, const char *path)
{
	const FilterRecipes *services = run->env->recipes;
	g_autoptr(GString) header = recipe_mail_bytes(run->state->mail, RECIPE_HEADER, true);
	const char *end = strchr(header->str, '\n');
	bool is_mbox = !is_directory_name(path) &&
	               (services->path_kind == NULL ||
	                services->path_kind(run->env, path) != PATH_DIRECTORY);

	if (end == NULL || !g_str_has_prefix(header->str, "From "))
		return is_mbox ? g_strdup(recipe_mail_made_from(run->state->mail)) : NULL;
	return g_strndup(header->str, (gsize) (end - header->str));
}

/* procmail's words for a folder that takes no mail; `is_first`: the whole recipe fails for it. */
static void
complain_of_store(const RecipeRun *run, const char *name, const char *path, bool is_first,
                  unsigned line)
{
	const FilterRecipes *services = run->env->recipes;

	recipe_run_note(run, line, "cannot store to '%s'", path);
	if (services->path_kind != NULL && services->path_kind(run->env, path) == PATH_DIRECTORY) {
		recipe_log_complain(run, "Couldn't create or rename temp file \"%s\"", name);
		return;
	}

	g_autofree char *plain = g_strdup(name);
	for (size_t len = strlen(plain); len > 1 && is_directory_name(plain); len--)
		plain[len - 1] = '\0';
	if (!is_first || is_directory_name(name))
		recipe_log_complain(run, "Unable to treat as directory \"%s\"", plain);
	recipe_log_complain(run, is_first ? "Error while writing to \"%s\"" : "Skipped \"%s\"",
	                    plain);
}

/* A file in a plain directory is named by MSGPREFIX, which can name no other directory. */
static bool
has_good_name(const RecipeRun *run, const char *path)
{
	const FilterRecipes *services = run->env->recipes;
	bool plain = !is_directory_name(path) && services->path_kind != NULL &&
	             services->path_kind(run->env, path) == PATH_DIRECTORY;
	return !plain || strchr(recipe_vars_text(run->state->vars, "MSGPREFIX"), '/') == NULL;
}

/* A Maildir or MH folder by its name, but a file is there: then it is an mbox. */
static void
forget_directory(const RecipeRun *run, char *path)
{
	const FilterRecipes *services = run->env->recipes;
	size_t len = strlen(path), end = len;

	while (end > 1 && (path[end - 1] == '/' || (path[end - 1] == '.' && path[end - 2] == '/')))
		end--;
	if (end == len || services->path_kind == NULL)
		return;

	g_autofree char *plain = g_strndup(path, end);
	if (services->path_kind(run->env, plain) != PATH_FILE)
		return;

	path[end] = '\0';
	recipe_log_complain(run, "Unable to treat as directory \"%s\"", path);
}

/* A file takes no others; of directories only those count where a store is possible. */
static GPtrArray *
store_paths(const RecipeRun *run, const GPtrArray *words, unsigned line)
{
	const FilterRecipes *services = run->env->recipes;
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < words->len; i++) {
		g_autofree char *path = recipe_run_path(run, words->pdata[i]);
		if (i == 0)
			forget_directory(run, path);
		bool directory = i > 0 || is_directory_name(path) ||
		                 (services->path_kind != NULL &&
		                  services->path_kind(run->env, path) == PATH_DIRECTORY);
		if (!has_good_name(run, path) ||
		    (services->can_store != NULL && !services->can_store(run->env, path)))
			complain_of_store(run, words->pdata[i], path, i == 0, line);
		else
			g_ptr_array_add(paths, g_steal_pointer(&path));
		if (!directory && i + 1 < words->len)
			recipe_log_complain(run, "Skipped \"%s\"",
			                    (const char *) words->pdata[i + 1]);
		if (!directory)
			break;
	}

	return paths;
}

/* Is it stored as a file of its own? All but the first path of a recipe are. */
static bool
takes_files(const RecipeRun *run, const char *path, bool is_first)
{
	const FilterRecipes *services = run->env->recipes;
	return is_directory_name(path) || !is_first ||
	       (services->path_kind != NULL &&
	        services->path_kind(run->env, path) == PATH_DIRECTORY);
}

/*
 * The names of the files in `paths`; NULL for one that is not known yet: an MH folder's, and what
 * goes to the end of an mbox.
 */
static GPtrArray *
file_names(const RecipeRun *run, const GPtrArray *paths)
{
	const FilterRecipes *services = run->env->recipes;
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < paths->len; i++) {
		const char *path = paths->pdata[i];
		const char *prefix = g_str_has_suffix(path, "/")
		                             ? NULL
		                             : recipe_vars_text(run->state->vars, "MSGPREFIX");
		bool is_known = services->file_name != NULL && takes_files(run, path, i == 0) &&
		                !g_str_has_suffix(path, "/.");
		g_ptr_array_add(names, is_known ? services->file_name(run->env, prefix) : NULL);
	}

	return names;
}

/* LASTFOLDER has the files, in folders as the rule writes them. */
static void
set_last_folder(const RecipeRun *run, const PlanStore *store, bool as_written)
{
	RecipeState *state = run->state;
	const char *first = store->paths->pdata[0];

	state->is_maildir = g_str_has_suffix(first, "/");
	state->is_directory = !state->is_maildir && takes_files(run, first, true);
	state->is_pending = true;

	g_autoptr(GString) files = g_string_new(NULL);
	size_t len = as_written ? strlen(state->folder) : 0;
	for (guint i = 0; i < store->paths->len; i++) {
		const char *path = store->paths->pdata[i], *name = store->names->pdata[i];
		bool below = len > 0 && strncmp(path, state->folder, len) == 0 && path[len] == '/';
		g_string_append_printf(files, "%s%s", i > 0 ? " " : "",
		                       below ? path + len + 1 : path);
		if (name != NULL)
			g_string_append_printf(files, "%s%s",
			                       g_str_has_suffix(path, "/") ? "new/" : "/", name);
	}

	recipe_log_set(run, "LASTFOLDER", files->str);
}

/* LASTFOLDER is no file that a store of the plan makes. */
static void
set_last_other(const RecipeRun *run, const char *name)
{
	run->state->is_maildir = run->state->is_directory = run->state->is_pending = false;
	recipe_log_set(run, "LASTFOLDER", name);
}

/*
 * The lock file that a rule asks for beside the one that an mbox has by itself; NULL: none. Caller
 * frees.
 */
static char *
store_lock(const RecipeRun *run, const char *path, const RecipeFlags *flags)
{
	if (flags->lock != NULL)
		return recipe_run_path(run, flags->lock);
	const char *extension = recipe_vars_text(run->state->vars, "LOCKEXT");
	bool own = *extension == '\0' || strcmp(extension, ".lock") == 0;

	return flags->locks && !own && !is_directory_name(path) ? g_strconcat(path, extension, NULL)
	                                                        : NULL;
}

/* `as_written`: LASTFOLDER has the paths below MAILDIR without it. */
static bool
add_store(RecipeRun *run, GPtrArray *taken_paths, const RecipeFlags *flags, bool as_written,
          unsigned line, Status *st)
{
	g_autoptr(PlanAction) action = plan_action_new(PLAN_STORE, recipe_run_file(run), line);

	action->copy = flags->copies;
	action->mailbox = g_strdup(taken_paths->pdata[0]);
	PlanStore *store = plan_store_of(action);
	store->paths = taken_paths;
	store->names = file_names(run, taken_paths);

	/* Who can still ask for LASTFOLDER: recipes behind a copy, and TRAP. */
	store->is_exact = flags->copies || *recipe_vars_text(run->state->vars, "TRAP") != '\0';
	store->raw = flags->raw;
	store->lock = store_lock(run, action->mailbox, flags);
	store->lock_timeout = g_strdup(recipe_vars_get(run->state->vars, "LOCKTIMEOUT"));
	store->prefix = g_strdup(recipe_vars_text(run->state->vars, "MSGPREFIX"));
	store->umask = g_strdup(recipe_vars_get(run->state->vars, "UMASK"));
	store->from_line = flags->feeds & RECIPE_HEADER ? from_line(run, action->mailbox) : NULL;
	set_last_folder(run, store, as_written);

	return take_mail(run, action, flags->feeds, st) && add(run, g_steal_pointer(&action), st);
}

static bool
do_discard(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, Status *st)
{
	set_last_other(run, "/dev/null");
	return flags->copies ||
	       add(run, plan_action_new(PLAN_DISCARD, recipe_run_file(run), node->line), st);
}

static bool
do_folder(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded,
          Status *st)
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
	bool as_written = *(const char *) words->pdata[0] != '/';
	return add_store(run, paths, flags, as_written, node->line, st);
}

/*
 * The lock file that a recipe with a program asks for; NULL: none. Without a name it is made from
 * what the command writes to, as procmail does it. Caller frees.
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
	g_autofree char *name = g_strconcat(file, recipe_vars_text(run->state->vars, "LOCKEXT"),
	                                    NULL);

	return *file != '\0' && strpbrk(file, "$`\"'\\*?[") == NULL ? recipe_run_path(run, name)
	                                                            : NULL;
}

static bool
is_bare_pipe(const RecipeNode *node)
{
	return node->action_kind == RECIPE_ACTION_PROGRAM && node->name == NULL &&
	       *node->action.text == '\0';
}

/*
 * A program's line as it stands behind its sign: the shell and the log get the blanks too. Caller
 * frees.
 */
static char *
command_of(const RecipeNode *node)
{
	return g_strconcat(node->indent != NULL ? node->indent : "", node->action.text, NULL);
}

/* A program for the plan, in the environment of now. */
static PlanAction *
plan_program(RecipeRun *run, const GPtrArray *argv, unsigned line, GString *taken_input)
{
	PlanAction *action = plan_action_new(PLAN_PIPE, recipe_run_file(run), line);
	PlanProgram *program = plan_program_of(action);

	program->name = g_strdup(argv->pdata[0] != NULL ? argv->pdata[0] : "");
	program->args = g_ptr_array_new_with_free_func(g_free);
	for (guint n = 1; n + 1 < argv->len; n++) /* without the NULL */
		g_ptr_array_add(program->args, g_strdup(argv->pdata[n]));
	program->directory = g_strdup(run->state->folder);
	program->input = g_string_free_to_bytes(taken_input);

	char **environment = recipe_vars_environment(run->state->vars);
	program->environment = g_ptr_array_new_with_free_func(g_free);
	for (char **item = environment; *item != NULL; item++)
		g_ptr_array_add(program->environment, *item);
	g_free(environment);

	return action;
}

static void
set_program(PlanAction *action, const RecipeFlags *flags, bool done, const char *lock)
{
	PlanProgram *program = plan_program_of(action);

	action->copy = flags->copies;
	program->may_fail = !flags->waits;
	program->must_read = !flags->ignores_write_errors;
	program->done = done;
	program->lock = g_strdup(lock);
}

bool
recipe_action_trap(RecipeRun *run, const char *command, Status *st)
{
	GString *input = recipe_mail_bytes(run->state->mail, RECIPE_BOTH, false);
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, command);
	g_autoptr(PlanAction) action = plan_program(run, argv, 0, input);

	action->copy = true;
	plan_program_of(action)->may_fail = plan_program_of(action)->is_trap = true;
	return add(run, g_steal_pointer(&action), st);
}

/*
 * A "|" without a program is standard output, which only a person has: for Postfix the mail would
 * be gone. False: there is none, or it is closed.
 */
static bool
print_mail(RecipeRun *run, const RecipeFlags *flags, bool copies, unsigned line,
           bool *ret_succeeded, Status *st)
{
	const FilterRecipes *services = run->env->recipes;
	GString *bytes = recipe_mail_bytes(run->state->mail, flags->feeds, flags->raw);

	set_last_other(run, "|");
	*ret_succeeded = services->write_output != NULL &&
	                 services->write_output(run->env, bytes->str, bytes->len);
	if (!*ret_succeeded) {
		g_string_free(bytes, TRUE);
		recipe_run_note(run, line, "there is no standard output for the mail here");
		return true;
	}

	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_ptr_array_add(argv, (gpointer) "standard output");
	g_ptr_array_add(argv, NULL);

	g_autoptr(PlanAction) action = plan_program(run, argv, line, bytes);
	plan_program_of(action)->done = true;
	action->copy = copies;

	return add(run, g_steal_pointer(&action), st);
}

/*
 * Did a program that has ended fail, by the flags of its recipe? procmail's log has always said so
 * in these words. A filter or pipe that was killed has failed whatever the flags say: the mail
 * would be cut short or lost.
 */
static bool
has_failed(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, const char *name,
           const FilterProgramResult *result)
{
	bool unread = result->unread && !flags->ignores_write_errors;
	bool bad_end = (result->exit_code < 0 && node->name == NULL) ||
	               (flags->waits && result->exit_code != 0);
	if (!unread && !bad_end)
		return false;

	if (unread)
		recipe_log_complain(run, "Error while writing to \"%s\"", name);
	if (bad_end && flags->quiet)
		recipe_log_say(run, "Non-zero exitcode (%d) from \"%s\"", result->exit_code, name);
	else if (bad_end)
		recipe_log_complain(run, "Program failure (%d) of \"%s\"", result->exit_code, name);

	recipe_run_note(run, node->action.line,
	                unread ? "program '%s' did not read all of the mail (exit code %d)"
	                       : "program '%s' failed with exit code %d",
	                name, result->exit_code);
	return true;
}

/*
 * Run a program for what it prints. False: it failed, and the mail and the variables stay as they
 * were. $? is then what the process of procmail that feeds it would have said.
 */
static bool
run_for_output(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
               const GString *input, FilterProgramResult *ret_result)
{
	enum { OCTET = 0xff };
	g_autofree char *lock = lock_path(run, node, flags), *command = command_of(node);
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, command);
	g_autofree char *shown = recipe_program_shown(run, command, argv),
			*name = recipe_program_blamed(run, command, argv);
	if (!recipe_program_call_argv(run, argv, shown, input, lock, ret_result))
		return false;

	if (flags->waits)
		run->state->exit_code = ret_result->exit_code & OCTET;
	if (!has_failed(run, node, flags, name, ret_result))
		return true;

	if (ret_result->unread && !flags->ignores_write_errors)
		run->state->exit_code = EX_IOERR;
	if (node->name == NULL || g_bytes_get_size(ret_result->output) > 0)
		recipe_log_complain(run, "Rescue of unfiltered data succeeded");
	return false;
}

/* Run a filter; the mail is replaced only by what a filter that worked has written. */
static bool
run_filter(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, const GString *input)
{
	FilterProgramResult result = { 0 };
	bool worked = run_for_output(run, node, flags, input, &result);
	g_autoptr(GBytes) output = result.output;

	if (!worked)
		return false;
	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	if (len == 0) {
		recipe_run_note(
			run, node->action.line,
			"the filter wrote nothing: the mail stays as it was (procmail would lose "
			"it)");
		return false;
	}

	RecipeMail *filtered = recipe_mail_filtered(run->state->mail, flags->feeds, data, len);
	recipe_mail_unref(run->state->mail);
	run->state->mail = filtered;

	return true;
}

/* NAME=|: exactly one line end is taken off. */
static bool
run_capture(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, const GString *input,
            Status *st)
{
	FilterProgramResult result = { 0 };

	recipe_log_say(run, "Assigning \"%s=\"", node->name);
	bool worked = run_for_output(run, node, flags, input, &result);
	g_autoptr(GBytes) output = result.output;
	if (!worked)
		return false;

	gsize len;
	const char *data = g_bytes_get_data(output, &len);
	if (len > 0 && data[len - 1] == '\n')
		len--;

	g_autofree char *value = g_strndup(data != NULL ? data : "", len);
	return recipe_run_take_value(run, node->name, value, node->line, st);
}

static bool
says(const GPtrArray *argv, const char *text)
{
	for (guint i = 0; argv->pdata[i] != NULL; i++)
		if (strstr(argv->pdata[i], text) != NULL)
			return true;
	return false;
}

/*
 * Is the program for the file that LASTFOLDER names, by its name or by a variable that has it
 * (LASTFOLDER, MATCH)? It is there when the plan is carried out: what moves it to cur/ to mark it
 * as read runs then, whatever its flags.
 */
static bool
needs_pending_file(const RecipeRun *run, const GPtrArray *argv)
{
	const char *last = recipe_vars_text(run->state->vars, "LASTFOLDER"),
		   *slash = strrchr(last, '/');
	const char *file = slash != NULL ? slash + 1 : last;
	if (!run->state->is_pending || *file == '\0')
		return false;

	g_auto(GStrv) variables = recipe_vars_environment(run->state->vars);
	bool is_named = says(argv, file);
	for (char **variable = variables; *variable != NULL && !is_named; variable++) {
		char *value = strchr(*variable, '=');
		*value = '\0';
		is_named = strstr(value + 1, file) != NULL && says(argv, *variable);
	}

	return is_named;
}

/*
 * Must a program run now, because the next recipes depend on its end? Without w they do where it
 * could leave a part of the mail unread; what fits into a pipe is written in any case. Who only
 * looks takes its success for granted.
 */
static bool
runs_now(const RecipeRun *run, const RecipeFlags *flags, const GString *input)
{
	bool could_fail = flags->waits ||
	                  (!flags->ignores_write_errors && input->len > CHILD_PIPE_OCTETS);
	return could_fail && run->env->recipes->run_command != NULL;
}

/* Run it to its end. False: it failed. */
static bool
run_pipe(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, const GPtrArray *argv,
         const GString *input, const char *lock)
{
	enum { DID_NOT_RUN = 127 };
	FilterProgramResult result = { .exit_code = DID_NOT_RUN };
	g_autofree char *command = command_of(node),
			*shown = recipe_program_shown(run, command, argv);
	bool ran = recipe_program_call_argv(run, argv, shown, input, lock, &result);
	g_clear_pointer(&result.output, g_bytes_unref);

	if (flags->waits)
		run->state->exit_code = result.exit_code;
	g_autofree char *name = recipe_program_blamed(run, command, argv);
	return ran && !has_failed(run, node, flags, name, &result);
}

/* Without programs: what the agent itself knows how to answer. */
static bool
look_inside(RecipeRun *run, const RecipeFlags *flags, const GPtrArray *argv, const GString *input,
            const char *lock, bool *ret_ran)
{
	int exit_code = 0;
	*ret_ran = flags->waits && recipe_program_inside(run, argv, input, lock, &exit_code);
	if (*ret_ran)
		run->state->exit_code = exit_code;
	return exit_code == 0;
}

/*
 * The plan gets the program, or the note that it ran; the program still finds the LASTFOLDER of the
 * recipes before it.
 */
static bool
do_pipe(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, GString *taken_input,
        bool *ret_succeeded, Status *st)
{
	g_autofree char *lock = lock_path(run, node, flags), *command = command_of(node);
	g_autoptr(GPtrArray) argv = recipe_program_argv(run, command);
	g_autofree char *name = recipe_program_name(argv);

	bool ran = runs_now(run, flags, taken_input) && !needs_pending_file(run, argv);
	*ret_succeeded = ran ? run_pipe(run, node, flags, argv, taken_input, lock)
	                     : look_inside(run, flags, argv, taken_input, lock, &ran);

	g_autoptr(PlanAction) action = plan_program(run, argv, node->line, taken_input);
	set_program(action, flags, ran, lock);
	set_last_other(run, name);

	return !*ret_succeeded || add(run, g_steal_pointer(&action), st);
}

/* Those that `text` names, in whatever form. */
static void
add_addresses(const char *text, GPtrArray *addresses)
{
	g_auto(AddressList) list = { 0 };
	address_list_parse(text, strlen(text), ADDRESS_NAMES_RAW, &list);
	for (size_t i = 0; i < list.count; i++)
		if (!list.items[i].is_group && *list.items[i].address != '\0')
			g_ptr_array_add(addresses, g_strdup(list.items[i].address));
}

/*
 * Fields that say who gets the mail (RFC 5322 3.6.3, 3.6.6): those of a resent mail alone, where it
 * is one.
 */
static void
add_recipients_of(const Headers *headers, bool resent, GPtrArray *addresses)
{
	static const char *const names[2][3] = { { "To", "Cc", "Bcc" },
		                                 { "Resent-To", "Resent-Cc", "Resent-Bcc" } };
	for (size_t n = 0; n < G_N_ELEMENTS(names[0]); n++) {
		const HeaderField *field;
		for (size_t at = 0;
		     (field = headers_next(headers, names[resent][n], &at)) != NULL;) {
			g_autofree char *value = header_field_value(field);
			add_addresses(value, addresses);
		}
	}
}

/* sendmail -t. */
static bool
add_header_recipients(const RecipeRun *run, GPtrArray *addresses, Status *st)
{
	g_autoptr(Message) message = recipe_mail_message(run->state->mail, RECIPE_BOTH, st);
	if (message == NULL)
		return false;

	guint before = addresses->len;
	add_recipients_of(message_headers(message), true, addresses);
	if (addresses->len == before)
		add_recipients_of(message_headers(message), false, addresses);

	return true;
}

/* Who gets what sendmail would be called with: its options are not for us, but for -t. */
static bool
forward_addresses(const RecipeRun *run, const GPtrArray *words, GPtrArray *addresses,
                  bool *ret_hides_bcc, Status *st)
{
	static const char *const with_value[] = { "-f", "-r", "-F", "-o", NULL };
	for (guint i = 0; i < words->len; i++) {
		const char *word = words->pdata[i];
		if (*word != '-') {
			add_addresses(word, addresses);
		} else if (strcmp(word, "-t") == 0) {
			*ret_hides_bcc = true;
			if (!add_header_recipients(run, addresses, st))
				return false;
		} else {
			i += g_strv_contains(with_value, word);
		}
	}

	return true;
}

/* Its own words, those of SENDMAILFLAGS, and the recipe's. NULL ends them. */
static GPtrArray *
sendmail_argv(RecipeRun *run, const GPtrArray *words)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) flags = recipe_expand_words(run, "$SENDMAILFLAGS");

	g_ptr_array_add(argv, g_strdup(recipe_vars_text(run->state->vars, "SENDMAIL")));
	for (guint i = 0; i < flags->len; i++)
		g_ptr_array_add(argv, g_strdup(flags->pdata[i]));
	for (guint i = 0; i < words->len; i++)
		g_ptr_array_add(argv, g_strdup(words->pdata[i]));
	g_ptr_array_add(argv, NULL);

	return argv;
}

/* The owner has set SENDMAIL: it runs as any other program, and gets no From_ line. */
static bool
call_sendmail(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
              const GPtrArray *argv, bool *ret_succeeded, Status *st)
{
	GString *input = recipe_mail_bytes(run->state->mail, flags->feeds, flags->raw);

	if (flags->feeds & RECIPE_HEADER)
		recipe_mail_drop_from(input);
	g_autofree char *lock = flags->lock != NULL ? recipe_run_path(run, flags->lock) : NULL;
	g_autofree char *shown = g_strjoinv(",", (char **) argv->pdata);
	bool ran = runs_now(run, flags, input);
	FilterProgramResult result = { 0 };
	*ret_succeeded = !ran || recipe_program_call_argv(run, argv, shown, input, lock, &result);
	g_clear_pointer(&result.output, g_bytes_unref);
	if (ran && flags->waits)
		run->state->exit_code = result.exit_code;
	*ret_succeeded = *ret_succeeded && !has_failed(run, node, flags, argv->pdata[0], &result);

	if (!*ret_succeeded) {
		g_string_free(input, TRUE);
		return true;
	}

	g_autoptr(PlanAction) action = plan_program(run, argv, node->line, input);
	set_program(action, flags, ran, lock);
	return add(run, g_steal_pointer(&action), st);
}

/* What sendmail -t sends on says nothing of those who get a blind copy. */
static bool
hide_bcc(PlanAction *action, const RecipeRun *run, Status *st)
{
	if (action->message == NULL)
		action->message = recipe_mail_message(run->state->mail, RECIPE_BOTH, st);
	if (action->message == NULL)
		return false;

	Headers *from = action->headers != NULL ? action->headers
	                                        : message_headers(action->message);
	Headers *headers = headers_new(from, headers_newline(from));
	for (size_t i = 0; i < headers_count(from); i++) {
		const HeaderField *field = headers_get(from, i);
		if (!header_field_is(field, "Bcc") && !header_field_is(field, "Resent-Bcc"))
			headers_append(headers, field);
	}

	headers_unref(action->headers);
	action->headers = headers;
	return true;
}

/* One redirect each: the agent sends them, and keeps the mail where it may not. */
static bool
add_redirects(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
              const GPtrArray *addresses, bool hides_bcc, Status *st)
{
	for (guint i = 0; i < addresses->len; i++) {
		g_autoptr(PlanAction)
			action = plan_action_new(PLAN_REDIRECT, recipe_run_file(run), node->line);
		action->copy = flags->copies;
		action->address = g_strdup(addresses->pdata[i]);
		if (!take_mail(run, action, flags->feeds, st) ||
		    (hides_bcc && !hide_bcc(action, run, st)) ||
		    !add(run, g_steal_pointer(&action), st))
			return false;
	}
	return true;
}

static bool
do_forward(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded,
           Status *st)
{
	g_autoptr(GPtrArray) words = recipe_expand_words(run, node->action.text),
			     argv = sendmail_argv(run, words);
	g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *all = g_strjoinv(" ", (char **) argv->pdata);
	bool hides_bcc = false;

	if (!forward_addresses(run, words, addresses, &hides_bcc, st))
		return false;
	*ret_succeeded = addresses->len > 0;
	if (addresses->len == 0)
		recipe_run_note(run, node->action.line, "the forward names no address");
	else if (strcmp(argv->pdata[0], RECIPE_SENDMAIL) != 0
	                 ? !call_sendmail(run, node, flags, argv, ret_succeeded, st)
	                 : !add_redirects(run, node, flags, addresses, hides_bcc, st))
		return false;

	set_last_other(run, all);
	return true;
}

static bool
do_program(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags, bool *ret_succeeded,
           Status *st)
{
	if (is_bare_pipe(node))
		return print_mail(run, flags, flags->copies, node->action.line, ret_succeeded, st);
	GString *input = recipe_mail_bytes(run->state->mail, flags->feeds, flags->raw);
	if (!flags->filters && node->name == NULL)
		return do_pipe(run, node, flags, input, ret_succeeded, st);

	g_auto(Status) fault = STATUS_INIT;
	*ret_succeeded = node->name != NULL ? run_capture(run, node, flags, input, &fault)
	                                    : run_filter(run, node, flags, input);
	g_string_free(input, TRUE);
	status_move(st, &fault);

	return st->id == STATUS_OK;
}

bool
recipe_action_do(RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags,
                 bool *ret_succeeded, Status *st)
{
	bool done = node->action_kind == RECIPE_ACTION_FOLDER
	                    ? do_folder(run, node, flags, ret_succeeded, st)
	            : node->action_kind == RECIPE_ACTION_FORWARD
	                    ? do_forward(run, node, flags, ret_succeeded, st)
	                    : do_program(run, node, flags, ret_succeeded, st);
	bool answers = node->action_kind == RECIPE_ACTION_PROGRAM &&
	               (flags->filters || node->name != NULL) && !is_bare_pipe(node);

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
	const FilterRecipes *services = run->env->recipes;
	const char *inbox = services->recipe_variable != NULL
	                            ? services->recipe_variable(run->env, "INBOX")
	                            : NULL;
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

/* Store where DEFAULT or ORGMAIL says; *ret_stored tells whether that is possible. */
static bool
store_by_default(RecipeRun *run, const char *folder, const RecipeFlags *flags, bool *ret_stored,
                 Status *st)
{
	*ret_stored = *folder != '|' || run->has_body;
	if (*folder == '|')
		return !run->has_body || print_mail(run, flags, false, 0, ret_stored, st);

	if (!run->state->is_clone && is_inbox(run, folder)) {
		set_last_other(run, folder);
		run->state->is_maildir = true;
		return leave_to_keep(run, st);
	}

	if (strcmp(folder, "/dev/null") == 0) {
		set_last_other(run, folder);
		return add(run, plan_action_new(PLAN_DISCARD, run->file, 0), st);
	}

	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_ptr_array_add(words, (gpointer) folder);
	GPtrArray *paths = store_paths(run, words, 0);
	*ret_stored = paths->len > 0;

	if (!*ret_stored) {
		g_ptr_array_unref(paths);
		set_last_other(run, folder);
		return true;
	}

	return add_store(run, paths, flags, *folder != '/', 0, st);
}

/* Has the door said so? */
static bool
asks_door(const RecipeRun *run, const char *what)
{
	const FilterRecipes *services = run->env->recipes;
	return services->recipe_variable != NULL &&
	       services->recipe_variable(run->env, what) != NULL;
}

/*
 * Neither DEFAULT nor ORGMAIL takes the mail: the INBOX does, or, where all is to be as with
 * procmail -t, Postfix keeps it. procmail without -t refuses it: so do we, but only for a person
 * who reads the answer.
 */
static bool
cannot_store(RecipeRun *run, Status *st)
{
	recipe_run_note(run, 0, "neither DEFAULT nor ORGMAIL can be stored to");
	if ((!run->strict && !asks_door(run, "FILTER_")) || run->state->is_clone) {
		g_autoptr(PlanAction) keep = plan_action_new(PLAN_KEEP, run->file, 0);
		return take_mail(run, keep, RECIPE_BOTH, st) &&
		       add(run, g_steal_pointer(&keep), st);
	}

	bool by_hand = asks_door(run, "BY_HAND_");
	g_autoptr(PlanAction)
		action = plan_action_new(by_hand ? PLAN_REJECT : PLAN_DEFER, run->file, 0);
	action->text = g_strdup(
		"neither DEFAULT nor ORGMAIL of the recipient's rules can be stored to");
	action->answer = by_hand ? STATUS_RULE_NO_PLACE : STATUS_MAILBOX;
	run->state->failed_code = by_hand ? EX_CANTCREAT : EX_TEMPFAIL;

	return plan_add(run->plan, g_steal_pointer(&action), st);
}

bool
recipe_action_default(RecipeRun *run, Status *st)
{
	static const char *const names[] = { "DEFAULT", "ORGMAIL" };
	static const RecipeNode to_folder = { .action_kind = RECIPE_ACTION_FOLDER };
	g_auto(RecipeFlags) flags = { .feeds = RECIPE_BOTH };
	bool stored = false;

	for (size_t i = 0; i < G_N_ELEMENTS(names) && !stored; i++) {
		g_autofree char *folder = g_strdup(recipe_vars_text(run->state->vars, names[i]));
		if (*folder != '\0' && !store_by_default(run, folder, &flags, &stored, st))
			return false;
	}

	if (!stored)
		return cannot_store(run, st);
	recipe_log_abstract(run, &to_folder, &flags);
	return true;
}
