/* SPDX-License-Identifier: MIT */
/* quota: the file maildirsize, and counting a mailbox. */
#define _GNU_SOURCE
#include "agent/store/quota.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/store/folder.h"
#include "conf/conf-choices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE_FILE "maildirsize"

/* Seconds after which a file that says "full" is no longer believed, by the specification. */
enum { BELIEVED_S = 15 * 60 };

/*
 * The greatest sum: no mailbox holds a quarter of what 63 bits can count, and adding a few never
 * overflows.
 */
static const gint64 most = G_MAXINT64 / 4;

typedef struct {
	gint64 bytes;
	gint64 messages;
} Amount;

struct Quota {
	const Conf *conf;
	int inbox;      /* borrowed */
	bool look_only; /* nothing is written */
	char *trash;    /* path of the folder below the INBOX; NULL: it counts */
	Amount limit;   /* 0: any */
	Amount used;
	unsigned lines; /* of the file, its definition not counted */
	time_t mtime;
};

/* What the file says. */
typedef struct {
	Amount limit;
	Amount used;
	unsigned lines;
	time_t mtime;
	bool sound; /* the sums can be believed */
} SizeFile;

/* A walk over all folders. */
typedef struct {
	const Quota *quota;
	bool counts; /* false: only the stamp is wanted */
	Amount sum;
	guint64 stamp; /* of all times of new and cur: it changes where mail comes or goes */
} Walk;

/* "1000000S,1000C"; other letters mean other things, or nothing yet. */
static bool
parse_definition(const char *line, Amount *ret_limit)
{
	Amount limit = { 0, 0 };

	for (const char *at = line; *at != '\0';) {
		char *end;
		gint64 number = g_ascii_strtoll(at, &end, 10);
		if (end == at || number < 0 || number > most || *end == '\0')
			return false;
		if (*end == 'S')
			limit.bytes = number;
		else if (*end == 'C')
			limit.messages = number;
		at = end[1] == ',' ? end + 2 : end + 1;
		if (end[1] != ',' && end[1] != '\0')
			return false;
	}

	*ret_limit = limit;
	return true;
}

static char *
print_definition(const Amount *limit)
{
	if (limit->messages == 0)
		return g_strdup_printf("%" G_GINT64_FORMAT "S\n", limit->bytes);
	if (limit->bytes == 0)
		return g_strdup_printf("%" G_GINT64_FORMAT "C\n", limit->messages);

	return g_strdup_printf("%" G_GINT64_FORMAT "S,%" G_GINT64_FORMAT "C\n", limit->bytes,
	                       limit->messages);
}

static bool
add_line(const char *line, Amount *sum)
{
	char *end, *last;
	gint64 bytes = g_ascii_strtoll(line, &end, 10);
	gint64 messages = g_ascii_strtoll(end, &last, 10);
	bool whole = end != line && last != end && g_strchug(last)[0] == '\0';

	if (!whole || ABS(bytes / 2) > most / 2 || ABS(messages / 2) > most / 2)
		return false;
	sum->bytes += bytes;
	sum->messages += messages;

	return ABS(sum->bytes) < most && ABS(sum->messages) < most;
}

static void
parse_file(char *text, SizeFile *file)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	file->sound = lines[0] != NULL && parse_definition(g_strchomp(lines[0]), &file->limit);
	for (char **line = lines; file->sound && *line != NULL && *++line != NULL && **line != '\0';
	     file->lines++)
		file->sound = add_line(*line, &file->used);
	file->sound = file->sound && file->lines > 0 && file->used.bytes >= 0 &&
	              file->used.messages >= 0;
}

/*
 * False: there is no such file, or it cannot be read. One that is too long has its definition at
 * least.
 */
static bool
read_size_file(int inbox, SizeFile *ret_file)
{
	SizeFile file = { .sound = false };
	auto_fd int fd = openat(inbox, SIZE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
		return false;
	char text[LIMIT_MAILDIRSIZE + 1];
	ssize_t len = pread(fd, text, sizeof text - 1, 0);
	if (len < 0)
		return false;

	text[len] = '\0';
	file.mtime = info.st_mtime;
	parse_file(text, &file);
	file.sound = file.sound && info.st_size <= (off_t) LIMIT_MAILDIRSIZE;
	*ret_file = file;

	return true;
}

/* The size that the name tells, else that of the file; false: it is no message, or gone. */
static bool
size_of(int dir, const char *name, gint64 *ret_bytes)
{
	const char *said = strstr(name, ",S=");
	char *end = NULL;
	gint64 bytes = said != NULL ? g_ascii_strtoll(said + strlen(",S="), &end, 10) : 0;

	if (end != NULL && end != said + strlen(",S=") && strchr(",:", *end) != NULL &&
	    bytes >= 0) {
		*ret_bytes = bytes;
		return true;
	}

	struct stat info;
	if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(info.st_mode))
		return false;

	*ret_bytes = info.st_size;
	return true;
}

static const char *
letters_of(const char *name)
{
	const char *info = strstr(name, ":2,");
	return info != NULL ? info + strlen(":2,") : "";
}

/* Takes `fd`. */
static void
count_files(Walk *walk, int fd, const char *path)
{
	DIR *dir = fdopendir(fd);

	if (dir == NULL) {
		(void) close(fd);
		return;
	}

	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		gint64 bytes;
		if (entry->d_name[0] == '.' ||
		    !quota_counts(walk->quota, path, letters_of(entry->d_name)) ||
		    !size_of(dirfd(dir), entry->d_name, &bytes))
			continue;
		walk->sum.bytes = MIN(walk->sum.bytes + MIN(bytes, most), most);
		walk->sum.messages++;
	}

	(void) closedir(dir);
}

/* new and cur of one folder; what is no mailbox has none. */
static void
visit(Walk *walk, int folder, const char *path)
{
	static const char *const places[] = { "new", "cur" };
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		struct stat info;
		int fd = openat(folder, places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstat(fd, &info) == 0)
			walk->stamp += (guint64) info.st_ino * 31 +
			               (guint64) info.st_mtim.tv_sec * 1000003 +
			               (guint64) info.st_mtim.tv_nsec;
		if (walk->counts)
			count_files(walk, fd, path);
		else
			(void) close(fd);
	}
}

/* Can an entry of the INBOX (Maildir++) or of a folder (layout fs) be a folder? */
static bool
may_be_folder(unsigned layout, const struct dirent *entry)
{
	const char *name = entry->d_name;
	if (entry->d_type != DT_DIR && entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return false;
	if (layout == CONF_FOLDER_LAYOUT_MAILDIRPP)
		return name[0] == '.' && name[1] != '\0' && strcmp(name, "..") != 0;

	return name[0] != '.' && strcmp(name, "new") != 0 && strcmp(name, "cur") != 0 &&
	       strcmp(name, "tmp") != 0;
}

/*
 * `folder` and those below it; Maildir++ has all of them in the INBOX. In folders within folders
 * links are not followed: they may lead round in circles.
 */
static void
walk_folder(Walk *walk, int folder, const char *path, unsigned levels)
{
	visit(walk, folder, path);
	unsigned layout = walk->quota->conf->folder_layout;
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	            (layout == CONF_FOLDER_LAYOUT_MAILDIRPP ? 0 : O_NOFOLLOW);
	int fd = levels > 0 ? openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL)
		return;

	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		auto_fd int below = may_be_folder(layout, entry)
		                            ? openat(folder, entry->d_name, flags)
		                            : -1;
		g_autofree char *name = g_strconcat(path, path[0] != '\0' ? "/" : "", entry->d_name,
		                                    NULL);
		if (below >= 0)
			walk_folder(walk, below, name,
			            layout == CONF_FOLDER_LAYOUT_MAILDIRPP ? 0 : levels - 1);
	}

	(void) closedir(dir);
}

static Walk
walk_all(const Quota *quota, bool counts)
{
	Walk walk = { .quota = quota, .counts = counts };
	walk_folder(&walk, quota->inbox, "", LIMIT_FOLDER_LEVELS);
	return walk;
}

/* Flushed, for the definition may stand nowhere else. */
static bool
write_new_file(const Quota *quota, const char *name, Status *st)
{
	g_autofree char *definition = print_definition(&quota->limit);
	g_autofree char *text = g_strdup_printf("%s%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
	                                        definition, quota->used.bytes,
	                                        quota->used.messages);
	auto_fd int fd = openat(quota->inbox, name,
	                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make '%s'", name);
	if (!fs_write_all(fd, text, strlen(text), name, st) || !fs_sync(fd, name, st))
		return false;

	return renameat(quota->inbox, name, quota->inbox, SIZE_FILE) == 0 ||
	       status_fail_errno(st, errno, "cannot replace '" SIZE_FILE "'");
}

/* A file that cannot be written is no fault of the mail: then it is counted again the next time. */
static void
replace_file(const Quota *quota)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *unique = maildir_unique_name();
	g_autofree char *name = g_strconcat("tmp/", unique, NULL);
	DeadlineFile guard = { .dirfd = quota->inbox, .name = name };

	deadline_add_file(&guard);
	if (!write_new_file(quota, name, &st))
		(void) unlinkat(quota->inbox, name, 0);
	deadline_drop_file(&guard);
}

/* Who delivered meanwhile wrote to the old file: then the new one is not to be believed either. */
static void
recount(Quota *quota)
{
	Walk walk = walk_all(quota, true);

	quota->used = walk.sum;
	quota->lines = 1;
	quota->mtime = time(NULL);
	if (quota->look_only)
		return;
	replace_file(quota);
	if (walk_all(quota, false).stamp != walk.stamp && quota->conf->quota == CONF_QUOTA_SITE)
		(void) unlinkat(quota->inbox, SIZE_FILE, 0);
}

static char *
trash_path(const Conf *conf, const Maildir *inbox)
{
	if (conf->quota_trash)
		return NULL;
	const char *why, *name = folder_of_special_use(conf, NULL, "\\Trash", NULL);
	FolderRules rules = folder_rules_of(conf);
	return folder_path(&rules, inbox, name != NULL ? name : "Trash", &why);
}

static Amount
limit_of(const Conf *conf, const SizeFile *file)
{
	return conf->quota == CONF_QUOTA_SITE ? (Amount){ conf->quota_bytes, conf->quota_messages }
	                                      : file->limit;
}

Quota *
quota_open(const Maildir *inbox, const Conf *conf, GPtrArray *notes)
{
	SizeFile file = { .sound = false };
	if (conf->quota == CONF_QUOTA_OFF)
		return NULL;

	bool found = read_size_file(maildir_fd(inbox), &file);
	Amount limit = limit_of(conf, &file);
	if (limit.bytes == 0 && limit.messages == 0) {
		if (found && !file.sound)
			g_ptr_array_add(
				notes,
				g_strdup("no quota: cannot read the definition in '" SIZE_FILE
			                 "'"));
		return NULL;
	}

	Quota *quota = g_new0(Quota, 1);
	*quota = (Quota){ .conf = conf,
		          .inbox = maildir_fd(inbox),
		          .look_only = maildir_is_rehearsal(inbox),
		          .trash = trash_path(conf, inbox),
		          .limit = limit,
		          .used = file.used,
		          .lines = file.lines,
		          .mtime = file.mtime };
	if (!file.sound || file.limit.bytes != limit.bytes || file.limit.messages != limit.messages)
		recount(quota);

	return quota;
}

void
quota_free(Quota *quota)
{
	if (quota == NULL)
		return;
	g_free(quota->trash);
	g_free(quota);
}

bool
quota_counts(const Quota *quota, const char *path, const char *letters)
{
	if (quota->trash == NULL)
		return true;
	size_t len = strlen(quota->trash);

	/* its NUL counts, too */
	bool in_trash = strncmp(path, quota->trash, len) == 0 && strchr("./", path[len]) != NULL;
	return !in_trash && (letters == NULL || strchr(letters, 'T') == NULL);
}

static bool
fits(const Quota *quota, gint64 bytes)
{
	return (quota->limit.bytes == 0 || quota->used.bytes + bytes <= quota->limit.bytes) &&
	       (quota->limit.messages == 0 || quota->used.messages + 1 <= quota->limit.messages);
}

/*
 * Say how full the mailbox is, and what it may hold: sender, owner and admin can all do something
 * about it.
 */
static bool
fail_full(const Quota *quota, gint64 more, Status *st)
{
	StatusId full = quota->conf->quota_full == CONF_QUOTA_FULL_BOUNCE ? STATUS_QUOTA
	                                                                  : STATUS_QUOTA_GRACE;
	g_autoptr(GString) fill = g_string_new(NULL);

	if (quota->limit.bytes > 0)
		g_string_append_printf(fill, "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes",
		                       quota->used.bytes, quota->limit.bytes);
	if (quota->limit.messages > 0)
		g_string_append_printf(
			fill, "%s%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " messages",
			fill->len > 0 ? ", " : "", quota->used.messages, quota->limit.messages);

	status_fail(st, full, "mailbox is full: %s are there", fill->str);
	return status_prefix(st,
	                     "quota: %" G_GINT64_FORMAT " bytes and %" G_GINT64_FORMAT
	                     " messages are there, %" G_GINT64_FORMAT " bytes came",
	                     quota->used.bytes, quota->used.messages, more);
}

bool
quota_take(Quota *quota, guint64 bytes, Status *st)
{
	gint64 more = (gint64) MIN(bytes, (guint64) most);

	if (quota->limit.bytes > 0 && more > quota->limit.bytes)
		return status_fail(st, STATUS_TOO_BIG,
		                   "message of %" G_GINT64_FORMAT
		                   " bytes is too big for this mailbox of %" G_GINT64_FORMAT
		                   " bytes",
		                   more, quota->limit.bytes);

	if (!fits(quota, more) && (quota->lines != 1 || quota->mtime + BELIEVED_S < time(NULL)))
		recount(quota);
	if (!fits(quota, more))
		return fail_full(quota, more, st);

	quota->used.bytes += more;
	quota->used.messages++;
	return true;
}

void
quota_add(const Quota *quota, gint64 bytes, gint64 messages)
{
	if (quota->look_only)
		return;
	auto_fd int fd = openat(quota->inbox, SIZE_FILE,
	                        O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat info;
	char line[64];
	int len = snprintf(line, sizeof line, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", bytes,
	                   messages);

	if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
		/* what is missing here, the next count finds */
		(void) !write(fd, line, (size_t) len);
}

/* What a name says that its file has; else what the file has. */
static gint64
size_said(const char *name, guint64 bytes)
{
	const char *said = strstr(name, ",S=");
	char *end = NULL;
	gint64 number = said != NULL ? g_ascii_strtoll(said + strlen(",S="), &end, 10) : -1;
	bool is_said = number >= 0 && end != said + strlen(",S=") && strchr(",:", *end) != NULL;
	return is_said ? number : (gint64) MIN(bytes, (guint64) most);
}

void
quota_moved(const Quota *quota, QuotaFile from, QuotaFile to, guint64 bytes)
{
	bool counted = quota_counts(quota, from.path, letters_of(from.name));
	bool counts = quota_counts(quota, to.path, letters_of(to.name));
	gint64 size = size_said(to.name, bytes);

	if (counted != counts)
		quota_add(quota, counts ? size : -size, counts ? 1 : -1);
}

bool
quota_has_room(const char *path, const Conf *conf, guint64 bytes, Status *st)
{
	if (conf->quota == CONF_QUOTA_OFF)
		return true;
	g_auto(Status) absent = STATUS_INIT;
	MaildirOptions look_only = { .umask = (mode_t) conf->umask,
		                     .durability = CONF_DURABILITY_NONE };
	g_autoptr(Maildir) inbox = maildir_open(path, &look_only, &absent);
	if (inbox == NULL)
		return true;

	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Quota) quota = quota_open(inbox, conf, notes);
	return quota == NULL || quota_take(quota, MAX(bytes, 1), st);
}

bool
quota_look(const Maildir *inbox, const Conf *conf, bool counts, QuotaLook *ret)
{
	SizeFile file = { .sound = false };
	if (conf->quota == CONF_QUOTA_OFF)
		return false;

	bool found = read_size_file(maildir_fd(inbox), &file);
	Amount limit = limit_of(conf, &file);
	if (limit.bytes == 0 && limit.messages == 0)
		return false;

	g_autofree char *trash = trash_path(conf, inbox), *definition = print_definition(&limit);
	const Quota quota = { .conf = conf, .inbox = maildir_fd(inbox), .trash = trash };
	Amount sum = counts ? walk_all(&quota, true).sum : file.used;

	*ret = (QuotaLook){ .has_file = found,
		            .is_sound = file.sound,
		            .said_bytes = file.used.bytes,
		            .said_messages = file.used.messages,
		            .bytes = sum.bytes,
		            .messages = sum.messages,
		            .limit_bytes = limit.bytes,
		            .limit_messages = limit.messages };
	g_strlcpy(ret->definition, g_strchomp(definition), sizeof ret->definition);

	return true;
}
