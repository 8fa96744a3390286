/* SPDX-License-Identifier: MIT */
/*
 * doctor-maildir: what lies in a user's mailbox and should not. Runs as that user; nothing is
 * opened but folders and four small files of Dovecot, and a fifo is never waited for.
 */
#define _GNU_SOURCE
#include "agent/cmd/doctor.h"
#include "agent/cmd/quota-words.h"

#include "agent/base/fold.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/run/sandbox.h"
#include "agent/store/folder-id.h"
#include "agent/store/maildir.h"
#include "agent/store/quota-memory.h"
#include "agent/store/quota-service.h"
#include "agent/store/quota.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LEFTOVER_S = 36 * 3600, /* age from which the Maildir specification gives tmp up */
	KEYWORD_LETTERS = 26,
	SMALL_FILE = 64 * 1024, /* octets of a file of Dovecot's that are read */
};

/* The last UID of IMAP (RFC 9051 2.3.1.1). */
static const guint64 last_uid = 4294967295u;

typedef struct {
	Doctor *doctor;
	guint names;
	bool is_cut; /* there were more names than we look at */
} Walk;

/* One folder, or one of its three parts. */
typedef struct {
	int fd;
	const char *path; /* absolute */
} Place;

/* What the files of new or cur say together. */
typedef struct {
	guint wrong;
	char *wrong_name;
	gint64 wrong_size;
	GString *renames;
	guint renamed;
	guint foreign;
	char *foreign_name;
	guint letters; /* bit by keyword letter that some file has */
} Sums;

static char *
number(gint64 value)
{
	return g_strdup_printf("%" G_GINT64_FORMAT, value);
}

/* Open a part of a folder; NULL: it is none. */
static DIR *
open_part(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL && fd >= 0)
		(void) close(fd);
	return dir;
}

/* The next name that is not "." or ".."; NULL: no more, or enough. */
static const struct dirent *
next_name(Walk *walk, DIR *dir)
{
	const struct dirent *entry;
	do
		entry = readdir(dir);
	while (entry != NULL &&
	       (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));

	walk->is_cut |= entry != NULL && walk->names >= LIMIT_DOCTOR_NAMES;
	walk->names += entry != NULL;
	return walk->is_cut ? NULL : entry;
}

static void
look_into_tmp(Walk *walk, const Place *folder)
{
	DIR *dir = open_part(folder->fd, "tmp");
	guint count = 0;
	gint64 bytes = 0;
	if (dir == NULL)
		return;

	for (const struct dirent *entry; (entry = next_name(walk, dir)) != NULL;) {
		struct stat sb;
		if (fstatat(dirfd(dir), entry->d_name, &sb, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(sb.st_mode) || sb.st_mtime > walk->doctor->now - LEFTOVER_S)
			continue;
		count++;
		bytes += sb.st_size;
	}
	(void) closedir(dir);
	if (count == 0)
		return;

	g_autofree char *path = g_build_filename(folder->path, "tmp", NULL),
			*quoted = g_shell_quote(path), *count_text = number(count),
			*bytes_text = number(bytes);
	doctor_find(walk->doctor, DOCTOR_TMP_LEFTOVERS, path,
	            g_strdup_printf("find %s -maxdepth 1 -type f -mmin +%d -delete", quoted,
	                            LEFTOVER_S / 60 - 1),
	            count_text, path, bytes_text, NULL);
}

/* The size that the name says; -1: none. */
static gint64
said_size(const char *name)
{
	const char *at = strstr(name, ",S=");
	char *end = NULL;
	gint64 size = at != NULL ? g_ascii_strtoll(at + strlen(",S="), &end, 10) : -1;
	return end != NULL && end > at + strlen(",S=") && strchr(",:", *end) != NULL ? size : -1;
}

/* The name with the right S= and without W=, which is wrong as well. Caller frees. */
static char *
right_name(const char *name, gint64 size)
{
	const char *info = strchr(name, ':');
	size_t base = strcspn(name, ",:");
	return g_strdup_printf("%.*s,S=%" G_GINT64_FORMAT "%s", (int) base, name, size,
	                       info != NULL ? info : "");
}

/* A file's name may hold what no terminal shows; then it is found by its inode. */
static void
add_rename(Sums *sums, const char *path, const char *name, const struct stat *sb)
{
	if (++sums->renamed > LIMIT_DOCTOR_RENAMES)
		return;
	g_autofree char *right = right_name(name, sb->st_size),
			*from = g_build_filename(path, name, NULL),
			*to = g_build_filename(path, right, NULL);
	g_autofree char *quoted_from = g_shell_quote(from), *quoted_to = g_shell_quote(to),
			*quoted_path = g_shell_quote(path);
	bool is_plain = g_str_is_ascii(name);
	for (const char *c = name; *c != '\0'; c++)
		is_plain = is_plain && g_ascii_isprint(*c);

	if (sums->renames->len > 0)
		g_string_append(sums->renames, " && ");
	if (is_plain)
		g_string_append_printf(sums->renames, "mv -n %s %s", quoted_from, quoted_to);
	else
		g_string_append_printf(sums->renames,
		                       "find %s -maxdepth 1 -inum %" G_GUINT64_FORMAT
		                       " -exec mv -n {} %s/todoke-%" G_GUINT64_FORMAT
		                       ",S=%" G_GINT64_FORMAT ":2, \\;",
		                       quoted_path, (guint64) sb->st_ino, quoted_path,
		                       (guint64) sb->st_ino, (gint64) sb->st_size);
}

static void
look_at_file(Sums *sums, DIR *dir, const char *path, const struct dirent *entry)
{
	const char *name = entry->d_name, *info = strstr(name, ":2,");
	bool may_be_file = entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN;
	gint64 said = said_size(name);
	struct stat sb = { .st_mode = S_IFREG };

	for (const char *c = info != NULL ? info + strlen(":2,") : ""; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'z')
			sums->letters |= 1u << (*c - 'a');

	if (may_be_file && said < 0 && entry->d_type == DT_REG)
		return;
	if (may_be_file && fstatat(dirfd(dir), name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* a client moved it */

	if (!may_be_file || !S_ISREG(sb.st_mode)) {
		if (sums->foreign++ == 0)
			sums->foreign_name = g_strdup(name);
	} else if (said >= 0 && said != sb.st_size) {
		if (sums->wrong++ == 0) {
			sums->wrong_name = g_strdup(name);
			sums->wrong_size = sb.st_size;
		}
		add_rename(sums, path, name, &sb);
	}
}

static void
tell_sums(Walk *walk, const char *path, Sums *sums)
{
	if (sums->wrong > 0) {
		g_autofree char *count = number(sums->wrong), *size = number(sums->wrong_size);
		doctor_find(walk->doctor, DOCTOR_WRONG_SIZE, path, g_strdup(sums->renames->str),
		            count, path, sums->wrong_name, size, NULL);
	}

	if (sums->foreign > 0) {
		g_autofree char *count = number(sums->foreign), *quoted = g_shell_quote(path),
				*aside = g_build_filename(walk->doctor->account->home,
		                                          "todoke-foreign", NULL),
				*quoted_aside = g_shell_quote(aside);
		doctor_find(walk->doctor, DOCTOR_FOREIGN_FILES, path,
		            g_strdup_printf("mkdir -p %s && find %s -mindepth 1 -maxdepth 1 ! "
		                            "-type f -exec mv -n {} %s/ \\;",
		                            quoted_aside, quoted, quoted_aside),
		            count, path, sums->foreign_name, NULL);
	}
}

/* Returns the letters of keywords that files have. */
static guint
look_into_mail(Walk *walk, const Place *folder, const char *part)
{
	DIR *dir = open_part(folder->fd, part);
	g_autofree char *path = g_build_filename(folder->path, part, NULL);
	Sums sums = { .renames = g_string_new(NULL) };

	for (const struct dirent *entry; dir != NULL && (entry = next_name(walk, dir)) != NULL;)
		look_at_file(&sums, dir, path, entry);
	if (dir != NULL)
		(void) closedir(dir);
	tell_sums(walk, path, &sums);

	g_string_free(sums.renames, TRUE);
	g_free(sums.wrong_name);
	g_free(sums.foreign_name);
	return sums.letters;
}

/* The beginning of a small file; NULL: there is none that can be read. Caller frees. */
static char *
read_small(int folder, const char *name)
{
	auto_fd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat sb;
	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode))
		return NULL;

	char *text = g_malloc(SMALL_FILE + 1);
	ssize_t len = pread(fd, text, SMALL_FILE, 0);
	text[MAX(len, 0)] = '\0';
	return text;
}

/* The command that takes the lines of unused keywords out: they have no file to speak for. */
static char *
free_keywords(const char *path, const char *text, guint letters)
{
	g_autoptr(GString) script = g_string_new(NULL);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *end;
		guint64 place = g_ascii_strtoull(*line, &end, 10);
		bool is_used = place < KEYWORD_LETTERS && (letters & (1u << place)) != 0;
		if (end != *line && *end == ' ' && !is_used)
			g_string_append_printf(script, "%s/^%" G_GUINT64_FORMAT " /d",
			                       script->len > 0 ? ";" : "", place);
	}
	if (script->len == 0)
		return NULL;

	g_autofree char *quoted = g_shell_quote(path);
	return g_strdup_printf("sed -i '%s' %s", script->str, quoted);
}

static void
look_at_keywords(Walk *walk, const Place *folder, guint letters)
{
	g_autofree char *text = read_small(folder->fd, "dovecot-keywords");
	guint count = 0;
	for (const char *c = text; c != NULL && (c = strchr(c, '\n')) != NULL; c++)
		count++;
	if (count < KEYWORD_LETTERS)
		return;

	g_autofree char *path = g_build_filename(folder->path, "dovecot-keywords", NULL),
			*count_text = number(count);
	doctor_find(walk->doctor, DOCTOR_KEYWORDS, path, free_keywords(path, text, letters), path,
	            count_text, NULL);
}

/*
 * Numbers begin anew where neither the list nor the index remembers them; flags stand in the names
 * of files. Caller frees.
 */
static char *
renumber_command(const char *folder)
{
	static const char *const names[] = { "dovecot-uidlist", "dovecot.index",
		                             "dovecot.index.log", "dovecot.index.log.2",
		                             "dovecot.index.cache" };
	g_autoptr(GString) command = g_string_new("rm -f");
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(folder, names[i], NULL),
				*quoted = g_shell_quote(path);
		g_string_append_printf(command, " %s", quoted);
	}
	return g_string_free(g_steal_pointer(&command), FALSE);
}

/* "3 V1700000000 N17 G..." or, of old versions, "1 1700000000 17". */
static bool
read_uid_line(const char *line, guint64 *ret_validity, guint64 *ret_next)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 4);
	if (g_strv_length(words) < 3)
		return false;

	bool is_old = strcmp(words[0], "1") == 0;
	const char *validity = words[1] + (!is_old && words[1][0] == 'V'),
		   *next = words[2] + (!is_old && words[2][0] == 'N');
	return g_ascii_string_to_unsigned(validity, 10, 1, last_uid, ret_validity, NULL) &&
	       g_ascii_string_to_unsigned(next, 10, 1, last_uid + 1, ret_next, NULL);
}

static void
look_at_uids(Walk *walk, const Place *folder)
{
	g_autofree char *text = read_small(folder->fd, "dovecot-uidlist");
	guint64 validity = 0, next = 0;
	if (text == NULL)
		return;

	g_autofree char *path = g_build_filename(folder->path, "dovecot-uidlist", NULL),
			*line = g_strndup(text, strcspn(text, "\n"));
	if (!read_uid_line(line, &validity, &next)) {
		doctor_find(walk->doctor, DOCTOR_UIDLIST_BROKEN, path,
		            renumber_command(folder->path), path, line, NULL);
	} else if (folder_uid_is_near_end(next)) {
		g_autofree char *next_text = g_strdup_printf("%" G_GUINT64_FORMAT, next);
		doctor_find(walk->doctor, DOCTOR_UID_NEAR_END, path, renumber_command(folder->path),
		            folder->path, next_text, NULL);
	}
}

static void
look_at_folder(Walk *walk, const Place *folder)
{
	look_into_tmp(walk, folder);
	guint letters = look_into_mail(walk, folder, "new");
	letters |= look_into_mail(walk, folder, "cur");
	look_at_keywords(walk, folder, letters);
	look_at_uids(walk, folder);
}

static bool
may_be_folder(unsigned layout, const char *name)
{
	if (layout == CONF_FOLDER_LAYOUT_MAILDIRPP)
		return name[0] == '.';
	return name[0] != '.' && strcmp(name, "new") != 0 && strcmp(name, "cur") != 0 &&
	       strcmp(name, "tmp") != 0;
}

/* Names that are the same without regard to case: the second one gets a number. */
static void
note_case(Walk *walk, GHashTable *seen, const char *path, const char *name)
{
	char *folded = fold_text(name);
	const char *other = g_hash_table_lookup(seen, folded);
	if (other == NULL) {
		g_hash_table_insert(seen, folded, g_strdup(name));
		return;
	}

	g_autofree char *whole = g_build_filename(path, name, NULL), *quoted = g_shell_quote(whole),
			*numbered = g_strconcat(whole, "-2", NULL),
			*quoted_numbered = g_shell_quote(numbered);
	doctor_find(walk->doctor, DOCTOR_CASE_CLASH, whole,
	            g_strdup_printf("mv -n %s %s", quoted, quoted_numbered), other, name, NULL);
	g_free(folded);
}

/* A folder that is a link: would a delivery in its box reach where it leads? */
static void
look_where_it_leads(const Walk *walk, const char *path)
{
	const Doctor *doctor = walk->doctor;
	g_autofree char *target = sandbox_leads_out(doctor->conf, doctor->account, path);
	if (target != NULL)
		doctor_find(walk->doctor, DOCTOR_FOLDER_OUTSIDE, path, NULL, path, target, NULL);
}

/*
 * The folder and those below it; links to folders are looked at in Maildir++ alone, as quotas do.
 */
static void
walk_folders(Walk *walk, const Place *folder, unsigned levels)
{
	unsigned layout = walk->doctor->conf->folder_layout;
	bool is_flat = layout == CONF_FOLDER_LAYOUT_MAILDIRPP;
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	DIR *dir = levels > 0 && !walk->is_cut ? open_part(folder->fd, ".") : NULL;

	look_at_folder(walk, folder);
	for (const struct dirent *entry; dir != NULL && (entry = next_name(walk, dir)) != NULL;) {
		if (!may_be_folder(layout, entry->d_name) || entry->d_type == DT_REG)
			continue;
		g_autofree char *path = g_build_filename(folder->path, entry->d_name, NULL);
		doctor_look_at_folder(walk->doctor, path);
		if (entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN)
			look_where_it_leads(walk, path);

		auto_fd int fd = openat(folder->fd, entry->d_name,
		                        O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK |
		                                (is_flat ? 0 : O_NOFOLLOW));
		if (fd < 0)
			continue;
		const Place below = { fd, path };
		note_case(walk, seen, folder->path, entry->d_name);
		walk_folders(walk, &below, is_flat ? 0 : levels - 1);
	}
	if (dir != NULL)
		(void) closedir(dir);
}

/* Since when mail finds no room, by the owner's state. */
static void
look_at_quota_memory(Doctor *doctor)
{
	g_auto(Status) unknown = STATUS_INIT;
	g_autofree char *state = account_state_folder(doctor->account, doctor->conf, &unknown);
	QuotaMemory memory;
	quota_memory_read(state, &memory);
	g_autoptr(GDateTime)
		since = memory.since > 0 ? g_date_time_new_from_unix_local(memory.since) : NULL;
	if (since == NULL || doctor->conf->quota == CONF_QUOTA_OFF)
		return;

	g_autofree char *text = g_date_time_format(since, "%Y-%m-%d %H:%M:%S");
	doctor_find(doctor, DOCTOR_QUOTA_SINCE, doctor->account->maildir, NULL, text, NULL);
}

/* Does Dovecot say how full the mailbox is? */
static void
look_at_quota_service(Doctor *doctor)
{
	const Conf *conf = doctor->conf;
	const QuotaServiceQuestion question = { .where = conf->quota_service,
		                                .user = doctor->account->user,
		                                .bytes = 1,
		                                .timeout_ms = (unsigned) conf->quota_timeout *
		                                              1000 };
	if (conf->quota != CONF_QUOTA_DOVECOT)
		return;

	g_autofree char *reply = NULL;
	QuotaServiceVerdict verdict = quota_service_ask(&question, &reply);
	if (verdict == QUOTA_SERVICE_NO_ANSWER)
		doctor_find(doctor, DOCTOR_QUOTA_SERVICE, conf->quota_service, NULL,
		            conf->quota_service, reply, NULL);
	else if (verdict != QUOTA_SERVICE_ROOM)
		doctor_find(doctor, DOCTOR_QUOTA_DOVECOT_FULL, doctor->account->maildir, NULL,
		            reply, NULL);
}

static void
look_at_quota(Doctor *doctor)
{
	const char *path = doctor->account->maildir;
	const MaildirOptions options = { (mode_t) doctor->conf->umask, doctor->conf->durability,
		                         false, false };
	g_auto(Status) unseen = STATUS_INIT;
	g_autoptr(Maildir) inbox = maildir_open(path, &options, &unseen);
	QuotaLook look;
	if (inbox == NULL || !quota_look(inbox, doctor->conf, true, &look))
		return;

	g_autofree char *file = g_build_filename(path, "maildirsize", NULL),
			*quoted = g_shell_quote(file), *bytes = number(look.bytes),
			*messages = number(look.messages), *said = number(look.said_bytes),
			*said_messages = number(look.said_messages), *words = quota_words(&look);
	bool is_all = *look.unread == '\0'; /* else another finding tells of the folder */
	bool is_wrong = is_all && look.has_file &&
	                (!look.is_sound || look.said_bytes != look.bytes ||
	                 look.said_messages != look.messages);
	if (is_wrong)
		doctor_find(doctor, DOCTOR_SIZE_FILE, file,
		            g_strdup_printf("printf '%%s\\n' '%s' '%s %s' >%s", look.definition,
		                            bytes, messages, quoted),
		            said, said_messages, bytes, messages, NULL);
	if ((look.limit_bytes > 0 && look.bytes >= look.limit_bytes) ||
	    (look.limit_messages > 0 && look.messages >= look.limit_messages))
		doctor_find(doctor, DOCTOR_OVER_QUOTA, path, NULL, words, NULL);
}

void
doctor_maildir(Doctor *doctor)
{
	const char *path = doctor->account->maildir;
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	Walk walk = { .doctor = doctor };
	const Place inbox = { fd, path };
	if (fd < 0)
		return; /* doctor-path tells why */

	walk_folders(&walk, &inbox, LIMIT_FOLDER_LEVELS);
	if (walk.is_cut) {
		g_autofree char *most = number(LIMIT_DOCTOR_NAMES);
		doctor_find(doctor, DOCTOR_TOO_MANY_NAMES, path, NULL, most, path, NULL);
	}
	look_at_quota(doctor);
	look_at_quota_service(doctor);
	look_at_quota_memory(doctor);
}
