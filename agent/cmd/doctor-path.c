/* SPDX-License-Identifier: MIT */
/*
 * doctor-path: each component of the path to a mailbox as the user who delivers sees it. Runs as
 * that user, so the kernel judges owner, mode, access lists and mount alike.
 */
#define _GNU_SOURCE
#include "agent/cmd/doctor.h"

#include "agent/base/limits.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static char *
user_name(uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);
	return entry != NULL ? g_strdup(entry->pw_name) : g_strdup_printf("%u", (unsigned) uid);
}

static char *
group_name(gid_t gid)
{
	const struct group *entry = getgrgid(gid);
	return entry != NULL ? g_strdup(entry->gr_name) : g_strdup_printf("%u", (unsigned) gid);
}

static bool
has_access_list(const char *path)
{
	return getxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

/*
 * The first component of `path` that is a link which root did not make: whoever made it chose what
 * a command for the path would change. NULL: there is none. Caller frees.
 */
static char *
find_link(const char *path)
{
	for (const char *end = path; *end != '\0';) {
		const char *slash = strchr(end + 1, '/');
		end = slash != NULL ? slash : end + strlen(end);
		g_autofree char *part = g_strndup(path, (size_t) (end - path));
		struct stat sb;
		if (lstat(part, &sb) == 0 && S_ISLNK(sb.st_mode) && sb.st_uid != 0)
			return g_steal_pointer(&part);
	}

	return NULL;
}

/*
 * The command that gives us `letters` on the folder, for its owner or root: by the mode, by the
 * access list where that is what refuses, else by the owner. It names the folder without links, and
 * chown follows none that is put there meanwhile. Caller frees.
 */
static char *
grant_command(const char *path, const struct stat *sb, const char *letters)
{
	char *real = realpath(path, NULL);
	g_autofree char *quoted = g_shell_quote(real != NULL ? real : path);
	free(real);
	unsigned uid = (unsigned) geteuid(), gid = (unsigned) getegid();

	if (sb->st_uid == geteuid())
		return g_strdup_printf("chmod u+%s %s", letters, quoted);
	if (has_access_list(path))
		return g_strdup_printf("setfacl -m u:%u:%s %s", uid, letters, quoted);
	if (strchr(letters, 'w') == NULL)
		return g_strdup_printf("chmod o+%s %s", letters, quoted);
	return g_strdup_printf("chown -h %u:%u %s && chmod u+%s %s", uid, gid, quoted, letters,
	                       quoted);
}

/* A link leads to a folder that is not ours: the link has to go, and that folder stays as it is. */
static void
tell_link(Doctor *doctor, const char *link)
{
	g_autofree char *quoted = g_shell_quote(link), *target = g_file_read_link(link, NULL),
			*us = user_name(geteuid());
	doctor_find(doctor, DOCTOR_PATH_LINK, link,
	            g_strdup_printf("mv -n %s %s.link", quoted, quoted), link,
	            target != NULL ? target : "?", us, NULL);
}

/*
 * We may not do what `id` says with the folder. False: because a link of the user's led there, and
 * that was told.
 */
static bool
tell_refused(Doctor *doctor, DoctorFindingId id, const char *path, const struct stat *sb,
             const char *letters)
{
	g_autofree char *link = sb->st_uid != geteuid() ? find_link(path) : NULL;
	if (link != NULL) {
		tell_link(doctor, link);
		return false;
	}

	g_autofree char *us = user_name(geteuid()), *owner = user_name(sb->st_uid),
			*group = group_name(sb->st_gid),
			*mode = g_strdup_printf("%04o", (unsigned) sb->st_mode & 07777);

	doctor_find(doctor, id, path, grant_command(path, sb, letters), us, path, owner, group,
	            mode, has_access_list(path) ? "+" : "", NULL);
	return true;
}

/* The folder at which the file system of `path` begins. Caller frees. */
static char *
mount_point(const char *path)
{
	g_autofree char *at = g_strdup(path);
	struct stat here, above;

	while (strcmp(at, "/") != 0 && stat(at, &here) == 0) {
		g_autofree char *parent = g_path_get_dirname(at);
		if (stat(parent, &above) == 0 && above.st_dev != here.st_dev)
			break;
		g_free(at);
		at = g_steal_pointer(&parent);
	}

	return g_steal_pointer(&at);
}

/* A mailbox that is not there yet is made by the first delivery, if it can be. */
static void
look_at_missing(Doctor *doctor, const char *path, const char *parent)
{
	struct stat sb;
	const char *inbox = doctor->account->maildir;
	g_autofree char *quoted = g_shell_quote(inbox);

	if (!doctor->conf->create_maildir) {
		g_autofree char *user = g_shell_quote(doctor->account->user);
		doctor_find(doctor, DOCTOR_PATH_MISSING, path,
		            g_strdup_printf("todoke account --create %s", user), path,
		            "create_maildir = no", NULL);
	} else if (stat(parent, &sb) == 0 && access(parent, W_OK | X_OK) != 0 && errno == EACCES) {
		if (!tell_refused(doctor, DOCTOR_PATH_WRITE, parent, &sb, "rwx") ||
		    sb.st_uid == geteuid())
			return;
		DoctorFinding *finding = doctor->findings->pdata[doctor->findings->len - 1];
		/* the folder of others stays theirs */
		g_free(finding->fix);
		g_free(finding->typed);
		finding->fix = g_strdup_printf("install -d -o %u -g %u -m 0700 %s",
		                               (unsigned) geteuid(), (unsigned) getegid(), quoted);
		finding->typed = g_strdup(finding->fix);
	}
}

/* Every folder from the root on; false: what follows cannot be looked at, and it was told why. */
static bool
look_at_components(Doctor *doctor, const char *path)
{
	g_autofree char *parent = g_strdup("/");

	for (const char *end = path; *end != '\0';) {
		const char *slash = strchr(end + 1, '/');
		end = slash != NULL ? slash : end + strlen(end);
		g_autofree char *part = g_strndup(path, (size_t) (end - path));
		g_autofree char *quoted = g_shell_quote(part);
		struct stat sb;

		if (stat(part, &sb) < 0) {
			if (errno == ENOENT)
				look_at_missing(doctor, part, parent);
			else if (errno != EACCES)
				doctor_find(doctor, DOCTOR_NO_ACCOUNT, part, NULL,
				            g_strerror(errno), NULL);
			return false;
		}
		if (!S_ISDIR(sb.st_mode)) {
			doctor_find(doctor, DOCTOR_PATH_NO_FOLDER, part,
			            g_strdup_printf("mv -n %s %s.not-a-folder", quoted, quoted),
			            part, NULL);
			return false;
		}
		if (access(part, X_OK) != 0) {
			(void) tell_refused(doctor, DOCTOR_PATH_SEARCH, part, &sb, "x");
			return false;
		}
		g_free(parent);
		parent = g_steal_pointer(&part);
	}

	return true;
}

/* What a folder is called that refuses us: the user's own, or somebody else's. */
typedef struct {
	DoctorFindingId own, other;
} Refusal;

static const Refusal on_the_way = { DOCTOR_PATH_OWN_WRITE, DOCTOR_PATH_WRITE },
		     below_inbox = { DOCTOR_FOLDER_OWN_WRITE, DOCTOR_FOLDER_WRITE };

static void
look_at_writing(Doctor *doctor, const char *path, const Refusal *refusal)
{
	struct stat sb;
	bool is_there = stat(path, &sb) == 0;
	if (!is_there || access(path, W_OK | X_OK) == 0 || errno != EACCES)
		return;

	if (sb.st_uid == geteuid()) {
		g_autofree char *mode = g_strdup_printf("%04o", (unsigned) sb.st_mode & 07777);
		doctor_find(doctor, refusal->own, path, grant_command(path, &sb, "rwx"), path, mode,
		            NULL);
	} else {
		(void) tell_refused(doctor, refusal->other, path, &sb, "rwx");
	}
}

static void
look_at_openness(Doctor *doctor, const char *path)
{
	struct stat sb;
	if (stat(path, &sb) < 0 || (sb.st_mode & S_IWOTH) == 0)
		return;
	g_autofree char *quoted = g_shell_quote(path),
			*mode = g_strdup_printf("%04o", (unsigned) sb.st_mode & 07777);
	doctor_find(doctor, DOCTOR_PATH_OPEN, path, g_strdup_printf("chmod o-w %s", quoted), path,
	            mode, NULL);
}

static void
look_at_parts(Doctor *doctor, const char *path, const Refusal *refusal)
{
	static const char *const parts[] = { "tmp", "new", "cur" };

	look_at_openness(doctor, path);
	bool lacks_some = false;
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *inside = g_build_filename(path, parts[i], NULL);
		struct stat sb;
		if (stat(inside, &sb) < 0) {
			lacks_some |= errno == ENOENT;
			continue;
		}
		look_at_writing(doctor, inside, refusal);
		look_at_openness(doctor, inside);
	}

	if (lacks_some)
		look_at_writing(doctor, path, refusal); /* they have to be made there */
}

void
doctor_look_at_folder(Doctor *doctor, const char *path)
{
	struct stat sb;
	if (lstat(path, &sb) < 0 || !S_ISDIR(sb.st_mode))
		return; /* what a link leads to may be shared, and somebody else's */
	if (access(path, X_OK) < 0) {
		look_at_writing(doctor, path, &below_inbox);
		return;
	}

	g_autofree char *cur = g_build_filename(path, "cur", NULL);
	if (stat(cur, &sb) == 0)
		look_at_parts(doctor, path, &below_inbox);
}

bool
doctor_is_new_file_system(GHashTable *seen, const char *path)
{
	struct stat sb;
	return stat(path, &sb) == 0 && g_hash_table_add(seen, GSIZE_TO_POINTER((gsize) sb.st_dev));
}

enum { MEGABYTE = 1024 * 1024, FEW_MEGABYTES = 64, FEW_INODES = 1000, ONE_PERCENT = 100 };

void
doctor_look_at_space(Doctor *doctor, const char *path)
{
	struct statvfs fs;
	if (statvfs(path, &fs) < 0)
		return;

	g_autofree char *mount = mount_point(path), *quoted = g_shell_quote(mount);
	guint64 left = (guint64) fs.f_bavail * fs.f_frsize / MEGABYTE,
		total = (guint64) fs.f_blocks * fs.f_frsize / MEGABYTE;
	g_autofree char *left_text = g_strdup_printf("%" G_GUINT64_FORMAT, left),
			*total_text = g_strdup_printf("%" G_GUINT64_FORMAT, total),
			*inodes = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64) fs.f_favail),
			*most = g_strdup_printf("%" G_GUINT64_FORMAT, (guint64) fs.f_files);

	if ((fs.f_flag & ST_RDONLY) != 0)
		doctor_find(doctor, DOCTOR_READ_ONLY, path,
		            g_strdup_printf("mount -o remount,rw %s", quoted), path, NULL);
	if (left < FEW_MEGABYTES || left < total / ONE_PERCENT)
		doctor_find(doctor, DOCTOR_DISK_SPACE, path,
		            g_strdup_printf("du -x -h %s | sort -h | tail", quoted), path,
		            left_text, total_text, NULL);
	if (fs.f_files > 0 && (fs.f_favail < FEW_INODES || fs.f_favail < fs.f_files / ONE_PERCENT))
		doctor_find(doctor, DOCTOR_INODES, path,
		            g_strdup_printf("du -x --inodes %s | sort -n | tail", quoted), path,
		            inodes, most, NULL);
}

/* quota(1) marks what is over a limit with a star; it prints nothing where there are no quotas. */
static void
look_at_disk_quota(Doctor *doctor)
{
	static const char *const argv[] = { "quota", "-w", NULL };
	g_autofree char *text = NULL;
	int code;
	if (!doctor_ask(argv, &text, &code))
		return;

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		g_auto(GStrv) words = g_strsplit_set(g_strstrip(*line), " \t", 2);
		if (**line != '/' || strchr(*line, '*') == NULL)
			continue;
		g_autofree char *us = user_name(geteuid()), *device = g_shell_quote(words[0]);
		doctor_find(doctor, DOCTOR_DISK_QUOTA, doctor->account->maildir,
		            g_strdup_printf("setquota -u %s 0 0 0 0 %s", us, device), us, *line,
		            NULL);
	}
}

/* "PATH has context A, should be B", as matchpathcon -V says it. */
static void
look_at_label(Doctor *doctor, const char *path)
{
	static const char has[] = " has context ", should[] = ", should be ";
	const char *argv[] = { "matchpathcon", "-V", path, NULL };
	g_autofree char *text = NULL;
	int code;
	if (!doctor_ask(argv, &text, &code) || code == 0)
		return;

	const char *label = strstr(text, has),
		   *wanted = label != NULL ? strstr(label, should) : NULL;
	if (wanted == NULL)
		return;

	label += strlen(has);
	g_autofree char *found = g_strndup(label, (gsize) (wanted - label)),
			*needed = g_strdup(wanted + strlen(should)), *quoted = g_shell_quote(path);
	doctor_find(doctor, DOCTOR_SELINUX_LABEL, path,
	            g_strdup_printf("restorecon -Rv %s", quoted), path, found, g_strstrip(needed),
	            NULL);
}

void
doctor_path(Doctor *doctor)
{
	const char *path = doctor->account->maildir;
	if (!look_at_components(doctor, path))
		return;

	look_at_parts(doctor, path, &on_the_way);
	doctor_look_at_space(doctor, path);
	look_at_disk_quota(doctor);
	look_at_label(doctor, path);
}
