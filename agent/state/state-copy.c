/* SPDX-License-Identifier: MIT */
/*
 * state-copy: the octets of the file and of its write-ahead log, read again where somebody wrote
 * meanwhile.
 */
#define _GNU_SOURCE
#include "agent/state/state-copy.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_TRIES = 8, FILES = 2 };

static const char *const ends[FILES] = { "", "-wal" };

/* What changes when somebody writes. */
typedef struct {
	struct timespec time[FILES];
	off_t size[FILES];
} Stamp;

static Stamp
stamp_of(const char *path)
{
	Stamp stamp;

	memset(&stamp, 0, sizeof stamp); /* stamps are compared as octets */
	for (size_t i = 0; i < FILES; i++) {
		struct stat sb;
		g_autofree char *whole = g_strconcat(path, ends[i], NULL);
		if (stat(whole, &sb) < 0)
			continue;
		stamp.time[i] = sb.st_mtim;
		stamp.size[i] = sb.st_size;
	}

	return stamp;
}

static bool
copy_file(const char *from, const char *to, Status *st)
{
	g_autofree char *data = NULL;
	size_t len = 0;
	g_auto(Status) fault = STATUS_INIT;
	g_autoptr(GError) error = NULL;

	(void) unlink(to); /* of an earlier try: what is longer would keep its end */
	if (!fs_read_file(AT_FDCWD, from, LIMIT_STATE_COPY, &data, &len, &fault)) {
		if (fault.id == STATUS_MISSING)
			return true;
		status_move(st, &fault);
		return false;
	}

	if (g_file_set_contents_full(to, data, (gssize) len, G_FILE_SET_CONTENTS_NONE, 0600,
	                             &error))
		return true;
	return status_fail_detail(st, STATUS_IO, "cannot copy '%s': %s", from, error->message);
}

bool
state_copy(const char *folder, const char *name, const char *to, Status *st)
{
	g_autofree char *from = g_build_filename(folder, name, NULL),
			*copy = g_build_filename(to, name, NULL);
	for (int i = 0; i < COPY_TRIES; i++) {
		const Stamp before = stamp_of(from);
		for (size_t n = 0; n < FILES; n++) {
			g_autofree char *source = g_strconcat(from, ends[n], NULL),
					*target = g_strconcat(copy, ends[n], NULL);
			if (!copy_file(source, target, st))
				return false;
		}
		const Stamp after = stamp_of(from);
		if (memcmp(&before, &after, sizeof before) == 0)
			return true;
	}

	return status_fail_detail(st, STATUS_LOCKED, "'%s' is being written to", from);
}
