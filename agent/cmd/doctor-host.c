/* SPDX-License-Identifier: MIT */
/* doctor-host: clock, room where todoke writes, AppArmor's denials, sandbox, charsets, versions. */
#define _GNU_SOURCE
#include "agent/cmd/doctor.h"

#include "agent/base/limits.h"
#include "agent/cmd/doctor-version.h"
#include "agent/run/sandbox.h"

#include <iconv.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
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

/* "vmail", or the number of an account that is gone. Caller frees. */
static char *
account_name(uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);
	return entry != NULL ? g_strdup(entry->pw_name) : g_strdup_printf("%u", (unsigned) uid);
}

/* The first of the folder and the files in it that belongs to another account. Caller frees. */
static char *
find_foreign(const char *folder, uid_t uid, uid_t *ret_uid)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	g_ptr_array_add(paths, g_strdup(folder));
	for (const char *name; dir != NULL && paths->len < LIMIT_DOCTOR_NAMES &&
	                       (name = g_dir_read_name(dir)) != NULL;)
		g_ptr_array_add(paths, g_build_filename(folder, name, NULL));

	for (guint i = 0; i < paths->len; i++) {
		struct stat sb;
		if (lstat(paths->pdata[i], &sb) == 0 && sb.st_uid != uid) {
			*ret_uid = sb.st_uid;
			return g_strdup(paths->pdata[i]);
		}
	}
	return NULL;
}

/*
 * What deliveries keep in a folder of their account (/var/lib/todoke), and must own to use it. A
 * lmtpd that ran as root leaves it root's.
 */
static void
look_at_state(Doctor *doctor)
{
	const char *const folders[] = { doctor->conf->early_record_folder,
		                        doctor->conf->outage_folder };

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *above = g_path_get_dirname(folders[i]);
		struct stat sb;
		uid_t uid;
		if (*folders[i] != '/' || lstat(above, &sb) < 0 || !S_ISDIR(sb.st_mode) ||
		    sb.st_uid == 0)
			continue;
		g_autofree char *foreign = find_foreign(folders[i], sb.st_uid, &uid);
		if (foreign == NULL)
			continue;

		g_autofree char *quoted = g_shell_quote(folders[i]), *owner = account_name(uid),
				*wanted = account_name(sb.st_uid);
		doctor_find(doctor, DOCTOR_STATE_OWNER, folders[i],
		            g_strdup_printf("chown -R -h %u:%u %s", (unsigned) sb.st_uid,
		                            (unsigned) sb.st_gid, quoted),
		            foreign, owner, above, wanted, NULL);
	}
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
	g_autofree char *box = sandbox_describe(doctor->conf, SANDBOX_DELIVERY, &is_whole);
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
	look_at_state(doctor);
	look_at_apparmor(doctor);
	look_at_sandbox(doctor);
	look_at_charsets(doctor);
	if (doctor->postfix != NULL)
		doctor_version_judge(doctor, "Postfix",
		                     postfix_facts_value(doctor->postfix, "mail_version"));
}
