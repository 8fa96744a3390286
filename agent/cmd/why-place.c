/* SPDX-License-Identifier: MIT */
/* why-place: with the owner's rights, into the mailbox and into the file of sightings. */
#define _GNU_SOURCE
#include "agent/cmd/why-place.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "agent/store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIGHTINGS_FILE "sightings"

static const char *const names[WHY_PLACE_STATES] = {
	[WHY_PLACE_THERE] = "there", [WHY_PLACE_CHANGED] = "changed", [WHY_PLACE_MOVED] = "moved",
	[WHY_PLACE_GONE] = "gone",   [WHY_PLACE_UNKNOWN] = "unknown",
};

const char *
why_place_state_name(WhyPlaceState state)
{
	return names[state];
}

void
why_place_clear(WhyPlace *place)
{
	mail_place_clear(&place->place);
	g_clear_pointer(&place->folder, g_free);
	g_clear_pointer(&place->last_folder, g_free);
	g_clear_pointer(&place->why_not, g_free);
}

static char *
sightings_path(const WhyFound *found)
{
	g_autofree char *folder = g_path_get_dirname(found->owner->path);
	return g_build_filename(folder, SIGHTINGS_FILE, NULL);
}

/*
 * What earlier looks have seen: lines "MICROSECONDS BASE FOLDER". *ret_us is the last time that
 * the file was seen.
 */
static void
read_sightings(const char *path, const char *base, gint64 *ret_us, char **ret_folder)
{
	g_auto(Status) none = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len;

	/* Open it by hand: the owner's link must not be followed. */
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	text = g_malloc(2 * LIMIT_SIGHTINGS + 1);
	if (!fs_read_at(fd, 0, text, 2 * LIMIT_SIGHTINGS, &len, path, &none))
		return;
	text[len] = '\0';

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 3);
		if (g_strv_length(words) != 3 || strcmp(words[1], base) != 0)
			continue;
		*ret_us = g_ascii_strtoll(words[0], NULL, 10);
		g_free(*ret_folder);
		*ret_folder = g_utf8_make_valid(words[2], -1);
	}
}

/* One more; what cannot be written is not remembered. */
static void
write_sighting(const char *path, const char *base, gint64 now_us, const char *folder)
{
	struct stat sb;
	auto_fd int fd = open(
		path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode))
		return;
	if (sb.st_size > LIMIT_SIGHTINGS && ftruncate(fd, 0) < 0)
		return;

	g_autofree char *clean = g_strdelimit(g_strdup(folder), "\n", '?');
	g_autofree char *line = g_strdup_printf("%" G_GINT64_FORMAT " %s %s\n", now_us, base,
	                                        clean);
	ssize_t written = write(fd, line, strlen(line));
	(void) written;
}

/* The folder as people read it. Caller frees. */
static char *
name_of_folder(const Conf *conf, const char *path)
{
	g_auto(Status) st = STATUS_INIT;
	FolderRules rules = folder_rules_of(conf);
	char *name = *path != '\0' ? folder_name(&rules, NULL, path) : g_strdup("INBOX");
	return name != NULL ? name : g_strdup(path);
}

static WhyPlaceState
state_of(const MailPlace *place, const char *stored)
{
	if (place->is_moved)
		return WHY_PLACE_MOVED;
	g_autofree char *dir = g_path_get_dirname(stored), *now = g_path_get_dirname(place->path);
	const char *letters = strstr(stored, ":2,");
	bool same = strcmp(dir, now) == 0 &&
	            strcmp(letters != NULL ? letters + 3 : "", place->flags) == 0;
	return same ? WHY_PLACE_THERE : WHY_PLACE_CHANGED;
}

/* With the owner's rights. */
static void
look(const Conf *conf, const WhyFound *found, const json_t *done, gint64 now_us, WhyPlace *ret)
{
	const Account *account = found->owner->account;
	const MailPlaceWanted wanted = {
		.path = ret->file,
		.bytes = (guint64) json_integer_value(json_object_get(done, "bytes")),
		.body = why_text(found->record, "body"),
		.message_id = why_text(found->record, "message_id"),
	};
	auto_fd int inbox = open(account->maildir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_autofree char *base = mail_place_base(ret->file), *path = sightings_path(found);
	bool all = true;

	ret->last_us = found->time_us;
	ret->last_folder = g_strdup(why_text(done, "folder"));
	if (inbox < 0) {
		ret->why_not = g_strdup_printf("%s: %s", account->maildir, g_strerror(errno));
		return;
	}

	if (!mail_place_find(inbox, &wanted, &ret->place, &all)) {
		read_sightings(path, base, &ret->last_us, &ret->last_folder);
		ret->state = all ? WHY_PLACE_GONE : WHY_PLACE_UNKNOWN;
		if (!all)
			ret->why_not = g_strdup(
				_("not all of the mailbox could be looked through"));
		return;
	}

	ret->state = state_of(&ret->place, ret->file);
	ret->folder = name_of_folder(conf, ret->place.folder);
	ret->last_us = now_us;
	g_free(ret->last_folder);
	ret->last_folder = g_strdup(ret->folder);
	write_sighting(path, base, now_us, ret->folder);
}

bool
why_place_find(const Conf *conf, const WhyFound *found, const json_t *done, gint64 now_us,
               WhyPlace *ret)
{
	const char *file = why_text(done, "file");
	RecordOwner *owner = found->owner;
	g_auto(Status) st = STATUS_INIT, left = STATUS_INIT;

	*ret = (WhyPlace){ .state = WHY_PLACE_UNKNOWN, .file = file };
	if (file == NULL || file[0] == '/' || strchr(file, '/') == NULL)
		return false;

	/* One file for all names the account; the mailbox is looked up by that. */
	g_autoptr(Account) account = NULL;
	RecordOwner of_site = { 0 };
	WhyFound own = *found;
	if (owner->account == NULL) {
		const char *to = why_text(found->record, "to");
		account = to != NULL ? account_find(conf, to, &st) : NULL;
		if (account == NULL || account->returns_to != NULL)
			return false;
		of_site = (RecordOwner){ .account = account, .path = owner->path };
		own.owner = &of_site;
	}

	g_autoptr(Conf) scoped = account_conf(own.owner->account, conf);
	if (record_owner_enter(conf, own.owner, &st))
		look(scoped != NULL ? scoped : conf, &own, done, now_us, ret);
	else
		ret->why_not = g_strdup(st.detail);
	if (!record_owner_leave(own.owner, &left))
		g_error("%s", left.detail);

	return true;
}
