/* SPDX-License-Identifier: MIT */
/*
 * why-follow: each record stays open, so that looking whether it has grown needs nobody's rights;
 * only what is opened anew does.
 */
#define _GNU_SOURCE
#include "agent/cmd/why-follow.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/state/record-reader.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Milliseconds between two looks, and looks after which the names are looked at, too. */
enum { PAUSE_MS = 200, LOOKS = 4 };

/* One record. */
typedef struct {
	RecordOwner *owner;
	int fd; /* -1: it is not there */
	ino_t inode;
	off_t at;
	GString *rest; /* the beginning of a line */
} Watched;

typedef struct {
	const WhyQuery *query;
	const Conf *conf;
	GPtrArray *watched;
	void (*show)(void *user, const json_t *record);
	void *user;
} Follow;

static volatile sig_atomic_t is_over;

static void
stop(int signal_number)
{
	(void) signal_number;
	is_over = 1;
}

static void
watched_free(gpointer data)
{
	Watched *watched = data;
	fs_close_auto(&watched->fd);
	g_string_free(watched->rest, TRUE);
	g_free(watched);
}

static void
show_line(const Follow *follow, const RecordOwner *owner, const char *text, size_t len)
{
	json_t *record = record_reader_parse(text, len);
	if (record != NULL && why_query_fits(follow->query, record) &&
	    record_owner_has(owner, record))
		follow->show(follow->user, record);
	json_decref(record);
}

/* What has been appended. */
static void
read_more(const Follow *follow, Watched *watched)
{
	g_auto(Status) unreadable = STATUS_INIT;
	g_autofree char *piece = g_malloc(LIMIT_COPY_CHUNK);
	size_t n = 1;

	while (n > 0 && fs_read_at(watched->fd, watched->at, piece, LIMIT_COPY_CHUNK, &n,
	                           watched->owner->path, &unreadable)) {
		watched->at += (off_t) n;
		g_string_append_len(watched->rest, piece, (gssize) n);

		const char *start = watched->rest->str, *stop_at;
		while ((stop_at = strchr(start, '\n')) != NULL) {
			show_line(follow, watched->owner, start, (size_t) (stop_at - start));
			start = stop_at + 1;
		}
		g_string_erase(watched->rest, 0, start - watched->rest->str);
		if (watched->rest->len > LIMIT_RECORD_LINE_READ)
			g_string_truncate(watched->rest, 0);
	}
}

/* Is there another file under the name? The one before is read to its end. */
static void
look_at_name(const Follow *follow, Watched *watched, bool is_first)
{
	g_auto(Status) st = STATUS_INIT, left = STATUS_INIT;
	struct stat sb;
	auto_fd int fd = -1;

	if (record_owner_enter(follow->conf, watched->owner, &st))
		fd = open(watched->owner->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (!record_owner_leave(watched->owner, &left))
		g_error("%s", left.detail);
	if (fd < 0 || fstat(fd, &sb) < 0 || !S_ISREG(sb.st_mode) ||
	    (watched->fd >= 0 && sb.st_ino == watched->inode))
		return;

	if (watched->fd >= 0)
		read_more(follow, watched);
	fs_close_auto(&watched->fd);
	watched->fd = fs_steal_fd(&fd);
	watched->inode = sb.st_ino;
	watched->at = is_first ? sb.st_size : 0;
	g_string_truncate(watched->rest, 0);
}

static void
look(const Follow *follow, bool at_names)
{
	struct stat sb;

	for (guint i = 0; i < follow->watched->len && !is_over; i++) {
		Watched *watched = follow->watched->pdata[i];
		if (watched->fd >= 0 && fstat(watched->fd, &sb) == 0 && sb.st_size > watched->at)
			read_more(follow, watched);
		if (at_names)
			look_at_name(follow, watched, false);
	}
}

void
why_follow(const WhyQuery *query, const Conf *conf, GPtrArray *owners,
           void (*show)(void *user, const json_t *record), void *user)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(watched_free);
	Follow follow = { query, conf, all, show, user };
	struct sigaction action = { .sa_handler = stop };

	(void) sigaction(SIGINT, &action, NULL);
	(void) sigaction(SIGTERM, &action, NULL);
	for (guint i = 0; i < owners->len; i++) {
		Watched *watched = g_new0(Watched, 1);
		*watched = (Watched){ .owner = owners->pdata[i],
			              .fd = -1,
			              .rest = g_string_new(NULL) };
		g_ptr_array_add(all, watched);
		look_at_name(&follow, watched, true);
	}

	for (unsigned looks = 0; !is_over; looks++) {
		look(&follow, looks % LOOKS == 0);
		g_usleep(PAUSE_MS * G_TIME_SPAN_MILLISECOND);
	}
}
