/* SPDX-License-Identifier: MIT */
/* fs: the few file operations that a delivery needs, each finished or failed with a Status. */
#ifndef TODOKE_FS_H
#define TODOKE_FS_H

#include "agent/base/status.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A descriptor that closes itself when it leaves the scope: auto_fd int fd = -1. It becomes -1. */
#define auto_fd __attribute__((cleanup(fs_close_auto)))
void fs_close_auto(int *fd);

/* Take the descriptor out of an auto_fd. */
int fs_steal_fd(int *fd);

/*
 * Does `path` exist? Links are followed. False without a fault in `st`: no. False with a fault: it
 * cannot be found out now, or a folder on the way is closed.
 */
bool fs_exists(const char *path, Status *st);

/*
 * Are both names one file? A client of NFS repeats a call whose answer was lost, and hears that the
 * new name is there already (link), or the old one gone (rename), as it has done that itself.
 */
bool fs_is_same_file(int dirfd, const char *name, int other_dirfd, const char *other);

/*
 * Write all of `data`, going on after short writes and EINTR. `what` names the file in the fault.
 */
bool fs_write_all(int fd, const void *data, size_t len, const char *what, Status *st);

/* What is written side by side, from where it stands. */
typedef struct {
	const char *data;
	size_t len;
} FsPiece;

/* As fs_write_all, of pieces, one behind the other. */
bool fs_write_pieces(int fd, const FsPiece *pieces, size_t n, const char *what, Status *st);

/*
 * Read up to `len` bytes, waiting for the first, going on after EINTR; *ret_len is 0 at the end of
 * the file.
 */
bool fs_read(int fd, void *data, size_t len, size_t *ret_len, const char *what, Status *st);

/* The same from `offset` of a regular file. */
bool fs_read_at(int fd, off_t offset, void *data, size_t len, size_t *ret_len, const char *what,
                Status *st);

/*
 * Read `len` bytes from `offset` of a regular file, all of them: STATUS_TRUNCATED where it ends
 * before.
 */
bool fs_read_exactly_at(int fd, off_t offset, void *data, size_t len, const char *what, Status *st);

/*
 * Flush a file or a directory to the disk. A file system that cannot flush a directory (EINVAL)
 * counts as flushed.
 */
bool fs_sync(int fd, const char *what, Status *st);

/*
 * Close, and report the error of close(2), where NFS and quotas report first. *fd becomes -1 in any
 * case.
 */
bool fs_close(int *fd, const char *what, Status *st);

/*
 * Open /dev/null for reading and writing. Where there is none, as in many a chroot: what takes its
 * number, and fails at both. Close-on-exec. -1: errno.
 */
int fs_open_null(void);

/*
 * Open a regular file for reading, without waiting for a writer where it is a FIFO. `what` says in
 * the fault what it is not ("a regular file"). *ret_sb is its state. Faults: STATUS_IO (it is
 * something else), and those of opening. The descriptor is the caller's.
 */
bool
fs_open_regular(const char *path, const char *what, int *ret_fd, struct stat *ret_sb, Status *st);

/*
 * Does `err` of opening a path say that there is no such file or folder (gone, a link, another kind
 * of file)? All else means that nobody could look.
 */
bool fs_is_absence(int err);

/*
 * For the detail of a fault `err` of opening a folder: "" or, where owner and mode would let it,
 * that it is not in the box. Static.
 */
const char *fs_explain_denial(int err, int dirfd, const char *path);

/*
 * Open a directory below `dirfd` (AT_FDCWD) for the *at calls. Follows symbolic links, by which
 * owners move folders.
 */
bool fs_open_dir(int dirfd, const char *path, int *ret_fd, Status *st);

/*
 * The next entry of a folder, good until the next call; NULL: *ret_err is 0 where that was all, and
 * else the errno by which the rest cannot be read.
 */
const struct dirent *fs_next_entry(DIR *dir, int *ret_err);

/*
 * The next name of a folder, in *ret_name until the next call; NULL: that was all. A folder that
 * cannot be read to its end is a fault: what was not seen may be there. `what` names it.
 */
bool fs_next_name(DIR *dir, const char **ret_name, const char *what, Status *st);

/*
 * Open a directory and make it and its parents with `mode` (before umask) where they are missing;
 * what is made is flushed.
 */
bool fs_make_dir(int dirfd, const char *path, mode_t mode, int *ret_fd, Status *st);

/*
 * Could fs_make_dir make `path`, which is missing? Nothing is made. Faults: those that it would
 * meet.
 */
bool fs_may_make_dir(int dirfd, const char *path, Status *st);

/*
 * Copy `len` bytes (all to the end if < 0) from `from` at `offset` to `to`'s position, in the
 * kernel where it can.
 */
bool fs_copy(int from, off_t offset, off_t len, int to, const char *what, Status *st);

/*
 * Remove a folder of our own and all below it, without following links; what cannot be removed
 * stays.
 */
void fs_remove_tree(const char *path);

/*
 * Open a file of the owner's to append to it, made with `mode` (before umask) where it is missing.
 * A symbolic link is followed only if this user or root made it, as in a folder that others write
 * to it may be anybody's; the same holds for a file in a sticky folder. Faults: those of open(2);
 * STATUS_MAILBOX for what is not a regular file.
 */
bool fs_open_append(const char *path, mode_t mode, int *ret_fd, Status *st);

/* Would fs_open_append succeed? Nothing is made. */
bool fs_may_append(const char *path, Status *st);

/*
 * The whole of a small file, NUL-terminated; more than `limit` bytes is STATUS_LIMIT. Caller frees
 * with g_free.
 */
bool fs_read_file(int dirfd, const char *path, size_t limit, char **ret_data, size_t *ret_len,
                  Status *st);

/* Why a file must not be trusted, judged by its owner and mode; NULL: it may. Caller frees. */
typedef char *FsJudge(const struct stat *sb, const void *user);

/*
 * As fs_read_file, of the very file that was judged; STATUS_UNTRUSTED for one that must not be
 * trusted.
 */
bool fs_read_judged(int dirfd, const char *path, size_t limit, FsJudge *judge, const void *user,
                    char **ret_data, size_t *ret_len, Status *st);

/* This process's id; only the first call asks the system. */
pid_t fs_own_pid(void);

/*
 * This process's effective uid. Only a process that began as root can get another one, so only that
 * asks the system.
 */
uid_t fs_own_euid(void);

/* Its effective gid, in the same way. */
gid_t fs_own_egid(void);

/* The file mode mask. It is set through this alone, which makes no call for what is set already. */
void fs_set_umask(mode_t mask);

/* The name of this host, "localhost" where it has none; only the first call asks the system. */
const char *fs_host_name(void);

#endif
