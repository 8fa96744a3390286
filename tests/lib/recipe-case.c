/* SPDX-License-Identifier: MIT */
/*
 * recipe-case: runs an rc file over the message on stdin, and does at once and simply what the plan
 * says, as the agent would.
 *
 * - recipe-case RC LOG MAILDIR [strict]: runs, with the setting recipe_compat; exits as procmail
 *   would
 * - recipe-case --match FILE: lines "pattern TAB text", with \n, \t, \\ in the text; behind another
 *   TAB stands D where case counts: prints 0, or 1 and MATCH
 * - recipe-case --formail ARG...: does what formail would do with stdin; exit code 3: the engine
 *   leaves it to formail
 * - recipe-case --check RC: prints the problems
 *
 * Stores become files below MAILDIR; forwards become lines of the file "forwards". A Maildir gets
 * no tmp/: nothing is tested here but where mail goes and what it then is.
 */
#define _GNU_SOURCE
#include "agent/base/fs.h"
#include "agent/exec/owner-program.h"
#include "agent/plan/plan-program.h"
#include "agent/plan/plan-store.h"
#include "agent/store/maildir.h"
#include "agent/state/id-cache.h"
#include "conf/conf-choices.h"
#include "filters/filter-recipes.h"
#include "filters/recipe/run/recipe-formail.h"
#include "filters/recipe/pattern/recipe-pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const char *log_path, *mail_dir;
static Conf *conf;

static int
memory_file(const char *data, size_t len)
{
	int fd = memfd_create("case", MFD_CLOEXEC);
	g_assert(len == 0 || write(fd, data, len) == (ssize_t) len);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* As the agent does it. */
static int
run_program(const OwnerProgramCall *call, GBytes **ret_output, bool *ret_unread)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(ChildResult) result = { 0 };

	if (!owner_program_run(call, &result, &st)) {
		fprintf(stderr, "%s\n", st.detail);
		return 127;
	}

	if (ret_output != NULL)
		*ret_output = g_steal_pointer(&result.output);
	*ret_unread = result.unread;
	return result.exit_code < 0 ? -result.signal : result.exit_code;
}

static bool
run_command(FilterEnv *env, const FilterCommandCall *call, FilterProgramResult *ret_result,
            Status *st)
{
	(void) env, (void) st;
	const OwnerProgramCall command = {
		.conf = conf,
		.argv = call->argv,
		.environment = call->environment,
		.directory = call->directory,
		.home = mail_dir,
		.input = call->input,
		.input_len = call->input_len,
		.output_limit = call->output_limit,
		.lock = call->lock,
	};
	ret_result->exit_code = run_program(&command, &ret_result->output, &ret_result->unread);

	return ret_result->output != NULL;
}

/* At once: no delivery fails here. */
static bool
id_seen(FilterEnv *env, const FilterIdCall *call, bool *ret_seen)
{
	(void) env;
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(IdCacheEntry) entry = id_cache_entry_new(call->path, call->max, call->id, NULL);
	return id_cache_has(entry, ret_seen, &st) && (*ret_seen || id_cache_add(entry, &st));
}

static bool
open_script(FilterEnv *env, ScriptPlace place, const char *name, char **ret_file, char **ret_text,
            size_t *ret_len, Status *st)
{
	(void) env;
	g_assert(place == PLACE_PATH);
	if (!fs_read_file(AT_FDCWD, name, 1024 * 1024, ret_text, ret_len, st))
		return false;

	*ret_file = g_strdup(name);
	return true;
}

static PathAnswer
path_kind(FilterEnv *env, const char *path)
{
	(void) env;
	struct stat sb;
	if (stat(path, &sb) < 0)
		return PATH_MISSING;
	return S_ISDIR(sb.st_mode) ? PATH_DIRECTORY : S_ISREG(sb.st_mode) ? PATH_FILE : PATH_OTHER;
}

/* A Maildir is made with its last component; an mbox needs its directory. */
static bool
can_store(FilterEnv *env, const char *path)
{
	g_autofree char *trimmed = g_strdup(path);
	size_t len = strlen(trimmed);
	bool directory = g_str_has_suffix(trimmed, "/") || g_str_has_suffix(trimmed, "/.");

	while (directory && len > 1 && (trimmed[len - 1] == '/' || trimmed[len - 1] == '.'))
		trimmed[--len] = '\0';
	if (directory && path_kind(env, trimmed) == PATH_DIRECTORY)
		return g_str_has_suffix(path, "/") ? maildir_is_writable(trimmed)
		                                   : access(trimmed, W_OK) == 0;
	if (path_kind(env, trimmed) != PATH_MISSING)
		return !directory && access(trimmed, W_OK) == 0;

	g_autofree char *parent = g_path_get_dirname(trimmed);
	return path_kind(env, parent) == PATH_DIRECTORY && access(parent, W_OK) == 0;
}

static void
append_file(const char *path, const char *data, size_t len)
{
	auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t) len)
		fprintf(stderr, "cannot write '%s': %s\n", path, g_strerror(errno));
}

static void
write_log(FilterEnv *env, const char *path, const char *text, size_t len)
{
	(void) env;
	append_file(*path != '\0' ? path : log_path, text, len);
}

static bool
write_output(FilterEnv *env, const char *text, size_t len)
{
	(void) env;
	return write(STDOUT_FILENO, text, len) == (ssize_t) len;
}

/* Those of -a: RECIPE_ARGS has them, one a line. */
static const char *
argument(guint number)
{
	static char **args;
	if (args == NULL)
		args = g_strsplit(getenv("RECIPE_ARGS") != NULL ? getenv("RECIPE_ARGS") : "", "\n",
		                  -1);
	return number > 0 && number <= g_strv_length(args) ? args[number - 1] : NULL;
}

static const char *
recipe_variable(FilterEnv *env, const char *name)
{
	(void) env;
	static char *default_folder;
	if (default_folder == NULL)
		default_folder = g_strdup_printf("%s/default/", mail_dir);
	if (strcmp(name, "MAILDIR") == 0 || strcmp(name, "HOME") == 0)
		return mail_dir;
	if (strcmp(name, "DEFAULT") == 0 || strcmp(name, "ORGMAIL") == 0)
		return default_folder;
	if (strcmp(name, "HOST") == 0)
		return g_get_host_name();
	if (strcmp(name, "BY_HAND_") == 0)
		return "yes";
	if (strcmp(name, "LOGABSTRACT") == 0)
		return "no";

	if (g_ascii_isdigit(*name))
		return argument((guint) atoi(name));

	return strcmp(name, "LOGFILE") == 0 ? log_path : NULL;
}

static void
trace(FilterEnv *env, TraceLevel level, const char *file, unsigned line, const char *text)
{
	(void) env, (void) level;
	fprintf(stderr, "%s:%u: %s\n", file, line, text);
}

static char *
file_name(FilterEnv *env, const char *prefix)
{
	(void) env;
	return prefix != NULL ? maildir_named_file(prefix) : maildir_unique_name();
}

/* Nobody else holds it here: it is a file that is there, at the latest until all is done. */
static GPtrArray *locks;

static void *
take_lock(FilterEnv *env, const char *path, const char *timeout, Status *st)
{
	(void) env, (void) timeout;
	if (!g_file_set_contents(path, "0", 1, NULL)) {
		status_fail_detail(st, STATUS_IO, "cannot make '%s'", path);
		return NULL;
	}

	char *lock = g_strdup(path);
	g_ptr_array_add(locks, lock);
	return lock;
}

static void
drop_lock(FilterEnv *env, void *lock)
{
	(void) env;
	(void) unlink(lock);
	g_ptr_array_remove(locks, lock);
}

static const FilterServices services = { .open_script = open_script, .trace = trace };

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

/* The message of an action, as bytes. */
static GString *
action_bytes(const PlanAction *action, Message *message)
{
	g_auto(Status) st = STATUS_INIT;
	Message *stored = action->message != NULL ? action->message : message;
	Headers *headers = action->headers != NULL ? action->headers : message_headers(stored);
	auto_fd int fd = memory_file("", 0);

	g_assert(message_write(stored, headers, fd, NULL, &st));
	size_t len = (size_t) lseek(fd, 0, SEEK_END);
	GString *bytes = g_string_new(NULL);
	g_string_set_size(bytes, len);
	g_assert(pread(fd, bytes->str, len, 0) == (ssize_t) len);

	return bytes;
}

/*
 * As an mbox or a file of its own has it: the From_ line, an empty line at the end, in an mbox ">"
 * before "From " in the body.
 */
static GString *
with_from_line(const PlanStore *store, const GString *bytes, bool quotes)
{
	GString *out = g_string_new(NULL);

	if (store->from_line != NULL)
		g_string_append_printf(out, "%s\n", store->from_line);
	g_string_append_len(out, bytes->str, (gssize) bytes->len);
	for (gsize i = 0; quotes && !store->raw && i + 6 < out->len; i++)
		if (memcmp(out->str + i, "\nFrom ", 6) == 0)
			g_string_insert_c(out, (gssize) i + 1, '>');
	if (!store->raw && !g_str_has_suffix(out->str, "\n\n"))
		g_string_append_c(out, '\n');

	return out;
}

/* The first name of the form folder/prefixN that is free. Caller frees. */
static char *
free_name(const char *folder, const char *prefix)
{
	for (unsigned n = 1;; n++) {
		char *name = g_strdup_printf("%s/%s%u", folder, prefix, n);
		if (access(name, F_OK) < 0)
			return name;
		g_free(name);
	}
}

static void
store(guint number, const PlanStore *what, const GString *bytes)
{
	const char *path = what->paths->pdata[number],
		   *known = what->names != NULL ? what->names->pdata[number] : NULL;
	bool first = number == 0;
	bool maildir = g_str_has_suffix(path, "/"), mh = g_str_has_suffix(path, "/.");
	bool directory = !maildir && !mh && (!first || path_kind(NULL, path) == PATH_DIRECTORY);
	g_autoptr(GString) whole = with_from_line(what, bytes, !maildir && !mh && !directory);

	if (!maildir && !mh && !directory) {
		append_file(path, whole->str, whole->len);
		return;
	}

	g_autofree char *folder = g_strdup_printf("%s%s", path, maildir ? "new" : mh ? "" : "/");
	if (mh)
		folder[strlen(folder) - 2] = '\0';
	g_mkdir_with_parents(folder, 0700);

	g_autofree char *prefix = g_strconcat(what->prefix != NULL ? what->prefix : "msg.", "0000",
	                                      NULL);
	g_autofree char *name = known != NULL ? g_build_filename(folder, known, NULL)
	                                      : free_name(folder, directory ? prefix : "");

	/* the others are links to the first */
	bool as_maildir = g_str_has_suffix(what->paths->pdata[0], "/");
	const GString *stored = as_maildir ? bytes : whole;
	append_file(name, stored->str, stored->len);
}

/* As the implicit keep does it. */
static void
keep(const GString *bytes)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	g_ptr_array_add(paths, (gpointer) recipe_variable(NULL, "DEFAULT"));
	const PlanStore inbox = { .paths = paths };
	store(0, &inbox, bytes);
}

static int
carry_out(const PlanAction *action, Message *message)
{
	int exit_code = 0;
	g_autoptr(GString) bytes = action_bytes(action, message);

	if (action->kind == PLAN_STORE) {
		for (guint i = 0; i < plan_store_of(action)->paths->len; i++)
			store(i, plan_store_of(action), bytes);
	} else if (action->kind == PLAN_REDIRECT) {
		g_autofree char *line = g_strdup_printf("%s\n", action->address);
		g_autofree char *path = g_build_filename(mail_dir, "forwards", NULL);
		append_file(path, line, strlen(line));
	} else if (action->kind == PLAN_PIPE && !plan_program_of(action)->done) {
		PlanProgram *program = plan_program_of(action);
		gsize len;
		const char *data = g_bytes_get_data(program->input, &len);
		bool unread;
		g_ptr_array_insert(program->args, 0, g_strdup(program->name));
		g_ptr_array_add(program->args, NULL);
		g_ptr_array_add(program->environment, NULL);
		const OwnerProgramCall command = {
			.conf = conf,
			.argv = (const char *const *) program->args->pdata,
			.environment = (const char *const *) program->environment->pdata,
			.directory = program->directory,
			.home = mail_dir,
			.input = data,
			.input_len = len,
			.output_limit = 1024 * 1024,
			.lock = program->lock,
			.logs_output = program->is_trap,
		};
		bool taken = run_program(&command, NULL, &unread) == 0 &&
		             !(unread && program->must_read);
		if (!taken && !action->copy)
			keep(bytes);
	} else if (action->kind == PLAN_KEEP) {
		keep(bytes);
	} else if (action->kind == PLAN_DEFER) {
		exit_code = EX_TEMPFAIL;
	} else if (action->kind == PLAN_REJECT) {
		exit_code = action->answer == STATUS_RULE_NO_PLACE
		                    ? EX_CANTCREAT
		                    : atoi(strrchr(action->text, ' ') + 1);
	}

	return exit_code;
}

static FilterProgram *
compile(const char *path, GPtrArray *problems)
{
	g_autofree char *text = NULL;
	gsize len = 0;
	if (!g_file_get_contents(path, &text, &len, NULL))
		return NULL;

	FilterEnv env = {
		.services = &services, .recipes = &recipes, .conf = conf, .trace_level = -1
	};
	const FilterSource source = {
		.file = path, .text = text, .len = len, .trust = SCRIPT_OWNER
	};
	return filter_find("recipe")->compile(&source, &env, problems);
}

static int
run_case(const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_read(0, &st);
	auto_fd int home = memory_file("", 0);
	FilterProgram *program = compile(path, NULL);

	if (message == NULL || program == NULL ||
	    !message_write(message, message_headers(message), home, NULL, &st))
		return EX_SOFTWARE;
	g_autoptr(Envelope) envelope = envelope_new(DOOR_TRY);
	g_autoptr(Plan) plan = plan_new();
	FilterEnv env = { .services = &services,
		          .recipes = &recipes,
		          .conf = conf,
		          .now = 1700000000,
		          .trace_level = getenv("RECIPE_TRACE") != NULL ? TRACE_TESTS : -1 };
	const FilterInput input = {
		.message = message,
		.headers = message_headers(message),
		.envelope = envelope,
		.user = "nobody",
		.delimiters = "+",
	};
	bool ran = filter_find("recipe")->run(program, &input, &env, plan, &st);
	filter_find("recipe")->free(program);

	if (!ran) {
		fprintf(stderr, "%s\n", st.detail);
		return EX_TEMPFAIL;
	}

	int exit_code = 0;
	for (size_t i = 0; i < plan_count(plan); i++) {
		int code = carry_out(plan_get(plan, i), message);
		exit_code = code != 0 ? code : exit_code;
	}

	return exit_code;
}

static int
check_case(const char *path)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	FilterProgram *program = compile(path, problems);

	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		printf("%u:%u: %s: %s [%s]\n", problem->line, problem->column,
		       problem->severity == PROBLEM_ERROR ? "error" : "warning", problem->text,
		       problem->code);
	}

	filter_find("recipe")->free(program);
	return 0;
}

static void
match_line(char *line)
{
	char *tab = strchr(line, '\t');
	if (tab == NULL)
		return;

	*tab = '\0';
	char *flag = strchr(tab + 1, '\t');
	if (flag != NULL)
		*flag++ = '\0';
	g_autofree char *text = g_strcompress(tab + 1);
	g_autofree char *expression = g_strcompress(line);
	RecipePatternError error;
	g_autoptr(RecipePattern)
		pattern = recipe_pattern_compile(expression, flag != NULL && *flag == 'D', &error);
	RecipeSpan span = { 0, 0 }, other = { 0, 0 };
	if (pattern == NULL) {
		puts("invalid");
		return;
	}

	RecipeMatch answer = recipe_pattern_match(pattern, text, strlen(text), &span);
	RecipeMatch simulated = recipe_pattern_simulate(pattern, text, strlen(text), &other);
	if (answer != simulated) {
		puts("PCRE2 and states disagree");
		return;
	}

	g_autofree char *match = g_strndup(text + span.start, span.end - span.start);
	g_autofree char *shown = g_strescape(
		recipe_pattern_splits(pattern) && answer == RECIPE_MATCH ? match : "", NULL);
	printf("%d %s\n", answer == RECIPE_MATCH, shown);
}

static int
match_lines(const char *path)
{
	g_autofree char *data = NULL;
	if (!g_file_get_contents(path, &data, NULL, NULL))
		return EX_NOINPUT;

	g_auto(GStrv) lines = g_strsplit(data, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		match_line(*line);
	return 0;
}

static int
formail(char **argv)
{
	g_autoptr(GString) input = g_string_new(NULL);
	char buffer[4096];
	GString *output;

	for (size_t n; (n = fread(buffer, 1, sizeof buffer, stdin)) > 0;)
		g_string_append_len(input, buffer, (gssize) n);
	argv[0] = (char *) "formail";
	RecipeFormailId id;
	bool seen;
	if (recipe_formail_id((const char *const *) argv, input, &id)) {
		g_autofree char *message_id = id.id;
		const FilterIdCall call = { id.cache, id.max, message_id, NULL };
		return id_seen(NULL, &call, &seen) ? !seen : 3;
	}

	if (!recipe_formail((const char *const *) argv, input, &output))
		return 3;
	fwrite(output->str, 1, output->len, stdout);
	g_string_free(output, TRUE);

	return 0;
}

int
main(int argc, char **argv)
{
	conf = conf_copy(conf_default());
	if (argc > 1 && strcmp(argv[1], "--formail") == 0)
		return formail(argv + 1);
	if (argc == 3 && strcmp(argv[1], "--match") == 0)
		return match_lines(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--check") == 0)
		return check_case(argv[2]);

	bool is_strict = argc == 5 && strcmp(argv[4], "strict") == 0;
	if (argc != 4 && !is_strict)
		return EX_USAGE;

	log_path = argv[2];
	mail_dir = argv[3];
	(void) signal(SIGPIPE, SIG_IGN);

	if (is_strict)
		conf->recipe_compat = CONF_RECIPE_COMPAT_STRICT;

	locks = g_ptr_array_new_with_free_func(g_free);
	int exit_code = run_case(argv[1]);
	while (locks->len > 0)
		drop_lock(NULL, locks->pdata[0]);
	g_ptr_array_unref(locks);
	conf_free(conf);
	return exit_code;
}
