/* SPDX-License-Identifier: MIT */
/* doctor-host: clock, room where todoke writes, AppArmor's denials, sandbox, charsets, versions. */
#define _GNU_SOURCE
#include "agent/cmd/doctor.h"

#include "agent/cmd/doctor-version.h"
#include "agent/run/sandbox.h"

#include <iconv.h>
#include <string.h>
#include <sys/timex.h>

/* 2026-01-01: no host that runs this program can have an earlier date. */
static const gint64 made_after = 1767225600;

static void
look_at_clock(Doctor *doctor)
{
	struct timex clock = { 0 };
	static const char fix[] = "timedatectl set-ntp true";

	if (doctor->now < made_after) {
		g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(doctor->now);
		g_autofree char *text = g_date_time_format(when, "%Y-%m-%d %H:%M");
		doctor_find(doctor, DOCTOR_CLOCK, "clock", g_strdup(fix), text, "todoke", NULL);
	} else if (adjtimex(&clock) == TIME_ERROR && (clock.status & STA_UNSYNC) != 0) {
		doctor_find(doctor, DOCTOR_CLOCK_FREE, "clock", g_strdup(fix), NULL);
	}
}

/* Places of the site where deliveries write; each file system once. */
static void
look_at_room(Doctor *doctor)
{
	const Conf *conf = doctor->conf;
	g_autofree char *tree = tree_of_template(*conf->maildir == '/' ? conf->maildir
	                                                               : "/home/%u"),
			*log = *conf->log_file == '/' ? g_path_get_dirname(conf->log_file) : NULL;
	const char *queue = doctor->postfix != NULL
	                            ? postfix_facts_value(doctor->postfix, "queue_directory")
	                            : NULL;
	const char *paths[] = { tree, queue, conf->lmtp_spool, log, conf->tree_memory };
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		if (paths[i] != NULL && *paths[i] == '/' && strchr(paths[i], '%') == NULL &&
		    doctor_is_new_file_system(seen, paths[i]))
			doctor_look_at_space(doctor, paths[i]);
}

/* The value of name="..." in a line of the audit log. Caller frees; NULL: not there. */
static char *
audit_value(const char *line, const char *name)
{
	g_autofree char *start = g_strdup_printf(" %s=\"", name);
	const char *at = strstr(line, start);
	if (at == NULL)
		return NULL;
	at += strlen(start);
	return g_strndup(at, strcspn(at, "\""));
}

/* The last denial that AppArmor has logged for todoke today. */
static void
look_at_apparmor(Doctor *doctor)
{
	static const char *const enabled[] = { "aa-enabled", "-q", NULL };
	static const char *const log[] = { "journalctl", "-k",  "-q", "--no-pager",
		                           "-S",         "-1d", "-g", "apparmor=.DENIED.",
		                           "-o",         "cat", NULL };
	g_autofree char *none = NULL, *text = NULL, *denied = NULL;
	int code;
	if (!doctor_ask(enabled, &none, &code) || code != 0 || !doctor_ask(log, &text, &code))
		return;

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		if (strstr(*line, "apparmor=\"DENIED\"") != NULL &&
		    strstr(*line, "todoke") != NULL) {
			g_free(denied);
			denied = g_strdup(*line);
		}

	g_autofree char *profile = denied != NULL ? audit_value(denied, "profile") : NULL,
			*name = denied != NULL ? audit_value(denied, "name") : NULL;
	if (profile == NULL || name == NULL)
		return;

	g_autofree char *quoted = g_shell_quote(profile);
	doctor_find(doctor, DOCTOR_APPARMOR, name, g_strdup_printf("aa-complain %s", quoted),
	            profile, name, NULL);
}

/* Whole is what a site has that changes nothing. */
static void
look_at_sandbox(Doctor *doctor)
{
	bool is_whole;
	g_autofree char *box = sandbox_describe(doctor->conf, &is_whole);
	if (!is_whole)
		doctor_find(doctor, DOCTOR_SANDBOX, "todoke.conf", NULL, box, NULL);
}

static bool
can_read(const char *charset)
{
	iconv_t reader = iconv_open("UTF-8", charset);
	return reader != (iconv_t) -1 && iconv_close(reader) == 0;
}

/* Of the charsets that mail is written in, those that the C library reads by modules. */
static void
look_at_charsets(Doctor *doctor)
{
	static const char *const charsets[] = { "ISO-2022-JP", "SHIFT_JIS", "EUC-KR",
		                                "GB18030",     "BIG5",      "KOI8-R",
		                                "WINDOWS-1252" };
	g_autoptr(GString) lacks = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++)
		if (!can_read(charsets[i]))
			g_string_append_printf(lacks, "%s%s", lacks->len > 0 ? ", " : "",
			                       charsets[i]);

	if (lacks->len > 0)
		doctor_find(doctor, DOCTOR_CHARSETS, "iconv", NULL, lacks->str, NULL);
}

void
doctor_host(Doctor *doctor)
{
	look_at_clock(doctor);
	look_at_room(doctor);
	look_at_apparmor(doctor);
	look_at_sandbox(doctor);
	look_at_charsets(doctor);
	if (doctor->postfix != NULL)
		doctor_version_judge(doctor, "Postfix",
		                     postfix_facts_value(doctor->postfix, "mail_version"));
}
