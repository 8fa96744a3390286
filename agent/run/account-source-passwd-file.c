/* SPDX-License-Identifier: MIT */
/*
 * account-source-passwd-file: the lines of passwd_file, as Dovecot's passwd-file has them:
 * user:password:uid:gid:gecos:home:shell:userdb_NAME=VALUE ...
 */
#define _GNU_SOURCE
#include "agent/run/account-source.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/owner-walk.h"
#include "agent/run/account-answer.h"
#include "agent/run/account-parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USER, PASSWORD, UID, GID, GECOS, HOME, SHELL, EXTRA, FIELDS };

/* Empty uid and gid mean: whoever we are. */
static bool
read_ids(char **fields, const char *where, GPtrArray *found, Status *st)
{
	guint64 uid = 0, gid = 0;
	if (*fields[UID] == '\0' && *fields[GID] == '\0')
		return true;

	if (!g_ascii_string_to_unsigned(fields[UID], 10, 1, G_MAXINT32, &uid, NULL) ||
	    !g_ascii_string_to_unsigned(fields[GID], 10, 0, G_MAXINT32, &gid, NULL))
		return status_fail_detail(st, STATUS_CONFIG,
		                          "%s: uid and gid must be numbers, and uid not 0", where);
	g_ptr_array_add(found, g_strconcat("uid=", fields[UID], NULL));
	g_ptr_array_add(found, g_strconcat("gid=", fields[GID], NULL));
	return true;
}

/* What Dovecot's userdb reads of a line; the other extra fields are for checking passwords. */
static bool
read_extra(const char *text, GPtrArray *found)
{
	static const char prefix[] = "userdb_";
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	bool has_place = false;

	for (char **word = words; *word != NULL; word++) {
		if (!g_str_has_prefix(*word, prefix))
			continue;
		const char *name = *word + strlen(prefix);
		has_place = has_place || g_str_has_prefix(name, "mail") ||
		            g_str_has_prefix(name, "home=");
		g_ptr_array_add(found, g_strdup(name));
	}

	return has_place;
}

/* What one line says; fields are split already. */
static bool
use_line(const Conf *conf, Account *account, char **fields, const char *where, Status *st)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
	guint n = g_strv_length(fields);
	bool has_place = n > EXTRA && read_extra(g_strchomp(fields[EXTRA]), found);
	has_place = has_place || *conf->home != '\0';

	if (fields[HOME][0] != '/' && (fields[HOME][0] != '\0' || !has_place))
		return status_fail_detail(st, STATUS_CONFIG,
		                          "%s: home '%s' is not an absolute path", where,
		                          fields[HOME]);
	if (!read_ids(fields, where, found, st))
		return false;
	if (fields[HOME][0] != '\0')
		g_ptr_array_insert(found, 0, g_strconcat("home=", fields[HOME], NULL));

	g_autoptr(AccountAnswer) answer = account_answer_read(found, where, st);
	if (answer == NULL)
		return false;
	account->user = g_strdup(fields[USER]);
	account_answer_use(answer, account);
	return true;
}

/* The text as it was read last, which is good for as long as the file is the same. */
static struct {
	char *file; /* NULL: nothing is kept */
	char *text;
	struct stat sb;
	uid_t reader; /* root reads only what root alone can write */
} kept;

/* What is read is noted on the way. */
typedef struct {
	const char *file;
	struct stat *sb;
} Reading;

/* FsJudge: the file decides which uid root switches to. */
static char *
judge(const struct stat *sb, const void *user)
{
	const Reading *reading = user;
	const char *file = reading->file;
	*reading->sb = *sb;
	if (fs_own_euid() != 0 || owner_is_root_alone(sb))
		return NULL;

	g_autofree char *quoted = g_shell_quote(file);
	return g_strdup_printf(
		"passwd_file '%s': others than root can write it: chown root %s; chmod go-w %s",
		file, quoted, quoted);
}

static bool
is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Nobody can write to a file, or put another in its place, without a change of one of these. */
static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_uid == b->st_uid && a->st_mode == b->st_mode &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

static bool
is_kept(const char *file)
{
	struct stat now;
	return kept.file != NULL && strcmp(kept.file, file) == 0 && kept.reader == fs_own_euid() &&
	       stat(file, &now) == 0 && is_same_file(&kept.sb, &now);
}

/*
 * Takes `text`. A file that was changed a moment ago may be changed once more within the same tick
 * of its clock, so it is not trusted to show that; it is read again.
 */
static void
keep(const char *file, char *text, const struct stat *sb)
{
	enum { SETTLED_SECONDS = 2 };
	bool is_settled = sb->st_ctim.tv_sec + SETTLED_SECONDS < g_get_real_time() / G_USEC_PER_SEC;

	g_free(kept.file);
	g_free(kept.text);
	kept.file = is_settled ? g_strdup(file) : NULL;
	kept.text = text;
	kept.sb = *sb;
	kept.reader = fs_own_euid();
}

/* The text of the file. NULL: STATUS_UNTRUSTED, STATUS_LOOKUP. Borrowed until the next call. */
static const char *
read_file(const Conf *conf, Status *st)
{
	const char *file = conf->passwd_file;
	char *data = NULL;
	size_t len;
	struct stat sb;
	const Reading reading = { file, &sb };
	g_auto(Status) fault = STATUS_INIT;

	if (is_kept(file))
		return kept.text;
	if (fs_read_judged(AT_FDCWD, file, LIMIT_PASSWD_FILE, judge, &reading, &data, &len,
	                   &fault)) {
		keep(file, data, &sb);
		return data;
	}

	StatusId id = fault.id == STATUS_UNTRUSTED ? STATUS_UNTRUSTED : STATUS_LOOKUP;
	status_fail_detail(st, id, "%s", fault.detail);
	(void) account_fail_lookup(file, NULL, fault.detail, st);
	return NULL;
}

/* The line at *at, with its length without the end; moves to the next. NULL: there is none. */
static const char *
next_line(const char **at, size_t *ret_len)
{
	const char *line = *at;
	if (line == NULL || *line == '\0')
		return NULL;

	*ret_len = strcspn(line, "\n");
	*at = line[*ret_len] == '\n' ? line + *ret_len + 1 : NULL;
	return line;
}

static bool
begins_with_name(const char *line, size_t line_len, const char *name)
{
	size_t len = name != NULL ? strlen(name) : 0;
	return len > 0 && len <= line_len && memcmp(line, name, len) == 0 &&
	       (len == line_len || line[len] == ':');
}

/* Caller frees. */
static char **
split_line(const char *line, size_t len)
{
	g_autofree char *copy = g_strndup(line, len);
	return g_strsplit(copy, ":", FIELDS);
}

static bool
find(const Conf *conf, Account *account, const char *recipient, Status *st)
{
	(void) recipient;
	const char *at = read_file(conf, st);
	if (at == NULL)
		return false;

	g_autofree char *full = account->domain != NULL ? account_address(account) : NULL;
	unsigned number = 0;
	size_t len;
	for (const char *line; (line = next_line(&at, &len)) != NULL;) {
		number++;
		if (!begins_with_name(line, len, account->local) &&
		    !begins_with_name(line, len, full))
			continue;
		g_auto(GStrv) fields = split_line(line, len);
		g_autofree char *where = g_strdup_printf("%s:%u", conf->passwd_file, number);
		if (g_strv_length(fields) <= HOME)
			return status_fail_detail(st, STATUS_CONFIG,
			                          "%s: a line is user:password:uid:gid:gecos:home",
			                          where);
		return use_line(conf, account, fields, where, st);
	}

	return status_fail_detail(st, STATUS_UNKNOWN_USER,
	                          "passwd_file '%s' has no line for this name", conf->passwd_file);
}

static bool
list(GPtrArray *accounts, const Conf *conf, Status *st)
{
	const char *text = read_file(conf, st), *at = text;
	size_t len;

	for (const char *line; (line = next_line(&at, &len)) != NULL;) {
		g_auto(GStrv) fields = split_line(line, len);
		g_auto(Status) unusable = STATUS_INIT;
		bool may_be = g_strv_length(fields) > HOME && *fields[USER] != '\0';
		g_autoptr(Account) account = may_be ? account_begin(conf, fields[USER], &unusable)
		                                    : NULL;
		if (account == NULL ||
		    !use_line(conf, account, fields, conf->passwd_file, &unusable))
			continue;
		account_list_add(accounts, conf, g_steal_pointer(&account));
		if (!account_list_has_room(accounts, st))
			return false;
	}

	return text != NULL;
}

static char *
describe(const Conf *conf)
{
	return g_strdup(conf->passwd_file);
}

extern const AccountSource account_source_passwd_file;
const AccountSource account_source_passwd_file = {
	.name = "passwd_file", .find = find, .list = list, .describe = describe
};
