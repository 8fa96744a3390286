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

void
lmtp_spool_open(LmtpSpool *spool, const char *folder)
{
	GString *few = spool->few != NULL ? g_string_truncate(spool->few, 0) : g_string_new(NULL);
	lmtp_spool_close(spool);
	*spool = (LmtpSpool){ .fd = -1, .few = few, .folder = folder };
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

/* The octets so far go into a file in memory. */
static bool
make_file(LmtpSpool *spool, Status *st)
{
	spool->fd = memfd_create("todoke-lmtp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (spool->fd < 0)
		return status_fail_errno(st, errno, "cannot make a file in memory");

	spool->bytes = 0;
	return write_at_end(spool, spool->few->str, spool->few->len, st);
}

bool
lmtp_spool_write(LmtpSpool *spool, const void *data, size_t len, Status *st)
{
	if (spool->fd < 0 && spool->bytes + len <= LIMIT_LMTP_SPOOL_FEW) {
		g_string_append_len(spool->few, data, (gssize) len);
		spool->bytes += len;
		return true;
	}

	if (spool->fd < 0 && !make_file(spool, st))
		return false;
	if (!spool->on_disk && spool->bytes + len > LIMIT_LMTP_SPOOL_MEMORY &&
	    !move_to_disk(spool, st))
		return false;
	return write_at_end(spool, data, len, st);
}

const char *
lmtp_spool_few(const LmtpSpool *spool, size_t *ret_len)
{
	if (spool->fd >= 0)
		return NULL;
	*ret_len = spool->few->len;
	return spool->few->str;
}

int
lmtp_spool_take(LmtpSpool *spool, Status *st)
{
	return spool->fd >= 0 || make_file(spool, st) ? fs_steal_fd(&spool->fd) : -1;
}

/*
 * Nobody may change the octets any more: a file in memory is sealed; one that cannot be, on disk,
 * becomes root's, so that only who has it open can write.
 */
static bool
fix_octets(int fd)
{
	const int seals = F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	int now = fcntl(fd, F_GET_SEALS);
	bool is_sealed = now >= 0 && ((now & seals) == seals || fcntl(fd, F_ADD_SEALS, seals) == 0);

	return is_sealed || (fchown(fd, 0, 0) == 0 && fchmod(fd, 0400) == 0);
}

/* Put a file of our own in the place of somebody's. False: errno. */
static bool
copy_octets(int fd, const char *folder)
{
	g_auto(Status) st = STATUS_INIT;
	auto_fd int own = open_unnamed(folder);
	return own >= 0 && fs_copy(fd, 0, -1, own, "spool", &st) && lseek(own, 0, SEEK_SET) == 0 &&
	       fchmod(own, 0400) == 0 && dup3(own, fd, O_CLOEXEC) == fd;
}

/* A copy in memory that nobody can change. -1: errno. */
static int
copy_sealed(int fd)
{
	g_auto(Status) st = STATUS_INIT;
	auto_fd int own = memfd_create("todoke-lmtp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool is_whole = own >= 0 && fs_copy(fd, 0, -1, own, "spool", &st) &&
	                lseek(own, 0, SEEK_SET) == 0 && fix_octets(own);
	return is_whole ? fs_steal_fd(&own) : -1;
}

int
lmtp_spool_lend(int fd, const char *folder, Status *st)
{
	g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
	bool is_fixed = fix_octets(fd) || (errno == EPERM && copy_octets(fd, folder));
	int lent = is_fixed ? open(name, O_RDONLY | O_CLOEXEC) : -1;

	if (is_fixed && lent < 0 && errno == ENOENT) /* a chroot without /proc */
		lent = copy_sealed(fd);
	if (lent < 0)
		status_fail_errno(st, errno, "cannot open the message for its owner");
	return lent;
}

void
lmtp_spool_close(LmtpSpool *spool)
{
	if (spool->fd >= 0)
		(void) close(spool->fd);
	spool->fd = -1;
	if (spool->few != NULL)
		g_string_truncate(spool->few, 0);
	spool->bytes = 0;
	spool->on_disk = false;
}
