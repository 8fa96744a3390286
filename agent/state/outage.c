/* SPDX-License-Identifier: MIT */
/* outage: a head of fixed length, and as many octets as mails. */
#define _GNU_SOURCE
#include "agent/state/outage.h"

#include "agent/base/fs.h"
#include "agent/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* "SINCE TOLD\n", both with twenty digits; TOLD is 0 where nothing was told yet. */
enum { HEAD_OCTETS = 42 };

typedef struct {
	gint64 since;
	gint64 told;
} Head;

int
outage_open_folder(const char *path, bool make)
{
	enum { WRITABLE_BY_OTHERS = 022 };
	if (*path != '/')
		return -1;

	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && make && (mkdir(path, 0700) == 0 || errno == EEXIST))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	struct stat sb;
	bool is_ours = fd >= 0 && fstat(fd, &sb) == 0 && sb.st_uid == fs_own_euid() &&
	               (sb.st_mode & WRITABLE_BY_OTHERS) == 0;
	return is_ours ? fs_steal_fd(&fd) : -1;
}

/* "down-0123456789abcdef", and the same for the one before. */
static void
make_names(const char *protocol, const char *peer, char **ret_name, char **ret_past)
{
	g_autofree char *whom = g_strconcat(protocol, " ", peer, NULL);
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, whom, -1);

	*ret_name = g_strdup_printf("down-%.16s", hash);
	*ret_past = g_strconcat(*ret_name, ".past", NULL);
}

static bool
read_head(int fd, Head *ret_head)
{
	char text[HEAD_OCTETS + 1] = "";
	long long since, told;

	if (pread(fd, text, HEAD_OCTETS, 0) != HEAD_OCTETS ||
	    sscanf(text, "%20lld %20lld\n", &since, &told) != 2)
		return false;
	*ret_head = (Head){ since, told };
	return true;
}

/* `fd` must not append: Linux would write at the end. */
static bool
write_head(int fd, const Head *head)
{
	char text[HEAD_OCTETS + 1];
	int len = snprintf(text, sizeof text, "%020lld %020lld\n", (long long) head->since,
	                   (long long) head->told);
	return len == HEAD_OCTETS && pwrite(fd, text, HEAD_OCTETS, 0) == HEAD_OCTETS;
}

/* When an outage before this one was told last; 0: none was. */
static gint64
told_before(int folder, const char *past)
{
	Head head;
	auto_fd int fd = openat(folder, past, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 && read_head(fd, &head) ? head.told : 0;
}

/*
 * Begin the file, whole from the first moment that others see it. False: it is there, as another
 * process was faster, or it cannot be made.
 */
static bool
begin(int folder, const char *name, const char *past, gint64 now)
{
	g_autofree char *draft = g_strdup_printf("%s.%d", name, (int) fs_own_pid());
	auto_fd int fd = openat(folder, draft,
	                        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	const gint64 before = told_before(folder, past);
	bool is_recent = before > 0 && before <= now && before + OUTAGE_TOLD_EVERY > now;
	const Head head = { now, is_recent ? MIN(before, now - 1) : 0 };
	bool is_made = fd >= 0 && write_head(fd, &head) &&
	               linkat(folder, draft, folder, name, 0) == 0;

	if (fd >= 0)
		(void) unlinkat(folder, draft, 0); /* what stays is written over by the next */
	return is_made;
}

static int
open_file(int folder, const char *name, int flags)
{
	return openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Is something to be told now? Who has not got the lock leaves that to who has. */
static OutageNews
take_news(int folder, const char *name, gint64 now, Head *head)
{
	auto_fd int fd = open_file(folder, name, O_RDWR);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !read_head(fd, head))
		return OUTAGE_QUIET;
	bool is_first = head->told == 0;
	/* A delivery that began a little earlier is no clock that was set back. */
	if (!is_first && ABS(now - head->told) < OUTAGE_TOLD_EVERY)
		return OUTAGE_QUIET;

	/*
	 * Who began the file may have begun its own delivery later than we did. What is told lies
	 * within the outage, or its end would be taken for that of one which nobody heard of.
	 */
	head->since = MIN(head->since, now);
	head->told = now;
	if (!write_head(fd, head))
		return OUTAGE_QUIET;
	return is_first ? OUTAGE_BEGINS : OUTAGE_GOES_ON;
}

bool
outage_put_off(int folder, const char *protocol, const char *peer, gint64 now, Outage *ret_outage)
{
	g_autofree char *name = NULL, *past = NULL;
	make_names(protocol, peer, &name, &past);

	auto_fd int fd = open_file(folder, name, O_WRONLY | O_APPEND);
	if (fd < 0) {
		(void) begin(folder, name, past, now);
		fd = open_file(folder, name, O_WRONLY | O_APPEND);
	}

	struct stat sb;
	Head head = { now, 0 };
	if (fd < 0 || write(fd, ".", 1) != 1 || fstat(fd, &sb) < 0)
		return false;

	OutageNews news = take_news(folder, name, now, &head);
	*ret_outage = (Outage){ news, head.since, (guint64) MAX(sb.st_size - HEAD_OCTETS, 1) };
	return true;
}

bool
outage_over(int folder, const char *protocol, const char *peer, Outage *ret_outage)
{
	g_autofree char *name = NULL, *past = NULL;
	make_names(protocol, peer, &name, &past);

	/* One process moves it away. Opened before, as the next outage may take the past's name. */
	struct stat sb;
	Head head;
	auto_fd int fd = open_file(folder, name, O_RDONLY);
	if (renameat(folder, name, folder, past) < 0)
		return false;
	if (fd < 0 || fstat(fd, &sb) < 0 || !read_head(fd, &head))
		return false;

	/* told within this outage? One that was told before it began was another. */
	bool was_told = head.told >= head.since;
	*ret_outage = (Outage){ was_told ? OUTAGE_ENDS : OUTAGE_QUIET, head.since,
		                (guint64) MAX(sb.st_size - HEAD_OCTETS, 0) };
	return true;
}

/* "10:02 UTC", with the day where it is another than that of `now`. Caller frees. */
static char *
print_time(gint64 time, gint64 now)
{
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(time);
	enum { SECONDS_PER_DAY = 86400 };
	bool is_today = time / SECONDS_PER_DAY == now / SECONDS_PER_DAY;
	return when != NULL
	               ? g_date_time_format(when, is_today ? "%H:%M UTC" : "%Y-%m-%d %H:%M UTC")
	               : g_strdup("an unknown day");
}

/* How the log calls such a peer. */
static const char *
kind_of(const char *protocol)
{
	static const char *const kinds[][2] = { { OUTSIDE_SENDMAIL, "sendmail" },
		                                { OUTSIDE_STATE, "state server" },
		                                { OUTSIDE_USERS, "source of users" } };
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(protocol, kinds[i][0]) == 0)
			return kinds[i][1];
	return "submit server";
}

void
outage_log(const Outage *outage, const char *protocol, const char *peer, const char *reply,
           gint64 now)
{
	g_autofree char *since = print_time(outage->since, now);
	g_autofree char *text = NULL;
	EventId event;
	int priority = LOG_WARNING;

	switch (outage->news) {
	case OUTAGE_QUIET:
		return;
	case OUTAGE_BEGINS:
		event = EVENT_PEER_DOWN;
		text = g_strdup_printf("%s %s does not answer since %s", kind_of(protocol), peer,
		                       since);
		break;
	case OUTAGE_GOES_ON:
		event = EVENT_PEER_STILL_DOWN;
		text = g_strdup_printf("%s %s does not answer since %s, %" G_GUINT64_FORMAT
		                       " mails put off",
		                       kind_of(protocol), peer, since, outage->count);
		break;
	case OUTAGE_ENDS:
	default:
		event = EVENT_PEER_BACK;
		priority = LOG_NOTICE;
		text = g_strdup_printf(
			"%s %s answers again; it did not since %s, %" G_GUINT64_FORMAT
			" mails were put off",
			kind_of(protocol), peer, since, outage->count);
		break;
	}

	LogLine *line = log_line_new_event(event);
	log_line_add(line, "protocol", protocol);
	log_line_add(line, "peer", peer);
	log_line_add(line, "reply", reply);
	log_line_add_int(line, "count", (gint64) outage->count);
	log_line_add(line, "text", text);
	log_line_send(line, priority);
}

static int
open_either(const char *path, const char *otherwise, bool make)
{
	int fd = outage_open_folder(path, make);
	return fd < 0 && otherwise != NULL ? outage_open_folder(otherwise, make) : fd;
}

static void
tell_over(const char *path, const char *otherwise, const OutsideReached *reached, gint64 now)
{
	Outage outage;
	auto_fd int folder = open_either(path, otherwise, false);
	if (folder >= 0 && outage_over(folder, reached->protocol, reached->peer, &outage))
		outage_log(&outage, reached->protocol, reached->peer, NULL, now);
}

/* The first `n` failures: is it one of them that this peer is down? */
static bool
is_down_among(const GPtrArray *failures, guint n, const char *protocol, const char *peer)
{
	for (guint i = 0; i < n; i++) {
		const Outside *outside = failures->pdata[i];
		if (outside->is_down && strcmp(outside->protocol, protocol) == 0 &&
		    g_strcmp0(outside->peer, peer) == 0)
			return true;
	}
	return false;
}

bool
outage_tell(const char *path, const char *otherwise, gint64 now)
{
	const GPtrArray *failures = outside_seen(), *reached = outside_reached();
	bool is_told = false;

	for (guint i = 0; i < reached->len; i++) {
		const OutsideReached *one = reached->pdata[i];
		if (!is_down_among(failures, failures->len, one->protocol, one->peer))
			tell_over(path, otherwise, one, now);
	}

	/* a peer that failed twice has one mail put off */
	for (guint i = 0; i < failures->len; i++) {
		const Outside *outside = failures->pdata[i];
		Outage outage;
		if (!outside->is_down || outside->peer == NULL ||
		    is_down_among(failures, i, outside->protocol, outside->peer))
			continue;
		auto_fd int folder = open_either(path, otherwise, true);
		if (folder < 0 ||
		    !outage_put_off(folder, outside->protocol, outside->peer, now, &outage))
			continue;
		outage_log(&outage, outside->protocol, outside->peer, outside->reply, now);
		is_told = true;
	}

	return is_told;
}
