/* SPDX-License-Identifier: MIT */
/* services-recipes: what only recipes ask for: files, lock files, programs and variables of the owner. */
#define _GNU_SOURCE
#include "agent/run/services-parts.h"

#include "agent/base/answer.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"
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
world_recipes_open(const World *world, const char *path, char **ret_file, char **ret_text, size_t *ret_len, Status *st)
{
	const Conf *conf = world->site->conf;
	bool is_site = strcmp(path, conf->recipe_site) == 0;
	const Trust trust = is_site ? trust_of_site(conf, "recipe_site", path)
	                            : trust_of_owner(TRUST_INCLUDED, world->account, path);
	if (!fs_read_judged(AT_FDCWD, path, LIMIT_RECIPE_FILE_BYTES, trust_judge, &trust, ret_text, ret_len, st))
		return false;
	*ret_file = g_strdup(path);
	return true;
}

/* A program of the owner's recipes: anything that the owner may run, in our bounds. */
static bool
run_command(FilterEnv *env, const FilterCommandCall *call, FilterProgramResult *ret_result, Status *st)
{
	const World *world = world_of(env);
	CommandCall command = {
		.conf = world->site->conf, .argv = call->argv, .environment = call->environment, .directory = call->directory,
		.home = world->account->home, .input = call->input, .input_len = call->input_len,
		.output_limit = call->output_limit, .lock = call->lock,
	};
	g_auto(ChildResult) result = { 0 };
	if (!command_run(&command, &result, st))
		return false;
	int exit_code = result.exit_code < 0 ? -result.signal : result.exit_code;
	*ret_result = (FilterProgramResult){
		.exit_code = exit_code, .output = g_steal_pointer(&result.output), .unread = result.unread,
	};
	return true;
}

/* Caller frees. */
static char *
at_home(const World *world, const char *path)
{
	const char *home = world->account->home;
	return *path == '/' || home == NULL ? g_strdup(path) : g_build_filename(home, path, NULL);
}

static void *
take_lock(FilterEnv *env, const char *path, const char *timeout, Status *st)
{
	const World *world = world_of(env);
	g_autofree char *whole = at_home(world, path);
	DotlockPatience patience = command_patience(world->site->conf, timeout);
	Dotlock *lock = dotlock_take(whole, &patience, st);
	if (lock != NULL)
		g_ptr_array_add(world->live->locks, lock);
	return lock;
}

static void
drop_lock(FilterEnv *env, void *lock)
{
	g_ptr_array_remove(world_of(env)->live->locks, lock);
}

static PathAnswer
path_kind(FilterEnv *env, const char *path)
{
	(void) env;
	struct stat sb;
	if (stat(path, &sb) < 0)
		return errno == ENOENT || errno == ENOTDIR ? PATH_MISSING : PATH_UNKNOWN;
	return S_ISDIR(sb.st_mode) ? PATH_DIRECTORY : S_ISREG(sb.st_mode) ? PATH_FILE : PATH_OTHER;
}

/* A path without the signs of Maildir and MH at its end. Caller frees. */
static char *
plain_path(const World *world, const char *path)
{
	g_autofree char *whole = at_home(world, path);
	for (size_t len = strlen(whole); len > 1 && (whole[len - 1] == '/' || g_str_has_suffix(whole, "/.")); len--)
		whole[len - 1] = '\0';
	return g_steal_pointer(&whole);
}

/*
 * May it be written? A fault that passes by itself is no "no": the recipe stands, and the store that follows meets the fault and puts the
 * mail off.
 */
static bool
may_write(const char *path, int mode)
{
	return access(path, mode) == 0 || outcome_fault_kind(status_from_errno(errno)) == FAULT_PASSING;
}

/* A folder's last component may be made; an mbox is a file in a folder that is there. */
static bool
can_store(FilterEnv *env, const char *path)
{
	bool folder = g_str_has_suffix(path, "/") || g_str_has_suffix(path, "/.");
	g_autofree char *plain = plain_path(world_of(env), path);
	switch (path_kind(env, plain)) {
	case PATH_DIRECTORY:
		return g_str_has_suffix(path, "/") ? maildir_is_writable(plain) : may_write(plain, W_OK | X_OK);
	case PATH_FILE:
		return !folder && may_write(plain, W_OK);
	case PATH_MISSING: {
		g_autofree char *parent = g_path_get_dirname(plain);
		PathAnswer kind = path_kind(env, parent);
		return (kind == PATH_DIRECTORY || kind == PATH_UNKNOWN) && may_write(parent, W_OK | X_OK);
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
	const World *world = world_of(env);
	g_auto(Status) unknown = STATUS_INIT;
	g_autofree char *path = at_home(world, call->path), *lock = call->lock != NULL ? at_home(world, call->lock) : NULL;
	g_autoptr(IdCacheEntry) entry = id_cache_entry_new(path, call->max, call->id, lock);
	if (!can_store(env, path) || !id_cache_has(entry, ret_seen, &unknown))
		return false;
	const WorldLive *live = world->live;
	if (live == NULL)
		return true;

	/* The cache is formail's and does not say who wrote an id into it: a try of this very mail that was not answered in time is in the state. */
	g_autofree char *key = state_key("formail -D", entry->path, entry->id, NULL);
	*ret_seen = *ret_seen && !state_once_was_first(live->state, key, live->arrival, live->notes);
	if (live->no_programs || *ret_seen)
		return true;
	*ret_seen = g_ptr_array_find_with_equal_func(live->ids, entry, is_same_id, NULL);
	if (!*ret_seen) {
		g_ptr_array_add(live->ids, g_steal_pointer(&entry));
		if (live->arrival != NULL)
			state_once_will_see(live->state, key, live->arrival, env->now + world->site->conf->retry_lifetime);
	}
	return true;
}

/* Without a LOGFILE it is ours. */
static void
write_log(FilterEnv *env, const char *path, const char *text, size_t len)
{
	const World *world = world_of(env);
	g_auto(Status) st = STATUS_INIT;
	if (*path == '\0') {
		g_autofree char *printable = header_text_print(text, LIMIT_RECIPE_NOTE_BYTES);
		g_ptr_array_add(world->live->notes, g_strdup_printf("recipes say: %s", printable));
	} else if (!command_log(world->account->home, path, text, len, &st)) {
		g_ptr_array_add(world->live->notes, g_strdup_printf("LOGFILE of recipes: %s", st.detail));
	}
}

/* Where a person runs us, standard output is that person's; Postfix would take it for the answer. */
static bool
write_output(FilterEnv *env, const char *text, size_t len)
{
	const World *world = world_of(env);
	bool is_there = world->live != NULL && !world->live->no_programs && world->recipes != NULL && world->recipes->by_hand;
	return is_there && answer_print(text, len);
}

/* $1 and on. */
static const char *
recipe_argument(const World *world, guint64 number)
{
	const char *const *arguments = world->recipes != NULL ? world->recipes->arguments : NULL;
	if (arguments == NULL)
		return number == 1 ? world->account->detail : NULL;
	return number <= g_strv_length((char **) arguments) ? arguments[number - 1] : NULL;
}

static const char *
recipe_variable(FilterEnv *env, const char *name)
{
	const World *world = world_of(env);
	guint64 number;
	if (g_ascii_string_to_unsigned(name, 10, 1, G_MAXUINT, &number, NULL))
		return recipe_argument(world, number);
	bool is_filter = world->recipes != NULL && world->recipes->is_filter;
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "HOME", world->account->home },
		{ "MAILDIR", world->account->home },
		{ "DEFAULT", is_filter ? NULL : world->default_path },
		{ "ORGMAIL", is_filter ? NULL : world->default_path },
		{ "FILTER_", is_filter ? "yes" : NULL },
		{ "INBOX", world->inbox_path },
		{ "HOST", world->site->host },
		{ "TZ", getenv("TZ") },
		{ "BY_HAND_", world->recipes != NULL && world->recipes->by_hand && !world->recipes->is_soft ? "yes" : NULL },
		{ "FROM_", world->recipes != NULL && world->recipes->makes_from ? "yes" : NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].value;
	return NULL;
}

static const char *
recipe_prelude(FilterEnv *env)
{
	return world_of(env)->prelude;
}

static const char *
next_recipes(FilterEnv *env, const char *file)
{
	World *world = world_of(env);
	char *next = recipes_next(world->account, world->recipes, file);
	g_free(world->next);
	world->next = next;
	return next;
}

/* The first few: a broken file may have a lot to say. */
void
world_recipes_note(World *world, const char *file, unsigned line, const char *text)
{
	if (world->heard++ >= LIMIT_RECIPE_NOTES)
		return;
	g_autofree char *printable = header_text_print(text, LIMIT_RECIPE_NOTE_BYTES);
	g_ptr_array_add(world->live->notes, g_strdup_printf("%s:%u: %s", file, line, printable));
}

void
world_recipes_serve(FilterServices *services)
{
	services->run_command = run_command;
	services->id_seen = id_seen;
	services->take_lock = take_lock;
	services->drop_lock = drop_lock;
	services->path_kind = path_kind;
	services->can_store = can_store;
	services->file_name = file_name;
	services->write_log = write_log;
	services->write_output = write_output;
	services->recipe_variable = recipe_variable;
	services->next_recipes = next_recipes;
	services->recipe_prelude = recipe_prelude;
}

/* The mailbox that recipes know as DEFAULT. A template that cannot be expanded was told when the settings were read. */
void
world_recipes_init(World *world)
{
	const char *setting = world->site->conf->recipe_default;
	g_auto(Status) st = STATUS_INIT;
	world->inbox_path = g_strconcat(world->account->maildir, g_str_has_suffix(world->account->maildir, "/") ? "" : "/",
	                                NULL);
	if (*setting != '\0')
		world->default_path = account_expand(world->account, setting, &st);
	if (world->default_path == NULL)
		world->default_path = g_strdup(world->inbox_path);
	world->prelude = recipes_prelude(world->site->conf, NULL);
}

void
world_recipes_clear(World *world)
{
	g_free(world->prelude);
	g_free(world->next);
	g_free(world->inbox_path);
	g_free(world->default_path);
}

void
world_set_recipes(World *world, const RecipeCall *call)
{
	world->recipes = call;
	g_free(world->prelude);
	world->prelude = recipes_prelude(world->site->conf, call);
}

void
world_hear_recipes(World *world, bool hears)
{
	const WorldDescription *described = world->described;
	bool is_heard = described->trace_level < 0 || described->is_delivered;
	world->hears_recipes = hears && world->live != NULL && is_heard;
	world->env.trace_level = world->hears_recipes
	                                 ? MAX((int) TRACE_ACTIONS, described->trace_level)
	                                 : described->trace_level;
}
