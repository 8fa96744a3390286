/* SPDX-License-Identifier: MIT */
/*
 * delivery-trace: lines are gathered while the scripts run, the file is written when the outcome is
 * known.
 */
#define _GNU_SOURCE
#include "agent/run/delivery-trace.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/problem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct DeliveryTrace {
	int dir;
	GString *lines;
	bool is_cut;
};

bool
delivery_trace_is_named(const Conf *conf, const Account *account)
{
	for (char **name = conf->trace_users; name != NULL && *name != NULL; name++) {
		if (g_ascii_strcasecmp(*name, account->user) == 0)
			return true;
		for (guint i = 0; i < account->addresses->len; i++)
			if (g_ascii_strcasecmp(*name, account->addresses->pdata[i]) == 0)
				return true;
	}
	return false;
}

/* A folder that is not there is no fault, unless the account was named: then it is made. */
static bool
open_folder(const Conf *conf, const Account *account, int *ret_fd, Status *st)
{
	g_autofree char *path = account_expand(account, conf->trace_dir, st);
	if (path == NULL)
		return false;
	if (delivery_trace_is_named(conf, account))
		return fs_make_dir(AT_FDCWD, path, 0700, ret_fd, st);

	int fd = open(path, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return status_fail_errno(st, errno, "cannot open '%s'", path);

	*ret_fd = fd;
	return true;
}

DeliveryTrace *
delivery_trace_new(const Conf *conf, const Account *account, GPtrArray *notes)
{
	g_auto(Status) fault = STATUS_INIT;
	auto_fd int dir = -1;
	if (conf->trace_dir == NULL || *conf->trace_dir == '\0')
		return NULL;

	if (!open_folder(conf, account, &dir, &fault))
		g_ptr_array_add(notes, g_strdup_printf("no trace: %s", fault.detail));
	if (dir < 0)
		return NULL;

	DeliveryTrace *trace = g_new0(DeliveryTrace, 1);
	trace->dir = fs_steal_fd(&dir);
	trace->lines = g_string_new(NULL);

	return trace;
}

void
delivery_trace_free(DeliveryTrace *trace)
{
	if (trace == NULL)
		return;
	(void) close(trace->dir);
	g_string_free(trace->lines, TRUE);
	g_free(trace);
}

void
delivery_trace_add(void *user, TraceLevel level, const char *file, unsigned line, const char *text)
{
	DeliveryTrace *trace = user;

	if (trace->lines->len + strlen(file) + strlen(text) + 64 > LIMIT_TRACE_BYTES) {
		if (!trace->is_cut)
			g_string_append(trace->lines,
			                "... the trace is too long, the rest is left out\n");
		trace->is_cut = true;
		return;
	}

	/*
	 * A value may hold line ends: what follows one stands under its line, so that nobody takes
	 * it for another.
	 */
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_auto(GStrv) parts = g_strsplit(valid, "\n", -1);
	g_autofree char *place = problem_place_print(file, line);
	g_string_append_printf(trace->lines, "%*s%s: ", 2 * (int) level, "", place);
	for (size_t i = 0; parts[i] != NULL; i++)
		g_string_append_printf(trace->lines, "%s%s\n", i > 0 ? "\t| " : "", parts[i]);
}

/* A new file; a process may deliver one message to several users, and several in one second. */
static int
open_file(const DeliveryTrace *trace, gint64 now, const char *queue_id, char **ret_name)
{
	static unsigned number;
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now);
	g_autofree char *stamp = time != NULL ? g_date_time_format(time, "%Y%m%dT%H%M%SZ")
	                                      : g_strdup("0");
	g_autofree char *id = g_strdup(queue_id != NULL ? queue_id : "unknown");

	g_strcanon(id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS, '_');
	*ret_name = g_strdup_printf("%s.%.40s.%d-%u.trace", stamp, id, (int) fs_own_pid(),
	                            ++number);
	return openat(trace->dir, *ret_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	              0600);
}

bool
delivery_trace_write(DeliveryTrace *trace, gint64 now, const char *queue_id, const char *head,
                     const char *tail, Status *st)
{
	g_autofree char *name = NULL;
	auto_fd int fd = open_file(trace, now, queue_id, &name);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make a trace file");

	return fs_write_all(fd, head, strlen(head), name, st) &&
	       fs_write_all(fd, trace->lines->str, trace->lines->len, name, st) &&
	       fs_write_all(fd, tail, strlen(tail), name, st);
}
