/* SPDX-License-Identifier: MIT */
/* program: checks the name and the arguments, makes the environment, and lets child do the rest. */
#include "agent/exec/site-program.h"

#include "agent/base/limits.h"
#include "agent/base/outcome.h"

#include <string.h>

/*
 * A file of the folder: no path, nothing hidden, nothing that another program could read as
 * something else.
 */
bool
site_program_name_is_safe(const char *name, const char **ret_why)
{
	size_t len = strlen(name);

	*ret_why = "is not the name of a program";
	if (len == 0 || len > LIMIT_FILE_NAME || name[0] == '.' || name[0] == '-')
		return false;

	for (size_t i = 0; i < len; i++)
		if (!g_ascii_isalnum(name[i]) && strchr("._-+", name[i]) == NULL)
			return false;
	return true;
}

static bool
args_are_safe(const char *const *args, const char **ret_why)
{
	size_t bytes = 0, n = 0;
	for (; args != NULL && args[n] != NULL; n++)
		bytes += strlen(args[n]) + 1;
	*ret_why = "has too many arguments, or too long ones";
	return n <= LIMIT_PROGRAM_ARGUMENTS && bytes <= LIMIT_PROGRAM_ARGUMENT_BYTES;
}

/*
 * Only this (spec-bosch-sieve-extprograms and Pigeonhole's names): nothing of our own environment.
 */
static GPtrArray *
make_environment(const SiteProgramCall *call)
{
	const struct {
		const char *name;
		const char *value;
	} items[] = {
		{ "PATH", "/usr/local/bin:/usr/bin:/bin" },
		{ "LANG", "C.UTF-8" },
		{ "HOME", call->home },
		{ "USER", call->user },
		{ "LOGNAME", call->user },
		{ "HOST", call->host },
		{ "SENDER", call->envelope != NULL ? call->envelope->sender : NULL },
		{ "RECIPIENT", call->envelope != NULL ? call->envelope->recipient : NULL },
		{ "ORIG_RECIPIENT", call->envelope != NULL ? call->envelope->original : NULL },
		{ "QUEUE_ID", call->envelope != NULL ? call->envelope->told_id : NULL },
	};
	GPtrArray *envp = g_ptr_array_new_with_free_func(g_free);
	for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
		if (items[i].value != NULL)
			g_ptr_array_add(envp,
			                g_strconcat(items[i].name, "=", items[i].value, NULL));

	g_ptr_array_add(envp, NULL);
	return envp;
}

static bool
check_call(const SiteProgramCall *call, Status *st)
{
	const char *folder = call->conf->program_folder, *why;

	if (folder == NULL || *folder == '\0')
		return status_fail_detail(st, STATUS_PROGRAM,
		                          "program '%s' may not run: program_folder is not set",
		                          call->name);

	if (folder[0] != '/')
		return status_fail_detail(st, STATUS_PROGRAM,
		                          "program_folder '%s' is not an absolute path", folder);
	if (!site_program_name_is_safe(call->name, &why) || !args_are_safe(call->args, &why))
		return status_fail_detail(st, STATUS_PROGRAM, "program '%s' %s", call->name, why);

	return true;
}

bool
site_program_is_there(const SiteProgramCall *call, Status *st)
{
	if (!check_call(call, st))
		return false;
	g_autofree char *path = g_build_filename(call->conf->program_folder, call->name, NULL);
	return g_file_test(path, G_FILE_TEST_IS_EXECUTABLE) ||
	       status_fail_detail(st, STATUS_PROGRAM, "cannot run '%s'", path);
}

bool
site_program_run(const SiteProgramCall *call, ChildResult *ret_result, Status *st)
{
	if (!check_call(call, st))
		return false;
	g_autofree char *path = g_build_filename(call->conf->program_folder, call->name, NULL);
	g_autoptr(GPtrArray) envp = make_environment(call);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_ptr_array_add(argv, (gpointer) call->name);
	for (size_t i = 0; call->args != NULL && call->args[i] != NULL; i++)
		g_ptr_array_add(argv, (gpointer) call->args[i]);
	g_ptr_array_add(argv, NULL);

	ChildCall child = {
		.program.path = path,
		.program.argv = (const char *const *) argv->pdata,
		.program.envp = (const char *const *) envp->pdata,
		.program.folder = call->home != NULL && g_file_test(call->home, G_FILE_TEST_IS_DIR)
		                          ? call->home
		                          : NULL,
		.head = call->head,
		.head_len = call->head_len,
		.body_fd = call->body_fd,
		.body_at = call->body_at,
		.body_len = call->body_len,
		.output_limit = call->output_limit > 0 ? call->output_limit
		                                       : (size_t) call->conf->program_output,
		.seconds = (unsigned) call->conf->program_timeout,
	};
	g_auto(Status) fault = STATUS_INIT;
	if (child_run(&child, ret_result, &fault))
		return true;
	Outside *outside = child_outside(path, child.program.argv, fault.detail);
	if (outcome_fault_kind(fault.id) != FAULT_PASSING)
		status_fail_detail(st, STATUS_PROGRAM, "%s", fault.detail);
	else
		status_move(st, &fault);
	status_set_outside(st, outside);

	return false;
}
