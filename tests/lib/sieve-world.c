/* SPDX-License-Identifier: MIT */
/* sieve-world: services that answer from lists. */
#define _GNU_SOURCE
#include "tests/lib/sieve-world.h"

#include "agent/base/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static SieveWorld *
services_of(FilterEnv *env)
{
	return env->user;
}

static bool
open_script(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file, char **ret_text,
            size_t *ret_len, Status *st)
{
	SieveWorld *world = services_of(env);
	const char *folder = place == PLACE_GLOBAL ? "global" : "personal";
	g_autofree char *path = g_strdup_printf(
		"%s/%s/%s.sieve", world->folder != NULL ? world->folder : "/nowhere", folder, name);

	if (strchr(name, '/') != NULL || !g_file_get_contents(path, ret_text, ret_len, NULL))
		return status_fail_detail(st, STATUS_MISSING, "no %s script '%s'", folder, name);
	*ret_file = g_strdup_printf("%s/%s.sieve", folder, name);
	return true;
}

static MailboxAnswer
find_mailbox(const SieveWorld *world, const char *mailbox, const char *use)
{
	if (world->mailboxes->len == 0)
		return MAILBOX_UNKNOWN;
	for (guint i = 0; i < world->mailboxes->len; i++) {
		g_auto(GStrv) words = g_strsplit(world->mailboxes->pdata[i], " \\", -1);
		if (mailbox != NULL && strcmp(words[0], mailbox) != 0)
			continue;
		if (use == NULL)
			return MAILBOX_EXISTS;
		for (size_t w = 1; words[w] != NULL; w++)
			if (g_ascii_strcasecmp(words[w], use[0] == '\\' ? use + 1 : use) == 0)
				return MAILBOX_EXISTS;
	}

	return MAILBOX_MISSING;
}

static MailboxAnswer
mailbox_exists(FilterEnv *env, const char *mailbox)
{
	return find_mailbox(services_of(env), mailbox, NULL);
}

static char *
special_use_mailbox(FilterEnv *env, const char *use, const char *named)
{
	const SieveWorld *world = services_of(env);
	if (named != NULL && find_mailbox(world, named, use) == MAILBOX_EXISTS)
		return g_strdup(named);

	for (guint i = 0; i < world->mailboxes->len; i++) {
		g_auto(GStrv) words = g_strsplit(world->mailboxes->pdata[i], " \\", 2);
		if (find_mailbox(world, words[0], use) == MAILBOX_EXISTS)
			return g_strdup(words[0]);
	}

	return NULL;
}

static char *
mailbox_by_id(FilterEnv *env, const char *id, Status *st)
{
	(void) st;
	return g_strdup(g_hash_table_lookup(services_of(env)->ids, id));
}

static char *
metadata(FilterEnv *env, const char *mailbox, const char *annotation)
{
	g_autofree char *key = g_strconcat(mailbox != NULL ? mailbox : "", "|", annotation, NULL);
	return g_strdup(g_hash_table_lookup(services_of(env)->metadata, key));
}

static bool
duplicate(FilterEnv *env, const char *key, gint64 seconds, bool last)
{
	(void) seconds;
	(void) last;
	return g_ptr_array_find_with_equal_func(services_of(env)->seen, key, g_str_equal, NULL);
}

static bool
list_is_known(FilterEnv *env, const char *list)
{
	SieveWorld *world = services_of(env);
	for (guint i = 0; i < world->lists->len; i++) {
		const char *entry = world->lists->pdata[i];
		size_t len = strlen(list);
		if (strncmp(entry, list, len) == 0 && entry[len] == '=')
			return true;
	}

	return false;
}

static bool
list_contains(FilterEnv *env, const char *list, const char *value, Status *st)
{
	if (!list_is_known(env, list))
		return status_fail_detail(st, STATUS_MISSING, "no list '%s'", list);
	g_autofree char *entry = g_strdup_printf("%s=%s", list, value);
	return g_ptr_array_find_with_equal_func(services_of(env)->lists, entry, g_str_equal, NULL);
}

static bool
list_members(FilterEnv *env, const char *list, size_t max, GPtrArray *members, Status *st)
{
	SieveWorld *world = services_of(env);
	size_t len = strlen(list);

	for (guint i = 0; i < world->lists->len; i++) {
		const char *entry = world->lists->pdata[i];
		if (strncmp(entry, list, len) != 0 || entry[len] != '=' || entry[len + 1] == '\0')
			continue;
		if (members->len >= max)
			return status_fail_detail(st, STATUS_LIMIT,
			                          "list '%s' has more than %zu items", list, max);
		g_ptr_array_add(members, g_strdup(entry + len + 1));
	}

	return true;
}

static GBytes *
read_input(const FilterProgramCall *call)
{
	if (call->input_text != NULL)
		return g_bytes_new(call->input_text, strlen(call->input_text));
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; call->input_headers != NULL && i < headers_count(call->input_headers);
	     i++) {
		const HeaderField *field = headers_get(call->input_headers, i);
		g_string_append_len(text, field->bytes, field->len);
	}

	MessageBody body;
	if (call->input != NULL && message_body(call->input, &body)) {
		gsize before = text->len;
		g_string_set_size(text, before + (gsize) body.size);
		if (pread(body.fd, text->str + before, (size_t) body.size, body.offset) !=
		    (ssize_t) body.size)
			g_string_truncate(text, before);
	}

	return g_bytes_new(text->str, text->len);
}

static bool
run_program(FilterEnv *env, const FilterProgramCall *call, FilterProgramResult *ret_result,
            Status *st)
{
	SieveWorld *world = services_of(env);
	for (guint i = 0; i < world->programs->len; i++) {
		g_auto(GStrv) words = g_strsplit(world->programs->pdata[i], " ", 3);
		if (g_strv_length(words) != 3 || strcmp(words[0], call->name) != 0)
			continue;
		g_autofree char *text = g_strcompress(words[2]);
		ret_result->exit_code = atoi(words[1]);
		ret_result->output = strcmp(text, "-") == 0 ? read_input(call)
		                                            : g_bytes_new(text, strlen(text));
		return true;
	}

	return status_fail_detail(st, STATUS_PROGRAM, "no program '%s'", call->name);
}

static const char *
environment(FilterEnv *env, const char *item)
{
	return g_hash_table_lookup(services_of(env)->environment, item);
}

static void
trace(FilterEnv *env, TraceLevel level, const char *file, unsigned line, const char *text)
{
	(void) file;
	g_string_append_printf(services_of(env)->trace, "%*s%u: %s\n", 2 * (int) level, "", line,
	                       text);
}

static int
utc_offset(FilterEnv *env)
{
	return services_of(env)->utc_offset;
}

static const FilterServices services = {
	.open_script = open_script,
	.mailbox_exists = mailbox_exists,
	.mailbox_by_id = mailbox_by_id,
	.metadata = metadata,
	.special_use_mailbox = special_use_mailbox,
	.duplicate = duplicate,
	.list_contains = list_contains,
	.list_is_known = list_is_known,
	.list_members = list_members,
	.run_program = run_program,
	.environment = environment,
	.utc_offset = utc_offset,
	.trace = trace,
};

/* Keys that are texts of the envelope. */
static char **
envelope_text(Envelope *envelope, const char *key)
{
	const struct {
		const char *key;
		char **text;
	} texts[] = {
		{ "from", &envelope->sender },           { "to", &envelope->recipient },
		{ "orig", &envelope->original },         { "auth", &envelope->auth },
		{ "envid", &envelope->envid },           { "ret", &envelope->ret },
		{ "notify", &envelope->notify },         { "orcpt", &envelope->orcpt },
		{ "client", &envelope->client_address }, { "helo", &envelope->helo },
		{ "queue-id", &envelope->queue_id },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		if (strcmp(texts[i].key, key) == 0)
			return texts[i].text;
	return NULL;
}

/* Keys that may come more than once. */
static GPtrArray *
list_of(SieveWorld *world, const char *key)
{
	const struct {
		const char *key;
		GPtrArray *list;
	} lists[] = {
		{ "address", world->input.addresses }, { "mailbox", world->mailboxes },
		{ "set", world->overrides },           { "seen", world->seen },
		{ "program", world->programs },        { "list", world->lists },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		if (strcmp(lists[i].key, key) == 0)
			return lists[i].list;
	return NULL;
}

static bool
add_pair(GHashTable *table, const char *value)
{
	const char *sign = strchr(value, '=');
	if (sign == NULL)
		return false;
	g_hash_table_insert(table, g_strndup(value, (gsize) (sign - value)), g_strdup(sign + 1));
	return true;
}

static bool
add_line(SieveWorld *world, const char *key, const char *value)
{
	char **text = envelope_text(world->envelope, key);
	GPtrArray *list = list_of(world, key);

	if (text != NULL) {
		g_free(*text);
		*text = g_strdup(value);
	} else if (list != NULL) {
		g_ptr_array_add(list, g_strdup(value));
	} else if (strcmp(key, "mailboxid") == 0) {
		return add_pair(world->ids, value);
	} else if (strcmp(key, "metadata") == 0) {
		return add_pair(world->metadata, value);
	} else if (strcmp(key, "environment") == 0) {
		return add_pair(world->environment, value);
	} else if (strcmp(key, "trust") == 0) {
		world->trust = strcmp(value, "site") == 0 ? SCRIPT_SITE : SCRIPT_OWNER;
	} else if (strcmp(key, "now") == 0) {
		world->env.now = g_ascii_strtoll(value, NULL, 10);
	} else if (strcmp(key, "utc-offset") == 0) {
		world->utc_offset = atoi(value);
	} else if (strcmp(key, "trace") == 0) {
		world->env.trace_level = atoi(value);
	} else if (strcmp(key, "user") == 0) {
		world->input.user = g_intern_string(value);
	} else if (strcmp(key, "delimiters") == 0) {
		world->input.delimiters = g_intern_string(value);
	} else {
		return false;
	}

	return true;
}

static bool
read_lines(SieveWorld *world, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++) {
		char *colon = strchr(lines[i], ':');
		if (lines[i][0] == '#' || lines[i][0] == '\0')
			continue;
		if (colon != NULL)
			*colon = '\0';
		if (colon == NULL || !add_line(world, lines[i], g_strstrip(colon + 1))) {
			fprintf(stderr, "envelope, line %zu: what is '%s'?\n", i + 1, lines[i]);
			return false;
		}
	}

	return true;
}

/*
 * All settings as they are by default, whatever is installed here: the file is an empty one in
 * memory.
 */
static bool
read_conf(SieveWorld *world)
{
	g_auto(Status) st = STATUS_INIT;
	auto_fd int fd = memfd_create("todoke.conf", MFD_CLOEXEC);
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);

	(void) fchmod(fd, 0600); /* as a file must be that root reads */
	g_ptr_array_add(world->overrides, NULL);
	world->conf = conf_read(path, (const char *const *) world->overrides->pdata, NULL, &st);
	if (world->conf == NULL)
		fprintf(stderr, "set: %s\n", st.detail);

	world->env.conf = world->conf;
	return world->conf != NULL;
}

SieveWorld *
sieve_world_new(const char *text, const char *folder)
{
	g_autoptr(SieveWorld) world = g_new0(SieveWorld, 1);

	/* 2026-11-22 10:00:00 UTC, a Sunday */
	world->env = (FilterEnv){
		.services = &services, .user = world, .now = 1795341600, .trace_level = -1
	};
	world->envelope = envelope_new(DOOR_TRY);
	world->envelope->sender = g_strdup("sender@example.org");
	world->envelope->recipient = g_strdup("me@example.jp");
	world->input.addresses = g_ptr_array_new_with_free_func(g_free);
	world->input.envelope = world->envelope;
	world->input.user = "me";
	world->input.delimiters = "+";
	world->trust = SCRIPT_OWNER;
	world->folder = g_strdup(folder);
	world->overrides = g_ptr_array_new_with_free_func(g_free);
	world->mailboxes = g_ptr_array_new_with_free_func(g_free);
	world->seen = g_ptr_array_new_with_free_func(g_free);
	world->programs = g_ptr_array_new_with_free_func(g_free);
	world->lists = g_ptr_array_new_with_free_func(g_free);
	world->environment = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	world->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	world->metadata = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	world->trace = g_string_new(NULL);
	if (!read_lines(world, text) || !read_conf(world))
		return NULL;

	if (world->input.addresses->len == 0)
		g_ptr_array_add(world->input.addresses, g_strdup(world->envelope->recipient));
	if (!g_hash_table_contains(world->environment, "vnd.todoke.address"))
		g_hash_table_insert(world->environment, g_strdup("vnd.todoke.address"),
		                    g_strdup(world->input.addresses->pdata[0]));
	return g_steal_pointer(&world);
}

void
sieve_world_free(SieveWorld *world)
{
	if (world == NULL)
		return;
	envelope_free(world->envelope);
	g_ptr_array_unref(world->input.addresses);
	g_ptr_array_unref(world->overrides);
	g_ptr_array_unref(world->mailboxes);
	g_ptr_array_unref(world->seen);
	g_ptr_array_unref(world->programs);
	g_ptr_array_unref(world->lists);
	g_hash_table_unref(world->environment);
	g_hash_table_unref(world->ids);
	g_hash_table_unref(world->metadata);
	g_string_free(world->trace, TRUE);
	conf_free(world->conf);
	g_free(world->folder);
	g_free(world);
}

static void
print_problem(GString *out, const FilterSource *source, const Problem *problem)
{
	if (strcmp(problem->file, source->file) != 0)
		g_string_append_printf(out, "%s:", problem->file);
	g_string_append_printf(out, "%u:%u: %s: %s: %s", problem->line, problem->column,
	                       problem->severity == PROBLEM_ERROR ? "error" : "warning",
	                       problem->code, problem->text);
	if (problem->hint != NULL)
		g_string_append_printf(out, " (%s)", problem->hint);
	g_string_append_c(out, '\n');
}

/* What says nothing is left out: false, empty lists, the place (it stands in front). */
static bool
says_nothing(const char *key, const json_t *value)
{
	return strcmp(key, "action") == 0 || strcmp(key, "at") == 0 || json_is_false(value) ||
	       (json_is_array(value) && json_array_size(value) == 0);
}

static void
print_action(GString *out, const FilterSource *source, json_t *action)
{
	const char *at = json_string_value(json_object_get(action, "at"));
	size_t len = strlen(source->file);

	if (at == NULL)
		at = "-";
	else if (strncmp(at, source->file, len) == 0 && at[len] == ':')
		at += len + 1;

	g_string_append_printf(out, "%s: %s", at,
	                       json_string_value(json_object_get(action, "action")));
	const char *key;
	json_t *value;
	json_object_foreach(action, key, value)
	{
		if (says_nothing(key, value))
			continue;
		g_string_append_printf(out, " %s", key);
		g_autofree char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		if (!json_is_true(value))
			g_string_append_printf(out, "=%s", text);
		free(g_steal_pointer(&text));
	}

	g_string_append_c(out, '\n');
}

static void
print_plan(GString *out, const FilterSource *source, const Plan *plan)
{
	json_t *actions = plan_json(plan);
	size_t i;
	json_t *action;

	json_array_foreach(actions, i, action) print_action(out, source, action);
	if (json_array_size(actions) == 0)
		g_string_append(out, "nothing\n");
	json_decref(actions);
}

/* Run as the agent does: half a plan never counts, the implicit keep comes last. */
static void
run_and_print(SieveWorld *world, const FilterSource *source, FilterProgram *program,
              Message *message, Plan *plan, GString *out)
{
	g_auto(Status) st = STATUS_INIT;
	FilterInput input = world->input;

	input.message = message;
	input.headers = message_headers(message);
	PlanMark before = plan_mark(plan);
	bool good = filter_for_sieve(&world->env, world->input.user)
	                    ->run(program, &input, &world->env, plan, &st);
	g_string_append(out, world->trace->str);

	if (!good) {
		g_string_append_printf(out, "fault: %s: %s\n", status_row(st.id)->name,
		                       status_why(&st));
		plan_rewind(plan, before);
	}

	plan_finish(plan);
	print_plan(out, source, plan);
}

char *
sieve_world_outcome(SieveWorld *world, const FilterSource *source, Message *message,
                    Plan **ret_plan)
{
	const Filter *filter = filter_for_sieve(&world->env, world->input.user);
	GString *out = g_string_new(NULL);
	g_autoptr(Plan) plan = plan_new();
	g_autoptr(GPtrArray) problems = problem_list_new();
	FilterProgram *program = filter->compile(source, &world->env, problems);

	for (guint i = 0; i < problems->len; i++)
		print_problem(out, source, problems->pdata[i]);
	if (program != NULL && message != NULL)
		run_and_print(world, source, program, message, plan, out);
	if (program != NULL)
		filter->free(program);
	if (ret_plan != NULL)
		*ret_plan = g_steal_pointer(&plan);

	return g_string_free(out, FALSE);
}
