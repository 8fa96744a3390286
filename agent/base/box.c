/* SPDX-License-Identifier: MIT */
/*
 * box: Landlock by its system calls. The numbers and structs of the interface are written down
 * here, as headers of older systems lack them.
 */
#define _GNU_SOURCE
#include "agent/base/box.h"

#include "agent/base/libc.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on all machines. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };

enum { ASK_VERSION = 1, RULE_PATH = 1, RULE_PORT = 2 };

/* Rights, in the order of the versions that brought them. */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_CHAR = 1 << 6,
	MAKE_DIR = 1 << 7,
	MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9,
	MAKE_FIFO = 1 << 10,
	MAKE_BLOCK = 1 << 11,
	MAKE_SYM = 1 << 12,
	REFER = 1 << 13,     /* 2 */
	TRUNCATE = 1 << 14,  /* 3 */
	IOCTL_DEV = 1 << 15, /* 5 */

	OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,

	BIND_TCP = 1 << 0, /* 4 */
	CONNECT_TCP = 1 << 1,

	SCOPE_ABSTRACT = 1 << 0, /* 6: unix sockets without a path */
	SCOPE_SIGNAL = 1 << 1,
};

typedef struct {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
} BoxRuleset;

typedef struct __attribute__((packed)) {
	uint64_t rights;
	int32_t fd;
} BoxPathRule;

typedef struct {
	uint64_t rights;
	uint64_t port;
} BoxPortRule;

/* -1: there is none. */
static int
landlock_version(void)
{
	static int version;
	if (version == 0)
		version = (int) syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	return version;
}

static bool
is_said_to_lack(const char *what)
{
	const char *said = secure_getenv("TODOKE_TEST_KERNEL");
	return said != NULL && strstr(said, what) != NULL;
}

unsigned
box_can(void)
{
	unsigned can = 0;
#ifndef __SANITIZE_ADDRESS__
	int version = is_said_to_lack("no-landlock") ? -1 : landlock_version();
	/* the first one never lets a file be linked into another folder */
	can |= version >= 2 ? BOX_CAN_PATHS : 0;
	can |= version >= 4 ? BOX_CAN_PORTS : 0;
	can |= !is_said_to_lack("no-seccomp") && box_calls_can() ? BOX_CAN_CALLS : 0;
#else
	(void) landlock_version;
	(void) is_said_to_lack;
#endif
	return can;
}

/* The rights on files that this kernel knows. */
static uint64_t
known_rights(int version)
{
	uint64_t rights = (REFER << 1) - 1;
	rights |= version >= 3 ? TRUNCATE : 0;
	return rights | (version >= 5 ? IOCTL_DEV : 0);
}

bool
box_paths_begin(BoxPaths *paths, unsigned can, bool keeps_signals)
{
	int version = landlock_version();
	BoxRuleset ruleset = { .fs = known_rights(version) };
	size_t size = sizeof ruleset.fs;

	if (version >= 4) {
		size = offsetof(BoxRuleset, scoped);
		ruleset.net = (can & BOX_CAN_PORTS) != 0 ? BIND_TCP | CONNECT_TCP : 0;
	}

	if (version >= 6) {
		size = sizeof ruleset;
		ruleset.scoped = SCOPE_ABSTRACT | (keeps_signals ? 0 : SCOPE_SIGNAL);
	}

	int fd = (int) syscall(CREATE_RULESET, &ruleset, size, 0);
	*paths = (BoxPaths){ .can = can, .version = version, .ruleset = fd };
	paths->opened[paths->n_opened++] = fd; /* those of the paths follow it */
	return fd >= 0;
}

static bool
allow_fd(BoxPaths *paths, int fd, unsigned rights)
{
	uint64_t known = known_rights(paths->version);
	uint64_t wanted = (rights & BOX_READ) != 0 ? READ_FILE | READ_DIR : 0;
	if ((rights & BOX_EXECUTE) != 0)
		wanted |= EXECUTE;
	if ((rights & BOX_WRITE) != 0)
		wanted |= WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK |
		          MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE;
	/* most are folders; a file cannot have the rights of one, and the kernel says so */
	const BoxPathRule of_folder = { wanted & known, fd },
			  of_file = { wanted & known & OF_FILES, fd };
	bool maybe_folder = (rights & BOX_OF_FILE) == 0;
	return (maybe_folder && syscall(ADD_RULE, paths->ruleset, RULE_PATH, &of_folder, 0) == 0) ||
	       ((!maybe_folder || errno == EINVAL) &&
	        syscall(ADD_RULE, paths->ruleset, RULE_PATH, &of_file, 0) == 0);
}

/* What says nothing about the path: another try may well open it. */
static bool
is_of_the_moment(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOSPC || err == EDQUOT ||
	       err == EINTR;
}

bool
box_is_refusal(int err)
{
	return err == ENOSYS || err == EOPNOTSUPP || err == EPERM || err == E2BIG;
}

/* What a disk or a file server says that may be back at the next try. */
bool
box_is_of_disk(int err)
{
	return err == EIO || err == ESTALE;
}

static bool
fail(BoxPaths *paths, int err, unsigned rights)
{
	bool writes = (rights & BOX_WRITE) != 0, counts = is_of_the_moment(err);
	if (writes && paths->fault == 0 && counts)
		paths->fault = err;
	if (!writes && (counts || (paths->read_fault == 0 && box_is_of_disk(err))))
		paths->read_fault = err;
	errno = err;
	return false;
}

static bool
allow(BoxPaths *paths, const char *path, int flags, unsigned rights)
{
	/* only who asks for a folder has it mounted that waits for that: of a home, or all mail */
	int folder = (rights & BOX_OF_FILE) == 0 ? O_DIRECTORY : 0;
	int fd = open(path, O_PATH | O_CLOEXEC | flags | folder);
	if (fd < 0 && errno == ENOTDIR && folder != 0 && (flags & O_DIRECTORY) == 0)
		fd = open(path, O_PATH | O_CLOEXEC | flags);
	if (fd < 0)
		return fail(paths, errno, rights);

	bool done = allow_fd(paths, fd, rights) || fail(paths, errno, rights);
	if (!done && box_is_refusal(errno))
		paths->fault = errno;
	if (paths->n_opened < sizeof paths->opened / sizeof *paths->opened)
		paths->opened[paths->n_opened++] = fd;
	else
		(void) close(fd);
	return done;
}

/* Descriptors that follow each other by one call. */
static void
close_opened(BoxPaths *paths)
{
	unsigned first = 0;
	for (unsigned i = 1; i <= paths->n_opened; i++)
		if (i == paths->n_opened || paths->opened[i] != paths->opened[i - 1] + 1) {
			(void) close_range((unsigned) paths->opened[first],
			                   (unsigned) paths->opened[i - 1], 0);
			first = i;
		}
	paths->n_opened = 0;
}

bool
box_paths_allow(BoxPaths *paths, const char *path, unsigned rights)
{
	return allow(paths, path, 0, rights);
}

bool
box_paths_allow_folder(BoxPaths *paths, const char *path, unsigned rights)
{
	return allow(paths, path, O_DIRECTORY | O_NOFOLLOW, rights);
}

void
box_paths_allow_port(BoxPaths *paths, unsigned port)
{
	const BoxPortRule rule = { CONNECT_TCP, port };
	/* a kernel that does not know ports lets all of them be connected to */
	if ((paths->can & BOX_CAN_PORTS) != 0)
		(void) syscall(ADD_RULE, paths->ruleset, RULE_PORT, &rule, 0);
}

void
box_paths_drop(BoxPaths *paths)
{
	close_opened(paths);
	paths->ruleset = -1;
}

bool
box_paths_close(BoxPaths *paths)
{
	bool done = paths->fault == 0 && syscall(RESTRICT_SELF, paths->ruleset, 0) == 0;
	int err = paths->fault != 0 ? paths->fault : errno;

	box_paths_drop(paths);
	errno = err;
	return done;
}
