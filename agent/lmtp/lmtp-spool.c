/* SPDX-License-Identifier: MIT */
/* lmtp-spool: unnamed files. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-spool.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

bool
lmtp_spool_open(LmtpSpool *spool, const char *folder, Status *st)
{
	lmtp_spool_close(spool);
	int fd = memfd_create("todoke-lmtp", MFD_CLOEXEC);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make a file in memory");

	*spool = (LmtpSpool){ .fd = fd, .folder = folder };
	return true;
}

/* Not every file system has O_TMPFILE. */
static int
open_unnamed(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;

	g_autofree char *name = g_build_filename(folder, "todoke-XXXXXX", NULL);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		(void) unlink(name);

	return fd;
}

static bool
move_to_disk(LmtpSpool *spool, Status *st)
{
	auto_fd int fd = open_unnamed(spool->folder);

	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make a file in lmtp_spool '%s'",
		                         spool->folder);
	if (!fs_copy(spool->fd, 0, (off_t) spool->bytes, fd, "spool", st))
		return false;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return status_fail_errno(st, errno, "cannot go back in the spool");

	(void) close(spool->fd);
	spool->fd = fs_steal_fd(&fd);
	spool->on_disk = true;

	return true;
}

/* The descriptor's offset stays at the beginning, where the message is read from. */
static bool
write_at_end(LmtpSpool *spool, const char *data, size_t len, Status *st)
{
	while (len > 0) {
		ssize_t n = pwrite(spool->fd, data, len, (off_t) spool->bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return status_fail_errno(st, errno, "cannot write to the spool");
		data += n;
		len -= (size_t) n;
		spool->bytes += (guint64) n;
	}
	return true;
}

bool
lmtp_spool_write(LmtpSpool *spool, const void *data, size_t len, Status *st)
{
	if (!spool->on_disk && spool->bytes + len > LIMIT_LMTP_SPOOL_MEMORY &&
	    !move_to_disk(spool, st))
		return false;
	return write_at_end(spool, data, len, st);
}

int
lmtp_spool_take(LmtpSpool *spool)
{
	return fs_steal_fd(&spool->fd);
}

void
lmtp_spool_close(LmtpSpool *spool)
{
	if (spool->fd >= 0)
		(void) close(spool->fd);
	spool->fd = -1;
}
