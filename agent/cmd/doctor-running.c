/* SPDX-License-Identifier: MIT */
/*
 * doctor-running: does the Postfix that runs know what main.cf and master.cf say now? `postfix
 * reload` replaces qmgr(8), so the age of that process is the age of the configuration that holds.
 */
#include "agent/cmd/doctor.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file that was written so shortly before a reload, or behind it, is taken for known. */
enum { MARGIN_SECONDS = 2 };

static char *
read_of_process(gint64 pid, const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/%s", pid, name);
	char *text;
	return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static bool
is_program(gint64 pid, const char *name)
{
	g_autofree char *comm = read_of_process(pid, "comm");
	return comm != NULL && strcmp(g_strchomp(comm), name) == 0;
}

/* The process id in master.pid; 0: that Postfix does not run, or only root may know. */
static gint64
find_master(const Doctor *doctor)
{
	g_autofree char *path = g_build_filename(
		postfix_facts_value(doctor->postfix, "queue_directory"), "pid", "master.pid", NULL);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return 0;

	gint64 pid = g_ascii_strtoll(text, NULL, 10);
	return pid > 0 && is_program(pid, "master") ? pid : 0;
}

/* 0: it has none. */
static gint64
find_queue_manager(gint64 master)
{
	g_autofree char *name = g_strdup_printf("task/%" G_GINT64_FORMAT "/children", master);
	g_autofree char *text = read_of_process(master, name);
	g_auto(GStrv) children = g_strsplit(text != NULL ? text : "", " ", -1);

	for (char **child = children; *child != NULL; child++) {
		gint64 pid = g_ascii_strtoll(*child, NULL, 10);
		if (pid > 0 && (is_program(pid, "qmgr") || is_program(pid, "nqmgr")))
			return pid;
	}
	return 0;
}

static gint64
clock_seconds(clockid_t clock)
{
	struct timespec now = { 0 };
	(void) clock_gettime(clock, &now);
	return now.tv_sec;
}

/* Seconds since 1970; 0: not known. */
static gint64
start_of_process(gint64 pid)
{
	enum { START_TIME = 20 }; /* words behind the name in parentheses (proc(5)) */
	g_autofree char *stat_line = read_of_process(pid, "stat");
	const char *rest = stat_line != NULL ? strrchr(stat_line, ')') : NULL;
	if (rest == NULL)
		return 0;

	g_auto(GStrv) words = g_strsplit(rest, " ", -1);
	if (g_strv_length(words) <= START_TIME)
		return 0;
	gint64 since_boot = g_ascii_strtoll(words[START_TIME], NULL, 10) / sysconf(_SC_CLK_TCK);
	return clock_seconds(CLOCK_REALTIME) - clock_seconds(CLOCK_BOOTTIME) + since_boot;
}

/* "main.cf", "master.cf" or both with ", "; NULL: neither was changed since. Caller frees. */
static char *
find_newer(const Doctor *doctor, gint64 since)
{
	static const char *const files[] = { "main.cf", "master.cf" };
	const char *folder = postfix_facts_value(doctor->postfix, "config_directory");
	g_autoptr(GPtrArray) newer = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(folder, files[i], NULL);
		struct stat sb;
		if (stat(path, &sb) == 0 && sb.st_mtime > since + MARGIN_SECONDS)
			g_ptr_array_add(newer, (char *) (guintptr) files[i]);
	}

	g_ptr_array_add(newer, NULL);
	return newer->len > 1 ? g_strjoinv(", ", (char **) newer->pdata) : NULL;
}

void
doctor_running(Doctor *doctor)
{
	gint64 master = doctor->postfix != NULL ? find_master(doctor) : 0;
	gint64 manager = master != 0 ? find_queue_manager(master) : 0;
	gint64 start = manager != 0 ? start_of_process(manager) : 0;
	g_autofree char *newer = start != 0 ? find_newer(doctor, start) : NULL;
	if (newer == NULL)
		return;

	g_autofree char *folder = doctor->postfix_folder != NULL
	                                  ? g_shell_quote(doctor->postfix_folder)
	                                  : NULL;
	doctor_find(doctor, DOCTOR_NOT_RELOADED, newer,
	            folder != NULL ? g_strdup_printf("postfix -c %s reload", folder)
	                           : g_strdup("postfix reload"),
	            newer, NULL);
}
