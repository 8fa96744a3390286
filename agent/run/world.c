/* world: answers the questions of engines from the configuration, the account and the disk. */
#define _GNU_SOURCE
#include "agent/run/world.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/deliver/command.h"
#include "agent/deliver/deliver.h"
#include "agent/deliver/folder.h"
#include "agent/deliver/out.h"
#include "agent/deliver/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct World {
	FilterEnv env;
	FilterServices services;
	const Site *site;
	const Account *account;
	const Envelope *envelope;
	Maildir *inbox;
	const WorldDescription *described;
	const WorldLive *live;     /* NULL: nothing runs, nothing is remembered */
	GHashTable *list_values;   /* list name -> GHashTable of its values; read once */
	const RecipeCall *recipes; /* NULL: as the account has it */
	bool hears_recipes;
	unsigned heard;
	char *prelude;             /* of recipes */
	char *next;                /* of the files of recipes: the one that runs after a HOST of another name */
	char *inbox_path;          /* as recipes name it: a Maildir, "/" at the end */
	char *default_path;        /* where mail goes that recipes do not file */
	ScriptSet *record;         /* NULL: nobody wants to know what is included */
	const ScriptSet *only;     /* NULL: scripts lie where they lie */
};

static const WorldDescription as_it_is = { .trace_level = -1 };

static World *
world_of(FilterEnv *env)
{
	return env->user;
}

static const void *
member(const World *world, const ConfRow *row)
{
	return G_STRUCT_MEMBER_P(world->site->conf, row->offset);
}

static gint64
setting_int(FilterEnv *env, const char *name)
{
	const ConfRow *row = conf_find_row(name);
	g_assert(row != NULL); /* engines and conf-table.def are compiled together */
	const void *value = member(world_of(env), row);
	switch (row->type) {
	case CONF_BOOL:
		return *(const bool *) value;
	case CONF_ENUM:
		return *(const unsigned *) value;
	default:
		return *(const gint64 *) value;
	}
}

static const char *
setting_text(FilterEnv *env, const char *name)
{
	const ConfRow *row = conf_find_row(name);
	g_assert(row != NULL && row->type == CONF_TEXT);
	return *(char *const *) member(world_of(env), row);
}

/* The value behind "name=" among `items`; NULL: there is none. */
static const char *
find_item(const char *const *items, const char *name)
{
	size_t len = strlen(name);
	for (; items != NULL && *items != NULL; items++)
		if (strncmp(*items, name, len) == 0 && (*items)[len] == '=')
			return *items + len + 1;
	return NULL;
}

static const char *
setting_item(FilterEnv *env, const char *group, const char *name)
{
	const ConfRow *row = conf_find_row(group);
	g_assert(row != NULL && row->type == CONF_LIST);
	return find_item(*(const char *const *const *) member(world_of(env), row), name);
}

/* The folder where scripts for include lie. NULL: the site has none. Caller frees. */
static char *
script_folder(const World *world, ScriptPlace place, Status *st)
{
	const Conf *conf = world->site->conf;
	const char *described = place == PLACE_PERSONAL ? world->described->personal : world->described->global;
	const char *setting = place == PLACE_PERSONAL ? conf->sieve_personal : conf->sieve_global;
	if (described != NULL)
		return g_strdup(described);
	return *setting != '\0' ? account_expand(world->account, setting, st) : NULL;
}

/* A file that recipes include: whatever the owner may read. */
static bool
open_recipes(const char *path, char **ret_file, char **ret_text, size_t *ret_len, Status *st)
{
	if (!fs_read_file(AT_FDCWD, path, LIMIT_RECIPE_FILE_BYTES, ret_text, ret_len, st))
		return false;
	*ret_file = g_strdup(path);
	return true;
}

/* An included script of the set that served last. */
static bool
open_kept(const ScriptSet *only, ScriptPlace place, const char *name, char **ret_file, char **ret_text, size_t *ret_len, Status *st)
{
	const ScriptText *text = script_set_find(only, place, name);
	if (text == NULL)
		return status_fail_detail(st, STATUS_MISSING, "script '%s' was not included", name);
	*ret_file = g_strdup(text->file);
	*ret_text = g_memdup2(text->text, text->len + 1);
	*ret_len = text->len;
	return true;
}

/* A script's name is no path: it comes from the owner, and :global ones are read for him. */
static bool
open_script(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file, char **ret_text, size_t *ret_len, Status *st)
{
	World *world = world_of(env);
	if (place == PLACE_PATH)
		return open_recipes(name, ret_file, ret_text, ret_len, st);
	if (world->only != NULL)
		return open_kept(world->only, place, name, ret_file, ret_text, ret_len, st);
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL || strlen(name) > LIMIT_FILE_NAME - strlen(".sieve"))
		return status_fail_detail(st, STATUS_MISSING, "'%s' is no name of a script", name);
	g_autofree char *folder = script_folder(world, place, st);
	if (folder == NULL)
		return status_fail_detail(st, STATUS_MISSING, "there is no folder for %s scripts", place == PLACE_PERSONAL ? "personal" : "global");
	g_autofree char *file = g_strconcat(name, ".sieve", NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL);
	if (!fs_read_file(AT_FDCWD, path, (size_t) world->site->conf->sieve_max_script_size, ret_text, ret_len, st))
		return false;
	if (world->record != NULL)
		script_set_add(world->record, place, name, file, g_memdup2(*ret_text, *ret_len + 1), *ret_len);
	*ret_file = g_steal_pointer(&file);
	return true;
}

/* "NAME:\Special" of a described mailbox: the octets of the name, and the use (NULL: none). */
static size_t
split_described(const char *mailbox, const char **ret_use)
{
	const char *colon = strstr(mailbox, ":\\");
	*ret_use = colon != NULL ? colon + 1 : NULL;
	return colon != NULL ? (size_t) (colon - mailbox) : strlen(mailbox);
}

/* The described mailbox of that name and use (NULL: any). NULL: there is none. Caller frees. */
static char *
find_described(const World *world, const char *mailbox, const char *special_use)
{
	for (const char *const *item = world->described->mailboxes; *item != NULL; item++) {
		const char *use;
		size_t len = split_described(*item, &use);
		bool name_fits = mailbox == NULL || (strlen(mailbox) == len && strncmp(*item, mailbox, len) == 0);
		bool use_fits = special_use == NULL || (use != NULL && g_ascii_strcasecmp(use, special_use) == 0);
		if (name_fits && use_fits)
			return g_strndup(*item, len);
	}
	return NULL;
}

static MailboxAnswer
mailbox_exists(FilterEnv *env, const char *mailbox)
{
	const World *world = world_of(env);
	if (g_ascii_strcasecmp(mailbox, "INBOX") == 0)
		return MAILBOX_EXISTS;
	if (world->described->mailboxes != NULL) {
		g_autofree char *found = find_described(world, mailbox, NULL);
		return found != NULL ? MAILBOX_EXISTS : MAILBOX_MISSING;
	}
	if (world->inbox == NULL)
		return MAILBOX_UNKNOWN;
	FolderRules rules = deliver_folder_rules(world->site->conf);
	return folder_exists(world->inbox, &rules, mailbox) ? MAILBOX_EXISTS : MAILBOX_MISSING;
}

static char *
special_use_mailbox(FilterEnv *env, const char *special_use, const char *named)
{
	const World *world = world_of(env);
	if (world->described->mailboxes != NULL) {
		char *found = named != NULL ? find_described(world, named, special_use) : NULL;
		return found != NULL ? found : find_described(world, NULL, special_use);
	}
	if (world->inbox == NULL)
		return NULL;
	return g_strdup(deliver_special_use_folder(world->site->conf, world->inbox, special_use, named));
}

static const char *
list_file(const World *world, const char *list)
{
	const char *described = find_item(world->described->lists, list);
	return described != NULL ? described : find_item((const char *const *) world->site->conf->sieve_lists, list);
}

static bool
list_is_known(FilterEnv *env, const char *list)
{
	return list_file(world_of(env), list) != NULL;
}

/* The lines of a list's file, folded: addresses are what lists hold. */
static GHashTable *
read_list(const char *path, Status *st)
{
	g_autofree char *data = NULL;
	size_t len;
	if (!fs_read_file(AT_FDCWD, path, LIMIT_LIST_FILE, &data, &len, st))
		return NULL;
	GHashTable *values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) lines = g_strsplit(data, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		char *value = g_utf8_casefold(g_strstrip(*line), -1);
		if (*value != '\0' && *value != '#')
			g_hash_table_add(values, value);
		else
			g_free(value);
	}
	return values;
}

static bool
list_contains(FilterEnv *env, const char *list, const char *value, Status *st)
{
	World *world = world_of(env);
	const char *path = list_file(world, list);
	if (path == NULL)
		return status_fail_detail(st, STATUS_MISSING, "there is no list '%s'", list);
	GHashTable *values = g_hash_table_lookup(world->list_values, list);
	if (values == NULL) {
		values = read_list(path, st);
		if (values == NULL)
			return false;
		g_hash_table_insert(world->list_values, g_strdup(list), values);
	}
	g_autofree char *folded = g_utf8_casefold(value, -1);
	return g_hash_table_contains(values, folded);
}

/* Read afresh, as it is written: this is for addresses to send to, and asked once a rule. */
static bool
list_members(FilterEnv *env, const char *list, size_t max, GPtrArray *members, Status *st)
{
	const char *path = list_file(world_of(env), list);
	g_autofree char *data = NULL;
	size_t len;
	if (path == NULL)
		return status_fail_detail(st, STATUS_MISSING, "there is no list '%s'", list);
	if (!fs_read_file(AT_FDCWD, path, LIMIT_LIST_FILE, &data, &len, st))
		return false;
	g_auto(GStrv) lines = g_strsplit(data, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		const char *value = g_strstrip(*line);
		if (*value == '\0' || *value == '#')
			continue;
		if (members->len >= max)
			return status_fail_detail(st, STATUS_LIMIT, "list '%s' has more than %zu items", list, max);
		g_ptr_array_add(members, g_strdup(value));
	}
	return true;
}

static const char *
environment(FilterEnv *env, const char *item)
{
	const World *world = world_of(env);
	const Envelope *envelope = world->envelope;
	const struct {
		const char *name, *value;
	} items[] = {
		{ "domain", world->account->domain },
		{ "host", world->site->host },
		{ "remote-host", envelope->client_name },
		{ "remote-ip", envelope->client_address },
		{ "vnd.todoke.address", world->account->addresses->len > 0 ? world->account->addresses->pdata[0] : NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
		if (strcmp(items[i].name, item) == 0)
			return items[i].value;
	return NULL;
}

static int
utc_offset(FilterEnv *env)
{
	time_t now = (time_t) env->now;
	struct tm local = { 0 };
	localtime_r(&now, &local);
	return (int) (local.tm_gmtoff / 60);
}

static bool
duplicate(FilterEnv *env, const char *key, gint64 seconds, bool last)
{
	World *world = world_of(env);
	if (world->live == NULL)
		return false;
	g_autofree char *name = state_key("duplicate", world->account->user, key, NULL);
	State *state = state_once_get(world->live->state, world->live->notes);
	g_auto(Status) unknown = STATUS_INIT;
	bool seen = state != NULL && state_seen(state, name, &unknown);
	if (!seen || last)
		state_once_will_see(world->live->state, name, env->now + seconds);
	return seen;
}

/* Run it now: what it says is the rule's answer. */
static bool
run_program(FilterEnv *env, const FilterProgramCall *call, FilterProgramResult *ret_result, Status *st)
{
	World *world = world_of(env);
	MessageBody body = { .fd = -1 };
	if (call->input != NULL && !message_body(call->input, &body))
		return status_fail_detail(st, STATUS_INTERNAL, "the body that program '%s' wants is not stored", call->name);
	g_autoptr(GString) head = call->input != NULL ? out_print_headers(call->input, call->input_headers)
	                                              : g_string_new(call->input_text);
	ProgramCall program = {
		.conf = world->site->conf,
		.user = world->account->user,
		.home = world->account->home,
		.envelope = world->envelope,
		.name = call->name,
		.args = call->argv,
		.head = head->str,
		.head_len = head->len,
		.body_fd = body.fd,
		.body_at = body.offset,
		.body_len = body.size,
		.output_limit = call->output_limit,
	};
	g_auto(ChildResult) result = { 0 };
	if (!program_run(&program, &result, st))
		return false;
	if (result.exit_code < 0)
		return status_fail_detail(st, STATUS_PROGRAM, "program '%s' was killed by signal %d", call->name, result.signal);
	*ret_result = (FilterProgramResult){ result.exit_code, g_steal_pointer(&result.output) };
	return true;
}

/* A program of the owner's recipes: anything he may run himself, in our bounds. */
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
	if (result.exit_code < 0)
		return status_fail_detail(st, STATUS_PROGRAM, "program '%s' was killed by signal %d", call->argv[0], result.signal);
	*ret_result = (FilterProgramResult){ result.exit_code, g_steal_pointer(&result.output) };
	return true;
}

static void *
take_lock(FilterEnv *env, const char *path, const char *timeout, Status *st)
{
	const World *world = world_of(env);
	const char *home = world->account->home;
	g_autofree char *whole = *path == '/' || home == NULL ? g_strdup(path) : g_build_filename(home, path, NULL);
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
	const char *home = world->account->home;
	g_autofree char *whole = *path == '/' || home == NULL ? g_strdup(path) : g_build_filename(home, path, NULL);
	for (size_t len = strlen(whole); len > 1 && (whole[len - 1] == '/' || g_str_has_suffix(whole, "/.")); len--)
		whole[len - 1] = '\0';
	return g_steal_pointer(&whole);
}

/* A folder's last component may be made; an mbox is a file in a folder that is there. */
static bool
can_store(FilterEnv *env, const char *path)
{
	bool folder = g_str_has_suffix(path, "/") || g_str_has_suffix(path, "/.");
	g_autofree char *plain = plain_path(world_of(env), path);
	switch (path_kind(env, plain)) {
	case PATH_DIRECTORY:
		return access(plain, W_OK | X_OK) == 0;
	case PATH_FILE:
		return !folder && access(plain, W_OK) == 0;
	case PATH_MISSING: {
		g_autofree char *parent = g_path_get_dirname(plain);
		return path_kind(env, parent) == PATH_DIRECTORY && access(parent, W_OK | X_OK) == 0;
	}
	default:
		return false;
	}
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
	const struct {
		const char *name, *value;
	} variables[] = {
		{ "HOME", world->account->home },
		{ "MAILDIR", world->account->home },
		{ "DEFAULT", world->default_path },
		{ "ORGMAIL", world->default_path },
		{ "INBOX", world->inbox_path },
		{ "HOST", world->site->host },
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
static void
note_recipes(World *world, const char *file, unsigned line, const char *text)
{
	if (world->heard++ >= LIMIT_RECIPE_NOTES)
		return;
	g_autofree char *printable = header_text_print(text, LIMIT_RECIPE_NOTE_BYTES);
	g_ptr_array_add(world->live->notes, g_strdup_printf("%s:%u: %s", file, line, printable));
}

static void
trace(FilterEnv *env, TraceLevel level, const char *file, unsigned line, const char *text)
{
	World *world = world_of(env);
	(void) level;
	if (world->hears_recipes)
		note_recipes(world, file, line, text);
	else if (world->described->trace != NULL)
		world->described->trace(file, line, text);
}

static void
note(FilterEnv *env, const char *text)
{
	const World *world = world_of(env);
	if (world->live != NULL)
		g_ptr_array_add(world->live->notes, g_strdup(text));
}

static const FilterServices services = {
	.setting_int = setting_int,
	.setting_text = setting_text,
	.setting_item = setting_item,
	.open_script = open_script,
	.mailbox_exists = mailbox_exists,
	.special_use_mailbox = special_use_mailbox,
	.list_contains = list_contains,
	.list_is_known = list_is_known,
	.list_members = list_members,
	.environment = environment,
	.duplicate = duplicate,
	.run_program = run_program,
	.run_command = run_command,
	.take_lock = take_lock,
	.drop_lock = drop_lock,
	.path_kind = path_kind,
	.can_store = can_store,
	.write_log = write_log,
	.recipe_variable = recipe_variable,
	.next_recipes = next_recipes,
	.recipe_prelude = recipe_prelude,
	.utc_offset = utc_offset,
	.note = note,
	.trace = trace,
};

static void
list_free(gpointer values)
{
	g_hash_table_unref(values);
}

/* The mailbox that recipes know as DEFAULT. A template that cannot be expanded was told when the settings were read. */
static void
set_default(World *world)
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

World *
world_new(const Site *site, const Account *account, const Envelope *envelope, Maildir *inbox, gint64 now,
          const WorldDescription *description, const WorldLive *live)
{
	World *world = g_new0(World, 1);
	world->site = site;
	world->account = account;
	world->envelope = envelope;
	world->inbox = inbox;
	world->described = description != NULL ? description : &as_it_is;
	world->live = live;
	world->list_values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, list_free);
	world->services = services;
	if (live == NULL || live->no_programs) { /* who only looks runs nothing: the plan tells the program, its answer is no */
		world->services.run_program = NULL;
		world->services.run_command = NULL;
		world->services.write_log = NULL;
	}
	if (live == NULL || live->no_programs || live->locks == NULL)
		world->services.take_lock = NULL;
	set_default(world);
	world->env = (FilterEnv){
		.services = &world->services,
		.user = world,
		.now = now,
		.trace_level = world->described->trace_level,
		.unwatched = live != NULL && !live->no_programs,
	};
	return world;
}

void
world_free(World *world)
{
	if (world == NULL)
		return;
	g_hash_table_unref(world->list_values);
	g_free(world->prelude);
	g_free(world->next);
	g_free(world->inbox_path);
	g_free(world->default_path);
	g_free(world);
}

const WorldLive *
world_live(const World *world)
{
	return world->live;
}

void
world_include(World *world, ScriptSet *record, const ScriptSet *only)
{
	world->record = record;
	world->only = only;
}

FilterEnv *
world_env(World *world)
{
	return &world->env;
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
	world->hears_recipes = hears && world->live != NULL && world->described->trace_level < 0;
	world->env.trace_level = world->hears_recipes ? TRACE_ACTIONS : world->described->trace_level;
}
