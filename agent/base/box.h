/* SPDX-License-Identifier: MIT */
/*
 * box: from now on this process reaches only these paths and ports (Landlock), and makes only the
 * calls of a list (seccomp, box-calls.h). What it starts is in the box too, and nothing leads out
 * of it.
 */
#ifndef TODOKE_BOX_H
#define TODOKE_BOX_H

#include "agent/base/box-calls.h"

/* What the kernel can do here; bits. */
enum {
	BOX_CAN_PATHS = 1, /* Landlock, in a version that lets files be linked from tmp to new */
	BOX_CAN_PORTS = 2, /* Landlock knows TCP */
	BOX_CAN_CALLS = 4,
};

/*
 * The first time it costs two system calls. 0 in builds with sanitizers, whose own calls are not on
 * the list.
 *
 * TODOKE_TEST_KERNEL=no-landlock,no-seccomp in the environment (not of a process that gained
 * privileges by exec) makes it a kernel without these, for tests.
 */
unsigned box_can(void);

/*
 * Is this errno the word of a kernel that offers a box and then refuses to make one? A container
 * may forbid single calls, and of boxes within boxes there is a limit.
 */
bool box_is_refusal(int err);

/* What may be done with a path, and with all below it; bits. */
enum {
	BOX_READ = 1,
	BOX_WRITE = 2, /* make, change, link and remove */
	BOX_EXECUTE = 4,
	BOX_OF_FILE = 8, /* no right, but known to be no folder: saves asking twice */
};

/* The paths and ports of a box that is not in force yet. */
typedef struct {
	unsigned can;
	int version; /* of Landlock */
	int ruleset;
	int fault;      /* errno of the first path that a fault of the moment kept out; 0: none */
	int read_fault; /* the same of a path that is only read; box_paths_close does not mind it */
	unsigned n_opened;
	int opened[64]; /* the ruleset and the paths; closed together at the end */
} BoxPaths;

/* Is it a fault of the disk, or of a file server? Then it is the path's own, and may pass. */
bool box_is_of_disk(int err);

/*
 * Begin with nothing: no path, and, if `can` has BOX_CAN_PORTS, no port. `keeps_signals`: the
 * process must be able to end others that are not in its box. False: errno; nothing was begun.
 */
bool box_paths_begin(BoxPaths *paths, unsigned can, bool keeps_signals);

/*
 * Allow a file, or a folder and all below it. A path that is not there allows nothing. False: it
 * is not there, or cannot be allowed; errno. Where the process or the kernel lacked the means
 * (descriptors, memory, room), box_paths_close will fail with that errno: a box without the path
 * would turn it into "permission denied" later.
 */
bool box_paths_allow(BoxPaths *paths, const char *path, unsigned rights);

/* The same of a folder that is no link. */
bool box_paths_allow_folder(BoxPaths *paths, const char *path, unsigned rights);

/* Allow connecting to a port of TCP. */
void box_paths_allow_port(BoxPaths *paths, unsigned port);

/*
 * Put it in force, for good. The process must have "no new privileges". False: errno (of a path
 * that could not be allowed, too), and it is not in force.
 */
bool box_paths_close(BoxPaths *paths);

/* Give it up: nothing comes in force. */
void box_paths_drop(BoxPaths *paths);

#endif
