/* SPDX-License-Identifier: MIT */
/* cage: what became of the child, in words. */
#define _GNU_SOURCE
#include "filters/libsieve/cage.h"

#include "agent/base/child.h"
#include "agent/base/limits.h"
#include "agent/base/module.h"

#include <signal.h>
#include <string.h>

/* Octets of a record besides its actions: its head, its text, its end. */
enum { RECORD_FRAME = 1024 };

static bool
run_program(const RecordRequest *request, guint32 n_known, ChildResult *ret_result, Status *st)
{
	static const char *const argv[] = { "todoke-libsieve", NULL };
	static const char *const envp[] = { NULL };
	g_autofree char *path = module_program_path(argv[0]);
	g_autoptr(GByteArray) input = record_print_request(request);

	if (input->len > LIMIT_LIBSIEVE_REQUEST)
		return status_fail_detail(
			st, STATUS_ENGINE,
			"script and values have %u octets, more than libsieve may get", input->len);

	const ChildCall call = {
		.program.path = path,
		.program.argv = argv,
		.program.envp = envp,
		.head = input->data,
		.head_len = input->len,
		.body_fd = -1,
		.output_limit = RECORD_FRAME + (size_t) n_known * sizeof(guint32),
		.seconds = LIMIT_LIBSIEVE_WALL_S,
	};
	g_auto(Status) why = STATUS_INIT;
	if (child_run(&call, ret_result, &why))
		return true;

	return status_fail_detail(st, STATUS_ENGINE, "libsieve: %s", why.detail);
}

static bool
fail_by_signal(int signal, Status *st)
{
	if (signal == SIGXCPU)
		return status_fail_detail(st, STATUS_ENGINE, "libsieve took longer than %u seconds",
		                          LIMIT_LIBSIEVE_CPU_S);
	return status_fail_detail(st, STATUS_ENGINE, "libsieve crashed: signal %d (%s)", signal,
	                          strsignal(signal));
}

static bool
fail_by_exit(int exit_code, Status *st)
{
	if (exit_code == RECORD_EXIT_NO_MEMORY)
		return status_fail_detail(st, STATUS_ENGINE,
		                          "libsieve wanted more than %u MB of memory",
		                          LIMIT_LIBSIEVE_MEMORY / (1024 * 1024));
	return status_fail_detail(st, STATUS_ENGINE,
	                          "the program around libsieve ended with exit code %d", exit_code);
}

static bool
run_in_cage(const RecordRequest *request, guint32 n_known, Record *ret_record, Status *st)
{
	static const char *const complaints[] = {
		[RECORD_WRONG_SCRIPT] = "takes the script for wrong",
		[RECORD_WRONG_ADDRESS] = "takes an address for wrong",
		[RECORD_WRONG_CODE] = "failed",
	};
	g_auto(ChildResult) result = { 0 };
	g_auto(Record) record = { 0 };

	if (!run_program(request, n_known, &result, st))
		return false;
	if (result.exit_code < 0)
		return fail_by_signal(result.signal, st);
	if (result.exit_code != RECORD_EXIT_GOOD)
		return fail_by_exit(result.exit_code, st);

	size_t len;
	const void *data = g_bytes_get_data(result.output, &len);
	if (!record_parse(data, len, n_known, &record, st))
		return false;

	if (record.outcome != RECORD_DONE)
		return status_fail_detail(st, STATUS_ENGINE, "libsieve %s: %s",
		                          complaints[record.outcome], record.text);
	*ret_record = record;
	record = (Record){ 0 };

	return true;
}

bool
cage_run(const RecordRequest *request, guint32 n_known, Record *ret_record, Status *st)
{
	if (run_in_cage(request, n_known, ret_record, st))
		return true;
	status_set_outside(st, outside_new(OUTSIDE_LIBSIEVE, "todoke-libsieve", NULL, st->detail));
	return false;
}
