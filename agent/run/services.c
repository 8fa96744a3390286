/* SPDX-License-Identifier: MIT */
/*
 * services: answers the questions of engines from the configuration, the account and the disk;
 * services-recipes those of recipes alone.
 */
#define _GNU_SOURCE
#include "agent/run/services-parts.h"

#include "agent/base/fold.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"
#include "agent/deliver/deliver.h"
#include "agent/run/trust.h"
#include "agent/store/folder.h"
#include "agent/store/folder-id.h"
#include "agent/send/compose.h"
#include "agent/exec/owner-program.h"
#include "agent/exec/site-program.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

static const ServicesDescription as_it_is = { .trace_level = -1 };

/* The folder where scripts for include lie. NULL: the site has none. Caller frees. */
static char *
script_folder(const Services *services, ScriptPlace place, Status *st)
{
	const Conf *conf = services->site->conf;
	const char *described = place == PLACE_PERSONAL ? services->described->personal
	                                                : services->described->global;
	const char *setting = place == PLACE_PERSONAL ? conf->sieve_personal : conf->sieve_global;

	if (described != NULL)
		return g_strdup(described);
	return *setting != '\0' ? account_expand(services->account, setting, st) : NULL;
}

/* An included script of the set that served last. */
static bool
open_kept(const ScriptSet *only, ScriptPlace place, const char *name, char **ret_file,
          char **ret_text, size_t *ret_len, Status *st)
{
	const ScriptText *text = script_set_find(only, place, name);
	if (text == NULL)
		return status_fail_detail(st, STATUS_MISSING, "script '%s' was not included", name);

	*ret_file = g_strdup(text->file);
	*ret_text = g_memdup2(text->text, text->len + 1);
	*ret_len = text->len;

	return true;
}

/*
 * To whoever compiles, a script that cannot be had now looks like one that is not there. Always
 * false.
 */
static bool
remember_trouble(Services *services, const char *path, const Status *fault)
{
	if (outcome_find(OUTCOME_OF_SCRIPT, fault->id) == OUTCOME_PUT_OFF_A_DAY &&
	    services->trouble.id == STATUS_OK)
		status_fail_detail(&services->trouble, fault->id, "%s: %s", path, fault->detail);
	return false;
}

/* Who may have written a script for include. */
static Trust
trust_of_included(const Services *services, ScriptPlace place, const char *path)
{
	const char *described = place == PLACE_PERSONAL ? services->described->personal
	                                                : services->described->global;
	if (described != NULL)
		return (Trust){ .rule = TRUST_ALL };

	return place == PLACE_PERSONAL ? trust_of_owner(TRUST_INCLUDED, services->account, path)
	                               : trust_of_site(services->site->conf, "sieve_global", path);
}

/* A script's name is no path: it comes from the owner, and :global ones are read for the owner. */
static bool
open_script(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file, char **ret_text,
            size_t *ret_len, Status *st)
{
	Services *services = services_of(env);
	if (place == PLACE_PATH)
		return services_recipes_open(services, name, ret_file, ret_text, ret_len, st);
	if (services->only != NULL)
		return open_kept(services->only, place, name, ret_file, ret_text, ret_len, st);

	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL ||
	    strlen(name) > LIMIT_FILE_NAME - strlen(".sieve"))
		return status_fail_detail(st, STATUS_MISSING, "'%s' is not the name of a script",
		                          name);

	g_autofree char *folder = script_folder(services, place, st);
	if (folder == NULL)
		return status_fail_detail(st, STATUS_MISSING, "there is no folder for %s scripts",
		                          place == PLACE_PERSONAL ? "personal" : "global");
	g_autofree char *file = g_strconcat(name, ".sieve", NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL);
	const Trust trust = trust_of_included(services, place, path);
	const size_t limit = (size_t) services->site->conf->sieve_max_script_size;
	if (!fs_read_judged(AT_FDCWD, path, limit, trust_judge, &trust, ret_text, ret_len, st))
		return remember_trouble(services, path, st);

	if (services->record != NULL)
		script_set_add(services->record, place, name, file,
		               g_memdup2(*ret_text, *ret_len + 1), *ret_len);
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
find_described(const Services *services, const char *mailbox, const char *special_use)
{
	for (const char *const *item = services->described->mailboxes; *item != NULL; item++) {
		const char *use;
		size_t len = split_described(*item, &use);
		bool name_fits = mailbox == NULL ||
		                 (strlen(mailbox) == len && strncmp(*item, mailbox, len) == 0);
		bool use_fits = special_use == NULL ||
		                (use != NULL && g_ascii_strcasecmp(use, special_use) == 0);
		if (name_fits && use_fits)
			return g_strndup(*item, len);
	}
	return NULL;
}

static MailboxAnswer
mailbox_exists(FilterEnv *env, const char *mailbox)
{
	const Services *services = services_of(env);
	if (g_ascii_strcasecmp(mailbox, "INBOX") == 0)
		return MAILBOX_EXISTS;

	if (services->described->mailboxes != NULL) {
		g_autofree char *found = find_described(services, mailbox, NULL);
		return found != NULL ? MAILBOX_EXISTS : MAILBOX_MISSING;
	}

	if (services->inbox == NULL)
		return MAILBOX_UNKNOWN;
	FolderRules rules = folder_rules_of(services->site->conf);
	return folder_exists(services->inbox, &rules, mailbox) ? MAILBOX_EXISTS : MAILBOX_MISSING;
}

/* Said only where no description of mailboxes takes the place of the disk. */
static char *
mailbox_warning(FilterEnv *env, const char *mailbox)
{
	const Services *services = services_of(env);
	const char *why = NULL;
	FolderRules rules = folder_rules_of(services->site->conf);

	if (services->described->mailboxes != NULL)
		return NULL;
	g_autofree char *path = folder_path(&rules, services->inbox, mailbox, &why);
	if (path == NULL)
		return g_strdup_printf("mail for \"%s\" goes to the INBOX: the name %s", mailbox,
		                       why);
	if (rules.escape == '\0' || strchr(path, rules.escape) == NULL)
		return NULL;

	return g_strdup_printf(
		"the folder of \"%s\" is %s on the disk: some of its signs mean other things there",
		mailbox, path);
}

static char *
program_warning(FilterEnv *env, const char *name)
{
	const Services *services = services_of(env);
	const SiteProgramCall call = { .conf = services->site->conf, .name = name };
	g_auto(Status) fault = STATUS_INIT;
	return site_program_is_there(&call, &fault) ? NULL : g_strdup(fault.detail);
}

static char *
mailbox_by_id(FilterEnv *env, const char *id, Status *st)
{
	const Services *services = services_of(env);
	FolderRules rules = folder_rules_of(services->site->conf);
	if (services->described->mailboxes != NULL || services->inbox == NULL)
		return NULL;

	g_autofree char *path = folder_by_id(services->inbox, &rules, id, st);
	return path != NULL ? folder_name(&rules, services->inbox, path) : NULL;
}

static char *
metadata(FilterEnv *env, const char *mailbox, const char *annotation)
{
	const Services *services = services_of(env);
	const Conf *conf = services->site->conf;
	FolderRules rules = folder_rules_of(conf);
	const char *why;

	if (services->inbox == NULL ||
	    (mailbox != NULL && !folder_exists(services->inbox, &rules, mailbox)))
		return NULL;
	g_auto(Status) unexpanded = STATUS_INIT; /* was told when the settings were read */
	g_autofree char *path = mailbox != NULL
	                                ? folder_path(&rules, services->inbox, mailbox, &why)
	                                : NULL;
	g_autofree char *attributes = account_expand(services->account, conf->metadata_file,
	                                             &unexpanded);

	return folder_metadata(services->inbox, attributes, path, annotation);
}

static char *
special_use_mailbox(FilterEnv *env, const char *special_use, const char *named)
{
	const Services *services = services_of(env);

	if (services->described->mailboxes != NULL) {
		char *found = named != NULL ? find_described(services, named, special_use) : NULL;
		return found != NULL ? found : find_described(services, NULL, special_use);
	}

	if (services->inbox == NULL)
		return NULL;
	return g_strdup(
		folder_of_special_use(services->site->conf, services->inbox, special_use, named));
}

static const char *
list_file(const Services *services, const char *list)
{
	const char *described = conf_find_item((char *const *) services->described->lists, list);
	return described != NULL ? described
	                         : conf_find_item(services->site->conf->sieve_lists, list);
}

static bool
list_is_known(FilterEnv *env, const char *list)
{
	return list_file(services_of(env), list) != NULL;
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
		char *value = fold_text(g_strstrip(*line));
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
	Services *services = services_of(env);
	const char *path = list_file(services, list);
	if (path == NULL)
		return status_fail_detail(st, STATUS_MISSING, "there is no list '%s'", list);

	GHashTable *values = g_hash_table_lookup(services->list_values, list);
	if (values == NULL) {
		values = read_list(path, st);
		if (values == NULL)
			return false;
		g_hash_table_insert(services->list_values, g_strdup(list), values);
	}

	g_autofree char *folded = fold_text(value);
	return g_hash_table_contains(values, folded);
}

/* Read afresh, as it is written: this is for addresses to send to, and asked once a rule. */
static bool
list_members(FilterEnv *env, const char *list, size_t max, GPtrArray *members, Status *st)
{
	const char *path = list_file(services_of(env), list);
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
			return status_fail_detail(st, STATUS_LIMIT,
			                          "list '%s' has more than %zu items", list, max);
		g_ptr_array_add(members, g_strdup(value));
	}

	return true;
}

static const char *
environment(FilterEnv *env, const char *item)
{
	const Services *services = services_of(env);
	const Envelope *envelope = services->envelope;

	const struct {
		const char *name, *value;
	} items[] = {
		{ "domain", services->account->domain },
		{ "host", services->site->host },
		{ "remote-host", envelope->client_name },
		{ "remote-ip", envelope->client_address },
		{ "vnd.todoke.address", services->account->addresses->len > 0
		                                ? services->account->addresses->pdata[0]
		                                : NULL },
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
	Services *services = services_of(env);
	if (services->live == NULL)
		return false;

	const ServicesLive *live = services->live;
	g_autofree char *name = state_key("duplicate", services->account->user, key, NULL);
	bool seen = state_once_has_seen(live->state, name, live->arrival, live->notes);
	if (!seen || last)
		state_once_will_see(live->state, name, seen ? NULL : live->arrival,
		                    env->now + seconds);

	return seen;
}

/* How it ended badly, with the first of what it said to stderr, printable. Caller frees. */
static char *
describe_end(const char *name, const ChildResult *result)
{
	g_autofree char *text = owner_program_describe_end(name, result);
	return header_text_print(text, LIMIT_ANSWER_BYTES);
}

/* Run it now: what it says is the rule's answer. */
static bool
run_program(FilterEnv *env, const FilterProgramCall *call, FilterProgramResult *ret_result,
            Status *st)
{
	Services *services = services_of(env);
	MessageBody body = { .fd = -1 };

	if (call->input != NULL && !message_body(call->input, &body))
		return status_fail_detail(st, STATUS_INTERNAL,
		                          "the body that program '%s' wants is not stored",
		                          call->name);

	g_autoptr(GString) head = call->input != NULL
	                                  ? compose_print_headers(call->input, call->input_headers)
	                                  : g_string_new(call->input_text);
	SiteProgramCall program = {
		.conf = services->site->conf,
		.user = services->account->user,
		.home = services->account->home,
		.host = services->site->host,
		.envelope = services->envelope,
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
	if (!site_program_run(&program, &result, st))
		return false;

	g_autofree char *end = result.exit_code != 0 ? describe_end(call->name, &result) : NULL;
	if (result.exit_code < 0) {
		status_fail_detail(st, STATUS_PROGRAM, "%s", end);
		status_set_outside(st, child_outside(call->name, call->argv, end));
		return false;
	}

	*ret_result = (FilterProgramResult){
		.exit_code = result.exit_code,
		.output = g_steal_pointer(&result.output),
		.unread = result.unread,
		.end = g_steal_pointer(&end),
	};
	return true;
}

static void
trace(FilterEnv *env, TraceLevel level, const char *file, unsigned line, const char *text)
{
	Services *services = services_of(env);
	const ServicesDescription *described = services->described;

	if (services->hears_recipes && level == TRACE_ACTIONS)
		services_recipes_note(services, file, line, text);
	if (described->trace != NULL)
		described->trace(described->trace_user, level, file, line, text);
}

/* What is remembered, where something is. */
static ScriptMemory
memory_of(const Services *services)
{
	const ServicesLive *live = services->live;
	return (ScriptMemory){ .state = live != NULL ? live->state : NULL,
		               .user = services->account->user,
		               .now = services->env.now,
		               .notes = live != NULL ? live->notes : NULL };
}

static bool
may_go_on(FilterEnv *env, guint64 work, Status *st)
{
	Services *services = services_of(env);
	const ScriptMemory memory = memory_of(services);
	return script_time_goes_on(&services->time, &memory, env->conf, work, st);
}

void
services_begin_time(Services *services, const ScriptSet *set)
{
	script_time_begin(&services->time, set);
}

void
services_end_time(Services *services)
{
	const ScriptMemory memory = memory_of(services);
	script_time_end(&services->time, &memory, services->env.conf);
}

static void
note(FilterEnv *env, const char *text)
{
	const Services *services = services_of(env);
	if (services->live != NULL)
		g_ptr_array_add(services->live->notes, g_strdup(text));
}

static const FilterServices table = {
	.open_script = open_script,
	.mailbox_exists = mailbox_exists,
	.mailbox_by_id = mailbox_by_id,
	.metadata = metadata,
	.mailbox_warning = mailbox_warning,
	.program_warning = program_warning,
	.special_use_mailbox = special_use_mailbox,
	.list_contains = list_contains,
	.list_is_known = list_is_known,
	.list_members = list_members,
	.environment = environment,
	.duplicate = duplicate,
	.run_program = run_program,
	.utc_offset = utc_offset,
	.may_go_on = may_go_on,
	.note = note,
	.trace = trace,
};

static void
list_free(gpointer values)
{
	g_hash_table_unref(values);
}

Services *
services_new(const Site *site, const Account *account, const Envelope *envelope, Maildir *inbox,
             gint64 now, const ServicesDescription *description, const ServicesLive *live)
{
	Services *services = g_new0(Services, 1);

	services->site = site;
	services->account = account;
	services->envelope = envelope;
	services->inbox = inbox;
	services->described = description != NULL ? description : &as_it_is;
	services->live = live;
	services->list_values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, list_free);
	services->table = table;

	/* as for the programs of recipes: whoever only looks runs nothing */
	if (live == NULL || live->no_programs)
		services->table.run_program = NULL;

	services_recipes_init(services);
	services->env = (FilterEnv){
		.services = &services->table,
		.recipes = &services->recipe_table,
		.conf = site->conf,
		.user = services,
		.now = now,
		.trace_level = services->described->trace_level,
		.unwatched = live != NULL && !live->no_programs,
	};

	return services;
}

void
services_free(Services *services)
{
	if (services == NULL)
		return;
	g_hash_table_unref(services->list_values);
	services_recipes_clear(services);
	status_clear(&services->trouble);
	g_free(services);
}

const ServicesLive *
services_live(const Services *services)
{
	return services->live;
}

void
services_include(Services *services, ScriptSet *record, const ScriptSet *only)
{
	services->record = record;
	services->only = only;
}

void
services_blame(Services *services, Status *fault)
{
	if (services->trouble.id == STATUS_OK)
		return;
	status_clear(fault);
	status_move(fault, &services->trouble);
}

FilterEnv *
services_env(Services *services)
{
	return &services->env;
}
