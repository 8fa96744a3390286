/* SPDX-License-Identifier: MIT */
/* quota-memory: a line under a lock. */
#define _GNU_SOURCE
#include "agent/store/quota-memory.h"

#include "agent/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line has three numbers and a newline. */
enum { LINE_BYTES = 80 };

/* The latest refusal is written no more often than this, in seconds. */
enum { WRITTEN_EVERY = 60 };

/* How long a process waits for the lock, which others hold for one read and one write. */
enum { LOCK_STEPS = 100, LOCK_STEP_US = 10000 };

static int
open_file(const char *folder, int flags)
{
	g_autofree char *path = g_build_filename(folder, QUOTA_MEMORY_FILE, NULL);
	struct stat info;
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd >= 0 && (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))) {
		(void) close(fd);
		return -1;
	}
	return fd;
}

static void
parse(const char *line, QuotaMemory *ret)
{
	char *since_end, *last_end, *end;
	QuotaMemory memory = { .since = g_ascii_strtoll(line, &since_end, 10),
		               .last = g_ascii_strtoll(since_end, &last_end, 10) };
	guint64 warned = g_ascii_strtoull(last_end, &end, 10);
	memory.warned = (unsigned) MIN(warned, 1000);

	bool is_whole = since_end != line && last_end != since_end && end != last_end &&
	                *end == '\n' && memory.since >= 0 && memory.last >= memory.since;
	*ret = is_whole ? memory : (QuotaMemory){ 0 };
}

static void
read_line(int fd, QuotaMemory *ret)
{
	char line[LINE_BYTES + 1];
	ssize_t len = pread(fd, line, LINE_BYTES, 0);

	line[len > 0 ? len : 0] = '\0';
	parse(line, ret);
}

void
quota_memory_read(const char *folder, QuotaMemory *ret)
{
	auto_fd int fd = folder != NULL ? open_file(folder, O_RDONLY) : -1;

	*ret = (QuotaMemory){ 0 };
	if (fd >= 0)
		read_line(fd, ret);
}

static int
open_to_change(const char *folder)
{
	int fd = open_file(folder, O_RDWR | O_CREAT);
	if (fd >= 0 || errno != ENOENT)
		return fd;

	g_auto(Status) ignored = STATUS_INIT;
	auto_fd int made = -1;
	if (!fs_make_dir(AT_FDCWD, folder, 0700, &made, &ignored))
		return -1;
	return open_file(folder, O_RDWR | O_CREAT);
}

/* The file, locked, and what it says; closing unlocks it. -1: it cannot be had. */
static int
lock(const char *folder, QuotaMemory *ret)
{
	int fd = folder != NULL ? open_to_change(folder) : -1;

	for (unsigned i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_STEPS) {
			(void) close(fd);
			return -1;
		}
		g_usleep(LOCK_STEP_US);
	}

	if (fd >= 0)
		read_line(fd, ret);
	return fd;
}

/* The length first: a line that is cut counts as none. */
static bool
write_line(int fd, const QuotaMemory *memory)
{
	char line[LINE_BYTES];
	int len = snprintf(line, sizeof line, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %u\n",
	                   memory->since, memory->last, memory->warned);
	return ftruncate(fd, 0) == 0 && pwrite(fd, line, (size_t) len, 0) == len;
}

/* Count one more refusal. True: it is to be written. */
static bool
add_refusal(QuotaMemory *memory, gint64 now, gint64 forgets)
{
	bool is_known = memory->since > 0 && memory->since <= now && memory->last + forgets >= now;
	if (is_known && memory->last + WRITTEN_EVERY > now)
		return false;

	memory->since = is_known ? memory->since : now;
	memory->last = now;
	return true;
}

gint64
quota_memory_refuse(const char *folder, gint64 now, gint64 forgets, bool look_only)
{
	QuotaMemory memory;
	quota_memory_read(folder, &memory);
	if (!add_refusal(&memory, now, forgets) || look_only)
		return memory.since;

	auto_fd int fd = lock(folder, &memory);
	if (fd < 0)
		return memory.since;
	if (add_refusal(&memory, now, forgets))
		(void) write_line(fd, &memory);

	return memory.since;
}

void
quota_memory_take(const char *folder)
{
	QuotaMemory memory;
	quota_memory_read(folder, &memory);
	if (memory.since == 0)
		return;

	auto_fd int fd = lock(folder, &memory);
	memory.since = memory.last = 0;
	if (fd >= 0)
		(void) write_line(fd, &memory);
}

bool
quota_memory_reach(const char *folder, unsigned percent, bool look_only)
{
	QuotaMemory memory;
	quota_memory_read(folder, &memory);
	if (memory.warned == percent || look_only)
		return memory.warned < percent;

	auto_fd int fd = lock(folder, &memory);
	if (fd < 0 || memory.warned == percent)
		return false;

	bool was_lower = memory.warned < percent;
	memory.warned = percent;
	return write_line(fd, &memory) && was_lower;
}
