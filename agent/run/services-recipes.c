/* SPDX-License-Identifier: MIT */
/*
 * services-recipes: what only recipes ask for: files, lock files, programs and variables of the
 * owner.
 */
#define _GNU_SOURCE
#include "agent/run/services-parts.h"

#include "agent/base/answer.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"
#include "agent/base/problem.h"
#include "agent/exec/owner-program.h"
#include "agent/run/trust.h"
#include "agent/state/id-cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
services_recipes_open(const Services *services, const char *path, char **ret_file, char **ret_text,
                      size_t *ret_len, Status *st)
{
	const Conf *conf = services->site->conf;
	bool is_site = strcmp(path, conf->recipe_site) == 0;
	const Trust trust = is_site ? trust_of_site(conf, "recipe_site", path)
	                            : trust_of_owner(TRUST_INCLUDED, services->account, path);

	if (!fs_read_judged(AT_FDCWD, path, LIMIT_RECIPE_FILE_BYTES, trust_judge, &trust, ret_text,
	                    ret_len, st))
		return false;
	*ret_file = g_strdup(path);
	return true;
}

/* A program of the owner's recipes: anything that the owner may run, in our bounds. */
static bool
run_command(FilterEnv *env, const FilterCommandCall *call, FilterProgramResult *ret_result,
            Status *st)
{
	const Services *services = services_of(env);
	OwnerProgramCall command = {
		.conf = services->site->conf,
		.argv = call->argv,
		.environment = call->environment,
		.directory = call->directory,
		.home = services->account->home,
		.input = call->input,
		.input_len = call->input_len,
		.output_limit = call->output_limit,
		.lock = call->lock,
	};
	g_auto(ChildResult) result = { 0 };

	if (!owner_program_run(&command, &result, st))
		return false;
	int exit_code = result.exit_code < 0 ? -result.signal : result.exit_code;
	*ret_result = (FilterProgramResult){
		.exit_code = exit_code,
		.output = g_steal_pointer(&result.output),
		.unread = result.unread,
	};

	return true;
}

static bool
command_exists(FilterEnv *env, const FilterCommandCall *call)
{
	const Services *services = services_of(env);
	const OwnerProgramCall command = {
		.conf = services->site->conf,
		.argv = call->argv,
		.environment = call->environment,
		.directory = call->directory,
		.home = services->account->home,
	};
	g_auto(Status) missing = STATUS_INIT;

	return owner_program_is_there(&command, &missing);
}

/* Caller frees. */
static char *
at_home(const Services *services, const char *path)
{
	const char *home = services->account->home;
	return *path == '/' || home == NULL ? g_strdup(path) : g_build_filename(home, path, NULL);
}

static void *
take_lock(FilterEnv *env, const char *path, const char *timeout, Status *st)
{
	const Services *services = services_of(env);
	g_autofree char *whole = at_home(services, path);
	DotlockPatience patience = owner_program_patience(services->site->conf, timeout);
	Dotlock *lock = dotlock_take(whole, &patience, st);

	if (lock != NULL)
		g_ptr_array_add(services->live->locks, lock);
	return lock;
}

static void
drop_lock(FilterEnv *env, void *lock)
{
	g_ptr_array_remove(services_of(env)->live->locks, lock);
}

/* Is it the INBOX, a part of it or a folder above, which a delivery has made by now? */
static bool
is_imagined(const Services *services, const char *path)
{
	static const char *const parts[] = { "", "/tmp", "/new", "/cur" };
	const char *root = services->account->maildir;
	size_t len = strlen(path), root_len = strlen(root);
	if (services->inbox == NULL || !maildir_is_imagined(services->inbox))
		return false;

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		if (g_str_has_prefix(path, root) && strcmp(path + root_len, parts[i]) == 0)
			return true;
	return g_str_has_prefix(root, path) && root[len] == '/';
}

static PathAnswer
path_kind(FilterEnv *env, const char *path)
{
	struct stat sb;
	int rc = stat(path, &sb);
	if (rc < 0 && errno == ENOENT && is_imagined(services_of(env), path))
		return PATH_DIRECTORY;
	if (rc < 0)
		return errno == ENOENT || errno == ENOTDIR ? PATH_MISSING : PATH_UNKNOWN;
	return S_ISDIR(sb.st_mode) ? PATH_DIRECTORY : S_ISREG(sb.st_mode) ? PATH_FILE : PATH_OTHER;
}

/* A path without the signs of Maildir and MH at its end. Caller frees. */
static char *
plain_path(const Services *services, const char *path)
{
	g_autofree char *whole = at_home(services, path);
	for (size_t len = strlen(whole);
	     len > 1 && (whole[len - 1] == '/' || g_str_has_suffix(whole, "/.")); len--)
		whole[len - 1] = '\0';
	return g_steal_pointer(&whole);
}

/*
 * May it be written? A fault that passes by itself is no "no": the recipe stands, and the store
 * that follows meets the fault and puts the mail off.
 */
static bool
may_write(const char *path, int mode)
{
	return access(path, mode) == 0 ||
	       outcome_fault_kind(status_from_errno(errno)) == FAULT_PASSING;
}

/* A folder's last component may be made; an mbox is a file in a folder that is there. */
static bool
can_store(FilterEnv *env, const char *path)
{
	bool folder = g_str_has_suffix(path, "/") || g_str_has_suffix(path, "/.");
	g_autofree char *plain = plain_path(services_of(env), path);
	g_autofree char *above = g_path_get_dirname(plain);

	if (access(plain, F_OK) < 0 &&
	    (is_imagined(services_of(env), plain) ||
	     (access(above, F_OK) < 0 && is_imagined(services_of(env), above))))
		return true;
	switch (path_kind(env, plain)) {
	case PATH_DIRECTORY:
		return g_str_has_suffix(path, "/") ? maildir_is_writable(plain)
		                                   : may_write(plain, W_OK | X_OK);
	case PATH_FILE:
		return !folder && may_write(plain, W_OK);
	case PATH_MISSING: {
		PathAnswer kind = path_kind(env, above);
		return (kind == PATH_DIRECTORY || kind == PATH_UNKNOWN) &&
		       may_write(above, W_OK | X_OK);
	}
	case PATH_UNKNOWN:
		return may_write(plain, F_OK);
	default:
		return false;
	}
}

static char *
file_name(FilterEnv *env, const char *prefix)
{
	(void) env;
	return prefix != NULL ? maildir_named_file(prefix) : maildir_unique_name();
}

/* Of the same path: what an earlier recipe will remember. */
static gboolean
is_same_id(gconstpointer a, gconstpointer b)
{
	const IdCacheEntry *one = a, *other = b;
	return strcmp(one->path, other->path) == 0 && strcmp(one->id, other->id) == 0;
}

static bool
id_seen(FilterEnv *env, const FilterIdCall *call, bool *ret_seen)
{
	const Services *services = services_of(env);
	g_auto(Status) unknown = STATUS_INIT;
	g_autofree char *path = at_home(services, call->path),
			*lock = call->lock != NULL ? at_home(services, call->lock) : NULL;
	g_autoptr(IdCacheEntry) entry = id_cache_entry_new(path, call->max, call->id, lock);

	if (!can_store(env, path) || !id_cache_has(entry, ret_seen, &unknown))
		return false;
	const ServicesLive *live = services->live;
	if (live == NULL)
		return true;

	/*
	 * The cache is formail's and does not say who wrote an id into it: a try of this very mail
	 * that was not answered in time is in the state.
	 */
	g_autofree char *key = state_key("formail -D", entry->path, entry->id, NULL);
	*ret_seen = *ret_seen &&
	            !state_once_was_first(live->state, key, live->arrival, live->notes);
	if (*ret_seen)
		return true;

	*ret_seen = g_ptr_array_find_with_equal_func(live->ids, entry, is_same_id, NULL);
	if (!*ret_seen) {
		g_ptr_array_add(live->ids, g_steal_pointer(&entry));
		if (live->arrival != NULL)
			state_once_will_see(live->state, key, live->arrival,
			                    env->now + services->site->conf->retry_lifetime);
	}

	return true;
}

/* Without a LOGFILE it is ours. */
static void
write_log(FilterEnv *env, const char *path, const char *text, size_t len)
{
	const Services *services = services_of(env);
	g_auto(Status) st = STATUS_INIT;

	if (*path == '\0') {
		g_autofree char *printable = header_text_print(text, LIMIT_RECIPE_NOTE_BYTES);
		g_ptr_array_add(services->live->notes,
		                g_strdup_printf("recipes say: %s", printable));
	} else if (!owner_program_log(services->account->home, path, text, len, &st)) {
		g_ptr_array_add(services->live->notes,
		                g_strdup_printf("LOGFILE of recipes: %s", st.detail));
	}
}

/*
 * Where a person runs us, standard output is that person's; Postfix would take it for the answer.
 */
static bool
write_output(FilterEnv *env, const char *text, size_t len)
{
	const Services *services = services_of(env);
	bool is_there = services->live != NULL && !services->live->no_programs &&
	                services->recipes != NULL && services->recipes->by_hand;
	return is_there && answer_print(text, len);
}

/* $1 and on. */
static const char *
recipe_argument(const Services *services, guint64 number)
{
	const char *const *arguments = services->recipes != NULL ? services->recipes->arguments
	                                                         : NULL;
	if (arguments == NULL)
		return number == 1 ? services->account->detail : NULL;
	return number <= g_strv_length((char **) arguments) ? arguments[number - 1] : NULL;
}

static const char *
recipe_variable(FilterEnv *env, const char *name)
{
	const Services *services = services_of(env);
	guint64 number;
	if (g_ascii_string_to_unsigned(name, 10, 1, G_MAXUINT, &number, NULL))
		return recipe_argument(services, number);

	bool is_filter = services->recipes != NULL && services->recipes->is_filter;
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "HOME", services->account->home },
		{ "MAILDIR", services->account->home },
		{ "DEFAULT", is_filter ? NULL : services->default_path },
		{ "ORGMAIL", is_filter ? NULL : services->default_path },
		{ "FILTER_", is_filter ? "yes" : NULL },
		{ "INBOX", services->inbox_path },
		{ "HOST", fs_host_name() }, /* procmail's: rc files compare it with the machine */
		{ "TZ", getenv("TZ") },
		{ "BY_HAND_", services->recipes != NULL && services->recipes->by_hand &&
		                              !services->recipes->is_soft
		                      ? "yes"
		                      : NULL },
		{ "FROM_",
		  services->recipes != NULL && services->recipes->makes_from ? "yes" : NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].value;

	return NULL;
}

static const char *
recipe_prelude(FilterEnv *env)
{
	return services_of(env)->prelude;
}

static const char *
next_recipes(FilterEnv *env, const char *file)
{
	Services *services = services_of(env);
	char *next = recipes_next(services->account, services->recipes, file);
	g_free(services->next);
	services->next = next;
	return next;
}

/* The first few: a broken file may have a lot to say. */
void
services_recipes_note(Services *services, const char *file, unsigned line, const char *text)
{
	if (services->heard++ >= LIMIT_RECIPE_NOTES)
		return;
	g_autofree char *printable = header_text_print(text, LIMIT_RECIPE_NOTE_BYTES);
	g_autofree char *place = problem_place_print(file, line);
	g_ptr_array_add(services->live->notes, g_strdup_printf("%s: %s", place, printable));
}

static const FilterRecipes table = {
	.run_command = run_command,
	.command_exists = command_exists,
	.id_seen = id_seen,
	.take_lock = take_lock,
	.drop_lock = drop_lock,
	.path_kind = path_kind,
	.can_store = can_store,
	.file_name = file_name,
	.write_log = write_log,
	.write_output = write_output,
	.recipe_variable = recipe_variable,
	.next_recipes = next_recipes,
	.recipe_prelude = recipe_prelude,
};

/* Whoever only looks runs nothing: the plan tells the program, its answer is no. */
static void
serve(Services *services)
{
	const ServicesLive *live = services->live;
	bool only_looks = live == NULL || live->no_programs;

	services->recipe_table = table;
	if (only_looks) {
		services->recipe_table.run_command = NULL;
		services->recipe_table.write_log = NULL;
	}

	if (only_looks || live->locks == NULL)
		services->recipe_table.take_lock = NULL;
}

/*
 * The mailbox that recipes know as DEFAULT. A template that cannot be expanded was told when the
 * settings were read.
 */
void
services_recipes_init(Services *services)
{
	serve(services);

	const char *setting = services->site->conf->recipe_default;
	g_auto(Status) st = STATUS_INIT;

	services->inbox_path = g_strconcat(
		services->account->maildir,
		g_str_has_suffix(services->account->maildir, "/") ? "" : "/", NULL);
	if (*setting != '\0')
		services->default_path = account_expand(services->account, setting, &st);
	if (services->default_path == NULL)
		services->default_path = g_strdup(services->inbox_path);
	services->prelude = recipes_prelude(services->site->conf, NULL);
}

void
services_recipes_clear(Services *services)
{
	g_free(services->prelude);
	g_free(services->next);
	g_free(services->inbox_path);
	g_free(services->default_path);
}

void
services_set_recipes(Services *services, const RecipeCall *call)
{
	services->recipes = call;
	g_free(services->prelude);
	services->prelude = recipes_prelude(services->site->conf, call);
}

void
services_hear_recipes(Services *services, bool hears)
{
	const ServicesDescription *described = services->described;
	bool is_heard = described->trace == NULL || described->is_delivered;

	services->hears_recipes = hears && services->live != NULL && is_heard;
	services->env.trace_level = services->hears_recipes
	                                    ? MAX((int) TRACE_ACTIONS, described->trace_level)
	                                    : described->trace_level;
}
