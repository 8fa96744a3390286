/* SPDX-License-Identifier: MIT */
/* command: search, lock, run, log. */
#define _GNU_SOURCE
#include "agent/exec/owner-program.h"

#include "agent/base/fs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *
owner_program_variable(const char *const *environment, const char *name)
{
	size_t len = strlen(name);
	for (; environment != NULL && *environment != NULL; environment++)
		if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
			return *environment + len + 1;
	return "";
}

/* A path, made absolute from where the recipes are. Caller frees. */
static char *
below(const char *folder, const char *path)
{
	return path[0] == '/' || folder == NULL ? g_strdup(path)
	                                        : g_build_filename(folder, path, NULL);
}

/*
 * As execvp does it, with the PATH of the recipes; NULL: there is none. Then procmail asks the
 * shell to read a file of that name in MAILDIR, where the mailboxes lie: what strangers have
 * written would run. Caller frees.
 */
static char *
search(const OwnerProgramCall *call, const char *folder)
{
	const char *name = call->argv[0];
	if (strchr(name, '/') != NULL)
		return below(folder, name);

	g_auto(GStrv)
		places = g_strsplit(owner_program_variable(call->environment, "PATH"), ":", -1);
	for (char **place = places; *place != NULL; place++) {
		g_autofree char *there = below(folder, *place);
		g_autofree char *path = g_build_filename(there, name, NULL);
		if (access(path, X_OK) == 0 && g_file_test(path, G_FILE_TEST_IS_REGULAR))
			return g_steal_pointer(&path);
	}

	return NULL;
}

/* The recipes' own TIMEOUT counts where it is the shorter one. */
static unsigned
seconds_for(const OwnerProgramCall *call)
{
	long own = strtol(owner_program_variable(call->environment, "TIMEOUT"), NULL, 10);
	long site = (long) call->conf->recipe_program_timeout;
	return (unsigned) (own > 0 && own < site ? own : site);
}

DotlockPatience
owner_program_patience(const Conf *conf, const char *timeout)
{
	guint64 stale = (guint64) conf->recipe_lock_stale;
	if (timeout != NULL && g_ascii_isdigit(*timeout))
		stale = MIN(g_ascii_strtoull(timeout, NULL, 10), G_MAXINT);
	return (DotlockPatience){ (unsigned) conf->recipe_lock_wait * 1000, (unsigned) stale };
}

mode_t
owner_program_set_umask(const char *octal)
{
	enum { ALL_BITS = 0777 };
	bool named = octal != NULL && *octal >= '0' && *octal <= '7';
	mode_t now = umask(ALL_BITS);
	(void) umask(named ? (mode_t) (strtol(octal, NULL, 8) & ALL_BITS) : now);
	return now;
}

/*
 * A lock that cannot be made does not stop the program, as with procmail; one that others hold
 * does.
 */
static bool
take_lock(const OwnerProgramCall *call, const char *folder, Dotlock **ret_lock, Status *st)
{
	if (call->lock == NULL)
		return true;
	g_autofree char *path = below(folder, call->lock);
	DotlockPatience patience = owner_program_patience(
		call->conf, owner_program_variable(call->environment, "LOCKTIMEOUT"));
	g_auto(Status) fault = STATUS_INIT;
	*ret_lock = dotlock_take(path, &patience, &fault);
	if (*ret_lock != NULL || fault.id != STATUS_LOCKED)
		return true;

	status_move(st, &fault);
	return false;
}

bool
owner_program_log(const char *folder, const char *path, const char *text, size_t len, Status *st)
{
	g_autofree char *whole = below(folder, path);
	auto_fd int fd = -1;
	return fs_open_append(whole, 0600, &fd, st) && fs_write_all(fd, text, len, whole, st);
}

/*
 * Nobody is told where even the log fails: the words of the program are in the fault as well, if it
 * failed.
 */
static void
log_errors(const OwnerProgramCall *call, const char *folder, const ChildResult *result)
{
	const char *file = owner_program_variable(call->environment, "LOGFILE");
	g_auto(Status) st = STATUS_INIT;
	gsize len = 0;
	const char *output = call->logs_output ? g_bytes_get_data(result->output, &len) : NULL;

	if (*file != '\0' && len > 0)
		(void) owner_program_log(folder, file, output, len, &st);
	if (*file != '\0' && *result->errors != '\0')
		(void) owner_program_log(folder, file, result->errors, strlen(result->errors), &st);
}

/* As the shell ends where it does not find a program. */
static void
end_as_missing(const OwnerProgramCall *call, ChildResult *ret_result)
{
	enum { NOT_FOUND = 127 };
	*ret_result = (ChildResult){ .exit_code = NOT_FOUND,
		                     .output = g_bytes_new_static("", 0),
		                     .unread = call->input_len > CHILD_PIPE_OCTETS };
	ret_result->errors = g_strdup_printf("%s: not found in PATH\n", call->argv[0]);
}

/* The arguments of /bin/sh for a script that does not say what reads it. */
static GPtrArray *
script_argv(const OwnerProgramCall *call, const char *path)
{
	GPtrArray *argv = g_ptr_array_new();

	g_ptr_array_add(argv, (gpointer) "/bin/sh");
	g_ptr_array_add(argv, (gpointer) path);
	for (const char *const *argument = call->argv + 1; *argument != NULL; argument++)
		g_ptr_array_add(argv, (gpointer) *argument);
	g_ptr_array_add(argv, NULL);

	return argv;
}

/*
 * A script that the recipes name by a path need not be marked as a program: procmail has the shell
 * read it.
 */
static bool
is_unmarked_script(const OwnerProgramCall *call, const char *path)
{
	return strchr(call->argv[0], '/') != NULL && access(path, X_OK) < 0;
}

bool
owner_program_is_there(const OwnerProgramCall *call, Status *st)
{
	const char *folder = call->directory != NULL && *call->directory != '\0' ? call->directory
	                                                                         : call->home;
	g_autofree char *path = search(call, folder);
	return path != NULL ||
	       status_fail_detail(st, STATUS_PROGRAM, "program '%s' is not found in PATH",
	                          call->argv[0]);
}

bool
owner_program_run(const OwnerProgramCall *call, ChildResult *ret_result, Status *st)
{
	const char *folder = call->directory != NULL && *call->directory != '\0' ? call->directory
	                                                                         : call->home;
	g_autofree char *path = search(call, folder);
	g_auto(ChildResult) result = { 0 };

	if (path == NULL) {
		end_as_missing(call, &result);
		log_errors(call, folder, &result);
		*ret_result = result;
		result = (ChildResult){ 0 };
		return true;
	}

	g_autoptr(GPtrArray) as_script = script_argv(call, path);
	bool unmarked = is_unmarked_script(call, path);
	g_autoptr(Dotlock) lock = NULL;
	if (!take_lock(call, folder, &lock, st))
		return false;

	ChildCall child = {
		.program.path = unmarked ? "/bin/sh" : path,
		.program.envp = call->environment,
		.program.argv = unmarked ? (const char *const *) as_script->pdata : call->argv,
		.program.script_argv = (const char *const *) as_script->pdata,
		.program.folder = folder != NULL && g_file_test(folder, G_FILE_TEST_IS_DIR) ? folder
		                                                                            : NULL,
		.head = call->input,
		.head_len = call->input_len,
		.body_fd = -1,
		.output_limit = call->output_limit,
		.seconds = seconds_for(call),
	};
	mode_t before = owner_program_set_umask(owner_program_variable(call->environment, "UMASK"));
	bool ran = child_run(&child, &result, st);
	(void) umask(before);
	if (!ran) {
		status_set_outside(st, child_outside(path, call->argv, st->detail));
		return false;
	}

	log_errors(call, folder, &result);
	*ret_result = result;
	result = (ChildResult){ 0 };

	return true;
}

char *
owner_program_describe_end(const char *name, const ChildResult *result)
{
	g_autofree char *words = g_strdup(result->errors);

	g_strstrip(words);
	const char *how = result->exit_code < 0 ? "was killed by signal" : "ended with exit code";
	int number = result->exit_code < 0 ? result->signal : result->exit_code;

	return g_strdup_printf("program '%s' %s %d%s%s", name, how, number,
	                       *words != '\0' ? ": " : "", words);
}
