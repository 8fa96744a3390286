/* SPDX-License-Identifier: MIT */
/*
 * transact-shadow: a script that is not in force yet, on live mail.
 *
 * It runs when the mail has been delivered, in a child process that is killed when its time is
 * over: neither a fault of the engine nor a script that takes long does anything to the delivery.
 * The child writes the line of the record itself; the parent does it where the child could not.
 */
#define _GNU_SOURCE
#include "agent/run/transact-parts.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outcome.h"
#include "agent/state/record-line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* How the child ends: all that can be said was said, or nobody knows. */
enum { CHILD_DONE = 0, CHILD_FAILED = 1 };

static const TransactDescription without_programs = { .services = { .trace_level = -1 } };

/* What the header of an action was made, where rules changed it. */
static char *
print_of_headers(const Headers *headers)
{
	if (headers == NULL)
		return NULL;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
	for (size_t i = 0; i < headers_count(headers); i++) {
		const HeaderField *field = headers_get(headers, i);
		g_checksum_update(sum, (const guchar *) field->bytes, (gssize) field->len);
	}
	return g_strdup(g_checksum_get_string(sum));
}

/* What is done, whatever rule asked for it. */
static json_t *
deeds_of(const Plan *plan)
{
	json_t *deeds = plan_json(plan), *deed;
	size_t i;

	json_array_foreach(deeds, i, deed)
	{
		const PlanAction *action = plan_get(plan, i);
		g_autofree char *headers = print_of_headers(action->headers);
		json_object_del(deed, "at");
		json_object_del(deed, "implicit");
		if (headers != NULL)
			json_object_set_new(deed, "headers", json_string(headers));
		json_object_set_new(deed, "has_body", json_boolean(action->message != NULL));
	}

	return deeds;
}

static bool
does_the_same(const Plan *one, const Plan *other)
{
	json_t *a = deeds_of(one), *b = deeds_of(other);
	bool same = json_equal(a, b);
	json_decref(a);
	json_decref(b);
	return same;
}

/* One line of the record; `plan` NULL: `why` nobody knows it. False: it cannot be written. */
static bool
write_line(const Transact *transact, const char *script, const Plan *plan, const char *why)
{
	const Conf *conf = transact->site->conf;
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *path = account_record_path(transact->account, conf, &fault);
	const RecordLineBounds bounds = { transact->now, conf->record_max_size,
		                          conf->record_max_age };
	g_auto(RecordLine) line = { 0 };

	record_line_init(&line);
	transact_record_shadow(transact, &line);
	record_line_text(&line, "shadow_script", script);
	transact_record_actions(&line, "shadow", plan, conf->record_values);
	record_line_text(&line, "failed", why);
	record_line_end(&line);

	return path != NULL && record_line_append(path, &line, &bounds, &fault);
}

/* What went wrong with the script, in one line; NULL: nothing did. Borrowed. */
static const char *
fault_of(const Transact *transact, bool ran, const Status *st)
{
	if (!ran)
		return status_why(st);
	return transact->scripts.notes->len > 0 ? transact->scripts.notes->pdata[0] : NULL;
}

/*
 * Run it, as a retry of this delivery would run it: by the state as it is now, a copy of it. What
 * the transaction had is left where it is; this process ends soon.
 */
static int
run_shadow(Transact *transact, Maildir *inbox, const char *script)
{
	g_auto(Status) st = STATUS_INIT;
	const Transact live = *transact;

	transact->shadow = script;
	transact->described = &without_programs;
	transact->trace = NULL;
	transact->state = state_once_new_copy_shared(transact->site->state, transact->account->user,
	                                             transact->state_path, transact->now);
	transact->locks = g_ptr_array_new();
	transact->ids = g_ptr_array_new();
	script_chain_report_init(&transact->scripts);
	deliver_report_init(&transact->report);

	bool ran = transact_run_scripts(transact, inbox, &st);
	const char *why = fault_of(transact, ran, &st);
	const Plan *plan = transact->plan;
	bool written = why == NULL && does_the_same(live.plan, plan)
	                       ? true
	                       : write_line(&live, script, why == NULL ? plan : NULL, why);
	state_once_free(transact->state);

	return written ? CHILD_DONE : CHILD_FAILED;
}

/* Nothing of the parent's is touched by accident, and nothing stays when it ends. */
static void
fence_child(pid_t parent)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGPIPE };
	const struct rlimit seconds = { LIMIT_SHADOW_MS / 1000 + 1, LIMIT_SHADOW_MS / 1000 + 2 };
	const struct rlimit none = { 0, 0 };

	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CHILD_FAILED);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		(void) signal(signals[i], SIG_DFL);
	(void) setrlimit(RLIMIT_CPU, &seconds);
	(void) setrlimit(RLIMIT_CORE, &none);

	/* Postfix waits until nobody holds its pipe. */
	int null = fs_open_null();
	for (int fd = 0; fd <= STDERR_FILENO && null >= 0; fd++)
		(void) dup2(null, fd);
}

/* Wait for its end, which closes the pipe. False: it takes too long. */
static bool
wait_for_end(int fd)
{
	gint64 end = g_get_monotonic_time() + (gint64) LIMIT_SHADOW_MS * 1000;
	struct pollfd ends = { .fd = fd, .events = POLLIN };

	for (;;) {
		gint64 left_ms = (end - g_get_monotonic_time()) / 1000;
		int found = left_ms > 0 ? poll(&ends, 1, (int) left_ms) : 0;
		if (found > 0)
			return true;
		if (found == 0 || errno != EINTR)
			return false;
	}
}

/* Why it could not say itself what became of it; NULL: it could. Caller frees. */
static char *
settle_child(pid_t child, int fd)
{
	bool ended = wait_for_end(fd);
	int status = 0;

	if (!ended)
		(void) kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!ended || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
		return g_strdup_printf("it ran for longer than %u ms, and was ended",
		                       LIMIT_SHADOW_MS);
	if (WIFSIGNALED(status))
		return g_strdup_printf("it was ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status) == CHILD_DONE ? NULL : g_strdup("its process failed");
}

static void
run_beside(Transact *transact, Maildir *inbox, const char *script)
{
	int ends[2];
	pid_t we = getpid();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;

	pid_t child = fork();
	if (child == 0) {
		fence_child(we);
		_exit(run_shadow(transact, inbox, script));
	}

	(void) close(ends[1]);
	g_autofree char *why = child > 0 ? settle_child(child, ends[0])
	                                 : g_strdup_printf("no process: %s",
	                                                   status_error_text(errno));
	(void) close(ends[0]);
	if (why != NULL)
		(void) write_line(transact, script, NULL, why);
}

/* Where it would be; NULL: none is to run. Caller frees. */
static char *
find_shadow(const Transact *transact, Status *st)
{
	const Conf *conf = transact->site->conf;
	if (*conf->shadow_script == '\0' || !conf->record || transact->recipes != NULL)
		return NULL;

	g_autofree char *script = account_expand(transact->account, conf->shadow_script, st);
	return script != NULL && outcome_script_is_there(script) ? g_steal_pointer(&script) : NULL;
}

bool
transact_has_shadow(const Transact *transact)
{
	g_auto(Status) fault = STATUS_INIT; /* transact_shadow notes it */
	g_autofree char *script = find_shadow(transact, &fault);
	return script != NULL;
}

void
transact_shadow(Transact *transact, Maildir *inbox)
{
	g_auto(Status) fault = STATUS_INIT;
	g_autofree char *script = find_shadow(transact, &fault);

	if (script != NULL)
		run_beside(transact, inbox, script);
	else if (fault.id != STATUS_OK)
		g_ptr_array_add(transact->report.notes,
		                g_strdup_printf("no shadow script: %s", fault.detail));
}
