/* SPDX-License-Identifier: MIT */
/* postfix-facts: what main.cf and master.cf of a Postfix say, asked from postconf(1). */
#include "agent/cmd/postfix-facts.h"

#include "agent/base/blank.h"

#include <stdint.h>
#include <string.h>

enum { MASTER_COLUMNS = 8 };

static void
service_free(PostfixService *service)
{
	g_free(service->name);
	g_free(service->columns);
	g_free(service->command);
	g_strfreev(service->args);
	g_free(service);
}

void
postfix_facts_free(PostfixFacts *facts)
{
	if (facts == NULL)
		return;
	g_free(facts->folder);
	g_hash_table_unref(facts->values);
	g_hash_table_unref(facts->said);
	g_ptr_array_unref(facts->services);
	g_free(facts);
}

static GHashTable *
parse_parameters(const char *text)
{
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *equal = strchr(*line, '=');
		if (equal == NULL)
			continue;
		g_autofree char *name = g_strndup(*line, (size_t) (equal - *line));
		g_autofree char *value = g_strdup(equal + 1);
		g_hash_table_replace(table, g_strdup(g_strstrip(name)),
		                     g_strdup(g_strstrip(value)));
	}

	return table;
}

/*
 * The next word from *text on; a group in braces is one, without a look at what is in it. NULL: no
 * more.
 */
static char *
next_word(const char **text)
{
	*text = blank_skip(*text);
	if (**text == '\0')
		return NULL;

	const char *start = *text;
	unsigned depth = 0;
	for (; **text != '\0' && (depth > 0 || strchr(" \t", **text) == NULL); (*text)++) {
		/* "${sender}" has braces, too; counting them changes nothing. */
		depth += **text == '{';
		depth -= **text == '}' && depth > 0;
	}

	return g_strndup(start, (size_t) (*text - start));
}

static PostfixService *
parse_service(const char *line)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

	for (char *word = next_word(&line); word != NULL; word = next_word(&line))
		g_ptr_array_add(words, word);
	if (words->len < MASTER_COLUMNS)
		return NULL;

	PostfixService *service = g_new0(PostfixService, 1);
	char **word = (char **) words->pdata;
	service->name = g_strdup_printf("%s/%s", word[0], word[1]);
	service->columns = g_strjoin(" ", word[2], word[3], word[4], word[5], word[6], NULL);
	service->command = g_strdup(word[7]);
	g_ptr_array_add(words, NULL);
	service->args = g_strdupv((char **) words->pdata + MASTER_COLUMNS);

	return service;
}

PostfixFacts *
postfix_facts_parse(const char *values, const char *said, const char *services)
{
	PostfixFacts *facts = g_new0(PostfixFacts, 1);

	facts->values = parse_parameters(values);
	facts->said = parse_parameters(said);
	facts->services = g_ptr_array_new_with_free_func((GDestroyNotify) service_free);

	g_auto(GStrv) lines = g_strsplit(services, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		PostfixService *service = parse_service(*line);
		if (service != NULL)
			g_ptr_array_add(facts->services, service);
	}

	return facts;
}

/* Admins' paths often lack the folder where Postfix's programs lie. */
char *
postfix_facts_program(const char *name, Status *st)
{
	char *path = g_find_program_in_path(name);
	static const char *const folders[] = { "/usr/sbin", "/usr/local/sbin" };

	for (size_t i = 0; i < G_N_ELEMENTS(folders) && path == NULL; i++) {
		g_autofree char *other = g_build_filename(folders[i], name, NULL);
		if (g_file_test(other, G_FILE_TEST_IS_EXECUTABLE))
			path = g_steal_pointer(&other);
	}

	if (path == NULL)
		(void) status_fail_detail(st, STATUS_PROGRAM,
		                          "there is no program '%s': Postfix is not installed here",
		                          name);
	return path;
}

bool
postfix_facts_run(const char *name, const char *folder, const char *const *args, char **ret_output,
                  Status *st)
{
	g_autofree char *program = postfix_facts_program(name, st), *output = NULL, *errors = NULL;
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	int wait_status = 0;

	if (program == NULL)
		return false;

	g_ptr_array_add(argv, program);
	if (folder != NULL) {
		g_ptr_array_add(argv, (char *) (uintptr_t) "-c");
		g_ptr_array_add(argv, (char *) (uintptr_t) folder);
	}

	for (; *args != NULL; args++)
		g_ptr_array_add(argv, (char *) (uintptr_t) *args);
	g_ptr_array_add(argv, NULL);
	if (!g_spawn_sync(NULL, (char **) argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output,
	                  &errors, &wait_status, &error))
		return status_fail_detail(st, STATUS_PROGRAM, "cannot run '%s': %s", program,
		                          error->message);

	if (!g_spawn_check_wait_status(wait_status, NULL))
		return status_fail_detail(st, STATUS_PROGRAM, "%s failed: %s", name,
		                          g_strstrip(errors));
	if (ret_output != NULL)
		*ret_output = g_steal_pointer(&output);
	return true;
}

bool
postfix_facts_postconf(const char *folder, const char *const *args, char **ret_output, Status *st)
{
	return postfix_facts_run("postconf", folder, args, ret_output, st);
}

/*
 * All values. The postconf of Postfix 3.10 reads a main.cf again that has just changed, and then
 * looks for $config_directory in /etc/postfix, whatever -c says; -o says it once more.
 */
static bool
read_values(const char *folder, char **ret_values, Status *st)
{
	g_autofree char *place = folder != NULL ? g_strconcat("config_directory=", folder, NULL)
	                                        : NULL;
	const char *args[] = { "-x", place != NULL ? "-o" : NULL, place, NULL };
	return postfix_facts_postconf(folder, args, ret_values, st);
}

PostfixFacts *
postfix_facts_read(const char *folder, Status *st)
{
	g_autofree char *values = NULL, *said = NULL, *services = NULL;
	if (!read_values(folder, &values, st) ||
	    !postfix_facts_postconf(folder, (const char *const[]){ "-n", NULL }, &said, st) ||
	    !postfix_facts_postconf(folder, (const char *const[]){ "-M", NULL }, &services, st))
		return NULL;

	PostfixFacts *facts = postfix_facts_parse(values, said, services);
	facts->folder = g_strdup(folder);
	return facts;
}

const char *
postfix_facts_value(const PostfixFacts *facts, const char *name)
{
	const char *value = g_hash_table_lookup(facts->values, name);
	return value != NULL ? value : "";
}

gint64
postfix_facts_seconds(const char *value, gint64 unit)
{
	char *end;
	gint64 number = g_ascii_strtoll(value, &end, 10);
	const struct {
		char letter;
		gint64 factor;
	} units[] = { { '\0', unit }, { 's', 1 },     { 'm', 60 },
		      { 'h', 3600 },  { 'd', 86400 }, { 'w', 604800 } };

	for (size_t i = 0; end != value && i < G_N_ELEMENTS(units); i++)
		if (*end == units[i].letter && number >= 0 && number < G_MAXINT &&
		    (*end == '\0' || end[1] == '\0'))
			return number * units[i].factor;

	return -1;
}

const PostfixService *
postfix_facts_service(const PostfixFacts *facts, const char *name)
{
	for (guint i = 0; i < facts->services->len; i++)
		if (strcmp(((const PostfixService *) facts->services->pdata[i])->name, name) == 0)
			return facts->services->pdata[i];
	return NULL;
}

const char *
postfix_service_conf(const PostfixService *service)
{
	for (char **arg = service->args; *arg != NULL; arg++)
		if (strcmp(*arg, "-c") == 0)
			return arg[1];
	return NULL;
}

char *
postfix_command(const char *program, const char *folder, const char *rest)
{
	g_autofree char *quoted = folder != NULL ? g_shell_quote(folder) : NULL;
	return g_strdup_printf("%s%s%s %s", program, quoted != NULL ? " -c " : "",
	                       quoted != NULL ? quoted : "", rest);
}

bool
postfix_facts_name_conf(const PostfixFacts *facts, const char *file)
{
	g_autofree char *path = g_canonicalize_filename(file, NULL);
	if (strcmp(path, TODOKE_SYSCONFDIR "/todoke.conf") == 0)
		return false;

	for (guint i = 0; i < facts->services->len; i++)
		if (g_strcmp0(postfix_service_conf(facts->services->pdata[i]), path) == 0)
			return true;
	return false;
}

char *
postfix_service_print(const PostfixService *service)
{
	g_auto(GStrv) halves = g_strsplit(service->name, "/", 2);
	g_autofree char *args = g_strjoinv(" ", service->args);
	return g_strdup_printf("%s %s %s %s%s%s", halves[0], halves[1], service->columns,
	                       service->command, *args != '\0' ? " " : "", args);
}
